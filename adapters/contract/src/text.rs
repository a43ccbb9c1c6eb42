//! Words with their origin. What a machine said is never mixed with what we say, so that no payload can
//! mention, link, format or inject: each network escapes [`Span::Data`] in its own markup.

use serde::{Deserialize, Serialize};

/// The longest word of a machine that is shown, in characters.
pub const DATA_CHARS_MAX: usize = 200;

/// A run of words of one origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// From our word files or the configuration. Shown as it is: its signs are no markup either.
    Ours(String),
    /// From a machine. Cleaned on the way in; each network breaks its links and mentions.
    Data(String),
    /// A role to call, by its name in the network. From the configuration alone.
    Mention(String),
}

/// A line of words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(Vec<Span>);

impl Text {
    /// This text followed by our words.
    pub fn ours(mut self, words: impl AsRef<str>) -> Text {
        match self.0.last_mut() {
            Some(Span::Ours(last)) => last.push_str(words.as_ref()),
            _ => self.0.push(Span::Ours(words.as_ref().to_owned())),
        }
        self
    }

    /// This text followed by words of a machine, cleaned.
    pub fn data(mut self, words: impl AsRef<str>) -> Text {
        self.0.push(Span::Data(clean(words.as_ref(), DATA_CHARS_MAX)));
        self
    }

    /// This text followed by a call to a role.
    pub fn mention(mut self, role: impl Into<String>) -> Text {
        self.0.push(Span::Mention(role.into()));
        self
    }

    /// This text followed by another.
    pub fn append(self, other: &Text) -> Text {
        other.0.iter().fold(self, |mut text, span| match span {
            Span::Ours(words) => text.ours(words),
            Span::Data(_) | Span::Mention(_) => {
                text.0.push(span.clone());
                text
            }
        })
    }

    /// The runs, in order.
    pub fn spans(&self) -> &[Span] {
        &self.0
    }

    /// True when there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|span| match span {
            Span::Ours(words) | Span::Data(words) | Span::Mention(words) => words.is_empty(),
        })
    }

    /// As plain words, a mention as `@role`.
    pub fn plain(&self) -> String {
        self.render(|span| match span {
            Span::Ours(words) | Span::Data(words) => words.clone(),
            Span::Mention(role) => format!("@{role}"),
        })
    }

    /// In a network's own markup, span by span.
    pub fn render(&self, write: impl FnMut(&Span) -> String) -> String {
        self.0.iter().map(write).collect()
    }
}

/// A machine's words made harmless for any screen: controls, direction marks, invisible and tag characters are
/// dropped, line ends become spaces, runs of combining marks are cut at two, the rest is cut at `chars_max`.
pub fn clean(words: &str, chars_max: usize) -> String {
    let mut out = String::with_capacity(words.len().min(chars_max.saturating_mul(4)));
    let mut kept = 0;
    let mut marks = 0;
    for c in words.chars() {
        let c = if matches!(c, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}') { ' ' } else { c };
        marks = if is_combining(c) { marks + 1 } else { 0 };
        if is_invisible(c) || marks > 2 {
            continue;
        }
        if kept == chars_max {
            out.push('…');
            break;
        }
        out.push(c);
        kept += 1;
    }
    out
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{E000}'..='\u{F8FF}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}' | '\u{F0000}'..='\u{10FFFF}')
}

fn is_combining(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_cannot_write_what_is_not_seen() {
        assert_eq!(clean("a\r\nb\u{202E}c\u{200B}d\u{1b}[0m", 50), "a  bcd[0m");
        assert_eq!(clean("é\u{301}\u{301}\u{301}\u{301}!", 50), "é\u{301}\u{301}!");
        assert_eq!(clean("abcdef", 3), "abc…");
    }

    #[test]
    fn ours_joins_and_data_stays_apart() {
        let text = Text::default().ours("Lot ").ours("n° ").data("@all").ours(" bloqué");
        assert_eq!(text.spans().len(), 3);
        assert_eq!(text.plain(), "Lot n° @all bloqué");
    }
}
