//! How fast a value changes, over a time window: an oil that warms by more than 2 °C a minute.
//!
//! The rate is the median of the slopes between the points of the window (Theil 1950, Sen 1968): it does not care
//! how regular the readings are, and a few wild values do not move it. A point is the mean of the readings in one
//! slot, a sixteenth of the window, so that a fast tag takes no more memory than a slow one.

use std::time::Duration;

use contract::settings::Wait;
use contract::{Check, Fault, Moment, Origin};
use schemars::JsonSchema;
use serde::Deserialize;

use super::bound::Bound;
use super::limit::check_usual;
use super::order::{Order, Place};
use super::{Level, Verdict};
use crate::reading::Reading;

/// Slots in a window. The slopes between all of them are a hundred and twenty, a microsecond's work.
const SLOTS: usize = 16;

/// A window lies across one slot more than it has.
const POINTS_MAX: usize = SLOTS + 1;

/// `[….rule.rate.<name>]`: how fast a value changes.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The tag whose value is judged.
    pub tag: String,
    /// The time over which the rate is worked out. Shorter notices sooner, longer is calmer.
    pub over: Wait,
    /// The time in which the limits are counted: with `1m`, `above = 2` is two units a minute.
    #[serde(default = "minute")]
    pub per: Wait,
    /// Abnormal when it rises faster. Negative: when it falls more slowly. Either this or `below`.
    pub above: Option<f64>,
    /// Abnormal when it rises more slowly. Negative: when it falls faster. Either this or `above`.
    pub below: Option<f64>,
    /// Normal again from here. Without it, the limit itself.
    pub clear: Option<f64>,
    /// No opinion with fewer points, 3 to 16. A point is the mean of the readings in a sixteenth of `over`.
    #[serde(default = "points_min")]
    pub points_min: u8,
    /// No opinion while the points lie closer together. Without it, half of `over`.
    pub span_min: Option<Wait>,
    /// The usual range, from and to, for the second line of the post.
    pub usual: Option<[f64; 2]>,
}

fn minute() -> Wait {
    Wait::secs(60)
}

fn points_min() -> u8 {
    4
}

impl Section {
    /// The tags that it hears, in the order of `which`.
    pub fn tags(&self) -> Vec<&str> {
        vec![&self.tag]
    }

    fn span_min(&self) -> Duration {
        self.span_min.map_or(self.over.0 / 2, |span| span.0)
    }
}

impl Check for Section {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.over < Wait::secs(1) {
            faults.push(Fault::at("over", "shorter than a second, expected at least `1s`"));
        }
        if self.per.0.is_zero() {
            faults.push(Fault::at("per", "no time at all, expected such as `1m`"));
        }
        faults.extend(Bound::check(self.above, self.below, self.clear));
        if !(3..=16).contains(&self.points_min) {
            faults.push(Fault::at("points_min", format!("found {}, expected 3 to 16", self.points_min)));
        }
        if self.span_min() >= self.over.0 {
            faults.push(Fault::at("span_min", "as long as `over` or longer, expected less"));
        }
        faults.extend(check_usual(self.usual));
        faults
    }
}

/// The mean of the readings in one slot of time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Point {
    /// Which slot, counted from 1970.
    slot: i64,
    /// Their mean time in it, in milliseconds.
    within: f64,
    value: f64,
    count: u32,
}

impl Point {
    fn add(&mut self, within: f64, value: f64) {
        self.count = self.count.saturating_add(1);
        let share = 1.0 / f64::from(self.count);
        self.within += (within - self.within) * share;
        self.value += (value - self.value) * share;
    }
}

/// The rule at work.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    bound: Bound,
    order: Order,
    slot_ms: i64,
    per_ms: f64,
    points_min: usize,
    span_min_ms: f64,
    points: [Point; POINTS_MAX],
    held: usize,
    rate: Option<f64>,
}

impl Rate {
    /// The rule of a section that passed its check.
    pub fn new(section: &Section, _now: Moment) -> Rate {
        let ms = |wait: Duration| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        Rate {
            bound: Bound::new(section.above, section.below, section.clear),
            order: Order::default(),
            slot_ms: (ms(section.over.0) / SLOTS as i64).max(1),
            per_ms: ms(section.per.0) as f64,
            points_min: usize::from(section.points_min),
            span_min_ms: ms(section.span_min()) as f64,
            points: [Point::default(); POINTS_MAX],
            held: 0,
            rate: None,
        }
    }

    /// A reading came. The rate is judged when one begins a new slot; in between nothing can be seen that matters.
    pub fn hear(&mut self, _which: usize, reading: &Reading) -> Option<Verdict> {
        let Some(value) = reading.value else { return Some(Verdict::Unknown) };
        // The last word of a broker says nothing of when it was so.
        if reading.origin == Origin::Retained && !reading.is_timed {
            return None;
        }
        match self.order.place(reading) {
            Place::Next => {}
            Place::Late => return None,
            Place::Anew => self.forget(),
        }
        let at = reading.at.as_ms();
        let (slot, within) = (at.div_euclid(self.slot_ms), at.rem_euclid(self.slot_ms) as f64);
        if let Some(last) = self.held.checked_sub(1)
            && self.points[last].slot == slot
        {
            self.points[last].add(within, value);
            return None;
        }
        self.push(Point { slot, within, value, count: 1 });
        self.rate = self.work_out();
        Some(self.rate.map_or(Verdict::Unknown, |rate| self.bound.judge(rate)))
    }

    /// A new slot began: what is older than the window leaves.
    fn push(&mut self, point: Point) {
        let held = &self.points[..self.held];
        let gone = held.iter().take_while(|old| old.slot < point.slot.saturating_sub(SLOTS as i64)).count();
        self.points.copy_within(gone..self.held, 0);
        self.held -= gone;
        self.points[self.held] = point;
        self.held += 1;
    }

    /// The median of all slopes, per `per`; `None` while there are too few points, or too close together.
    fn work_out(&self) -> Option<f64> {
        let points = &self.points[..self.held];
        let newest = points.last()?.slot;
        let (mut times, mut values) = ([0.0; POINTS_MAX], [0.0; POINTS_MAX]);
        for (at, point) in points.iter().enumerate() {
            // Counted from the newest slot, so that no precision is lost to the years since 1970.
            times[at] = ((point.slot - newest) * self.slot_ms) as f64 + point.within;
            values[at] = point.value;
        }
        let span = times[points.len() - 1] - times[0];
        if points.len() < self.points_min || span < self.span_min_ms {
            return None;
        }
        let mut slopes = [0.0; POINTS_MAX * (POINTS_MAX - 1) / 2];
        let mut count = 0;
        for later in 1..points.len() {
            for earlier in 0..later {
                slopes[count] = (values[later] - values[earlier]) / (times[later] - times[earlier]);
                count += 1;
            }
        }
        Some(median(&mut slopes[..count]) * self.per_ms)
    }

    fn forget(&mut self) {
        (self.held, self.rate) = (0, None);
    }

    /// The clock was set: what was heard has no time any more.
    pub fn start_anew(&mut self, _now: Moment) {
        self.forget();
        self.order = Order::default();
    }

    /// Goes on from a level that was reached before a restart.
    pub fn resume(&mut self, level: Level) {
        self.bound.resume(level);
    }

    /// The rate, in units of the tag per `per`.
    pub fn value(&self) -> Option<f64> {
        self.rate
    }
}

/// The middle value; the mean of the two in the middle of an even number. Orders the slice.
pub(super) fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    if values.is_empty() {
        return f64::NAN;
    }
    let (below, high, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let (low, high) = (below.iter().copied().fold(f64::NEG_INFINITY, f64::max), *high);
    if values.len() % 2 == 1 { high } else { low + (high - low) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::bound::draw;
    use crate::rule::order::reading;
    use proptest::prelude::*;

    fn rate(text: &str) -> Rate {
        let section: Section = toml::from_str(&format!("tag = 't'\n{text}")).unwrap();
        assert_eq!(section.check(), [], "{text}");
        Rate::new(&section, Moment::from_ms(0))
    }

    /// Plays seconds and values.
    #[track_caller]
    fn check(text: &str, readings: &[(i64, f64)], want: &str) {
        let mut rate = rate(text);
        let drawn: String = readings
            .iter()
            .map(|(secs, value)| draw(rate.hear(0, &reading(secs * 1_000, Some(*value)))))
            .collect();
        assert_eq!(drawn, want, "{text}");
    }

    #[test]
    fn a_rise_is_noticed_and_a_wild_value_is_not() {
        let rise: Vec<(i64, f64)> = (0..8).map(|step| (step * 20, step as f64)).collect();
        check("over = '2m'\nabove = 2", &rise, "???11111");
        check("over = '2m'\nabove = 4", &rise, "???.....");
        check("over = '2m'\nbelow = -2", &rise, "???.....");
        let wild = [(0, 5.0), (20, 5.0), (40, 5.0), (60, 5.0), (80, 99.0), (100, 5.0), (120, 5.0)];
        check("over = '2m'\nabove = 2", &wild, "???....");
    }

    #[test]
    fn normal_again_from_the_clear_rate() {
        let values = [0.0, 1.0, 2.0, 3.0, 4.0, 4.5, 5.0, 5.5, 6.0, 6.0, 6.0, 6.0, 6.0];
        let readings: Vec<(i64, f64)> = (0..).map(|step| step * 20).zip(values).collect();
        check("over = '1m'\nabove = 2.5\nclear = 1", &readings, "???1111111...");
    }

    #[test]
    fn too_few_or_too_close_or_long_gone_says_nothing() {
        check("over = '2m'\nabove = 2", &[(0, 0.0), (10, 9.0), (20, 18.0), (30, 27.0), (40, 36.0)], "?????");
        check("over = '2m'\nabove = 2", &[(0, 0.0), (30, 9.0), (60, 18.0), (90, 27.0), (500, 99.0)], "???1?");
    }

    #[test]
    fn a_fast_tag_is_judged_once_for_each_slot_and_a_bad_value_not_at_all() {
        let mut rate = rate("over = '16s'\nper = '1s'\nabove = 0.5");
        let drawn: String =
            (0..20).map(|step| draw(rate.hear(0, &reading(step * 500, Some(step as f64 / 2.0))))).collect();
        assert_eq!(drawn, "?-?-?-?-?-?-?-?-?-1-");
        assert_eq!(rate.hear(0, &reading(10_000, None)), Some(Verdict::Unknown));
        assert_eq!(rate.value().map(f64::round), Some(1.0));
    }

    #[test]
    fn a_clock_that_was_set_back_begins_anew() {
        let mut rate = rate("over = '1m'\nabove = 2");
        for step in 0..8_i32 {
            rate.hear(0, &reading(3_600_000 + i64::from(step) * 20_000, Some(f64::from(step))));
        }
        assert!(rate.value().is_some());
        assert_eq!(rate.hear(0, &reading(1_000, Some(7.0))), Some(Verdict::Unknown));
        assert_eq!(rate.value(), None);
    }

    #[test]
    fn says_what_cannot_be() {
        let faults = |text: &str| {
            let section: Section = toml::from_str(&format!("tag='t'\n{text}")).unwrap();
            section.check().into_iter().map(|fault| fault.key).collect::<Vec<_>>()
        };
        assert_eq!(faults("over='1m'"), [""]);
        assert_eq!(faults("over='1m'\nabove=1\nbelow=0"), ["below"]);
        assert_eq!(faults("over='1m'\nabove=1\nclear=2"), ["clear"]);
        assert_eq!(
            faults("over='0s'\nper='0s'\nabove=1\npoints_min=2"),
            ["over", "per", "points_min", "span_min"]
        );
        assert_eq!(faults("over='1m'\nabove=1\nspan_min='2m'\nusual=[2,1]"), ["span_min", "usual"]);
    }

    proptest! {
        /// Of a straight line, the rate is its slope, however irregular the readings are, at any year.
        #[test]
        fn a_straight_line_has_its_slope(
            gaps in prop::collection::vec(0_i64..30_000, 1..200),
            slope in -50.0..50.0_f64,
            start in 0_i64..2_000_000_000_000,
        ) {
            let mut rate = rate("over = '3m'\nabove = 1e9");
            let mut at = start;
            for gap in gaps {
                at += gap;
                let value = 20.0 + slope * (at - start) as f64 / 60_000.0;
                rate.hear(0, &reading(at, Some(value)));
                if let Some(rate) = rate.value() {
                    prop_assert!((rate - slope).abs() < 1e-6, "{rate} for {slope}");
                }
            }
        }

        /// Three wild readings in an otherwise straight line of many move nothing far.
        #[test]
        fn few_wild_values_do_not_move_it(
            wild in prop::collection::vec((0_usize..17, -1e6..1e6_f64), 0..3),
            slope in -5.0..5.0_f64,
        ) {
            let mut rate = rate("over = '16m'\nabove = 1e9");
            for step in 0..17_usize {
                let value = wild.iter().find(|(at, _)| *at == step).map(|(_, value)| *value);
                let value = value.unwrap_or(slope * step as f64);
                rate.hear(0, &reading(step as i64 * 60_000, Some(value)));
            }
            let told = rate.value().unwrap_or(f64::NAN);
            prop_assert!((told - slope).abs() < 1e-6, "{told} for {slope}");
        }
    }
}
