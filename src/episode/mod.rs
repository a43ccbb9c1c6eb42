//! Takes verdicts and the passing of time, gives the life of a condition: one [`Episode`] from its start to its
//! end. Names and states are those of ISA-18.2 and OPC UA Part 9: on-delay, off-delay, latched, acknowledged,
//! confirmed, shelved, suppressed by design, out of service, re-alarm, chattering.
//!
//! Two clocks: `at` is when something was so (the time of the source), `now` is when we learnt it. A delay is
//! over when either the source shows it (a later reading) or our own waiting does (no reading came).
//!
//! Deliberately absent: no clock, no words, no network, no failure.

pub mod aside;
mod condition;
pub mod flood;
mod follow;
mod inherit;
mod people;
mod policy;
mod state;

use contract::{EpisodeId, Moment};
use serde::{Deserialize, Serialize};

pub use aside::{Act, Aside, Cover, Hand, Mute, Refusal, Role};
pub use condition::{Condition, Fact, LATE_AFTER};
pub use policy::{Delays, Policy};

use crate::rule::Level;
pub use crate::rule::Side;

/// One condition on one machine, from its start to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// Its name, the same for the same machine, rule, start and kind.
    pub id: EpisodeId,
    /// When it became abnormal: the start of the on-delay.
    pub begun: Moment,
    /// When the present stretch began: `begun`, unless it came back.
    pub since: Moment,
    /// When the present step began.
    pub stepped: Moment,
    /// The step of the ladder it is on now; what it was on when it ended.
    pub level: u8,
    /// The value as last told or, once ended, the value that ended it.
    pub value: Option<f64>,
    /// When that value was so.
    pub value_at: Moment,
    /// The worst value of its life.
    pub worst: Option<f64>,
    /// When that was.
    pub worst_at: Moment,
    /// When it was normal again.
    pub ended: Option<Moment>,
    /// How often it came back within ten minutes.
    pub reopened: u32,
    /// True when it is told long after it was due, because nobody was listening.
    pub is_late: bool,
    /// Grows with everything there is to tell.
    pub version: u32,
    /// Somebody took charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Hand>,
    /// It is over, and latched: a person has not confirmed it yet.
    #[serde(default)]
    pub is_unconfirmed: bool,
    /// It chatters: told once, and over when it was calm for ten minutes.
    #[serde(default)]
    pub is_unstable: bool,
    /// How often it came back while it chattered.
    #[serde(default)]
    pub flips: u32,
    /// When it last asked for somebody.
    #[serde(default)]
    pub alarmed: Moment,
    /// How often it asked again.
    #[serde(default)]
    pub realarms: u32,
    /// What keeps it from being told now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mute: Option<Mute>,
    /// What its machine told first, a moment before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_out: Option<FirstOut>,
}

/// The first alarm of a group that came one after the other (ISA-18.2): where to look for the cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstOut {
    /// Its rule, as `limit.oil-hot`, of the same machine.
    pub rule: String,
    /// When it began.
    pub at: Moment,
}

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It counts from now on.
    Opened,
    /// Further up its ladder.
    Escalated,
    /// Further down its ladder, and still abnormal.
    Eased,
    /// Normal again.
    Cleared,
    /// Abnormal again within ten minutes: the same episode goes on.
    Reopened,
    /// It comes and goes: from now on it is told once.
    Unstable,
    /// Normal again, and latched: a person must confirm it.
    Returned,
    /// Somebody took charge.
    Acknowledged,
    /// Nobody took charge for long: said again.
    Realarmed,
    /// Set aside, or explained by something else.
    Muted,
    /// Not set aside any more, and still abnormal.
    Unmuted,
}

impl Episode {
    /// One that begins, on this step of its ladder.
    pub fn new(id: EpisodeId, begun: Moment, level: u8) -> Episode {
        Episode {
            id,
            begun,
            since: begun,
            stepped: begun,
            level,
            value: None,
            value_at: begun,
            worst: None,
            worst_at: begun,
            ended: None,
            reopened: 0,
            is_late: false,
            version: 1,
            acknowledged: None,
            is_unconfirmed: false,
            is_unstable: false,
            flips: 0,
            alarmed: begun,
            realarms: 0,
            mute: None,
            first_out: None,
        }
    }

    /// True while its post may still change: it lives, or waits for a person.
    pub fn is_live(&self) -> bool {
        self.ended.is_none() || self.is_unconfirmed
    }

    /// The name of an episode: 16 hexadecimal digits of a hash of machine, rule (with its kind) and start.
    pub fn name(machine: &str, rule: &str, begun: Moment) -> EpisodeId {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        for piece in [machine, rule] {
            hash.update((piece.len() as u64).to_le_bytes());
            hash.update(piece);
        }
        hash.update(begun.as_ms().to_le_bytes());
        EpisodeId(hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }

    /// Its step as a level of its rule.
    pub fn level(&self) -> Level {
        Level(self.level)
    }
}
