//! The kinds of rules, in a list a person can read. A new kind is one file and a line in each match here.

use contract::Moment;

use super::{Level, Verdict, alarms, limit, stale};
use crate::reading::Reading;

/// The table of a rule, by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Section {
    /// `[….rule.limit.<name>]`
    Limit(limit::Section),
    /// `[….rule.stale.<name>]`
    Stale(stale::Section),
    /// `[….rule.alarms.<name>]`
    Alarms(alarms::Section),
}

/// A rule at work, by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Judge {
    /// Judges values.
    Limit(limit::Limit),
    /// Judges silence.
    Stale(stale::Stale),
}

/// The words of the kinds in the configuration.
pub const NAMES: &[&str] = &["limit", "stale", "alarms"];

impl Section {
    /// The rule at work, from `now` on; `None` where others judge, and each of their alarms is a condition of its
    /// own.
    pub fn judge(&self, now: Moment) -> Option<Judge> {
        match self {
            Section::Limit(section) => Some(Judge::Limit(limit::Limit::new(section))),
            Section::Stale(section) => Some(Judge::Stale(stale::Stale::new(section, now))),
            Section::Alarms(_) => None,
        }
    }

    /// The word of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Section::Limit(_) => "limit",
            Section::Stale(_) => "stale",
            Section::Alarms(_) => "alarms",
        }
    }

    /// The names of the tags it judges, the one that its posts tell first.
    pub fn tags(&self) -> Vec<&str> {
        match self {
            Section::Limit(section) => vec![&section.tag],
            Section::Stale(section) => vec![&section.tag],
            Section::Alarms(section) => vec![&section.tag],
        }
    }
}

/// What a rule makes of something it heard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opinion {
    /// How abnormal.
    pub verdict: Verdict,
    /// The figure behind it, in the unit that the post tells.
    pub value: Option<f64>,
    /// Since when it is so.
    pub at: Moment,
}

impl Judge {
    /// What a reading of the tag of this number (an index of [`Section::tags`]) means. `is_news` is false for the
    /// last word of a broker from an unknown time.
    pub fn hear(&mut self, _which: usize, reading: &Reading, is_news: bool) -> Option<Opinion> {
        match (self, reading.value) {
            // A limit is judged by the time of the measure.
            (Judge::Limit(limit), Some(value)) => {
                Some(Opinion { verdict: limit.judge(value), value: Some(value), at: reading.at })
            }
            (Judge::Limit(_), None) => Some(Opinion::unknown(reading)),
            // A silence is ours: it ends when something arrives, whatever the clock of the machine says, and not by
            // the last word that a broker kept.
            (Judge::Stale(stale), Some(value)) if is_news => {
                let verdict = stale.hear(reading.received);
                Some(Opinion { verdict, value: Some(value), at: reading.received })
            }
            (Judge::Stale(_), _) => None,
        }
    }

    /// What the passing of time means. `last_end` is when the episode before ended.
    pub fn tick(&self, last_end: Option<Moment>, now: Moment) -> Option<Opinion> {
        match self {
            Judge::Stale(stale) if stale.tick(now) != Verdict::Level(Level::NORMAL) => {
                // A silence begins after the one before it ended.
                let at = last_end.map_or(stale.heard(), |ended| ended.min(now).max(stale.heard()));
                Some(Opinion { verdict: Verdict::Level(Level(1)), value: None, at })
            }
            Judge::Stale(_) | Judge::Limit(_) => None,
        }
    }

    /// When time alone will change its opinion.
    pub fn due(&self) -> Option<Moment> {
        match self {
            Judge::Stale(stale) => Some(stale.due()),
            Judge::Limit(_) => None,
        }
    }

    /// Goes on from a step that was reached before a restart.
    pub fn resume(&mut self, level: Level) {
        match self {
            Judge::Limit(limit) => limit.resume(level),
            Judge::Stale(_) => {}
        }
    }

    /// Its source is back: whoever must speak is given the time to do so.
    pub fn grant(&mut self, now: Moment) {
        match self {
            Judge::Stale(stale) => stale.grant(now),
            Judge::Limit(_) => {}
        }
    }

    /// The clock was set.
    pub fn start_anew(&mut self, now: Moment) {
        match self {
            Judge::Stale(stale) => stale.start_anew(now),
            Judge::Limit(_) => {}
        }
    }
}

impl Opinion {
    fn unknown(reading: &Reading) -> Opinion {
        Opinion { verdict: Verdict::Unknown, value: None, at: reading.at }
    }
}
