//! What a machine is doing: the states that one of its tags tells, by number.

use std::collections::BTreeMap;

use contract::settings::Words;
use contract::{Check, Fault};
use schemars::JsonSchema;
use serde::Deserialize;

/// So many states can be told apart; a machine has a handful.
const STATES_MAX: usize = 64;

/// `[….states]`: what the machine is doing, such as running, changeover, cleaning.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatesSection {
    /// The tag that tells the state: a flag or a number.
    pub tag: String,
    /// The states, by name.
    pub is: BTreeMap<String, StateSection>,
}

/// `[….states.is.<name>]`: one state.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateSection {
    /// The values of the tag that mean it.
    pub values: Vec<f64>,
    /// What people call it. Without it, the key.
    #[serde(default)]
    pub name: Words,
}

impl StatesSection {
    /// The state that a value means, by its number among the names; `None` for a value that nobody named.
    pub fn state(&self, value: f64) -> Option<usize> {
        self.is.values().position(|state| state.values.contains(&value))
    }

    /// The key of a state.
    pub fn key(&self, state: usize) -> &str {
        self.is.keys().nth(state).map_or("", String::as_str)
    }

    /// What people call a state.
    pub fn words(&self, state: usize) -> Words {
        let found = self.is.iter().nth(state);
        found.map_or(Words::Nothing, |(key, state)| match &state.name {
            Words::Nothing => Words::All(key.clone()),
            words => words.clone(),
        })
    }
}

impl Check for StatesSection {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.is.is_empty() {
            faults.push(Fault::at("is", "empty, expected at least one state"));
        }
        if self.is.len() > STATES_MAX {
            let found = self.is.len();
            faults.push(Fault::at("is", format!("{found} states, expected at most {STATES_MAX}")));
        }
        let mut taken: Vec<(f64, &str)> = Vec::new();
        for (name, state) in &self.is {
            if state.values.is_empty() {
                let key = format!("is.{name}.values");
                faults.push(Fault::at(key, "empty, expected at least one value of the tag"));
            }
            for (at, value) in state.values.iter().enumerate() {
                if let Some((_, other)) = taken.iter().find(|(known, _)| known == value) {
                    let message = format!("{value} means `{other}` already, expected another value");
                    faults.push(Fault::at(format!("is.{name}.values.{at}"), message));
                }
            }
            taken.extend(state.values.iter().map(|value| (*value, name.as_str())));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRESS: &str = "tag='mode'\nis.running={values=[1]}\nis.cleaning={values=[4,5],name.fr='nettoyage'}";

    #[test]
    fn a_value_means_a_state() {
        let states: StatesSection = toml::from_str(PRESS).unwrap();
        assert_eq!(states.check(), []);
        let cleaning = states.state(5.0).unwrap();
        assert_eq!((states.key(cleaning), states.state(9.0)), ("cleaning", None));
        assert_eq!(states.words(cleaning).in_language("fr"), Some("nettoyage"));
        assert_eq!(states.words(states.state(1.0).unwrap()), Words::All("running".into()));
    }

    #[test]
    fn finds_what_is_wrong() {
        let wrong = |text: &str| -> Vec<String> {
            let states: StatesSection = toml::from_str(text).unwrap();
            states.check().into_iter().map(|fault| fault.key).collect()
        };
        assert_eq!(wrong("tag='t'\nis={}"), ["is"]);
        assert_eq!(wrong("tag='t'\nis.a.values=[]"), ["is.a.values"]);
        assert_eq!(wrong("tag='t'\nis.a.values=[1]\nis.b.values=[2,1]"), ["is.b.values.1"]);
    }
}
