//! The trait of a source, and the four ways in which one can fail.

use crate::{Batch, Ticket, async_trait};

/// Gives samples. Connects and gives the next batch; it does not retry, back off, count or log a lost line.
#[async_trait]
pub trait Source: Send {
    /// Makes the connection, and all that hangs on it (session, subscriptions), anew.
    async fn connect(&mut self) -> Result<(), SourceError>;

    /// The next batch. Safe to drop half-way: nothing that the source would not give again is lost.
    async fn next(&mut self) -> Result<Batch, SourceError>;

    /// The batch of this ticket is safe with us. A ticket of an earlier connection is no error.
    async fn settle(&mut self, ticket: Ticket) -> Result<(), SourceError>;

    /// The program stops: says goodbye to the peer. Called once, after everything else; given some seconds, then
    /// dropped. A source that is dropped without it leaves nothing running either.
    async fn close(&mut self) {}
}

/// Each variant is another next step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The line is gone: wait a little, connect again.
    #[error("{0}")]
    Lost(String),
    /// Password, certificate or right refused: a person must look. Tried again rarely.
    #[error("{0}")]
    LockedOut(String),
    /// The configuration cannot work with this peer: mend it.
    #[error("{0}")]
    Refused(String),
    /// There is nothing more to come.
    #[error("the source has ended")]
    Ended,
}
