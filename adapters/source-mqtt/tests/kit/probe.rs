//! A probe against a real broker with machines of both kinds.

use std::time::Duration;

use contract::SourceError;
use contract::settings::Secret;
use peers::mosquitto::{Mosquitto, Options, Publisher};
use peers::sparkplug::{Listener, pysparkplug};
use source_mqtt::{Version, probe};

use crate::bench::soon;

fn options(broker: &Mosquitto, version: Version, time: u64) -> probe::Options {
    probe::Options {
        name: "hall-b".to_owned(),
        url: format!("mqtt://127.0.0.1:{}", broker.port()),
        version,
        user: None,
        password: None,
        ca: None,
        filter: "#".to_owned(),
        time: Duration::from_millis(time),
    }
}

#[tokio::test]
async fn a_probe_shows_what_a_broker_has_and_publishes_nothing() {
    for version in [Version::V5, Version::V311] {
        let broker = Mosquitto::start(Options::default()).await;
        let listener = Listener::start(broker.port()).await;
        let mut publisher = Publisher::connect(broker.port()).await.expect("a broker");
        for press in 1..3 {
            let topic = format!("usine/b/presse-{press}/huile");
            publisher.publish(&topic, br#"{"t":61.5,"ts":1772366400}"#, 1, true).await.expect("taken");
        }
        let options = options(&broker, version, 3000);
        // The node is born while the probe listens, as on a day when somebody looks.
        let (report, _edge) = tokio::join!(probe::probe(&options), pysparkplug(broker.port(), false));
        let report = report.expect("a report");
        let shown = report.to_string();
        for line in [
            "usine/b/presse-1/huile",
            "retained",
            "/t  number 61.5",
            "Usine1/ligne-3/presse-07  born with 6 metrics",
        ] {
            assert!(shown.contains(line), "no `{line}` in {shown}");
        }
        for line in ["[class.presse.tag.huile]", "metric = \"temperature\"", "[machine.presse-07]"] {
            assert!(report.configuration.contains(line), "no `{line}` in {}", report.configuration);
        }
        let ours = listener.heard().into_iter().filter(|heard| {
            !heard.topic.starts_with("usine/")
                && !heard.topic.contains("BIRTH/")
                && !heard.topic.contains("DATA/")
        });
        assert_eq!(ours.count(), 0, "a probe published something");
    }
}

#[tokio::test]
async fn a_probe_that_may_not_says_so_as_a_source_does() {
    let broker = Mosquitto::start(Options { asks_password: true, ..Options::default() }).await;
    let mut options = options(&broker, Version::V5, 500);
    let refused = soon(probe::probe(&options)).await.expect_err("nobody without a name");
    assert!(matches!(refused, SourceError::LockedOut(_)), "{refused:?}");
    options.user = Some("portevoix".to_owned());
    options.password = Some(Secret { credential: None, file: Some(broker.file("password")), env: None });
    let report = soon(probe::probe(&options)).await.expect("let in");
    assert!(report.to_string().contains("nothing was said"), "{report}");
    assert!(report.configuration.contains("password = { file = "), "{}", report.configuration);
    options.filter = "a/#/b".to_owned();
    assert!(matches!(probe::probe(&options).await, Err(SourceError::Refused(_))));
}
