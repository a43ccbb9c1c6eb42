//! Where a database is. Pure.

use std::fmt;

/// Which database speaks there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// PostgreSQL.
    Postgres,
    /// MariaDB or MySQL.
    Mysql,
}

/// A database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Which.
    pub kind: Kind,
    /// A name or an address, without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// Its name on the server.
    pub database: String,
}

impl Endpoint {
    /// Reads `postgres://erp.usine.local:5432/erp`.
    ///
    /// # Errors
    /// What was found and what is expected.
    pub fn parse(url: &str) -> Result<Endpoint, String> {
        let (kind, port, rest) = match url.split_once("://") {
            Some(("postgres" | "postgresql", rest)) => (Kind::Postgres, 5432, rest),
            Some(("mysql" | "mariadb", rest)) => (Kind::Mysql, 3306, rest),
            Some(("sqlserver" | "mssql", _)) => {
                return Err("SQL Server is not built in, see the README of source-sql".to_owned());
            }
            Some((other, _)) => {
                return Err(format!(
                    "scheme `{other}` is not known here, expected `postgres://` or `mysql://`"
                ));
            }
            None => return Err(format!("`{url}` has no scheme, expected `postgres://host:5432/database`")),
        };
        if rest.contains('@') {
            return Err("expected no user or password in the URL; they have keys of their own".to_owned());
        }
        if rest.contains(['?', '#', ' ']) {
            return Err("expected no parameters in the URL; they have keys of their own".to_owned());
        }
        let (at, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = match at.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| format!("`{port}` is not a port, expected 1 to 65535"))?)
            }
            _ => (at, port),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || port == 0 || database.is_empty() || database.contains('/') {
            return Err(format!(
                "`{url}` names no host, port and database, expected `postgres://host:5432/database`"
            ));
        }
        Ok(Endpoint { kind, host: host.to_owned(), port, database: database.to_owned() })
    }

    /// Whether it is this machine.
    pub fn is_here(&self) -> bool {
        let address = self.host.parse::<std::net::IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.host, self.port, self.database)
    }
}
