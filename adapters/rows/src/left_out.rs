//! What was left out of a list while it was read, and so how its reading ends.

use contract::{Cause, Event, ListId, Record};

use crate::Wrong;

/// Of one reading of one list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LeftOut {
    first: Option<Wrong>,
    /// Of a row that was left out nobody knows which one it is.
    is_unknown: bool,
}

impl LeftOut {
    /// What this row is for whoever keeps the list. A row that cannot be understood is not gone: if its key can be,
    /// it stays as it was.
    pub fn take(&mut self, list: ListId, row: Result<Record, Wrong>) -> Option<Event> {
        let mut wrong = match row {
            Ok(record) => return Some(Event::Record(record)),
            Err(wrong) => wrong,
        };
        let key = wrong.key.take();
        self.first.get_or_insert(wrong);
        self.leave(list, key)
    }

    /// A row is left out of which this key is known, if any.
    pub fn leave(&mut self, list: ListId, key: Option<Box<str>>) -> Option<Event> {
        self.is_unknown |= key.is_none();
        key.map(|key| Event::There(list, key))
    }

    /// All rows came.
    pub fn end(&self, list: ListId) -> Event {
        if self.is_unknown { Event::Partly(list) } else { Event::Whole(list) }
    }

    /// The first row that was left out.
    pub fn first(&self) -> Option<&Wrong> {
        self.first.as_ref()
    }

    /// The same as a trouble.
    pub fn cause(&self) -> Option<Cause> {
        self.first.clone().map(Cause::from)
    }
}
