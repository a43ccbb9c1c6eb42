//! What an integrator writes beside a tag, and what it becomes for one machine.

use contract::settings::Wait;
use contract::{Check, Fault, TagAddress, TagId};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::node::{Namespace, NodeName};
use crate::path::BrowsePath;

/// Stands for the key of the machine.
const PLACEHOLDER: &str = "{machine}";
/// A queue longer than this holds minutes of a fast signal, and more memory of the server than is polite.
const QUEUE_MAX: u32 = 10_000;

/// Where a tag lies on an OPC UA server: one of `node`, `path` and `events`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// The node id, its namespace by URI: `nsu=http://usine.local/presse;s={machine}.Oil`. `{machine}` stands for
    /// the key of the machine. `ns=2;s=…` is understood, but the number may change when the server starts.
    pub node: Option<String>,
    /// The browse path from the root: `/Objects/{machine}/Oil`. A step may name its namespace by index, `2:Oil`;
    /// `&` takes the next character as it is.
    pub path: Option<String>,
    /// A node whose alarms and conditions are listened to, as a node id; `i=2253` is the whole server.
    pub events: Option<String>,
    /// How far a number must move before the server tells, in the unit of the node. Without it, every change.
    pub deadband: Option<f64>,
    /// How often the server looks at the node. Without it, as often as it tells (`publishing`). `"0s"` is as often
    /// as the server can.
    pub sampling: Option<Wait>,
    /// How many changes the server keeps between two tellings. Without it, 10; with 1, the last one alone. Of
    /// events, without it, 1000.
    pub queue: Option<u32>,
    /// Which value of an array, from 0.
    pub index: Option<u32>,
}

/// Where a node is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// By its id.
    Node(NodeName),
    /// By its browse path.
    Path(BrowsePath),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Node(node) => node.fmt(f),
            Place::Path(path) => path.fmt(f),
        }
    }
}

/// What a tag wants of its node.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// The changes of its value.
    Value {
        /// The least change.
        deadband: Option<f64>,
        /// The sampling interval in milliseconds; -1 is the publishing interval.
        sampling_ms: f64,
        /// The length of the server's queue.
        queue: u32,
        /// Which value of an array.
        index: Option<u32>,
    },
    /// Its alarms and conditions.
    Events {
        /// The length of the server's queue.
        queue: u32,
    },
}

/// One tag, ready to be asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The number to put on its samples.
    pub tag: TagId,
    /// Where it is.
    pub place: Place,
    /// What is wanted of it.
    pub wish: Wish,
}

impl Item {
    /// The tag of one machine.
    ///
    /// # Errors
    /// What was found and what is expected.
    pub fn of(tag: &TagAddress<Address>) -> Result<Item, String> {
        let address = &tag.address;
        let place = address.place(&tag.machine)?;
        let wish = match address.events {
            Some(_) => Wish::Events { queue: address.queue.unwrap_or(1000) },
            None => Wish::Value {
                deadband: address.deadband,
                sampling_ms: address.sampling.map_or(-1.0, |wait| wait.0.as_secs_f64() * 1e3),
                queue: address.queue.unwrap_or(10),
                index: address.index,
            },
        };
        Ok(Item { tag: tag.id, place, wish })
    }
}

impl Address {
    fn place(&self, machine: &str) -> Result<Place, String> {
        match (&self.node, &self.path, &self.events) {
            (Some(node), None, None) | (None, None, Some(node)) => {
                NodeName::parse(&node.replace(PLACEHOLDER, machine)).map(Place::Node)
            }
            (None, Some(path), None) => {
                BrowsePath::parse(&path.replace(PLACEHOLDER, machine)).map(Place::Path)
            }
            _ => Err("expected exactly one of `node`, `path` or `events`".to_owned()),
        }
    }

    /// What is wrong with where it lies, for this machine.
    pub fn place_fault(&self, machine: &str) -> Option<Fault> {
        Some(Fault::at(self.place_key(), self.place(machine).err()?))
    }

    fn place_key(&self) -> &'static str {
        match (&self.node, &self.path, &self.events) {
            (Some(_), None, None) => "node",
            (None, Some(_), None) => "path",
            (None, None, Some(_)) => "events",
            _ => "",
        }
    }
}

impl Check for Address {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        faults.extend(self.place_fault("machine"));
        if self.deadband.is_some_and(|deadband| !deadband.is_finite() || deadband < 0.0) {
            faults.push(Fault::at("deadband", "expected a number that is not negative"));
        }
        if self.queue.is_some_and(|queue| !(1..=QUEUE_MAX).contains(&queue)) {
            faults.push(Fault::at("queue", format!("expected from 1 to {QUEUE_MAX}")));
        }
        if self.events.is_some() {
            let set = [
                ("deadband", self.deadband.is_some()),
                ("sampling", self.sampling.is_some()),
                ("index", self.index.is_some()),
            ];
            for (key, _) in set.iter().filter(|(_, is_set)| *is_set) {
                faults.push(Fault::at(*key, "has no use with `events`"));
            }
        }
        faults
    }

    fn advise(&self) -> Vec<Fault> {
        let moves = |node: &NodeName| matches!(node.namespace(), Namespace::Index(index) if *index > 0);
        let place = self.place("machine");
        let is_moving = match &place {
            Ok(Place::Node(node)) => moves(node),
            Ok(Place::Path(path)) => {
                path.steps().iter().any(|step| step.namespace.is_some_and(|index| index > 0))
            }
            Err(_) => false,
        };
        let words = "a namespace by its index, which may change when the server starts; expected `nsu=<URI>;…` \
                     (`portevoix probe opcua` shows it)";
        is_moving.then(|| Fault::at(self.place_key(), words)).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        toml::from_str(text).expect("a good shape")
    }

    #[test]
    fn a_tag_is_written_once_for_all_machines() {
        let item = |text: &str| {
            let tag = TagAddress { id: TagId(7), machine: "press-3".to_owned(), address: address(text) };
            Item::of(&tag).expect("an item")
        };
        let node = item("node = 'nsu=urn:x;s={machine}.Oil'\ndeadband = 0.5\nsampling = '100ms'\nqueue = 4");
        assert_eq!(node.place.to_string(), "nsu=urn:x;s=press-3.Oil");
        let wish = Wish::Value { deadband: Some(0.5), sampling_ms: 100.0, queue: 4, index: None };
        assert_eq!(node.wish, wish);
        assert_eq!(item("path = '/Objects/{machine}/Oil'").place.to_string(), "/Objects/press-3/Oil");
        assert_eq!(item("events = 'i=2253'").wish, Wish::Events { queue: 1000 });
    }

    #[test]
    fn a_moving_namespace_is_told_by_check() {
        let advised =
            |text: &str| address(text).advise().into_iter().map(|fault| fault.key).collect::<Vec<_>>();
        assert_eq!(advised("node = 'ns=2;s=x'"), ["node"]);
        assert_eq!(advised("path = '/Objects/2:x'"), ["path"]);
        for fine in ["node = 'nsu=urn:x;s=x'", "node = 'i=2258'", "path = '/0:Objects/x'"] {
            assert!(advised(fine).is_empty(), "{fine}");
        }
    }
}
