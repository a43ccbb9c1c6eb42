//! What an integrator writes. The doc comments are the documentation.

use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::settings::{Secret, Wait};
use contract::{Check, Fault};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::topic;

mod address;
pub use address::{Address, Pointer, ValueFrom};

/// Reads machines from an MQTT broker. Publishes nothing, but for what a role in Sparkplug asks for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the broker listens: `mqtt://broker.usine.local:1883`, or `mqtts://broker.usine.local:8883` with TLS.
    /// Without a port, 1883 or 8883.
    pub url: String,
    /// The version of MQTT: `"5"`, or `"3.1.1"` for a broker that knows no better.
    #[serde(default)]
    pub version: Version,
    /// The user name, if the broker asks for one.
    pub user: Option<String>,
    /// Where the password lies.
    pub password: Option<Secret>,
    /// A PEM file with the authorities that may sign the broker's certificate. Without it, those that the
    /// system trusts.
    pub ca: Option<PathBuf>,
    /// A PEM file with our own certificate, for a broker that asks for one. Goes with `key`.
    pub certificate: Option<PathBuf>,
    /// A PEM file with the private key of `certificate`.
    pub key: Option<PathBuf>,
    /// The name of our session at the broker; two clients with one name throw each other out. Without it,
    /// `portevoix-<name>-<8 hexadecimal digits>`, made once and kept.
    pub client_id: Option<String>,
    /// How the broker hands over: 0 at most once; 1 at least once, kept while we are away and given again until
    /// it is safe with us; 2 the same with two more packets, for what is only published so.
    #[serde(default)]
    pub qos: Qos,
    /// The group of a shared subscription: several gateways share the messages, each one gets its part. A
    /// broker sends no retained values to a shared subscription.
    pub share: Option<String>,
    /// How long the broker keeps our session, and what it holds for us, while we are away. `"0s"` keeps
    /// nothing. MQTT 3.1.1 knows only nothing or for ever.
    #[serde(default = "one_day")]
    pub session_expiry: Wait,
    /// The longest silence on the line before we ask whether the broker is still there. A dead line is noticed
    /// within twice this. From 1 s to 18 h.
    #[serde(default = "fifteen_seconds")]
    pub keep_alive: Wait,
    /// The largest packet, in bytes. A larger one is skipped without being held in memory, and reported.
    #[serde(default = "one_mebibyte")]
    pub packet_max: u32,
    /// How long to wait for the broker to answer, from the first byte to the granted subscriptions.
    #[serde(default = "ten_seconds")]
    pub connect_timeout: Wait,
    /// When values came and then none at all for this long, the connection is made anew, once, in case the
    /// broker granted a subscription that it no longer serves. `"0s"` turns this off.
    #[serde(default = "five_minutes")]
    pub silence_max: Wait,
    /// How tags with a `metric` are read: Sparkplug B.
    #[serde(default)]
    pub sparkplug: Sparkplug,
}

const fn one_day() -> Wait {
    Wait::secs(86_400)
}
const fn fifteen_seconds() -> Wait {
    Wait::secs(15)
}
const fn ten_seconds() -> Wait {
    Wait::secs(10)
}
const fn five_minutes() -> Wait {
    Wait::secs(300)
}
const fn one_mebibyte() -> u32 {
    1 << 20
}

/// How a source takes part in Sparkplug B.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sparkplug {
    /// What this host may publish. `"passive"`: nothing; values are known after an edge node was born by itself.
    /// `"active"`: requests for a rebirth (`Node Control/Rebirth`). `"primary"`: these, and its own STATE.
    pub role: Role,
    /// The name of a primary host, as the edge nodes have it in their configuration.
    pub host: Option<String>,
    /// The shortest time between two requests to one edge node. Each one that did not help doubles it, up to
    /// sixteen times.
    pub rebirth_every_min: Wait,
    /// How long a missing message is waited for before it counts as lost.
    pub reorder_timeout: Wait,
}

impl Default for Sparkplug {
    fn default() -> Sparkplug {
        let (rebirth_every_min, reorder_timeout) = (Wait::secs(60), Wait::secs(5));
        Sparkplug { role: Role::Passive, host: None, rebirth_every_min, reorder_timeout }
    }
}

/// What a host of Sparkplug B may publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Nothing.
    #[default]
    Passive,
    /// Requests for a rebirth.
    Active,
    /// Requests for a rebirth, and whether it is there.
    Primary,
}

/// A version of MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
pub enum Version {
    /// MQTT 5.
    #[default]
    #[serde(rename = "5")]
    V5,
    /// MQTT 3.1.1.
    #[serde(rename = "3.1.1")]
    V311,
}

/// How a message is handed over: 0, 1 or 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize, JsonSchema)]
#[serde(try_from = "u8")]
#[schemars(with = "u8", extend("minimum" = 0, "maximum" = 2))]
pub enum Qos {
    /// At most once.
    Zero,
    /// At least once.
    #[default]
    One,
    /// At least once, with two more packets.
    Two,
}

impl TryFrom<u8> for Qos {
    type Error = String;

    fn try_from(number: u8) -> Result<Qos, String> {
        match number {
            0 => Ok(Qos::Zero),
            1 => Ok(Qos::One),
            2 => Ok(Qos::Two),
            other => Err(format!("invalid qos {other}, expected 0, 1 or 2")),
        }
    }
}

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// A name or an address, without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// With TLS.
    pub tls: bool,
}

impl Endpoint {
    /// Reads `mqtts://broker.usine.local:8883`.
    ///
    /// # Errors
    /// What was found and what is expected.
    pub fn parse(url: &str) -> Result<Endpoint, String> {
        let (tls, rest) = match url.split_once("://") {
            Some(("mqtt", rest)) => (false, rest),
            Some(("mqtts", rest)) => (true, rest),
            Some((scheme, _)) => {
                return Err(format!("scheme `{scheme}` is not known here, expected `mqtt://` or `mqtts://`"));
            }
            None => return Err(format!("`{url}` has no scheme, expected `mqtt://host:1883`")),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('@') {
            return Err("expected no user or password in the URL; they have keys of their own".to_owned());
        }
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| format!("`{port}` is not a port, expected 1 to 65535"))?)
            }
            _ => (rest, if tls { 8883 } else { 1883 }),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.contains(['/', '?', '#', ' ']) || port == 0 {
            return Err(format!("`{url}` names no host and port, expected `mqtt://host:1883`"));
        }
        Ok(Endpoint { host: host.to_owned(), port, tls })
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Check for Settings {
    fn advise(&self) -> Vec<Fault> {
        let Ok(Endpoint { host, tls: false, .. }) = Endpoint::parse(&self.url) else { return Vec::new() };
        let is_here = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        let words = match self.password {
            Some(_) => "without TLS: the password travels in the clear, expected `mqtts://`",
            None => "without TLS: anyone on the line can read and forge values, expected `mqtts://`",
        };
        (!is_here).then(|| Fault::at("url", words)).into_iter().collect()
    }

    fn files(&self) -> Vec<(&'static str, &Path)> {
        let named = [("ca", &self.ca), ("certificate", &self.certificate), ("key", &self.key)];
        named.into_iter().filter_map(|(key, path)| Some((key, path.as_deref()?))).collect()
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        self.password.iter().map(|secret| ("password", secret)).collect()
    }

    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, message: String| faults.push(Fault::at(key, message));
        let tls = match Endpoint::parse(&self.url) {
            Ok(endpoint) => endpoint.tls,
            Err(message) => {
                fault("url", message);
                true
            }
        };
        if let Some(Err(message)) = self.password.as_ref().map(Secret::check) {
            fault("password", message);
        }
        if self.password.is_some() && self.user.is_none() {
            fault("password", "a password without a user, expected `user` beside it".to_owned());
        }
        for (key, file) in [("ca", &self.ca), ("certificate", &self.certificate), ("key", &self.key)] {
            if file.is_some() && !tls {
                fault(key, "has no use without TLS, expected a URL with `mqtts://`".to_owned());
            }
        }
        match (&self.certificate, &self.key) {
            (Some(_), None) => fault(
                "certificate",
                "`certificate` without `key`, expected both in the table of the source".to_owned(),
            ),
            (None, Some(_)) => fault(
                "key",
                "`key` without `certificate`, expected both in the table of the source".to_owned(),
            ),
            (Some(_), Some(_)) | (None, None) => {}
        }
        if let Some(id) = &self.client_id
            && (id.is_empty() || id.len() > 1000 || id.chars().any(char::is_control))
        {
            fault("client_id", "expected 1 to 1000 bytes of text".to_owned());
        }
        if let Some(group) = &self.share
            && (group.is_empty() || group.contains(['/', '+', '#']))
        {
            fault("share", format!("invalid group `{group}`, expected a word without `/`, `+` or `#`"));
        }
        self.check_numbers(&mut fault);
        self.check_sparkplug(&mut fault);
        faults
    }
}

impl Settings {
    fn check_numbers(&self, fault: &mut impl FnMut(&str, String)) {
        if !(1..=64_800).contains(&self.keep_alive.0.as_secs()) {
            fault("keep_alive", "expected from 1s to 18h".to_owned());
        }
        if !(128..=268_435_455).contains(&self.packet_max) {
            fault("packet_max", format!("found {}, expected from 128 to 268435455 bytes", self.packet_max));
        }
        if self.connect_timeout.0.is_zero() {
            fault("connect_timeout", "expected more than nothing".to_owned());
        }
    }

    fn check_sparkplug(&self, fault: &mut impl FnMut(&str, String)) {
        let Sparkplug { role, host, rebirth_every_min, reorder_timeout } = &self.sparkplug;
        match (role, host) {
            (Role::Primary, None) => {
                fault(
                    "sparkplug.host",
                    "a primary host has a name, expected the one that the edge nodes know".to_owned(),
                );
            }
            (Role::Passive | Role::Active, Some(_)) => {
                fault(
                    "sparkplug.host",
                    "only a primary host says its name, expected `role = \"primary\"`".to_owned(),
                );
            }
            (_, Some(host)) => {
                if let Err(message) = topic::check_word(host) {
                    fault("sparkplug.host", message);
                }
            }
            (_, None) => {}
        }
        if *role == Role::Primary && !self.session_expiry.0.is_zero() {
            let words = "a primary host of Sparkplug B keeps no session, expected \"0s\"; read plain topics with a source of their own";
            fault("session_expiry", words.to_owned());
        }
        if *role == Role::Primary && self.share.is_some() {
            fault("share", crate::NO_SHARE.to_owned());
        }
        if rebirth_every_min.0 < Duration::from_secs(1) {
            fault("sparkplug.rebirth_every_min", "expected at least 1s".to_owned());
        }
        if !(Duration::from_millis(100)..=Duration::from_secs(60)).contains(&reorder_timeout.0) {
            fault("sparkplug.reorder_timeout", "expected from 100ms to 1m".to_owned());
        }
    }
}
