//! How a condition lives: what its rule says of it.

use std::time::Duration;

use crate::rule::Side;

/// On-delay and off-delay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delays {
    /// How long abnormal before it counts.
    pub on: Duration,
    /// How long normal before it is over.
    pub off: Duration,
}

/// How a condition lives. Names are those of ISA-18.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// On-delay and off-delay.
    pub delays: Delays,
    /// Which value is worse.
    pub side: Side,
    /// So many abnormal readings in a row before it counts; 1 is the first one.
    pub in_a_row: u32,
    /// Latched: once over, it stays until a person confirms it.
    pub is_latched: bool,
    /// Told again under its post while nobody took charge: after so long, then after twice as long each time.
    pub realarm: Option<Duration>,
}

impl Policy {
    /// Delays alone.
    pub fn new(delays: Delays, side: Side) -> Policy {
        Policy { delays, side, in_a_row: 1, is_latched: false, realarm: None }
    }
}
