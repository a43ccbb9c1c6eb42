//! The tables of an integrator: refused ones, and the sample with every option.

use contract::kit::source as kit;
use contract::{Check, SourceKind};
use serde_json::json;
use source_files::{Files, List};

type Settings = <Files as SourceKind>::Settings;

#[test]
fn refuses_a_bad_table_with_its_key() {
    let sftp = json!({"host": "h", "user": "u", "key": {"file": "k"}, "folder": "out",
        "host_key": "SHA256:0000000000000000000000000000000000000000000"});
    let with = |key: &str, value: serde_json::Value| {
        let mut sftp = sftp.clone();
        sftp[key] = value;
        json!({ "sftp": sftp })
    };
    let good: Settings = serde_json::from_value(json!({ "sftp": sftp })).expect("a good table");
    assert_eq!(good.check(), []);
    for (table, key) in [
        (json!({}), "folder"),
        (json!({"folder": "/a", "sftp": sftp}), "folder"),
        (json!({"folder": "a"}), "folder"),
        (json!({"folder": "/a", "archive": "../x"}), "archive"),
        (json!({"folder": "/a", "archive": "a/b"}), "archive"),
        (json!({"folder": "/a", "quarantine": ""}), "quarantine"),
        (json!({"folder": "/a", "quarantine": "done"}), "quarantine"),
        (json!({"folder": "/a", "marker": "done"}), "marker"),
        (json!({"folder": "/a", "marker": "."}), "marker"),
        (json!({"folder": "/a", "every": "0s"}), "every"),
        (json!({"folder": "/a", "file_max": 0}), "file_max"),
        (json!({"folder": "/a", "after": "burn"}), "after"),
        (with("host_key", json!("SHA256:x")), "sftp.host_key"),
        (with("host", json!("u@h")), "sftp.host"),
        (with("folder", json!("../x")), "sftp.folder"),
        (with("password", json!({"file": "p"})), "sftp.password"),
        (with("key", json!({})), "sftp.key"),
        (with("timeout", json!("0s")), "sftp.timeout"),
    ] {
        kit::refuses::<Files>(table, key);
    }
}

#[test]
fn refuses_a_bad_list_with_its_key() {
    for (format, key) in [
        (json!({}), "format"),
        (json!({"csv": {}, "json": {}}), "format"),
        (json!({"csv": {"delimiter": "é"}}), "format.csv.delimiter"),
        (json!({"csv": {"quote": ";"}}), "format.csv.quote"),
        (json!({"csv": {"skip_last": 1000}}), "format.csv.skip_last"),
        (json!({"json": {"rows": "items"}}), "format.json.rows"),
        (json!({"xml": {"rows": "a//b"}}), "format.xml.rows"),
        (json!({"xml": {"rows": "../b"}}), "format.xml.rows"),
    ] {
        let list: List = serde_json::from_value(json!({"files": "*", "format": format})).expect("a shape");
        let faults = list.check();
        assert!(faults.iter().any(|fault| fault.key == key), "{format}: {faults:?}");
    }
    let list: List = serde_json::from_value(json!({"files": "a/b", "format": {"csv": {}}})).expect("a shape");
    assert_eq!(list.check()[0].key, "files");
    assert!(serde_json::from_value::<contract::NoTags>(json!({})).is_err());
}

#[test]
fn refuses_fields_that_do_not_fit_the_format() {
    for (list, words) in [
        (
            "format.csv = { header = false }\nkey = [\"a\"]\nfield.a = { from = \"N° OF\" }",
            "number of a column",
        ),
        ("format.fixed = {}\nkey = [\"a\"]\nfield.a = { from = \"9-3\" }", "first and last character"),
        (
            "format.xml = { rows = \"r\" }\nkey = [\"a\"]\nfield.a = { from = \"../../x\" }",
            "a path from the row",
        ),
        (
            "format.csv = {}\nkey = [\"a\"]\nfield.a = { from = \"x\", type = \"time\", format = \"jj/mm\" }",
            "names no day",
        ),
    ] {
        let bench = super::bench(json!({}), &[&format!("files = \"*\"\n{list}")]);
        let faults = bench.build().err().expect("a fault");
        assert!(faults[0].message.contains(words), "{faults:?}");
    }
}

/// Not of the common part of a list.
fn is_own(key: &str) -> bool {
    !["source", "key", "field"].contains(&key)
}

/// What an integrator copies: every option, at its default.
#[test]
fn the_sample_shows_every_option_at_its_default() {
    let is_option = |line: &&str| line.strip_prefix("# ").is_some_and(|rest| rest.contains(" = "));
    let written = include_str!("../../sample.toml");
    let sample: toml::Table = written.parse().expect("TOML");
    let commented: Vec<&str> = written.lines().filter(is_option).collect();
    let has = |table: &toml::Value, option: &str| {
        table.get(option).is_some() || commented.iter().any(|line| line.contains(&format!("{option} = ")))
    };
    let settings: Settings = sample["source"]["files"]["erp"].clone().try_into().expect("a good table");
    assert_eq!(settings.check(), []);
    let bare: Settings = serde_json::from_value(json!({"folder": "/srv/erp/out"})).expect("a good table");
    assert_eq!(format!("{settings:?}"), format!("{bare:?}"), "each at its default");
    let over_sftp: Settings = sample["source"]["files"]["erp-sftp"].clone().try_into().expect("a good table");
    assert_eq!(over_sftp.check(), []);
    let schema = serde_json::to_value(schemars::schema_for!(Settings)).expect("JSON");
    for option in schema["properties"].as_object().expect("options").keys() {
        assert!(
            has(&sample["source"]["files"]["erp"], option) || option == "sftp",
            "`{option}` is not in sample.toml"
        );
    }
    for option in schema["$defs"]["Sftp"]["properties"].as_object().expect("options").keys() {
        assert!(
            has(&sample["source"]["files"]["erp-sftp"]["sftp"], option),
            "`sftp.{option}` is not in sample.toml"
        );
    }
    let schema = serde_json::to_value(schemars::schema_for!(List)).expect("JSON");
    for (name, list) in sample["list"].as_table().expect("lists") {
        let mut list = list.as_table().expect("a table").clone();
        list.retain(|key, _| is_own(key));
        let read: List = list.clone().try_into().expect("a good list");
        assert_eq!(read.check(), [], "{name}");
        for (format, table) in list["format"].as_table().expect("a format") {
            let shape = format[..1].to_uppercase() + &format[1..];
            for option in schema["$defs"][&shape]["properties"].as_object().expect("options").keys() {
                assert!(has(table, option), "`format.{format}.{option}` is not in sample.toml");
            }
        }
    }
    let orders: List = {
        let mut orders = sample["list"]["orders"].as_table().expect("a table").clone();
        orders.retain(|key, _| is_own(key));
        orders.try_into().expect("a good list")
    };
    let bare: List =
        serde_json::from_value(json!({"files": "suivi-of*.csv", "format": {"csv": {}}})).expect("a list");
    assert_eq!(format!("{orders:?}"), format!("{bare:?}"), "each at its default");
}
