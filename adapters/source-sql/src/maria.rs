//! MariaDB and MySQL.

use contract::{Cause, SourceError, clean};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, OptsBuilder, Params, SslOpts, TxOpts, Value};
use serde_json::Value as Json;
use tokio::sync::mpsc;

use crate::cell;
use crate::session::{Failure, Plan, ROWS, Row};

/// The largest packet: a row is smaller.
const PACKET_MAX: usize = 16 << 20;

/// A connection.
pub struct Maria {
    conn: Conn,
}

impl Maria {
    /// Connects.
    ///
    /// # Errors
    /// As [`crate::session::Session::open`].
    pub async fn open(plan: &Plan) -> Result<Maria, SourceError> {
        let at = &plan.endpoint;
        let tls = plan.tls.as_ref().map(|_| match &plan.ca {
            Some(ca) => {
                SslOpts::default().with_root_certs(vec![ca.clone().into()]).with_disable_built_in_roots(true)
            }
            None => SslOpts::default(),
        });
        let options = OptsBuilder::default()
            .ip_or_hostname(at.host.as_str())
            .tcp_port(at.port)
            .db_name(Some(at.database.as_str()))
            .user(Some(plan.user.as_str()))
            .pass(plan.password.as_ref().map(|password| password.reveal()))
            .prefer_socket(false)
            .max_allowed_packet(Some(PACKET_MAX))
            .stmt_cache_size(64)
            .ssl_opts(tls);
        let mut conn = Conn::new(options).await.map_err(|error| lost(plan, &error))?;
        let (secs, ms) = (plan.query_timeout.as_secs_f64(), plan.query_timeout.as_millis());
        // The one knows the first word, the other the second; a server that knows neither is bounded by us.
        let of_mariadb = format!("set session max_statement_time = {secs}");
        if conn.query_drop(of_mariadb).await.is_err() {
            let _ = conn.query_drop(format!("set session max_execution_time = {ms}")).await;
        }
        // Besides each transaction. Times are read as they are, in the zone of the session: UTC.
        conn.query_drop("set session transaction read only").await.map_err(|error| lost(plan, &error))?;
        conn.query_drop("set session time_zone = '+00:00'").await.map_err(|error| lost(plan, &error))?;
        Ok(Maria { conn })
    }

    /// As [`crate::session::Session::read`].
    pub async fn read(
        &mut self,
        query: &str,
        since: Option<&Json>,
        out: &mpsc::Sender<Vec<Row>>,
    ) -> Result<(), Failure> {
        let text = query.trim_end().trim_end_matches(';').replace("{since}", "?");
        let mut read_only = TxOpts::default();
        read_only.with_readonly(true);
        let mut transaction = self.conn.start_transaction(read_only).await.map_err(|error| judge(&error))?;
        let parameters = match since {
            Some(since) => Params::Positional(vec![bound(since)]),
            None => Params::Empty,
        };
        let mut found = transaction.exec_iter(text, parameters).await.map_err(|error| judge(&error))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().await.map_err(|error| judge(&error))? {
            rows.push(object(row));
            if rows.len() >= ROWS {
                out.send(std::mem::take(&mut rows)).await.map_err(|_| Failure::Nobody)?;
            }
        }
        if !rows.is_empty() {
            out.send(rows).await.map_err(|_| Failure::Nobody)?;
        }
        drop(found);
        transaction.rollback().await.map_err(|error| judge(&error))
    }
}

/// A number is compared as a number, all else as the text it is.
fn bound(since: &Json) -> Value {
    match since.as_i64() {
        Some(number) => Value::Int(number),
        None => Value::Bytes(cell::text(since).into_bytes()),
    }
}

fn object(row: mysql_async::Row) -> Row {
    let columns = row.columns();
    let names = columns.iter().map(|column| column.name_str().into_owned());
    names.zip(row.unwrap().into_iter().map(json)).collect()
}

/// A value as JSON. What is no text is shown by its size.
fn json(value: Value) -> Json {
    match value {
        Value::NULL => Json::Null,
        Value::Bytes(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Json::from(text),
            Err(other) => Json::from(format!("({} bytes)", other.as_bytes().len())),
        },
        Value::Int(number) => Json::from(number),
        Value::UInt(number) => Json::from(number),
        // Through its text: 84.2 is not 84.19999694824219.
        Value::Float(number) => number.to_string().parse::<f64>().map_or(Json::Null, Json::from),
        Value::Double(number) => Json::from(number),
        Value::Date(0, 0, 0, ..) => Json::Null,
        Value::Date(year, month, day, 0, 0, 0, 0) => Json::from(format!("{year:04}-{month:02}-{day:02}")),
        Value::Date(year, month, day, hour, minute, second, micro) => {
            Json::from(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micro:06}"))
        }
        Value::Time(is_negative, days, hours, minutes, seconds, micro) => {
            let sign = if is_negative { "-" } else { "" };
            let hours = days * 24 + u32::from(hours);
            Json::from(format!("{sign}{hours:02}:{minutes:02}:{seconds:02}.{micro:06}"))
        }
    }
}

/// What went wrong while connecting.
fn lost(plan: &Plan, error: &Error) -> SourceError {
    let words = format!("{}: {}", plan.endpoint, words(error));
    match error {
        // Access denied, to the user, to the database, without a password.
        Error::Server(told) if matches!(told.code, 1044 | 1045 | 1698) => SourceError::LockedOut(words),
        // There is no such database.
        Error::Server(told) if told.code == 1049 => SourceError::Refused(words),
        _ if words.to_lowercase().contains("certificate") => SourceError::LockedOut(words),
        _ => SourceError::Lost(words),
    }
}

/// What went wrong with a query.
fn judge(error: &Error) -> Failure {
    let words = words(error);
    match error {
        Error::Server(told) => match told.code {
            // The server stops, or has ended our connection.
            1053 | 1077 | 1927 | 4031 => Failure::Source(SourceError::Lost(words)),
            // It took too long: MariaDB, MySQL, interrupted.
            1969 | 3024 | 1317 => Failure::Query(Cause::NoAnswer),
            // No such table, column, function.
            1146 | 1054 | 1305 => Failure::Query(Cause::Missing(words)),
            _ => Failure::Query(Cause::Refused(words)),
        },
        _ => Failure::Source(SourceError::Lost(words)),
    }
}

fn words(error: &Error) -> String {
    match error {
        Error::Server(told) => clean(&format!("{} ({})", told.message, told.code), 200),
        other => clean(&other.to_string(), 300),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as j;

    #[test]
    fn values_keep_what_they_say() {
        assert_eq!(json(Value::Date(2026, 11, 24, 0, 0, 0, 0)), j!("2026-11-24"));
        assert_eq!(json(Value::Date(2026, 11, 24, 10, 0, 0, 5)), j!("2026-11-24T10:00:00.000005"));
        assert_eq!(json(Value::Date(0, 0, 0, 0, 0, 0, 0)), Json::Null);
        assert_eq!(json(Value::Float(84.2)), j!(84.2));
        assert_eq!(json(Value::Bytes(b"12.500".to_vec())), j!("12.500"));
        assert_eq!(json(Value::Bytes(vec![0xff, 0xfe])), j!("(2 bytes)"));
        assert_eq!(json(Value::Time(true, 1, 2, 3, 4, 5)), j!("-26:03:04.000005"));
        assert_eq!(json(Value::Double(f64::NAN)), Json::Null);
    }
}
