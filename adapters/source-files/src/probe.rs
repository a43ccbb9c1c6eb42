//! A look at a folder before it is configured: what lies there, how one file is written, and a configuration for it.
//! Read-only: nothing is moved, nothing remembered.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use contract::{Fault, Field, FieldKind, SourceError, clean};
use jiff::tz::TimeZone;
use rows::{Cell, Decimal, Style};
use serde_json::Value as Json;
use tokio::sync::Semaphore;

use crate::folder::Folder;
use crate::format::{Found, Reader};
use crate::glob;
use crate::guess::{self, Guess};
use crate::place::{Fetched, Place, What};

/// The longest that a look may take.
const LOOK_MAX: Duration = Duration::from_secs(30);
/// The largest file that is looked into, in bytes.
const FILE_MAX: u64 = 64 << 20;
/// The rows that decide what a column holds.
const ROWS_MAX: usize = 500;
/// The rows that are shown.
const SHOWN: usize = 5;
/// The longest name in a configuration.
const NAME_MAX: usize = 40;

/// What to look at.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder, as a full path.
    pub folder: PathBuf,
    /// Which files: `suivi-of*.csv`. Without it, the newest file decides.
    pub files: Option<String>,
    /// The zone of times that are written without one: `Europe/Paris`.
    pub timezone: String,
}

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// All files that may be read, with their sizes in bytes.
    pub files: Vec<(String, u64)>,
    /// The one that was looked into.
    pub file: String,
    /// How it is written, in words.
    pub dialect: String,
    /// What its columns are called.
    pub columns: Vec<String>,
    /// Its first rows.
    pub rows: Vec<Vec<String>>,
    /// A configuration that reads it, for a person to go over.
    pub configuration: String,
}

/// Looks at a folder.
///
/// # Errors
/// Lost or locked out as a source would be; refused where no file lies or none can be understood.
pub async fn probe(options: &Options) -> Result<Report, SourceError> {
    let look = tokio::time::timeout(LOOK_MAX, look(options));
    look.await.unwrap_or_else(|_| Err(SourceError::Lost("no answer within 30 s".to_owned())))
}

async fn look(options: &Options) -> Result<Report, SourceError> {
    let refused = |words: String| SourceError::Refused(words);
    let zone = TimeZone::get(&options.timezone).map_err(|error| refused(error.to_string()))?;
    let folder = Folder::open(&options.folder, Arc::new(Semaphore::new(1))).await?;
    let pattern = options.files.as_deref().unwrap_or("*");
    let mut found = Vec::new();
    for entry in folder.entries().await? {
        if let What::File(stat) = entry.what
            && glob::is_ready(&entry.name)
            && glob::fits(pattern, &entry.name)
        {
            found.push((stat, entry));
        }
    }
    found.sort_by_key(|(stat, entry)| (stat.changed_ns, entry.name.clone()));
    let files = found.iter().map(|(stat, entry)| (entry.name.clone(), stat.size)).collect();
    let shown = options.folder.display();
    let (stat, entry) = found.pop().ok_or_else(|| refused(format!("no file `{pattern}` lies in {shown}")))?;
    let copy = folder.fetch(&entry, stat, FILE_MAX, &std::env::temp_dir()).await?;
    let Fetched::Copy(mut copy) = copy else {
        return Err(refused(format!("{} cannot be read now: {copy:?}", entry.name)));
    };
    let name = entry.name.clone();
    let guessed = tokio::task::spawn_blocking(move || {
        let mut bytes = copy.open().map_err(|error| error.to_string())?;
        let guess = guess::guess(&mut *bytes)?;
        let rows = sample(&mut *bytes, &guess, &zone)?;
        Ok::<_, String>((guess, rows, zone))
    });
    let (guess, rows, zone) = guessed
        .await
        .map_err(|error| SourceError::Lost(error.to_string()))?
        .map_err(|words| refused(format!("{name}: {words}")))?;
    Ok(Report {
        files,
        dialect: guess.words.clone(),
        columns: guess.columns.clone(),
        configuration: configuration(options, &entry.name, &guess, &rows, &zone),
        rows: rows.into_iter().take(SHOWN).collect(),
        file: entry.name,
    })
}

/// The first rows, as text.
fn sample(
    bytes: &mut dyn crate::format::Bytes,
    guess: &Guess,
    zone: &TimeZone,
) -> Result<Vec<Vec<String>>, String> {
    let field =
        |from: &String| Field { name: from.clone(), from: from.clone(), kind: FieldKind::Text, format: None };
    let fields: Vec<Field> = guess.columns.iter().map(field).collect();
    let first = |faults: Vec<Fault>| faults.into_iter().next().map(|fault| fault.message).unwrap_or_default();
    let reader = Reader::new(&guess.format, &fields).map_err(first)?;
    let mut rows = Vec::new();
    let style = Style::new(guess.decimal, zone.clone());
    let read = reader.read(bytes, &style, &mut |found| {
        if let Found::Row(_, cells) = found {
            rows.push(cells.iter().map(text).collect());
        }
        if rows.len() < ROWS_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    match read {
        Err(error) if rows.is_empty() => Err(format!("{error:?}")),
        _ => Ok(rows),
    }
}

fn text(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Absent | Cell::Json(Json::Null) => String::new(),
        Cell::Text(text) => (*text).to_owned(),
        Cell::Json(Json::String(text)) => text.clone(),
        Cell::Json(value) => value.to_string(),
        Cell::Native(contract::Value::Number(number)) => rows::number_text(*number),
        Cell::Native(contract::Value::Text(text)) => text.to_string(),
        Cell::Native(contract::Value::Flag(flag)) => flag.to_string(),
        Cell::Native(contract::Value::Time(at)) => {
            jiff::Timestamp::from_millisecond(at.as_ms()).map_or_else(|_| String::new(), |at| at.to_string())
        }
    }
}

/// What a column holds, by its cells.
fn kind(cells: &[&str], decimal: Decimal, zone: &TimeZone) -> FieldKind {
    let style = Style::new(decimal, zone.clone());
    let filled: Vec<&&str> = cells.iter().filter(|cell| !cell.trim().is_empty()).collect();
    let are = |kind: FieldKind| {
        let field = Field { name: String::new(), from: String::new(), kind, format: None };
        !filled.is_empty() && filled.iter().all(|cell| rows::cell(cell, &field, &style).is_ok())
    };
    // Eight digits may be a number, and a number of an order with zeros in front is none.
    let is_padded =
        filled.iter().any(|cell| cell.len() > 1 && cell.starts_with('0') && !cell.contains([',', '.']));
    let looks_like_day = filled.iter().all(|cell| cell.contains(['/', '-', ':', '.']) || cell.len() == 8);
    match () {
        () if looks_like_day && are(FieldKind::Time) && !are(FieldKind::Number) => FieldKind::Time,
        () if !is_padded && are(FieldKind::Number) => FieldKind::Number,
        () => FieldKind::Text,
    }
}

fn configuration(
    options: &Options,
    file: &str,
    guess: &Guess,
    rows: &[Vec<String>],
    zone: &TimeZone,
) -> String {
    let mut names = BTreeSet::new();
    let fields: Vec<String> =
        guess.columns.iter().map(|from| unique(&mut names, &guess::plain_name(from, NAME_MAX))).collect();
    let column = |index: usize| rows.iter().map(|row| row[index].as_str()).collect::<Vec<&str>>();
    let is_key = |index: &usize| {
        let cells = column(*index);
        let different: BTreeSet<&str> = cells.iter().copied().collect();
        cells.iter().all(|cell| !cell.trim().is_empty()) && different.len() == cells.len()
    };
    let key = (0..fields.len()).find(is_key).unwrap_or(0);
    let pattern = options.files.clone().unwrap_or_else(|| guess::pattern(file));
    let mut lines = vec![
        "[source.files.files]".to_owned(),
        format!("folder = {}", quoted(&options.folder.display().to_string())),
        String::new(),
        "[list.rows]".to_owned(),
        "source = \"files\"".to_owned(),
        format!("files = {}", quoted(&pattern)),
        guess.toml.clone(),
        format!("key = [{}]", quoted(&fields[key])),
    ];
    for (index, (name, from)) in fields.iter().zip(&guess.columns).enumerate() {
        let kind = match kind(&column(index), guess.decimal, zone) {
            FieldKind::Number if index != key => ", type = \"number\"",
            FieldKind::Time if index != key => ", type = \"time\"",
            _ => "",
        };
        lines.push(format!("field.{name} = {{ from = {}{kind} }}", quoted(from)));
    }
    lines.join("\n") + "\n"
}

/// A name that no other field has.
fn unique(names: &mut BTreeSet<String>, wanted: &str) -> String {
    let candidates =
        (1..).map(|number| if number == 1 { wanted.to_owned() } else { format!("{wanted}-{number}") });
    let free = candidates.into_iter().find(|name| !names.contains(name)).unwrap_or_default();
    names.insert(free.clone());
    free
}

/// A basic string of TOML: JSON writes one.
pub(crate) fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// More names are no help.
        const NAMES: usize = 20;
        for (name, size) in self.files.iter().rev().take(NAMES) {
            writeln!(f, "{:>12} bytes  {}", size, clean(name, 100))?;
        }
        writeln!(f, "{} files; looked into {}: {}", self.files.len(), clean(&self.file, 100), self.dialect)?;
        for row in &self.rows {
            let cells = self.columns.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
            let cells: Vec<String> = cells.map(|(name, cell)| format!("{name} = {cell}")).collect();
            writeln!(f, "  {}", clean(&cells.join(" | "), 300))?;
        }
        Ok(())
    }
}
