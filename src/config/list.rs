//! Lists of records: the common part, the part of the source, and the rules that stand under them.

use contract::settings::Words;
use contract::{Fault, ListId};
use toml::de::DeTable;

use super::forecast::FORECASTS;
use super::leaf::{self, Leaf};
use super::machine::tell_unknown;
use super::plan::{ListPlan, RecordRulePlan};
use super::print::Print;
use super::problem::Span;
use super::reader::{Member, Reader, split};
use super::section::Language;
use super::tree::{Key, Table};
use super::wording;
use crate::reading::ListSection;
use crate::rule;

/// What a list is read against.
struct Beside<'a> {
    sources: &'a [Member],
    /// Each language that somebody reads, with a network that uses it.
    needed: &'a [(Language, String)],
}

impl Reader<'_> {
    /// Every list, in the order of the files.
    pub(super) fn lists(
        &mut self,
        root: &Table<'_>,
        sources: &[Member],
        needed: &[(Language, String)],
    ) -> Vec<ListPlan> {
        let beside = Beside { sources, needed };
        let mut lists = Vec::new();
        for (key, table) in self.named(root, "list") {
            lists.extend(self.list(key, table, &beside));
        }
        for (at, list) in (0..).zip(&mut lists) {
            list.id = ListId(at);
        }
        lists
    }

    fn list(&mut self, key: &Key<'_>, table: &Table<'_>, beside: &Beside<'_>) -> Option<ListPlan> {
        let header = key.span();
        let source = self.source_of_list(table, beside.sources);
        let (common, address) = split(table, ListSection::KEYS);
        let (_, common) = split(&common, &["rule"]);
        let leaf = Leaf {
            table: common,
            header: header.clone(),
            shape: &self.shapes.list,
            more: &["rule"],
            hint: None,
            overlay: None,
        };
        let section = leaf::read(leaf, leaf::whole::<ListSection>, &mut self.problems);
        if let Some(section) = &section {
            self.check_list_words(table, &header, section, beside.needed);
        }
        let rules = self.record_rules(table, section.as_ref(), beside);
        let (late, reach) = self.forecasts(table, &header, section.as_ref(), beside.needed);
        let source = source?;
        let kind = beside.sources.get(source)?.kind;
        let (of, shape) = (self.kinds.sources.get(kind)?, self.shapes.lists.get(kind)?);
        let leaf = Leaf {
            table: address,
            header: header.clone(),
            shape,
            more: ListSection::KEYS,
            hint: None,
            overlay: None,
        };
        let address = leaf::read(leaf, |table| of.list(table), &mut self.problems)?;
        let section = section?;
        if let Some(settings) = &beside.sources.get(source)?.settings {
            for Fault { key, message } in of.check_list(settings, &section.fields(), &address) {
                // The key may be one of a field, which the source does not own.
                let span = leaf::walk(table, &key).unwrap_or(header.clone());
                self.problems.error(span, message);
            }
        }
        let (name, place) = (key.get_ref().to_string(), self.files.place(header.start));
        let print = Print::without(table, &["rule"]);
        let id = ListId(0);
        Some(ListPlan { id, name, section, source, address, rules, late, reach, print, place })
    }

    fn source_of_list(&mut self, table: &Table<'_>, sources: &[Member]) -> Option<usize> {
        let value = table.get("source")?;
        let name = value.get_ref().as_str()?;
        let found = sources.iter().position(|source| source.name == name);
        if found.is_none() && !self.is_source_lost {
            let known: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
            let form = format!("[source.<kind>.{name}]");
            tell_unknown(&mut self.problems, value, "source", name, &known, &form);
        }
        found
    }

    fn check_list_words(
        &mut self,
        table: &Table<'_>,
        header: &Span,
        section: &ListSection,
        needed: &[(Language, String)],
    ) {
        self.check_words(table, header, "name", &section.name, needed);
        let fields = table.get("field").and_then(|value| value.get_ref().as_table());
        for (name, field) in &section.field {
            let found = fields.and_then(|fields| fields.get_key_value(name.as_str()));
            let Some((key, Some(own))) = found.map(|(key, value)| (key, value.get_ref().as_table())) else {
                continue;
            };
            self.check_words(own, &key.span(), "name", &field.name, needed);
        }
    }

    fn record_rules(
        &mut self,
        table: &Table<'_>,
        list: Option<&ListSection>,
        beside: &Beside<'_>,
    ) -> Vec<RecordRulePlan> {
        let Some((key, value)) = table.get_key_value("rule") else { return Vec::new() };
        let form = "[list.<name>.rule.<kind>.<rule>]";
        let Some(kinds) = self.table(key, value, form) else { return Vec::new() };
        let mut rules = Vec::new();
        for (key, named) in self.tables(kinds, form) {
            let kind = key.get_ref().as_ref();
            if FORECASTS.contains(&kind) {
                continue;
            }
            if kind != "record" {
                let message =
                    format!("unknown kind of rule `{kind}` of a list, expected `record`, `late` or `reach`");
                let help = wording::did_you_mean(kind, ["record", "late", "reach"]);
                self.problems
                    .error(key.span(), message)
                    .help(help.or(Some(format!("a rule is written {form}"))));
                continue;
            }
            for (key, table) in self.tables(named, form) {
                rules.extend(self.record_rule(key, table, list, beside));
            }
        }
        rules
    }

    fn record_rule(
        &mut self,
        key: &Key<'_>,
        table: &Table<'_>,
        list: Option<&ListSection>,
        beside: &Beside<'_>,
    ) -> Option<RecordRulePlan> {
        let leaf = Leaf {
            table: table.clone(),
            header: key.span(),
            shape: &self.shapes.record,
            more: &[],
            hint: None,
            overlay: None,
        };
        let read = |table: toml::Spanned<DeTable<'_>>| {
            let (section, mut faults) = leaf::whole::<rule::record::Section>(table)?;
            faults.extend(list.map(|list| condition(&section, list)).unwrap_or_default());
            Ok((section, faults))
        };
        let section = leaf::read(leaf, read, &mut self.problems)?;
        self.check_words(table, &key.span(), "say", &section.say, beside.needed);
        self.check_words(table, &key.span(), "do", &section.r#do, beside.needed);
        let is_told = u8::from(section.priority) < 3 && section.r#do == Words::Nothing;
        if is_told {
            let priority = u8::from(section.priority);
            self.problems
                .warning(key.span(), format!("priority {priority} without `do`: nobody learns what to do"))
                .help(
                    "write do.en = \"…\" (and do.fr): what to do, and what happens if nobody does".to_owned(),
                );
        }
        Some(RecordRulePlan { name: key.get_ref().to_string(), section })
    }
}

/// What is wrong with the condition of a rule, by the fields of its list.
fn condition(section: &rule::record::Section, list: &ListSection) -> Vec<Fault> {
    let Some(condition) = &section.r#while else { return Vec::new() };
    match list.field.get(&condition.field) {
        Some(field) => condition.faults("while", field),
        None => list.unknown("while.field", &condition.field).into_iter().collect(),
    }
}
