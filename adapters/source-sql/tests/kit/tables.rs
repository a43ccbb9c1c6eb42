//! Tables as integrators write them.

use contract::kit::source as kit;
use contract::{Check, SourceKind};
use serde_json::json;
use source_sql::Kind;

type Settings = <Kind as SourceKind>::Settings;

#[test]
fn refuses_a_bad_table_with_its_key() {
    for (table, key) in [
        (json!({"user": "u"}), "url"),
        (json!({"url": "postgres://h/d"}), "user"),
        (json!({"url": "h/d", "user": "u"}), "url"),
        (json!({"url": "oracle://h/d", "user": "u"}), "url"),
        (json!({"url": "sqlserver://h/d", "user": "u"}), "url"),
        (json!({"url": "postgres://u:p@h/d", "user": "u"}), "url"),
        (json!({"url": "postgres://h", "user": "u"}), "url"),
        (json!({"url": "postgres://h:0/d", "user": "u"}), "url"),
        (json!({"url": "postgres://h/d?sslmode=disable", "user": "u"}), "url"),
        (json!({"url": "postgres://h/d", "user": ""}), "user"),
        (json!({"url": "postgres://h/d", "user": "u", "password": {}}), "password"),
        (json!({"url": "postgres://h/d", "user": "u", "tls": "prefer"}), "tls"),
        (json!({"url": "postgres://h/d", "user": "u", "tls": "disable", "ca": "x"}), "ca"),
        (json!({"url": "postgres://h/d", "user": "u", "every": "1ms"}), "every"),
        (json!({"url": "postgres://h/d", "user": "u", "query_timeout": "1ms"}), "query_timeout"),
        (json!({"url": "postgres://h/d", "user": "u", "rows_max": 0}), "rows_max"),
    ] {
        kit::refuses::<Kind>(table, key);
    }
    for (table, key) in [
        (json!({"column": "a"}), "query"),
        (json!({"query": "select a from b"}), "column"),
        (json!({"query": "update b set a = 1", "column": "a"}), "query"),
        (json!({"query": "select 1; drop table b", "column": "a"}), "query"),
        (json!({"query": "select a", "column": ""}), "column"),
    ] {
        kit::refuses_address::<Kind>(table, key);
    }
    for (table, key) in [
        (json!({"query": "delete from a"}), "query"),
        (json!({"query": "select a", "cursor": "a", "start": "0"}), "query"),
        (json!({"query": "select {since} {since}", "cursor": "a", "start": "0"}), "query"),
        (json!({"query": "select {since}", "cursor": "a"}), "start"),
        (json!({"query": "select {since}"}), "cursor"),
        (json!({"query": "select {since}", "start": "0"}), "cursor"),
        (json!({"query": "select {since}", "cursor": "a", "start": "0", "whole": true}), "whole"),
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
    let table = sample["source"]["sql"]["erp"].clone();
    let written: Settings = table.clone().try_into().expect("a good table");
    assert_eq!(written.check(), []);
    let bare: Settings =
        serde_json::from_value(json!({"url": "postgres://h/d", "user": "u"})).expect("a good table");
    assert_eq!(
        (bare.tls, bare.every, bare.query_timeout, bare.rows_max),
        (written.tls, written.every, written.query_timeout, written.rows_max)
    );
    let schema = serde_json::to_value(schemars::schema_for!(Settings)).expect("JSON");
    for (option, described) in schema["properties"].as_object().expect("options") {
        assert!(table.get(option).is_some(), "`{option}` is not in sample.toml");
        assert!(described.to_string().contains("description"), "`{option}` has no documentation");
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
        /// A good row with a few bytes changed.
        #[test]
        fn no_byte_panics(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6)) {
            let mut row = br#"{"v":84.2,"t":"2026-11-24T10:00:00.5","a":"12.5","b":12,"c":"2026-11-24","d":null}"#.to_vec();
            for (at, byte) in changes {
                let at = at.index(row.len());
                row[at] = byte;
            }
            source_sql::fuzz::row(&row);
        }
    }
}
