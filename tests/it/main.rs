//! The one test binary of the whole program.

mod board;
mod config;
mod kills;
mod outage;
mod plants;
mod program;
mod tidy;
