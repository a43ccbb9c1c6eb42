//! The course of a value, as data: what is drawn is decided once, and each network that shows pictures draws the same.

use serde::{Deserialize, Serialize};

use crate::Moment;

/// More are not told apart at the width of a phone.
pub const POINTS_MAX: usize = 240;

/// The course of a value up to now. All words and numbers are those of the language of its post.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// One sentence for whoever does not see it: it says what the shape says.
    pub alt: String,
    /// What is drawn: `palier arrière, °C`.
    pub title: String,
    /// Oldest first, at most [`POINTS_MAX`].
    pub points: Vec<Point>,
    /// What is usual, from and to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<[f64; 2]>,
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

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// When.
    pub at: Moment,
    /// The value; none where nothing could be trusted: the line has a gap there.
    pub value: Option<f64>,
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
