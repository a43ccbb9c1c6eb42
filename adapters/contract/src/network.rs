//! The trait of a network, what each one can do as data, and the ways in which a delivery can fail.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{EpisodeId, Post, async_trait};

/// The same delivery, the same key, always: derived from network, episode, part and version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryKey(pub String);

impl DeliveryKey {
    /// The key of one part (`root`, `note-1`, …) of an episode on one network. 32 hexadecimal digits.
    pub fn new(network: &str, episode: &EpisodeId, part: &str) -> DeliveryKey {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        for piece in [network, &episode.0, part] {
            hash.update((piece.len() as u64).to_le_bytes());
            hash.update(piece);
        }
        DeliveryKey(hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }
}

/// The network's own name for what it took: enough to edit it and to answer under it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Receipt(pub String);

impl Receipt {
    /// The receipt of a network that gives no name back: nothing can be edited or answered.
    pub fn nameless() -> Receipt {
        Receipt(String::new())
    }

    /// True when the network gave a name.
    pub fn is_named(&self) -> bool {
        !self.0.is_empty()
    }
}

/// What to do with the post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Show it as a new post.
    Open,
    /// Replace what was shown under this receipt, in place.
    Edit(Receipt),
    /// Show it in the thread of this receipt.
    Reply(Receipt),
}

/// One thing to hand over.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery<'a> {
    /// Recognises a repeat.
    pub key: &'a DeliveryKey,
    /// What to do.
    pub step: &'a Step,
    /// The words.
    pub post: &'a Post,
    /// True when an earlier attempt may have been taken and this network cannot tell: a reader may see it twice.
    pub is_repeat: bool,
}

/// How a network recognises a repeated delivery. Decides what follows an attempt without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// The server recognises the key for hours or for good: send again.
    Key,
    /// The server recognises the key for `lasts` after it took it; later, look after `settle` of silence.
    ShortKey {
        /// How long the key is known.
        lasts: Duration,
        /// How long a request may still be on its way to the server; look no earlier.
        settle: Duration,
    },
    /// The server knows no keys, but what it shows can be searched for ours: look after `settle`.
    Look {
        /// How long a request may still be on its way to the server; look no earlier.
        settle: Duration,
    },
    /// Neither. After an attempt without an answer the post is sent again and says so.
    Nothing,
}

/// How much text fits, in the network's own unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Unicode scalar values.
    Chars(usize),
    /// Bytes of UTF-8.
    Bytes(usize),
}

/// How fast a network may be spoken to: a bucket of `burst`, one more every `refill`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How many may go at once.
    pub burst: u32,
    /// The wait for one more.
    pub refill: Duration,
}

/// What a network can do, as data. The `post` room reads it and says the same thing another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// How a repeat is recognised.
    pub repeat: Repeat,
    /// What was posted can be replaced in place.
    pub edit: bool,
    /// A post can be answered under it.
    pub thread: bool,
    /// A role can be called.
    pub mention: bool,
    /// The longest message.
    pub length: Length,
    /// How fast.
    pub pace: Pace,
}

/// Shows posts. One value serves for years; `publish` may be called again and again, never two at a time.
#[async_trait]
pub trait Network: Send + Sync {
    /// What this network can do. The same answer always.
    fn capabilities(&self) -> Capabilities;

    /// Hands one thing over. An answer within 30 s, or [`DeliveryError::Unanswered`].
    async fn publish(&self, delivery: &Delivery<'_>) -> Result<Receipt, DeliveryError>;

    /// Looks for a delivery whose answer was lost. Only asked where [`Repeat`] says that one can look, and only
    /// for [`Step::Open`] and [`Step::Reply`]: an edit may be done twice, only not late. It is sent again once the
    /// first cannot be taken any more.
    async fn look(&self, delivery: &Delivery<'_>) -> Result<Option<Receipt>, DeliveryError> {
        let _ = delivery;
        Ok(None)
    }

    /// Runs whatever the network itself needs while it is in use, such as a page to serve. Ends when it has
    /// nothing (more) to run. Dropped to stop it.
    async fn serve(&self) -> Result<(), DeliveryError> {
        Ok(())
    }
}

/// Each variant is another next step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// Certainly not taken: send again, not before `after`.
    #[error("{reason}")]
    Later {
        /// What was found.
        reason: String,
        /// What the network asked for.
        after: Option<Duration>,
    },
    /// Perhaps taken: the question was sent and no answer came. Never blindly sent again.
    #[error("{reason}")]
    Unanswered {
        /// What was found.
        reason: String,
    },
    /// This post will never be taken; the next one may.
    #[error("{0}")]
    Never(String),
    /// Token or right refused: a person must look. Rows are kept.
    #[error("{0}")]
    LockedOut(String),
}
