//! The lives of episodes, as the journal tells them.

use std::collections::HashMap;
use std::time::Duration;

use contract::{EpisodeId, Moment};
use serde::Deserialize;

use crate::episode::Change;
use crate::store::Write;

/// Machine and rule.
pub type Key = (String, String);

/// The life of an episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Of which machine, by which rule.
    pub key: Key,
    /// When it began.
    pub begun: Moment,
    /// When it was over, if it was.
    pub ended: Option<Moment>,
    /// It came and went too fast.
    pub is_unstable: bool,
}

/// Every episode of a replay.
#[derive(Debug, Default)]
pub struct Lives(HashMap<EpisodeId, Life>);

/// What the journal says of a change.
#[derive(Deserialize)]
struct Entry {
    episode: Option<Told>,
}

#[derive(Deserialize)]
struct Told {
    change: Change,
    machine: String,
    rule: String,
    begun_ms: i64,
    at_ms: i64,
}

impl Lives {
    /// Follows a line of the journal; gives when a new episode was told of, if this is one.
    pub fn follow(&mut self, write: Write) -> Option<Moment> {
        let Write::Journal { at, episode, body } = write else { return None };
        // Our own words: what is no change of an episode is not of interest.
        let Ok(Entry { episode: Some(told) }) = serde_json::from_str(&body) else { return None };
        let life = self.0.entry(episode).or_insert_with(|| Life {
            key: (told.machine, told.rule),
            begun: Moment::from_ms(told.begun_ms),
            ended: None,
            is_unstable: false,
        });
        match told.change {
            Change::Opened => return Some(at),
            Change::Cleared | Change::Returned => life.ended = Some(Moment::from_ms(told.at_ms)),
            Change::Reopened => life.ended = None,
            Change::Unstable => life.is_unstable = true,
            Change::Escalated
            | Change::Eased
            | Change::Acknowledged
            | Change::Realarmed
            | Change::Muted
            | Change::Unmuted => {}
        }
        None
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Life> {
        self.0.values()
    }
}

impl Life {
    /// How long it lasted, or lasts until this end of the replay.
    pub fn lasted(&self, end: Moment) -> Duration {
        self.ended.unwrap_or(end).since(self.begun)
    }
}
