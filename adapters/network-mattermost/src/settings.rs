//! The table `[network.mattermost.<name>]`.

use std::path::Path;
use std::time::Duration;

use contract::settings::{Secret, Wait};
use contract::{Check, Fault, Pace};
use http_client::{Connection, check_url};
use schemars::JsonSchema;
use serde::Deserialize;

/// A Mattermost server and one of its channels: `url`, `token` and a channel, or `webhook` alone.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The server, as people open it: `https://chat.usine.example`.
    pub url: Option<String>,
    /// The token of a bot account that is a member of the channel.
    pub token: Option<Secret>,
    /// The channel, by its name in the address bar: `atelier-b`.
    pub channel: Option<String>,
    /// The team of the channel, by its name in the address bar. Not needed when the bot is in one team only.
    pub team: Option<String>,
    /// The channel by its id, instead of `channel` and `team`.
    pub channel_id: Option<String>,
    /// The URL of an incoming webhook, instead of all of the above. The lesser way: posts are not edited, have no
    /// thread, and one whose answer is lost is sent again.
    pub webhook: Option<Secret>,
    /// How a post of priority 1 is labelled. The server must allow it.
    #[serde(default)]
    pub urgent_label: Label,
    /// True to let a rule call `@all`, `@channel` and `@here`.
    #[serde(default)]
    pub allow_broadcast: bool,
    /// The longest message that the server takes, in characters.
    #[serde(default = "chars_max")]
    pub chars_max: usize,
    /// How long a repeated post is recognised. The server remembers for 30 s; `0s` for a server of several nodes,
    /// which do not tell each other.
    #[serde(default = "key_lasts")]
    pub key_lasts: Wait,
    /// How long to wait before looking whether a post without an answer is there after all.
    #[serde(default = "settle")]
    pub settle: Wait,
    /// How fast the server may be spoken to.
    #[serde(default)]
    pub pace: PaceSettings,
    /// How the server is reached.
    #[serde(default)]
    pub connection: Connection,
}

/// A label of Mattermost for a root post.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// No label.
    #[default]
    None,
    /// *Important*.
    Important,
    /// *Urgent*.
    Urgent,
}

impl Label {
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Label::None => None,
            Label::Important => Some("important"),
            Label::Urgent => Some("urgent"),
        }
    }
}

/// A bucket: so many at once, one more every `refill`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PaceSettings {
    /// How many may go at once.
    pub burst: u32,
    /// The wait for one more.
    pub refill: Wait,
}

impl Default for PaceSettings {
    fn default() -> PaceSettings {
        PaceSettings { burst: 10, refill: Wait(Duration::from_millis(100)) }
    }
}

impl From<PaceSettings> for Pace {
    fn from(pace: PaceSettings) -> Pace {
        Pace { burst: pace.burst, refill: pace.refill.0 }
    }
}

pub(crate) fn chars_max() -> usize {
    16_383
}

/// The server counts 30 s from the moment it took the post; a repeat may itself be 10 s on its way.
fn key_lasts() -> Wait {
    Wait::secs(20)
}

/// Longer than a request may take.
fn settle() -> Wait {
    Wait::secs(35)
}

impl Check for Settings {
    fn advise(&self) -> Vec<Fault> {
        http_client::in_the_clear("url", self.url.as_deref()).into_iter().collect()
    }

    fn files(&self) -> Vec<(&'static str, &Path)> {
        self.connection.files()
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        let token = self.token.iter().map(|secret| ("token", secret));
        token.chain(self.webhook.iter().map(|secret| ("webhook", secret))).collect()
    }

    fn check(&self) -> Vec<Fault> {
        let mut faults = self.check_way();
        for (key, secret) in [("token", &self.token), ("webhook", &self.webhook)] {
            if let Some(Err(message)) = secret.as_ref().map(Secret::check) {
                faults.push(Fault::at(key, message));
            }
        }
        if !(1_000..=65_535).contains(&self.chars_max) {
            faults.push(Fault::at("chars_max", format!("found {}, expected 1000 to 65535", self.chars_max)));
        }
        if self.key_lasts > Wait::secs(25) {
            faults.push(Fault::at("key_lasts", "expected at most `25s`: the server remembers for 30 s"));
        }
        if self.pace.burst == 0 {
            faults
                .push(Fault::at("pace.burst", "found 0, expected at least 1: nothing would ever be posted"));
        }
        faults.extend(self.connection.check("connection"));
        faults
    }
}

impl Settings {
    /// Either a webhook, or a server, a token and a channel.
    fn check_way(&self) -> Vec<Fault> {
        if self.webhook.is_some() {
            let both = [
                ("url", self.url.is_some()),
                ("token", self.token.is_some()),
                ("channel", self.channel.is_some()),
                ("team", self.team.is_some()),
                ("channel_id", self.channel_id.is_some()),
            ];
            let excluded = both.iter().filter(|(_, is_set)| *is_set);
            return excluded
                .map(|(key, _)| Fault::at(*key, "excluded by `webhook`, which says it all"))
                .collect();
        }
        let mut faults = Vec::new();
        match self.url.as_deref().map(check_url) {
            None => {
                faults.push(Fault::at("url", "missing, expected for example `https://chat.usine.example`"))
            }
            Some(Err(message)) => faults.push(Fault::at("url", message)),
            Some(Ok(_)) => {}
        }
        if self.token.is_none() {
            faults.push(Fault::at(
                "token",
                "missing, expected for example `{ credential = \"mattermost-token\" }`",
            ));
        }
        match (&self.channel, &self.channel_id) {
            (None, None) => faults.push(Fault::at("channel", "missing, expected a name such as `atelier-b`")),
            (Some(_), Some(_)) => faults.push(Fault::at("channel_id", "excluded by `channel`")),
            (Some(_), None) | (None, Some(_)) => {}
        }
        for (key, name) in
            [("channel", &self.channel), ("team", &self.team), ("channel_id", &self.channel_id)]
        {
            if name.as_deref().is_some_and(|name| !is_name(name)) {
                let message = "expected the name in the address bar: small letters, digits, `-`, `_` and `.`";
                faults.push(Fault::at(key, message));
            }
        }
        faults
    }
}

fn is_name(name: &str) -> bool {
    let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.len() <= 64 && name.chars().all(is_fit)
}
