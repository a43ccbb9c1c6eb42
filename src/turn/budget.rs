//! Stories are few: each machine may tell so many a day.

use std::collections::BTreeMap;

use contract::Moment;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// What one speaker told today.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Told {
    /// The day, by the clock on the wall: `2026-11-24`.
    day: String,
    count: u32,
    /// What was not told for want of room, since the last summary.
    held: u32,
}

/// The budgets of all speakers, by their keys.
#[derive(Debug)]
pub(super) struct Budgets {
    zone: TimeZone,
    per_day: u32,
    told: BTreeMap<String, Told>,
    is_unkept: bool,
}

impl Budgets {
    pub(super) fn new(zone: TimeZone, per_day: u32) -> Budgets {
        Budgets { zone, per_day, told: BTreeMap::new(), is_unkept: false }
    }

    /// Goes on with what was kept; `None` if it cannot be read.
    pub(super) fn resume(&mut self, saved: &str) -> Option<()> {
        self.told = serde_json::from_str(saved).ok()?;
        Some(())
    }

    /// Goes on with what was told under another configuration.
    pub(super) fn inherit(&mut self, old: Budgets) {
        (self.told, self.is_unkept) = (old.told, old.is_unkept);
    }

    /// Is there room for one more story of this speaker today?
    pub(super) fn has_room(&self, speaker: &str, now: Moment) -> bool {
        let told = self.told.get(speaker).filter(|told| told.day == self.day(now));
        told.is_none_or(|told| told.count < self.per_day)
    }

    /// One more is told.
    pub(super) fn tell(&mut self, speaker: &str, now: Moment) {
        self.today(speaker, now).count += 1;
    }

    /// One is not told: there is no room.
    pub(super) fn hold(&mut self, speaker: &str, now: Moment) {
        self.today(speaker, now).held += 1;
    }

    /// How many were not told since this was last asked.
    pub(super) fn take_held(&mut self, speaker: &str, now: Moment) -> u32 {
        std::mem::take(&mut self.today(speaker, now).held)
    }

    fn today(&mut self, speaker: &str, now: Moment) -> &mut Told {
        self.is_unkept = true;
        let day = self.day(now);
        let told = self.told.entry(speaker.to_owned()).or_default();
        if told.day != day {
            *told = Told { day, count: 0, held: told.held };
        }
        told
    }

    fn day(&self, now: Moment) -> String {
        let stamp = jiff::Timestamp::from_millisecond(now.as_ms()).unwrap_or_default();
        let day: Date = self.zone.to_datetime(stamp).date();
        day.to_string()
    }

    pub(super) fn has_changes(&self) -> bool {
        self.is_unkept
    }

    /// What to keep, if it changed since the last call.
    pub(super) fn saved(&mut self) -> Option<String> {
        // A tree of numbers and words is always JSON.
        std::mem::take(&mut self.is_unkept).then(|| serde_json::to_string(&self.told).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_day_has_room_for_so_many_and_the_next_day_again() {
        let mut budgets = Budgets::new(TimeZone::UTC, 2);
        let now = Moment::from_ms(1_795_604_400_000);
        for _ in 0..2 {
            assert!(budgets.has_room("line-4", now));
            budgets.tell("line-4", now);
        }
        assert!(!budgets.has_room("line-4", now) && budgets.has_room("line-5", now));
        budgets.hold("line-4", now);
        let saved = budgets.saved().unwrap();
        let mut again = Budgets::new(TimeZone::UTC, 2);
        again.resume(&saved).unwrap();
        assert!(!again.has_room("line-4", now));
        let tomorrow = now.plus(Duration::from_secs(86_400));
        assert!(again.has_room("line-4", tomorrow));
        assert_eq!((again.take_held("line-4", tomorrow), again.take_held("line-4", tomorrow)), (1, 0));
    }
}
