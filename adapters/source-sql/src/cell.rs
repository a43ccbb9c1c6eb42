//! What a column holds, as a value of a tag and as a cursor. Pure.

use contract::{Field, FieldKind, Moment, Value};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rows::Style;
use serde_json::Value as Json;

use crate::session::Row;

/// A number with more digits than this does not survive as a number.
const DIGITS_MAX: usize = 15;

/// A value as it is written.
pub fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The value of a tag, and its time.
///
/// # Errors
/// What was found and what was expected.
pub fn measure(
    row: &Row,
    column: &str,
    time: Option<&str>,
    style: &Style,
) -> Result<(Value, Option<Moment>), String> {
    let at = time.map(|time| moment(row, time, style)).transpose()?;
    let value = match row.get(column) {
        None => return Err(format!("found no column `{column}`")),
        Some(Json::Null) => return Err(format!("found NULL in `{column}`, expected a value")),
        Some(Json::Bool(flag)) => Value::Flag(*flag),
        Some(Json::Number(number)) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        Some(Json::String(text)) => words(text, style),
        Some(Json::Array(_) | Json::Object(_)) => {
            return Err(format!("found a document in `{column}`, expected a value"));
        }
    };
    Ok((value, at))
}

fn moment(row: &Row, column: &str, style: &Style) -> Result<Moment, String> {
    let found = row.get(column).unwrap_or(&Json::Null);
    match rows::json(found, &plain_field(column, FieldKind::Time), style) {
        Ok(Some(Value::Time(at))) => Ok(at),
        Ok(_) => Err(format!("found nothing in `{column}`, expected a time")),
        Err(wrong) => Err(wrong.at(&column).to_string()),
    }
}

/// A decimal of MariaDB comes as text. What is padded or long stays text.
fn words(text: &str, style: &Style) -> Value {
    let bare = text.trim_start_matches(['+', '-']).as_bytes();
    let digits = bare.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_padded = bare.len() > 1 && bare[0] == b'0' && bare[1].is_ascii_digit();
    let is_plain = bare.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    if (1..=DIGITS_MAX).contains(&digits) && is_plain && !is_padded {
        let field = plain_field("", FieldKind::Number);
        if let Ok(Some(number)) = rows::json(&Json::from(text), &field, style) {
            return number;
        }
    }
    Value::Text(contract::clean(text, 4_000).into())
}

fn plain_field(from: &str, kind: FieldKind) -> Field {
    Field { name: String::new(), from: from.to_owned(), kind, format: None }
}

/// Whether `one` is a later cursor than `other`: a number, a time, or else a text.
pub fn is_later(one: &Json, other: &Json) -> bool {
    if let (Some(one), Some(other)) = (whole(one), whole(other)) {
        return one > other;
    }
    let (one, other) = (text(one), text(other));
    match (instant(&one), instant(&other)) {
        (Some(one), Some(other)) => one > other,
        _ => match (one.parse::<f64>(), other.parse::<f64>()) {
            (Ok(one), Ok(other)) => one > other,
            _ => one > other,
        },
    }
}

/// A whole number, also one that the configuration writes as text.
fn whole(value: &Json) -> Option<i128> {
    text(value).parse().ok()
}

/// Nanoseconds since 1970; without a zone as if in UTC, because both sides are alike.
fn instant(text: &str) -> Option<i128> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_nanosecond());
    }
    let civil = text.parse::<DateTime>().ok()?;
    Some(TimeZone::UTC.to_timestamp(civil).ok()?.as_nanosecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rows::Decimal;
    use serde_json::json;

    #[test]
    fn later_is_later_however_it_is_written() {
        for (one, other) in [
            (json!(10), json!(9)),
            (json!(10), json!("9")),
            (json!("10.5"), json!("9.5")),
            (json!("9007199254740993"), json!("9007199254740992")),
            (json!("2026-11-24T10:00:00.000002"), json!("2026-11-24T10:00:00.000001")),
            (json!("2026-11-24T10:00:00.5+00:00"), json!("2026-11-24T10:00:00+00:00")),
            (json!("2026-11-24T10:00:00+01:00"), json!("2026-11-24T08:59:59+00:00")),
            (json!("2026-11-24"), json!("1970-01-01 00:00:00")),
            (json!("B"), json!("A")),
        ] {
            assert!(is_later(&one, &other) && !is_later(&other, &one), "{one} {other}");
        }
        assert!(!is_later(&json!("2026-11-24"), &json!("2026-11-24T00:00:00")));
    }

    #[test]
    fn columns_become_values() {
        let style = Style::new(Decimal::Point, TimeZone::UTC);
        let row = json!({"n": 84.2, "d": "12.500", "p": "0012", "z": null, "f": true, "t": "2026-11-24T10:00:00", "o": {}});
        let row = row.as_object().expect("a row");
        let read = |column: &str, time| measure(row, column, time, &style);
        assert_eq!(read("n", Some("t")), Ok((Value::Number(84.2), Some(Moment::from_ms(1_795_514_400_000)))));
        assert_eq!(read("d", None), Ok((Value::Number(12.5), None)));
        assert_eq!(read("p", None), Ok((Value::Text("0012".into()), None)));
        assert_eq!(read("f", None), Ok((Value::Flag(true), None)));
        for (column, time) in [("z", None), ("x", None), ("o", None), ("n", Some("x")), ("n", Some("p"))] {
            assert!(read(column, time).is_err(), "{column} {time:?}");
        }
    }
}
