//! The birth certificates of Sparkplug B that were heard, and who spoke without one.

use std::collections::BTreeMap;

use contract::clean;

use crate::sparkplug::proto::{Payload, Property};
use crate::sparkplug::topic::{Kind, Topic};
use crate::sparkplug::{open, value};

/// Nodes and devices that are kept.
const PARTS_MAX: usize = 200;
/// Metrics of one that are kept.
const METRICS_MAX: usize = 200;

/// An edge node (without a device) or one of its devices.
pub type Name = (String, String, Option<String>);

/// What was born.
#[derive(Debug, Default)]
pub struct Births {
    /// Each with its metrics; `None` of one that spoke and whose birth was not heard.
    pub parts: BTreeMap<Name, Option<Vec<Metric>>>,
}

/// A metric of a birth certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Its datatype, as the specification calls it.
    pub datatype: &'static str,
    /// A tag can hold it.
    pub is_scalar: bool,
    /// Its unit, where the device says one.
    pub unit: Option<String>,
}

impl Births {
    /// Takes a message.
    pub fn take(&mut self, topic: &Topic<'_>, bytes: &[u8]) {
        let Topic::Edge { group, kind, edge, device } = *topic else { return };
        let name = (group.to_owned(), edge.to_owned(), device.map(str::to_owned));
        if self.parts.len() >= PARTS_MAX && !self.parts.contains_key(&name) {
            return;
        }
        match kind {
            Kind::NodeBirth | Kind::DeviceBirth => {
                if let Ok(metrics) = open(bytes, metrics) {
                    self.parts.insert(name, Some(metrics));
                }
            }
            Kind::NodeData | Kind::DeviceData => {
                self.parts.entry(name).or_default();
            }
            Kind::NodeDeath | Kind::NodeCommand | Kind::DeviceDeath | Kind::DeviceCommand => {}
        }
    }
}

fn metrics(payload: &Payload<'_>) -> Vec<Metric> {
    let metrics = payload.metrics().flatten().filter_map(|metric| {
        let name = metric.name.clone().filter(|name| !name.is_empty() && !name.contains(char::is_control))?;
        let code = metric.datatype.unwrap_or_default();
        let unit = match metric.property("engUnit") {
            Some(Property::Text(unit)) if !unit.is_empty() => Some(clean(unit, 20)),
            _ => None,
        };
        Some(Metric { name, datatype: value::datatype(code), is_scalar: (1..=15).contains(&code), unit })
    });
    metrics.take(METRICS_MAX).collect()
}
