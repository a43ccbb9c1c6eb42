//! A rule as it is judged, for `portevoix explain`: each value with its unit and where it was set.

use contract::Priority;
use contract::settings::{Wait, Words};

use crate::config::{MachinePlan, Plan, RulePlan};
use crate::rule::{Section, alarms, limit};

/// The rule of a machine as the configuration has it now; `None` where nobody wrote one, as for a lost source.
pub fn effective(plan: &Plan, machine: &str, rule: &str) -> Option<Vec<String>> {
    let machine = plan.machines.iter().find(|known| known.author.key == machine)?;
    let rule = machine.rules.iter().find(|known| known.name == rule)?;
    let whence = match (&rule.class, rule.own.is_empty()) {
        (Some(class), true) => format!("of class `{class}`"),
        (Some(class), false) => format!("of class `{class}`, with keys of the machine"),
        (None, _) => "of the machine".to_owned(),
    };
    let head = format!("rule {} of {}, {whence}, at {}", rule.name, machine.author.key, rule.place);
    let facts = facts(machine, rule);
    let width = facts.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    let line = |(key, value): (String, String)| format!("  {key:<width$}  {value}{}", set_by(rule, &key));
    Some(std::iter::once(head).chain(facts.into_iter().map(line)).collect())
}

/// Said only where a rule has two authors: it is why somebody asks.
fn set_by(rule: &RulePlan, key: &str) -> &'static str {
    let top = key.split('.').next().unwrap_or_default();
    match (&rule.class, rule.own.is_empty()) {
        (Some(_), false) if rule.own.iter().any(|own| own == top) => "  (machine)",
        (Some(_), false) => "  (class, or default)",
        _ => "",
    }
}

fn facts(machine: &MachinePlan, rule: &RulePlan) -> Vec<(String, String)> {
    let tag = rule.tags.first().and_then(|id| machine.tags.iter().find(|tag| tag.id == *id));
    let name = tag.map(|tag| tag.name.clone()).unwrap_or_default();
    let unit = tag.and_then(|tag| tag.section.unit.as_deref()).unwrap_or_default();
    let mut facts = match rule.tags.as_slice() {
        [] | [_] => vec![("tag".to_owned(), name)],
        tags => {
            let names = tags.iter().filter_map(|id| machine.tags.iter().find(|tag| tag.id == *id));
            let names: Vec<&str> = names.map(|tag| tag.name.as_str()).collect();
            vec![("tags".to_owned(), names.join(", "))]
        }
    };
    facts.retain(|(_, names)| !names.is_empty());
    facts.extend(own(&rule.section, unit));
    facts.extend(common(rule));
    facts
}

/// The keys of its kind.
fn own(section: &Section, unit: &str) -> Vec<(String, String)> {
    match section {
        Section::Limit(section) => limit_facts(section, unit),
        Section::Stale(section) => vec![("after".to_owned(), wait(section.after))],
        Section::Alarms(section) => alarms_facts(section),
        Section::Rate(section) => {
            let mut facts = limits("", [section.above, section.below, section.clear], unit);
            facts.push(("over".to_owned(), wait(section.over)));
            facts.push(("per".to_owned(), wait(section.per)));
            facts
        }
        Section::Count(section) => {
            let mut facts = limits("", [section.above, section.below, section.clear], "");
            facts.extend(section.over.map(|over| ("over".to_owned(), wait(over))));
            facts.extend(section.every.map(|every| ("every".to_owned(), every.to_string())));
            facts
        }
        Section::Window(section) => {
            let mut facts = limits("", [section.above, section.below, section.clear], unit);
            facts.push(("over".to_owned(), wait(section.over)));
            facts
        }
        Section::Compare(section) => {
            let above = section.above.or(section.tolerance);
            let mut facts = limits("", [above, section.below, section.clear], unit);
            facts.extend(section.with.iter().map(|with| ("with".to_owned(), with.clone())));
            facts
        }
        Section::State(section) => {
            let waits = [("longer", section.longer), ("stuck_after", section.stuck_after)];
            waits.into_iter().filter_map(|(key, for_)| Some((key.to_owned(), wait(for_?)))).collect()
        }
        Section::Heartbeat(section) => {
            vec![("every".to_owned(), wait(section.every)), ("beats".to_owned(), section.beats.to_string())]
        }
        Section::Expression(section) => {
            let clear = section.clear.clone().unwrap_or_else(|| format!("!({})", section.when));
            let mut facts = vec![("when".to_owned(), section.when.clone()), ("clear".to_owned(), clear)];
            facts.extend(words(&section.say).map(|say| ("say".to_owned(), say)));
            facts
        }
    }
}

/// The keys that every rule may have, those that say something.
fn common(rule: &RulePlan) -> Vec<(String, String)> {
    let common = &rule.common;
    let refused = rule.section.refuses().map_or(&[][..], |(keys, _)| keys);
    let is_said = |key: &str| !refused.contains(&key);
    let mut facts = Vec::new();
    let mut fact = |key: &str, value: Option<String>| {
        facts.extend(value.filter(|_| is_said(key)).map(|value| (key.to_owned(), value)));
    };
    fact("on_delay", Some(wait(common.on_delay)));
    fact("off_delay", Some(wait(common.off_delay)));
    fact("priority", Some(urgency(common.priority)));
    fact("in_a_row", (common.in_a_row > 1).then(|| common.in_a_row.to_string()));
    fact("latched", common.latched.then(|| "true".to_owned()));
    fact("realarm", common.realarm.map(wait));
    fact("quiet_in", (!common.quiet_in.is_empty()).then(|| common.quiet_in.join(", ")));
    fact("only_in", (!common.only_in.is_empty()).then(|| common.only_in.join(", ")));
    fact("hides_children", common.hides_children.then(|| "true".to_owned()));
    fact("chart", common.chart.map(wait));
    fact("respond_within", common.respond_within.map(wait));
    fact("cause", words(&common.cause));
    fact("consequence", words(&common.consequence));
    fact("owner", common.owner.clone());
    fact("reviewed", common.reviewed.map(|day| day.0.to_string()));
    facts
}

/// In each language, as nobody knows which one the reader has.
fn words(words: &Words) -> Option<String> {
    match words {
        Words::Nothing => None,
        Words::All(words) => Some(words.clone()),
        Words::Each(each) => {
            let told: Vec<String> = each.iter().map(|(code, words)| format!("{words} ({code})")).collect();
            Some(told.join(", "))
        }
    }
}

fn limits(prefix: &str, [above, below, clear]: [Option<f64>; 3], unit: &str) -> Vec<(String, String)> {
    let quantity = |value: f64| format!("{value} {unit}").trim_end().to_owned();
    let clear = clear.or(above).or(below);
    let all = [("above", above), ("below", below), ("clear", clear)];
    all.into_iter().filter_map(|(key, value)| Some((format!("{prefix}{key}"), quantity(value?)))).collect()
}

fn limit_facts(section: &limit::Section, unit: &str) -> Vec<(String, String)> {
    let mut facts = limits("", [section.above, section.below, section.clear], unit);
    for (at, step) in (1..).zip(&section.ladder) {
        let prefix = format!("ladder.{at}.");
        facts.extend(limits(&prefix, [step.above, step.below, step.clear], unit));
        facts.push((format!("{prefix}priority"), urgency(step.priority)));
    }
    let usual = section.usual.map(|[from, to]| format!("{from} to {to} {unit}").trim_end().to_owned());
    facts.extend(usual.map(|range| ("usual".to_owned(), range)));
    facts
}

fn alarms_facts(section: &alarms::Section) -> Vec<(String, String)> {
    let bands = [
        ("severity_min", section.severity_min),
        ("high_from", section.high_from),
        ("urgent_from", section.urgent_from),
    ];
    bands.into_iter().map(|(key, severity)| (key.to_owned(), severity.to_string())).collect()
}

fn urgency(priority: Priority) -> String {
    let words = match priority {
        Priority::Urgent => "now",
        Priority::High => "within the hour",
        Priority::Low => "know",
    };
    format!("{}, {words}", u8::from(priority))
}

/// As people write it: `90s` is `90s`, `120s` is `2m`.
fn wait(Wait(wait): Wait) -> String {
    let ms = wait.as_millis();
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    let whole = units.into_iter().find(|(_, size)| ms >= *size && ms.is_multiple_of(*size));
    match whole {
        Some((unit, size)) => format!("{}{unit}", ms / size),
        None if ms == 0 => "0s".to_owned(),
        None => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_told_with_units_and_whence_each_value_comes() {
        let text = r#"
[site]
name = "Usine"
[network.wall.local]
[source.mqtt.a]
url = "mqtt://127.0.0.1"
[class.press.tag.oil]
source = "a"
topic = "{machine}"
unit = "°C"
stale_after = "2m"
[class.press.rule.limit.hot]
tag = "oil"
above = 75
clear = 70
on_delay = "90s"
ladder = [{ above = 90 }]
[machine.p1]
class = "press"
[machine.p2]
class = "press"
rule.limit.hot.above = 80
"#;
        let plan = crate::config::read(vec![("plant.toml".to_owned(), text.to_owned())]).unwrap();
        let told = |machine, rule| effective(&plan, machine, rule).unwrap().join("\n");
        assert_eq!(
            told("p1", "limit.hot"),
            "rule limit.hot of p1, of class `press`, at plant.toml:12:25\n  tag                oil\n  \
             above              75 °C\n  clear              70 °C\n  ladder.1.above     90 °C\n  \
             ladder.1.clear     90 °C\n  ladder.1.priority  1, now\n  on_delay           90s\n  \
             off_delay          0s\n  priority           3, know"
        );
        assert!(told("p2", "limit.hot").contains("above              80 °C  (machine)\n"));
        assert!(told("p2", "limit.hot").contains("clear              70 °C  (class, or default)\n"));
        assert!(told("p1", "stale.oil").contains("after      2m\n"), "{}", told("p1", "stale.oil"));
        assert_eq!(effective(&plan, "p1", "source.a"), None);
    }
}
