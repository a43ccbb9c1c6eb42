//! What sources of records share: cells become values, rows become records.
//!
//! A source finds the cells of a row by the `from` of each [`contract::Field`] and hands them to a [`Maker`], which
//! gives a [`contract::Record`] or says what is [`Wrong`], and where. [`cell`] reads text, [`json`] what JSON holds. Of
//! lists that are asked for what has changed, [`Memory`] keeps how far they are safe. A task that asks again and again
//! gives [`Given`]s, and tells a trouble once ([`Told`]).
//!
//! Deliberately absent: any file but that one, connections, and any guess, but in [`guess`], which the probes alone use.
//! How numbers and times are written stands in a [`Style`]; what does not fit is told, never bent until it fits.

mod cell;
mod encoding;
pub mod guess;
mod json;
mod left_out;
mod memory;
mod number;
mod record;
mod rounds;
mod time;
mod wrong;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;

pub use cell::{KEY_MAX, TEXT_MAX, cell, check, faults, native, of_list};
pub use encoding::Encoding;
pub use json::{json, lookup};
pub use left_out::LeftOut;
pub use memory::Memory;
pub use number::plain as number_text;
pub use record::{Cell, Maker};
pub use rounds::{Given, Out, Told};
pub use time::{local, read as read_time, unix};
pub use wrong::Wrong;

/// How cells of text are written.
#[derive(Debug, Clone)]
pub struct Style {
    /// What stands before the decimals of a number.
    pub decimal: Decimal,
    /// The zone of times that are written without one.
    pub zone: TimeZone,
    /// What to do with an hour that a clock change repeats.
    pub repeated: Repeated,
}

impl Style {
    /// With a decimal comma or point; a repeated hour is told.
    pub fn new(decimal: Decimal, zone: TimeZone) -> Style {
        Style { decimal, zone, repeated: Repeated::Tell }
    }
}

/// What stands before the decimals of a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Decimal {
    /// `1 520,32`, and a point may stand between thousands: `1.520,32`.
    #[default]
    #[serde(rename = ",", alias = "comma")]
    Comma,
    /// `1520.32`, and a comma may stand between thousands: `1,520.32`.
    #[serde(rename = ".", alias = "point")]
    Point,
}

/// An hour that a clock change repeats (02:30 on the last Sunday of October) could be two moments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Repeated {
    /// It is told, and its row left out.
    #[default]
    Tell,
    /// The first of the two: summer time.
    First,
    /// The second of the two: winter time.
    Second,
}
