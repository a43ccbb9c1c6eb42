//! A plant of one program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::kit::source::Bench;
use contract::{
    Batch, Check, Fault, Field, FieldKind, ListAddress, ListId, Reads, Setup, Site, Source, SourceError,
    SourceKind, TagAddress, TagId, async_trait,
};
use peers::foreign::Folder;
use serde_json::{Value, json};
use source_exec::Kind;

/// The longest that anything may take.
pub const STEP_MAX: Duration = Duration::from_secs(15);

/// A source from a table as an integrator writes it, with the tag `press-3/oil` and the list `orders`.
pub fn try_make(state: &Path, table: Value) -> Result<Box<dyn Source>, Vec<Fault>> {
    let settings: <Kind as SourceKind>::Settings = serde_json::from_value(table).expect("a good table");
    assert_eq!(settings.check(), []);
    let address = serde_json::from_value(json!({"called": "{machine}/oil"})).expect("a good address");
    let tag = TagAddress { id: TagId(0), machine: "press-3".to_owned(), address };
    let field = |name: &str, kind| Field { name: name.into(), from: name.into(), kind, format: None };
    let list = ListAddress {
        id: ListId(0),
        name: "orders".into(),
        fields: vec![
            field("number", FieldKind::Text),
            field("quantity", FieldKind::Number),
            field("due", FieldKind::Time),
        ],
        key: vec![0],
        address: serde_json::from_value(json!({})).expect("a good list"),
    };
    let site = Site {
        name: "Usine".to_owned(),
        language: "fr".to_owned(),
        timezone: "Europe/Paris".to_owned(),
        machines: Vec::new(),
    };
    let setup = Setup { name: "programme", site: &site, state };
    Kind::build(&setup, settings, Reads { tags: vec![tag], lists: vec![list] })
}

/// A source from a table that is good.
pub fn make(state: &Path, table: Value) -> Box<dyn Source> {
    try_make(state, table).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// A source that runs a few words of the shell.
pub fn shell(state: &Path, words: &str) -> Box<dyn Source> {
    make(state, json!({"command": ["sh", "-c", words]}))
}

/// Waits for it, not for ever.
pub async fn soon<T>(step: impl Future<Output = T>) -> T {
    tokio::time::timeout(STEP_MAX, step).await.expect("in time")
}

/// Connects and reads, without settling, until the line is lost: all that came, and why it was lost.
pub async fn read_all(source: &mut dyn Source) -> (Batch, SourceError) {
    let mut all = Batch::default();
    if let Err(error) = soon(source.connect()).await {
        return (all, error);
    }
    loop {
        match soon(source.next()).await {
            Ok(batch) => {
                all.samples.extend(batch.samples);
                all.events.extend(batch.events);
                all.notices.extend(batch.notices);
            }
            Err(error) => return (all, error),
        }
    }
}

/// The bench of the kit: `tests/peer.py`, a file of values, and a file that ends it.
pub struct RealBench {
    folder: Folder,
    values: String,
}

impl RealBench {
    /// Nothing said yet.
    pub fn start() -> RealBench {
        RealBench { folder: Folder::new("exec"), values: String::new() }
    }

    /// Where the program keeps how far it was settled.
    pub fn cursor(&self) -> PathBuf {
        self.folder.path().join("exec-programme").join("cursor")
    }
}

#[async_trait]
impl Bench for RealBench {
    fn make(&mut self) -> Box<dyn Source> {
        let peer = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer.py");
        let folder = self.folder.path().display().to_string();
        make(self.folder.path(), json!({"command": ["python3", "-S", peer, folder]}))
    }

    async fn say(&mut self, value: f64) {
        self.values += &format!("{value}\n");
        let fresh = self.folder.path().join("values.new");
        std::fs::write(&fresh, &self.values).expect("written");
        std::fs::rename(&fresh, self.folder.path().join("values")).expect("renamed");
    }

    async fn cut(&mut self) {
        std::fs::write(self.folder.path().join("cut"), "").expect("written");
        let pid = std::fs::read_to_string(self.folder.path().join("pid")).expect("a program that runs");
        // One that has ended already is cut, too.
        let _ = std::process::Command::new("kill").args(["-9", &pid]).status();
    }

    async fn heal(&mut self) {
        std::fs::remove_file(self.folder.path().join("cut")).expect("removed");
    }

    fn gives_again(&self) -> bool {
        true
    }
}
