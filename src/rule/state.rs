//! A value that is a state, such as 3 for a fault: one it should not be in, a step it should not take, one it stays
//! in too long; and a value that does not change while it should.
//!
//! Whether a tag speaks at all is judged by `stale`, and whether it must change even if nobody asks by `heartbeat`.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::settings::{Wait, Words};
use contract::{Check, Fault, Moment};
use schemars::JsonSchema;
use serde::Deserialize;

use super::order::{Order, Place};
use super::{Level, Verdict};
use crate::reading::Reading;

/// `[….rule.state.<name>]`: states by their numbers, a flag being 0 or 1. One of: `in`, `in` with `longer`, `longer`
/// for any state, `from` and `to`, `stuck_after`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The tag whose value is a state.
    pub tag: String,
    /// What people call each state, by its number: `{ 0 = "arrêt", 3 = { fr = "défaut", en = "fault" } }`.
    #[serde(default)]
    pub names: BTreeMap<String, Words>,
    /// Abnormal while it is in one of these states.
    #[serde(default)]
    pub r#in: Vec<f64>,
    /// Abnormal once it has been in one state for so long: in one of `in`, or in any.
    pub longer: Option<Wait>,
    /// Abnormal after a step from one of these states, until the next step. Without it, from any.
    #[serde(default)]
    pub from: Vec<f64>,
    /// Abnormal after a step to one of these states, until the next step. Without it, to any.
    #[serde(default)]
    pub to: Vec<f64>,
    /// Abnormal once readings have shown the same value for so long.
    pub stuck_after: Option<Wait>,
    /// A smaller change is none, in the unit of the tag. Without it, every change counts.
    pub change_min: Option<f64>,
    /// The value should change only while another tag says so.
    pub r#while: Option<While>,
}

/// A tag that has one of some values.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct While {
    /// The other tag, of the same machine.
    pub tag: String,
    /// Its values while the first should change. Without it, all but 0.
    #[serde(default)]
    pub is: Vec<f64>,
}

impl Section {
    /// The tags that it hears, in the order of `which`: the second one, if any, is that of `while`.
    pub fn tags(&self) -> Vec<&str> {
        let other = self.r#while.iter().map(|other| other.tag.as_str());
        std::iter::once(self.tag.as_str()).chain(other).collect()
    }

    /// What people call a state.
    pub fn name(&self, state: f64, language: &str) -> Option<&str> {
        let mut names = self.names.iter();
        let (_, words) = names.find(|(number, _)| number.parse() == Ok(state))?;
        words.in_language(language)
    }

    fn check_names(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for number in self.names.keys().filter(|number| number.parse::<f64>().is_err()) {
            let message = format!("`{number}` is no number, expected the number of a state");
            faults.push(Fault::at(format!("names.{number}"), message));
        }
        for (key, states) in [("in", &self.r#in), ("from", &self.from), ("to", &self.to)] {
            for (at, state) in states.iter().enumerate() {
                let mut names = self.names.keys();
                if !self.names.is_empty() && !names.any(|number| number.parse() == Ok(*state)) {
                    faults.push(Fault::at(format!("{key}.{at}"), format!("{state} is not in `names`")));
                }
            }
        }
        faults
    }
}

impl Check for Section {
    fn check(&self) -> Vec<Fault> {
        let mut faults = self.check_names();
        let is_step = !self.from.is_empty() || !self.to.is_empty();
        let is_in = !self.r#in.is_empty() || self.longer.is_some();
        let is_stuck = self.stuck_after.is_some();
        match [is_in, is_step, is_stuck].into_iter().filter(|is_so| *is_so).count() {
            0 => {
                let message = "expected one of `in`, `longer`, `from` or `to`, `stuck_after`";
                faults.push(Fault::at("", message));
            }
            1 => {}
            _ => faults.push(Fault::at("", "several judgements in one rule, expected a rule for each")),
        }
        for (key, wait) in [("longer", self.longer), ("stuck_after", self.stuck_after)] {
            if wait.is_some_and(|wait| wait < Wait::secs(1)) {
                faults.push(Fault::at(key, "shorter than a second, expected at least `1s`"));
            }
        }
        for (key, is_given) in [("change_min", self.change_min.is_some()), ("while", self.r#while.is_some())]
        {
            if is_given && !is_stuck {
                faults.push(Fault::at(key, "is for a stuck value, expected `stuck_after` beside it"));
            }
        }
        if self.change_min.is_some_and(|min| min.is_nan() || min < 0.0) {
            faults.push(Fault::at("change_min", "expected 0 or more"));
        }
        faults
    }
}

/// Which of the judgements.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    In,
    Longer(Duration),
    Step,
    Stuck(Duration),
}

/// The states or values of a key; none means any.
type Set = Box<[f64]>;

/// The rule at work.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    mode: Mode,
    from: Set,
    to: Set,
    change_min: f64,
    running: Option<Set>,
    /// True while the value should change.
    is_running: bool,
    order: Order,
    /// The state; of a stuck value, the one that it does not leave.
    state: Option<f64>,
    /// Since when, by the source and by our own clock.
    since: Moment,
    since_here: Moment,
    is_abnormal: bool,
}

impl State {
    /// The rule of a section that passed its check.
    pub fn new(section: &Section, now: Moment) -> State {
        let mode = match (section.longer, section.stuck_after) {
            (Some(longer), _) => Mode::Longer(longer.0),
            (None, Some(after)) => Mode::Stuck(after.0),
            (None, None) if section.r#in.is_empty() => Mode::Step,
            (None, None) => Mode::In,
        };
        let to = if mode == Mode::Step { &section.to } else { &section.r#in };
        State {
            mode,
            from: section.from.clone().into(),
            to: to.clone().into(),
            change_min: section.change_min.unwrap_or(0.0),
            running: section.r#while.as_ref().map(|other| other.is.clone().into()),
            is_running: section.r#while.is_none(),
            order: Order::default(),
            state: None,
            since: now,
            since_here: now,
            is_abnormal: false,
        }
    }

    /// A reading of the state came or, with `which` 1, one of the tag that says whether it should change.
    pub fn hear(&mut self, which: usize, reading: &Reading) -> Option<Verdict> {
        if which > 0 {
            self.run(reading);
            return None;
        }
        let Some(value) = reading.value else { return Some(Verdict::Unknown) };
        match self.order.place(reading) {
            Place::Next => {}
            Place::Late => return None,
            Place::Anew => (self.since, self.since_here) = (reading.at, reading.received),
        }
        let change = self.change_min;
        let before = self.state.filter(|state| (state - value).abs() <= change || *state == value);
        match (before, self.state) {
            (Some(_), _) => self.stay(reading),
            (None, old) => self.leave(old, value, reading),
        }
        Some(self.verdict())
    }

    /// The tag of `while` spoke. A value that may stand still begins its time anew once it should move.
    fn run(&mut self, reading: &Reading) {
        let Some(running) = &self.running else { return };
        let is_running = reading.value.is_some_and(|value| match running.is_empty() {
            true => value != 0.0,
            false => running.contains(&value),
        });
        if is_running && !self.is_running {
            (self.since, self.since_here) = (reading.at, reading.received);
        }
        self.is_running = is_running;
    }

    /// It is in another state than before; `None` the first time.
    fn leave(&mut self, old: Option<f64>, value: f64, reading: &Reading) {
        // What was so before a restart is so until a step is seen.
        let was_abnormal = self.is_abnormal && old.is_none() && is_one(&self.to, value);
        self.is_abnormal = match self.mode {
            Mode::In => is_one(&self.to, value),
            Mode::Step => {
                let is_step = old.is_some_and(|old| is_one(&self.from, old) && is_one(&self.to, value));
                is_step || was_abnormal
            }
            Mode::Longer(_) | Mode::Stuck(_) => was_abnormal,
        };
        self.state = Some(value);
        (self.since, self.since_here) = (reading.at, reading.received);
    }

    /// It is in the same state as before.
    fn stay(&mut self, reading: &Reading) {
        match self.mode {
            Mode::Longer(longer) => {
                let is_counted = self.state.is_some_and(|state| is_one(&self.to, state));
                self.is_abnormal |= is_counted && reading.at.since(self.since) >= longer;
            }
            Mode::Stuck(after) => {
                self.is_abnormal |= self.is_running && reading.at.since(self.since) >= after;
            }
            Mode::In | Mode::Step => {}
        }
    }

    fn verdict(&self) -> Verdict {
        Verdict::Level(Level(u8::from(self.is_abnormal)))
    }

    /// Time went by: nobody needs to speak for a state to last too long.
    pub fn tick(&mut self, now: Moment) -> Option<Verdict> {
        if self.due()? > now {
            return None;
        }
        self.is_abnormal = true;
        Some(self.verdict())
    }

    /// When it will have been in its state too long, if it stays.
    pub fn due(&self) -> Option<Moment> {
        let Mode::Longer(longer) = self.mode else { return None };
        let is_counted = self.state.is_some_and(|state| is_one(&self.to, state));
        // A state that is older than our knowledge of it, by a time that its source gave, is over sooner.
        let since = self.since.min(self.since_here);
        (is_counted && !self.is_abnormal).then(|| since.plus(longer))
    }

    /// The clock was set: what has lasted, lasts from now on.
    pub fn start_anew(&mut self, now: Moment) {
        (self.since, self.since_here, self.order) = (now, now, Order::default());
    }

    /// Goes on from a level that was reached before a restart.
    pub fn resume(&mut self, level: Level) {
        self.is_abnormal = level > Level::NORMAL;
    }

    /// The number of its state, for [`Section::name`]; of a stuck value, that value.
    pub fn value(&self) -> Option<f64> {
        self.state
    }

    /// Since when it is in its state, by the clock of its source.
    pub fn since(&self) -> Moment {
        self.since
    }
}

fn is_one(of: &Set, state: f64) -> bool {
    of.is_empty() || of.contains(&state)
}

#[cfg(test)]
#[path = "state/tests.rs"]
mod tests;
