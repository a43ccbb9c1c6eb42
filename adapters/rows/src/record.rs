//! The cells of a row become a record with its key.

use std::fmt::Display;

use contract::{Field, ListAddress, ListId, Origin, Record, Value};
use serde_json::Value as Json;

use crate::cell::{KEY_MAX, trim};
use crate::{Style, Wrong, cell, json, native};

/// What stands between the parts of a key.
const UNIT_SEPARATOR: char = '\u{1f}';

/// What a source found for one field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nothing: NULL, an element that is not there.
    Absent,
    /// Text, to be read by the style.
    Text(&'a str),
    /// A value of JSON.
    Json(&'a Json),
    /// A value that a database or a spreadsheet already knows.
    Native(&'a Value),
}

/// Makes the records of one list.
#[derive(Debug, Clone)]
pub struct Maker {
    list: ListId,
    fields: Vec<Field>,
    key: Vec<usize>,
    style: Style,
}

impl Maker {
    /// For this list; cells are written in this style.
    pub fn new<L>(list: &ListAddress<L>, style: Style) -> Maker {
        Maker { list: list.id, fields: list.fields.clone(), key: list.key.clone(), style }
    }

    /// The list.
    pub fn list(&self) -> ListId {
        self.list
    }

    /// The fields, in the order in which [`Maker::record`] takes their cells.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Makes a record of one cell for each field, in their order. `place` names the row for a person who looks:
    /// `line 12`. Its origin is [`Origin::Live`] and its time not said; a source that knows better sets them.
    ///
    /// # Errors
    /// The first cell that cannot be understood, or a part of the key that is empty.
    pub fn record(&self, place: &dyn Display, cells: &[Cell<'_>]) -> Result<Record, Wrong> {
        let value = |(index, field): (usize, &Field)| {
            let cell = cells.get(index).copied().unwrap_or(Cell::Absent);
            self.value(cell, field).map_err(|wrong| wrong.at(&field.from).at(place))
        };
        let fields: Result<Box<[Option<Value>]>, Wrong> = self.fields.iter().enumerate().map(value).collect();
        let fields = fields.map_err(|wrong| Wrong { key: self.key_alone(cells), ..wrong })?;
        let key = self.key(&fields, cells).map_err(|wrong| wrong.at(place))?;
        Ok(Record { list: self.list, key, fields, at: None, origin: Origin::Live })
    }

    /// The key of a row of which another cell cannot be understood.
    fn key_alone(&self, cells: &[Cell<'_>]) -> Option<Box<str>> {
        let known = |(field, cell): (&Field, &Cell<'_>)| self.value(*cell, field).ok().flatten();
        let fields: Vec<Option<Value>> = self.fields.iter().zip(cells).map(known).collect();
        self.key(&fields, cells).ok()
    }

    fn value(&self, found: Cell<'_>, field: &Field) -> Result<Option<Value>, Wrong> {
        match found {
            Cell::Absent => Ok(None),
            Cell::Text(text) => cell(text, field, &self.style),
            Cell::Json(value) => json(value, field, &self.style),
            Cell::Native(value) => native(value, field, &self.style),
        }
    }

    /// The key is made of the cells as they are written, so that `0012` and `12` are two rows.
    fn key(&self, fields: &[Option<Value>], cells: &[Cell<'_>]) -> Result<Box<str>, Wrong> {
        let mut key = String::new();
        for (at, &index) in self.key.iter().enumerate() {
            let from = self.fields.get(index).map_or("", |field| field.from.as_str());
            let part = cells.get(index).map(|cell| written(*cell)).unwrap_or_default();
            if part.is_empty() || !matches!(fields.get(index), Some(Some(_))) {
                return Err(Wrong::new("", "a key, found an empty cell").at(&from));
            }
            if part.contains(UNIT_SEPARATOR) {
                return Err(Wrong::new(&part, "a key without a unit separator").at(&from));
            }
            if at > 0 {
                key.push(UNIT_SEPARATOR);
            }
            key.push_str(&part);
            if key.len() > KEY_MAX {
                return Err(Wrong::new(&key, format!("a key of at most {KEY_MAX} bytes")).at(&from));
            }
        }
        Ok(key.into())
    }
}

/// A cell as it is written, without spaces around it.
fn written(cell: Cell<'_>) -> String {
    match cell {
        Cell::Absent | Cell::Json(Json::Null | Json::Array(_) | Json::Object(_)) => String::new(),
        Cell::Text(text) => trim(text).to_owned(),
        Cell::Json(Json::String(text)) => trim(text).to_owned(),
        Cell::Json(Json::Bool(flag)) => flag.to_string(),
        Cell::Json(Json::Number(number)) => number.to_string(),
        Cell::Native(Value::Text(text)) => trim(text).to_owned(),
        Cell::Native(Value::Flag(flag)) => flag.to_string(),
        Cell::Native(Value::Number(number)) => crate::number::plain(*number),
        Cell::Native(Value::Time(at)) => crate::time::plain(*at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Decimal;
    use contract::{Cause, FieldKind};
    use jiff::tz::TimeZone;

    fn maker(key: Vec<usize>) -> Maker {
        let field =
            |name: &str, kind| Field { name: name.to_owned(), from: name.to_uppercase(), kind, format: None };
        let list = ListAddress {
            id: ListId(7),
            name: "orders".to_owned(),
            fields: vec![
                field("of", FieldKind::Text),
                field("op", FieldKind::Text),
                field("qty", FieldKind::Number),
            ],
            key,
            address: (),
        };
        Maker::new(&list, Style::new(Decimal::Comma, TimeZone::UTC))
    }

    #[test]
    fn a_row_becomes_a_record_with_its_key() {
        let record = maker(vec![0, 1])
            .record(&"line 2", &[Cell::Text(" 0012 "), Cell::Text("10"), Cell::Text("1,5-")]);
        let record = record.unwrap();
        assert_eq!((record.list, &*record.key), (ListId(7), "0012\u{1f}10"));
        assert_eq!(record.fields[2], Some(Value::Number(-1.5)));
        let short = maker(vec![0]).record(&"line 2", &[Cell::Text("1")]).unwrap();
        assert_eq!(*short.fields, [Some(Value::Text("1".into())), None, None]);
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        let wrong = |cells: &[Cell<'_>]| maker(vec![0, 1]).record(&"line 2", cells).unwrap_err();
        let bad = wrong(&[Cell::Text("1"), Cell::Text("10"), Cell::Text("beaucoup")]);
        assert_eq!(bad.to_string(), "line 2, QTY: found `beaucoup`, expected a number with a decimal comma");
        assert_eq!(
            Cause::from(bad),
            Cause::Unreadable { place: "line 2, QTY".to_owned(), found: "beaucoup".to_owned() }
        );
        assert_eq!(wrong(&[Cell::Text("1")]).place, "line 2, OP");
        assert!(wrong(&[Cell::Text("a\u{1f}b"), Cell::Text("10")]).expected.contains("unit separator"));
        let long = "x".repeat(KEY_MAX);
        assert!(wrong(&[Cell::Text(&long), Cell::Text("10")]).expected.contains("at most"));
    }

    #[test]
    fn two_cells_are_never_one_key() {
        let key = |of: &str, op: &str| {
            maker(vec![0, 1]).record(&"", &[Cell::Text(of), Cell::Text(op)]).unwrap().key
        };
        assert_ne!(key("1", "23"), key("12", "3"));
        assert_ne!(key("012", "3"), key("12", "3"));
    }
}
