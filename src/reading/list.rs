//! Takes the rows of a business document, gives what is new in them: a row came, changed, or is gone.
//!
//! What was known outlives a restart, so that a file that is given twice says nothing twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use contract::{Field, FieldKind, Moment, Record, Value};
use serde::{Deserialize, Serialize};

/// A first reading that never ends by itself is over so long after its first row.
const FIRST_READING_MAX: Duration = Duration::from_secs(600);

/// The key of no row: under it is kept that the first reading is over.
const KNOWN: &str = "";

/// What a row holds: a value for each field of its list, `None` where the cell is empty.
pub type Row = Box<[Option<Value>]>;

/// What became of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// It was not there before. `is_first` while the list is read for the first time: what is there already is
    /// hardly news.
    Came {
        /// True until the first reading is over.
        is_first: bool,
        /// The oldest row, which had to make room in a list that is never given whole.
        instead_of: Option<Box<str>>,
    },
    /// It holds something else now.
    Changed,
    /// It holds a field that was not asked for when it was kept: no news of the row.
    Filled,
    /// As it was.
    Same,
    /// There is no room for it: the list is longer than it may be.
    TooMany,
}

/// A row as it is known.
#[derive(Debug, Clone)]
struct Known {
    row: Row,
    /// Grows with each change: the smallest is the oldest.
    turn: u64,
    /// A field of the list was not kept with it.
    is_partial: bool,
}

/// One list of records as it is known.
#[derive(Debug, Clone)]
pub struct List {
    fields: Vec<Field>,
    rows_max: usize,
    rows: BTreeMap<Box<str>, Known>,
    turn: u64,
    /// The keys that came since the list began to be given whole, if it did.
    round: Option<BTreeSet<Box<str>>>,
    /// True once it was given whole.
    is_given_whole: bool,
    /// True until a first reading of the list is over.
    is_first: bool,
    /// When the first row of it came.
    first_at: Option<Moment>,
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
            turn: 0,
            round: None,
            is_given_whole: false,
            is_first: true,
            first_at: None,
            changed: BTreeSet::new(),
        }
    }

    /// A row as it was kept, or that the first reading is over.
    ///
    /// # Errors
    /// What was kept cannot be read.
    pub fn resume(&mut self, key: &str, body: &str) -> Result<(), serde_json::Error> {
        if key == KNOWN {
            self.is_first = false;
            return Ok(());
        }
        let mut saved: BTreeMap<String, Option<Saved>> = serde_json::from_str(body)?;
        let is_partial = self.fields.iter().any(|field| !saved.contains_key(&field.name));
        let cell = |field: &Field| saved.remove(&field.name)??.value(field.kind);
        let row = self.fields.iter().map(cell).collect();
        self.turn += 1;
        self.rows.insert(key.into(), Known { row, turn: self.turn, is_partial });
        Ok(())
    }

    /// The same list under a configuration that was read anew: a field that it did not have is not known of the rows
    /// that are there.
    pub fn reload(&mut self, fields: Vec<Field>, rows_max: usize) {
        let from: Vec<Option<usize>> =
            fields.iter().map(|field| self.fields.iter().position(|known| known == field)).collect();
        for known in self.rows.values_mut() {
            let cell = |at: &Option<usize>| at.and_then(|at| known.row.get(at)?.clone());
            let row: Row = from.iter().map(cell).collect();
            known.is_partial |= from.contains(&None);
            known.row = row;
        }
        (self.fields, self.rows_max) = (fields, rows_max);
    }

    /// What this record says that is new.
    pub fn read(&mut self, record: Record, now: Moment) -> News {
        let first_at = *self.first_at.get_or_insert(now);
        if self.round.is_none() && now.since(first_at) >= FIRST_READING_MAX {
            self.end_first();
        }
        if let Some(round) = &mut self.round {
            round.insert(record.key.clone());
        }
        // Nobody can tell such a row from another.
        if record.fields.len() != self.fields.len() || *record.key == *KNOWN {
            return News::Same;
        }
        self.turn += 1;
        let (turn, is_first) = (self.turn, self.is_first);
        if let Some(known) = self.rows.get_mut(&record.key) {
            let was_partial = std::mem::take(&mut known.is_partial);
            if known.row == record.fields && !was_partial {
                return News::Same;
            }
            (known.row, known.turn) = (record.fields, turn);
            self.changed.insert(record.key);
            return if was_partial { News::Filled } else { News::Changed };
        }
        let instead_of = match self.rows.len() < self.rows_max {
            true => None,
            false if self.is_given_whole || self.round.is_some() => return News::TooMany,
            false => self.forget_oldest(),
        };
        self.changed.insert(record.key.clone());
        self.rows.insert(record.key, Known { row: record.fields, turn, is_partial: false });
        News::Came { is_first, instead_of }
    }

    fn forget_oldest(&mut self) -> Option<Box<str>> {
        let (key, _) = self.rows.iter().min_by_key(|(_, known)| known.turn)?;
        let key = key.clone();
        self.forget(&key);
        Some(key)
    }

    /// The first reading is over, and stays so.
    fn end_first(&mut self) {
        if std::mem::take(&mut self.is_first) {
            self.changed.insert(KNOWN.into());
        }
    }

    /// The whole list follows.
    pub fn begin(&mut self) {
        self.round = Some(BTreeSet::new());
    }

    /// The whole list came: the keys of the rows that were not in it. They are forgotten.
    pub fn whole(&mut self) -> Vec<Box<str>> {
        self.end_first();
        self.is_given_whole = true;
        let Some(round) = self.round.take() else { return Vec::new() };
        let gone: Vec<Box<str>> = self.rows.keys().filter(|key| !round.contains(*key)).cloned().collect();
        for key in &gone {
            self.forget(key);
        }
        gone
    }

    /// A row of the whole list is there, and could not be understood.
    pub fn there(&mut self, key: Box<str>) {
        if let Some(round) = &mut self.round {
            round.insert(key);
        }
    }

    /// The whole list came, but for rows of which nobody knows which they are: nothing is gone.
    pub fn partly(&mut self) {
        self.end_first();
        self.round = None;
    }

    /// The source has said all that it had to say for now (the end of a file, the last page): unless a whole list is
    /// on its way, what comes from now on is news. True when this ends the first reading.
    pub fn said_all(&mut self) -> bool {
        let is_over = self.is_first && self.round.is_none() && !self.rows.is_empty();
        if is_over {
            self.end_first();
        }
        is_over
    }

    /// Forgets a row. True if there was one.
    pub fn forget(&mut self, key: &str) -> bool {
        let was = self.rows.remove(key).is_some();
        if was {
            self.changed.insert(key.into());
        }
        was
    }

    /// True until a first reading is over.
    pub fn is_first(&self) -> bool {
        self.is_first
    }

    /// What a row holds.
    pub fn row(&self, key: &str) -> Option<&Row> {
        self.rows.get(key).map(|known| &known.row)
    }

    /// Every row, by key.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &Row)> {
        self.rows.iter().map(|(key, known)| (&**key, &known.row))
    }

    /// How many rows there may be.
    pub fn rows_max(&self) -> usize {
        self.rows_max
    }

    /// What must be kept since the last call: the key, and its row or nothing when it is gone.
    pub fn saved(&mut self) -> Vec<(Box<str>, Option<String>)> {
        let changed = std::mem::take(&mut self.changed);
        let body = |key: &str| match key {
            KNOWN => Some("true".to_owned()),
            key => self.rows.get(key).map(|known| self.save(&known.row)),
        };
        changed.into_iter().map(|key| (key.clone(), body(&key))).collect()
    }

    /// True when there is something to keep.
    pub fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    fn save(&self, row: &Row) -> String {
        let cells = self.fields.iter().zip(row.iter());
        let saved: BTreeMap<&str, Option<Saved>> =
            cells.map(|(field, cell)| (field.name.as_str(), cell.as_ref().map(Saved::of))).collect();
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

    const FIRST: News = News::Came { is_first: true, instead_of: None };
    const CAME: News = News::Came { is_first: false, instead_of: None };
    const NOW: Moment = Moment::from_ms(1_795_957_500_000);

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
        assert_eq!(list.read(record("1", 5.0), NOW), FIRST);
        assert_eq!(list.whole(), []);
        assert_eq!(list.read(record("1", 5.0), NOW), News::Same);
        assert_eq!(list.read(record("1", 4.0), NOW), News::Changed);
        assert_eq!(list.read(record("2", 4.0), NOW), CAME);
        list.begin();
        assert_eq!(list.read(record("2", 4.0), NOW), News::Same);
        assert_eq!(list.whole(), ["1".into()]);
        assert_eq!(list.whole(), []);
    }

    #[test]
    fn a_list_that_was_cut_half_way_takes_nothing_away() {
        let mut list = list();
        list.begin();
        list.read(record("1", 5.0), NOW);
        list.read(record("2", 5.0), NOW);
        list.whole();
        // The first half, then a cut; the file comes again from its beginning, without what the half had.
        list.begin();
        list.read(record("1", 5.0), NOW);
        list.begin();
        list.read(record("2", 5.0), NOW);
        assert_eq!(list.whole(), ["1".into()]);
    }

    #[test]
    fn rows_outlive_a_restart_with_their_kinds() {
        let mut list = list();
        list.read(record("1", 5.0), NOW);
        let saved = list.saved();
        assert!(!list.is_changed());
        let mut next = super::tests::list();
        for (key, body) in &saved {
            next.resume(key, body.as_ref().unwrap()).unwrap();
        }
        assert_eq!(next.row("1"), list.row("1"));
        assert_eq!(next.read(record("1", 5.0), NOW), News::Same);
        assert_eq!(next.read(record("2", 5.0), NOW), FIRST);
        next.forget("1");
        assert_eq!(next.saved().into_iter().find(|(key, _)| &**key == "1").unwrap().1, None);
    }

    #[test]
    fn a_whole_list_has_a_bound_and_another_forgets_its_oldest_row() {
        let mut list = list();
        for key in ["1", "2", "3"] {
            assert_eq!(list.read(record(key, 1.0), NOW), FIRST);
        }
        assert!(list.said_all() && !list.said_all());
        list.read(record("1", 2.0), NOW);
        let instead_of = Some("2".into());
        assert_eq!(list.read(record("4", 1.0), NOW), News::Came { is_first: false, instead_of });
        list.begin();
        assert_eq!(list.read(record("5", 1.0), NOW), News::TooMany);
        list.whole();
        assert_eq!(list.rows().count(), 0);
    }

    #[test]
    fn a_row_that_is_not_understood_is_not_gone_and_holds_nothing_up() {
        let mut list = list();
        list.begin();
        list.read(record("1", 5.0), NOW);
        list.read(record("2", 5.0), NOW);
        list.partly();
        assert_eq!(list.read(record("3", 5.0), NOW), CAME);
        list.begin();
        list.there("1".into());
        list.read(record("3", 5.0), NOW);
        assert_eq!(list.whole(), ["2".into()]);
        list.begin();
        list.partly();
        assert_eq!(list.rows().count(), 2);
    }

    #[test]
    fn a_first_reading_ends_once_and_that_is_kept() {
        let mut first = list();
        first.read(record("1", 1.0), NOW);
        let (soon, later) = (NOW.plus(Duration::from_secs(599)), NOW.plus(Duration::from_secs(600)));
        assert_eq!(first.read(record("2", 1.0), soon), FIRST);
        // Killed in the middle: what follows is no news after the restart either.
        let mut again = list();
        for (key, body) in first.saved() {
            again.resume(&key, &body.unwrap()).unwrap();
        }
        assert_eq!(again.read(record("3", 1.0), soon), FIRST);
        assert_eq!(first.read(record("3", 1.0), later), CAME);
        // A list that is empty is known too.
        let mut empty = list();
        empty.begin();
        empty.whole();
        let mut next = list();
        for (key, body) in empty.saved() {
            next.resume(&key, &body.unwrap()).unwrap();
        }
        assert_eq!(next.read(record("1", 1.0), NOW), CAME);
    }

    #[test]
    fn a_field_that_is_asked_for_later_is_no_news_of_the_row() {
        let mut next = list();
        next.resume("1", r#"{"left": 5.0}"#).unwrap();
        assert_eq!(next.read(record("1", 5.0), NOW), News::Filled);
        assert_eq!(next.read(record("1", 4.0), NOW), News::Changed);
    }
}
