//! What is usual for a tag at this hour of the week, from its own last four weeks.
//!
//! For each of the 168 hours of a week, the mean and the deviation of that hour in each of the last four weeks. What
//! is usual is the median of the means, so that one odd week changes little. Less than 7 kB for a tag, at any rate.
//!
//! Deliberately absent: people and shifts. A machine is compared with itself alone.

use contract::Moment;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::rate::median;

/// How many weeks are kept.
pub const WEEKS: usize = 4;

/// The hours of a week.
pub const HOURS: usize = 168;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A median absolute deviation, times this, is a standard deviation where errors are normal.
const MAD_TO_DEVIATION: f64 = 1.482_6;

/// No machine is so steady that less than this share of its value is unusual.
const SPREAD_MIN: f64 = 0.01;

/// What is usual now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    /// The value in the middle, in the unit of the tag.
    pub value: f64,
    /// A standard deviation around it: inside an hour, or from week to week, whichever is larger.
    pub spread: f64,
    /// From how many weeks.
    pub weeks: usize,
}

/// One hour of one week.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Hour {
    /// Which week, counted from 1970; 0 where nothing is known.
    week: u16,
    mean: f32,
    deviation: f32,
}

/// The hour that is not over yet (Welford 1962).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Running {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Running {
    fn add(&mut self, value: f64) {
        self.count += 1;
        let off = value - self.mean;
        self.mean += off / self.count as f64;
        self.squares += off * (value - self.mean);
    }

    fn hour(&self, week: u16) -> Hour {
        let deviation = (self.squares / self.count as f64).sqrt();
        Hour { week, mean: self.mean as f32, deviation: deviation as f32 }
    }
}

/// What a tag was like, by the hour of the week in the time zone of the site.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    zone: TimeZone,
    /// For each hour of the week, its last four weeks, each at the remainder of its number.
    hours: Box<[[Hour; WEEKS]]>,
    /// The present hour: its number in the week, its week, and from when to when it is.
    now: (usize, u16),
    from: i64,
    until: i64,
    running: Running,
    usual: Option<Usual>,
    /// An hour of the week that must be kept anew.
    changed: Option<usize>,
}

impl Baseline {
    /// A tag of which nothing is known, on a site in this time zone.
    pub fn new(zone: TimeZone) -> Baseline {
        Baseline {
            zone,
            hours: vec![[Hour::default(); WEEKS]; HOURS].into(),
            now: (0, 0),
            from: 0,
            until: 0,
            running: Running::default(),
            usual: None,
            changed: None,
        }
    }

    /// A value came: what was usual at this hour, without it and without this week.
    pub fn learn(&mut self, at: Moment, value: f64) -> Option<Usual> {
        if at.as_ms() < self.from || at.as_ms() >= self.until {
            self.turn(at);
        }
        self.running.add(value);
        self.usual
    }

    /// What is usual at the hour of the last value.
    pub fn usual(&self) -> Option<Usual> {
        self.usual
    }

    /// Another hour began: the one before it is kept, and what is usual is worked out, once.
    fn turn(&mut self, at: Moment) {
        let (hour, week) = self.now;
        // After the clock was set back, the hour that was begun is none.
        if self.running.count > 0 && at.as_ms() >= self.until {
            self.hours[hour][usize::from(week) % WEEKS] = self.running.hour(week);
            self.changed = Some(hour);
        }
        self.running = Running::default();
        self.enter(at);
        self.usual = self.work_out();
    }

    /// Which hour of which week it is there. An hour that comes twice when winter begins is taken as its second.
    fn enter(&mut self, at: Moment) {
        let stamp = jiff::Timestamp::from_millisecond(at.as_ms()).unwrap_or_default();
        let local = at.as_ms().saturating_add(i64::from(self.zone.to_offset(stamp).seconds()) * 1_000);
        // 1970 began on a Thursday, three days into its week.
        let days = local.div_euclid(DAY_MS) + 3;
        let hour = days.rem_euclid(7) * 24 + local.rem_euclid(DAY_MS) / HOUR_MS;
        self.now = (
            usize::try_from(hour).unwrap_or(0) % HOURS,
            u16::try_from(days.div_euclid(7)).unwrap_or(u16::MAX),
        );
        self.from = at.as_ms() - local.rem_euclid(HOUR_MS);
        self.until = self.from + HOUR_MS;
    }

    fn work_out(&self) -> Option<Usual> {
        let (hour, week) = self.now;
        let (mut means, mut deviations) = ([0.0; WEEKS], [0.0; WEEKS]);
        let mut weeks = 0;
        let first = week.saturating_sub(WEEKS as u16).max(1);
        for known in self.hours[hour].iter().filter(|known| (first..week).contains(&known.week)) {
            (means[weeks], deviations[weeks]) = (f64::from(known.mean), f64::from(known.deviation));
            weeks += 1;
        }
        if weeks == 0 {
            return None;
        }
        let value = median(&mut means[..weeks]);
        let within = median(&mut deviations[..weeks]);
        means[..weeks].iter_mut().for_each(|mean| *mean = (*mean - value).abs());
        let between = MAD_TO_DEVIATION * median(&mut means[..weeks]);
        Some(Usual { value, spread: within.max(between).max(SPREAD_MIN * value.abs()), weeks })
    }

    /// The hour of the week that must be kept, if one does, and what to keep for it: one row of at most 168.
    pub fn saved(&mut self) -> Option<(usize, String)> {
        let hour = self.changed.take()?;
        // A list of numbers is always JSON.
        Some((hour, serde_json::to_string(&self.hours[hour]).ok()?))
    }

    /// Goes on from what was kept for an hour of the week.
    ///
    /// # Errors
    /// What was kept cannot be read.
    pub fn resume(&mut self, hour: usize, saved: &str) -> Result<(), serde_json::Error> {
        let known = serde_json::from_str(saved)?;
        if let Some(place) = self.hours.get_mut(hour) {
            *place = known;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paris() -> TimeZone {
        TimeZone::get("Europe/Paris").unwrap()
    }

    fn moment(text: &str) -> Moment {
        Moment::from_ms(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    /// Plays a value every ten minutes from one moment to another.
    fn play(baseline: &mut Baseline, from: &str, to: &str, value: impl Fn(i64) -> f64) {
        let (from, to) = (moment(from).as_ms(), moment(to).as_ms());
        for at in (from..to).step_by(600_000) {
            baseline.learn(Moment::from_ms(at), value(at));
        }
    }

    /// 30 by day, 3 by night, by the clock of Paris.
    fn day_and_night(at: i64) -> f64 {
        let zoned = jiff::Timestamp::from_millisecond(at).unwrap().to_zoned_datetime(paris());
        if (6..22).contains(&zoned.hour()) { 30.0 } else { 3.0 }
    }

    #[test]
    fn an_hour_is_like_the_same_hour_of_other_weeks_even_when_the_clocks_change() {
        let mut baseline = Baseline::new(paris());
        // Over the end of summer time, in the night to 25 October 2026.
        play(&mut baseline, "2026-10-05T00:00:00Z", "2026-11-04T00:00:00Z", day_and_night);
        let mut usual = |text: &str| baseline.learn(moment(text), 0.0).unwrap();
        // Six o'clock is five in UTC now, and was four in summer.
        assert_eq!(usual("2026-11-04T04:59:00Z").value, 3.0);
        let six = usual("2026-11-04T05:00:00Z");
        assert_eq!((six.value, six.weeks), (30.0, 4));
        assert!((six.spread - 0.3).abs() < 1e-9);
    }

    #[test]
    fn one_odd_week_changes_little_and_an_old_one_nothing() {
        let mut baseline = Baseline::new(paris());
        for (week, value) in [(2, 10.0), (9, 99.0), (16, 12.0), (23, 11.0)] {
            play(
                &mut baseline,
                &format!("2026-11-{week:02}T08:00:00Z"),
                &format!("2026-11-{week:02}T09:00:00Z"),
                |_| value,
            );
        }
        let usual = baseline.learn(moment("2026-11-30T08:00:00Z"), 99.0).unwrap();
        assert_eq!((usual.value, usual.weeks), (11.5, 4));
        // Two months later, nothing is known of the last four weeks.
        assert_eq!(baseline.learn(moment("2027-01-25T08:00:00Z"), 99.0), None);
    }

    #[test]
    fn what_was_learnt_outlives_a_restart() {
        let mut baseline = Baseline::new(paris());
        let mut next = Baseline::new(paris());
        for week in ["2026-11-09T08:", "2026-11-16T08:"] {
            play(&mut baseline, &format!("{week}00:00Z"), &format!("{week}30:00Z"), |at| {
                (at / 600_000 % 3) as f64
            });
            // The hour of the week before ends only now.
            baseline.saved();
            play(
                &mut baseline,
                &week.replace("T08:", "T09:00:00Z"),
                &week.replace("T08:", "T09:10:00Z"),
                |_| 1.0,
            );
            let (hour, saved) = baseline.saved().unwrap();
            assert_eq!(hour, 9);
            next.resume(hour, &saved).unwrap();
        }
        let ask = |baseline: &mut Baseline| baseline.learn(moment("2026-11-23T08:00:00Z"), 1.0);
        let usual = ask(&mut next).unwrap();
        assert_eq!((Some(usual), usual.weeks, usual.value), (ask(&mut baseline), 2, 1.0));
        assert!((usual.spread - (2.0_f64 / 3.0).sqrt()).abs() < 1e-6);
    }
}
