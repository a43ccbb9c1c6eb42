//! Times and durations as people read them, in the time zone of the site. The page's script writes the same
//! words by the same rules, so that the first paint and the living page agree.

use std::time::{Duration, SystemTime};

use contract::Moment;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::words::{Words, fill};

/// A moment for the page: exact for the script, readable without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct When {
    /// Milliseconds since the Unix epoch.
    pub ms: i64,
    /// For the `datetime` attribute.
    pub iso: String,
    /// The time of day, with the date when it is not today.
    pub text: String,
}

/// The clock on the wall of the plant.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    zone: TimeZone,
}

impl Clock {
    /// The clock of an IANA time zone.
    ///
    /// # Errors
    /// The name, when nobody knows it.
    pub fn of(zone: &str) -> Result<Clock, String> {
        let zone = TimeZone::get(zone).map_err(|_| {
            format!("unknown time zone `{zone}`, expected an IANA name such as `Europe/Paris`")
        })?;
        Ok(Clock { zone })
    }

    /// A moment as it is read at another. One that no calendar holds has no words.
    pub fn when(&self, moment: Moment, now: Moment, words: &Words) -> When {
        let ms = moment.as_ms();
        let Ok(stamp) = Timestamp::from_millisecond(ms) else {
            return When { ms, iso: String::new(), text: String::new() };
        };
        let here = stamp.to_zoned_datetime(self.zone.clone());
        let time = format!("{:02}:{:02}", here.hour(), here.minute());
        let text = if self.is_same_day(moment, now) {
            time
        } else {
            let month = &words.months[usize::from(here.month().unsigned_abs() - 1) % 12];
            let day = format!("{:02}", here.day());
            fill(&words.date_time, &[("day", &day), ("month", month), ("time", &time)])
        };
        When { ms, iso: stamp.to_string(), text }
    }

    /// The end of a span, which says its date only when it is not that of the beginning.
    pub fn until(&self, from: Moment, to: Moment, now: Moment, words: &Words) -> When {
        self.when(to, if self.is_same_day(from, to) { from } else { now }, words)
    }

    fn is_same_day(&self, one: Moment, other: Moment) -> bool {
        let day = |moment: Moment| {
            let stamp = Timestamp::from_millisecond(moment.as_ms()).ok()?;
            Some(stamp.to_zoned_datetime(self.zone.clone()).date())
        };
        day(one).is_some_and(|date| day(other) == Some(date))
    }
}

/// "18 min", "1 h 05", "2 d 3 h".
pub(crate) fn lasted(duration: Duration, words: &Words) -> String {
    let minutes = duration.as_secs() / 60;
    let (hours, days) = (minutes / 60, minutes / 1440);
    match minutes {
        0 => words.under_minute.clone(),
        1..60 => fill(&words.minutes, &[("m", &minutes.to_string())]),
        60..1440 => fill(&words.hours, &[("h", &hours.to_string()), ("m", &format!("{:02}", minutes % 60))]),
        _ => fill(&words.days, &[("d", &days.to_string()), ("h", &(hours % 24).to_string())]),
    }
}

/// What the clock of this machine says. Only the edges of the wall ask.
pub(crate) fn now() -> Moment {
    Moment::from_system(SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_ms(1_763_991_060_000); // 2025-11-24 14:31 in Paris

    #[track_caller]
    fn check(language: &str, minutes_ago: u64, want: &str) {
        let (words, _) = Words::of(language).unwrap();
        let moment = NOW.minus(Duration::from_secs(60 * minutes_ago));
        assert_eq!(Clock::of("Europe/Paris").unwrap().when(moment, NOW, &words).text, want);
    }

    #[test]
    fn the_date_is_said_only_when_it_is_not_today() {
        check("fr", 19, "14:12");
        check("fr", 871, "00:00");
        check("fr", 872, "23/11 23:59");
        check("en", 872, "23\u{a0}Nov 23:59");
    }

    #[test]
    fn a_span_says_its_date_once() {
        let (words, _) = Words::of("fr").unwrap();
        let clock = Clock::of("Europe/Paris").unwrap();
        let [noon, later] = [1200, 1100].map(|ago| NOW.minus(Duration::from_secs(60 * ago)));
        assert_eq!(clock.until(noon, later, NOW, &words).text, "20:11");
        assert_eq!(clock.until(noon, NOW, NOW, &words).text, "14:31");
        assert_eq!(
            clock.until(noon.minus(Duration::from_secs(86_400)), later, NOW, &words).text,
            "23/11 20:11"
        );
    }

    #[test]
    fn the_clock_of_the_plant_counts_not_that_of_the_machine() {
        let (words, _) = Words::of("en").unwrap();
        assert_eq!(Clock::of("America/Montreal").unwrap().when(NOW, NOW, &words).text, "08:31");
        assert!(Clock::of("Vitré").is_err());
    }

    #[test]
    fn a_moment_outside_any_calendar_is_no_panic() {
        let (words, _) = Words::of("en").unwrap();
        let clock = Clock::of("UTC").unwrap();
        assert_eq!(clock.when(Moment::from_ms(i64::MIN), NOW, &words).text, "");
    }

    #[test]
    fn durations_are_short() {
        let (words, _) = Words::of("fr").unwrap();
        let said = |minutes: u64| lasted(Duration::from_secs(60 * minutes), &words).replace('\u{a0}', " ");
        assert_eq!([0, 18, 65, 1440 * 2 + 185].map(said), ["< 1 min", "18 min", "1 h 05", "2 j 3 h"]);
    }
}
