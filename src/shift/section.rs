//! The tables of the working hours: `[shift.<name>]` and `[calendar]`.

use std::collections::{BTreeMap, BTreeSet};

use contract::settings::Words;
use contract::{Check, Fault};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;

use super::holidays::{HolidaySet, Holidays};
use super::{Rest, Shift, Stop, clock};

/// The shifts and the calendar together, because shifts must not overlap.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The shifts. Without any, every day is one, from midnight to midnight.
    #[serde(default)]
    pub shift: BTreeMap<String, ShiftSection>,
    /// Public holidays and planned stops.
    #[serde(default)]
    pub calendar: CalendarSection,
}

/// `[shift.<name>]`: one shift of the week. All hours are those of the wall clock of the site.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShiftSection {
    /// What people call it: `équipe du matin`. Without it, the key.
    #[serde(default)]
    pub name: Words,
    /// When it begins: `05:00`.
    pub from: String,
    /// When it ends: `13:00`, or `24:00`. If that is not after `from`, on the next day; it belongs to the day on which
    /// it begins.
    pub to: String,
    /// The days on which it begins: `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`, or from one to another:
    /// `mon..fri`.
    pub days: Vec<String>,
    /// The breaks in it, by name.
    #[serde(default)]
    pub r#break: BTreeMap<String, BreakSection>,
}

/// `[shift.<name>.break.<break>]`: people are away and the machine is not to run.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakSection {
    /// When it begins: `09:00`.
    pub from: String,
    /// When it ends: `09:20`.
    pub to: String,
}

/// `[calendar]`: when the shifts do not run.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarSection {
    /// The public holidays of a country: `france` or `alsace-moselle`. No shift begins on them.
    pub holidays_of: Option<HolidaySet>,
    /// Further days on which no shift begins: `2026-12-24`.
    #[serde(default)]
    pub holidays: Vec<String>,
    /// Holidays on which the shifts run nevertheless.
    #[serde(default)]
    pub worked: Vec<String>,
    /// Planned stops, by name.
    #[serde(default)]
    pub stop: BTreeMap<String, StopSection>,
}

/// `[calendar.stop.<name>]`: a time in which machines are not to run: maintenance, a trial, no orders.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopSection {
    /// When it begins, by the wall clock of the site: `2026-12-24 13:00`.
    pub from: String,
    /// When it ends: `2026-12-24 17:00`.
    pub to: String,
    /// What for, in words people read.
    #[serde(default)]
    pub reason: Words,
    /// The machines that it stops, by their keys. Without them, all.
    #[serde(default)]
    pub machines: Vec<String>,
    /// True when the site is closed: that is no opening time, and no shift runs.
    #[serde(default)]
    pub closed: bool,
}

/// The days of a week as they are written, from Monday.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The minutes of a week of the wall clock.
const WEEK: u16 = 7 * clock::DAY;

/// From `from`, so many minutes on; `to` at or before `from` is on the next day.
fn span(from: u16, to: u16) -> (u16, u16) {
    (from, if to > from { to - from } else { to + clock::DAY - from })
}

impl ShiftSection {
    /// Its beginning after midnight and its length, in minutes.
    fn span(&self) -> Option<(u16, u16)> {
        let (from, to) = (clock::parse(&self.from)?, clock::parse(&self.to)?);
        (from < clock::DAY && from != to).then(|| span(from, to))
    }

    fn weekdays(&self) -> [bool; 7] {
        let mut days = [false; 7];
        for (first, count) in self.days.iter().filter_map(|text| parse_days(text)) {
            for day in first..first + count {
                days[day % 7] = true;
            }
        }
        days
    }

    /// The shift at work, of a section that passed its check.
    pub(super) fn shift(&self, key: &str) -> Option<Shift> {
        let (from, length) = self.span()?;
        let breaks = self.r#break.values().filter_map(|own| own.rest((from, length))).collect();
        Some(Shift {
            key: key.to_owned(),
            name: self.name.clone(),
            days: self.weekdays(),
            from,
            length,
            breaks,
        })
    }

    fn check_clocks(&self, faults: &mut Vec<Fault>) {
        for (key, text) in [("from", &self.from), ("to", &self.to)] {
            check_clock(key, text, faults);
        }
        if clock::parse(&self.from) == Some(clock::DAY) {
            faults.push(Fault::at("from", "`24:00`, expected `00:00` and the day after"));
        }
        if clock::parse(&self.from).is_some() && clock::parse(&self.from) == clock::parse(&self.to) {
            let message =
                format!("`{}` as `from`, expected another; a whole day is `00:00` to `24:00`", self.to);
            faults.push(Fault::at("to", message));
        }
    }

    fn check_breaks(&self, faults: &mut Vec<Fault>) {
        for (name, own) in &self.r#break {
            let key = |end: &str| format!("break.{name}.{end}");
            check_clock(&key("from"), &own.from, faults);
            check_clock(&key("to"), &own.to, faults);
            if let Some(shift) = self.span()
                && own.span().is_some()
                && own.rest(shift).is_none()
            {
                let message = format!(
                    "{} to {} is not within its shift, expected some time from {} to {}",
                    own.from, own.to, self.from, self.to
                );
                faults.push(Fault::at(key("from"), message));
            }
        }
        let Some(shift) = self.span() else { return };
        let mut placed: Vec<(&String, Rest)> =
            self.r#break.iter().filter_map(|(name, own)| Some((name, own.rest(shift)?))).collect();
        placed.sort_by_key(|(_, rest)| rest.from);
        for pair in placed.windows(2) {
            if pair[1].1.from < pair[0].1.from + pair[0].1.length {
                let message =
                    format!("begins before break `{}` ends, expected one after the other", pair[0].0);
                faults.push(Fault::at(format!("break.{}.from", pair[1].0), message));
            }
        }
    }
}

impl Check for ShiftSection {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.check_clocks(&mut faults);
        if self.days.is_empty() {
            faults.push(Fault::at("days", "empty, expected at least one day, such as `mon..fri`"));
        }
        for (at, text) in self.days.iter().enumerate() {
            if parse_days(text).is_none() {
                let message =
                    format!("unknown day `{text}`, expected one of {}, or two: `mon..fri`", DAYS.join(", "));
                faults.push(Fault::at(format!("days.{at}"), message));
            }
        }
        self.check_breaks(&mut faults);
        faults
    }
}

impl BreakSection {
    fn span(&self) -> Option<(u16, u16)> {
        let (from, to) = (clock::parse(&self.from)?, clock::parse(&self.to)?);
        Some(span(from % clock::DAY, to))
    }

    /// The break within its shift, if it is: after midnight in a night shift, it is on the next day.
    fn rest(&self, (begin, length): (u16, u16)) -> Option<Rest> {
        let (from, own) = self.span()?;
        let from = if from < begin { from + clock::DAY } else { from };
        (from + own <= begin + length).then_some(Rest { from, length: own })
    }
}

impl CalendarSection {
    pub(super) fn holidays(&self) -> Holidays {
        let dates = |texts: &[String]| texts.iter().filter_map(|text| parse_date(text)).collect();
        Holidays { set: self.holidays_of, dates: dates(&self.holidays), worked: dates(&self.worked) }
    }
}

impl Check for CalendarSection {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (key, dates) in [("holidays", &self.holidays), ("worked", &self.worked)] {
            let wrong = dates.iter().enumerate().filter(|(_, text)| parse_date(text).is_none());
            faults.extend(wrong.map(|(at, text)| {
                let message = format!("invalid date `{text}`, expected one such as `2026-12-25`");
                Fault::at(format!("{key}.{at}"), message)
            }));
        }
        let known = self.holidays();
        for (at, text) in self.worked.iter().enumerate() {
            if parse_date(text).is_some_and(|day| !known.is_named(day)) {
                let message = format!("`{text}` is no holiday, expected one of `holidays` or `holidays_of`");
                faults.push(Fault::at(format!("worked.{at}"), message));
            }
        }
        for (name, stop) in &self.stop {
            faults.extend(stop.check().into_iter().map(|fault| within(&format!("stop.{name}"), fault)));
        }
        faults
    }
}

impl StopSection {
    /// The stop at work, of a section that passed its check.
    pub(super) fn stop(&self, key: &str, zone: &TimeZone) -> Option<Stop> {
        let end = |text: &str| parse_moment(text).map(|at| clock::bound(zone, at));
        Some(Stop {
            from: end(&self.from)?,
            to: end(&self.to)?,
            is_closed: self.closed,
            key: key.to_owned(),
            reason: self.reason.clone(),
        })
    }
}

impl Check for StopSection {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (key, text) in [("from", &self.from), ("to", &self.to)] {
            if parse_moment(text).is_none() {
                let message = format!("invalid time `{text}`, expected a day and a time: `2026-12-24 13:00`");
                faults.push(Fault::at(key, message));
            }
        }
        if let (Some(from), Some(to)) = (parse_moment(&self.from), parse_moment(&self.to))
            && to <= from
        {
            faults.push(Fault::at("to", format!("`{}` is not after `from`, expected a later time", self.to)));
        }
        faults
    }
}

impl Check for Hours {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (name, shift) in &self.shift {
            faults.extend(shift.check().into_iter().map(|fault| within(&format!("shift.{name}"), fault)));
        }
        self.check_overlaps(&mut faults);
        faults.extend(self.calendar.check().into_iter().map(|fault| within("calendar", fault)));
        faults
    }
}

impl Hours {
    /// No minute of the week may belong to two shifts. Each pair is told once.
    /// Each minute of a week belongs to one shift at most.
    pub fn check_overlaps(&self, faults: &mut Vec<Fault>) {
        let mut week: Vec<(u16, u16, &str)> = Vec::new();
        for (name, shift) in &self.shift {
            let Some((from, length)) = shift.span() else { continue };
            let days = shift.weekdays().into_iter().zip(0u16..).filter(|(is_worked, _)| *is_worked);
            week.extend(days.map(|(_, day)| (day * clock::DAY + from, length, name.as_str())));
        }
        week.sort_unstable();
        let mut told = BTreeSet::new();
        for (at, (from, length, name)) in week.iter().enumerate() {
            for (later, _, other) in &week[at + 1..] {
                if from + length > *later {
                    told.insert((*name.min(other), *name.max(other)));
                }
            }
            // The night from Sunday to Monday.
            let wrapped = (from + length).saturating_sub(WEEK);
            for (_, _, other) in week.iter().filter(|(early, _, _)| *early < wrapped) {
                told.insert((*name.min(other), *name.max(other)));
            }
        }
        faults.extend(told.into_iter().map(|(one, other)| {
            let message = format!("overlaps shift `{one}`, expected each minute in one shift at most");
            Fault::at(format!("shift.{other}.from"), message)
        }));
    }
}

fn check_clock(key: &str, text: &str, faults: &mut Vec<Fault>) {
    if clock::parse(text).is_none() {
        faults.push(Fault::at(key, format!("invalid time `{text}`, expected one such as `05:00`")));
    }
}

/// `mon`, or `mon..fri`: the first day and how many.
fn parse_days(text: &str) -> Option<(usize, usize)> {
    let day = |text: &str| DAYS.iter().position(|day| *day == text.trim());
    match text.split_once("..") {
        None => Some((day(text)?, 1)),
        Some((first, last)) => {
            let (first, last) = (day(first)?, day(last)?);
            Some((first, (last + 7 - first) % 7 + 1))
        }
    }
}

fn parse_date(text: &str) -> Option<Date> {
    if text.len() == 10 { text.parse().ok() } else { None }
}

/// A day and a time. A day alone would leave open whether it is meant as a whole.
fn parse_moment(text: &str) -> Option<DateTime> {
    if text.contains(':') && !text.ends_with(['Z', 'z', ']']) { text.parse().ok() } else { None }
}

/// A fault of a table inside another.
fn within(table: &str, fault: Fault) -> Fault {
    let key = if fault.key.is_empty() { table.to_owned() } else { format!("{table}.{}", fault.key) };
    Fault { key, message: fault.message }
}
