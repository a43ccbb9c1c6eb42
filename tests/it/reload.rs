//! Another configuration while the plant is at work.

mod difference;
