//! Numbers as business systems write them: decimal comma, thousands in groups, a minus behind.

use crate::{Decimal, Wrong};

/// A longer text is no number.
const LEN_MAX: usize = 64;

/// Reads `1 520,32`, `1.520,32`, `-12,5`, `12,500-`, `1e3`; with [`Decimal::Point`] `1,520.32`.
///
/// Between thousands may stand a space of any width, an apostrophe, or whichever of comma and point is not the
/// decimal one; then each group has three digits, so that `4.25` is not taken for 425.
///
/// # Errors
/// What was found, what was expected.
pub fn read(text: &str, decimal: Decimal) -> Result<f64, Wrong> {
    let expected = match decimal {
        Decimal::Comma => "a number with a decimal comma",
        Decimal::Point => "a number with a decimal point",
    };
    let wrong = || Wrong::new(text, expected);
    if text.len() > LEN_MAX {
        return Err(wrong());
    }
    let (is_negative, digits) = sign(text.trim()).ok_or_else(wrong)?;
    let plain = without_groups(digits, decimal).ok_or_else(wrong)?;
    let number: f64 = plain.parse().map_err(|_| wrong())?;
    if !number.is_finite() {
        return Err(wrong());
    }
    // An export writes `0,00-`; a zero below zero would be another value than zero.
    Ok(if is_negative && number != 0.0 { -number } else { number })
}

/// Takes one sign, before or behind.
fn sign(text: &str) -> Option<(bool, &str)> {
    const SIGNS: [char; 3] = ['-', '+', '\u{2212}'];
    let (before, after) = (text.strip_prefix(SIGNS), text.strip_suffix(SIGNS));
    match (before, after) {
        (None, None) => Some((false, text)),
        (Some(rest), None) => Some((!text.starts_with('+'), rest.trim_start())),
        (None, Some(rest)) => Some((!text.ends_with('+'), rest.trim_end())),
        (Some(_), Some(_)) => None,
    }
}

/// `1 520,32` becomes `1520.32`.
fn without_groups(text: &str, decimal: Decimal) -> Option<String> {
    let (point, other) = match decimal {
        Decimal::Comma => (',', '.'),
        Decimal::Point => ('.', ','),
    };
    let (mantissa, power) = match text.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, Some(power)),
        None => (text, None),
    };
    let (whole, part) = mantissa.split_once(point).unwrap_or((mantissa, ""));
    let is_group = |c: char| c == other || matches!(c, '\'' | '\u{2019}') || (c.is_whitespace() && c != '\n');
    let mut groups = whole.split(is_group);
    let first = groups.next().unwrap_or_default();
    let mut plain = first.to_owned();
    for group in groups {
        if group.len() != 3 || !(1..=3).contains(&first.len()) {
            return None;
        }
        plain.push_str(group);
    }
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(&plain) || !are_digits(part) || (plain.is_empty() && part.is_empty()) {
        return None;
    }
    if !part.is_empty() {
        plain.push('.');
        plain.push_str(part);
    }
    if let Some(power) = power {
        let digits = power.strip_prefix(['+', '-']).unwrap_or(power);
        if digits.is_empty() || digits.len() > 3 || !are_digits(digits) {
            return None;
        }
        plain.push('e');
        plain.push_str(power);
    }
    Some(plain)
}

/// A number as the text of a key or a text field: `123`, not `123.0`.
pub fn plain(number: f64) -> String {
    // Beyond this a number has gaps, and its digits would be invented.
    if number.fract() == 0.0 && number.abs() < 9e15 { format!("{number:.0}") } else { number.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for (text, number) in [
            ("250", 250.0),
            ("-12,5", -12.5),
            ("12,500-", -12.5),
            ("1520,32-", -1520.32),
            ("0,00-", 0.0),
            ("+3", 3.0),
            ("\u{2212}3", -3.0),
            ("1\u{a0}200,000", 1200.0),
            ("1\u{202f}200", 1200.0),
            ("1\u{2009}234\u{2009}567,5", 1_234_567.5),
            ("5.000,000", 5000.0),
            ("5'000", 5000.0),
            ("- 12", -12.0),
            ("12 -", -12.0),
            (",5", 0.5),
            ("5,", 5.0),
            ("1e3", 1000.0),
            ("1,5E-02", 0.015),
            ("000126", 126.0),
        ] {
            assert_eq!(read(text, Decimal::Comma), Ok(number), "{text}");
        }
        for (text, number) in [("4.25", 4.25), ("250.000", 250.0), ("12.500-", -12.5), ("1,200.5", 1200.5)] {
            assert_eq!(read(text, Decimal::Point), Ok(number), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_told() {
        for text in [
            "", "-", ",", "4.25", "1.2.3", "1 2", "12-5", "-12-", "1e", "1e9999", "NaN", "inf", "0x10",
            "12 %", "1 20,5",
        ] {
            assert!(read(text, Decimal::Comma).is_err(), "{text}");
        }
        for text in ["4,25", "1,20", "1 520,32"] {
            assert!(read(text, Decimal::Point).is_err(), "{text}");
        }
        let wrong = read("4.25", Decimal::Comma).unwrap_err().at(&"line 3, Qté");
        assert_eq!(wrong.to_string(), "line 3, Qté: found `4.25`, expected a number with a decimal comma");
    }

    #[test]
    fn a_number_as_text_has_no_decimals_of_its_own() {
        assert_eq!((plain(123.0).as_str(), plain(0.5).as_str(), plain(-3.0).as_str()), ("123", "0.5", "-3"));
    }
}
