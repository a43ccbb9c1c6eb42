//! What a few characters mean: a number, a flag, a time, or text. Pure functions.

use contract::{Moment, Value, clean};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A longer text of a machine is no value but a document, in bytes.
const TEXT_MAX: usize = 4096;
/// A number with more digits than this does not survive as a number.
const DIGITS_MAX: usize = 15;
/// How much of a wrong payload is quoted, in characters.
const QUOTE_MAX: usize = 40;

/// A plain payload: a number, with a point or one comma; a flag; else text.
///
/// # Errors
/// What was found, what was expected.
pub fn plain(payload: &str) -> Result<Value, String> {
    let text = payload.trim();
    match text.bytes().next() {
        None => return Err("found an empty payload, expected a value".to_owned()),
        Some(open @ (b'{' | b'[')) if text.ends_with([b'}', b']'].map(char::from)) => {
            let what = if open == b'{' { "a JSON object" } else { "a JSON array" };
            return Err(format!("found {what}, expected a plain value; name a place in `value`"));
        }
        Some(_) => {}
    }
    match number(text) {
        Some(number) if number.is_finite() => Ok(Value::Number(number)),
        Some(_) => Err(format!("found {}, expected a finite number", quote(text))),
        None => flag(text).map_or_else(|| raw(payload), |flag| Ok(Value::Flag(flag))),
    }
}

/// A string in a JSON payload: as a plain payload, except that what only looks like a number (`"00123"`, a
/// serial number of 20 digits) stays text.
///
/// # Errors
/// What was found, what was expected.
pub fn string(text: &str) -> Result<Value, String> {
    let mut digits = text.trim().trim_start_matches(['+', '-']).bytes();
    let is_padded = digits.next() == Some(b'0') && digits.next().is_some_and(|next| next.is_ascii_digit());
    let is_long = text.bytes().filter(u8::is_ascii_digit).count() > DIGITS_MAX;
    if is_padded || is_long {
        return raw(text);
    }
    match number(text.trim()) {
        Some(number) if number.is_finite() => Ok(Value::Number(number)),
        Some(_) => Err(format!("found the text {}, expected a finite number", quote(text))),
        None => flag(text.trim()).map_or_else(|| raw(text), |flag| Ok(Value::Flag(flag))),
    }
}

/// Text as it is.
///
/// # Errors
/// It is too long to be a value.
pub fn raw(text: &str) -> Result<Value, String> {
    match text.len() {
        0..=TEXT_MAX => Ok(Value::Text(text.into())),
        long => Err(format!("found a text of {long} bytes, expected at most {TEXT_MAX}")),
    }
}

/// Not finite for what says so (`NaN`, `-inf`) or is too large; `None` for what is no number.
fn number(text: &str) -> Option<f64> {
    let first = *text.as_bytes().first()?;
    if !first.is_ascii_digit() && !matches!(first, b'+' | b'-' | b'.' | b',' | b'n' | b'N' | b'i' | b'I') {
        return None;
    }
    match text.split_once(',') {
        None => text.parse().ok(),
        Some((whole, part)) if !whole.contains('.') && part.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{whole}.{part}").parse().ok()
        }
        Some(_) => None,
    }
}

fn flag(text: &str) -> Option<bool> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    match text.len() {
        2 if is("on") => Some(true),
        3 if is("off") => Some(false),
        4 if is("true") => Some(true),
        5 if is("false") => Some(false),
        _ => None,
    }
}

/// Unix time in seconds, milliseconds, microseconds or nanoseconds, told apart by size: each unit is taken for
/// the years 1973 to 5138.
///
/// # Errors
/// It is no time of these.
pub fn unix_time(number: f64) -> Result<Moment, String> {
    let ms = match number.abs() {
        1e8..1e11 => number * 1e3,
        1e11..1e14 => number,
        1e14..1e17 => number / 1e3,
        1e17..1e20 => number / 1e6,
        _ => return Err(format!("found the number {number}, expected Unix time or ISO 8601")),
    };
    Ok(Moment::from_ms(ms.round() as i64))
}

/// ISO 8601, or Unix time as text. Without a zone it is a time of the site.
///
/// # Errors
/// It is no time.
pub fn time(text: &str, site: &TimeZone) -> Result<Moment, String> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return unix_time(number);
    }
    let zoned = text.parse::<Timestamp>().or_else(|error| {
        // A date that names its zone wrongly must not pass for one of the site.
        let civil = text.parse::<DateTime>()?;
        if text.ends_with(['Z', 'z']) { Err(error) } else { site.to_timestamp(civil) }
    });
    zoned
        .map(|at| Moment::from_ms(at.as_millisecond()))
        .map_err(|_| format!("found the text {}, expected Unix time or ISO 8601", quote(text)))
}

/// A piece of a payload fit to be read by a person.
pub fn quote(text: &str) -> String {
    format!("`{}`", clean(text, QUOTE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: Result<Value, String>) -> String {
        match value {
            Ok(Value::Number(number)) => format!("number {number}"),
            Ok(Value::Flag(flag)) => format!("flag {flag}"),
            Ok(Value::Text(text)) => format!("text {text}"),
            Ok(Value::Time(time)) => format!("time {}", time.as_ms()),
            Err(reason) => format!("bad: {reason}"),
        }
    }

    #[test]
    fn plain_payloads() {
        for (payload, want) in [
            ("84.2", "number 84.2"),
            ("84,2", "number 84.2"),
            (" -3 \r\n", "number -3"),
            ("+12", "number 12"),
            ("0084.2", "number 84.2"),
            ("1e3", "number 1000"),
            (",5", "number 0.5"),
            ("true", "flag true"),
            ("OFF", "flag false"),
            ("On", "flag true"),
            ("1,234.5", "text 1,234.5"),
            ("1,2,3", "text 1,2,3"),
            ("84.2 °C", "text 84.2 °C"),
            ("Lot 12", "text Lot 12"),
            ("info", "text info"),
            ("n/a", "text n/a"),
            ("-", "text -"),
            ("NaN", "bad: found `NaN`, expected a finite number"),
            ("-inf", "bad: found `-inf`, expected a finite number"),
            ("1e999", "bad: found `1e999`, expected a finite number"),
            ("", "bad: found an empty payload, expected a value"),
            (" \n", "bad: found an empty payload, expected a value"),
            (r#"{"a":1}"#, "bad: found a JSON object, expected a plain value; name a place in `value`"),
            ("[1]", "bad: found a JSON array, expected a plain value; name a place in `value`"),
            ("[alarm] on", "text [alarm] on"),
        ] {
            assert_eq!(shown(plain(payload)), want, "{payload}");
        }
    }

    #[test]
    fn strings_in_json_keep_what_only_looks_like_a_number() {
        for (text, want) in [
            ("84.2", "number 84.2"),
            ("0.5", "number 0.5"),
            ("0", "number 0"),
            ("00123", "text 00123"),
            ("12345678901234567890", "text 12345678901234567890"),
            ("on", "flag true"),
            ("", "text "),
            ("NaN", "bad: found the text `NaN`, expected a finite number"),
        ] {
            assert_eq!(shown(string(text)), want, "{text}");
        }
        assert!(shown(raw(&"x".repeat(5000))).starts_with("bad: found a text of 5000 bytes"));
    }

    #[test]
    fn times() {
        let paris = TimeZone::get("Europe/Paris").expect("bundled");
        for (text, want) in [
            ("2026-03-01T12:00:00Z", Ok(1_772_366_400_000)),
            ("2026-03-01T13:00:00+01:00", Ok(1_772_366_400_000)),
            ("2026-03-01 13:00:00.250", Ok(1_772_366_400_250)),
            ("1772366400", Ok(1_772_366_400_000)),
            ("1772366400.5", Ok(1_772_366_400_500)),
            ("1772366400000", Ok(1_772_366_400_000)),
            ("1772366400000000", Ok(1_772_366_400_000)),
            ("1772366400000000000", Ok(1_772_366_400_000)),
            ("2026-13-01T12:00:00Z", Err(())),
            ("hier", Err(())),
            ("12", Err(())),
        ] {
            assert_eq!(time(text, &paris).map(Moment::as_ms).map_err(drop), want, "{text}");
        }
    }
}
