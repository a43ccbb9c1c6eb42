//! The address of a server, as the integrator typed it.

use std::fmt;
use std::net::IpAddr;

/// The port that IANA gave to OPC UA.
const PORT: u16 = 4840;

/// `opc.tcp://host:port/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// A name or an address, without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// What follows, with its `/`; or nothing.
    pub path: String,
}

impl Url {
    /// Reads `opc.tcp://presse.usine.local:4840/plant`.
    ///
    /// # Errors
    /// What was found and what is expected.
    pub fn parse(url: &str) -> Result<Url, String> {
        let rest = match url.split_once("://") {
            Some(("opc.tcp", rest)) => rest,
            Some((scheme, _)) => {
                return Err(format!("scheme `{scheme}` is not known here, expected `opc.tcp://`"));
            }
            None => return Err(format!("`{url}` has no scheme, expected `opc.tcp://host:{PORT}`")),
        };
        let (place, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        if place.contains('@') {
            return Err("expected no user or password in the URL; they have keys of their own".to_owned());
        }
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| format!("`{port}` is not a port, expected 1 to 65535"))?)
            }
            _ => (place, PORT),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '%');
        if host.is_empty() || host.contains(is_odd) || path.contains(char::is_control) || port == 0 {
            return Err(format!("`{url}` names no host and port, expected `opc.tcp://host:{PORT}`"));
        }
        Ok(Url { host: host.to_owned(), port, path: path.to_owned() })
    }

    /// This host and port with the path of an endpoint: the host that a server gives may be known to itself alone.
    pub fn with_path_of(&self, endpoint: &str) -> Url {
        let path = Url::parse(endpoint).map(|url| url.path).unwrap_or_default();
        Url { path, ..self.clone() }
    }

    /// Is it this computer?
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "opc.tcp://[{}]:{}{}", self.host, self.port, self.path),
            false => write!(f, "opc.tcp://{}:{}{}", self.host, self.port, self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_written_back() {
        for (typed, read) in [
            ("opc.tcp://presse:4841/plant/", "opc.tcp://presse:4841/plant/"),
            ("opc.tcp://presse", "opc.tcp://presse:4840"),
            ("opc.tcp://[::1]:4841", "opc.tcp://[::1]:4841"),
            ("opc.tcp://[::1]", "opc.tcp://[::1]:4840"),
        ] {
            assert_eq!(Url::parse(typed).map(|url| url.to_string()), Ok(read.to_owned()));
        }
        for wrong in [
            "",
            "presse:4840",
            "https://presse",
            "opc.tcp://",
            "opc.tcp://a:0",
            "opc.tcp://u:p@a",
            "opc.tcp://a b",
        ] {
            assert!(Url::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_typed_host_stays_whatever_the_server_says() {
        let typed = Url::parse("opc.tcp://10.0.0.7:14840").unwrap();
        assert_eq!(
            typed.with_path_of("opc.tcp://WIN-SRV01:4840/plant").to_string(),
            "opc.tcp://10.0.0.7:14840/plant"
        );
        assert_eq!(typed.with_path_of("nonsense").to_string(), "opc.tcp://10.0.0.7:14840");
    }
}
