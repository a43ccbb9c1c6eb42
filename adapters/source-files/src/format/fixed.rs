//! Lines with a place for each cell, as a list of a mainframe or an ABAP report is saved.

use std::collections::VecDeque;
use std::io::{BufRead, Read};

use contract::{Fault, Field, Flaw};
use rows::{Encoding, Wrong};

use super::{At, Bytes, Ending, Found, Own, ROW_MAX, Sink, Spoilt, each, give, pass, text};
use crate::list::Fixed;

/// Fixed width, made ready for the fields of a list.
#[derive(Debug, Clone)]
pub struct Plan {
    fields: Vec<Field>,
    /// The first character of each field, from 0, and the one behind its last.
    places: Vec<(usize, usize)>,
    fixed: Fixed,
}

impl Plan {
    /// For these fields.
    ///
    /// # Errors
    /// A `from` that names no place.
    pub fn new(fixed: &Fixed, fields: Vec<Field>) -> Result<Plan, Vec<Fault>> {
        let places = each(&fields, place)?;
        Ok(Plan { fields, places, fixed: fixed.clone() })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What spoils it as a whole.
    pub fn read(&self, mut bytes: &mut dyn Bytes, sink: &mut Sink<'_>) -> Result<Ending, Spoilt> {
        let (mut reader, encoding) =
            text::open(&mut bytes, self.fixed.encoding).map_err(|error| Spoilt::io(&error))?;
        let (mut number, mut ending) = (0, Ending::Proper);
        let mut held: VecDeque<(At, Vec<u8>)> = VecDeque::new();
        while let Some((line, is_ended)) = line(&mut reader, number + 1)? {
            number += 1;
            ending = if is_ended { Ending::Proper } else { Ending::NoLineEnd };
            if number <= u64::from(self.fixed.skip) || line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            held.push_back((At { word: "line", number }, line));
            if held.len() > self.fixed.skip_last as usize
                && let Some((at, line)) = held.pop_front()
            {
                self.row(at, &line, encoding, sink)?;
            }
        }
        if number == 0 { Err(Spoilt::unfinished(Flaw::Empty, "", "")) } else { Ok(ending) }
    }

    fn row(&self, at: At, line: &[u8], encoding: Encoding, sink: &mut Sink<'_>) -> Result<(), Spoilt> {
        let text = match encoding.decode(line) {
            Ok(text) => text,
            Err(wrong) => return pass(sink(Found::Bad(wrong.at(&at)))),
        };
        let begins = |starts: &[String]| starts.iter().any(|start| text.starts_with(start.as_str()));
        if begins(&self.fixed.skip_rows) || (!self.fixed.lines.is_empty() && !begins(&self.fixed.lines)) {
            return Ok(());
        }
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let length = ends.len() - 1;
        let first_of_all = self.places.iter().map(|(first, _)| *first).min().unwrap_or(0);
        if length <= first_of_all {
            let wrong = Wrong::new(&text, format!("a line of more than {first_of_all} characters"));
            return pass(sink(Found::Bad(wrong.at(&at))));
        }
        // Spaces at the end of a line are often cut off, so a place behind the end is empty.
        let cut = |(first, end): &(usize, usize)| {
            let (first, end) = ((*first).min(length), (*end).min(length));
            Own::Text(text[ends[first]..ends[end]].to_owned())
        };
        let cells: Vec<Own> = self.places.iter().map(cut).collect();
        give(at, &self.fields, &cells, sink)
    }
}

/// `2-12`, `65-`, `7`.
fn place(field: &Field) -> Result<(usize, usize), String> {
    let wrong = || {
        format!(
            "found `{}`, expected the first and last character of the field, from 1: `2-12`, or `65-`",
            field.from
        )
    };
    let (first, last) = field.from.split_once('-').unwrap_or((&field.from, &field.from));
    let first: usize = first.trim().parse().map_err(|_| wrong())?;
    let last = match last.trim() {
        "" => usize::MAX,
        last => last.parse().map_err(|_| wrong())?,
    };
    if first == 0 || last < first { Err(wrong()) } else { Ok((first - 1, last)) }
}

/// The next line without its end, and whether it had one.
///
/// # Errors
/// A line that is too long.
pub(super) fn line(reader: &mut dyn BufRead, number: u64) -> Result<Option<(Vec<u8>, bool)>, Spoilt> {
    let mut line = Vec::new();
    let mut limited = reader.take(ROW_MAX as u64 + 1);
    limited.read_until(b'\n', &mut line).map_err(|error| Spoilt::io(&error))?;
    if line.len() > ROW_MAX {
        let at = At { word: "line", number };
        return Err(Spoilt::unreadable(Flaw::RowTooLong, at, ""));
    }
    let is_ended = line.last() == Some(&b'\n');
    if is_ended {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    } else if line.is_empty() {
        return Ok(None);
    }
    Ok(Some((line, is_ended)))
}
