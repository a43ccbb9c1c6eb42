//! What a person should know of the folder: files that are aside, names that stand for no file, names that nobody asks
//! for. Each is told once on a connection, and its end when it ends.

use std::collections::HashSet;

use contract::{Cause, Notice, Thing, Trouble};
use tracing::warn;

use crate::glob;
use crate::ledger::Aside;
use crate::place::{Entry, What};
use crate::worker::{End, Worker};

/// How many names that no list asks for are told.
const UNCLAIMED_MAX: usize = 100;

impl Worker {
    /// What is aside is told once on each connection, and mended once it is gone.
    pub(crate) async fn tell_aside(&mut self, entries: &[Entry]) -> Result<(), End> {
        let aside: Vec<Aside> = self.book.ledger().aside().values().cloned().collect();
        if aside.is_empty() {
            return Ok(());
        }
        let lies = |file: &Aside| entries.iter().any(|entry| entry.name == file.name);
        let moved = match aside.iter().any(|file| file.moved.is_some() || !lies(file)) {
            true => self.place.names(&self.rules.quarantine).await?,
            false => Default::default(),
        };
        let mut notices = Vec::new();
        for file in aside {
            let is_there = match &file.moved {
                Some(name) => moved.contains(name),
                None if lies(&file) => true,
                // It is just being moved, or was when we were killed.
                None if moved.contains(&file.name) => {
                    let moved = Some(file.name.clone());
                    self.book.ledger().put_aside(Aside { moved, ..file.clone() });
                    true
                }
                None => false,
            };
            if !is_there {
                self.book.ledger().mend(&file.name);
                self.told.remove(&file.name);
                notices.push(Notice::Mended(Thing::File, file.name));
            } else if self.told.get(&file.name) != Some(&file.cause) {
                notices.push(self.trouble(file.name, file.cause));
            }
        }
        self.say(notices).await
    }

    /// What has the name of a file and is none.
    pub(crate) async fn tell_strange(&mut self, entries: &[Entry]) -> Result<(), End> {
        let mut notices = Vec::new();
        for entry in entries.iter().filter(|entry| glob::is_ready(&entry.name)) {
            let is_asked = self.lists.iter().any(|list| list.wants(&entry.name));
            match entry.what {
                What::Other(kind) if is_asked => {
                    let cause = Cause::Forbidden(kind.to_owned());
                    if self.told.get(&entry.name) != Some(&cause) {
                        warn!(file = %entry.name, found = kind, "never opened");
                        notices.push(self.trouble(entry.name.clone(), cause));
                    }
                }
                What::File(_)
                    if !is_asked && !self.is_marker(&entry.name) && self.unclaimed.len() < UNCLAIMED_MAX =>
                {
                    if self.unclaimed.insert(entry.name.clone()) {
                        notices.push(Notice::Unclaimed(entry.name.clone()));
                    }
                }
                What::File(_) | What::Folder | What::Other(_) => {}
            }
        }
        for name in self.gone(entries) {
            self.told.remove(&name);
            notices.push(Notice::Mended(Thing::File, name));
        }
        self.say(notices).await
    }

    /// Told and there no more.
    fn gone(&self, entries: &[Entry]) -> Vec<String> {
        let names: HashSet<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        let ledger = self.book.ledger();
        let is_gone = |name: &&String| !names.contains(name.as_str()) && !ledger.aside().contains_key(*name);
        self.told.keys().filter(is_gone).cloned().collect()
    }

    pub(crate) fn trouble(&mut self, name: String, cause: Cause) -> Notice {
        self.told.insert(name.clone(), cause.clone());
        Notice::Trouble(Trouble { thing: Thing::File, name, cause })
    }
}
