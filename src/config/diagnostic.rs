//! What is wrong in a configuration: where, what was found, what was expected, and the line itself.

use std::fmt;

use serde::Serialize;

/// Does it stop the configuration from being used?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Yes.
    Error,
    /// No, but it is seldom what was meant.
    Warning,
}

/// Where something stands. Lines and columns count from 1, columns in characters; 0 is the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file, as it was named.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}:{}", self.file, self.column),
        }
    }
}

/// The line at fault, fit for a terminal: no controls, no secrets, cut around the caret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// What the file says.
    pub text: String,
    /// How many cells of a terminal stand before the caret.
    pub caret: usize,
    /// How many cells the caret underlines, at least one.
    pub width: usize,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Does it stop the configuration from being used?
    pub severity: Severity,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// The key, with dots between: `source.mqtt.hall-b.url`. Empty for a file as a whole.
    pub path: String,
    /// What was found, what was expected.
    pub message: String,
    /// What to do about it, where it can be guessed.
    pub help: Option<String>,
    /// The line itself.
    #[serde(rename = "source")]
    pub excerpt: Option<Excerpt>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        self.place.fmt(f)?;
        if !self.path.is_empty() {
            write!(f, "  {}", self.path)?;
        }
        match &self.excerpt {
            Some(Excerpt { text, caret, width }) => {
                let (margin, carets) = (" ".repeat(*caret), "^".repeat(*width));
                write!(f, "\n  {text}\n  {margin}{carets} {}", self.message)?;
            }
            None => write!(f, "\n  {}", self.message)?,
        }
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}
