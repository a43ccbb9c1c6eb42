//! One cell of text, or of a value that a database or a spreadsheet already knows, becomes a value.

use contract::{Fault, Field, FieldKind, Value};

use crate::{Decimal, Style, Wrong, number, time};

/// The longest text of a cell, in bytes. What is longer is cut there and ends in `…`: a post shows less than a
/// tenth of it.
pub const TEXT_MAX: usize = 4096;
/// The longest key, in bytes. Never cut, because two rows could become one.
pub const KEY_MAX: usize = 512;

const YES: [&str; 9] = ["1", "true", "vrai", "yes", "oui", "y", "o", "x", "on"];
const NO: [&str; 7] = ["0", "false", "faux", "no", "non", "n", "off"];

/// Reads a cell of text. An empty one is `None`, and spaces around it mean nothing.
///
/// The `format` of a field: of a time, the letters of `strptime`; of a flag, its two words such as `Soldé/En cours`,
/// where one of them may be empty (`X/`); of a number, `,` or `.` before its decimals where this column differs
/// from the others.
///
/// # Errors
/// What was found, what was expected; the place is empty.
pub fn cell(text: &str, field: &Field, style: &Style) -> Result<Option<Value>, Wrong> {
    let text = trim(text);
    if field.kind == FieldKind::Flag {
        return flag(text, field.format.as_deref()).map(|flag| flag.map(Value::Flag));
    }
    if text.is_empty() {
        return Ok(None);
    }
    match field.kind {
        FieldKind::Text | FieldKind::Flag => Ok(Some(Value::Text(cut(text).into()))),
        FieldKind::Number => {
            number::read(text, decimal(field, style)).map(|number| Some(Value::Number(number)))
        }
        FieldKind::Time => time::read(text, field.format.as_deref(), style).map(|at| at.map(Value::Time)),
    }
}

/// Fits a value that is already one (a column of a database, a cell of a spreadsheet) to the kind of its field.
///
/// # Errors
/// A value of another kind that cannot be meant: a flag where a time is expected.
pub fn native(value: &Value, field: &Field, style: &Style) -> Result<Option<Value>, Wrong> {
    match (field.kind, value) {
        (_, Value::Text(text)) => cell(text, field, style),
        (FieldKind::Text, Value::Number(number)) => Ok(Some(Value::Text(number::plain(*number).into()))),
        (FieldKind::Text, Value::Flag(flag)) => Ok(Some(Value::Text(flag.to_string().into()))),
        (FieldKind::Text, Value::Time(at)) => Ok(Some(Value::Text(time::plain(*at).into()))),
        (FieldKind::Number, Value::Number(number)) if number.is_finite() => Ok(Some(Value::Number(*number))),
        (FieldKind::Number, Value::Number(number)) => Err(Wrong::new(&number.to_string(), "a finite number")),
        (FieldKind::Number, Value::Flag(flag)) => Ok(Some(Value::Number(f64::from(u8::from(*flag))))),
        (FieldKind::Number, Value::Time(at)) => Err(Wrong::new(&time::plain(*at), "a number")),
        (FieldKind::Time, Value::Time(at)) => Ok(Some(Value::Time(*at))),
        // A day as a number: 20261123.
        (FieldKind::Time, Value::Number(number)) => cell(&number::plain(*number), field, style),
        (FieldKind::Time, Value::Flag(flag)) => Err(Wrong::new(&flag.to_string(), "a time")),
        (FieldKind::Flag, Value::Flag(flag)) => Ok(Some(Value::Flag(*flag))),
        (FieldKind::Flag, Value::Number(number)) => cell(&number::plain(*number), field, style),
        (FieldKind::Flag, Value::Time(at)) => Err(Wrong::new(&time::plain(*at), "a flag")),
    }
}

/// Whether the `format` of a field can be used with its kind.
///
/// # Errors
/// What was found, what is expected.
pub fn check(field: &Field) -> Result<(), String> {
    match (&field.format, field.kind) {
        (None, _) => Ok(()),
        (Some(format), FieldKind::Time) => time::check(format),
        (Some(format), FieldKind::Flag) => match format.split_once('/') {
            Some((yes, no)) if trim(yes) != trim(no) => Ok(()),
            _ => Err(format!("found `{format}`, expected the words for yes and no: `Soldé/En cours`, `X/`")),
        },
        (Some(format), FieldKind::Number) => match format.as_str() {
            "," | "." => Ok(()),
            _ => Err(format!("found `{format}`, expected `,` or `.`, what stands before the decimals")),
        },
        (Some(_), FieldKind::Text) => Err("has no use for text".to_owned()),
    }
}

/// The formats of the fields of a list that cannot be used, each with its key in the table of the list.
pub fn faults(fields: &[Field]) -> Vec<Fault> {
    let wrong = |field: &Field| Some(Fault::at(format!("field.{}.format", field.name), check(field).err()?));
    fields.iter().filter_map(wrong).collect()
}

/// The faults of a list for those who see the table of its source alone.
pub fn of_list(list: &str, faults: Vec<Fault>) -> Vec<Fault> {
    let told = |Fault { key, message }: Fault| Fault::at("", format!("list `{list}`, `{key}`: {message}"));
    faults.into_iter().map(told).collect()
}

fn decimal(field: &Field, style: &Style) -> Decimal {
    match field.format.as_deref() {
        Some(",") => Decimal::Comma,
        Some(".") => Decimal::Point,
        _ => style.decimal,
    }
}

fn flag(text: &str, format: Option<&str>) -> Result<Option<bool>, Wrong> {
    let is_in = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if let Some((yes, no)) = format.and_then(|format| format.split_once('/')) {
        let (yes, no) = (trim(yes), trim(no));
        return match text.to_lowercase() {
            low if low == yes.to_lowercase() => Ok(Some(true)),
            low if low == no.to_lowercase() => Ok(Some(false)),
            low if low.is_empty() => Ok(None),
            _ => Err(Wrong::new(text, format!("`{yes}` or `{no}`"))),
        };
    }
    match text {
        "" => Ok(None),
        _ if is_in(&YES) => Ok(Some(true)),
        _ if is_in(&NO) => Ok(Some(false)),
        _ => Err(Wrong::new(text, "yes or no; else name the words in `format`: `Soldé/En cours`")),
    }
}

/// Without spaces of any width around it.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\0'))
}

/// At most [`TEXT_MAX`] bytes, with `…` at the end of what was cut.
pub(crate) fn cut(text: &str) -> String {
    if text.len() <= TEXT_MAX {
        return text.to_owned();
    }
    let mut end = TEXT_MAX - '…'.len_utf8();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Moment;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    fn field(kind: FieldKind, format: Option<&str>) -> Field {
        let format = format.map(str::to_owned);
        Field { name: "f".to_owned(), from: "F".to_owned(), kind, format }
    }

    fn style() -> Style {
        Style::new(Decimal::Comma, TimeZone::get("Europe/Paris").unwrap())
    }

    fn read(text: &str, kind: FieldKind, format: Option<&str>) -> Result<Option<Value>, Wrong> {
        cell(text, &field(kind, format), &style())
    }

    #[test]
    fn text_keeps_its_zeros_and_its_hostile_words() {
        let text = |text: &str| Ok(Some(Value::Text(text.into())));
        assert_eq!(read(" 000126 ", FieldKind::Text, None), text("000126"));
        assert_eq!(read("\u{a0}x\u{202f}", FieldKind::Text, None), text("x"));
        assert_eq!(read("@everyone", FieldKind::Text, None), text("@everyone"));
        assert_eq!(read("# titre\n[lien](x)", FieldKind::Text, None), text("# titre\n[lien](x)"));
        for kind in [FieldKind::Text, FieldKind::Number, FieldKind::Time, FieldKind::Flag] {
            assert_eq!(read(" \u{a0}", kind, None), Ok(None), "{kind:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_where_a_character_ends() {
        let long = "é".repeat(TEXT_MAX);
        let Ok(Some(Value::Text(cut))) = read(&long, FieldKind::Text, None) else { panic!("expected text") };
        assert!(cut.len() <= TEXT_MAX && cut.len() > TEXT_MAX - 4 && cut.ends_with("é…"), "{}", cut.len());
    }

    #[test]
    fn flags_have_words() {
        for (text, format, flag) in [
            ("oui", None, Some(true)),
            ("X", None, Some(true)),
            ("NON", None, Some(false)),
            ("0", None, Some(false)),
            ("X", Some("X/"), Some(true)),
            ("", Some("X/"), Some(false)),
            ("soldé", Some("Soldé/En cours"), Some(true)),
            ("En cours", Some("Soldé/En cours"), Some(false)),
            ("", Some("Soldé/En cours"), None),
        ] {
            assert_eq!(read(text, FieldKind::Flag, format), Ok(flag.map(Value::Flag)), "{text}");
        }
        assert!(read("peut-être", FieldKind::Flag, None).is_err());
        assert!(read("oui", FieldKind::Flag, Some("Soldé/En cours")).is_err());
    }

    #[test]
    fn one_column_may_write_its_numbers_another_way() {
        assert_eq!(read("4.25", FieldKind::Number, Some(".")), Ok(Some(Value::Number(4.25))));
    }

    #[test]
    fn a_format_fits_its_kind() {
        for (kind, format) in
            [(FieldKind::Time, "%d/%m/%Y"), (FieldKind::Flag, "X/"), (FieldKind::Number, ".")]
        {
            assert_eq!(check(&field(kind, Some(format))), Ok(()));
        }
        for (kind, format) in [
            (FieldKind::Time, "jj/mm/aaaa"),
            (FieldKind::Flag, "oui"),
            (FieldKind::Flag, "x/x"),
            (FieldKind::Number, "0.00"),
            (FieldKind::Text, "%d"),
        ] {
            assert!(check(&field(kind, Some(format))).is_err(), "{kind:?} {format}");
        }
    }

    #[test]
    fn a_value_that_is_one_already_fits_its_field() {
        let at = |value: Value, kind| native(&value, &field(kind, None), &style());
        assert_eq!(at(Value::Number(126.0), FieldKind::Text), Ok(Some(Value::Text("126".into()))));
        assert_eq!(
            at(Value::Number(20_261_123.0), FieldKind::Time).unwrap(),
            at(Value::Text("20261123".into()), FieldKind::Time).unwrap()
        );
        assert_eq!(at(Value::Text("1 200,5".into()), FieldKind::Number), Ok(Some(Value::Number(1200.5))));
        assert_eq!(at(Value::Number(1.0), FieldKind::Flag), Ok(Some(Value::Flag(true))));
        assert!(at(Value::Time(Moment::from_ms(0)), FieldKind::Number).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,80}", which in 0..4usize) {
            let kind = [FieldKind::Text, FieldKind::Number, FieldKind::Time, FieldKind::Flag][which];
            let _ = read(&text, kind, None);
            let _ = read(&text, kind, Some("%d/%m/%Y %H:%M"));
        }

        #[test]
        fn a_number_written_in_french_is_read_back(number in -1e9..1e9f64) {
            let written = format!("{number:.3}").replace('.', ",");
            let Ok(Some(Value::Number(read))) = read(&written, FieldKind::Number, None) else { panic!("{written}") };
            prop_assert!((read - number).abs() < 0.001);
        }
    }
}
