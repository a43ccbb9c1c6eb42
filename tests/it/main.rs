//! The one test binary of the whole program.

mod board;
mod config;
mod outage;
mod plants;
mod tidy;
