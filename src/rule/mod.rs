//! Takes a reading, or the passing of time, and says how abnormal it is: a [`Verdict`].
//!
//! A rule is a plain function of what it is given. Delays, reopening and what has been told are not judged
//! here but in `episode`, once for every kind of rule.
//!
//! Deliberately absent: no clock, no memory beyond the deadband, no words, no failure.

pub mod alarms;
pub mod expression;
pub mod kinds;
pub mod limit;
pub mod record;
pub mod stale;

pub use kinds::{Judge, Section};

/// How abnormal: 0 is normal, 1 the first limit, then the steps of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Level(pub u8);

impl Level {
    /// Inside the limits.
    pub const NORMAL: Level = Level(0);
}

/// One rule's opinion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// So abnormal, by a value that may be trusted.
    Level(Level),
    /// The value may not be trusted: whatever was open stays, whatever was pending no longer counts.
    Unknown,
}
