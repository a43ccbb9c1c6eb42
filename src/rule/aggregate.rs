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

use std::collections::VecDeque;
use std::time::Duration;

use contract::Moment;
use schemars::JsonSchema;
use serde::Deserialize;

/// How many readings are kept one by one: 4 kB for a window at most, and a slow tag never comes near.
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
    /// What they come to: their sum, the lowest, the highest; of a quantile, one of them.
    value: f64,
    /// What this cell and those after it come to, up to `Cells::split`.
    rest: f64,
    count: u32,
}

/// Cells in the order of time.
#[derive(Debug, Clone, PartialEq)]
struct Cells {
    figure: Figure,
    quantile: f64,
    slot_ms: i64,
    cells: VecDeque<Cell>,
    /// How many readings there are.
    count: u64,
    /// The cells before this one know what comes to with them; those from here on come to `tail`.
    split: usize,
    tail: f64,
    dice: u32,
}

impl Cells {
    fn new(window_ms: i64, figure: Figure, quantile: f64) -> Cells {
        let mut cells = Cells {
            figure,
            quantile,
            // Rounded up, so that a window never lies across more than one slot more than it has.
            slot_ms: (window_ms + SLOTS - 1) / SLOTS,
            cells: VecDeque::new(),
            count: 0,
            split: 0,
            tail: 0.0,
            dice: 0x9E37_79B9,
        };
        cells.clear();
        cells
    }

    fn clear(&mut self) {
        self.cells.clear();
        (self.count, self.split, self.tail) = (0, 0, self.nothing());
    }

    /// What no reading comes to.
    fn nothing(&self) -> f64 {
        match self.figure {
            Figure::Min => f64::INFINITY,
            Figure::Max => f64::NEG_INFINITY,
            Figure::Mean | Figure::Sum | Figure::Count | Figure::Quantile => 0.0,
        }
    }

    fn join(&self, one: f64, other: f64) -> f64 {
        match self.figure {
            Figure::Min => one.min(other),
            Figure::Max => one.max(other),
            Figure::Mean | Figure::Sum | Figure::Count | Figure::Quantile => one + other,
        }
    }

    /// Puts a reading where it belongs.
    fn insert(&mut self, at: i64, value: f64) {
        if self.cells.len() >= EXACT_MAX {
            self.merge();
        }
        self.count += 1;
        let cell = Cell { at, value, rest: value, count: 1 };
        let later = self.cells.iter().rev().take_while(|cell| cell.at > at).count();
        if later == 0 {
            self.cells.push_back(cell);
            self.tail = self.join(self.tail, value);
        } else {
            self.cells.insert(self.cells.len() - later, cell);
            self.add_up();
        }
    }

    /// Puts a reading to all the others, where nobody asks for them one by one.
    fn absorb(&mut self, at: i64, value: f64) {
        if self.cells.is_empty() {
            self.cells.push_back(Cell { at, value, rest: value, count: 1 });
        }
        self.count += 1;
        self.tail = self.join(self.tail, value);
    }

    /// Forgets what is not after `at`.
    fn drop_until(&mut self, at: i64) {
        let mut is_spent = false;
        while let Some(cell) = self.cells.front().filter(|cell| cell.at <= at) {
            self.count -= u64::from(cell.count);
            self.cells.pop_front();
            is_spent |= self.split == 0;
            self.split = self.split.saturating_sub(1);
        }
        if is_spent {
            self.add_up();
        }
    }

    /// Works out what each cell and those after it come to.
    fn add_up(&mut self) {
        (self.split, self.tail) = (self.cells.len(), self.nothing());
        if self.figure == Figure::Quantile {
            return;
        }
        let mut rest = self.tail;
        for at in (0..self.cells.len()).rev() {
            rest = self.join(self.cells[at].value, rest);
            self.cells[at].rest = rest;
        }
    }

    /// Makes one cell of the readings of each slot, in place.
    fn merge(&mut self) {
        let mut last: usize = 0;
        let mut last_slot = None;
        for at in 0..self.cells.len() {
            let cell = self.cells[at];
            let slot = Some(cell.at.div_euclid(self.slot_ms));
            if slot == last_slot {
                let old = self.cells[last];
                self.cells[last].value = match self.figure {
                    Figure::Quantile => self.choose(&old, &cell),
                    _ => self.join(old.value, cell.value),
                };
                self.cells[last].at = cell.at;
                self.cells[last].count = old.count.saturating_add(cell.count);
            } else {
                last += usize::from(last_slot.is_some());
                self.cells[last] = cell;
                last_slot = slot;
            }
        }
        self.cells.truncate(last + 1);
        self.add_up();
    }

    /// One of two values, each reading with the same chance. The same readings throw the same dice (xorshift).
    fn choose(&mut self, old: &Cell, new: &Cell) -> f64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 17;
        self.dice ^= self.dice << 5;
        let both = u64::from(old.count) + u64::from(new.count);
        if u64::from(self.dice) % both < u64::from(new.count) { new.value } else { old.value }
    }

    /// `None` where there is none: the mean of nothing.
    fn figure(&self) -> Option<f64> {
        let front = self.cells.front().filter(|_| self.split > 0);
        let all = self.join(front.map_or(self.nothing(), |front| front.rest), self.tail);
        match self.figure {
            Figure::Count => Some(self.count as f64),
            Figure::Sum => Some(all),
            _ if self.cells.is_empty() => None,
            Figure::Mean => Some(all / self.count as f64),
            Figure::Min | Figure::Max => Some(all),
            Figure::Quantile => Some(self.rank()),
        }
    }

    /// The smallest value that at least the share of the readings does not exceed, each cell standing for its
    /// readings with one value.
    fn rank(&self) -> f64 {
        let mut values = [(0.0, 0); EXACT_MAX];
        for (place, cell) in values.iter_mut().zip(&self.cells) {
            *place = (cell.value, u64::from(cell.count));
        }
        let values = &mut values[..self.cells.len().min(EXACT_MAX)];
        values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let wanted = self.quantile * self.count as f64;
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
        self.cells.count
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
        if at >= start && self.cells.figure == Figure::Quantile {
            self.cells.insert(at, value);
        } else if at >= start {
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
            count: self.cells.count,
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
#[path = "aggregate/tests.rs"]
mod tests;
