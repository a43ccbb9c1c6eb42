//! The course of a value, as data: what is drawn is decided once, and each network that shows pictures draws the same.

use serde::{Deserialize, Serialize};

use crate::Moment;

/// From low to high, as letters.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// More are not told apart at the width of a phone.
pub const POINTS_MAX: usize = 120;

/// The course of a value up to now. All words and numbers are those of the language of its post.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// One sentence for whoever does not see it: it says what the shape says.
    pub alt: String,
    /// What is drawn: `palier arrière, °C`.
    pub title: String,
    /// Oldest first, at most twice [`POINTS_MAX`] with its gaps.
    pub points: Vec<Point>,
    /// What is usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<Band>,
    /// The limit that was passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Tick>,
    /// When the episode began.
    pub begun: Mark,
    /// The scale of values, the lowest first: at least two.
    pub values: Vec<Tick>,
    /// The scale of times, the earliest first.
    pub times: Vec<Mark>,
}

impl Chart {
    /// The course as so many letters at most, for networks that show no pictures: `▁▁▂▂▁▃▅▇█`. A gap is a space; nothing
    /// where no value is known.
    pub fn sparkline(&self, letters: usize) -> String {
        let known = self.points.iter().filter_map(|point| point.value).filter(|value| value.is_finite());
        let (low, high) = known
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high || letters == 0 {
            return String::new();
        }
        let letter = |points: &[Point]| {
            let known = points.iter().filter_map(|point| point.value).filter(|value| value.is_finite());
            let (sum, count) = known.fold((0.0, 0.0), |(sum, count), value| (sum + value / 2.0, count + 1.0));
            if count == 0.0 {
                return ' ';
            }
            // Halves: a sum of two values may be longer than the largest number.
            let part = (sum / count - low / 2.0) / (high / 2.0 - low / 2.0).max(f64::MIN_POSITIVE);
            // 0 to 7.
            BARS[((part.clamp(0.0, 1.0) * 7.0).round() as usize).min(7)]
        };
        let each = self.points.len().div_ceil(letters).max(1);
        self.points.chunks(each).map(letter).collect::<String>().trim().to_owned()
    }
}

/// A range of values with its words: `habituel`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// The lower end.
    pub from: f64,
    /// The upper end.
    pub to: f64,
    /// What stands in it.
    pub words: String,
}

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "(Moment, Option<f64>)", into = "(Moment, Option<f64>)")]
pub struct Point {
    /// When.
    pub at: Moment,
    /// The value; none where nothing could be trusted: the line has a gap there.
    pub value: Option<f64>,
}

impl From<(Moment, Option<f64>)> for Point {
    fn from((at, value): (Moment, Option<f64>)) -> Point {
        Point { at, value }
    }
}

impl From<Point> for (Moment, Option<f64>) {
    fn from(Point { at, value }: Point) -> (Moment, Option<f64>) {
        (at, value)
    }
}

/// A value with its words: `80`, or `limite 80`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tick {
    /// Where on the scale.
    pub value: f64,
    /// What stands there.
    pub words: String,
}

/// A time with its words: `14:00`, or `depuis 14:02`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Where on the scale.
    pub at: Moment,
    /// What stands there.
    pub words: String,
}
