//! Where the pure host of Sparkplug B meets a connection: the time, the wall clock, and what goes out.
//!
//! What goes out is written in one place, [`Ear::speak`], by the two functions of `sparkplug::say`, and only where the
//! role made a `Presence` or let the host ask.

use std::time::SystemTime;

use contract::{Cause, Moment, Notice, SourceError, Thing, Trouble, clean};
use tokio::time::Instant;

use crate::link::{Inbox, Link};
use crate::settings::Version;
use crate::sparkplug::state::{Answer, Presence};
use crate::sparkplug::{Host, Out, say, topic};
use crate::wire::{Publish, Will};

/// A host of Sparkplug B on a connection.
#[derive(Debug)]
pub struct Ear {
    host: Host,
    /// What a primary host says of itself.
    presence: Option<Presence>,
    /// That we are online is to be said.
    is_state_due: bool,
}

impl Ear {
    /// A host that has heard nothing.
    pub fn new(host: Host, presence: Option<Presence>) -> Ear {
        Ear { host, presence, is_state_due: false }
    }

    /// A new connection begins: the Will that goes with it, if there is one.
    pub fn will(&mut self) -> Option<Will> {
        let presence = self.presence.as_mut()?;
        presence.begin(now_ms());
        Some(Will { topic: topic::state(&presence.host), payload: presence.payload(false) })
    }

    /// The broker welcomed us: what was known is over.
    pub fn connected(&mut self, inbox: &mut Inbox) {
        self.is_state_due = self.presence.is_some();
        self.host.connected(Instant::now(), &mut out(inbox));
    }

    /// Takes a message of Sparkplug B. False: it is none that is listened to here.
    ///
    /// # Errors
    /// The connection is to be made anew.
    pub fn take(
        &mut self,
        name: &str,
        message: &Publish<'_>,
        inbox: &mut Inbox,
    ) -> Result<bool, SourceError> {
        let now = Instant::now();
        let Some(parsed) = topic::parse(name) else { return Ok(false) };
        let topic::Topic::State { host } = parsed else {
            return Ok(self.host.take(&parsed, message.payload, message.is_retained, now, &mut out(inbox)));
        };
        let Some(presence) = self.presence.as_mut().filter(|presence| presence.host == host) else {
            return Ok(false);
        };
        match presence.hear(message.payload, now) {
            Answer::Nothing => {}
            Answer::Again => self.is_state_due = true,
            Answer::Anew => {
                let words =
                    format!("`{name}` says that we are offline since later than now; connecting anew");
                return Err(SourceError::Lost(words));
            }
        }
        Ok(true)
    }

    /// The broker does not grant a filter.
    pub fn refused(&mut self, filter: &str, reason: &str, inbox: &mut Inbox) {
        self.host.refused(filter, reason, &mut out(inbox));
    }

    /// The broker does not take what we say of ourselves.
    pub fn unheard(&self, code: u8, inbox: &mut Inbox) {
        if let Some(presence) = &self.presence {
            let name = clean(&topic::state(&presence.host), 200);
            let cause = Cause::Refused(format!("reason 0x{code:02X}"));
            inbox.batch.notices.push(Notice::Trouble(Trouble { thing: Thing::Address, name, cause }));
        }
    }

    /// When there is something to say or do without a message.
    pub fn due(&self) -> Option<Instant> {
        self.host.due()
    }

    /// Does what is due, and writes what is to be said. Not before the broker granted what we listen to: the answer
    /// would be missed.
    pub fn speak(&mut self, version: Version, link: &mut Link) {
        if link.unanswered > 0 {
            return;
        }
        let now = Instant::now();
        if let Some(presence) = self.presence.as_mut().filter(|_| self.is_state_due) {
            say::state(version, presence, &mut link.line.output);
            presence.said(now);
            self.is_state_due = false;
            link.pulse.send(now);
        }
        if let Some(topic) = self.host.tick(now, &mut out(&mut link.inbox)) {
            tracing::info!(%topic, "asked for a rebirth");
            say::rebirth(version, &topic, now_ms(), &mut link.line.output);
            link.pulse.send(now);
        }
    }
}

fn out(inbox: &mut Inbox) -> Out<'_> {
    Out { samples: &mut inbox.batch.samples, notices: &mut inbox.batch.notices }
}

fn now_ms() -> u64 {
    u64::try_from(Moment::from_system(SystemTime::now()).as_ms()).unwrap_or_default()
}
