//! Where a reading stands in time among those before it, and what the clock of its source shows now.
//!
//! Windows are counted in the time of the source, so that an hour of readings that arrives in a second is still an
//! hour. Where time alone must end a window, the present of the source is ours, less what its last reading was late.

use std::time::Duration;

use contract::Moment;

use crate::reading::Reading;

/// The reading room believes no source that is further ahead of us: an older reading after one that is, is a clock
/// that was set back.
const AHEAD_MAX: Duration = Duration::from_secs(5);

/// Where a reading stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At or after all before it.
    Next,
    /// Before one that was heard already.
    Late,
    /// The clock of the source was set back: times before this one mean nothing any more.
    Anew,
}

/// The times of one tag, or of several that are judged together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Order {
    newest: Option<Moment>,
    behind: Duration,
}

impl Order {
    /// Takes note of a reading and says where it stands.
    pub fn place(&mut self, reading: &Reading) -> Place {
        let place = match self.newest {
            Some(newest) if reading.at >= newest => Place::Next,
            Some(newest) if newest > reading.received.plus(AHEAD_MAX) => Place::Anew,
            Some(_) => return Place::Late,
            None => Place::Next,
        };
        self.newest = Some(reading.at);
        self.behind = reading.received.since(reading.at);
        place
    }

    /// The time of the newest reading.
    pub fn newest(&self) -> Option<Moment> {
        self.newest
    }

    /// What the clock of the source shows when ours shows `now`.
    pub fn there(&self, now: Moment) -> Moment {
        now.minus(self.behind)
    }

    /// What our clock shows when that of the source shows `at`.
    pub fn here(&self, at: Moment) -> Moment {
        at.plus(self.behind)
    }
}

/// A live reading of tag 0, heard as it was so, for the tests of all kinds.
#[cfg(test)]
pub fn reading(ms: i64, value: Option<f64>) -> Reading {
    let at = Moment::from_ms(ms);
    let (tag, origin) = (contract::TagId(0), contract::Origin::Live);
    Reading { tag, value, at, received: at, origin, is_timed: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_is_told_from_a_late_reading() {
        let mut order = Order::default();
        let mut place = |at: i64, received: i64| {
            order.place(&Reading { received: Moment::from_ms(received), ..reading(at, None) })
        };
        assert_eq!(place(10_000, 10_500), Place::Next);
        assert_eq!(place(10_000, 10_600), Place::Next);
        assert_eq!(place(9_000, 10_700), Place::Late);
        assert_eq!(place(2_000, 3_000), Place::Anew);
        assert_eq!(order.here(Moment::from_ms(2_000)), Moment::from_ms(3_000));
        assert_eq!(order.there(Moment::from_ms(4_000)), Moment::from_ms(3_000));
    }
}
