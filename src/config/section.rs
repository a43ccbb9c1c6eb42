//! The tables that belong to no other room: the site, a machine, and what every network shares.

use std::path::PathBuf;

use contract::{Check, Fault};
use jiff::tz::TimeZoneDatabase;
use schemars::JsonSchema;
use serde::Deserialize;

use super::wording;

/// The languages that posts can be written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
}

impl Language {
    /// The two-letter codes of all languages.
    pub const CODES: &[&str] = &["en", "fr"];

    /// The two-letter code.
    pub fn code(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::Fr => "fr",
        }
    }
}

/// `[site]`: where portevoix runs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteSection {
    /// The name of the site, as people say it.
    pub name: String,
    /// What posts are written in, unless a network says otherwise: `en` or `fr`.
    #[serde(default)]
    pub language: Language,
    /// The time zone of what people read, by its IANA name such as `Europe/Paris`.
    #[serde(default = "utc")]
    pub timezone: String,
    /// The folder for what must outlive a restart. Without it, the one that the service manager gives.
    pub state: Option<PathBuf>,
    /// How many stories (a late order, a stock that runs out) a machine begins in a day at most. A summary is always
    /// told, and says how many were not.
    #[serde(default = "stories_per_day")]
    pub stories_per_day: u32,
}

/// What a reader takes from one machine beside its alarms.
fn stories_per_day() -> u32 {
    6
}

fn utc() -> String {
    "UTC".to_owned()
}

impl Check for SiteSection {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.name.trim().is_empty() {
            faults.push(Fault::at("name", "empty, expected the name of the site"));
        }
        // The zones that are compiled in: the answer is the same on every computer.
        let zones = TimeZoneDatabase::bundled();
        if zones.get(&self.timezone).is_err() {
            let names: Vec<String> = zones.available().map(|name| name.to_string()).collect();
            let help = wording::nearest(&self.timezone, names.iter().map(String::as_str))
                .map_or(String::new(), |name| format!(" (did you mean `{name}`?)"));
            let message = format!(
                "unknown time zone `{}`, expected an IANA name such as `Europe/Paris`{help}",
                self.timezone
            );
            faults.push(Fault::at("timezone", message));
        }
        faults
    }
}

/// The first line of a post has 110 characters, and the state, the value and the limit must fit beside the name.
const NAME_CHARS_MAX: usize = 28;

/// `[machine.<key>]`: a machine that speaks. Its tags and rules stand in tables of their own, or in its class.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineSection {
    /// The class that gives it its tags and rules: `press` of `[class.press]`.
    pub class: Option<String>,
    /// The name people use. Never translated. Without it, the key.
    pub name: Option<String>,
    /// Where it stands, from the site inwards, with `/` between: `Vitré/Atelier B/Ligne 2`.
    #[serde(default)]
    pub place: String,
    /// What business systems call it, such as the number of its work centre: records that name one of these are
    /// about this machine.
    #[serde(default)]
    pub known_as: Vec<String>,
    /// The machine that it hangs on: the line of a station. While that one is down, this one is not told.
    pub parent: Option<String>,
}

impl MachineSection {
    /// The keys that are no tables of tags or rules.
    pub const KEYS: &[&str] = &["class", "name", "place", "known_as", "parent"];
}

impl Check for MachineSection {
    fn check(&self) -> Vec<Fault> {
        match &self.name {
            Some(name) if name.trim().is_empty() => {
                vec![Fault::at("name", "empty, expected the name people use, or nothing for the key itself")]
            }
            Some(name) if name.chars().count() > NAME_CHARS_MAX => {
                let found = name.chars().count();
                vec![Fault::at(
                    "name",
                    format!(
                        "{found} characters, expected at most {NAME_CHARS_MAX}: it stands in the first line of each post"
                    ),
                )]
            }
            _ => Vec::new(),
        }
    }
}

/// What every `[network.<kind>.<name>]` may hold beside the keys of its kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkCommon {
    /// What its posts are written in: `en` or `fr`. Without it, the language of the site.
    pub language: Option<Language>,
}

impl NetworkCommon {
    /// The keys that no kind of network may use.
    pub const KEYS: &[&str] = &["language"];
}

impl Check for NetworkCommon {}
