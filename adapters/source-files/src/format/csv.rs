//! Cells with a delimiter between them (RFC 4180, and what business systems make of it).

use std::io::BufRead;

use contract::{Fault, Field, Flaw};
use rows::Encoding;

use super::table::{Shape, Table};
use super::{At, Bytes, CELLS_MAX, Ending, Own, ROW_MAX, Sink, Spoilt, text};
use crate::list::Csv;

/// CSV, made ready for the fields of a list.
#[derive(Debug, Clone)]
pub struct Plan {
    shape: Shape,
    delimiter: u8,
    quote: Option<u8>,
    encoding: Encoding,
    skip: u32,
}

impl Plan {
    /// For these fields.
    ///
    /// # Errors
    /// A `from` that names no column.
    pub fn new(csv: &Csv, fields: Vec<Field>) -> Result<Plan, Vec<Fault>> {
        let shape = Shape::new(fields, csv.header, true)?;
        Ok(Plan {
            shape: shape.without(csv.skip_last, &csv.skip_rows, &csv.lines),
            delimiter: u8::try_from(csv.delimiter).unwrap_or(b';'),
            quote: csv.quote.bytes().next(),
            encoding: csv.encoding,
            skip: csv.skip,
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What spoils it as a whole.
    pub fn read(&self, mut bytes: &mut dyn Bytes, sink: &mut Sink<'_>) -> Result<Ending, Spoilt> {
        let (reader, encoding) = text::open(&mut bytes, self.encoding).map_err(|error| Spoilt::io(&error))?;
        let mut rows = Rows::new(reader, self.delimiter, self.quote);
        rows.skip_lines(self.skip)?;
        let mut table = Table::new(&self.shape);
        let mut ending = Ending::Proper;
        while let Some(row) = rows.next()? {
            let at = At { word: "line", number: row.line };
            let cells: Vec<Own> = row.cells.iter().map(|cell| own(cell, encoding)).collect();
            if row.end == End::File {
                ending = Ending::NoLineEnd;
                if !table.is_whole(&cells) {
                    return Err(Spoilt::unfinished(Flaw::CutShort, at, ""));
                }
            }
            table.row(at, cells, sink)?;
        }
        table.end()?;
        Ok(ending)
    }
}

fn own(cell: &[u8], encoding: Encoding) -> Own {
    match encoding.decode(cell) {
        Ok(text) => Own::Text(text.into_owned()),
        Err(wrong) => Own::Bad(wrong),
    }
}

/// How a row ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By a line end.
    Line,
    /// By the end of the file.
    File,
}

/// One row of bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Its cells, without their quotes.
    pub cells: Vec<Vec<u8>>,
    /// How it ended.
    pub end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Plain,
    Quoted,
    AfterQuote,
}

/// Splits bytes into rows of cells.
pub struct Rows<R> {
    reader: R,
    delimiter: u8,
    quote: Option<u8>,
    line: u64,
    /// The line end that was read was a `\r`: a `\n` behind it belongs to it.
    was_return: bool,
}

impl<R: BufRead> Rows<R> {
    /// Starts at line 1.
    pub fn new(reader: R, delimiter: u8, quote: Option<u8>) -> Rows<R> {
        Rows { reader, delimiter, quote, line: 1, was_return: false }
    }

    /// Passes over so many lines, whatever they hold.
    pub fn skip_lines(&mut self, count: u32) -> Result<(), Spoilt> {
        for _ in 0..count {
            while let Some(byte) = self.byte()? {
                if byte == b'\n' {
                    self.line += 1;
                    break;
                }
            }
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<Option<u8>, Spoilt> {
        let byte = self.reader.fill_buf().map_err(|error| Spoilt::io(&error))?.first().copied();
        if byte.is_some() {
            self.reader.consume(1);
        }
        Ok(byte)
    }

    /// The next row that is not an empty line.
    ///
    /// # Errors
    /// A row that is too long, or a quote that is open when the file ends.
    pub fn next(&mut self) -> Result<Option<Row>, Spoilt> {
        let mut row = Row { line: self.line, cells: Vec::new(), end: End::Line };
        let (mut cell, mut state, mut length) = (Vec::new(), State::Start, 0usize);
        loop {
            let Some(byte) = self.byte()? else {
                return self.at_end(row, cell, state);
            };
            let is_second_half = std::mem::take(&mut self.was_return) && byte == b'\n';
            if is_second_half {
                continue;
            }
            length += 1;
            let at = At { word: "line", number: row.line };
            if length > ROW_MAX || row.cells.len() > CELLS_MAX {
                return Err(Spoilt::unreadable(Flaw::RowTooLong, at, ""));
            }
            match (state, byte) {
                (State::Start, _) if self.quote == Some(byte) => state = State::Quoted,
                (State::Quoted, _) if self.quote == Some(byte) => state = State::AfterQuote,
                (State::Quoted, _) => {
                    self.line += u64::from(byte == b'\n');
                    cell.push(byte);
                }
                (State::AfterQuote, _) if self.quote == Some(byte) => {
                    cell.push(byte);
                    state = State::Quoted;
                }
                (_, _) if byte == self.delimiter => {
                    row.cells.push(std::mem::take(&mut cell));
                    state = State::Start;
                }
                (_, b'\n' | b'\r') => {
                    self.was_return = byte == b'\r';
                    self.line += 1;
                    if row.cells.is_empty() && state == State::Start {
                        (row.line, length) = (self.line, 0);
                        continue;
                    }
                    row.cells.push(cell);
                    return Ok(Some(row));
                }
                (State::Start | State::Plain | State::AfterQuote, _) => {
                    cell.push(byte);
                    state = State::Plain;
                }
            }
        }
    }

    fn at_end(&self, mut row: Row, cell: Vec<u8>, state: State) -> Result<Option<Row>, Spoilt> {
        match state {
            State::Quoted => {
                let start = String::from_utf8_lossy(&cell).chars().take(40).collect::<String>();
                let at = At { word: "line", number: row.line };
                Err(Spoilt::unfinished(Flaw::OpenQuote, at, start))
            }
            State::Start if row.cells.is_empty() => Ok(None),
            State::Start | State::Plain | State::AfterQuote => {
                row.cells.push(cell);
                row.end = End::File;
                Ok(Some(row))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ours(bytes: &[u8]) -> Result<Vec<Vec<Vec<u8>>>, Spoilt> {
        let mut rows = Rows::new(bytes, b';', Some(b'"'));
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(row.cells);
        }
        Ok(all)
    }

    fn theirs(bytes: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut reader =
            csv::ReaderBuilder::new().delimiter(b';').has_headers(false).flexible(true).from_reader(bytes);
        let row =
            |row: Result<csv::ByteRecord, csv::Error>| row.unwrap().iter().map(<[u8]>::to_vec).collect();
        reader.byte_records().map(row).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        /// The crate `csv` is the oracle. It takes an open quote at the end for a cell; here that is unfinished.
        #[test]
        fn rows_are_those_of_another_reader(bytes in "[a;\"\r\n é]{0,40}") {
            match ours(bytes.as_bytes()) {
                Ok(rows) => prop_assert_eq!(rows, theirs(bytes.as_bytes())),
                Err(Spoilt::Unfinished(_)) => {}
                Err(other) => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn a_row_knows_its_line() {
        let mut rows = Rows::new(b"titre\r\n\r\na;\"x\r\ny\";c\r\nb;\r\nlast".as_slice(), b';', Some(b'"'));
        rows.skip_lines(1).unwrap();
        let mut lines = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            lines.push((row.line, row.cells.len(), row.end));
        }
        assert_eq!(lines, [(3, 3, End::Line), (5, 2, End::Line), (6, 1, End::File)]);
    }

    #[test]
    fn a_quote_that_nobody_closes_does_not_fill_the_memory() {
        let endless = std::io::Read::chain(b"\"".as_slice(), std::io::repeat(b'x'));
        let mut rows = Rows::new(std::io::BufReader::new(endless), b';', Some(b'"'));
        assert!(matches!(rows.next(), Err(Spoilt::Cause(_))));
    }
}
