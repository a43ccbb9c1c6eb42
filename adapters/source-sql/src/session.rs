//! One connection to a database, of either kind.

use std::time::Duration;

use contract::settings::SecretText;
use contract::{Cause, SourceError};
use rustls::ClientConfig;
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use tokio::sync::mpsc;

use crate::maria::Maria;
use crate::postgres::Postgres;
use crate::url::{Endpoint, Kind};

/// Rows that are read at one time: what the middle takes in one go.
pub const ROWS: usize = 250;
/// From the first byte to the greeting.
pub const CONNECT_MAX: Duration = Duration::from_secs(10);

/// A row: the names of its columns and what they hold.
pub type Row = Map<String, Json>;

/// How a connection is made.
#[derive(Clone)]
pub struct Plan {
    /// Where.
    pub endpoint: Endpoint,
    /// Who we are.
    pub user: String,
    /// The password.
    pub password: Option<SecretText>,
    /// TLS, unless it is off.
    pub tls: Option<Arc<ClientConfig>>,
    /// The authorities in a file, for the client that reads it itself.
    pub ca: Option<std::path::PathBuf>,
    /// How long a query may take in the database.
    pub query_timeout: Duration,
}

/// Why there are no rows.
#[derive(Debug)]
pub enum Failure {
    /// The source as a whole is lost.
    Source(SourceError),
    /// This query alone.
    Query(Cause),
    /// The program has stopped listening.
    Nobody,
}

/// A connection.
pub enum Session {
    /// PostgreSQL.
    Postgres(Postgres),
    /// MariaDB or MySQL.
    Mysql(Box<Maria>),
}

impl Session {
    /// Connects.
    ///
    /// # Errors
    /// Lost, locked out, or refused where there is no such database.
    pub async fn open(plan: &Plan) -> Result<Session, SourceError> {
        let open = async {
            Ok(match plan.endpoint.kind {
                Kind::Postgres => Session::Postgres(Postgres::open(plan).await?),
                Kind::Mysql => Session::Mysql(Box::new(Maria::open(plan).await?)),
            })
        };
        match tokio::time::timeout(CONNECT_MAX, open).await {
            Ok(opened) => opened,
            Err(_) => Err(SourceError::Lost(format!("{}: no answer in time", plan.endpoint))),
        }
    }

    /// Runs a query in a read-only transaction of its own and sends its rows, some hundred at a time, as they are
    /// taken. `{since}` in the query is bound as a parameter.
    ///
    /// # Errors
    /// Why there are no more rows.
    pub async fn read(
        &mut self,
        query: &str,
        since: Option<&Json>,
        out: mpsc::Sender<Vec<Row>>,
    ) -> Result<(), Failure> {
        match self {
            Session::Postgres(session) => session.read(query, since, &out).await,
            Session::Mysql(session) => session.read(query, since, &out).await,
        }
    }
}
