//! One session with a server: opened in full, used, closed. It never recovers by itself; a new one is opened.
//!
//! The library's own session is not used: after a restart of the server it says that it is connected and never
//! asks for data again. What is taken from it are the messages, the secure channel and its keys.
//!
//! Deliberately absent: Write, and every Call but that of ConditionRefresh.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use contract::{Moment, SourceError};
use opcua::client::services::{ActivateSession, CloseSession, CreateSession};
use opcua::client::{AsyncSecureChannel, Client, ClientBuilder, IdentityToken, UARequest};
use opcua::crypto::CertificateStore;
use opcua::sync::RwLock;
use opcua::types::{
    ApplicationDescription, ApplicationType, EndpointDescription, Error, LocalizedText, NodeId, StatusCode,
    UAString,
};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::bounded::Bounded;
use crate::endpoint;
use crate::goodbyes::Goodbyes;
use crate::own::Own;
use crate::refusal::Place;
use crate::settings::{Policy, Security};
use crate::trust;
use crate::url::Url;

/// The largest array in an answer: a first telling of all values of a large plant.
const ARRAY_MAX: usize = 100_000;
/// The largest answer, in bytes, in at most so many chunks.
const MESSAGE_MAX: usize = 64 << 20;
const CHUNKS_MAX: usize = 1024;
/// The longest text or bytes in an answer.
const TEXT_MAX: usize = 1 << 20;
/// How long a farewell may take: a server that is gone does not answer it.
const FAREWELL: Duration = Duration::from_millis(800);
/// The days before the end of a certificate when we begin to say so.
const WARN_DAYS: u64 = 30;

/// All that it takes to open a session.
pub struct Plan {
    /// The name of the source.
    pub name: String,
    /// The server.
    pub at: Url,
    /// How the line is secured.
    pub security: Security,
    /// With which policy, if it must be that one.
    pub policy: Option<Policy>,
    /// Who we are.
    pub identity: IdentityToken,
    /// Who we are, for a person.
    pub who: String,
    /// The URI of our application.
    pub application_uri: String,
    /// Must the certificate name the host?
    pub check_host: bool,
    /// The folder of certificates.
    pub folder: PathBuf,
    /// How long the server keeps us once we are gone.
    pub session_timeout: Duration,
    /// How long a key is used.
    pub key_lifetime: Duration,
    /// How long one answer may take.
    pub request_timeout: Duration,
    /// How long all of it may take.
    pub connect_timeout: Duration,
    /// The farewells of sessions that were dropped.
    pub goodbyes: Goodbyes,
}

/// An open session.
pub struct Session {
    channel: Arc<AsyncSecureChannel>,
    token: NodeId,
    /// Reads and writes the line.
    pump: Option<JoinHandle<()>>,
    request_timeout: Duration,
    goodbyes: Goodbyes,
}

/// What the header of each request needs.
#[derive(Clone)]
pub struct Header {
    /// For the library's logs alone.
    pub session: u32,
    /// How long the answer may take.
    pub timeout: Duration,
    /// Which session it is.
    pub token: NodeId,
    /// The number of the request.
    pub handle: u32,
}

/// A line to the server that can be shared with a task.
#[derive(Clone)]
pub struct Line {
    channel: Arc<AsyncSecureChannel>,
    token: NodeId,
    request_timeout: Duration,
}

impl Line {
    /// The header of the next request.
    pub fn header(&self) -> Header {
        Header {
            session: 0,
            timeout: self.request_timeout,
            token: self.token.clone(),
            handle: self.channel.request_handle(),
        }
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// The status of the service, or that no answer came.
    pub fn ask<'a, R: UARequest + 'a>(
        &'a self,
        request: R,
    ) -> impl Future<Output = Result<R::Out, Error>> + Send + 'a {
        request.send(&self.channel)
    }
}

impl Session {
    /// Opens one: looks at what the server offers, judges its certificate, secures the line, says who we are.
    ///
    /// # Errors
    /// What the person who reads it can do next.
    pub async fn open(plan: &Arc<Plan>) -> Result<Session, SourceError> {
        // In a task of its own: the library panics on some malformed certificates.
        let task = plan.clone();
        let mut opening = Aborting(tokio::spawn(async move {
            let at = &task.at;
            let late = |_| SourceError::Lost(format!("{at}: no session after {:?}", task.connect_timeout));
            timeout(task.connect_timeout, open(&task)).await.unwrap_or_else(|elapsed| Err(late(elapsed)))
        }));
        let opened = (&mut opening.0).await;
        opened
            .unwrap_or_else(|_| Err(SourceError::Lost(format!("{}: an answer that cannot be read", plan.at))))
    }

    /// A line that can be shared with a task.
    pub fn line(&self) -> Line {
        Line {
            channel: Arc::clone(&self.channel),
            token: self.token.clone(),
            request_timeout: self.request_timeout,
        }
    }

    /// Is the line gone?
    pub fn is_over(&self) -> bool {
        self.pump.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Says goodbye, so that the server has our session free at once. Returns soon in any case.
    pub async fn close(mut self) {
        if let Some(pump) = self.pump.take() {
            farewell(self.line(), Aborting(pump)).await;
        }
    }
}

impl Drop for Session {
    /// Whatever dropped us (a line that is late, a stop half-way), the source keeps the farewell.
    fn drop(&mut self) {
        let Some(pump) = self.pump.take() else { return };
        // Never said, it is dropped, and ends the pump.
        self.goodbyes.say(farewell(self.line(), Aborting(pump)));
    }
}

async fn farewell(line: Line, pump: Aborting<()>) {
    if pump.0.is_finished() {
        return;
    }
    let Header { session, token, handle, .. } = line.header();
    let _ = timeout(FAREWELL, line.ask(CloseSession::new_manual(session, FAREWELL, token, handle))).await;
    let _ = timeout(FAREWELL, line.channel.close_channel()).await;
}

/// A task that ends with its owner.
pub struct Aborting<T>(pub JoinHandle<T>);

impl<T> Drop for Aborting<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn open(plan: &Plan) -> Result<Session, SourceError> {
    let own = own(plan).await?;
    let place = Place { source: &plan.name, at: &plan.at, own: own.as_ref(), who: &plan.who };
    let (client, store) = client(plan)?;
    reach(&plan.at).await?;
    let url = plan.at.to_string();
    let offered = client.get_server_endpoints_from_url(url.as_str()).await;
    let offered =
        offered.map_err(|error| place.refused("asking for endpoints", error.status(), &error.to_string()))?;
    let endpoint = endpoint::choose(plan, offered)?;
    if plan.security != Security::None {
        let host = plan.check_host.then_some(plan.at.host.as_str());
        let now = Moment::from_system(std::time::SystemTime::now());
        let shown = endpoint.server_certificate.as_ref();
        let ends = trust::judge(&plan.folder, shown, host, now).map_err(|doubt| place.doubted(&doubt))?;
        warn_before(&plan.name, "server", ends, now);
        if let Some(ends) = own.as_ref().and_then(Own::ends) {
            warn_before(&plan.name, "ours", ends, now);
        }
    }
    secure(plan, &client, store, &endpoint, own.as_ref())
        .await
        .map_err(|(doing, error)| place.refused(doing, error.status(), &error.to_string()))
}

/// The ways in that a server offers.
///
/// # Errors
/// Nobody was reached, or it does not say.
pub async fn offered(plan: &Plan) -> Result<Vec<EndpointDescription>, SourceError> {
    let (client, _) = client(plan)?;
    endpoints(plan, &client).await
}

async fn endpoints(plan: &Plan, client: &Client) -> Result<Vec<EndpointDescription>, SourceError> {
    reach(&plan.at).await?;
    let url = plan.at.to_string();
    let offered = client.get_server_endpoints_from_url(url.as_str()).await;
    let place = Place { source: &plan.name, at: &plan.at, own: None, who: &plan.who };
    offered.map_err(|error| place.refused("asking for endpoints", error.status(), &error.to_string()))
}

fn warn_before(source: &str, whose: &str, ends: Moment, now: Moment) {
    let days = ends.since(now).as_secs() / 86_400;
    if days < WARN_DAYS {
        tracing::warn!(source, whose, days, "certificate expires");
    }
}

async fn own(plan: &Plan) -> Result<Option<Own>, SourceError> {
    if plan.security == Security::None {
        return Ok(None);
    }
    let (folder, uri) = (plan.folder.clone(), plan.application_uri.clone());
    let made = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&folder).and_then(|()| Own::open(&folder, &uri))
    });
    let wrong =
        |why: String| SourceError::Lost(format!("our certificate in {}: {why}", plan.folder.display()));
    let made = made.await.map_err(|error| wrong(error.to_string()))?;
    made.map(Some).map_err(|error| wrong(error.to_string()))
}

fn client(plan: &Plan) -> Result<(Client, Arc<RwLock<CertificateStore>>), SourceError> {
    let own = plan.folder.join("own");
    let (certificate, key) = (own.join("cert.der"), own.join("key.pem"));
    // The certificate was judged before: the library only keeps a copy of what it is given.
    let folder = plan.folder.join("session");
    let built = ClientBuilder::new()
        .application_name("portevoix")
        .application_uri(&plan.application_uri)
        .pki_dir(&folder)
        .certificate_path(&certificate)
        .private_key_path(&key)
        .trust_server_certs(true)
        .verify_server_certs(false)
        .session_retry_limit(0)
        .channel_lifetime(millis(plan.key_lifetime))
        .request_timeout(plan.request_timeout)
        .max_array_length(ARRAY_MAX)
        .max_message_size(MESSAGE_MAX)
        .max_chunk_count(CHUNKS_MAX)
        .max_string_length(TEXT_MAX)
        .max_byte_string_length(TEXT_MAX)
        .client();
    let client = built.map_err(|wrong| SourceError::Refused(wrong.join("; ")))?;
    let none = None::<ApplicationDescription>;
    let paths = (Some(certificate.as_path()), Some(key.as_path()));
    let (mut store, ..) = CertificateStore::new_with_x509_data(&folder, false, paths.0, paths.1, none);
    store.set_skip_verify_certs(true);
    store.set_trust_unknown_certs(true);
    Ok((client, Arc::new(RwLock::new(store))))
}

/// Looks for somebody at the other end first: the library does not say why nobody is there.
async fn reach(at: &Url) -> Result<(), SourceError> {
    let wrong = |error: std::io::Error| SourceError::Lost(format!("{at} cannot be reached: {error}"));
    tokio::net::TcpStream::connect((at.host.as_str(), at.port)).await.map(drop).map_err(wrong)
}

type Failed = (&'static str, Error);

async fn secure(
    plan: &Plan,
    client: &Client,
    store: Arc<RwLock<CertificateStore>>,
    endpoint: &EndpointDescription,
    own: Option<&Own>,
) -> Result<Session, Failed> {
    let builder =
        client.session_builder().user_identity_token(plan.identity.clone()).type_loader(Arc::new(Bounded));
    let builder = builder
        .connect_to_endpoint_directly(endpoint.clone())
        .map_err(|error| ("reading its endpoint", error))?;
    let channel = builder.build_channel(Arc::clone(&store)).map_err(|error| ("securing the line", error))?;
    let connector = opcua::client::transport::TcpConnector::new(endpoint.endpoint_url.as_ref())
        .map_err(|error| ("reading its endpoint", error))?;
    let channel = Arc::new(channel);
    let mut events =
        channel.connect_no_retry(&connector).await.map_err(|error| ("securing the line", error))?;
    let pump = tokio::spawn(async move {
        while !matches!(events.poll().await, opcua::client::transport::TransportPollResult::Closed(_)) {}
    });
    let mut session = Session {
        channel: Arc::clone(&channel),
        token: NodeId::null(),
        pump: Some(pump),
        request_timeout: plan.request_timeout,
        goodbyes: plan.goodbyes.clone(),
    };
    session.token = create(plan, &session.line(), &store, endpoint, own).await?;
    activate(plan, &session.line(), endpoint, own).await?;
    Ok(session)
}

async fn create(
    plan: &Plan,
    line: &Line,
    store: &RwLock<CertificateStore>,
    endpoint: &EndpointDescription,
    own: Option<&Own>,
) -> Result<NodeId, Failed> {
    let Header { session, timeout, handle, .. } = line.header();
    let description = ApplicationDescription {
        application_uri: UAString::from(plan.application_uri.as_str()),
        product_uri: UAString::from("urn:portevoix"),
        application_name: LocalizedText::new("", "portevoix"),
        application_type: ApplicationType::Client,
        ..Default::default()
    };
    let mut request = CreateSession::new_manual(store, endpoint, session, timeout, NodeId::null(), handle)
        .client_description(description)
        .server_uri(UAString::null())
        .endpoint_url(endpoint.endpoint_url.clone())
        .session_name(format!("portevoix {}", plan.name))
        .session_timeout(plan.session_timeout.as_secs_f64() * 1e3)
        .max_response_message_size(u32::try_from(MESSAGE_MAX).unwrap_or(u32::MAX));
    if let Some(own) = own {
        request = request.client_certificate(own.certificate.clone());
    }
    let created = line.ask(request).await.map_err(|error| ("opening a session", error))?;
    Ok(created.authentication_token)
}

async fn activate(
    plan: &Plan,
    line: &Line,
    endpoint: &EndpointDescription,
    own: Option<&Own>,
) -> Result<(), Failed> {
    let Header { session, timeout, token, handle } = line.header();
    let mut request = ActivateSession::new_manual(endpoint.clone(), session, timeout, token, handle)
        .identity_token(plan.identity.clone());
    if let Some(own) = own {
        request = request.private_key(own.key.clone());
    }
    line.ask(request).await.map(drop).map_err(|error| ("saying who we are", error))
}

/// The status of a request that failed, for the caller who knows what it means.
pub fn lost(at: &Url, doing: &str, status: StatusCode) -> SourceError {
    SourceError::Lost(format!("{at}: {doing}: {}", crate::value::name(status)))
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
