//! Takes a reading, or the passing of time, and says how abnormal it is: a [`Verdict`].
//!
//! A rule is a plain function of what it is given. Delays, reopening and what has been told are not judged
//! here but in `episode`, once for every kind of rule.
//!
//! Deliberately absent: no clock, no memory beyond the deadband, no words, no failure.

pub mod aggregate;
pub mod alarms;
pub mod baseline;
pub mod bound;
pub mod common;
pub mod compare;
pub mod count;
pub mod counter;
pub mod course;
pub mod expression;
pub mod heartbeat;
pub mod kinds;
pub mod limit;
pub mod order;
pub mod rate;
pub mod record;
pub mod stale;
pub mod state;
pub mod window;

pub use common::Common;
pub use kinds::{Judge, Opinion, Section};

/// How abnormal: 0 is normal, 1 the first limit, then the steps of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Level(pub u8);

impl Level {
    /// Inside the limits.
    pub const NORMAL: Level = Level(0);
}

/// Which value is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The higher one.
    High,
    /// The lower one.
    Low,
}

/// One rule's opinion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// So abnormal, by a value that may be trusted.
    Level(Level),
    /// The value may not be trusted: whatever was open stays, whatever was pending no longer counts.
    Unknown,
}

#[cfg(test)]
mod tests;
