//! The kinds of rules, in a list a person can read. A new kind is one file and three lines here.

use contract::Moment;

use super::{alarms, limit, stale};

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

    /// The name of the tag it judges.
    pub fn tag(&self) -> &str {
        match self {
            Section::Limit(section) => &section.tag,
            Section::Stale(section) => &section.tag,
            Section::Alarms(section) => &section.tag,
        }
    }
}
