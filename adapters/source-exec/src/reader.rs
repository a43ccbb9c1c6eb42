//! Lines become a batch: each line finds its tag or list, and what does not fit is told once for each kind. Pure.

use std::collections::{HashMap, HashSet};

use contract::{
    Alarm, Batch, Event, Field, ListId, Moment, Notice, Quality, Reads, Record, Sample, TagId, Value, clean,
};
use jiff::tz::TimeZone;
use rows::{Decimal, LeftOut, Maker, Style};

use crate::VERSION;
use crate::cell::Cell;
use crate::lines::Cut;
use crate::message::{AlarmLine, Measure, QualityWord, Row, Said, Wrong, parse};
use crate::settings::{Address, List};

/// Names that nobody claims are told once each, so many of them: more is a program that makes names up.
const UNCLAIMED_MAX: usize = 64;

/// Each kind of bad line is told once for each start of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    TooLong,
    NoJson,
    NoMeaning,
    Row,
    Alarm,
}

/// Takes lines, gives batches.
#[derive(Debug)]
pub struct Reader {
    tags: HashMap<String, Vec<TagId>>,
    lists: HashMap<String, Vec<Maker>>,
    site: TimeZone,
    batch: Batch,
    ticket: Option<u64>,
    lines: usize,
    told: HashSet<Kind>,
    unclaimed: HashSet<String>,
    /// What was left out of the lists that are given whole just now.
    left_out: HashMap<ListId, LeftOut>,
}

impl Reader {
    /// One that knows these tags and lists. A time without a zone is a time of `site`.
    pub fn new(reads: Reads<Address, List>, site: TimeZone) -> Reader {
        let mut tags: HashMap<String, Vec<TagId>> = HashMap::new();
        for tag in reads.tags {
            tags.entry(tag.address.called.replace("{machine}", &tag.machine)).or_default().push(tag.id);
        }
        let mut lists: HashMap<String, Vec<Maker>> = HashMap::new();
        for list in reads.lists {
            let maker = Maker::new(&list, Style::new(Decimal::Point, site.clone()));
            lists.entry(list.address.called.unwrap_or(list.name)).or_default().push(maker);
        }
        Reader {
            tags,
            lists,
            site,
            batch: Batch::default(),
            ticket: None,
            lines: 0,
            told: HashSet::new(),
            unclaimed: HashSet::new(),
            left_out: HashMap::new(),
        }
    }

    /// The program was started anew.
    pub fn forget(&mut self) {
        (self.batch, self.ticket, self.lines) = (Batch::default(), None, 0);
        self.told.clear();
        self.unclaimed.clear();
        self.left_out.clear();
    }

    /// How many lines are in the batch.
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// The batch so far and the program's last ticket in it; nothing if it is empty.
    pub fn take(&mut self) -> Option<(Batch, Option<u64>)> {
        self.lines = 0;
        let batch = std::mem::take(&mut self.batch);
        let ticket = self.ticket.take();
        (batch != Batch::default() || ticket.is_some()).then_some((batch, ticket))
    }

    /// One more line.
    ///
    /// # Errors
    /// The program speaks another version of the format.
    pub fn read(&mut self, cut: &Cut<'_>) -> Result<(), String> {
        self.lines += 1;
        let (number, line) = match cut {
            Cut::TooLong(number) => {
                self.lose();
                self.poison(Kind::TooLong, *number, "longer than `line_max`");
                return Ok(());
            }
            Cut::Line(_, line) if line.trim_ascii().is_empty() => return Ok(()),
            Cut::Line(number, line) => (*number, *line),
        };
        match parse(line) {
            Ok((said, ticket)) => {
                self.ticket = ticket.or(self.ticket);
                self.take_in(number, said)
            }
            Err(Wrong::NoJson(words)) => {
                self.lose();
                self.poison(Kind::NoJson, number, &words);
                Ok(())
            }
            Err(Wrong::NoMeaning(words)) => {
                self.lose();
                self.poison(Kind::NoMeaning, number, &words);
                Ok(())
            }
        }
    }

    fn take_in(&mut self, number: u64, said: Said) -> Result<(), String> {
        match said {
            Said::Version(VERSION) | Said::Nothing => {}
            Said::Version(other) => {
                return Err(format!("speaks version {other} of the line format, expected {VERSION}"));
            }
            Said::Sample(measure) => self.sample(measure),
            Said::Record(row) => self.record(number, row),
            Said::Gone(row) => self.gone(number, &row),
            Said::Begin(list) => self.begin(&list),
            Said::Whole(list) => self.whole(&list),
            Said::Alarm(alarm) => self.alarm(number, &alarm),
            Said::Refreshing(tag) => self.refresh(&tag, Event::Refreshing),
            Said::Refreshed(tag) => self.refresh(&tag, Event::Refreshed),
            Said::Notice(notice) => self.batch.notices.push(notice),
        }
        Ok(())
    }

    fn sample(&mut self, measure: Measure) {
        let Some(tags) = self.tags.get(&measure.tag) else { return self.nobody(&measure.tag) };
        let (value, quality, at) =
            judged(measure.value, measure.quality, measure.reason, &measure.at, &self.site);
        for tag in tags {
            let (value, quality) = (value.clone(), quality.clone());
            self.batch.samples.push(Sample { tag: *tag, value, quality, at, origin: measure.origin });
        }
    }

    fn record(&mut self, number: u64, row: Row) {
        let Some(lists) = self.lists.get(&row.list) else { return self.nobody(&row.list) };
        let mut wrong = None;
        for list in lists {
            match record(list, &row, &self.site) {
                Ok(record) => self.batch.events.push(Event::Record(record)),
                Err(unfit) => {
                    let left_out = self.left_out.get_mut(&list.list());
                    let event = left_out.and_then(|left_out| left_out.leave(list.list(), unfit.key));
                    self.batch.events.extend(event);
                    wrong = Some(unfit.words);
                }
            }
        }
        if let Some(words) = wrong {
            self.poison(Kind::Row, number, &words);
        }
    }

    fn gone(&mut self, number: u64, row: &Row) {
        let Some(lists) = self.lists.get(&row.list) else { return self.nobody(&row.list) };
        let mut wrong = None;
        for list in lists {
            match record(list, row, &self.site) {
                Ok(record) => self.batch.events.push(Event::Gone(record.list, record.key)),
                Err(unfit) => {
                    let left_out = self.left_out.get_mut(&list.list());
                    let event = left_out.and_then(|left_out| left_out.leave(list.list(), unfit.key));
                    self.batch.events.extend(event);
                    wrong = Some(unfit.words);
                }
            }
        }
        if let Some(words) = wrong {
            self.poison(Kind::Row, number, &words);
        }
    }

    fn begin(&mut self, name: &str) {
        let Some(lists) = self.lists.get(name) else { return self.nobody(name) };
        self.batch.events.extend(lists.iter().map(|list| Event::Begin(list.list())));
        self.left_out.extend(lists.iter().map(|list| (list.list(), LeftOut::default())));
    }

    fn whole(&mut self, name: &str) {
        let Some(lists) = self.lists.get(name) else { return self.nobody(name) };
        let ids = lists.iter().map(Maker::list);
        let end = |id| self.left_out.remove(&id).unwrap_or_default().end(id);
        self.batch.events.extend(ids.map(end));
    }

    /// A line that nobody understands may have been a row.
    fn lose(&mut self) {
        for (list, left_out) in &mut self.left_out {
            left_out.leave(*list, None);
        }
    }

    fn refresh(&mut self, name: &str, event: fn(TagId) -> Event) {
        let Some(tags) = self.tags.get(name) else { return self.nobody(name) };
        self.batch.events.extend(tags.iter().map(|tag| event(*tag)));
    }

    fn alarm(&mut self, number: u64, alarm: &AlarmLine) {
        let Some(tags) = self.tags.get(&alarm.tag) else { return self.nobody(&alarm.tag) };
        let at = match &alarm.at {
            Cell::Empty => Ok(None),
            written => written.time(&self.site).map(Some),
        };
        let at = match at {
            Ok(at) if (1..=1000).contains(&alarm.severity) => at,
            Ok(_) => {
                let words = format!("found severity {}, expected 1 to 1000", alarm.severity);
                return self.poison(Kind::Alarm, number, &words);
            }
            Err(words) => return self.poison(Kind::Alarm, number, &words),
        };
        let event = |tag: &TagId| {
            Event::Alarm(Alarm {
                tag: *tag,
                key: alarm.key.as_str().into(),
                name: alarm.name.as_str().into(),
                message: alarm.message.as_str().into(),
                severity: alarm.severity,
                is_active: alarm.active,
                is_acknowledged: alarm.acknowledged,
                at,
                origin: alarm.origin(),
            })
        };
        self.batch.events.extend(tags.iter().map(event));
    }

    fn nobody(&mut self, name: &str) {
        if self.unclaimed.len() < UNCLAIMED_MAX && !self.unclaimed.contains(name) {
            self.unclaimed.insert(name.to_owned());
            self.batch.notices.push(Notice::Unclaimed(clean(name, 200)));
        }
    }

    fn poison(&mut self, kind: Kind, number: u64, words: &str) {
        if self.told.insert(kind) {
            self.batch.notices.push(Notice::Poison(format!("line {number}: {}", clean(words, 300))));
        }
    }
}

/// A value without the time that it claims to have is bad: one of yesterday must not pass for one of now.
fn judged(
    value: Cell,
    quality: QualityWord,
    reason: Option<String>,
    at: &Cell,
    site: &TimeZone,
) -> (Value, Quality, Option<Moment>) {
    let bad = |words: String, at| (Value::Flag(false), Quality::Bad(clean(&words, 300).into()), at);
    let at = match at {
        Cell::Empty => None,
        written => match written.time(site) {
            Ok(at) => Some(at),
            Err(words) => return bad(words, None),
        },
    };
    match (quality, value.value()) {
        (QualityWord::Bad, _) => bad(reason.unwrap_or_else(|| "the program gives no reason".into()), at),
        (_, Err(words)) => bad(words, at),
        (QualityWord::Good, Ok(value)) => (value, Quality::Good, at),
        (QualityWord::Uncertain, Ok(value)) => (value, Quality::Uncertain, at),
    }
}

/// Why a row is left out, and which one it is if that much could be understood.
struct Unfit {
    words: String,
    key: Option<Box<str>>,
}

fn record(list: &Maker, row: &Row, site: &TimeZone) -> Result<Record, Unfit> {
    let unfit = |words| Unfit { words, key: None };
    let value = |field: &Field| match row.fields.get(&field.from) {
        Some(cell) => cell.native().map_err(|words| format!("{}: {words}", field.from)),
        None => Ok(None),
    };
    let values: Vec<Option<Value>> =
        list.fields().iter().map(value).collect::<Result<_, _>>().map_err(unfit)?;
    let cells: Vec<rows::Cell<'_>> =
        values.iter().map(|value| value.as_ref().map_or(rows::Cell::Absent, rows::Cell::Native)).collect();
    let wrong = |wrong: rows::Wrong| Unfit { words: wrong.to_string(), key: wrong.key };
    let record = list.record(&"fields", &cells).map_err(wrong)?;
    let at = match &row.at {
        Cell::Empty => None,
        written => {
            let key = Some(record.key.clone());
            Some(written.time(site).map_err(|words| Unfit { words, key })?)
        }
    };
    Ok(Record { at, origin: row.origin, ..record })
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{FieldKind, ListAddress};

    /// The events of these lines about the list `l` with the key `k` and the number `n`: `+` begins, `.` is whole,
    /// `,` in part, `?` before a row that is not understood.
    #[track_caller]
    fn check(lines: &[&str], want: &str) {
        let field = |name: &str, kind| Field { name: name.into(), from: name.into(), kind, format: None };
        let fields = vec![field("k", FieldKind::Text), field("n", FieldKind::Number)];
        let list =
            ListAddress { id: ListId(0), name: "l".into(), fields, key: vec![0], address: List::default() };
        let mut reader = Reader::new(Reads { tags: Vec::new(), lists: vec![list] }, TimeZone::UTC);
        for (line, number) in lines.iter().zip(1..) {
            reader.read(&Cut::Line(number, line.as_bytes())).unwrap();
        }
        let word = |event: &Event| match event {
            Event::Begin(_) => "+".to_owned(),
            Event::Whole(_) => ".".to_owned(),
            Event::Partly(_) => ",".to_owned(),
            Event::There(_, key) => format!("?{key}"),
            Event::Record(record) => record.key.to_string(),
            other => panic!("{other:?}"),
        };
        let (batch, _) = reader.take().unwrap();
        assert_eq!(batch.events.iter().map(word).collect::<Vec<_>>().join(" "), want);
    }

    #[test]
    fn a_wrong_row_of_a_whole_list_is_not_gone() {
        let (begin, whole) = (r#"{"begin":"l"}"#, r#"{"whole":"l"}"#);
        let good = r#"{"list":"l","fields":{"k":"1","n":5}}"#;
        let wrong = r#"{"list":"l","fields":{"k":"2","n":"many"}}"#;
        let late = r#"{"list":"l","at":"one day","fields":{"k":"3","n":5}}"#;
        let keyless = r#"{"list":"l","fields":{"n":5}}"#;
        check(&[begin, good, whole], "+ 1 .");
        check(&[begin, good, wrong, late, whole, good], "+ 1 ?2 ?3 . 1");
        check(&[begin, good, keyless, whole], "+ 1 ,");
        check(&[begin, good, "{\"list\":\"l\",\"fie", whole, begin, whole], "+ 1 , + .");
        check(&[wrong, "rubbish", begin, whole], "+ .");
    }
}
