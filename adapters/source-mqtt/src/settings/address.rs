//! Where a tag lies, as an integrator writes it beside the tag. The doc comments are the documentation.

use contract::{Check, Fault};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use crate::topic;

/// Where a tag lies on an MQTT broker: a `topic`, or a `metric` of Sparkplug B.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// The topic: `usine/b/{machine}/huile`. `{machine}` stands for the key of the machine; `+` for one level,
    /// `#` for all that follow.
    pub topic: Option<String>,
    /// What to take from the payload. Without it, the payload is a plain number (`84.2`, `84,2`), flag
    /// (`true`, `false`, `on`, `off`) or text. `"/oil/temperature"` is a JSON pointer. `"raw"` is the payload as
    /// text, whatever it looks like.
    #[serde(default)]
    pub value: ValueFrom,
    /// A JSON pointer to the time of the measure: ISO 8601, or Unix time in seconds, milliseconds,
    /// microseconds or nanoseconds, told apart by size. A time without a zone is a time of the site. A value
    /// without the time asked for is bad.
    pub time: Option<Pointer>,
    /// The name of a metric of Sparkplug B, as its birth certificate has it: `Oil/Temperature`. Goes with `group`
    /// and `edge`, in which `{machine}` stands for the key of the machine too.
    pub metric: Option<String>,
    /// The group of the edge node.
    pub group: Option<String>,
    /// The edge node.
    pub edge: Option<String>,
    /// The device; without it, the metric is one of the edge node itself.
    pub device: Option<String>,
}

/// What to take from a payload.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^(raw|/.*)$", "examples" = ["/temperature", "raw"]))]
pub enum ValueFrom {
    /// The payload as a number, a flag or text.
    #[default]
    Plain,
    /// The payload as text.
    Raw,
    /// One place in a JSON payload.
    Pointer(Pointer),
}

/// A JSON pointer (RFC 6901): `/oil/temperature`, `/values/0`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^/.*$", "examples" = ["/time"]))]
pub struct Pointer(Vec<String>);

impl Pointer {
    /// Reads `/oil/temperature`.
    ///
    /// # Errors
    /// What was found and what is expected.
    pub fn parse(text: &str) -> Result<Pointer, String> {
        let steps = text.strip_prefix('/').ok_or_else(|| {
            format!("invalid JSON pointer `{text}`, expected a `/` before each step: `/temperature`")
        })?;
        Ok(Pointer(steps.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect()))
    }

    /// The steps from the root, unescaped.
    pub fn steps(&self) -> &[String] {
        &self.0
    }
}

impl std::fmt::Display for Pointer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|step| write!(f, "/{}", step.replace('~', "~0").replace('/', "~1")))
    }
}

impl<'de> Deserialize<'de> for Pointer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pointer, D::Error> {
        Pointer::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for ValueFrom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ValueFrom, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "raw" => Ok(ValueFrom::Raw),
            pointer if pointer.starts_with('/') => {
                Pointer::parse(pointer).map(ValueFrom::Pointer).map_err(de::Error::custom)
            }
            other => Err(de::Error::custom(format!(
                "invalid value `{other}`, expected `raw` or a JSON pointer such as `/temperature`"
            ))),
        }
    }
}

impl Check for Address {
    fn check(&self) -> Vec<Fault> {
        match (&self.topic, &self.metric) {
            (Some(topic), None) => self.check_topic(topic),
            (None, Some(metric)) => self.check_metric(metric),
            (None, None) => vec![Fault::at("topic", "expected a `topic`, or a `metric` of Sparkplug B")],
            (Some(_), Some(_)) => {
                vec![Fault::at(
                    "metric",
                    "found a `topic` too, expected one of them: a metric has no topic of its own",
                )]
            }
        }
    }
}

impl Address {
    fn check_topic(&self, topic: &str) -> Vec<Fault> {
        let sparkplug = [("group", &self.group), ("edge", &self.edge), ("device", &self.device)];
        let stray = sparkplug
            .into_iter()
            .filter(|(_, word)| word.is_some())
            .map(|(key, _)| Fault::at(key, "goes with a `metric` of Sparkplug B, found a `topic`"));
        let topic = topic::check(topic).map_err(|message| Fault::at("topic", message)).err();
        let time = match (&self.time, &self.value) {
            (Some(_), ValueFrom::Plain | ValueFrom::Raw) => Some(Fault::at(
                "time",
                "a plain payload has no time in it, expected `value` to be a JSON pointer too",
            )),
            _ => None,
        };
        topic.into_iter().chain(time).chain(stray).collect()
    }

    fn check_metric(&self, metric: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        if metric.is_empty() || metric.len() > 1000 {
            faults.push(Fault::at("metric", "expected 1 to 1000 bytes of text"));
        }
        for (key, word, is_needed) in
            [("group", &self.group, true), ("edge", &self.edge, true), ("device", &self.device, false)]
        {
            match word {
                Some(word) => {
                    faults.extend(topic::check_level(word).map_err(|message| Fault::at(key, message)).err())
                }
                None if is_needed => {
                    let message =
                        format!("missing key `{key}`, expected it beside `metric` in the table of the tag");
                    faults.push(Fault::at(key, message));
                }
                None => {}
            }
        }
        if self.value != ValueFrom::Plain {
            faults.push(Fault::at("value", "a metric of Sparkplug B has one value, expected no `value`"));
        }
        if self.time.is_some() {
            faults
                .push(Fault::at("time", "a metric of Sparkplug B has a time of its own, expected no `time`"));
        }
        faults
    }
}
