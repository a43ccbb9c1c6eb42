//! What `doctor` shows of the middle.

use contract::Notice;
use serde::{Deserialize, Serialize};

use super::{Middle, SourceState};
use crate::outbox;

/// So many notices of a source are remembered, the newest.
const NOTICES_MAX: usize = 20;

/// How the plant is read and the networks are reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// For each source.
    pub sources: Vec<SourceHealth>,
    /// The tags that had a value that cannot be trusted.
    pub bad_tags: Vec<TagHealth>,
    /// For each network.
    pub networks: Vec<outbox::Health>,
    /// How many episodes are open.
    pub open: usize,
    /// Why the newest configuration was refused, while the one before goes on.
    #[serde(default)]
    pub refused: Option<String>,
}

/// How a source is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceHealth {
    /// Its name.
    pub source: String,
    /// Why it is not connected, if it is not.
    pub lost: Option<String>,
    /// Batches since the start.
    pub batches: u64,
    /// What an integrator should know: messages too large, sessions forgotten, topics that no tag claims.
    pub notices: Vec<String>,
}

/// How a tag is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagHealth {
    /// Of which machine.
    pub machine: String,
    /// Its name.
    pub tag: String,
    /// How many samples were read.
    pub taken: u64,
    /// How many could not be trusted.
    pub bad: u64,
    /// How many came too late, after a newer one.
    pub old: u64,
    /// Why the last bad one was bad.
    pub why: String,
    /// True while the last one was bad.
    pub is_bad: bool,
}

impl Middle {
    /// How the plant is read and the networks are reached, now.
    pub fn health(&self) -> Health {
        let sources = self.sources.iter().map(|state| SourceHealth {
            source: state.name.clone(),
            lost: state.lost.clone(),
            batches: state.batches,
            notices: state.notices.clone(),
        });
        let bad = self.tags.iter().zip(&self.names).filter(|(tag, _)| tag.tally().bad + tag.tally().old > 0);
        let bad_tags = bad.map(|(tag, (machine, name))| TagHealth {
            machine: machine.clone(),
            tag: name.clone(),
            taken: tag.tally().taken,
            bad: tag.tally().bad,
            old: tag.tally().old,
            why: tag.tally().why.as_deref().unwrap_or_default().to_owned(),
            is_bad: tag.tally().is_bad,
        });
        Health {
            sources: sources.collect(),
            bad_tags: bad_tags.collect(),
            networks: self.outbox.lanes().iter().map(outbox::Lane::health).collect(),
            open: self.slots.iter().filter(|slot| slot.condition.is_open()).count(),
            refused: None,
        }
    }
}

impl SourceState {
    /// Remembers a notice; its words, if they are new.
    pub(super) fn note(&mut self, notice: &Notice) -> Option<String> {
        let words = match notice {
            Notice::Poison(what) => format!("message skipped: {what}"),
            Notice::Gap(what) => format!("gap: {what}"),
            Notice::Unclaimed(what) => format!("no tag claims {what}"),
            // Told in posts of their own.
            Notice::Trouble(_) | Notice::Mended(..) => return None,
        };
        if self.notices.contains(&words) {
            return None;
        }
        if self.notices.len() == NOTICES_MAX {
            self.notices.remove(0);
        }
        self.notices.push(words.clone());
        Some(words)
    }
}
