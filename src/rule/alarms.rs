//! The alarms that another system keeps, such as an OPC UA server: each is an episode of its own.

use contract::{Check, Fault, Priority};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Level, Verdict};

/// `[….rule.alarms.<name>]`: every alarm that a tag hears of, judged there and told here.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The tag that listens: one whose address names events.
    pub tag: String,
    /// Alarms of a lower severity are left out, 1 to 1000.
    #[serde(default = "all")]
    pub severity_min: u16,
    /// Priority 2 from this severity on.
    #[serde(default = "high")]
    pub high_from: u16,
    /// Priority 1 from this severity on.
    #[serde(default = "urgent")]
    pub urgent_from: u16,
}

fn all() -> u16 {
    1
}

// The bands of OPC 10000-5 6.4.2 in thirds: low, medium, high.
fn high() -> u16 {
    334
}

fn urgent() -> u16 {
    667
}

/// The priority of each step, the first one first.
pub const PRIORITIES: [Priority; 3] = [Priority::Low, Priority::High, Priority::Urgent];

impl Check for Section {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (key, value) in [
            ("severity_min", self.severity_min),
            ("high_from", self.high_from),
            ("urgent_from", self.urgent_from),
        ] {
            if value == 0 || value > 1_001 {
                faults.push(Fault::at(key, format!("found {value}, expected 1 to 1000, or 1001 for never")));
            }
        }
        if self.high_from > self.urgent_from {
            faults.push(Fault::at("high_from", "above `urgent_from`, expected at most that"));
        }
        faults
    }
}

/// How abnormal an alarm is.
pub fn judge(section: &Section, is_active: bool, severity: u16) -> Verdict {
    let step = 1 + u8::from(severity >= section.high_from) + u8::from(severity >= section.urgent_from);
    let counts = is_active && severity >= section.severity_min;
    Verdict::Level(Level(if counts { step } else { 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_becomes_a_step() {
        let section: Section = toml::from_str("tag = 'alarms'\nseverity_min = 100").unwrap();
        assert_eq!(section.check(), []);
        let step = |is_active, severity| match judge(&section, is_active, severity) {
            Verdict::Level(Level(step)) => step,
            Verdict::Unknown => u8::MAX,
        };
        let steps = [99, 100, 333, 334, 666, 667, 1000].map(|severity| step(true, severity));
        assert_eq!(steps, [0, 1, 1, 2, 2, 3, 3]);
        assert_eq!(step(false, 1000), 0);
        let wrong: Section = toml::from_str("tag = 'a'\nhigh_from = 800").unwrap();
        assert_eq!(wrong.check()[0].key, "high_from");
    }
}
