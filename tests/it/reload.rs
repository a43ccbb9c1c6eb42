//! Another configuration while the plant is at work.

mod campaign;
mod difference;
mod lists;
mod machines;
mod mutant;
mod plant;
mod service;
