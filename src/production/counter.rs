//! A counter of a machine: how many parts more, through its roll-over, a reset and a slip.

use std::time::Duration;

use contract::Moment;
use serde::{Deserialize, Serialize};

/// A step of more parts than so many times what the ideal rate gives is no count: somebody set the counter.
const FASTER_MAX: u64 = 4;

/// So many parts may come at once, however short the time.
const AT_ONCE: u64 = 2;

/// A batch that is given again comes within so long after a restart, and is of no longer time.
const AGAIN_WITHIN: Duration = Duration::from_secs(60);

/// Whole numbers beyond are not exact in the wire's floating point.
const VALUE_MAX: f64 = 9_007_199_254_740_992.0;

/// What one value of a counter means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// So many parts since the value before.
    Parts(u64),
    /// Nothing can be said: it is the first value, or it went where no machine can count. Counting goes on from here.
    Anew {
        /// True unless it is the first value: parts may be missing, and that is told.
        is_slip: bool,
    },
}

/// A counter, and what it said last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    last: Option<u64>,
    heard: Moment,
    changed: Moment,
    /// False until it counted once: a first step may be a whole box.
    has_counted: bool,
    /// After a restart, what was said before it may be given again.
    #[serde(skip)]
    again: Again,
}

/// Whether what comes may have come before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Again {
    #[default]
    Never,
    /// From the first word after a restart on, for a while.
    Resumed,
    Until(Moment),
}

impl Counter {
    /// Goes on after a restart.
    pub fn resume(&mut self) {
        self.again = Again::Resumed;
    }

    /// The clock was set back.
    pub fn set_back(&mut self, now: Moment) {
        (self.heard, self.changed) = (self.heard.min(now), self.changed.min(now));
    }

    /// A batch that was kept and not settled before a kill comes a second time: its values lie a little under the last
    /// one that is known, and lead up to it.
    fn is_given_again(&mut self, value: u64, at: Moment, cycle_ns: u64) -> bool {
        let until = match self.again {
            Again::Never => return false,
            Again::Resumed => at.plus(AGAIN_WITHIN),
            Again::Until(until) => until,
        };
        self.again = Again::Until(until);
        let behind = self.last.map_or(0, |last| last.saturating_sub(value));
        let most = AGAIN_WITHIN.as_nanos() * u128::from(FASTER_MAX);
        let is_again = at <= until && behind > 0 && u128::from(behind) * u128::from(cycle_ns) <= most;
        if !is_again {
            self.again = Again::Never;
        }
        is_again
    }

    /// How many parts more. `max` is its highest value before 0; `cycle_ns` how long a part takes at best.
    pub fn hear(&mut self, value: f64, at: Moment, max: Option<u64>, cycle_ns: u64) -> Counted {
        if !(0.0..=VALUE_MAX).contains(&value) {
            return Counted::Anew { is_slip: true };
        }
        let value = value.round() as u64;
        if self.is_given_again(value, at, cycle_ns) {
            return Counted::Parts(0);
        }
        let counted = match self.last {
            None => Counted::Anew { is_slip: false },
            Some(last) => self.step(last, value, at, max, cycle_ns),
        };
        self.has_counted |= matches!(counted, Counted::Parts(1..));
        if self.last != Some(value) {
            self.changed = at;
        }
        (self.last, self.heard) = (Some(value), at);
        counted
    }

    /// When it last said anything.
    pub fn heard(&self) -> Moment {
        self.heard
    }

    fn step(&self, last: u64, value: u64, at: Moment, max: Option<u64>, cycle_ns: u64) -> Counted {
        let is_possible = |parts: u64, since: Moment| {
            let ms = u64::try_from(at.as_ms().saturating_sub(since.as_ms())).unwrap_or(0);
            let most = u128::from(ms) * u128::from(1_000_000 * FASTER_MAX);
            u128::from(parts.saturating_sub(AT_ONCE)) * u128::from(cycle_ns) <= most
        };
        if value >= last {
            let parts = value - last;
            let is_count = !self.has_counted || is_possible(parts, self.changed);
            return if is_count { Counted::Parts(parts) } else { Counted::Anew { is_slip: true } };
        }
        // Counters that count boxes step seldom and far, so a roll-over has the time since the last step. A reset is
        // seen at once, so it has the time since the last word: who corrects a counter has made no parts.
        let rolled = max.filter(|max| last <= *max).map(|max| (max - last).saturating_add(1 + value));
        match rolled.filter(|parts| is_possible(*parts, self.changed)) {
            Some(parts) => Counted::Parts(parts),
            None if is_possible(value, self.heard) => Counted::Parts(value),
            None => Counted::Anew { is_slip: true },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays values a second apart, with a part a second at best, and draws what is counted: `?` for a slip.
    #[track_caller]
    fn check(max: Option<u64>, values: &[f64], want: &str) {
        let mut counter = Counter::default();
        let drawn = values.iter().zip(1..).map(|(value, second)| {
            match counter.hear(*value, Moment::from_ms(second * 1_000), max, 1_000_000_000) {
                Counted::Parts(parts) => parts.to_string(),
                Counted::Anew { is_slip } => if is_slip { "?" } else { "-" }.to_owned(),
            }
        });
        assert_eq!(drawn.collect::<Vec<_>>().join(" "), want);
    }

    #[test]
    fn what_is_given_again_after_a_restart_is_not_counted_again() {
        let mut counter = Counter::default();
        let hear = |counter: &mut Counter, value: f64, second: i64| {
            counter.hear(value, Moment::from_ms(second * 1_000), None, 1_000_000_000)
        };
        for (value, second) in [(100.0, 1), (101.0, 2), (102.0, 3), (103.0, 4)] {
            hear(&mut counter, value, second);
        }
        counter.resume();
        let again: Vec<Counted> =
            [101.0, 102.0, 103.0, 104.0].map(|value| hear(&mut counter, value, 6)).to_vec();
        let parts = [0, 0, 0, 1].map(Counted::Parts);
        assert_eq!(again, parts);
        // Later, a step back is what it always was.
        assert_eq!(hear(&mut counter, 99.0, 8), Counted::Anew { is_slip: true });
    }

    #[test]
    fn counts_through_roll_over_and_reset() {
        check(None, &[5.0, 6.0, 6.0, 8.0], "- 1 0 2");
        check(Some(9_999), &[9_997.0, 9_999.0, 1.0, 2.0], "- 2 2 1");
        check(Some(65_535), &[400.0, 402.0, 0.0, 1.0], "- 2 0 1");
        check(None, &[400.0, 402.0, 1.0, 2.0], "- 2 1 1");
    }

    #[test]
    fn a_value_that_nobody_can_have_counted_is_told_and_not_counted() {
        // A correction by hand, a slip of the wire, no number.
        check(None, &[1_000.0, 1_001.0, 950.0, 951.0], "- 1 ? 1");
        check(None, &[10.0, 11.0, 65_535.0, 12.0, 13.0], "- 1 ? ? 1");
        check(None, &[10.0, f64::NAN, -1.0, 12.0], "- ? ? 2");
    }
}
