//! The stops of a period: how many, how long, by cause, and the longest ones.

use std::time::Duration;

use contract::Moment;
use serde::{Deserialize, Serialize};

use super::Cause;

/// So many of the longest stops are kept one by one; the others are in the sums of their causes.
pub const LONGEST_MAX: usize = 8;

/// One stop, as far as the machine was required meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Its first required moment.
    pub begun: Moment,
    /// Why, if that is known.
    pub cause: Option<Cause>,
    /// Required time in it before this period, in milliseconds.
    pub(super) before_ms: u64,
    /// Required time in it, in milliseconds.
    pub(super) time_ms: u64,
    /// True when it stood already at the beginning of the period.
    pub(super) is_old: bool,
}

impl Stop {
    /// The required time in it within its period.
    pub fn time(&self) -> Duration {
        Duration::from_millis(self.time_ms)
    }

    /// The required time in it, with that before its period.
    pub fn whole(&self) -> Duration {
        Duration::from_millis(self.before_ms.saturating_add(self.time_ms))
    }

    /// The same stop in the period before and in this one.
    fn joined(self, next: Stop) -> Stop {
        Stop { cause: next.cause.or(self.cause), time_ms: self.time_ms.saturating_add(next.time_ms), ..self }
    }
}

/// How many stops, and how much required time in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// How many.
    pub count: u32,
    /// Required time in them, in milliseconds.
    pub(super) time_ms: u64,
}

impl Lost {
    /// The required time in them.
    pub fn time(&self) -> Duration {
        Duration::from_millis(self.time_ms)
    }

    fn add(&mut self, other: Lost) {
        self.count = self.count.saturating_add(other.count);
        self.time_ms = self.time_ms.saturating_add(other.time_ms);
    }
}

/// The stops of a period. Those at its edges are kept apart, so that two periods can be put together: a stop that
/// goes on over the edge is one stop, and what it is depends on how long it lasts in all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stops {
    /// For no cause, then for each cause in its order: the stops that are no micro-stops.
    causes: Vec<Lost>,
    micro: Lost,
    /// The longest first.
    longest: Vec<Stop>,
    /// It stood at the beginning, and ended.
    head: Option<Stop>,
    /// It stands at the end, perhaps from the beginning on.
    tail: Option<Stop>,
}

impl Stops {
    /// A stop ended within the period.
    pub(super) fn end(&mut self, stop: Stop, micro_stop: Duration) {
        if stop.is_old {
            self.head = Some(stop);
        } else {
            self.book(stop, micro_stop);
        }
    }

    /// A stop goes on beyond the end of the period.
    pub(super) fn leave(&mut self, stop: Stop) {
        self.tail = Some(stop);
    }

    fn book(&mut self, stop: Stop, micro_stop: Duration) {
        let lost = Lost { count: 1, time_ms: stop.time_ms };
        if stop.whole() < micro_stop {
            self.micro.add(lost);
            return;
        }
        let at = stop.cause.map_or(0, |cause| usize::from(cause.0) + 1);
        if self.causes.len() <= at {
            self.causes.resize(at + 1, Lost::default());
        }
        self.causes[at].add(lost);
        let place = self.longest.partition_point(|other| order(other) <= order(&stop));
        self.longest.insert(place, stop);
        self.longest.truncate(LONGEST_MAX);
    }

    /// These, and those of the period after.
    pub(super) fn plus(mut self, mut next: Stops, micro_stop: Duration) -> Stops {
        let tail = self.tail.take();
        let is_same = |other: &Option<Stop>| {
            tail.is_some_and(|stop| other.is_some_and(|other| other.is_old && other.begun == stop.begun))
        };
        let goes_on = is_same(&next.tail);
        let ended = if is_same(&next.head) { next.head.take() } else { None };
        match (tail, ended, next.tail.take()) {
            (Some(stop), _, Some(rest)) if goes_on => self.tail = Some(stop.joined(rest)),
            (tail, ended, rest) => {
                if let Some(stop) = tail {
                    self.end(ended.map_or(stop, |ended| stop.joined(ended)), micro_stop);
                }
                self.tail = rest;
            }
        }
        // One that stood at the edge without its first part, because that was never heard of.
        if let Some(stop) = next.head {
            self.book(stop, micro_stop);
        }
        self.micro.add(next.micro);
        self.causes.resize(self.causes.len().max(next.causes.len()), Lost::default());
        for (own, other) in self.causes.iter_mut().zip(next.causes) {
            own.add(other);
        }
        self.longest.extend(next.longest);
        self.longest.sort_by_key(order);
        self.longest.truncate(LONGEST_MAX);
        self
    }

    /// Puts all causes together as none, where their numbers mean others now.
    pub(super) fn forget_causes(&mut self) {
        let mut all = Lost::default();
        self.causes.iter().for_each(|lost| all.add(*lost));
        self.causes = vec![all];
        let stops = self.longest.iter_mut().chain(&mut self.head).chain(&mut self.tail);
        stops.for_each(|stop| stop.cause = None);
    }

    /// With the stops at the edges as they are known now.
    fn settled(&self, micro_stop: Duration) -> Stops {
        let mut all = self.clone();
        for stop in [all.head.take(), all.tail.take()].into_iter().flatten() {
            all.book(stop, micro_stop);
        }
        all
    }

    /// Each cause that stopped the machine, the longest time first; `None` where no cause is known. Without
    /// micro-stops.
    pub fn by_cause(&self, micro_stop: Duration) -> Vec<(Option<Cause>, Lost)> {
        let causes = self.settled(micro_stop).causes;
        let named = causes.into_iter().enumerate().filter(|(_, lost)| lost.count > 0);
        let cause = |at: usize| at.checked_sub(1).and_then(|at| u8::try_from(at).ok()).map(Cause);
        let mut named: Vec<_> = named.map(|(at, lost)| (cause(at), lost)).collect();
        named.sort_by_key(|(_, lost)| std::cmp::Reverse(lost.time_ms));
        named
    }

    /// The longest stops that are no micro-stops, the longest first.
    pub fn longest(&self, micro_stop: Duration) -> Vec<Stop> {
        self.settled(micro_stop).longest
    }

    /// The micro-stops.
    pub fn micro(&self, micro_stop: Duration) -> Lost {
        self.settled(micro_stop).micro
    }

    /// All stops, micro-stops as well.
    pub fn all(&self) -> Lost {
        let mut all = self.micro;
        self.causes.iter().for_each(|lost| all.add(*lost));
        for stop in [self.head, self.tail].into_iter().flatten() {
            all.add(Lost { count: 1, time_ms: stop.time_ms });
        }
        all
    }
}

/// The longest first; of two, the earlier.
fn order(stop: &Stop) -> (std::cmp::Reverse<u64>, Moment) {
    (std::cmp::Reverse(stop.time_ms), stop.begun)
}
