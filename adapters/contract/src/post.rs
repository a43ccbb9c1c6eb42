//! What a machine says to people: a small tree that each network writes in its own markup.

use serde::{Deserialize, Serialize};

use crate::{Chart, Moment, Text};

/// The name of an episode: derived from machine, rule, start and kind, so the same inputs give the same name
/// after a restart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EpisodeId(pub String);

impl std::fmt::Display for EpisodeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// How soon to act. The first letter of the alphabet of a plant: 1 is now.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(into = "u8", try_from = "u8")]
#[schemars(with = "u8", extend("minimum" = 1, "maximum" = 3))]
pub enum Priority {
    /// 1: danger to product or delivery now.
    Urgent,
    /// 2: act within the hour.
    High,
    /// 3: know.
    Low,
}

impl Priority {
    /// 1, as a default of a configuration.
    pub const fn urgent() -> Priority {
        Priority::Urgent
    }

    /// 3, as a default of a configuration.
    pub const fn low() -> Priority {
        Priority::Low
    }
}

impl From<Priority> for u8 {
    fn from(priority: Priority) -> u8 {
        match priority {
            Priority::Urgent => 1,
            Priority::High => 2,
            Priority::Low => 3,
        }
    }
}

impl TryFrom<u8> for Priority {
    type Error = String;

    fn try_from(number: u8) -> Result<Priority, String> {
        match number {
            1 => Ok(Priority::Urgent),
            2 => Ok(Priority::High),
            3 => Ok(Priority::Low),
            other => {
                Err(format!("invalid priority {other}, expected 1 (now), 2 (within the hour) or 3 (know)"))
            }
        }
    }
}

/// The state as a shape: its outline differs, not only its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Not producing, or the last step of a ladder.
    Stopped,
    /// Outside its limits.
    Warning,
    /// No reading.
    Silent,
    /// Back to normal.
    Cleared,
    /// Several things in one post.
    Digest,
    /// Abnormal, and set aside or explained by something else.
    Paused,
    /// An order that will be late.
    Late,
    /// A stock that runs out.
    Stock,
}

impl Mark {
    /// Every mark, for tests and legends.
    pub const ALL: [Mark; 8] = [
        Mark::Stopped,
        Mark::Warning,
        Mark::Silent,
        Mark::Cleared,
        Mark::Digest,
        Mark::Paused,
        Mark::Late,
        Mark::Stock,
    ];

    /// The one leading emoji.
    pub fn shape(self) -> &'static str {
        match self {
            Mark::Stopped => "⛔",
            Mark::Warning => "⚠️",
            Mark::Silent => "🔇",
            Mark::Cleared => "✅",
            Mark::Digest => "📋",
            Mark::Paused => "⏸️",
            Mark::Late => "🕒",
            Mark::Stock => "📦",
        }
    }

    /// A name for style sheets and fields.
    pub fn name(self) -> &'static str {
        match self {
            Mark::Stopped => "stopped",
            Mark::Warning => "warning",
            Mark::Silent => "silent",
            Mark::Cleared => "cleared",
            Mark::Digest => "digest",
            Mark::Paused => "paused",
            Mark::Late => "late",
            Mark::Stock => "stock",
        }
    }
}

/// Who speaks: a machine, or the site itself for a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The key in the configuration, stable; fit for a URL.
    pub key: String,
    /// The name people use. Never translated.
    pub name: String,
    /// Where, from the site inwards, with `/` between: `Vitré/Atelier B/Ligne 2`. May be empty.
    pub place: String,
}

/// Where and for whom: what a network may need to know of the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The name of the site.
    pub name: String,
    /// The language of what a network itself says: `fr` or `en`.
    pub language: String,
    /// An IANA name, such as `Europe/Paris`.
    pub timezone: String,
    /// Every machine that may speak, in the order of the configuration.
    pub machines: Vec<Author>,
}

/// What a line is for. Its label ("À faire :") is already in its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineRole {
    /// What is usual, the trend, what happened.
    Context,
    /// What to do, and what happens if nobody does.
    ToDo,
    /// Place, time of the measure, late or repeated: small print.
    Fine,
}

/// One line under the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it is for.
    pub role: LineRole,
    /// Its words.
    pub text: Text,
}

/// Where a post comes from: hidden fields for machines, shown by `portevoix explain`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The rule, as `limit.oil-hot`.
    pub rule: String,
    /// The tag, if the rule has one.
    pub tag: Option<String>,
    /// The value that is told, in the unit of the tag.
    pub value: Option<f64>,
    /// What it is about, as people call it in the language of the post: `rear bearing`.
    #[serde(default)]
    pub subject: String,
}

/// One post, as it should be read now. An edit is a whole post with a higher version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Post {
    /// The episode it tells.
    pub episode: EpisodeId,
    /// Grows with each edit; only the newest counts.
    pub version: u32,
    /// Who speaks.
    pub author: Author,
    /// The language it is written in: `fr` or `en`.
    pub language: String,
    /// How soon to act.
    pub priority: Priority,
    /// The state as a shape.
    pub mark: Mark,
    /// The state as a word in capitals: `ATTENTION`.
    pub word: String,
    /// The rest of the first line, after state and machine.
    pub fact: Text,
    /// The lines under it.
    pub lines: Vec<Line>,
    /// The course of its value, where the shape matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart: Option<Box<Chart>>,
    /// When the condition began.
    pub begun: Moment,
    /// When it ended, if it did.
    pub ended: Option<Moment>,
    /// When these words were written.
    pub written: Moment,
    /// Where it comes from.
    pub provenance: Provenance,
}

impl Post {
    /// The first line, which stands alone: shape, state word, machine, fact. At most 110 characters.
    pub fn first_line(&self) -> Text {
        let opening = format!("{} {} · {} · ", self.mark.shape(), self.word, self.author.name);
        Text::default().ours(opening).append(&self.fact)
    }

    /// The first line for a screen without emoji: `[ATTENTION] Presse 3 · …`.
    pub fn first_line_plain(&self) -> Text {
        Text::default().ours(format!("[{}] {} · ", self.word, self.author.name)).append(&self.fact)
    }
}
