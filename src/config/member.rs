//! The tags and rules of one machine, each read from its own table laid over that of its class.

use contract::settings::Words;
use contract::{Brings, Fault, TagId};
use toml::Spanned;

use super::kinds::RULES;
use super::leaf::{self, Leaf};
use super::machine::{Around, Layers, id_of, tell_unknown};
use super::plan::{RulePlan, StatesPlan, TagPlan};
use super::print::Print;
use super::problem::Span;
use super::reader::{Reader, split};
use super::section::Language;
use super::tree::{Table, Value};
use super::wording;
use crate::reading::TagSection;
use crate::rule;

impl Reader<'_> {
    pub(super) fn tag(
        &mut self,
        layer: &Layers<'_>,
        around: &Around<'_>,
        names: &[&str],
        next: &mut u32,
    ) -> Option<TagPlan> {
        let source = self.source_of(layer, around);
        let table = tag_table(layer, around, source);
        let (common, address) = split(&table, TagSection::KEYS);
        // How it is called changes nothing of what is read.
        let (wire, print) =
            (Print::of(&address), Print::without(&table, &["name", "decimals", "stale_after"]));
        let (header, hint) = (layer.header(), layer.hint("tag", around, names));
        let leaf = Leaf {
            table: common,
            header: header.clone(),
            shape: &self.shapes.tag,
            more: &[],
            hint: hint.clone(),
            overlay: layer.overlay(self.files, around),
        };
        let section = leaf::read(leaf, leaf::whole::<TagSection>, &mut self.problems);
        if let Some(section) = &section {
            self.check_words(&table, &header, "name", &section.name, around.needed);
        }
        let source = source?;
        self.check_for_each(layer, around, &address);
        let kind = around.sources.get(source)?.kind;
        let (of, shape) = (self.kinds.sources.get(kind)?, self.shapes.addresses.get(kind)?);
        let leaf = Leaf {
            table: address,
            header: header.clone(),
            shape,
            more: TagSection::KEYS,
            hint,
            overlay: layer.overlay(self.files, around),
        };
        let beside = around.sources.get(source)?.settings.as_ref();
        // A class that no machine has is tried with its own name.
        let machine = if around.own.name.is_empty() { around.class?.name } else { around.own.name };
        let read = |table: Spanned<Table<'_>>| {
            let (address, mut faults) = of.address(table)?;
            if let (Some(settings), true) = (beside, faults.is_empty()) {
                faults = of.check_tag(settings, machine, &address);
            }
            Ok((address, faults))
        };
        let address = leaf::read(leaf, read, &mut self.problems)?;
        for Fault { key, message } in of.advise(&address) {
            let place = leaf::walk(&table, &key).unwrap_or_else(|| header.clone());
            self.problems.warning(place, message);
        }
        let id = TagId(*next);
        *next += 1;
        Some(TagPlan { id, name: layer.name.to_owned(), section: section?, source, address, wire, print })
    }

    /// The index of the source that a tag names, or an error where it names none of ours.
    fn source_of(&mut self, layer: &Layers<'_>, around: &Around<'_>) -> Option<usize> {
        let table = layer.joined(|key| key == "source");
        let value = table.get("source")?;
        let name = value.get_ref().as_str()?;
        let found = around.sources.iter().position(|source| source.name == name);
        if found.is_none() && !self.is_source_lost {
            let known: Vec<&str> = around.sources.iter().map(|source| source.name.as_str()).collect();
            tell_unknown(
                &mut self.problems,
                value,
                "source",
                name,
                &known,
                &format!("[source.<kind>.{name}]"),
            );
        }
        found
    }

    pub(super) fn written_rules(
        &mut self,
        around: &Around<'_>,
        tags: &[TagPlan],
        states: Option<&StatesPlan>,
    ) -> Vec<RulePlan> {
        let (class, own) = (around.class.and_then(|class| class.rules), around.own.rules);
        let mut rules = Vec::new();
        for kind in Layers::of(self, class, own, "[….rule.<kind>.<name>]") {
            let Some(at) = RULES.iter().position(|known| known.name == kind.name) else {
                let names: Vec<&str> = RULES.iter().map(|kind| kind.name).collect();
                self.unknown_rule(kind.name, kind.header(), &names);
                continue;
            };
            let (class, own) = kind.tables();
            let layers = Layers::of(self, class, own, &format!("[….rule.{}.<name>]", kind.name));
            let names: Vec<&str> = layers.iter().map(|layer| layer.name).collect();
            for layer in &layers {
                let Some(rule) = self.rule(at, layer, around, &names, tags) else { continue };
                self.check_states(&rule, &layer.joined(|_| true), states);
                rules.push(rule);
            }
        }
        rules
    }

    fn rule(
        &mut self,
        at: usize,
        layer: &Layers<'_>,
        around: &Around<'_>,
        names: &[&str],
        tags: &[TagPlan],
    ) -> Option<RulePlan> {
        let (kind, shape) = (RULES.get(at)?, self.shapes.rules.get(at)?);
        let (whole, header) = (layer.joined(|_| true), layer.header());
        let (common, table) = split(&whole, rule::Common::KEYS);
        let leaf = Leaf {
            table: common.clone(),
            header: header.clone(),
            shape: &self.shapes.common,
            more: &[],
            hint: None,
            overlay: layer.overlay(self.files, around),
        };
        let common_section = leaf::read(leaf, leaf::whole::<rule::Common>, &mut self.problems);
        let hint = layer.hint(&format!("{} rule", kind.name), around, names);
        let leaf = Leaf {
            table,
            header: header.clone(),
            shape,
            more: rule::Common::KEYS,
            hint,
            overlay: layer.overlay(self.files, around),
        };
        let section = leaf::read(leaf, kind.read, &mut self.problems);
        self.check_tags(&whole, around);
        let (section, common) = (section?, common_section?);
        self.check_brings(&section, &whole, around, tags);
        self.check_common(&section, &common, &whole, &header, around);
        self.note_claim(&section, &format!("{}.{}", kind.name, layer.name), (layer, &whole), around);
        let tags = section.tags().into_iter().map(|name| id_of(tags, name)).collect::<Option<_>>()?;
        let place = self.files.place(header.start);
        let (class, own) = layer.told_by(around);
        let name = format!("{}.{}", kind.name, layer.name);
        let print = Print::without(&whole, rule::Common::KEYS_OF_TELLING);
        Some(RulePlan { name, tags, common, section, claim: None, print, place, class, own })
    }

    /// Are the tags of a rule those of the machine?
    fn check_tags(&mut self, table: &Table<'_>, around: &Around<'_>) {
        let other = table.get("while").and_then(|value| value.get_ref().as_table()?.get("tag"));
        for value in [table.get("tag"), table.get("with"), other].into_iter().flatten() {
            self.check_tag(value, around);
        }
    }

    pub(super) fn check_tag(&mut self, value: &Value<'_>, around: &Around<'_>) {
        let Some(name) = value.get_ref().as_str() else { return };
        let parts = [around.class.and_then(|class| class.tags), around.own.tags];
        let known: Vec<&str> = parts
            .into_iter()
            .flatten()
            .flat_map(|tags| tags.keys())
            .map(|key| key.get_ref().as_ref())
            .collect();
        if !known.contains(&name) {
            tell_unknown(&mut self.problems, value, "tag", name, &known, &format!("[….tag.{name}]"));
        }
    }

    /// `stale_after` of a tag is a rule without writing one.
    pub(super) fn stale_rules(
        &mut self,
        around: &Around<'_>,
        tags: &[TagPlan],
        written: &[RulePlan],
    ) -> Vec<RulePlan> {
        let layers =
            Layers::of(self, around.class.and_then(|class| class.tags), around.own.tags, "[….tag.<name>]");
        let mut rules = Vec::new();
        for layer in layers {
            let Some(tag) = tags.iter().find(|tag| tag.name == layer.name) else { continue };
            let Some(after) = tag.section.stale_after else { continue };
            let table = layer.joined(|key| key == "stale_after");
            let span = table.get_key_value("stale_after").map_or(layer.header(), |(key, _)| key.span());
            if self.brings(tag, around) == Brings::Alarms {
                let message = format!("tag `{}` listens to alarms, and no alarm is no silence", tag.name);
                self.problems.error(span, message).help("take `stale_after` out".to_owned());
                continue;
            }
            let name = format!("stale.{}", tag.name);
            if let Some(other) = written.iter().find(|rule| rule.name == name) {
                let message =
                    format!("`stale_after` makes a rule `{name}`, and there is one at {}", other.place);
                self.problems.error(span, message).help("keep one of the two".to_owned());
                continue;
            }
            rules.push(RulePlan {
                name,
                tags: vec![tag.id],
                common: rule::Common::plain(),
                section: stale(tag, after),
                claim: None,
                print: Print::of(&table),
                place: self.files.place(span.start),
                class: layer.told_by(around).0,
                own: Vec::new(),
            });
        }
        rules
    }

    /// Words for each language must be there for each language that somebody reads, and for no unknown one.
    pub(super) fn check_words(
        &mut self,
        table: &Table<'_>,
        header: &Span,
        key: &str,
        words: &Words,
        needed: &[(Language, String)],
    ) {
        let Words::Each(each) = words else { return };
        let place = table.get_key_value(key).map_or(header.clone(), |(key, _)| key.span());
        for code in each.keys().filter(|code| !Language::CODES.contains(&code.as_str())) {
            let span =
                table.get(key).and_then(|value| value.get_ref().as_table()?.get_key_value(code.as_str()));
            let message = format!(
                "unknown language `{code}`, expected {}",
                wording::list(Language::CODES.iter().copied())
            );
            self.problems.error(span.map_or(place.clone(), |(key, _)| key.span()), message);
        }
        for (language, network) in needed {
            let code = language.code();
            if words.in_language(code).is_none_or(|words| words.trim().is_empty()) {
                self.problems
                    .error(
                        place.clone(),
                        format!("`{key}` has no words in `{code}`, which network `{network}` uses"),
                    )
                    .help(format!("add {key}.{code} = \"…\""));
            }
        }
    }
}

/// The table of a tag. When the machine reads it from another kind of source than its class, the address of the
/// class is left out: its keys would be unknown there.
fn tag_table<'t>(layer: &Layers<'t>, around: &Around<'_>, source: Option<usize>) -> Table<'t> {
    let kind = source.and_then(|at| around.sources.get(at)).map(|source| source.kind);
    let of_class = layer.class_text("source");
    let class_source = around.sources.iter().find(|known| Some(known.name.as_str()) == of_class);
    let is_same_kind = of_class.is_none() || kind == class_source.map(|source| source.kind);
    layer.joined(|key| is_same_kind || TagSection::KEYS.contains(&key))
}

fn stale(tag: &TagPlan, after: contract::settings::Wait) -> rule::Section {
    rule::Section::Stale(rule::stale::Section { tag: tag.name.clone(), after })
}
