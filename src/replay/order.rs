//! One file in the order of time: rows that stand a little out of order are put right, what is far behind is told.

use std::collections::VecDeque;
use std::io;

use contract::Moment;

use super::files::{Reader, Row, Said};
use super::names::Names;
use super::troubles::Troubles;

/// A window of rows over a file. A file that fits is sorted as a whole.
pub(super) struct Ordered {
    name: String,
    reader: Box<dyn Reader>,
    rows_max: usize,
    window: VecDeque<Row>,
    fresh: Vec<Row>,
    given: Option<Moment>,
    is_ended: bool,
}

impl Ordered {
    pub fn new(name: String, reader: Box<dyn Reader>, rows_max: usize) -> Ordered {
        let (window, fresh) = (VecDeque::new(), Vec::new());
        Ordered { name, reader, rows_max: rows_max.max(2), window, fresh, given: None, is_ended: false }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// When the next row arrived.
    pub fn peek(&mut self, names: &Names, troubles: &mut Troubles) -> io::Result<Option<Moment>> {
        if !self.is_ended && self.window.len() <= self.rows_max / 2 {
            self.fill(names, troubles)?;
        }
        Ok(self.window.front().map(|row| row.now))
    }

    fn fill(&mut self, names: &Names, troubles: &mut Troubles) -> io::Result<()> {
        let room = self.rows_max - self.window.len();
        while self.fresh.len() < room && !self.is_ended {
            self.is_ended = !self.reader.more(names, &mut self.fresh, troubles)?;
        }
        self.window.extend(self.fresh.drain(..));
        // Keeps the order of what was said at the same moment, and costs little where all is in order.
        self.window.make_contiguous().sort_by_key(|row| row.now);
        Ok(())
    }

    /// The next row. One that is behind what was given already arrives late, as it would at the plant.
    pub fn pop(&mut self, troubles: &mut Troubles) -> Option<Row> {
        let mut row = self.window.pop_front()?;
        if let Some(given) = self.given.filter(|given| row.now < *given) {
            troubles.late += 1;
            if let Said::Sample(sample) = &mut row.said {
                sample.at = sample.at.or(Some(row.now));
            }
            row.now = given;
        }
        self.given = Some(row.now);
        Some(row)
    }
}
