//! What can be wrong between a broker and us, and in which words it is told.

use contract::{Source, SourceError};
use peers::mosquitto::{Mosquitto, Options, Publisher};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::bench::{State, collect, make, soon, try_make};

fn tag() -> Value {
    json!({"topic": "a"})
}

async fn refusal(table: Value) -> SourceError {
    let state = State::new();
    let mut source = make(&state, table, &[tag()]);
    soon(source.connect()).await.expect_err("a refusal")
}

#[track_caller]
fn check(error: &SourceError, kind: fn(String) -> SourceError, words: &str) {
    let text = error.to_string();
    assert_eq!(*error, kind(text.clone()), "another next step was expected");
    assert!(text.contains(words), "expected `{words}` in `{text}`");
}

/// Takes one client and answers each thing it says with the next of these.
async fn scripted(replies: &'static [&'static [u8]]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        for reply in replies {
            let mut said = [0; 1024];
            let _ = stream.read(&mut said).await;
            let _ = stream.write_all(reply).await;
        }
        let _ = stream.read(&mut [0; 1024]).await;
    });
    format!("mqtt://127.0.0.1:{port}")
}

#[tokio::test]
async fn nobody_at_the_port() {
    let mut broker = Mosquitto::start(Options::default()).await;
    broker.kill();
    let error = refusal(json!({"url": format!("mqtt://127.0.0.1:{}", broker.port())})).await;
    check(&error, SourceError::Lost, "cannot be reached");
    let error = refusal(json!({"url": "mqtt://no-such-host.invalid:1883"})).await;
    check(&error, SourceError::Lost, "cannot be reached");
}

#[tokio::test]
async fn another_service_at_the_port() {
    let url = scripted(&[b"HTTP/1.1 400 Bad Request\r\n\r\n"]).await;
    check(&refusal(json!({"url": url})).await, SourceError::Refused, "does not speak MQTT");
}

#[tokio::test]
async fn plain_and_tls_taken_for_each_other() {
    let broker = Mosquitto::start(Options { tls: true, ..Options::default() }).await;
    let plain = json!({"url": format!("mqtt://127.0.0.1:{}", broker.tls_port()), "connect_timeout": "1s"});
    check(&refusal(plain).await, SourceError::Lost, "is it a TLS port");
    let url = format!("mqtts://127.0.0.1:{}", broker.port());
    let error = refusal(json!({"url": url, "ca": broker.file("ca.pem"), "connect_timeout": "1s"})).await;
    assert!(error.to_string().contains("is it a plain port"), "{error}");
}

#[tokio::test]
async fn tls_with_and_without_the_right_papers() {
    let broker = Mosquitto::start(Options { tls: true, asks_certificate: true, ..Options::default() }).await;
    let url = format!("mqtts://127.0.0.1:{}", broker.tls_port());
    let (ca, other) = (broker.file("ca.pem"), broker.file("other.pem"));
    for version in ["5", "3.1.1"] {
        let (certificate, key) = (broker.file("client.pem"), broker.file("client.key"));
        let good = json!({
            "url": url, "version": version, "ca": ca, "certificate": certificate, "key": key, "client_id": version,
        });
        let state = State::new();
        let mut source = make(&state, good.clone(), &[tag()]);
        soon(source.connect()).await.expect("connected");
        let mut publisher = Publisher::connect(broker.port()).await.expect("a broker");
        publisher.publish("a", b"84.2", 1, false).await.expect("taken");
        assert_eq!(collect(&mut *source, 1, 0).await.0.len(), 1);

        let mut wrong = good.clone();
        wrong["ca"] = json!(other);
        check(&refusal(wrong).await, SourceError::LockedOut, "signed by none of the authorities");
        let bare = json!({"url": url, "version": version, "ca": ca});
        check(&refusal(bare).await, SourceError::LockedOut, "does not take our certificate");
        let mut elsewhere = good;
        elsewhere["url"] = json!(format!("mqtts://localhost:{}", broker.tls_port()));
        check(&refusal(elsewhere).await, SourceError::LockedOut, "is not good");
    }
}

#[tokio::test]
async fn papers_that_cannot_be_read_are_faults_with_a_key() {
    let broker = Mosquitto::start(Options { tls: true, ..Options::default() }).await;
    let state = State::new();
    let (ca, pem) = (broker.file("ca.pem"), broker.file("client.pem"));
    for (table, key) in [
        (json!({"ca": "/nowhere/ca.pem"}), "ca"),
        (json!({"ca": broker.file("mosquitto.conf")}), "ca"),
        (json!({"ca": ca, "certificate": pem, "key": broker.file("server.key")}), "key"),
        (
            json!({"ca": ca, "certificate": broker.file("client.key"), "key": broker.file("client.key")}),
            "certificate",
        ),
        (json!({"user": "x", "password": {"file": "/nowhere"}}), "password"),
    ] {
        let mut table = table;
        table["url"] = json!("mqtts://localhost");
        let faults = try_make(&state, table, &[tag()]).err().expect("a fault");
        assert!(faults.len() == 1 && faults[0].key == key, "{key}: {faults:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_locks_out() {
    let broker = Mosquitto::start(Options { asks_password: true, ..Options::default() }).await;
    let url = format!("mqtt://127.0.0.1:{}", broker.port());
    for version in ["5", "3.1.1"] {
        let table = |file: &str| json!({"url": url, "version": version, "user": "portevoix", "password": {"file": broker.file(file)}});
        let state = State::new();
        let mut source = make(&state, table("password"), &[tag()]);
        soon(source.connect()).await.expect("connected");
        check(&refusal(table("wrong-password")).await, SourceError::LockedOut, "password");
        let nobody = json!({"url": url, "version": version});
        check(&refusal(nobody).await, SourceError::LockedOut, "not authorised");
    }
}

#[tokio::test]
async fn a_broker_of_another_version() {
    let url = scripted(&[&[0x20, 2, 0, 1]]).await;
    let error = refusal(json!({"url": url})).await;
    check(&error, SourceError::Refused, "try `version = \"3.1.1\"`");
    let url = scripted(&[&[0x20, 2, 0, 1]]).await;
    let error = refusal(json!({"url": url, "version": "3.1.1"})).await;
    check(&error, SourceError::Refused, "try `version = \"5\"`");
}

#[tokio::test]
async fn a_refused_subscription_names_its_topic() {
    let url = scripted(&[&[0x20, 2, 0, 0], &[0x90, 3, 0, 1, 0x80]]).await;
    let error = refusal(json!({"url": url, "version": "3.1.1"})).await;
    check(&error, SourceError::LockedOut, "topic `a`");
    let url = scripted(&[&[0x20, 3, 0, 0, 0], &[0x90, 4, 0, 1, 0, 0x87]]).await;
    check(&refusal(json!({"url": url})).await, SourceError::LockedOut, "topic `a`");
    let url = scripted(&[&[0x20, 3, 0, 0, 0], &[0x90, 4, 0, 1, 0, 0x9E]]).await;
    check(&refusal(json!({"url": url})).await, SourceError::Refused, "shared subscriptions");
}

/// One of two: its tags are bad and it is told, the other is read. At the next connection it is granted.
#[tokio::test]
async fn a_refused_topic_spoils_only_its_own_tags() {
    const VALUE: &[u8] = b"\x30\x04\x00\x01b7";
    let url = scripted(&[&[0x20, 2, 0, 0], &[0x90, 4, 0, 1, 0x80, 0]]).await;
    let state = State::new();
    let tags = ["a/+", "a/x", "b"].map(|topic| json!({"topic": topic}));
    let mut source = make(&state, json!({"url": url, "version": "3.1.1"}), &tags);
    soon(source.connect()).await.expect("connected, though one of two is refused");
    let (samples, notices) = collect(&mut *source, 2, 1).await;
    let bad: Vec<u32> = samples.iter().map(|sample| sample.tag.0).collect();
    assert_eq!(bad, [0, 1]);
    assert!(
        samples.iter().all(
            |sample| matches!(&sample.quality, contract::Quality::Bad(why) if why.contains("topic `a/+`"))
        )
    );
    let cause = contract::Cause::Refused("reason 0x80".to_owned());
    let thing = contract::Thing::Address;
    let trouble = contract::Trouble { thing, name: "a/+".to_owned(), cause };
    assert_eq!(notices, [contract::Notice::Trouble(trouble)]);
    drop(source);

    // The oracle for what goes on: the same broker, with a value behind its answer.
    let answer: &[u8] = Box::leak([&[0x90, 4, 0, 1, 0x80, 0], VALUE].concat().into_boxed_slice());
    let url = scripted(Box::leak(Box::new([&[0x20, 2, 0, 0], answer]))).await;
    let mut source = make(&state, json!({"url": url, "version": "3.1.1"}), &tags);
    soon(source.connect()).await.expect("connected");
    let (samples, _) = collect(&mut *source, 3, 1).await;
    assert_eq!(samples[2].value, contract::Value::Number(7.0));
    assert_eq!(samples[2].tag, contract::TagId(2));
}

#[tokio::test]
async fn a_broker_that_never_answers_is_given_up() {
    let url = scripted(&[b""]).await;
    let error = refusal(json!({"url": url, "connect_timeout": "200ms"})).await;
    check(&error, SourceError::Lost, "does not greet");
    let url = scripted(&[&[0x20, 3, 0, 0, 0], b""]).await;
    let error = refusal(json!({"url": url, "connect_timeout": "200ms"})).await;
    check(&error, SourceError::Lost, "does not answer our subscriptions");
}

#[tokio::test]
async fn a_reason_at_the_end_is_passed_on() {
    let goodbye: &[u8] = &[0x20, 3, 0, 0, 0];
    let url = scripted(Box::leak(Box::new([goodbye, &[0x90, 4, 0, 1, 0, 1, 0xE0, 1, 0x8E]]))).await;
    let state = State::new();
    let mut source: Box<dyn Source> = make(&state, json!({"url": url}), &[tag()]);
    let connected = soon(source.connect()).await;
    let error = match connected {
        Ok(()) => soon(source.next()).await.expect_err("the end"),
        Err(error) => error,
    };
    check(&error, SourceError::Lost, "another client with our `client_id`");
}
