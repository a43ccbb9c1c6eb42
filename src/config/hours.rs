//! The working hours of the site, and what is told when they are over: `[shift.<name>]`, `[calendar]`,
//! `[summary.<name>]`.

use contract::Fault;

use super::leaf::{self, Leaf};
use super::machine::tell_unknown;
use super::plan::{MachinePlan, SummaryPlan};
use super::reader::Reader;
use super::section::Language;
use super::tree::{Key, Table, Value};
use crate::production::SummarySection;
use crate::shift::{CalendarSection, Hours, ShiftSection};

impl Reader<'_> {
    pub(super) fn hours(&mut self, root: &Table<'_>, needed: &[(Language, String)]) -> Hours {
        let before = self.problems.errors();
        let mut hours =
            Hours { calendar: self.calendar(root, needed).unwrap_or_default(), ..Hours::default() };
        for (key, table) in self.named(root, "shift") {
            let leaf = Leaf {
                table: table.clone(),
                header: key.span(),
                shape: &self.shapes.shift,
                more: &[],
                hint: None,
                overlay: None,
            };
            let Some(shift) = leaf::read(leaf, leaf::whole::<ShiftSection>, &mut self.problems) else {
                continue;
            };
            self.check_words(table, &key.span(), "name", &shift.name, needed);
            hours.shift.insert(key.get_ref().to_string(), shift);
        }
        // Hours that are wrong would overlap for that reason.
        if self.problems.errors() == before {
            let mut faults = Vec::new();
            hours.check_overlaps(&mut faults);
            for Fault { key, message } in faults {
                self.problems.error(leaf::walk(root, &key), message);
            }
        }
        hours
    }

    fn calendar(&mut self, root: &Table<'_>, needed: &[(Language, String)]) -> Option<CalendarSection> {
        let (key, value) = root.get_key_value("calendar")?;
        let table = self.table(key, value, "[calendar]")?;
        let leaf = Leaf {
            table: table.clone(),
            header: key.span(),
            shape: &self.shapes.calendar,
            more: &[],
            hint: None,
            overlay: None,
        };
        let calendar = leaf::read(leaf, leaf::whole::<CalendarSection>, &mut self.problems);
        let stops = table.get("stop").and_then(|value| value.get_ref().as_table());
        for own in
            stops.into_iter().flat_map(|stops| stops.values()).filter_map(|own| own.get_ref().as_table())
        {
            self.check_machines(own, &keys(root));
        }
        let calendar = calendar?;
        for (name, stop) in &calendar.stop {
            let Some((key, value)) = stops.and_then(|stops| stops.get_key_value(name.as_str())) else {
                continue;
            };
            let Some(own) = value.get_ref().as_table() else { continue };
            self.check_words(own, &key.span(), "reason", &stop.reason, needed);
        }
        Some(calendar)
    }

    /// Every summary, with the machines that it tells.
    pub(super) fn summaries(&mut self, root: &Table<'_>, machines: &[MachinePlan]) -> Vec<SummaryPlan> {
        let mut summaries = Vec::new();
        for (key, table) in self.named(root, "summary") {
            let leaf = Leaf {
                table: table.clone(),
                header: key.span(),
                shape: &self.shapes.summary,
                more: &[],
                hint: None,
                overlay: None,
            };
            let section = leaf::read(leaf, leaf::whole::<SummarySection>, &mut self.problems);
            self.check_machines(table, &keys(root));
            summaries.extend(section.and_then(|section| self.summary(key, table, section, machines)));
        }
        summaries
    }

    fn summary(
        &mut self,
        key: &Key<'_>,
        table: &Table<'_>,
        section: SummarySection,
        machines: &[MachinePlan],
    ) -> Option<SummaryPlan> {
        let is_told = |machine: &MachinePlan| {
            section.machines.is_empty() || section.machines.contains(&machine.author.key)
        };
        let told = machines.iter().enumerate().filter(|(_, machine)| is_told(machine));
        let (counted, others): (Vec<_>, Vec<_>) = told.partition(|(_, machine)| machine.production.is_some());
        // Whether a machine counts is known once its own table is right.
        if self.problems.has_error() {
            return None;
        }
        if !section.machines.is_empty() {
            for (_, machine) in others {
                let name = &machine.author.key;
                let message =
                    format!("machine `{name}` has no production figures: there is nothing to sum up");
                let span = listed(table, name).map_or(key.span(), Value::span);
                self.problems.error(span, message).help(format!("write [machine.{name}.production]"));
            }
        }
        if counted.is_empty() && section.machines.is_empty() {
            let message = "no machine has production figures: there is nothing to sum up";
            self.problems
                .warning(key.span(), message)
                .help("write [machine.<key>.production] or [class.<name>.production]".to_owned());
        }
        let machines = counted.into_iter().map(|(at, _)| at).collect();
        Some(SummaryPlan { name: key.get_ref().to_string(), section, machines })
    }

    /// Are the machines that `machines` names there?
    fn check_machines(&mut self, table: &Table<'_>, known: &[&str]) {
        let listed = table.get("machines").and_then(|value| value.get_ref().as_array());
        for value in listed.into_iter().flat_map(|listed| listed.iter()) {
            let Some(name) = value.get_ref().as_str().filter(|name| !known.contains(name)) else { continue };
            tell_unknown(&mut self.problems, value, "machine", name, known, &format!("[machine.{name}]"));
        }
    }
}

/// The keys of all machines, whether or not their tables are right.
fn keys<'t>(root: &'t Table<'_>) -> Vec<&'t str> {
    let machines = root.get("machine").and_then(|value| value.get_ref().as_table());
    machines.into_iter().flat_map(|table| table.keys()).map(|key| key.get_ref().as_ref()).collect()
}

fn listed<'t>(table: &'t Table<'t>, name: &str) -> Option<&'t Value<'t>> {
    let all = table.get("machines")?.get_ref().as_array()?;
    all.iter().find(|value| value.get_ref().as_str() == Some(name))
}
