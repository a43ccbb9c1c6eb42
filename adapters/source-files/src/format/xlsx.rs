//! A sheet of a workbook, a row at a time.
//!
//! What a workbook unpacks to is measured before any of it is held: the sizes that a ZIP declares are claims.

use std::io::{Read, Seek};

use calamine::{DataRef, ExcelDateTime, Reader as _, Xlsx as Workbook};
use contract::{Cause, Fault, Field, Flaw, Value};
use jiff::civil::DateTime;
use rows::{Style, Wrong};

use super::table::{Shape, Table};
use super::{At, Bytes, CELLS_MAX, Ending, Own, Sink, Spoilt};
use crate::list::Xlsx;

/// What a workbook may unpack to, in bytes. Its texts are held in memory; its rows are not.
const UNPACKED_MAX: u64 = 128 << 20;
/// How many parts a workbook may have.
const PARTS_MAX: usize = 1000;

/// A workbook, made ready for the fields of a list.
#[derive(Debug, Clone)]
pub struct Plan {
    shape: Shape,
    sheet: Option<String>,
    skip: u32,
    /// What a workbook may unpack to, in bytes; a fuzzer has less memory.
    pub unpacked_max: u64,
}

impl Plan {
    /// For these fields.
    ///
    /// # Errors
    /// A `from` that names no column.
    pub fn new(xlsx: &Xlsx, fields: Vec<Field>) -> Result<Plan, Vec<Fault>> {
        let shape = Shape::new(fields, xlsx.header, false)?;
        let shape = shape.without(xlsx.skip_last, &xlsx.skip_rows, &[]);
        Ok(Plan { shape, sheet: xlsx.sheet.clone(), skip: xlsx.skip, unpacked_max: UNPACKED_MAX })
    }

    /// Reads a workbook.
    ///
    /// # Errors
    /// What spoils it as a whole.
    pub fn read(&self, bytes: &mut dyn Bytes, style: &Style, sink: &mut Sink<'_>) -> Result<Ending, Spoilt> {
        let mut bytes = bytes;
        measure(&mut bytes, self.unpacked_max)?;
        bytes.rewind().map_err(|error| Spoilt::io(&error))?;
        let wrong = |error: calamine::XlsxError| Spoilt::unreadable(Flaw::Malformed, "", error.to_string());
        let mut workbook = Workbook::new(bytes).map_err(wrong)?;
        let names = workbook.sheet_names();
        let sheet = match &self.sheet {
            Some(name) => names.iter().find(|found| *found == name).cloned(),
            None => names.first().cloned(),
        };
        let missing =
            || Spoilt::Cause(Cause::Missing(self.sheet.clone().unwrap_or_else(|| "a sheet".to_owned())));
        let mut cells = workbook.worksheet_cells_reader(&sheet.ok_or_else(missing)?).map_err(wrong)?;
        let mut table = Table::new(&self.shape);
        let mut row: Vec<Own> = Vec::new();
        let mut number = 0;
        while let Some(cell) = cells.next_cell().map_err(wrong)? {
            let (at, column) = cell.get_position();
            if at != number {
                self.give(number, std::mem::take(&mut row), &mut table, sink)?;
                number = at;
            }
            let column = column as usize;
            if column >= CELLS_MAX {
                return Err(Spoilt::unreadable(
                    Flaw::RowTooLong,
                    At { word: "row", number: u64::from(at) + 1 },
                    format!("column {column}"),
                ));
            }
            if row.len() <= column {
                row.resize(column + 1, Own::Absent);
            }
            row[column] = own(cell.get_value(), style);
        }
        self.give(number, row, &mut table, sink)?;
        table.end()?;
        Ok(Ending::Proper)
    }

    fn give(
        &self,
        index: u32,
        row: Vec<Own>,
        table: &mut Table<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Spoilt> {
        if row.is_empty() || index < self.skip {
            return Ok(());
        }
        table.row(At { word: "row", number: u64::from(index) + 1 }, row, sink)
    }
}

fn own(value: &DataRef<'_>, style: &Style) -> Own {
    match value {
        DataRef::Empty => Own::Absent,
        DataRef::Int(number) => Own::Native(Value::Number(*number as f64)),
        DataRef::Float(number) => Own::Native(Value::Number(*number)),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            Own::Text(text.clone())
        }
        DataRef::SharedString(text) => Own::Text((*text).to_owned()),
        DataRef::Bool(flag) => Own::Native(Value::Flag(*flag)),
        DataRef::DateTime(time) => when(time, style),
        DataRef::Error(error) => {
            Own::Bad(Wrong::new(&error.to_string(), "a value, found an error of the workbook"))
        }
    }
}

/// A day and an hour of a workbook have no zone: they are those of the site.
fn when(time: &ExcelDateTime, style: &Style) -> Own {
    let hours = time.as_f64() * 24.0;
    if time.is_duration() {
        return Own::Native(Value::Number(hours));
    }
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    if time.as_f64() < 1.0 {
        return Own::Text(format!("{hour:02}:{minute:02}:{second:02}"));
    }
    let small = |number: u8| i8::try_from(number).unwrap_or(0);
    let local = DateTime::new(
        i16::try_from(year).unwrap_or(0),
        small(month),
        small(day),
        small(hour),
        small(minute),
        small(second),
        i32::from(milli) * 1_000_000,
    );
    match local {
        Ok(local) => rows::local(local, style).map_or_else(Own::Bad, |at| Own::Native(Value::Time(at))),
        Err(error) => Own::Bad(Wrong::new(&time.as_f64().to_string(), error.to_string())),
    }
}

/// Unpacks everything once, into nothing.
fn measure(bytes: &mut (impl Read + Seek), max: u64) -> Result<(), Spoilt> {
    let wrong = |error: &dyn std::fmt::Display| Spoilt::unfinished(Flaw::CutShort, "", error.to_string());
    // The list of its parts stands at the end, so what is cut off has none.
    let mut archive = zip::ZipArchive::new(bytes).map_err(|error| wrong(&error))?;
    if archive.len() > PARTS_MAX {
        return Err(Spoilt::Cause(Cause::TooLarge { max: PARTS_MAX as u64 }));
    }
    let mut left = max;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|error| wrong(&error))?;
        let unpacked = std::io::copy(&mut part.take(left + 1), &mut std::io::sink());
        let unpacked =
            unpacked.map_err(|error| Spoilt::unreadable(Flaw::Malformed, "", error.to_string()))?;
        left = left.checked_sub(unpacked).ok_or(Spoilt::Cause(Cause::TooLarge { max }))?;
    }
    Ok(())
}

/// The texts of the first row with more than one, for a guess.
///
/// # Errors
/// What spoils the workbook.
pub fn first_texts(bytes: &mut dyn Bytes) -> Result<Vec<String>, Spoilt> {
    let mut bytes = bytes;
    measure(&mut bytes, UNPACKED_MAX)?;
    bytes.rewind().map_err(|error| Spoilt::io(&error))?;
    let wrong = |error: calamine::XlsxError| Spoilt::unreadable(Flaw::Malformed, "", error.to_string());
    let mut workbook = Workbook::new(bytes).map_err(wrong)?;
    let sheet = workbook.sheet_names().first().cloned().unwrap_or_default();
    let mut cells = workbook.worksheet_cells_reader(&sheet).map_err(wrong)?;
    let (mut row, mut texts) = (0, Vec::new());
    while let Some(cell) = cells.next_cell().map_err(wrong)? {
        if cell.get_position().0 != row {
            if texts.len() > 1 {
                break;
            }
            (row, texts) = (cell.get_position().0, Vec::new());
        }
        match cell.get_value() {
            DataRef::String(text) => texts.push(text.clone()),
            DataRef::SharedString(text) => texts.push((*text).to_owned()),
            _ => {}
        }
    }
    Ok(texts)
}
