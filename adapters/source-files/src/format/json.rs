//! JSON: one document, a row at a time; or a value on each line.

use std::fmt;
use std::io::BufReader;

use contract::{Cause, Field, Flaw};
use rows::{Encoding, Wrong};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{At, Bytes, Ending, Found, Own, Sink, Spoilt, fixed, give, pass, text};

/// JSON, made ready for the fields of a list.
#[derive(Debug, Clone)]
pub struct Plan {
    fields: Vec<Field>,
    rows: String,
    steps: Vec<String>,
}

impl Plan {
    /// For these fields; `rows` is a JSON pointer to the array.
    pub fn new(rows: &str, fields: Vec<Field>) -> Plan {
        let step = |step: &str| step.replace("~1", "/").replace("~0", "~");
        let steps = rows.split('/').skip(1).map(step).collect();
        Plan { fields, rows: rows.to_owned(), steps }
    }

    /// Reads one document.
    ///
    /// # Errors
    /// What spoils it as a whole.
    pub fn read_document(&self, mut bytes: &mut dyn Bytes, sink: &mut Sink<'_>) -> Result<Ending, Spoilt> {
        let (reader, _) = text::open(&mut bytes, Encoding::Utf8).map_err(|error| Spoilt::io(&error))?;
        let mut reading = Reading { plan: self, sink, number: 0, stopped: None, is_found: false };
        let mut parser = serde_json::Deserializer::from_reader(BufReader::new(reader));
        let walked = Walk { steps: &self.steps, reading: &mut reading }.deserialize(&mut parser);
        let ended = walked.and_then(|()| parser.end());
        let Reading { stopped, is_found, .. } = reading;
        if let Some(stopped) = stopped {
            return Err(stopped);
        }
        match ended {
            Ok(()) if is_found => Ok(Ending::Proper),
            Ok(()) => Err(Spoilt::Cause(Cause::Missing(self.rows.clone()))),
            Err(error) if error.is_io() => Err(Spoilt::io(&std::io::Error::new(
                error.io_error_kind().unwrap_or(std::io::ErrorKind::Other),
                error,
            ))),
            Err(error) => {
                let place = format!("line {}, column {}", error.line(), error.column());
                match error.is_eof() {
                    true => Err(Spoilt::unfinished(Flaw::CutShort, place, plain(&error))),
                    false => Err(Spoilt::unreadable(Flaw::Malformed, place, plain(&error))),
                }
            }
        }
    }

    /// Reads a value on each line.
    ///
    /// # Errors
    /// What spoils the file as a whole.
    pub fn read_lines(&self, mut bytes: &mut dyn Bytes, sink: &mut Sink<'_>) -> Result<Ending, Spoilt> {
        let (mut reader, _) = text::open(&mut bytes, Encoding::Utf8).map_err(|error| Spoilt::io(&error))?;
        let (mut number, mut ending) = (0, Ending::Proper);
        while let Some((line, is_ended)) = fixed::line(&mut reader, number + 1)? {
            number += 1;
            let at = At { word: "line", number };
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match serde_json::from_slice::<Value>(&line) {
                Ok(value) => self.row(at, &value, sink)?,
                Err(error) if !is_ended => return Err(Spoilt::unfinished(Flaw::CutShort, at, plain(&error))),
                Err(error) => {
                    let wrong = Wrong::new(&String::from_utf8_lossy(&line), plain(&error)).at(&at);
                    pass(sink(Found::Bad(wrong)))?;
                }
            }
            ending = if is_ended { Ending::Proper } else { Ending::NoLineEnd };
        }
        if number == 0 { Err(Spoilt::unfinished(Flaw::Empty, "", "")) } else { Ok(ending) }
    }

    fn row(&self, at: At, value: &Value, sink: &mut Sink<'_>) -> Result<(), Spoilt> {
        if !value.is_object() && !value.is_array() {
            let wrong = Wrong::new(&value.to_string(), "an object with the cells of a row").at(&at);
            return pass(sink(Found::Bad(wrong)));
        }
        let cell =
            |field: &Field| rows::lookup(value, &field.from).map_or(Own::Absent, |at| Own::Json(at.clone()));
        let cells: Vec<Own> = self.fields.iter().map(cell).collect();
        give(at, &self.fields, &cells, sink)
    }
}

/// The words of an error without its place, which stands beside them.
fn plain(error: &serde_json::Error) -> String {
    let words = error.to_string();
    words.split(" at line ").next().unwrap_or_default().to_owned()
}

/// What is carried along while the document goes by.
struct Reading<'a, 's> {
    plan: &'a Plan,
    sink: &'a mut Sink<'s>,
    number: u64,
    stopped: Option<Spoilt>,
    is_found: bool,
}

impl Reading<'_, '_> {
    fn row(&mut self, value: &Value) -> Result<(), Spoilt> {
        self.number += 1;
        self.plan.row(At { word: "row", number: self.number }, value, self.sink)
    }
}

/// Goes down to the rows and hands on each one as it goes by.
struct Walk<'w, 'a, 's> {
    steps: &'w [String],
    reading: &'w mut Reading<'a, 's>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.steps.first() {
            Some(step) => write!(f, "something that holds `{step}`"),
            None => f.write_str("an array of rows"),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.steps.split_first() else {
            self.reading.is_found = true;
            while let Some(value) = seq.next_element::<Value>()? {
                if let Err(stopped) = self.reading.row(&value) {
                    self.reading.stopped = Some(stopped);
                    return Err(A::Error::custom("stopped"));
                }
            }
            return Ok(());
        };
        let wanted: Option<usize> = step.parse().ok();
        let mut index = 0;
        loop {
            let went = match Some(index) == wanted {
                true => seq.next_element_seed(Walk { steps: rest, reading: &mut *self.reading })?.is_some(),
                false => seq.next_element::<IgnoredAny>()?.is_some(),
            };
            if !went {
                return Ok(());
            }
            index += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.steps.split_first() else {
            self.reading.is_found = true;
            let mut object = serde_json::Map::new();
            while let Some((key, value)) = map.next_entry::<String, Value>()? {
                object.insert(key, value);
            }
            return self.reading.row(&Value::Object(object)).map_err(|stopped| {
                self.reading.stopped = Some(stopped);
                A::Error::custom("stopped")
            });
        };
        while let Some(key) = map.next_key::<String>()? {
            match key == *step {
                true => map.next_value_seed(Walk { steps: rest, reading: &mut *self.reading })?,
                false => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}
