//! How much there was in the last hours of a time that counts, such as the time a machine ran.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The window moves on in so many steps.
const STEPS: u64 = 12;

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Step {
    amount: f64,
    time_ms: u64,
}

/// A rate over the last so much time. Time that does not count, such as a stop or a night, is not in it: after a
/// week-end the rate is still that of Friday evening.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    window_ms: u64,
    /// Full steps, the oldest first.
    steps: VecDeque<Step>,
    now: Step,
}

impl Pace {
    /// A rate over so much time.
    pub fn new(window: Duration) -> Pace {
        let window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX).max(STEPS);
        Pace { window_ms, steps: VecDeque::new(), now: Step::default() }
    }

    /// Some time that counts went by. What came in it is added after it.
    pub fn pass(&mut self, time: Duration) {
        self.pass_ms(u64::try_from(time.as_millis()).unwrap_or(0));
    }

    pub(super) fn window_ms(&self) -> u64 {
        self.window_ms
    }

    pub(super) fn pass_ms(&mut self, time_ms: u64) {
        if self.now.time_ms >= self.window_ms / STEPS {
            self.begin_step();
        }
        self.now.time_ms = self.now.time_ms.saturating_add(time_ms);
    }

    fn begin_step(&mut self) {
        self.steps.push_back(std::mem::take(&mut self.now));
        let mut all: u64 = self.steps.iter().map(|step| step.time_ms).sum();
        while let Some(oldest) = self.steps.front().filter(|oldest| all - oldest.time_ms >= self.window_ms) {
            all -= oldest.time_ms;
            self.steps.pop_front();
        }
    }

    /// So much came in it.
    pub fn add(&mut self, amount: f64) {
        self.now.amount += amount;
    }

    /// How much in an hour; none before a twelfth of the window has gone by.
    pub fn per_hour(&self) -> Option<f64> {
        let all = self.steps.iter().chain([&self.now]);
        let (amount, time_ms) =
            all.fold((0.0, 0), |(amount, time), step| (amount + step.amount, time + step.time_ms));
        (time_ms >= self.window_ms / STEPS).then(|| amount * 3_600e3 / time_ms as f64)
    }

    /// Another product, another rate.
    pub fn start_anew(&mut self) {
        self.steps.clear();
        self.now = Step::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_rate_is_forgotten_within_the_window() {
        let mut pace = Pace::new(Duration::from_secs(3_600));
        let mut minutes = |count: u32, parts: f64| {
            for _ in 0..count {
                pace.pass(Duration::from_secs(60));
                pace.add(parts);
            }
            pace.per_hour().map(f64::round)
        };
        assert_eq!(minutes(4, 25.0), None);
        assert_eq!(minutes(6, 25.0), Some(1_500.0));
        assert_eq!(minutes(120, 22.0), Some(1_320.0));
        pace.start_anew();
        assert_eq!(pace.per_hour(), None);
    }
}
