//! `portevoix check`: every mistake of the configuration, with its place.

use clap::Args;

use super::{Configured, Failed, Outcome, count, say};
use crate::config;

/// What the command line says.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    configured: Configured,
    /// One JSON document instead of words
    #[arg(long)]
    json: bool,
}

/// Does it.
pub fn run(options: &Options) -> Outcome {
    if !options.json {
        let plan = options.configured.load()?;
        let (tags, rules) = plan
            .machines
            .iter()
            .fold((0, 0), |(tags, rules), machine| (tags + machine.tags.len(), rules + machine.rules.len()));
        let lists = match plan.lists.len() {
            0 => String::new(),
            lists => format!("{}, ", count(lists, "list")),
        };
        let rules = rules + plan.lists.iter().map(|list| list.rules.len()).sum::<usize>();
        say(&format!(
            "fine: {}, {}, {}, {lists}{}, {}",
            count(plan.sources.len(), "source"),
            count(plan.machines.len(), "machine"),
            count(tags, "tag"),
            count(rules, "rule"),
            count(plan.networks.len(), "network"),
        ));
        return Ok(());
    }
    let (found, outcome) = match config::load(&options.configured.path()) {
        Ok(plan) => (plan.warnings, Ok(())),
        Err(found) => (found, Err(Failed::Configuration)),
    };
    let found = serde_json::to_string_pretty(&found).map_err(|error| Failed::Task(error.to_string()))?;
    say(&found);
    outcome
}
