//! The kinds of rules, in a list a person can read. A new kind is one file and three lines here.

use contract::Moment;

use super::{limit, stale};

/// The table of a rule, by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Section {
    /// `[….rule.limit.<name>]`
    Limit(limit::Section),
    /// `[….rule.stale.<name>]`
    Stale(stale::Section),
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
pub const NAMES: &[&str] = &["limit", "stale"];

impl Section {
    /// The rule at work, from `now` on.
    pub fn judge(&self, now: Moment) -> Judge {
        match self {
            Section::Limit(section) => Judge::Limit(limit::Limit::new(section)),
            Section::Stale(section) => Judge::Stale(stale::Stale::new(section, now)),
        }
    }

    /// The word of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Section::Limit(_) => "limit",
            Section::Stale(_) => "stale",
        }
    }

    /// The name of the tag it judges.
    pub fn tag(&self) -> &str {
        match self {
            Section::Limit(section) => &section.tag,
            Section::Stale(section) => &section.tag,
        }
    }
}
