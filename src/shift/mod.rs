//! Takes the working hours of a site, gives the shift at a moment and how much time is planned between two.
//!
//! Time is cut into [`Piece`]s in which nothing changes; all else is counted from them. Hours are those of the wall
//! clock, so the night of a clock change has seven or nine of them, and every minute belongs to one shift at most.
//!
//! Deliberately absent: no clock (time is an argument), no words, no judgement of what a machine does meanwhile.

mod clock;
mod holidays;
mod pieces;
pub mod section;
#[cfg(test)]
mod tests;

use std::time::Duration;

use contract::Moment;
use contract::settings::Words;
use jiff::civil::Date;
use jiff::tz::TimeZone;

pub use holidays::HolidaySet;
pub use pieces::{Phase, Piece, Pieces};
pub use section::{BreakSection, CalendarSection, Hours, ShiftSection, StopSection};

/// How far ahead or back is looked for a change or for time to work: more than a year, so that a site that works for
/// one week a year is found, and a calendar without any work ends the search.
const HORIZON: Duration = Duration::from_secs(400 * 86_400);

/// The hours of one shift, as minutes of the wall clock.
#[derive(Debug, Clone, PartialEq)]
struct Shift {
    key: String,
    name: Words,
    /// From Monday.
    days: [bool; 7],
    /// After midnight.
    from: u16,
    /// More than a day after `from` never.
    length: u16,
    breaks: Vec<Rest>,
}

/// A break of a shift, as minutes of the wall clock after the midnight at which the day of its shift begins.
#[derive(Debug, Clone, PartialEq)]
struct Rest {
    from: u16,
    length: u16,
}

/// A time at which a machine is not to run, whatever the shift.
#[derive(Debug, Clone, PartialEq)]
struct Stop {
    from: Moment,
    to: Moment,
    is_closed: bool,
    key: String,
    reason: Words,
}

/// The working hours of a site, or of one of its machines.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    zone: TimeZone,
    /// By their beginning.
    shifts: Vec<Shift>,
    stops: Vec<Stop>,
    holidays: holidays::Holidays,
}

/// The shift at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShiftNow<'a> {
    /// Its key in the configuration: `nuit` of `[shift.nuit]`.
    pub name: &'a str,
    /// What people call it.
    pub words: &'a Words,
    /// The day it belongs to: that on which it begins.
    pub day: Date,
    /// When it began.
    pub begun: Moment,
    /// When it ends.
    pub ends: Moment,
}

/// One shift on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    shift: usize,
    day: Date,
    from: Moment,
    to: Moment,
}

impl Calendar {
    /// The calendar of hours that passed their check, for a machine with this key, or for the site as a whole.
    /// Without any shift there is one, `day`, from midnight to midnight every day.
    pub fn new(hours: &Hours, machine: Option<&str>, zone: TimeZone) -> Calendar {
        let mut shifts: Vec<Shift> = hours.shift.iter().filter_map(|(key, own)| own.shift(key)).collect();
        if shifts.is_empty() {
            let (key, name) = ("day".to_owned(), Words::Nothing);
            shifts.push(Shift {
                key,
                name,
                days: [true; 7],
                from: 0,
                length: clock::DAY,
                breaks: Vec::new(),
            });
        }
        shifts.sort_by_key(|shift| shift.from);
        let concerns = |own: &StopSection| {
            own.machines.is_empty() || machine.is_some_and(|key| own.machines.iter().any(|own| own == key))
        };
        let stops = hours.calendar.stop.iter().filter(|(_, own)| concerns(own));
        let stops = stops.filter_map(|(key, own)| own.stop(key, &zone)).collect();
        Calendar { zone, shifts, stops, holidays: hours.calendar.holidays() }
    }

    /// The shift at this moment; none while the site is closed.
    pub fn at(&self, now: Moment) -> Option<ShiftNow<'_>> {
        let is_closed = |stop: &Stop| stop.is_closed && stop.from <= now && now < stop.to;
        if self.stops.iter().any(is_closed) {
            return None;
        }
        let run = self.runs_around(now).into_iter().find(|run| run.from <= now && now < run.to)?;
        let shift = &self.shifts[run.shift];
        Some(ShiftNow { name: &shift.key, words: &shift.name, day: run.day, begun: run.from, ends: run.to })
    }

    /// What a machine is to do at this moment.
    pub fn phase(&self, now: Moment) -> Phase {
        self.pieces(now, now.plus(Duration::from_millis(1))).next().map_or(Phase::Closed, |piece| piece.phase)
    }

    /// The time from `from` to `to` in pieces without a change, in order, without a hole. Costs a microsecond for
    /// each day.
    pub fn pieces(&self, from: Moment, to: Moment) -> Pieces<'_> {
        Pieces::new(self, from, to)
    }

    /// The time in which machines are to run: the shifts without breaks, planned stops and public holidays.
    pub fn planned_time(&self, from: Moment, to: Moment) -> Duration {
        self.pieces(from, to).filter(|piece| piece.phase == Phase::Open).map(|piece| piece.length()).sum()
    }

    /// When the shift or the phase will be another; `None` when that is more than 400 days away.
    pub fn next_change(&self, now: Moment) -> Option<Moment> {
        let end = now.plus(HORIZON);
        self.pieces(now, end).next().map(|piece| piece.to).filter(|to| *to < end)
    }

    /// When a shift runs again; `None` when that is more than 400 days away.
    pub fn next_shift(&self, now: Moment) -> Option<Moment> {
        self.pieces(now, now.plus(HORIZON)).find(|piece| piece.shift.is_some()).map(|piece| piece.from)
    }

    /// The day on which a moment falls, by the clock on the wall.
    pub fn day(&self, at: Moment) -> Date {
        clock::day(&self.zone, at)
    }

    /// When so much planned time has gone by after `from`; `None` when that is more than 400 days away.
    pub fn after(&self, from: Moment, work: Duration) -> Option<Moment> {
        let mut left = work;
        for piece in self.pieces(from, from.plus(HORIZON)).filter(|piece| piece.phase == Phase::Open) {
            if left <= piece.length() {
                return Some(piece.from.plus(left));
            }
            left = left.saturating_sub(piece.length());
        }
        None
    }

    /// The latest moment from which so much planned time is left until `to`; `None` when that is more than 400 days
    /// before.
    pub fn latest_start(&self, to: Moment, work: Duration) -> Option<Moment> {
        let mut left = work;
        let mut end = to;
        while to.since(end) < HORIZON {
            let begin = end.minus(Duration::from_secs(86_400));
            let pieces: Vec<Piece> = self.pieces(begin, end).collect();
            for piece in pieces.iter().rev().filter(|piece| piece.phase == Phase::Open) {
                if left <= piece.length() {
                    return Some(piece.to.minus(left));
                }
                left = left.saturating_sub(piece.length());
            }
            end = begin;
        }
        None
    }

    /// The reason and the key of a planned stop, by the number that [`Phase::Stop`] holds.
    pub fn stop(&self, number: u16) -> Option<(&str, &Words)> {
        self.stops.get(usize::from(number)).map(|stop| (stop.key.as_str(), &stop.reason))
    }

    /// True when no shift begins on this day because it is a public holiday.
    pub fn is_holiday(&self, day: Date) -> bool {
        self.holidays.holds(day)
    }

    /// The shifts that begin on a day, in order. On the day of a clock change one may have no time at all.
    fn runs(&self, day: Date) -> Vec<Run> {
        if self.is_holiday(day) {
            return Vec::new();
        }
        let weekday = usize::from(day.weekday().to_monday_zero_offset().unsigned_abs());
        let own = self.shifts.iter().enumerate().filter(|(_, shift)| shift.days[weekday]);
        own.map(|(number, shift)| Run {
            shift: number,
            day,
            from: clock::moment(&self.zone, day, shift.from),
            to: clock::moment(&self.zone, day, shift.from + shift.length),
        })
        .collect()
    }

    /// The shifts that can hold a moment: those of its day, and of the days beside it.
    fn runs_around(&self, now: Moment) -> Vec<Run> {
        let day = clock::day(&self.zone, now);
        let days = [day.yesterday().ok(), Some(day), day.tomorrow().ok()];
        days.into_iter().flatten().flat_map(|day| self.runs(day)).collect()
    }
}
