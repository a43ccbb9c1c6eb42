//! What the task that reads and `settle` share: the ledger, and what was handed over and is not safe yet.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use contract::{SourceError, Ticket};

use crate::ledger::{Aside, Ledger, Taken};
use crate::place::{Entry, Place, Put};
use crate::settings::After;
use crate::worker::Rules;
use tracing::warn;

/// A file whose rows were handed over.
#[derive(Debug)]
pub struct Pending {
    /// The file.
    pub entry: Entry,
    /// What to remember once it is safe.
    pub taken: Taken,
    /// Why it is put aside then, if rows of it were left out.
    pub aside: Option<Aside>,
}

#[derive(Debug, Default)]
struct Promises {
    next: u64,
    pending: BTreeMap<u64, Pending>,
}

/// The book. No lock is held over a wait.
#[derive(Debug)]
pub struct Book {
    ledger: Mutex<Ledger>,
    promises: Mutex<Promises>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked with the lock has ended its own task; what is in the book is whole lines.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Book {
    /// With what was remembered.
    pub fn new(ledger: Ledger) -> Book {
        Book { ledger: Mutex::new(ledger), promises: Mutex::default() }
    }

    /// The ledger.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    /// A new connection: what was handed over and is not safe will be read again.
    pub fn forget_promises(&self) {
        lock(&self.promises).pending.clear();
    }

    /// A ticket for a file. Never given twice.
    pub fn promise(&self, pending: Pending) -> Ticket {
        let mut promises = lock(&self.promises);
        promises.next += 1;
        let number = promises.next;
        promises.pending.insert(number, pending);
        Ticket(number)
    }

    /// A file of this name was handed over and is not safe yet.
    pub fn is_pending(&self, name: &str) -> bool {
        lock(&self.promises).pending.values().any(|pending| pending.entry.name == name)
    }

    /// The same rows were handed over and are not safe yet.
    pub fn is_pending_content(&self, content: &str) -> bool {
        lock(&self.promises).pending.values().any(|pending| pending.taken.content == content)
    }

    /// The rows of this ticket are safe: remembers it, then moves the file.
    ///
    /// # Errors
    /// The place is gone. The file is known by then.
    pub async fn settle(&self, place: &dyn Place, rules: &Rules, ticket: Ticket) -> Result<(), SourceError> {
        let Some(Pending { entry, taken, aside }) = lock(&self.promises).pending.remove(&ticket.0) else {
            return Ok(());
        };
        let stat = taken.stat;
        let Some(aside) = aside else {
            self.ledger().mend(&entry.name);
            self.ledger().take(taken);
            self.put_away(place, rules, &entry, stat).await?;
            return Ok(());
        };
        self.ledger().put_aside(aside.clone());
        if let Put::Done(moved) = place.put(&entry, stat, &rules.quarantine).await? {
            self.ledger().put_aside(Aside { moved: Some(moved), ..aside });
        }
        Ok(())
    }

    /// What becomes of a file that was read.
    ///
    /// # Errors
    /// The place is gone.
    pub async fn put_away(
        &self,
        place: &dyn Place,
        rules: &Rules,
        entry: &Entry,
        stat: crate::place::Stat,
    ) -> Result<Put, SourceError> {
        let put = match rules.after {
            After::Archive => place.put(entry, stat, &rules.archive).await?,
            After::Delete => place.delete(entry, stat).await?,
            After::Leave => return Ok(Put::Done(entry.name.clone())),
        };
        match &put {
            Put::Cannot(reason) => warn!(file = %entry.name, %reason, "read, and stays where it is"),
            Put::Done(_) => self.put_away_marker(place, rules, entry).await?,
            Put::Changed => {}
        }
        Ok(put)
    }

    /// The marker of a file that is gone would let the next file of its name in before it is through.
    async fn put_away_marker(
        &self,
        place: &dyn Place,
        rules: &Rules,
        entry: &Entry,
    ) -> Result<(), SourceError> {
        let Some(marker) = &rules.marker else { return Ok(()) };
        let stem = entry.name.rsplit_once('.').map_or(entry.name.as_str(), |(stem, _)| stem);
        let names = [format!("{}{marker}", entry.name), format!("{stem}{marker}")];
        for found in place.entries().await? {
            if let crate::place::What::File(stat) = found.what
                && names.contains(&found.name)
            {
                match rules.after {
                    After::Delete => place.delete(&found, stat).await?,
                    _ => place.put(&found, stat, &rules.archive).await?,
                };
            }
        }
        Ok(())
    }
}
