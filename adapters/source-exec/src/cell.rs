//! One value of a line, and what it means for a tag or a field. Pure.

use std::fmt;

use contract::{Moment, Value, clean};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A longer text is no value but a document, in bytes.
const TEXT_MAX: usize = 4096;
/// How much of what was found is quoted, in characters.
const QUOTE_MAX: usize = 40;

/// A plain value of JSON. An object or an array is skipped without being built.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Cell {
    /// `null`, or not there.
    #[default]
    Empty,
    /// True or false.
    Flag(bool),
    /// A whole number, with all its digits.
    Whole(i128),
    /// Another number.
    Number(f64),
    /// Words.
    Text(String),
    /// What no value can be: `an object`, `an array`.
    Other(&'static str),
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Cell, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Cell;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Cell, E> {
                Ok(Cell::Empty)
            }
            fn visit_bool<E>(self, flag: bool) -> Result<Cell, E> {
                Ok(Cell::Flag(flag))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Cell, E> {
                Ok(Cell::Whole(number.into()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Cell, E> {
                Ok(Cell::Whole(number.into()))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Cell, E> {
                Ok(Cell::Number(number))
            }
            fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
                Ok(Cell::Text(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cell, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Cell::Other("an object"))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Cell, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Cell::Other("an array"))
            }
        }
        deserializer.deserialize_any(Visit)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Empty => f.write_str("nothing"),
            Cell::Flag(flag) => write!(f, "`{flag}`"),
            Cell::Whole(number) => write!(f, "`{number}`"),
            Cell::Number(number) => write!(f, "`{number}`"),
            Cell::Text(text) => write!(f, "`{}`", clean(text, QUOTE_MAX)),
            Cell::Other(what) => f.write_str(what),
        }
    }
}

impl Cell {
    /// The value of a tag, in the type that the program chose.
    ///
    /// # Errors
    /// What was found, what was expected.
    pub fn value(self) -> Result<Value, String> {
        match self {
            Cell::Flag(flag) => Ok(Value::Flag(flag)),
            Cell::Whole(number) => Ok(Value::Number(number as f64)),
            Cell::Number(number) => Ok(Value::Number(number)),
            Cell::Text(text) => bounded(text),
            Cell::Empty | Cell::Other(_) => Err(format!("found {self}, expected a number, a flag or text")),
        }
    }

    /// The value of a field, before the configuration says what it is. `None` where it is empty.
    ///
    /// # Errors
    /// What was found, what was expected.
    pub fn native(&self) -> Result<Option<Value>, String> {
        /// Whole numbers up to here survive as numbers.
        const EXACT_MAX: i128 = 1 << 53;
        Ok(Some(match self {
            Cell::Empty => return Ok(None),
            Cell::Flag(flag) => Value::Flag(*flag),
            Cell::Whole(number) if number.abs() <= EXACT_MAX => Value::Number(*number as f64),
            Cell::Whole(number) => Value::Text(number.to_string().into()),
            Cell::Number(number) => Value::Number(*number),
            Cell::Text(text) => Value::Text(text.as_str().into()),
            Cell::Other(_) => return Err(format!("found {self}, expected a plain value")),
        }))
    }

    /// A time: ISO 8601, or Unix time in seconds or milliseconds, told apart by size. Without a zone it is a time of
    /// the site.
    ///
    /// # Errors
    /// What was found, what was expected.
    pub fn time(&self, site: &TimeZone) -> Result<Moment, String> {
        let found = match self {
            Cell::Whole(number) => unix(*number as f64),
            Cell::Number(number) => unix(*number),
            Cell::Text(text) => iso(text.trim(), site),
            Cell::Empty | Cell::Flag(_) | Cell::Other(_) => None,
        };
        found.ok_or_else(|| format!("found {self}, expected a time as ISO 8601 or Unix time"))
    }
}

fn bounded(text: String) -> Result<Value, String> {
    match text.len() {
        0..=TEXT_MAX => Ok(Value::Text(text.into())),
        long => Err(format!("found a text of {long} bytes, expected at most {TEXT_MAX}")),
    }
}

/// Each unit is taken for the years 1973 to 5138.
fn unix(number: f64) -> Option<Moment> {
    let ms = match number.abs() {
        1e8..1e11 => number * 1e3,
        1e11..1e14 => number,
        _ => return None,
    };
    Some(Moment::from_ms(ms.round() as i64))
}

fn iso(text: &str, site: &TimeZone) -> Option<Moment> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(Moment::from_ms(at.as_millisecond()));
    }
    // A date that names its zone wrongly must not pass for one of the site.
    let civil = Some(text).filter(|text| !text.ends_with(['Z', 'z']))?.parse::<DateTime>().ok()?;
    moment(civil, site)
}

fn moment(civil: DateTime, site: &TimeZone) -> Option<Moment> {
    Some(Moment::from_ms(site.to_timestamp(civil).ok()?.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_iso_or_unix() {
        let paris = TimeZone::get("Europe/Paris").expect("bundled");
        for (json, want) in [
            ("\"2026-11-24T00:00:00+01:00\"", Ok(1_795_474_800_000)),
            ("\"2026-11-24T00:00:00\"", Ok(1_795_474_800_000)),
            ("\"2026-11-24\"", Ok(1_795_474_800_000)),
            ("1795474800", Ok(1_795_474_800_000)),
            ("1795474800.25", Ok(1_795_474_800_250)),
            ("1795474800000", Ok(1_795_474_800_000)),
            ("\"2026-13-24T00:00:00Z\"", Err("found `2026-13-24T00:00:00Z`, ")),
            ("\"2026-11-24T00:00:00 Z\"", Err("found `2026-11-24T00:00:00 Z`, ")),
            ("12", Err("found `12`, ")),
            ("true", Err("found `true`, ")),
            ("[1]", Err("found an array, ")),
        ] {
            let cell: Cell = serde_json::from_str(json).expect("JSON");
            let want = want.map_err(|found| format!("{found}expected a time as ISO 8601 or Unix time"));
            assert_eq!(cell.time(&paris).map(Moment::as_ms), want, "{json}");
        }
    }
}
