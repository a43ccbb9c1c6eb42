//! What an expression remembers between two evaluations: its slots, its windows, since when its claims are so.

use std::time::Duration;

use contract::{Moment, Origin};

use super::code::{Expression, Timed};
use super::evaluate::{Given, Heard, Values};
use super::names::Holds;
use super::windows::{Parts, Window};
use crate::reading::Reading;

/// How often an expression is looked at whose times do not tell when it changes.
const COARSE: Duration = Duration::from_secs(1);

/// The memory of one expression on one machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory {
    slots: Box<[Heard]>,
    windows: Box<[Parts]>,
    figures: Box<[Option<f64>]>,
    starts: Box<[Option<Moment>]>,
    since: Box<[Option<f64>]>,
}

impl Memory {
    /// Nothing is known, from `now` on.
    pub fn new(code: &Expression, now: Moment) -> Memory {
        Memory {
            slots: vec![Heard::default(); code.slots.len()].into(),
            windows: code.windows.iter().map(|window| Parts::new(window, now)).collect(),
            figures: vec![None; code.windows.len()].into(),
            starts: vec![None; code.sinces.len()].into(),
            since: vec![None; code.sinces.len()].into(),
        }
    }

    /// A reading of a slot that is a tag.
    pub fn hear(&mut self, code: &Expression, which: usize, reading: &Reading) {
        let Some(slot) = code.slots.get(which) else { return };
        let given = match (reading.value, slot.holds) {
            (Some(value), Holds::Number) => Given::Number(value),
            (Some(value), Holds::Flag) => Given::Flag(value != 0.0),
            (Some(_), Holds::Text) | (None, _) => Given::Unknown,
        };
        self.put(code, which, given, reading.at);
        // A retained value is from an unknown time, so it belongs into no window.
        let Some(value) = reading.value.filter(|_| reading.origin != Origin::Retained) else { return };
        for (window, used) in self.windows.iter_mut().zip(&code.windows) {
            if usize::from(used.slot) == which {
                window.hear(value, reading.at);
            }
        }
    }

    /// A slot holds something else: a state, a field of an order.
    pub fn put(&mut self, code: &Expression, which: usize, given: Given, at: Moment) {
        let (Some(heard), Some(slot)) = (self.slots.get_mut(which), code.slots.get(which)) else { return };
        if given != Given::Unknown {
            heard.at = Some(at);
            heard.until = slot.fresh_for.map(|fresh| at.plus(fresh));
        }
        heard.given = given;
    }

    /// Works out what depends on time. Before each evaluation.
    pub fn settle(&mut self, code: &Expression, now: Moment) {
        for (figure, window) in self.figures.iter_mut().zip(&mut self.windows) {
            *figure = window.figure(now);
        }
        for (index, claim) in code.sinces.iter().enumerate() {
            let is_so = self.values(now).claim(claim);
            let start = match is_so {
                Some(true) => Some(self.starts[index].unwrap_or(now)),
                // What was unknown for a while may have been otherwise: it begins anew.
                Some(false) | None => None,
            };
            self.starts[index] = start;
            self.since[index] = is_so.map(|_| start.map_or(0.0, |start| now.since(start).as_millis() as f64));
        }
    }

    /// What an evaluation looks at.
    pub fn values(&self, now: Moment) -> Values<'_> {
        Values { slots: &self.slots, windows: &self.figures, since: &self.since, now }
    }

    /// When something may change if nothing is heard, after `now`.
    pub fn due(&self, code: &Expression, now: Moment) -> Option<Moment> {
        let stale =
            self.slots.iter().filter(|heard| heard.given != Given::Unknown).filter_map(|heard| heard.until);
        let windows = self.windows.iter().filter_map(|window| window.due(now));
        let start = |timed| match timed {
            Timed::Since(index) => self.starts.get(usize::from(index)).copied().flatten(),
            Timed::Age(slot) => self.slots.get(usize::from(slot)).and_then(|heard| heard.at),
        };
        // `>` is so a moment after `>=`.
        let limits = code.limits.iter().filter_map(|(timed, limit)| Some(start(*timed)?.plus(*limit)));
        let limits = limits.flat_map(|due| [due, due.plus(Duration::from_millis(1))]);
        let coarse = code.is_coarse.then(|| now.plus(COARSE));
        stale.chain(windows).chain(limits).chain(coarse).filter(|due| *due > now).min()
    }

    /// The clock was set: what was heard keeps its value and has no time any more.
    pub fn start_anew(&mut self, code: &Expression, now: Moment) {
        let fresh = Memory::new(code, now);
        for (heard, slot) in self.slots.iter_mut().zip(&code.slots) {
            heard.at = heard.at.map(|_| now);
            heard.until = heard.until.and(slot.fresh_for).map(|fresh| now.plus(fresh));
        }
        *self = Memory { slots: std::mem::take(&mut self.slots), ..fresh };
    }
}
