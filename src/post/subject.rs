//! What an episode is about: all that its posts need and that does not change while it lives.

use std::time::Duration;

use contract::settings::Words;
use contract::{Author, Mark, Priority, Thing, Trouble, Value};
use serde::{Deserialize, Serialize};

use super::Forecast;
use crate::episode::Side;

/// What an episode is about.
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, PartialEq)]
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

/// The kind of condition. What is told of few lies behind a pointer: nearly all are rules on tags, and there are many.
#[derive(Debug, Clone, PartialEq)]
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
    /// A figure that a rule worked out of a value, over or under its limit.
    Figure {
        /// Which figure.
        figure: Figure,
        /// Which side is worse.
        side: Side,
        /// Its limit; `None` where the rule has no single one.
        limit: Option<f64>,
        /// What is usual.
        usual: Option<[f64; 2]>,
    },
    /// A state that should not be, or lasts too long.
    State {
        /// What people call each state, by its number.
        names: Vec<(f64, Words)>,
        /// How long it may last, if that is what is judged.
        longer: Option<Duration>,
    },
    /// A value that should change and does not.
    Stuck {
        /// How often it should change.
        after: Duration,
    },
    /// A claim that somebody wrote about the machine.
    Claim {
        /// What is so while the episode lives: `huile chaude pendant la marche`.
        say: Words,
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
        /// Its kind: `mqtt`, `files`.
        kind: String,
        /// How many machines it reads.
        machines: usize,
    },
    /// A part of a source that does not work while the rest does. Its author is the site.
    Part {
        /// The source, by its name in the configuration.
        source: String,
        /// What it told.
        trouble: Box<Trouble>,
    },
    /// An alarm that another system keeps.
    Alarm {
        /// What that system said last.
        alarm: AlarmWords,
    },
    /// A row of a business document.
    Record {
        /// What it holds now.
        record: Box<RecordWords>,
    },
    /// What is foreseen of a row: a story, whatever its priority.
    Forecast {
        /// What is foreseen now.
        forecast: Box<Forecast>,
    },
    /// Our own memory was damaged.
    Store,
}

/// A figure that is worked out of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Its change in a time.
    Rate {
        /// In which its limits are counted.
        per: Duration,
    },
    /// How often something happened.
    Count {
        /// Within so long.
        over: Duration,
    },
    /// A figure of a time window.
    Window {
        /// The name of its sentence: `window-mean`.
        name: &'static str,
        /// How long the window is.
        over: Duration,
    },
    /// How far it is from another value.
    Compare,
}

/// What another system said of its alarm. All of it is data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmWords {
    /// What it calls the condition.
    pub name: String,
    /// What it says of it.
    pub message: String,
    /// 1 to 1000.
    pub severity: u16,
    /// A person has acknowledged it there.
    pub is_acknowledged: bool,
}

/// A row as it is told: our names for its fields, their values as data.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordWords {
    /// What people call one row of the list: `OF`.
    pub list: Words,
    /// Its key. Data.
    pub key: String,
    /// What is so while the episode lives: `bloqué`.
    pub say: Words,
    /// The fields that are told, in order.
    pub fields: Vec<FieldWords>,
}

/// A field as it is told.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldWords {
    /// What people call it.
    pub name: Words,
    /// Its unit.
    pub unit: Option<String>,
    /// Its value.
    pub value: Value,
}

impl Subject {
    /// What a row holds now. True if it is something else than before.
    pub fn set_record(&mut self, words: RecordWords) -> bool {
        match &mut self.about {
            About::Record { record } if **record != words => {
                **record = words;
                true
            }
            _ => false,
        }
    }

    /// How soon to act on this step of the ladder.
    pub fn priority(&self, level: u8) -> Priority {
        let at = usize::from(level.max(1)) - 1;
        self.priorities.get(at).or(self.priorities.last()).copied().unwrap_or(Priority::Low)
    }

    /// The shape of this step while the episode lives. Whatever asks to act now looks so, be it the first step of a
    /// rule or the last one of a ladder; only a silence stays a silence, because nothing is known of it.
    pub fn mark(&self, level: u8) -> Mark {
        match &self.about {
            About::Limit { .. } | About::Alarm { .. } | About::Record { .. } | About::Claim { .. }
                if self.priority(level) == Priority::Urgent =>
            {
                Mark::Stopped
            }
            About::Part { trouble, .. } if trouble.thing == Thing::Device => Mark::Silent,
            About::Record { .. } if self.priority(level) == Priority::Low => Mark::Digest,
            About::Forecast { forecast } => match **forecast {
                Forecast::Late(_) => Mark::Late,
                Forecast::Reach(_) => Mark::Stock,
            },
            About::Limit { .. }
            | About::Store
            | About::Part { .. }
            | About::Alarm { .. }
            | About::Record { .. }
            | About::Figure { .. }
            | About::Claim { .. }
            | About::State { .. } => Mark::Warning,
            About::Stuck { .. } => Mark::Silent,
            About::Silence { .. } | About::Source { .. } => Mark::Silent,
        }
    }

    /// True for two rules on one tag, whatever it is called.
    pub fn is_about_same_tag(&self, other: &Subject) -> bool {
        self.tag.as_ref().map(|tag| &tag.key) == other.tag.as_ref().map(|tag| &tag.key)
    }

    /// What people call the tag in this language.
    pub fn tag_name(&self, language: &str) -> &str {
        self.tag.as_ref().map_or("", |tag| tag.name.in_language(language).unwrap_or(&tag.key))
    }

    /// The limit of this step.
    pub fn limit(&self, level: u8) -> Option<f64> {
        match &self.about {
            About::Limit { limits, .. } => limits.get(usize::from(level.max(1)) - 1).copied(),
            About::Figure { limit, .. } => *limit,
            About::State { .. } | About::Stuck { .. } | About::Claim { .. } => None,
            About::Silence { .. }
            | About::Source { .. }
            | About::Part { .. }
            | About::Alarm { .. }
            | About::Record { .. }
            | About::Forecast { .. }
            | About::Store => None,
        }
    }
}
