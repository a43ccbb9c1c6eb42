//! Sparkplug B, as a host application: takes messages under `spBv1.0/`, gives samples and troubles, and says which
//! edge nodes to ask for a rebirth. Pure: time is an argument.
//!
//! `topic` and `proto` (what is on the wire; `inflate` opens the envelope of a compressed payload) → `node` (the
//! life of an edge node, `seq` its numbers) → `part` (births and values of a node or a device) → `value`. `state`
//! is what a primary host says of itself, `say` the bytes of the only two messages that are ever published.
//!
//! Deliberately absent: commands to machines. What can be asked of a node is its birth certificate and nothing else.

mod inflate;
mod node;
mod part;
pub mod proto;
pub mod say;
mod seq;
pub mod state;
#[cfg(test)]
mod tests;
pub mod topic;
pub mod value;

use std::collections::HashMap;
use std::time::Duration;

use contract::{Notice, Sample, TagId, clean};
use tokio::time::Instant;

use self::node::Node;
use self::topic::{Kind, Topic};
use crate::settings::Role;

/// How long a node may take from a request to its birth, and from its birth to those of all its devices.
const ANSWER: Duration = Duration::from_secs(30);
/// Some nodes send a death certificate on each rebirth: what follows a request within this is waited for.
const REBORN: Duration = Duration::from_secs(5);
/// The pause between two requests, so that not all nodes of a plant answer at once.
const PACE: Duration = Duration::from_millis(50);
/// Messages that cannot be read and are told for one connection.
const POISON_MAX: usize = 50;

/// The times of a host.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// It may ask for a rebirth.
    pub may_ask: bool,
    /// The shortest time between two requests to one node.
    pub rebirth_every: Duration,
    /// How long a missing message is waited for.
    pub reorder: Duration,
    /// How long an answer may take.
    pub answer: Duration,
    /// How long a death after a request may only be half of a rebirth.
    pub reborn: Duration,
    /// How long a death that may be another's is doubted.
    pub doubt: Duration,
    /// When we connected.
    pub start: Instant,
}

/// Where what a message says goes.
#[derive(Debug)]
pub struct Out<'a> {
    /// Values.
    pub samples: &'a mut Vec<Sample>,
    /// What an integrator should know.
    pub notices: &'a mut Vec<Notice>,
}

impl Out<'_> {
    fn poison(&mut self, group: &str, kind: Kind, edge: &str, device: Option<&str>, reason: &str) {
        let told = self.notices.iter().filter(|notice| matches!(notice, Notice::Poison(_))).count();
        if told < POISON_MAX {
            let device = device.map(|device| format!("/{device}")).unwrap_or_default();
            let words = format!("{kind:?} of {group}/{edge}{device} was skipped: {reason}");
            self.notices.push(Notice::Poison(clean(&words, 400)));
        }
    }
}

/// Where a metric is: group, edge node, device, name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// The group.
    pub group: String,
    /// The edge node.
    pub edge: String,
    /// The device; without one, the metric is the node's own.
    pub device: Option<String>,
    /// The name.
    pub metric: String,
}

/// Reads a payload, packed or not.
///
/// # Errors
/// What was found and what is expected.
pub fn open<T>(bytes: &[u8], read: impl FnOnce(&proto::Payload<'_>) -> T) -> Result<T, String> {
    let payload = proto::Payload::read(bytes)?;
    match inflate::open(&payload)? {
        Some(inner) => proto::Payload::read(&inner).map(|inner| read(&inner)),
        None => Ok(read(&payload)),
    }
}

/// The edge nodes that some tag reads.
#[derive(Debug)]
pub struct Host {
    pace: Pace,
    nodes: Vec<Node>,
    index: HashMap<Box<str>, HashMap<Box<str>, usize>>,
    /// When there is something to do without a message, at the earliest.
    due: Option<Instant>,
    /// Whom to begin with in the next round of requests.
    turn: usize,
    next_ask: Instant,
}

impl Host {
    /// A host that reads these. Gives what to subscribe to, too.
    pub fn new(
        role: Role,
        rebirth_every: Duration,
        reorder: Duration,
        tags: Vec<(TagId, Metric)>,
    ) -> (Host, Vec<String>) {
        let start = Instant::now();
        let may_ask = match role {
            Role::Passive => false,
            Role::Active | Role::Primary => true,
        };
        // Who asks has an answer soon; who only listens waits until a node would speak by itself.
        let doubt = if may_ask { 2 * REBORN } else { ANSWER };
        let pace = Pace { may_ask, rebirth_every, reorder, answer: ANSWER, reborn: REBORN, doubt, start };
        let (nodes, index) = (Vec::new(), HashMap::new());
        let mut host = Host { pace, nodes, index, due: None, turn: 0, next_ask: start };
        for (id, Metric { group, edge, device, metric }) in tags {
            let node = host.node(&group, &edge);
            host.nodes[node].want(device, metric, id);
        }
        let filters = host.nodes.iter().map(|node| topic::filter(&node.group, &node.edge)).collect();
        (host, filters)
    }

    fn node(&mut self, group: &str, edge: &str) -> usize {
        let edges = self.index.entry(group.into()).or_default();
        *edges.entry(edge.into()).or_insert_with(|| {
            self.nodes.push(Node::new(group, edge));
            self.nodes.len() - 1
        })
    }

    /// The connection is new, and nothing is known any more.
    pub fn connected(&mut self, now: Instant, out: &mut Out<'_>) {
        self.pace.start = now;
        self.nodes.iter_mut().for_each(|node| node.connected(out));
        self.due = Some(now);
    }

    /// Takes a message. False: no tag reads this node.
    pub fn take(
        &mut self,
        topic: &Topic<'_>,
        bytes: &[u8],
        is_retained: bool,
        now: Instant,
        out: &mut Out<'_>,
    ) -> bool {
        let Topic::Edge { group, kind, edge, device } = *topic else { return false };
        let known = self.index.get(group).and_then(|edges| edges.get(edge));
        let Some(node) = known.and_then(|at| self.nodes.get_mut(*at)) else { return false };
        // Births are not retained. One that is, is of an unknown time, and proves nothing of now.
        if is_retained {
            out.poison(group, kind, edge, device, "it is retained, which no message of an edge node may be");
            return true;
        }
        node.take(kind, device, bytes, now, &self.pace, out);
        let due = node.due(&self.pace);
        self.due = [self.due, due].into_iter().flatten().min();
        true
    }

    /// The broker does not let us hear those that this filter is for.
    pub fn refused(&mut self, filter: &str, reason: &str, out: &mut Out<'_>) {
        for node in &mut self.nodes {
            if topic::filter(&node.group, &node.edge) == filter {
                node.stop(reason, out);
            }
        }
    }

    /// When [`Host::tick`] has something to do.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Does what is due, and gives the topic of a node to ask for its birth certificate, if it is time to.
    pub fn tick(&mut self, now: Instant, out: &mut Out<'_>) -> Option<String> {
        if self.due.is_none_or(|due| now < due) {
            return None;
        }
        let mut ask = None;
        // Another one begins each time, so that a node that never answers is not asked instead of others.
        let (count, turn) = (self.nodes.len(), self.turn);
        for at in (0..count).map(|at| (turn + at) % count) {
            let may_ask_now = self.pace.may_ask && ask.is_none() && now >= self.next_ask;
            if self.nodes[at].tick(now, &self.pace, may_ask_now, out) {
                self.turn = at + 1;
                ask = Some(topic::node_command(&self.nodes[at].group, &self.nodes[at].edge));
            }
        }
        if ask.is_some() {
            self.next_ask = now + PACE;
        }
        let due = self.nodes.iter().filter_map(|node| node.due(&self.pace)).min();
        // What is due and had to wait is a request.
        self.due =
            due.map(|due| if due <= now { self.next_ask.max(now + Duration::from_millis(1)) } else { due });
        ask
    }
}
