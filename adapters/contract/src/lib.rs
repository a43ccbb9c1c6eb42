//! All that an adapter knows of portevoix.
//!
//! A **source** gives [`Sample`]s in [`Batch`]es; a **network** shows [`Post`]s. An adapter connects, reads or
//! publishes, and says what kind of error it met. Retrying, back-off, pace, counting and logging once are done
//! by the rooms, once, for all adapters.
//!
//! Deliberately absent: no clock (time is an argument), no configuration file, no knowledge of rules or episodes.

pub mod backoff;
pub mod chart;
mod kind;
#[cfg(feature = "kit")]
pub mod kit;
pub mod near;
mod network;
mod post;
mod sample;
pub mod settings;
mod source;
pub mod suggest;
mod text;
mod time;

pub use chart::Chart;
pub use kind::{Brings, Check, Fault, NetworkKind, NoLists, NoTags, Setup, SourceKind, examine, unread};
pub use network::{
    Capabilities, Delivery, DeliveryError, DeliveryKey, Length, Network, Pace, Receipt, Repeat, Step,
};
pub use post::{Author, EpisodeId, Line, LineRole, Mark, Post, Priority, Provenance, Site};
pub use sample::{
    Alarm, Batch, Cause, Event, Field, FieldKind, Flaw, ListAddress, ListId, Notice, Origin, Quality, Reads,
    Record, Sample, TagAddress, TagId, Thing, Ticket, Trouble, Value,
};
pub use source::{Source, SourceError};
pub use text::{DATA_CHARS_MAX, Span, Text, clean};
pub use time::Moment;

/// What adapters need to write the traits without naming the crate behind them.
pub use async_trait::async_trait;
