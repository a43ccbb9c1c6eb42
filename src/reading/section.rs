//! The table of a tag, without the address that its source owns.

use contract::settings::{Wait, Words};
use contract::{Check, Fault};
use schemars::JsonSchema;
use serde::Deserialize;

/// `[….tag.<name>]`: one value of a machine. The keys of the address (such as `topic`) stand beside these.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TagSection {
    /// The source that reads it: `hall-b` of `[source.mqtt.hall-b]`.
    pub source: String,
    /// What people call it, as it stands in the middle of a sentence: `palier arrière`. Without it, the key.
    #[serde(default)]
    pub name: Words,
    /// The unit people read, after scale and offset: `°C`.
    pub unit: Option<String>,
    /// What the wire's number is multiplied by.
    pub scale: Option<f64>,
    /// What is added after scaling.
    pub offset: Option<f64>,
    /// How many decimals are shown, 0 to 6. Without it, as many as the limits of its rules have.
    pub decimals: Option<u8>,
    /// Values outside, from and to (after scaling), are bad: a broken wire, not a hot machine.
    pub valid: Option<[f64; 2]>,
    /// Silent after this long without a value: a `stale` rule without writing one.
    pub stale_after: Option<Wait>,
}

impl TagSection {
    /// The keys that are not part of an address.
    pub const KEYS: &[&str] =
        &["source", "name", "unit", "scale", "offset", "decimals", "valid", "stale_after"];
}

impl Check for TagSection {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.scale == Some(0.0) {
            faults.push(Fault::at("scale", "0 makes every value the same, expected another number"));
        }
        if self.decimals.is_some_and(|decimals| decimals > 6) {
            faults.push(Fault::at("decimals", "more than 6, expected 0 to 6"));
        }
        if let Some([from, to]) = self.valid
            && (from.is_nan() || to.is_nan() || from >= to)
        {
            faults.push(Fault::at("valid", format!("from {from} to {to}, expected the lower value first")));
        }
        if self.stale_after.is_some_and(|after| after < Wait::secs(1)) {
            faults.push(Fault::at("stale_after", "shorter than a second, expected at least `1s`"));
        }
        faults
    }
}
