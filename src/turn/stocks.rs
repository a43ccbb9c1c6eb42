//! Stocks at work: how fast each is used, seen from its level, and until when it lasts.

use std::time::Duration;

use contract::Moment;
use serde::{Deserialize, Serialize};

use super::Middle;
use super::forecasts::{Foreseen, number, time};
use super::works::stock_key;
use crate::post::{Forecast, Lasts, ReachWords};
use crate::production::{ReachSection, Usage};
use crate::rule::Level;

/// A stock that lasts a little longer than it must is not worth an end and a new beginning.
const REACH_CLEAR: f64 = 1.1;

/// A stock at work.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stock {
    usage: Usage,
    #[serde(skip)]
    pub is_news: bool,
    #[serde(skip)]
    pub is_gone: bool,
}

impl Stock {
    /// What to keep; nothing once it is gone.
    pub(super) fn saved(&self) -> Option<String> {
        // A tree of numbers is always JSON.
        if self.is_gone { None } else { serde_json::to_string(self).ok() }
    }
}

impl Middle {
    /// A row of a list was read: its level, for each rule that reckons with it.
    pub(super) fn hear_stock(&mut self, list: usize, row: &str, at: Moment, now: Moment) {
        for rule in 0..self.works.foreseeing[list].reach.len() {
            let (name, section) = &self.works.foreseeing[list].reach[rule];
            let key = stock_key(&self.lists[list].name, name, row);
            let level = number(self.lists[list].value(row, &section.level));
            let (over, delivery_min) = (section.over.0, section.delivery_min);
            let fresh = || Stock { usage: Usage::new(over, delivery_min), is_news: true, is_gone: false };
            let stock = self.works.stocks.entry(key.clone()).or_insert_with(fresh);
            let before = stock.usage.latest().map(|(level, _)| level);
            stock.usage.hear(at, level, &self.works.site);
            stock.is_news |= stock.usage.latest().map(|(level, _)| level) != before;
            self.look_at_stock(&key, now);
        }
    }

    /// Whether a stock lasts.
    pub(super) fn look_at_stock(&mut self, key: &str, now: Moment) {
        let parts: Vec<&str> = key.split('\u{1F}').collect();
        let [_, list, name, row @ ..] = parts.as_slice() else { return };
        let row = row.join("\u{1F}");
        let Some(at) = self.lists.iter().position(|known| known.name == *list) else { return };
        let Some((_, section)) = self.works.foreseeing[at].reach.iter().find(|(known, _)| known == name)
        else {
            return;
        };
        let raiser = (*list, format!("reach.{name}"), row.as_str());
        let author = self.author_of(at, &row);
        if !self.lists[at].has(&row) {
            let before = self.foreseen(&raiser);
            if let Some(stock) = self.works.stocks.get_mut(key) {
                (stock.is_gone, stock.is_news) = (true, true);
            }
            if let Some(Forecast::Reach(words)) = before {
                let forecast = Forecast::Reach(ReachWords { lasts: Lasts::Gone, ..words });
                self.foresee(Foreseen { raiser, author, level: Some(Level::NORMAL), forecast }, now);
            }
            return;
        }
        let Some((level, words)) = self.reach(at, section, (key, &row), now) else { return };
        self.foresee(Foreseen { raiser, author, level, forecast: Forecast::Reach(words) }, now);
    }

    /// How long a stock lasts; nothing where that is not known.
    fn reach(
        &self,
        list: usize,
        section: &ReachSection,
        (key, row): (&str, &str),
        now: Moment,
    ) -> Option<(Option<Level>, ReachWords)> {
        let (state, usage) = (&self.lists[list], &self.works.stocks.get(key)?.usage);
        let (left, at) = usage.latest()?;
        let per_hour = usage.per_hour()?;
        let delivery = section.delivery.as_ref().and_then(|field| time(state.value(row, field)));
        let delivery = delivery.filter(|delivery| *delivery > now);
        let ends = usage.reach(&self.works.site);
        let lasts = ends.map_or(Duration::MAX, |ends| ends.since(now));
        let is_covered = ends.is_none_or(|ends| delivery.is_some_and(|delivery| delivery <= ends));
        let level = match (is_covered, lasts) {
            (true, _) => Some(Level::NORMAL),
            (false, lasts) if lasts < section.under.0 => Some(Level(1)),
            (false, lasts) => (lasts > section.under.0.mul_f64(REACH_CLEAR)).then_some(Level::NORMAL),
        };
        let words = ReachWords {
            list: state.row_name().clone(),
            key: super::lists::shown_key(row),
            lasts: if level == Some(Level::NORMAL) { Lasts::Enough } else { Lasts::Short },
            ends: ends.unwrap_or(now),
            level: left,
            unit: state.unit(&section.level),
            per_hour,
            at,
            delivery,
        };
        Some((level, words))
    }
}
