//! Takes the text of an expression, gives its tokens with their places.
//!
//! The tokens are a subset of those of CEL: decimal numbers, words in quotes, names with dots between, signs.

use super::mistake::{Mistake, Span};

/// The signs, a longer one before one that it begins with.
const SIGNS: &[&str] = &[
    "&&", "||", "<=", ">=", "==", "!=", "<", ">", "+", "-", "*", "/", "!", "?", ":", "(", ")", "[", "]", ",",
];

/// Words that CEL keeps for itself, besides `true`, `false`, `in` and `null`: no name of ours may be one.
pub const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "namespace",
    "package",
    "return",
    "var",
    "void",
    "while",
    "null",
    "true",
    "false",
    "in",
];

/// From 2^53 on, a whole number has no exact double any more, and CEL would compare another number than we.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub enum Token<'a> {
    /// A number without a point: `75`.
    Whole(f64),
    /// A number with a point or an exponent: `75.0`.
    Number(f64),
    /// Words in quotes, without them.
    Text(String),
    /// A name, with dots between its parts: `order.quantity`.
    Name(&'a str),
    /// An operator, a bracket, a comma.
    Sign(&'static str),
    /// Nothing follows.
    End,
}

/// All tokens, the last one [`Token::End`].
///
/// # Errors
/// What is no token, with its place.
pub fn tokens(text: &str) -> Result<Vec<(Token<'_>, Span)>, Mistake> {
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        at += text[at..].len() - text[at..].trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']).len();
        let (token, length) = one(text, at)?;
        let is_end = token == Token::End;
        found.push((token, Span::new(at, at + length)));
        if is_end {
            return Ok(found);
        }
        at += length;
    }
}

/// The token at a place, and its length in bytes.
fn one(text: &str, at: usize) -> Result<(Token<'_>, usize), Mistake> {
    let rest = &text[at..];
    let Some(first) = rest.chars().next() else { return Ok((Token::End, 0)) };
    match first {
        '0'..='9' => number(rest, at),
        '"' | '\'' => words(rest, at, first),
        'A'..='Z' | 'a'..='z' | '_' => Ok(name(rest)),
        _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            Some(sign) => Ok((Token::Sign(sign), sign.len())),
            None => Err(stray(first, at)),
        },
    }
}

fn name(rest: &str) -> (Token<'_>, usize) {
    let mut end = part(rest);
    while rest[end..].starts_with('.') {
        match part(&rest[end + 1..]) {
            0 => break,
            length => end += 1 + length,
        }
    }
    (Token::Name(&rest[..end]), end)
}

/// The length of the name without dots that a text begins with.
fn part(rest: &str) -> usize {
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())
}

fn number(rest: &str, at: usize) -> Result<(Token<'_>, usize), Mistake> {
    let digits = |from: usize| rest[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(0);
    let mut is_whole = true;
    if rest[end..].starts_with('.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
        is_whole = false;
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
        if digits(end + 1 + sign) > 0 {
            end += 1 + sign + digits(end + 1 + sign);
            is_whole = false;
        }
    }
    // What hangs on it belongs to what the person meant: `5s`, `0x1F`, `1.2.3`.
    let tail = rest[end..].find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.');
    let whole_word = &rest[..end + tail.unwrap_or(rest.len() - end)];
    let span = Span::new(at, at + whole_word.len());
    if whole_word.len() > end {
        let help = "a number is written `75` or `75.0`; a duration `duration(\"5m\")`";
        return Err(Mistake::at(span, format!("`{whole_word}` is no number")).help(help));
    }
    let value: f64 = rest[..end].parse().unwrap_or(f64::INFINITY);
    if !value.is_finite() || is_whole && value > WHOLE_MAX {
        return Err(Mistake::at(span, format!("`{whole_word}` is too large a number")));
    }
    Ok((if is_whole { Token::Whole(value) } else { Token::Number(value) }, end))
}

fn words(rest: &str, at: usize, quote: char) -> Result<(Token<'_>, usize), Mistake> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((index, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((Token::Text(text), index + 1)),
            '\n' | '\r' => break,
            '\\' => match chars.next() {
                Some((_, c @ ('\\' | '"' | '\''))) => text.push(c),
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                _ => {
                    let span = Span::new(at + index, at + index + 1);
                    return Err(Mistake::at(span, "unknown escape")
                        .help("expected `\\\\`, `\\\"`, `\\'`, `\\n` or `\\t`"));
                }
            },
            c => text.push(c),
        }
    }
    Err(Mistake::at(Span::new(at, at + 1), format!("no closing `{quote}`")))
}

fn stray(c: char, at: usize) -> Mistake {
    let help = match c {
        '=' => "two values are compared with `==`",
        '&' => "and is written `&&`",
        '|' => "or is written `||`",
        '%' => "CEL has no remainder of numbers with a point, expected `mod(a, b)`",
        '≥' => "write `>=`",
        '≤' => "write `<=`",
        '≠' => "write `!=`",
        '{' | '}' => "a list is written `[1, 2]`",
        c if c.is_alphabetic() => {
            "a name is made of A to Z, a to z, 0 to 9 and `_`; write `_` for each other letter of it"
        }
        _ => "expected a number, a name, words in quotes or an operator",
    };
    Mistake::at(Span::new(at, at + c.len_utf8()), format!("unexpected `{c}`")).help(help)
}
