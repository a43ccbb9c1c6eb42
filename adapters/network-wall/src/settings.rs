//! The table `[network.wall.<name>]`.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use contract::settings::Wait;
use contract::{Check, Fault};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

/// The embedded network: a page of the posts of the machines, served by portevoix itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the page is served: an address of this machine and a port.
    #[serde(deserialize_with = "address")]
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Must be `true` when `listen` is not a loopback address: the page has no login, so everyone who can reach
    /// it reads it.
    pub open_to_all: bool,
    /// Further names under which browsers ask for the page, such as `wall.usine.local` behind a proxy. Loopback
    /// names and the address of `listen` are always answered; any other name is refused, so that a foreign page
    /// cannot read this one through a name of its own.
    pub names: Vec<String>,
    /// How long a post is kept after its end.
    pub keep: Wait,
    /// What stands at the top of the page; the name of the site when left out.
    pub title: Option<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            open_to_all: false,
            names: Vec::new(),
            keep: Wait(Duration::from_secs(90 * 24 * 3600)),
            title: None,
        }
    }
}

impl Check for Settings {
    fn advise(&self) -> Vec<Fault> {
        let is_open = !self.listen.ip().is_loopback();
        let words = "the page has no login: everyone who can reach it reads it";
        is_open.then(|| Fault::at("listen", words)).into_iter().collect()
    }

    fn listens(&self) -> Option<(&'static str, SocketAddr)> {
        Some(("listen", self.listen))
    }

    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !self.listen.ip().is_loopback() && !self.open_to_all {
            let message = format!(
                "{} can be reached from other machines and the page has no login: expected a loopback address \
                 such as 127.0.0.1:8080, or `open_to_all = true`",
                self.listen
            );
            faults.push(Fault::at("listen", message));
        }
        for name in self.names.iter().filter(|name| !is_host_name(name)) {
            let message = format!("`{name}` is not a host name, expected one such as `wall.usine.local`");
            faults.push(Fault::at("names", message));
        }
        if self.keep.0.is_zero() {
            faults
                .push(Fault::at("keep", "0 keeps nothing that has ended, expected a duration such as `90d`"));
        }
        if self.title.as_deref().is_some_and(|title| title.trim().is_empty()) {
            faults.push(Fault::at("title", "an empty title; leave the key out to show the name of the site"));
        }
        faults
    }
}

fn is_host_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    !name.is_empty() && name.len() <= 253 && name.chars().all(is_plain)
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        de::Error::custom(format!(
            "invalid address `{text}`, expected an IP address and a port such as `127.0.0.1:8080`"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(table: &str, faults: &[&str]) {
        let settings: Settings = toml::from_str(table).unwrap();
        let keys: Vec<String> = settings.check().into_iter().map(|fault| fault.key).collect();
        assert_eq!(keys, faults, "{table}");
    }

    #[test]
    fn only_loopback_is_served_without_asking() {
        check("", &[]);
        check(r#"listen = "[::1]:9000""#, &[]);
        check(r#"listen = "0.0.0.0:8080""#, &["listen"]);
        check(r#"listen = "10.1.2.3:8080""#, &["listen"]);
        check("listen = \"10.1.2.3:8080\"\nopen_to_all = true", &[]);
    }

    #[test]
    fn slips_of_the_pen_are_found() {
        check("names = [\"http://wall\"]\nkeep = \"0s\"\ntitle = \" \"", &["names", "keep", "title"]);
    }

    #[test]
    fn a_wrong_value_says_what_is_expected() {
        let wrong = |table| toml::from_str::<Settings>(table).unwrap_err().message().to_owned();
        assert!(wrong(r#"listen = "localhost""#).contains("expected an IP address and a port"));
        assert!(wrong("port = 8080").contains("unknown field"));
    }

    #[test]
    fn the_sample_shows_every_default() {
        #[derive(Deserialize)]
        struct Sample {
            network: Kinds,
        }
        #[derive(Deserialize)]
        struct Kinds {
            wall: std::collections::BTreeMap<String, Settings>,
        }
        let sample: Sample = toml::from_str(include_str!("../sample.toml")).unwrap();
        assert_eq!(sample.network.wall["local"], Settings::default());
    }
}
