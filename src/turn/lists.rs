//! Lists of records at work: their rows, the rules under them, and which order is on which machine.

use contract::settings::Words;
use contract::{
    Author, Cause, Event, FieldKind, ListId, Moment, Origin, Priority, Record, Thing, Trouble, Value,
};

use super::raised::Raiser;
use super::{Middle, Remark};
use crate::config::{ListPlan, RecordRulePlan};
use crate::post::{About, FieldWords, RecordWords, Subject};
use crate::reading::list::{List, News, Row, plain};
use crate::reading::{FieldSection, ListSection};
use crate::rule::{Level, Verdict, record};
use crate::store::{Table, Write};

/// Of what is there when a list is read for the first time, so many rows are told at most.
const TOLD_FIRST_MAX: usize = 10;

/// Between the name of a list and the key of a row.
const SEPARATOR: char = '\u{1F}';

/// Noon of 25 November 2026, in Paris.
const EXAMPLE_TIME: Moment = Moment::from_ms(1_795_604_400_000);

/// A list with all that belongs to it.
#[derive(Debug)]
pub(super) struct ListState {
    pub name: String,
    row_name: Words,
    section: ListSection,
    rules: Vec<(String, record::Section)>,
    list: List,
    /// Which source reads it.
    source: usize,
    /// True since a row was left out for want of room.
    is_full: bool,
    /// Episodes that a first reading began.
    told_first: usize,
    /// When its source last said anything of it, since the start.
    pub heard: Option<Moment>,
}

impl ListState {
    pub(super) fn new(plan: &ListPlan) -> ListState {
        let rules = plan.rules.iter().map(|rule| (rule.name.clone(), rule.section.clone()));
        ListState {
            name: plan.name.clone(),
            row_name: plan.row_name(),
            section: plan.section.clone(),
            rules: rules.collect(),
            list: List::new(plan.section.fields(), plan.section.rows_max as usize),
            source: plan.source,
            is_full: false,
            told_first: 0,
            heard: None,
        }
    }

    /// How a row is told under a rule, how urgent it is, and what to do.
    pub(super) fn words(&self, rule: &str, key: &str) -> Option<(RecordWords, Priority, Words)> {
        let (_, section) = self.rules.iter().find(|(name, _)| name == rule)?;
        let record = RecordWords {
            list: self.row_name.clone(),
            key: shown_key(key),
            say: section.say.clone(),
            fields: self.shown(key),
        };
        Some((record, section.priority, section.r#do.clone()))
    }

    /// The fields of a row that are told; one that makes the key is told already.
    fn shown(&self, key: &str) -> Vec<FieldWords> {
        let Some(row) = self.list.row(key) else { return Vec::new() };
        let shown = self.section.shown.iter().filter(|name| !self.section.key.contains(name));
        shown
            .filter_map(|name| {
                let (at, field) = (self.section.index(name)?, self.section.field.get(name)?);
                let value = row.get(at)?.clone()?;
                Some(FieldWords { name: field_name(name, field), unit: field.unit.clone(), value })
            })
            .collect()
    }

    /// What a field of a row holds.
    pub(super) fn value(&self, key: &str, field: &str) -> Option<&Value> {
        self.list.row(key)?.get(self.section.index(field)?)?.as_ref()
    }

    /// Is there such a row?
    pub(super) fn has(&self, key: &str) -> bool {
        self.list.row(key).is_some()
    }

    /// The unit of a field.
    pub(super) fn unit(&self, field: &str) -> Option<String> {
        self.section.field.get(field)?.unit.clone()
    }

    /// What people call a row.
    pub(super) fn row_name(&self) -> &Words {
        &self.row_name
    }

    fn cell(&self, row: &Row, field: Option<&String>) -> Option<String> {
        let at = self.section.index(field?)?;
        row.get(at)?.as_ref().map(plain)
    }

    /// The name of the trouble that it is full: not one that its source may use for another.
    fn full_name(&self) -> String {
        format!("{} (rows_max)", self.name)
    }

    fn is_current(&self, row: &Row) -> bool {
        let Some(current) = &self.section.current else { return false };
        self.section.index(&current.field).is_some_and(|at| record::holds(row, at, &current.is))
    }

    fn verdict(&self, rule: usize, row: &Row) -> Verdict {
        let condition = self.rules.get(rule).and_then(|(_, section)| section.r#while.as_ref());
        let condition =
            condition.and_then(|found| Some((self.section.index(&found.field)?, found.is.as_slice())));
        record::judge(row, condition)
    }
}

/// A row that might come, under each rule of a list, for a preview.
pub fn example_records(plan: &ListPlan, author: &Author) -> Vec<Subject> {
    let mut state = ListState::new(plan);
    let cell = |field: &FieldSection| match field.r#type {
        FieldKind::Text => Value::Text(field.from.as_str().into()),
        FieldKind::Number => Value::Number(1_240.5),
        FieldKind::Time => Value::Time(EXAMPLE_TIME),
        FieldKind::Flag => Value::Flag(true),
    };
    let fields = plan.section.field.values().map(|field| Some(cell(field))).collect();
    let key: Box<str> = example_key().into();
    let (list, origin) = (plan.id, Origin::Live);
    state.list.read(Record { list, key: key.clone(), fields, at: None, origin }, EXAMPLE_TIME);
    let subject = |rule: &RecordRulePlan| {
        let (record, priority, action) = state.words(&rule.name, &key)?;
        Some(Subject {
            author: author.clone(),
            rule: format!("record.{}.{}", plan.name, rule.name),
            tag: None,
            about: About::Record { record: Box::new(record) },
            priorities: vec![priority],
            action,
        })
    };
    plan.rules.iter().filter_map(subject).collect()
}

/// The key of a row that might come.
pub(super) fn example_key() -> String {
    "000123".to_owned()
}

fn field_name(name: &str, field: &FieldSection) -> Words {
    match &field.name {
        Words::Nothing => Words::All(name.to_owned()),
        words => words.clone(),
    }
}

/// `000123 / 10` for a key of two fields.
pub(super) fn shown_key(key: &str) -> String {
    key.replace(SEPARATOR, " / ")
}

impl Middle {
    /// Everything that is no sample, in its order.
    pub(super) fn take_events(&mut self, events: Vec<Event>, now: Moment) {
        for event in events {
            match event {
                Event::Record(record) => self.record(record, now),
                Event::Gone(ListId(list), key) => self.gone(list as usize, &key, now),
                Event::Begin(ListId(list)) => {
                    if let Some(state) = self.lists.get_mut(list as usize) {
                        state.list.begin();
                    }
                }
                Event::There(ListId(list), key) => {
                    if let Some(state) = self.lists.get_mut(list as usize) {
                        state.list.there(key);
                    }
                }
                Event::Whole(ListId(list)) => self.whole(list as usize, now),
                Event::Partly(ListId(list)) => self.partly(list as usize),
                Event::Alarm(alarm) => self.alarm(&alarm, now),
                Event::Refreshing(tag) => self.refreshing(tag.0 as usize),
                Event::Refreshed(tag) => self.refreshed(tag.0 as usize, now),
            }
        }
    }

    /// A source has said all that it had to say for now: the first reading of its lists is over.
    pub(super) fn said_all(&mut self, source: usize) {
        for at in 0..self.lists.len() {
            if self.lists[at].source == source && self.lists[at].list.said_all() {
                self.remark_first(at);
            }
        }
    }

    fn remark_first(&mut self, at: usize) {
        self.lists_changed = true;
        let state = &self.lists[at];
        let (rows, told) = (state.list.rows().count(), state.told_first);
        let words =
            format!("read for the first time: {rows} rows, {told} of them told (at most {TOLD_FIRST_MAX})");
        self.remarks.push(Remark { subject: format!("list {}", state.name), words });
    }

    fn record(&mut self, record: Record, now: Moment) {
        let at = record.list.0 as usize;
        let Some(state) = self.lists.get_mut(at) else { return };
        let key = record.key.clone();
        let when = record.at.filter(|at| *at <= now).unwrap_or(now);
        let is_news = record.origin == Origin::Live;
        let before = state.list.row(&key).cloned();
        state.heard = Some(now);
        match state.list.read(record, now) {
            News::Same => {}
            News::TooMany => self.too_many(at, now),
            News::Came { is_first, instead_of } => {
                if let Some(oldest) = instead_of {
                    self.end_row(at, &oldest, now);
                }
                let is_told = !is_first || self.lists[at].told_first < TOLD_FIRST_MAX;
                self.judge_row(at, &key, None, (is_news && is_told, when), now);
            }
            News::Filled => self.judge_row(at, &key, None, (false, when), now),
            News::Changed => self.judge_row(at, &key, before, (is_news, when), now),
        }
        self.hear_stock(at, &key, when, now);
    }

    /// A row came or changed: its rules, and the order on its machine.
    fn judge_row(
        &mut self,
        at: usize,
        key: &str,
        before: Option<Row>,
        (is_news, when): (bool, Moment),
        now: Moment,
    ) {
        self.lists_changed = true;
        self.set_current(at, key);
        for rule in 0..self.lists[at].rules.len() {
            let state = &self.lists[at];
            let Some(row) = state.list.row(key) else { return };
            let Verdict::Level(level) = state.verdict(rule, row) else { continue };
            let was =
                before.as_ref().map_or(Verdict::Level(Level::NORMAL), |before| state.verdict(rule, before));
            // What was so already before it changed is no news.
            let may_open = is_news && was == Verdict::Level(Level::NORMAL);
            self.hear_row(at, rule, key, (level, may_open, when), now);
        }
    }

    fn hear_row(&mut self, at: usize, rule: usize, key: &str, heard: (Level, bool, Moment), now: Moment) {
        let (level, may_open, when) = heard;
        let state = &self.lists[at];
        let Some((name, _)) = state.rules.get(rule) else { return };
        let raiser = Raiser::Record { list: state.name.clone(), rule: name.clone(), key: key.to_owned() };
        let slot = match self.find(&raiser) {
            None if level == Level::NORMAL || !may_open => return,
            found => found,
        };
        let words = self.lists[at].words(name, key).map(|(words, ..)| words);
        let author = self.author_of(at, key);
        if slot.is_none() && self.lists[at].list.is_first() {
            self.lists[at].told_first += 1;
        }
        let Some(slot) = slot.or_else(|| self.raise(raiser)) else { return };
        let subject = &mut self.slots[slot].subject;
        let is_other = words.is_some_and(|words| subject.set_record(words)) | (subject.author != author);
        subject.author = author;
        if is_other {
            self.reword(slot, false, now);
        }
        self.learn(slot, level, when, may_open, now);
    }

    fn gone(&mut self, at: usize, key: &str, now: Moment) {
        let Some(state) = self.lists.get_mut(at) else { return };
        if state.list.forget(key) {
            self.end_row(at, key, now);
        }
    }

    fn whole(&mut self, at: usize, now: Moment) {
        let Some(state) = self.lists.get_mut(at) else { return };
        let is_first = state.list.is_first();
        let gone = state.list.whole();
        if is_first {
            self.remark_first(at);
        }
        for key in gone {
            self.end_row(at, &key, now);
        }
        self.room_again(at, now);
    }

    fn partly(&mut self, at: usize) {
        let Some(state) = self.lists.get_mut(at) else { return };
        let is_first = state.list.is_first();
        state.list.partly();
        if is_first {
            self.remark_first(at);
        }
    }

    fn end_row(&mut self, at: usize, key: &str, now: Moment) {
        self.lists_changed = true;
        self.current.retain(|_, (list, row)| !(*list == at && **row == *key));
        for rule in 0..self.lists[at].rules.len() {
            let state = &self.lists[at];
            let raiser = Raiser::Record {
                list: state.name.clone(),
                rule: state.rules[rule].0.clone(),
                key: key.to_owned(),
            };
            if let Some(slot) = self.find(&raiser) {
                self.learn(slot, Level::NORMAL, now, false, now);
            }
        }
    }

    fn too_many(&mut self, at: usize, now: Moment) {
        let state = &mut self.lists[at];
        state.is_full = true;
        let max = state.list.rows_max() as u64;
        let trouble =
            Trouble { thing: Thing::Query, name: state.full_name(), cause: Cause::TooLarge { max } };
        let source = state.source;
        self.trouble(source, trouble, now);
    }

    fn room_again(&mut self, at: usize, now: Moment) {
        let state = &mut self.lists[at];
        let is_room = state.list.rows().count() < state.list.rows_max();
        if is_room && std::mem::take(&mut state.is_full) {
            let (source, name) = (state.source, state.full_name());
            self.mended(source, Thing::Query, &name, now);
        }
    }

    /// The machine that a row names, or the site.
    pub(super) fn author_of(&self, at: usize, key: &str) -> Author {
        let machine = self.machine_of(at, key).and_then(|machine| self.machines.get(machine));
        machine.unwrap_or(&self.site).clone()
    }

    fn machine_of(&self, at: usize, key: &str) -> Option<usize> {
        let state = self.lists.get(at)?;
        let named = state.cell(state.list.row(key)?, state.section.machine.as_ref())?;
        self.known_as.get(named.trim()).copied()
    }

    /// Is this row the current order of its machine?
    fn set_current(&mut self, at: usize, key: &str) {
        let machine = self.machine_of(at, key);
        let state = &self.lists[at];
        let is_current = state.list.row(key).is_some_and(|row| state.is_current(row));
        let own = (at, Box::<str>::from(key));
        self.current.retain(|of, order| *order != own || (is_current && Some(*of) == machine));
        if let (Some(machine), true) = (machine, is_current) {
            self.current.insert(machine, own);
        }
    }

    /// What is told of the current order of a machine: its key, then its shown fields. A post about a row tells its
    /// own.
    pub(super) fn order_of(&self, subject: &Subject) -> Vec<FieldWords> {
        if self.current.is_empty() || matches!(subject.about, About::Record { .. } | About::Forecast { .. }) {
            return Vec::new();
        }
        let at = self.known_as.get(&subject.author.key);
        let Some((list, key)) = at.and_then(|at| self.current.get(at)) else { return Vec::new() };
        let state = &self.lists[*list];
        let value = Value::Text(shown_key(key).into());
        let first = FieldWords { name: state.row_name.clone(), unit: None, value };
        std::iter::once(first).chain(state.shown(key)).collect()
    }

    /// The rows that were kept. What belongs to no list any more is forgotten.
    pub(super) fn resume_lists(&mut self, rows: Vec<(String, String)>) {
        for (key, body) in rows {
            let resumed = key.split_once(SEPARATOR).and_then(|(list, row)| {
                let state = self.lists.iter_mut().find(|state| state.name == list)?;
                state.list.resume(row, &body).ok()
            });
            if resumed.is_none() {
                self.unusable.push(Write::Delete { table: Table::Record, key });
            }
        }
        self.find_current();
    }

    /// Which rows are the current orders of machines, by all that is known.
    fn find_current(&mut self) {
        for at in 0..self.lists.len() {
            let keys: Vec<Box<str>> = self.lists[at].list.rows().map(|(key, _)| key.into()).collect();
            for key in keys {
                self.set_current(at, &key);
            }
        }
    }

    /// The rows that were known under another configuration. A list whose rows have other keys now is another list.
    /// What its source said of one is of now only while nobody touches that source.
    pub(super) fn inherit_lists(&mut self, mut old: Vec<ListState>, stays: &[bool]) {
        for state in &mut self.lists {
            let is_same =
                |known: &ListState| known.name == state.name && known.section.key == state.section.key;
            let Some(at) = old.iter().position(is_same) else { continue };
            let known = old.swap_remove(at);
            state.list = known.list;
            state.list.reload(state.section.fields(), state.section.rows_max as usize);
            (state.is_full, state.told_first) = (known.is_full, known.told_first);
            state.heard = known.heard.filter(|_| stays.get(state.source) == Some(&true));
        }
        for state in old {
            // The empty key tells that the first reading was over.
            let rows = state.list.rows().map(|(row, _)| row).chain([""]);
            let keys = rows.map(|row| format!("{}{SEPARATOR}{row}", state.name));
            self.unusable.extend(keys.map(|key| Write::Delete { table: Table::Record, key }));
        }
        self.find_current();
    }

    /// The rows that changed since the last step.
    pub(super) fn keep_lists(&mut self, writes: &mut Vec<Write>) {
        if !std::mem::take(&mut self.lists_changed) {
            return;
        }
        for state in &mut self.lists {
            for (row, body) in state.list.saved() {
                let key = format!("{}{SEPARATOR}{row}", state.name);
                writes.push(match body {
                    Some(body) => Write::Put { table: Table::Record, key, body },
                    None => Write::Delete { table: Table::Record, key },
                });
            }
        }
    }
}
