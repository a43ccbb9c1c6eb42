//! How far each list is safe, in a file that outlives a restart.
//!
//! The file is written and synced in a thread of its own: one thread runs the whole program, and a slow SD card may
//! take seconds for a sync.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

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
    /// How often it was written. A caller that is dropped half-way leaves its write behind; the next one comes after.
    turn: u64,
    written: Arc<Mutex<u64>>,
}

impl Memory {
    /// What is remembered in `<name>.since`. A file that cannot be read is no memory: rows come again, none is lost.
    pub fn open(state: &Path, name: &str) -> Memory {
        let path = state.join(format!("{name}.since"));
        let lists = fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Memory { path, lists: lists.unwrap_or_default(), turn: 0, written: Arc::default() }
    }

    /// How far a list is safe.
    pub fn since(&self, list: &str, ask: &str) -> Option<Json> {
        self.lists.get(list).filter(|kept| kept.ask == ask).map(|kept| kept.since.clone())
    }

    /// It is safe so far. Gives back once that lies on the disk.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn keep(&mut self, list: &str, ask: &str, since: Json) -> io::Result<()> {
        self.lists.insert(list.to_owned(), Kept { ask: ask.to_owned(), since });
        self.turn += 1;
        let text = serde_json::to_vec(&self.lists).map_err(io::Error::other)?;
        let (turn, path, written) = (self.turn, self.path.clone(), Arc::clone(&self.written));
        let writing = tokio::task::spawn_blocking(move || {
            let mut last = written.lock().unwrap_or_else(PoisonError::into_inner);
            if turn > *last {
                write(&path, &text)?;
                *last = turn;
            }
            Ok(())
        });
        writing.await.map_err(io::Error::other)?
    }
}

/// Beside the old one, synced, and then in its place: a power cut leaves one of the two.
fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = fs::File::create(&fresh)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use peers::foreign::Folder;
    use serde_json::json;
    use std::io::Read;
    use std::time::Duration;

    #[tokio::test]
    async fn another_question_begins_anew() {
        let folder = Folder::new("memory");
        Memory::open(folder.path(), "erp").keep("orders", "GET /a", json!("2026")).await.unwrap();
        let memory = Memory::open(folder.path(), "erp");
        assert_eq!(memory.since("orders", "GET /a"), Some(json!("2026")));
        assert_eq!(memory.since("orders", "GET /b"), None);
        fs::write(folder.path().join("erp.since"), "{half").unwrap();
        assert_eq!(Memory::open(folder.path(), "erp").since("orders", "GET /a"), None);
    }

    /// The slow disk is a pipe that nobody reads yet: to open it waits.
    #[tokio::test]
    async fn a_slow_disk_stops_nobody_else() {
        let folder = Folder::new("memory");
        let pipe = folder.path().join("erp.new");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let (others, went_on) = std::sync::mpsc::channel();
        let disk = std::thread::spawn(move || {
            let is_in_time = went_on.recv_timeout(Duration::from_secs(10)).is_ok();
            let mut text = String::new();
            fs::File::open(&pipe).and_then(|mut pipe| pipe.read_to_string(&mut text)).unwrap();
            (is_in_time, text)
        });
        let mut memory = Memory::open(folder.path(), "erp");
        let others = async move { others.send(()).unwrap() };
        let (kept, ()) = tokio::join!(memory.keep("orders", "GET /a", json!("2026")), others);
        let (is_in_time, text) = disk.join().unwrap();
        assert!(is_in_time, "everything waited for the disk");
        // It was written, and is synced before it is said to be kept: of a pipe, no system says so.
        assert!(text.contains("2026") && kept.is_err(), "{text} {kept:?}");
    }
}
