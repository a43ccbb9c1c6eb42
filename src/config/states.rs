//! The states of a machine, what hangs on what, and the rules that are told in some states only.

use std::collections::HashMap;

use super::leaf::{self, Leaf};
use super::machine::{Around, Layers, id_of, tell_unknown};
use super::plan::{MachinePlan, RulePlan, StatesPlan, TagPlan};
use super::problem::Span;
use super::reader::Reader;
use super::tree::Table;
use crate::reading::StatesSection;

impl Reader<'_> {
    pub(super) fn states(&mut self, around: &Around<'_>, tags: &[TagPlan]) -> Option<StatesPlan> {
        let class = around.class.and_then(|class| class.states);
        let layer = Layers::of_one("states", class, around.own.states)?;
        let (table, header) = (layer.joined(|_| true), layer.header());
        let leaf = Leaf {
            table: table.clone(),
            header: header.clone(),
            shape: &self.shapes.states,
            more: &[],
            hint: None,
            overlay: layer.overlay(self.files, around),
        };
        let section = leaf::read(leaf, leaf::whole::<StatesSection>, &mut self.problems);
        if let Some(value) = table.get("tag") {
            self.check_tag(value, around);
        }
        let section = section?;
        for (name, state) in &section.is {
            let own = leaf::walk(&table, &format!("is.{name}")).unwrap_or_else(|| header.clone());
            let states = table.get("is").and_then(|value| value.get_ref().as_table());
            let own_table = states.and_then(|states| states.get(name.as_str())?.get_ref().as_table());
            if let Some(own_table) = own_table {
                self.check_words(own_table, &own, "name", &state.name, around.needed);
            }
        }
        Some(StatesPlan { tag: id_of(tags, &section.tag)?, section })
    }

    /// The states that a rule names must be those of its machine.
    pub(super) fn check_states(&mut self, rule: &RulePlan, table: &Table<'_>, states: Option<&StatesPlan>) {
        let known: Vec<&str> =
            states.map(|states| states.section.is.keys().map(String::as_str).collect()).unwrap_or_default();
        for key in ["quiet_in", "only_in"] {
            let named = if key == "quiet_in" { &rule.common.quiet_in } else { &rule.common.only_in };
            let values = table.get(key).and_then(|value| value.get_ref().as_array());
            for (at, name) in named.iter().enumerate().filter(|(_, name)| !known.contains(&name.as_str())) {
                if let Some(value) = values.and_then(|values| values.get(at)) {
                    let form = format!("[….states.is.{name}]");
                    tell_unknown(&mut self.problems, value, "state", name, &known, &form);
                }
            }
        }
    }

    /// Who hangs on whom, by number. `parents` holds what each machine names, with its place.
    pub(super) fn check_parents(
        &mut self,
        machines: &mut [MachinePlan],
        parents: &HashMap<String, (String, Span)>,
    ) {
        let known: Vec<String> = machines.iter().map(|machine| machine.author.key.clone()).collect();
        for machine in machines.iter_mut() {
            let Some((name, span)) = parents.get(&machine.author.key) else { continue };
            machine.parent = known.iter().position(|key| key == name);
            if machine.parent.is_none() {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let message = format!("unknown machine `{name}`");
                let help = super::wording::did_you_mean(name, known);
                self.problems.error(span.clone(), message).help(help.or(Some("write its key".to_owned())));
            }
        }
        for at in 0..machines.len() {
            let mut up = machines[at].parent;
            for _ in 0..machines.len() {
                up = up.and_then(|up| machines[up].parent);
            }
            if up.is_some()
                && let Some((name, span)) = parents.get(&machines[at].author.key)
            {
                let message = format!("`{name}` hangs on this machine itself, by others");
                self.problems.error(span.clone(), message);
                machines[at].parent = None;
            }
        }
    }
}
