//! Our own certificate: made once, kept in `own/`, shown to every server.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use contract::Moment;
use opcua::crypto::{CertificateStore, PrivateKey, X509, X509Data, hostname};

/// 2,048 bits: what every policy here takes, and what small controllers can compute.
const KEY_BITS: u32 = 2048;
/// Ten years: nobody changes the certificates of a gateway on a plant floor, and a server that wants another life
/// can be given another certificate.
const DAYS: u32 = 3650;

/// Our certificate and its key.
pub struct Own {
    /// What servers are told to trust.
    pub certificate: X509,
    /// Its key.
    pub key: PrivateKey,
    /// Where the certificate lies, for the person who tells a server to trust it.
    pub path: PathBuf,
}

/// The URI of our application, unless another is configured.
pub fn uri(name: &str) -> String {
    format!("urn:{}:portevoix:{name}", host())
}

fn host() -> String {
    let found = hostname().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    match found.chars().all(is_plain) && !found.is_empty() {
        true => found,
        false => "localhost".to_owned(),
    }
}

impl Own {
    /// Reads the certificate, or makes one that bears this URI. Slow: making a key takes up to seconds.
    ///
    /// # Errors
    /// What could not be read or written.
    pub fn open(folder: &Path, uri: &str) -> io::Result<Own> {
        let own = folder.join("own");
        if let Some(kept) =
            Own::read(&own).filter(|kept| kept.certificate.is_application_uri_valid(uri).is_ok())
        {
            return Ok(kept);
        }
        // Written beside and moved in one step, so that a certificate never stands without its key.
        let fresh = folder.join("own.new");
        let _ = fs::remove_dir_all(&fresh);
        fs::create_dir_all(&fresh)?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o700))?;
        make(&fresh, uri)?;
        let old = folder.join("own.old");
        let _ = fs::remove_dir_all(&old);
        match fs::rename(&own, &old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        fs::rename(&fresh, &own)?;
        Own::read(&own)
            .ok_or_else(|| io::Error::other(format!("{}: not a certificate and key", own.display())))
    }

    fn read(own: &Path) -> Option<Own> {
        let path = own.join("cert.der");
        let certificate = CertificateStore::read_cert(&path).ok()?;
        let key = CertificateStore::read_pkey(&own.join("key.pem")).ok()?;
        Some(Own { certificate, key, path })
    }

    /// In 40 hexadecimal digits.
    pub fn thumbprint(&self) -> String {
        self.certificate.thumbprint().as_hex_string()
    }

    /// When it ends.
    pub fn ends(&self) -> Option<Moment> {
        self.certificate.not_after().ok().map(|end| Moment::from_ms(end.timestamp_millis()))
    }
}

fn make(folder: &Path, uri: &str) -> io::Result<()> {
    let host = host();
    let mut names = X509Data::alt_host_names(uri, None, false, false, false);
    names.add_address(&host);
    let data = X509Data {
        key_size: KEY_BITS,
        common_name: format!("portevoix at {host}"),
        organization: "portevoix".to_owned(),
        organizational_unit: String::new(),
        country: String::new(),
        state: String::new(),
        alt_host_names: names,
        certificate_duration_days: DAYS,
    };
    let (certificate, key) = (folder.join("cert.der"), folder.join("key.pem"));
    CertificateStore::create_certificate_and_key(&data, true, &certificate, &key)
        .map_err(io::Error::other)?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_once_and_kept_from_others() {
        let folder = std::env::temp_dir().join(format!("portevoix-opcua-own-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let first = Own::open(&folder, "urn:a:portevoix:x").unwrap();
        let again = Own::open(&folder, "urn:a:portevoix:x").unwrap();
        assert_eq!(first.thumbprint(), again.thumbprint());
        assert_eq!(first.thumbprint().len(), 40);
        let mode =
            |name: &str| fs::metadata(folder.join("own").join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("key.pem"), mode(".")), (0o600, 0o700));
        assert!(first.certificate.is_application_uri_valid("urn:a:portevoix:x").is_ok());
        // Another URI is another certificate.
        let other = Own::open(&folder, "urn:b:portevoix:x").unwrap();
        assert_ne!(first.thumbprint(), other.thumbprint());
        fs::remove_dir_all(&folder).unwrap();
    }
}
