//! A look at what a program prints, before it is configured.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use contract::suggest::{plain_name, quoted, unique};
use contract::{SourceError, clean};
use jiff::tz::TimeZone;
use rows::guess::{Column, Guess, Rows};
use rows::{Decimal, Style};

use crate::cell::Cell;
use crate::child::Command;
use crate::lines::Cut;
use crate::message::{Said, Wrong, parse};
use crate::pipes::{Ending, Running};
use crate::settings::Settings;

/// More names than this are a program that makes them up.
const NAMES_MAX: usize = 1_000;
/// The rows of a list that decide what its fields hold.
const ROWS_MAX: usize = 500;
/// The fields of a list that are suggested.
const FIELDS_MAX: usize = 100;
/// The longest name in a configuration.
const NAME_MAX: usize = 60;

/// What to look at.
#[derive(Debug, Clone)]
pub struct Options {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The folder in which it runs.
    pub folder: PathBuf,
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
    /// The lists that it names, with the first rows of each.
    pub lists: BTreeMap<String, Vec<BTreeMap<String, String>>>,
    /// How it ended, if it did.
    pub ending: Option<String>,
    /// Why this is no program to configure as it is, if it is none.
    pub failure: Option<String>,
    /// A configuration that reads all of it.
    pub configuration: String,
}

/// Runs the program for a while and reads what it prints. Settles nothing.
///
/// # Errors
/// The program cannot be started.
pub async fn probe(options: &Options) -> Result<Report, SourceError> {
    let table = serde_json::json!({"command": options.command, "folder": options.folder});
    let settings: Settings =
        serde_json::from_value(table).map_err(|error| SourceError::Refused(error.to_string()))?;
    let command = Command::new(&settings, options.state.clone())
        .map_err(|fault| SourceError::Refused(fault.message))?;
    let (child, group) = command.start()?;
    let mut running = Running::new(child, group, "probe", settings.line_max);
    let mut report = Report::default();
    let mut is_well = true;
    let listening = async {
        loop {
            while let Some(cut) = running.lines.cut() {
                report.take(&cut);
            }
            match running.hear().await {
                None => {}
                Some(Ending::Well) => return "the program has ended with status 0".to_owned(),
                Some(Ending::Badly(words)) => {
                    is_well = false;
                    return words;
                }
            }
        }
    };
    report.ending = tokio::time::timeout(options.listen, listening).await.ok();
    running.end(command.grace).await;
    report.failure = report.failure(is_well, options.listen);
    report.configuration = report.configuration(options);
    Ok(report)
}

impl Report {
    fn take(&mut self, cut: &Cut<'_>) {
        self.lines += 1;
        let wrong = match cut {
            Cut::TooLong(number) => format!("line {number}: too long"),
            Cut::Line(number, line) => match parse(line) {
                Ok((said, _)) => return self.note(said),
                Err(Wrong::NoJson(wrong) | Wrong::NoMeaning(wrong)) => {
                    format!("line {number}: {}", clean(&wrong, 200))
                }
            },
        };
        if self.bad.len() < 5 {
            self.bad.push(wrong);
        }
    }

    /// What makes it fail, the first that a person would mend.
    fn failure(&self, is_well: bool, listen: Duration) -> Option<String> {
        match (&self.ending, self.lines) {
            (Some(ending), _) if !is_well => Some(clean(ending, 300)),
            (Some(_), 0) => Some("the program ended and printed nothing".to_owned()),
            (None, 0) => Some(format!("the program printed nothing within {} s", listen.as_secs_f64())),
            _ if self.tags.is_empty() && self.lists.is_empty() => {
                Some("no line of the program names a tag or a list".to_owned())
            }
            _ => None,
        }
    }

    fn note(&mut self, said: Said) {
        let is_full = self.tags.len() + self.lists.len() >= NAMES_MAX;
        match said {
            Said::Record(row) if !is_full || self.lists.contains_key(&row.list) => {
                let rows = self.lists.entry(row.list).or_default();
                if rows.len() < ROWS_MAX {
                    let fields = row.fields.into_iter().take(FIELDS_MAX);
                    rows.push(fields.filter_map(|(name, cell)| Some((name, plain(&cell)?))).collect());
                }
            }
            _ if is_full => {}
            Said::Sample(measure) => drop(self.tags.insert(measure.tag)),
            Said::Alarm(alarm) => drop(self.tags.insert(alarm.tag)),
            Said::Record(_) => {}
            Said::Version(_) | Said::Gone(_) | Said::Begin(_) | Said::Whole(_) | Said::Refreshing(_) => {}
            Said::Refreshed(_) | Said::Notice(_) | Said::Nothing => {}
        }
    }

    fn configuration(&self, options: &Options) -> String {
        let words: Vec<String> = options.command.iter().map(|word| quoted(word)).collect();
        let folder = quoted(&options.folder.display().to_string());
        let mut text =
            format!("[source.exec.program]\ncommand = [{}]\nfolder = {folder}\n", words.join(", "));
        if self.ending.is_some() {
            text += "every = \"1m\" # it ends by itself: it is started again so often\n";
        }
        let mut names = BTreeSet::new();
        for tag in &self.tags {
            let (machine, name) = tag.split_once('/').unwrap_or(("machine-1", tag));
            let (machine, name) = (word(machine, "machine"), word(name, "value"));
            // What two are called in common words is made different by the name of the tag.
            let key = unique(&mut names, &format!("{machine}.tag.{name}"));
            text += &format!("\n[machine.{key}]\nsource = \"program\"\ncalled = {}\n", quoted(tag));
        }
        let mut lists = BTreeSet::new();
        for (list, rows) in &self.lists {
            let key = unique(&mut lists, &word(list, "rows"));
            text += &format!("\n[list.{key}]\nsource = \"program\"\ncalled = {}\n", quoted(list));
            let columns = columns(rows);
            let style = Style::new(Decimal::Point, TimeZone::UTC);
            text += &Guess::of(&columns, Rows::Again, &style).toml(&columns);
        }
        text
    }
}

fn columns(rows: &[BTreeMap<String, String>]) -> Vec<Column> {
    let names: BTreeSet<&String> = rows.iter().flat_map(BTreeMap::keys).take(NAMES_MAX).collect();
    let column = |from: &String| Column {
        from: from.clone(),
        cells: rows.iter().map(|row| row.get(from).cloned().unwrap_or_default()).collect(),
    };
    names.into_iter().take(FIELDS_MAX).map(column).collect()
}

/// As text; `None` of what no field can hold.
fn plain(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Empty => Some(String::new()),
        Cell::Flag(flag) => Some(flag.to_string()),
        Cell::Whole(number) => Some(number.to_string()),
        Cell::Number(number) => Some(number.to_string()),
        Cell::Text(text) => Some(text.clone()),
        Cell::Other(_) => None,
    }
}

/// A name of the configuration.
fn word(name: &str, otherwise: &str) -> String {
    match plain_name(name, NAME_MAX) {
        name if name.is_empty() => otherwise.to_owned(),
        name => name,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} lines, {} tags, {} lists", self.lines, self.tags.len(), self.lists.len())?;
        self.bad.iter().try_for_each(|line| writeln!(f, "bad: {line}"))?;
        self.ending.iter().try_for_each(|ending| writeln!(f, "{}", clean(ending, 300)))
    }
}
