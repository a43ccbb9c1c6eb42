//! Where a condition stands: what must outlive a restart.

use contract::Moment;
use serde::{Deserialize, Serialize};

use super::aside::{Aside, Cover};
use super::{Episode, Fact};

/// A step that counts once its delay is over.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub to: u8,
    /// When it began, by the source.
    pub since: Moment,
    /// When we have waited long enough, by our own clock.
    pub due: Moment,
}

/// The values while the on-delay runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub value: Option<f64>,
    pub value_at: Moment,
    pub worst: Option<f64>,
    pub worst_at: Moment,
    /// How many readings in a row were abnormal.
    #[serde(default)]
    pub count: u32,
    /// It counts, but nobody is told while it is set aside.
    #[serde(default)]
    pub is_held: bool,
}

impl Seen {
    pub fn new(fact: &Fact) -> Seen {
        let (value, at) = (fact.value, fact.at);
        Seen { value, value_at: at, worst: value, worst_at: at, count: 1, is_held: false }
    }
}

/// Where it is in its life. An episode lies behind a pointer: most conditions are normal, and there are many.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    #[default]
    Normal,
    /// On-delay is running; `last` is the episode that ended a moment ago, if one did.
    Rising {
        pending: Pending,
        seen: Seen,
        last: Option<Box<Episode>>,
    },
    Open {
        episode: Box<Episode>,
        pending: Option<Pending>,
    },
    Ended {
        episode: Box<Episode>,
    },
}

/// All of a condition that is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Standing {
    pub state: State,
    /// When it last opened, the newest last: three in a minute are a chatter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub openings: Vec<Moment>,
    /// What a person decided about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aside: Option<Aside>,
    /// What hides it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<Cover>,
}
