//! The conformance kit: what every source and every network must show, run from each adapter's `tests/kit.rs`.

pub mod hostile;
pub mod network;
pub mod posts;
pub mod source;
