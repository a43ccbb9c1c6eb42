//! A plant of one business system.

use std::path::Path;
use std::time::Duration;

use contract::kit::source::Bench;
use contract::{
    Batch, Check, Event, Fault, Field, FieldKind, ListAddress, ListId, Notice, Reads, Setup, Site, Source,
    SourceKind, TagAddress, TagId, async_trait,
};
use peers::foreign::Folder;
use serde_json::{Value, json};
use source_http::Kind;

use crate::erp::Erp;

/// The longest that anything may take.
pub const STEP_MAX: Duration = Duration::from_secs(15);

/// A source from tables as an integrator writes them. The fields of each list are `Number`, which is its key,
/// `Quantity` and, if it is asked for what has changed, `Changed`.
pub fn try_make(
    state: &Path,
    table: Value,
    tags: &[Value],
    lists: &[Value],
) -> Result<Box<dyn Source>, Vec<Fault>> {
    let settings: <Kind as SourceKind>::Settings = serde_json::from_value(table).expect("a good table");
    assert_eq!(settings.check(), []);
    let tags = tags.iter().enumerate().map(|(at, tag)| TagAddress {
        id: TagId(at as u32),
        machine: "press-3".to_owned(),
        address: serde_json::from_value(tag.clone()).expect("a good address"),
    });
    let lists = lists.iter().enumerate().map(|(at, list)| {
        let address: <Kind as SourceKind>::List = serde_json::from_value(list.clone()).expect("a good list");
        assert_eq!(address.check(), []);
        list_of(at, address)
    });
    let site = Site {
        name: "Usine".to_owned(),
        language: "fr".to_owned(),
        timezone: "Europe/Paris".to_owned(),
        machines: Vec::new(),
    };
    let setup = Setup { name: "erp", site: &site, state };
    Kind::build(&setup, settings, Reads { tags: tags.collect(), lists: lists.collect() })
}

fn list_of<L>(at: usize, address: L) -> ListAddress<L> {
    let field = |name: &str, kind| Field { name: name.to_lowercase(), from: name.into(), kind, format: None };
    ListAddress {
        id: ListId(at as u32),
        name: "orders".into(),
        fields: vec![
            field("Number", FieldKind::Text),
            field("Quantity", FieldKind::Number),
            field("Changed", FieldKind::Time),
        ],
        key: vec![0],
        address,
    }
}

/// A source from tables that fit together.
pub fn make(state: &Path, table: Value, tags: &[Value], lists: &[Value]) -> Box<dyn Source> {
    try_make(state, table, tags, lists).unwrap_or_else(|faults| panic!("{faults:?}"))
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
    erp: Erp,
    folder: Folder,
}

impl RealBench {
    /// Nothing said yet.
    pub fn start() -> RealBench {
        RealBench { erp: Erp::start(), folder: Folder::new("http") }
    }
}

#[async_trait]
impl Bench for RealBench {
    fn make(&mut self) -> Box<dyn Source> {
        let table = json!({"url": self.erp.url(), "every": "1s"});
        make(self.folder.path(), table, &[json!({"path": "oil", "value": "/oil/t"})], &[])
    }

    async fn say(&mut self, value: f64) {
        self.erp.books().oil = value;
    }

    async fn cut(&mut self) {
        self.erp.go_down();
    }

    async fn heal(&mut self) {
        self.erp.come_back();
    }

    fn gives_again(&self) -> bool {
        false
    }

    fn is_polled(&self) -> bool {
        true
    }
}
