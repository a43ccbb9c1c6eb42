//! Understands the packets of a connection: messages become samples, answers are checked.

use std::sync::Arc;

use contract::{Notice, Origin, SourceError, clean};

use crate::claims::Claims;
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
    /// That the broker hands over at a lower QoS than asked was told.
    pub is_downgrade_told: bool,
    /// Room.
    pub slots: Slots,
}

impl Reader {
    /// Takes in all that is there, until the batch is full or the connection ends.
    pub fn drain(&mut self, link: &mut Link) {
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
                self.publish(&mut link.inbox, &message, link.is_resumed);
            }
            Packet::Release(id) => wire::complete(id, &mut link.line.output),
            Packet::Subscribed(id, codes) => {
                link.unanswered = link.unanswered.saturating_sub(1);
                self.granted(id, &codes)?;
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

    fn publish(&mut self, inbox: &mut Inbox, message: &Publish<'_>, is_resumed: bool) {
        inbox.count(message.id, message.qos);
        let Ok(topic) = std::str::from_utf8(message.topic) else {
            let topic = clean(&String::from_utf8_lossy(message.topic), TOPIC_MAX);
            let words = format!("a message on topic `{topic}` was skipped: its topic is not UTF-8 text");
            return inbox.batch.notices.push(Notice::Poison(words));
        };
        let Some(claim) = self.claims.find(topic) else {
            if self.claims.is_news(topic) {
                inbox.batch.notices.push(Notice::Unclaimed(clean(topic, TOPIC_MAX)));
            }
            return;
        };
        // MQTT 3.1.1 repeats the retained value at each subscription. In a session that never ended we heard
        // all that came after it, so it may be older than what we know.
        if message.is_retained && is_resumed && claim.is_heard && self.qos != Qos::Zero {
            return;
        }
        claim.is_heard |= !message.is_retained;
        let origin = if message.is_retained { Origin::Retained } else { Origin::Live };
        claim.plan.read(&claim.ids, message.payload, origin, &mut self.slots, &mut inbox.batch.samples);
    }

    fn granted(&mut self, id: u16, codes: &[u8]) -> Result<(), SourceError> {
        let first = usize::from(id.saturating_sub(1)) * self.filters_max;
        for (filter, &code) in self.filters.iter().skip(first).zip(codes) {
            if code >= 0x80 {
                return Err(refusal::ungranted(&self.at, filter, code));
            }
            if code < self.qos as u8 && !self.is_downgrade_told {
                self.is_downgrade_told = true;
                tracing::warn!(broker = %self.at, topic = %filter, granted = code, "granted less than asked");
            }
        }
        Ok(())
    }
}
