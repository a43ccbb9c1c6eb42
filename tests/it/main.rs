//! The one test binary of the whole program.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and may say what it measured"
)]

mod board;
mod config;
mod digest;
mod erp;
#[path = "../../adapters/http/tests/eye/mod.rs"]
mod eye;
mod flood;
mod hostile;
mod kills;
mod learnt;
mod looks;
mod model;
mod outage;
mod plants;
mod probe;
mod production;
mod program;
mod refusals;
mod reload;
mod replay;
mod tidy;
