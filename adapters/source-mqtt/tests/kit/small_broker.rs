//! The broker of the demonstration, and what it shows of the adapter.

use std::net::SocketAddr;

use contract::{Origin, Quality, SourceError, Value};
use peers::mosquitto::Publisher;
use serde_json::json;
use source_mqtt::broker::Broker;

use crate::bench::{State, collect, make, soon};

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

#[tokio::test]
async fn serves_retained_wildcards_and_both_qos() {
    let broker = Broker::start(loopback()).expect("a broker");
    let url = format!("mqtt://127.0.0.1:{}", broker.port());
    broker.publish("usine/press-3/huile", "80", true);
    broker.publish("usine/press-4/huile", "70", false);
    for qos in [0, 1] {
        let state = State::new();
        let table = json!({"url": url, "version": "3.1.1", "qos": qos, "client_id": format!("q{qos}")});
        let tags = [json!({"topic": "usine/+/huile"}), json!({"topic": "usine/{machine}/huile"})];
        let mut source = make(&state, table, &tags);
        soon(source.connect()).await.expect("connected");
        let (samples, _) = collect(&mut *source, 2, 0).await;
        assert!(samples.iter().all(|sample| sample.origin == Origin::Retained), "{samples:?}");
        broker.publish("usine/press-5/huile", "60", false);
        let mut publisher = Publisher::connect(broker.port()).await.expect("connected");
        publisher.publish("usine/press-3/huile", b"NaN", 1, false).await.expect("taken");
        publisher.publish("usine/press-3/eau", b"1", 2, false).await.expect("taken");
        let (samples, _) = collect(&mut *source, 3, 0).await;
        assert_eq!(samples[0].value, Value::Number(60.0));
        assert!(matches!(samples[1].quality, Quality::Bad(_)), "{samples:?}");
        assert_eq!((samples[0].origin, samples.len()), (Origin::Live, 3));
    }
}

#[tokio::test]
async fn ends_with_its_owner_and_opens_nothing_else() {
    let broker = Broker::start(loopback()).expect("a broker");
    let url = format!("mqtt://127.0.0.1:{}", broker.port());
    let state = State::new();
    let mut source = make(&state, json!({"url": url, "version": "3.1.1"}), &[json!({"topic": "a"})]);
    soon(source.connect()).await.expect("connected");
    assert_eq!(broker.subscribers(), 1);
    drop(broker);
    let lost = soon(source.next()).await;
    assert!(matches!(lost, Err(SourceError::Lost(_))), "{lost:?}");
    assert!(Broker::start(SocketAddr::from(([0, 0, 0, 0], 0))).is_err());
}

#[tokio::test]
async fn tells_a_client_of_the_other_version() {
    let broker = Broker::start(loopback()).expect("a broker");
    let state = State::new();
    let url = format!("mqtt://127.0.0.1:{}", broker.port());
    let error = soon(make(&state, json!({"url": url}), &[json!({"topic": "a"})]).connect()).await;
    assert!(matches!(&error, Err(SourceError::Refused(words)) if words.contains("3.1.1")), "{error:?}");
}
