//! Takes samples, gives readings: which machine and tag, in which unit, how good, from when.
//!
//! Deliberately absent: no clock (arrival is an argument), no network, no judgement.

pub mod section;

pub use section::TagSection;
