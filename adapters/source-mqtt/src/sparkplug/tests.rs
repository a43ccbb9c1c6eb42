//! What a host does with edge nodes as they are. Each test's oracle also sees a wrong host or a wrong node, and
//! must say so.

use std::time::Duration;

use contract::{Cause, Moment, Notice, Origin, Quality, Sample, TagId, Thing, Value};
use tokio::time::Instant;

use super::proto::{Head, Metric as Wire, Scalar, write};
use super::{Host, Metric, Out, topic};
use crate::settings::Role;

/// A host, one edge node with the device `press`, and what came of it.
struct Plant {
    host: Host,
    now: Instant,
    samples: Vec<Sample>,
    notices: Vec<Notice>,
    asks: Vec<String>,
    /// A mutant: a host that is deaf to this kind of message.
    deaf_to: &'static str,
}

const SECOND: Duration = Duration::from_secs(1);

/// Tags 0 and 1 are of the node, tags 2 and 3 of its device.
fn tags() -> Vec<(TagId, Metric)> {
    let metric = |device: Option<&str>, metric: &str| Metric {
        group: "G".to_owned(),
        edge: "E".to_owned(),
        device: device.map(str::to_owned),
        metric: metric.to_owned(),
    };
    let press = Some("press");
    let metrics = [metric(None, "cpu"), metric(None, "door"), metric(press, "oil"), metric(press, "pieces")];
    (0..).map(TagId).zip(metrics).collect()
}

impl Plant {
    fn new(role: Role) -> Plant {
        Plant::with(role, |_| {})
    }

    /// With other times than it should have.
    fn with(role: Role, change: impl FnOnce(&mut super::Pace)) -> Plant {
        let (mut host, filters) = Host::new(role, 60 * SECOND, 5 * SECOND, tags());
        assert_eq!(filters, ["spBv1.0/G/+/E/#"]);
        change(&mut host.pace);
        let now = Instant::now();
        let mut plant =
            Plant { host, now, samples: Vec::new(), notices: Vec::new(), asks: Vec::new(), deaf_to: "" };
        plant.connect();
        plant
    }

    fn deaf(role: Role, deaf_to: &'static str) -> Plant {
        Plant { deaf_to, ..Plant::new(role) }
    }

    fn connect(&mut self) {
        self.host.connected(self.now, &mut Out { samples: &mut self.samples, notices: &mut self.notices });
        self.tick();
    }

    fn tick(&mut self) {
        let mut out = Out { samples: &mut self.samples, notices: &mut self.notices };
        self.asks.extend(self.host.tick(self.now, &mut out));
    }

    /// Lets time go by, doing what is due when it is.
    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(due) = self.host.due().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.tick();
        }
        self.now = until;
        self.tick();
    }

    fn say_bytes(&mut self, topic: &str, bytes: &[u8]) {
        if topic.split('/').nth(2) == Some(self.deaf_to) {
            return;
        }
        let topic = topic::parse(topic).expect("a topic");
        let mut out = Out { samples: &mut self.samples, notices: &mut self.notices };
        assert!(self.host.take(&topic, bytes, false, self.now, &mut out));
        self.tick();
    }

    fn say(&mut self, kind: &str, seq: u64, metrics: &[Wire]) {
        let device = if kind.starts_with('D') { "/press" } else { "" };
        let head = Head { timestamp: Some(1_772_366_400_000), seq: Some(seq), uuid: None };
        self.say_bytes(&format!("spBv1.0/G/{kind}/E{device}"), &write(&head, metrics));
    }

    /// The node and its device are born: numbers 0 and 1 are used.
    fn born(&mut self, bd_seq: u64) {
        self.say("NBIRTH", 0, &[long("bdSeq", bd_seq), number("cpu", 1, 10.0), number("door", 2, 0.0)]);
        self.say("DBIRTH", 1, &[number("oil", 3, 60.0), number("pieces", 4, 1.0), number("other", 5, 1.0)]);
    }

    fn died(&mut self, bd_seq: u64) {
        let bytes = write(&Head::default(), &[long("bdSeq", bd_seq)]);
        self.say_bytes("spBv1.0/G/NDEATH/E", &bytes);
    }

    /// What came since this was asked last: `tag=value`, `tag=bad`, with `~` for history.
    fn came(&mut self) -> String {
        let shown = self.samples.drain(..).map(|sample| {
            let mark = if sample.origin == Origin::Backfill { "~" } else { "" };
            match (sample.quality, sample.value) {
                (Quality::Good, Value::Number(number)) => format!("{}={mark}{number}", sample.tag.0),
                (Quality::Bad(_), _) => format!("{}=bad", sample.tag.0),
                other => format!("{}={other:?}", sample.tag.0),
            }
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    /// What was told since this was asked last.
    fn told(&mut self) -> String {
        let shown = self.notices.drain(..).map(|notice| match notice {
            Notice::Trouble(trouble) => match trouble.cause {
                Cause::SaidGoodbye => format!("{} goodbye", trouble.name),
                Cause::NoAnswer => format!("{} no answer", trouble.name),
                Cause::Lost => format!("{} lost", trouble.name),
                Cause::Missing(what) => format!("{} misses {what}", trouble.name),
                Cause::Unreadable { place, .. } => format!("{} unreadable {place}", trouble.name),
                other => format!("{} {other:?}", trouble.name),
            },
            Notice::Mended(Thing::Device, name) => format!("{name} mended"),
            Notice::Mended(thing, name) => format!("{name} mended ({thing:?})"),
            Notice::Poison(_) => "poison".to_owned(),
            other => format!("{other:?}"),
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    fn asked(&mut self) -> usize {
        assert!(self.asks.iter().all(|ask| ask == "spBv1.0/G/NCMD/E"), "{:?}", self.asks);
        std::mem::take(&mut self.asks).len()
    }
}

fn number(name: &str, alias: u64, value: f64) -> Wire {
    let name = (!name.is_empty()).then(|| name.to_owned());
    Wire {
        name,
        alias: Some(alias),
        datatype: Some(10),
        value: Some(Scalar::Double(value)),
        ..Wire::default()
    }
}

fn alias(alias: u64, value: f64) -> Wire {
    Wire { alias: Some(alias), value: Some(Scalar::Double(value)), ..Wire::default() }
}

fn named(name: &str, value: f64) -> Wire {
    Wire { name: Some(name.to_owned()), value: Some(Scalar::Double(value)), ..Wire::default() }
}

fn long(name: &str, value: u64) -> Wire {
    // Tahu for JS types it UInt64 where the specification says Int64.
    let value = Some(Scalar::Long(value));
    Wire { name: Some(name.to_owned()), datatype: Some(8), value, ..Wire::default() }
}

/// The right one passes, and the wrong one is noticed.
#[track_caller]
fn check(oracle: impl Fn(Plant) -> Result<(), String>, right: Plant, wrong: Plant) {
    assert_eq!(oracle(right), Ok(()));
    assert!(oracle(wrong).is_err(), "a mutant went unnoticed");
}

fn expect(what: &str, found: impl ToString, want: impl ToString) -> Result<(), String> {
    let (found, want) = (found.to_string(), want.to_string());
    if found == want { Ok(()) } else { Err(format!("{what}: found `{found}`, expected `{want}`")) }
}

/// tck-id-operational-behavior-host-application-*: births, aliases, values, the time of the metric or the message.
#[tokio::test]
async fn births_aliases_and_values() {
    let mut plant = Plant::new(Role::Passive);
    plant.born(0);
    assert_eq!(plant.came(), "0=10 1=0 2=60 3=1");
    plant.say("DDATA", 2, &[alias(3, 61.5), alias(5, 9.0)]);
    plant.say("NDATA", 3, &[named("cpu", 11.0), named("nobody reads it", 1.0)]);
    assert_eq!(plant.samples[0].at, Some(Moment::from_ms(1_772_366_400_000)));
    assert_eq!(plant.came(), "2=61.5 0=11");
    plant.wait(120 * SECOND);
    assert_eq!((plant.came(), plant.told(), plant.asked()), (String::new(), String::new(), 0));
}

/// Line 1: births are not retained, so after a connect nothing is known until a node is asked, and then once.
#[tokio::test]
async fn after_a_connect_births_are_asked_for() {
    let oracle = |mut plant: Plant| {
        expect("asked at the first connect", plant.asked(), 1)?;
        plant.born(0);
        plant.came();
        plant.wait(60 * SECOND);
        plant.connect();
        expect("asked at the second", plant.asked(), 1)?;
        // The alias may mean something else by now.
        plant.say("DDATA", 2, &[alias(3, 61.5)]);
        expect("an alias of before", plant.came(), "")?;
        plant.born(1);
        expect("after the birth", plant.came(), "0=10 1=0 2=60 3=1")
    };
    check(oracle, Plant::new(Role::Active), Plant::new(Role::Passive));
}

/// "A non-primary host may not": a passive host asks for nothing, whatever happens.
#[tokio::test]
async fn a_passive_host_asks_for_nothing() {
    let oracle = |mut plant: Plant| {
        plant.say("DDATA", 2, &[alias(3, 61.5)]);
        expect("before the birth", plant.told(), "G/E misses NBIRTH")?;
        expect("before the birth", plant.came(), "0=bad 1=bad 2=bad 3=bad")?;
        plant.say("DDATA", 3, &[alias(3, 61.5)]);
        expect("said once", plant.told(), "")?;
        plant.born(0);
        expect("after the birth", plant.told(), "G/E mended")?;
        plant.say("DDATA", 9, &[alias(99, 1.0)]);
        plant.died(7);
        plant.wait(600 * SECOND);
        expect("asked", plant.asked(), 0)
    };
    check(oracle, Plant::new(Role::Passive), Plant::new(Role::Active));
}

/// tck-id-operational-behavior-edge-node-termination-host-action-ndeath-*: stale, not cleared, and back at the birth.
#[tokio::test]
async fn a_death_makes_its_tags_bad_until_the_birth() {
    let oracle = |mut plant: Plant| {
        plant.born(3);
        plant.came();
        plant.died(3);
        expect("at its death", plant.came(), "0=bad 1=bad 2=bad 3=bad")?;
        expect("told", plant.told(), "G/E goodbye")?;
        plant.connect();
        expect("as far as we know", plant.told(), "G/E goodbye")?;
        plant.born(4);
        expect("at its birth", plant.came(), "0=10 1=0 2=60 3=1")?;
        expect("told", plant.told(), "G/E mended")?;
        plant.say("DDEATH", 2, &[]);
        let at = plant.samples.first().and_then(|sample| sample.at).map(Moment::as_ms);
        expect("the time of the certificate", format!("{at:?}"), "Some(1772366400000)")?;
        expect("of the device", plant.came(), "2=bad 3=bad")?;
        expect("told", plant.told(), "G/E/press goodbye")?;
        plant.say("DBIRTH", 3, &[number("oil", 3, 62.0), number("pieces", 4, 2.0)]);
        expect("the device is back", plant.came(), "2=62 3=2")?;
        expect("told", plant.told(), "G/E/press mended")
    };
    for deaf_to in ["NDEATH", "DDEATH", "DBIRTH"] {
        check(oracle, Plant::new(Role::Passive), Plant::deaf(Role::Passive, deaf_to));
    }
}

/// Line 10: pysparkplug says bdSeq 0 at the birth and 1 at the death. Dead, unless it speaks.
#[tokio::test]
async fn a_death_with_another_number_is_believed_if_nothing_is_heard() {
    let oracle = |mut plant: Plant| {
        plant.born(0);
        plant.came();
        plant.asked();
        plant.wait(60 * SECOND);
        plant.died(1);
        expect("doubted, and asked", format!("{} {}", plant.told(), plant.asked()), " 1")?;
        plant.wait(31 * SECOND);
        expect("believed", plant.came(), "0=bad 1=bad 2=bad 3=bad")?;
        expect("told", plant.told(), "G/E goodbye")
    };
    for doubt in [Duration::ZERO, 3_600 * SECOND] {
        check(oracle, Plant::new(Role::Active), Plant::with(Role::Active, |pace| pace.doubt = doubt));
    }
}

/// Line 10, the other way: a Will of the connection before comes late, while the node goes on.
#[tokio::test]
async fn a_death_of_an_earlier_connection_is_no_death() {
    let oracle = |mut plant: Plant| {
        plant.born(4);
        plant.born(5);
        plant.died(4);
        plant.wait(40 * SECOND);
        expect("the number of the birth before", plant.told(), "")?;
        plant.died(9);
        plant.say("DDATA", 2, &[alias(3, 61.0)]);
        plant.wait(40 * SECOND);
        expect("another number, and it speaks", plant.told(), "")
    };
    let hasty = Plant::with(Role::Active, |pace| pace.doubt = Duration::ZERO);
    check(oracle, Plant::new(Role::Active), hasty);
}

/// node-red-contrib-mqtt-sparkplug-plus #89: NDEATH before NBIRTH on every rebirth, whoever asked for it.
#[tokio::test]
async fn a_death_within_a_rebirth_is_no_death() {
    let oracle = |mut plant: Plant| {
        plant.born(0);
        plant.came();
        let rebirth =
            Wire { name: Some("Node Control/Rebirth".to_owned()), datatype: Some(11), ..Wire::default() };
        plant.say("NCMD", 0, &[Wire { value: Some(Scalar::Boolean(true)), ..rebirth }]);
        plant.died(0);
        plant.wait(SECOND);
        plant.born(0);
        plant.wait(40 * SECOND);
        expect("told", plant.told(), "")?;
        expect("came", plant.came(), "0=10 1=0 2=60 3=1")
    };
    let right = Plant::new(Role::Passive);
    check(oracle, right, Plant::with(Role::Passive, |pace| pace.reborn = Duration::ZERO));
    // It really died: said a little later.
    let mut plant = Plant::new(Role::Active);
    plant.born(0);
    plant.died(0);
    plant.wait(6 * SECOND);
    assert_eq!(plant.told(), "G/E goodbye");
}

/// Line 11, tck-id-operational-behavior-host-reordering-*: what comes late is waited for.
#[tokio::test]
async fn messages_are_put_in_order() {
    let oracle = |mut plant: Plant| {
        plant.born(0);
        plant.came();
        plant.asked();
        plant.say("DDATA", 3, &[alias(3, 63.0)]);
        plant.wait(SECOND);
        plant.say("DDATA", 2, &[alias(3, 62.0)]);
        plant.say("DDATA", 3, &[alias(3, 63.0)]);
        expect("in order, and once", plant.came(), "2=62 2=63")?;
        plant.wait(100 * SECOND);
        expect("told", plant.told(), "")?;
        expect("asked", plant.asked(), 0)
    };
    let hasty = Plant::with(Role::Active, |pace| pace.reorder = Duration::ZERO);
    check(oracle, Plant::new(Role::Active), hasty);
}

/// Line 11: what does not come is lost. A rebirth is asked for, and until it comes an alias is not trusted.
#[tokio::test]
async fn a_gap_costs_the_aliases_and_asks_for_a_rebirth() {
    let oracle = |mut plant: Plant| {
        plant.born(0);
        plant.wait(60 * SECOND);
        plant.came();
        plant.asked();
        plant.say("DDATA", 5, &[alias(3, 63.0), named("pieces", 7.0)]);
        plant.wait(4 * SECOND);
        expect("waited for", format!("{} {}", plant.came(), plant.asked()), " 0")?;
        plant.wait(2 * SECOND);
        expect("an alias is not trusted", plant.came(), "2=bad 3=7")?;
        expect("told, and asked", format!("{} {}", plant.told(), plant.asked()), "G/E lost 1")?;
        plant.born(0);
        expect("at its birth", plant.came(), "0=10 1=0 2=60 3=1")?;
        expect("told", plant.told(), "G/E mended")?;
        plant.say("DDATA", 2, &[alias(3, 64.0)]);
        expect("trusted again", plant.came(), "2=64")
    };
    for reorder in [Duration::ZERO, 3_600 * SECOND] {
        check(oracle, Plant::new(Role::Active), Plant::with(Role::Active, |pace| pace.reorder = reorder));
    }
    // One that asks for nothing waits for ever.
    check(oracle, Plant::new(Role::Active), Plant::with(Role::Active, |pace| pace.may_ask = false));
}

#[tokio::test]
async fn a_passive_host_goes_on_after_a_gap_as_well_as_it_can() {
    let mut plant = Plant::new(Role::Passive);
    plant.born(0);
    plant.came();
    plant.say("DDATA", 5, &[named("oil", 63.0)]);
    plant.wait(6 * SECOND);
    plant.say("DDATA", 6, &[named("oil", 64.0)]);
    assert_eq!((plant.came(), plant.told(), plant.asked()), ("2=63 2=64".into(), "G/E lost".into(), 0));
}

/// Line 11: requests are throttled, and one that does not help makes the next wait longer.
#[tokio::test]
async fn requests_are_throttled() {
    let oracle = |mut plant: Plant| {
        plant.born(0);
        plant.asked();
        for at in 0..1000_u64 {
            plant.say("DDATA", (at + 2) % 256, &[alias(99, 1.0)]);
            plant.wait(SECOND);
        }
        let asked = plant.asked();
        // After 60, 120, 240 and 480 seconds.
        if (3..=5).contains(&asked) { Ok(()) } else { Err(format!("asked {asked} times in 1000 s")) }
    };
    let eager = Plant::with(Role::Active, |pace| pace.rebirth_every = Duration::from_millis(1));
    check(oracle, Plant::new(Role::Active), eager);
}

#[tokio::test]
async fn a_node_that_does_not_answer_is_told() {
    let mut plant = Plant::new(Role::Active);
    assert_eq!(plant.asked(), 1);
    plant.wait(31 * SECOND);
    assert_eq!((plant.came(), plant.told()), ("0=bad 1=bad 2=bad 3=bad".into(), "G/E no answer".into()));
    plant.say("DDATA", 7, &[alias(3, 1.0)]);
    plant.wait(100 * SECOND);
    assert_eq!(plant.told(), "G/E misses NBIRTH");
    // The node is born and its device is not.
    plant.say("NBIRTH", 0, &[number("cpu", 1, 10.0), number("door", 2, 0.0)]);
    plant.came();
    assert_eq!(plant.told(), "G/E mended");
    plant.wait(31 * SECOND);
    assert_eq!((plant.came(), plant.told()), ("2=bad 3=bad".into(), "G/E/press no answer".into()));
}

/// Line 13: history is history, null is no value, and no time is no reason to fall over.
#[tokio::test]
async fn history_is_never_now() {
    let oracle = |is_historical: Option<bool>| {
        let mut plant = Plant::new(Role::Passive);
        plant.born(0);
        plant.came();
        let old = Wire { is_historical, timestamp: Some(1_000), ..alias(3, 99.0) };
        plant.say("DDATA", 2, &[old]);
        expect("history", plant.came(), "2=~99")
    };
    assert_eq!(oracle(Some(true)), Ok(()));
    assert!(oracle(None).is_err(), "a mutant went unnoticed");
    let mut plant = Plant::new(Role::Passive);
    plant.born(0);
    plant.came();
    let bytes = write(
        &Head { seq: Some(2), ..Head::default() },
        &[
            Wire { is_historical: Some(true), ..alias(3, 99.0) },
            alias(4, 2.0),
            Wire { is_null: Some(true), ..alias(3, 0.0) },
        ],
    );
    plant.say_bytes("spBv1.0/G/DDATA/E/press", &bytes);
    assert!(plant.samples.iter().all(|sample| sample.at.is_none()), "history without a time says nothing");
    assert_eq!(plant.came(), "3=2 2=bad");
}

/// Line 14: a birth without names, or with one alias for all, is refused; the names of the old one stay. Its aliases do
/// not: the node may have given them to other metrics.
#[tokio::test]
async fn a_broken_birth_is_refused_and_the_old_names_stay() {
    let oracle = |broken: &[Wire]| {
        let mut plant = Plant::new(Role::Passive);
        plant.born(0);
        plant.say("NBIRTH", 0, &[long("bdSeq", 0), number("cpu", 1, 12.0), number("door", 2, 0.0)]);
        plant.came();
        plant.say("DBIRTH", 1, broken);
        expect("told", plant.told(), "G/E/press unreadable DBIRTH")?;
        plant.say("DDATA", 2, &[alias(3, 61.0)]);
        expect("not by the old aliases", plant.came(), "")?;
        plant.say("DDATA", 3, &[number("oil", 9, 61.0)]);
        expect("by its name", plant.came(), "2=61")?;
        plant.say("DBIRTH", 4, &[number("oil", 3, 62.0), number("pieces", 4, 3.0)]);
        expect("mended", plant.told(), "G/E/press mended")
    };
    assert_eq!(oracle(&[number("", 3, 1.0), number("", 4, 1.0)]), Ok(()));
    assert_eq!(oracle(&[number("oil", 5, 1.0), number("pieces", 5, 1.0)]), Ok(()));
    assert!(oracle(&[number("oil", 3, 1.0), number("pieces", 4, 1.0)]).is_err(), "a mutant went unnoticed");
    let mut plant = Plant::new(Role::Passive);
    plant.born(0);
    plant.came();
    plant.say("NBIRTH", 0, &[number("", 5, 1.0)]);
    plant.say("NDATA", 1, &[alias(1, 13.0)]);
    assert_eq!((plant.told(), plant.came()), ("G/E unreadable NBIRTH".into(), String::new()));
}

#[tokio::test]
async fn a_metric_that_is_not_in_the_birth_is_told_until_it_is() {
    let mut plant = Plant::new(Role::Passive);
    plant.say("NBIRTH", 0, &[number("cpu", 1, 10.0)]);
    assert_eq!((plant.came(), plant.told()), ("0=10 1=bad".into(), "G/E door misses door".into()));
    plant.say("NBIRTH", 0, &[number("cpu", 1, 10.0), number("door", 2, 1.0)]);
    assert_eq!(plant.told(), "G/E door mended (Address)");
}

#[tokio::test]
async fn what_cannot_be_read_is_told_and_spoils_nothing() {
    let mut plant = Plant::new(Role::Passive);
    plant.born(0);
    plant.came();
    plant.say_bytes("spBv1.0/G/DDATA/E/press", b"\xff\xff\xff");
    assert_eq!(plant.told(), "poison");
    let topic = topic::parse("spBv1.0/G/NDEATH/E").expect("a topic");
    let mut out = Out { samples: &mut plant.samples, notices: &mut plant.notices };
    assert!(plant.host.take(&topic, b"", true, plant.now, &mut out));
    assert_eq!((plant.told(), plant.came()), ("poison".into(), String::new()), "a retained death is none");
    plant.say("DDATA", 2, &[alias(3, 61.0)]);
    assert_eq!(plant.came(), "2=61");
    let other = topic::parse("spBv1.0/G/NDATA/other").expect("a topic");
    let mut out = Out { samples: &mut plant.samples, notices: &mut plant.notices };
    assert!(!plant.host.take(&other, b"", false, plant.now, &mut out), "nobody reads it");
}
