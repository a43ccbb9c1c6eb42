//! Mean, lowest, highest, quantile, sum and count over a time window, in bounded memory at any rate.
//!
//! A window keeps cells. As long as they are few, each is one reading and every figure is exact. When there is no
//! room for another, the readings of each slot (a sixty-fourth of the window) become one cell. From then on:
//!
//! - in a tumbling window all figures stay exact but the quantile;
//! - a sliding window may hold readings that are up to one slot too old;
//! - a quantile is that of one reading for each slot, taken with the same chance, that stands for all of its slot.
//!   It lies between the quantile of the lowest and that of the highest values of the slots, as the true one does.
//!
//! A reading costs the same however many there are: what the older half of the cells come to together is kept with
//! each of them, and worked out anew when that half is used up. Nothing is ever subtracted, so nothing drifts.
//!
//! Readings may come late: they are put where they belong, and left out once their window is over.
//!
//! Deliberately absent: the time between readings. A mean is that of the readings, not that of the time they held.

mod cells;

use std::time::Duration;

use contract::Moment;
use schemars::JsonSchema;
use serde::Deserialize;

use cells::Cells;
pub use cells::{EXACT_MAX, SLOTS};

/// What is worked out of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// The mean of the readings.
    Mean,
    /// The lowest.
    Min,
    /// The highest.
    Max,
    /// The value that so large a share of the readings does not exceed.
    Quantile,
    /// All of them together.
    Sum,
    /// How many there are.
    Count,
}

/// The readings of the last so long: after `now - over`, up to `now`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sliding {
    over_ms: i64,
    cells: Cells,
    /// When the first reading came, and how far the window has come.
    since: Option<i64>,
    now: i64,
}

impl Sliding {
    /// A window of this length without a reading, and what is worked out of it; `quantile` from 0 to 1. Shorter than
    /// a millisecond, it is one.
    pub fn new(over: Duration, figure: Figure, quantile: f64) -> Sliding {
        let over_ms = length(over);
        Sliding { over_ms, cells: Cells::new(over_ms, figure, quantile), since: None, now: i64::MIN }
    }

    /// Somebody listens from here on, whether or not there is anything to add.
    pub fn begin(&mut self, at: Moment) {
        self.advance(at);
        self.since.get_or_insert(at.as_ms());
    }

    /// A reading. One that is older than the window is left out.
    pub fn push(&mut self, at: Moment, value: f64) {
        self.begin(at);
        let at = at.as_ms();
        if at > self.start() {
            self.cells.insert(at, value);
        }
    }

    /// Time went by. Never back.
    pub fn advance(&mut self, to: Moment) {
        self.now = self.now.max(to.as_ms());
        self.cells.drop_until(self.start());
    }

    fn start(&self) -> i64 {
        self.now.saturating_sub(self.over_ms)
    }

    /// The figure of the window as it lies now. `None` for the mean of nothing.
    pub fn figure(&self) -> Option<f64> {
        self.cells.figure()
    }

    /// How many readings are in it.
    pub fn count(&self) -> u64 {
        self.cells.count()
    }

    /// True once readings have been heard for as long as the window is.
    pub fn is_whole(&self) -> bool {
        self.since.is_some_and(|since| since <= self.start())
    }

    /// When it will be whole, if it is not.
    pub fn whole_at(&self) -> Option<Moment> {
        let since = self.since.filter(|_| !self.is_whole())?;
        Some(Moment::from_ms(since.saturating_add(self.over_ms)))
    }

    /// When the next reading leaves, if none comes, rounded up to slots: a window is looked at so often at most.
    pub fn next_change(&self) -> Option<Moment> {
        let leaves = self.cells.oldest()?.saturating_add(self.over_ms);
        let slot = self.cells.slot_ms();
        Some(Moment::from_ms((leaves.div_euclid(slot) + i64::from(leaves.rem_euclid(slot) > 0)) * slot))
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.cells.clear();
        (self.since, self.now) = (None, i64::MIN);
    }
}

/// The readings from one full hour to the next, or whatever the length: from a multiple of it since 1970 in UTC, up
/// to the next and without it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tumbling {
    every_ms: i64,
    cells: Cells,
    start: Option<i64>,
    is_whole: bool,
}

/// A window that is over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Closed {
    /// The figure; `None` for the mean of nothing.
    pub figure: Option<f64>,
    /// How many readings it had.
    pub count: u64,
    /// When it was over.
    pub end: Moment,
    /// True unless readings began only in the middle of it.
    pub is_whole: bool,
    /// How many windows without a reading came after it.
    pub empty: u64,
}

impl Tumbling {
    /// Windows of this length, and what is worked out of each; `quantile` from 0 to 1. Shorter than a millisecond, it
    /// is one.
    pub fn new(every: Duration, figure: Figure, quantile: f64) -> Tumbling {
        let every_ms = length(every);
        Tumbling { every_ms, cells: Cells::new(every_ms, figure, quantile), start: None, is_whole: false }
    }

    /// A reading. It may end the window before it; one that belongs to a window that is over is left out.
    pub fn push(&mut self, at: Moment, value: f64) -> Option<Closed> {
        let closed = self.close(at);
        let at = at.as_ms();
        let own = at.div_euclid(self.every_ms) * self.every_ms;
        let start = *self.start.get_or_insert_with(|| {
            self.is_whole = at == own;
            own
        });
        if at >= start {
            self.cells.absorb(at, value);
        }
        closed
    }

    /// Time went by: the window that is over by now, if one is.
    pub fn close(&mut self, to: Moment) -> Option<Closed> {
        let start = self.start?;
        let passed = to.as_ms().saturating_sub(start).div_euclid(self.every_ms);
        if passed < 1 {
            return None;
        }
        let closed = Closed {
            figure: self.cells.figure(),
            count: self.cells.count(),
            end: Moment::from_ms(start + self.every_ms),
            is_whole: self.is_whole,
            empty: u64::try_from(passed - 1).unwrap_or(0),
        };
        self.cells.clear();
        (self.start, self.is_whole) = (Some(start + passed * self.every_ms), true);
        Some(closed)
    }

    /// When the present window is over.
    pub fn end(&self) -> Option<Moment> {
        self.start.map(|start| Moment::from_ms(start.saturating_add(self.every_ms)))
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.cells.clear();
        self.start = None;
    }
}

fn length(wait: Duration) -> i64 {
    // A hundred years, the longest that a configuration can write, leaves room for every sum of times.
    i64::try_from(wait.as_millis()).unwrap_or(i64::MAX).clamp(1, 3_200_000_000_000)
}

#[cfg(test)]
mod tests;
