//! A look at what a query gives, before it is configured.

use std::fmt;

use contract::{Cause, SourceError, clean};
use serde_json::Value as Json;
use tokio::sync::mpsc;

use crate::session::{Failure, Row, Session};
use crate::{List, Settings, line};

/// What to look at.
#[derive(Debug, Clone)]
pub struct Options {
    /// The database.
    pub settings: Settings,
    /// The query; without it, the tables are listed.
    pub query: Option<String>,
}

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// The first rows.
    pub rows: Vec<Row>,
    /// A configuration that reads them.
    pub configuration: String,
}

/// Runs one query in a read-only transaction and looks at its first rows.
///
/// # Errors
/// As a source; a query that is refused is told as refused.
pub async fn probe(options: &Options) -> Result<Report, SourceError> {
    /// What a person looks at.
    const SHOWN: usize = 20;
    const TABLES: &str = "select table_schema, table_name from information_schema.tables \
                          where table_schema not in ('pg_catalog', 'information_schema', 'mysql', 'sys') \
                          order by 1, 2";
    let plan = line(&options.settings).map_err(|fault| SourceError::Refused(fault.message))?;
    let query = options.query.as_deref().unwrap_or(TABLES);
    let list = List { query: query.to_owned(), cursor: None, start: None, whole: true };
    if let Some(fault) = contract::Check::check(&list).into_iter().next() {
        return Err(SourceError::Refused(fault.message));
    }
    let mut session = Session::open(&plan).await?;
    let (out, mut found) = mpsc::channel(1);
    let limited = format!(
        "select * from ({}\n) as portevoix_look limit {SHOWN}",
        query.trim_end().trim_end_matches(';')
    );
    let (read, rows) = tokio::join!(session.read(&limited, None, out), async {
        let mut rows = Vec::new();
        while let Some(more) = found.recv().await {
            rows.extend(more);
        }
        rows
    });
    match read {
        Ok(()) => Ok(Report { configuration: configuration(options, query, &rows), rows }),
        Err(Failure::Source(error)) => Err(error),
        Err(Failure::Query(Cause::Refused(words) | Cause::Missing(words))) => {
            Err(SourceError::Refused(words))
        }
        Err(Failure::Query(cause)) => Err(SourceError::Refused(cause.to_string())),
        Err(Failure::Nobody) => Err(SourceError::Lost("nobody listens".to_owned())),
    }
}

fn configuration(options: &Options, query: &str, rows: &[Row]) -> String {
    let quoted = |text: &str| Json::from(text).to_string();
    let Settings { url, user, .. } = &options.settings;
    let mut text = format!("[source.sql.database]\nurl = {}\nuser = {}\n", quoted(url), quoted(user));
    text += "password = { credential = \"database\" }\n";
    text += &format!("\n[list.rows]\nsource = \"database\"\nquery = {}\nwhole = true\n", quoted(query));
    text += "key = [\"field-1\"]\n";
    for ((column, value), number) in rows.iter().next().into_iter().flatten().zip(1..) {
        let kind = if value.is_number() { ", type = \"number\"" } else { "" };
        text += &format!("field.field-{number} = {{ from = {}{kind} }}\n", quoted(column));
    }
    text
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} rows", self.rows.len())?;
        self.rows
            .iter()
            .try_for_each(|row| writeln!(f, "{}", clean(&Json::from(row.clone()).to_string(), 300)))
    }
}
