//! What an episode is about: all that its posts need and that does not change while it lives.

use std::time::Duration;

use contract::settings::Words;
use contract::{Author, Mark, Priority};

use crate::episode::Side;

/// What an episode is about.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Who speaks.
    pub author: Author,
    /// The rule, as `limit.oil-hot`.
    pub rule: String,
    /// The tag, if there is one.
    pub tag: Option<TagWords>,
    /// The kind of condition.
    pub about: About,
    /// How soon to act, for each step of the ladder, the first one first.
    pub priorities: Vec<Priority>,
    /// What a person should do.
    pub action: Words,
}

/// How a tag is told.
#[derive(Debug, Clone)]
pub struct TagWords {
    /// Its key in the configuration.
    pub key: String,
    /// What people call it.
    pub name: Words,
    /// Its unit.
    pub unit: Option<String>,
    /// How many decimals are shown at least.
    pub decimals: u8,
}

/// The kind of condition.
#[derive(Debug, Clone)]
pub enum About {
    /// A value over or under its limits.
    Limit {
        /// Which side is worse.
        side: Side,
        /// The limits of the ladder, the first one first.
        limits: Vec<f64>,
        /// What is usual.
        usual: Option<[f64; 2]>,
    },
    /// A tag that says nothing.
    Silence {
        /// How often it should speak.
        after: Duration,
    },
    /// A source out of reach.
    Source {
        /// Its name in the configuration.
        name: String,
        /// How many machines it reads.
        machines: usize,
    },
    /// Our own memory was damaged.
    Store,
}

impl Subject {
    /// How soon to act on this step of the ladder.
    pub fn priority(&self, level: u8) -> Priority {
        let at = usize::from(level.max(1)) - 1;
        self.priorities.get(at).or(self.priorities.last()).copied().unwrap_or(Priority::Low)
    }

    /// The shape of this step while the episode lives.
    pub fn mark(&self, level: u8) -> Mark {
        match &self.about {
            About::Limit { limits, .. } if level > 1 && usize::from(level) == limits.len() => Mark::Stopped,
            About::Limit { .. } | About::Store => Mark::Warning,
            About::Silence { .. } | About::Source { .. } => Mark::Silent,
        }
    }

    /// What people call the tag in this language.
    pub fn tag_name(&self, language: &str) -> &str {
        self.tag.as_ref().map_or("", |tag| tag.name.in_language(language).unwrap_or(&tag.key))
    }

    /// The limit of this step.
    pub fn limit(&self, level: u8) -> Option<f64> {
        match &self.about {
            About::Limit { limits, .. } => limits.get(usize::from(level.max(1)) - 1).copied(),
            About::Silence { .. } | About::Source { .. } | About::Store => None,
        }
    }
}
