//! What stands in the table of every rule of a machine, whatever its kind: how soon to act, how long it must be so,
//! what a person needs to know. Names are those of ISA-18.2.

use contract::settings::{Wait, Words};
use contract::{Check, Fault, Priority};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

/// More in a row are a delay.
const IN_A_ROW_MAX: u32 = 1_000;

/// A person cannot act on it sooner.
const REALARM_MIN: Wait = Wait::secs(60);

/// Shorter, and nobody sees how it came.
const CHART_MIN: Wait = Wait::secs(600);

/// Longer, and nobody sees when it began.
const CHART_MAX: Wait = Wait::secs(7 * 86_400);

/// The keys that every rule may have.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Common {
    /// How soon to act: 1 now, 2 within the hour, 3 know.
    #[serde(default = "Priority::low")]
    pub priority: Priority,
    /// What a person should do, for each language, and what happens if nobody acts.
    #[serde(default)]
    pub r#do: Words,
    /// How long it must be abnormal before it counts.
    #[serde(default)]
    pub on_delay: Wait,
    /// How long it must be normal again before it is over.
    #[serde(default)]
    pub off_delay: Wait,
    /// How many abnormal readings in a row count. Without it, the first one.
    #[serde(default = "one")]
    pub in_a_row: u32,
    /// Latched: once over, its post waits until a person confirms it.
    #[serde(default)]
    pub latched: bool,
    /// Told again under its post when nobody took charge for so long; then after twice as long each time.
    pub realarm: Option<Wait>,
    /// Not told while the machine is in one of these states: `["changeover", "cleaning"]`.
    #[serde(default)]
    pub quiet_in: Vec<String>,
    /// Told only while the machine is in one of these states: `["running"]`.
    #[serde(default)]
    pub only_in: Vec<String>,
    /// While it is so, the machine is down, and what hangs on it (`parent`) is not told.
    #[serde(default)]
    pub hides_children: bool,
    /// A picture with the post: the course of the value over so long, 10 min to 7 d. Where the shape matters: `2h`.
    pub chart: Option<Wait>,
    /// Why it happens, for whoever wants to know: `filtre encrassé`.
    #[serde(default)]
    pub cause: Words,
    /// What happens if nobody acts.
    #[serde(default)]
    pub consequence: Words,
    /// How long there is to act.
    pub respond_within: Option<Wait>,
    /// Who answers for this rule: a role.
    pub owner: Option<String>,
    /// When it was last reviewed: `2026-05-01`.
    pub reviewed: Option<Reviewed>,
}

/// A day on which somebody looked at a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String", extend("format" = "date", "examples" = ["2026-05-01"]))]
pub struct Reviewed(pub Date);

impl<'de> Deserialize<'de> for Reviewed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Reviewed, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong =
            || serde::de::Error::custom(format!("invalid day `{text}`, expected such as `2026-05-01`"));
        text.parse().map(Reviewed).map_err(|_| wrong())
    }
}

fn one() -> u32 {
    1
}

impl Common {
    /// Its keys.
    pub const KEYS: &[&str] = &[
        "priority",
        "do",
        "on_delay",
        "off_delay",
        "in_a_row",
        "latched",
        "realarm",
        "quiet_in",
        "only_in",
        "hides_children",
        "chart",
        "cause",
        "consequence",
        "respond_within",
        "owner",
        "reviewed",
    ];

    /// Those that only say how it is told, to whom it belongs, and in which states of its machine: under others, it
    /// is the same condition.
    pub const KEYS_OF_TELLING: &[&str] = &[
        "priority",
        "do",
        "quiet_in",
        "only_in",
        "hides_children",
        "chart",
        "cause",
        "consequence",
        "respond_within",
        "owner",
        "reviewed",
    ];

    /// What a rule has that says nothing of all this.
    pub fn plain() -> Common {
        Common {
            priority: Priority::Low,
            r#do: Words::Nothing,
            on_delay: Wait::default(),
            off_delay: Wait::default(),
            in_a_row: 1,
            latched: false,
            realarm: None,
            quiet_in: Vec::new(),
            only_in: Vec::new(),
            hides_children: false,
            chart: None,
            cause: Words::Nothing,
            consequence: Words::Nothing,
            respond_within: None,
            owner: None,
            reviewed: None,
        }
    }
}

impl Check for Common {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !(1..=IN_A_ROW_MAX).contains(&self.in_a_row) {
            let message = format!("found {}, expected 1 to {IN_A_ROW_MAX}", self.in_a_row);
            faults.push(Fault::at("in_a_row", message));
        }
        if self.realarm.is_some_and(|realarm| realarm < REALARM_MIN) {
            faults.push(Fault::at("realarm", "shorter than a minute, expected at least `1m`"));
        }
        if !self.quiet_in.is_empty() && !self.only_in.is_empty() {
            faults.push(Fault::at("only_in", "beside `quiet_in`, expected one of them"));
        }
        if self.chart.is_some_and(|chart| !(CHART_MIN..=CHART_MAX).contains(&chart)) {
            faults.push(Fault::at("chart", "expected 10m to 7d"));
        }
        if self.respond_within.is_some_and(|within| within.0.is_zero()) {
            faults.push(Fault::at("respond_within", "no time, expected such as `10m`"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_keys_are_those_of_its_table() {
        let schema = schemars::schema_for!(Common);
        let mut keys: Vec<&str> =
            schema.get("properties").unwrap().as_object().unwrap().keys().map(String::as_str).collect();
        let mut known = Common::KEYS.to_vec();
        keys.sort_unstable();
        known.sort_unstable();
        assert_eq!(keys, known);
    }

    #[test]
    fn nothing_written_is_plain() {
        assert_eq!(toml::from_str::<Common>("").unwrap(), Common::plain());
        assert_eq!(Common::plain().check(), []);
    }

    #[test]
    fn finds_what_is_wrong() {
        let wrong = |text: &str| -> Vec<String> {
            let common: Common = toml::from_str(text).unwrap();
            common.check().into_iter().map(|fault| fault.key).collect()
        };
        assert_eq!(wrong("in_a_row=0"), ["in_a_row"]);
        assert_eq!(wrong("realarm='59s'"), ["realarm"]);
        assert_eq!(wrong("quiet_in=['a']\nonly_in=['b']"), ["only_in"]);
        assert_eq!(wrong("respond_within='0s'"), ["respond_within"]);
        assert!(toml::from_str::<Common>("reviewed='1 May'").is_err());
    }
}
