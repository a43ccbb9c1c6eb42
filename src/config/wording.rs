//! The parsers' messages in plain words: what was found, what was expected, what to do.

pub(super) use contract::near::nearest;

/// A message and what to do about it.
pub(super) type Words = (String, Option<String>);

/// `did you mean …?`, if one of the known words is near enough.
pub fn did_you_mean<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(found, known).map(|word| format!("did you mean `{word}`?"))
}

/// `a`, `b` or `c`; only the first dozen.
pub(super) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        many if many.len() > 12 => format!("{}, …", many[..12].join(", ")),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// An unknown key, with what was perhaps meant.
pub(super) fn unknown_key<'a>(found: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Words {
    let help = did_you_mean(found, known.clone());
    let message = match help {
        Some(_) => format!("unknown key `{found}`"),
        None => format!("unknown key `{found}`, expected {}", list(known)),
    };
    (message, help)
}

/// What a key that must be there is called.
pub(super) fn missing_key(name: &str) -> String {
    format!("missing key `{name}`")
}

/// The words between backticks.
pub(super) fn quoted(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
}

/// A message of serde about a value of the right syntax and the wrong shape. `more` are further keys that may
/// stand in the same table.
pub(super) fn shape(message: &str, more: &[&str]) -> Words {
    let words = quoted(message);
    if let (true, Some((found, known))) = (message.starts_with("unknown field "), words.split_first()) {
        return unknown_key(found, known.iter().chain(more).copied());
    }
    if let (true, Some((found, known))) = (message.starts_with("unknown variant "), words.split_first()) {
        let expected = list(known.iter().copied());
        let other = other_name(found).filter(|name| known.contains(name));
        let help = other.map(|name| format!("did you mean `{name}`?"));
        return (
            format!("invalid value `{found}`, expected {expected}"),
            help.or_else(|| did_you_mean(found, known.iter().copied())),
        );
    }
    if let (true, Some(name)) = (message.starts_with("missing field "), words.first()) {
        return (missing_key(name), None);
    }
    if message.starts_with("wanted string or table") {
        return ("invalid type, expected a word in quotes".to_owned(), None);
    }
    match message.rsplit_once(", expected ") {
        Some((found, expected)) if found.starts_with("invalid ") => invalid(found, expected),
        _ => (message.to_owned(), None),
    }
}

/// What the same thing is called here. No letters in common, so no distance finds it.
fn other_name(found: &str) -> Option<&'static str> {
    match found.to_ascii_lowercase().as_str() {
        "cp1252" | "cp-1252" | "1252" | "ansi" | "latin1" | "latin-1" | "iso-8859-1" => Some("windows-1252"),
        "latin9" | "latin-9" => Some("iso-8859-15"),
        "unicode" | "utf-16" | "utf16" => Some("utf-16le"),
        _ => None,
    }
}

fn invalid(found: &str, expected: &str) -> Words {
    if expected == "struct Secret" && !matches!(found, "invalid type: map" | "invalid type: sequence") {
        return secret();
    }
    let length = |text: &str, before: &str| text.strip_prefix(before)?.parse::<usize>().ok();
    if let (Some(found), Some(most)) =
        (length(found, "invalid length "), length(expected, "an array of length "))
    {
        return (values(found, most), None);
    }
    let is_number = is_number(expected);
    let help = match found.split_once(": ") {
        Some((_, text)) if is_number => text
            .strip_prefix("string \"")
            .and_then(|text| text.strip_suffix('"'))
            .filter(|text| text.parse::<f64>().is_ok())
            .map(|number| format!("write it without quotes: {number}")),
        Some((_, text)) if matches!(expected, "a string" | "path string") => {
            quoted(text).first().map(|value| format!("write it in quotes: \"{value}\""))
        }
        Some((_, text)) if expected.contains("duration") => quoted(text)
            .first()
            .filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()))
            .map(|value| format!("write it with a unit and in quotes: \"{value}s\"")),
        _ => None,
    };
    (format!("{}, expected {}", plain_found(found), plain_expected(expected)), help)
}

/// An array of another length than it must have.
pub(super) fn values(found: usize, expected: usize) -> String {
    format!("{found} value{}, expected {expected}", if found == 1 { "" } else { "s" })
}

/// A secret that was written into the file.
pub(super) fn secret() -> Words {
    (
        "a secret must not stand in this file, expected a table that names its place".to_owned(),
        Some(
            "write { credential = \"name\" }, { file = \"path\" } or { env = \"NAME\" }, and change the \
             secret: it was readable here"
                .to_owned(),
        ),
    )
}

fn plain_found(found: &str) -> String {
    // A value of several lines, or a whole file given by mistake: its beginning is enough.
    let short: String = found.chars().take(120).collect();
    let short = if short.len() < found.len() { format!("{short}…") } else { short };
    short
        .trim_end_matches(" as i128")
        .replace("floating point", "number")
        .replace("type: string", "type: text")
        .replace("value: string", "value: text")
        .replace("type: map", "type: a table")
        .replace("type: sequence", "type: an array")
}

fn is_number(expected: &str) -> bool {
    let bits = expected.trim_start_matches("a nonzero ").trim_start_matches(['u', 'i', 'f']);
    bits == "size" || bits.parse::<u8>().is_ok()
}

fn plain_expected(expected: &str) -> String {
    let plain = match expected {
        "u8" => "u8 (0 to 255)",
        "u16" => "u16 (0 to 65535)",
        "u32" => "u32 (0 to 4294967295)",
        "u64" | "usize" | "u128" => "a whole number, 0 or more",
        "a nonzero u8" => "u8 (1 to 255)",
        "a nonzero u16" => "u16 (1 to 65535)",
        "a nonzero u32" => "u32 (1 to 4294967295)",
        "a nonzero u64" | "a nonzero usize" => "a whole number, 1 or more",
        "i8" => "i8 (-128 to 127)",
        "i16" => "i16 (-32768 to 32767)",
        "i32" => "i32 (-2147483648 to 2147483647)",
        "i64" | "isize" | "i128" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" => "text in quotes",
        "path string" => "a path in quotes",
        "a boolean" => "true or false",
        "a sequence" => "an array: [ … ]",
        "a map" => "a table: { … }",
        "struct Secret" => "a table such as { credential = \"name\" }",
        other if other.starts_with("struct ") => "a table: { … }",
        other => other,
    };
    plain.to_owned()
}

/// A message of the TOML parser. `found` is the text it points at, `rest` all from there on.
pub(super) fn syntax(message: &str, found: &str, rest: &str) -> Words {
    let help = |text: &str| Some(text.to_owned());
    if message.starts_with("string values must be quoted") {
        return match found.trim() {
            "" => ("no value after `=`".to_owned(), None),
            _ => ("text without quotes".to_owned(), help("write text in quotes: \"…\"")),
        };
    }
    let kind = message.split(',').next().unwrap_or_default();
    if kind.starts_with("invalid ") && kind.ends_with("string") && message.contains(", expected `") {
        return (message.replace(kind, "text that is not closed"), None);
    }
    if kind == "missing escaped value" {
        return (
            "unknown escape after `\\`".to_owned(),
            help("in \"…\" a backslash is written twice; in '…' it stands for itself"),
        );
    }
    let hint = match kind {
        "unclosed table" => {
            help("a header is written [room.kind.name], on one line and without blanks in a name")
        }
        "key with no value" => help("write key = value; a comment begins with #"),
        "invalid unquoted key" => help("names are lower-case letters, digits and `-`"),
        "unexpected key or value" if rest.starts_with(',') => {
            help("a number has a decimal point here, not a comma: 75.5; and no comma ends a line")
        }
        "unexpected key or value" => help("one key = value a line; close the quotes before it"),
        "unexpected leading zero" => help("write the number without leading zeros, or as text in quotes"),
        _ => None,
    };
    (message.replace(", expected nothing", ""), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_plain() {
        let check = |message: &str, want: &str| assert_eq!(shape(message, &[]).0, want);
        check(
            "invalid value: integer `70000`, expected u16",
            "invalid value: integer `70000`, expected u16 (0 to 65535)",
        );
        check(
            "invalid type: string \"high\", expected f64",
            "invalid type: text \"high\", expected a number",
        );
        check("invalid type: map, expected a string", "invalid type: a table, expected text in quotes");
        check("missing field `url`", "missing key `url`");
        check("unknown field `a`, expected `b`", "unknown key `a`, expected `b`");
        let encoding = "unknown variant `cp1252`, expected one of `utf-8`, `windows-1252`";
        assert_eq!(shape(encoding, &[]).1.as_deref(), Some("did you mean `windows-1252`?"));
        check("invalid priority 4, expected 1, 2 or 3", "invalid priority 4, expected 1, 2 or 3");
    }
}
