//! Which URLs may be spoken to. They come from the configuration alone; still, one that points at a metadata
//! service or at the link itself is a mistake or an attack.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use contract::Fault;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Names that cloud providers give to their metadata services.
const METADATA_NAMES: [&str; 4] = ["metadata.google.internal", "metadata.goog", "metadata", "instance-data"];

/// Reads a URL of the configuration.
///
/// # Errors
/// What was found and what is expected.
pub fn check_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| {
        format!("invalid URL ({error}), expected for example `https://chat.usine.example`")
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("invalid scheme `{}`, expected `https` or `http`", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL holds no user or password: use a secret".to_owned());
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).trim_end_matches('.');
    let is_refused = match host.parse::<IpAddr>() {
        Ok(address) => is_refused(address),
        Err(_) => METADATA_NAMES.iter().any(|name| host.eq_ignore_ascii_case(name)),
    };
    if is_refused {
        return Err(format!("`{host}` is a link-local or metadata address, which portevoix never speaks to"));
    }
    Ok(url)
}

/// Names of headers that bear a secret.
const SECRET_WORDS: [&str; 6] = ["authorization", "api-key", "apikey", "password", "secret", "token"];

/// A secret among plain headers. `instead` is what should be written, with the name of the header in it.
pub fn secrets_in_the_file<'a>(
    names: impl IntoIterator<Item = &'a String>,
    instead: impl Fn(&str) -> String,
) -> Vec<Fault> {
    let is_secret = |name: &str| SECRET_WORDS.iter().any(|word| name.to_ascii_lowercase().contains(word));
    let told = |name: &String| {
        let words = format!(
            "a secret in the file, readable by whoever reads it; expected {} and a secret that is changed",
            instead(name)
        );
        Fault::at(format!("headers.{name}"), words)
    };
    names.into_iter().filter(|name| is_secret(name)).map(told).collect()
}

/// What is not safe about a URL: without TLS, secrets and posts travel in the clear, unless it is this machine.
pub fn in_the_clear(key: &str, url: Option<&str>) -> Option<Fault> {
    let url = check_url(url?).ok().filter(|url| url.scheme() == "http")?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    let words = "without TLS: secrets and posts travel in the clear, expected `https://`";
    (!is_here).then(|| Fault::at(key, words))
}

/// Link-local, unspecified, multicast and the addresses of metadata services. Loopback is allowed: a network may
/// well run on the same machine.
pub(crate) fn is_refused(address: IpAddr) -> bool {
    /// Alibaba's metadata service, in the shared range.
    const ALIBABA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
    /// Amazon's metadata service over IPv6.
    const AMAZON: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4 == ALIBABA
        }
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast() || v6 == AMAZON
        }
    }
}

/// The system's resolver, without the refused addresses: a name may point at one.
pub(crate) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let (refused, kept): (Vec<_>, Vec<_>) = found.partition(|address| is_refused(address.ip()));
            if kept.is_empty() && !refused.is_empty() {
                return Err(format!("`{}` is a link-local or metadata address", name.as_str()).into());
            }
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_and_link_local_are_refused_however_written() {
        for wrong in [
            "http://169.254.169.254/latest",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://[::ffff:169.254.169.254]/",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
            "http://metadata.google.internal./",
            "http://100.100.100.200/",
            "http://0.0.0.0/",
            "ftp://chat.usine.example",
            "https://marie:secret@chat.usine.example",
            "chat.usine.example",
        ] {
            assert!(check_url(wrong).is_err(), "{wrong}");
        }
        for right in
            ["http://127.0.0.1:8065", "https://chat.usine.example/x", "http://10.1.2.3", "http://[::1]:80"]
        {
            assert!(check_url(right).is_ok(), "{right}");
        }
    }
}
