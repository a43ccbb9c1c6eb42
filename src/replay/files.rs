//! Files of readings, opened, put in the order of time and merged.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use contract::{Batch, Moment, Sample, TagId};

use super::csv::Csv;
use super::json::Json;
use super::names::Names;
use super::order::Ordered;
use super::troubles::Troubles;

/// A longer line is none of readings: one column for each of ten thousand tags fits.
const LINE_MAX: u64 = 1 << 20;

/// So many rows of all files together are held to put them in order: about 100 MB.
const ROWS_MAX: usize = 1 << 20;

/// What was said at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// When it arrived.
    pub now: Moment,
    /// By which source.
    pub source: usize,
    /// What.
    pub said: Said,
}

/// What a source said, or what happened to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// A value of a tag.
    Sample(Sample),
    /// Anything else.
    Batch(Box<Batch>),
    /// Connected from now on, or lost.
    Link(bool),
}

/// One file, line by line.
pub(super) struct Lines {
    reader: Box<dyn BufRead>,
    name: String,
    number: u64,
    line: Vec<u8>,
}

impl Lines {
    fn open(path: &Path) -> io::Result<Lines> {
        let reader = Box::new(BufReader::with_capacity(1 << 16, File::open(path)?));
        Ok(Lines { reader, name: path.display().to_string(), number: 0, line: Vec::new() })
    }

    /// The next line that is not empty, with its number; what cannot be one is told.
    pub fn next(&mut self, troubles: &mut Troubles) -> io::Result<Option<(u64, &str)>> {
        loop {
            self.line.clear();
            let taken = self.reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut self.line)?;
            if taken == 0 {
                return Ok(None);
            }
            self.number += 1;
            if taken as u64 == LINE_MAX && !self.line.ends_with(b"\n") {
                troubles.wrong(&self.name, self.number, "longer than 1 MiB, expected a line of readings");
                self.skip()?;
                continue;
            }
            let is_blank = self.line.iter().all(u8::is_ascii_whitespace);
            if is_blank {
                continue;
            }
            break;
        }
        match std::str::from_utf8(&self.line) {
            Ok(_) => {}
            Err(_) => {
                troubles.wrong(&self.name, self.number, "not UTF-8");
                return self.next(troubles);
            }
        }
        let text = std::str::from_utf8(&self.line).unwrap_or_default();
        Ok(Some((self.number, text.trim_start_matches('\u{FEFF}').trim_end_matches(['\n', '\r']))))
    }

    /// Passes over the rest of a line.
    fn skip(&mut self) -> io::Result<()> {
        loop {
            self.line.clear();
            let taken = self.reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut self.line)?;
            if taken == 0 || self.line.ends_with(b"\n") {
                return Ok(());
            }
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Gives the rows of one file in the order in which they stand there.
pub(super) trait Reader {
    /// Adds those of the next line; false at the end.
    fn more(&mut self, names: &Names, rows: &mut Vec<Row>, troubles: &mut Troubles) -> io::Result<bool>;
}

/// Why a file cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {what}")]
pub struct FileError {
    file: String,
    what: String,
}

/// The endings of what can be read.
const ENDINGS: [&str; 6] = ["csv", "tsv", "txt", "jsonl", "ndjson", "json"];

fn ending(path: &Path) -> String {
    path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase()
}

/// The files of each folder among these, in the order of their names.
///
/// # Errors
/// A folder cannot be read, or holds nothing that could be replayed.
pub fn spread_out(paths: &[PathBuf]) -> Result<Vec<PathBuf>, FileError> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let wrong = |what: String| FileError { file: path.display().to_string(), what };
        let entries = std::fs::read_dir(path).map_err(|error| wrong(error.to_string()))?;
        let inside = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
        let mut inside: Vec<PathBuf> =
            inside.filter(|file| file.is_file() && ENDINGS.contains(&ending(file).as_str())).collect();
        if inside.is_empty() {
            return Err(wrong(format!("no file in this folder ends in {}", ENDINGS.join(", "))));
        }
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

fn open(path: &Path, names: &Names, troubles: &mut Troubles) -> Result<Box<dyn Reader>, FileError> {
    let wrong = |what: String| FileError { file: path.display().to_string(), what };
    let lines = Lines::open(path).map_err(|error| wrong(error.to_string()))?;
    match ending(path).as_str() {
        "jsonl" | "ndjson" | "json" => Ok(Box::new(Json::new(lines))),
        "csv" | "txt" | "tsv" => Ok(Box::new(Csv::new(lines, names, troubles).map_err(wrong)?)),
        other => Err(wrong(format!("found the ending `{other}`, expected {}", ENDINGS.join(", ")))),
    }
}

/// Some files as one stream of rows in the order of time.
pub struct Recording<'a> {
    names: &'a Names,
    files: Vec<Ordered>,
    /// What was left out.
    pub troubles: Troubles,
    failed: Option<FileError>,
}

impl<'a> Recording<'a> {
    /// Opens them.
    ///
    /// # Errors
    /// One of them cannot be read, or is nothing that could be replayed.
    pub fn open(paths: &[PathBuf], names: &'a Names) -> Result<Recording<'a>, FileError> {
        Recording::with_window(paths, names, ROWS_MAX)
    }

    /// As [`Recording::open`], with so many rows at most that are put in order.
    pub(super) fn with_window(
        paths: &[PathBuf],
        names: &'a Names,
        rows_max: usize,
    ) -> Result<Recording<'a>, FileError> {
        let mut troubles = Troubles::default();
        let each = rows_max / paths.len().max(1);
        let mut files = Vec::new();
        for path in paths {
            files.push(Ordered::new(path.display().to_string(), open(path, names, &mut troubles)?, each));
        }
        Ok(Recording { names, files, troubles, failed: None })
    }

    /// What was left out, once there is no more.
    ///
    /// # Errors
    /// A file could not be read to its end.
    pub fn end(self) -> Result<Troubles, FileError> {
        self.failed.map_or(Ok(self.troubles), Err)
    }
}

/// Rows in the order of time.
impl Iterator for Recording<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let mut best: Option<(Moment, usize)> = None;
        for (at, file) in self.files.iter_mut().enumerate() {
            match file.peek(self.names, &mut self.troubles) {
                Ok(Some(now)) if best.is_none_or(|(least, _)| now < least) => best = Some((now, at)),
                Ok(_) => {}
                Err(error) => {
                    self.failed = Some(FileError { file: file.name().to_owned(), what: error.to_string() });
                    return None;
                }
            }
        }
        let (_, at) = best?;
        self.files.get_mut(at)?.pop(&mut self.troubles)
    }
}

/// The tags that speak in these files, looked for until `wanted` are found.
///
/// # Errors
/// As [`Recording::open`] and [`Recording::end`].
pub fn tags(paths: &[PathBuf], names: &Names, wanted: &HashSet<TagId>) -> Result<HashSet<TagId>, FileError> {
    let (mut missing, mut found) = (wanted.clone(), HashSet::new());
    let mut troubles = Troubles::default();
    for path in paths {
        let mut reader = open(path, names, &mut troubles)?;
        let mut rows = Vec::new();
        let read = |error: io::Error| FileError { file: path.display().to_string(), what: error.to_string() };
        while !missing.is_empty() && reader.more(names, &mut rows, &mut troubles).map_err(read)? {
            for row in rows.drain(..) {
                if let Said::Sample(sample) = row.said {
                    missing.remove(&sample.tag);
                    found.insert(sample.tag);
                }
            }
        }
    }
    Ok(found)
}
