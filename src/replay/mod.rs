//! Takes files of what machines said, gives what would have been told of it: the pure middle on a virtual clock, as fast
//! as it can.
//!
//! A replay, a rule test (the room `trial`) and a story of a plant drive the middle by the same [`Stage`], with
//! the calls that the service makes.
//!
//! Deliberately absent: no network, no source, no store, no clock. Nothing that is replayed is ever posted.

pub mod advice;
mod csv;
pub mod files;
mod json;
pub mod line;
mod lives;
mod names;
mod order;
pub mod play;
pub mod stage;
pub mod tally;
#[cfg(test)]
mod tests;
mod troubles;

pub use files::Recording;
pub use line::Line;
pub use names::Names;
pub use play::play;
pub use stage::{ABLE, House, Stage};
pub use tally::Tally;
pub use troubles::Troubles;
