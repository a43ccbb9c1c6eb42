//! What answers come to: samples, and what an integrator should know. Pure.

use std::collections::BTreeSet;
use std::sync::Mutex;

use contract::{Batch, Cause, Notice, Origin, Quality, Sample, TagId, Thing, Trouble, Value};

use crate::counter::{Counter, Sum};
use crate::form::times;
use crate::plan::{Field, Group};
use crate::sunspec;

/// The most samples of one batch.
const BATCH_MAX: usize = 256;

/// The counters of a source, by the place of their tag; they outlive a connection.
pub type Counters = Mutex<Vec<Option<Counter>>>;

/// What a poll has brought so far.
#[derive(Debug, Default)]
pub struct Harvest {
    samples: Vec<Sample>,
    notices: Vec<Notice>,
}

impl Harvest {
    /// All of it, in batches of a few hundred samples.
    pub fn take(&mut self) -> Vec<Batch> {
        let mut samples = std::mem::take(&mut self.samples).into_iter().peekable();
        let mut notices = std::mem::take(&mut self.notices);
        let mut batches = Vec::new();
        while samples.peek().is_some() || !notices.is_empty() {
            let samples = samples.by_ref().take(BATCH_MAX).collect();
            batches.push(Batch { samples, notices: std::mem::take(&mut notices), ..Batch::default() });
        }
        batches
    }

    /// A good answer to a group: a sample for each of its fields.
    pub fn good(
        &mut self,
        group: &Group,
        fields: &[Field],
        tags: &[TagId],
        data: &[u8],
        counters: &Counters,
    ) {
        for place in &group.fields {
            let field = &fields[*place];
            let (value, quality) = match read(field, group, data, counters) {
                Ok((value, quality)) => (value, quality),
                Err(words) => (Value::Number(0.0), Quality::Bad(words.into())),
            };
            self.push(tags[field.tag], value, quality);
        }
    }

    /// No value for the fields of a group.
    pub fn bad(&mut self, group: &Group, fields: &[Field], tags: &[TagId], words: &str) {
        for place in &group.fields {
            self.bad_tag(tags[fields[*place].tag], words);
        }
    }

    /// No value for a tag.
    pub fn bad_tag(&mut self, tag: TagId, words: &str) {
        self.push(tag, Value::Number(0.0), Quality::Bad(words.into()));
    }

    /// A part is in trouble.
    pub fn trouble(&mut self, thing: Thing, name: String, cause: Cause) {
        self.notices.push(Notice::Trouble(Trouble { thing, name, cause }));
    }

    /// A part works again.
    pub fn mended(&mut self, thing: Thing, name: String) {
        self.notices.push(Notice::Mended(thing, name));
    }

    fn push(&mut self, tag: TagId, value: Value, quality: Quality) {
        self.samples.push(Sample { tag, value, quality, at: None, origin: Origin::Live });
    }
}

/// Which addresses of a unit are refused and were told.
#[derive(Debug, Default)]
pub struct Refusals(BTreeSet<usize>);

impl Refusals {
    /// True if it is news.
    pub fn refused(&mut self, place: usize) -> bool {
        self.0.insert(place)
    }

    /// True if it had been refused.
    pub fn answered(&mut self, place: usize) -> bool {
        self.0.remove(&place)
    }
}

fn read(field: &Field, group: &Group, data: &[u8], counters: &Counters) -> Result<(Value, Quality), String> {
    let bytes = bytes(field, group, data).ok_or("an answer without this address")?;
    let mut counters = counters.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(Some(counter)) = counters.get_mut(field.tag) {
        let (sum, quality) = match counter.take(field.form.count(&bytes)?) {
            Sum::Sure(sum) => (sum, Quality::Good),
            Sum::AtLeast(sum) => (sum, Quality::Uncertain),
        };
        return Ok((Value::Number(times(sum as f64, field.form.step)), quality));
    }
    let value = field.form.read(&bytes)?;
    let factor = match field.factor {
        Some(factor) => {
            sunspec::factor(word(factor, group, data).ok_or("an answer without a scale factor")?)?
        }
        None => return Ok((value, Quality::Good)),
    };
    match value {
        Value::Number(number) => Ok((Value::Number(times(number, factor)), Quality::Good)),
        other => Ok((other, Quality::Good)),
    }
}

/// The bytes of a field in the answer to its group; of a bit, a register that holds it.
fn bytes(field: &Field, group: &Group, data: &[u8]) -> Option<Vec<u8>> {
    let offset = usize::from(field.start.checked_sub(group.request.start())?);
    if field.table.is_bits() {
        let byte = data.get(offset / 8)?;
        return Some(vec![0, byte >> (offset % 8) & 1]);
    }
    data.get(2 * offset..2 * (offset + usize::from(field.form.registers))).map(<[u8]>::to_vec)
}

fn word(at: u16, group: &Group, data: &[u8]) -> Option<[u8; 2]> {
    let offset = 2 * usize::from(at.checked_sub(group.request.start())?);
    Some([*data.get(offset)?, *data.get(offset + 1)?])
}
