//! Lines become a batch: each line finds its tag or list, and what does not fit is told once for each kind. Pure.

use std::collections::{HashMap, HashSet};

use contract::{
    Alarm, Batch, Event, Field, ListId, Moment, Notice, Quality, Reads, Record, Sample, TagId, Value, clean,
};
use jiff::tz::TimeZone;
use rows::{Decimal, Maker, Style};

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
        }
    }

    /// The program was started anew.
    pub fn forget(&mut self) {
        (self.batch, self.ticket, self.lines) = (Batch::default(), None, 0);
        self.told.clear();
        self.unclaimed.clear();
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
                self.poison(Kind::NoJson, number, &words);
                Ok(())
            }
            Err(Wrong::NoMeaning(words)) => {
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
            Said::Begin(list) => self.whole(&list, Event::Begin),
            Said::Whole(list) => self.whole(&list, Event::Whole),
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
                Err(words) => wrong = Some(words),
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
                Err(words) => wrong = Some(words),
            }
        }
        if let Some(words) = wrong {
            self.poison(Kind::Row, number, &words);
        }
    }

    fn whole(&mut self, name: &str, event: fn(ListId) -> Event) {
        let Some(lists) = self.lists.get(name) else { return self.nobody(name) };
        self.batch.events.extend(lists.iter().map(|list| event(list.list())));
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

fn record(list: &Maker, row: &Row, site: &TimeZone) -> Result<Record, String> {
    let value = |field: &Field| match row.fields.get(&field.from) {
        Some(cell) => cell.native().map_err(|words| format!("{}: {words}", field.from)),
        None => Ok(None),
    };
    let values: Vec<Option<Value>> = list.fields().iter().map(value).collect::<Result<_, _>>()?;
    let cells: Vec<rows::Cell<'_>> =
        values.iter().map(|value| value.as_ref().map_or(rows::Cell::Absent, rows::Cell::Native)).collect();
    let record = list.record(&"fields", &cells).map_err(|wrong| wrong.to_string())?;
    let at = match &row.at {
        Cell::Empty => None,
        written => Some(written.time(site)?),
    };
    Ok(Record { at, origin: row.origin, ..record })
}
