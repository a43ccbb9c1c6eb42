//! Takes what must outlive a kill, gives it back after a start: one SQLite file, one commit for each step.
//!
//! The rest of the program sees rows with a key and a body, so that another engine can take the place of SQLite.
//!
//! Deliberately absent: no knowledge of what a body means, no clock, no network.

mod file;
mod sqlite;
mod writer;

use contract::{EpisodeId, Moment};

pub use file::{Lock, Opened, open};
pub use sqlite::Sqlite;
pub use writer::{Done, Writer};

/// The kinds of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// The state of a condition, by its key.
    Condition,
    /// What an episode became on a network, by network and episode.
    Thread,
    /// A condition that nobody wrote a rule for one by one, with what it is about: by its key.
    Raised,
    /// A row of a list, by list and key.
    Record,
    /// What the production of a machine, or a stock, sums up to.
    Production,
}

/// One change of what is kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// The row of this key is now this.
    Put {
        /// Which kind of row.
        table: Table,
        /// Its key.
        key: String,
        /// What it holds, as JSON.
        body: String,
    },
    /// The row of this key is gone.
    Delete {
        /// Which kind of row.
        table: Table,
        /// Its key.
        key: String,
    },
    /// A line of the journal, which `explain` reads.
    Journal {
        /// When.
        at: Moment,
        /// About which episode.
        episode: EpisodeId,
        /// What, as JSON.
        body: String,
    },
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Moment,
    /// About which episode.
    pub episode: EpisodeId,
    /// What, as JSON.
    pub body: String,
}

/// What can go wrong with the disk. Each variant is another next step.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Try again: full, read-only, busy. Nothing of the step was kept.
    #[error("{0}")]
    Later(String),
    /// Another portevoix uses this folder.
    #[error("another portevoix is already running with the state folder {0}")]
    InUse(String),
}

/// Where steps are kept. SQLite is the first; a partitioned log may be the next.
pub trait Store: Send {
    /// Keeps all of it or nothing.
    ///
    /// # Errors
    /// Nothing was kept; the same step may be given again.
    fn commit(&mut self, writes: &[Write]) -> Result<(), StoreError>;

    /// All rows of a kind, in the order of their keys.
    ///
    /// # Errors
    /// The rows cannot be read.
    fn rows(&self, table: Table) -> Result<Vec<(String, String)>, StoreError>;

    /// The journal of the episodes whose name begins so, oldest first, at most `lines_max` of the newest.
    ///
    /// # Errors
    /// The journal cannot be read.
    fn journal(&self, episode: &str, lines_max: usize) -> Result<Vec<Entry>, StoreError>;
}
