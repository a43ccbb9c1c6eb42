//! What an integrator may write and what not.

use contract::kit::source as kit;
use contract::{Check, SourceKind};
use serde_json::json;
use source_modbus::Modbus;

#[test]
fn refuses_a_bad_table_with_its_key() {
    let url = "tcp://10.0.0.5:502";
    for (table, key) in [
        (json!({}), "url"),
        (json!({"url": "10.0.0.5"}), "url"),
        (json!({"url": "udp://10.0.0.5"}), "url"),
        (json!({"url": "tcp://"}), "url"),
        (json!({"url": url, "serial": {"port": "/dev/ttyS0"}}), "serial"),
        (json!({"serial": {"port": "/dev/ttyS0", "baud": 1}}), "serial.baud"),
        (json!({"serial": {"port": "/dev/ttyS0", "stop_bits": 3}}), "serial.stop_bits"),
        (json!({"serial": {"port": "/dev/ttyS0", "parity": "mark"}}), "serial.parity"),
        (json!({"url": url, "every": "1ms"}), "every"),
        (json!({"url": url, "timeout": "0s"}), "timeout"),
        (json!({"url": url, "request_max": 126}), "request_max"),
        (json!({"url": url, "request_max": 0}), "request_max"),
        (json!({"url": url, "silent_max": 0}), "silent_max"),
        (json!({"url": url, "probe_every": "0s"}), "probe_every"),
        (json!({"url": url, "write": true}), "write"),
    ] {
        kit::refuses::<Modbus>(table, key);
    }
    for (address, key) in [
        (json!({}), ""),
        (json!({"holding": 1, "input": 2}), "input"),
        (json!({"holding": 70_000}), "holding"),
        (json!({"holding": 65_535, "as": "float32"}), "holding"),
        (json!({"register": "20001"}), "register"),
        (json!({"register": "40000"}), "register"),
        (json!({"register": "4001"}), "register"),
        (json!({"register": "465537"}), "register"),
        (json!({"holding": 1, "as": "float16"}), "as"),
        (json!({"holding": 1, "order": "ACBD"}), "order"),
        (json!({"holding": 1, "as": "string"}), "length"),
        (json!({"holding": 1, "as": "string", "length": 126}), "length"),
        (json!({"holding": 1, "as": "string", "length": 2, "order": "CDAB"}), "order"),
        (json!({"holding": 1, "length": 2}), "length"),
        (json!({"holding": 1, "bit": 16}), "bit"),
        (json!({"holding": 1, "bits": "7-4"}), "bits"),
        (json!({"holding": 1, "bits": "1-2", "bit": 1}), "bits"),
        (json!({"coil": 1, "as": "int16"}), "as"),
        (json!({"holding": 1, "counter": 32}), "counter"),
        (json!({"holding": 1, "as": "int32", "counter": 32}), "counter"),
        (json!({"holding": 1, "counter_step_max": 5}), "counter_step_max"),
        (json!({"device": "eastron-sdm630"}), "point"),
        (json!({"device": "eastron-sdm630", "point": "x"}), "point"),
        (json!({"device": "eastron-sdm630", "point": "power-total", "holding": 3}), "holding"),
        (json!({"device": "eastron-sdm630", "point": "power-total", "as": "int16"}), "as"),
        (json!({"device": "sunspec", "point": "103/X"}), "point"),
        (json!({"point": "power-total", "holding": 3}), "point"),
        (json!({"holding": 1, "unit_id": 256}), "unit"),
    ] {
        kit::refuses_address::<Modbus>(address, key);
    }
}

/// What an integrator copies: every option, at its default.
#[test]
fn the_sample_shows_every_option_at_its_default() {
    type Settings = <Modbus as SourceKind>::Settings;
    // What has no default is written as `# key = value`; here it is set.
    let set =
        |line: &str| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line).to_owned();
    let sample: Vec<String> = include_str!("../../sample.toml").lines().map(set).collect();
    let sample: toml::Table = sample.join("\n").parse().expect("TOML");
    let table = sample["source"]["modbus"]["line-1"].clone();
    let written: Settings = table.clone().try_into().expect("a good table");
    let bare: Settings = serde_json::from_value(json!({"url": "tcp://10.0.0.5:502"})).expect("a good table");
    assert_eq!(bare.check(), []);
    let told = |settings: &Settings| {
        let mut settings = settings.clone();
        (settings.serial, settings.late_max, settings.devices) = (None, None, None);
        format!("{settings:?}")
    };
    assert_eq!(told(&bare), told(&written));
    let serial = written.serial.expect("a serial line is shown");
    let bare: source_modbus::Serial =
        serde_json::from_value(json!({"port": serial.port})).expect("a port is enough");
    assert_eq!(bare, serial);
    let schema = serde_json::to_value(schemars::schema_for!(Settings)).expect("JSON");
    for (option, described) in schema["properties"].as_object().expect("options") {
        assert!(table.get(option).is_some(), "`{option}` is not in sample.toml");
        assert!(described.to_string().contains("description"), "`{option}` has no documentation");
    }
    let mut shown = std::collections::BTreeSet::new();
    for (name, tag) in sample["machine"]["press-3"]["tag"].as_table().expect("tags") {
        let mut tag = tag.as_table().expect("a tag").clone();
        for common in ["source", "unit", "scale"] {
            tag.remove(common);
        }
        shown.extend(tag.keys().cloned());
        let address: <Modbus as SourceKind>::Address = tag.try_into().expect("a good address");
        assert_eq!(address.check(), [], "{name}");
    }
    let schema = serde_json::to_value(schemars::schema_for!(source_modbus::Address)).expect("JSON");
    for (key, described) in schema["properties"].as_object().expect("keys") {
        assert!(shown.contains(key), "`{key}` of an address is not in sample.toml");
        assert!(described.to_string().contains("description"), "`{key}` has no documentation");
    }
}
