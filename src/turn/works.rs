//! Production at work: the books of each machine, fed by samples, cut at the end of each shift, kept with each step.
//!
//! What is kept is a snapshot: a batch that is given again after a kill falls on the state it fell on before, or on one
//! that knows it already, which the books recognise. So nothing is counted twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use contract::Moment;
use jiff::tz::TimeZone;

use super::book::{Book, Ear, PAST, Period};
use super::budget::Budgets;
use super::forecasts::Foreseeing;
use super::stocks::Stock;
use super::{Middle, Remark};
use crate::config::{MachinePlan, Plan};
use crate::production::{Count, Span, State};
use crate::reading::Reading;
use crate::shift::Calendar;
use crate::store::{Table, Write};

/// What a machine said a moment before the end of a shift may come a moment after it.
const GRACE: Duration = Duration::from_secs(5);

/// So short a loss of sight changes nothing: a machine that only says what changes would be unknown for hours after it.
const BLINK: Duration = Duration::from_secs(60);

/// What is foreseen is looked at so often, besides when a record came.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Between the parts of a key.
const SEPARATOR: char = '\u{1F}';

/// `[summary.<name>]` at work.
#[derive(Debug)]
pub(super) struct Telling {
    pub name: String,
    pub end_of: Span,
    /// The machines it tells, by their number.
    pub machines: Vec<usize>,
}

/// All that production figures need.
#[derive(Debug)]
pub(super) struct Works {
    pub books: Vec<Book>,
    /// For each tag, the books that hear it.
    ears: Vec<Vec<(usize, Ear)>>,
    pub tellings: Vec<Telling>,
    /// The calendar of the site, for what belongs to no machine.
    pub site: Calendar,
    pub zone: TimeZone,
    /// By the key of its row.
    pub stocks: BTreeMap<String, Stock>,
    /// For each list, the rules that foresee something.
    pub foreseeing: Vec<Foreseeing>,
    /// What was foreseen and not told for want of room.
    pub held: BTreeSet<String>,
    pub budgets: Budgets,
    /// For each list, whether it was heard since the start.
    pub heard: Vec<bool>,
    /// When what is foreseen is looked at again; never where nothing is.
    pub look_due: Option<Moment>,
}

impl Works {
    /// The books of a plan, of which nothing is known yet.
    pub(super) fn new(plan: &Plan, zone: &TimeZone, now: Moment) -> Works {
        let tags = plan.machines.iter().map(|machine| machine.tags.len()).sum();
        let tellings = plan.summaries.iter().map(|summary| Telling {
            name: summary.name.clone(),
            end_of: summary.section.end_of,
            machines: summary.machines.clone(),
        });
        let foresees = plan.lists.iter().any(|list| !list.late.is_empty() || !list.reach.is_empty());
        let mut works = Works {
            books: Vec::new(),
            ears: vec![Vec::new(); tags],
            tellings: tellings.collect(),
            site: Calendar::new(&plan.hours, None, zone.clone()),
            zone: zone.clone(),
            stocks: BTreeMap::new(),
            foreseeing: plan.lists.iter().map(Foreseeing::new).collect(),
            held: BTreeSet::new(),
            budgets: Budgets::new(zone.clone(), plan.settings.stories_per_day),
            heard: vec![false; plan.lists.len()],
            look_due: foresees.then_some(now),
        };
        for (number, machine) in plan.machines.iter().enumerate() {
            works.add(number, machine, &plan.hours, now);
        }
        works
    }

    /// Goes on from what was kept; gives the keys of rows that nobody can use any more.
    pub(super) fn resume(&mut self, plan: &Plan, rows: Vec<(String, String)>) -> Vec<String> {
        let unusable = rows.into_iter().filter(|(key, body)| self.resume_row(plan, key, body).is_none());
        unusable.map(|(key, _)| key).collect()
    }

    fn add(&mut self, number: usize, machine: &MachinePlan, hours: &crate::shift::Hours, now: Moment) {
        let Some(production) = &machine.production else { return };
        let at = self.books.len();
        let ears = [
            (Some(production.state), Ear::State),
            (Some(production.parts), Ear::Count(Count::Parts)),
            (production.scrap, Ear::Count(Count::Scrap)),
        ];
        for (tag, ear) in ears {
            if let Some(heard) = tag.and_then(|tag| self.ears.get_mut(tag.0 as usize)) {
                heard.push((at, ear));
            }
        }
        self.books.extend(Book::new(number, machine, (hours, &self.zone), now));
    }

    /// Goes on with a row; `None` if nobody can use it.
    fn resume_row(&mut self, plan: &Plan, key: &str, body: &str) -> Option<()> {
        let mut parts = key.split(SEPARATOR);
        match (parts.next()?, parts.next(), parts.next(), parts.next()) {
            ("machine", Some(machine), None, None) => {
                let book = self.books.iter_mut().find(|book| book.key == machine)?;
                book.resume(body)?;
            }
            ("past", Some(machine), None, None) => {
                let book = self.books.iter_mut().find(|book| book.key == machine)?;
                book.past = serde_json::from_str(body).ok()?;
            }
            ("stock", Some(list), Some(rule), Some(_)) => {
                let list = plan.lists.iter().find(|known| known.name == list)?;
                list.reach.iter().find(|known| known.name == rule)?;
                self.stocks.insert(key.to_owned(), serde_json::from_str(body).ok()?);
            }
            ("stories", None, None, None) => self.budgets.resume(body)?,
            _ => return None,
        }
        Some(())
    }

    /// Is this tag one of a book?
    pub(super) fn hears(&self, tag: usize) -> bool {
        self.ears.get(tag).is_some_and(|heard| !heard.is_empty())
    }

    /// When time alone changes something.
    pub(super) fn due(&self) -> Option<Moment> {
        let ends = self.books.iter().map(|book| book.period.until.plus(GRACE));
        ends.chain(self.books.iter().map(Book::keep_due)).chain(self.look_due).min()
    }

    /// True when there is something to keep now.
    pub(super) fn has_changes(&self) -> bool {
        let is_book = self.books.iter().any(|book| book.is_news || book.is_past_news);
        is_book || self.stocks.values().any(|stock| stock.is_news) || self.budgets.has_changes()
    }

    /// What must be kept: with `all`, what could wait as well.
    pub(super) fn keep(&mut self, all: bool, writes: &mut Vec<Write>, now: Moment) {
        let table = Table::Production;
        for book in &mut self.books {
            let is_due = std::mem::take(&mut book.is_news) || (all && book.is_dirty);
            if is_due {
                book.advance(now);
            }
            if let Some((key, body)) = is_due.then(|| book.row()).flatten() {
                (book.is_dirty, book.kept_at) = (false, now);
                writes.push(Write::Put { table, key, body });
            }
            if let Some((key, body)) =
                std::mem::take(&mut book.is_past_news).then(|| book.past_row()).flatten()
            {
                writes.push(Write::Put { table, key, body });
            }
        }
        for (key, stock) in self.stocks.iter_mut().filter(|(_, stock)| stock.is_news) {
            stock.is_news = false;
            writes.push(match stock.saved() {
                Some(body) => Write::Put { table, key: key.clone(), body },
                None => Write::Delete { table, key: key.clone() },
            });
        }
        self.stocks.retain(|_, stock| !stock.is_gone);
        if let Some(body) = self.budgets.saved() {
            writes.push(Write::Put { table, key: "stories".to_owned(), body });
        }
    }

    /// All that is kept of stocks.
    pub(super) fn stock_rows(&self) -> Vec<(String, String)> {
        self.stocks.iter().filter_map(|(key, stock)| Some((key.clone(), stock.saved()?))).collect()
    }
}

impl Book {
    /// Books the time that nobody will say anything more of.
    pub(super) fn advance(&mut self, now: Moment) {
        self.ledger.advance(now.minus(GRACE).min(self.period.until), &self.calendar);
    }

    /// All that is kept of it.
    pub(super) fn rows(&self) -> Vec<(String, String)> {
        self.row().into_iter().chain(self.past_row()).collect()
    }

    fn row(&self) -> Option<(String, String)> {
        Some((format!("machine{SEPARATOR}{}", self.key), self.saved()?))
    }

    fn past_row(&self) -> Option<(String, String)> {
        // A list of numbers is always JSON.
        Some((format!("past{SEPARATOR}{}", self.key), serde_json::to_string(&self.past).ok()?))
    }
}

impl Middle {
    /// A reading of a tag that some machine's figures come from.
    pub(super) fn book(&mut self, tag: usize, reading: &Reading) {
        for at in 0..self.works.ears[tag].len() {
            let (book, ear) = self.works.ears[tag][at];
            // What is counted at the very end of a shift was made in it.
            let before = reading.at.min(reading.received).minus(Duration::from_millis(1));
            self.end_periods(book, before, reading.received);
            self.works.books[book].hear(ear, reading);
        }
    }

    /// A source is lost: of its machines nobody knows what they do, until they say it again.
    pub(super) fn lose_sight(&mut self, source: usize, now: Moment) {
        for at in 0..self.works.books.len() {
            if self.works.books[at].source == source {
                self.end_periods(at, now, now);
                let book = &mut self.works.books[at];
                let before = book.ledger.kept().known();
                if before.0 != State::Unknown {
                    book.before_loss = Some((before.0, now));
                }
                book.ledger.lose(now, &book.calendar);
                book.is_news = true;
            }
        }
    }

    /// A source is back. After a moment its machines still do what they did; after longer, or where it says itself that
    /// something is missing, they must say it anew.
    pub(super) fn find_again(&mut self, source: usize, now: Moment) {
        for book in self.works.books.iter_mut().filter(|book| book.source == source) {
            if let Some((state, known)) = book.before_loss.take()
                && now.since(known) <= BLINK
            {
                book.ledger.find_again(now, state, &book.calendar);
                book.is_news = true;
            }
        }
    }

    /// A source says that something is missing: what its machines do must be said anew.
    pub(super) fn doubt(&mut self, source: usize, now: Moment) {
        self.lose_sight(source, now);
        for book in self.works.books.iter_mut().filter(|book| book.source == source) {
            book.before_loss = None;
        }
    }

    /// Time went by: shifts end, and what is foreseen is looked at.
    pub(super) fn tick_works(&mut self, now: Moment) {
        for at in 0..self.works.books.len() {
            self.end_periods(at, now.minus(GRACE), now);
            let book = &mut self.works.books[at];
            book.is_news |= now >= book.keep_due();
        }
        if self.works.look_due.is_some_and(|due| due <= now) {
            self.look_ahead(now);
            self.works.look_due = Some(now.plus(LOOK_EVERY));
        }
    }

    /// Cuts the books of a machine at the end of each shift up to a moment.
    fn end_periods(&mut self, at: usize, upto: Moment, now: Moment) {
        while self.works.books[at].period.until <= upto {
            let book = &mut self.works.books[at];
            let due = book.period.until;
            // A clock that was set right after years is no reason to go through every shift of them.
            let end = if upto.since(due) > PAST { upto } else { due };
            let figures = book.ledger.cut(end, &book.calendar);
            let ended = std::mem::replace(&mut book.period, Period::at(&book.calendar, end));
            book.is_news = true;
            if let Some(shift) = ended.shift.filter(|_| end == due) {
                self.shift_over(at, &shift, figures, (end, now));
            }
        }
    }

    /// The clock was set: what lies ahead of it now was never so.
    pub(super) fn set_works_back(&mut self, now: Moment) {
        for book in &mut self.works.books {
            book.ledger.set_back(now);
            book.kept_at = book.kept_at.min(now);
            let is_other = Period::at(&book.calendar, now);
            if is_other.until < book.period.until {
                book.period = is_other;
            }
        }
        self.works.look_due = self.works.look_due.map(|due| due.min(now.plus(LOOK_EVERY)));
    }

    /// Goes on with what was kept of the production.
    pub(super) fn forget_production(&mut self, unusable: Vec<String>) {
        for key in unusable {
            let words = "cannot be used any more and is forgotten: its machine, list or rule is gone".into();
            let shown = key.replace(SEPARATOR, " ");
            self.remarks.push(Remark { subject: format!("production row {shown}"), words });
            self.unusable.push(Write::Delete { table: Table::Production, key });
        }
    }
}

/// The key of the row of a stock.
pub(super) fn stock_key(list: &str, rule: &str, row: &str) -> String {
    format!("stock{SEPARATOR}{list}{SEPARATOR}{rule}{SEPARATOR}{row}")
}
