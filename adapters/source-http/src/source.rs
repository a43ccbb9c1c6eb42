//! The source: starts the rounds and the listener, gives what they read, keeps how far it is safe.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use contract::{Batch, Source, SourceError, Ticket, async_trait};
use rows::{Given, Memory};
use serde_json::Value as Json;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::{hook, poll};

/// One batch waits: what is asked is asked no faster than it is kept.
const POLLED: usize = 1;
/// Connecting waits so long for the first rows. The room gives a connection a minute, and a list may have many pages.
const FIRST_ANSWER_MAX: Duration = Duration::from_secs(20);
/// As many messages as senders may wait.
const HOOKED: usize = 4;

/// What a ticket stands for.
#[derive(Debug)]
enum Claim {
    /// A list is safe so far.
    Since(usize, Json),
    /// A sender waits.
    Sender(oneshot::Sender<()>),
}

/// What runs while connected.
#[derive(Debug)]
struct Running {
    /// Dropped, they end.
    tasks: JoinSet<()>,
    polled: Option<mpsc::Receiver<Result<Given, SourceError>>>,
    hooked: Option<mpsc::Receiver<hook::Given>>,
    ahead: Option<Given>,
}

/// A system over HTTP as a source.
#[derive(Debug)]
pub struct Http {
    poll: Option<Arc<poll::Plan>>,
    hook: Option<Arc<hook::Plan>>,
    memory: Memory,
    running: Option<Running>,
    out: VecDeque<(u64, Claim)>,
    /// The last ticket. Never the same for two connections.
    last: u64,
}

impl Http {
    /// Asks and listens to nothing yet.
    pub fn new(poll: Option<poll::Plan>, hook: Option<hook::Plan>, memory: Memory) -> Http {
        let (poll, hook) = (poll.map(Arc::new), hook.map(Arc::new));
        Http { poll, hook, memory, running: None, out: VecDeque::new(), last: 0 }
    }

    fn claim(&mut self, batch: Batch, claim: Option<Claim>) -> Batch {
        let ticket = claim.map(|claim| {
            self.last += 1;
            self.out.push_back((self.last, claim));
            Ticket(self.last)
        });
        Batch { ticket, ..batch }
    }

    fn polled(&mut self, Given { batch, mark }: Given) -> Batch {
        self.claim(batch, mark.map(|(list, since)| Claim::Since(list, since)))
    }

    /// Starts the rounds and waits for the first answer: only then is the system known to be there.
    async fn ask(&self, running: &mut Running) -> Result<(), SourceError> {
        let Some(plan) = &self.poll else { return Ok(()) };
        let since = plan.lists.iter().map(|list| self.memory.since(&list.name, &list.ask.mark())).collect();
        let (out, mut polled) = mpsc::channel(POLLED);
        running.tasks.spawn(poll::Poller::new(Arc::clone(plan), since, out).run());
        // A list of many pages gives its first rows later.
        running.ahead = timeout(FIRST_ANSWER_MAX, polled.recv()).await.ok().map(received).transpose()?;
        running.polled = Some(polled);
        Ok(())
    }

    async fn listen(&self, running: &mut Running) -> Result<(), SourceError> {
        let Some(plan) = &self.hook else { return Ok(()) };
        let listener = hook::listen(plan.address).await.map_err(SourceError::Lost)?;
        let (out, hooked) = mpsc::channel(HOOKED);
        running.tasks.spawn(hook::serve(listener, Arc::clone(plan), out));
        running.hooked = Some(hooked);
        Ok(())
    }
}

#[async_trait]
impl Source for Http {
    async fn connect(&mut self) -> Result<(), SourceError> {
        if let Some(mut running) = self.running.take() {
            // Only then is the port free again.
            running.tasks.shutdown().await;
        }
        // Whoever waits there is asked to come again.
        self.out.clear();
        let mut running = Running { tasks: JoinSet::new(), polled: None, hooked: None, ahead: None };
        self.ask(&mut running).await?;
        self.listen(&mut running).await?;
        self.running = Some(running);
        Ok(())
    }

    async fn next(&mut self) -> Result<Batch, SourceError> {
        let Some(running) = &mut self.running else {
            return Err(SourceError::Lost("not connected".to_owned()));
        };
        if let Some(given) = running.ahead.take() {
            return Ok(self.polled(given));
        }
        tokio::select! {
            given = receive(&mut running.polled) => match received(given) {
                Ok(given) => Ok(self.polled(given)),
                Err(error) => {
                    self.running = None;
                    Err(error)
                }
            },
            given = receive(&mut running.hooked) => match given {
                Some(hook::Given { batch, safe }) => Ok(self.claim(batch, Some(Claim::Sender(safe)))),
                None => Err(SourceError::Lost("the listener has ended".to_owned())),
            },
        }
    }

    async fn settle(&mut self, Ticket(ticket): Ticket) -> Result<(), SourceError> {
        let Some(at) = self.out.iter().position(|(known, _)| *known == ticket) else { return Ok(()) };
        match self.out.remove(at) {
            // One that went away sends again, and what is kept is recognised.
            Some((_, Claim::Sender(safe))) => {
                let _ = safe.send(());
            }
            Some((_, Claim::Since(list, since))) => {
                let Some(list) = self.poll.as_ref().and_then(|plan| plan.lists.get(list)) else {
                    return Ok(());
                };
                let kept = self.memory.keep(&list.name, &list.ask.mark(), since).await;
                kept.map_err(|error| {
                    SourceError::Lost(format!("the state folder cannot be written: {error}"))
                })?;
            }
            None => {}
        }
        Ok(())
    }
}

async fn receive<T>(queue: &mut Option<mpsc::Receiver<T>>) -> Option<T> {
    match queue {
        Some(queue) => queue.recv().await,
        None => std::future::pending().await,
    }
}

fn received(given: Option<Result<Given, SourceError>>) -> Result<Given, SourceError> {
    given.unwrap_or_else(|| Err(SourceError::Lost("the questions have ended".to_owned())))
}
