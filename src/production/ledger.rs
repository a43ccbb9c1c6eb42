//! Books the time of one machine as it goes by.

mod again;

use std::time::Duration;

use contract::Moment;
use serde::{Deserialize, Serialize};

use super::counter::{Counted, Counter};
use super::figures::{Figures, Parts};
use super::pace::Pace;
use super::section::{Method, Section};
use super::stops::Stop;
use super::{Cause, State};
use crate::shift::{Calendar, Phase};

/// The calendar is asked for so much time at once.
const ASK_AHEAD: Duration = Duration::from_secs(8 * 86_400);

/// A counter that says nothing for so large a part of the time over which the rate is reckoned counts nothing.
const UNCOUNTED_PART: u64 = 3;

/// Which counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// That of the good parts, or of all, as the section says.
    Parts,
    /// That of the scrap.
    Scrap,
}

/// Where a moment is booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Closed,
    Paused,
    Unknown,
    Running,
    Stopped(Option<Cause>),
}

/// A counter, and how much time of each kind there was when it was last heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Meter {
    counter: Counter,
    unknown_ms: u64,
    required_ms: u64,
    /// When it last said anything, by its own time.
    #[serde(default)]
    said: Moment,
    /// Where its last parts were booked, for more of the same moment.
    was_required: bool,
}

/// What must outlive a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Booked up to here.
    at: Moment,
    state: State,
    /// When the machine last said anything.
    heard: Moment,
    /// When it last said its state, by its own time.
    #[serde(default = "long_ago")]
    said: Moment,
    stop: Option<Stop>,
    parts: Meter,
    scrap: Meter,
    /// Required time since it began, known or not, in milliseconds.
    required_ms: u64,
    unknown_ms: u64,
    /// Required time of stops since it began, in milliseconds.
    #[serde(default)]
    stopped_ms: u64,
    /// All parts since the books began.
    made: Parts,
    figures: Figures,
    pace: Pace,
    /// Time that it ran since its parts were last counted, in milliseconds: not yet in the pace, or the rate would fall
    /// between two words of a counter.
    #[serde(default)]
    uncounted_ms: u64,
    causes: Vec<String>,
}

impl Kept {
    /// What the machine did, and up to when that is known.
    pub fn known(&self) -> (State, Moment) {
        (self.state, self.at)
    }

    /// The time that it ran goes into the pace.
    fn count_time(&mut self) {
        self.pace.pass_ms(std::mem::take(&mut self.uncounted_ms));
    }
}

/// The books of one machine. Events come in the order of time; one that is late counts from where the books are.
#[derive(Debug, Clone)]
pub struct Ledger {
    method: Method,
    cycle_ns: u64,
    counter_max: Option<u64>,
    counts_total: bool,
    silent_after: Option<Duration>,
    /// From when on its last word says nothing any more.
    silent_from: Moment,
    /// For each cause.
    is_planned: Vec<bool>,
    /// What the calendar said, and until when it is so.
    phase: (Phase, Moment),
    kept: Kept,
}

impl Ledger {
    /// The books of a machine of which nothing is known yet, of a section that passed its check.
    pub fn new(section: &Section, now: Moment) -> Ledger {
        let causes = section.cause.keys().cloned().collect();
        let kept = Kept {
            at: now,
            state: State::Unknown,
            heard: now,
            said: long_ago(),
            stop: None,
            parts: Meter::default(),
            scrap: Meter::default(),
            required_ms: 0,
            unknown_ms: 0,
            stopped_ms: 0,
            made: Parts::default(),
            figures: Figures::begin(now),
            pace: Pace::new(section.rate_over.0),
            uncounted_ms: 0,
            causes,
        };
        Ledger {
            method: section.method(),
            cycle_ns: section.cycle_ns(),
            counter_max: section.counter_max,
            counts_total: section.total.is_some(),
            silent_after: section.silent_after.map(|after| after.0),
            silent_from: silent_from(now, section.silent_after.map(|after| after.0)),
            is_planned: section.cause.values().map(|cause| cause.planned).collect(),
            phase: (Phase::Closed, now),
            kept,
        }
    }

    /// What to keep.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// What it does, as far as is known.
    pub fn now(&self) -> State {
        self.kept.state
    }

    /// The machine is in this state from `at` on. What it said before the last state that is known is given again, and
    /// says nothing new.
    pub fn state(&mut self, at: Moment, state: State, calendar: &Calendar) {
        if at < self.kept.said {
            return;
        }
        self.kept.said = at;
        self.pass(at, calendar);
        self.hear();
        self.enter(state);
    }

    fn enter(&mut self, state: State) {
        match (self.kept.state, state) {
            (was, is) if was == is => {}
            // A cause that is not told any more is still the cause: it waits to be started again.
            (State::Stopped(Some(cause)), State::Stopped(None)) if !self.is_planned(Some(cause)) => {}
            // One that is told after a while is the cause from the beginning on.
            (State::Stopped(None), State::Stopped(cause)) if !self.is_planned(cause) => {
                self.kept.state = state;
                if let Some(stop) = &mut self.kept.stop {
                    stop.cause = cause;
                }
            }
            _ => {
                self.kept.state = state;
                let ended = self.kept.stop.take();
                self.end(ended);
            }
        }
    }

    /// A counter shows this value at `at`; `None` where it cannot be trusted.
    pub fn count(&mut self, at: Moment, count: Count, value: Option<f64>, calendar: &Calendar) {
        if at < self.meter(count).said {
            return;
        }
        self.pass(at, calendar);
        let Some(value) = value else { return };
        self.hear();
        let now = self.kept.at;
        if count == Count::Parts {
            // Parts of which some were made unseen say nothing of the rate, nor does their time.
            if self.kept.unknown_ms > self.kept.parts.unknown_ms {
                self.kept.uncounted_ms = 0;
            }
            self.kept.count_time();
        }
        let meter = match count {
            Count::Parts => &mut self.kept.parts,
            Count::Scrap => &mut self.kept.scrap,
        };
        meter.said = at;
        let is_at_once = meter.counter.heard() == now;
        let counted = meter.counter.hear(value, now, self.counter_max, self.cycle_ns);
        let was_unknown = self.kept.unknown_ms > meter.unknown_ms;
        let was_required = self.kept.required_ms > meter.required_ms || (is_at_once && meter.was_required);
        meter.was_required = was_required;
        (meter.unknown_ms, meter.required_ms) = (self.kept.unknown_ms, self.kept.required_ms);
        match counted {
            Counted::Parts(0) => {}
            Counted::Parts(parts) => self.book_parts(count, parts, was_unknown, was_required, calendar),
            Counted::Anew { is_slip } => self.kept.figures.slips += u32::from(is_slip),
        }
    }

    fn meter(&self, count: Count) -> &Meter {
        match count {
            Count::Parts => &self.kept.parts,
            Count::Scrap => &self.kept.scrap,
        }
    }

    fn book_parts(&mut self, count: Count, number: u64, unknown: bool, required: bool, calendar: &Calendar) {
        let parts = match count {
            Count::Parts => Parts { made: number, scrap: 0 },
            Count::Scrap if self.counts_total => Parts { made: 0, scrap: number },
            Count::Scrap => Parts { made: number, scrap: number },
        };
        self.kept.made = self.kept.made.plus(parts);
        let class = self.class(calendar);
        let figures = &mut self.kept.figures;
        if unknown || class == Class::Unknown {
            figures.unseen = figures.unseen.plus(parts);
        } else if required {
            figures.parts = figures.parts.plus(parts);
            let time = |parts: u64| parts.saturating_mul(self.cycle_ns);
            figures.net_ns = figures.net_ns.saturating_add(time(parts.made));
            figures.waste_ns = figures.waste_ns.saturating_add(time(parts.scrap));
            self.kept.pace.add(parts.made as f64 - parts.scrap as f64);
        } else {
            figures.outside = figures.outside.plus(parts);
        }
    }

    /// The figures from the last cut up to now.
    pub fn figures(&self, now: Moment, calendar: &Calendar) -> Figures {
        self.clone().cut(now, calendar)
    }

    /// The figures up to now, such as at the end of a shift; the next begin here.
    pub fn cut(&mut self, now: Moment, calendar: &Calendar) -> Figures {
        self.pass(now, calendar);
        let at = self.kept.at;
        let mut figures = std::mem::replace(&mut self.kept.figures, Figures::begin(at));
        figures.to = at;
        if let Some(stop) = &mut self.kept.stop {
            figures.stops.leave(*stop);
            let before_ms = stop.before_ms + stop.time_ms;
            *stop = Stop { before_ms, time_ms: 0, is_old: true, ..*stop };
        }
        figures
    }

    /// These books with all time up to now booked.
    #[must_use]
    pub fn up_to(&self, now: Moment, calendar: &Calendar) -> Ledger {
        let mut ledger = self.clone();
        ledger.pass(now, calendar);
        ledger
    }

    /// Books the time up to a moment at which nothing new is known: what it did, it still does.
    pub fn advance(&mut self, to: Moment, calendar: &Calendar) {
        self.pass(to, calendar);
    }

    /// All parts since the books began, over every cut. What an order has is this, less this at its beginning.
    pub fn made(&self) -> Parts {
        self.kept.made
    }

    /// Required time of stops since the books began, over every cut.
    pub fn stopped(&self) -> Duration {
        Duration::from_millis(self.kept.stopped_ms)
    }

    /// Parts in an hour at best.
    pub fn ideal_per_hour(&self) -> f64 {
        3.6e12 / self.cycle_ns as f64
    }

    /// Good parts in an hour, while it ran lately.
    pub fn good_per_hour(&self) -> Option<f64> {
        self.kept.pace.per_hour()
    }

    /// Another product is made from now on: its ideal rate, in parts in an hour. The present rate begins anew. After a
    /// restart, the rate of the section is so until this is said again.
    pub fn produce(&mut self, at: Moment, ideal_per_hour: f64, calendar: &Calendar) {
        self.pass(at, calendar);
        self.cycle_ns = ((3.6e12 / ideal_per_hour).round() as u64).max(1);
        self.kept.pace.start_anew();
        self.kept.uncounted_ms = 0;
    }

    /// How times are counted.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Books the time up to `to`.
    fn pass(&mut self, to: Moment, calendar: &Calendar) {
        while self.kept.at < to {
            let at = self.kept.at;
            let class = self.class(calendar);
            let end = to.min(self.phase.1);
            let end = if at < self.silent_from { end.min(self.silent_from) } else { end };
            self.book(class, at, end);
            self.kept.at = end;
        }
    }

    fn book(&mut self, class: Class, at: Moment, end: Moment) {
        let kept = &mut self.kept;
        let ms = u64::try_from(end.as_ms().saturating_sub(at.as_ms())).unwrap_or(0);
        match class {
            Class::Closed => kept.figures.closed_ms += ms,
            Class::Paused => kept.figures.paused_ms += ms,
            Class::Unknown => {
                kept.figures.unknown_ms += ms;
                kept.unknown_ms += ms;
                let ended = kept.stop.take();
                self.end(ended);
            }
            Class::Running => {
                kept.figures.running_ms += ms;
                kept.required_ms += ms;
                kept.uncounted_ms += ms;
                if kept.uncounted_ms > kept.pace.window_ms() / UNCOUNTED_PART {
                    kept.count_time();
                }
            }
            Class::Stopped(cause) => {
                let fresh = Stop { begun: at, cause, before_ms: 0, time_ms: 0, is_old: false };
                kept.stop.get_or_insert(fresh).time_ms += ms;
                kept.stopped_ms += ms;
                kept.required_ms += ms;
            }
        }
    }

    fn end(&mut self, stop: Option<Stop>) {
        if let Some(stop) = stop {
            self.kept.figures.stops.end(stop, self.method.micro_stop);
        }
    }

    /// Where the moment up to which is booked belongs.
    fn class(&mut self, calendar: &Calendar) -> Class {
        let at = self.kept.at;
        if at >= self.phase.1 {
            let piece = calendar.pieces(at, at.plus(ASK_AHEAD)).next();
            self.phase =
                piece.map_or((Phase::Closed, Moment::from_ms(i64::MAX)), |piece| (piece.phase, piece.to));
        }
        match (self.phase.0, self.kept.state) {
            (Phase::Closed, _) => Class::Closed,
            (Phase::Break | Phase::Stop(_), _) => Class::Paused,
            (Phase::Open, _) if self.silent_from <= at => Class::Unknown,
            (Phase::Open, State::Unknown) => Class::Unknown,
            (Phase::Open, State::Running) => Class::Running,
            (Phase::Open, State::Stopped(cause)) if self.is_planned(cause) => Class::Paused,
            (Phase::Open, State::Stopped(cause)) => Class::Stopped(cause),
        }
    }

    /// The machine said something.
    fn hear(&mut self) {
        self.kept.heard = self.kept.at;
        self.silent_from = silent_from(self.kept.heard, self.silent_after);
    }

    fn is_planned(&self, cause: Option<Cause>) -> bool {
        cause.is_some_and(|cause| self.is_planned.get(usize::from(cause.0)).copied().unwrap_or(false))
    }
}

fn long_ago() -> Moment {
    Moment::from_ms(i64::MIN)
}

fn silent_from(heard: Moment, after: Option<Duration>) -> Moment {
    after.map_or(Moment::from_ms(i64::MAX), |after| heard.plus(after))
}
