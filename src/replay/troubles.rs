//! What of a file could not be taken, counted and named.

use std::collections::BTreeMap;

use serde::Serialize;

/// So many wrong lines are named; all are counted.
const NAMED_MAX: usize = 10;

/// So many unknown tags are named; all are counted.
const UNKNOWN_MAX: usize = 1_000;

/// What was left out.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Troubles {
    /// How many lines could not be understood.
    pub wrong: u64,
    /// The first of them: file, line, what was found and what was expected.
    pub named: Vec<String>,
    /// Tags that the configuration does not know: how many readings, and what is known of the name.
    pub unknown: BTreeMap<String, (u64, String)>,
    /// Readings so far behind the ones before them that they could not be put in order.
    pub late: u64,
}

impl Troubles {
    /// This line cannot be understood.
    pub fn wrong(&mut self, file: &str, line: u64, what: &str) {
        self.wrong += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push(format!("{file}:{line}: {}", contract::clean(what, 300)));
        }
    }

    /// A reading of a tag that is not configured; `why` is asked once for each.
    pub fn unknown(&mut self, tag: &str, why: impl FnOnce() -> String) {
        if let Some((count, _)) = self.unknown.get_mut(tag) {
            *count += 1;
        } else if self.unknown.len() < UNKNOWN_MAX {
            self.unknown.insert(contract::clean(tag, 80), (1, why()));
        }
    }
}
