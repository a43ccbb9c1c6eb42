//! The way in to a broker: TCP, TLS, and its answer to our greeting.

use contract::SourceError;
use rumqttc_v5::tokio_rustls::TlsConnector;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use crate::line::{Frame, Line, Stream};
use crate::refusal::{self, Stage};
use crate::settings::{Endpoint, Version};
use crate::wire::{self, Malformed, Packet, Welcome};

/// A stream to a broker.
///
/// # Errors
/// It cannot be reached, or its papers or ours are not good.
pub async fn reach(
    at: &Endpoint,
    tls: Option<&TlsConnector>,
    stage: &mut Stage,
) -> Result<Box<dyn Stream>, SourceError> {
    let tcp = TcpStream::connect((at.host.as_str(), at.port))
        .await
        .and_then(|tcp| tcp.set_nodelay(true).map(|()| tcp))
        .map_err(|error| refusal::broken(Stage::Reaching, at, &error))?;
    let Some(connector) = tls else { return Ok(Box::new(tcp)) };
    *stage = Stage::Securing;
    let name = ServerName::try_from(at.host.clone())
        .map_err(|_| SourceError::Refused(format!("`{}` is no name a certificate can have", at.host)))?;
    let stream =
        connector.connect(name, tcp).await.map_err(|error| refusal::broken(Stage::Securing, at, &error))?;
    Ok(Box::new(stream))
}

/// Waits for the answer to our greeting.
///
/// # Errors
/// Something else answers, or the line breaks.
pub async fn welcome(version: Version, at: &Endpoint, line: &mut Line) -> Result<Welcome, SourceError> {
    let wrong = |error: &Malformed| refusal::malformed(Stage::Greeting, at, error);
    let other = |what: &str| wrong(&Malformed(what.to_owned()));
    loop {
        // Another service may say half a packet by chance, and then nothing.
        if line.first().is_some_and(|first| !wire::is_welcome(first)) {
            return Err(other("something else than a greeting"));
        }
        if let Some(frame) = line.frame().map_err(|error| wrong(&error))? {
            let Frame::Whole { len, body } = frame else { return Err(other("a message before a greeting")) };
            let packet = wire::read(version, line.bytes(len), body).map_err(|error| wrong(&error))?;
            let Packet::Welcome(welcome) = packet else {
                return Err(other("something else than a greeting"));
            };
            line.consume(len);
            return Ok(welcome);
        }
        line.pump().await.map_err(|error| refusal::broken(Stage::Greeting, at, &error))?;
    }
}
