//! A plant of one server.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use contract::kit::source::Bench;
use contract::{
    Batch, Check, Event, Fault, Notice, Quality, Reads, Sample, Setup, Site, Source, SourceError, SourceKind,
    TagAddress, TagId, Value as Said, async_trait,
};
use peers::foreign::Folder;
use peers::opcua::OpcUa;
use serde_json::{Value, json};
use source_opcua::OpcUa as Kind;

/// The longest that anything may take.
pub const STEP_MAX: Duration = Duration::from_secs(20);

/// A source from tables as an integrator writes them.
pub fn try_make(state: &Folder, table: Value, tags: &[Value]) -> Result<Box<dyn Source>, Vec<Fault>> {
    let settings: <Kind as SourceKind>::Settings = serde_json::from_value(table).expect("a good table");
    assert_eq!(settings.check(), []);
    let tags = tags.iter().enumerate().map(|(at, tag)| {
        let address: <Kind as SourceKind>::Address =
            serde_json::from_value(tag.clone()).expect("a good address");
        assert_eq!(address.check(), []);
        TagAddress { id: TagId(at as u32), machine: "press-3".to_owned(), address }
    });
    let site = Site {
        name: "Usine".to_owned(),
        language: "fr".to_owned(),
        timezone: "Europe/Paris".to_owned(),
        machines: Vec::new(),
    };
    let setup = Setup { name: "hall-b", site: &site, state: state.path() };
    Kind::build(&setup, settings, Reads { tags: tags.collect(), lists: Vec::new() })
}

/// A source from tables that fit together.
pub fn make(state: &Folder, table: Value, tags: &[Value]) -> Box<dyn Source> {
    try_make(state, table, tags).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// The table of a server on an unsecured line, that tells often.
pub fn plain(server: &OpcUa) -> Value {
    json!({"url": server.url(), "security": "None", "publishing": "50ms", "keep_alive": "1s"})
}

/// A node of the press.
pub fn node(name: &str) -> Value {
    json!({"node": format!("nsu=urn:plant;s={name}")})
}

/// Waits for it, not for ever.
pub async fn soon<T>(step: impl Future<Output = T>) -> T {
    tokio::time::timeout(STEP_MAX, step).await.expect("in time")
}

/// Connects as the room does: again and again as long as the line is lost.
pub async fn connect(source: &mut dyn Source) {
    let started = Instant::now();
    loop {
        match source.connect().await {
            Ok(()) => return,
            Err(SourceError::Lost(why)) => assert!(started.elapsed() < STEP_MAX, "still lost: {why}"),
            Err(other) => panic!("expected to connect: {other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Reads, connecting again as the room does, until this is true of all that came.
pub async fn read_until(source: &mut dyn Source, mut enough: impl FnMut(&Batch) -> bool) -> Batch {
    let mut all = Batch::default();
    let read = async {
        while !enough(&all) {
            match source.next().await {
                Ok(batch) => {
                    all.samples.extend(batch.samples);
                    all.events.extend(batch.events);
                    all.notices.extend(batch.notices);
                }
                Err(SourceError::Lost(_)) => connect(source).await,
                Err(other) => panic!("expected a batch: {other:?}"),
            }
        }
    };
    if tokio::time::timeout(STEP_MAX, read).await.is_err() {
        panic!("expected more within {STEP_MAX:?}, found {all:?}");
    }
    all
}

/// The last good number of each tag.
pub fn numbers(batch: &Batch) -> BTreeMap<u32, f64> {
    let number = |sample: &Sample| match (&sample.value, &sample.quality) {
        (Said::Number(number), Quality::Good) => Some((sample.tag.0, *number)),
        _ => None,
    };
    batch.samples.iter().filter_map(number).collect()
}

/// The troubles that were told, as thing and name.
pub fn troubles(batch: &Batch) -> Vec<String> {
    let trouble = |notice: &Notice| match notice {
        Notice::Trouble(trouble) => {
            Some(format!("{:?} {}: {:?}", trouble.thing, trouble.name, trouble.cause))
        }
        _ => None,
    };
    batch.notices.iter().filter_map(trouble).collect()
}

/// What was mended, as thing and name.
pub fn mended(batch: &Batch) -> Vec<String> {
    let mended = |notice: &Notice| match notice {
        Notice::Mended(thing, name) => Some(format!("{thing:?} {name}")),
        _ => None,
    };
    batch.notices.iter().filter_map(mended).collect()
}

/// Events as a person would tell them.
pub fn told(events: &[Event]) -> Vec<String> {
    let one = |event: &Event| match event {
        Event::Alarm(alarm) => {
            let state = if alarm.is_active { "active" } else { "over" };
            format!("{} {state} {:?} {:?}", alarm.name, alarm.is_acknowledged, alarm.origin)
        }
        Event::Refreshing(_) => "(".to_owned(),
        Event::Refreshed(_) => ")".to_owned(),
        other => panic!("expected an alarm: {other:?}"),
    };
    events.iter().map(one).collect()
}

/// The bench of the kit.
pub struct RealBench {
    server: OpcUa,
    state: Folder,
}

impl RealBench {
    /// A server, and nobody connected.
    pub async fn start() -> RealBench {
        RealBench { server: OpcUa::asyncua(&[]).await, state: Folder::new("opcua") }
    }
}

#[async_trait]
impl Bench for RealBench {
    fn make(&mut self) -> Box<dyn Source> {
        make(&self.state, plain(&self.server), &[json!({"node": "nsu=urn:plant;s=oil", "queue": 1000})])
    }

    async fn say(&mut self, value: f64) {
        self.server.tell(&format!("set oil {value}")).await;
    }

    async fn cut(&mut self) {
        self.server.kill();
    }

    async fn heal(&mut self) {
        self.server.restart().await;
    }

    fn gives_again(&self) -> bool {
        false
    }

    /// A server gives what it holds when it is asked first; and after a restart what it held at its start.
    fn is_polled(&self) -> bool {
        true
    }
}
