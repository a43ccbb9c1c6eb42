//! `portevoix explain`: why an episode was posted, and what the networks answered.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::{Configured, Failed, Outcome, folders, rule, say};
use crate::config::{self, Plan};
use crate::store::{Entry, Sqlite, Store};

/// So many lines of one episode are shown, the newest.
const LINES_MAX: usize = 500;

/// What the command line says.
#[derive(Debug, Args)]
pub struct Options {
    /// The name of the episode, or its first characters; without it, the latest of all
    episode: Option<String>,
    #[command(flatten)]
    configured: Configured,
    /// The state folder of the service [default: as for `run`]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// One JSON document instead of words
    #[arg(long)]
    json: bool,
}

/// Does it.
pub fn run(options: &Options) -> Outcome {
    // A broken configuration does not keep anyone from asking what was said.
    let plan = config::load(&options.configured.path()).ok();
    let configured = plan.as_ref().and_then(|plan| plan.settings.state.as_ref());
    let state = folders::state(options.state.as_ref(), configured);
    let path = state.join("portevoix.sqlite");
    let wrong = |error: &dyn std::fmt::Display| Failed::Task(format!("{}: {error}", path.display()));
    if !path.exists() {
        return Err(wrong(&"no such file; is this the state folder of the service? (--state)"));
    }
    let store = Sqlite::read_only(&path).map_err(|error| wrong(&error))?;
    let name = options.episode.as_deref().unwrap_or_default();
    let mut entries = store.journal(name, LINES_MAX).map_err(|error| wrong(&error))?;
    if options.episode.is_none() {
        let last = entries.last().map(|entry| entry.episode.clone());
        entries.retain(|entry| Some(&entry.episode) == last.as_ref());
    }
    if entries.is_empty() {
        return Err(Failed::Task(format!("no episode begins with `{name}`")));
    }
    if options.json {
        say(&json(&entries))
    } else {
        entries.iter().for_each(|entry| say(&line(entry)));
        let rule = plan.as_ref().and_then(|plan| about(&entries, plan));
        rule.iter().flatten().for_each(|line| say(line));
    }
    Ok(())
}

fn json(entries: &[Entry]) -> String {
    let all = entries.iter().map(|entry| {
        let body: Value = serde_json::from_str(&entry.body).unwrap_or(Value::Null);
        serde_json::json!({ "at_ms": entry.at.as_ms(), "episode": entry.episode.0, "what": body })
    });
    serde_json::to_string_pretty(&all.collect::<Vec<_>>()).unwrap_or_default()
}

fn line(entry: &Entry) -> String {
    let time = jiff::Timestamp::from_millisecond(entry.at.as_ms()).unwrap_or_default();
    let body: Value = serde_json::from_str(&entry.body).unwrap_or(Value::Null);
    format!("{time:.3}  {}  {}", entry.episode, words(&body))
}

fn words(body: &Value) -> String {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    if let Some(told) = body.get("episode") {
        let value = told["value"].as_f64().map(|value| format!(", value {value}")).unwrap_or_default();
        let (machine, rule) = (text(told, "machine"), text(told, "rule"));
        return format!("{}: {machine} {rule}, step {}{value}", text(told, "change"), told["level"]);
    }
    let told = &body["network"];
    let what = &told["what"];
    let network = text(told, "network");
    match what.as_object().and_then(|what| what.iter().next()) {
        Some((kind, facts)) => {
            let facts: Vec<String> = facts
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, value)| {
                    format!("{key} {}", value.as_str().map_or(value.to_string(), str::to_owned))
                })
                .collect();
            format!("network {network}: {kind}, {}", facts.join(", "))
        }
        None => body.to_string(),
    }
}

/// The rule of these entries, as the configuration has it now.
fn about(entries: &[Entry], plan: &Plan) -> Option<Vec<String>> {
    let bodies = entries.iter().rev().filter_map(|entry| serde_json::from_str::<Value>(&entry.body).ok());
    let told = bodies.into_iter().find(|body| body.get("episode").is_some())?;
    let (machine, rule) = (told["episode"]["machine"].as_str()?, told["episode"]["rule"].as_str()?);
    rule::effective(plan, machine, rule)
}
