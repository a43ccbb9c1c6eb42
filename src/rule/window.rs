//! A figure of a time window against a limit: the mean of an hour, the highest of a day, the 95 % of ten minutes.
//!
//! A sliding window is judged with every reading, and as old ones leave it; a tumbling one once, when it is over.

use contract::settings::Wait;
use contract::{Check, Fault, Moment, Origin};
use schemars::JsonSchema;
use serde::Deserialize;

use super::aggregate::{Closed, Figure, SLOTS, Sliding, Tumbling};
use super::bound::Bound;
use super::limit::check_usual;
use super::order::{Order, Place};
use super::{Level, Verdict};
use crate::reading::Reading;

/// How a window moves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Moves {
    /// With time: always the last so long.
    #[default]
    Sliding,
    /// From one full hour to the next, or whatever `over` is, counted from midnight in UTC.
    Tumbling,
}

/// `[….rule.window.<name>]`: a figure of a time window.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The tag whose values are taken together.
    pub tag: String,
    /// How long the window is.
    pub over: Wait,
    /// What is worked out: `mean`, `min`, `max`, `quantile`, `sum` or `count`. All of them are of the readings: one
    /// that held for long counts as much as another. Exact up to 128 readings in the window; then a sliding window
    /// is up to a sixty-fourth too long, and a quantile is an estimate.
    pub figure: Figure,
    /// With `figure = "quantile"`, the share of the readings that do not exceed it: `0.95`.
    pub quantile: Option<f64>,
    /// How the window moves: `sliding` or `tumbling`.
    #[serde(default)]
    pub moves: Moves,
    /// How long after its end a tumbling window waits for readings that come late.
    #[serde(default = "late")]
    pub late: Wait,
    /// No opinion of a mean, a lowest, a highest or a quantile of fewer readings.
    #[serde(default = "samples_min")]
    pub samples_min: u32,
    /// Abnormal from here up. Either this or `below`.
    pub above: Option<f64>,
    /// Abnormal from here down. Either this or `above`.
    pub below: Option<f64>,
    /// Normal again from here. Without it, the limit itself.
    pub clear: Option<f64>,
    /// The usual range, from and to, for the second line of the post.
    pub usual: Option<[f64; 2]>,
}

fn late() -> Wait {
    Wait::secs(10)
}

fn samples_min() -> u32 {
    1
}

impl Section {
    /// The tags that it hears, in the order of `which`.
    pub fn tags(&self) -> Vec<&str> {
        vec![&self.tag]
    }

    fn check_quantile(&self) -> Option<Fault> {
        match (self.figure, self.quantile) {
            (Figure::Quantile, None) => {
                Some(Fault::at("quantile", "missing, expected the share that does not exceed it: 0.95"))
            }
            (Figure::Quantile, Some(share)) if !(share > 0.0 && share < 1.0) => {
                Some(Fault::at("quantile", format!("found {share}, expected more than 0 and less than 1")))
            }
            (Figure::Quantile, Some(_)) | (_, None) => None,
            (_, Some(_)) => Some(Fault::at("quantile", "expected `figure = \"quantile\"` beside it")),
        }
    }
}

impl Check for Section {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !(Wait::secs(1)..=Wait::secs(31 * 86_400)).contains(&self.over) {
            faults.push(Fault::at("over", "expected `1s` to `31d`"));
        }
        faults.extend(self.check_quantile());
        if self.late >= self.over && self.moves == Moves::Tumbling {
            faults.push(Fault::at("late", "as long as the window or longer, expected less"));
        }
        faults.extend(Bound::check(self.above, self.below, self.clear));
        faults.extend(check_usual(self.usual));
        faults
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Frame {
    Sliding(Sliding),
    Tumbling(Tumbling),
}

/// The rule at work.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    frame: Frame,
    figure: Figure,
    late: Wait,
    samples_min: u64,
    bound: Bound,
    order: Order,
    /// Working out a quantile takes microseconds: it is done once for each slot.
    pause: Wait,
    not_before: Moment,
    value: Option<f64>,
}

impl Window {
    /// The rule of a section that passed its check.
    pub fn new(section: &Section, _now: Moment) -> Window {
        let (over, figure, quantile) = (section.over.0, section.figure, section.quantile.unwrap_or(0.5));
        let is_slow = figure == Figure::Quantile;
        Window {
            frame: match section.moves {
                Moves::Sliding => Frame::Sliding(Sliding::new(over, figure, quantile)),
                Moves::Tumbling => Frame::Tumbling(Tumbling::new(over, figure, quantile)),
            },
            figure,
            late: section.late,
            samples_min: u64::from(section.samples_min),
            bound: Bound::new(section.above, section.below, section.clear),
            order: Order::default(),
            pause: if is_slow { Wait(over / SLOTS as u32) } else { Wait::default() },
            not_before: Moment::from_ms(i64::MIN),
            value: None,
        }
    }

    /// A reading came. A bad one takes no part: it matters once nothing good is left in the window.
    pub fn hear(&mut self, _which: usize, reading: &Reading) -> Option<Verdict> {
        // The last word of a broker says nothing of when it was so.
        if reading.origin == Origin::Retained && !reading.is_timed {
            return None;
        }
        if self.order.place(reading) == Place::Anew {
            self.forget();
        }
        let at = reading.at;
        match (&mut self.frame, reading.value) {
            (Frame::Sliding(window), Some(value)) => {
                window.push(at, value);
                // A late one is judged where the window stands.
                self.judge(self.order.newest().unwrap_or(at))
            }
            (Frame::Tumbling(window), Some(value)) => {
                let closed = window.push(at, value)?;
                self.judge_closed(&closed)
            }
            (_, None) => self.advance(at, at),
        }
    }

    /// Time went by.
    pub fn tick(&mut self, now: Moment) -> Option<Verdict> {
        self.order.newest()?;
        let there = self.order.there(now);
        self.advance(there, there.minus(self.late.0))
    }

    /// When time alone may change the figure.
    pub fn due(&self) -> Option<Moment> {
        let there = match &self.frame {
            Frame::Sliding(window) => window.next_change().into_iter().chain(window.whole_at()).min(),
            Frame::Tumbling(window) => window.end().map(|end| end.plus(self.late.0)),
        };
        there.map(|at| self.order.here(at))
    }

    /// A sliding window comes to `to`; a tumbling one is over that ended by `end`.
    fn advance(&mut self, to: Moment, end: Moment) -> Option<Verdict> {
        match &mut self.frame {
            Frame::Sliding(window) => {
                window.advance(to);
                self.judge(to)
            }
            Frame::Tumbling(window) => {
                let closed = window.close(end)?;
                self.judge_closed(&closed)
            }
        }
    }

    fn judge(&mut self, at: Moment) -> Option<Verdict> {
        let Frame::Sliding(window) = &self.frame else { return None };
        if at < self.not_before || !(window.is_whole() || self.part_is_enough()) {
            return None;
        }
        self.not_before = at.plus(self.pause.0);
        let (figure, count) = (window.figure(), window.count());
        Some(self.weigh(figure, count))
    }

    fn judge_closed(&mut self, closed: &Closed) -> Option<Verdict> {
        let verdict =
            (closed.is_whole || self.part_is_enough()).then(|| self.weigh(closed.figure, closed.count));
        // Windows in which nothing was heard at all: there is no mean of them, but their sum is 0.
        if closed.empty > 0 && self.is_total() { Some(self.weigh(Some(0.0), 0)) } else { verdict }
    }

    fn weigh(&mut self, figure: Option<f64>, count: u64) -> Verdict {
        let is_enough = self.is_total() || count >= self.samples_min;
        self.value = figure.filter(|_| is_enough);
        self.value.map_or(Verdict::Unknown, |figure| self.bound.judge(figure))
    }

    fn is_total(&self) -> bool {
        matches!(self.figure, Figure::Sum | Figure::Count)
    }

    /// True where a window that has just begun cannot mislead: what exceeds its limit already will not come back.
    fn part_is_enough(&self) -> bool {
        match self.figure {
            Figure::Max | Figure::Count => self.bound.is_above(),
            Figure::Min => !self.bound.is_above(),
            Figure::Mean | Figure::Quantile | Figure::Sum => false,
        }
    }

    fn forget(&mut self) {
        match &mut self.frame {
            Frame::Sliding(window) => window.clear(),
            Frame::Tumbling(window) => window.clear(),
        }
        (self.value, self.not_before) = (None, Moment::from_ms(i64::MIN));
    }

    /// The clock was set: what is in the window has no time any more.
    pub fn start_anew(&mut self, _now: Moment) {
        self.forget();
        self.order = Order::default();
    }

    /// Goes on from a level that was reached before a restart.
    pub fn resume(&mut self, level: Level) {
        self.bound.resume(level);
    }

    /// The figure as it was last judged: of a tumbling window, that of the last one that is over.
    pub fn value(&self) -> Option<f64> {
        self.value
    }
}

#[cfg(test)]
#[path = "window/tests.rs"]
mod tests;
