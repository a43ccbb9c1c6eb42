//! Sparkplug B against edge nodes of other people's code, and what was published while they spoke.

use std::time::Duration;

use contract::{Batch, Cause, Moment, Notice, Quality, Sample, Source, TagId, Thing, Trouble, Value};
use peers::mosquitto::{Mosquitto, Options, Publisher};
use peers::sparkplug::{Heard, Listener, pysparkplug, tahu};
use serde_json::{Value as Json, json};

use crate::bench::{State, make, soon};

/// The metrics of the node and the device of pysparkplug, in the order of the tags.
fn press() -> Vec<Json> {
    let own =
        ["firmware", "cpu"].map(|metric| json!({"group": "Usine1", "edge": "ligne-3", "metric": metric}));
    let device = ["temperature", "pieces", "state", "alarm", "order", "torque"]
        .map(|metric| json!({"group": "Usine1", "edge": "ligne-3", "device": "presse-07", "metric": metric}));
    own.into_iter().chain(device).collect()
}

fn lathe() -> Vec<Json> {
    let metric = |device: Json, metric: &str| json!({"group": "Usine1", "edge": "ligne-4", "device": device, "metric": metric});
    let device = ["Inputs/speed", "Motor", "started", "total"].map(|name| metric(json!("tour-2"), name));
    std::iter::once(metric(Json::Null, "kpi")).chain(device).collect()
}

fn table(broker: &Mosquitto, version: &str, role: &str) -> Json {
    let mut sparkplug = json!({"role": role, "rebirth_every_min": "1s", "reorder_timeout": "1s"});
    if role == "primary" {
        sparkplug["host"] = json!("portevoix");
    }
    let url = format!("mqtt://127.0.0.1:{}", broker.port());
    json!({"url": url, "version": version, "session_expiry": "0s", "sparkplug": sparkplug})
}

/// Reads until this is so of all that came.
async fn until(source: &mut dyn Source, mut is_so: impl FnMut(&Batch) -> bool) -> Batch {
    let reading = async {
        let mut all = Batch::default();
        while !is_so(&all) {
            let batch = source.next().await.expect("a batch");
            if let Some(ticket) = batch.ticket {
                source.settle(ticket).await.expect("settled");
            }
            all.samples.extend(batch.samples);
            all.notices.extend(batch.notices);
        }
        all
    };
    tokio::time::timeout(Duration::from_secs(40), reading).await.expect("in time")
}

/// The first sample of each tag.
fn first(samples: &[Sample], tags: u32) -> Vec<Option<Sample>> {
    (0..tags).map(|tag| samples.iter().find(|sample| sample.tag == TagId(tag)).cloned()).collect()
}

fn has_all(batch: &Batch, tags: u32) -> bool {
    first(&batch.samples, tags).iter().all(Option::is_some)
}

fn is_told(batch: &Batch, device: &str, cause: Cause) -> bool {
    let trouble = Trouble { thing: Thing::Device, name: device.to_owned(), cause };
    batch.notices.contains(&Notice::Trouble(trouble))
}

fn is_mended(batch: &Batch, device: &str) -> bool {
    batch.notices.contains(&Notice::Mended(Thing::Device, device.to_owned()))
}

fn is_bad(sample: &Sample) -> bool {
    matches!(sample.quality, Quality::Bad(_))
}

/// What no edge node says: what a host published.
fn ours(heard: &[Heard]) -> Vec<&Heard> {
    heard.iter().filter(|heard| heard.topic.contains("CMD/") || heard.topic.contains("/STATE/")).collect()
}

/// Everything that was said is what edge nodes say, or one of the two things that we may.
#[track_caller]
fn check_published(listener: &Listener, role: &str) {
    for heard in listener.heard() {
        let level = heard.topic.split('/').nth(2).unwrap_or_default();
        let is_theirs = ["NBIRTH", "NDEATH", "NDATA", "DBIRTH", "DDEATH", "DDATA"].contains(&level);
        let is_rebirth = level == "NCMD" && role != "passive" && is_request(&heard.payload);
        let is_state = heard.topic == "spBv1.0/STATE/portevoix" && role == "primary";
        assert!(is_theirs || is_rebirth || is_state, "{role}: {heard:?}");
    }
}

/// One metric, `Node Control/Rebirth`, a Boolean that is true; a time and nothing else.
fn is_request(payload: &[u8]) -> bool {
    let name = b"\x0a\x14Node Control/Rebirth";
    let wanted = [&name[..], b"\x18"].concat();
    let at = payload.windows(wanted.len()).position(|part| part == wanted);
    let metrics = payload.windows(name.len()).filter(|part| part == name).count();
    at.is_some() && metrics == 1 && payload.ends_with(b"\x20\x0b\x70\x01") && payload.len() < 60
}

#[tokio::test]
async fn pysparkplug_is_asked_for_its_birth_speaks_dies_and_comes_back() {
    let broker = Mosquitto::start(Options::default()).await;
    let listener = Listener::start(broker.port()).await;
    let mut edge = pysparkplug(broker.port(), true).await;
    let state = State::new();
    for version in ["5", "3.1.1"] {
        let mut source = make(&state, table(&broker, version, "active"), &press());
        soon(source.connect()).await.expect("connected");
        let born = until(&mut *source, |all| has_all(all, 8)).await;
        let values: Vec<Sample> = first(&born.samples, 8).into_iter().flatten().collect();
        assert_eq!(values[0].value, Value::Text("2.4.1".into()));
        assert_eq!(values[1].value, Value::Number(12.5));
        assert!(matches!(values[3].value, Value::Number(pieces) if pieces >= 4_294_967_290.0));
        assert_eq!(values[4].value, Value::Number(-3.0));
        assert_eq!(values[5].value, Value::Flag(false));
        assert_eq!(values[6].value, Value::Text("OF-2026-00123".into()));
        assert!(is_bad(&values[7]), "null is no value: {:?}", values[7]);
        assert!(values[..7].iter().all(|sample| sample.quality == Quality::Good && sample.at.is_some()));
        let spoken = |all: &Batch| all.samples.iter().filter(|sample| sample.tag == TagId(3)).count() > 5;
        let live = until(&mut *source, spoken).await;
        assert_eq!(live.notices, [], "nothing is wrong");

        // The power fails: the Will says so.
        edge.kill();
        let dead = until(&mut *source, |all| is_told(all, "Usine1/ligne-3", Cause::SaidGoodbye)).await;
        let bad: Vec<Sample> = dead.samples.into_iter().filter(is_bad).collect();
        assert!(first(&bad, 8).iter().all(Option::is_some), "{bad:?}");
        edge.restart().await;
        let back = until(&mut *source, |all| is_mended(all, "Usine1/ligne-3") && has_all(all, 8)).await;
        assert!(first(&back.samples, 7).into_iter().flatten().all(|sample| !is_bad(&sample)));
    }
    check_published(&listener, "active");
    assert!(!ours(&listener.heard()).is_empty(), "it was asked");
}

/// A clean stop of pysparkplug has another bdSeq than its birth: it is believed, a little later.
#[tokio::test]
async fn a_clean_stop_of_pysparkplug_is_a_death() {
    let broker = Mosquitto::start(Options::default()).await;
    let state = State::new();
    let mut source = make(&state, table(&broker, "5", "active"), &press());
    soon(source.connect()).await.expect("connected");
    let edge = pysparkplug(broker.port(), false).await;
    until(&mut *source, |all| has_all(all, 8)).await;
    edge.signal("TERM");
    let dead = until(&mut *source, |all| is_told(all, "Usine1/ligne-3", Cause::SaidGoodbye)).await;
    assert!(is_told(&dead, "Usine1/ligne-3/presse-07", Cause::SaidGoodbye), "{:?}", dead.notices);
}

#[tokio::test]
async fn tahu_is_read_packed_or_not() {
    let broker = Mosquitto::start(Options::default()).await;
    let listener = Listener::start(broker.port()).await;
    let mut edge = tahu(broker.port()).await;
    let state = State::new();
    let mut source = make(&state, table(&broker, "5", "active"), &lathe());
    soon(source.connect()).await.expect("connected");
    let born = until(&mut *source, |all| has_all(all, 5)).await;
    let values: Vec<Sample> = first(&born.samples, 5).into_iter().flatten().collect();
    assert!(
        matches!(&values[0].quality, Quality::Bad(reason) if reason.contains("data set")),
        "{:?}",
        values[0]
    );
    assert_eq!((&values[1].value, &values[1].quality), (&Value::Number(12.5), &Quality::Good));
    assert!(
        matches!(&values[2].quality, Quality::Bad(reason) if reason.contains("template")),
        "{:?}",
        values[2]
    );
    assert_eq!(values[3].value, Value::Time(Moment::from_ms(1_772_366_400_000)));
    assert_eq!(values[4].value, Value::Number(5e9));
    // Every second one is packed: no number is left out.
    let spoken = |all: &Batch| all.samples.iter().filter(|sample| sample.tag == TagId(1)).count() > 8;
    let live = until(&mut *source, spoken).await;
    let numbers: Vec<f64> = live
        .samples
        .iter()
        .filter_map(|sample| if let Value::Number(number) = sample.value { Some(number) } else { None })
        .collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1.0), "{numbers:?}");
    assert_eq!(live.notices, []);
    edge.kill();
    until(&mut *source, |all| is_told(all, "Usine1/ligne-4", Cause::SaidGoodbye)).await;
    check_published(&listener, "active");
}

#[tokio::test]
async fn a_passive_host_publishes_nothing_at_all() {
    let broker = Mosquitto::start(Options::default()).await;
    let listener = Listener::start(broker.port()).await;
    let mut edge = pysparkplug(broker.port(), true).await;
    let state = State::new();
    let mut source = make(&state, table(&broker, "5", "passive"), &press());
    soon(source.connect()).await.expect("connected");
    let unborn = Cause::Missing("NBIRTH".to_owned());
    let missing = until(&mut *source, |all| is_told(all, "Usine1/ligne-3", unborn.clone())).await;
    assert!(missing.samples.iter().all(is_bad), "no value without a birth: {:?}", missing.samples);
    edge.restart().await;
    let born = until(&mut *source, |all| is_mended(all, "Usine1/ligne-3") && has_all(all, 8)).await;
    assert!(born.samples.iter().any(|sample| sample.quality == Quality::Good));
    check_published(&listener, "passive");
    assert_eq!(ours(&listener.heard()), Vec::<&Heard>::new());
    // The oracle sees a host that does publish.
    let mut active = make(&State::new(), table(&broker, "5", "active"), &press());
    soon(active.connect()).await.expect("connected");
    until(&mut *active, |all| has_all(all, 8)).await;
    assert!(!ours(&listener.heard()).is_empty(), "a mutant went unnoticed");
}

/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// What a stranger says of us.
const STRANGER: &str = r#"{"online":false,"timestamp":1000}"#;

/// What was said on the topic of the host, once there are so many words.
async fn state_words(listener: &Listener, count: usize) -> Vec<String> {
    let words = async {
        loop {
            let heard = listener.heard();
            let words = heard.iter().filter(|heard| heard.topic == "spBv1.0/STATE/portevoix");
            let words: Vec<_> =
                words.map(|heard| String::from_utf8_lossy(&heard.payload).into_owned()).collect();
            if words.len() >= count {
                return words;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    soon(words).await
}

#[tokio::test]
async fn a_primary_host_says_that_it_is_there_and_the_broker_that_it_is_not() {
    for version in ["5", "3.1.1"] {
        let broker = Mosquitto::start(Options::default()).await;
        let listener = Listener::start(broker.port()).await;
        let state = State::new();
        let mut source = make(&state, table(&broker, version, "primary"), &press());
        soon(source.connect()).await.expect("connected");
        // As the room does: what comes is settled, or the broker gives no more.
        let reader = tokio::spawn(async move {
            while let Ok(batch) = source.next().await {
                if let Some(ticket) = batch.ticket {
                    source.settle(ticket).await.expect("settled");
                }
            }
        });
        let words = state_words(&listener, 1).await;
        assert!(words[0].starts_with(r#"{"online":true,"timestamp":1"#), "{words:?}");
        // A stranger, or a Will that comes late, says otherwise, again and again: it is answered with the same time.
        let mut stranger = Publisher::connect(broker.port()).await.expect("a broker");
        let is_ours = |word: &&String| !word.contains(STRANGER);
        let answered = async {
            while state_words(&listener, 1).await.iter().filter(is_ours).count() < 2 {
                let said = stranger.publish("spBv1.0/STATE/portevoix", STRANGER.as_bytes(), 1, true).await;
                said.expect("taken");
                tokio::time::sleep(LOOK).await;
            }
        };
        soon(answered).await;
        let words: Vec<String> =
            state_words(&listener, 3).await.into_iter().filter(|word| is_ours(&word)).collect();
        assert_eq!(words, [words[0].as_str(); 2], "{version}");
        // The line is gone: the Will has the time of the birth.
        reader.abort();
        let offline = words[0].replace("true", "false");
        let gone = async {
            while state_words(&listener, 3).await.last() != Some(&offline) {
                tokio::time::sleep(LOOK).await;
            }
        };
        soon(gone).await;
        check_published(&listener, "primary");
        assert!(ours(&listener.heard()).len() >= 4);
    }
}
