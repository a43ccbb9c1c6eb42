//! TLS: whom we trust and who we are. Reads the files once, when the source is made.

use std::path::Path;
use std::sync::Arc;

use contract::Fault;
use rumqttc_v5::tokio_rustls::TlsConnector;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::settings::Settings;

/// What makes TLS of a TCP connection.
///
/// # Errors
/// A file that cannot be read or does not fit.
pub fn connector(settings: &Settings) -> Result<TlsConnector, Fault> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::at("url", error.to_string()))?
        .with_root_certificates(roots(settings.ca.as_deref())?);
    let config = match (&settings.certificate, &settings.key) {
        (Some(certificate), Some(key)) => {
            let key = PrivateKeyDer::from_pem_file(key)
                .map_err(|error| Fault::at("key", format!("{}: {error}", key.display())))?;
            builder
                .with_client_auth_cert(certificates("certificate", certificate)?, key)
                .map_err(|error| Fault::at("key", format!("does not go with `certificate`: {error}")))?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, Fault> {
    let (found, whence) = match ca {
        Some(path) => (certificates("ca", path)?, path.display().to_string()),
        None => (rustls_native_certs::load_native_certs().certs, "the system".to_owned()),
    };
    let mut roots = RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(found);
    match taken {
        0 => Err(Fault::at("ca", format!("found no authority in {whence}, expected a PEM file with one"))),
        _ => Ok(roots),
    }
}

fn certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let wrong = |what: String| Fault::at(key, format!("{}: {what}", path.display()));
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| wrong(error.to_string()))?;
    if found.is_empty() { Err(wrong("no certificate in it, expected PEM".to_owned())) } else { Ok(found) }
}
