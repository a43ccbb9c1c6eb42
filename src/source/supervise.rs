//! Keeps one source connected: back-off, a log line when something changes, and the settling of batches.

use std::time::Duration;

use contract::{Batch, Source, SourceError, Ticket, backoff};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// First wait after a line was lost; doubled …
const LOST_FIRST: Duration = Duration::from_millis(250);
/// … up to this: a broker that restarts is back within seconds, and so are we.
const LOST_MAX: Duration = Duration::from_secs(3);
/// A person must look or mend: asked again this rarely.
const PERSON_WAIT: Duration = Duration::from_secs(30);
/// A line that holds for so long is up, even if no machine says anything.
const HOLDS_AFTER: Duration = Duration::from_secs(4);
/// An adapter that does not connect within this time has lost itself.
const CONNECT_MAX: Duration = Duration::from_secs(60);
/// So long a source may say goodbye: a program may be given four seconds to end.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// What a source told.
#[derive(Debug)]
pub enum Heard {
    /// It is connected from now on.
    Up,
    /// It is not connected, for this reason.
    Down(String),
    /// It said something.
    Batch(Batch),
    /// It was asked to leave, and says nothing more.
    Left,
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
    /// When to say nothing more: what it said is still settled, until `settled` is closed.
    pub leave: CancellationToken,
    /// When to stop.
    pub stop: CancellationToken,
}

/// Runs a source until it is stopped or has nothing more to say, and has it say goodbye. A panic ends this source
/// alone, and is told.
pub async fn supervise(source: Box<dyn Source>, line: Line) {
    let (out, number, name) = (line.out.clone(), line.number, line.name.clone());
    let mut alone = JoinSet::new();
    alone.spawn(live_and_leave(source, line));
    if let Some(Err(error)) = alone.join_next().await
        && error.is_panic()
    {
        error!(source = %name, %error, "panicked, and is gone until the next start");
        let reason = "the adapter has panicked; start portevoix again and report it".to_owned();
        // Whoever does not listen any more is leaving.
        let _ = out.send((number, Heard::Down(reason))).await;
    }
}

async fn live_and_leave(mut source: Box<dyn Source>, mut line: Line) {
    let (stop, leave) = (line.stop.clone(), line.leave.clone());
    let is_leaving = tokio::select! {
        () = stop.cancelled() => false,
        () = leave.cancelled() => true,
        () = live(&mut *source, &mut line) => false,
    };
    if is_leaving {
        tokio::select! {
            () = stop.cancelled() => {}
            () = settle_rest(&mut *source, &mut line) => {}
        }
    }
    // One that takes longer is dropped, and nothing of it is left.
    let _ = tokio::time::timeout(CLOSE_MAX, source.close()).await;
}

/// Says nothing more, and settles what is still being kept.
async fn settle_rest(source: &mut dyn Source, line: &mut Line) {
    info!(source = %line.name, "leaves");
    if line.out.send((line.number, Heard::Left)).await.is_err() {
        return;
    }
    while let Some(ticket) = line.settled.recv().await {
        // What is not settled comes again, if the source is connected again.
        let _ = source.settle(ticket).await;
    }
}

async fn live(source: &mut dyn Source, line: &mut Line) {
    let mut tries = 0u32;
    let mut last_said = String::new();
    loop {
        let error = match tokio::time::timeout(CONNECT_MAX, source.connect()).await {
            Ok(Ok(())) => {
                let (error, is_proven) = listen(source, line).await;
                if is_proven {
                    last_said.clear();
                    tries = 0;
                }
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

/// Passes batches on and settles them, until the line is lost. A line is up once it gave something or held for a
/// while: one that is thrown out again and again (two gateways with one name) is not. Also tells whether it was up.
async fn listen(source: &mut dyn Source, line: &mut Line) -> (SourceError, bool) {
    let mut is_up = false;
    let holds = tokio::time::sleep(HOLDS_AFTER);
    tokio::pin!(holds);
    loop {
        tokio::select! {
            biased;
            Some(ticket) = line.settled.recv() => {
                if let Err(error) = source.settle(ticket).await {
                    return (error, is_up);
                }
            }
            () = &mut holds, if !is_up => {
                is_up = true;
                if say_up(line).await.is_err() {
                    return (SourceError::Ended, is_up);
                }
            }
            batch = source.next() => match batch {
                Ok(batch) => {
                    let is_said = if is_up { Ok(()) } else { say_up(line).await };
                    is_up = true;
                    if is_said.is_err() || pass_on(source, line, batch).await.is_err() {
                        return (SourceError::Ended, is_up);
                    }
                }
                Err(error) => return (error, is_up),
            }
        }
    }
}

async fn say_up(line: &Line) -> Result<(), ()> {
    info!(source = %line.name, "connected");
    line.out.send((line.number, Heard::Up)).await.map_err(drop)
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

#[cfg(test)]
mod tests {
    use super::*;
    use contract::async_trait;
    use tokio::sync::oneshot;
    use tokio::time::Instant;

    /// Says nothing, and goodbye after this time.
    struct Silent {
        takes: Duration,
        said: Option<oneshot::Sender<()>>,
    }

    #[async_trait]
    impl Source for Silent {
        async fn connect(&mut self) -> Result<(), SourceError> {
            Ok(())
        }

        async fn next(&mut self) -> Result<Batch, SourceError> {
            std::future::pending().await
        }

        async fn settle(&mut self, _: Ticket) -> Result<(), SourceError> {
            Ok(())
        }

        async fn close(&mut self) {
            tokio::time::sleep(self.takes).await;
            let _ = self.said.take().unwrap().send(());
        }
    }

    /// Whether a goodbye that takes so long was said, and how long the stop took.
    async fn stopped(takes: Duration) -> (bool, Duration) {
        let (said, heard) = oneshot::channel();
        let ((out, _heard), (_settle, settled)) = (mpsc::channel(1), mpsc::channel(1));
        let stop = CancellationToken::new();
        let leave = CancellationToken::new();
        let line = Line { number: 0, name: "press".to_owned(), out, settled, leave, stop: stop.clone() };
        let source = Box::new(Silent { takes, said: Some(said) });
        let running = tokio::spawn(supervise(source, line));
        tokio::time::sleep(Duration::from_secs(1)).await;
        let start = Instant::now();
        stop.cancel();
        running.await.unwrap();
        (heard.await.is_ok(), start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_waits_for_the_goodbye_but_not_for_ever() {
        assert_eq!(stopped(Duration::from_secs(2)).await, (true, Duration::from_secs(2)));
        assert_eq!(stopped(Duration::from_secs(60)).await, (false, CLOSE_MAX));
    }

    /// Gives one batch at once, and notes what is settled.
    struct Talkative {
        given: bool,
        settled: mpsc::UnboundedSender<&'static str>,
    }

    #[async_trait]
    impl Source for Talkative {
        async fn connect(&mut self) -> Result<(), SourceError> {
            Ok(())
        }

        async fn next(&mut self) -> Result<Batch, SourceError> {
            if std::mem::replace(&mut self.given, true) {
                std::future::pending().await
            }
            Ok(Batch { ticket: Some(Ticket(7)), ..Batch::default() })
        }

        async fn settle(&mut self, _: Ticket) -> Result<(), SourceError> {
            let _ = self.settled.send("settled");
            Ok(())
        }

        async fn close(&mut self) {
            let _ = self.settled.send("closed");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_leaves_settles_what_it_gave_before_its_goodbye() {
        let ((out, mut heard), (settle, settled)) = (mpsc::channel(9), mpsc::channel(9));
        let (note, mut noted) = mpsc::unbounded_channel();
        let (stop, leave) = (CancellationToken::new(), CancellationToken::new());
        let line = Line { number: 0, name: "press".to_owned(), out, settled, leave: leave.clone(), stop };
        let running = tokio::spawn(supervise(Box::new(Talkative { given: false, settled: note }), line));
        while !matches!(heard.recv().await, Some((_, Heard::Batch(_)))) {}
        leave.cancel();
        assert!(matches!(heard.recv().await, Some((_, Heard::Left))));
        // Kept only now.
        settle.send(Ticket(7)).await.unwrap();
        drop(settle);
        running.await.unwrap();
        assert_eq!((noted.recv().await, noted.recv().await), (Some("settled"), Some("closed")));
    }
}
