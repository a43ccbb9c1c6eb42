//! Where a line is: a host and port, or a serial port.

use crate::frame::Framing;
use crate::settings::Serial;

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Over a network, with the frames of Modbus TCP or of RTU.
    Network {
        /// How bytes are framed.
        framing: Framing,
        /// A name or an address, without brackets.
        host: String,
        /// The TCP port.
        port: u16,
    },
    /// A serial line: RTU.
    Serial(Serial),
}

impl Place {
    /// Reads `tcp://10.0.0.5:502` or `rtu-tcp://10.0.0.5:4001`.
    ///
    /// # Errors
    /// What was found and what is expected.
    pub fn parse(url: &str) -> Result<Place, String> {
        let (framing, rest) = match url.split_once("://") {
            Some(("tcp", rest)) => (Framing::Tcp, rest),
            Some(("rtu-tcp", rest)) => (Framing::Rtu, rest),
            Some((scheme, _)) => {
                return Err(format!(
                    "scheme `{scheme}` is not known here, expected `tcp://` or `rtu-tcp://`"
                ));
            }
            None => return Err(format!("`{url}` has no scheme, expected `tcp://host:502`")),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| format!("`{port}` is not a port, expected 1 to 65535"))?)
            }
            _ => (rest, 502),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.contains(['/', '?', '#', ' ', '@']) || port == 0 {
            return Err(format!("`{url}` names no host and port, expected `tcp://host:502`"));
        }
        Ok(Place::Network { framing, host: host.to_owned(), port })
    }

    /// How bytes are framed there.
    pub const fn framing(&self) -> Framing {
        match self {
            Place::Network { framing, .. } => *framing,
            Place::Serial(_) => Framing::Rtu,
        }
    }

    /// The line of a table of a source that leads there.
    pub fn toml(&self) -> String {
        match self {
            Place::Network { framing, host, port } => {
                let scheme = if *framing == Framing::Tcp { "tcp" } else { "rtu-tcp" };
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                format!("url = \"{scheme}://{host}:{port}\"")
            }
            Place::Serial(Serial { port, baud, parity, stop_bits }) => {
                let port = toml::Value::from(port.display().to_string());
                let parity = format!("{parity:?}").to_lowercase();
                format!(
                    "serial = {{ port = {port}, baud = {baud}, parity = \"{parity}\", stop_bits = {stop_bits} }}"
                )
            }
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Network { host, port, .. } => write!(f, "{host}:{port}"),
            Place::Serial(serial) => write!(f, "{}", serial.port.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_written() {
        for (url, toml) in [
            ("tcp://10.0.0.5", "url = \"tcp://10.0.0.5:502\""),
            ("rtu-tcp://gate.usine.local:4001/", "url = \"rtu-tcp://gate.usine.local:4001\""),
            ("tcp://[fe80::1]:1502", "url = \"tcp://[fe80::1]:1502\""),
        ] {
            assert_eq!(Place::parse(url).map(|place| place.toml()), Ok(toml.to_owned()));
        }
        for wrong in
            ["10.0.0.5:502", "udp://x", "tcp://", "tcp://x:0", "tcp://x:70000", "tcp://u@x", "tcp://x/y"]
        {
            assert!(Place::parse(wrong).is_err(), "{wrong}");
        }
    }
}
