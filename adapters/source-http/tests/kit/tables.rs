//! Tables as integrators write them.

use contract::kit::source as kit;
use contract::{Check, SourceKind};
use serde_json::json;
use source_http::Kind;

type Settings = <Kind as SourceKind>::Settings;

#[test]
fn refuses_a_bad_table_with_its_key() {
    let listen = |more: serde_json::Value| {
        let mut table = json!({"address": "127.0.0.1:8091", "secret": {"env": "X"}});
        table.as_object_mut().expect("a table").extend(more.as_object().expect("a table").clone());
        json!({"listen": table})
    };
    for (table, key) in [
        (json!({}), "url"),
        (json!({"url": "erp.example"}), "url"),
        (json!({"url": "http://169.254.169.254/"}), "url"),
        (json!({"url": "http://erp", "every": "10ms"}), "every"),
        (json!({"url": "http://erp", "answer_max": 1}), "answer_max"),
        (json!({"url": "http://erp", "pages_max": 0}), "pages_max"),
        (json!({"url": "http://erp", "fails_if": "error"}), "fails_if"),
        (json!({"url": "http://erp", "headers": {"a b": "c"}}), "headers"),
        (json!({"url": "http://erp", "auth": {"bearer": {}}}), "auth.bearer"),
        (json!({"url": "http://erp", "auth": {"unknown": 1}}), "auth"),
        (
            json!({"url": "http://erp", "auth": {"oauth": {"token_url": "x", "client_id": "i", "client_secret": {"env": "X"}}}}),
            "auth.oauth.token_url",
        ),
        (
            json!({"url": "http://erp", "auth": {"login": {"path": "", "body": "{", "user": "u", "password": {"env": "X"}, "token": "{/a}"}}}),
            "auth.login.body",
        ),
        (
            json!({"url": "http://erp", "auth": {"login": {"path": "", "body": "{}", "user": "u", "password": {"env": "X"}, "token": "a"}}}),
            "auth.login.token",
        ),
        (json!({"url": "http://erp", "connection": {"timeout": "0s"}}), "connection.timeout"),
        (json!({"listen": {"address": "127.0.0.1:8091"}}), "listen.secret"),
        (listen(json!({"body_max": 1})), "listen.body_max"),
        (listen(json!({"header": "a b"})), "listen.header"),
        (listen(json!({"proof": "bearer", "timestamp": "X-T"})), "listen.timestamp"),
    ] {
        kit::refuses::<Kind>(table, key);
    }
    for (table, key) in [
        (json!({"value": "/v"}), "path"),
        (json!({"path": "a", "hook": "/a", "value": "/v"}), "hook"),
        (json!({"hook": "a", "value": "/v"}), "hook"),
        (json!({"path": "a"}), "value"),
        (json!({"path": "a", "value": "v"}), "value"),
        (json!({"path": "a", "value": "/v", "time": "t"}), "time"),
        (json!({"path": "a", "value": "/v", "body": "{}"}), "body"),
        (json!({"path": "a", "value": "/v", "method": "DELETE"}), "method"),
    ] {
        kit::refuses_address::<Kind>(table, key);
    }
    let since = json!({"field": "t", "start": "0"});
    for (table, key) in [
        (json!({}), "path"),
        (json!({"path": "a", "rows": "value"}), "rows"),
        (json!({"path": "a", "next": "offset"}), "next"),
        (json!({"path": "a", "next": "page"}), "next"),
        (json!({"path": "a", "next": {"pointer": "n"}}), "next"),
        (json!({"path": "a", "since": since}), "since"),
        (json!({"path": "a", "method": "POST", "body": "{"}), "body"),
        (
            json!({"path": "a", "whole": true, "since": {"field": "t", "start": "0", "parameter": "s"}}),
            "whole",
        ),
        (json!({"hook": "/a", "next": "link"}), "hook"),
    ] {
        let read: <Kind as SourceKind>::List =
            serde_json::from_value(table.clone()).expect("the shape of a list");
        assert!(read.check().iter().any(|fault| fault.key == key), "{table}: {:?}", read.check());
    }
}

/// What an integrator copies: every option, at its default.
#[test]
fn the_sample_shows_every_option_at_its_default() {
    // What has no default is written as `# key = value`; here it is set.
    let set =
        |line: &str| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line).to_owned();
    let sample: Vec<String> = include_str!("../../sample.toml").lines().map(set).collect();
    let sample: toml::Table = sample.join("\n").parse().expect("TOML");
    let table = sample["source"]["http"]["erp"].clone();
    let written: Settings = table.clone().try_into().expect("a good table");
    assert_eq!(written.check(), []);
    let bare: Settings = serde_json::from_value(json!({"url": "http://erp"})).expect("a good table");
    assert_eq!(
        (bare.every, bare.answer_max, bare.pages_max, bare.decimal),
        (written.every, written.answer_max, written.pages_max, written.decimal)
    );
    let schema = serde_json::to_value(schemars::schema_for!(Settings)).expect("JSON");
    for (option, described) in schema["properties"].as_object().expect("options") {
        assert!(table.get(option).is_some(), "`{option}` is not in sample.toml");
        assert!(described.to_string().contains("description"), "`{option}` has no documentation");
    }
    let tables = sample["source"]["http"].as_table().expect("sources");
    for (name, table) in tables {
        let other: Settings = table.clone().try_into().expect("a good table");
        assert_eq!(other.check(), [], "{name}");
    }
    for (name, tag) in sample["machine"]["press-3"]["tag"].as_table().expect("tags") {
        let mut tag = tag.as_table().expect("a tag").clone();
        tag.remove("source");
        let address: <Kind as SourceKind>::Address = tag.try_into().expect("a good address");
        assert_eq!(address.check(), [], "{name}");
    }
    for (name, list) in sample["list"].as_table().expect("lists") {
        let mut list = list.as_table().expect("a list").clone();
        for common in ["source", "key", "field"] {
            list.remove(common);
        }
        let list: <Kind as SourceKind>::List = list.try_into().expect("a good list");
        assert_eq!(list.check(), [], "{name}");
    }
}

mod bytes {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        /// A good page with a few bytes changed.
        #[test]
        fn no_byte_panics(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6)) {
            let mut page = br#"{"d":{"results":[{"k":"1","n":"12.5","t":"/Date(1795421564123+0000)/","f":true}]},"v":1,"t":"2026-11-24"}"#.to_vec();
            for (at, byte) in changes {
                let at = at.index(page.len());
                page[at] = byte;
            }
            source_http::fuzz::page(&page);
            source_http::fuzz::date(&page);
            source_http::fuzz::date(format!("/Date({})/", String::from_utf8_lossy(&page[..20])).as_bytes());
        }
    }
}
