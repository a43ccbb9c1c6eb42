//! Mean, lowest, highest, quantile, sum and count over a time window, in bounded memory at any rate.
//!
//! A window keeps cells. As long as they are few, each is one reading and every figure is exact. When there is no
//! room for another, the readings of each slot (a sixty-fourth of the window) become one cell. From then on:
//!
//! - in a tumbling window all figures stay exact but the quantile;
//! - a sliding window may hold readings that are up to one slot too old;
//! - a quantile lies between that of the lowest and that of the highest values of the cells, as the true one does.
//!
//! Readings may come late: they are put where they belong, and left out once their window is over.
//!
//! Deliberately absent: the time between readings. A mean is that of the readings, not that of the time they held.

use std::collections::VecDeque;
use std::time::Duration;

use contract::Moment;
use schemars::JsonSchema;
use serde::Deserialize;

/// How many readings are kept one by one: 6 kB for a window at most, and a slow tag never comes near.
pub const EXACT_MAX: usize = 128;

/// How many slots a window has. Half of the cells are free after they were merged, so that merging is rare.
pub const SLOTS: i64 = 64;

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

/// One reading, or those of one slot.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cell {
    /// When the newest was so, in milliseconds.
    at: i64,
    count: u32,
    sum: f64,
    low: f64,
    high: f64,
    /// One of them, each with the same chance.
    kept: f64,
}

/// Cells in the order of time.
#[derive(Debug, Clone, PartialEq)]
struct Cells {
    slot_ms: i64,
    cells: VecDeque<Cell>,
    dice: u32,
}

impl Cells {
    fn new(window_ms: i64) -> Cells {
        // Rounded up, so that a window never lies across more than one slot more than it has.
        Cells { slot_ms: (window_ms + SLOTS - 1) / SLOTS, cells: VecDeque::new(), dice: 0x9E37_79B9 }
    }

    /// Puts a reading where it belongs.
    fn insert(&mut self, at: i64, value: f64) {
        if self.cells.len() >= EXACT_MAX {
            self.merge();
        }
        let cell = Cell { at, count: 1, sum: value, low: value, high: value, kept: value };
        let later = self.cells.iter().rev().take_while(|cell| cell.at > at).count();
        self.cells.insert(self.cells.len() - later, cell);
    }

    /// Forgets what is not after `at`.
    fn drop_until(&mut self, at: i64) {
        while self.cells.front().is_some_and(|cell| cell.at <= at) {
            self.cells.pop_front();
        }
    }

    /// Makes one cell of the readings of each slot, in place.
    fn merge(&mut self) {
        let mut last: usize = 0;
        for at in 1..self.cells.len() {
            let cell = self.cells[at];
            if self.cells[last].at.div_euclid(self.slot_ms) == cell.at.div_euclid(self.slot_ms) {
                let keeps_new = self.throw(self.cells[last].count, cell.count);
                self.cells[last].join(&cell, keeps_new);
            } else {
                last += 1;
                self.cells[last] = cell;
            }
        }
        self.cells.truncate(last + 1);
    }

    /// True with the chance of `new` among both. The same readings throw the same dice (xorshift).
    fn throw(&mut self, old: u32, new: u32) -> bool {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 17;
        self.dice ^= self.dice << 5;
        u64::from(self.dice) % (u64::from(old) + u64::from(new)) < u64::from(new)
    }

    fn count(&self) -> u64 {
        self.cells.iter().map(|cell| u64::from(cell.count)).sum()
    }

    fn sum(&self) -> f64 {
        self.cells.iter().map(|cell| cell.sum).sum()
    }

    /// `None` where there is none: the mean of nothing.
    fn figure(&self, figure: Figure, quantile: f64) -> Option<f64> {
        let lowest = |low: f64, cell: &Cell| low.min(cell.low);
        let highest = |high: f64, cell: &Cell| high.max(cell.high);
        match figure {
            Figure::Count => Some(self.count() as f64),
            Figure::Sum => Some(self.sum()),
            _ if self.cells.is_empty() => None,
            Figure::Mean => Some(self.sum() / self.count() as f64),
            Figure::Min => Some(self.cells.iter().fold(f64::INFINITY, lowest)),
            Figure::Max => Some(self.cells.iter().fold(f64::NEG_INFINITY, highest)),
            Figure::Quantile => Some(self.rank(quantile, |cell| cell.kept)),
        }
    }

    /// The smallest value that at least this share of the readings does not exceed, each cell standing for its
    /// readings with one value.
    fn rank(&self, quantile: f64, value: impl Fn(&Cell) -> f64) -> f64 {
        let mut values = [(0.0, 0); EXACT_MAX];
        for (place, cell) in values.iter_mut().zip(&self.cells) {
            *place = (value(cell), u64::from(cell.count));
        }
        let values = &mut values[..self.cells.len().min(EXACT_MAX)];
        values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let wanted = quantile * self.count() as f64;
        let mut seen = 0;
        for (value, count) in values.iter() {
            seen += count;
            if seen as f64 >= wanted {
                return *value;
            }
        }
        values.last().map_or(f64::NAN, |(value, _)| *value)
    }
}

impl Cell {
    fn join(&mut self, other: &Cell, keeps_other: bool) {
        self.at = self.at.max(other.at);
        self.count = self.count.saturating_add(other.count);
        self.sum += other.sum;
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
        if keeps_other {
            self.kept = other.kept;
        }
    }
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
    /// A window of this length without a reading. Shorter than a millisecond, it is one.
    pub fn new(over: Duration) -> Sliding {
        let over_ms = length(over);
        Sliding { over_ms, cells: Cells::new(over_ms), since: None, now: i64::MIN }
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

    /// A figure of the window as it lies now; `quantile` from 0 to 1. `None` for the mean of nothing.
    pub fn figure(&self, figure: Figure, quantile: f64) -> Option<f64> {
        self.cells.figure(figure, quantile)
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
        let leaves = self.cells.cells.front()?.at.saturating_add(self.over_ms);
        let slot = self.cells.slot_ms;
        Some(Moment::from_ms((leaves.div_euclid(slot) + i64::from(leaves.rem_euclid(slot) > 0)) * slot))
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.cells.cells.clear();
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
    /// Windows of this length. Shorter than a millisecond, it is one.
    pub fn new(every: Duration) -> Tumbling {
        let every_ms = length(every);
        Tumbling { every_ms, cells: Cells::new(every_ms), start: None, is_whole: false }
    }

    /// A reading. It may end the window before it; one that belongs to a window that is over is left out.
    pub fn push(&mut self, at: Moment, value: f64, figure: Figure, quantile: f64) -> Option<Closed> {
        let closed = self.close(at, figure, quantile);
        let at = at.as_ms();
        let own = at.div_euclid(self.every_ms) * self.every_ms;
        let start = *self.start.get_or_insert_with(|| {
            self.is_whole = at == own;
            own
        });
        if at >= start {
            self.cells.insert(at, value);
        }
        closed
    }

    /// Time went by: the window that is over by now, if one is.
    pub fn close(&mut self, to: Moment, figure: Figure, quantile: f64) -> Option<Closed> {
        let start = self.start?;
        let passed = to.as_ms().saturating_sub(start).div_euclid(self.every_ms);
        if passed < 1 {
            return None;
        }
        let closed = Closed {
            figure: self.cells.figure(figure, quantile),
            count: self.cells.count(),
            end: Moment::from_ms(start + self.every_ms),
            is_whole: self.is_whole,
            empty: u64::try_from(passed - 1).unwrap_or(0),
        };
        self.cells.cells.clear();
        (self.start, self.is_whole) = (Some(start + passed * self.every_ms), true);
        Some(closed)
    }

    /// When the present window is over.
    pub fn end(&self) -> Option<Moment> {
        self.start.map(|start| Moment::from_ms(start.saturating_add(self.every_ms)))
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.cells.cells.clear();
        self.start = None;
    }
}

fn length(wait: Duration) -> i64 {
    // A hundred years, the longest that a configuration can write, leaves room for every sum of times.
    i64::try_from(wait.as_millis()).unwrap_or(i64::MAX).clamp(1, 3_200_000_000_000)
}

#[cfg(test)]
#[path = "aggregate/tests.rs"]
mod tests;
