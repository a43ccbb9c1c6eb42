//! What the wire said.

use crate::Moment;

/// A tag's number, given by `app` when it starts. Readings travel with it, so that no string is built for a
/// reading that changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagId(pub u32);

/// One value from the wire.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number, before scale and unit.
    Number(f64),
    /// A claim that is true or not.
    Flag(bool),
    /// Words of a machine: data, never markup.
    Text(Box<str>),
}

/// May the value be trusted?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Quality {
    /// Yes.
    Good,
    /// The device says perhaps.
    Uncertain,
    /// No; why, in words for an integrator: what was found, what was expected.
    Bad(Box<str>),
}

/// How the sample came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// As it happened.
    Live,
    /// The last word of a broker from an unknown time: it seeds, it is no news.
    Retained,
    /// Stored while nobody listened, or history.
    Backfill,
}

/// What the wire said of one tag.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Of which tag.
    pub tag: TagId,
    /// The value; meaningless when the quality is bad.
    pub value: Value,
    /// May it be trusted.
    pub quality: Quality,
    /// The time the source gave, if it gave one.
    pub at: Option<Moment>,
    /// How it came.
    pub origin: Origin,
}

/// A claim check for a batch: given back by `settle` once the batch is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Something an integrator should know about a source that keeps working.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Notice {
    /// A message that could not be taken at all, for example larger than the packet limit. It was skipped.
    Poison(String),
    /// The source forgot our session: what it said in between is gone.
    Gap(String),
    /// A message that no tag claims, named by its address.
    Unclaimed(String),
}

/// What a source gives at a time, in the order of the wire.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// The samples.
    pub samples: Vec<Sample>,
    /// What to give back when the batch is safe; `None` where the source keeps nothing.
    pub ticket: Option<Ticket>,
    /// What an integrator should know.
    pub notices: Vec<Notice>,
}

/// One tag that a source must read. `A` is the adapter's own address, as written beside the tag.
#[derive(Debug, Clone)]
pub struct TagAddress<A> {
    /// The number to put on its samples.
    pub id: TagId,
    /// The key of the machine, for patterns such as `plant/{machine}/oil`.
    pub machine: String,
    /// Where on the wire.
    pub address: A,
}
