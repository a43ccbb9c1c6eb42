//! Mistakes on the way: each with a span in the one row of bytes that all files share.

use std::collections::HashSet;
use std::ops::Range;

use super::diagnostic::Severity;

/// Where something stands in the row of all files, in bytes.
pub(super) type Span = Range<usize>;

/// One mistake, before its place is looked up.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub severity: Severity,
    /// `None`: the configuration as a whole.
    pub span: Option<Span>,
    /// Given where the tree of all files does not hold the key.
    pub path: Option<String>,
    pub message: String,
    pub help: Option<String>,
}

/// All mistakes so far.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    /// Notes an error and gives it back, to add a path or a help to.
    pub fn error(&mut self, span: impl Into<Option<Span>>, message: impl Into<String>) -> &mut Problem {
        self.note(Severity::Error, span.into(), message.into())
    }

    /// Notes a warning and gives it back.
    pub fn warning(&mut self, span: impl Into<Option<Span>>, message: impl Into<String>) -> &mut Problem {
        self.note(Severity::Warning, span.into(), message.into())
    }

    fn note(&mut self, severity: Severity, span: Option<Span>, message: String) -> &mut Problem {
        let at = self.0.len();
        self.0.push(Problem { severity, span, path: None, message, help: None });
        &mut self.0[at]
    }

    /// True when the configuration cannot be used.
    pub fn has_error(&self) -> bool {
        self.errors() > 0
    }

    /// How many errors so far.
    pub fn errors(&self) -> usize {
        self.0.iter().filter(|problem| problem.severity == Severity::Error).count()
    }

    /// In the order of the files, what concerns the whole first. What fifty machines of one class have in common
    /// is told once.
    pub fn into_sorted(mut self) -> Vec<Problem> {
        let at = |problem: &Problem| problem.span.as_ref().map(|span| span.start);
        self.0.sort_by_key(at);
        let mut told = HashSet::new();
        self.0.retain(|problem| told.insert((problem.span.clone(), problem.message.clone())));
        self.0
    }
}

impl Problem {
    /// Adds what to do about it.
    pub fn help(&mut self, help: impl Into<Option<String>>) -> &mut Problem {
        self.help = help.into().or(self.help.take());
        self
    }

    /// Says which key it is about.
    pub fn path(&mut self, path: impl Into<String>) -> &mut Problem {
        self.path = Some(path.into());
        self
    }
}
