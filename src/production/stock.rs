//! How long a stock lasts at the present rate.

use std::time::Duration;

use contract::Moment;
use serde::{Deserialize, Serialize};

use super::pace::Pace;
use crate::shift::Calendar;

/// How much of a stock is used, seen from its level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    pace: Pace,
    /// A rise of so much is a delivery, in the unit of the level.
    delivery_min: f64,
    latest: Option<(f64, Moment)>,
}

impl Usage {
    /// The usage over the last so much planned time. A rise of the level by `delivery_min` or more is a delivery and
    /// no use; smaller ones are the noise of a scale, and cancel out.
    pub fn new(over: Duration, delivery_min: f64) -> Usage {
        Usage { pace: Pace::new(over), delivery_min, latest: None }
    }

    /// The stock is this much at `at`; `None` where that cannot be trusted.
    pub fn hear(&mut self, at: Moment, level: Option<f64>, calendar: &Calendar) {
        let Some(level) = level.filter(|level| level.is_finite()) else { return };
        if let Some((before, since)) = self.latest {
            if at < since {
                return;
            }
            self.pace.pass(calendar.planned_time(since, at));
            let used = before - level;
            if used > -self.delivery_min {
                self.pace.add(used);
            }
        }
        self.latest = Some((level, at));
    }

    /// How much is used in an hour of planned time, in the unit of the level; none while too little is known.
    pub fn per_hour(&self) -> Option<f64> {
        self.pace.per_hour()
    }

    /// The latest level and its moment.
    pub fn latest(&self) -> Option<(f64, Moment)> {
        self.latest
    }

    /// When the stock will be used up at the present rate.
    pub fn reach(&self, calendar: &Calendar) -> Option<Moment> {
        let (level, at) = self.latest?;
        reach(level, self.per_hour()?, at, calendar)
    }
}

/// When a stock that was `level` at `at` is used up, with so much use in an hour of planned time. None where it is not
/// used, or lasts for more than 400 days.
pub fn reach(level: f64, per_hour: f64, at: Moment, calendar: &Calendar) -> Option<Moment> {
    let is_used = per_hour > 0.0 && level.is_finite();
    // Beyond, the calendar would not find an end.
    let ms = (level.max(0.0) * 3_600e3 / per_hour).round().min(1e14);
    is_used.then(|| calendar.after(at, Duration::from_millis(ms as u64))).flatten()
}
