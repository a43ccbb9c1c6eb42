//! How often something happens: so many faults in an hour, so few parts, every thousandth part.

use contract::settings::Wait;
use contract::{Check, Fault, Moment, Origin};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::aggregate::{Figure, Sliding};
use super::bound::Bound;
use super::counter::{Counter, Step};
use super::order::{Order, Place};
use super::{Level, Verdict};
use crate::reading::Reading;

/// What is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// How often the value becomes one of `is`, from another.
    #[default]
    Rises,
    /// The readings whose value is one of `is`: a message for each event.
    Readings,
    /// What a counter of the machine gains.
    Counter,
}

/// `[….rule.count.<name>]`: how often something happens. Either in a window (`over`, and `above` or `below`), or a
/// story for every so many (`every`).
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The tag that is counted.
    pub tag: String,
    /// What is counted: `rises`, `readings` or `counter`.
    #[serde(default)]
    pub of: What,
    /// The values that count. Without it, all but 0.
    #[serde(default)]
    pub is: Vec<f64>,
    /// The time in which it is counted.
    pub over: Option<Wait>,
    /// Abnormal from more than this within `over`. Either this or `below`.
    pub above: Option<f64>,
    /// Abnormal from fewer than this within `over`. Either this or `above`.
    pub below: Option<f64>,
    /// Normal again from here. Without it, the limit itself.
    pub clear: Option<f64>,
    /// A story each time that so many more have been counted: `1000`.
    pub every: Option<f64>,
    /// The width of a counter in bits, 16, 24 or 32: it rolls over to 0 after its highest value.
    pub width: Option<u8>,
    /// The highest value of a counter, where it is no full width: `99999`.
    pub max: Option<f64>,
    /// A counter cannot gain more from one reading to the next: what does is not believed.
    pub step_max: Option<f64>,
}

impl Section {
    /// The tags that it hears, in the order of `which`.
    pub fn tags(&self) -> Vec<&str> {
        vec![&self.tag]
    }

    fn max(&self) -> Option<f64> {
        self.width.map(|bits| 2_f64.powi(i32::from(bits)) - 1.0).or(self.max)
    }

    fn check_counter(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.of != What::Counter {
            let given = [
                ("width", self.width.is_some()),
                ("max", self.max.is_some()),
                ("step_max", self.step_max.is_some()),
            ];
            let given = given.into_iter().filter(|(_, is_given)| *is_given);
            faults.extend(
                given.map(|(key, _)| Fault::at(key, "is for a counter, expected `of = \"counter\"`")),
            );
        } else if !self.is.is_empty() {
            faults.push(Fault::at("is", "a counter counts what it gains, expected no `is`"));
        }
        if self.width.is_some_and(|bits| ![16, 24, 32].contains(&bits)) {
            faults.push(Fault::at("width", "expected 16, 24 or 32"));
        }
        if self.width.is_some() && self.max.is_some() {
            faults.push(Fault::at("max", "both `width` and `max`, expected one of them"));
        }
        for (key, value) in [("max", self.max), ("step_max", self.step_max), ("every", self.every)] {
            if value.is_some_and(|value| !value.is_finite() || value < 1.0) {
                faults.push(Fault::at(key, "expected 1 or more"));
            }
        }
        faults
    }
}

impl Check for Section {
    fn check(&self) -> Vec<Fault> {
        let mut faults = self.check_counter();
        let is_limit = self.above.is_some() || self.below.is_some() || self.clear.is_some();
        match (self.every, self.over) {
            (Some(_), over) => {
                if is_limit || over.is_some() {
                    let message = "both `every` and a limit in a window, expected two rules";
                    faults.push(Fault::at("every", message));
                }
            }
            (None, None) => {
                faults.push(Fault::at("", "neither `over` with a limit nor `every`, expected one of them"));
            }
            (None, Some(over)) => {
                if over < Wait::secs(1) {
                    faults.push(Fault::at("over", "shorter than a second, expected at least `1s`"));
                }
                faults.extend(Bound::check(self.above, self.below, self.clear));
            }
        }
        faults
    }
}

/// What must outlive a restart: how many were told, and from where the machine's counter goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Saved {
    total: f64,
    last: Option<f64>,
}

/// The rule at work.
#[derive(Debug, Clone, PartialEq)]
pub struct Count {
    what: What,
    is: Box<[f64]>,
    counter: Counter,
    /// For `rises`: was the last value one that counts?
    was: Option<bool>,
    order: Order,
    window: Sliding,
    bound: Bound,
    every: Option<f64>,
    /// All that was counted; for a counter, what it shows, without its rollovers.
    total: f64,
    reached: Option<f64>,
    is_changed: bool,
}

impl Count {
    /// The rule of a section that passed its check.
    pub fn new(section: &Section, _now: Moment) -> Count {
        Count {
            what: section.of,
            is: section.is.clone().into(),
            counter: Counter::new(section.max(), section.step_max),
            was: None,
            order: Order::default(),
            window: Sliding::new(section.over.unwrap_or_default().0, Figure::Sum, 0.0),
            bound: Bound::new(section.above, section.below, section.clear),
            every: section.every,
            total: 0.0,
            reached: None,
            is_changed: false,
        }
    }

    /// A reading came. A bad one is nothing that happened, and takes nothing back.
    pub fn hear(&mut self, _which: usize, reading: &Reading) -> Option<Verdict> {
        let value = reading.value?;
        match self.order.place(reading) {
            Place::Next => {}
            // An old value of a counter is no fall of it.
            Place::Late => return None,
            Place::Anew => self.window.clear(),
        }
        let is_retained = reading.origin == Origin::Retained;
        let gained = self.gained(value, is_retained);
        if self.every.is_some() {
            return None;
        }
        self.window.begin(reading.at);
        // What happened while nobody listened is added up, but belongs to no window.
        if gained > 0.0 && (!is_retained || reading.is_timed) {
            self.window.push(reading.at, gained);
        }
        self.judge()
    }

    /// Time went by: what happened long ago leaves the window.
    pub fn tick(&mut self, now: Moment) -> Option<Verdict> {
        if self.every.is_some() || self.order.newest().is_none() {
            return None;
        }
        self.window.advance(self.order.there(now));
        self.judge()
    }

    /// When time alone will change the count.
    pub fn due(&self) -> Option<Moment> {
        let next = self.window.next_change().into_iter().chain(self.window.whole_at()).min();
        next.filter(|_| self.every.is_none()).map(|at| self.order.here(at))
    }

    fn judge(&mut self) -> Option<Verdict> {
        // A window that has just begun has few of everything.
        if !self.bound.is_above() && !self.window.is_whole() {
            return None;
        }
        self.value().map(|count| self.bound.judge(count))
    }

    fn gained(&mut self, value: f64, is_retained: bool) -> f64 {
        let counts = if self.is.is_empty() { value != 0.0 } else { self.is.contains(&value) };
        let step = match self.what {
            What::Rises => {
                let was = self.was.replace(counts);
                Step::By(f64::from(u8::from(counts && was == Some(false))))
            }
            What::Readings => Step::By(f64::from(u8::from(counts && !is_retained))),
            What::Counter => self.counter.read(value),
        };
        match step {
            Step::Doubt => 0.0,
            Step::By(gained) => {
                self.add(gained);
                gained
            }
            Step::Anew(gained) => {
                (self.total, self.is_changed) = (value, true);
                gained
            }
        }
    }

    fn add(&mut self, gained: f64) {
        let before = self.total;
        self.total += gained;
        let Some(every) = self.every else { return };
        let so_many = (self.total / every).floor();
        if so_many > (before / every).floor() {
            self.reached = Some(so_many * every);
            self.is_changed = true;
        }
    }

    /// The round number that was reached, once: `3000`. Of several at a time, the last.
    pub fn reached(&mut self) -> Option<f64> {
        self.reached.take()
    }

    /// True for one that counts for ever.
    pub fn is_endless(&self) -> bool {
        self.every.is_some()
    }

    /// What to keep at once: at every round number, and when a counter began anew. In between nothing is lost that
    /// the counter itself does not tell again.
    pub fn saved(&mut self) -> Option<String> {
        std::mem::take(&mut self.is_changed).then(|| self.row()).flatten()
    }

    /// What to keep with others, where no counter of the machine tells it again.
    pub fn counted(&self) -> Option<String> {
        if self.counts_itself() { self.row() } else { None }
    }

    /// True where no counter of the machine tells the count again.
    pub fn counts_itself(&self) -> bool {
        self.what != What::Counter
    }

    fn row(&self) -> Option<String> {
        self.every?;
        // Two numbers are always JSON.
        serde_json::to_string(&Saved { total: self.total, last: self.counter.last() }).ok()
    }

    /// Goes on with what was counted in the same way.
    pub fn learn_from(&mut self, old: Count) {
        let is_same =
            (self.what, &self.is) == (old.what, &old.is) && self.every.is_some() && old.every.is_some();
        if is_same {
            (self.total, self.was, self.is_changed) = (old.total, old.was, true);
            self.counter.learn_from(&old.counter);
        }
    }

    /// Goes on from what was kept.
    ///
    /// # Errors
    /// What was kept cannot be read.
    pub fn resume_saved(&mut self, saved: &str) -> Result<(), serde_json::Error> {
        let saved: Saved = serde_json::from_str(saved)?;
        self.total = saved.total;
        if let Some(last) = saved.last {
            self.counter.resume(last);
        }
        Ok(())
    }

    /// Goes on from a level that was reached before a restart.
    pub fn resume(&mut self, level: Level) {
        self.bound.resume(level);
    }

    /// The clock was set: what is in the window has no time any more.
    pub fn start_anew(&mut self, _now: Moment) {
        self.window.clear();
        self.order = Order::default();
    }

    /// How many in the window; with `every`, how many in all.
    pub fn value(&self) -> Option<f64> {
        match self.every {
            Some(_) => Some(self.total),
            None => self.window.figure(),
        }
    }
}

#[cfg(test)]
#[path = "count/tests.rs"]
mod tests;
