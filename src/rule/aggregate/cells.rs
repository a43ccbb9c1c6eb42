//! The readings of a window, one by one as long as they are few, then those of each slot together.

use std::collections::VecDeque;

use super::Figure;

/// How many readings are kept one by one: 4 kB for a window at most, and a slow tag never comes near.
pub const EXACT_MAX: usize = 128;

/// How many slots a window has. Half of the cells are free after they were merged, so that merging is rare.
pub const SLOTS: i64 = 64;

/// One reading, or those of one slot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cell {
    /// When the newest was so, in milliseconds.
    pub(super) at: i64,
    /// What they come to: their sum, the lowest, the highest; of a quantile, one of them.
    value: f64,
    /// What this cell and those after it come to, up to `Cells::split`.
    rest: f64,
    count: u32,
}

/// Cells in the order of time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cells {
    figure: Figure,
    quantile: f64,
    slot_ms: i64,
    pub(super) cells: VecDeque<Cell>,
    /// How many readings there are.
    count: u64,
    /// The cells before this one know what comes to with them; those from here on come to `tail`.
    split: usize,
    tail: f64,
    dice: u32,
}

impl Cells {
    /// No reading of a window of this length yet.
    pub(super) fn new(window_ms: i64, figure: Figure, quantile: f64) -> Cells {
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

    /// How many readings there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// How long a slot is, in milliseconds.
    pub(super) fn slot_ms(&self) -> i64 {
        self.slot_ms
    }

    /// When the oldest cell had its newest reading.
    pub(super) fn oldest(&self) -> Option<i64> {
        self.cells.front().map(|cell| cell.at)
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
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
    pub(super) fn insert(&mut self, at: i64, value: f64) {
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

    /// Puts a reading to all the others, none of which will leave before the rest.
    pub(super) fn absorb(&mut self, at: i64, value: f64) {
        if self.figure == Figure::Quantile {
            return self.insert(at, value);
        }
        if self.cells.is_empty() {
            self.cells.push_back(Cell { at, value, rest: value, count: 1 });
        }
        self.count += 1;
        self.tail = self.join(self.tail, value);
    }

    /// Forgets what is not after `at`.
    pub(super) fn drop_until(&mut self, at: i64) {
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
        // The end of the slot of the last one: cells come in order, so that few need a division.
        let mut end = i64::MIN;
        for at in 0..self.cells.len() {
            let cell = self.cells[at];
            if cell.at < end {
                let old = self.cells[last];
                self.cells[last].value = match self.figure {
                    Figure::Quantile => self.choose(&old, &cell),
                    _ => self.join(old.value, cell.value),
                };
                self.cells[last].at = cell.at;
                self.cells[last].count = old.count.saturating_add(cell.count);
            } else {
                last += usize::from(at > 0);
                self.cells[last] = cell;
                end = (cell.at.div_euclid(self.slot_ms) + 1) * self.slot_ms;
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
    pub(super) fn figure(&self) -> Option<f64> {
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
        let mut rest = &mut values[..self.cells.len().min(EXACT_MAX)];
        let wanted = self.quantile * self.count as f64;
        let mut seen = 0;
        // Halved until one is left, which takes a third of the time of putting them in order.
        while rest.len() > 1 {
            let (low, middle, high) =
                rest.select_nth_unstable_by(rest.len() / 2, |one, other| one.0.total_cmp(&other.0));
            let below = seen + low.iter().map(|(_, count)| count).sum::<u64>();
            if below as f64 >= wanted {
                rest = low;
            } else if (below + middle.1) as f64 >= wanted || high.is_empty() {
                return middle.0;
            } else {
                (seen, rest) = (below + middle.1, high);
            }
        }
        rest.first().map_or(f64::NAN, |(value, _)| *value)
    }
}
