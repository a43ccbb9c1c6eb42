//! PostgreSQL. The database writes each row as JSON, so every type that it has or will have is read, with all digits.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use contract::{Cause, SourceError, clean};
use serde_json::Value as Json;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls, Socket};
use tokio_rustls::{TlsConnector, client};

use crate::session::{Failure, Plan, ROWS, Row};

/// A connection.
pub struct Postgres {
    client: Client,
    /// What carries bytes. Ends with this.
    _line: JoinSet<()>,
}

impl Postgres {
    /// Connects.
    ///
    /// # Errors
    /// As [`crate::session::Session::open`].
    pub async fn open(plan: &Plan) -> Result<Postgres, SourceError> {
        let mut config = Config::new();
        let at = &plan.endpoint;
        config.host(&at.host).port(at.port).dbname(&at.database).user(&plan.user);
        config.application_name("portevoix");
        if let Some(password) = &plan.password {
            config.password(password.reveal());
        }
        // The session is read-only from its first moment, besides each transaction.
        let timeout = plan.query_timeout.as_millis();
        config.options(format!(
            "-c default_transaction_read_only=on -c statement_timeout={timeout} \
             -c idle_in_transaction_session_timeout=600000"
        ));
        let mut line = JoinSet::new();
        let client = match &plan.tls {
            None => {
                config.ssl_mode(SslMode::Disable);
                let (client, connection) = config.connect(NoTls).await.map_err(|error| lost(plan, &error))?;
                line.spawn(async move { drop(connection.await) });
                client
            }
            Some(tls) => {
                config.ssl_mode(SslMode::Require);
                let tls = Rustls(TlsConnector::from(tls.clone()));
                let (client, connection) = config.connect(tls).await.map_err(|error| lost(plan, &error))?;
                line.spawn(async move { drop(connection.await) });
                client
            }
        };
        Ok(Postgres { client, _line: line })
    }

    /// As [`crate::session::Session::read`].
    pub async fn read(
        &mut self,
        query: &str,
        since: Option<&Json>,
        out: &mpsc::Sender<Vec<Row>>,
    ) -> Result<(), Failure> {
        let inner = query.trim_end().trim_end_matches(';').replace("{since}", "$1");
        // A line end before the bracket, because a query may end in a comment.
        let text = format!("select row_to_json(portevoix_row)::text from ({inner}\n) as portevoix_row");
        let transaction =
            self.client.build_transaction().read_only(true).start().await.map_err(|error| judge(&error))?;
        let statement = transaction.prepare(&text).await.map_err(|error| judge(&error))?;
        let since = since.map(|since| Bound(crate::cell::text(since)));
        let parameters: Vec<&(dyn ToSql + Sync)> = since.iter().map(|since| since as _).collect();
        let portal = transaction.bind(&statement, &parameters).await.map_err(|error| judge(&error))?;
        loop {
            // A portal, not a stream: a stream is read into memory however slowly it is taken.
            let found =
                transaction.query_portal(&portal, ROWS as i32).await.map_err(|error| judge(&error))?;
            let count = found.len();
            let rows = found.iter().map(|row| row.try_get::<_, &str>(0).map_err(|error| judge(&error)));
            let rows = rows.map(|text| parse(text?)).collect::<Result<Vec<Row>, Failure>>()?;
            if !rows.is_empty() {
                out.send(rows).await.map_err(|_| Failure::Nobody)?;
            }
            if count < ROWS {
                return transaction.rollback().await.map_err(|error| judge(&error));
            }
        }
    }
}

fn parse(text: &str) -> Result<Row, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::Query(Cause::Unreadable { place: error.to_string(), found: clean(text, 80) })
    })
}

/// A text that the database reads as whatever type the query compares it to.
#[derive(Debug)]
struct Bound(String);

impl ToSql for Bound {
    fn to_sql(&self, _: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// What went wrong while connecting.
fn lost(plan: &Plan, error: &tokio_postgres::Error) -> SourceError {
    let words = format!("{}: {}", plan.endpoint, words(error));
    match error.code().map(|code| code.code()) {
        // Authorization; 42501: no right to connect.
        Some(code) if code.starts_with("28") || code == "42501" => SourceError::LockedOut(words),
        // There is no such database.
        Some("3D000") => SourceError::Refused(words),
        Some(_) => SourceError::Lost(words),
        None => {
            let all = words.to_lowercase();
            let is_locked = all.contains("certificate") || all.contains("password missing");
            if is_locked { SourceError::LockedOut(words) } else { SourceError::Lost(words) }
        }
    }
}

/// What went wrong with a query.
fn judge(error: &tokio_postgres::Error) -> Failure {
    let words = words(error);
    match error.code().map(|code| code.code()) {
        // The connection, the server that stops, crashes or starts.
        Some(code) if code.starts_with("08") || code.starts_with("57P") => {
            Failure::Source(SourceError::Lost(words))
        }
        // Cancelled: it took too long.
        Some("57014") => Failure::Query(Cause::NoAnswer),
        // No such table, column, function, schema.
        Some("42P01" | "42703" | "42883" | "3F000") => Failure::Query(Cause::Missing(words)),
        Some(_) => Failure::Query(Cause::Refused(words)),
        // A parameter that cannot be sent is the query's mistake; all else is the line's.
        None if error.is_closed() || error.source().is_some_and(|cause| cause.is::<std::io::Error>()) => {
            Failure::Source(SourceError::Lost(words))
        }
        None => Failure::Query(Cause::Refused(words)),
    }
}

fn words(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(told) => clean(&format!("{} ({})", told.message(), told.code().code()), 200),
        None => {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            clean(&format!("{error}{cause}"), 300)
        }
    }
}

/// TLS by rustls, with the name of the host checked.
struct Rustls(TlsConnector);

impl MakeTlsConnect<Socket> for Rustls {
    type Stream = Encrypted;
    type TlsConnect = Handshake;
    type Error = rustls::pki_types::InvalidDnsNameError;

    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, Self::Error> {
        let name = rustls::pki_types::ServerName::try_from(host.to_owned())?;
        Ok(Handshake { tls: self.0.clone(), name })
    }
}

struct Handshake {
    tls: TlsConnector,
    name: rustls::pki_types::ServerName<'static>,
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Encrypted;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<Encrypted>> + Send>>;

    fn connect(self, stream: Socket) -> Self::Future {
        Box::pin(async move {
            self.tls.connect(self.name, stream).await.map(|stream| Encrypted(Box::new(stream)))
        })
    }
}

struct Encrypted(Box<client::TlsStream<Socket>>);

impl TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        // SCRAM without it is what nearly every client does; the certificate is checked.
        ChannelBinding::none()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
