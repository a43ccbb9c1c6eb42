//! One connection: what came in and was not handed over, and what was handed over and is not yet safe.

use std::collections::VecDeque;
use std::pin::Pin;

use contract::{Batch, Notice, SourceError, Ticket};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::line::Line;
use crate::pulse::{Beat, Pulse};
use crate::refusal::{self, Stage};
use crate::settings::{Endpoint, Qos};
use crate::wire;

/// The most messages in a batch: one commit of the middle, some tens of kilobytes.
pub const BATCH_MAX: usize = 512;
/// The most acknowledgements that can be owed: a message number has 16 bits.
const OWED_MAX: usize = 65_535;

/// A connection.
pub struct Link {
    /// The bytes.
    pub line: Line,
    /// What came in.
    pub inbox: Inbox,
    /// Why the connection ends, once what came before it is handed over.
    pub end: Option<SourceError>,
    /// Subscriptions that the broker has not answered.
    pub unanswered: usize,
    /// The broker knew our session.
    pub is_resumed: bool,
    /// Signs of life.
    pub pulse: Pulse,
    alarm: Pin<Box<Sleep>>,
    at: Endpoint,
    /// Tells the tickets of this connection from those of others.
    generation: u32,
    tickets: u32,
    unsettled: VecDeque<(Ticket, Vec<(u16, Qos)>)>,
    /// How many acknowledgements lie in `unsettled`.
    owed: usize,
}

/// A batch in the making.
#[derive(Debug, Default)]
pub struct Inbox {
    /// What the messages say.
    pub batch: Batch,
    /// How many messages.
    pub messages: usize,
    /// The acknowledgements to send when the batch is safe.
    pub owed: Vec<(u16, Qos)>,
}

impl Inbox {
    /// Counts a message, whatever it says.
    pub fn count(&mut self, id: u16, qos: Qos) {
        self.messages += 1;
        if qos != Qos::Zero {
            self.owed.push((id, qos));
        }
    }

    /// Nothing more fits.
    pub fn is_full(&self) -> bool {
        self.messages >= BATCH_MAX
    }

    fn is_worth_giving(&self) -> bool {
        !self.batch.samples.is_empty() || !self.batch.notices.is_empty() || !self.owed.is_empty()
    }
}

impl Link {
    /// A link over a line whose broker welcomed us.
    pub fn new(line: Line, at: Endpoint, generation: u32, is_resumed: bool, pulse: Pulse) -> Link {
        Link {
            line,
            inbox: Inbox::default(),
            end: None,
            unanswered: 0,
            is_resumed,
            pulse,
            alarm: Box::pin(sleep_until(Instant::now())),
            at,
            generation,
            tickets: 0,
            unsettled: VecDeque::new(),
            owed: 0,
        }
    }

    /// Something for an integrator.
    pub fn tell(&mut self, notice: Notice) {
        self.inbox.batch.notices.push(notice);
    }

    /// What came in, with its ticket; `None` when nothing did.
    pub fn hand_over(&mut self) -> Option<Batch> {
        if !self.inbox.is_worth_giving() {
            self.inbox.messages = 0;
            return None;
        }
        let Inbox { mut batch, owed, .. } = std::mem::take(&mut self.inbox);
        self.inbox.batch.samples.reserve(batch.samples.len());
        if !owed.is_empty() {
            self.tickets += 1;
            let ticket = Ticket(u64::from(self.generation) << 32 | u64::from(self.tickets));
            self.owed += owed.len();
            self.unsettled.push_back((ticket, owed));
            batch.ticket = Some(ticket);
        }
        if self.owed > OWED_MAX {
            let message = format!("{} sends more messages than MQTT has numbers", self.at);
            self.end.get_or_insert(SourceError::Lost(message));
        }
        Some(batch)
    }

    /// Acknowledges the messages of a batch, in the order in which they came.
    pub async fn settle(&mut self, ticket: Ticket) {
        let Some(at) = self.unsettled.iter().position(|(known, _)| *known == ticket) else {
            return;
        };
        let owed = self.unsettled.remove(at).map(|(_, owed)| owed).unwrap_or_default();
        self.owed -= owed.len();
        for (id, qos) in owed {
            wire::acknowledge(id, qos, &mut self.line.output);
        }
        self.pulse.send(Instant::now());
        self.line.push().await;
    }

    /// Waits until something came in or this time has come, and asks the broker for a sign of life when nothing
    /// does.
    ///
    /// # Errors
    /// The line is gone.
    pub async fn wait(&mut self, stage: Stage, until: Option<Instant>) -> Result<(), SourceError> {
        loop {
            tokio::select! {
                came = self.line.pump() => {
                    came.map_err(|error| refusal::broken(stage, &self.at, &error))?;
                    self.pulse.hear(Instant::now());
                    return Ok(());
                }
                () = &mut self.alarm => self.beat()?,
                () = come(until) => return Ok(()),
            }
        }
    }

    fn beat(&mut self) -> Result<(), SourceError> {
        let now = Instant::now();
        if self.pulse.beat(now) == Beat::Ask {
            wire::ping(&mut self.line.output);
            self.pulse.ask(now);
        }
        match self.pulse.beat(now) {
            Beat::Wait(until) => self.alarm.as_mut().reset(until),
            Beat::Ask => {}
            Beat::Dead => {
                return Err(SourceError::Lost(format!("{} does not answer, the line is dead", self.at)));
            }
            Beat::Silent => {
                return Err(SourceError::Lost(format!(
                    "{} is there but no value comes any more; connecting anew (`silence_max`)",
                    self.at
                )));
            }
        }
        Ok(())
    }
}

/// This time, or never. Makes no timer where there is no time.
async fn come(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}
