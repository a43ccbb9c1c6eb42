//! `portevoix schema`: the JSON Schema of the configuration, made from the types that read it.

use super::{Failed, Outcome, say};
use crate::config;

/// Does it.
pub fn run() -> Outcome {
    let schema =
        serde_json::to_string_pretty(&config::schema()).map_err(|error| Failed::Task(error.to_string()))?;
    say(&schema);
    Ok(())
}
