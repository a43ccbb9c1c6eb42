//! What was heard of a tag in the last so long, in bounded memory at any rate.
//!
//! A window has 64 parts. A reading is counted in the part of its time, so a figure looks back between 63 and 64
//! parts of the length. Every figure is that of the readings, not of the time they held: of a tag that speaks only
//! when it changes, `avg` is the mean of its changes.
//!
//! - `avg`, `min`, `max`, `sum` and `count` are exact for the readings they look at.
//! - `quantile` is exact up to four readings in each part; of more, the last four of the part stand for all of it.
//! - `rate` is the slope of the straight line that fits the means of the parts best, each with the weight of its
//!   readings; unknown until they lie half a window apart.
//! - `sum` and `count` are unknown until one whole length has gone by since the start: half a count is a lie.
//!
//! Deliberately absent: what is true of the time between readings.

use std::time::Duration;

use contract::Moment;

use super::code::{Function, WindowUse};

/// How many parts a window has: two and a half kilobytes, and an error of a sixtieth.
const PARTS: usize = 64;

/// How many readings of a part a quantile keeps one by one.
const KEPT: usize = 4;

/// What a window must do. Whoever keeps readings another way takes the place of [`Parts`].
pub trait Window {
    /// A reading that may be trusted.
    fn hear(&mut self, value: f64, at: Moment);
    /// The figure, if it is known now.
    fn figure(&mut self, now: Moment) -> Option<f64>;
    /// When the figure changes next if nothing is heard.
    fn due(&self, now: Moment) -> Option<Moment>;
}

/// The readings of one part.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Part {
    /// Which one, counted from 1970.
    number: i64,
    count: u32,
    sum: f64,
    low: f64,
    high: f64,
    /// The times of the readings together, in milliseconds after the beginning of the part.
    times: f64,
}

impl Part {
    fn add(&mut self, value: f64) {
        self.count = self.count.saturating_add(1);
        self.sum += value;
        self.low = self.low.min(value);
        self.high = self.high.max(value);
    }
}

/// A window of 64 parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    function: Function,
    length: Duration,
    part_ms: i64,
    since: Moment,
    ring: Box<[Part]>,
    /// What the parts in the window come to while this one is the newest. A reading is added to it; it is worked out
    /// anew when a part begins or leaves.
    total: Option<(i64, Part)>,
    /// For a quantile alone.
    kept: Box<[[f64; KEPT]]>,
}

impl Parts {
    /// An empty window, from `now` on.
    pub fn new(window: &WindowUse, now: Moment) -> Parts {
        let length = i64::try_from(window.length.as_millis()).unwrap_or(i64::MAX);
        let is_kept = matches!(window.function, Function::Quantile(_));
        Parts {
            function: window.function,
            length: window.length,
            part_ms: (length / PARTS as i64).max(1),
            since: now,
            ring: vec![Part::default(); PARTS].into(),
            total: None,
            kept: vec![[0.0; KEPT]; if is_kept { PARTS } else { 0 }].into(),
        }
    }

    fn number(&self, at: Moment) -> i64 {
        at.as_ms().div_euclid(self.part_ms)
    }

    /// The parts that lie in the window, and their place in the ring.
    fn parts(&self, now: Moment) -> impl Iterator<Item = (usize, &Part)> {
        let newest = self.number(now);
        let oldest = newest - PARTS as i64;
        // A source may be a little ahead of us: what it said is heard at once.
        let is_in = move |part: &Part| part.count > 0 && part.number > oldest;
        self.ring.iter().enumerate().filter(move |(_, part)| is_in(part))
    }

    /// The parts of the window together; `None` without a reading.
    fn total(&mut self, now: Moment) -> Option<Part> {
        let newest = self.number(now);
        let known = self.total.filter(|(known, _)| *known == newest).map(|(_, total)| total);
        let total = known.unwrap_or_else(|| {
            let all = self.parts(now).map(|(_, part)| *part).reduce(|one, two| Part {
                count: one.count.saturating_add(two.count),
                sum: one.sum + two.sum,
                low: one.low.min(two.low),
                high: one.high.max(two.high),
                ..one
            });
            all.unwrap_or_default()
        });
        self.total = Some((newest, total));
        Some(total).filter(|total| total.count > 0)
    }

    fn quantile(&self, share: f64, now: Moment) -> Option<f64> {
        let mut values = [(0.0, 0.0); PARTS * KEPT];
        let mut length = 0;
        for (at, part) in self.parts(now) {
            let kept = (part.count as usize).min(KEPT);
            for value in &self.kept.get(at)?[..kept] {
                values[length] = (*value, f64::from(part.count) / kept as f64);
                length += 1;
            }
        }
        let values = &mut values[..length];
        values.sort_unstable_by(|one, two| one.0.total_cmp(&two.0));
        let wanted = share * values.iter().map(|(_, weight)| weight).sum::<f64>();
        let mut seen = 0.0;
        // A hair less, so that thirds that add up to almost one are one.
        let reached = values.iter().find(|(_, weight)| {
            seen += weight;
            seen >= wanted * (1.0 - 1e-9)
        });
        reached.or(values.last()).map(|(value, _)| *value)
    }

    /// The slope in a minute.
    fn rate(&self, now: Moment) -> Option<f64> {
        let newest = self.number(now);
        let point = |part: &Part| {
            let weight = f64::from(part.count);
            let start = (part.number - newest) as f64 * self.part_ms as f64;
            (weight, start + part.times / weight, part.sum / weight)
        };
        let points = || self.parts(now).map(|(_, part)| point(part));
        let weight: f64 = points().map(|(weight, _, _)| weight).sum();
        let mean_at = points().map(|(weight, at, _)| weight * at).sum::<f64>() / weight;
        let mean = points().map(|(weight, _, value)| weight * value).sum::<f64>() / weight;
        let (first, last) = points()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, at, _)| (low.min(at), high.max(at)));
        if last - first < self.length.as_millis() as f64 / 2.0 {
            return None;
        }
        let (mut above, mut below) = (0.0, 0.0);
        for (weight, at, value) in points() {
            above += weight * (at - mean_at) * (value - mean);
            below += weight * (at - mean_at) * (at - mean_at);
        }
        Some(above / below * 60e3)
    }
}

impl Window for Parts {
    fn hear(&mut self, value: f64, at: Moment) {
        let number = self.number(at);
        let index = number.rem_euclid(PARTS as i64) as usize;
        let Some(part) = self.ring.get_mut(index) else { return };
        if part.number > number && part.count > 0 {
            return;
        }
        if part.number != number || part.count == 0 {
            *part = Part { number, low: value, high: value, ..Part::default() };
            self.total = None;
        }
        if let Some(kept) = self.kept.get_mut(index) {
            kept[part.count as usize % KEPT] = value;
        }
        part.add(value);
        part.times += (at.as_ms() - number * self.part_ms) as f64;
        if let Some((newest, total)) = &mut self.total
            && number > *newest - PARTS as i64
        {
            total.add(value);
        }
    }

    fn figure(&mut self, now: Moment) -> Option<f64> {
        let is_whole = now >= self.since.plus(self.length);
        let figure = match self.function {
            Function::Avg => self.total(now).map(|part| part.sum / f64::from(part.count)),
            Function::Min => self.total(now).map(|part| part.low),
            Function::Max => self.total(now).map(|part| part.high),
            Function::Sum => is_whole.then(|| self.total(now).map_or(0.0, |part| part.sum)),
            Function::Count => is_whole.then(|| self.total(now).map_or(0.0, |part| f64::from(part.count))),
            Function::Rate => self.rate(now),
            Function::Quantile(share) => self.quantile(share, now),
        };
        figure.filter(|figure| figure.is_finite())
    }

    fn due(&self, now: Moment) -> Option<Moment> {
        let oldest = self.parts(now).map(|(_, part)| part.number).min();
        let leaves = oldest.map(|number| (number + PARTS as i64).saturating_mul(self.part_ms));
        let is_counted = matches!(self.function, Function::Sum | Function::Count);
        let whole = is_counted.then(|| self.since.plus(self.length)).filter(|whole| *whole > now);
        leaves.map(Moment::from_ms).into_iter().chain(whole).min()
    }
}
