//! What is foreseen: the current order of a machine that will be late, a stock that will be used up. Each is an
//! episode of its row, told as a story.

use std::time::Duration;

use contract::settings::Words;
use contract::{Author, Moment, Priority, Value};
use serde::{Deserialize, Serialize};

use super::Middle;
use super::raised::Raiser;
use super::works::Works;
use crate::config::ListPlan;
use crate::post::{About, Forecast, LateWords, Stands, Subject};
use crate::production::{LateSection, Order, Progress, ReachSection, State, order};
use crate::rule::Level;

/// The rules of a list that foresee something.
#[derive(Debug, Default)]
pub(super) struct Foreseeing {
    pub late: Vec<(String, LateSection)>,
    pub reach: Vec<(String, ReachSection)>,
}

/// The current order of a machine, since it became that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Running {
    list: String,
    key: String,
    begun: Moment,
    /// Good parts of the machine when it began.
    good: u64,
    /// Its stops until then, in milliseconds.
    stopped_ms: u64,
    /// True when we saw it begin: then all its parts are those since.
    is_whole: bool,
    /// What the business system said is done, and the good parts of the machine at that time.
    told: Option<(f64, u64)>,
}

impl Running {
    /// Good parts of the order, when the machine has made so many in all.
    fn done(&self, good: u64) -> Option<u64> {
        match self.told {
            Some((told, at)) => Some(told.max(0.0) as u64 + good.saturating_sub(at)),
            None => self.is_whole.then(|| good.saturating_sub(self.good)),
        }
    }
}

/// One forecast, and what it asks for.
pub(super) struct Foreseen<'a> {
    /// The list, the rule with its kind, the key of the row.
    pub raiser: (&'a str, String, &'a str),
    pub author: Author,
    /// Abnormal or not; nothing where it stays as it is.
    pub level: Option<Level>,
    pub forecast: Forecast,
}

impl Middle {
    /// Time went by, or records came.
    pub(super) fn look_ahead(&mut self, now: Moment) {
        self.follow_orders(now);
        for at in 0..self.works.books.len() {
            self.look_at_orders_of(at, now);
        }
        let keys: Vec<String> = self.works.stocks.keys().cloned().collect();
        for key in keys {
            self.look_at_stock(&key, now);
        }
    }

    /// Records came: which orders run. Those that began are looked at, the others when time goes by.
    pub(super) fn follow_orders(&mut self, now: Moment) {
        for at in 0..self.works.books.len() {
            if self.follow_order(at, now) {
                self.look_at_orders_of(at, now);
            }
        }
        for (heard, list) in self.works.heard.iter_mut().zip(&self.lists) {
            *heard |= list.heard.is_some();
        }
    }

    /// Whether the order of a machine will be late, by each rule.
    fn look_at_orders_of(&mut self, at: usize, now: Moment) {
        let Some(running) = self.works.books[at].running.clone() else { return };
        let Some(list) = self.lists.iter().position(|list| list.name == running.list) else { return };
        for rule in 0..self.works.foreseeing[list].late.len() {
            self.look_at_order(at, (list, rule), &running, now);
        }
    }

    /// True when the order of a machine is another, or its business system says how far it is.
    fn follow_order(&mut self, at: usize, now: Moment) -> bool {
        let current = self.current.get(&self.works.books[at].machine).cloned();
        let named = current.as_ref().and_then(|(list, key)| Some((self.lists.get(*list)?.name.clone(), key)));
        let before =
            self.works.books[at].running.as_ref().map(|running| (&running.list, running.key.as_str()));
        let is_other = before != named.as_ref().map(|(list, key)| (list, &***key));
        if is_other {
            if let Some(running) = self.works.books[at].running.take() {
                self.leave_order(at, &running, now);
            }
            let book = &mut self.works.books[at];
            book.is_news = true;
            book.running = named.zip(current.as_ref()).map(|((list, key), (number, _))| Running {
                list,
                key: key.to_string(),
                begun: now,
                good: book.ledger.made().good(),
                stopped_ms: u64::try_from(book.ledger.stopped().as_millis()).unwrap_or(0),
                is_whole: self.works.heard[*number],
                told: None,
            });
        }
        let Some((list, key)) = current else { return is_other };
        let done = self.works.foreseeing[list].late.iter().find_map(|(_, section)| section.done.as_ref());
        let done = done.and_then(|field| number(self.lists[list].value(&key, field)));
        let book = &mut self.works.books[at];
        let good = book.ledger.made().good();
        if let (Some(running), Some(done)) = (&mut book.running, done)
            && running.told.is_none_or(|(told, _)| told != done)
        {
            running.told = Some((done, good));
            book.is_news = true;
            return true;
        }
        is_other
    }

    /// A machine makes something else from now on: nothing more is foreseen of its order.
    fn leave_order(&mut self, at: usize, running: &Running, now: Moment) {
        let Some(list) = self.lists.iter().position(|list| list.name == running.list) else { return };
        let rules: Vec<String> =
            self.works.foreseeing[list].late.iter().map(|(name, _)| format!("late.{name}")).collect();
        let machine = self.works.books[at].machine;
        for rule in rules {
            let raiser = (running.list.as_str(), rule, running.key.as_str());
            let Some(Forecast::Late(words)) = self.foreseen(&raiser) else { continue };
            let done = running.done(self.works.books[at].ledger.made().good()).unwrap_or(words.done);
            let stands = if done >= words.quantity { Stands::Done } else { Stands::Left };
            let forecast = Forecast::Late(LateWords { stands, done, ends: now, ..words });
            let author = self.machines.get(machine).unwrap_or(&self.site).clone();
            self.foresee(Foreseen { raiser, author, level: Some(Level::NORMAL), forecast }, now);
        }
    }

    fn look_at_order(&mut self, at: usize, (list, rule): (usize, usize), running: &Running, now: Moment) {
        let (name, section) = &self.works.foreseeing[list].late[rule];
        let (name, tolerance) = (format!("late.{name}"), section.tolerance.0);
        let Some((progress, words)) = self.progress(at, (list, rule), running, now) else { return };
        let late = minutes(progress.late.unwrap_or_default());
        let level = match progress.left {
            0 => Some(Level::NORMAL),
            _ if late > tolerance => Some(Level(1)),
            _ => late.is_zero().then_some(Level::NORMAL),
        };
        let raiser = (running.list.as_str(), name, running.key.as_str());
        let author = self.machines.get(self.works.books[at].machine).unwrap_or(&self.site).clone();
        self.foresee(Foreseen { raiser, author, level, forecast: Forecast::Late(words) }, now);
    }

    /// How an order goes; nothing where that is not known.
    fn progress(
        &self,
        at: usize,
        (list, rule): (usize, usize),
        running: &Running,
        now: Moment,
    ) -> Option<(Progress, LateWords)> {
        let (state, book) = (self.lists.get(list)?, &self.works.books[at]);
        let ledger = book.ledger.up_to(now, &book.calendar);
        let (_, section) = self.works.foreseeing[list].late.get(rule)?;
        let quantity = number(state.value(&running.key, &section.quantity))?.max(0.0) as u64;
        let due = time(state.value(&running.key, &section.due))?;
        let done = running.done(ledger.made().good())?;
        let order = Order { quantity, due: Some(self.works.end_of_day(due)) };
        let (rate, ideal) = (ledger.good_per_hour(), ledger.ideal_per_hour());
        let progress = order::progress(order, done, rate, now, &book.calendar);
        // A machine of which nothing is heard may have made more: what was foreseen stays.
        if progress.left > 0 && ledger.now() == State::Unknown {
            return None;
        }
        // In full minutes, so that the parts of a delay add up.
        let late = minutes(progress.late?);
        let by_speed =
            minutes(order::lost_by_speed(progress.left, rate, ideal).unwrap_or_default()).min(late);
        let stopped = ledger.stopped().saturating_sub(Duration::from_millis(running.stopped_ms));
        let stopped = minutes(stopped).min(late.saturating_sub(by_speed));
        let figures = ledger.figures(now, &book.calendar);
        let longest = figures.stops.longest(ledger.method().micro_stop).into_iter();
        let begun = longest.map(|stop| stop.begun).find(|begun| *begun >= running.begun);
        let stands = match (progress.left, late.is_zero()) {
            (0, _) => Stands::Done,
            (_, true) => Stands::InTime,
            (_, false) => Stands::Late,
        };
        let words = LateWords {
            list: state.row_name().clone(),
            key: super::lists::shown_key(&running.key),
            stands,
            due,
            ends: progress.ends?,
            late,
            done,
            quantity,
            stops: begun.map(|begun| (stopped, begun)),
            by_speed,
            rate: rate.unwrap_or_default(),
            ideal,
            pick_up: section.pick_up.as_ref().and_then(|field| time(state.value(&running.key, field))),
            read: state.heard,
        };
        Some((progress, words))
    }

    /// What was foreseen last, where it is open.
    pub(super) fn foreseen(&self, (list, rule, row): &(&str, String, &str)) -> Option<Forecast> {
        let slot = self.find(&raiser_of(list, rule, row, None))?;
        match &self.slots[slot].subject.about {
            About::Forecast { forecast } if self.slots[slot].condition.is_open() => {
                Some((**forecast).clone())
            }
            _ => None,
        }
    }

    /// Begins, changes or ends the story of a forecast.
    pub(super) fn foresee(&mut self, foreseen: Foreseen<'_>, now: Moment) {
        let Foreseen { raiser: (list, rule, row), author, level, forecast } = foreseen;
        let raiser = raiser_of(list, &rule, row, Some(forecast.clone()));
        let name = format!("{list} {rule} {row}");
        let slot = match self.find(&raiser) {
            Some(slot) => slot,
            None if level != Some(Level(1)) => {
                self.works.held.remove(&name);
                return;
            }
            None if !self.works.budgets.has_room(&author.key, now) => {
                if self.works.held.insert(name) {
                    self.works.budgets.hold(&author.key, now);
                }
                return;
            }
            None => {
                let Some(slot) = self.raise(raiser.clone()) else { return };
                self.works.budgets.tell(&author.key, now);
                slot
            }
        };
        let is_open = self.slots[slot].condition.is_open();
        let turns = level.is_some_and(|level| (level == Level(1)) != is_open);
        let subject = &mut self.slots[slot].subject;
        let is_news = matches!(&subject.about, About::Forecast { forecast: old } if forecast.is_news(old));
        if turns || is_news {
            subject.about = About::Forecast { forecast: Box::new(forecast) };
            subject.author = author;
            self.slots[slot].raiser = Some(Box::new(raiser));
        }
        match level.filter(|_| turns) {
            Some(level) => self.learn(slot, level, now, true, now),
            None if is_news => self.reword(slot, false, now),
            None => {}
        }
    }

    /// What a forecast is about, as its rule is now; `None` when it is gone.
    pub(super) fn forecast_subject(
        &self,
        (list, rule, row): (&str, &str, &str),
        name: &str,
        forecast: Forecast,
    ) -> Option<Subject> {
        let at = self.lists.iter().position(|known| known.name == list)?;
        let (priority, action) = self.works.foreseeing[at].urgency(rule)?;
        Some(Subject {
            author: self.author_of(at, row),
            rule: name.to_owned(),
            tag: None,
            about: About::Forecast { forecast: Box::new(forecast) },
            priorities: vec![priority],
            action,
        })
    }
}

impl Foreseeing {
    pub(super) fn new(plan: &ListPlan) -> Foreseeing {
        let late = plan.late.iter().map(|rule| (rule.name.clone(), rule.section.clone()));
        let reach = plan.reach.iter().map(|rule| (rule.name.clone(), rule.section.clone()));
        Foreseeing { late: late.collect(), reach: reach.collect() }
    }

    /// How urgent the rule `late.<name>` or `reach.<name>` is, and what to do.
    fn urgency(&self, rule: &str) -> Option<(Priority, Words)> {
        let (kind, name) = rule.split_once('.')?;
        let late = self.late.iter().filter(|_| kind == "late").find(|(known, _)| known == name);
        let late = late.map(|(_, section)| (section.priority, section.r#do.clone()));
        let reach = self.reach.iter().filter(|_| kind == "reach").find(|(known, _)| known == name);
        late.or_else(|| reach.map(|(_, section)| (section.priority, section.r#do.clone())))
    }
}

impl Works {
    /// A day without a time is due when it is over.
    fn end_of_day(&self, due: Moment) -> Moment {
        let stamp = jiff::Timestamp::from_millisecond(due.as_ms()).unwrap_or_default();
        let civil = self.zone.to_datetime(stamp);
        if civil.time() != jiff::civil::Time::midnight() {
            return due;
        }
        let next = civil.date().tomorrow().ok().map(|day| day.to_datetime(jiff::civil::Time::midnight()));
        let next = next.and_then(|next| self.zone.to_timestamp(next).ok());
        next.map_or(due, |next| Moment::from_ms(next.as_millisecond()))
    }
}

fn raiser_of(list: &str, rule: &str, key: &str, words: Option<Forecast>) -> Raiser {
    Raiser::Forecast { list: list.to_owned(), rule: rule.to_owned(), key: key.to_owned(), words }
}

/// The nearest full minute.
fn minutes(time: Duration) -> Duration {
    Duration::from_secs((time.as_secs() + 30) / 60 * 60)
}

pub(super) fn number(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::Number(number) => Some(*number),
        Value::Flag(_) | Value::Text(_) | Value::Time(_) => None,
    }
}

pub(super) fn time(value: Option<&Value>) -> Option<Moment> {
    match value? {
        Value::Time(moment) => Some(*moment),
        Value::Number(_) | Value::Flag(_) | Value::Text(_) => None,
    }
}
