//! A plant of one database.

use std::path::Path;
use std::time::Duration;

use contract::kit::source::Bench;
use contract::{
    Batch, Event, Fault, Field, FieldKind, ListAddress, ListId, Notice, Reads, Setup, Site, Source,
    SourceKind, TagAddress, TagId, async_trait,
};
use peers::foreign::Folder;
use peers::sql::{Database, Kind as Which, READER};
use serde_json::{Value, json};
use source_sql::Kind;

/// The longest that anything may take.
pub const STEP_MAX: Duration = Duration::from_secs(20);

/// A source from tables as an integrator writes them. The fields of each list are `number`, which is its key,
/// `quantity` and `changed`.
pub fn try_make(
    state: &Path,
    table: Value,
    tags: &[Value],
    lists: &[Value],
) -> Result<Box<dyn Source>, Vec<Fault>> {
    let tags = tags.iter().enumerate().map(|(at, tag)| TagAddress {
        id: TagId(at as u32),
        machine: "press-3".to_owned(),
        address: serde_json::from_value(tag.clone()).expect("a good address"),
    });
    let field = |name: &str, kind| Field { name: name.into(), from: name.into(), kind, format: None };
    let lists = lists.iter().enumerate().map(|(at, list)| ListAddress {
        id: ListId(at as u32),
        name: format!("orders-{at}"),
        fields: vec![
            field("number", FieldKind::Text),
            field("quantity", FieldKind::Number),
            field("changed", FieldKind::Time),
        ],
        key: vec![0],
        address: serde_json::from_value(list.clone()).expect("a good list"),
    });
    let site = Site {
        name: "Usine".to_owned(),
        language: "fr".to_owned(),
        timezone: "Europe/Paris".to_owned(),
        machines: Vec::new(),
    };
    let setup = Setup { name: "erp", site: &site, state };
    let settings = serde_json::from_value(table).expect("a good table");
    Kind::build(&setup, settings, Reads { tags: tags.collect(), lists: lists.collect() })
}

/// A source from tables that fit together.
pub fn make(state: &Path, table: Value, tags: &[Value], lists: &[Value]) -> Box<dyn Source> {
    try_make(state, table, tags, lists).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// The table of a source that reads as a user who may only read.
pub fn table(database: &Database, folder: &Folder) -> Value {
    table_as(database, folder, READER)
}

/// The table of a source that reads as this user.
pub fn table_as(database: &Database, folder: &Folder, (user, password): (&str, &str)) -> Value {
    let secret = folder.path().join(format!("secret-{password}"));
    std::fs::write(&secret, password).expect("written");
    json!({"url": database.url(), "user": user, "password": {"file": secret}, "tls": "disable", "every": "1s"})
}

/// Waits for it, not for ever.
pub async fn soon<T>(step: impl Future<Output = T>) -> T {
    tokio::time::timeout(STEP_MAX, step).await.expect("in time")
}

/// The keys of the records of a batch, `?` before one that is not understood; `+` for a list that begins, `.` and `,`
/// for one that is whole and for one that is in part.
pub fn keys(batch: &Batch) -> Vec<String> {
    let name = |event: &Event| match event {
        Event::Record(record) => record.key.to_string(),
        Event::Begin(_) => "+".to_owned(),
        Event::Whole(_) => ".".to_owned(),
        Event::Partly(_) => ",".to_owned(),
        Event::There(_, key) => format!("?{key}"),
        other => panic!("{other:?}"),
    };
    batch.events.iter().map(name).collect()
}

/// Reads without settling until `is_enough` says so of all that came.
pub async fn read_until(source: &mut dyn Source, is_enough: impl Fn(&Batch) -> bool) -> Batch {
    let mut all = Batch::default();
    let start = std::time::Instant::now();
    while !is_enough(&all) {
        assert!(start.elapsed() < STEP_MAX, "not enough in time: {all:?}");
        let batch = soon(source.next()).await.expect("a batch");
        all.ticket = batch.ticket.or(all.ticket);
        all.samples.extend(batch.samples);
        all.events.extend(batch.events);
        all.notices.extend(batch.notices);
    }
    all
}

/// Reads until a notice came.
pub async fn notice(source: &mut dyn Source) -> Notice {
    read_until(source, |all| !all.notices.is_empty()).await.notices.remove(0)
}

/// The bench of the kit.
pub struct RealBench {
    database: Database,
    folder: Folder,
}

impl RealBench {
    /// Nothing said yet.
    pub async fn start(which: Which) -> RealBench {
        let database = Database::start(which).await;
        database.run("create table readings (machine varchar(20), oil decimal(8,2)); insert into readings values ('press-3', -1)");
        RealBench { database, folder: Folder::new("sql") }
    }
}

#[async_trait]
impl Bench for RealBench {
    fn make(&mut self) -> Box<dyn Source> {
        let tag = json!({"query": "select oil from readings where machine = '{machine}'", "column": "oil"});
        make(self.folder.path(), table(&self.database, &self.folder), &[tag], &[])
    }

    async fn say(&mut self, value: f64) {
        self.database.run(&format!("update readings set oil = {value}"));
    }

    async fn cut(&mut self) {
        self.database.kill();
    }

    async fn heal(&mut self) {
        self.database.restart().await;
    }

    fn gives_again(&self) -> bool {
        false
    }

    fn is_polled(&self) -> bool {
        true
    }
}
