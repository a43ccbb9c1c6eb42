//! The circuit breaker of one unit: when it may be asked, and when its silence is told. Pure: time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// How a unit answers.
#[derive(Debug, Clone)]
pub struct Breaker {
    /// Silences in a row.
    silences: u32,
    /// Not before: for the next question to a silent unit, and on RTU for a late answer.
    not_before: Option<Instant>,
    /// The trouble was told.
    is_told: bool,
    /// The slowest answer of its better days.
    slowest: Duration,
}

/// What a unit's failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// One of a few.
    Known,
    /// The one at which its trouble is told.
    Told,
}

/// What does not depend on the unit.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Silences until it is told.
    pub silent_max: u32,
    /// From poll to poll.
    pub every: Duration,
    /// The longest pause between two questions.
    pub probe_every: Duration,
}

impl Breaker {
    /// A unit of which nothing bad is known.
    pub fn new() -> Breaker {
        Breaker { silences: 0, not_before: None, is_told: false, slowest: Duration::ZERO }
    }

    /// It answers, as far as is known: it is asked with all others.
    pub fn is_well(&self) -> bool {
        self.silences == 0
    }

    /// Its silence was told.
    pub fn is_open(&self) -> bool {
        self.is_told
    }

    /// It may be asked now.
    pub fn may_ask(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|moment| now >= moment)
    }

    /// How many silences so far.
    pub fn silences(&self) -> u32 {
        self.silences
    }

    /// The slowest answer that is known of it.
    pub fn slowest(&self) -> Duration {
        self.slowest
    }

    /// It answered. True if its trouble had been told: it is over.
    pub fn answered(&mut self, took: Duration) -> bool {
        self.slowest = self.slowest.max(took);
        self.silences = 0;
        self.not_before = None;
        std::mem::take(&mut self.is_told)
    }

    /// An answer may still come until then: it is asked nothing before.
    pub fn quarantine(&mut self, until: Instant) {
        self.not_before = Some(self.not_before.map_or(until, |moment| moment.max(until)));
    }

    /// It did not answer. Each time the pause doubles, up to the longest.
    pub fn silent(&mut self, now: Instant, patience: Patience) -> Failure {
        self.silences = self.silences.saturating_add(1);
        let doublings = self.silences.saturating_sub(patience.silent_max).min(16);
        // Half a period less, so that a pause of one period ends before the next poll.
        let pause = (patience.every * 2_u32.saturating_pow(doublings)).min(patience.probe_every);
        self.quarantine(now + pause.saturating_sub(patience.every / 2));
        if self.silences >= patience.silent_max && !std::mem::replace(&mut self.is_told, true) {
            Failure::Told
        } else {
            Failure::Known
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { silent_max: 3, every: Duration::from_secs(1), probe_every: Duration::from_secs(30) };

    #[test]
    fn silence_is_told_once_and_its_end_once() {
        let start = Instant::now();
        let mut unit = Breaker::new();
        let told: Vec<Failure> = (0..5).map(|_| unit.silent(start, PATIENCE)).collect();
        use Failure::{Known, Told};
        assert_eq!(told, [Known, Known, Told, Known, Known]);
        assert!(unit.answered(Duration::from_millis(20)), "it was told, so its end is told");
        assert!(unit.is_well() && unit.may_ask(start));
        unit.silent(start, PATIENCE);
        assert!(!unit.answered(Duration::ZERO), "one silence was not told");
    }

    #[test]
    fn a_silent_unit_is_asked_more_and_more_rarely() {
        let start = Instant::now();
        let mut unit = Breaker::new();
        let mut pauses = Vec::new();
        for _ in 0..10 {
            unit.silent(start, PATIENCE);
            let pause = (0..60_000).step_by(500).find(|ms| unit.may_ask(start + Duration::from_millis(*ms)));
            pauses.push(pause.unwrap());
        }
        assert_eq!(pauses, [500, 500, 500, 1_500, 3_500, 7_500, 15_500, 29_500, 29_500, 29_500]);
    }

    #[test]
    fn a_late_answer_is_waited_for() {
        let start = Instant::now();
        let mut unit = Breaker::new();
        unit.quarantine(start + Duration::from_secs(2));
        assert!(
            !unit.may_ask(start + Duration::from_secs(1)) && unit.may_ask(start + Duration::from_secs(2))
        );
    }
}
