//! A look at what a program prints, before it is configured.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use contract::{SourceError, clean};

use crate::child::Command;
use crate::lines::Cut;
use crate::message::{Said, parse};
use crate::pipes::{Ending, Running};
use crate::settings::Settings;

/// More names than this are a program that makes them up.
const NAMES_MAX: usize = 1_000;

/// What to look at.
#[derive(Debug, Clone)]
pub struct Options {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// A folder for what it keeps.
    pub state: PathBuf,
    /// How long to listen.
    pub listen: Duration,
}

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How many lines came.
    pub lines: u64,
    /// What the first bad lines are: number and words.
    pub bad: Vec<String>,
    /// The tags that it names.
    pub tags: BTreeSet<String>,
    /// The lists that it names, with their fields.
    pub lists: BTreeMap<String, BTreeSet<String>>,
    /// How it ended, if it did.
    pub ending: Option<String>,
    /// A configuration that reads all of it.
    pub configuration: String,
}

/// Runs the program for a while and reads what it prints. Settles nothing.
///
/// # Errors
/// The program cannot be started.
pub async fn probe(options: &Options) -> Result<Report, SourceError> {
    let table = serde_json::json!({"command": options.command});
    let settings: Settings =
        serde_json::from_value(table).map_err(|error| SourceError::Refused(error.to_string()))?;
    let command = Command::new(&settings, options.state.clone())
        .map_err(|fault| SourceError::Refused(fault.message))?;
    let (child, group) = command.start()?;
    let mut running = Running::new(child, group, "probe", settings.line_max);
    let mut report = Report::default();
    let listening = async {
        loop {
            while let Some(cut) = running.lines.cut() {
                report.take(&cut);
            }
            match running.hear().await {
                None => {}
                Some(Ending::Well) => return "the program has ended with status 0".to_owned(),
                Some(Ending::Badly(words)) => return words,
            }
        }
    };
    report.ending = tokio::time::timeout(options.listen, listening).await.ok();
    running.end(command.grace).await;
    report.configuration = report.configuration(&options.command);
    Ok(report)
}

impl Report {
    fn take(&mut self, cut: &Cut<'_>) {
        self.lines += 1;
        let wrong = match cut {
            Cut::TooLong(number) => format!("line {number}: too long"),
            Cut::Line(number, line) => match parse(line) {
                Ok((said, _)) => return self.note(said),
                Err(wrong) => format!("line {number}: {}", clean(&format!("{wrong:?}"), 200)),
            },
        };
        if self.bad.len() < 5 {
            self.bad.push(wrong);
        }
    }

    fn note(&mut self, said: Said) {
        if self.tags.len() + self.lists.len() >= NAMES_MAX {
            return;
        }
        match said {
            Said::Sample(measure) => drop(self.tags.insert(measure.tag)),
            Said::Alarm(alarm) => drop(self.tags.insert(alarm.tag)),
            Said::Record(row) => self.lists.entry(row.list).or_default().extend(row.fields.into_keys()),
            Said::Version(_) | Said::Gone(_) | Said::Begin(_) | Said::Whole(_) | Said::Refreshing(_) => {}
            Said::Refreshed(_) | Said::Notice(_) | Said::Nothing => {}
        }
    }

    fn configuration(&self, command: &[String]) -> String {
        let mut text = format!("[source.exec.program]\ncommand = {}\n", text(command));
        for tag in &self.tags {
            let (machine, name) = tag.split_once('/').unwrap_or(("machine-1", tag));
            let (machine, name) = (word(machine), word(name));
            text += &format!(
                "\n[machine.{machine}.tag.{name}]\nsource = \"program\"\ncalled = {}\n",
                quoted(tag)
            );
        }
        for (list, fields) in &self.lists {
            text += &format!("\n[list.{}]\nsource = \"program\"\ncalled = {}\n", word(list), quoted(list));
            text += &format!(
                "key = [{}]\n",
                fields.iter().next().map(|key| quoted(&word(key))).unwrap_or_default()
            );
            for field in fields {
                text += &format!("field.{} = {{ from = {} }}\n", word(field), quoted(field));
            }
        }
        text
    }
}

fn text(words: &[String]) -> String {
    format!("[{}]", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", "))
}

/// As JSON, which is also how TOML writes a text.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A name of the configuration.
fn word(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().take(60).map(plain).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} lines, {} tags, {} lists", self.lines, self.tags.len(), self.lists.len())?;
        self.bad.iter().try_for_each(|line| writeln!(f, "bad: {line}"))?;
        self.ending.iter().try_for_each(|ending| writeln!(f, "{}", clean(ending, 300)))
    }
}
