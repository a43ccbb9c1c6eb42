//! The tables of what is foreseen from the records of a business system and the rate of a machine: an order that
//! will be late, a stock that will run out.

use contract::settings::{Wait, Words};
use contract::{Check, Fault, Priority};
use schemars::JsonSchema;
use serde::Deserialize;

/// `[list.<name>.rule.late.<rule>]`: the current order of a machine will be done after its due time, at the rate of
/// the machine.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LateSection {
    /// The field that says how many good parts are to be made.
    pub quantity: String,
    /// The field that says when it is due. A day without a time is due when that day is over.
    pub due: String,
    /// The field that says how many good parts are done. Without it, those that the machine made since the order
    /// became its current one.
    pub done: Option<String>,
    /// The field that says when the order is fetched: the time left until then is told.
    pub pick_up: Option<String>,
    /// Told when it is later than this, and over when it is in time again.
    #[serde(default = "quarter")]
    pub tolerance: Wait,
    /// How soon to act: 1 now, 2 within the hour, 3 know.
    #[serde(default = "Priority::low")]
    pub priority: Priority,
    /// What a person should do, for each language.
    #[serde(default)]
    pub r#do: Words,
}

/// `[list.<name>.rule.reach.<rule>]`: a stock will be used up soon, at the rate at which its level falls.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReachSection {
    /// The field that says how much is left.
    pub level: String,
    /// Told when it is used up within this time.
    pub under: Wait,
    /// The field that says when the next delivery comes. What lasts until then is not told.
    pub delivery: Option<String>,
    /// The rate is that of the last so much planned time of the site.
    #[serde(default = "four_hours")]
    pub over: Wait,
    /// A rise of the level by so much is a delivery; a smaller one is noise. In the unit of the level.
    #[serde(default)]
    pub delivery_min: f64,
    /// How soon to act: 1 now, 2 within the hour, 3 know.
    #[serde(default = "Priority::low")]
    pub priority: Priority,
    /// What a person should do, for each language.
    #[serde(default)]
    pub r#do: Words,
}

fn quarter() -> Wait {
    Wait::secs(900)
}

fn four_hours() -> Wait {
    Wait::secs(4 * 3_600)
}

impl Check for LateSection {
    fn check(&self) -> Vec<Fault> {
        Vec::new()
    }
}

impl Check for ReachSection {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.under < Wait::secs(60) {
            faults.push(Fault::at("under", "shorter than a minute, expected at least `1m`"));
        }
        if self.over < Wait::secs(600) {
            faults.push(Fault::at("over", "shorter than ten minutes, expected at least `10m`"));
        }
        if !(self.delivery_min >= 0.0 && self.delivery_min.is_finite()) {
            let message = format!("{}, expected 0 or more", self.delivery_min);
            faults.push(Fault::at("delivery_min", message));
        }
        faults
    }
}
