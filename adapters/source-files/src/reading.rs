//! How one file is read by the lists that ask for it: first all of it to see whether it is good, then its rows.
//!
//! Two passes, because a row that was handed on cannot be taken back: nothing is taken of a file whose last line shows
//! that it is another kind of file.

use std::ops::ControlFlow;

use contract::{Cause, Event, Fault, Field, ListAddress, ListId, Record};
use jiff::tz::TimeZone;
use rows::{LeftOut, Maker, Style, Wrong};
use sha2::{Digest, Sha256};

use crate::copy::Copy;
use crate::format::{self, Ending, Found, Reader, Spoilt};
use crate::glob;
use crate::list::{BadRows, List};

/// How many records go in one batch: a commit of the middle holds about as many.
pub const BATCH_MAX: usize = 256;

/// One list, ready to read files.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Its number.
    pub id: ListId,
    files: String,
    whole: bool,
    bad_rows: BadRows,
    maker: Maker,
    reader: Reader,
    style: Style,
    fingerprint: String,
}

impl Reading {
    /// Makes one ready.
    ///
    /// # Errors
    /// What in its fields does not fit its format.
    pub fn new(list: &ListAddress<List>, zone: TimeZone) -> Result<Reading, Vec<Fault>> {
        let name = &list.name;
        let address = &list.address;
        let wrong = misfits(&list.fields, address);
        if !wrong.is_empty() {
            return Err(rows::of_list(name, wrong));
        }
        let reader =
            Reader::new(&address.format, &list.fields).map_err(|wrong| rows::of_list(name, wrong))?;
        let mut style = Style::new(format::decimal(&address.format), zone);
        style.repeated = address.repeated_hour;
        Ok(Reading {
            id: list.id,
            files: address.files.clone(),
            whole: address.whole,
            bad_rows: address.bad_rows,
            maker: Maker::new(list, style.clone()),
            reader,
            style,
            fingerprint: format!("{name} {:?} {:?} {address:?}", list.fields, list.key),
        })
    }

    /// Whether a file of this name is for this list.
    pub fn wants(&self, name: &str) -> bool {
        glob::fits(&self.files, name)
    }

    /// Each file is the whole list.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    fn read(&self, copy: &mut Copy, take: &mut Take<'_>) -> Result<Ending, Spoilt> {
        let mut bytes = copy.open().map_err(|error| Spoilt::Io(error.to_string()))?;
        self.reader.read(&mut *bytes, &self.style, &mut |found| match found {
            Found::Row(at, cells) => take(self.maker.record(&at, cells)),
            Found::Bad(wrong) => take(Err(wrong)),
        })
    }
}

/// What in the fields of a list does not fit its format, with the keys of its table.
pub fn misfits(fields: &[Field], list: &List) -> Vec<Fault> {
    let mut faults = rows::faults(fields);
    faults.extend(Reader::new(&list.format, fields).err().unwrap_or_default());
    faults
}

type Take<'a> = dyn FnMut(Result<Record, Wrong>) -> ControlFlow<()> + 'a;

/// A name for these lists and all that decides how they read. What one of them reads differently is read anew.
pub fn fingerprint(lists: &[&Reading], file_max: u64) -> String {
    let mut hash = Sha256::new();
    hash.update(file_max.to_be_bytes());
    for list in lists {
        hash.update(list.fingerprint.as_bytes());
        hash.update([0]);
    }
    hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How a file is.
#[derive(Debug)]
pub enum Checked {
    /// It can be taken.
    Good {
        /// What each list makes of it.
        lists: Vec<Good>,
        /// The first row that was left out, if any was, and how many.
        left_out: Option<(Wrong, u64)>,
    },
    /// Nothing of it is taken.
    Refused {
        /// Why.
        cause: Cause,
        /// The same with what was expected, for the log.
        words: String,
    },
    /// It may still be written.
    Unfinished,
    /// Its bytes cannot be had.
    Io(String),
}

/// What one list makes of a good file.
#[derive(Debug)]
pub struct Good {
    /// How its reading ends where the file is the whole list.
    end: Event,
    /// What is said of its rows, if they are few.
    kept: Option<Vec<Event>>,
}

/// Reads a file and takes nothing. `is_last`: what looks unfinished is not waited for.
pub fn check(copy: &mut Copy, lists: &[Reading], is_last: bool) -> Checked {
    let mut goods = Vec::new();
    let mut left_out: Option<(Wrong, u64)> = None;
    for list in lists {
        let (mut kept, mut said, mut good, mut bad) = (Vec::new(), 0usize, 0u64, 0u64);
        let mut left = LeftOut::default();
        let read = list.read(copy, &mut |row| {
            match &row {
                Ok(_) => good += 1,
                Err(wrong) => {
                    bad += 1;
                    left_out.get_or_insert_with(|| (wrong.clone(), 0)).1 += 1;
                }
            }
            let event = left.take(list.id, row);
            said += usize::from(event.is_some());
            kept.extend(event.filter(|_| said <= BATCH_MAX));
            ControlFlow::Continue(())
        });
        match read {
            Ok(Ending::NoLineEnd) | Err(Spoilt::Unfinished(_)) if !is_last => return Checked::Unfinished,
            Ok(Ending::Proper | Ending::NoLineEnd) | Err(Spoilt::Stopped) => {}
            Err(Spoilt::Cause(cause) | Spoilt::Unfinished(cause)) => {
                return Checked::Refused { words: cause.to_string(), cause };
            }
            Err(Spoilt::Io(error)) => return Checked::Io(error),
        }
        let is_refused = bad > 0 && (good == 0 || list.bad_rows == BadRows::RefuseFile);
        if is_refused && let Some((wrong, _)) = left_out {
            return Checked::Refused { words: wrong.to_string(), cause: wrong.into() };
        }
        let is_all = said == kept.len();
        goods.push(Good { end: left.end(list.id), kept: is_all.then_some(kept) });
    }
    Checked::Good { lists: goods, left_out }
}

/// Gives the rows of a file that was found good, in batches of events. `give` may have enough.
///
/// # Errors
/// The copy cannot be read any more.
pub fn give(
    copy: &mut Copy,
    lists: &[Reading],
    goods: Vec<Good>,
    give: &mut dyn FnMut(Vec<Event>) -> ControlFlow<()>,
) -> Result<(), String> {
    let mut events = Vec::new();
    let mut is_over = false;
    for (list, good) in lists.iter().zip(goods) {
        events.extend(list.whole.then_some(Event::Begin(list.id)));
        let mut left = LeftOut::default();
        let mut take = |event: Event| {
            events.push(event);
            if events.len() < BATCH_MAX {
                return ControlFlow::Continue(());
            }
            let flow = give(std::mem::take(&mut events));
            is_over |= flow.is_break();
            flow
        };
        match good.kept {
            Some(kept) => {
                let _ = kept.into_iter().try_for_each(&mut take);
            }
            None => {
                let read = list.read(copy, &mut |row| {
                    left.take(list.id, row).map_or(ControlFlow::Continue(()), &mut take)
                });
                if let Err(Spoilt::Io(error)) = read {
                    return Err(error);
                }
            }
        }
        if is_over {
            return Ok(());
        }
        events.extend(list.whole.then_some(good.end));
    }
    let _ = give(events);
    Ok(())
}
