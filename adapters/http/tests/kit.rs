//! The client against servers that misbehave, and the markups against words that do.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must panic")]

mod eye;

use std::time::{Duration, Instant};

use contract::DeliveryError;
use contract::kit::hostile::{self, Random};
use contract::kit::network::Found;
use contract::settings::Wait;
use http_client::{Client, Connection, Method, Url, markup};
use peers::faults::Fault;
use peers::sink::Sink;

fn client(timeout_ms: u64) -> Client {
    let timeout = Some(Wait(Duration::from_millis(timeout_ms)));
    Client::new(&Connection { timeout, ..Connection::default() }, "connection", false).unwrap()
}

async fn post(client: &Client, url: &str) -> Result<http_client::Answer, DeliveryError> {
    client.send(client.request(Method::POST, Url::parse(url).unwrap()).body("{}")).await
}

#[tokio::test]
async fn what_was_perhaps_taken_is_unanswered_and_what_was_not_is_later() {
    let sink = Sink::start();
    let client = client(400);
    assert_eq!(post(&client, &sink.url()).await.unwrap().body, "ok");
    for fault in
        [Fault::TakeThenCut, Fault::Cut, Fault::TakeThenHang, Fault::TakeThenTrickle, Fault::TakeThenFlood]
    {
        sink.faults().next(fault);
        let begun = Instant::now();
        let found = post(&client, &sink.url()).await;
        assert!(matches!(found, Err(DeliveryError::Unanswered { .. })), "{fault:?} {found:?}");
        assert!(begun.elapsed() < Duration::from_secs(3), "{fault:?} took {:?}", begun.elapsed());
    }
    sink.go_down();
    let found = post(&client, &sink.url()).await;
    assert!(matches!(found, Err(DeliveryError::Later { .. })), "{found:?}");
    sink.come_back();
    assert_eq!(post(&client, &sink.url()).await.unwrap().status, 200);
}

#[tokio::test]
async fn an_error_never_tells_the_url() {
    let sink = Sink::start();
    sink.go_down();
    let found = post(&client(400), &format!("{}/hooks/s3cret", sink.url())).await.unwrap_err();
    assert!(!found.to_string().contains("s3cret"), "{found}");
}

#[tokio::test]
async fn a_name_is_resolved() {
    let sink = Sink::start();
    let url = sink.url().replace("127.0.0.1", "localhost");
    assert_eq!(post(&client(2_000), &url).await.unwrap().status, 200);
}

#[test]
fn a_missing_certificate_is_named() {
    let connection = Connection { ca: Some("/nowhere/ca.pem".into()), ..Connection::default() };
    let fault = Client::new(&connection, "connection", true).unwrap_err();
    assert_eq!(fault.key, "connection.ca");
    assert!(fault.message.contains("/nowhere/ca.pem"), "{}", fault.message);
}

#[test]
fn the_system_certificates_serve_for_https() {
    Client::new(&Connection::default(), "connection", true).unwrap();
}

#[track_caller]
fn stays_words(name: &str, words: &str) {
    for (markup, text) in [("markdown", markup::markdown(words)), ("safe", markup::safe(words))] {
        let found = eye::markdown(&format!("x\n{text}\n{text}\ny"));
        let head: String = text.chars().take(300).collect();
        assert_eq!(found, Found::default(), "{name} in {markup}:\n{head}");
    }
    let html = markup::html(words);
    assert!(!html.contains(['<', '>', '"', '\'']), "{name}: {html}");
}

#[test]
fn hostile_words_stay_words() {
    for (name, words) in hostile::strings() {
        stays_words(name, &words);
    }
}

#[test]
fn random_words_stay_words() {
    let count = std::env::var("PORTEVOIX_CAMPAIGN").ok().and_then(|text| text.parse().ok()).unwrap_or(3_000);
    let mut random = Random::new(2);
    for n in 0..count {
        let words = random.nasty();
        stays_words(&format!("random {n} {words:?}"), &words);
    }
}

#[test]
fn plain_words_are_not_touched() {
    for words in [
        "Presse 3 · huile à 78,2 °C, limite 75 °C",
        "Vitré/Atelier B/Ligne 2 · 14:32",
        "LOT_123-B (2/5) à 10:04:30 ; 12.5 bar, +3 % !",
        "⚠️ ATTENTION · À faire : vérifier l'échangeur.",
        "C:\u{2060}\\temp",
    ] {
        let plain = words.replace(markup::JOINER, "");
        assert_eq!(markup::markdown(&plain), words);
    }
}

#[test]
fn the_eye_sees() {
    let seen = |text: &str| eye::markdown(text);
    assert_eq!(seen("@all and <!here>").mentions, 2);
    assert_eq!(seen("http://evil").links, 1);
    assert_eq!(seen("www.evil.example").links, 2);
    assert_eq!(seen("marie@evil.example").links, 2);
    assert_eq!(seen("evil.example/x").links, 1);
    assert_eq!(seen("# Titre").headings, 1);
    assert_eq!(seen(":fire: :)").images, 2);
    assert_eq!(seen("<script>").html, 2);
    assert!(seen("|a|b|\n|-|-|\n|c|d|").markup > 0);
    assert!(seen("&#64;all").mentions > 0);
}
