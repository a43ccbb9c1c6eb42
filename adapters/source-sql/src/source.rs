//! The source: connects, starts the rounds, gives what they read, keeps how far it is safe.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use contract::{Batch, Source, SourceError, Ticket, async_trait};
use rows::{Given, Memory};
use serde_json::Value as Json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::poll::{Plan, Poller};
use crate::session::Session;

/// One batch waits: what is asked is asked no faster than it is kept.
const WAITING: usize = 1;
/// Connecting waits so long for the first rows. The room gives a connection a minute, and a query may take longer.
const FIRST_ROWS_MAX: Duration = Duration::from_secs(20);

/// What runs while connected.
struct Running {
    /// Dropped, they end.
    tasks: JoinSet<()>,
    found: mpsc::Receiver<Result<Given, SourceError>>,
    ahead: Option<Given>,
}

/// A database as a source.
pub struct Sql {
    plan: Arc<Plan>,
    memory: Memory,
    running: Option<Running>,
    /// Tickets that are out, each with the list and how far it is safe then.
    out: VecDeque<(u64, usize, Json)>,
    /// The last ticket. Never the same for two connections.
    last: u64,
}

impl Sql {
    /// Connects to nothing yet.
    pub fn new(plan: Plan, memory: Memory) -> Sql {
        Sql { plan: Arc::new(plan), memory, running: None, out: VecDeque::new(), last: 0 }
    }

    fn claim(&mut self, Given { batch, mark }: Given) -> Batch {
        let ticket = mark.map(|(list, since)| {
            self.last += 1;
            self.out.push_back((self.last, list, since));
            Ticket(self.last)
        });
        Batch { ticket, ..batch }
    }
}

#[async_trait]
impl Source for Sql {
    async fn connect(&mut self) -> Result<(), SourceError> {
        if let Some(mut running) = self.running.take() {
            running.tasks.shutdown().await;
        }
        self.out.clear();
        let session = Session::open(&self.plan.line).await?;
        let lists = &self.plan.lists;
        let since = lists.iter().map(|list| self.memory.since(&list.name, &list.query)).collect();
        let (out, mut found) = mpsc::channel(WAITING);
        let mut tasks = JoinSet::new();
        tasks.spawn(Poller::new(Arc::clone(&self.plan), session, since, out).run());
        // Only with the first rows is it known that queries are answered; a long query gives them later.
        let is_asked = !self.plan.values.is_empty() || !self.plan.lists.is_empty();
        let ahead = match is_asked.then(|| timeout(FIRST_ROWS_MAX, found.recv())) {
            Some(first) => first.await.ok().map(received).transpose()?,
            None => None,
        };
        self.running = Some(Running { tasks, found, ahead });
        Ok(())
    }

    async fn next(&mut self) -> Result<Batch, SourceError> {
        let Some(running) = &mut self.running else {
            return Err(SourceError::Lost("not connected".to_owned()));
        };
        if let Some(given) = running.ahead.take() {
            return Ok(self.claim(given));
        }
        match received(running.found.recv().await) {
            Ok(given) => Ok(self.claim(given)),
            Err(error) => {
                self.running = None;
                Err(error)
            }
        }
    }

    async fn settle(&mut self, Ticket(ticket): Ticket) -> Result<(), SourceError> {
        let Some(at) = self.out.iter().position(|(known, ..)| *known == ticket) else { return Ok(()) };
        if let Some((_, list, since)) = self.out.remove(at)
            && let Some(list) = self.plan.lists.get(list)
        {
            self.memory
                .keep(&list.name, &list.query, since)
                .await
                .map_err(|error| SourceError::Lost(format!("the state folder cannot be written: {error}")))?;
        }
        Ok(())
    }
}

fn received(given: Option<Result<Given, SourceError>>) -> Result<Given, SourceError> {
    given.unwrap_or_else(|| Err(SourceError::Lost("the queries have ended".to_owned())))
}
