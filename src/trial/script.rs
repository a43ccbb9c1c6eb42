//! What a test file may say.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::Priority;
use contract::settings::Wait;
use serde::{Deserialize, Deserializer, de};
use toml::Spanned;

use super::What;

/// A file of tests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// `[test.<name>]`
    pub test: BTreeMap<Spanned<String>, Test>,
}

/// `[test.<name>]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// When it begins, in the time of the site. All times of the test count from here.
    pub begins: Option<Spanned<String>>,
    /// When it ends; without it, at the last time that it names.
    pub ends: Option<After>,
    /// True: every new post must be expected.
    #[serde(default)]
    pub only: bool,
    /// What machines say.
    #[serde(default)]
    pub given: Vec<Spanned<Given>>,
    /// What people read.
    #[serde(default)]
    pub expect: Vec<Spanned<Expect>>,
}

/// One reading, or a series of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// When, or when the series begins.
    pub at: After,
    /// `machine/tag`.
    pub tag: Option<String>,
    /// The value on the wire: a number, true or false, or words.
    pub value: Option<toml::Value>,
    /// Several values, one after the other, `every` so often.
    pub values: Option<Vec<toml::Value>>,
    /// A ramp from here …
    pub from: Option<f64>,
    /// … to here.
    pub to: Option<f64>,
    /// How often a series speaks.
    pub every: Option<After>,
    /// When a series ends; the reading at this time is its last.
    pub until: Option<After>,
    /// Why it cannot be trusted.
    pub bad: Option<String>,
    /// The source of this name is lost or connected from now on; see `connected`.
    pub source: Option<String>,
    /// With `source`.
    pub connected: Option<bool>,
}

/// One thing that must be told, or must not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// When: within this second, or from then on for `within`.
    pub at: Option<After>,
    /// How much later it may be.
    pub within: Option<After>,
    /// Not before; instead of `at`.
    pub from: Option<After>,
    /// Not after; instead of `at`.
    pub until: Option<After>,
    /// A new post, an edit, a note under it, or its close.
    #[serde(default)]
    pub what: What,
    /// True: nothing like it may be told in this time.
    #[serde(default)]
    pub absent: bool,
    /// The key of the machine.
    pub machine: Option<String>,
    /// Kind and name of the rule.
    pub rule: Option<String>,
    /// The state as a word in capitals: `ATTENTION`.
    pub word: Option<String>,
    /// How soon to act.
    pub priority: Option<Priority>,
    /// Words that it holds, with plain spaces.
    pub text: Option<String>,
}

/// A time after the beginning, or a duration: `90s`, `1m30s`, `1h5m`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct After(pub Duration);

impl After {
    fn parse(text: &str) -> Result<After, String> {
        let wrong =
            || format!("found `{text}`, expected a time after the beginning such as `30s`, `1m30s` or `2h`");
        let mut total = Duration::ZERO;
        let mut rest = text;
        while !rest.is_empty() {
            let unit = rest.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
            let end =
                rest[unit..].find(|c: char| !c.is_ascii_alphabetic()).map_or(rest.len(), |end| unit + end);
            total += Wait::parse(&rest[..end]).map_err(|_| wrong())?.0;
            rest = &rest[end..];
        }
        if text.is_empty() { Err(wrong()) } else { Ok(After(total)) }
    }
}

impl<'de> Deserialize<'de> for After {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<After, D::Error> {
        let text = String::deserialize(deserializer)?;
        After::parse(&text).map_err(de::Error::custom)
    }
}
