//! Understands the packets of a connection: messages become samples, answers are checked.

use std::sync::Arc;

use contract::{Cause, Notice, Origin, Quality, Sample, SourceError, Thing, Trouble, Value, clean};
use tokio::time::Instant;

use crate::claims::Claims;
use crate::ear::Ear;
use crate::extract::Slots;
use crate::line::Frame;
use crate::link::{Inbox, Link};
use crate::refusal::{self, Stage};
use crate::settings::{Endpoint, Qos, Version};
use crate::wire::{self, Packet, Publish};

/// How much of a topic is told, in characters.
const TOPIC_MAX: usize = 200;

/// What is needed to understand a packet. Outlives connections.
pub struct Reader {
    /// The version spoken.
    pub version: Version,
    /// At which QoS we subscribed.
    pub qos: Qos,
    /// The broker, for messages to people.
    pub at: Endpoint,
    /// What we subscribed to, in the order of the packets, so many in each.
    pub filters: Arc<[String]>,
    /// Filters in one packet.
    pub filters_max: usize,
    /// Who wants what.
    pub claims: Claims,
    /// Who listens to Sparkplug B, if a tag does.
    pub ear: Option<Box<Ear>>,
    /// What the broker refused on this connection, and why; on the one before.
    pub refused: Vec<(String, u8)>,
    /// What it refused on the one before.
    pub refused_before: Vec<String>,
    /// That the broker hands over at a lower QoS than asked was told.
    pub is_downgrade_told: bool,
    /// Room.
    pub slots: Slots,
}

impl Reader {
    /// A new connection: nothing is refused yet, and no birth certificate is known.
    pub fn begin(&mut self, inbox: &mut Inbox) {
        self.refused_before =
            std::mem::take(&mut self.refused).into_iter().map(|(filter, _)| filter).collect();
        if let Some(ear) = &mut self.ear {
            ear.connected(inbox);
        }
    }

    /// When [`Reader::drain`] has something to do without a packet.
    pub fn due(&self, link: &Link) -> Option<Instant> {
        self.ear.as_ref().filter(|_| link.unanswered == 0).and_then(|ear| ear.due())
    }

    /// Takes in all that is there, until the batch is full or the connection ends; says what is to be said.
    pub fn drain(&mut self, link: &mut Link) {
        self.take_in(link);
        if let Some(ear) = &mut self.ear {
            ear.speak(self.version, link);
        }
    }

    fn take_in(&mut self, link: &mut Link) {
        while link.end.is_none() && !link.inbox.is_full() {
            match link.line.frame() {
                Ok(Some(Frame::Whole { len, body })) => {
                    if let Err(end) = self.take(link, len, body) {
                        link.end = Some(end);
                    }
                    link.line.consume(len);
                }
                Ok(Some(Frame::Oversize { topic, qos, id, len })) => {
                    let topic = clean(&topic, TOPIC_MAX);
                    link.tell(Notice::Poison(format!(
                        "a message of {len} bytes on topic `{topic}` was skipped: larger than `packet_max`"
                    )));
                    link.inbox.count(id, qos);
                }
                Ok(None) => return,
                Err(error) => link.end = Some(refusal::malformed(Stage::Reading, &self.at, &error)),
            }
        }
    }

    fn take(&mut self, link: &mut Link, len: usize, body: usize) -> Result<(), SourceError> {
        let packet = wire::read(self.version, link.line.bytes(len), body)
            .map_err(|error| refusal::malformed(Stage::Reading, &self.at, &error))?;
        match packet {
            Packet::Publish(message) => {
                if !message.is_retained {
                    link.pulse.hear_live();
                }
                self.publish(&mut link.inbox, &message, link.is_resumed)?;
            }
            Packet::Release(id) => wire::complete(id, &mut link.line.output),
            Packet::Subscribed(id, codes) => {
                link.unanswered = link.unanswered.saturating_sub(1);
                self.granted(id, &codes, &mut link.inbox);
                if link.unanswered == 0 {
                    self.granted_all()?;
                }
            }
            Packet::Taken(code) => {
                if let (Some(ear), 0x80..) = (&self.ear, code) {
                    ear.unheard(code, &mut link.inbox);
                }
            }
            Packet::Goodbye(code, reason) => return Err(refusal::goodbye(&self.at, code, &reason)),
            Packet::Welcome(_) => {
                let twice = wire::Malformed("a second greeting".to_owned());
                return Err(refusal::malformed(Stage::Reading, &self.at, &twice));
            }
            Packet::Other => {}
        }
        Ok(())
    }

    fn publish(
        &mut self,
        inbox: &mut Inbox,
        message: &Publish<'_>,
        is_resumed: bool,
    ) -> Result<(), SourceError> {
        inbox.count(message.id, message.qos);
        let Ok(topic) = std::str::from_utf8(message.topic) else {
            let topic = clean(&String::from_utf8_lossy(message.topic), TOPIC_MAX);
            let words = format!("a message on topic `{topic}` was skipped: its topic is not UTF-8 text");
            inbox.batch.notices.push(Notice::Poison(words));
            return Ok(());
        };
        if let Some(ear) = &mut self.ear
            && ear.take(topic, message, inbox)?
        {
            return Ok(());
        }
        let Some(claim) = self.claims.find(topic) else {
            if self.claims.is_news(topic) {
                inbox.batch.notices.push(Notice::Unclaimed(clean(topic, TOPIC_MAX)));
            }
            return Ok(());
        };
        // MQTT 3.1.1 repeats the retained value at each subscription. In a session that never ended we heard
        // all that came after it, so it may be older than what we know.
        if message.is_retained && is_resumed && claim.is_heard && self.qos != Qos::Zero {
            return Ok(());
        }
        claim.is_heard |= !message.is_retained;
        let origin = if message.is_retained { Origin::Retained } else { Origin::Live };
        claim.plan.read(&claim.ids, message.payload, origin, &mut self.slots, &mut inbox.batch.samples);
        Ok(())
    }

    /// One answer. What is refused spoils its tags and not the others.
    fn granted(&mut self, id: u16, codes: &[u8], inbox: &mut Inbox) {
        let first = usize::from(id.saturating_sub(1)) * self.filters_max;
        let filters = Arc::clone(&self.filters);
        for (filter, &code) in filters.iter().skip(first).zip(codes) {
            if code >= 0x80 {
                self.refuse(filter, code, inbox);
                continue;
            }
            if self.refused_before.contains(filter) {
                inbox.batch.notices.push(Notice::Mended(Thing::Address, clean(filter, TOPIC_MAX)));
            }
            if code < self.qos as u8 && !self.is_downgrade_told {
                self.is_downgrade_told = true;
                tracing::warn!(broker = %self.at, topic = %filter, granted = code, "granted less than asked");
            }
        }
    }

    fn refuse(&mut self, filter: &str, code: u8, inbox: &mut Inbox) {
        self.refused.push((filter.to_owned(), code));
        let reason = refusal::ungranted(&self.at, filter, code).to_string();
        for tag in self.claims.under(unshared(filter)) {
            let quality = Quality::Bad(reason.as_str().into());
            let value = Value::Flag(false);
            inbox.batch.samples.push(Sample { tag, value, quality, at: None, origin: Origin::Live });
        }
        if let Some(ear) = &mut self.ear {
            ear.refused(filter, &reason, inbox);
        }
        let cause = Cause::Refused(format!("reason 0x{code:02X}"));
        let name = clean(filter, TOPIC_MAX);
        inbox.batch.notices.push(Notice::Trouble(Trouble { thing: Thing::Address, name, cause }));
    }

    /// The last answer. A source of which all is refused has nothing to read.
    fn granted_all(&self) -> Result<(), SourceError> {
        match self.refused.first() {
            Some((filter, code)) if self.refused.len() >= self.filters.len() => {
                Err(refusal::ungranted(&self.at, filter, *code))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// A filter without the group that shares it.
fn unshared(filter: &str) -> &str {
    let shared = filter.strip_prefix("$share/").and_then(|rest| rest.split_once('/'));
    shared.map_or(filter, |(_, filter)| filter)
}
