//! A folder, a state folder, and a source that reads the one and remembers in the other.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use contract::{
    Batch, Event, Fault, Field, FieldKind, ListAddress, ListId, NoTags, Notice, Reads, Record, Setup, Site,
    Source, SourceError, Value,
};
use peers::foreign::Folder;

/// The longest that one step may take.
pub const STEP_MAX: Duration = Duration::from_secs(20);

/// A list as an integrator writes it: the common part and the adapter's own.
pub fn list<L: serde::de::DeserializeOwned>(id: u32, text: &str) -> ListAddress<L> {
    let mut table: toml::Table = text.parse().expect("TOML");
    let key = table.remove("key").expect("a key");
    let wanted: Vec<String> = key.try_into().expect("names of fields");
    let fields = table.remove("field").expect("fields");
    let fields: Vec<Field> = fields.as_table().expect("a table").iter().map(field).collect();
    let place = |name: &String| fields.iter().position(|field| field.name == *name).expect("a field");
    let key = wanted.iter().map(place).collect();
    let address = L::deserialize(toml::Value::Table(table)).expect("the adapter's own keys");
    ListAddress { id: ListId(id), name: format!("list-{id}"), fields, key, address }
}

fn field((name, table): (&String, &toml::Value)) -> Field {
    let text = |key: &str| table.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let kind = match text("type").as_deref() {
        None | Some("text") => FieldKind::Text,
        Some("number") => FieldKind::Number,
        Some("time") => FieldKind::Time,
        Some("flag") => FieldKind::Flag,
        Some(other) => panic!("no kind of field: {other}"),
    };
    Field { name: name.clone(), from: text("from").expect("from"), kind, format: text("format") }
}

/// A list of two columns, for tests that look at files and not at cells.
pub const PLAIN: &str = r#"
files = "*.csv"
format.csv = {}
key = ["of"]
field.of = { from = "of" }
field.qty = { from = "qty", type = "number" }
"#;

type Make<L> = Box<
    dyn Fn(&Setup<'_>, serde_json::Value, Reads<NoTags, L>) -> Result<Box<dyn Source>, Vec<Fault>> + Send,
>;

/// The bench.
pub struct Bench<L> {
    drop: Folder,
    state: Folder,
    lists: Vec<ListAddress<L>>,
    settings: serde_json::Value,
    make: Make<L>,
}

impl<L: serde::de::DeserializeOwned + Clone> Bench<L> {
    /// Quick looks, so that a test ends soon. `settings` go over them.
    pub fn new(settings: serde_json::Value, lists: &[&str], make: Make<L>) -> Bench<L> {
        let drop = Folder::new("drop");
        let mut all = serde_json::json!({
            "folder": drop.path(), "every": "10ms", "still": "0ms", "unfinished": "200ms",
        });
        let table = all.as_object_mut().expect("a table");
        for (key, value) in settings.as_object().expect("a table") {
            table.insert(key.clone(), value.clone());
        }
        table.retain(|_, value| !value.is_null());
        let lists = lists.iter().zip(0..).map(|(text, id)| list(id, text)).collect();
        Bench { drop, state: Folder::new("state"), lists, settings: all, make }
    }

    /// The folder that is read.
    pub fn path(&self) -> &Path {
        self.drop.path()
    }

    /// A file of it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.drop.path().join(name)
    }

    /// Writes a file at once.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.file(name), text).expect("a file");
    }

    /// The names in the folder or in one inside it.
    pub fn names(&self, inside: &str) -> Vec<String> {
        let Ok(found) = fs::read_dir(self.file(inside)) else { return Vec::new() };
        let mut names: Vec<String> =
            found.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// A source; made again, what a restart makes.
    pub fn build(&self) -> Result<Box<dyn Source>, Vec<Fault>> {
        let site = site();
        let setup = Setup { name: "erp", site: &site, state: self.state.path() };
        let reads = Reads { tags: Vec::new(), lists: self.lists.clone() };
        (self.make)(&setup, self.settings.clone(), reads)
    }

    /// A source in use, connected.
    pub async fn open(&self) -> Room {
        let source = self.build().unwrap_or_else(|faults| panic!("expected a source, found {faults:?}"));
        let mut room = Room::new(source);
        room.connect().await;
        room
    }
}

fn site() -> Site {
    let (name, language, timezone) = ("Vitré".to_owned(), "fr".to_owned(), "Europe/Paris".to_owned());
    Site { name, language, timezone, machines: Vec::new() }
}

/// What the room `source` and the middle do with a source: connects, takes, settles, keeps the rows.
pub struct Room {
    /// The source.
    pub source: Box<dyn Source>,
    /// All that came, in order.
    pub events: Vec<Event>,
    /// All that was told.
    pub notices: Vec<Notice>,
    /// The rows as the middle keeps them: by list and key.
    pub rows: BTreeMap<(u32, String), Record>,
    /// How often a row was new or changed.
    pub news: usize,
    seen: Option<(u32, Vec<String>)>,
}

impl Room {
    /// With nothing taken.
    pub fn new(source: Box<dyn Source>) -> Room {
        Room { source, events: Vec::new(), notices: Vec::new(), rows: BTreeMap::new(), news: 0, seen: None }
    }

    /// Connects, again and again as the room does.
    pub async fn connect(&mut self) {
        let started = Instant::now();
        while let Err(error) = self.source.connect().await {
            assert!(matches!(error, SourceError::Lost(_)) && started.elapsed() < STEP_MAX, "{error:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The next batch, not settled.
    pub async fn batch(&mut self) -> Batch {
        let next = tokio::time::timeout(STEP_MAX, self.source.next()).await.expect("a batch");
        next.unwrap_or_else(|error| panic!("expected a batch, found {error:?}"))
    }

    /// Takes a batch and settles it.
    pub async fn take(&mut self, batch: Batch) {
        self.keep(&batch);
        if let Some(ticket) = batch.ticket {
            self.source.settle(ticket).await.expect("settled");
        }
    }

    /// Takes and settles until this is so.
    pub async fn until(&mut self, what: &str, mut is_so: impl FnMut(&Room) -> bool) {
        let started = Instant::now();
        while !is_so(self) {
            assert!(
                started.elapsed() < STEP_MAX,
                "expected {what}; events {}, {:?}",
                self.events.len(),
                self.notices
            );
            if let Ok(next) = tokio::time::timeout(Duration::from_millis(20), self.source.next()).await {
                let batch = next.unwrap_or_else(|error| panic!("expected {what}, found {error:?}"));
                self.take(batch).await;
            }
        }
    }

    /// Takes for so long, whatever comes: for what must not come.
    pub async fn for_a_while(&mut self, wait: Duration) {
        let end = Instant::now() + wait;
        self.until("time to go by", |_| Instant::now() >= end).await;
    }

    fn keep(&mut self, batch: &Batch) {
        for event in &batch.events {
            match event {
                Event::Record(record) => {
                    let key = (record.list.0, record.key.to_string());
                    if let Some((_, seen)) = self.seen.as_mut().filter(|(list, _)| *list == record.list.0) {
                        seen.push(record.key.to_string());
                    }
                    if self.rows.get(&key) != Some(record) {
                        self.news += 1;
                        self.rows.insert(key, record.clone());
                    }
                }
                Event::Begin(list) => self.seen = Some((list.0, Vec::new())),
                Event::Whole(list) => {
                    let (_, seen) = self.seen.take().expect("a beginning");
                    self.rows.retain(|(of, key), _| of != &list.0 || seen.contains(key));
                }
                Event::There(list, key) => {
                    if let Some((_, seen)) = self.seen.as_mut().filter(|(of, _)| *of == list.0) {
                        seen.push(key.to_string());
                    }
                }
                Event::Partly(_) => drop(self.seen.take().expect("a beginning")),
                other => panic!("no event of files: {other:?}"),
            }
        }
        self.events.extend(batch.events.iter().cloned());
        self.notices.extend(batch.notices.iter().cloned());
    }

    /// The records that came, as often as they came.
    pub fn records(&self) -> Vec<&Record> {
        let mut records = Vec::new();
        for event in &self.events {
            if let Event::Record(record) = event {
                records.push(record);
            }
        }
        records
    }

    /// The names that are in trouble.
    pub fn troubled(&self) -> Vec<String> {
        let mut names = Vec::new();
        for notice in &self.notices {
            match notice {
                Notice::Trouble(trouble) if !names.contains(&trouble.name) => {
                    names.push(trouble.name.clone())
                }
                Notice::Mended(_, name) => names.retain(|other| other != name),
                _ => {}
            }
        }
        names
    }
}

/// A value as a person reads it.
pub fn shown(value: &Option<Value>) -> serde_json::Value {
    match value {
        None => serde_json::Value::Null,
        Some(Value::Number(number)) => serde_json::json!(number),
        Some(Value::Flag(flag)) => serde_json::json!(flag),
        Some(Value::Text(text)) => serde_json::json!(text),
        Some(Value::Time(at)) => {
            serde_json::json!(jiff::Timestamp::from_millisecond(at.as_ms()).expect("a time").to_string())
        }
    }
}
