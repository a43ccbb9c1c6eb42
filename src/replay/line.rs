//! One line of a recording: what a source said, or what happened to it. Stories of plants are written in the same
//! lines.

use std::fmt;

use contract::{
    Alarm, Batch, Event, FieldKind, Moment, Notice, Origin, Quality, Record, Sample, Thing, Ticket, Trouble,
    Value,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::names::{ListNames, Names};

/// What stands between the parts of a key of a row.
const KEY_SEPARATOR: &str = "\u{1F}";

/// A moment as it is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Stamp {
    /// Seconds or milliseconds since 1970: `1795474800000`.
    Number(f64),
    /// ISO 8601, of the site where no zone is given: `2026-11-23T14:00:00`.
    Text(String),
}

impl Default for Stamp {
    fn default() -> Stamp {
        Stamp::Number(0.0)
    }
}

impl From<Moment> for Stamp {
    fn from(at: Moment) -> Stamp {
        Stamp::Number(at.as_ms() as f64)
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            // Milliseconds are whole.
            Stamp::Number(number) => serializer.serialize_i64(*number as i64),
            Stamp::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Stamp, D::Error> {
        struct Visit;
        impl de::Visitor<'_> for Visit {
            type Value = Stamp;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as \"2026-11-23T14:00:00\", or seconds or milliseconds since 1970")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Stamp, E> {
                Ok(Stamp::Text(text.to_owned()))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Stamp, E> {
                Ok(Stamp::Number(number))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Stamp, E> {
                Ok(Stamp::Number(number as f64))
            }
        }
        deserializer.deserialize_any(Visit)
    }
}

/// One line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// When it arrived.
    #[serde(alias = "time")]
    pub now: Stamp,
    /// When it was so, if the wire said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Stamp>,
    /// `machine/tag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// A number, true or false, or words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<serde_json::Value>,
    /// The last word of a broker from an unknown time.
    #[serde(default, skip_serializing_if = "is_not")]
    pub retained: bool,
    /// Stored while nobody listened.
    #[serde(default, skip_serializing_if = "is_not")]
    pub backfill: bool,
    /// `good`, `uncertain` or `bad`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
    /// Why it cannot be trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad: Option<String>,
    /// Which source, where no tag or list says it; without it the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The source is connected from now on, or lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<bool>,
    /// A part of the source is in trouble.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// It works again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mended: Option<(Thing, String)>,
    /// What another system says of one of its alarms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<AlarmLine>,
    /// Every alarm of this tag that is not at rest follows in this line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<(String, Vec<AlarmLine>)>,
    /// Every alarm of this tag that is not at rest follows, up to `refreshed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refreshing: Option<String>,
    /// They have come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refreshed: Option<String>,
    /// A row of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordLine>,
    /// All rows of a list follow in this line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<(String, Vec<Vec<serde_json::Value>>)>,
    /// All rows of a list follow, up to `ended` or `partly`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin: Option<String>,
    /// They have come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// They have come, and one could not be understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partly: Option<String>,
    /// This row of a list is no more: the list, the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<(String, String)>,
    /// This row of a list is there and cannot be understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub there: Option<(String, String)>,
    /// The source has said all that it had to say for now.
    #[serde(default, skip_serializing_if = "is_not")]
    pub said_all: bool,
    /// In a story: the first network is down from now on, or up again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down: Option<bool>,
    /// In a story: the gateway is killed, and started again.
    #[serde(default, skip_serializing_if = "is_not")]
    pub restart: bool,
    /// In a story: this file of its folder is the configuration from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload: Option<String>,
}

/// A condition of an alarm server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlarmLine {
    /// `machine/tag`; not needed within `refresh`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Which condition.
    pub key: String,
    /// What the server calls it; without it, its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The words of the server.
    pub message: String,
    /// 1 to 1000.
    pub severity: u16,
    /// It is so now.
    pub active: bool,
    /// Seen by a person; null where the server keeps no such state.
    #[serde(default = "not_seen")]
    pub acknowledged: Option<bool>,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordLine {
    /// The name of the list.
    pub list: String,
    /// In the order of the configuration's list. A point in time is `{"ms": 1795474800000}`, or words in a field
    /// of the type `time`.
    pub fields: Vec<serde_json::Value>,
    /// What makes it this one; without it, the words of its key fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

fn is_not(flag: &bool) -> bool {
    !*flag
}

fn not_seen() -> Option<bool> {
    Some(false)
}

impl Line {
    /// Which source speaks, and what it says; `None` for a line that is about something else.
    ///
    /// # Errors
    /// What was found, what was expected.
    pub fn batch(&self, names: &Names) -> Result<(usize, Batch), String> {
        let at = self.at.as_ref().map(|stamp| names.moment(stamp)).transpose()?;
        let mut source = self.source.as_deref().map(|name| names.source(name)).transpose()?;
        let mut batch = Batch::default();
        if let Some(name) = &self.tag {
            let (tag, of) = names.tag(name)?;
            source = source.or(Some(of));
            let (value, quality) = self.said();
            batch.samples.push(Sample { tag, value, quality, at, origin: self.origin() });
        }
        batch.notices.extend(self.trouble.clone().map(Notice::Trouble));
        batch.notices.extend(self.mended.clone().map(|(thing, name)| Notice::Mended(thing, name)));
        source = self.alarms(names, at, &mut batch.events)?.or(source);
        source = self.rows(names, at, &mut batch.events)?.or(source);
        batch.ticket = self.said_all.then_some(Ticket(0));
        Ok((source.unwrap_or(0), batch))
    }

    fn origin(&self) -> Origin {
        match (self.retained, self.backfill) {
            (true, _) => Origin::Retained,
            (false, true) => Origin::Backfill,
            (false, false) => Origin::Live,
        }
    }

    fn said(&self) -> (Value, Quality) {
        let value = self.value.as_ref().and_then(value);
        let quality = match (&self.bad, self.quality.as_deref(), &value) {
            (Some(why), ..) => Quality::Bad(why.as_str().into()),
            (None, Some("uncertain"), Some(_)) => Quality::Uncertain,
            (None, Some("good") | None, Some(_)) => Quality::Good,
            (None, Some(other), Some(_)) => Quality::Bad(other.into()),
            (None, _, None) => Quality::Bad("no value".into()),
        };
        (value.unwrap_or(Value::Number(f64::NAN)), quality)
    }

    fn alarms(
        &self,
        names: &Names,
        at: Option<Moment>,
        events: &mut Vec<Event>,
    ) -> Result<Option<usize>, String> {
        let mut source = None;
        if let Some(name) = &self.refreshing {
            let (tag, of) = names.tag(name)?;
            (source, _) = (Some(of), events.push(Event::Refreshing(tag)));
        }
        if let Some(alarm) = &self.alarm {
            let (tag, of) = names.tag(alarm.tag.as_deref().unwrap_or_default())?;
            source = Some(of);
            events.push(alarm.event(tag, at, self.origin()));
        }
        if let Some((name, alarms)) = &self.refresh {
            let (tag, of) = names.tag(name)?;
            source = Some(of);
            events.push(Event::Refreshing(tag));
            events.extend(alarms.iter().map(|alarm| alarm.event(tag, at, Origin::Retained)));
            events.push(Event::Refreshed(tag));
        }
        if let Some(name) = &self.refreshed {
            let (tag, of) = names.tag(name)?;
            (source, _) = (Some(of), events.push(Event::Refreshed(tag)));
        }
        Ok(source)
    }

    fn rows(
        &self,
        names: &Names,
        at: Option<Moment>,
        events: &mut Vec<Event>,
    ) -> Result<Option<usize>, String> {
        let mut source = None;
        let mut list = |name: &str| {
            let list = names.list(name)?;
            source = Some(list.source);
            Ok::<_, String>(list)
        };
        if let Some(name) = &self.begin {
            events.push(Event::Begin(list(name)?.id));
        }
        if let Some(RecordLine { list: name, fields, key }) = &self.record {
            let record = row((list(name)?, names), fields, at, self.origin(), key.as_deref())?;
            events.push(Event::Record(record));
        }
        if let Some((name, rows)) = &self.whole {
            let list = list(name)?;
            events.push(Event::Begin(list.id));
            for fields in rows {
                events.push(Event::Record(row((list, names), fields, at, self.origin(), None)?));
            }
            events.push(Event::Whole(list.id));
        }
        if let Some((name, key)) = &self.gone {
            events.push(Event::Gone(list(name)?.id, key.as_str().into()));
        }
        if let Some((name, key)) = &self.there {
            events.push(Event::There(list(name)?.id, key.as_str().into()));
        }
        if let Some(name) = &self.ended {
            events.push(Event::Whole(list(name)?.id));
        }
        if let Some(name) = &self.partly {
            events.push(Event::Partly(list(name)?.id));
        }
        Ok(source)
    }
}

impl AlarmLine {
    fn event(&self, tag: contract::TagId, at: Option<Moment>, origin: Origin) -> Event {
        Event::Alarm(Alarm {
            tag,
            key: self.key.as_str().into(),
            name: self.name.as_ref().unwrap_or(&self.key).as_str().into(),
            message: self.message.as_str().into(),
            severity: self.severity,
            is_active: self.active,
            is_acknowledged: self.acknowledged,
            at,
            origin,
        })
    }
}

/// A value of JSON; none for null, a list or a table that is no moment.
pub fn value(json: &serde_json::Value) -> Option<Value> {
    match json {
        serde_json::Value::Number(number) => number.as_f64().map(Value::Number),
        serde_json::Value::Bool(flag) => Some(Value::Flag(*flag)),
        serde_json::Value::String(words) => Some(Value::Text(words.as_str().into())),
        serde_json::Value::Object(table) => {
            table.get("ms").and_then(serde_json::Value::as_i64).map(|ms| Value::Time(Moment::from_ms(ms)))
        }
        serde_json::Value::Null | serde_json::Value::Array(_) => None,
    }
}

/// The same as JSON.
pub fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Number(number) => (*number).into(),
        Value::Flag(flag) => (*flag).into(),
        Value::Text(words) => words.to_string().into(),
        Value::Time(at) => serde_json::json!({ "ms": at.as_ms() }),
    }
}

/// A row as a source would make it.
fn row(
    (list, names): (&ListNames, &Names),
    fields: &[serde_json::Value],
    at: Option<Moment>,
    origin: Origin,
    key: Option<&str>,
) -> Result<Record, String> {
    if fields.len() != list.fields.len() {
        let (found, expected) = (fields.len(), list.fields.len());
        return Err(format!("list `{}`: {found} fields, expected {expected}", list.name));
    }
    let field = |(json, kind): (&serde_json::Value, &FieldKind)| match (json, kind) {
        (serde_json::Value::String(words), FieldKind::Time) => {
            names.time(words, None).map(|at| Some(Value::Time(at)))
        }
        _ => Ok(value(json)),
    };
    let fields = fields.iter().zip(&list.fields).map(field).collect::<Result<Box<[_]>, _>>();
    let fields = fields.map_err(|wrong| format!("list `{}`: {wrong}", list.name))?;
    let words = |at: &usize| match fields.get(*at) {
        Some(Some(Value::Text(words))) => Ok(words.to_string()),
        Some(Some(Value::Number(number))) => Ok(rows::number_text(*number)),
        _ => Err(format!("list `{}`: no words in a field of its key", list.name)),
    };
    let key = match key {
        Some(key) => key.to_owned(),
        None => list.key.iter().map(words).collect::<Result<Vec<_>, _>>()?.join(KEY_SEPARATOR),
    };
    Ok(Record { list: list.id, key: key.into(), fields, at, origin })
}
