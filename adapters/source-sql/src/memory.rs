//! How far each list is safe, in a file that outlives a restart.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// What is kept of one list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// For which question: another one begins anew.
    ask: String,
    since: Json,
}

/// The file.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
    lists: BTreeMap<String, Kept>,
}

impl Memory {
    /// What is remembered. A file that cannot be read is no memory: rows come again, none is lost.
    pub fn open(state: &Path, name: &str) -> Memory {
        let path = state.join(format!("sql-{name}.since"));
        let lists = fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Memory { path, lists: lists.unwrap_or_default() }
    }

    /// How far a list is safe.
    pub fn since(&self, list: &str, ask: &str) -> Option<Json> {
        self.lists.get(list).filter(|kept| kept.ask == ask).map(|kept| kept.since.clone())
    }

    /// It is safe so far.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&mut self, list: &str, ask: &str, since: Json) -> io::Result<()> {
        self.lists.insert(list.to_owned(), Kept { ask: ask.to_owned(), since });
        let fresh = self.path.with_extension("new");
        let mut file = fs::File::create(&fresh)?;
        file.write_all(&serde_json::to_vec(&self.lists).map_err(io::Error::other)?)?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn another_question_begins_anew() {
        let folder = std::env::temp_dir().join(format!("portevoix-sql-memory-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Memory::open(&folder, "erp").keep("orders", "select a", json!("2026")).unwrap();
        let memory = Memory::open(&folder, "erp");
        assert_eq!(memory.since("orders", "select a"), Some(json!("2026")));
        assert_eq!(memory.since("orders", "select b"), None);
        fs::write(folder.join("sql-erp.since"), "{half").unwrap();
        assert_eq!(Memory::open(&folder, "erp").since("orders", "select a"), None);
        fs::remove_dir_all(&folder).unwrap();
    }
}
