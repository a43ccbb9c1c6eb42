//! The source: connects, gives what is there, acknowledges what is safe.
//!
//! Deliberately absent: retry and back-off (the room does that).

use std::sync::Arc;
use std::time::Duration;

use contract::{Batch, Notice, Source, SourceError, Ticket, async_trait};
use rumqttc_v5::tokio_rustls::TlsConnector;
use tokio::time::{Instant, timeout};

use crate::door;
use crate::identity::Memory;
use crate::line::Line;
use crate::link::Link;
use crate::pulse::Pulse;
use crate::reader::Reader;
use crate::refusal::{self, Stage};
use crate::settings::{Endpoint, Qos};
use crate::wire::{self, Greeting, Malformed, Welcome};

/// Filters in one SUBSCRIBE: some brokers (AWS IoT) take no more.
pub const FILTERS_MAX: usize = 8;

/// A broker, and what we read from it.
pub struct Subscriber {
    /// Where it is.
    pub at: Endpoint,
    /// Who we are.
    pub greeting: Greeting,
    /// How TLS is made, if it is.
    pub tls: Option<TlsConnector>,
    /// How messages are handed over.
    pub qos: Qos,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long values may stay away.
    pub silence_max: Option<Duration>,
    /// The largest packet.
    pub packet_max: usize,
    /// What we subscribe to, sorted, with the group of a shared subscription before each.
    pub filters: Arc<[String]>,
    /// What the broker should know of us.
    pub memory: Memory,
    /// Understands what comes.
    pub reader: Reader,
    /// Counts connections.
    pub generation: u32,
    /// How far the connection has come.
    pub stage: Stage,
    /// The connection, if there is one.
    pub link: Option<Link>,
}

#[async_trait]
impl Source for Subscriber {
    async fn connect(&mut self) -> Result<(), SourceError> {
        self.link = None;
        self.stage = Stage::Reaching;
        match timeout(self.connect_timeout, self.open()).await {
            Ok(opened) => opened,
            Err(_) => Err(refusal::late(self.stage, &self.at, self.connect_timeout.as_secs_f64())),
        }
    }

    /// Dropped half-way, it leaves everything where it was: bytes in the line, messages in the link.
    async fn next(&mut self) -> Result<Batch, SourceError> {
        loop {
            let link = self.link.as_mut().ok_or_else(|| SourceError::Lost("not connected".to_owned()))?;
            self.reader.drain(link);
            if let Some(batch) = link.hand_over() {
                return Ok(batch);
            }
            let ended = match link.end.take() {
                Some(end) => Err(end),
                None => link.wait(Stage::Reading, self.reader.due(link)).await,
            };
            if let Err(error) = ended {
                self.link = None;
                return Err(error);
            }
        }
    }

    async fn settle(&mut self, ticket: Ticket) -> Result<(), SourceError> {
        if let Some(link) = &mut self.link {
            link.settle(ticket).await;
        }
        Ok(())
    }
}

impl Subscriber {
    async fn open(&mut self) -> Result<(), SourceError> {
        let stream = door::reach(&self.at, self.tls.as_ref(), &mut self.stage).await?;
        let mut line = Line::new(stream, self.packet_max);
        self.stage = Stage::Greeting;
        self.greeting.will = self.reader.ear.as_mut().and_then(|ear| ear.will());
        wire::greet(&self.greeting, &mut line.output).map_err(|error| self.wrong(&error))?;
        let welcome = door::welcome(self.greeting.version, &self.at, &mut line).await?;
        if welcome.code != 0 {
            return Err(refusal::unwelcome(self.greeting.version, &self.at, &welcome));
        }
        let mut link = self.link(line, &welcome);
        self.reader.begin(&mut link.inbox);
        self.stage = Stage::Subscribing;
        self.subscribe(&mut link).map_err(|error| self.wrong(&error))?;
        // Messages of our session come before the answers. They are kept, as far as a batch goes; a broker with
        // more to say gets the rest of its answers read by `next`.
        while link.unanswered > 0 && link.end.is_none() && !link.inbox.is_full() {
            link.wait(Stage::Subscribing, None).await?;
            self.reader.drain(&mut link);
        }
        if let Some(refused) = link.end.take() {
            return Err(refused);
        }
        self.remember()?;
        self.stage = Stage::Reading;
        self.link = Some(link);
        Ok(())
    }

    fn link(&mut self, line: Line, welcome: &Welcome) -> Link {
        let ours = Duration::from_secs(self.greeting.keep_alive.into());
        let keep_alive = match welcome.keep_alive {
            Some(theirs) if theirs > 0 => ours.min(Duration::from_secs(theirs.into())),
            Some(_) | None => ours,
        };
        let pulse = Pulse::new(keep_alive, self.silence_max, Instant::now());
        self.generation += 1;
        let is_resumed = welcome.session_present;
        let mut link = Link::new(line, self.at.clone(), self.generation, is_resumed, pulse);
        if !is_resumed && self.memory.has_session() && self.greeting.session_expiry > 0 {
            let at = &self.at;
            let words = format!("{at} no longer knows our session; what was said while we were away is gone");
            link.tell(Notice::Gap(words));
        }
        link
    }

    /// Asks for all filters, whether or not the session should hold them: a session can outlive its
    /// subscriptions (a broker killed between the two), and asking again costs one packet.
    fn subscribe(&self, link: &mut Link) -> Result<(), Malformed> {
        let version = self.greeting.version;
        for (at, filters) in self.filters.chunks(FILTERS_MAX).enumerate() {
            let id = u16::try_from(at + 1)
                .map_err(|_| Malformed("more topics than MQTT has numbers".to_owned()))?;
            wire::subscribe(version, id, filters, self.qos, &mut link.line.output)?;
            link.unanswered += 1;
        }
        let unwanted = if link.is_resumed { self.memory.unwanted(&self.filters) } else { Vec::new() };
        for (at, filters) in unwanted.chunks(FILTERS_MAX).enumerate() {
            wire::unsubscribe(version, u16::MAX - at as u16, filters, &mut link.line.output)?;
        }
        Ok(())
    }

    fn remember(&mut self) -> Result<(), SourceError> {
        if self.greeting.session_expiry == 0 {
            return Ok(());
        }
        self.memory
            .keep(&self.filters)
            .map_err(|error| SourceError::Lost(format!("the state folder cannot be written: {error}")))
    }

    fn wrong(&self, error: &Malformed) -> SourceError {
        refusal::malformed(self.stage, &self.at, error)
    }
}
