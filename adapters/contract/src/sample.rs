//! What the wire said.
//!
//! Three shapes: a [`Sample`] is one value of a tag; a [`Record`] is one row of a business document; an [`Alarm`]
//! is what an alarm server says of one of its conditions.

use std::fmt;

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
    /// A point in time: the due date of an order.
    Time(Moment),
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
    /// A part of the source does not work while the rest does. Told in a post until it is mended; said again with
    /// the same thing and name, it is the same trouble. After each connection the source says anew what is so.
    Trouble(Trouble),
    /// What was in trouble works again: the thing, its name. Of one that was never told it means nothing.
    Mended(Thing, String),
}

/// A part of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    /// One device of several on a line or behind a gateway: a Modbus unit, a Sparkplug edge node.
    Device,
    /// One address: a register, a node, a column that is not there.
    Address,
    /// A file that was put aside and waits for a person.
    File,
    /// A query or a page of a business system.
    Query,
    /// The events of a device.
    Events,
}

/// What is wrong with a part of a source, in terms that every language has a sentence for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Trouble {
    /// What kind of part.
    pub thing: Thing,
    /// Which one, as an integrator knows it: `unit 3`, `suivi-of.csv`. At most 200 characters are shown.
    pub name: String,
    /// Why.
    pub cause: Cause,
}

/// Why a part of a source does not work. The words inside are data.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It does not answer.
    NoAnswer,
    /// It said itself that it goes away: the death certificate of a Sparkplug device.
    SaidGoodbye,
    /// It answers that it will not: an exception code, a status, an error of a database.
    Refused(String),
    /// It does not hold what the configuration names: a column, a node, a sheet.
    Missing(String),
    /// What is there cannot be understood.
    Unreadable {
        /// Where in it, for a person who looks: `line 12, Quantité`. `line`, `row`, `column` and `byte` with a number
        /// are told in the language of the readers.
        place: String,
        /// What was found there.
        found: String,
    },
    /// A document as a whole cannot be read. What is wrong with it is one of few things, so that it can be told in the
    /// language of the readers.
    Spoilt {
        /// Where in it: `line 12`; empty where that says nothing.
        place: String,
        /// What is wrong with it.
        flaw: Flaw,
        /// The words of the document there, if they help.
        found: String,
    },
    /// It holds what is never read: a DOCTYPE, a link out of the folder.
    Forbidden(String),
    /// It is larger than it may be, in bytes or rows.
    TooLarge {
        /// How large it may be.
        max: u64,
    },
    /// Something of it was lost on the way and does not come again.
    Lost,
}

/// What is wrong with a document as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// A quote that nobody closed.
    OpenQuote,
    /// An element that nobody closed.
    OpenElement,
    /// It ends in the middle of a row.
    CutShort,
    /// Nothing is in it.
    Empty,
    /// It is not written in its format.
    Malformed,
    /// A row longer, or wider, than any row is.
    RowTooLong,
    /// Elements in elements, deeper than anybody writes.
    TooDeep,
    /// Two columns have the same name.
    Twice,
    /// It is not written in the encoding that it should be.
    Encoding,
}

impl Flaw {
    /// For an integrator, and as the last part of the name of the sentence in each language.
    pub const fn word(self) -> &'static str {
        match self {
            Flaw::OpenQuote => "open-quote",
            Flaw::OpenElement => "open-element",
            Flaw::CutShort => "cut-short",
            Flaw::Empty => "empty",
            Flaw::Malformed => "malformed",
            Flaw::RowTooLong => "row-too-long",
            Flaw::TooDeep => "too-deep",
            Flaw::Twice => "twice",
            Flaw::Encoding => "encoding",
        }
    }
}

/// In words for an integrator, as they stand in the log. People read those of their language.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::NoAnswer => f.write_str("no answer"),
            Cause::SaidGoodbye => f.write_str("said that it goes offline"),
            Cause::Refused(answer) => write!(f, "refused: {answer}"),
            Cause::Missing(what) => write!(f, "not found: {what}"),
            Cause::Unreadable { place, found } if place.is_empty() => write!(f, "cannot be read: `{found}`"),
            Cause::Unreadable { place, found } => write!(f, "{place}: cannot be read: `{found}`"),
            Cause::Spoilt { place, flaw, found } => {
                write!(f, "cannot be understood: {}", flaw.word())?;
                [place, found]
                    .into_iter()
                    .filter(|words| !words.is_empty())
                    .try_for_each(|words| write!(f, ", {words}"))
            }
            Cause::Forbidden(what) => write!(f, "forbidden: {what}"),
            Cause::TooLarge { max } => write!(f, "too large, expected at most {max}"),
            Cause::Lost => f.write_str("lost on the way"),
        }
    }
}

/// What a source gives at a time, in the order of the wire.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// The samples.
    pub samples: Vec<Sample>,
    /// Records and alarms of others, in their order. Taken after the samples.
    pub events: Vec<Event>,
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

/// The number of a list, given by `app` when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListId(pub u32);

/// One list of records that a source must read: `[list.<name>]`. `L` is the adapter's own part of that table.
#[derive(Debug, Clone)]
pub struct ListAddress<L> {
    /// The number to put on its records.
    pub id: ListId,
    /// The name in the configuration.
    pub name: String,
    /// The fields of a record, in the order in which [`Record::fields`] holds them.
    pub fields: Vec<Field>,
    /// Which of the fields make the key of a record: indexes of `fields`, at least one.
    pub key: Vec<usize>,
    /// Where and how to read.
    pub address: L,
}

/// One field of the records of a list: `[list.<name>.field.<field>]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name in the configuration.
    pub name: String,
    /// How the source names it: the header of a column, its number from 1, a JSON pointer, a path in XML.
    pub from: String,
    /// What it holds.
    pub kind: FieldKind,
    /// How it is written where that is not plain: a date `%d/%m/%Y` (the letters of `strptime`).
    pub format: Option<String>,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FieldKind {
    /// Words; zeros in front stay.
    #[default]
    Text,
    /// A number.
    Number,
    /// A point in time, or a day.
    Time,
    /// True or false.
    Flag,
}

/// One row of a business document: an order, a stock level, a delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Of which list.
    pub list: ListId,
    /// What makes it this one: the values of the key fields as written, with a unit separator (U+001F) between.
    pub key: Box<str>,
    /// A value for each field of the list; `None` where the cell is empty.
    pub fields: Box<[Option<Value>]>,
    /// When it was so, if the source says.
    pub at: Option<Moment>,
    /// How it came.
    pub origin: Origin,
}

/// What an alarm server says of one of its conditions, in the terms of OPC 10000-9.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// The tag that listens to it.
    pub tag: TagId,
    /// Which condition and branch: the same for all its life, and after a restart of the server.
    pub key: Box<str>,
    /// What the server calls it: its ConditionName, or the name of its source.
    pub name: Box<str>,
    /// The words of the server. Data.
    pub message: Box<str>,
    /// 1 to 1000.
    pub severity: u16,
    /// It is so now.
    pub is_active: bool,
    /// A person has seen it, said at the server; `None` where the server keeps no such state.
    pub is_acknowledged: Option<bool>,
    /// When it became so, if the server says.
    pub at: Option<Moment>,
    /// Live, or [`Origin::Retained`] in a refresh.
    pub origin: Origin,
}

/// Something that is no sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A row, new or changed or as before: whoever keeps the list tells the difference.
    Record(Record),
    /// This row is no more, said by the source itself.
    Gone(ListId, Box<str>),
    /// This row is there, and cannot be understood: it stays as it was known.
    There(ListId, Box<str>),
    /// From here to [`Event::Whole`] or [`Event::Partly`] all rows of the list follow. What a cut left half is
    /// forgotten.
    Begin(ListId),
    /// All rows have come since `Begin`: what was not among them is gone.
    Whole(ListId),
    /// All rows have come since `Begin`, and of one nobody knows which it is: nothing is gone.
    Partly(ListId),
    /// A condition of an alarm server.
    Alarm(Alarm),
    /// From here to [`Event::Refreshed`] all conditions of the tag follow that are not at rest.
    Refreshing(TagId),
    /// They have come: what was not among them is at rest.
    Refreshed(TagId),
}

/// All that a source is asked to read. `A` is its own address of a tag, `L` its own part of a list.
#[derive(Debug, Clone)]
pub struct Reads<A, L> {
    /// The tags.
    pub tags: Vec<TagAddress<A>>,
    /// The lists of records.
    pub lists: Vec<ListAddress<L>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_in_words() {
        let told = |cause: Cause| cause.to_string();
        assert_eq!(told(Cause::NoAnswer), "no answer");
        assert_eq!(told(Cause::Refused("permission denied".into())), "refused: permission denied");
        let unreadable = |place: &str| Cause::Unreadable { place: place.into(), found: "abc".into() };
        assert_eq!(told(unreadable("line 12, Fin")), "line 12, Fin: cannot be read: `abc`");
        assert_eq!(told(unreadable("")), "cannot be read: `abc`");
        assert_eq!(told(Cause::TooLarge { max: 16 }), "too large, expected at most 16");
    }
}
