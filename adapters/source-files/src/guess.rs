//! How a file is written, guessed from its beginning. A guess for a person to go over, never used by the source.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, SeekFrom};

use contract::suggest::quoted;
use rows::{Decimal, Encoding};

use crate::format::{Bytes, csv};
use crate::list::{Csv, Format, Json, Jsonl, Xlsx, Xml};

/// How much of the beginning is looked at.
const HEAD: u64 = 256 << 10;
/// How far down a header may be.
const HEADER_ROWS_MAX: usize = 20;

/// A guess.
#[derive(Debug, Clone)]
pub struct Guess {
    /// The format.
    pub format: Format,
    /// The same as a line of a configuration.
    pub toml: String,
    /// The same in words.
    pub words: String,
    /// The `from` of each column.
    pub columns: Vec<String>,
    /// Columns that cannot be asked for, because others are called the same.
    pub twins: Vec<String>,
    /// What stands before decimals.
    pub decimal: Decimal,
}

/// Guesses.
///
/// # Errors
/// Why there is no guess.
pub fn guess(bytes: &mut dyn Bytes) -> Result<Guess, String> {
    bytes.seek(SeekFrom::Start(0)).map_err(|error| error.to_string())?;
    let mut head = Vec::new();
    (&mut *bytes).take(HEAD).read_to_end(&mut head).map_err(|error| error.to_string())?;
    if head.starts_with(b"PK") {
        return workbook(bytes);
    }
    let (encoding, mark) = encoding(&head);
    let (text, _) = encoding.coder().decode_without_bom_handling(&head[mark..]);
    match text.trim_start().chars().next() {
        Some('<') => xml(&text),
        Some('{' | '[') => json(&text),
        Some(_) => {
            // The end of a whole file is the end of its last line.
            let end = if (head.len() as u64) < HEAD { "\n" } else { "" };
            csv(&format!("{text}{end}"), encoding)
        }
        None => Err("the file is empty".to_owned()),
    }
}

fn encoding(head: &[u8]) -> (Encoding, usize) {
    if let Some(found) = Encoding::by_mark(head) {
        return found;
    }
    // The end may cut a character in two.
    let is_utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    (if is_utf8 { Encoding::Utf8 } else { Encoding::Windows1252 }, 0)
}

/// The rows of a beginning; the last may be cut and is left out.
fn rows(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut rows = csv::Rows::new(text.as_bytes(), delimiter as u8, Some(b'"'));
    let mut all = Vec::new();
    while let Ok(Some(row)) = rows.next() {
        if row.end == csv::End::Line || all.is_empty() {
            all.push(row.cells.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect());
        }
    }
    all
}

fn csv(text: &str, encoding: Encoding) -> Result<Guess, String> {
    // The delimiter that gives most rows the same number of cells, and more than one.
    let score = |delimiter: &char| {
        let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
        rows(text, *delimiter).iter().for_each(|row| *widths.entry(row.len()).or_default() += 1);
        widths
            .iter()
            .filter(|(width, _)| **width > 1)
            .map(|(width, count)| count * 100 + width)
            .max()
            .unwrap_or(0)
    };
    let delimiter = [';', '\t', '|', ','].into_iter().max_by_key(score).filter(|best| score(best) > 0);
    let delimiter = delimiter
        .ok_or("no delimiter and no format that is known; `format.fixed` reads lines with places")?;
    let rows = rows(text, delimiter);
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let is_name =
        |cell: &String| !cell.is_empty() && !cell.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let is_header = |row: &&Vec<String>| {
        let filled = row.iter().filter(|cell| !cell.is_empty()).count();
        filled > 1 && row.iter().filter(|cell| !cell.is_empty()).all(is_name) && row.len() + 1 >= width
    };
    // A title above the header has fewer words than the header has names.
    let filled = |row: &&Vec<String>| row.iter().filter(|cell| !cell.is_empty()).count();
    let header = rows.iter().take(HEADER_ROWS_MAX).filter(is_header).rev().max_by_key(filled);
    let columns: Vec<String> = match header {
        Some(header) => header.iter().filter(|cell| !cell.is_empty()).cloned().collect(),
        // Only what every row has.
        None => (1..=rows.iter().map(Vec::len).min().unwrap_or(0)).map(|number| number.to_string()).collect(),
    };
    let (columns, twins) = apart(columns);
    let total = rows.last().and_then(|row| total(row));
    let decimal = decimal(rows.iter().flatten());
    let mut csv = Csv { delimiter, encoding, decimal, header: header.is_some(), ..Csv::default() };
    let left_out = match total {
        Some(Total::Called(name)) => {
            let toml = format!(", skip_rows = [{}]", quoted(&name));
            csv.skip_rows.push(name);
            toml
        }
        Some(Total::Last) => {
            csv.skip_last = 1;
            ", skip_last = 1".to_owned()
        }
        None => String::new(),
    };
    let shown = if delimiter == '\t' { "\\t".to_owned() } else { delimiter.to_string() };
    let point = if decimal == Decimal::Comma { "," } else { "." };
    Ok(Guess {
        toml: format!(
            "format.csv = {{ delimiter = \"{shown}\", encoding = \"{}\", decimal = \"{point}\", header = {}{left_out} }}",
            encoding.name(),
            csv.header
        ),
        words: format!(
            "CSV, `{shown}` between cells, {}, decimal `{point}`, {} columns{}",
            encoding.name(),
            columns.len() + twins.len(),
            if left_out.is_empty() { "" } else { ", a total at the end" }
        ),
        format: Format { csv: Some(csv), ..Format::default() },
        columns,
        twins,
        decimal,
    })
}

/// Names that one column alone has, and those that several have: nobody can say which of them is meant.
fn apart(columns: Vec<String>) -> (Vec<String>, Vec<String>) {
    let same = |name: &String| name.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut seen = BTreeSet::new();
    let often: BTreeSet<String> =
        columns.iter().map(same).filter(|name| !seen.insert(name.clone())).collect();
    columns.into_iter().partition(|name| !often.contains(&same(name)))
}

/// A last row that is none.
enum Total {
    /// Its first cell says so.
    Called(String),
    /// Another cell does.
    Last,
}

fn total(row: &[String]) -> Option<Total> {
    let is_total = |cell: &&String| {
        let cell = cell.to_lowercase();
        ["total", "sous-total", "somme", "sum"]
            .iter()
            .any(|word| cell.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphabetic)))
    };
    let found = row.iter().find(is_total)?;
    let is_first = row.first().is_some_and(|first| first == found);
    Some(if is_first { Total::Called(found.clone()) } else { Total::Last })
}

/// Whichever of comma and point stands in more numbers.
fn decimal<'a>(cells: impl Iterator<Item = &'a String>) -> Decimal {
    let (mut commas, mut points) = (0, 0);
    for cell in cells {
        let is_number =
            cell.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'.' | b'-' | b' '));
        // A day such as 23.11.2026 has two.
        if is_number && cell.matches(['.', ',']).count() == 1 {
            commas += usize::from(cell.contains(','));
            points += usize::from(cell.contains('.'));
        }
    }
    if points > commas { Decimal::Point } else { Decimal::Comma }
}

fn json(text: &str) -> Result<Guess, String> {
    let first_line = text.lines().next().unwrap_or_default();
    let is_lines = serde_json::from_str::<serde_json::Value>(first_line).is_ok_and(|value| value.is_object())
        && text.lines().nth(1).is_some_and(|line| line.trim_start().starts_with('{'));
    let (rows, row, format, toml) = if is_lines {
        let row = serde_json::from_str(first_line).map_err(|error| error.to_string())?;
        let format = Format { jsonl: Some(Jsonl::default()), ..Format::default() };
        (String::new(), row, format, "format.jsonl = {}".to_owned())
    } else {
        let whole: serde_json::Value = serde_json::from_str(text)
            .map_err(|error| format!("no JSON within its first {HEAD} bytes: {error}"))?;
        let (rows, row) = first_row(&whole).ok_or("found no array of objects")?;
        let format = Format { json: Some(Json { rows: rows.clone(), decimal: None }), ..Format::default() };
        let toml = format!("format.json = {{ rows = {} }}", quoted(&rows));
        (rows, row, format, toml)
    };
    let mut columns = Vec::new();
    leaves(&row, "", &mut columns);
    let words = format!("JSON, rows at `{rows}`, {} values in a row", columns.len());
    Ok(Guess { format, toml, words, columns, twins: Vec::new(), decimal: Decimal::Point })
}

/// The first array of objects, and its first object.
fn first_row(value: &serde_json::Value) -> Option<(String, serde_json::Value)> {
    if let Some(first) = value.as_array().and_then(|all| all.first()).filter(|first| first.is_object()) {
        return Some((String::new(), first.clone()));
    }
    value.as_object()?.iter().find_map(|(key, inner)| {
        let (rows, row) = first_row(inner)?;
        Some((format!("/{}{rows}", key.replace('~', "~0").replace('/', "~1")), row))
    })
}

fn leaves(value: &serde_json::Value, at: &str, found: &mut Vec<String>) {
    for (key, inner) in value.as_object().into_iter().flatten() {
        let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        match inner {
            serde_json::Value::Object(_) => leaves(inner, &at, found),
            serde_json::Value::Array(_) => {}
            _ => found.push(at),
        }
    }
}

/// The element that holds most elements with text is the row.
fn xml(text: &str) -> Result<Guess, String> {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut stack: Vec<String> = Vec::new();
    let mut leaves: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut has_text = false;
    loop {
        match reader.read_event() {
            Ok(quick_xml::events::Event::DocType(_)) => {
                return Err("it has a DOCTYPE, which is never read".to_owned());
            }
            Ok(quick_xml::events::Event::Start(start)) => {
                stack.push(start.local_name().as_ref().to_owned());
                has_text = false;
            }
            Ok(quick_xml::events::Event::Text(words)) => has_text |= !words.xml10_content().trim().is_empty(),
            Ok(quick_xml::events::Event::End(_)) => {
                let name = stack.pop().unwrap_or_default();
                let found = leaves.entry(stack.join("/")).or_default();
                if has_text && !found.contains(&name) {
                    found.push(name);
                }
                has_text = false;
            }
            // The beginning may end in the middle of an element.
            Ok(quick_xml::events::Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    let best = leaves.into_iter().filter(|(path, _)| !path.is_empty()).max_by_key(|(_, names)| names.len());
    let (rows, columns) = best.filter(|(_, names)| !names.is_empty()).ok_or("found no element with text")?;
    Ok(Guess {
        toml: format!("format.xml = {{ rows = {} }}", quoted(&rows)),
        words: format!("XML, rows at `{rows}`, {} elements in a row", columns.len()),
        format: Format { xml: Some(Xml { rows, decimal: None }), ..Format::default() },
        columns,
        twins: Vec::new(),
        decimal: Decimal::Point,
    })
}

fn workbook(bytes: &mut dyn Bytes) -> Result<Guess, String> {
    let columns = crate::format::xlsx::first_texts(bytes).map_err(|error| error.to_string())?;
    let (columns, twins) = apart(columns);
    Ok(Guess {
        toml: "format.xlsx = {}".to_owned(),
        words: format!("a workbook, {} columns in the first sheet", columns.len() + twins.len()),
        format: Format { xlsx: Some(Xlsx::default()), ..Format::default() },
        columns,
        twins,
        decimal: Decimal::Comma,
    })
}

/// The files that are named like this one: digits are another day or number.
pub fn pattern(file: &str) -> String {
    let mut pattern = String::new();
    for c in file.chars() {
        match c {
            '0'..='9' if pattern.ends_with('*') => {}
            '0'..='9' => pattern.push('*'),
            _ => pattern.push(c),
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert_eq!(pattern("suivi_20261124-0600.csv"), "suivi_*-*.csv");
    }
}
