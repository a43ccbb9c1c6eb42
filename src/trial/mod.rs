//! Rule tests of an integrator: given these readings, these posts at these times, on a virtual clock.
//!
//! A test stands in a TOML file in the folder `tests` beside the configuration, so that both are kept and reviewed
//! together. It drives the middle as the service does, by the [`Stage`](crate::replay::Stage) of a replay.
//!
//! Deliberately absent: no network, no source, no clock; a test of a year takes as long as its readings.

mod file;
mod judge;
mod perform;
mod script;
#[cfg(test)]
mod tests;

use serde::Serialize;

#[cfg(test)]
use file::read_text;
pub use file::{Mistake, TestFile, read};
pub use judge::clock;
pub use perform::perform;

/// Where something stands in a file of tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Spot {
    /// The file, as it was named.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
}

impl std::fmt::Display for Spot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What became of one test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Its name.
    pub test: String,
    /// Where it begins.
    pub spot: Spot,
    /// What was expected and did not come, or came and was not expected. Empty: it passed.
    pub failures: Vec<Failure>,
    /// All that was told.
    pub told: Vec<Told>,
}

/// One expectation that was not met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Where it stands.
    pub spot: Spot,
    /// What was expected.
    pub expected: String,
    /// What came instead.
    pub found: String,
}

/// What a network was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A new post.
    #[default]
    Post,
    /// A post changed in place, and not over.
    Edit,
    /// An answer under a post.
    Note,
    /// A post changed in place: it is over.
    Close,
}

impl What {
    /// As it stands in a file of tests.
    pub fn word(self) -> &'static str {
        match self {
            What::Post => "post",
            What::Edit => "edit",
            What::Note => "note",
            What::Close => "close",
        }
    }
}

/// One thing that was told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    /// After the beginning of the test, in milliseconds.
    pub after_ms: u64,
    /// How.
    pub what: What,
    /// The key of the machine.
    pub machine: String,
    /// Kind and name of the rule.
    pub rule: String,
    /// The state as a word in capitals.
    pub word: String,
    /// How soon to act.
    pub priority: u8,
    /// All lines, with plain spaces.
    pub text: String,
}
