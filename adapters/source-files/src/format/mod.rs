//! How files are written. Takes the bytes of a file that no longer changes; gives the cells of each row, in the order
//! of the list's fields. Pure, but for reading the bytes: no clock, no folder, no name.
//!
//! A row at a time, so that a file may be larger than memory. A reader tells apart what spoils a row, what spoils the
//! file, and what looks as if somebody were still writing.

pub mod csv;
pub mod fixed;
pub mod json;
mod table;
mod text;
pub mod xlsx;
pub mod xml;

use std::fmt;
use std::io::{Read, Seek};
use std::ops::ControlFlow;

use contract::{Cause, Fault, Field, Flaw, Value};
use rows::{Cell, Decimal, Style, Wrong};

use crate::list::Format;

/// The longest row of text, in bytes: a quote that nobody closed must not fill the memory.
pub const ROW_MAX: usize = 1 << 20;
/// The most cells of a row: more than a sheet of a workbook has columns.
pub const CELLS_MAX: usize = 20_000;

/// The bytes of a file.
pub trait Bytes: Read + Seek + Send {}
impl<T: Read + Seek + Send> Bytes for T {}

/// Where a row stands: `line 12`.
#[derive(Debug, Clone, Copy)]
pub struct At {
    /// What is counted.
    pub word: &'static str,
    /// From 1.
    pub number: u64,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.word, self.number)
    }
}

/// One cell, on its way to its field.
#[derive(Debug, Clone)]
pub enum Own {
    /// Nothing stands there.
    Absent,
    /// Text.
    Text(String),
    /// A value of JSON.
    Json(serde_json::Value),
    /// A value that a workbook knows.
    Native(Value),
    /// Something that spoils its row, if the row is asked for it.
    Bad(Wrong),
}

impl Own {
    fn as_cell(&self) -> Result<Cell<'_>, Wrong> {
        match self {
            Own::Absent => Ok(Cell::Absent),
            Own::Text(text) => Ok(Cell::Text(text)),
            Own::Json(value) => Ok(Cell::Json(value)),
            Own::Native(value) => Ok(Cell::Native(value)),
            Own::Bad(wrong) => Err(wrong.clone()),
        }
    }

    /// As text, for headers and the kinds of lines.
    fn text(&self) -> &str {
        match self {
            Own::Text(text) => text.trim(),
            Own::Native(Value::Text(text)) => text.trim(),
            _ => "",
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Own::Absent => true,
            Own::Text(text) => text.trim().is_empty(),
            _ => false,
        }
    }
}

/// What a reader comes by.
pub enum Found<'a> {
    /// A row: where, and a cell for each field.
    Row(At, &'a [Cell<'a>]),
    /// A row that cannot be understood.
    Bad(Wrong),
}

/// Takes what is found, or has enough.
pub type Sink<'a> = dyn FnMut(Found<'_>) -> ControlFlow<()> + 'a;

/// How the end of a file looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Proper,
    /// The last line has no line end: a habit of some systems, or still being written.
    NoLineEnd,
}

/// Why a file gives no rows, or no more.
#[derive(Debug, Clone, PartialEq)]
pub enum Spoilt {
    /// It cannot be read.
    Cause(Cause),
    /// It ends in the middle of something: it may still be written.
    Unfinished(Cause),
    /// Whoever asked has enough.
    Stopped,
    /// Its bytes cannot be had.
    Io(String),
}

impl fmt::Display for Spoilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spoilt::Cause(cause) => cause.fmt(f),
            Spoilt::Unfinished(cause) => write!(f, "unfinished: {cause}"),
            Spoilt::Stopped => f.write_str("stopped"),
            Spoilt::Io(words) => f.write_str(words),
        }
    }
}

impl Spoilt {
    fn unreadable(flaw: Flaw, place: impl fmt::Display, found: impl Into<String>) -> Spoilt {
        Spoilt::Cause(Cause::Spoilt { place: place.to_string(), flaw, found: found.into() })
    }

    fn unfinished(flaw: Flaw, place: impl fmt::Display, found: impl Into<String>) -> Spoilt {
        Spoilt::Unfinished(Cause::Spoilt { place: place.to_string(), flaw, found: found.into() })
    }

    fn io(error: &std::io::Error) -> Spoilt {
        match error.kind() {
            std::io::ErrorKind::InvalidData => Spoilt::unreadable(Flaw::Encoding, error.to_string(), ""),
            _ => Spoilt::Io(error.to_string()),
        }
    }
}

fn pass(flow: ControlFlow<()>) -> Result<(), Spoilt> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Spoilt::Stopped),
    }
}

/// Hands a row on; a cell that is bad by itself makes the row bad.
fn give(at: At, fields: &[Field], cells: &[Own], sink: &mut Sink<'_>) -> Result<(), Spoilt> {
    let mut borrowed = Vec::with_capacity(cells.len());
    for (index, own) in cells.iter().enumerate() {
        match own.as_cell() {
            Ok(cell) => borrowed.push(cell),
            Err(wrong) => {
                let from = fields.get(index).map_or("", |field| field.from.as_str());
                return pass(sink(Found::Bad(wrong.at(&from).at(&at))));
            }
        }
    }
    pass(sink(Found::Row(at, &borrowed)))
}

/// A format, made ready for the fields of a list.
#[derive(Debug, Clone)]
pub enum Reader {
    /// Cells with a delimiter between them.
    Csv(csv::Plan),
    /// Lines with a place for each cell.
    Fixed(fixed::Plan),
    /// One JSON document.
    Json(json::Plan),
    /// A JSON value on each line.
    Jsonl(json::Plan),
    /// XML.
    Xml(xml::Plan),
    /// A workbook.
    Xlsx(xlsx::Plan),
}

impl Reader {
    /// For these fields.
    ///
    /// # Errors
    /// A `from` that names no place in this format.
    pub fn new(format: &Format, fields: &[Field]) -> Result<Reader, Vec<Fault>> {
        let fields = fields.to_vec();
        match format {
            Format { csv: Some(csv), .. } => csv::Plan::new(csv, fields).map(Reader::Csv),
            Format { fixed: Some(fixed), .. } => fixed::Plan::new(fixed, fields).map(Reader::Fixed),
            Format { json: Some(json), .. } => Ok(Reader::Json(json::Plan::new(&json.rows, fields))),
            Format { jsonl: Some(_), .. } => Ok(Reader::Jsonl(json::Plan::new("", fields))),
            Format { xml: Some(xml), .. } => xml::Plan::new(&xml.rows, fields).map(Reader::Xml),
            Format { xlsx: Some(xlsx), .. } => xlsx::Plan::new(xlsx, fields).map(Reader::Xlsx),
            _ => Err(vec![Fault::at("format", "expected exactly one")]),
        }
    }

    /// Reads a file from its start and gives its rows. `style` is for the local times of a workbook.
    ///
    /// # Errors
    /// What spoils the file as a whole. Rows may have been given before.
    pub fn read(&self, bytes: &mut dyn Bytes, style: &Style, sink: &mut Sink<'_>) -> Result<Ending, Spoilt> {
        bytes.rewind().map_err(|error| Spoilt::io(&error))?;
        match self {
            Reader::Csv(plan) => plan.read(bytes, sink),
            Reader::Fixed(plan) => plan.read(bytes, sink),
            Reader::Json(plan) => plan.read_document(bytes, sink),
            Reader::Jsonl(plan) => plan.read_lines(bytes, sink),
            Reader::Xml(plan) => plan.read(bytes, sink),
            Reader::Xlsx(plan) => plan.read(bytes, style, sink),
        }
    }
}

/// Where each field stands, or what is wrong with the `from` of each that stands nowhere.
fn each<T>(fields: &[Field], find: impl Fn(&Field) -> Result<T, String>) -> Result<Vec<T>, Vec<Fault>> {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for field in fields {
        match find(field) {
            Ok(place) => found.push(place),
            Err(wrong) => faults.push(Fault::at(format!("field.{}.from", field.name), wrong)),
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}

/// What stands before the decimals, by the format.
pub fn decimal(format: &Format) -> Decimal {
    match format {
        Format { csv: Some(csv), .. } => csv.decimal,
        Format { fixed: Some(fixed), .. } => fixed.decimal,
        Format { xlsx: Some(xlsx), .. } => xlsx.decimal,
        Format { json: Some(json), .. } => json.decimal.unwrap_or(Decimal::Point),
        Format { jsonl: Some(jsonl), .. } => jsonl.decimal.unwrap_or(Decimal::Point),
        Format { xml: Some(xml), .. } => xml.decimal.unwrap_or(Decimal::Point),
        _ => Decimal::Comma,
    }
}
