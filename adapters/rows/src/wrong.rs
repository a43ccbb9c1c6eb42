//! What was found, what was expected, where.

use std::fmt;

use contract::Cause;

/// The longest quote of what was found, in characters.
const QUOTE_MAX: usize = 80;

/// Something in a document that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Where, for a person who looks: `line 12, Quantité`. Empty while nobody has said it.
    pub place: String,
    /// What was found, as it stands there.
    pub found: String,
    /// What was expected, in words for an integrator.
    pub expected: String,
    /// The key of its row, if that much could be understood.
    pub key: Option<Box<str>>,
}

impl Wrong {
    /// Something wrong whose place is said later, by [`Wrong::at`].
    pub fn new(found: &str, expected: impl Into<String>) -> Wrong {
        Wrong { place: String::new(), found: quote(found), expected: expected.into(), key: None }
    }

    /// The same, at this place; a place that was said before stands behind it: `line 12, Quantité`.
    #[must_use]
    pub fn at(mut self, place: &dyn fmt::Display) -> Wrong {
        let inner = std::mem::take(&mut self.place);
        self.place = if inner.is_empty() { place.to_string() } else { format!("{place}, {inner}") };
        self
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found `{}`, expected {}", self.place, self.found, self.expected)
    }
}

/// What was expected is for the log alone: a post is written in the language of its readers.
impl From<Wrong> for Cause {
    fn from(wrong: Wrong) -> Cause {
        Cause::Unreadable { place: wrong.place, found: wrong.found }
    }
}

/// The first characters, on one line.
fn quote(text: &str) -> String {
    let mut quoted: String =
        text.chars().take(QUOTE_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(QUOTE_MAX).is_some() {
        quoted.push('…');
    }
    quoted
}
