//! From values and times to places in the picture.

use contract::Chart;
use contract::chart::Point;

/// Where the curve is drawn, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
    from_ms: f64,
    to_ms: f64,
    lowest: f64,
    highest: f64,
}

impl Frame {
    /// The frame that shows all of a chart.
    pub fn new(chart: &Chart, left: f64, right: f64, top: f64, bottom: f64) -> Frame {
        let times = chart.points.iter().map(|point| point.at.as_ms()).chain([chart.begun.at.as_ms()]);
        let (from, to) = bounds(times.map(|ms| ms as f64));
        let shown = chart.points.iter().filter_map(|point| point.value);
        let ticks = chart.values.iter().map(|tick| tick.value);
        let others = chart
            .usual
            .iter()
            .flat_map(|band| [band.from, band.to])
            .chain(chart.limit.iter().map(|tick| tick.value));
        let (lowest, highest) = bounds(shown.chain(ticks).chain(others).filter(|value| value.is_finite()));
        Frame { left, right, top, bottom, from_ms: from, to_ms: to, lowest, highest }
    }

    /// Where a time is, from left to right; never outside.
    pub fn x(&self, ms: i64) -> f64 {
        self.left + part(ms as f64, self.from_ms, self.to_ms) * (self.right - self.left)
    }

    /// Where a value is, from the bottom up; never outside.
    pub fn y(&self, value: f64) -> f64 {
        self.bottom - part(value, self.lowest, self.highest) * (self.bottom - self.top)
    }

    /// The pieces of the curve between its gaps, as places.
    pub fn pieces(&self, points: &[Point]) -> Vec<Vec<(f64, f64)>> {
        let mut pieces = vec![Vec::new()];
        for point in points {
            match (point.value.filter(|value| value.is_finite()), pieces.last_mut()) {
                (Some(value), Some(piece)) => piece.push((self.x(point.at.as_ms()), self.y(value))),
                (None, Some(piece)) if !piece.is_empty() => pieces.push(Vec::new()),
                _ => {}
            }
        }
        pieces.retain(|piece| !piece.is_empty());
        pieces
    }
}

/// How far on the way, 0 to 1. Halves first: the whole way may be longer than the largest number.
fn part(value: f64, from: f64, to: f64) -> f64 {
    let part = (value / 2.0 - from / 2.0) / (to / 2.0 - from / 2.0);
    if part.is_nan() { 0.0 } else { part.clamp(0.0, 1.0) }
}

/// The smallest and the largest, never the same.
fn bounds(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = numbers
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| (low.min(number), high.max(number)));
    match (low.is_finite() && high.is_finite(), high > low) {
        (true, true) => (low, high),
        // Half of a unit around one value alone.
        (true, false) => (low - 0.5, low + 0.5),
        (false, _) => (0.0, 1.0),
    }
}
