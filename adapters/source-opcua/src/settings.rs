//! What an integrator writes about a server. The doc comments are the documentation.

use std::path::{Path, PathBuf};

use contract::settings::{Secret, Wait};
use contract::{Check, Fault};
use opcua::crypto::SecurityPolicy;
use opcua::types::MessageSecurityMode;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::url::Url;

/// Reads machines from an OPC UA server. Never writes, and calls no method but ConditionRefresh.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the server listens: `opc.tcp://presse.usine.local:4840`. This host and port are used even when the
    /// server names others. Without a port, 4840.
    pub url: String,
    /// How the line is secured: `"SignAndEncrypt"`, `"Sign"` (anyone on the line can read), or `"None"` (anyone on
    /// the line can read and forge).
    #[serde(default)]
    pub security: Security,
    /// The security policy: `"Basic256Sha256"`, `"Aes128Sha256RsaOaep"` or `"Aes256Sha256RsaPss"`. Without it, the
    /// strongest of these that the server offers.
    pub policy: Option<Policy>,
    /// The user name, if the server asks for one.
    pub user: Option<String>,
    /// Where the password of `user` lies.
    pub password: Option<Secret>,
    /// A DER or PEM file with a certificate that names us as a user, instead of `user`. Goes with `user_key`.
    pub user_certificate: Option<PathBuf>,
    /// A PEM file with the private key of `user_certificate`.
    pub user_key: Option<PathBuf>,
    /// The application URI in our own certificate. Without it, `urn:<our host>:portevoix:<name>`. A change makes
    /// a new certificate, which the server must be told to trust.
    pub application_uri: Option<String>,
    /// Must the server's certificate name the host of `url`? A certificate that a person accepted is known by its
    /// thumbprint, so `false` is safe with a device whose certificate names an address of its factory.
    #[serde(default = "yes")]
    pub check_host: bool,
    /// What is known of the vendor's limits: `"generic"`, `"s7-1200"`, `"s7-1500"`, `"kepware"`. The server's own
    /// OperationLimits are kept in any case.
    #[serde(default)]
    pub profile: Profile,
    /// How often the server tells what changed. From 50 ms to 1 h.
    #[serde(default = "half_a_second")]
    pub publishing: Wait,
    /// Which time of a value counts: `"source"` (the device's, else the server's), `"server"`, or `"arrival"` for
    /// devices whose clock is not set.
    #[serde(default)]
    pub time: TimeFrom,
    /// How long a server may be silent: it says within this that nothing changed. A dead line is noticed within
    /// twice this. From 1 s to 10 min.
    #[serde(default = "three_seconds")]
    pub keep_alive: Wait,
    /// How long the server keeps our session once we are gone; some have no more than four sessions. From 10 s to
    /// 1 h.
    #[serde(default = "one_minute")]
    pub session_timeout: Wait,
    /// How long a key of the secure line is used before it is renewed. From 4 s to 1 d.
    #[serde(default = "ten_minutes")]
    pub key_lifetime: Wait,
    /// How long connecting may take, from the first byte to the opened session.
    #[serde(default = "ten_seconds")]
    pub connect_timeout: Wait,
    /// How long one answer may take.
    #[serde(default = "five_seconds")]
    pub request_timeout: Wait,
}

const fn yes() -> bool {
    true
}
const fn half_a_second() -> Wait {
    Wait(std::time::Duration::from_millis(500))
}
const fn three_seconds() -> Wait {
    Wait::secs(3)
}
const fn five_seconds() -> Wait {
    Wait::secs(5)
}
const fn ten_seconds() -> Wait {
    Wait::secs(10)
}
const fn one_minute() -> Wait {
    Wait::secs(60)
}
const fn ten_minutes() -> Wait {
    Wait::secs(600)
}

/// How the line is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
pub enum Security {
    /// Nobody on the line can read or forge.
    #[default]
    SignAndEncrypt,
    /// Nobody on the line can forge; anyone can read.
    Sign,
    /// Anyone on the line can read and forge.
    None,
}

impl Security {
    /// In the terms of the protocol.
    pub fn mode(self) -> MessageSecurityMode {
        match self {
            Security::SignAndEncrypt => MessageSecurityMode::SignAndEncrypt,
            Security::Sign => MessageSecurityMode::Sign,
            Security::None => MessageSecurityMode::None,
        }
    }
}

/// A security policy. Older ones are broken and not known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Policy {
    /// AES 128, SHA-256, RSA OAEP.
    Aes128Sha256RsaOaep,
    /// AES 256, SHA-256, RSA OAEP with SHA-1.
    Basic256Sha256,
    /// AES 256, SHA-256, RSA PSS.
    Aes256Sha256RsaPss,
}

impl Policy {
    /// All, the strongest first.
    pub const ALL: [Policy; 3] =
        [Policy::Aes256Sha256RsaPss, Policy::Basic256Sha256, Policy::Aes128Sha256RsaOaep];

    /// In the terms of the library.
    pub fn policy(self) -> SecurityPolicy {
        match self {
            Policy::Aes128Sha256RsaOaep => SecurityPolicy::Aes128Sha256RsaOaep,
            Policy::Basic256Sha256 => SecurityPolicy::Basic256Sha256,
            Policy::Aes256Sha256RsaPss => SecurityPolicy::Aes256Sha256RsaPss,
        }
    }
}

/// A vendor whose limits are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Nothing is known.
    #[default]
    Generic,
    /// The server in a SIMATIC S7-1200.
    #[serde(rename = "s7-1200")]
    S71200,
    /// The server in a SIMATIC S7-1500.
    #[serde(rename = "s7-1500")]
    S71500,
    /// KEPServerEX.
    Kepware,
}

/// Which time of a value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TimeFrom {
    /// The device's; where it gives none, the server's.
    #[default]
    Source,
    /// The server's.
    Server,
    /// When it came to us.
    Arrival,
}

impl Check for Settings {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if let Err(message) = Url::parse(&self.url) {
            faults.push(Fault::at("url", message));
        }
        self.check_identity(&mut faults);
        if self.policy.is_some() && self.security == Security::None {
            faults.push(Fault::at("policy", "has no use with `security = \"None\"`"));
        }
        if self.application_uri.as_ref().is_some_and(|uri| !uri.contains(':') || uri.len() > 500) {
            faults.push(Fault::at("application_uri", "expected a URI such as `urn:usine:portevoix`"));
        }
        for (key, value, min, max, words) in [
            ("publishing", self.publishing, 50, 3_600_000, "from 50ms to 1h"),
            ("keep_alive", self.keep_alive, 1_000, 600_000, "from 1s to 10m"),
            ("session_timeout", self.session_timeout, 10_000, 3_600_000, "from 10s to 1h"),
            ("key_lifetime", self.key_lifetime, 4_000, 86_400_000, "from 4s to 1d"),
            ("connect_timeout", self.connect_timeout, 100, 600_000, "from 100ms to 10m"),
            ("request_timeout", self.request_timeout, 100, 600_000, "from 100ms to 10m"),
        ] {
            if !(min..=max).contains(&value.0.as_millis()) {
                faults.push(Fault::at(key, format!("expected {words}")));
            }
        }
        faults
    }

    fn advise(&self) -> Vec<Fault> {
        let is_here = Url::parse(&self.url).is_ok_and(|url| url.is_loopback());
        let words = match (self.security, &self.password) {
            (Security::None, Some(_)) => {
                "the password may travel in the clear, and anyone on the line can read and forge values"
            }
            (Security::None, None) => "anyone on the line can read and forge values",
            (Security::Sign, _) => "anyone on the line can read",
            (Security::SignAndEncrypt, _) => return Vec::new(),
        };
        let words = format!("{words}, expected `SignAndEncrypt`");
        (!is_here).then(|| Fault::at("security", words)).into_iter().collect()
    }

    fn files(&self) -> Vec<(&'static str, &Path)> {
        let named = [("user_certificate", &self.user_certificate), ("user_key", &self.user_key)];
        named.into_iter().filter_map(|(key, path)| Some((key, path.as_deref()?))).collect()
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        self.password.iter().map(|secret| ("password", secret)).collect()
    }
}

impl Settings {
    fn check_identity(&self, faults: &mut Vec<Fault>) {
        let mut fault = |key: &str, message: &str| faults.push(Fault::at(key, message));
        if let Some(Err(message)) = self.password.as_ref().map(Secret::check) {
            fault("password", &message);
        }
        match (&self.user, &self.password) {
            (None, Some(_)) => fault("password", "a password without a user, expected `user` beside it"),
            (Some(user), _) if user.is_empty() => fault("user", "expected a name"),
            (Some(_), None) => {
                fault("user", "`user` without `password`, expected both in the table of the source")
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        match (&self.user_certificate, &self.user_key) {
            (Some(_), None) => fault(
                "user_certificate",
                "`user_certificate` without `user_key`, expected both in the table of the source",
            ),
            (None, Some(_)) => fault(
                "user_key",
                "`user_key` without `user_certificate`, expected both in the table of the source",
            ),
            (Some(_), Some(_)) | (None, None) => {}
        }
        if self.user.is_some() && self.user_certificate.is_some() {
            fault("user_certificate", "a user and a user's certificate, expected one of them");
        }
        if self.user_certificate.is_some() && self.security == Security::None {
            fault("user_certificate", "has no use with `security = \"None\"`");
        }
    }
}
