//! Takes an episode and what it is about, gives a post in a language.
//!
//! Deliberately absent: no clock (the moment of writing is an argument), no markup, no network.

mod course;
mod digest;
mod figure;
mod flood;
mod forecast;
pub mod language;
#[cfg(test)]
pub(crate) mod lint;
mod milestone;
mod raised;
mod standing;
mod subject;
mod summary;
mod write;

pub use digest::{Outage, Still, catch_up};
pub use flood::flood;
pub use forecast::{Forecast, Lasts, LateWords, ReachWords, Stands};
pub use language::{LANGUAGES, Language, LanguageError};
pub use milestone::{Milestone, milestone};
pub use subject::{About, AlarmWords, FieldWords, Figure, RecordWords, Subject, TagWords};
pub use summary::{Average, Ended, Longest, Summary, summary};
pub use write::{Known, retire, write};
