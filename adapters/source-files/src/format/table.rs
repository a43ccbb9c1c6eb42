//! Rows of cells with or without a header: what CSV and workbooks share.

use std::collections::{BTreeMap, VecDeque};

use contract::{Cause, Fault, Field, Flaw};
use rows::Wrong;

use super::{At, Own, Sink, Spoilt, each, give, pass};

/// How far down the header is looked for: below the titles of a report, above its rows.
const HEADER_ROWS_MAX: usize = 20;

/// Which rows and columns are asked for.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The fields, in the order of their cells.
    pub fields: Vec<Field>,
    /// Where each field stands, if that is a number.
    columns: Option<Vec<Column>>,
    skip_last: usize,
    skip_rows: Vec<String>,
    lines: Vec<String>,
    /// A row with fewer cells than the header is broken.
    is_strict: bool,
}

/// Where a field stands without a header.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    /// In the row of this kind above, not in the row itself.
    above: Option<String>,
    /// From 0.
    index: usize,
}

impl Shape {
    /// For these fields. `is_strict`: every row has all the cells.
    ///
    /// # Errors
    /// A `from` that is no number where there is no header.
    pub fn new(fields: Vec<Field>, has_header: bool, is_strict: bool) -> Result<Shape, Vec<Fault>> {
        let columns = if has_header { None } else { Some(each(&fields, column)?) };
        Ok(Shape { fields, columns, skip_last: 0, skip_rows: Vec::new(), lines: Vec::new(), is_strict })
    }

    /// Which rows are none.
    #[must_use]
    pub fn without(mut self, skip_last: u32, skip_rows: &[String], lines: &[String]) -> Shape {
        self.skip_last = skip_last as usize;
        self.skip_rows = skip_rows.to_vec();
        self.lines = lines.to_vec();
        self
    }
}

/// `3`, `C`, `H:3`.
fn column(field: &Field) -> Result<Column, String> {
    let wrong = || {
        format!(
            "found `{}` in a list with `header = false`, expected the number of a column from 1, or `H:3` for one of the H line above",
            field.from
        )
    };
    let (above, number) = match field.from.rsplit_once(':') {
        Some((kind, number)) if !kind.is_empty() => (Some(kind.to_owned()), number),
        Some(_) => return Err(wrong()),
        None => (None, field.from.as_str()),
    };
    let number: usize = number.trim().parse().map_err(|_| wrong())?;
    let index = number.checked_sub(1).filter(|index| *index < super::CELLS_MAX).ok_or_else(wrong)?;
    Ok(Column { above, index })
}

/// A reading of one table.
pub struct Table<'a> {
    shape: &'a Shape,
    /// For each field the index of its cell, once the header was found.
    found: Option<Vec<usize>>,
    width: usize,
    /// The names of the header: a report has it again at the top of each page.
    header: Vec<String>,
    tried: usize,
    /// What the row that looked most like a header lacked.
    lacking: Option<Vec<String>>,
    held: VecDeque<(At, Vec<Own>)>,
    above: BTreeMap<String, Vec<Own>>,
}

impl<'a> Table<'a> {
    /// Starts at the top.
    pub fn new(shape: &'a Shape) -> Table<'a> {
        Table {
            shape,
            found: None,
            width: 0,
            header: Vec::new(),
            tried: 0,
            lacking: None,
            held: VecDeque::new(),
            above: BTreeMap::new(),
        }
    }

    /// Takes the next row.
    pub fn row(&mut self, at: At, cells: Vec<Own>, sink: &mut Sink<'_>) -> Result<(), Spoilt> {
        if self.shape.columns.is_none() && self.found.is_none() {
            return self.look_for_header(&cells);
        }
        if cells.iter().all(Own::is_empty) {
            return Ok(());
        }
        self.held.push_back((at, cells));
        match self.held.len() > self.shape.skip_last {
            true => self.give_oldest(sink),
            false => Ok(()),
        }
    }

    /// There are no more rows.
    pub fn end(&mut self) -> Result<(), Spoilt> {
        match (&self.shape.columns, &self.found) {
            (None, None) => Err(Spoilt::Unfinished(self.missing())),
            _ => Ok(()),
        }
    }

    fn missing(&self) -> Cause {
        let all = || self.shape.fields.iter().map(|field| field.from.clone()).collect();
        Cause::Missing(self.lacking.clone().unwrap_or_else(all).join(", "))
    }

    fn look_for_header(&mut self, cells: &[Own]) -> Result<(), Spoilt> {
        let names: Vec<String> = cells.iter().map(|cell| same(cell.text())).collect();
        let at = |field: &Field| names.iter().position(|name| *name == same(&field.from));
        let places: Vec<Option<usize>> = self.shape.fields.iter().map(at).collect();
        if let Some(found) = places.iter().copied().collect::<Option<Vec<usize>>>() {
            for (field, index) in self.shape.fields.iter().zip(&found) {
                if names.iter().skip(index + 1).any(|name| *name == same(&field.from)) {
                    return Err(Spoilt::unreadable(Flaw::Twice, "", &field.from));
                }
            }
            self.found = Some(found);
            self.width = names.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
            self.header = names;
            return Ok(());
        }
        let lacks = self.shape.fields.iter().zip(&places).filter(|(_, place)| place.is_none());
        let lacks: Vec<String> = lacks.map(|(field, _)| field.from.clone()).collect();
        if self.lacking.as_ref().is_none_or(|best| lacks.len() < best.len()) {
            self.lacking = Some(lacks);
        }
        self.tried += 1;
        if self.tried >= HEADER_ROWS_MAX { Err(Spoilt::Cause(self.missing())) } else { Ok(()) }
    }

    fn give_oldest(&mut self, sink: &mut Sink<'_>) -> Result<(), Spoilt> {
        let Some((at, cells)) = self.held.pop_front() else { return Ok(()) };
        let kind = cells.first().map(|cell| cell.text().to_owned()).unwrap_or_default();
        if self.shape.skip_rows.contains(&kind) || self.is_header(&cells) {
            return Ok(());
        }
        if !self.shape.lines.is_empty() && !self.shape.lines.contains(&kind) {
            let is_asked = |column: &Column| column.above.as_ref() == Some(&kind);
            if self.shape.columns.iter().flatten().any(is_asked) {
                self.above.insert(kind, cells);
            }
            return Ok(());
        }
        if let Some(wrong) = self.broken(&cells) {
            return pass(sink(super::Found::Bad(wrong.at(&at))));
        }
        let take = |index: usize| cells.get(index).cloned().unwrap_or(Own::Absent);
        let row: Vec<Own> = match (&self.found, &self.shape.columns) {
            (Some(found), _) => found.iter().map(|index| take(*index)).collect(),
            (None, Some(columns)) => {
                let one = |column: &Column| match &column.above {
                    None => take(column.index),
                    Some(kind) => self.above_cell(kind, column.index),
                };
                columns.iter().map(one).collect()
            }
            (None, None) => Vec::new(),
        };
        give(at, &self.shape.fields, &row, sink)
    }

    fn is_header(&self, cells: &[Own]) -> bool {
        let names = cells.iter().map(|cell| same(cell.text()));
        !self.header.is_empty() && self.header.len() == cells.len() && names.eq(self.header.iter().cloned())
    }

    fn above_cell(&self, kind: &str, index: usize) -> Own {
        let cell = self.above.get(kind).and_then(|row| row.get(index));
        cell.cloned()
            .unwrap_or_else(|| Own::Bad(Wrong::new("", format!("a {kind} line above with this column"))))
    }

    /// A row that has not the cells it should have.
    fn broken(&self, cells: &[Own]) -> Option<Wrong> {
        if !self.shape.is_strict {
            return None;
        }
        let count = cells.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
        match &self.shape.columns {
            None if cells.len() < self.width || count > self.width => {
                let expected = format!("{} cells as in the header", self.width);
                Some(Wrong::new(&format!("{} cells", cells.len().max(count)), expected))
            }
            None => None,
            Some(columns) => {
                let own = columns.iter().filter(|column| column.above.is_none());
                let last = own.map(|column| column.index + 1).max().unwrap_or(0);
                (cells.len() < last)
                    .then(|| Wrong::new(&format!("{} cells", cells.len()), format!("{last} cells")))
            }
        }
    }

    /// Whether the row with these many cells is whole. For the last line of a file that has no line end.
    pub fn is_whole(&self, cells: &[Own]) -> bool {
        self.broken(cells).is_none()
    }
}

/// Two headers are the same if they differ in the width of their spaces alone.
fn same(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}
