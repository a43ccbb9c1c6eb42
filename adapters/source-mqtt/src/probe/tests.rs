//! What a probe shows and suggests, of what it heard.

use super::*;
use crate::sparkplug::proto::{Head, Metric, Property, PropertySet, PropertyValue, Scalar, write};

fn options() -> Options {
    Options {
        name: "hall-b".to_owned(),
        url: "mqtt://127.0.0.1:1883".to_owned(),
        version: Version::V5,
        user: None,
        password: None,
        ca: None,
        filter: "#".to_owned(),
        time: Duration::from_secs(10),
    }
}

fn report(messages: &[(&str, &[u8])]) -> Report {
    let mut report = Report {
        at: "127.0.0.1:1883".to_owned(),
        filter: "#".to_owned(),
        time: Duration::from_secs(10),
        topics: BTreeMap::new(),
        births: Births::default(),
        beyond: 0,
        cut: None,
        configuration: String::new(),
    };
    for (topic, payload) in messages {
        let packet = [&[0x30, 0][..], &(topic.len() as u16).to_be_bytes(), topic.as_bytes()].concat();
        let (mut message, _) = wire::publish_head(&packet, 2).expect("a head");
        message.payload = payload;
        report.take(&message);
    }
    report.configuration = suggest::configuration(&options(), &report);
    report
}

/// Every table of the suggestion is one that the program takes.
#[track_caller]
fn check_accepted(configuration: &str) -> usize {
    use contract::Check;
    let tables: toml::Table =
        configuration.parse().unwrap_or_else(|error| panic!("{error}: {configuration}"));
    let source = tables["source"]["mqtt"]["hall-b"].clone();
    assert_eq!(source.try_into::<Settings>().expect("a good table").check(), []);
    let mut tags = 0;
    for owner in ["class", "machine"] {
        let owners = tables.get(owner).and_then(toml::Value::as_table).into_iter().flatten();
        for (_, owner) in owners {
            for (name, tag) in owner.get("tag").and_then(toml::Value::as_table).into_iter().flatten() {
                let mut tag = tag.as_table().expect("a tag").clone();
                assert!(tag.remove("source").is_some());
                tag.remove("unit");
                let address: crate::Address = tag.try_into().expect("a good address");
                assert_eq!(address.check(), [], "{name}");
                let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                assert!(name.chars().all(is_plain) && (1..=64).contains(&name.len()), "{name}");
                tags += 1;
            }
        }
    }
    tags
}

#[test]
fn topics_are_shown_and_become_a_class() {
    let oil = br#"{"temperature":61.5,"lot":"A7","ts":1772366400}"#;
    let report = report(&[
        ("usine/b/presse-1/huile", oil),
        ("usine/b/presse-2/huile", oil),
        ("usine/b/presse-1/air", b"5980"),
        ("usine/b/presse-2/air", b"5980"),
        ("usine/b/Four 4/porte", b"ON"),
        ("photo", b"\xff\xd8"),
    ]);
    let shown = report.to_string();
    for line in [
        "6 messages on 6 topics in 10 s",
        "/temperature  number 61.5",
        "/ts  time 1772366400",
        "flag ON",
        "2 bytes that are no text",
    ] {
        assert!(shown.contains(line), "no `{line}` in {shown}");
    }
    assert_eq!(check_accepted(&report.configuration), 4, "{}", report.configuration);
    for line in [
        "[class.presse.tag.air]",
        "topic = \"usine/b/{machine}/huile\"\nvalue = \"/temperature\"\ntime = \"/ts\"",
        "[machine.presse-2]\nname = \"presse-2\"\nclass = \"presse\"",
        "[machine.four-4.tag.porte]\nsource = \"hall-b\"\ntopic = \"usine/b/Four 4/porte\"",
    ] {
        assert!(report.configuration.contains(line), "no `{line}` in {}", report.configuration);
    }
}

#[test]
fn births_are_decoded_and_become_tags() {
    let unit = PropertySet {
        keys: vec!["engUnit".to_owned()],
        values: vec![PropertyValue { value: Some(Property::Text("°C".to_owned())) }],
    };
    let metric = |name: &str, datatype| Metric {
        name: Some(name.to_owned()),
        datatype: Some(datatype),
        ..Metric::default()
    };
    let oil =
        Metric { properties: Some(unit), value: Some(Scalar::Double(61.0)), ..metric("Oil/Temperature", 10) };
    let birth = write(&Head::default(), &[oil, metric("kpi", 16), metric("bdSeq", 8)]);
    let report =
        report(&[("spBv1.0/Usine1/DBIRTH/ligne-3/presse-07", &birth), ("spBv1.0/Usine1/NDATA/ligne-4", b"")]);
    let shown = report.to_string();
    assert!(shown.contains("Sparkplug Usine1/ligne-3/presse-07  born with 3 metrics"), "{shown}");
    assert!(shown.contains("Oil/Temperature  Double °C") && shown.contains("kpi  DataSet"), "{shown}");
    assert!(shown.contains("Usine1/ligne-4  speaks; its birth certificate was not heard"), "{shown}");
    assert_eq!(check_accepted(&report.configuration), 1, "{}", report.configuration);
    let tag = "[machine.presse-07.tag.oil-temperature]\nsource = \"hall-b\"\ngroup = \"Usine1\"\nedge = \"ligne-3\"\ndevice = \"{machine}\"\nmetric = \"Oil/Temperature\"\nunit = \"°C\"";
    assert!(report.configuration.contains(tag), "{}", report.configuration);
}

#[test]
fn what_a_broker_says_cannot_fill_the_memory_or_break_the_suggestion() {
    let topics: Vec<String> = (0..2 * TOPICS_MAX).map(|at| format!("m{at}/{at}\"\\[x]é")).collect();
    let mut messages: Vec<(&str, &[u8])> = topics.iter().map(|topic| (topic.as_str(), &b"1"[..])).collect();
    let deep = "[".repeat(100_000);
    let wide =
        format!("{{{}}}", (0..2000).map(|at| format!("\"k{at}\u{1}\":{at}")).collect::<Vec<_>>().join(","));
    messages.insert(0, ("a/deep", deep.as_bytes()));
    messages.insert(1, ("a/{wide}", wide.as_bytes()));
    messages.insert(2, ("a/wide", br#"{"a":{"b~/c":[1,2,3,4,5,6]},"x":"@everyone"}"#));
    messages.insert(3, ("//", b"1"));
    let report = report(&messages);
    assert_eq!(report.topics.len(), TOPICS_MAX);
    assert_eq!(report.beyond as usize, TOPICS_MAX + 4);
    assert!(check_accepted(&report.configuration) > 50, "{}", report.configuration);
}
