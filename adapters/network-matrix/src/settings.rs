//! The table `[network.matrix.<name>]`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use contract::settings::{Secret, Wait};
use contract::{Check, Fault, Pace};
use http_client::{Connection, check_url};
use schemars::JsonSchema;
use serde::Deserialize;

/// A Matrix server and one of its rooms: `url`, `room` and either `as_token` or `token`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The server, where clients reach it: `https://matrix.usine.example`. Not what stands after the colon of names.
    pub url: Option<String>,
    /// The token of an application service. Each machine is then a user of its own.
    pub as_token: Option<Secret>,
    /// The token of one ordinary user, instead of `as_token`. The lesser way: every post is this user's, and the
    /// server's limits for people hold.
    pub token: Option<Secret>,
    /// The room: `#atelier-b:usine.example`, or its id, which begins with `!`. It must not be encrypted.
    pub room: Option<String>,
    /// What the names of the machines' users begin with; the registration of the application service says the same.
    #[serde(default = "user_prefix")]
    pub user_prefix: String,
    /// The device that every machine's user has. By it the server recognises a repeated post after its own restart.
    #[serde(default = "device")]
    pub device: String,
    /// Who is called for a role: `{ maintenance = ["@marc:usine.example"] }`. A role that is not here is a word.
    #[serde(default)]
    pub mentions: BTreeMap<String, Vec<String>>,
    /// Pictures of machines: `{ press-3 = "mxc://usine.example/AbCd" }`. `*` is for all others.
    #[serde(default)]
    pub avatars: BTreeMap<String, String>,
    /// How long a repeated post is recognised. Synapse remembers for 24 h; `0s` for a server that does not say.
    #[serde(default = "key_lasts")]
    pub key_lasts: Wait,
    /// How long to wait before looking whether a post without an answer is there after all.
    #[serde(default = "settle")]
    pub settle: Wait,
    /// How fast the server may be spoken to. Unless told: for an application service 20 at once and ten more a
    /// second; for an ordinary user 5 at once and one more every 5 s.
    pub pace: Option<PaceSettings>,
    /// How the server is reached.
    #[serde(default)]
    pub connection: Connection,
}

/// A bucket: so many at once, one more every `refill`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaceSettings {
    /// How many may go at once.
    pub burst: u32,
    /// The wait for one more.
    pub refill: Wait,
}

impl PaceSettings {
    /// For an application service that the server does not hold back.
    const SERVICE: PaceSettings = PaceSettings { burst: 20, refill: Wait(Duration::from_millis(100)) };
    /// Synapse lets a person say 10 things at once and one more every 5 s; a post with a picture is two of them.
    const PERSON: PaceSettings = PaceSettings { burst: 5, refill: Wait::secs(5) };
}

fn user_prefix() -> String {
    "pv_".to_owned()
}

fn device() -> String {
    "PORTEVOIX".to_owned()
}

/// Half of what Synapse keeps: a repeat may itself have waited long.
fn key_lasts() -> Wait {
    Wait::secs(12 * 3_600)
}

/// Longer than a request may take.
fn settle() -> Wait {
    Wait::secs(35)
}

/// Synapse forgets after 24 h.
const KEY_LASTS_MAX: Wait = Wait::secs(23 * 3_600);

impl Check for Settings {
    fn advise(&self) -> Vec<Fault> {
        http_client::in_the_clear("url", self.url.as_deref()).into_iter().collect()
    }

    fn files(&self) -> Vec<(&'static str, &Path)> {
        self.connection.files()
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        let service = self.as_token.iter().map(|secret| ("as_token", secret));
        service.chain(self.token.iter().map(|secret| ("token", secret))).collect()
    }

    fn check(&self) -> Vec<Fault> {
        let mut faults = self.check_way();
        faults.extend(self.check_names());
        faults.extend(self.check_people());
        if self.key_lasts > KEY_LASTS_MAX {
            faults.push(Fault::at("key_lasts", "expected at most `23h`: the server remembers for 24 h"));
        }
        if self.pace.is_some_and(|pace| pace.burst == 0) {
            faults
                .push(Fault::at("pace.burst", "found 0, expected at least 1: nothing would ever be posted"));
        }
        faults.extend(self.connection.check("connection"));
        faults
    }
}

impl Settings {
    /// How fast, for this way of speaking.
    pub(crate) fn pace(&self) -> Pace {
        let usual = if self.token.is_some() { PaceSettings::PERSON } else { PaceSettings::SERVICE };
        let pace = self.pace.unwrap_or(usual);
        Pace { burst: pace.burst, refill: pace.refill.0 }
    }

    /// The picture of a machine, if it has one.
    pub(crate) fn avatar(&self, machine: &str) -> Option<&str> {
        self.avatars.get(machine).or_else(|| self.avatars.get("*")).map(String::as_str)
    }

    /// A server, and one of two tokens.
    fn check_way(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        match self.url.as_deref().map(check_url) {
            None => {
                faults.push(Fault::at("url", "missing, expected for example `https://matrix.usine.example`"))
            }
            Some(Err(message)) => faults.push(Fault::at("url", message)),
            Some(Ok(_)) => {}
        }
        match (&self.as_token, &self.token) {
            (None, None) => faults.push(Fault::at(
                "as_token",
                "missing, expected for example `{ credential = \"matrix-as-token\" }`",
            )),
            (Some(_), Some(_)) => faults.push(Fault::at("token", "excluded by `as_token`")),
            (Some(_), None) | (None, Some(_)) => {}
        }
        for (key, secret) in self.secrets() {
            if let Err(message) = secret.check() {
                faults.push(Fault::at(key, message));
            }
        }
        faults
    }

    fn check_names(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        match self.room.as_deref() {
            None => {
                faults.push(Fault::at("room", "missing, expected for example `#atelier-b:usine.example`"))
            }
            Some(room) if !is_room(room) => {
                faults.push(Fault::at(
                    "room",
                    "expected `#name:server`, or the id of a room that begins with `!`",
                ));
            }
            Some(_) => {}
        }
        if !is_localpart(&self.user_prefix) || self.user_prefix.len() > 40 {
            let expected = "expected 1 to 40 small letters, digits, `.`, `_`, `-` and `=`";
            faults.push(Fault::at("user_prefix", expected));
        }
        let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !(1..=64).contains(&self.device.len()) || !self.device.chars().all(is_fit) {
            faults.push(Fault::at("device", "expected 1 to 64 letters, digits, `-`, `_` and `.`"));
        }
        faults
    }

    fn check_people(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (role, users) in &self.mentions {
            if users.is_empty() || !users.iter().all(|user| is_user(user)) {
                let expected = "expected a list of users such as `[\"@marc:usine.example\"]`";
                faults.push(Fault::at(format!("mentions.{role}"), expected));
            }
        }
        for (machine, picture) in &self.avatars {
            if !picture.strip_prefix("mxc://").is_some_and(|rest| rest.contains('/')) || picture.len() > 255 {
                let expected = "expected the address of an uploaded picture: `mxc://server/id`";
                faults.push(Fault::at(format!("avatars.{machine}"), expected));
            }
        }
        if self.token.is_some() && !self.avatars.is_empty() {
            faults.push(Fault::at("avatars", "excluded by `token`: all machines speak as one user"));
        }
        faults
    }
}

fn is_localpart(name: &str) -> bool {
    let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-' | '=');
    !name.is_empty() && name.chars().all(is_fit)
}

/// A name of a server, with a port or not.
fn is_server(name: &str) -> bool {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    !name.is_empty() && name.chars().all(is_fit)
}

/// `@marc:usine.example`. What stands here is written into a link.
fn is_user(user: &str) -> bool {
    let parts = user.strip_prefix('@').and_then(|rest| rest.split_once(':'));
    user.len() <= 255 && parts.is_some_and(|(name, server)| is_localpart(name) && is_server(server))
}

/// An alias with its server, or an id: since version 12 of rooms, an id names no server.
fn is_room(room: &str) -> bool {
    let is_fit =
        |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    let is_alias = room.strip_prefix('#').and_then(|rest| rest.split_once(':'));
    let is_id = room.strip_prefix('!').is_some_and(is_fit);
    room.len() <= 255 && (is_id || is_alias.is_some_and(|(name, server)| is_fit(name) && is_server(server)))
}
