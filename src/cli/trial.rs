//! `portevoix test`: the plant's own rule tests, on a virtual clock.

use std::path::PathBuf;

use clap::Args;

use super::{Configured, Failed, Outcome, complain, count, say};
use crate::trial::{self, Told, Verdict};

/// What the command line says.
#[derive(Debug, Args)]
pub struct Options {
    /// Only tests whose name holds this
    words: Option<String>,
    #[command(flatten)]
    configured: Configured,
    /// A file of tests, or a folder of them [default: the folder `tests` beside the configuration]
    #[arg(long, value_name = "DIR")]
    tests: Option<PathBuf>,
    /// Print what every test told, not only those that fail
    #[arg(long)]
    wall: bool,
    /// One JSON document instead of words
    #[arg(long)]
    json: bool,
}

/// Does it.
pub fn run(options: &Options) -> Outcome {
    let mut plan = options.configured.load()?;
    let path = options.tests.clone().unwrap_or_else(|| beside(options.configured.path()));
    if !path.exists() {
        return Err(Failed::Task(format!("no tests: {} is not there; see `--tests`", path.display())));
    }
    let tests = trial::read(&path, &plan).map_err(|found| {
        found.iter().for_each(|mistake| complain(&mistake.to_string()));
        Failed::Configuration
    })?;
    let wanted = |name: &str| options.words.as_deref().is_none_or(|words| name.contains(words));
    let mut verdicts = Vec::new();
    for test in tests.iter().filter(|test| wanted(&test.name)) {
        verdicts.push(trial::perform(test, &mut plan).map_err(|error| Failed::Task(error.to_string()))?);
    }
    if verdicts.is_empty() {
        return Err(Failed::Task(format!("no test in {} fits", path.display())));
    }
    if options.json {
        let text =
            serde_json::to_string_pretty(&verdicts).map_err(|error| Failed::Task(error.to_string()))?;
        say(&text);
    } else {
        verdicts.iter().for_each(|verdict| tell(verdict, options.wall));
    }
    let failed = verdicts.iter().filter(|verdict| !verdict.failures.is_empty()).count();
    if failed > 0 {
        let reason = format!("{failed} of {} failed", count(verdicts.len(), "test"));
        return Err(Failed::Task(if options.json { String::new() } else { reason }));
    }
    if !options.json {
        say(&format!("fine: {}", count(verdicts.len(), "test")));
    }
    Ok(())
}

/// The folder `tests` in that of the configuration, which reads no folders of its own.
fn beside(config: PathBuf) -> PathBuf {
    let folder = if config.is_dir() { Some(config.as_path()) } else { config.parent() };
    folder.map_or_else(|| PathBuf::from("tests"), |folder| folder.join("tests"))
}

fn tell(verdict: &Verdict, has_wall: bool) {
    let is_failed = !verdict.failures.is_empty();
    say(&format!("{}  {}  ({})", if is_failed { "FAILED" } else { "ok    " }, verdict.test, verdict.spot));
    for failure in &verdict.failures {
        say(&format!("  {}", failure.spot));
        say(&format!("    expected: {}", failure.expected));
        say(&format!("    found:    {}", failure.found));
    }
    if is_failed || has_wall {
        say(if verdict.told.is_empty() { "  nothing was told" } else { "  told:" });
        verdict.told.iter().for_each(|told| say(&entry(told)));
    }
}

fn entry(told: &Told) -> String {
    let mut text = format!("  {:>9}  {}", trial::clock(told.after_ms), told.what.word());
    text.push_str(&format!(" of {} by {}, priority {}", told.machine, told.rule, told.priority));
    for line in told.text.lines() {
        text.push_str("\n             ");
        text.push_str(line);
    }
    text
}
