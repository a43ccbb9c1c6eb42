//! Keeps one source connected: back-off, a log line when something changes, and the settling of batches.

use std::time::Duration;

use contract::{Batch, Source, SourceError, Ticket, backoff};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// First wait after a line was lost; doubled …
const LOST_FIRST: Duration = Duration::from_millis(250);
/// … up to this: a broker that restarts is back within seconds, and so are we.
const LOST_MAX: Duration = Duration::from_secs(3);
/// A person must look or mend: asked again this rarely.
const PERSON_WAIT: Duration = Duration::from_secs(30);
/// An adapter that does not connect within this time has lost itself.
const CONNECT_MAX: Duration = Duration::from_secs(60);

/// What a source told.
#[derive(Debug)]
pub enum Heard {
    /// It is connected from now on.
    Up,
    /// It is not connected, for this reason.
    Down(String),
    /// It said something.
    Batch(Batch),
}

/// One source with its lines to the middle.
pub struct Line {
    /// Its number.
    pub number: usize,
    /// Its name, for the log.
    pub name: String,
    /// Where it speaks to.
    pub out: mpsc::Sender<(usize, Heard)>,
    /// The batches that are safe.
    pub settled: mpsc::Receiver<Ticket>,
    /// When to stop.
    pub stop: CancellationToken,
}

/// Runs a source until it is stopped or has nothing more to say.
pub async fn supervise(mut source: Box<dyn Source>, mut line: Line) {
    let stop = line.stop.clone();
    tokio::select! {
        () = stop.cancelled() => {}
        () = live(&mut *source, &mut line) => {}
    }
}

async fn live(source: &mut dyn Source, line: &mut Line) {
    let mut tries = 0u32;
    let mut last_said = String::new();
    loop {
        let error = match tokio::time::timeout(CONNECT_MAX, source.connect()).await {
            Ok(Ok(())) => {
                info!(source = %line.name, "connected");
                last_said.clear();
                if line.out.send((line.number, Heard::Up)).await.is_err() {
                    return;
                }
                let (error, has_spoken) = listen(source, line).await;
                // A line that is lost before it says a word is tried again with growing patience.
                tries = if has_spoken { 0 } else { tries };
                error
            }
            Ok(Err(error)) => error,
            Err(_) => SourceError::Lost("no connection within 60 s".into()),
        };
        let reason = error.to_string();
        if reason != last_said {
            warn!(source = %line.name, %reason, "lost");
            last_said.clone_from(&reason);
        }
        if line.out.send((line.number, Heard::Down(reason))).await.is_err() || error == SourceError::Ended {
            return;
        }
        let seed = line.name.bytes().map(u64::from).sum();
        let pause = match error {
            SourceError::Lost(_) => backoff::wait(tries, LOST_FIRST, LOST_MAX, seed),
            SourceError::LockedOut(_) | SourceError::Refused(_) | SourceError::Ended => PERSON_WAIT,
        };
        tries = tries.saturating_add(1);
        tokio::time::sleep(pause).await;
    }
}

/// Passes batches on and settles them, until the line is lost. Also tells whether there was any batch.
async fn listen(source: &mut dyn Source, line: &mut Line) -> (SourceError, bool) {
    let mut has_spoken = false;
    loop {
        tokio::select! {
            biased;
            Some(ticket) = line.settled.recv() => {
                if let Err(error) = source.settle(ticket).await {
                    return (error, has_spoken);
                }
            }
            batch = source.next() => match batch {
                Ok(batch) => {
                    has_spoken = true;
                    if pass_on(source, line, batch).await.is_err() {
                        return (SourceError::Ended, has_spoken);
                    }
                }
                Err(error) => return (error, has_spoken),
            }
        }
    }
}

/// Waits for room in the queue, and settles meanwhile: otherwise a full queue and a full window wait for each
/// other.
async fn pass_on(source: &mut dyn Source, line: &mut Line, batch: Batch) -> Result<(), ()> {
    loop {
        tokio::select! {
            biased;
            room = line.out.reserve() => {
                let Ok(room) = room else { return Err(()) };
                room.send((line.number, Heard::Batch(batch)));
                return Ok(());
            }
            Some(ticket) = line.settled.recv() => {
                // An error here shows again at the next batch.
                let _ = source.settle(ticket).await;
            }
        }
    }
}
