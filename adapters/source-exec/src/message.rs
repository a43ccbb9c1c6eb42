//! One line is understood. The format is described in README.md and in `line.schema.json`. Pure.

use std::collections::BTreeMap;

use contract::{Cause, Notice, Origin, Thing, Trouble};
use serde::Deserialize;

use crate::cell::Cell;

/// What a line says.
#[derive(Debug, PartialEq)]
pub enum Said {
    /// The version of the format.
    Version(u64),
    /// A value of a tag.
    Sample(Measure),
    /// A row of a list.
    Record(Row),
    /// This row is no more.
    Gone(Row),
    /// All rows of this list follow.
    Begin(String),
    /// All rows have come.
    Whole(String),
    /// A condition of an alarm server.
    Alarm(AlarmLine),
    /// All conditions of this tag follow.
    Refreshing(String),
    /// They have come.
    Refreshed(String),
    /// Something about the source itself.
    Notice(Notice),
    /// Nothing but a ticket.
    Nothing,
}

/// A value of a tag.
#[derive(Debug, PartialEq)]
pub struct Measure {
    /// What the program calls the tag.
    pub tag: String,
    /// The value as written.
    pub value: Cell,
    /// The time as written.
    pub at: Cell,
    /// May it be trusted.
    pub quality: QualityWord,
    /// Why not.
    pub reason: Option<String>,
    /// How it came.
    pub origin: Origin,
}

/// A row of a list.
#[derive(Debug, PartialEq)]
pub struct Row {
    /// What the program calls the list.
    pub list: String,
    /// Its fields as written.
    pub fields: BTreeMap<String, Cell>,
    /// The time as written.
    pub at: Cell,
    /// How it came.
    pub origin: Origin,
}

/// What may be said of a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QualityWord {
    #[default]
    Good,
    Uncertain,
    Bad,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OriginWord {
    Live,
    Retained,
    Backfill,
}

impl From<OriginWord> for Origin {
    fn from(word: OriginWord) -> Origin {
        match word {
            OriginWord::Live => Origin::Live,
            OriginWord::Retained => Origin::Retained,
            OriginWord::Backfill => Origin::Backfill,
        }
    }
}

/// A condition of an alarm server.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlarmLine {
    /// What the program calls the tag that listens.
    pub tag: String,
    /// Which condition: the same for all its life.
    pub key: String,
    /// What the server calls it.
    #[serde(default)]
    pub name: String,
    /// The words of the server.
    #[serde(default)]
    pub message: String,
    /// 1 to 1000.
    pub severity: u16,
    /// It is so now.
    pub active: bool,
    /// A person has seen it.
    pub acknowledged: Option<bool>,
    /// When it became so.
    #[serde(default)]
    pub at: Cell,
    origin: Option<OriginWord>,
}

impl AlarmLine {
    /// How it came.
    pub fn origin(&self) -> Origin {
        self.origin.map_or(Origin::Live, Origin::from)
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ThingWord {
    Device,
    Address,
    File,
    Query,
    Events,
}

impl From<ThingWord> for Thing {
    fn from(word: ThingWord) -> Thing {
        match word {
            ThingWord::Device => Thing::Device,
            ThingWord::Address => Thing::Address,
            ThingWord::File => Thing::File,
            ThingWord::Query => Thing::Query,
            ThingWord::Events => Thing::Events,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum CauseWord {
    NoAnswer,
    SaidGoodbye,
    Refused(String),
    Missing(String),
    Unreadable { place: String, found: String },
    Forbidden(String),
    TooLarge(u64),
    Lost,
}

impl From<CauseWord> for Cause {
    fn from(word: CauseWord) -> Cause {
        match word {
            CauseWord::NoAnswer => Cause::NoAnswer,
            CauseWord::SaidGoodbye => Cause::SaidGoodbye,
            CauseWord::Refused(words) => Cause::Refused(words),
            CauseWord::Missing(what) => Cause::Missing(what),
            CauseWord::Unreadable { place, found } => Cause::Unreadable { place, found },
            CauseWord::Forbidden(what) => Cause::Forbidden(what),
            CauseWord::TooLarge(max) => Cause::TooLarge { max },
            CauseWord::Lost => Cause::Lost,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TroubleLine {
    thing: ThingWord,
    name: String,
    cause: CauseWord,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MendedLine {
    thing: ThingWord,
    name: String,
}

/// Every key that a line may have. One table instead of a choice between tables: so a misspelt key is told by its
/// name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    portevoix: Option<u64>,
    tag: Option<String>,
    list: Option<String>,
    gone: Option<String>,
    begin: Option<String>,
    whole: Option<String>,
    alarm: Option<AlarmLine>,
    refreshing: Option<String>,
    refreshed: Option<String>,
    trouble: Option<TroubleLine>,
    mended: Option<MendedLine>,
    gap: Option<String>,
    value: Option<Cell>,
    at: Option<Cell>,
    quality: Option<QualityWord>,
    reason: Option<String>,
    origin: Option<OriginWord>,
    fields: Option<BTreeMap<String, Cell>>,
    ticket: Option<u64>,
}

/// Why a line could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// It is no JSON.
    NoJson(String),
    /// It is JSON that means nothing here.
    NoMeaning(String),
}

/// Reads a line: what it says, and its ticket.
///
/// # Errors
/// What was found and what was expected.
pub fn parse(line: &[u8]) -> Result<(Said, Option<u64>), Wrong> {
    let mut raw: Raw = serde_json::from_slice(line).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Wrong::NoMeaning(error.to_string()),
        _ => Wrong::NoJson(format!("expected one JSON object on the line: {error}")),
    })?;
    let ticket = raw.ticket.take();
    let said = said(&mut raw)?;
    match left_over(&raw) {
        Some(key) => {
            Err(Wrong::NoMeaning(format!("found `{key}` on a line that has another meaning already")))
        }
        None => Ok((said, ticket)),
    }
}

/// Takes the keys of the first meaning that is there.
fn said(raw: &mut Raw) -> Result<Said, Wrong> {
    Ok(if let Some(version) = raw.portevoix.take() {
        Said::Version(version)
    } else if let Some(tag) = raw.tag.take() {
        Said::Sample(measure(tag, raw))
    } else if let Some(list) = raw.list.take() {
        let at = raw.at.take().unwrap_or_default();
        Said::Record(Row { at, origin: origin(raw), ..row(list, raw)? })
    } else if let Some(list) = raw.gone.take() {
        Said::Gone(row(list, raw)?)
    } else if let Some(list) = raw.begin.take() {
        Said::Begin(list)
    } else if let Some(list) = raw.whole.take() {
        Said::Whole(list)
    } else if let Some(alarm) = raw.alarm.take() {
        Said::Alarm(alarm)
    } else if let Some(tag) = raw.refreshing.take() {
        Said::Refreshing(tag)
    } else if let Some(tag) = raw.refreshed.take() {
        Said::Refreshed(tag)
    } else if let Some(TroubleLine { thing, name, cause }) = raw.trouble.take() {
        Said::Notice(Notice::Trouble(Trouble { thing: thing.into(), name, cause: cause.into() }))
    } else if let Some(MendedLine { thing, name }) = raw.mended.take() {
        Said::Notice(Notice::Mended(thing.into(), name))
    } else if let Some(words) = raw.gap.take() {
        Said::Notice(Notice::Gap(words))
    } else {
        Said::Nothing
    })
}

fn measure(tag: String, raw: &mut Raw) -> Measure {
    Measure {
        tag,
        value: raw.value.take().unwrap_or_default(),
        at: raw.at.take().unwrap_or_default(),
        quality: raw.quality.take().unwrap_or_default(),
        reason: raw.reason.take(),
        origin: origin(raw),
    }
}

fn row(list: String, raw: &mut Raw) -> Result<Row, Wrong> {
    let fields =
        raw.fields.take().ok_or_else(|| Wrong::NoMeaning("expected `fields` beside the list".into()))?;
    Ok(Row { list, fields, at: Cell::Empty, origin: Origin::Live })
}

fn origin(raw: &mut Raw) -> Origin {
    raw.origin.take().map_or(Origin::Live, Origin::from)
}

/// A key that the meaning of the line did not take.
fn left_over(raw: &Raw) -> Option<&'static str> {
    let keys = [
        ("portevoix", raw.portevoix.is_some()),
        ("tag", raw.tag.is_some()),
        ("list", raw.list.is_some()),
        ("gone", raw.gone.is_some()),
        ("begin", raw.begin.is_some()),
        ("whole", raw.whole.is_some()),
        ("alarm", raw.alarm.is_some()),
        ("refreshing", raw.refreshing.is_some()),
        ("refreshed", raw.refreshed.is_some()),
        ("trouble", raw.trouble.is_some()),
        ("mended", raw.mended.is_some()),
        ("gap", raw.gap.is_some()),
        ("value", raw.value.is_some()),
        ("at", raw.at.is_some()),
        ("quality", raw.quality.is_some()),
        ("reason", raw.reason.is_some()),
        ("origin", raw.origin.is_some()),
        ("fields", raw.fields.is_some()),
    ];
    keys.into_iter().find_map(|(key, is_there)| is_there.then_some(key))
}
