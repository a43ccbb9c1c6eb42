//! What no table can know by itself: two that listen at one port, a tag that is the same for each machine of a
//! class, a rule on a tag that does not bring what it judges.

use std::net::SocketAddr;

use contract::settings::Words;
use contract::{Brings, Priority};
use toml::de::DeValue;

use super::leaf;
use super::machine::{Around, Layers};
use super::plan::TagPlan;
use super::problem::Span;
use super::reader::{Member, Reader, in_order};
use super::tree::Table;
use super::wording;
use crate::reading::TagSection;
use crate::rule;

/// What stands for the key of the machine, in every kind of source.
const MACHINE: &str = "{machine}";

/// Where a source or a network listens, and where that is written.
pub(super) type Listens = Option<(SocketAddr, Span)>;

impl Reader<'_> {
    /// What is a slip of the pen in a table that is right.
    pub(super) fn warn(&mut self, table: &Table<'_>, header: &Span, faults: Vec<contract::Fault>) {
        for contract::Fault { key, message } in faults {
            let span = leaf::walk(table, &key).unwrap_or(header.clone());
            self.problems.warning(span, message);
        }
    }

    /// A port is one listener's: the second one would not start.
    pub(super) fn check_ports(&mut self, sources: &[Member], networks: &[Member]) {
        let mut taken: Vec<(&SocketAddr, &Member)> = Vec::new();
        for member in sources.iter().chain(networks) {
            let Some((address, span)) = &member.listens else { continue };
            if let Some((_, first)) = taken.iter().find(|(other, _)| is_one_port(address, other)) {
                let place = self.files.place(first.span.start);
                let message = format!(
                    "{address} is where `{}` listens already, at {place}; expected another port",
                    first.name
                );
                self.problems.error(span.clone(), message);
            }
            taken.push((address, member));
        }
    }

    /// Without the key of the machine in its address, the tag of a class reads the same for each of its machines.
    pub(super) fn check_for_each(&mut self, layer: &Layers<'_>, around: &Around<'_>, address: &Table<'_>) {
        let (Some(class), (Some(_), own)) = (around.class, layer.tables()) else { return };
        let is_own = |key: &str| key == "source" || !TagSection::KEYS.contains(&key);
        let sets_its_own = own.is_some_and(|own| own.keys().any(|key| is_own(key.get_ref())));
        let texts: Vec<_> = in_order(address)
            .into_iter()
            .filter_map(|(_, value)| Some((value, value.get_ref().as_str()?)))
            .collect();
        let names_machine = address.values().any(|value| has_machine(value.get_ref()));
        // The first machine may have it for itself.
        if sets_its_own
            || names_machine
            || self.for_one.insert((class.name.to_owned(), layer.name.to_owned()))
        {
            return;
        }
        let span = texts.first().map_or(layer.header(), |(value, _)| value.span());
        let message = format!(
            "no `{MACHINE}` in the address of tag `{}`: each machine of class `{}` would be given the same values",
            layer.name, class.name
        );
        let help = format!(
            "write `{MACHINE}` where the key of the machine stands; or give each machine an address of its own, \
             under [machine.<key>.tag.{}]",
            layer.name
        );
        self.problems.error(span, message).help(help);
    }

    /// Alarms are told, values are judged: a rule must be on a tag that brings what it takes.
    pub(super) fn check_brings(
        &mut self,
        section: &rule::Section,
        table: &Table<'_>,
        around: &Around<'_>,
        tags: &[TagPlan],
    ) {
        let Some(value) = table.get("tag") else { return };
        let takes_alarms = matches!(section, rule::Section::Alarms(_));
        for tag in section.tags().into_iter().filter_map(|name| tags.iter().find(|tag| tag.name == name)) {
            let (message, help) = match (self.brings(tag, around), takes_alarms) {
                (Brings::Either, _) | (Brings::Values, false) | (Brings::Alarms, true) => continue,
                (Brings::Values, true) => (
                    format!("tag `{}` brings values, expected one that listens to alarms", tag.name),
                    "a tag of source opcua with `events` does; values are judged by [….rule.limit.<name>]",
                ),
                (Brings::Alarms, false) => (
                    format!("tag `{}` listens to alarms, expected one that brings values", tag.name),
                    "what it hears is told by [….rule.alarms.<name>]",
                ),
            };
            self.problems.error(value.span(), message).help(help.to_owned());
        }
    }

    /// The keys that every rule may have, against those of its kind.
    pub(super) fn check_common(
        &mut self,
        section: &rule::Section,
        common: &rule::Common,
        table: &Table<'_>,
        header: &Span,
        around: &Around<'_>,
    ) {
        let place = |key: &str| table.get(key).map_or(header.clone(), |value| value.span());
        if let Some((keys, why)) = section.refuses() {
            for key in keys.iter().filter(|key| table.contains_key(**key)) {
                let message = format!("`{key}` in a rule of kind `{}`, expected none", section.kind());
                self.problems.error(place(key), message).help(why.to_owned());
            }
        }
        for contract::Fault { key, message } in section.advise(common) {
            self.problems.warning(place(&key), message);
        }
        for (key, words) in
            [("do", &common.r#do), ("cause", &common.cause), ("consequence", &common.consequence)]
        {
            self.check_words(table, header, key, words, around.needed);
        }
        let priority = section.priorities(common).into_iter().min().unwrap_or(Priority::Low);
        let is_told_what = common.r#do != Words::Nothing || matches!(section, rule::Section::Alarms(_));
        if !is_told_what && priority < Priority::Low {
            let number = u8::from(priority);
            self.problems
                .warning(
                    place("priority"),
                    format!("priority {number} without `do`: nobody learns what to do"),
                )
                .help(
                    "write do.en = \"…\" (and do.fr): what to do, and what happens if nobody does".to_owned(),
                );
        }
    }

    /// What a tag brings, as far as its address tells.
    pub(super) fn brings(&self, tag: &TagPlan, around: &Around<'_>) -> Brings {
        let source = around.sources.get(tag.source);
        let kind = source.and_then(|source| self.kinds.sources.get(source.kind));
        kind.map_or(Brings::Either, |kind| kind.brings(&tag.address))
    }

    /// `[….rule.record.<name>]` of a machine: it is a rule of a list.
    pub(super) fn unknown_rule(&mut self, kind: &str, span: Span, names: &[&str]) {
        let message =
            format!("unknown kind of rule `{kind}`, expected {}", wording::list(names.iter().copied()));
        let help = match kind {
            "record" => {
                Some("a rule `record` stands under its list: [list.<name>.rule.record.<rule>]".to_owned())
            }
            _ => wording::did_you_mean(kind, names.iter().copied()),
        };
        self.problems
            .error(span, message)
            .help(help.or(Some("a rule is written [….rule.<kind>.<name>]".to_owned())));
    }
}

fn has_machine(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::String(text) => text.contains(MACHINE),
        DeValue::Table(table) => table.values().any(|value| has_machine(value.get_ref())),
        DeValue::Array(array) => array.iter().any(|value| has_machine(value.get_ref())),
        _ => false,
    }
}

/// Any address of a computer takes the port of all of them. Port 0 is given out by the system.
fn is_one_port(one: &SocketAddr, other: &SocketAddr) -> bool {
    let is_any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && one.port() != 0 && (one.ip() == other.ip() || is_any)
}
