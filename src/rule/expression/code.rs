//! The compiled tree: names are slots, types are checked, so that evaluating it cannot fail.

use std::time::Duration;

use super::evaluate::Values;
use super::names::{Holds, NameKind};
use crate::rule::Side;

/// What is true, false or unknown.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each is an operator of the language, told in `parser`")]
pub enum Claim {
    Known(bool),
    Slot(u16),
    Not(Box<Claim>),
    And(Box<[Claim; 2]>),
    Or(Box<[Claim; 2]>),
    If(Box<[Claim; 3]>),
    Compare(Order, Box<[Amount; 2]>),
    /// Both claims are the same, or are not.
    Agree(bool, Box<[Claim; 2]>),
    /// Both words are the same, or are not.
    Words(bool, Box<[Words; 2]>),
    AmountIn(Box<(Amount, Box<[f64]>)>),
    WordsIn(Box<(Words, Box<[Box<str>]>)>),
    /// So many of these, at least.
    AtLeast(u16, Box<[Claim]>),
}

/// A finite number or unknown. A duration is a number of milliseconds.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each is an operator or function of the language")]
pub enum Amount {
    Known(f64),
    Slot(u16),
    Negate(Box<Amount>),
    Abs(Box<Amount>),
    Two(Arithmetic, Box<[Amount; 2]>),
    If(Box<(Claim, Amount, Amount)>),
    /// The figure of a window, by its index.
    Window(u16),
    /// How long a claim has been true, by its index.
    Since(u16),
    /// How long ago a slot was read.
    Age(u16),
}

/// Words or unknown.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "as above")]
pub enum Words {
    Known(Box<str>),
    Slot(u16),
    If(Box<(Claim, Words, Words)>),
}

/// How two amounts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the signs")]
pub enum Order {
    Less,
    AtMost,
    More,
    AtLeast,
    Same,
    Other,
}

/// What is done with two amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the signs")]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Mod,
}

/// One value that the expression reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The machine of a place that it belongs to, by its index in `Names::machines`; `None` for the machine of the
    /// rule.
    pub machine: Option<usize>,
    /// The configured name.
    pub name: String,
    /// Where its value comes from.
    pub kind: NameKind,
    /// What it holds.
    pub holds: Holds,
    /// Its value may be trusted for so long; always, without it.
    pub fresh_for: Option<Duration>,
}

/// What is taken from a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    /// The mean over time: a value holds until the next one.
    Avg,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// All readings added up.
    Sum,
    /// How many readings.
    Count,
    /// The change in a minute, by the straight line that fits best.
    Rate,
    /// The value that is not passed for this part of the time, 0 to 1.
    Quantile(f64),
}

/// A window that the expression looks through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowUse {
    /// Of which slot.
    pub slot: u16,
    /// How far back.
    pub length: Duration,
    /// What is taken from it.
    pub function: Function,
}

/// What runs while nothing is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timed {
    /// How long a claim has been true, by its index.
    Since(u16),
    /// How long ago a slot was read.
    Age(u16),
}

/// A claim of the machine's world, with all that it needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    pub(super) when: Claim,
    pub(super) clear: Option<Claim>,
    pub(super) figure: Option<(Amount, Option<Box<str>>)>,
    /// It is abnormal while its figure is small.
    pub(super) is_low: bool,
    /// What the figure is compared with, if it is the value of a tag.
    pub(super) limit: Option<f64>,
    pub(super) slots: Box<[Slot]>,
    pub(super) windows: Box<[WindowUse]>,
    /// The claims of `since`, an inner one before the one around it.
    pub(super) sinces: Box<[Claim]>,
    /// The durations that times are compared with.
    pub(super) limits: Box<[(Timed, Duration)]>,
    /// Times are used in another way as well, so that nobody knows when it changes.
    pub(super) is_coarse: bool,
}

impl Expression {
    /// The values it reads, in the order in which they are given.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The windows it looks through.
    pub fn windows(&self) -> &[WindowUse] {
        &self.windows
    }

    /// Is it so?
    pub fn evaluate(&self, values: &Values<'_>) -> Option<bool> {
        values.claim(&self.when)
    }

    /// Is it over? `None` where that is the opposite of [`Expression::evaluate`].
    pub fn clear(&self) -> Option<&Claim> {
        self.clear.as_ref()
    }

    /// The figure that is told: the first number that is compared.
    pub fn figure(&self, values: &Values<'_>) -> Option<f64> {
        values.amount(&self.figure.as_ref()?.0)
    }

    /// The number that the figure is compared with; `None` where it is worked out of a tag, or compared with another.
    pub fn limit(&self) -> Option<f64> {
        self.limit
    }

    /// Which side of the figure that is told is worse.
    pub fn side(&self) -> Side {
        if self.is_low { Side::Low } else { Side::High }
    }

    /// The unit of the figure that is told.
    pub fn unit(&self) -> Option<&str> {
        self.figure.as_ref().and_then(|(_, unit)| unit.as_deref())
    }
}
