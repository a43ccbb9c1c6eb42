//! A configuration for what was heard. The level before the last of a topic is taken for the machine, as most plants
//! have it; machines with the same tags become a class. A person renames and takes out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use contract::suggest;

use super::shape::{Kind, Shape};
use super::{Options, Report};

/// Machines that are suggested.
const MACHINES_MAX: usize = 50;
/// Tags of one machine that are suggested.
const TAGS_MAX: usize = 40;
/// The longest name in the configuration.
const NAME_MAX: usize = 64;

/// The lines of a tag, by its name; the source is the first.
type Tags = BTreeMap<String, Vec<String>>;

/// The configuration.
pub fn configuration(options: &Options, report: &Report) -> String {
    let mut machines: BTreeMap<String, Tags> = BTreeMap::new();
    let source = plain(&options.name);
    let source = if source.is_empty() { "broker".to_owned() } else { source };
    from_topics(report, &mut machines);
    from_births(report, &mut machines);
    machines.retain(|_, tags| !tags.is_empty());
    let mut text = table_of_source(options, &source);
    let mut left_out = machines.len().saturating_sub(MACHINES_MAX);
    // Machines that are read alike become a class.
    let mut alike: BTreeMap<&Tags, Vec<&String>> = BTreeMap::new();
    for (machine, tags) in machines.iter().take(MACHINES_MAX) {
        alike.entry(tags).or_default().push(machine);
    }
    let mut classes = BTreeSet::new();
    for (tags, names) in alike {
        let shared = names.len() > 1;
        let class = shared.then(|| suggest::unique(&mut classes, &class_name(&names)));
        let owner = class.as_ref().map(|class| format!("class.{class}"));
        for name in &names {
            let _ = writeln!(text, "\n[machine.{name}]\nname = {}", suggest::quoted(name));
            if let Some(class) = &class {
                let _ = writeln!(text, "class = {}", suggest::quoted(class));
            }
        }
        let owner = owner.or_else(|| names.first().map(|name| format!("machine.{name}"))).unwrap_or_default();
        for (tag, lines) in tags.iter().take(TAGS_MAX) {
            let _ = writeln!(text, "\n[{owner}.tag.{tag}]\nsource = {}", suggest::quoted(&source));
            for line in lines {
                let _ = writeln!(text, "{line}");
            }
        }
        left_out += tags.len().saturating_sub(TAGS_MAX);
    }
    if left_out > 0 {
        let _ = writeln!(text, "\n# {left_out} more machines or tags were heard and are left out here.");
    }
    text
}

fn table_of_source(options: &Options, source: &str) -> String {
    let mut text = format!("[source.mqtt.{source}]\nurl = {}\n", suggest::quoted(&options.url));
    if options.version == crate::Version::V311 {
        text.push_str("version = \"3.1.1\"\n");
    }
    if let Some(user) = &options.user {
        let _ = writeln!(text, "user = {}", suggest::quoted(user));
    }
    if let Some(secret) = &options.password {
        let _ = writeln!(text, "password = {}", suggest::secret(secret));
    }
    if let Some(ca) = &options.ca {
        let _ = writeln!(text, "ca = {}", suggest::quoted(&ca.display().to_string()));
    }
    text
}

fn from_topics(report: &Report, machines: &mut BTreeMap<String, Tags>) {
    for (topic, seen) in &report.topics {
        if crate::topic::check(topic).is_err() || topic.contains(['{', '}']) || topic.starts_with('$') {
            continue;
        }
        let levels: Vec<&str> = topic.split('/').collect();
        let at = levels.len().saturating_sub(2);
        let machine = plain(levels[at]);
        if machine.is_empty() {
            continue;
        }
        // Only where the key is the level as it stands can it stand for it.
        let mut pattern = levels.clone();
        if machine == levels[at] && levels.len() > 1 {
            pattern[at] = "{machine}";
        }
        let line = format!("topic = {}", suggest::quoted(&pattern.join("/")));
        let leaf = if levels.len() > 1 { levels[at + 1] } else { "value" };
        let tags = machines.entry(machine).or_default();
        match &seen.shape {
            Shape::Plain(_) => add(tags, leaf, vec![line]),
            Shape::Json(places) => {
                let time = places.iter().find(|(_, place)| place.kind == Kind::Time);
                for (pointer, _) in places.iter().filter(|(_, place)| place.kind != Kind::Time) {
                    let mut lines = vec![line.clone(), format!("value = {}", suggest::quoted(pointer))];
                    lines.extend(time.map(|(pointer, _)| format!("time = {}", suggest::quoted(pointer))));
                    let name = if places.len() > 2 { format!("{leaf}{pointer}") } else { leaf.to_owned() };
                    add(tags, &name, lines);
                }
            }
            Shape::Empty | Shape::Binary(_) | Shape::Sparkplug | Shape::TooLarge => {}
        }
    }
}

fn from_births(report: &Report, machines: &mut BTreeMap<String, Tags>) {
    for ((group, edge, device), metrics) in &report.births.parts {
        let own = device.as_ref().unwrap_or(edge);
        let machine = plain(own);
        let words = [group, edge].into_iter().chain(device);
        if machine.is_empty() || words.clone().any(|word| crate::topic::check_level(word).is_err()) {
            continue;
        }
        let as_key = |word: &String| suggest::quoted(if *word == machine { "{machine}" } else { word });
        for metric in metrics.iter().flatten().filter(|metric| metric.is_scalar && is_value(&metric.name)) {
            let mut lines = vec![format!("group = {}", suggest::quoted(group))];
            match device {
                Some(device) => {
                    lines.push(format!("edge = {}", suggest::quoted(edge)));
                    lines.push(format!("device = {}", as_key(device)));
                }
                None => lines.push(format!("edge = {}", as_key(edge))),
            }
            lines.push(format!("metric = {}", suggest::quoted(&metric.name)));
            lines.extend(metric.unit.as_ref().map(|unit| format!("unit = {}", suggest::quoted(unit))));
            add(machines.entry(machine.clone()).or_default(), &metric.name, lines);
        }
    }
}

/// What the protocol itself needs is no value of a machine; braces would be read as a placeholder.
fn is_value(metric: &str) -> bool {
    let is_protocol = metric == "bdSeq"
        || ["Node Control/", "Device Control/"].iter().any(|start| metric.starts_with(start));
    !is_protocol && !metric.contains(['{', '}']) && metric.len() <= 200
}

fn add(tags: &mut Tags, name: &str, lines: Vec<String>) {
    let name = plain(name);
    let name = if name.is_empty() { "value".to_owned() } else { name };
    let mut taken: BTreeSet<String> = tags.keys().cloned().collect();
    tags.insert(suggest::unique(&mut taken, &name), lines);
}

fn class_name(machines: &[&String]) -> String {
    let first = machines.first().map(|name| name.as_str()).unwrap_or_default();
    let name = first.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    let is_common = !name.is_empty() && machines.iter().all(|machine| machine.starts_with(name));
    if is_common { name.to_owned() } else { "machine".to_owned() }
}

/// A name as the configuration wants it, with room for a number behind it.
fn plain(word: &str) -> String {
    suggest::plain_name(word, NAME_MAX - 4)
}
