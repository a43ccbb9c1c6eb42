//! Tryton 8.2, a real ERP, over its own JSON-RPC: a login that makes a session, errors with status 200, production
//! orders as records.

use contract::{Cause, Event, Notice, Source, SourceError, Value};
use peers::foreign::Folder;
use peers::tryton::{self, Tryton};
use serde_json::{Value as Json, json};

use crate::bench::{make, notice, read_until, soon};

fn table(erp: &Tryton, folder: &Folder, password: &str) -> Json {
    let secret = folder.path().join(password);
    std::fs::write(&secret, password).expect("written");
    json!({
        "url": erp.url(),
        "every": "1s",
        "fails_if": "/error",
        "auth": {"login": {
            "path": "rpc/",
            "body": r#"{"id": 1, "method": "common.db.login", "params": ["{user}", {"password": "{password}"}]}"#,
            "user": tryton::USER,
            "password": {"file": secret},
            "token": "{user}:{/result/0}:{/result/1}",
            "base64": true,
            "scheme": "Session",
        }},
    })
}

fn orders(model: &str) -> Json {
    let body = format!(
        r#"{{"id": 2, "method": "model.{model}.search_read", "params": [
            [["state", "in", ["running", "waiting", "done"]]], "{{offset}}", 2, [["id", "ASC"]],
            ["number", "state", "quantity", "product.rec_name", "planned_date"], {{"company": 1, "companies": [1]}}]}}"#
    );
    let fields = json!({"path": "rpc/", "method": "POST", "body": body, "rows": "/result", "next": "offset", "whole": true});
    fields
}

/// The records of one round: number and quantity. The fields of the bench are renamed by the question below.
async fn round(source: &mut dyn Source) -> Vec<(String, Option<Value>)> {
    let is_whole = |all: &contract::Batch| matches!(all.events.last(), Some(Event::Whole(_)));
    let all = read_until(source, is_whole).await;
    assert_eq!(all.notices, []);
    let record = |event: &Event| match event {
        Event::Record(record) => Some((record.key.to_string(), record.fields[1].clone())),
        _ => None,
    };
    all.events.iter().filter_map(record).collect()
}

#[tokio::test]
async fn production_orders_become_records() {
    let mut erp = Tryton::start().await;
    let folder = Folder::new("http");
    let fields = [("number", "number"), ("quantity", "quantity"), ("state", "state")];
    let mut source =
        make_with(&folder, table(&erp, &folder, tryton::PASSWORD), &fields, orders("production"));
    soon(source.connect()).await.expect("connected");
    let came = round(&mut *source).await;
    let want = [10.0, 25.0, 40.0].map(|quantity| Some(Value::Number(quantity)));
    assert_eq!(came.iter().map(|record| record.1.clone()).collect::<Vec<_>>(), want);
    // An error comes with status 200.
    let mut wrong = make(folder.path(), table(&erp, &folder, tryton::PASSWORD), &[], &[orders("nope")]);
    soon(wrong.connect()).await.expect("connected");
    match notice(&mut *wrong).await {
        Notice::Trouble(trouble) => {
            assert!(matches!(&trouble.cause, Cause::Refused(words) if words.contains("nope")))
        }
        other => panic!("{other:?}"),
    }
    // Killed and started again: sessions are kept by the database, and orders are as before.
    erp.restart().await;
    let lost = loop {
        if let Err(error) = soon(source.next()).await {
            break error;
        }
    };
    assert!(matches!(lost, SourceError::Lost(_)), "{lost:?}");
    soon(source.connect()).await.expect("connected again");
    assert_eq!(round(&mut *source).await.len(), 3);
    let refused =
        soon(make(folder.path(), table(&erp, &folder, "wrong"), &[], &[orders("production")]).connect())
            .await;
    assert!(matches!(&refused, Err(SourceError::LockedOut(_))), "{refused:?}");
}

fn make_with(folder: &Folder, table: Json, fields: &[(&str, &str)], list: Json) -> Box<dyn Source> {
    use contract::{Field, FieldKind, ListAddress, ListId, Reads, Setup, Site, SourceKind};
    let kind = |name: &str| if name == "quantity" { FieldKind::Number } else { FieldKind::Text };
    let field = |(name, from): &(&str, &str)| Field {
        name: (*name).into(),
        from: (*from).into(),
        kind: kind(name),
        format: None,
    };
    let list = ListAddress {
        id: ListId(0),
        name: "orders".into(),
        fields: fields.iter().map(field).collect(),
        key: vec![0],
        address: serde_json::from_value(list).expect("a good list"),
    };
    let site = Site {
        name: "Usine".into(),
        language: "fr".into(),
        timezone: "Europe/Paris".into(),
        machines: Vec::new(),
    };
    let setup = Setup { name: "tryton", site: &site, state: folder.path() };
    let settings = serde_json::from_value(table).expect("a good table");
    source_http::Kind::build(&setup, settings, Reads { tags: Vec::new(), lists: vec![list] }).expect("built")
}
