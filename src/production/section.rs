//! The table of production figures.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::settings::{Wait, Words};
use contract::{Check, Fault};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cause, State};

/// So many causes can be told apart; what a person compares is a dozen.
const CAUSES_MAX: usize = 100;

/// `[….production]`: what a machine makes, and where its time goes.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The tag that says whether it runs, or why not: a flag or a number.
    pub state: String,
    /// The values of `state` while it runs. Without it, 1.
    #[serde(default = "one")]
    pub running: Vec<f64>,
    /// Why it does not run, by name.
    #[serde(default)]
    pub cause: BTreeMap<String, CauseSection>,
    /// The tag that counts good parts. Either this or `total`.
    pub good: Option<String>,
    /// The tag that counts all parts, good or not. Either this or `good`.
    pub total: Option<String>,
    /// The tag that counts scrap. Without it, every part is good.
    pub scrap: Option<String>,
    /// The highest value of the counters before they begin at 0 again: 65535. Without it, they do not.
    pub counter_max: Option<u64>,
    /// How many parts it makes in an hour at best. Either this or `ideal_cycle`.
    pub ideal_per_hour: Option<f64>,
    /// How long one part takes at best. Either this or `ideal_per_hour`.
    pub ideal_cycle: Option<Wait>,
    /// A shorter stop is a micro-stop: it is counted with its kind, not one by one. Without it, none is.
    #[serde(default)]
    pub micro_stop: Wait,
    /// Whether micro-stops lower availability, as in the table of NF E60-182, or performance.
    #[serde(default)]
    pub micro_stops: MicroStops,
    /// After so long without a word of the machine its state is not known any more. Without it, a state is so until
    /// another is told, or its source is lost.
    pub silent_after: Option<Wait>,
    /// The present rate is that of the last so much time in which it ran.
    #[serde(default = "hour")]
    pub rate_over: Wait,
}

/// `[….production.cause.<name>]`: why a machine does not run.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CauseSection {
    /// The values of the state that mean it.
    pub is: Vec<f64>,
    /// What people call it. Without it, the key.
    #[serde(default)]
    pub name: Words,
    /// True when it is planned, such as cleaning: it is no loss, the machine was not required.
    #[serde(default)]
    pub planned: bool,
}

/// Where micro-stops are counted. The TRS is the same, its factors are not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MicroStops {
    /// Between required and running time.
    #[default]
    Availability,
    /// Between running and net time.
    Performance,
}

/// How times are counted, to be printed beside the figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Method {
    /// A shorter stop is a micro-stop.
    pub micro_stop: Duration,
    /// Where these are counted.
    pub micro_stops: MicroStops,
}

fn one() -> Vec<f64> {
    vec![1.0]
}

fn hour() -> Wait {
    Wait::secs(3_600)
}

impl Section {
    /// The tags it hears: the state, the parts, the scrap.
    pub fn tags(&self) -> Vec<&str> {
        let parts = self.good.as_deref().or(self.total.as_deref());
        [Some(self.state.as_str()), parts, self.scrap.as_deref()].into_iter().flatten().collect()
    }

    /// What a value of the state tag means; `None` is a value that cannot be trusted.
    pub fn state(&self, value: Option<f64>) -> State {
        let Some(value) = value else { return State::Unknown };
        if self.running.contains(&value) {
            return State::Running;
        }
        let cause = self.cause.values().position(|cause| cause.is.contains(&value));
        State::Stopped(cause.and_then(|at| u8::try_from(at).ok()).map(Cause))
    }

    /// The key and the words of a cause.
    pub fn cause(&self, cause: Cause) -> Option<(&str, &Words)> {
        self.cause.iter().nth(usize::from(cause.0)).map(|(key, own)| (key.as_str(), &own.name))
    }

    /// How times are counted.
    pub fn method(&self) -> Method {
        Method { micro_stop: self.micro_stop.0, micro_stops: self.micro_stops }
    }

    /// How long one part takes at best, in nanoseconds.
    pub(super) fn cycle_ns(&self) -> u64 {
        let of_rate = |rate: f64| (3.6e12 / rate).round() as u64;
        let of_wait = |wait: Wait| u64::try_from(wait.0.as_nanos()).unwrap_or(u64::MAX);
        self.ideal_per_hour.map(of_rate).or(self.ideal_cycle.map(of_wait)).unwrap_or(0).max(1)
    }

    fn check_parts(&self, faults: &mut Vec<Fault>) {
        match (&self.good, &self.total) {
            (Some(_), None) => {}
            (None, Some(_)) if self.scrap.is_some() => {}
            (None, Some(_)) => {
                let message = "counts scrap as well, expected `scrap` beside it, or `good` if it does not";
                faults.push(Fault::at("total", message));
            }
            (Some(_), Some(_)) => faults.push(Fault::at("total", "beside `good`, expected one of them")),
            (None, None) => {
                faults.push(Fault::at("", "neither `good` nor `total`, expected one of them"));
            }
        }
        if self.counter_max == Some(0) {
            faults.push(Fault::at("counter_max", "0, expected the highest value, such as 65535"));
        }
    }

    fn check_ideal(&self, faults: &mut Vec<Fault>) {
        match (self.ideal_per_hour, self.ideal_cycle) {
            (Some(rate), None) if (0.001..=1e9).contains(&rate) => {}
            (Some(rate), None) => {
                faults.push(Fault::at("ideal_per_hour", format!("{rate}, expected 0.001 to 1000000000")));
            }
            (None, Some(Wait(Duration::ZERO))) => {
                faults.push(Fault::at("ideal_cycle", "no time, expected at least `1ms`"));
            }
            (None, Some(_)) => {}
            (Some(_), Some(_)) => {
                faults.push(Fault::at("ideal_cycle", "beside `ideal_per_hour`, expected one of them"));
            }
            (None, None) => {
                let message = "neither `ideal_per_hour` nor `ideal_cycle`, expected one of them";
                faults.push(Fault::at("", message));
            }
        }
    }

    fn check_causes(&self, faults: &mut Vec<Fault>) {
        if self.running.is_empty() {
            faults.push(Fault::at("running", "empty, expected at least one value of the state"));
        }
        if self.cause.len() > CAUSES_MAX {
            let found = self.cause.len();
            faults.push(Fault::at("cause", format!("{found} causes, expected at most {CAUSES_MAX}")));
        }
        let mut taken: Vec<(f64, &str)> = self.running.iter().map(|value| (*value, "running")).collect();
        for (name, own) in &self.cause {
            if own.is.is_empty() {
                let message = "empty, expected at least one value of the state";
                faults.push(Fault::at(format!("cause.{name}.is"), message));
            }
            for (at, value) in own.is.iter().enumerate() {
                if let Some((_, other)) = taken.iter().find(|(known, _)| known == value) {
                    let message = format!("{value} means `{other}` already, expected another value");
                    faults.push(Fault::at(format!("cause.{name}.is.{at}"), message));
                }
            }
            taken.extend(own.is.iter().map(|value| (*value, name.as_str())));
        }
    }
}

impl Check for Section {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.check_causes(&mut faults);
        self.check_parts(&mut faults);
        self.check_ideal(&mut faults);
        if self.silent_after.is_some_and(|after| after < Wait::secs(1)) {
            faults.push(Fault::at("silent_after", "shorter than a second, expected at least `1s`"));
        }
        if self.rate_over < Wait::secs(60) {
            faults.push(Fault::at("rate_over", "shorter than a minute, expected at least `1m`"));
        }
        faults
    }
}
