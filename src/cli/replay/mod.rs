//! `portevoix replay`: what would have been told of a recording. Never posts anything.

mod words;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use contract::Moment;
use serde::Serialize;

use super::{Configured, Failed, Outcome, complain, say, show};
use crate::config::{self, Plan};
use crate::outbox::Job;
use crate::replay::advice::{Advice, Spreads, advise};
use crate::replay::play::{TakenOut, in_units, watched};
use crate::replay::tally::{Report, RuleReport};
use crate::replay::{Names, Recording, Tally, Troubles, files, play};

/// What the command line says.
#[derive(Debug, Args)]
pub struct Options {
    /// CSV (a line for each reading: time, tag, value, perhaps quality; or a column for each tag), or JSON lines as
    /// `portevoix record` writes them; or a folder of such files. Tags are named `machine/tag`.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    configured: Configured,
    /// Another configuration, to compare with
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// Print every post, edit and answer as it would have been read
    #[arg(long)]
    wall: bool,
    /// Also look for the deadband (`clear`) and the on-delay that would have kept each rule within `--posts`
    #[arg(long)]
    tune: bool,
    /// With `--tune`: how many posts of one rule a day and machine are welcome
    #[arg(long, value_name = "N", default_value_t = 3.0, requires = "tune")]
    posts: f64,
    /// The values are in the units of the tags already, as a historian exports them: `scale` and `offset` are not applied
    #[arg(long)]
    in_units: bool,
    /// One JSON document instead of words
    #[arg(long, conflicts_with = "wall")]
    json: bool,
}

/// One configuration, replayed.
#[derive(Debug, Serialize)]
struct Replayed {
    /// The folder or file of the configuration.
    config: String,
    #[serde(flatten)]
    report: Report,
    /// How long the replay took.
    took_s: f64,
    /// Rules on the silence of tags of which the files hold nothing: left out.
    silent_rules: usize,
    left_out: Troubles,
    #[serde(skip_serializing_if = "Option::is_none")]
    tuning: Option<Tuning>,
}

/// What `--tune` found.
#[derive(Debug, Serialize)]
struct Tuning {
    posts_a_day: f64,
    took_s: f64,
    rules: Vec<Advice>,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Document {
    replay: Replayed,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Replayed>,
}

/// Does it.
pub fn run(options: &Options) -> Outcome {
    let plan = options.configured.load()?;
    let other = options.against.as_deref().map(load).transpose()?;
    let replay = replayed(plan, &options.configured.path(), options, true)?;
    let other = options.against.as_deref().zip(other);
    let against = other.map(|(path, plan)| replayed(plan, path, options, false)).transpose()?;
    if options.json {
        let document = Document { replay, against };
        let text =
            serde_json::to_string_pretty(&document).map_err(|error| Failed::Task(error.to_string()))?;
        say(&text);
        return Ok(());
    }
    words::left_out(&replay).iter().for_each(|line| complain(line));
    match &against {
        Some(against) => words::beside(&replay, against).iter().for_each(|line| say(line)),
        None => words::alone(&replay).iter().for_each(|line| say(line)),
    }
    replay.tuning.iter().flat_map(words::tuning).for_each(|line| say(&line));
    Ok(())
}

fn load(path: &Path) -> Result<Plan, Failed> {
    match config::load(path) {
        Ok(plan) => {
            show(&plan.warnings);
            Ok(plan)
        }
        Err(found) => {
            show(&found);
            Err(Failed::Configuration)
        }
    }
}

fn replayed(mut plan: Plan, path: &Path, options: &Options, is_first: bool) -> Result<Replayed, Failed> {
    let wrong = |error: &dyn std::fmt::Display| Failed::Task(error.to_string());
    if options.in_units {
        in_units(&mut plan);
    }
    let names = Names::new(&plan);
    let files = files::spread_out(&options.files).map_err(|error| wrong(&error))?;
    let speaking = files::tags(&files, &names, &watched(&plan)).map_err(|error| wrong(&error))?;
    // They are not put back: the plan is for this replay.
    let silent_rules = TakenOut::silent(&mut plan, &speaking, &|_, _| false).count();
    let mut recording = Recording::open(&files, &names).map_err(|error| wrong(&error))?;
    let mut wall = |now: Moment, job: &Job| say(&words::seen(&plan.site.timezone, now, job));
    let has_wall = is_first && options.wall;
    let mut tally = Tally::new(&plan, if has_wall { Some(&mut wall) } else { None });
    let mut spreads = (is_first && options.tune).then(|| Spreads::new(&plan));
    let started = Instant::now();
    let mut next = || {
        let row = recording.next();
        if let (Some(row), Some(spreads)) = (&row, &mut spreads) {
            spreads.see(row);
        }
        row
    };
    let played = play(&plan, &mut next, &mut tally).map_err(|error| wrong(&error))?;
    let took_s = started.elapsed().as_secs_f64();
    let left_out = recording.end().map_err(|error| wrong(&error))?;
    let Some(played) = played else {
        words::troubles(&left_out).iter().for_each(|line| complain(line));
        return Err(Failed::Task("these files hold no reading of a tag that is configured".into()));
    };
    let report = tally.report(played);
    let tuning = spreads.map(|spreads| tune(plan, &report, &spreads, &files, options)).transpose()?;
    let config = path.display().to_string();
    Ok(Replayed { config, report, took_s, silent_rules, left_out, tuning })
}

fn tune(
    plan: Plan,
    report: &Report,
    spreads: &Spreads,
    files: &[PathBuf],
    options: &Options,
) -> Result<Tuning, Failed> {
    let wrong = |error: &dyn std::fmt::Display| Failed::Task(error.to_string());
    let days = (report.recorded_s / 86_400.0).max(1.0);
    let is_talkative = |rule: &&RuleReport| rule.episodes as f64 > options.posts * days;
    let talkative: Vec<(String, String)> = report
        .rules
        .iter()
        .filter(is_talkative)
        .map(|rule| (rule.machine.clone(), rule.rule.clone()))
        .collect();
    let names = Names::new(&plan);
    let mut recording = Recording::open(files, &names).map_err(|error| wrong(&error))?;
    let started = Instant::now();
    let rules = advise(plan, &talkative, spreads, options.posts, &mut || recording.next())
        .map_err(|error| wrong(&error))?;
    recording.end().map_err(|error| wrong(&error))?;
    Ok(Tuning { posts_a_day: options.posts, took_s: started.elapsed().as_secs_f64(), rules })
}
