//! CSV: a line for each reading (time, tag, value, perhaps quality), or a column for each tag.

use std::io;

use contract::{Moment, Origin, Quality, Sample, TagId, Value};

use super::files::{Lines, Reader, Row, Said};
use super::names::Names;
use super::troubles::Troubles;

/// How the first line calls the columns.
const TIME: &[&str] = &["time", "timestamp", "date", "datetime", "at", "horodatage", "heure"];
const TAG: &[&str] = &["tag", "variable", "mesure"];
const VALUE: &[&str] = &["value", "valeur"];
const QUALITY: &[&str] = &["quality", "qualite", "qualité"];

/// Which column holds what.
enum Shape {
    /// A line for each reading.
    Long { time: usize, tag: usize, value: usize, quality: Option<usize> },
    /// A column for each tag: column, tag, source.
    Wide { time: usize, tags: Vec<(usize, TagId, usize)> },
}

/// A file of CSV.
pub(super) struct Csv {
    lines: Lines,
    delimiter: char,
    shape: Shape,
    last: Option<Moment>,
    /// The text of the last time and what it means: many lines share one.
    known: (String, Moment),
}

impl Csv {
    /// Reads the first line.
    pub fn new(mut lines: Lines, names: &Names, troubles: &mut Troubles) -> Result<Csv, String> {
        let file = lines.name().to_owned();
        let first = lines.next(troubles).map_err(|error| error.to_string())?;
        let (number, header) = first.ok_or("empty, expected a first line with the names of the columns")?;
        let delimiter = [';', '\t', ','].into_iter().find(|c| header.contains(*c)).ok_or_else(|| {
            format!("line {number}: found one column, expected some with `;`, `,` or a tab between")
        })?;
        let columns = split(header, delimiter).ok_or("line 1: a quote that nobody closes")?;
        let shape = shape(&columns, names, |column, why| {
            troubles.unknown(column, || format!("{why} ({file}:{number})"));
        })?;
        Ok(Csv { lines, delimiter, shape, last: None, known: (String::new(), Moment::default()) })
    }

    fn rows(&mut self, text: &str, names: &Names, rows: &mut Vec<Row>) -> Result<(), Left> {
        let cells = split(text, self.delimiter).ok_or("a quote that nobody closes".to_owned())?;
        let cell = |at: usize| cells.get(at).map(|cell| cell.as_ref()).ok_or_else(|| missing(&cells, at));
        let time = match &self.shape {
            Shape::Long { time, .. } | Shape::Wide { time, .. } => cell(*time)?,
        };
        if self.known.0 != time {
            let at = names.time(time, self.last)?;
            self.known = (time.to_owned(), at);
            self.last = Some(at);
        }
        let now = self.known.1;
        match &self.shape {
            Shape::Long { tag, value, quality, .. } => {
                let name = cell(*tag)?.trim();
                let (tag, source) = names.tag(name).map_err(|why| Left::Unknown(name.to_owned(), why))?;
                let (value, doubt) = read_value(cell(*value)?, self.delimiter);
                let quality = match quality {
                    Some(at) => read_quality(cell(*at)?)?.unwrap_or(doubt),
                    None => doubt,
                };
                rows.push(row(now, source, tag, value, quality));
            }
            Shape::Wide { tags, .. } => {
                for (column, tag, source) in tags {
                    let text = cell(*column)?;
                    if !text.trim().is_empty() {
                        let (value, quality) = read_value(text, self.delimiter);
                        rows.push(row(now, *source, *tag, value, quality));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Why a line is left out.
enum Left {
    Wrong(String),
    Unknown(String, String),
}

impl From<String> for Left {
    fn from(what: String) -> Left {
        Left::Wrong(what)
    }
}

fn missing(cells: &[std::borrow::Cow<'_, str>], at: usize) -> String {
    format!("{} columns, expected at least {}", cells.len(), at + 1)
}

fn row(now: Moment, source: usize, tag: TagId, value: Value, quality: Quality) -> Row {
    let said = Said::Sample(Sample { tag, value, quality, at: None, origin: Origin::Live });
    Row { now, source, said }
}

impl Reader for Csv {
    fn more(&mut self, names: &Names, rows: &mut Vec<Row>, troubles: &mut Troubles) -> io::Result<bool> {
        let (number, text) = match self.lines.next(troubles)? {
            Some((number, text)) => (number, text.to_owned()),
            None => return Ok(false),
        };
        match self.rows(&text, names, rows) {
            Ok(()) => {}
            Err(Left::Wrong(what)) => troubles.wrong(self.lines.name(), number, &what),
            Err(Left::Unknown(tag, why)) => troubles.unknown(&tag, || why),
        }
        Ok(true)
    }
}

fn shape(
    columns: &[std::borrow::Cow<'_, str>],
    names: &Names,
    mut unknown: impl FnMut(&str, &str),
) -> Result<Shape, String> {
    let find = |words: &[&str]| {
        columns.iter().position(|column| words.contains(&column.trim().to_lowercase().as_str()))
    };
    let time = find(TIME).ok_or_else(|| {
        format!("line 1: found no column of the time, expected one of the name {}", TIME.join(", "))
    })?;
    match (find(TAG), find(VALUE)) {
        (Some(tag), Some(value)) => Ok(Shape::Long { time, tag, value, quality: find(QUALITY) }),
        (Some(_), None) => Err("line 1: a column `tag` and none `value`, expected both".to_owned()),
        (None, _) => {
            let mut tags = Vec::new();
            for (at, column) in columns.iter().enumerate().filter(|(at, _)| *at != time) {
                match names.tag(column.trim()) {
                    Ok((tag, source)) => tags.push((at, tag, source)),
                    Err(why) => unknown(column.trim(), &why),
                }
            }
            if tags.is_empty() {
                let what = "line 1: no column is a tag of the configuration, expected columns `tag` and `value`, \
                            or columns such as `press-3/oil`";
                return Err(what.to_owned());
            }
            Ok(Shape::Wide { time, tags })
        }
    }
}

/// The cells of a line; none where a quote is not closed.
fn split(text: &str, delimiter: char) -> Option<Vec<std::borrow::Cow<'_, str>>> {
    if !text.contains('"') {
        return Some(text.split(delimiter).map(Into::into).collect());
    }
    let mut cells = Vec::new();
    let (mut cell, mut is_quoted) = (String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => is_quoted = !is_quoted,
            c if c == delimiter && !is_quoted => cells.push(std::mem::take(&mut cell).into()),
            c => cell.push(c),
        }
    }
    cells.push(cell.into());
    (!is_quoted).then_some(cells)
}

/// A number with a decimal point or, where no comma stands between cells, a decimal comma; true and false; else words.
fn read_value(text: &str, delimiter: char) -> (Value, Quality) {
    let text = text.trim();
    if text.is_empty() {
        return (Value::Number(f64::NAN), Quality::Bad("no value".into()));
    }
    if let Ok(number) = text.parse::<f64>() {
        return (Value::Number(number), Quality::Good);
    }
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let plain = if delimiter == ',' { plain } else { plain.replacen(',', ".", 1) };
    let value = match plain.to_ascii_lowercase().as_str() {
        "true" | "vrai" => Value::Flag(true),
        "false" | "faux" => Value::Flag(false),
        number => number.parse().map_or_else(|_| Value::Text(text.into()), Value::Number),
    };
    (value, Quality::Good)
}

/// Words, or the quality of OPC Classic. A zero means bad there and good in OPC UA, so it is asked for.
fn read_quality(text: &str) -> Result<Option<Quality>, String> {
    let text = text.trim();
    let code = text.parse::<u8>().ok();
    match (text.to_lowercase().as_str(), code) {
        ("" | "good" | "ok" | "bon" | "bonne", _) | (_, Some(192..)) => Ok(None),
        ("uncertain" | "incertain" | "incertaine", _) | (_, Some(64..128)) => Ok(Some(Quality::Uncertain)),
        (word, None) if word.starts_with("bad") || word.starts_with("mauvais") => {
            Ok(Some(Quality::Bad(text.into())))
        }
        _ => Err(format!("found the quality `{text}`, expected good, uncertain, bad, or 64 to 255 of OPC")),
    }
}
