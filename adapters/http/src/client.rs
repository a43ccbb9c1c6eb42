//! The client: built once from the configuration, careful with every server.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use contract::settings::Wait;
use contract::{DeliveryError, Fault, Moment};
use reqwest::{Certificate, Method, Proxy, RequestBuilder, Response, Url, redirect};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::address::{Resolver, check_url};
use crate::judge::{reason_of, retry_after};

/// A network answers within 30 s, or its post is unanswered.
const TOTAL_MAX: Duration = Duration::from_secs(30);
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// More than any answer to a post; less than what would be felt.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Connections are kept for the next post of a burst, not for hours.
const IDLE: Duration = Duration::from_secs(20);

/// How a server is reached: the table `connection` of every network that speaks HTTP.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Connection {
    /// A PEM file with the certificates of the plant's own authority, trusted besides those of the system.
    pub ca: Option<PathBuf>,
    /// A proxy to go through: `http://proxy.usine.example:3128`. Those of the environment are not read.
    pub proxy: Option<String>,
    /// The longest wait for an answer: at most, and usually, `30s`.
    pub timeout: Option<Wait>,
}

impl Connection {
    /// All that is wrong, with the keys below `key`.
    pub fn check(&self, key: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        if let Some(Err(message)) = self.proxy.as_deref().map(check_url) {
            faults.push(Fault::at(format!("{key}.proxy"), message));
        }
        if self.timeout.is_some_and(|wait| wait.0.is_zero() || wait.0 > TOTAL_MAX) {
            faults.push(Fault::at(format!("{key}.timeout"), "expected more than `0s` and at most `30s`"));
        }
        faults
    }

    /// The files that must be there, with their keys in the table around; that of this one is `connection`.
    pub fn files(&self) -> Vec<(&'static str, &Path)> {
        self.ca.iter().map(|path| ("connection.ca", path.as_path())).collect()
    }

    /// The longest wait for an answer.
    pub fn total(&self) -> Duration {
        self.timeout.map_or(TOTAL_MAX, |wait| wait.0.min(TOTAL_MAX))
    }
}

/// Gives rustls its cryptography, if nothing did. Without one, the building of a client panics.
pub fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error says that another thread was first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// Reads a PEM file of certificates.
///
/// # Errors
/// What was looked for and what was found.
pub fn read_certificates(path: &Path) -> Result<Vec<Certificate>, String> {
    let pem = std::fs::read(path).map_err(|error| format!("certificate file {}: {error}", path.display()))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!("certificate file {}: no certificate in it, expected PEM", path.display())),
        Err(error) => Err(format!("certificate file {}: {error}", path.display())),
    }
}

/// What came back, whatever the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// How long the server asks us to wait.
    pub after: Option<Duration>,
    /// The body, at most 1 MiB.
    pub body: String,
}

/// A client of one server.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
    total: Duration,
}

impl Client {
    /// Builds one. Reads the certificates; connects to nothing. Where no URL is `https`, `needs_tls` is false and the
    /// certificates of the system are not loaded.
    ///
    /// # Errors
    /// What cannot be read or does not fit, with its key below `key`.
    pub fn new(connection: &Connection, key: &str, needs_tls: bool) -> Result<Client, Fault> {
        install_crypto();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("portevoix/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .dns_resolver(Resolver)
            .connect_timeout(CONNECT_MAX.min(connection.total()))
            .timeout(connection.total())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(1);
        if let Some(path) = &connection.ca {
            let found = read_certificates(path).map_err(|error| Fault::at(format!("{key}.ca"), error))?;
            builder = builder.tls_certs_merge(found);
        } else if !needs_tls && !connection.proxy.as_deref().is_some_and(|proxy| proxy.starts_with("https")) {
            builder = builder.tls_certs_only([]);
        }
        if let Some(proxy) = &connection.proxy {
            let proxy =
                Proxy::all(proxy).map_err(|error| Fault::at(format!("{key}.proxy"), reason_of(error)))?;
            builder = builder.proxy(proxy);
        }
        let inner = builder.build().map_err(|error| Fault::at(key, reason_of(error)))?;
        Ok(Client { inner, total: connection.total() })
    }

    /// The longest wait for an answer.
    pub fn total(&self) -> Duration {
        self.total
    }

    /// A request to be completed and given to [`Client::send`].
    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.inner.request(method, url)
    }

    /// Sends what changes the server.
    ///
    /// # Errors
    /// *Later* when no connection was made, so nothing was taken; *unanswered* when the answer is missing, cut or
    /// longer than 1 MiB; *never* when the request itself cannot be.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, DeliveryError> {
        self.send_within(request, BODY_BYTES_MAX).await
    }

    /// Sends what only reads: without an answer it can always be asked again. Takes up to `bytes_max`.
    ///
    /// # Errors
    /// *Later* without an answer; *never* when the request itself cannot be.
    pub async fn ask(&self, request: RequestBuilder, bytes_max: usize) -> Result<Answer, DeliveryError> {
        self.send_within(request, bytes_max).await.map_err(|error| match error {
            DeliveryError::Unanswered { reason } => DeliveryError::Later { reason, after: None },
            other => other,
        })
    }

    async fn send_within(&self, request: RequestBuilder, bytes_max: usize) -> Result<Answer, DeliveryError> {
        let work = async {
            let response = request.send().await.map_err(lost)?;
            let status = response.status();
            let after = retry_after(response.headers(), Moment::from_system(SystemTime::now()));
            let body = read(response, bytes_max).await;
            match body {
                Ok(body) => Ok(Answer { status: status.as_u16(), after, body }),
                // A refusal is a refusal, whatever its words.
                Err(_) if !status.is_success() => {
                    Ok(Answer { status: status.as_u16(), after, body: String::new() })
                }
                Err(reason) => Err(DeliveryError::Unanswered { reason }),
            }
        };
        match tokio::time::timeout(self.total, work).await {
            Ok(found) => found,
            Err(_) => Err(DeliveryError::Unanswered { reason: "no answer in time".to_owned() }),
        }
    }
}

fn lost(error: reqwest::Error) -> DeliveryError {
    if error.is_builder() {
        DeliveryError::Never(reason_of(error))
    } else if error.is_connect() {
        DeliveryError::Later { reason: reason_of(error), after: None }
    } else {
        DeliveryError::Unanswered { reason: reason_of(error) }
    }
}

async fn read(mut response: Response, bytes_max: usize) -> Result<String, String> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(reason_of)? {
        if body.len() + piece.len() > bytes_max {
            return Err(format!("an answer of more than {bytes_max} bytes"));
        }
        body.extend_from_slice(&piece);
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}
