//! Takes the rows of a business document, gives what is new in them: a row came, changed, or is gone.
//!
//! What was known outlives a restart, so that a file that is given twice says nothing twice.

use std::collections::{BTreeMap, BTreeSet};

use contract::{Field, FieldKind, Moment, Record, Value};
use serde::{Deserialize, Serialize};

/// What a row holds: a value for each field of its list, `None` where the cell is empty.
pub type Row = Box<[Option<Value>]>;

/// What became of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// It was not there before. `is_first` while the list is read for the first time: what is there already is no
    /// news to anybody.
    Came {
        /// True while nothing of the list was known.
        is_first: bool,
    },
    /// It holds something else now.
    Changed,
    /// As it was.
    Same,
    /// There is no room for it: the list is longer than it may be.
    TooMany,
}

/// One list of records as it is known.
#[derive(Debug, Clone)]
pub struct List {
    fields: Vec<Field>,
    rows_max: usize,
    rows: BTreeMap<Box<str>, Row>,
    /// The keys that came since the list began to be given whole, if it did.
    round: Option<BTreeSet<Box<str>>>,
    /// True until a first reading of the list is over.
    is_first: bool,
    /// Keys whose row must be kept anew, or forgotten.
    changed: BTreeSet<Box<str>>,
}

impl List {
    /// A list of which nothing is known.
    pub fn new(fields: Vec<Field>, rows_max: usize) -> List {
        List {
            fields,
            rows_max,
            rows: BTreeMap::new(),
            round: None,
            is_first: true,
            changed: BTreeSet::new(),
        }
    }

    /// A row as it was kept. One whose fields are not those of the list any more is dropped: it will come again.
    pub fn resume(&mut self, key: &str, body: &str) -> Result<(), serde_json::Error> {
        let mut saved: BTreeMap<String, Saved> = serde_json::from_str(body)?;
        let row = self.fields.iter().map(|field| saved.remove(&field.name)?.value(field.kind)).collect();
        self.rows.insert(key.into(), row);
        self.is_first = false;
        Ok(())
    }

    /// What this record says that is new.
    pub fn read(&mut self, record: Record) -> News {
        if let Some(round) = &mut self.round {
            round.insert(record.key.clone());
        }
        if record.fields.len() != self.fields.len() {
            return News::Same;
        }
        let is_first = self.is_first;
        match self.rows.get_mut(&record.key) {
            Some(row) if *row == record.fields => return News::Same,
            Some(row) => {
                *row = record.fields;
                self.changed.insert(record.key);
                return News::Changed;
            }
            None => {}
        }
        if self.rows.len() >= self.rows_max {
            return News::TooMany;
        }
        self.changed.insert(record.key.clone());
        self.rows.insert(record.key, record.fields);
        News::Came { is_first }
    }

    /// The whole list follows.
    pub fn begin(&mut self) {
        self.round = Some(BTreeSet::new());
    }

    /// The whole list came: the keys of the rows that were not in it. They are forgotten.
    pub fn whole(&mut self) -> Vec<Box<str>> {
        self.is_first = false;
        let Some(round) = self.round.take() else { return Vec::new() };
        let gone: Vec<Box<str>> = self.rows.keys().filter(|key| !round.contains(*key)).cloned().collect();
        for key in &gone {
            self.forget(key);
        }
        gone
    }

    /// A batch that is no part of a whole list has been read: from now on, what comes is news.
    pub fn settled(&mut self) {
        self.is_first &= self.round.is_some() || self.rows.is_empty();
    }

    /// Forgets a row. True if there was one.
    pub fn forget(&mut self, key: &str) -> bool {
        let was = self.rows.remove(key).is_some();
        if was {
            self.changed.insert(key.into());
        }
        was
    }

    /// What a row holds.
    pub fn row(&self, key: &str) -> Option<&Row> {
        self.rows.get(key)
    }

    /// Every row, by key.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &Row)> {
        self.rows.iter().map(|(key, row)| (&**key, row))
    }

    /// How many rows there may be.
    pub fn rows_max(&self) -> usize {
        self.rows_max
    }

    /// What must be kept since the last call: the key, and its row or nothing when it is gone.
    pub fn saved(&mut self) -> Vec<(Box<str>, Option<String>)> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().map(|key| (key.clone(), self.rows.get(&key).map(|row| self.save(row)))).collect()
    }

    /// True when there is something to keep.
    pub fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    fn save(&self, row: &Row) -> String {
        let cells = self.fields.iter().zip(row.iter());
        let saved: BTreeMap<&str, Saved> = cells
            .filter_map(|(field, cell)| Some((field.name.as_str(), Saved::of(cell.as_ref()?))))
            .collect();
        // A tree of numbers and words is always JSON.
        serde_json::to_string(&saved).unwrap_or_default()
    }
}

/// A cell as it is kept. A time is a number, told apart by the kind of its field.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Saved {
    Flag(bool),
    Time { ms: i64 },
    Number(f64),
    Text(Box<str>),
}

impl Saved {
    fn of(value: &Value) -> Saved {
        match value {
            Value::Number(number) => Saved::Number(*number),
            Value::Flag(flag) => Saved::Flag(*flag),
            Value::Text(words) => Saved::Text(words.clone()),
            Value::Time(moment) => Saved::Time { ms: moment.as_ms() },
        }
    }

    /// The value, if the field still holds this kind.
    fn value(self, kind: FieldKind) -> Option<Value> {
        match (self, kind) {
            (Saved::Flag(flag), FieldKind::Flag) => Some(Value::Flag(flag)),
            (Saved::Time { ms }, FieldKind::Time) => Some(Value::Time(Moment::from_ms(ms))),
            (Saved::Number(number), FieldKind::Number) => Some(Value::Number(number)),
            (Saved::Text(words), FieldKind::Text) => Some(Value::Text(words)),
            _ => None,
        }
    }
}

/// A value in the words in which a configuration names it: `1200`, `true`, `En cours`.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Text(words) => words.to_string(),
        Value::Time(moment) => moment.as_ms().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{ListId, Origin};

    fn field(name: &str, kind: FieldKind) -> Field {
        Field { name: name.into(), from: name.into(), kind, format: None }
    }

    fn list() -> List {
        let fields = [
            ("state", FieldKind::Text),
            ("left", FieldKind::Number),
            ("due", FieldKind::Time),
            ("ok", FieldKind::Flag),
        ];
        List::new(fields.map(|(name, kind)| field(name, kind)).into(), 3)
    }

    fn record(key: &str, left: f64) -> Record {
        let time = Value::Time(Moment::from_ms(1_795_957_500_000));
        let fields = [Some(Value::Text("007".into())), Some(Value::Number(left)), Some(time), None];
        Record { list: ListId(0), key: key.into(), fields: fields.into(), at: None, origin: Origin::Live }
    }

    #[test]
    fn a_row_comes_changes_and_goes_once() {
        let mut list = list();
        list.begin();
        assert_eq!(list.read(record("1", 5.0)), News::Came { is_first: true });
        assert_eq!(list.whole(), []);
        assert_eq!(list.read(record("1", 5.0)), News::Same);
        assert_eq!(list.read(record("1", 4.0)), News::Changed);
        assert_eq!(list.read(record("2", 4.0)), News::Came { is_first: false });
        list.begin();
        assert_eq!(list.read(record("2", 4.0)), News::Same);
        assert_eq!(list.whole(), ["1".into()]);
        assert_eq!(list.whole(), []);
    }

    #[test]
    fn a_list_that_was_cut_half_way_takes_nothing_away() {
        let mut list = list();
        list.begin();
        list.read(record("1", 5.0));
        list.read(record("2", 5.0));
        list.whole();
        // The first half, then a cut; the file comes again from its beginning, without what the half had.
        list.begin();
        list.read(record("1", 5.0));
        list.begin();
        list.read(record("2", 5.0));
        assert_eq!(list.whole(), ["1".into()]);
    }

    #[test]
    fn rows_outlive_a_restart_with_their_kinds() {
        let mut list = list();
        list.read(record("1", 5.0));
        let saved = list.saved();
        assert!(!list.is_changed());
        let mut next = super::tests::list();
        for (key, body) in &saved {
            next.resume(key, body.as_ref().unwrap()).unwrap();
        }
        assert_eq!(next.row("1"), list.row("1"));
        assert_eq!(next.read(record("1", 5.0)), News::Same);
        assert_eq!(next.read(record("2", 5.0)), News::Came { is_first: false });
        next.forget("1");
        assert_eq!(next.saved().into_iter().find(|(key, _)| &**key == "1").unwrap().1, None);
    }

    #[test]
    fn a_list_has_a_bound() {
        let mut list = list();
        for key in ["1", "2", "3"] {
            assert_eq!(list.read(record(key, 1.0)), News::Came { is_first: true });
        }
        assert_eq!(list.read(record("4", 1.0)), News::TooMany);
        assert_eq!(list.read(record("3", 2.0)), News::Changed);
        list.settled();
        list.forget("3");
        assert_eq!(list.read(record("4", 1.0)), News::Came { is_first: false });
    }
}
