//! A story at a time of the site: the end of a shift, of a day, of a week.
//!
//! Times are those of the clock on the wall. One that is skipped when summer begins is told as much later as the
//! clock was put forward; one that comes twice when winter begins is told the first time.
//!
//! Deliberately absent: what is told. A story is about the span that it closes; others find the figures for it.

use std::time::Duration;

use contract::settings::Words;
use contract::{Check, Fault, Moment};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// More times a day is no shift.
const TIMES_MAX: usize = 24;

/// What was missed is told if it is not older: a shift that ended while the gateway was restarted is still news.
const LATE_MAX: Duration = Duration::from_secs(4 * 3_600);

/// Set back by more, a clock was wrong: what it made us tell is told anew.
const FAR_AHEAD: Duration = Duration::from_secs(24 * 3_600);

/// Two times lie at most a week apart, less what the clocks change: days to look at, with the day of today twice.
const DAYS_AHEAD: i64 = 9;

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the days need no words")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// A time of the clock on the wall: `"05:30"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "String", extend("pattern" = r"^([01][0-9]|2[0-3]):[0-5][0-9]$", "examples" = ["05:30", "21:00"]))]
pub struct Clock {
    hour: i8,
    minute: i8,
}

impl Clock {
    /// Reads `"05:30"`.
    fn parse(text: &str) -> Option<Clock> {
        let is_number = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let (hour, minute) =
            text.split_once(':').filter(|(hour, minute)| is_number(hour) && is_number(minute))?;
        let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
        ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some(Clock { hour, minute })
    }
}

impl<'de> Deserialize<'de> for Clock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Clock, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom(format!("invalid time `{text}`, expected such as `05:30`"));
        Clock::parse(&text).ok_or_else(wrong)
    }
}

/// What ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// A shift: one for each of the times.
    #[default]
    Shift,
    /// A day.
    Day,
    /// A week.
    Week,
}

/// `[….rule.schedule.<name>]`: a story at a time of the site.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// What ends: `shift`, `day` or `week`.
    #[serde(default)]
    pub end_of: Span,
    /// When it is told, in the time zone of the site: `["05:00", "13:00", "21:00"]`.
    pub at: Vec<Clock>,
    /// On these days. Without it, every day.
    #[serde(default)]
    pub days: Vec<Day>,
    /// The tags whose figures are told, in this order.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What begins the story, for each language: `Équipe du matin`.
    #[serde(default)]
    pub say: Words,
}

impl Section {
    /// The tags that it hears, in the order of `which`.
    pub fn tags(&self) -> Vec<&str> {
        self.tags.iter().map(String::as_str).collect()
    }
}

impl Check for Section {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        match self.at.len() {
            0 => faults.push(Fault::at("at", "empty, expected at least one time: `05:30`")),
            1 => {}
            _ if self.end_of != Span::Shift => {
                faults.push(Fault::at("at", "several times, expected one end of a day or a week"));
            }
            count if count > TIMES_MAX => {
                faults.push(Fault::at("at", format!("{count} times, expected {TIMES_MAX} at most")));
            }
            _ => {}
        }
        for (at, time) in self.at.iter().enumerate() {
            if self.at[..at].contains(time) {
                faults.push(Fault::at(format!("at.{at}"), "a second time"));
            }
        }
        if self.end_of == Span::Week && self.days.len() != 1 {
            faults.push(Fault::at("days", "a week ends once, expected one day: `[\"mon\"]`"));
        }
        for (at, day) in self.days.iter().enumerate() {
            if self.days[..at].contains(day) {
                faults.push(Fault::at(format!("days.{at}"), "a second time"));
            }
        }
        faults
    }
}

/// A span that is over, to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occasion {
    /// When it began: the time before, even of a day on which nothing is told; of a week, a week before.
    pub from: Moment,
    /// When it ended.
    pub to: Moment,
}

/// What must outlive a restart: the end of the last span that was told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Saved {
    told: Moment,
}

type Days = [bool; 7];

/// The rule at work.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    zone: TimeZone,
    /// In the order of the day.
    times: Box<[Clock]>,
    /// On which days something ends, and on which something begins, Monday first.
    days: Days,
    begins: Days,
    told: Moment,
    next: Option<Moment>,
    is_changed: bool,
}

impl Schedule {
    /// The rule of a section that passed its check, on a site in this time zone: the first time after `now` is its
    /// first.
    pub fn new(section: &Section, zone: TimeZone, now: Moment) -> Schedule {
        let mut times = section.at.clone();
        times.sort_unstable();
        let mut days = [section.days.is_empty(); 7];
        for day in &section.days {
            days[*day as usize] = true;
        }
        // A shift that ends on Monday morning began on Sunday evening, whether or not its end was told.
        let begins = if section.end_of == Span::Week { days } else { [true; 7] };
        let times = times.into();
        let mut schedule = Schedule { zone, times, days, begins, told: now, next: None, is_changed: false };
        schedule.next = schedule.after(now);
        schedule
    }

    /// Time went by: the span that is over, once. Of several that were missed the last one, and none that is long
    /// past.
    pub fn tick(&mut self, now: Moment) -> Option<Occasion> {
        self.next.filter(|next| *next <= now)?;
        let to = self.before(now.plus(Duration::from_millis(1)), self.days);
        self.next = self.after(now);
        let to = to.filter(|to| now.since(*to) <= LATE_MAX && *to > self.told)?;
        (self.told, self.is_changed) = (to, true);
        Some(Occasion { from: self.before(to, self.begins)?, to })
    }

    /// When the next span is over.
    pub fn due(&self) -> Option<Moment> {
        self.next
    }

    /// The clock was set: what was told stays told, and the next time is that of the new clock.
    pub fn start_anew(&mut self, now: Moment) {
        // What was told by a clock far ahead will come, and is to be told then.
        if self.told.since(now) > FAR_AHEAD {
            self.told = now;
        }
        self.next = self.after(now);
    }

    /// What to keep, if something was told since the last call.
    pub fn saved(&mut self) -> Option<String> {
        // A number is always JSON.
        let saved = Saved { told: self.told };
        std::mem::take(&mut self.is_changed).then(|| serde_json::to_string(&saved).ok()).flatten()
    }

    /// Goes on from what was kept: what ended since is still to be told.
    ///
    /// # Errors
    /// What was kept cannot be read.
    pub fn resume(&mut self, saved: &str) -> Result<(), serde_json::Error> {
        let saved: Saved = serde_json::from_str(saved)?;
        self.told = self.told.min(saved.told);
        self.next = self.after(self.told);
        Ok(())
    }

    /// The first time after this moment.
    fn after(&self, moment: Moment) -> Option<Moment> {
        self.around(moment, 1, self.days).find(|at| *at > moment)
    }

    /// The last time before this moment.
    fn before(&self, moment: Moment, days: Days) -> Option<Moment> {
        self.around(moment, -1, days).find(|at| *at < moment)
    }

    /// The times from the day before this moment on or, with `step` -1, from the day after it back.
    fn around(&self, moment: Moment, step: i64, on: Days) -> impl Iterator<Item = Moment> {
        let stamp = jiff::Timestamp::from_millisecond(moment.as_ms()).unwrap_or_default();
        let today = self.zone.to_datetime(stamp).date();
        (-1..DAYS_AHEAD).flat_map(move |days| {
            let date = today.checked_add(jiff::Span::new().days(days * step)).ok();
            let date = date.filter(|date| on[date.weekday().to_monday_zero_offset() as usize]);
            let count = if date.is_some() { self.times.len() } else { 0 };
            (0..count).filter_map(move |at| {
                let at = if step > 0 { at } else { count - 1 - at };
                self.moment(date?, self.times[at])
            })
        })
    }

    fn moment(&self, date: Date, clock: Clock) -> Option<Moment> {
        let time = Time::new(clock.hour, clock.minute, 0, 0).ok()?;
        let stamp = self.zone.to_timestamp(date.to_datetime(time)).ok()?;
        Some(Moment::from_ms(stamp.as_millisecond()))
    }
}

#[cfg(test)]
#[path = "schedule/tests.rs"]
mod tests;
