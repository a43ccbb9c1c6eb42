//! The life of an edge node, as one host sees it. Pure: time is an argument.

use contract::{Cause, TagId};
use tokio::time::Instant;

use super::part::Part;
use super::proto::{Payload, Scalar};
use super::seq::{Held, Place, Sequence};
use super::topic::Kind;
use super::{Out, Pace, inflate, value};

/// The name of the metric that asks for a rebirth, and of the number that ties a death to its birth.
pub const REBIRTH: &str = "Node Control/Rebirth";
const BD_SEQ: &str = "bdSeq";
/// Each request that did not help doubles the wait for the next, so many times.
const STRIKES_MAX: u32 = 5;

/// An edge node and what tags read of it.
#[derive(Debug)]
pub struct Node {
    /// Its group.
    pub group: Box<str>,
    /// Its own name.
    pub edge: Box<str>,
    own: Part,
    devices: Vec<(Box<str>, Part)>,
    sequence: Sequence,
    /// The numbers that tie a death to its birth: of this birth, and of the one before.
    bd_seq: Option<u64>,
    bd_seq_before: Option<u64>,
    /// Messages were lost since the birth.
    is_gapped: bool,
    /// It spoke, and we do not know its birth certificate.
    is_heard_unborn: bool,
    /// It may be dead; it is, if nothing else is heard by then.
    doubt: Option<Instant>,
    /// By when all its devices should be born.
    awaited: Option<Instant>,
    asking: Asking,
}

/// Requests for a rebirth.
#[derive(Debug, Default)]
struct Asking {
    is_wanted: bool,
    /// When anyone asked last: we, or a host that we overheard.
    last: Option<Instant>,
    /// By when an answer to our own request should have come.
    answer_by: Option<Instant>,
    strikes: u32,
}

impl Asking {
    fn due(&self, pace: &Pace) -> Option<Instant> {
        let wait = pace.rebirth_every * 2_u32.pow(self.strikes.saturating_sub(1));
        self.is_wanted.then(|| self.last.map_or(pace.start, |last| last + wait))
    }
}

impl Node {
    /// A node of which nothing is read yet.
    pub fn new(group: &str, edge: &str) -> Node {
        Node {
            group: group.into(),
            edge: edge.into(),
            own: Part::new(format!("{group}/{edge}")),
            devices: Vec::new(),
            sequence: Sequence::default(),
            bd_seq: None,
            bd_seq_before: None,
            is_gapped: false,
            is_heard_unborn: false,
            doubt: None,
            awaited: None,
            asking: Asking::default(),
        }
    }

    /// One more tag of it, or of a device.
    pub fn want(&mut self, device: Option<String>, metric: String, tag: TagId) {
        let Some(device) = device else { return self.own.want(metric, tag) };
        let at = self.devices.iter().position(|(name, _)| **name == *device).unwrap_or_else(|| {
            let name = format!("{}/{}/{device}", self.group, self.edge);
            self.devices.push((device.into(), Part::new(name)));
            self.devices.len() - 1
        });
        self.devices[at].1.want(metric, tag);
    }

    /// The connection is new, and with it nothing is known: births are not kept by a broker.
    pub fn connected(&mut self, out: &mut Out<'_>) {
        self.sequence = Sequence::default();
        (self.bd_seq, self.bd_seq_before) = (None, None);
        (self.doubt, self.awaited, self.is_gapped, self.is_heard_unborn) = (None, None, false, false);
        self.asking = Asking { is_wanted: true, last: self.asking.last, ..Asking::default() };
        self.own.forget(out);
        self.devices.iter_mut().for_each(|(_, part)| part.forget(out));
    }

    /// Takes a message of it.
    pub fn take(
        &mut self,
        kind: Kind,
        device: Option<&str>,
        bytes: &[u8],
        now: Instant,
        pace: &Pace,
        out: &mut Out<'_>,
    ) {
        let read = Payload::read(bytes).and_then(|payload| match inflate::open(&payload)? {
            Some(inflated) => Payload::read(&inflated)
                .map(|inner| self.read(kind, device, &inner, &inflated, now, pace, out)),
            None => {
                self.read(kind, device, &payload, bytes, now, pace, out);
                Ok(())
            }
        });
        if let Err(reason) = read {
            out.poison(&self.group, kind, &self.edge, device, &reason);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a message, its bytes, and when")]
    fn read(
        &mut self,
        kind: Kind,
        device: Option<&str>,
        payload: &Payload<'_>,
        bytes: &[u8],
        now: Instant,
        pace: &Pace,
        out: &mut Out<'_>,
    ) {
        match kind {
            Kind::NodeBirth => self.born(payload, now, pace, out),
            Kind::NodeDeath => self.died(payload, now, pace, out),
            Kind::NodeCommand => self.overhear(payload, now),
            Kind::DeviceCommand => {}
            Kind::NodeData | Kind::DeviceBirth | Kind::DeviceData | Kind::DeviceDeath => {
                if !self.own.is_alive {
                    return self.heard_unborn(pace, out);
                }
                match self.sequence.place(payload.head.seq) {
                    Place::Next => {
                        self.apply(kind, device, payload, now, out);
                        while let Some(held) = self.sequence.release() {
                            self.apply_held(&held, now, out);
                        }
                    }
                    Place::Again => {}
                    Place::Early => {
                        let seq = payload.head.seq.unwrap_or_default() as u8;
                        let held = Held { seq, kind, device: device.map(Into::into), payload: bytes.into() };
                        if !self.sequence.hold(held, now) {
                            self.give_up(now, out);
                        }
                    }
                }
            }
        }
    }

    fn born(&mut self, payload: &Payload<'_>, now: Instant, pace: &Pace, out: &mut Out<'_>) {
        self.sequence.begin(payload.head.seq);
        (self.doubt, self.asking.answer_by) = (None, None);
        if let Err(reason) = self.own.born(payload, out) {
            return self.own.keep(&reason, "NBIRTH", out);
        }
        let bd_seq = bd_seq(payload);
        if bd_seq != self.bd_seq {
            (self.bd_seq_before, self.bd_seq) = (self.bd_seq, bd_seq);
        }
        (self.is_gapped, self.is_heard_unborn) = (false, false);
        self.asking.is_wanted = false;
        self.devices.iter_mut().for_each(|(_, part)| part.is_alive = false);
        self.awaited = (!self.devices.is_empty()).then(|| now + pace.answer);
    }

    /// A death certificate. It is written before the birth, so it may be that of an earlier connection; and some
    /// nodes send one on each rebirth.
    fn died(&mut self, payload: &Payload<'_>, now: Instant, pace: &Pace, out: &mut Out<'_>) {
        let theirs = bd_seq(payload);
        let is_ours = theirs.is_none() || self.bd_seq.is_none() || theirs == self.bd_seq;
        if !is_ours && theirs == self.bd_seq_before {
            return;
        }
        let is_asked = self.asking.last.is_some_and(|asked| now < asked + pace.reborn);
        if !is_ours {
            // The number counts otherwise than at the birth (pysparkplug does so): dead, unless it speaks again.
            self.asking.is_wanted = true;
            self.doubt.get_or_insert(now + pace.doubt);
        } else if is_asked && self.own.is_alive {
            self.doubt.get_or_insert(now + pace.reborn);
        } else {
            self.dead(out);
        }
    }

    fn dead(&mut self, out: &mut Out<'_>) {
        (self.doubt, self.awaited) = (None, None);
        (self.asking.is_wanted, self.asking.answer_by) = (false, None);
        self.stop("the edge node said goodbye (NDEATH)", out);
        self.own.tell(Cause::SaidGoodbye, out);
    }

    /// Every tag of it and of its devices is bad.
    pub fn stop(&mut self, reason: &str, out: &mut Out<'_>) {
        self.own.stop(reason, None, out);
        self.devices.iter_mut().for_each(|(_, part)| part.stop(reason, None, out));
    }

    fn heard_unborn(&mut self, pace: &Pace, out: &mut Out<'_>) {
        self.asking.is_wanted = true;
        if !pace.may_ask && !self.is_heard_unborn {
            self.miss(
                "its birth certificate was not heard; only a role that may ask for it makes it come",
                out,
            );
        }
        self.is_heard_unborn = true;
    }

    fn miss(&mut self, reason: &str, out: &mut Out<'_>) {
        self.stop(reason, out);
        self.own.tell(Cause::Missing("NBIRTH".to_owned()), out);
    }

    fn apply(
        &mut self,
        kind: Kind,
        device: Option<&str>,
        payload: &Payload<'_>,
        now: Instant,
        out: &mut Out<'_>,
    ) {
        self.doubt = None;
        let part = match device {
            None => &mut self.own,
            Some(device) => match self.devices.iter_mut().find(|(name, _)| **name == *device) {
                Some((_, part)) => part,
                None => return,
            },
        };
        match kind {
            Kind::DeviceBirth => {
                if let Err(reason) = part.born(payload, out) {
                    part.keep(&reason, "DBIRTH", out);
                }
            }
            Kind::DeviceDeath => {
                let when = payload.head.timestamp.and_then(value::moment);
                part.stop("the device said goodbye (DDEATH)", when, out);
                part.tell(Cause::SaidGoodbye, out);
            }
            _ if part.is_alive => {
                if part.data(payload, self.is_gapped, out).is_err() {
                    self.asking.is_wanted = true;
                }
            }
            // Its birth may still be on the way.
            _ => self.asking.is_wanted |= self.awaited.is_none_or(|by| now >= by),
        }
    }

    fn apply_held(&mut self, held: &Held, now: Instant, out: &mut Out<'_>) {
        if let Ok(payload) = Payload::read(&held.payload) {
            self.apply(held.kind, held.device.as_deref(), &payload, now, out);
        }
    }

    /// What is missing does not come: what was lost may have been a birth, so aliases are not trusted any more.
    fn give_up(&mut self, now: Instant, out: &mut Out<'_>) {
        self.is_gapped = true;
        self.asking.is_wanted = true;
        self.own.tell(Cause::Lost, out);
        for held in self.sequence.give_up() {
            self.apply_held(&held, now, out);
        }
    }

    /// Somebody asked for a rebirth: another host, or we.
    fn overhear(&mut self, payload: &Payload<'_>, now: Instant) {
        let asks = |metric: &super::proto::Metric| {
            metric.name.as_deref() == Some(REBIRTH) && metric.value == Some(Scalar::Boolean(true))
        };
        if payload.metrics().flatten().any(|metric| asks(&metric)) {
            self.asking.last = Some(now);
        }
    }

    /// When something is to be done without a message.
    pub fn due(&self, pace: &Pace) -> Option<Instant> {
        let ask = if pace.may_ask { self.asking.due(pace) } else { None };
        let times = [self.sequence.due(pace.reorder), self.doubt, self.awaited, self.asking.answer_by, ask];
        times.into_iter().flatten().min()
    }

    /// Does what is due. True: ask for a rebirth now.
    pub fn tick(&mut self, now: Instant, pace: &Pace, may_ask_now: bool, out: &mut Out<'_>) -> bool {
        let is_over = |by: Option<Instant>| by.is_some_and(|by| now >= by);
        if is_over(self.sequence.due(pace.reorder)) {
            self.give_up(now, out);
        }
        if is_over(self.doubt) {
            self.dead(out);
        }
        if is_over(self.awaited) {
            self.awaited = None;
            for (_, part) in
                self.devices.iter_mut().filter(|(_, part)| !part.is_alive && !part.is_in_trouble())
            {
                part.stop("no birth certificate came after that of its edge node", None, out);
                part.tell(Cause::NoAnswer, out);
            }
        }
        if is_over(self.asking.answer_by) {
            self.unanswered(out);
        }
        if !may_ask_now || !is_over(self.asking.due(pace)) {
            return false;
        }
        let wait = pace.rebirth_every * 2_u32.pow(self.asking.strikes);
        let is_recent = self.asking.last.is_some_and(|last| now < last + 2 * wait);
        self.asking.strikes = if is_recent { (self.asking.strikes + 1).min(STRIKES_MAX) } else { 0 };
        self.asking.is_wanted = !self.own.is_alive;
        (self.asking.last, self.asking.answer_by) = (Some(now), Some(now + pace.answer));
        true
    }

    /// Our request was not answered. A node that we know and that goes on speaking need not answer.
    fn unanswered(&mut self, out: &mut Out<'_>) {
        self.asking.answer_by = None;
        if self.own.is_alive {
            return;
        }
        match self.is_heard_unborn {
            true => self.miss("its birth certificate did not come, though we asked for it", out),
            false => {
                self.stop("the edge node does not answer", out);
                self.own.tell(Cause::NoAnswer, out);
            }
        }
    }
}

fn bd_seq(payload: &Payload<'_>) -> Option<u64> {
    payload.metrics().flatten().find(|metric| metric.name.as_deref() == Some(BD_SEQ)).and_then(|metric| {
        match metric.value {
            Some(Scalar::Int(number)) => Some(u64::from(number)),
            Some(Scalar::Long(number)) => Some(number),
            _ => None,
        }
    })
}
