//! The conformance kit and the adapter's own tests, against real servers of asyncua and node-opcua.

#[path = "kit/alarms.rs"]
mod alarms;
#[path = "kit/bench.rs"]
mod bench;
#[path = "kit/items.rs"]
mod items;
#[path = "kit/library.rs"]
mod library;
#[path = "kit/refusals.rs"]
mod refusals;
#[path = "kit/restarts.rs"]
mod restarts;

use contract::kit::source as kit;

use crate::bench::RealBench;

macro_rules! kit {
    ($($name:ident),*) => {
        $(
            #[tokio::test]
            async fn $name() {
                kit::$name(RealBench::start().await).await;
            }
        )*
    };
}

kit!(
    connects,
    is_lost_before_it_connects,
    values_arrive_in_order,
    dropping_next_loses_nothing,
    unsettled_is_given_again,
    settled_is_not_given_again,
    an_old_ticket_is_no_error,
    survives_a_cut
);

#[test]
fn refuses_a_bad_table_with_its_key() {
    use serde_json::json;
    let url = "opc.tcp://presse";
    for (table, key) in [
        (json!({}), "url"),
        (json!({"url": "https://presse"}), "url"),
        (json!({"url": "opc.tcp://u:p@presse"}), "url"),
        (json!({"url": url, "security": "none"}), "security"),
        (json!({"url": url, "policy": "Basic128Rsa15"}), "policy"),
        (json!({"url": url, "policy": "Basic256Sha256", "security": "None"}), "policy"),
        (json!({"url": url, "user": "x"}), "user"),
        (json!({"url": url, "password": {"file": "x"}}), "password"),
        (json!({"url": url, "user_key": "x"}), "user_key"),
        (json!({"url": url, "user_certificate": "x"}), "user_certificate"),
        (json!({"url": url, "application_uri": "x"}), "application_uri"),
        (json!({"url": url, "profile": "s7"}), "profile"),
        (json!({"url": url, "publishing": "1ms"}), "publishing"),
        (json!({"url": url, "keep_alive": "0s"}), "keep_alive"),
        (json!({"url": url, "session_timeout": "1s"}), "session_timeout"),
        (json!({"url": url, "key_lifetime": "1s"}), "key_lifetime"),
        (json!({"url": url, "connect_timeout": "0s"}), "connect_timeout"),
        (json!({"url": url, "request_timeout": "0s"}), "request_timeout"),
        (json!({"url": url, "time": "device"}), "time"),
    ] {
        kit::refuses::<source_opcua::OpcUa>(table, key);
    }
    for (table, key) in [
        (json!({}), ""),
        (json!({"node": "i=1", "path": "/x"}), ""),
        (json!({"node": "x"}), "node"),
        (json!({"path": "x"}), "path"),
        (json!({"events": "x"}), "events"),
        (json!({"node": "i=1", "deadband": -1.0}), "deadband"),
        (json!({"node": "i=1", "queue": 0}), "queue"),
        (json!({"events": "i=2253", "index": 0}), "index"),
    ] {
        kit::refuses_address::<source_opcua::OpcUa>(table, key);
    }
}

/// What an integrator copies: every option, at its default.
#[test]
fn the_sample_shows_every_option_at_its_default() {
    use contract::{Check, SourceKind};
    type Settings = <source_opcua::OpcUa as SourceKind>::Settings;
    type Address = <source_opcua::OpcUa as SourceKind>::Address;
    let text = include_str!("../sample.toml");
    let plain: toml::Table = text.parse().expect("TOML");
    let table = plain["source"]["opcua"]["hall-b"].clone();
    let written: Settings = table.clone().try_into().expect("a good table");
    assert_eq!(written.check(), []);
    let bare: Settings =
        serde_json::from_value(serde_json::json!({"url": &written.url})).expect("a good table");
    // Whatever stands there is the default: written out, the two are one.
    assert_eq!(format!("{bare:?}"), format!("{written:?}"));
    let schema = serde_json::to_value(schemars::schema_for!(Settings)).expect("JSON");
    for (option, described) in schema["properties"].as_object().expect("options") {
        let is_there =
            text.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{option} = ")));
        assert!(is_there, "`{option}` is not in sample.toml");
        assert!(described.to_string().contains("description"), "`{option}` has no documentation");
    }
    for (name, tag) in plain["machine"]["press-3"]["tag"].as_table().expect("tags") {
        let mut tag = tag.as_table().expect("a tag").clone();
        tag.remove("source");
        let address: Address = tag.try_into().expect("a good address");
        assert_eq!(address.check(), [], "{name}");
    }
}

/// `probe` finds the nodes by their namespace, and what it prints is a configuration that reads them.
#[tokio::test]
async fn a_probe_gives_a_configuration_that_reads() {
    let mut server = peers::opcua::OpcUa::asyncua(&["security=open"]).await;
    let state = peers::foreign::Folder::new("opcua");
    let mut options = source_opcua::probe::Options::new(&server.url(), state.path().to_owned());
    // Secured, and nobody has accepted its certificate: the ways in are shown, and what to do.
    let locked = source_opcua::probe::run(&options).await.expect("a report");
    assert!(locked.endpoints.contains(&"SignAndEncrypt with Basic256Sha256".to_owned()), "{locked}");
    assert!(locked.to_string().contains("portevoix trust accept opcua "), "{locked}");
    options.security = source_opcua::Security::None;
    let report = source_opcua::probe::run(&options).await.expect("a report");
    assert_eq!(report.stopped, None);
    let table: toml::Table = report.configuration.parse().expect("TOML");
    let tags = table["machine"]["machine"]["tag"].as_table().expect("tags");
    assert_eq!(tags["oil"]["node"].as_str(), Some("nsu=urn:plant;s=oil"), "{report}");
    let settings = serde_json::to_value(&table["source"]["opcua"]["opcua"]).expect("JSON");
    let addresses: Vec<serde_json::Value> = tags
        .values()
        .map(|tag| {
            let mut tag = serde_json::to_value(tag).expect("JSON");
            tag.as_object_mut().expect("a table").remove("source");
            tag
        })
        .collect();
    let mut source = bench::make(&state, settings, &addresses);
    bench::connect(&mut *source).await;
    bench::read_until(&mut *source, |batch| batch.samples.len() >= addresses.len()).await;
    options.nodes_max = 2;
    let short = source_opcua::probe::run(&options).await.expect("a report");
    assert_eq!(short.stopped.as_deref(), Some("2 nodes were looked at"));
    server.assert_only_read().await;
}
