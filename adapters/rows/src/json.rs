//! What JSON holds becomes a value.

use contract::{Field, FieldKind, Value};
use serde_json::Value as Json;

use crate::{Style, Wrong, cell, native, time};

/// Reads a value of JSON. `null` is `None`. A string is read as a cell of text is, a number where a time is expected
/// as Unix time or, with eight digits, as a day.
///
/// # Errors
/// An object or an array, or what does not fit the kind of the field; the place is empty.
pub fn json(value: &Json, field: &Field, style: &Style) -> Result<Option<Value>, Wrong> {
    match value {
        Json::Null => Ok(None),
        Json::Bool(flag) => native(&Value::Flag(*flag), field, style),
        Json::String(text) => cell(text, field, style),
        Json::Number(number) => match field.kind {
            // As written: a serial number of 18 digits does not survive as a number.
            FieldKind::Text => Ok(Some(Value::Text(number.to_string().into()))),
            FieldKind::Time => when(number.as_f64().unwrap_or(f64::NAN), field, style),
            FieldKind::Number | FieldKind::Flag => {
                native(&Value::Number(number.as_f64().unwrap_or(f64::NAN)), field, style)
            }
        },
        Json::Array(_) => Err(Wrong::new("[…]", "one value, found an array")),
        Json::Object(_) => Err(Wrong::new("{…}", "one value, found an object")),
    }
}

fn when(number: f64, field: &Field, style: &Style) -> Result<Option<Value>, Wrong> {
    let is_day = number.fract() == 0.0 && (19_000_101.0..=29_991_231.0).contains(&number);
    if is_day || field.format.is_some() {
        return native(&Value::Number(number), field, style);
    }
    time::unix(number).map(|at| Some(Value::Time(at)))
}

/// The value that `from` names: a JSON pointer (`/product/code`), the name of a key (`product.code` is one key),
/// or the whole for an empty one.
pub fn lookup<'a>(value: &'a Json, from: &str) -> Option<&'a Json> {
    if from.is_empty() || from.starts_with('/') { value.pointer(from) } else { value.get(from) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Decimal;
    use contract::Moment;
    use jiff::tz::TimeZone;
    use serde_json::json as j;

    fn read(value: Json, kind: FieldKind) -> Result<Option<Value>, Wrong> {
        let field = Field { name: "f".to_owned(), from: "/f".to_owned(), kind, format: None };
        json(&value, &field, &Style::new(Decimal::Point, TimeZone::UTC))
    }

    #[test]
    fn json_becomes_values() {
        assert_eq!(read(j!(null), FieldKind::Number), Ok(None));
        assert_eq!(read(j!(4.25), FieldKind::Number), Ok(Some(Value::Number(4.25))));
        assert_eq!(read(j!("250.000"), FieldKind::Number), Ok(Some(Value::Number(250.0))));
        assert_eq!(
            read(j!(123_456_789_012_345_678_u64), FieldKind::Text),
            Ok(Some(Value::Text("123456789012345678".into())))
        );
        assert_eq!(read(j!("000001000123"), FieldKind::Text), Ok(Some(Value::Text("000001000123".into()))));
        assert_eq!(read(j!(true), FieldKind::Flag), Ok(Some(Value::Flag(true))));
        let at = Ok(Some(Value::Time(Moment::from_ms(1_772_366_400_000))));
        assert_eq!(read(j!(1_772_366_400), FieldKind::Time), at);
        assert_eq!(read(j!("2026-03-01T12:00:00Z"), FieldKind::Time), at);
        assert_eq!(read(j!(20_261_123), FieldKind::Time), read(j!("2026-11-23"), FieldKind::Time));
        for value in [j!([1]), j!({"a": 1})] {
            assert!(read(value, FieldKind::Text).is_err());
        }
    }

    #[test]
    fn a_place_is_a_pointer_or_a_name() {
        let value = j!({"number": "OF-1", "product": {"code": "C"}, "product.code": "D", "a/b": 1});
        assert_eq!(lookup(&value, "/product/code"), Some(&j!("C")));
        assert_eq!(lookup(&value, "product.code"), Some(&j!("D")));
        assert_eq!(lookup(&value, "number"), Some(&j!("OF-1")));
        assert_eq!(lookup(&value, "/a~1b"), Some(&j!(1)));
        assert_eq!(lookup(&value, "missing"), None);
    }
}
