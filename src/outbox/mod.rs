//! Takes posts, keeps them until each network has taken them: in order for each episode, paced, edits merged,
//! nothing shown twice, and one catch-up after an outage.
//!
//! Deliberately absent: no clock, no network, no file: what to keep is given out as rows, what to send as jobs.

mod fold;
mod lane;
mod pace;
mod parked;
mod thread;

use std::time::Duration;

use contract::{Capabilities, DeliveryError, DeliveryKey, EpisodeId, Moment, Post, Receipt, Step};
use serde::{Deserialize, Serialize};

pub use fold::Folded;
pub use lane::Lane;

/// One thing for a network to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Recognises a repeat.
    pub key: DeliveryKey,
    /// What to do.
    pub step: Step,
    /// The words.
    pub post: Post,
    /// True when a reader may see it twice.
    pub is_repeat: bool,
    /// True to look for it instead of sending it.
    pub is_look: bool,
}

/// What a network answered to a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was handed over, or not.
    Published(Result<Receipt, DeliveryError>),
    /// It was looked for.
    Looked(Result<Option<Receipt>, DeliveryError>),
}

/// A row for the store: the thread of an episode on a network, or `None` when it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Network and episode.
    pub key: String,
    /// The thread as JSON.
    pub body: Option<String>,
}

/// A line for the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The network took it.
    Taken {
        /// Which part.
        part: String,
        /// The network's own name for it.
        receipt: Receipt,
    },
    /// The network will never take it.
    Refused {
        /// Which part.
        part: String,
        /// In its words.
        reason: String,
    },
    /// The first of several failures.
    Failed {
        /// What was found.
        reason: String,
    },
    /// It is told in a catch-up.
    Folded {
        /// The name of the catch-up.
        into: EpisodeId,
    },
}

/// What a person sees of a network in `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The network.
    pub network: String,
    /// How many posts are still to be handed over.
    pub waiting: usize,
    /// How many it refused for good.
    pub refused: usize,
    /// How many it took since the start.
    pub taken: u64,
    /// Since when it fails, in milliseconds since 1970.
    pub down_since_ms: Option<i64>,
    /// The last thing it said.
    pub last_error: Option<String>,
}

/// The rows of a network that is not configured are kept so long.
const FOREIGN_KEEP: Duration = Duration::from_secs(30 * 24 * 3_600);

fn is_young(body: &str, now: Moment) -> bool {
    let thread = serde_json::from_str::<thread::Thread>(body);
    thread.is_ok_and(|thread| now.since(thread.wanted.written) < FOREIGN_KEEP)
}

/// All networks.
#[derive(Debug, Default)]
pub struct Outbox {
    lanes: Vec<Lane>,
    /// Of networks that left the configuration while the program ran.
    parked: Vec<Lane>,
}

impl Outbox {
    /// One lane for each network, by name.
    pub fn new(networks: Vec<(String, Capabilities)>, now: Moment) -> Outbox {
        let lanes = networks.into_iter().map(|(name, can)| Lane::new(name, can, now)).collect();
        Outbox { lanes, parked: Vec::new() }
    }

    /// Goes on from what was kept. Gives back the keys of rows that nobody can use any more.
    pub fn resume(&mut self, rows: Vec<(String, String)>, now: Moment) -> Vec<String> {
        let mut unusable = Vec::new();
        for (key, body) in rows {
            let is_kept = match self.lanes.iter_mut().find(|lane| key.starts_with(lane.prefix())) {
                Some(lane) => lane.resume(&body, now),
                // A network that left the configuration may come back, and its open posts with it.
                None => is_young(&body, now),
            };
            if !is_kept {
                unusable.push(key);
            }
        }
        unusable
    }

    /// The lanes, in the order of the networks.
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// The lanes, to be changed.
    pub fn lanes_mut(&mut self) -> &mut [Lane] {
        &mut self.lanes
    }

    /// When something will be due on any lane.
    pub fn due(&mut self, now: Moment) -> Option<Moment> {
        self.lanes.iter_mut().filter_map(|lane| lane.due(now)).min()
    }
}

#[cfg(test)]
mod tests;
