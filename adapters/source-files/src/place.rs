//! Where files lie: a folder here, or one of an SFTP server. Both are asked the same few things.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use contract::{Cause, SourceError, async_trait};
use serde::{Deserialize, Serialize};

use crate::copy::Copy;

/// What a file looks like from outside. If nothing of it changes, the file has not changed, except within the grain
/// of a clock: `watch` knows that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    /// Bytes.
    pub size: u64,
    /// Time of the last change, in nanoseconds since 1970; whole seconds over SFTP.
    pub changed_ns: i64,
    /// Time of the last change of anything about it; 0 over SFTP. A move changes it.
    pub touched_ns: i64,
    /// Which file it is; 0 over SFTP.
    pub inode: u64,
}

impl Stat {
    /// The same file with the same bytes, perhaps moved.
    pub fn is_same_file(self, other: Stat) -> bool {
        Stat { touched_ns: 0, ..self } == Stat { touched_ns: 0, ..other }
    }
}

/// What lies in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name as it is.
    pub raw: OsString,
    /// Its name for people, for patterns and for the ledger; bytes that are no UTF-8 as `\xE9`.
    pub name: String,
    /// What it is.
    pub what: What,
}

/// What a name in the folder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A file.
    File(Stat),
    /// A folder: never looked into.
    Folder,
    /// What is never opened: a link, a pipe, a device, a socket. Which, in English.
    Other(&'static str),
}

/// What came of asking for a file.
#[derive(Debug)]
pub enum Fetched {
    /// All of it, unchanged from the first byte to the last.
    Copy(Copy),
    /// It changes, or is another, or gone.
    Changed,
    /// It cannot be had.
    Cannot(Cause),
}

/// What came of moving or deleting a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Put {
    /// Done; for a move, its name inside the other folder.
    Done(String),
    /// It is no longer the file that was read, and stays.
    Changed,
    /// It cannot be done; why.
    Cannot(String),
}

/// A folder.
#[async_trait]
pub trait Place: Send + Sync {
    /// All that lies in it, in any order.
    async fn entries(&self) -> Result<Vec<Entry>, SourceError>;

    /// The names in a folder inside it; none if there is no such folder.
    async fn names(&self, inside: &str) -> Result<BTreeSet<String>, SourceError>;

    /// Copies a file of this name and these looks, of at most `max` bytes.
    async fn fetch(&self, entry: &Entry, stat: Stat, max: u64, spool: &Path) -> Result<Fetched, SourceError>;

    /// Moves a file into a folder inside, which is made if need be. What lies there of the same name stays.
    async fn put(&self, entry: &Entry, stat: Stat, inside: &str) -> Result<Put, SourceError>;

    /// Deletes a file.
    async fn delete(&self, entry: &Entry, stat: Stat) -> Result<Put, SourceError>;
}

/// A name that is not taken: the name itself, then with a number before its ending.
pub fn free_name(name: &str, number: u32) -> String {
    match (number, name.rsplit_once('.')) {
        (0, _) => name.to_owned(),
        (_, Some((stem, end))) if !stem.is_empty() => format!("{stem}.{number}.{end}"),
        _ => format!("{name}.{number}"),
    }
}
