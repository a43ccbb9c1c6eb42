//! Draws the line at fault: fit for a terminal, without secrets, cut around the caret.

use super::diagnostic::Excerpt;
use super::problem::Span;

/// How much of a line is shown, in cells of a terminal.
const CELLS_MAX: usize = 100;

/// Words in a key after which a bare text is taken for a secret.
const SECRET_WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "token",
    "secret",
    "api_key",
    "apikey",
    "api-key",
    "bearer",
    "authorization",
];

/// True for a key such as `password` or `access_token`.
pub(super) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| key.contains(word))
}

/// The words with `user:password` of an address replaced.
pub(super) fn without_login(words: &str) -> String {
    let mut shown = words.to_owned();
    for login in logins(words).into_iter().rev() {
        shown.replace_range(login, "…");
    }
    shown
}

/// Draws `line` with a caret under `span`; what is `hidden` is shown as `…`.
pub(super) fn draw(line: &str, span: Span, mut hidden: Vec<Span>) -> Excerpt {
    hidden.extend(bare_secrets(line));
    hidden.extend(logins(line));
    let cells = cells(line, &hidden);
    let before =
        |offset: usize| cells.iter().take_while(|cell| cell.offset < offset).map(|cell| cell.width).sum();
    let caret: usize = before(span.start);
    let end: usize = before(span.end);
    cut(&cells, caret, end.saturating_sub(caret).max(1))
}

/// One character as it is shown.
struct Cell {
    offset: usize,
    shown: char,
    width: usize,
}

fn cells(line: &str, hidden: &[Span]) -> Vec<Cell> {
    let line = line.trim_end();
    let indent = line.len() - line.trim_start().len();
    let mut cells = Vec::new();
    let mut in_hidden = false;
    for (offset, c) in line.char_indices().skip_while(|(offset, _)| *offset < indent) {
        let is_hidden = hidden.iter().any(|span| span.contains(&offset));
        let shown = match c {
            _ if is_hidden && in_hidden => None,
            _ if is_hidden => Some('…'),
            '\t' => Some(' '),
            c if contract::clean(c.encode_utf8(&mut [0; 4]), 1).chars().ne([c]) => Some('\u{FFFD}'),
            c => Some(c),
        };
        in_hidden = is_hidden;
        cells.extend(shown.map(|shown| Cell { offset, shown, width: width(shown) }));
    }
    cells
}

/// How many cells of a terminal a character takes. Only roughly: an odd script moves the caret, no more.
fn width(c: char) -> usize {
    match c {
        '\u{0300}'..='\u{036F}' => 0,
        '\u{1100}'..='\u{115F}'
        | '\u{2E80}'..='\u{A4CF}'
        | '\u{AC00}'..='\u{D7A3}'
        | '\u{F900}'..='\u{FAFF}' => 2,
        '\u{FE30}'..='\u{FE6F}' | '\u{FF00}'..='\u{FF60}' | '\u{1F300}'..='\u{1FAFF}' => 2,
        _ => 1,
    }
}

/// Cuts a long line so that the caret stays in sight.
fn cut(cells: &[Cell], caret: usize, caret_width: usize) -> Excerpt {
    let total: usize = cells.iter().map(|cell| cell.width).sum();
    let from = if total <= CELLS_MAX { 0 } else { caret.saturating_sub(CELLS_MAX / 2) };
    let mut text = String::new();
    let (mut at, mut first) = (0, None);
    for cell in cells {
        if at >= from && at + cell.width <= from + CELLS_MAX {
            first.get_or_insert(at);
            text.push(cell.shown);
        }
        at += cell.width;
    }
    let first = first.unwrap_or(0);
    if total > from + CELLS_MAX {
        text.push('…');
    }
    let lead = usize::from(first > 0);
    if lead > 0 {
        text.insert(0, '…');
    }
    let caret = caret.saturating_sub(first) + lead;
    let room = (CELLS_MAX + 1 + lead).saturating_sub(caret).max(1);
    Excerpt { text, caret, width: caret_width.min(room) }
}

/// Bare texts after keys such as `password`, found without a parser: the file may not even be TOML.
fn bare_secrets(line: &str) -> Vec<Span> {
    let lower = line.to_ascii_lowercase();
    let mut found = Vec::new();
    for word in SECRET_WORDS {
        for (at, _) in lower.match_indices(word) {
            let is_key =
                |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | '\'' | ' ' | '\t');
            let rest = lower[at..].trim_start_matches(is_key);
            let Some(value) = rest.strip_prefix(['=', ':']) else { continue };
            let value = value.trim_start_matches(['=', ' ', '\t']);
            let start = line.len() - value.len();
            match value.chars().next() {
                None | Some('{' | '[') => {}
                Some(quote @ ('"' | '\'')) => {
                    let inside = start + 1;
                    let end = line[inside..].find(quote).map_or(line.len(), |length| inside + length);
                    found.push(inside..end);
                }
                Some(_) => found.push(start..line.len()),
            }
        }
    }
    found
}

/// `user:password` in addresses such as `mqtt://user:password@host`.
fn logins(words: &str) -> Vec<Span> {
    let mut found = Vec::new();
    for (at, mark) in words.match_indices("://") {
        let start = at + mark.len();
        let end =
            words[start..].find(['/', ' ', '"', '\'', '`', ',']).map_or(words.len(), |length| start + length);
        if let Some(login) = words[start..end].rfind('@')
            && words[start..start + login].contains(':')
        {
            found.push(start..start + login);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, span: Span, want: &str) {
        let Excerpt { text, caret, width } = draw(line, span, Vec::new());
        assert_eq!(format!("{text}\n{}{}", " ".repeat(caret), "^".repeat(width)), want);
    }

    #[test]
    fn the_caret_stands_under_the_value() {
        check("  \tholding = 70000", 13..18, "holding = 70000\n          ^^^^^");
        check("a = 1", 0..1, "a = 1\n^");
        check("a =", 3..3, "a =\n   ^");
        check("名 = 1", 6..7, "名 = 1\n     ^");
        check("a\u{1b}[31m = 1\r", 1..2, "a\u{FFFD}[31m = 1\n ^");
        check("\u{202E}a = 1", 3..4, "\u{FFFD}a = 1\n ^");
        check("a = \r1", 5..6, "a = \u{FFFD}1\n     ^");
        check("a\t=\t1", 4..5, "a = 1\n    ^");
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let long = format!("a = \"{}\" # {}", "x".repeat(300), "y".repeat(50));
        let start = draw(&long, 0..1, Vec::new());
        assert_eq!((start.text.chars().count(), start.caret, start.width), (101, 0, 1));
        let end = draw(&long, 310..311, Vec::new());
        assert!(end.text.starts_with('…') && end.text.chars().nth(end.caret) == Some('y'), "{end:?}");
        let wide = draw(&long, 4..306, Vec::new());
        assert_eq!(wide.width, 97);
    }

    #[test]
    fn a_secret_is_never_shown() {
        check("password = \"hunter2\"", 11..20, "password = \"…\"\n           ^^^");
        check("password = hunter2 # note", 11..18, "password = …\n           ^");
        check("x = { token = 'abc', b = 1 }", 21..22, "x = { token = '…', b = 1 }\n                   ^");
        check("password = { file = \"/run/x\" }", 0..8, "password = { file = \"/run/x\" }\n^^^^^^^^");
        check("api_key: abc", 0..1, "api_key: …\n^");
        check("url = \"mqtt://me:hunter2@h:1883\"", 0..3, "url = \"mqtt://…@h:1883\"\n^^^");
        assert_eq!(without_login("bad `https://a:b@c/d`"), "bad `https://…@c/d`");
        check("name = 'mqtt://h:1883/@a'", 0..4, "name = 'mqtt://h:1883/@a'\n^^^^");
    }
}
