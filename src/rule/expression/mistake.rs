//! What is wrong in an expression, and where in it.

use contract::Fault;

/// A place in the text of an expression: bytes, from and to, always between two letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// The first byte.
    pub from: usize,
    /// After the last byte.
    pub to: usize,
}

impl Span {
    /// From one byte to before another.
    pub fn new(from: usize, to: usize) -> Span {
        Span { from, to }
    }

    /// From the beginning of this one to the end of the other.
    pub fn to(self, other: Span) -> Span {
        Span { from: self.from, to: other.to.max(self.to) }
    }
}

/// One mistake of the person who wrote the expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where.
    pub span: Span,
    /// What was found, what was expected.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Mistake {
    /// A mistake at a place.
    pub fn at(span: Span, message: impl Into<String>) -> Mistake {
        Mistake { span, message: message.into(), help: None }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Mistake {
        Mistake { help: Some(help.into()), ..self }
    }

    /// As a fault of a key, with the place in words: ``unknown name `oli` at character 5, did you mean `oil`?``.
    pub fn fault(&self, key: &str, text: &str) -> Fault {
        let before = text.get(..self.span.from).unwrap_or(text);
        let place = format!(" at character {}", before.chars().count() + 1);
        let help = self.help.as_ref().map(|help| format!(": {help}")).unwrap_or_default();
        Fault::at(key, format!("{}{place}{help}", self.message))
    }
}
