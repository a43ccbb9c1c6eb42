//! The files as one tree: each is parsed, moved to its own stretch of the row of all files, and merged. A table
//! is written in one file; only the tables that hold tables may be spread over several.

use std::collections::HashMap;

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use super::excerpt::is_secret;
use super::files::Files;
use super::problem::{Problems, Span};
use super::wording;

pub(super) type Table<'t> = DeTable<'t>;
pub(super) type Value<'t> = Spanned<DeValue<'t>>;
pub(super) type Key<'t> = Spanned<DeString<'t>>;

/// All files, parsed and merged.
pub(super) struct Tree<'t> {
    pub root: Table<'t>,
    /// What is never shown.
    pub secrets: Vec<Span>,
    /// False when a file is no TOML: what is missing in the tree may stand in it.
    pub is_whole: bool,
}

/// The tree of all files. What cannot be parsed is told and left out.
pub(super) fn parse<'t>(files: &'t Files, problems: &mut Problems) -> Tree<'t> {
    let mut merged = Tree { root: Table::new(), secrets: Vec::new(), is_whole: true };
    for (text, start) in files.texts() {
        let (tree, errors) = DeTable::parse_recoverable(text);
        let tree = tree.into_inner();

        let tree = moved_table(tree, start);
        note_secrets(&tree, false, &mut merged.secrets);
        merged.is_whole &= note_errors(&errors, text, start, files, problems);
        merge(&mut merged.root, tree, files, &mut Vec::new(), problems);
    }
    merged
}

/// Tells one error a line: what follows on the same line is most often the same slip. False when the file is no
/// TOML; a key that is there twice does not spoil the rest.
fn note_errors(
    errors: &[toml::de::Error],
    text: &str,
    start: usize,
    files: &Files,
    problems: &mut Problems,
) -> bool {
    let mut spans: Vec<(Span, &str)> =
        errors.iter().map(|error| (error.span().unwrap_or(0..0), error.message())).collect();
    spans.sort_by_key(|(span, _)| span.start);
    let mut last_line = None;
    for (span, message) in &spans {
        let line = line_start(text, span.start);
        if last_line.replace(line) == Some(line) {
            continue;
        }
        let found = text.get(span.clone()).unwrap_or_default();
        let moved = start + span.start..start + span.end;
        if *message == DUPLICATE {
            let first = first_place(text, span.start, found);
            let place = first.map_or(String::new(), |at| format!(", first at {}", files.place(start + at)));
            problems
                .error(moved, format!("`{found}` is written twice{place}"))
                .help("keep one of the two".to_owned());
        } else {
            let key = text.get(line..span.start).unwrap_or_default();
            let rest = text.get(span.start..).unwrap_or_default();
            let is_bare_secret = is_secret(key) && message.starts_with("string values must be quoted");
            let (message, help) =
                if is_bare_secret { wording::secret() } else { wording::syntax(message, found, rest) };
            problems.error(moved, message).help(help);
        }
    }
    spans.iter().all(|(_, message)| *message == DUPLICATE)
}

const DUPLICATE: &str = "duplicate key";

fn line_start(text: &str, offset: usize) -> usize {
    let mut before = text.as_bytes().iter().take(offset);
    before.rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
}

/// Where the key was first written: the same header, or the same key under the header above.
fn first_place(text: &str, again: usize, key: &str) -> Option<usize> {
    let own_start = line_start(text, again);
    let own = text.get(own_start..)?.lines().next()?.split('#').next()?.trim();
    let mut end = own_start;
    while end > 0 {
        let start = line_start(text, end - 1);
        let line = text.get(start..end)?.trim();
        let indent = text.get(start..end)?.find(line).unwrap_or(0);
        let is_header = line.starts_with('[');
        let is_same_key =
            line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(['=', '.']));
        let is_first = if own.starts_with('[') {
            is_header && line.split('#').next().is_some_and(|header| header.trim() == own)
        } else {
            is_same_key
        };
        if is_first {
            return Some(start + indent);
        }
        if is_header && !own.starts_with('[') {
            return None;
        }
        end = start;
    }
    None
}

/// True for a table that only holds tables, which several files may fill.
fn is_spread(path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(
        path.as_slice(),
        [] | ["source" | "network" | "class" | "machine"]
            | ["source" | "network" | "class" | "machine", _]
            | ["class" | "machine", _, "tag" | "rule"]
            | ["class" | "machine", _, "rule", _]
    )
}

fn merge<'t>(
    into: &mut Table<'t>,
    from: Table<'t>,
    files: &Files,
    path: &mut Vec<String>,
    problems: &mut Problems,
) {
    for (key, value) in from {
        path.push(key.get_ref().to_string());
        let place = into.get_key_value(key.get_ref().as_ref()).map(|(key, _)| key.span());
        match (place, into.get_mut(key.get_ref().as_ref()).map(Spanned::get_mut), value) {
            (Some(first), Some(DeValue::Table(old)), value)
                if is_spread(path) && value.get_ref().is_table() =>
            {
                tell_twice(old, value.get_ref(), first, &key, files, path, problems);
                if let DeValue::Table(new) = value.into_inner() {
                    merge(old, new, files, path, problems);
                }
            }
            (Some(first), _, _) => tell_again(first, &key, files, path, problems),
            (None, _, value) => {
                into.insert(key, value);
            }
        }
        path.pop();
    }
}

/// A machine's own keys (`class`, `name`, `place`) stand in one file, though its tags may stand in others.
fn tell_twice(
    old: &Table<'_>,
    new: &DeValue<'_>,
    first: Span,
    key: &Key<'_>,
    files: &Files,
    path: &[String],
    problems: &mut Problems,
) {
    let has_own = |table: &Table<'_>| table.iter().any(|(_, value)| !value.get_ref().is_table());
    let is_both = path.len() == 2 && has_own(old) && new.as_table().is_some_and(has_own);
    // When a key itself is there twice, that is told instead.
    let shares = |table: &Table<'_>| {
        table
            .iter()
            .any(|(key, value)| !value.get_ref().is_table() && old.contains_key(key.get_ref().as_ref()))
    };
    if is_both && !new.as_table().is_some_and(shares) {
        tell_again(first, key, files, path, problems);
    }
}

fn tell_again(first: Span, key: &Key<'_>, files: &Files, path: &[String], problems: &mut Problems) {
    let path = path.join(".");
    let message = format!("`{path}` is written twice, first at {}", files.place(first.start));
    problems
        .error(key.span(), message)
        .path(path)
        .help("keep one of the two: a table stands in one file".to_owned());
}

fn moved_table(table: Table<'_>, by: usize) -> Table<'_> {
    table.into_iter().map(|(key, value)| (moved(key, by), moved_value(value, by))).collect()
}

fn moved_value(value: Value<'_>, by: usize) -> Value<'_> {
    let span = value.span();
    let inner = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(moved_table(table, by)),
        DeValue::Array(array) => {
            DeValue::Array(array.into_iter().map(|item| moved_value(item, by)).collect::<DeArray<'_>>())
        }
        plain => plain,
    };
    Spanned::new(span.start + by..span.end + by, inner)
}

fn moved<T>(spanned: Spanned<T>, by: usize) -> Spanned<T> {
    let span = spanned.span();
    Spanned::new(span.start + by..span.end + by, spanned.into_inner())
}

/// The spans of texts that may be secrets: anything under a key such as `password` that does not only name the
/// place of a secret.
fn note_secrets(table: &Table<'_>, is_inside: bool, secrets: &mut Vec<Span>) {
    for (key, value) in table.iter() {
        let is_place = is_inside && matches!(key.get_ref().as_ref(), "credential" | "file" | "env");
        note_secret(value, (is_inside || is_secret(key.get_ref())) && !is_place, secrets);
    }
}

fn note_secret(value: &Value<'_>, is_inside: bool, secrets: &mut Vec<Span>) {
    match value.get_ref() {
        DeValue::Table(table) => note_secrets(table, is_inside, secrets),
        DeValue::Array(array) => array.iter().for_each(|item| note_secret(item, is_inside, secrets)),
        _ if is_inside => secrets.push(value.span()),
        _ => {}
    }
}

/// The dotted path of every key and value, by where it starts.
pub(super) fn paths(table: &Table<'_>) -> HashMap<usize, String> {
    let mut paths = HashMap::new();
    note_paths(table, "", &mut paths);
    paths
}

fn note_paths(table: &Table<'_>, prefix: &str, paths: &mut HashMap<usize, String>) {
    for (key, value) in table.iter() {
        let dot = if prefix.is_empty() { "" } else { "." };
        let path = format!("{prefix}{dot}{}", key.get_ref());
        paths.insert(key.span().start, path.clone());
        note_path(value, path, paths);
    }
}

fn note_path(value: &Value<'_>, path: String, paths: &mut HashMap<usize, String>) {
    match value.get_ref() {
        DeValue::Table(table) => note_paths(table, &path, paths),
        DeValue::Array(array) => {
            for (at, item) in array.iter().enumerate() {
                note_path(item, format!("{path}.{at}"), paths);
            }
        }
        _ => {}
    }
    paths.insert(value.span().start, path);
}
