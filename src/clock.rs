//! One clock for the whole program: it keeps the pace of the monotonic clock between two looks at the system's, so
//! that a small correction never makes time go back, and says when the system's clock was set.

use std::time::{Duration, Instant, SystemTime};

use contract::Moment;

/// A smaller difference is a correction, a larger one a clock that was set.
const STEP_MIN: Duration = Duration::from_secs(2);

/// The time of day, as the program sees it.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    wall: Moment,
    at: Instant,
}

impl Clock {
    /// The clock of the system, from now on.
    pub fn start() -> Clock {
        Clock { wall: Moment::from_system(SystemTime::now()), at: Instant::now() }
    }

    /// Now.
    pub fn now(&self) -> Moment {
        self.wall.plus(self.at.elapsed())
    }

    /// Looks at the system's clock; true if it was set since the last look.
    pub fn look(&mut self) -> bool {
        self.follow(Moment::from_system(SystemTime::now()), Instant::now())
    }

    fn follow(&mut self, system: Moment, at: Instant) -> bool {
        let ours = self.wall.plus(at.saturating_duration_since(self.at));
        let is_step = system.since(ours).max(ours.since(system)) >= STEP_MIN;
        if is_step || system > ours {
            (self.wall, self.at) = (system, at);
        }
        is_step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_corrections_never_go_back_and_a_step_is_told() {
        let at = Instant::now();
        let mut clock = Clock { wall: Moment::from_ms(1_000_000), at };
        let later = at + Duration::from_secs(10);
        assert!(!clock.follow(Moment::from_ms(1_009_000), later), "a second behind");
        assert_eq!(clock.wall.plus(later - clock.at), Moment::from_ms(1_010_000));
        assert!(!clock.follow(Moment::from_ms(1_011_500), later));
        assert_eq!(clock.wall, Moment::from_ms(1_011_500));
        assert!(clock.follow(Moment::from_ms(0), later), "set back");
        assert_eq!(clock.wall, Moment::from_ms(0));
    }
}
