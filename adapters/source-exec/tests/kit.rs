//! The conformance kit and the adapter's own tests, against real programs.

#[path = "kit/bench.rs"]
mod bench;
#[path = "kit/format.rs"]
mod format;
#[path = "kit/programs.rs"]
mod programs;

use contract::kit::source as kit;
use contract::{Batch, Check, Source, SourceError, SourceKind, Ticket, async_trait};
use serde_json::json;
use source_exec::Kind;

use crate::bench::RealBench;

#[tokio::test]
async fn connects() {
    kit::connects(RealBench::start()).await;
}

#[tokio::test]
async fn is_lost_before_it_connects() {
    kit::is_lost_before_it_connects(RealBench::start()).await;
}

#[tokio::test]
async fn values_arrive_in_order() {
    kit::values_arrive_in_order(RealBench::start()).await;
}

#[tokio::test]
async fn dropping_next_loses_nothing() {
    kit::dropping_next_loses_nothing(RealBench::start()).await;
}

#[tokio::test]
async fn unsettled_is_given_again() {
    kit::unsettled_is_given_again(RealBench::start()).await;
}

#[tokio::test]
async fn settled_is_not_given_again() {
    kit::settled_is_not_given_again(RealBench::start()).await;
}

#[tokio::test]
async fn an_old_ticket_is_no_error() {
    kit::an_old_ticket_is_no_error(RealBench::start()).await;
}

#[tokio::test]
async fn survives_a_cut() {
    kit::survives_a_cut(RealBench::start()).await;
}

/// A mutant: settles as it reads.
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
async fn the_kit_notices_a_program_that_is_told_too_soon() {
    let seen = tokio::spawn(kit::unsettled_is_given_again(HastyBench(RealBench::start()))).await;
    let panic = seen.expect_err("a value lost in a crash went unnoticed").into_panic();
    let words = panic.downcast_ref::<String>().expect("words");
    // By how far the program had read what it was told when it was stopped: the value is another one, or none comes.
    let is_noticed = ["expected the unsettled value again", "expected a batch, found nothing"];
    assert!(is_noticed.iter().any(|notice| words.contains(notice)), "{words}");
}

#[test]
fn refuses_a_bad_table_with_its_key() {
    for (table, key) in [
        (json!({}), "command"),
        (json!({"command": []}), "command"),
        (json!({"command": "python3 x.py"}), "command"),
        (json!({"command": ["python3 x.py"]}), "command"),
        (json!({"command": ["a\u{0}b"]}), "command"),
        (json!({"command": ["x"], "unknown": 1}), "unknown"),
        (json!({"command": ["x"], "environment": {"A=B": "c"}}), "environment"),
        (json!({"command": ["x"], "secrets": {"A": {}}}), "secrets"),
        (json!({"command": ["x"], "environment": {"A": "b"}, "secrets": {"A": {"env": "X"}}}), "secrets"),
        (json!({"command": ["x"], "every": "1ms"}), "every"),
        (json!({"command": ["x"], "stop": "10s"}), "stop"),
        (json!({"command": ["x"], "start": "0s"}), "start"),
        (json!({"command": ["x"], "line_max": 10}), "line_max"),
    ] {
        kit::refuses::<Kind>(table, key);
    }
    for (table, key) in [
        (json!({}), "called"),
        (json!({"called": ""}), "called"),
        (json!({"called": "{line}/oil"}), "called"),
    ] {
        kit::refuses_address::<Kind>(table, key);
    }
}

/// What an integrator copies: every option, at its default.
#[test]
fn the_sample_shows_every_option_at_its_default() {
    type Settings = <Kind as SourceKind>::Settings;
    // What has no default is written as `# key = value`; here it is set.
    let set =
        |line: &str| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line).to_owned();
    let sample: Vec<String> = include_str!("../sample.toml").lines().map(set).collect();
    let sample: toml::Table = sample.join("\n").parse().expect("TOML");
    let table = sample["source"]["exec"]["press"].clone();
    let written: Settings = table.clone().try_into().expect("a good table");
    assert_eq!(written.check(), []);
    let bare: Settings = serde_json::from_value(json!({"command": ["x"]})).expect("a good table");
    assert_eq!(
        (bare.silence_max, bare.start, bare.stop, bare.line_max),
        (written.silence_max, written.start, written.stop, written.line_max)
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
}

mod bytes {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]
        /// Good lines with a few bytes changed: the worst that a half-broken program prints.
        #[test]
        fn no_byte_panics(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8)) {
            let mut lines = include_bytes!("../samples/good.jsonl").to_vec();
            for (at, byte) in changes {
                let at = at.index(lines.len());
                lines[at] = byte;
            }
            source_exec::fuzz::lines(&lines);
        }
    }
}
