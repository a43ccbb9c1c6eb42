//! A value that must change, such as the life bit of a controller: it may be read well and still stand for a program
//! that has stopped. Silence, when nothing is read at all, is judged by `stale`.

use std::time::Duration;

use contract::settings::Wait;
use contract::{Check, Fault, Moment, Origin};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Level, Verdict};
use crate::reading::Reading;

/// `[….rule.heartbeat.<name>]`: a tag whose value must change.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The tag that beats: a bit that toggles, a number that counts up, whatever changes.
    pub tag: String,
    /// Abnormal after this long without a change, whether or not anything is read.
    pub every: Wait,
    /// So many changes in a row, each in time, before it is over: a controller that starts may beat once and stop.
    #[serde(default = "beats")]
    pub beats: u8,
}

fn beats() -> u8 {
    1
}

impl Section {
    /// The tags that it hears, in the order of `which`.
    pub fn tags(&self) -> Vec<&str> {
        vec![&self.tag]
    }
}

impl Check for Section {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.every < Wait::secs(1) {
            faults.push(Fault::at("every", "shorter than a second, expected at least `1s`"));
        }
        if self.beats == 0 {
            faults.push(Fault::at("beats", "found 0, expected at least 1"));
        }
        faults
    }
}

/// The rule at work: the last value, and when it last changed by our own clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Heartbeat {
    every: Duration,
    beats: u8,
    value: Option<f64>,
    beaten: Moment,
    /// Not abnormal before this: its source was away.
    not_before: Moment,
    is_granted: bool,
    /// While abnormal, how many beats are missing before it is over.
    missing: u8,
}

impl Heartbeat {
    /// The rule of a section that passed its check, from `now` on: whoever starts us is given the time to beat.
    pub fn new(section: &Section, now: Moment) -> Heartbeat {
        Heartbeat {
            every: section.every.0,
            beats: section.beats,
            value: None,
            beaten: now,
            not_before: now,
            is_granted: false,
            missing: 0,
        }
    }

    /// A reading came. Only a change is a beat; the first value and the last word of a broker are none, and a bad
    /// value takes nothing back.
    pub fn hear(&mut self, _which: usize, reading: &Reading) -> Option<Verdict> {
        let value = reading.value?;
        let is_change = self.value.replace(value).is_some_and(|before| before != value);
        if !is_change || reading.origin == Origin::Retained {
            return self.tick(reading.received);
        }
        // A beat that came too late is the first of a new row.
        if reading.received >= self.due_at() {
            self.missing = self.beats;
        }
        self.missing = self.missing.saturating_sub(1);
        self.beaten = self.beaten.max(reading.received);
        self.is_granted = false;
        Some(self.verdict(reading.received))
    }

    /// What the passing of time means: nothing new until it is due.
    pub fn tick(&mut self, now: Moment) -> Option<Verdict> {
        (now >= self.due_at()).then(|| {
            self.missing = self.beats;
            Verdict::Level(Level(1))
        })
    }

    fn verdict(&self, now: Moment) -> Verdict {
        Verdict::Level(Level(u8::from(self.missing > 0 || now >= self.due_at())))
    }

    fn due_at(&self) -> Moment {
        self.beaten.plus(self.every).max(self.not_before)
    }

    /// When it will be abnormal, if nothing changes; `None` while it is.
    pub fn due(&self) -> Option<Moment> {
        (self.missing == 0).then(|| self.due_at())
    }

    /// Its source is back: it is given its time once.
    pub fn grant(&mut self, now: Moment) {
        if !self.is_granted {
            self.not_before = now.plus(self.every);
            self.is_granted = true;
        }
    }

    /// The clock was set: when it last changed has no time any more.
    pub fn start_anew(&mut self, now: Moment) {
        (self.beaten, self.not_before) = (now, now);
    }

    /// Goes on from a level that was reached before a restart.
    pub fn resume(&mut self, level: Level) {
        self.missing = if level > Level::NORMAL { self.beats } else { 0 };
    }

    /// The value that does not change.
    pub fn value(&self) -> Option<f64> {
        self.value
    }

    /// When it last changed, by our own clock.
    pub fn beaten(&self) -> Moment {
        self.beaten
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::bound::draw;
    use crate::rule::order::reading;

    fn heartbeat(text: &str) -> Heartbeat {
        let section: Section = toml::from_str(&format!("tag = 't'\n{text}")).unwrap();
        assert_eq!(section.check(), [], "{text}");
        Heartbeat::new(&section, Moment::from_ms(0))
    }

    /// Plays one second for each character: a value, `x` a bad one, a blank for no reading.
    #[track_caller]
    fn check(text: &str, values: &str, want: &str) {
        let mut heart = heartbeat(text);
        let mut drawn = String::new();
        for (secs, what) in (0..).zip(values.chars()) {
            drawn.push(draw(match what {
                ' ' => heart.tick(Moment::from_ms(secs * 1_000)),
                what => heart.hear(0, &reading(secs * 1_000, what.to_digit(10).map(f64::from))),
            }));
        }
        assert_eq!(drawn, want, "{text}");
    }

    #[test]
    fn a_value_that_is_read_and_does_not_change_is_a_stopped_heart() {
        check("every = '3s'", "01001111101", "-..-.--11..");
        check("every = '3s'", "01    10", "-.--111.");
        check("every = '3s'", "01xxxx0", "-.----.");
        // The first value, from nobody knows when, is no beat.
        check("every = '3s'", "    1110", "---1111.");
    }

    #[test]
    fn several_beats_in_a_row_end_it() {
        check("every = '3s'\nbeats = 3", "010    10101", "-..--1111...");
        check("every = '3s'\nbeats = 2", "01    0    10", "-.--111--111.");
    }

    #[test]
    fn a_broker_that_remembers_is_no_heart() {
        let mut heart = heartbeat("every = '3s'");
        heart.hear(0, &reading(0, Some(0.0)));
        let retained = Reading { origin: Origin::Retained, ..reading(2_000, Some(1.0)) };
        assert_eq!(heart.hear(0, &retained), None);
        assert_eq!(heart.due(), Some(Moment::from_ms(3_000)));
    }

    #[test]
    fn whoever_comes_back_is_given_time_once() {
        let mut heart = heartbeat("every = '3s'");
        heart.grant(Moment::from_ms(2_000));
        assert_eq!(heart.due(), Some(Moment::from_ms(5_000)));
        heart.grant(Moment::from_ms(4_000));
        assert_eq!(draw(heart.tick(Moment::from_ms(5_000))), '1');
        assert_eq!(heart.due(), None);
    }

    #[test]
    fn says_what_cannot_be() {
        let section: Section = toml::from_str("tag = 't'\nevery = '10ms'\nbeats = 0").unwrap();
        let keys: Vec<String> = section.check().into_iter().map(|fault| fault.key).collect();
        assert_eq!(keys, ["every", "beats"]);
    }
}
