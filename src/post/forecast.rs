//! Words for what is foreseen: an order that will be late, a stock that runs out. The keys of rows are data.

use std::time::Duration;

use contract::settings::Words;
use contract::{Moment, Text, clean};
use serde::{Deserialize, Serialize};

use super::write::Page;
use super::{About, Language};

/// Below so many parts a minute, parts in an hour are told.
const PER_MINUTE_MIN: f64 = 1.0;

/// Between what is late and what must be done something else may happen: less is not told as room.
const ROOM_MIN: Duration = Duration::from_secs(600);

/// Ten minutes more or less are another forecast; a minute is not.
const LATE_STEP: Duration = Duration::from_secs(600);
const REACH_STEP: Duration = Duration::from_secs(900);

/// What is foreseen of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forecast {
    /// An order will be late.
    Late(LateWords),
    /// A stock will be used up.
    Reach(ReachWords),
}

/// How an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    /// It will be late.
    Late,
    /// It will be in time after all.
    InTime,
    /// All of it is made.
    Done,
    /// Its machine makes something else, or it is gone.
    Left,
}

/// An order as it is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LateWords {
    /// What people call one row of the list: `OF`.
    pub list: Words,
    /// Its key. Data.
    pub key: String,
    /// How it stands.
    pub stands: Stands,
    /// When it is due, as the business system says it: a day without a time is a day.
    pub due: Moment,
    /// When it will be done.
    pub ends: Moment,
    /// By how much that is late.
    pub late: Duration,
    /// Good parts made, and to make.
    pub done: u64,
    /// Good parts to make in all.
    pub quantity: u64,
    /// How much of the delay came from stops, and when the longest of them began.
    pub stops: Option<(Duration, Moment)>,
    /// How much of it comes from the rate.
    pub by_speed: Duration,
    /// Good parts in an hour, and at best.
    pub rate: f64,
    /// Parts in an hour at best.
    pub ideal: f64,
    /// When it is fetched.
    pub pick_up: Option<Moment>,
    /// When the business system last said something.
    pub read: Option<Moment>,
}

/// How a stock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lasts {
    /// It will be used up soon.
    Short,
    /// It lasts after all.
    Enough,
    /// It is no longer in its list.
    Gone,
}

/// A stock as it is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReachWords {
    /// What people call one row of the list.
    pub list: Words,
    /// Its key. Data.
    pub key: String,
    /// How it stands.
    pub lasts: Lasts,
    /// When it is used up at the present rate.
    pub ends: Moment,
    /// How much is left.
    pub level: f64,
    /// The unit of the level.
    pub unit: Option<String>,
    /// How much is used in an hour.
    pub per_hour: f64,
    /// When the level was so.
    pub at: Moment,
    /// When the next delivery comes.
    pub delivery: Option<Moment>,
}

impl Forecast {
    /// True when a reader should be told that it is another than before: not for each minute.
    pub fn is_news(&self, before: &Forecast) -> bool {
        let apart = |one: Moment, other: Moment| one.since(other).max(other.since(one));
        match (self, before) {
            (Forecast::Late(new), Forecast::Late(old)) => {
                let is_same = (new.stands, new.due, new.quantity, new.pick_up)
                    == (old.stands, old.due, old.quantity, old.pick_up);
                !is_same || apart(new.ends, old.ends) >= LATE_STEP
            }
            (Forecast::Reach(new), Forecast::Reach(old)) => {
                let is_same = (new.lasts, new.delivery) == (old.lasts, old.delivery);
                !is_same || apart(new.ends, old.ends) >= REACH_STEP
            }
            (Forecast::Late(_), Forecast::Reach(_)) | (Forecast::Reach(_), Forecast::Late(_)) => true,
        }
    }

    /// True while there is something to fear.
    pub fn is_live(&self) -> bool {
        match self {
            Forecast::Late(words) => words.stands == Stands::Late,
            Forecast::Reach(words) => words.lasts == Lasts::Short,
        }
    }

    /// What people call one row of its list.
    pub fn list(&self) -> &Words {
        match self {
            Forecast::Late(LateWords { list, .. }) | Forecast::Reach(ReachWords { list, .. }) => list,
        }
    }
}

/// The word of the first line once it is over: what was feared did not come, or there is nothing to fear any more.
pub fn word_over(forecast: &Forecast) -> &'static str {
    match forecast {
        Forecast::Late(LateWords { stands: Stands::InTime, .. })
        | Forecast::Reach(ReachWords { lasts: Lasts::Enough, .. }) => "word-cleared",
        Forecast::Late(_) | Forecast::Reach(_) => "word-record-done",
    }
}

/// The fact of the first line, with the key of the row cut at so many characters.
pub fn fact(page: &Page<'_>, forecast: &Forecast, chars_max: usize) -> Text {
    let language = page.language;
    let list = forecast.list().in_language(language.code()).unwrap_or_default();
    let point = |moment: Moment| language.point(minute(moment), page.now);
    match forecast {
        Forecast::Late(words) => {
            let (ends, due) = (point(words.ends), point(words.due));
            let late = language.lasted(words.late);
            let at = language.at(minute(words.ends), page.now);
            let name = match words.stands {
                Stands::Late if due.contains(':') && !due.contains(' ') => "order-late",
                Stands::Late => "order-late-day",
                Stands::InTime => "late-in-time",
                Stands::Done => "late-done",
                Stands::Left => "late-left",
            };
            let facts = [("list", list), ("ends", &ends), ("due", &due), ("late", &late), ("at", &at)];
            language.text(name, &facts, &[("key", &clean(&words.key, chars_max))])
        }
        Forecast::Reach(words) => {
            let ends = point(words.ends);
            let level = amount(language, words.level, words.unit.as_deref());
            let name = match words.lasts {
                Lasts::Short if ends.contains(' ') || !ends.contains(':') => "stock-day",
                Lasts::Short => "stock",
                Lasts::Enough => "stock-lasts",
                Lasts::Gone => "stock-gone",
            };
            let facts = [("list", list), ("ends", &ends), ("level", &level)];
            language.text(name, &facts, &[("key", &clean(&words.key, chars_max))])
        }
    }
}

/// The lines under the first.
pub fn context(page: &Page<'_>, forecast: &Forecast) -> Vec<Text> {
    let said = match forecast {
        Forecast::Late(words) => late_context(page, words),
        Forecast::Reach(words) => reach_context(page, words),
    };
    said.into_iter().filter(|words| !words.is_empty()).map(|words| Text::default().ours(words)).collect()
}

fn late_context(page: &Page<'_>, words: &LateWords) -> Vec<String> {
    let language = page.language;
    if words.stands != Stands::Late {
        return Vec::new();
    }
    let (done, quantity) = (language.number(words.done as f64, 0), language.number(words.quantity as f64, 0));
    let progress = language.say("late-progress", &[("done", &done), ("quantity", &quantity)]);
    vec![format!("{progress} {}", delay(page, words)), pick_up(page, words)]
}

/// Where the delay comes from.
fn delay(page: &Page<'_>, words: &LateWords) -> String {
    let language = page.language;
    let minute = Duration::from_secs(60);
    let (rate, ideal) = rates(language, words.rate, words.ideal);
    let speed = language.lasted(words.by_speed);
    let (stops, at) = match words.stops {
        Some((lasted, begun)) => (language.lasted(lasted), language.point(begun, page.now)),
        None => (String::new(), String::new()),
    };
    let has_stops = words.stops.is_some_and(|(lasted, _)| lasted >= minute);
    let name = match (has_stops, words.by_speed >= minute) {
        (true, true) => "late-both",
        (true, false) => "late-stops",
        (false, true) => "late-speed",
        (false, false) => "late-rate",
    };
    language
        .say(name, &[("stops", &stops), ("at", &at), ("speed", &speed), ("rate", &rate), ("ideal", &ideal)])
}

fn pick_up(page: &Page<'_>, words: &LateWords) -> String {
    let language = page.language;
    let Some(pick_up) = words.pick_up else { return String::new() };
    let at = language.at(pick_up, page.now);
    let (kept, missed) = (pick_up.since(words.ends), words.ends.since(pick_up));
    let (name, margin) = if missed.is_zero() { ("pick-up-kept", kept) } else { ("pick-up-missed", missed) };
    language.say(name, &[("at", &at), ("margin", &language.lasted(margin))])
}

fn reach_context(page: &Page<'_>, words: &ReachWords) -> Vec<String> {
    let language = page.language;
    if words.lasts != Lasts::Short {
        return Vec::new();
    }
    let level = amount(language, words.level, words.unit.as_deref());
    let rate = amount(language, rounded(words.per_hour), words.unit.as_deref());
    let at = language.at(words.at, page.now);
    let delivery = words.delivery.map(|delivery| {
        let at = format!("{} {}", language.weekday(delivery), language.at(delivery, delivery));
        language.say("stock-delivery", &[("at", &at)])
    });
    let left = language.say("stock-level", &[("level", &level), ("use", &rate), ("at", &at)]);
    vec![left, delivery.unwrap_or_default()]
}

/// What to do where the rule says nothing: how much may still happen.
pub fn action(page: &Page<'_>, forecast: &Forecast) -> Option<String> {
    let Forecast::Late(LateWords { stands: Stands::Late, pick_up: Some(pick_up), ends, .. }) = forecast
    else {
        return None;
    };
    let room = pick_up.since(*ends);
    // Full five minutes: nobody reckons by the minute.
    let room = Duration::from_secs(room.as_secs() / 300 * 300);
    (room >= ROOM_MIN).then(|| page.language.say("late-do", &[("margin", &page.language.lasted(room))]))
}

/// How fresh it is.
pub fn fine(page: &Page<'_>) -> Option<String> {
    let About::Forecast { forecast } = &page.subject.about else { return None };
    let Forecast::Late(words) = &**forecast else { return None };
    let read = words.read.filter(|_| words.stands == Stands::Late)?;
    Some(page.language.say("late-read", &[("at", &page.language.at(read, page.now))]))
}

/// Both in the unit of the better one, which is said once: `22 p/min`, `25`.
fn rates(language: &Language, rate: f64, ideal: f64) -> (String, String) {
    let (name, per) = if ideal / 60.0 >= PER_MINUTE_MIN { ("per-minute", 60.0) } else { ("per-hour", 1.0) };
    let (rate, ideal) = (rate / per, ideal / per);
    // A difference that costs time must be seen.
    let is_close = rounded(rate) == rounded(ideal);
    let shown = |rate: f64| language.number(rate, if is_close { 1 } else { decimals(rounded(rate)) });
    (language.say(name, &[("rate", &shown(rate))]), shown(ideal))
}

fn amount(language: &Language, amount: f64, unit: Option<&str>) -> String {
    let amount = if amount.abs() < 10.0 { amount } else { amount.round() };
    language.quantity(amount, decimals(amount), unit)
}

/// A tenth matters below ten.
fn rounded(number: f64) -> f64 {
    if number.abs() < 10.0 { (number * 10.0).round() / 10.0 } else { number.round() }
}

fn decimals(number: f64) -> u8 {
    u8::from((number - number.round()).abs() >= 0.05)
}

/// The full minute nearest to a moment: a forecast has no seconds.
fn minute(moment: Moment) -> Moment {
    Moment::from_ms((moment.as_ms() + 30_000).div_euclid(60_000) * 60_000)
}
