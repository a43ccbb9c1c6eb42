//! A counter of a machine: how many parts more, through its roll-over, a reset and a slip.

use contract::Moment;
use serde::{Deserialize, Serialize};

/// A step of more parts than so many times what the ideal rate gives is no count: somebody set the counter.
const FASTER_MAX: u64 = 4;

/// So many parts may come at once, however short the time.
const AT_ONCE: u64 = 2;

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
}

impl Counter {
    /// How many parts more. `max` is its highest value before 0; `cycle_ns` how long a part takes at best.
    pub fn hear(&mut self, value: f64, at: Moment, max: Option<u64>, cycle_ns: u64) -> Counted {
        if !(0.0..=VALUE_MAX).contains(&value) {
            return Counted::Anew { is_slip: true };
        }
        let value = value.round() as u64;
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
