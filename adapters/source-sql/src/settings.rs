//! What an integrator writes. The doc comments are the documentation.

use std::path::{Path, PathBuf};

use contract::settings::{Secret, Wait};
use contract::{Check, Fault};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::url::Endpoint;

/// Reads a database, in read-only transactions alone.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the database is: `postgres://erp.usine.local:5432/erp` or `mysql://erp.usine.local:3306/erp` (MariaDB,
    /// too). Without a port, 5432 or 3306.
    pub url: String,
    /// The user: one that may read what is needed and nothing else.
    pub user: String,
    /// Where the password lies.
    pub password: Option<Secret>,
    /// `"require"`: TLS, and the certificate must be right. `"disable"`: none, for a database on this machine.
    #[serde(default)]
    pub tls: Tls,
    /// A PEM file with the authorities that may sign the certificate of the database. Without it, those that the
    /// system trusts.
    pub ca: Option<PathBuf>,
    /// How long from one round of queries to the next, from 1 s to 1 day.
    #[serde(default = "one_minute")]
    pub every: Wait,
    /// How long a query may take in the database, up to 10 minutes.
    #[serde(default = "thirty_seconds")]
    pub query_timeout: Wait,
    /// The most rows of one query in one round.
    #[serde(default = "rows_max")]
    pub rows_max: u64,
}

const fn one_minute() -> Wait {
    Wait::secs(60)
}
const fn thirty_seconds() -> Wait {
    Wait::secs(30)
}
/// As many rows as a list of a plant may have.
const fn rows_max() -> u64 {
    100_000
}

/// Whether the line is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// TLS, and the certificate must be right.
    #[default]
    Require,
    /// None.
    Disable,
}

/// Where a tag lies in a database.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// The query. The first row counts; with `{machine}` in it, that is replaced by the key of the machine.
    pub query: String,
    /// The column of the value.
    pub column: String,
    /// The column of its time. A value without the time asked for is bad.
    pub time: Option<String>,
}

/// Where the rows of a list lie.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The query. `{since}` stands for the newest value of `cursor` that is safe with us; it is bound as a parameter.
    pub query: String,
    /// The column that says when a row was changed, or a number that only grows. Ask for `>= {since}`: two rows may
    /// share a time.
    pub cursor: Option<String>,
    /// What stands for `{since}` the first time: `1970-01-02 00:00:00`, `0`. A `TIMESTAMP` of MariaDB is later than the
    /// first second of 1970, so that is no start.
    pub start: Option<String>,
    /// Each round gives all rows: one that is no more among them is gone.
    #[serde(default)]
    pub whole: bool,
}

impl Check for Settings {
    fn advise(&self) -> Vec<Fault> {
        let is_here = Endpoint::parse(&self.url).is_ok_and(|endpoint| endpoint.is_here());
        let words = "without TLS: the password and the rows travel in the clear, expected `require`";
        (self.tls == Tls::Disable && !is_here).then(|| Fault::at("tls", words)).into_iter().collect()
    }

    fn files(&self) -> Vec<(&'static str, &Path)> {
        self.ca.iter().map(|path| ("ca", path.as_path())).collect()
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        self.password.iter().map(|secret| ("password", secret)).collect()
    }

    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, message: String| faults.push(Fault::at(key, message));
        if let Err(message) = Endpoint::parse(&self.url) {
            fault("url", message);
        }
        if self.user.is_empty() {
            fault("user", "expected a name".into());
        }
        if let Some(Err(message)) = self.password.as_ref().map(Secret::check) {
            fault("password", message);
        }
        if self.ca.is_some() && self.tls == Tls::Disable {
            fault("ca", "has no use without TLS, expected `tls = \"require\"`".into());
        }
        if !(1..=86_400).contains(&self.every.0.as_secs()) {
            fault("every", "expected from 1s to 1d".into());
        }
        if self.query_timeout.0.as_millis() < 100 || self.query_timeout.0.as_secs() > 600 {
            fault("query_timeout", "expected from 100ms to 10m".into());
        }
        if !(1..=10_000_000).contains(&self.rows_max) {
            fault("rows_max", format!("found {}, expected from 1 to 10000000", self.rows_max));
        }
        faults
    }
}

impl Check for Address {
    fn check(&self) -> Vec<Fault> {
        let mut faults: Vec<Fault> = query_fault(&self.query).into_iter().collect();
        if self.column.is_empty() {
            faults.push(Fault::at("column", "expected the name of a column"));
        }
        faults
    }
}

impl Check for List {
    fn check(&self) -> Vec<Fault> {
        let mut faults: Vec<Fault> = query_fault(&self.query).into_iter().collect();
        let uses = self.query.matches("{since}").count();
        match (&self.cursor, &self.start) {
            (Some(_), Some(_)) if uses == 1 => {}
            (Some(_), Some(_)) => {
                faults.push(Fault::at("query", format!("found {uses} times `{{since}}`, expected it once")));
            }
            (Some(_), None) => faults.push(Fault::at(
                "start",
                "a list with `cursor` has no `start`, expected what `{since}` is the first time",
            )),
            (None, Some(_)) => faults.push(Fault::at(
                "cursor",
                "a list with `start` has no `cursor`, expected the column that `{since}` is compared to",
            )),
            (None, None) if uses > 0 => faults.push(Fault::at(
                "cursor",
                "`query` has `{since}` and the list no `cursor`, expected the column that it is compared to",
            )),
            (None, None) => {}
        }
        if self.whole && self.cursor.is_some() {
            faults.push(Fault::at("whole", "a list of what has changed is not whole"));
        }
        faults
    }
}

/// The transaction is read-only whatever the query says; this tells a slip before it comes so far.
fn query_fault(query: &str) -> Option<Fault> {
    let first = query.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    if !matches!(first.trim_start_matches('('), "select" | "with" | "values" | "table") {
        return Some(Fault::at("query", format!("found `{first}`, expected `select` or `with`")));
    }
    let inner = query.trim_end().trim_end_matches(';');
    inner.contains(';').then(|| Fault::at("query", "expected one query without `;` in it"))
}
