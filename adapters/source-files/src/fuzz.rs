//! The decoders, for a fuzzer: any bytes. They panic only on a broken invariant.

use std::io::Cursor;
use std::ops::ControlFlow;

use contract::{Field, FieldKind};
use jiff::tz::TimeZone;
use rows::{Decimal, Style};

use crate::format::{Found, Reader};
use crate::list::{Csv, Fixed, Format, Json, Jsonl, Xlsx, Xml};

/// A fuzzer has 16 MiB for all.
const UNPACKED_MAX: u64 = 4 << 20;

fn read(bytes: &[u8], format: &Format, from: &[&str]) {
    let field = |from: &&str| {
        let kind = if *from == from.to_lowercase() { FieldKind::Text } else { FieldKind::Number };
        Field { name: (*from).to_owned(), from: (*from).to_owned(), kind, format: None }
    };
    let fields: Vec<Field> = from.iter().map(field).collect();
    let Ok(mut reader) = Reader::new(format, &fields) else { return };
    if let Reader::Xlsx(plan) = &mut reader {
        plan.unpacked_max = UNPACKED_MAX;
    }
    let style = Style::new(Decimal::Comma, TimeZone::UTC);
    let mut bytes = Cursor::new(bytes);
    let _ = reader.read(&mut bytes, &style, &mut |found| {
        if let Found::Row(_, cells) = found {
            assert_eq!(cells.len(), fields.len(), "a cell for each field");
        }
        ControlFlow::Continue(())
    });
}

/// CSV: the first byte chooses the dialect.
pub fn csv(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let header = choice & 1 == 0;
    let encoding = match choice >> 1 & 3 {
        0 => rows::Encoding::Utf8,
        1 => rows::Encoding::Windows1252,
        2 => rows::Encoding::Utf16Le,
        _ => rows::Encoding::Iso885915,
    };
    let lines = if choice & 8 == 0 { Vec::new() } else { vec!["L".to_owned()] };
    let csv = Csv { header, encoding, lines, skip_last: u32::from(choice >> 6), ..Csv::default() };
    let from: &[&str] = if header { &["a", "B"] } else { &["1", "H:2"] };
    read(bytes, &Format { csv: Some(csv), ..Format::default() }, from);
}

/// Fixed width.
pub fn fixed(bytes: &[u8]) {
    let fixed = Fixed { encoding: rows::Encoding::Windows1252, ..Fixed::default() };
    read(bytes, &Format { fixed: Some(fixed), ..Format::default() }, &["1-3", "2-", "7"]);
}

/// JSON: a document, and lines.
pub fn json(bytes: &[u8]) {
    let json = Json { rows: "/rows".to_owned(), decimal: None };
    read(bytes, &Format { json: Some(json), ..Format::default() }, &["/a/b", "C"]);
    read(bytes, &Format { json: Some(Json::default()), ..Format::default() }, &["/a/b", "C"]);
    read(bytes, &Format { jsonl: Some(Jsonl::default()), ..Format::default() }, &["/a/b", "C"]);
}

/// XML.
pub fn xml(bytes: &[u8]) {
    let xml = Xml { rows: "*/b".to_owned(), decimal: None };
    read(bytes, &Format { xml: Some(xml), ..Format::default() }, &["c", "d/@e", "../F"]);
}

/// A workbook.
pub fn xlsx(bytes: &[u8]) {
    read(bytes, &Format { xlsx: Some(Xlsx::default()), ..Format::default() }, &["a", "B"]);
}
