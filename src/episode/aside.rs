//! What keeps a condition from being told: a person set it aside, or something else explains it.
//!
//! It is watched all the same: its end is written into its post, and when nothing keeps it any more it is told if it
//! is still so.

use std::time::Duration;

use contract::Moment;
use contract::settings::Words;
use serde::{Deserialize, Serialize};

/// Who decided something, and when. A role, not a person: posts name nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hand {
    /// As people call it: `maintenance`.
    pub role: String,
    /// When.
    pub at: Moment,
}

/// What a person decided about a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aside {
    /// Shelved, until then.
    Shelved {
        /// When it is told again.
        until: Moment,
        /// Who, and when.
        hand: Hand,
        /// Why, in their words. Data.
        reason: String,
    },
    /// Out of service, until a person puts it back.
    OutOfService {
        /// Who, and when.
        hand: Hand,
        /// Why, in their words. Data.
        reason: String,
    },
}

/// What explains a condition: suppressed by design.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cover {
    /// A machine that it hangs on is down; its name.
    Parent(String),
    /// The machine is in this state, as people call it.
    State(Words),
}

/// What keeps it from being told now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mute {
    /// A person.
    Aside(Aside),
    /// Something else.
    Covered(Cover),
}

impl Aside {
    /// When it is over by itself.
    pub fn until(&self) -> Option<Moment> {
        match self {
            Aside::Shelved { until, .. } => Some(*until),
            Aside::OutOfService { .. } => None,
        }
    }
}

/// What a person wants of a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Somebody takes charge.
    Acknowledge,
    /// It was looked after, and may be forgotten.
    Confirm,
    /// Do not tell it for so long.
    Shelve {
        /// For how long, in milliseconds.
        for_ms: u64,
        /// Why.
        reason: String,
    },
    /// Tell it again.
    Unshelve,
    /// Do not tell it until it is back in service.
    OutOfService {
        /// Why.
        reason: String,
    },
    /// Tell it from now on.
    InService,
}

/// What a role may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// As people call it.
    pub name: String,
    /// The longest time it may shelve for.
    pub shelve_max: Duration,
    /// May it take out of service?
    pub may_disable: bool,
}

/// Why an act is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is nothing that it could be done to.
    NothingOpen,
    /// It is still abnormal.
    StillAbnormal,
    /// Nobody may silence what asks to act now.
    TooUrgent,
    /// This role may not shelve for so long.
    TooLong {
        /// What it may.
        max: Duration,
    },
    /// This role may not.
    NotAllowed,
    /// No reason was given.
    NoReason,
}
