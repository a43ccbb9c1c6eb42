//! The files of a configuration as one row of bytes, so that a span alone tells file, line and column.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::diagnostic::{Diagnostic, Excerpt, Place, Severity};
use super::excerpt;
use super::problem::{Problem, Span};

/// Far more than a plant needs; less than a disk image given by mistake.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Name and text of each file.
pub(super) type Texts = Vec<(String, String)>;

/// The files, one after the other.
#[derive(Debug)]
pub(super) struct Files(Vec<OneFile>);

#[derive(Debug)]
struct OneFile {
    name: String,
    text: String,
    start: usize,
    /// Where each line begins, so that ten thousand places are found quickly.
    lines: Vec<usize>,
}

impl Files {
    pub fn new(texts: Texts) -> Files {
        let mut start = 0;
        let files = texts.into_iter().map(|(name, text)| {
            let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
            let file = OneFile { name, start, lines, text };
            // One byte between: the end of a file is not the start of the next.
            start += file.text.len() + 1;
            file
        });
        Files(files.collect())
    }

    /// Text and start of each file.
    pub fn texts(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().map(|file| (file.text.as_str(), file.start))
    }

    /// The file that holds this byte.
    fn at(&self, offset: usize) -> Option<&OneFile> {
        self.0.get(self.0.partition_point(|file| file.start <= offset).checked_sub(1)?)
    }

    /// What is written there.
    pub fn text(&self, span: &Span) -> Option<&str> {
        let file = self.at(span.start)?;
        file.text.get(span.start - file.start..span.end.checked_sub(file.start)?)
    }

    pub fn place(&self, offset: usize) -> Place {
        let Some(file) = self.at(offset) else { return self.whole() };
        let (line_start, inside) = file.line_of(offset);
        let line = file.lines.partition_point(|start| *start <= inside);
        let column = 1 + file.text[line_start..inside].chars().count();
        Place { file: file.name.clone(), line, column }
    }

    /// The place of the configuration as a whole.
    fn whole(&self) -> Place {
        let file = self.0.first().map(|file| file.name.clone()).unwrap_or_default();
        Place { file, line: 0, column: 0 }
    }

    /// `secrets` are spans that are never shown.
    pub fn diagnose(&self, problem: Problem, path: String, secrets: &[Span]) -> Diagnostic {
        let clean = |words: &str| contract::clean(&excerpt::without_login(words), 400);
        let span = problem.span.clone();
        Diagnostic {
            severity: problem.severity,
            place: span.as_ref().map_or_else(|| self.whole(), |span| self.place(span.start)),
            path: contract::clean(&path, 200),
            message: clean(&problem.message),
            help: problem.help.as_deref().map(clean),
            excerpt: span.and_then(|span| self.excerpt(&span, secrets)),
        }
    }

    fn excerpt(&self, span: &Span, secrets: &[Span]) -> Option<Excerpt> {
        let file = self.at(span.start)?;
        let (line_start, inside) = file.line_of(span.start);
        let line = file.text[line_start..].split('\n').next()?;
        let local = |offset: usize| offset.saturating_sub(file.start + line_start).min(line.len());
        let hidden: Vec<Span> = secrets
            .iter()
            .map(|secret| local(secret.start)..local(secret.end))
            .filter(|secret| !secret.is_empty())
            .collect();
        Some(excerpt::draw(line, (inside - line_start)..local(span.end), hidden))
    }
}

impl OneFile {
    /// Where the line of this byte begins, and the byte itself, both in the file and between two characters.
    fn line_of(&self, offset: usize) -> (usize, usize) {
        let mut inside = (offset - self.start).min(self.text.len());
        while !self.text.is_char_boundary(inside) {
            inside -= 1;
        }
        let line = self.lines.partition_point(|start| *start <= inside);
        (self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0), inside)
    }
}

/// Reads one file, or the `*.toml` files of a folder in the order of their names.
pub(super) fn load(path: &Path) -> Result<Texts, Vec<Diagnostic>> {
    let paths = list(path).map_err(|diagnostic| vec![*diagnostic])?;
    let (mut texts, mut wrong) = (Vec::new(), Vec::new());
    for path in paths {
        match load_one(&path) {
            Ok(text) => texts.push((path.display().to_string(), text)),
            Err(diagnostic) => wrong.push(*diagnostic),
        }
    }
    if wrong.is_empty() { Ok(texts) } else { Err(wrong) }
}

fn list(path: &Path) -> Result<Vec<PathBuf>, Box<Diagnostic>> {
    let meta = std::fs::metadata(path).map_err(|error| {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        let message = if missing { "no such file or folder".to_owned() } else { error.to_string() };
        whole(path, message)
    })?;
    if !meta.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).map_err(|error| whole(path, error.to_string()))?;
    let mut paths = Vec::new();
    for entry in entries {
        let file = entry.map_err(|error| whole(path, error.to_string()))?.path();
        let is_hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if file.extension().is_some_and(|extension| extension == "toml") && !is_hidden {
            paths.push(file);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(whole(path, "no `*.toml` file in this folder, expected at least one"));
    }
    Ok(paths)
}

fn load_one(path: &Path) -> Result<String, Box<Diagnostic>> {
    let fault = |error: std::io::Error| whole(path, error.to_string());
    // Asked first: opening a pipe would wait for whoever writes into it.
    if !std::fs::metadata(path).map_err(fault)?.is_file() {
        return Err(whole(path, "not a file, expected a TOML file"));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)).map_err(fault)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(whole(path, "larger than 1 MiB, expected a configuration file"));
    }
    text_of(path, &bytes)
}

fn text_of(path: &Path, bytes: &[u8]) -> Result<String, Box<Diagnostic>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text.to_owned()),
        Err(error) => error,
    };
    let good = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default());
    let bad = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
    let line_start = good.rfind('\n').map_or(0, |at| at + 1);
    let mut diagnostic = whole(path, format!("byte {bad:#04x} is not UTF-8"));
    diagnostic.place.line = 1 + good.matches('\n').count();
    diagnostic.place.column = 1 + good[line_start..].chars().count();
    diagnostic.help = Some("save the file as UTF-8 in your editor".to_owned());
    Err(diagnostic)
}

fn whole(path: &Path, message: impl Into<String>) -> Box<Diagnostic> {
    Box::new(Diagnostic {
        severity: Severity::Error,
        place: Place { file: contract::clean(&path.display().to_string(), 400), line: 0, column: 0 },
        path: String::new(),
        message: message.into(),
        help: None,
        excerpt: None,
    })
}
