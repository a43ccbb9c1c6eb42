//! What a session promises: poison, retained values, takeover, a forgetful broker, a dead line.

use std::time::{Duration, Instant};

use contract::{Batch, Notice, Origin, Source, SourceError, TagId, Value};
use peers::mosquitto::{Mosquitto, Options, Publisher};
use serde_json::{Value as Json, json};

use crate::bench::{State, collect, make, soon};

const VERSIONS: [&str; 2] = ["5", "3.1.1"];

async fn kept() -> (Mosquitto, State) {
    let options = Options { keeps: true, ..Options::default() };
    (Mosquitto::start(options).await, State::new())
}

fn table(broker: &Mosquitto, version: &str) -> Json {
    json!({"url": format!("mqtt://127.0.0.1:{}", broker.port()), "version": version})
}

fn tag(topic: &str) -> Json {
    json!({"topic": topic})
}

async fn say(broker: &Mosquitto, topic: &str, payload: &[u8], retain: bool) {
    let mut publisher = Publisher::connect(broker.port()).await.expect("a broker");
    publisher.publish(topic, payload, 1, retain).await.expect("taken");
}

fn numbers(batch: &[contract::Sample]) -> Vec<f64> {
    batch
        .iter()
        .filter_map(|sample| if let Value::Number(number) = sample.value { Some(number) } else { None })
        .collect()
}

#[tokio::test]
async fn poison_is_skipped_told_and_does_not_block() {
    for version in VERSIONS {
        let (mut broker, state) = kept().await;
        let mut table = table(&broker, version);
        table["packet_max"] = json!(2000);
        let mut source = make(&state, table.clone(), &[tag("a"), tag("b")]);
        soon(source.connect()).await.expect("connected");
        drop(source);
        // Queued in the session while nobody listens; the second one is retained as well.
        say(&broker, "a", &[b'x'; 100_000], false).await;
        say(&broker, "b", &[b'y'; 3_000_000], true).await;
        say(&broker, "a", b"84.2", false).await;
        let mut source = make(&state, table.clone(), &[tag("a"), tag("b")]);
        soon(source.connect()).await.expect("connected");
        let (samples, notices) = collect(&mut *source, 1, 2).await;
        assert_eq!(numbers(&samples), [84.2], "{version}");
        let told = format!("{notices:?}");
        assert!(told.contains("`a`") && told.contains("`b`") && told.contains("packet_max"), "{told}");
        assert!(notices.iter().all(|notice| matches!(notice, Notice::Poison(_))), "{told}");
        // It was acknowledged: the broker does not give it again, whatever happens. One more value, so that the
        // broker has certainly read what we sent before.
        say(&broker, "a", b"84.3", false).await;
        collect(&mut *source, 1, 0).await;
        drop(source);
        broker.stop();
        broker.restart().await;
        let mut source = make(&state, table, &[tag("a"), tag("b")]);
        soon(source.connect()).await.expect("connected");
        say(&broker, "a", b"85", false).await;
        let (mut came, mut notices) = (Vec::new(), Vec::new());
        while came.last() != Some(&85.0) {
            let batch = soon(source.next()).await.expect("a batch");
            came.extend(numbers(&batch.samples));
            notices.extend(batch.notices);
        }
        assert!(came.iter().all(|value| *value > 84.2), "{version}: {came:?}");
        // MQTT 3.1.1 repeats what is retained at each subscription, so that one is told again.
        let told = format!("{notices:?}");
        assert!(!told.contains("`a`") && (version == "3.1.1" || notices.is_empty()), "{version}: {told}");
    }
}

#[tokio::test]
async fn a_retained_value_is_marked() {
    for version in VERSIONS {
        let (broker, state) = kept().await;
        say(&broker, "a", b"1", true).await;
        let mut source = make(&state, table(&broker, version), &[tag("a")]);
        soon(source.connect()).await.expect("connected");
        say(&broker, "a", b"2", true).await;
        let (samples, _) = collect(&mut *source, 2, 0).await;
        let origins: Vec<Origin> = samples.iter().map(|sample| sample.origin).collect();
        assert_eq!(origins, [Origin::Retained, Origin::Live], "{version}");
        // In a session that goes on, what is retained is not repeated over what is newer.
        soon(source.connect()).await.expect("connected");
        say(&broker, "a", b"3", false).await;
        let (samples, _) = collect(&mut *source, 1, 0).await;
        assert_eq!(numbers(&samples), [3.0], "{version}");
    }
}

#[tokio::test]
async fn at_qos_0_the_retained_value_comes_at_each_connection() {
    let (broker, state) = kept().await;
    say(&broker, "a", b"1", true).await;
    for version in VERSIONS {
        let mut table = table(&broker, version);
        table["qos"] = json!(0);
        let mut source = make(&state, table, &[tag("a")]);
        for _ in 0..2 {
            soon(source.connect()).await.expect("connected");
            let (samples, _) = collect(&mut *source, 1, 0).await;
            assert_eq!(samples[0].origin, Origin::Retained, "{version}");
        }
    }
}

#[tokio::test]
async fn who_takes_over_gets_what_was_not_settled() {
    for version in VERSIONS {
        let (broker, state) = kept().await;
        let mut first = make(&state, table(&broker, version), &[tag("a")]);
        soon(first.connect()).await.expect("connected");
        for value in 0..10 {
            say(&broker, "a", value.to_string().as_bytes(), false).await;
        }
        let mut taken = Batch::default();
        while taken.samples.len() < 10 {
            taken.samples.extend(soon(first.next()).await.expect("a batch").samples);
        }
        let mut second = make(&state, table(&broker, version), &[tag("a")]);
        soon(second.connect()).await.expect("connected");
        let (samples, _) = collect(&mut *second, 10, 0).await;
        assert_eq!(numbers(&samples), (0..10).map(f64::from).collect::<Vec<_>>(), "{version}");
        let error = soon(first.next()).await.expect_err("thrown out");
        assert!(matches!(error, SourceError::Lost(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_forgetful_broker_is_asked_again_and_the_gap_is_told() {
    for version in VERSIONS {
        let mut broker = Mosquitto::start(Options::default()).await;
        let state = State::new();
        let mut source = make(&state, table(&broker, version), &[tag("a")]);
        soon(source.connect()).await.expect("connected");
        say(&broker, "a", b"1", false).await;
        let (samples, notices) = collect(&mut *source, 1, 0).await;
        assert!(numbers(&samples) == [1.0] && notices.is_empty(), "{version}: {notices:?}");
        broker.kill();
        assert!(matches!(soon(source.next()).await, Err(SourceError::Lost(_))));
        broker.restart().await;
        soon(source.connect()).await.expect("connected");
        let (_, notices) = collect(&mut *source, 0, 1).await;
        assert!(matches!(notices[..], [Notice::Gap(_)]), "{version}: {notices:?}");
        say(&broker, "a", b"2", false).await;
        assert_eq!(numbers(&collect(&mut *source, 1, 0).await.0), [2.0], "{version}");
        // The same when we were restarted too.
        broker.kill();
        broker.restart().await;
        let mut source = make(&state, table(&broker, version), &[tag("a")]);
        soon(source.connect()).await.expect("connected");
        let (_, notices) = collect(&mut *source, 0, 1).await;
        assert!(matches!(notices[..], [Notice::Gap(_)]), "{version}: {notices:?}");
    }
}

#[tokio::test]
async fn a_frozen_broker_is_noticed_within_twice_the_keep_alive() {
    for version in VERSIONS {
        let (broker, state) = kept().await;
        let mut table = table(&broker, version);
        table["keep_alive"] = json!("2s");
        table["connect_timeout"] = json!("500ms");
        let mut source = make(&state, table, &[tag("a")]);
        soon(source.connect()).await.expect("connected");
        broker.freeze();
        let frozen = Instant::now();
        let error = soon(source.next()).await.expect_err("a dead line");
        assert!(matches!(&error, SourceError::Lost(words) if words.contains("dead")), "{error:?}");
        assert!(frozen.elapsed() < Duration::from_secs(4), "{:?}", frozen.elapsed());
        let error = soon(source.connect()).await.expect_err("nobody answers");
        assert!(matches!(error, SourceError::Lost(_)), "{error:?}");
        broker.thaw();
        soon(source.connect()).await.expect("connected");
        say(&broker, "a", b"1", false).await;
        assert_eq!(numbers(&collect(&mut *source, 1, 0).await.0), [1.0], "{version}");
    }
}

#[tokio::test]
async fn a_silence_after_values_makes_the_connection_anew_once() {
    let (broker, state) = kept().await;
    let mut table = table(&broker, "5");
    table["silence_max"] = json!("300ms");
    let mut source = make(&state, table, &[tag("a")]);
    soon(source.connect()).await.expect("connected");
    let quiet = tokio::time::timeout(Duration::from_millis(700), source.next()).await;
    assert!(quiet.is_err(), "no value came yet: {quiet:?}");
    say(&broker, "a", b"1", false).await;
    collect(&mut *source, 1, 0).await;
    let error = soon(source.next()).await.expect_err("a silence");
    assert!(matches!(&error, SourceError::Lost(words) if words.contains("silence_max")), "{error:?}");
    soon(source.connect()).await.expect("connected");
    let quiet = tokio::time::timeout(Duration::from_millis(700), source.next()).await;
    assert!(quiet.is_err(), "once is enough: {quiet:?}");
}

#[tokio::test]
async fn a_topic_taken_out_of_the_configuration_is_given_back() {
    for version in VERSIONS {
        let (broker, state) = kept().await;
        let mut source = make(&state, table(&broker, version), &[tag("a"), tag("old")]);
        soon(source.connect()).await.expect("connected");
        drop(source);
        say(&broker, "old", b"1", false).await;
        let mut source = make(&state, table(&broker, version), &[tag("a")]);
        soon(source.connect()).await.expect("connected");
        // What the session already held still comes, is told once, and is acknowledged.
        let (samples, notices) = collect(&mut *source, 0, 1).await;
        assert_eq!((samples.len(), &notices[..]), (0, &[Notice::Unclaimed("old".to_owned())][..]));
        say(&broker, "old", b"2", false).await;
        say(&broker, "a", b"3", false).await;
        let batch = soon(source.next()).await.expect("a batch");
        assert_eq!(numbers(&batch.samples), [3.0], "{version}");
    }
}

#[tokio::test]
async fn patterns_and_groups_are_read() {
    for version in VERSIONS {
        let (broker, state) = kept().await;
        let tags = [tag("usine/+/huile"), tag("usine/{machine}/huile"), tag("usine/#")];
        let mut shared = table(&broker, version);
        shared["share"] = json!("portevoix");
        for table in [table(&broker, version), shared] {
            let mut source = make(&state, table, &tags);
            soon(source.connect()).await.expect("connected");
            say(&broker, "usine/press-3/huile", b"1", false).await;
            say(&broker, "usine/press-4/huile", b"2", false).await;
            let (samples, _) = collect(&mut *source, 5, 0).await;
            let got: Vec<(u32, f64)> = samples.iter().map(|s| s.tag.0).zip(numbers(&samples)).collect();
            assert_eq!(got, [(1, 1.0), (0, 1.0), (2, 1.0), (0, 2.0), (2, 2.0)], "{version}");
            assert_eq!(samples[0].tag, TagId(1));
        }
    }
}

#[tokio::test]
async fn a_burst_comes_in_few_batches_and_waits_for_settle() {
    for version in VERSIONS {
        let broker = Mosquitto::start(Options { inflight: 2000, ..Options::default() }).await;
        let state = State::new();
        let mut source: Box<dyn Source> = make(&state, table(&broker, version), &[tag("a")]);
        soon(source.connect()).await.expect("connected");
        let mut publisher = Publisher::connect(broker.port()).await.expect("a broker");
        for value in 0..1000 {
            publisher.publish("a", value.to_string().as_bytes(), 1, false).await.expect("taken");
        }
        let (mut came, mut batches) = (Vec::new(), 0);
        while came.len() < 1000 {
            let batch = soon(source.next()).await.expect("a batch");
            assert!(batch.samples.len() <= 512);
            came.extend(numbers(&batch.samples));
            batches += 1;
        }
        assert_eq!(came, (0..1000).map(f64::from).collect::<Vec<_>>());
        assert!(batches <= 20, "{batches} batches");
    }
}
