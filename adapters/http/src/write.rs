//! From a text to a line of a markup, and from lines to a message that fits.

use contract::{Span, Text};

use crate::markup::JOINER;

/// A line that stands for what did not fit.
pub const CUT: &str = "…";

/// One line. `escape` writes words, `call` writes a role that may be called, or nothing: then it is words too.
///
/// Words that meet are escaped together, so that neighbours cannot join into something else.
pub fn line(text: &Text, escape: impl Fn(&str) -> String, call: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    for piece in pieces(text, call) {
        match piece {
            // Stuck to a word, a call is not seen, or calls somebody else.
            Piece::Call(called) => {
                if !out.is_empty() && !out.ends_with(' ') {
                    out.push(' ');
                }
                out.push_str(&called);
            }
            Piece::Words(words) => {
                if !out.is_empty() {
                    out.push(if words.starts_with(char::is_whitespace) { ' ' } else { JOINER });
                }
                out.push_str(&escape(&words));
            }
        }
    }
    out.trim_end().to_owned()
}

enum Piece {
    Words(String),
    Call(String),
}

/// The calls of a text, and all words between two of them as one.
fn pieces(text: &Text, call: impl Fn(&str) -> Option<String>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut words = String::new();
    for span in text.spans() {
        match span {
            Span::Ours(more) | Span::Data(more) => words.push_str(more),
            Span::Mention(role) => match call(role) {
                None => words.push_str(&format!("@{role}")),
                Some(called) => {
                    if !words.is_empty() {
                        pieces.push(Piece::Words(std::mem::take(&mut words)));
                    }
                    pieces.push(Piece::Call(called));
                }
            },
        }
    }
    if !words.is_empty() {
        pieces.push(Piece::Words(words));
    }
    pieces
}

/// The roles that a text calls, as `call` writes them.
pub fn calls(text: &Text, call: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let roles = text.spans().iter().filter_map(|span| match span {
        Span::Mention(role) => Some(role),
        Span::Ours(_) | Span::Data(_) => None,
    });
    roles.filter_map(|role| call(role)).collect()
}

/// The lines that fit, whole, with `between` them. What is left out is shown as a line `…`; the first line is never
/// left out. Empty lines are not shown.
///
/// # Errors
/// When not even the first line fits.
pub fn fit(lines: &[String], between: &str, chars_max: usize) -> Result<String, String> {
    let shown: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
    let whole = shown.join(between);
    if whole.chars().count() <= chars_max {
        return Ok(whole);
    }
    let gap = between.chars().count();
    let mut room = chars_max.saturating_sub(gap + CUT.chars().count());
    let fitting = shown.iter().enumerate().take_while(|(at, line)| {
        let needs = line.chars().count() + if *at > 0 { gap } else { 0 };
        let fits = needs <= room;
        room = room.saturating_sub(needs);
        fits
    });
    match fitting.count() {
        0 => {
            let chars = shown.first().map_or(0, |line| line.chars().count());
            Err(format!("the first line has {chars} characters, the network takes {chars_max}"))
        }
        kept => Ok(format!("{}{between}{CUT}", shown[..kept].join(between))),
    }
}

/// What a stranger would find in a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// `@` before a letter or a digit.
    pub calls: usize,
    /// Links with or without markup.
    pub links: usize,
}

/// Looks at a message without knowing how it was written: the second net under the escaping.
pub fn look_over(message: &str) -> Seen {
    let mut seen = Seen::default();
    let mut before = ' ';
    for c in message.chars() {
        seen.calls += usize::from(before == '@' && (c.is_ascii_alphanumeric() || c == '_'));
        seen.links += usize::from(before == ']' && c == '(');
        before = c;
    }
    let small = message.to_lowercase();
    for start in ["://", "www.", "mailto:"] {
        let is_link = |(at, _): &(usize, &str)| {
            let next = small[at + start.len()..].chars().next();
            next.is_some_and(|next| next != JOINER && !next.is_whitespace())
        };
        seen.links += small.match_indices(start).filter(is_link).count();
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markup::markdown;

    #[test]
    fn only_a_declared_role_is_called() {
        let call = |role: &str| (role != "all").then(|| format!("@{role}"));
        let said = |text: &Text| line(text, markdown, call).replace(JOINER, "·");
        let text = Text::default().ours("Appeler ").mention("maintenance").ours(", lot ").data("@all");
        assert_eq!(said(&text), "Appeler @maintenance·, lot @·all");
        assert_eq!(calls(&text, call), ["@maintenance"]);
        assert_eq!(said(&Text::default().mention("all")), "@·all");
        assert_eq!(said(&Text::default().ours("a@").mention("b").data("c")), "a@ @b·c");
        assert_eq!(said(&Text::default().mention("a").mention("b")), "@a @b");
    }

    #[test]
    fn what_does_not_fit_is_left_out_in_whole_lines_and_said() {
        let lines = ["first", "", "second", "third"].map(str::to_owned);
        assert_eq!(fit(&lines, "\n", 18).unwrap(), "first\nsecond\nthird");
        assert_eq!(fit(&lines, "\n", 17).unwrap(), "first\nsecond\n…");
        assert_eq!(fit(&lines, "\n", 7).unwrap(), "first\n…");
        assert!(fit(&lines, "\n", 6).is_err());
    }

    #[test]
    fn a_stranger_counts_what_a_reader_would_see() {
        assert_eq!(look_over("@a [x](http://y) www.z"), Seen { calls: 1, links: 3 });
        assert_eq!(look_over("a @ b, www. and mailto: alone"), Seen::default());
    }
}
