//! Takes what machines and business systems say, gives samples, and keeps every source connected.

pub mod kinds;
pub mod supervise;
