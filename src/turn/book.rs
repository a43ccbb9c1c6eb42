//! The books of one machine at work: fed by readings, cut at the end of each shift.

use std::time::Duration;

use contract::Moment;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::forecasts::Running;
use crate::config::MachinePlan;
use crate::production::{self, Count, Figures, Ledger, Section, State};
use crate::reading::Reading;
use crate::shift::{Calendar, Hours};

/// Counters move all the time: the books are kept at most so often, at once when the state changed. What a kill takes
/// is known again from the counters, but for so much time.
const KEEP_EVERY: Duration = Duration::from_secs(10);

/// Where nothing changes, that is kept as well: a long stop is not forgotten by a kill.
const KEEP_CALM_EVERY: Duration = Duration::from_secs(60);

/// The first shift is looked for from day to day where the calendar has none within a year.
const NO_SHIFT_FOR: Duration = Duration::from_secs(86_400);

/// A machine is compared with itself over so long.
pub(super) const PAST: Duration = Duration::from_secs(28 * 86_400);

/// What a tag tells a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ear {
    State,
    Count(Count),
}

/// The shift, or the time without one, that the books are in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Period {
    pub shift: Option<ShiftKept>,
    pub until: Moment,
}

/// A shift, as it was when it began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ShiftKept {
    pub name: String,
    pub begun: Moment,
}

/// A shift that is over, for the average of the last weeks: times, never percentages.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct PastShift {
    pub begun: Moment,
    pub useful_ms: u64,
    pub required_ms: u64,
}

/// The figures of a day or a week so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Sum {
    pub begun: Moment,
    pub figures: Figures,
}

/// A row of [`Table::Production`]: all of a machine that changes with its samples.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Saved {
    ledger: production::Kept,
    period: Period,
    day: Option<Sum>,
    week: Option<Sum>,
    running: Option<Running>,
}

/// The books of one machine.
#[derive(Debug)]
pub(super) struct Book {
    /// Its number in the plan.
    pub machine: usize,
    pub key: String,
    pub section: Section,
    pub calendar: Calendar,
    pub ledger: Ledger,
    pub period: Period,
    pub day: Option<Sum>,
    pub week: Option<Sum>,
    pub past: Vec<PastShift>,
    /// Its current order.
    pub running: Option<Running>,
    /// The source that tells its state.
    pub source: usize,
    /// What it did before its source was lost, and when that was last known.
    pub before_loss: Option<(State, Moment)>,
    /// Must be kept with the next step.
    pub is_news: bool,
    pub is_past_news: bool,
    /// Has something to keep, which can wait.
    pub is_dirty: bool,
    pub kept_at: Moment,
}

impl Period {
    pub(super) fn at(calendar: &Calendar, now: Moment) -> Period {
        if let Some(shift) = calendar.at(now) {
            let kept = ShiftKept { name: shift.name.to_owned(), begun: shift.begun };
            return Period { shift: Some(kept), until: shift.ends };
        }
        Period { shift: None, until: calendar.next_shift(now).unwrap_or_else(|| now.plus(NO_SHIFT_FOR)) }
    }
}

impl Book {
    /// The books of a machine, from now on; `None` where nobody asks for its figures.
    pub(super) fn new(
        number: usize,
        machine: &MachinePlan,
        (hours, zone): (&Hours, &jiff::tz::TimeZone),
        now: Moment,
    ) -> Option<Book> {
        let production = machine.production.as_ref()?;
        let calendar = Calendar::new(hours, Some(&machine.author.key), zone.clone());
        let state = machine.tags.iter().find(|tag| tag.id == production.state);
        Some(Book {
            machine: number,
            key: machine.author.key.clone(),
            section: production.section.clone(),
            ledger: Ledger::new(&production.section, now),
            period: Period::at(&calendar, now),
            calendar,
            day: None,
            week: None,
            past: Vec::new(),
            running: None,
            source: state.map_or(usize::MAX, |tag| tag.source),
            before_loss: None,
            is_news: true,
            is_past_news: false,
            is_dirty: false,
            kept_at: now,
        })
    }

    /// Goes on with what was kept; `None` if it cannot be read.
    pub(super) fn resume(&mut self, saved: &str) -> Option<()> {
        let saved: Saved = serde_json::from_str(saved).ok()?;
        let before = saved.ledger.known();
        self.ledger = Ledger::resume(&self.section, saved.ledger, &self.calendar);
        (self.period, self.day, self.week) = (saved.period, saved.day, saved.week);
        self.running = saved.running;
        self.before_loss = Some(before);
        Some(())
    }

    /// The same books at another place of the plan, and in its calendar. A shift that has begun ends as it was to end.
    pub(super) fn seated(mut self, machine: usize, source: usize, calendar: Calendar) -> Book {
        if self.calendar != calendar {
            self.ledger.ask_anew();
        }
        (self.machine, self.source, self.calendar) = (machine, source, calendar);
        self
    }

    /// What it has to keep. A tree of numbers and words is always JSON.
    pub(super) fn saved(&self) -> Option<String> {
        let saved = Saved {
            ledger: self.ledger.kept().clone(),
            period: self.period.clone(),
            day: self.day.clone(),
            week: self.week.clone(),
            running: self.running.clone(),
        };
        serde_json::to_string(&saved).ok()
    }

    pub(super) fn keep_due(&self) -> Moment {
        self.kept_at.plus(if self.is_dirty { KEEP_EVERY } else { KEEP_CALM_EVERY })
    }

    pub(super) fn hear(&mut self, ear: Ear, reading: &Reading) {
        let at = reading.at.min(reading.received);
        self.is_dirty = true;
        match ear {
            Ear::State => {
                let before = self.ledger.now();
                self.ledger.state(at, self.section.state(reading.value), &self.calendar);
                self.is_news |= before != self.ledger.now();
            }
            Ear::Count(count) => self.ledger.count(at, count, reading.value, &self.calendar),
        }
    }

    /// The TRS of the last weeks, and over how many days: from sums of time.
    pub(super) fn average(&self, now: Moment) -> Option<(f64, u64)> {
        let useful: u64 = self.past.iter().map(|shift| shift.useful_ms).sum();
        let required: u64 = self.past.iter().map(|shift| shift.required_ms).sum();
        let first = self.past.iter().map(|shift| shift.begun).min()?;
        let days = now.since(first).as_secs().div_ceil(86_400);
        (required > 0).then(|| (useful as f64 / required as f64, days))
    }

    /// Remembers a shift that is over, and forgets what is too old.
    pub(super) fn remember(&mut self, begun: Moment, figures: &Figures, now: Moment) {
        let times = figures.times(self.ledger.method());
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.past.retain(|shift| now.since(shift.begun) <= PAST);
        if !times.required.is_zero() {
            let (useful_ms, required_ms) = (ms(times.useful), ms(times.required));
            self.past.push(PastShift { begun, useful_ms, required_ms });
        }
        self.is_past_news = true;
    }

    /// The day that a moment belongs to, and the Monday of its week.
    pub(super) fn day_and_week(&self, at: Moment) -> (Date, Date) {
        let day = self.calendar.day(at);
        let offset = i64::from(day.weekday().to_monday_zero_offset());
        (day, day.checked_sub(jiff::Span::new().days(offset)).unwrap_or(day))
    }
}
