//! What must outlive a restart: which contents were taken, under which names they lie, and which files are aside.
//!
//! Lines of JSON, appended. A line that was lost with the power is no harm: the file is read again, and rows that come
//! again change nothing. So nothing waits for the disk.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use contract::Cause;
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::copy::Content;
use crate::place::Stat;

/// How many contents are remembered: a file each five minutes for two months. An older one that is delivered again is
/// read again.
pub const KEPT_MAX: usize = 20_000;
/// How many files may be aside: more is a fault of the configuration, not of files.
const ASIDE_MAX: usize = 1_000;

/// A content that was taken, and where it lay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The name of the file.
    pub name: String,
    /// What it looked like.
    pub stat: Stat,
    /// What it held, as read by these lists.
    pub content: String,
    /// Which lists read it, and how.
    pub lists: String,
    /// Its time of change was old enough when it was read: if it looks the same, it is the same.
    pub is_sure: bool,
}

/// A file that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// Its name when it came.
    pub name: String,
    /// Its name in the quarantine, or none if it lies where it came.
    pub moved: Option<String>,
    /// What it looked like.
    pub stat: Stat,
    /// Which lists could not read it, and how.
    pub lists: String,
    /// Why.
    pub cause: Cause,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Taken(Taken),
    Aside(Aside),
    Mended(String),
}

/// The ledger.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    file: Option<File>,
    lines: usize,
    /// How many of the remembered lines hold a content.
    taken: HashMap<String, u32>,
    order: VecDeque<Taken>,
    lying: HashMap<String, Taken>,
    last: HashMap<String, String>,
    /// The last content under each name, and how many of the remembered lines bear that name.
    latest: HashMap<String, (String, u32)>,
    aside: BTreeMap<String, Aside>,
}

/// A content as it is written.
pub fn hex(content: &Content) -> String {
    content.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Ledger {
    /// Reads what is there. Lines that a power cut tore are passed over.
    pub fn open(folder: &Path, name: &str) -> Ledger {
        let path = folder.join(format!("{name}.files.jsonl"));
        let mut ledger = Ledger {
            path,
            file: None,
            lines: 0,
            taken: HashMap::new(),
            order: VecDeque::new(),
            lying: HashMap::new(),
            last: HashMap::new(),
            latest: HashMap::new(),
            aside: BTreeMap::new(),
        };
        let text = fs::read(&ledger.path).unwrap_or_default();
        for line in text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()) {
            ledger.learn(line);
        }
        ledger.rewrite();
        ledger
    }

    /// These lists took this content once.
    pub fn has(&self, content: &str) -> bool {
        self.taken.contains_key(content)
    }

    /// What these lists took last.
    pub fn last(&self, lists: &str) -> Option<&str> {
        self.last.get(lists).map(String::as_str)
    }

    /// The last content under this name.
    pub fn latest(&self, name: &str) -> Option<&str> {
        self.latest.get(name).map(|(content, _)| content.as_str())
    }

    /// What was taken from a file of this name that may still lie there.
    pub fn lying(&self, name: &str) -> Option<&Taken> {
        self.lying.get(name)
    }

    /// The files that are aside, by their names.
    pub fn aside(&self) -> &BTreeMap<String, Aside> {
        &self.aside
    }

    /// A content was taken.
    pub fn take(&mut self, taken: Taken) {
        self.write(Line::Taken(taken));
    }

    /// A content that was taken lies under a further name. What was taken last stays so.
    pub fn note(&mut self, taken: Taken) {
        let lists = taken.lists.clone();
        let last = self.last.get(&lists).cloned();
        self.write(Line::Taken(taken));
        if let Some(last) = last {
            self.last.insert(lists, last);
        }
    }

    /// A file is put aside.
    pub fn put_aside(&mut self, aside: Aside) {
        self.write(Line::Aside(aside));
    }

    /// A file is no longer aside. Whether it was.
    pub fn mend(&mut self, name: &str) -> bool {
        let was = self.aside.contains_key(name);
        if was {
            self.write(Line::Mended(name.to_owned()));
        }
        was
    }

    /// Forgets under which names contents lie, but for these.
    pub fn keep_lying(&mut self, is_there: impl Fn(&str) -> bool) {
        self.lying.retain(|name, _| is_there(name));
    }

    fn learn(&mut self, line: Line) {
        match line {
            Line::Taken(taken) => {
                *self.taken.entry(taken.content.clone()).or_default() += 1;
                self.last.insert(taken.lists.clone(), taken.content.clone());
                let latest = self.latest.entry(taken.name.clone()).or_default();
                *latest = (taken.content.clone(), latest.1 + 1);
                self.lying.insert(taken.name.clone(), taken.clone());
                self.order.push_back(taken);
                if self.order.len() > KEPT_MAX
                    && let Some(old) = self.order.pop_front()
                {
                    self.forget(&old);
                }
            }
            Line::Aside(aside) => {
                self.aside.insert(aside.name.clone(), aside);
                if self.aside.len() > ASIDE_MAX {
                    self.aside.pop_first();
                }
            }
            Line::Mended(name) => {
                self.aside.remove(&name);
            }
        }
    }

    fn forget(&mut self, old: &Taken) {
        if let Some(count) = self.taken.get_mut(&old.content) {
            *count -= 1;
            if *count == 0 {
                self.taken.remove(&old.content);
            }
        }
        if let Some((_, lines)) = self.latest.get_mut(&old.name) {
            *lines -= 1;
            if *lines == 0 {
                self.latest.remove(&old.name);
            }
        }
    }

    fn write(&mut self, line: Line) {
        let text = serde_json::to_string(&line);
        self.learn(line);
        self.lines += 1;
        if self.lines > 2 * KEPT_MAX {
            self.rewrite();
            return;
        }
        let appended = text.map_err(io::Error::other).and_then(|text| match &mut self.file {
            Some(file) => file.write_all(format!("{text}\n").as_bytes()),
            None => Err(io::Error::other("it could not be opened")),
        });
        if let Err(error) = appended {
            warn!(ledger = %self.path.display(), %error, "not written: files may be read again after a start");
        }
    }

    /// Writes it anew without what is no longer of use, beside the old one and then in its place.
    fn rewrite(&mut self) {
        let new = self.path.with_extension("new");
        let written = File::create(&new).and_then(|file| {
            let mut file = io::BufWriter::new(file);
            let taken = self.order.iter().cloned().map(Line::Taken);
            let aside = self.aside.values().cloned().map(Line::Aside);
            for line in taken.chain(aside) {
                serde_json::to_writer(&mut file, &line)?;
                file.write_all(b"\n")?;
            }
            file.flush()?;
            fs::rename(&new, &self.path)
        });
        self.lines = self.order.len() + self.aside.len();
        let opened = written.and_then(|()| File::options().append(true).open(&self.path));
        if let Err(error) = &opened {
            warn!(ledger = %self.path.display(), %error, "not written: files may be read again after a start");
        }
        self.file = opened.ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use peers::foreign::Folder;

    fn taken(name: &str, content: &str) -> Taken {
        let stat = Stat { size: 1, changed_ns: 2, touched_ns: 3, inode: 4 };
        Taken { name: name.into(), stat, content: content.into(), lists: "l".into(), is_sure: true }
    }

    #[test]
    fn it_outlives_a_restart_and_a_torn_line() {
        let folder = Folder::new("ledger");
        let mut ledger = Ledger::open(folder.path(), "erp");
        ledger.take(taken("a", "1"));
        ledger.take(taken("b", "2"));
        let stat = taken("c", "3").stat;
        let cause = Cause::Missing("Qté".into());
        ledger.put_aside(Aside { name: "c".into(), moved: None, stat, lists: "l".into(), cause });
        drop(ledger);
        let path = folder.path().join("erp.files.jsonl");
        let torn = fs::read_to_string(&path).unwrap() + "{\"taken\":{\"na";
        fs::write(&path, torn).unwrap();
        let mut ledger = Ledger::open(folder.path(), "erp");
        assert!(ledger.has("1") && ledger.has("2") && !ledger.has("3"));
        assert_eq!((ledger.last("l"), ledger.lying("a")), (Some("2"), Some(&taken("a", "1"))));
        assert_eq!(ledger.aside()["c"].cause, Cause::Missing("Qté".into()));
        assert!(ledger.mend("c") && !ledger.mend("c"));
        assert!(Ledger::open(folder.path(), "erp").aside().is_empty());
    }

    /// A file each five minutes, with the time in its name, that holds the same for months.
    #[test]
    fn names_do_not_grow_for_ever_either() {
        let folder = Folder::new("ledger");
        let mut ledger = Ledger::open(folder.path(), "erp");
        for number in 0..(KEPT_MAX + 10) {
            ledger.take(taken(&number.to_string(), "as ever"));
        }
        assert_eq!((ledger.latest.len(), ledger.latest("9")), (KEPT_MAX, None));
        assert_eq!((ledger.latest("10"), ledger.has("as ever")), (Some("as ever"), true));
        // A name that comes again and again is known by what it held last.
        for number in 0..=KEPT_MAX {
            ledger.take(taken("10", &number.to_string()));
        }
        assert_eq!((ledger.latest.len(), ledger.latest("10")), (1, Some(KEPT_MAX.to_string().as_str())));
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let folder = Folder::new("ledger");
        let mut ledger = Ledger::open(folder.path(), "erp");
        for number in 0..(2 * KEPT_MAX + 10) {
            ledger.take(taken("a", &number.to_string()));
        }
        assert!(!ledger.has("0") && ledger.has(&(2 * KEPT_MAX).to_string()));
        let lines = fs::read_to_string(folder.path().join("erp.files.jsonl")).unwrap().lines().count();
        assert!(lines <= 2 * KEPT_MAX, "{lines}");
    }
}
