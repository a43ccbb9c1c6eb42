//! Expressions are compiled once all machines and lists are known: they may name the state of a machine, its current
//! order, and the tags of other machines of a place.

use std::collections::HashMap;

use contract::{Brings, FieldKind};

use super::machine::{Around, Layers};
use super::plan::{ClaimPlan, Feed, ListPlan, MachinePlan, TagPlan};
use super::problem::Span;
use super::reader::{Member, Reader};
use super::tree::Table;
use crate::rule;
use crate::rule::expression::{Expression, Holds, Machine, Mistake, Name, NameKind, Names};

/// An expression that waits to be compiled.
pub(super) struct Claimed {
    /// The key of its machine.
    machine: String,
    /// Kind and name of its rule.
    rule: String,
    header: Span,
    /// Where each of its texts stands.
    texts: Vec<(&'static str, Span)>,
    /// What is said of a mistake in a text of the class.
    overlay: Option<(Vec<String>, String)>,
}

impl Reader<'_> {
    /// Notes an expression of a machine. One of a class that no machine has names nothing that could be looked up.
    pub(super) fn note_claim(
        &mut self,
        section: &rule::Section,
        rule: &str,
        (layer, table): (&Layers<'_>, &Table<'_>),
        around: &Around<'_>,
    ) {
        let rule::Section::Expression(section) = section else { return };
        self.check_words(table, &layer.header(), "say", &section.say, around.needed);
        if around.own.name.is_empty() {
            return;
        }
        let texts = ["when", "clear"].into_iter().filter_map(|key| Some((key, table.get(key)?.span())));
        self.claims.push(Claimed {
            machine: around.own.name.to_owned(),
            rule: rule.to_owned(),
            header: layer.header(),
            texts: texts.collect(),
            overlay: layer.overlay(self.files, around),
        });
    }

    /// Compiles what waits, and tells every mistake in it.
    pub(super) fn compile_claims(
        &mut self,
        machines: &mut [MachinePlan],
        lists: &[ListPlan],
        sources: &[Member],
    ) {
        let claims = std::mem::take(&mut self.claims);
        if claims.is_empty() {
            return;
        }
        let of_order = order_names(lists);
        let known = machines.iter().map(|machine| Machine {
            key: machine.author.key.clone(),
            place: machine.author.place.clone(),
            names: self.names_of(machine, &of_order, sources),
        });
        let mut names = Names { own: Vec::new(), machines: known.collect() };
        let at: HashMap<String, usize> =
            machines.iter().enumerate().map(|(at, machine)| (machine.author.key.clone(), at)).collect();
        for claim in claims {
            let Some(machine) = at.get(&claim.machine).copied() else { continue };
            let Some(rule) = machines[machine].rules.iter().position(|rule| rule.name == claim.rule) else {
                continue;
            };
            names.own.clone_from(&names.machines[machine].names);
            let rule::Section::Expression(section) = &machines[machine].rules[rule].section else { continue };
            self.check_spelling(&names.own, section, &claim);
            match section.compile(&names) {
                Ok(code) => {
                    let feeds = feeds(&code, machine, machines);
                    let own = feeds.iter().zip(code.slots()).filter(|(_, slot)| slot.machine.is_none());
                    let tags = own.filter_map(|(feed, _)| match feed {
                        Feed::Tag(tag) => Some(*tag),
                        Feed::State(_) | Feed::Order(..) => None,
                    });
                    let tags = tags.collect();
                    let rule = &mut machines[machine].rules[rule];
                    // Its meaning is that of its names as well.
                    rule.print = rule.print.and(format!("{code:?} {}", others(&code, &names)).as_bytes());
                    (rule.tags, rule.claim) = (tags, Some(ClaimPlan { code, feeds }));
                }
                Err(mistakes) => {
                    let texts = mistakes.iter().map(|(key, _)| section.text(key).to_owned()).collect();
                    self.tell_mistakes(&claim, &mistakes, texts);
                }
            }
        }
    }

    fn tell_mistakes(&mut self, claim: &Claimed, mistakes: &[(&'static str, Mistake)], texts: Vec<String>) {
        for ((key, mistake), text) in mistakes.iter().zip(texts) {
            let span = claim.texts.iter().find(|(known, _)| known == key).map(|(_, span)| span.clone());
            let span = span.unwrap_or_else(|| claim.header.clone());
            // As it is written between two quotes; with escapes or on several lines its place is told in words.
            let is_plain = self.files.text(&span).is_some_and(|raw| raw.get(1..raw.len() - 1) == Some(&text));
            let (span, message, help) = if is_plain {
                let from = span.start + 1 + mistake.span.from;
                let span = from..span.start + 1 + mistake.span.to;
                (span, mistake.message.clone(), mistake.help.clone())
            } else {
                (span, mistake.fault(key, &text).message, None)
            };
            let other = claim.overlay.as_ref().filter(|(own, _)| !own.iter().any(|own| own == key));
            let help = help.or_else(|| other.map(|(_, help)| help.clone()));
            self.problems.error(span, message).help(help);
        }
    }

    /// Two names of a machine that an expression would write in the same way.
    fn check_spelling(&mut self, own: &[Name], section: &rule::expression::Section, claim: &Claimed) {
        for used in section.tags() {
            let mut named = own.iter().filter(|name| name.spelling() == used);
            if let (Some(one), Some(other)) = (named.next(), named.next()) {
                let message =
                    format!("`{used}` is tag `{}` and tag `{}`, expected one of them", one.name, other.name);
                let help = "give one of them another name".to_owned();
                self.problems.error(claim.header.clone(), message).help(help);
            }
        }
    }

    fn names_of(&self, machine: &MachinePlan, of_order: &[Name], sources: &[Member]) -> Vec<Name> {
        let brings_values = |tag: &&TagPlan| {
            let kind = sources.get(tag.source).and_then(|source| self.kinds.sources.get(source.kind));
            kind.is_none_or(|kind| kind.brings(&tag.address) != Brings::Alarms)
        };
        let tags = machine.tags.iter().filter(brings_values).map(|tag| Name {
            fresh_for: tag.section.stale_after.map(|after| after.0),
            ..Name::tag(&tag.name, tag.section.unit.as_deref())
        });
        let state = machine.states.as_ref().map(|_| Name::state());
        // A tag called `state` is what tells the state: the state itself is meant.
        let is_hidden = |name: &Name| state.is_some() && name.spelling() == "state";
        let tags: Vec<Name> = tags.filter(|name| !is_hidden(name)).collect();
        tags.into_iter().chain(state).chain(of_order.iter().cloned()).collect()
    }
}

/// The fields of current orders. Where two lists have one of the same name, the first list says what it holds.
fn order_names(lists: &[ListPlan]) -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    for list in lists.iter().filter(|list| list.section.current.is_some()) {
        for (field, section) in &list.section.field {
            let holds = match section.r#type {
                FieldKind::Number => Holds::Number,
                FieldKind::Flag => Holds::Flag,
                FieldKind::Text => Holds::Text,
                // Points in time are judged by rules of the list.
                FieldKind::Time => continue,
            };
            if !names.iter().any(|known| known.name == *field) {
                names.push(Name::order(field, holds, section.unit.as_deref()));
            }
        }
    }
    names
}

/// What fills each slot of a claim of this machine.
fn feeds(code: &Expression, own: usize, machines: &[MachinePlan]) -> Vec<Feed> {
    let feed = |slot: &crate::rule::expression::Slot| {
        let machine = slot.machine.unwrap_or(own);
        match slot.kind {
            NameKind::State => Feed::State(machine),
            NameKind::Order => Feed::Order(machine, slot.name.clone()),
            NameKind::Tag => {
                let tag = machines[machine].tags.iter().find(|tag| tag.name == slot.name);
                // A name that compiles is one of these tags.
                tag.map_or(Feed::State(machine), |tag| Feed::Tag(tag.id))
            }
        }
    };
    code.slots().iter().map(feed).collect()
}

/// The other machines behind the slots: a number means another one when one is added.
fn others(code: &Expression, names: &Names) -> String {
    let at = code.slots().iter().filter_map(|slot| slot.machine);
    let keys = at.filter_map(|at| names.machines.get(at)).map(|machine| machine.key.as_str());
    keys.collect::<Vec<_>>().join(" ")
}
