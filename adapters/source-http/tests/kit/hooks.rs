//! Webhooks: believed, answered once they are safe, asked to come again otherwise.

use base64::Engine;
use contract::{Cause, Notice, Quality, Source, Value};
use hmac::{Hmac, KeyInit, Mac};
use http_client::{Client, Connection, FetchError, Method, Url};
use peers::foreign::{Folder, free_port};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bench::{keys, make, soon};

const BODY: &str = r#"{"oil": 84.2, "orders": [{"Number": "OF-1", "Quantity": 25}]}"#;

struct Plant {
    _folder: Folder,
    source: Box<dyn Source>,
    port: u16,
}

impl Plant {
    async fn start(listen: serde_json::Value) -> Plant {
        let (folder, port) = (Folder::new("http"), free_port());
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "Jefe").expect("written");
        let mut table = json!({"address": format!("127.0.0.1:{port}"), "secret": {"file": secret}});
        table.as_object_mut().expect("a table").extend(listen.as_object().expect("a table").clone());
        let tag = json!({"hook": "/press/{machine}", "value": "/oil"});
        let list = json!({"hook": "/press/press-3", "rows": "/orders"});
        let mut source = make(folder.path(), json!({"listen": table}), &[tag], &[list]);
        soon(source.connect()).await.expect("listening");
        Plant { _folder: folder, source, port }
    }

    /// Sends a message; its answer comes to the task.
    fn send(&self, path: &str, headers: &[(&str, String)], body: &str) -> tokio::task::JoinHandle<u16> {
        let answer = self.ask(path, headers, body);
        tokio::spawn(async move { answer.await.expect("an answer").0 })
    }

    /// The same, with the words of the answer.
    fn ask(
        &self,
        path: &str,
        headers: &[(&str, String)],
        body: &str,
    ) -> tokio::task::JoinHandle<(u16, String)> {
        let url: Url = format!("http://127.0.0.1:{}{path}", self.port).parse().expect("a URL");
        let client = Client::new(&Connection::default(), "connection", false).expect("a client");
        let mut request = client.request(Method::POST, url).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        tokio::spawn(async move {
            match client.fetch(request, 1024).await {
                Ok(answer) => (answer.status, String::from_utf8_lossy(&answer.body).into_owned()),
                // A server that refuses a long message may close before all of it was sent.
                Err(FetchError::Unreachable(_)) => (0, String::new()),
                Err(other) => panic!("{other:?}"),
            }
        })
    }
}

fn sign(body: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"Jefe").expect("a key");
    mac.update(body.as_bytes());
    base64::prelude::BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn a_signed_message_is_answered_once_it_is_safe() {
    let mut plant = Plant::start(json!({})).await;
    let answer = plant.send("/press/press-3", &[("X-Hub-Signature-256", sign(BODY))], BODY);
    let batch = soon(plant.source.next()).await.expect("a batch");
    assert_eq!(
        (batch.samples[0].value.clone(), keys(&batch)),
        (Value::Number(84.2), vec!["OF-1".to_owned()])
    );
    assert_eq!(batch.samples[0].quality, Quality::Good);
    tokio::task::yield_now().await;
    assert!(!answer.is_finished(), "answered before it was safe");
    soon(plant.source.settle(batch.ticket.expect("a ticket"))).await.expect("settled");
    assert_eq!(soon(answer).await.expect("an answer"), 202);
}

#[tokio::test]
async fn a_message_that_was_not_kept_is_asked_to_come_again() {
    let mut plant = Plant::start(json!({})).await;
    let signed = [("X-Hub-Signature-256", sign(BODY))];
    let answer = plant.send("/press/press-3", &signed, BODY);
    let old = soon(plant.source.next()).await.expect("a batch").ticket;
    // A new connection: what waited is not safe.
    soon(plant.source.connect()).await.expect("listening again");
    assert_ne!(soon(answer).await.expect("an answer"), 202);
    soon(plant.source.settle(old.expect("a ticket"))).await.expect("an old ticket is no error");
    let answer = plant.send("/press/press-3", &signed, BODY);
    let batch = soon(plant.source.next()).await.expect("a batch");
    soon(plant.source.settle(batch.ticket.expect("a ticket"))).await.expect("settled");
    assert_eq!(soon(answer).await.expect("an answer"), 202);
}

#[tokio::test]
async fn strangers_are_refused_and_learn_nothing() {
    let plant = Plant::start(json!({"body_max": 4096})).await;
    let signed = |body: &str| vec![("X-Hub-Signature-256", sign(body))];
    for (path, headers, body, want) in [
        ("/press/press-3", vec![], BODY, 401),
        ("/nowhere", vec![], BODY, 401),
        ("/press/press-3", signed("another"), BODY, 401),
        ("/press/press-3", vec![("X-Hub-Signature-256", "x".repeat(5000))], BODY, 401),
        ("/nowhere", signed(BODY), BODY, 404),
        ("/press/press-3", signed("no json"), "no json", 400),
    ] {
        assert_eq!(
            soon(plant.send(path, &headers, body)).await.expect("an answer"),
            want,
            "{path} {headers:?}"
        );
    }
    let long = "x".repeat(5000);
    let answer = soon(plant.send("/press/press-3", &signed(&long), &long)).await.expect("an answer");
    assert!(matches!(answer, 413 | 0), "{answer}");
}

#[tokio::test]
async fn a_message_with_a_wrong_row_is_refused_whole_and_the_row_is_named() {
    let mut plant = Plant::start(json!({})).await;
    let body = r#"{"oil": 84.2, "orders": [{"Number": "OF-1", "Quantity": 25}, {"Number": "OF-2", "Quantity": "many"}]}"#;
    let answer = plant.ask("/press/press-3", &[("X-Hub-Signature-256", sign(body))], body);
    let batch = soon(plant.source.next()).await.expect("a batch");
    assert!(batch.samples.is_empty() && batch.events.is_empty(), "half taken: {batch:?}");
    let cause = Cause::Unreadable { place: "row 2, Quantity".into(), found: "many".into() };
    assert!(matches!(&batch.notices[..], [Notice::Trouble(trouble)] if trouble.cause == cause), "{batch:?}");
    soon(plant.source.settle(batch.ticket.expect("a ticket"))).await.expect("settled");
    let (status, words) = soon(answer).await.expect("an answer");
    assert_eq!(status, 422);
    assert!(words.contains("row 2, Quantity: found `many`"), "{words}");
    // Mended, it is taken and the trouble is over.
    let answer = plant.send("/press/press-3", &[("X-Hub-Signature-256", sign(BODY))], BODY);
    let batch = soon(plant.source.next()).await.expect("a batch");
    assert_eq!(keys(&batch), ["OF-1"]);
    assert!(matches!(&batch.notices[..], [Notice::Mended(_, name)] if name == "/press/press-3 /orders"));
    soon(plant.source.settle(batch.ticket.expect("a ticket"))).await.expect("settled");
    assert_eq!(soon(answer).await.expect("an answer"), 202);
}

/// Opens a connection, says this and nothing more.
async fn begin(port: u16, words: &str) -> TcpStream {
    let mut line = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
    line.write_all(words.as_bytes()).await.expect("said");
    line
}

#[tokio::test]
async fn strangers_take_no_place_and_are_answered_before_they_have_said_all() {
    for (listen, proof) in [
        (json!({"proof": "bearer"}), "Authorization: Bearer Jeff"),
        (json!({}), "X-Hub-Signature-256: no signature"),
    ] {
        let mut plant = Plant::start(listen.clone()).await;
        let mut strangers = Vec::new();
        for _ in 0..20 {
            let words =
                format!("POST /press/press-3 HTTP/1.1\r\nHost: x\r\n{proof}\r\nContent-Length: 9\r\n\r\n");
            let mut line = begin(plant.port, &words).await;
            let mut answer = [0; 12];
            soon(line.read_exact(&mut answer)).await.expect("an answer");
            assert_eq!(&answer, b"HTTP/1.1 401");
            strangers.push(line);
        }
        let known = [("X-Hub-Signature-256", sign(BODY)), ("Authorization", "Bearer Jefe".to_owned())];
        let answer = plant.send("/press/press-3", &known, BODY);
        let batch = soon(plant.source.next()).await.expect("a batch");
        soon(plant.source.settle(batch.ticket.expect("a ticket"))).await.expect("settled");
        assert_eq!(soon(answer).await.expect("an answer"), 202, "{listen}");
    }
}

#[tokio::test]
async fn there_are_so_many_connections() {
    let mut plant = Plant::start(json!({})).await;
    let mut idle = Vec::new();
    for _ in 0..64 {
        // Answered, and kept open: so each is known to be inside.
        let mut line = begin(plant.port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        soon(line.read_exact(&mut [0; 12])).await.expect("an answer");
        idle.push(line);
    }
    let mut outside = begin(plant.port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut answer = [0; 12];
    let waited = tokio::time::timeout(std::time::Duration::from_millis(300), outside.read_exact(&mut answer));
    assert!(waited.await.is_err(), "one more came in");
    idle.pop();
    soon(outside.read_exact(&mut answer)).await.expect("an answer");
    soon(plant.source.connect()).await.expect("listening again");
}

#[tokio::test]
async fn an_old_message_is_refused() {
    let mut plant = Plant::start(json!({"timestamp": "X-Timestamp", "window": "1m"})).await;
    let now = jiff::Timestamp::now().as_second();
    let at = |time: i64| {
        [("X-Timestamp", time.to_string()), ("X-Hub-Signature-256", sign(&format!("{time}.{BODY}")))]
    };
    for wrong in [at(now - 90), at(now + 90)] {
        assert_eq!(soon(plant.send("/press/press-3", &wrong, BODY)).await.expect("an answer"), 401);
    }
    let unsigned_time = [("X-Timestamp", now.to_string()), ("X-Hub-Signature-256", sign(BODY))];
    assert_eq!(soon(plant.send("/press/press-3", &unsigned_time, BODY)).await.expect("an answer"), 401);
    let answer = plant.send("/press/press-3", &at(now), BODY);
    let batch = soon(plant.source.next()).await.expect("a batch");
    soon(plant.source.settle(batch.ticket.expect("a ticket"))).await.expect("settled");
    assert_eq!(soon(answer).await.expect("an answer"), 202);
}

#[tokio::test]
async fn a_bearer_and_a_message_without_its_rows() {
    let mut plant = Plant::start(json!({"proof": "bearer"})).await;
    assert_eq!(soon(plant.send("/press/press-3", &[], BODY)).await.expect("an answer"), 401);
    let answer = plant.send("/press/press-3", &[("Authorization", "Bearer Jefe".into())], r#"{"oil": null}"#);
    let batch = soon(plant.source.next()).await.expect("a batch");
    assert!(matches!(batch.samples[0].quality, Quality::Bad(_)));
    assert!(
        matches!(&batch.notices[0], Notice::Trouble(trouble) if trouble.name == "/press/press-3 /orders"),
        "{batch:?}"
    );
    soon(plant.source.settle(batch.ticket.expect("a ticket"))).await.expect("settled");
    assert_eq!(soon(answer).await.expect("an answer"), 202);
}
