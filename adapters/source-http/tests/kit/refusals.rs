//! What systems answer when they will not: each has its own next step.

use std::time::{Duration, Instant};

use contract::{Cause, Notice, Quality, SourceError, Thing, Trouble};
use peers::foreign::Folder;
use serde_json::{Value as Json, json};

use crate::bench::{make, notice, read_until, soon};
use crate::erp::Erp;

fn table(erp: &Erp) -> Json {
    json!({"url": erp.url(), "every": "1s"})
}

fn secret(folder: &Folder, text: &str) -> Json {
    let path = folder.path().join(format!("secret-{}", text.len()));
    std::fs::write(&path, text).expect("written");
    json!({"file": path})
}

#[track_caller]
fn cause(notice: Notice) -> Cause {
    match notice {
        Notice::Trouble(Trouble { thing: Thing::Query, name, cause }) if name == "orders" => cause,
        other => panic!("expected a trouble of `orders`, found: {other:?}"),
    }
}

#[tokio::test]
async fn a_page_that_fails_spoils_itself_alone_and_is_mended() {
    let erp = Erp::start();
    let folder = Folder::new("http");
    let large = format!("[\"{}\"]", "x".repeat(4000));
    let mut table = table(&erp);
    table["answer_max"] = json!(2048);
    table["fails_if"] = json!("/error");
    for (status, body, want) in [
        (404, "gone fishing", "Refused(\"HTTP 404: gone fishing\")"),
        (500, "", "Refused(\"HTTP 500\")"),
        (302, "", "Refused(\"HTTP 302\")"),
        (403, "not you", "Refused(\"HTTP 403: not you\")"),
        (200, r#"{"error": ["'nope'", ""]}"#, r#"Refused("[\"'nope'\",\"\"]")"#),
        (
            200,
            "<html>login</html>",
            r#"Unreadable { place: "line 1, column 1", found: "<html>login</html>" }"#,
        ),
        (200, r#"{"value": 3}"#, r#"Missing("rows at `/value`")"#),
        (200, &large, "TooLarge { max: 2048 }"),
        (
            200,
            r#"{"value": [], "next": "http://127.0.0.1:9/"}"#,
            "Forbidden(\"next page on another server: http://127.0.0.1:9\")",
        ),
        (200, r#"{"value": [], "next": "/orders"}"#, "Refused(\"the next page is this page\")"),
    ] {
        erp.books().instead.insert("/orders".into(), (status, Vec::new(), body.into()));
        let list = json!({"path": "orders", "rows": "/value", "next": {"pointer": "/next"}});
        let mut source =
            make(folder.path(), table.clone(), &[json!({"path": "oil", "value": "/oil/t"})], &[list]);
        soon(source.connect()).await.expect("connected");
        assert_eq!(format!("{:?}", cause(notice(&mut *source).await)), want);
        // The rest goes on, and the trouble is not told again.
        let all = read_until(&mut *source, |all| !all.samples.is_empty()).await;
        assert_eq!(all.samples[0].quality, Quality::Good);
        if status == 404 {
            erp.books().instead.insert("/orders".into(), (200, Vec::new(), r#"{"value": []}"#.into()));
            assert_eq!(notice(&mut *source).await, Notice::Mended(Thing::Query, "orders".into()));
        }
    }
}

#[tokio::test]
async fn a_tag_without_its_value_is_bad() {
    let erp = Erp::start();
    let folder = Folder::new("http");
    let tags = [
        json!({"path": "oil", "value": "/oil/p"}),
        json!({"path": "nowhere/{machine}", "value": "/v"}),
        json!({"path": "oil", "value": "/oil/t"}),
    ];
    let mut source = make(folder.path(), table(&erp), &tags, &[]);
    soon(source.connect()).await.expect("connected");
    let all = read_until(&mut *source, |all| all.samples.len() >= 3).await;
    let words = |id: u32| {
        let sample = all.samples.iter().find(|sample| sample.tag.0 == id).expect("a sample");
        format!("{:?}", sample.quality)
    };
    assert!(words(0).contains("found nothing at `/oil/p`") && words(1).contains("HTTP 404"), "{all:?}");
    assert_eq!(words(2), "Good");
    // Two tags of one page are one question.
    assert_eq!(erp.books().asked[..2], ["/oil", "/nowhere/press-3"]);
}

#[tokio::test]
async fn a_server_that_asks_for_a_pause_gets_it() {
    let erp = Erp::start();
    let folder = Folder::new("http");
    erp.books()
        .instead
        .insert("/orders".into(), (429, vec![("retry-after".into(), "3".into())], String::new()));
    let mut source = make(folder.path(), table(&erp), &[], &[json!({"path": "orders"})]);
    let start = Instant::now();
    soon(source.connect()).await.expect("connected");
    assert_eq!(cause(notice(&mut *source).await), Cause::Refused("HTTP 429".into()));
    erp.books().instead.insert("/orders".into(), (200, Vec::new(), "[]".into()));
    assert_eq!(notice(&mut *source).await, Notice::Mended(Thing::Query, "orders".into()));
    assert!(start.elapsed() >= Duration::from_millis(2_900), "asked again after {:?}", start.elapsed());
    assert_eq!(erp.books().asked.len(), 2);
}

#[tokio::test]
async fn a_token_is_kept_asked_anew_when_refused_and_its_refusal_is_for_a_person() {
    let erp = Erp::start();
    let folder = Folder::new("http");
    let oauth = |secret: Json| {
        let mut table = table(&erp);
        table["auth"] = json!({"oauth": {
            "token_url": format!("{}token", erp.url()), "client_id": "portevoix", "client_secret": secret, "scope": "read",
        }});
        make(folder.path(), table, &[json!({"path": "oil", "value": "/oil/t"})], &[])
    };
    let mut source = oauth(secret(&folder, "s3&cret"));
    soon(source.connect()).await.expect("connected");
    read_until(&mut *source, |all| all.samples.len() >= 2).await;
    assert_eq!(erp.books().tokens, 1);
    // The server forgets the token in the middle.
    erp.books().token = Some("another".into());
    let all = read_until(&mut *source, |all| all.samples.len() >= 2).await;
    assert!(all.samples.iter().all(|sample| sample.quality == Quality::Good), "{all:?}");
    assert_eq!(erp.books().tokens, 2);
    let refused = soon(oauth(secret(&folder, "wrong")).connect()).await;
    assert!(
        matches!(&refused, Err(SourceError::LockedOut(words)) if words.contains("invalid_client")),
        "{refused:?}"
    );
    assert!(!format!("{refused:?}").contains("wrong"));
}

#[tokio::test]
async fn a_header_that_is_refused_is_for_a_person() {
    let erp = Erp::start();
    let folder = Folder::new("http");
    erp.books().token = Some("right-token".into());
    let with = |auth: Json| {
        let mut table = table(&erp);
        table["auth"] = auth;
        make(folder.path(), table, &[json!({"path": "oil", "value": "/oil/t"})], &[])
    };
    soon(with(json!({"bearer": secret(&folder, "right-token")})).connect()).await.expect("taken");
    let header = json!({"header": {"name": "Authorization", "value": secret(&folder, "Bearer right-token")}});
    soon(with(header).connect()).await.expect("taken");
    for auth in [
        json!({"bearer": secret(&folder, "wrong-one")}),
        json!({"basic": {"user": "u", "password": secret(&folder, "p")}}),
    ] {
        let refused = soon(with(auth).connect()).await;
        assert!(matches!(&refused, Err(SourceError::LockedOut(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_lost() {
    let mut erp = Erp::start();
    erp.go_down();
    let folder = Folder::new("http");
    let mut source = make(folder.path(), table(&erp), &[json!({"path": "oil", "value": "/oil/t"})], &[]);
    assert!(matches!(soon(source.connect()).await, Err(SourceError::Lost(_))));
}

#[tokio::test]
async fn a_probe_writes_what_it_saw() {
    let erp = Erp::start();
    let order = |at: usize| (format!("OF-{at}"), 1.0, 1_795_510_800_000);
    erp.books().orders = (1..4).map(order).collect();
    let options =
        source_http::probe::Options { url: format!("{}v4/Orders", erp.url()), ..Default::default() };
    let report = soon(source_http::probe::probe(&options)).await.expect("a report");
    assert!(report.to_string().contains("2 rows at `/value`\n  Changed: 2026-11-24T09:00:00Z\n"), "{report}");
    let table: toml::Table = report.configuration.parse().expect("TOML");
    assert_eq!(table["list"]["value"]["next"]["pointer"].as_str(), Some("/@odata.nextLink"));
    assert!(report.configuration.contains("type = \"time\""), "{}", report.configuration);
    let settings = table["source"]["http"]["system"].clone();
    let _: source_http::Settings = settings.try_into().expect("a good table");
}
