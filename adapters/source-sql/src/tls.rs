//! TLS: whom we trust. Reads the files once, when the source is made.

use std::path::Path;
use std::sync::Arc;

use contract::Fault;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// What makes TLS of a connection.
///
/// # Errors
/// A file that cannot be read or does not fit.
pub fn config(ca: Option<&Path>) -> Result<Arc<ClientConfig>, Fault> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // For the client of MariaDB, which makes its own. An error says that another thread was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let (found, whence) = match ca {
        Some(path) => (certificates(path)?, path.display().to_string()),
        None => (rustls_native_certs::load_native_certs().certs, "the system".to_owned()),
    };
    let mut roots = RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(found);
    if taken == 0 {
        return Err(Fault::at("ca", format!("found no authority in {whence}, expected a PEM file with one")));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::at("tls", error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let wrong = |what: String| Fault::at("ca", format!("{}: {what}", path.display()));
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    found.map_err(|error| wrong(error.to_string()))
}
