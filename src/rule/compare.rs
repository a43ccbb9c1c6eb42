//! A value against another: that of a second tag, a set point, or what is usual for the machine at this hour.

use contract::settings::Wait;
use contract::{Check, Fault, Moment, Origin};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;

use super::baseline::{Baseline, Usual};
use super::bound::Bound;
use super::order::{Order, Place};
use super::{Level, Verdict};
use crate::reading::Reading;

/// How two values are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// The tag less the other one.
    #[default]
    Difference,
    /// The same without its sign.
    Distance,
    /// The tag divided by the other one.
    Ratio,
    /// How much more than the other one, in percent of it; negative for less.
    Percent,
}

/// `[….rule.compare.<name>]`: a value against another. With `with`: `tolerance`, or `above` or `below`. Without it,
/// against what is usual at this hour of the week in the last four weeks: `times` or `sigmas`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The tag whose value is judged.
    pub tag: String,
    /// The tag that it is compared with, of the same machine: a twin, or a set point.
    pub with: Option<String>,
    /// How: `difference`, `distance`, `ratio` or `percent`.
    #[serde(default)]
    pub figure: Figure,
    /// Abnormal when it is further than this from the other one, up or down.
    pub tolerance: Option<f64>,
    /// Abnormal when the figure is higher.
    pub above: Option<f64>,
    /// Abnormal when the figure is lower.
    pub below: Option<f64>,
    /// Abnormal from so many times what is usual: `1.2` for a fifth more, `0.8` for a fifth less.
    pub times: Option<f64>,
    /// Abnormal from so many standard deviations away from what is usual, up or down.
    pub sigmas: Option<f64>,
    /// Normal again from here, in the terms of the limit: a figure, a tolerance, times or sigmas.
    pub clear: Option<f64>,
    /// No opinion when the other value is older than this one by more, or newer. Without it, a set point is good
    /// until it is told anew.
    pub within: Option<Wait>,
    /// No opinion while what is usual is less than this: a machine that stands still at night.
    pub usual_min: Option<f64>,
    /// No opinion before so many weeks are known for this hour, 1 to 4.
    #[serde(default = "weeks_min")]
    pub weeks_min: u8,
}

fn weeks_min() -> u8 {
    2
}

impl Section {
    /// The tags that it hears, in the order of `which`: the second one, if any, is that of `with`.
    pub fn tags(&self) -> Vec<&str> {
        std::iter::once(self.tag.as_str()).chain(self.with.as_deref()).collect()
    }

    /// Above and below, whatever the limit is called.
    fn limits(&self) -> (Option<f64>, Option<f64>) {
        match (self.tolerance.or(self.sigmas), self.times) {
            (Some(limit), _) => (Some(limit), None),
            (None, Some(times)) if times < 1.0 => (None, Some(times)),
            (None, Some(times)) => (Some(times), None),
            (None, None) => (self.above, self.below),
        }
    }

    /// The keys of limits that are there, and whether each needs another tag.
    fn given(&self) -> impl Iterator<Item = (&'static str, bool)> {
        let keys = [
            ("tolerance", true, self.tolerance),
            ("above", true, self.above),
            ("below", true, self.below),
            ("times", false, self.times),
            ("sigmas", false, self.sigmas),
        ];
        keys.into_iter().filter_map(|(key, needs_with, limit)| limit.map(|_| (key, needs_with)))
    }
}

impl Check for Section {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let is_pair = self.with.is_some();
        for (key, _) in self.given().filter(|(_, needs_with)| *needs_with != is_pair) {
            let message =
                if is_pair { "is for a machine's own past, expected no `with`" } else { "expected `with`" };
            faults.push(Fault::at(key, message));
        }
        match self.given().count() {
            0 if is_pair => faults.push(Fault::at("", "expected one of `tolerance`, `above`, `below`")),
            0 => faults.push(Fault::at("", "expected `with`, or one of `times`, `sigmas`")),
            1 => {
                let (above, below) = self.limits();
                let limit_faults = Bound::check(above, below, self.clear);
                faults.extend(limit_faults.into_iter().map(|fault| self.renamed(fault)));
            }
            _ => faults.push(Fault::at("", "several limits in one rule, expected a rule for each")),
        }
        for (key, limit) in [("tolerance", self.tolerance), ("times", self.times), ("sigmas", self.sigmas)] {
            if limit.is_some_and(|limit| limit <= 0.0) {
                faults.push(Fault::at(key, "expected more than 0"));
            }
        }
        if self.times == Some(1.0) {
            faults.push(Fault::at("times", "once is what is usual, expected more or less than 1"));
        }
        if self.tolerance.is_some() && self.figure != Figure::Difference {
            faults.push(Fault::at("figure", "a tolerance is a distance, expected no `figure`"));
        }
        if !(1..=4).contains(&self.weeks_min) {
            faults.push(Fault::at("weeks_min", format!("found {}, expected 1 to 4", self.weeks_min)));
        }
        faults
    }
}

impl Section {
    /// A fault of `above` or `below`, under the key that is written.
    fn renamed(&self, fault: Fault) -> Fault {
        let written = self.given().next().map_or("", |(key, _)| key);
        if fault.key == "clear" { fault } else { Fault { key: written.into(), ..fault } }
    }
}

/// What it is compared with.
#[derive(Debug, Clone, PartialEq)]
enum Against {
    /// Another tag: the latest value of both.
    Tag { latest: [Option<(f64, Moment)>; 2], figure: Figure, within: Option<Wait> },
    /// Its own past, behind a pointer: it is large, and few compare with it.
    Past { baseline: Box<Baseline>, is_sigmas: bool, usual_min: f64, weeks_min: usize, value: Option<f64> },
}

/// The rule at work.
#[derive(Debug, Clone, PartialEq)]
pub struct Compare {
    against: Against,
    bound: Bound,
    orders: [Order; 2],
    figure: Option<f64>,
}

impl Compare {
    /// The rule of a section that passed its check, on a site in this time zone.
    pub fn new(section: &Section, zone: TimeZone, _now: Moment) -> Compare {
        let (above, below) = section.limits();
        let is_distance = section.tolerance.is_some();
        let against = match section.with {
            Some(_) => Against::Tag {
                latest: [None, None],
                figure: if is_distance { Figure::Distance } else { section.figure },
                within: section.within,
            },
            None => Against::Past {
                baseline: Box::new(Baseline::new(zone)),
                is_sigmas: section.sigmas.is_some(),
                usual_min: section.usual_min.unwrap_or(0.0),
                weeks_min: usize::from(section.weeks_min),
                value: None,
            },
        };
        let bound = Bound::new(above, below, section.clear);
        Compare { against, bound, orders: [Order::default(); 2], figure: None }
    }

    /// A reading of the tag came or, with `which` 1, one of the other.
    pub fn hear(&mut self, which: usize, reading: &Reading) -> Option<Verdict> {
        let which = which.min(1);
        if self.orders[which].place(reading) == Place::Late {
            return None;
        }
        self.figure = match &mut self.against {
            Against::Tag { latest, figure, within } => {
                latest[which] = reading.value.map(|value| (value, reading.at));
                pair(latest, *figure, *within)
            }
            Against::Past { baseline, is_sigmas, usual_min, weeks_min, value } => {
                // The last word of a broker says nothing of when it was so.
                if reading.origin == Origin::Retained && !reading.is_timed {
                    return None;
                }
                *value = reading.value;
                let usual = reading.value.and_then(|value| baseline.learn(reading.at, value));
                usual
                    .filter(|usual| usual.weeks >= *weeks_min && usual.value.abs() >= *usual_min)
                    .zip(reading.value)
                    .and_then(|(usual, value)| past(&usual, value, *is_sigmas))
            }
        };
        Some(self.figure.map_or(Verdict::Unknown, |figure| self.bound.judge(figure)))
    }

    /// Goes on from a level that was reached before a restart.
    pub fn resume(&mut self, level: Level) {
        self.bound.resume(level);
    }

    /// The clock was set: the times of what was heard mean nothing any more.
    pub fn start_anew(&mut self, _now: Moment) {
        self.orders = [Order::default(); 2];
        if let Against::Tag { latest, .. } = &mut self.against {
            *latest = [None, None];
        }
    }

    /// True for one that learns what is usual.
    pub fn is_learning(&self) -> bool {
        matches!(self.against, Against::Past { .. })
    }

    /// Goes on with what was usual for another rule on the same tag.
    pub fn learn_from(&mut self, old: Compare) {
        if let (Against::Past { baseline, .. }, Against::Past { baseline: known, .. }) =
            (&mut self.against, old.against)
        {
            *baseline = known;
        }
    }

    /// What to keep of a machine's own past: an hour of the week, and its row.
    pub fn saved(&mut self) -> Option<(usize, String)> {
        match &mut self.against {
            Against::Tag { .. } => None,
            Against::Past { baseline, .. } => baseline.saved(),
        }
    }

    /// Goes on from a row that was kept.
    ///
    /// # Errors
    /// What was kept cannot be read.
    pub fn resume_saved(&mut self, hour: usize, saved: &str) -> Result<(), serde_json::Error> {
        match &mut self.against {
            Against::Tag { .. } => Ok(()),
            Against::Past { baseline, .. } => baseline.resume(hour, saved),
        }
    }

    /// The figure of two tags; of a machine's own past, the value itself.
    pub fn value(&self) -> Option<f64> {
        match &self.against {
            Against::Tag { .. } => self.figure,
            Against::Past { value, .. } => *value,
        }
    }

    /// What it is compared with: the value of the other tag, or what is usual.
    pub fn expected(&self) -> Option<f64> {
        match &self.against {
            Against::Tag { latest, .. } => latest[1].map(|(value, _)| value),
            Against::Past { baseline, .. } => baseline.usual().map(|usual| usual.value),
        }
    }
}

/// The figure of two tags; `None` while one is not known, too old, or cannot be divided by.
fn pair(latest: &[Option<(f64, Moment)>; 2], figure: Figure, within: Option<Wait>) -> Option<f64> {
    let [Some((value, at)), Some((other, other_at))] = *latest else { return None };
    let apart = at.since(other_at).max(other_at.since(at));
    if within.is_some_and(|within| apart > within.0) {
        return None;
    }
    let found = match figure {
        Figure::Difference => value - other,
        Figure::Distance => (value - other).abs(),
        Figure::Ratio => value / other,
        Figure::Percent => 100.0 * (value - other) / other.abs(),
    };
    found.is_finite().then_some(found)
}

/// How far from usual, in times or in standard deviations; `None` where that means nothing.
fn past(usual: &Usual, value: f64, is_sigmas: bool) -> Option<f64> {
    let found = if is_sigmas { (value - usual.value).abs() / usual.spread } else { value / usual.value };
    found.is_finite().then_some(found)
}

#[cfg(test)]
#[path = "compare/tests.rs"]
mod tests;
