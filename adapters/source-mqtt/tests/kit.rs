//! The conformance kit and the adapter's own tests, against a real mosquitto in both versions of MQTT.

#[path = "kit/bench.rs"]
mod bench;
#[path = "kit/probe.rs"]
mod probe;
#[path = "kit/refusals.rs"]
mod refusals;
#[path = "kit/restarts.rs"]
mod restarts;
#[path = "kit/sessions.rs"]
mod sessions;
#[path = "kit/small_broker.rs"]
mod small_broker;
#[path = "kit/sparkplug.rs"]
mod sparkplug;

use contract::kit::source as kit;
use contract::{Batch, Source, SourceError, Ticket, async_trait};
use serde_json::json;
use source_mqtt::Mqtt;

use crate::bench::RealBench;

/// The kit, for one version.
macro_rules! kit {
    ($module:ident, $version:literal, $qos:literal) => {
        mod $module {
            use super::*;

            #[tokio::test]
            async fn connects() {
                kit::connects(RealBench::start($version, $qos).await).await;
            }

            #[tokio::test]
            async fn is_lost_before_it_connects() {
                kit::is_lost_before_it_connects(RealBench::start($version, $qos).await).await;
            }

            #[tokio::test]
            async fn values_arrive_in_order() {
                kit::values_arrive_in_order(RealBench::start($version, $qos).await).await;
            }

            #[tokio::test]
            async fn dropping_next_loses_nothing() {
                kit::dropping_next_loses_nothing(RealBench::start($version, $qos).await).await;
            }

            #[tokio::test]
            async fn unsettled_is_given_again() {
                kit::unsettled_is_given_again(RealBench::start($version, $qos).await).await;
            }

            #[tokio::test]
            async fn settled_is_not_given_again() {
                kit::settled_is_not_given_again(RealBench::start($version, $qos).await).await;
            }

            #[tokio::test]
            async fn an_old_ticket_is_no_error() {
                kit::an_old_ticket_is_no_error(RealBench::start($version, $qos).await).await;
            }

            #[tokio::test]
            async fn survives_a_cut() {
                kit::survives_a_cut(RealBench::start($version, $qos).await).await;
            }
        }
    };
}

kit!(mqtt_5_qos_0, "5", 0);
kit!(mqtt_5_qos_1, "5", 1);
kit!(mqtt_5_qos_2, "5", 2);
kit!(mqtt_3_qos_0, "3.1.1", 0);
kit!(mqtt_3_qos_1, "3.1.1", 1);
kit!(mqtt_3_qos_2, "3.1.1", 2);

/// A source that acknowledges as it reads, as clients do unless they are told otherwise.
struct Hasty(Box<dyn Source>);

#[async_trait]
impl Source for Hasty {
    async fn connect(&mut self) -> Result<(), SourceError> {
        self.0.connect().await
    }

    async fn next(&mut self) -> Result<Batch, SourceError> {
        let batch = self.0.next().await?;
        if let Some(ticket) = batch.ticket {
            self.0.settle(ticket).await?;
        }
        Ok(batch)
    }

    async fn settle(&mut self, _: Ticket) -> Result<(), SourceError> {
        Ok(())
    }
}

struct HastyBench(RealBench);

#[async_trait]
impl kit::Bench for HastyBench {
    fn make(&mut self) -> Box<dyn Source> {
        Box::new(Hasty(self.0.make()))
    }

    async fn say(&mut self, value: f64) {
        self.0.say(value).await;
    }

    async fn cut(&mut self) {
        self.0.cut().await;
    }

    async fn heal(&mut self) {
        self.0.heal().await;
    }

    fn gives_again(&self) -> bool {
        self.0.gives_again()
    }
}

#[tokio::test]
async fn the_kit_notices_an_automatic_acknowledgement() {
    for version in ["5", "3.1.1"] {
        let bench = HastyBench(RealBench::start(version, 1).await);
        let seen = tokio::spawn(kit::unsettled_is_given_again(bench)).await;
        let panic = seen.expect_err("a value lost in a crash went unnoticed").into_panic();
        let words = panic.downcast_ref::<String>().expect("words");
        assert!(words.contains("expected the unsettled value again after a crash"), "{words}");
    }
}

#[test]
fn refuses_a_bad_table_with_its_key() {
    for (table, key) in [
        (json!({}), "url"),
        (json!({"url": "http://broker"}), "url"),
        (json!({"url": "broker:1883"}), "url"),
        (json!({"url": "mqtt://user:secret@broker"}), "url"),
        (json!({"url": "mqtt://broker:0"}), "url"),
        (json!({"url": "mqtt://broker/path"}), "url"),
        (json!({"url": "mqtt://broker", "version": "4"}), "version"),
        (json!({"url": "mqtt://broker", "qos": 3}), "qos"),
        (json!({"url": "mqtt://broker", "unknown": 3}), "unknown"),
        (json!({"url": "mqtt://broker", "password": {"file": "x"}}), "password"),
        (json!({"url": "mqtt://broker", "user": "x", "password": {"file": "x", "env": "y"}}), "password"),
        (json!({"url": "mqtt://broker", "ca": "x"}), "ca"),
        (json!({"url": "mqtts://broker", "certificate": "x"}), "certificate"),
        (json!({"url": "mqtts://broker", "key": "x"}), "key"),
        (json!({"url": "mqtt://broker", "client_id": ""}), "client_id"),
        (json!({"url": "mqtt://broker", "share": "a/b"}), "share"),
        (json!({"url": "mqtt://broker", "keep_alive": "0s"}), "keep_alive"),
        (json!({"url": "mqtt://broker", "packet_max": 10}), "packet_max"),
        (json!({"url": "mqtt://broker", "connect_timeout": "0s"}), "connect_timeout"),
        (json!({"url": "mqtt://broker", "sparkplug": {"role": "host"}}), "role"),
        (json!({"url": "mqtt://broker", "sparkplug": {"host": "a"}}), "sparkplug.host"),
        (
            json!({"url": "mqtt://broker", "session_expiry": "0s", "sparkplug": {"role": "primary"}}),
            "sparkplug.host",
        ),
        (
            json!({"url": "mqtt://broker", "session_expiry": "0s", "sparkplug": {"role": "primary", "host": "a/b"}}),
            "sparkplug.host",
        ),
        (json!({"url": "mqtt://broker", "sparkplug": {"role": "primary", "host": "a"}}), "session_expiry"),
        (
            json!({"url": "mqtt://broker", "sparkplug": {"rebirth_every_min": "0s"}}),
            "sparkplug.rebirth_every_min",
        ),
        (
            json!({"url": "mqtt://broker", "sparkplug": {"reorder_timeout": "2m"}}),
            "sparkplug.reorder_timeout",
        ),
    ] {
        kit::refuses::<Mqtt>(table, key);
    }
    for (table, key) in [
        (json!({}), "topic"),
        (json!({"topic": "a/#/b"}), "topic"),
        (json!({"topic": "a/{line}"}), "topic"),
        (json!({"topic": "$share/g/a"}), "topic"),
        (json!({"topic": "a", "value": "temperature"}), "value"),
        (json!({"topic": "a", "value": "/v", "time": "t"}), "time"),
        (json!({"topic": "a", "time": "/t"}), "time"),
        (json!({"topic": "a", "metric": "m"}), "metric"),
        (json!({"topic": "a", "edge": "e"}), "edge"),
        (json!({"metric": "m", "edge": "e"}), "group"),
        (json!({"metric": "m", "group": "g"}), "edge"),
        (json!({"metric": "", "group": "g", "edge": "e"}), "metric"),
        (json!({"metric": "m", "group": "g/h", "edge": "e"}), "group"),
        (json!({"metric": "m", "group": "g", "edge": "e", "device": "{line}"}), "device"),
        (json!({"metric": "m", "group": "g", "edge": "e", "value": "/v"}), "value"),
        (json!({"metric": "m", "group": "g", "edge": "e", "time": "/t"}), "time"),
    ] {
        kit::refuses_address::<Mqtt>(table, key);
    }
}

/// What an integrator copies: every option, at its default.
#[test]
fn the_sample_shows_every_option_at_its_default() {
    use contract::{Check, SourceKind};
    type Settings = <Mqtt as SourceKind>::Settings;
    // What has no default is written as `# key = value`; here it is set.
    let set =
        |line: &str| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line).to_owned();
    let sample: Vec<String> = include_str!("../sample.toml").lines().map(set).collect();
    let sample: toml::Table = sample.join("\n").parse().expect("TOML");
    let table = sample["source"]["mqtt"]["hall-b"].clone();
    let written: Settings = table.clone().try_into().expect("a good table");
    // Only a primary host has a name; all else stands at its default.
    let mut written = written;
    assert!(written.sparkplug.host.take().is_some());
    assert_eq!(written.check(), []);
    let bare: Settings = serde_json::from_value(json!({"url": "mqtt://broker"})).expect("a good table");
    assert_eq!(
        (bare.version, bare.qos, bare.session_expiry, bare.keep_alive, bare.packet_max),
        (written.version, written.qos, written.session_expiry, written.keep_alive, written.packet_max)
    );
    assert_eq!((bare.connect_timeout, bare.silence_max), (written.connect_timeout, written.silence_max));
    assert_eq!(bare.sparkplug, written.sparkplug);
    let sparkplug = table["sparkplug"].as_table().expect("a table");
    assert_eq!(
        sparkplug.keys().collect::<Vec<_>>(),
        ["host", "rebirth_every_min", "reorder_timeout", "role"]
    );
    let schema = serde_json::to_value(schemars::schema_for!(Settings)).expect("JSON");
    let options = schema["properties"].as_object().expect("options");
    for (option, described) in options {
        assert!(table.get(option).is_some(), "`{option}` is not in sample.toml");
        assert!(described.to_string().contains("description"), "`{option}` has no documentation");
    }
    for (name, tag) in sample["machine"]["press-3"]["tag"].as_table().expect("tags") {
        let mut tag = tag.as_table().expect("a tag").clone();
        tag.remove("source");
        let address: <Mqtt as SourceKind>::Address = tag.try_into().expect("a good address");
        assert_eq!(address.check(), [], "{name}");
    }
}
