//! Takes what a machine says of its state and its counters, gives what it made and where its time went: the times of
//! NF E60-182, the TRS (OEE) and its factors, the stops, how an order goes, how long a stock lasts.
//!
//! Everything is a sum of times and counts, and a percentage is computed once, at the end: so two halves of a shift
//! give the figures of the shift. What is not known, because a machine was silent, is a class of its own; it is told,
//! and it is in no percentage.
//!
//! The times after NF E60-182 (May 2002), as <http://geniop.com/fr/doc/norme-E60-182.aspx> gives its table: tT total;
//! tO opening, without closed hours; tR required, without breaks, maintenance and no orders; tF running, without stops
//! of its own and induced ones; tN net, without lost speed; tU useful, without scrap. TRS = tU/tR, TRG = tU/tO,
//! TRE = tU/tT; TRS = availability tF/tR × performance tN/tF × quality tU/tN.
//!
//! Deliberately absent: no clock, no words, no person: a machine is compared with itself alone.

mod counter;
mod figures;
mod forecast;
mod ledger;
pub mod order;
mod pace;
pub mod section;
pub mod stock;
mod stops;
mod summary;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use figures::{Figures, Losses, Parts, Times};
pub use forecast::{LateSection, ReachSection};
pub use ledger::{Count, Kept, Ledger};
pub use order::{Order, Progress};
pub use pace::Pace;
pub use section::{CauseSection, Method, MicroStops, Section};
pub use stock::Usage;
pub use stops::{LONGEST_MAX, Lost, Stop, Stops};
pub use summary::{Span, SummarySection};

/// Why a machine stands: the number of a cause among those of its section, in the order of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cause(pub u8);

/// What a machine does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// It runs.
    Running,
    /// It stands, for a cause if one is known.
    Stopped(Option<Cause>),
    /// It does not say, or what it says cannot be trusted.
    #[default]
    Unknown,
}
