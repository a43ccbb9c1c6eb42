//! The table of a summary: what is told of the production figures, and when.

use contract::{Check, Fault};
use schemars::JsonSchema;
use serde::Deserialize;

/// What ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// Each shift of the calendar.
    #[default]
    Shift,
    /// The shifts that begin on a day.
    Day,
    /// The shifts that begin in a week, from Monday on.
    Week,
}

/// `[summary.<name>]`: what machines made and where their time went, told when a shift, a day or a week is over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SummarySection {
    /// What ends: `shift`, `day` or `week`, by the shifts of the calendar.
    #[serde(default)]
    pub end_of: Span,
    /// The machines, by their keys: a post for each. Without it, every machine with production figures.
    #[serde(default)]
    pub machines: Vec<String>,
}

impl Check for SummarySection {
    fn check(&self) -> Vec<Fault> {
        let is_again = |(at, key): &(usize, &String)| self.machines[..*at].contains(key);
        let again = self.machines.iter().enumerate().filter(is_again);
        again.map(|(at, key)| Fault::at(format!("machines.{at}"), format!("`{key}` a second time"))).collect()
    }
}
