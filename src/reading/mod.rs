//! Takes samples, gives readings: which tag, in which unit, how good, from when.
//!
//! Deliberately absent: no clock (arrival is an argument), no network, no judgement.

pub mod list;
pub mod list_section;
pub mod section;
mod states;

use std::time::Duration;

use contract::{Moment, Origin, Quality, Sample, TagId, Value, clean};

pub use list::{List, News};
pub use list_section::{FieldSection, ListSection, Match};
pub use section::TagSection;
pub use states::{StateSection, StatesSection};

/// A source clock may run ahead by this much before it is no longer believed.
const AHEAD_MAX: Duration = Duration::from_secs(5);

/// What a sample means.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Of which tag.
    pub tag: TagId,
    /// The value in the unit of the tag, if it may be trusted.
    pub value: Option<f64>,
    /// When it was so: the time of the source where it gave a credible one, else the arrival.
    pub at: Moment,
    /// When it arrived.
    pub received: Moment,
    /// How it came.
    pub origin: Origin,
    /// True when `at` is the source's own time.
    pub is_timed: bool,
}

/// The latest trusted value of a tag.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latest {
    /// The value, in the unit of the tag.
    pub value: f64,
    /// When it was so.
    pub at: Moment,
}

/// A tag at work: how its samples are read, and what they were.
#[derive(Debug, Clone)]
pub struct Tag {
    scale: f64,
    offset: f64,
    /// From minus to plus infinity where the table says nothing.
    valid: [f64; 2],
    latest: Option<Latest>,
    newest: Option<Moment>,
    tally: Tally,
}

/// What `doctor` tells of a tag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Samples read.
    pub taken: u64,
    /// Samples that could not be trusted.
    pub bad: u64,
    /// Samples older than one before them.
    pub old: u64,
    /// Why the last bad one was bad: what was found, what was expected.
    pub why: Option<Box<str>>,
    /// True while the last sample was bad.
    pub is_bad: bool,
}

impl Tag {
    /// A tag of a section that passed its check.
    pub fn new(section: &TagSection) -> Tag {
        Tag {
            scale: section.scale.unwrap_or(1.0),
            offset: section.offset.unwrap_or(0.0),
            valid: section.valid.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]),
            latest: None,
            newest: None,
            tally: Tally::default(),
        }
    }

    /// What this sample means; `None` when it is older than one that was read before.
    pub fn read(&mut self, sample: Sample, received: Moment) -> Option<Reading> {
        self.tally.taken += 1;
        let at = sample.at.filter(|at| *at <= received.plus(AHEAD_MAX));
        let is_timed = at.is_some();
        let at = at.unwrap_or(received);
        // One from the future is that of a clock which was set back.
        if self.newest.is_some_and(|newest| at < newest && newest <= received.plus(AHEAD_MAX)) {
            self.tally.old += 1;
            return None;
        }
        self.newest = Some(at);
        let value = self.weigh(sample.value, sample.quality);
        let value = match value {
            Ok(value) => {
                self.latest = Some(Latest { value, at });
                self.tally.is_bad = false;
                Some(value)
            }
            Err(why) => {
                self.tally.bad += 1;
                self.tally.is_bad = true;
                self.tally.why = Some(why);
                None
            }
        };
        Some(Reading { tag: sample.tag, value, at, received, origin: sample.origin, is_timed })
    }

    fn weigh(&self, value: Value, quality: Quality) -> Result<f64, Box<str>> {
        if let Quality::Bad(why) = quality {
            return Err(why);
        }
        let number = match value {
            Value::Number(number) => number,
            Value::Flag(flag) => f64::from(u8::from(flag)),
            Value::Time(_) => return Err("found a point in time, expected a number".into()),
            Value::Text(text) => {
                return Err(format!("found the words `{}`, expected a number", clean(&text, 40)).into());
            }
        };
        let number = number * self.scale + self.offset;
        let [from, to] = self.valid;
        if !number.is_finite() {
            return Err("found no finite number, expected one".into());
        }
        if number < from || number > to {
            return Err(format!("found {number}, expected {from} to {to}").into());
        }
        Ok(number)
    }

    /// The latest trusted value.
    pub fn latest(&self) -> Option<Latest> {
        self.latest
    }

    /// What was counted.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> Tag {
        Tag::new(&toml::from_str(&format!("source = 's'\n{text}")).unwrap())
    }

    fn sample(value: Value, at: Option<i64>) -> Sample {
        Sample {
            tag: TagId(0),
            value,
            quality: Quality::Good,
            at: at.map(Moment::from_ms),
            origin: Origin::Live,
        }
    }

    #[test]
    fn scales_and_dates_a_sample() {
        let mut tag = tag("scale = 0.1\noffset = -5");
        let now = Moment::from_ms(100_000);
        let reading = tag.read(sample(Value::Number(842.0), Some(99_000)), now).unwrap();
        assert_eq!((reading.value, reading.at.as_ms(), reading.is_timed), (Some(79.2), 99_000, true));
        // A clock that runs ahead is not believed.
        let reading = tag.read(sample(Value::Flag(true), Some(500_000)), now).unwrap();
        assert_eq!((reading.value, reading.at, reading.is_timed), (Some(-4.9), now, false));
    }

    #[test]
    fn a_bad_value_is_counted_with_its_reason_and_keeps_the_latest() {
        let mut tag = tag("valid = [0, 100]");
        let now = Moment::from_ms(1_000);
        tag.read(sample(Value::Number(42.0), None), now).unwrap();
        for (value, why) in [
            (Value::Number(1e6), "found 1000000, expected 0 to 100"),
            (Value::Text("n/a".into()), "found the words `n/a`, expected a number"),
            (Value::Number(f64::NAN), "found no finite number, expected one"),
        ] {
            assert_eq!(tag.read(sample(value, None), now).unwrap().value, None);
            assert_eq!(tag.tally().why.as_deref(), Some(why));
        }
        assert_eq!((tag.tally().bad, tag.tally().is_bad), (3, true));
        assert_eq!(tag.latest().unwrap().value, 42.0);
    }

    #[test]
    fn a_sample_older_than_the_one_before_is_left_out() {
        let mut tag = tag("");
        let now = Moment::from_ms(10_000);
        assert!(tag.read(sample(Value::Number(1.0), Some(9_000)), now).is_some());
        assert!(tag.read(sample(Value::Number(2.0), Some(8_999)), now).is_none());
        assert!(tag.read(sample(Value::Number(3.0), Some(9_000)), now).is_some());
        assert_eq!(tag.tally().old, 1);
    }
}
