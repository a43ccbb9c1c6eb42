//! A plant of one broker and one tag.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use contract::kit::source::Bench;
use contract::{
    Batch, Check, Fault, Notice, Reads, Sample, Setup, Site, Source, SourceKind, TagAddress, TagId,
    async_trait,
};
use peers::mosquitto::{Mosquitto, Options, Publisher};
use serde_json::{Value, json};
use source_mqtt::Mqtt;

/// The longest that anything may take.
pub const STEP_MAX: Duration = Duration::from_secs(15);

/// A state folder that is gone with the test.
pub struct State(PathBuf);

impl State {
    /// An empty one.
    pub fn new() -> State {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("portevoix-mqtt-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        State(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A source from tables as an integrator writes them.
pub fn try_make(state: &State, table: Value, tags: &[Value]) -> Result<Box<dyn Source>, Vec<Fault>> {
    let settings: <Mqtt as SourceKind>::Settings = serde_json::from_value(table).expect("a good table");
    assert_eq!(settings.check(), []);
    let tags = tags.iter().enumerate().map(|(at, tag)| TagAddress {
        id: TagId(at as u32),
        machine: "press-3".to_owned(),
        address: serde_json::from_value(tag.clone()).expect("a good address"),
    });
    let site = Site {
        name: "Usine".to_owned(),
        language: "fr".to_owned(),
        timezone: "Europe/Paris".to_owned(),
        machines: Vec::new(),
    };
    let setup = Setup { name: "hall-b", site: &site, state: state.path() };
    Mqtt::build(&setup, settings, Reads { tags: tags.collect(), lists: Vec::new() })
}

/// A source from tables that fit together.
pub fn make(state: &State, table: Value, tags: &[Value]) -> Box<dyn Source> {
    try_make(state, table, tags).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// Waits for it, not for ever.
pub async fn soon<T>(step: impl Future<Output = T>) -> T {
    tokio::time::timeout(STEP_MAX, step).await.expect("in time")
}

/// Reads and settles until so many samples and notices came.
pub async fn collect(source: &mut dyn Source, samples: usize, notices: usize) -> (Vec<Sample>, Vec<Notice>) {
    let mut all = Batch::default();
    while all.samples.len() < samples || all.notices.len() < notices {
        let batch = soon(source.next()).await.expect("a batch");
        if let Some(ticket) = batch.ticket {
            source.settle(ticket).await.expect("settled");
        }
        all.samples.extend(batch.samples);
        all.notices.extend(batch.notices);
    }
    (all.samples, all.notices)
}

/// The bench of the kit.
pub struct RealBench {
    broker: Mosquitto,
    publisher: Option<Publisher>,
    state: State,
    version: &'static str,
    qos: u8,
}

impl RealBench {
    /// A broker that keeps sessions, and nobody connected.
    pub async fn start(version: &'static str, qos: u8) -> RealBench {
        let broker = Mosquitto::start(Options { keeps: true, ..Options::default() }).await;
        RealBench { broker, publisher: None, state: State::new(), version, qos }
    }
}

#[async_trait]
impl Bench for RealBench {
    fn make(&mut self) -> Box<dyn Source> {
        let url = format!("mqtt://127.0.0.1:{}", self.broker.port());
        let table = json!({"url": url, "version": self.version, "qos": self.qos});
        make(&self.state, table, &[json!({"topic": "usine/{machine}/huile"})])
    }

    async fn say(&mut self, value: f64) {
        let publisher = match &mut self.publisher {
            Some(publisher) => publisher,
            none => none.insert(Publisher::connect(self.broker.port()).await.expect("a broker")),
        };
        let qos = self.qos.max(1);
        let said = publisher.publish("usine/press-3/huile", value.to_string().as_bytes(), qos, false).await;
        said.expect("the broker has it");
    }

    async fn cut(&mut self) {
        self.publisher = None;
        self.broker.stop();
    }

    async fn heal(&mut self) {
        self.broker.restart().await;
    }

    fn gives_again(&self) -> bool {
        self.qos > 0
    }
}
