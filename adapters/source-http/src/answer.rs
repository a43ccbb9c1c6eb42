//! What an answer holds. Pure.

use contract::{Batch, Cause, Field, FieldKind, Moment, Quality, Value, clean};
use jiff::Timestamp;
use jiff::civil::DateTime;
use rows::{Cell, LeftOut, Maker, Style, lookup};
use serde_json::Value as Json;

/// A number with more digits than this does not survive as a number.
const DIGITS_MAX: usize = 15;

/// Reads JSON.
///
/// # Errors
/// Where it is none.
pub fn parse(body: &[u8]) -> Result<Json, Cause> {
    serde_json::from_slice(body).map_err(|error| Cause::Unreadable {
        place: format!("line {}, column {}", error.line(), error.column()),
        found: clean(&String::from_utf8_lossy(&body[..body.len().min(400)]), 80),
    })
}

/// What an answer that came well says of an error: whatever lies at the pointer and is neither `null` nor `false`.
pub fn failure(json: &Json, fails_if: Option<&str>) -> Option<Cause> {
    match json.pointer(fails_if?) {
        None | Some(Json::Null | Json::Bool(false)) => None,
        Some(found) => Some(Cause::Refused(clean(&found.to_string(), 200))),
    }
}

/// The rows at a pointer.
///
/// # Errors
/// There is no array.
pub fn rows<'a>(json: &'a Json, pointer: &str) -> Result<&'a [Json], Cause> {
    match json.pointer(pointer) {
        Some(Json::Array(rows)) => Ok(rows),
        _ => Err(Cause::Missing(format!("rows at `{pointer}`"))),
    }
}

/// Rows become records, put behind `batch`; what cannot be understood is left out. `before` rows came in earlier pages.
pub fn records(rows: &[Json], maker: &Maker, before: u64, left_out: &mut LeftOut, batch: &mut Batch) {
    for (row, number) in rows.iter().zip(before + 1..) {
        let cells: Vec<Cell<'_>> = maker
            .fields()
            .iter()
            .map(|field| lookup(row, &field.from).map_or(Cell::Absent, Cell::Json))
            .collect();
        let row = maker.record(&format!("row {number}"), &cells);
        batch.events.extend(left_out.take(maker.list(), row));
    }
}

/// A value and its time.
///
/// # Errors
/// What was found and what was expected.
pub fn measure(
    json: &Json,
    value: &str,
    time: Option<&str>,
    style: &Style,
) -> Result<(Value, Option<Moment>), String> {
    let at = match time {
        None => None,
        Some(pointer) => Some(moment(json, pointer, style)?),
    };
    let found = json.pointer(value).ok_or_else(|| format!("found nothing at `{value}`"))?;
    let value = match found {
        Json::Bool(flag) => Value::Flag(*flag),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => words(text, style)?,
        Json::Null => return Err("found null, expected a value".to_owned()),
        Json::Array(_) => return Err("found an array, expected a value".to_owned()),
        Json::Object(_) => return Err("found an object, expected a value".to_owned()),
    };
    Ok((value, at))
}

fn moment(json: &Json, pointer: &str, style: &Style) -> Result<Moment, String> {
    let field = plain_field(pointer, FieldKind::Time);
    let found = json.pointer(pointer).unwrap_or(&Json::Null);
    match rows::json(found, &field, style) {
        Ok(Some(Value::Time(at))) => Ok(at),
        Ok(_) => Err(format!("found nothing at `{pointer}`, expected a time")),
        Err(wrong) => Err(wrong.at(&pointer).to_string()),
    }
}

/// Text is a number where it looks like one: OData V2 writes `"12.500"`. What is padded or long stays text.
fn words(text: &str, style: &Style) -> Result<Value, String> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let bare = text.trim_start_matches(['+', '-']).as_bytes();
    let is_padded = bare.len() > 1 && bare[0] == b'0' && bare[1].is_ascii_digit();
    let is_plain = bare.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','));
    let kind = if digits > 0 && digits <= DIGITS_MAX && is_plain && !is_padded {
        FieldKind::Number
    } else {
        FieldKind::Text
    };
    match rows::json(&Json::from(text), &plain_field("", kind), style) {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err("found an empty text, expected a value".to_owned()),
        Err(_) => Ok(Value::Text(clean(text, 4_000).into())),
    }
}

fn plain_field(from: &str, kind: FieldKind) -> Field {
    Field { name: String::new(), from: from.to_owned(), kind, format: None }
}

/// The quality of a value that is not there.
pub fn bad(words: &str) -> Quality {
    Quality::Bad(clean(words, 300).into())
}

/// Whether `one` says a later change than `other`. What is no number and no time is compared as text.
pub fn is_later(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => one > other,
            _ => one.as_f64() > other.as_f64(),
        },
        (Json::String(one), Json::String(other)) => match (instant(one), instant(other)) {
            (Some(one), Some(other)) => one > other,
            _ => one > other,
        },
        // The first value of a list replaces the text of the configuration.
        (Json::Number(one), Json::String(other)) => {
            other.parse().is_ok_and(|other: f64| one.as_f64().is_some_and(|one| one > other))
        }
        _ => false,
    }
}

/// Nanoseconds since 1970 of ISO 8601 or `/Date(…)/`; without a zone as if in UTC, because both sides are alike.
fn instant(text: &str) -> Option<i128> {
    if let Some(ms) = odata_ms(text) {
        return Some(i128::from(ms) * 1_000_000);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_nanosecond());
    }
    let civil = text.parse::<DateTime>().ok()?;
    Some(jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?.as_nanosecond())
}

fn odata_ms(text: &str) -> Option<i64> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let end = inner.rfind(['+', '-']).filter(|at| *at > 0).unwrap_or(inner.len());
    inner[..end].parse().ok()
}

/// What stands for `{since}` in the next question. `/Date(…)/` is only written, never asked for: a question holds
/// `datetime'2026-11-24T10:00:00'`.
pub fn asked(since: &Json) -> Json {
    let civil = |ms| {
        let at = Timestamp::from_millisecond(ms).ok()?;
        Some(at.to_zoned_datetime(jiff::tz::TimeZone::UTC).datetime().to_string())
    };
    match since {
        Json::String(text) => odata_ms(text).and_then(civil).map_or_else(|| since.clone(), Json::from),
        _ => since.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;
    use rows::Decimal;
    use serde_json::json;

    #[test]
    fn values_of_two_odatas_and_of_nobody() {
        let style = Style::new(Decimal::Point, TimeZone::UTC);
        let read = |json: Json| {
            measure(&json, "/v", Some("/t"), &style).map(|(value, at)| (value, at.map(Moment::as_ms)))
        };
        let at = Some(1_795_421_564_123);
        let v2 = json!({"v": "12.500", "t": "/Date(1795421564123+0000)/"});
        assert_eq!(read(v2), Ok((Value::Number(12.5), at)));
        let v4 = json!({"v": 12.5, "t": "2026-11-23T08:12:44.123Z"});
        assert_eq!(read(v4), Ok((Value::Number(12.5), at)));
        let order = json!({"v": "000001000123", "t": 1_795_421_564_123_i64});
        assert_eq!(read(order), Ok((Value::Text("000001000123".into()), at)));
        let date = json!({"v": "2026-11-24", "t": 1_795_421_564_123_i64});
        assert_eq!(read(date), Ok((Value::Text("2026-11-24".into()), at)));
        for (wrong, words) in [
            (json!({"v": 1}), "/t`, expected a time"),
            (json!({"v": 1, "t": "yesterday"}), "yesterday"),
            (json!({"t": 1_795_421_564}), "found nothing at `/v`"),
            (json!({"v": null, "t": 1_795_421_564}), "found null"),
            (json!({"v": [1], "t": 1_795_421_564}), "found an array"),
        ] {
            let found = read(wrong.clone()).expect_err("words");
            assert!(found.contains(words), "{wrong}: {found}");
        }
    }

    #[test]
    fn later_is_later_however_it_is_written() {
        for (one, other) in [
            (json!(10), json!(9)),
            (json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992_i64)),
            (json!("2026-11-24T10:00:00.5Z"), json!("2026-11-24T10:00:00Z")),
            (json!("2026-11-24T10:00:00+01:00"), json!("2026-11-24T08:30:00Z")),
            (json!("/Date(1795421564124)/"), json!("/Date(1795421564123+0000)/")),
            (json!("/Date(10)/"), json!("1970-01-01T00:00:00Z")),
            (json!("B"), json!("A")),
            (json!(5), json!("0")),
        ] {
            assert!(is_later(&one, &other) && !is_later(&other, &one), "{one} {other}");
        }
        assert!(!is_later(&json!("A"), &json!("A")));
        assert_eq!(asked(&json!("/Date(1795421564123+0000)/")), json!("2026-11-23T08:12:44.123"));
        assert_eq!(asked(&json!("-")), json!("-"));
    }

    #[test]
    fn an_error_in_a_good_answer_is_an_error() {
        let at = Some("/error");
        assert_eq!(
            failure(&json!({"error": ["'nope'", ""]}), at),
            Some(Cause::Refused(r#"["'nope'",""]"#.into()))
        );
        for good in [json!({"result": []}), json!({"error": null}), json!({"error": false}), json!([])] {
            assert_eq!(failure(&good, at), None);
        }
    }
}
