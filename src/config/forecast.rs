//! What is foreseen from a list: `[list.<name>.rule.late.<rule>]` and `[list.<name>.rule.reach.<rule>]`.

use contract::settings::Words;
use contract::{Check, Fault, FieldKind, Priority};
use serde::de::DeserializeOwned;

use super::leaf::{self, Leaf, Shape};
use super::plan::{LateRulePlan, ReachRulePlan};
use super::problem::{Problems, Span};
use super::reader::Reader;
use super::section::Language;
use super::tree::{Key, Table};
use crate::production::{LateSection, ReachSection};
use crate::reading::ListSection;

/// The kinds of rules that are read here.
pub(super) const FORECASTS: [&str; 2] = ["late", "reach"];

/// A field that a rule names: under which key, which field, what it must hold.
type Named<'a> = (&'static str, Option<&'a String>, FieldKind);

impl Reader<'_> {
    pub(super) fn forecasts(
        &mut self,
        table: &Table<'_>,
        header: &Span,
        list: Option<&ListSection>,
        needed: &[(Language, String)],
    ) -> (Vec<LateRulePlan>, Vec<ReachRulePlan>) {
        let (mut late, mut reach) = (Vec::new(), Vec::new());
        for (key, table) in self.rules_of(table, "late") {
            let fields = |section: &LateSection| late_faults(section, list);
            let Some(section) = rule(key, table, &self.shapes.late, fields, &mut self.problems) else {
                continue;
            };
            self.check_told(key, table, (&section.r#do, section.priority), needed);
            late.push(LateRulePlan { name: key.get_ref().to_string(), section });
        }
        for (key, table) in self.rules_of(table, "reach") {
            let fields = |section: &ReachSection| reach_faults(section, list);
            let Some(section) = rule(key, table, &self.shapes.reach, fields, &mut self.problems) else {
                continue;
            };
            self.check_told(key, table, (&section.r#do, section.priority), needed);
            reach.push(ReachRulePlan { name: key.get_ref().to_string(), section });
        }
        if !late.is_empty() && list.is_some_and(|list| list.current.is_none()) {
            let message = "a rule `late` without `current`: nobody knows which order a machine makes";
            self.problems
                .error(header.clone(), message)
                .help("write machine = \"…\" and current = { field = \"…\", is = [\"…\"] }".to_owned());
        }
        (late, reach)
    }

    /// The rules of one kind under a list.
    fn rules_of<'t>(&mut self, table: &'t Table<'t>, kind: &str) -> Vec<(&'t Key<'t>, &'t Table<'t>)> {
        let form = format!("[list.<name>.rule.{kind}.<rule>]");
        let kinds = table.get("rule").and_then(|value| value.get_ref().as_table());
        let Some((key, value)) = kinds.and_then(|kinds| kinds.get_key_value(kind)) else { return Vec::new() };
        let Some(named) = self.table(key, value, &form) else { return Vec::new() };
        self.tables(named, &form)
    }

    fn check_told(
        &mut self,
        key: &Key<'_>,
        table: &Table<'_>,
        (action, priority): (&Words, Priority),
        needed: &[(Language, String)],
    ) {
        self.check_words(table, &key.span(), "do", action, needed);
        if priority < Priority::Low && *action == Words::Nothing {
            let message = format!("priority {} without `do`: nobody learns what to do", u8::from(priority));
            self.problems.warning(key.span(), message).help(
                "write do.en = \"…\" (and do.fr): what to do, and what happens if nobody does".to_owned(),
            );
        }
    }
}

fn rule<T: DeserializeOwned + Check>(
    key: &Key<'_>,
    table: &Table<'_>,
    shape: &Shape,
    fields: impl Fn(&T) -> Vec<Fault>,
    problems: &mut Problems,
) -> Option<T> {
    let leaf = Leaf { table: table.clone(), header: key.span(), shape, more: &[], hint: None, overlay: None };
    let read = |table: toml::Spanned<Table<'_>>| {
        let (section, mut faults) = leaf::whole::<T>(table)?;
        faults.extend(fields(&section));
        Ok((section, faults))
    };
    leaf::read(leaf, read, problems)
}

fn late_faults(section: &LateSection, list: Option<&ListSection>) -> Vec<Fault> {
    let named = [
        ("quantity", Some(&section.quantity), FieldKind::Number),
        ("due", Some(&section.due), FieldKind::Time),
        ("done", section.done.as_ref(), FieldKind::Number),
        ("pick_up", section.pick_up.as_ref(), FieldKind::Time),
    ];
    field_faults(&named, list)
}

fn reach_faults(section: &ReachSection, list: Option<&ListSection>) -> Vec<Fault> {
    let named = [
        ("level", Some(&section.level), FieldKind::Number),
        ("delivery", section.delivery.as_ref(), FieldKind::Time),
    ];
    field_faults(&named, list)
}

/// Is each field there, and does it hold what the rule reckons with?
fn field_faults(named: &[Named<'_>], list: Option<&ListSection>) -> Vec<Fault> {
    let Some(list) = list else { return Vec::new() };
    let fault = |(key, name, kind): &Named<'_>| {
        let name = (*name)?;
        match list.field.get(name) {
            None => list.unknown(key, name),
            Some(field) if field.r#type == *kind => None,
            Some(_) => {
                let kind = if *kind == FieldKind::Time { "time" } else { "number" };
                let message = format!("field `{name}` holds no {kind}, expected one with type = \"{kind}\"");
                Some(Fault::at(*key, message))
            }
        }
    };
    named.iter().filter_map(fault).collect()
}
