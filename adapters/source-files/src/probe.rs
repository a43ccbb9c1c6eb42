//! A look at a folder before it is configured: what lies there, how one file is written, and a configuration for it.
//! Read-only: nothing is moved, nothing remembered.

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use contract::suggest::quoted;
use contract::{Fault, Field, FieldKind, SourceError, clean};
use jiff::tz::TimeZone;
use rows::guess::{Column, Rows};
use rows::{Cell, Style};
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
    let mut copy = match copy {
        Fetched::Copy(copy) => copy,
        Fetched::Changed => return Err(refused(format!("{} is being written; try again", entry.name))),
        Fetched::Cannot(cause) => return Err(refused(format!("{}: {}", entry.name, cause))),
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
        Err(error) if rows.is_empty() => Err(error.to_string()),
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

fn configuration(
    options: &Options,
    file: &str,
    guess: &Guess,
    rows: &[Vec<String>],
    zone: &TimeZone,
) -> String {
    let column = |(at, from): (usize, &String)| Column {
        from: from.clone(),
        cells: rows.iter().map(|row| row[at].clone()).collect(),
    };
    let columns: Vec<Column> = guess.columns.iter().enumerate().map(column).collect();
    let fields = rows::guess::Guess::of(&columns, Rows::Once, &Style::new(guess.decimal, zone.clone()));
    let pattern = options.files.clone().unwrap_or_else(|| guess::pattern(file));
    let twins = match guess.twins.is_empty() {
        true => String::new(),
        false => format!("# Left out, because several columns are called so: {}.\n", twins(guess)),
    };
    format!(
        "[source.files.files]\nfolder = {}\n\n[list.rows]\nsource = \"files\"\nfiles = {}\n{}\n{twins}{}",
        quoted(&options.folder.display().to_string()),
        quoted(&pattern),
        guess.toml,
        fields.toml(&columns)
    )
}

fn twins(guess: &Guess) -> String {
    let mut names: Vec<String> = guess.twins.iter().map(|name| clean(name, 40)).collect();
    names.dedup();
    names.join(", ")
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
