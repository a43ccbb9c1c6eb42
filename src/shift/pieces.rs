//! Time, cut where the shift or the phase changes.

use std::collections::VecDeque;
use std::time::Duration;

use contract::Moment;
use jiff::civil::Date;

use super::{Calendar, Run, clock};

/// What a machine is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The site is closed: outside of every shift, a public holiday, or closed by a planned stop.
    Closed,
    /// It is to run.
    Open,
    /// The shift has a break.
    Break,
    /// It is not to run for the reason of this planned stop; see [`Calendar::stop`].
    Stop(u16),
}

/// A stretch of time without a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Its first moment.
    pub from: Moment,
    /// The first moment after it.
    pub to: Moment,
    /// What a machine is to do.
    pub phase: Phase,
    /// The number of the shift among those of the calendar, and the day it belongs to; none while closed.
    pub shift: Option<(usize, Date)>,
}

impl Piece {
    /// How long it is.
    pub fn length(&self) -> Duration {
        self.to.since(self.from)
    }
}

/// The pieces from one moment to another; see [`Calendar::pieces`].
#[derive(Debug, Clone)]
pub struct Pieces<'a> {
    calendar: &'a Calendar,
    /// Up to here there are pieces.
    filled: Moment,
    end: Moment,
    /// The next day whose shifts will be cut; none after the last day that can be written.
    day: Option<Date>,
    ready: VecDeque<Piece>,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(calendar: &'a Calendar, from: Moment, to: Moment) -> Pieces<'a> {
        // The shift of the day before may still run.
        let day = clock::day(&calendar.zone, from);
        let day = Some(day.yesterday().unwrap_or(day));
        Pieces { calendar, filled: from, end: to, day, ready: VecDeque::new() }
    }

    /// Cuts the shifts of the next day.
    fn fill(&mut self) {
        let Some(day) = self.day else {
            self.push(self.end, Phase::Closed, None);
            return;
        };
        self.day = day.tomorrow().ok();
        let runs = self.calendar.runs(day);
        for run in &runs {
            self.push(run.from, Phase::Closed, None);
            self.cut(run);
        }
        if runs.is_empty() {
            self.push(clock::moment(&self.calendar.zone, day, clock::DAY), Phase::Closed, None);
        }
    }

    /// Cuts one shift where a break or a planned stop begins or ends.
    fn cut(&mut self, run: &Run) {
        if run.to <= self.filled {
            return;
        }
        let calendar = self.calendar;
        let zone = &calendar.zone;
        let breaks = calendar.shifts[run.shift].breaks.iter().map(|rest| {
            let from = clock::rest(zone, run.day, rest.from);
            (from, from.plus(Duration::from_secs(60 * u64::from(rest.length))), Phase::Break)
        });
        let stops = calendar.stops.iter().enumerate().map(|(number, stop)| {
            let phase = Phase::Stop(u16::try_from(number).unwrap_or(u16::MAX));
            (stop.from, stop.to, if stop.is_closed { Phase::Closed } else { phase })
        });
        let spans = breaks.chain(stops).filter(|(from, to, _)| *from < run.to && run.from < *to);
        let spans: Vec<(Moment, Moment, Phase)> = spans.collect();
        let ends = spans.iter().flat_map(|(from, to, _)| [*from, *to]).chain([run.from, run.to]);
        let mut ends: Vec<Moment> = ends.filter(|end| run.from <= *end && *end <= run.to).collect();
        ends.sort_unstable();
        for pair in ends.windows(2) {
            let here = spans.iter().filter(|(from, to, _)| *from <= pair[0] && pair[1] <= *to);
            // Where two meet, what says more wins: closed before a planned stop before a break.
            let phase = here.map(|span| span.2).min_by_key(rank).unwrap_or(Phase::Open);
            let shift = (phase != Phase::Closed).then_some((run.shift, run.day));
            self.push(pair[1], phase, shift);
        }
    }

    /// What there is up to `to`; nothing that is there already, nothing beyond the end.
    fn push(&mut self, to: Moment, phase: Phase, shift: Option<(usize, Date)>) {
        let to = to.min(self.end);
        if to <= self.filled {
            return;
        }
        match self.ready.back_mut() {
            Some(last) if last.phase == phase && last.shift == shift => last.to = to,
            _ => self.ready.push_back(Piece { from: self.filled, to, phase, shift }),
        }
        self.filled = to;
    }
}

fn rank(phase: &Phase) -> (u8, u16) {
    match phase {
        Phase::Closed => (0, 0),
        Phase::Stop(number) => (1, *number),
        Phase::Break => (2, 0),
        Phase::Open => (3, 0),
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        // One is given when the one after it has begun: then it grows no more.
        while self.ready.len() < 2 && self.filled < self.end {
            self.fill();
        }
        self.ready.pop_front()
    }
}
