//! What rules learn over weeks and count for ever: kept, so that a restart forgets nothing; and the round numbers that
//! are reached on the way.

use std::collections::{BTreeMap, BTreeSet};

use contract::Moment;

use super::Middle;
use super::slot::Slot;
use crate::episode::Episode;
use crate::post::{self, Milestone};
use crate::rule::Judge;
use crate::store::{Table, Write};

/// The first part of the keys of these rows.
const PREFIX: &str = "learnt";

/// Between the parts of a key.
const SEPARATOR: char = '\u{1F}';

/// What waits to be kept.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    /// By its key: kept with a step of its own.
    rows: BTreeMap<String, String>,
    /// Slots that counted something since: kept with the next step that there is.
    counted: BTreeSet<usize>,
}

impl Learnt {
    pub(super) fn has_changes(&self) -> bool {
        !self.rows.is_empty()
    }
}

impl Middle {
    /// A rule that remembers heard something.
    pub(super) fn remember(&mut self, at: usize, read_at: Moment, now: Moment) {
        let slot = &mut self.slots[at];
        let Some(judge) = &mut slot.judge else { return };
        match judge.saved() {
            Some((part, body)) => {
                self.learnt.rows.insert(key(slot, &part), body);
            }
            None if judge.counts_itself() => {
                self.learnt.counted.insert(at);
            }
            None => {}
        }
        let reached = self.slots[at].judge.as_mut().and_then(Judge::reached);
        if let Some(reached) = reached {
            self.reached(at, reached, read_at, now);
        }
    }

    /// A round number: a story, if there is room for one more today.
    fn reached(&mut self, at: usize, reached: f64, read_at: Moment, now: Moment) {
        let slot = &self.slots[at];
        let machine = slot.subject.author.key.clone();
        if !self.works.budgets.has_room(&machine, now) {
            self.works.budgets.hold(&machine, now);
            return;
        }
        self.works.budgets.tell(&machine, now);
        let order = self.order_of(&slot.subject);
        let told = Milestone {
            // A batch that is given again reaches it at the same moment.
            episode: Episode::name(&machine, &format!("{} {reached}", slot.subject.rule), read_at),
            subject: &slot.subject,
            reached,
            at: read_at,
            order: &order,
        };
        for (lane, language) in self.outbox.lanes_mut().iter_mut().zip(&self.language_of) {
            lane.want(post::milestone(&told, &self.languages[*language], now), false, now);
        }
        self.is_urgent = true;
    }

    /// What must be kept of it with this step.
    pub(super) fn keep_learnt(&mut self, writes: &mut Vec<Write>) {
        for at in std::mem::take(&mut self.learnt.counted) {
            let slot = &mut self.slots[at];
            if let Some((part, body)) = slot.judge.as_mut().and_then(Judge::counted) {
                self.learnt.rows.insert(key(slot, &part), body);
            }
        }
        let rows = std::mem::take(&mut self.learnt.rows).into_iter();
        writes.extend(rows.map(|(key, body)| Write::Put { table: Table::Production, key, body }));
    }

    /// Takes what was kept out of the rows of production, and goes on from it.
    pub(super) fn resume_learnt(&mut self, rows: &mut Vec<(String, String)>) {
        let prefix = format!("{PREFIX}{SEPARATOR}");
        let (own, others) = std::mem::take(rows).into_iter().partition(|(key, _)| key.starts_with(&prefix));
        *rows = others;
        let own: Vec<(String, String)> = own;
        if own.is_empty() {
            return;
        }
        let slots: BTreeMap<String, usize> =
            self.slots.iter().enumerate().map(|(at, slot)| (slot.condition.key(), at)).collect();
        for (row, body) in own {
            let resumed = row.strip_prefix(&prefix).and_then(|rest| {
                let (condition, part) = rest.rsplit_once(SEPARATOR)?;
                let judge = self.slots[*slots.get(condition)?].judge.as_mut()?;
                judge.resume_saved(part, &body)
            });
            if resumed.is_none() {
                self.unusable.push(Write::Delete { table: Table::Production, key: row });
            }
        }
    }

    /// A rule is gone, and with it what it learnt.
    pub(super) fn forget_learnt(&mut self, slot: &Slot) {
        let parts = slot.judge.iter().flat_map(Judge::parts);
        let gone = parts.map(|part| Write::Delete { table: Table::Production, key: key(slot, &part) });
        self.unusable.extend(gone);
    }
}

fn key(slot: &Slot, part: &str) -> String {
    format!("{PREFIX}{SEPARATOR}{}{SEPARATOR}{part}", slot.condition.key())
}
