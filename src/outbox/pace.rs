//! A bucket of tokens: so many at once, one more every so often. Time is an argument.

use std::time::Duration;

use contract::{Moment, Pace};

/// How much may still be said now.
#[derive(Debug, Clone)]
pub struct Bucket {
    pace: Pace,
    tokens: u32,
    /// When the last token came in.
    filled: Moment,
}

impl Bucket {
    /// A full bucket.
    pub fn new(pace: Pace, now: Moment) -> Bucket {
        Bucket { pace, tokens: pace.burst.max(1), filled: now }
    }

    /// Takes one token, if there is one.
    pub fn take(&mut self, now: Moment) -> bool {
        self.fill(now);
        let is_there = self.tokens > 0;
        self.tokens -= u32::from(is_there);
        is_there
    }

    /// When the next token will be there; `now` if one is.
    pub fn due(&mut self, now: Moment) -> Moment {
        self.fill(now);
        if self.tokens > 0 { now } else { self.filled.plus(self.refill()) }
    }

    fn refill(&self) -> Duration {
        self.pace.refill.max(Duration::from_millis(1))
    }

    fn fill(&mut self, now: Moment) {
        let full = self.pace.burst.max(1);
        if now < self.filled {
            // The clock went back: the bucket does not wait for it.
            self.filled = now;
        }
        let came = now.since(self.filled).as_millis() / self.refill().as_millis();
        let came = u32::try_from(came).unwrap_or(u32::MAX);
        if self.tokens.saturating_add(came) >= full {
            self.tokens = full;
            self.filled = now;
        } else {
            self.tokens += came;
            self.filled = self.filled.plus(self.refill() * came);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_one_at_a_time() {
        let at = Moment::from_ms;
        let mut bucket = Bucket::new(Pace { burst: 2, refill: Duration::from_millis(100) }, at(0));
        assert_eq!(
            [0, 0, 0, 99, 100, 100].map(|ms| bucket.take(at(ms))),
            [true, true, false, false, true, false]
        );
        assert_eq!(bucket.due(at(150)), at(200));
        assert_eq!([10_000, 10_000, 10_000].map(|ms| bucket.take(at(ms))), [true, true, false]);
        assert!(!bucket.take(at(-5_000)));
        assert_eq!(bucket.due(at(-5_000)), at(-4_900));
    }
}
