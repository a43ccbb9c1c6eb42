//! Takes the course of a value as data, gives its picture: SVG for a page, PNG for a network.
//!
//! One writer for both, so that they say the same. The PNG is drawn in the process, with one font that is part of the
//! program: no browser, no fonts of the system. At most 60 KB, for the telephone of somebody on the floor.
//!
//! Colours are those of Okabe and Ito (<https://jfly.uni-koeln.de/color/>), told apart by those who see fewer of them;
//! the limit is dashed and what is past it is hatched, so that nothing hangs on colour alone.
//!
//! Deliberately absent: no clock, no language (all words stand in the [`Chart`]), no animation.

mod frame;
#[cfg(feature = "png")]
mod picture;
mod svg;
#[cfg(test)]
mod tests;

pub use contract::Chart;
#[cfg(feature = "png")]
pub use picture::{BYTES_MAX, ChartError, Picture, png};
pub use svg::{HEIGHT, Theme, WIDTH, svg};
