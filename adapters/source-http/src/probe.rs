//! A look at one page of a system, before it is configured.

use std::collections::BTreeSet;
use std::fmt;

use contract::suggest::{plain_name, quoted, secret, unique};
use contract::{Fault, SourceError, clean};
use http_client::{Client, Connection, FetchError, Method, brief, check_url};
use jiff::tz::TimeZone;
use reqwest::header::ACCEPT;
use rows::guess::{Column, Guess};
use rows::{Decimal, Style};
use serde_json::Value as Json;

use crate::answer;
use crate::auth::Credentials;
use crate::settings::Auth;

/// As much as a person wants to look at.
const BYTES_MAX: usize = 4 << 20;
/// A row of more fields is shown in part.
const FIELDS_MAX: usize = 100;
/// The rows that decide what a field holds.
const ROWS_MAX: usize = 500;

/// What to look at.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The page.
    pub url: String,
    /// How we say who we are, if that is asked: a header that stays.
    pub auth: Option<Auth>,
    /// How the server is reached.
    pub connection: Connection,
}

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The status and the first words.
    pub status: String,
    /// Each array of objects.
    pub lists: Vec<Rows>,
    /// Each plain value: its pointer and an example.
    pub values: Vec<(String, String)>,
    /// How the next page is found, if the answer says so.
    pub next: Option<String>,
    /// A configuration that reads it.
    pub configuration: String,
}

/// An array of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// Its pointer.
    pub pointer: String,
    /// How many there are.
    pub count: usize,
    /// The plain fields of the first, each with its values in the first rows.
    pub fields: Vec<Column>,
}

/// Asks one page, once.
///
/// # Errors
/// As a source: lost, refused, or locked out.
pub async fn probe(options: &Options) -> Result<Report, SourceError> {
    let refused = |fault: Fault| SourceError::Refused(fault.message);
    let url = check_url(&options.url).map_err(SourceError::Refused)?;
    let client = Client::new(&options.connection, "connection", url.scheme() == "https").map_err(refused)?;
    let mut request = client.request(Method::GET, url.clone()).header(ACCEPT, "application/json");
    match Credentials::new(options.auth.as_ref(), url.as_str()).map_err(refused)? {
        Credentials::Nobody => {}
        Credentials::Fixed(name, value) => request = request.header(name, value),
        Credentials::Oauth { .. } | Credentials::Login { .. } => {
            return Err(SourceError::Refused("a probe knows a header that stays alone".to_owned()));
        }
    }
    let page = client.fetch(request, BYTES_MAX).await.map_err(|error| match error {
        FetchError::Unreachable(words) => SourceError::Lost(words),
        FetchError::TooLarge => SourceError::Refused(format!("an answer of more than {BYTES_MAX} bytes")),
        FetchError::Never(words) => SourceError::Refused(words),
    })?;
    let status = brief(page.status, "");
    match page.status {
        200..=299 => {}
        401 | 403 => return Err(SourceError::LockedOut(status)),
        _ => return Err(SourceError::Refused(status)),
    }
    let json =
        answer::parse(&page.body).map_err(|cause| SourceError::Refused(format!("no JSON: {cause}")))?;
    let mut report = Report { status, ..Report::default() };
    report.walk(&json, String::new());
    report.next = ["/@odata.nextLink", "/d/__next"]
        .iter()
        .find(|pointer| json.pointer(pointer).is_some())
        .map(|pointer| format!("{{ pointer = \"{pointer}\" }}"))
        .or_else(|| page.next.map(|_| "\"link\"".to_owned()));
    report.configuration = report.configuration(options, &url);
    Ok(report)
}

impl Report {
    fn walk(&mut self, json: &Json, at: String) {
        match json {
            Json::Object(fields) => fields.iter().take(FIELDS_MAX).for_each(|(key, value)| {
                self.walk(value, format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")));
            }),
            Json::Array(rows) => {
                if let Some(Json::Object(first)) = rows.first() {
                    let is_plain = |value: &Json| !value.is_object() && !value.is_array();
                    let names = first.iter().filter(|(_, value)| is_plain(value)).map(|(name, _)| name);
                    let cell = |row: &Json, name: &str| row.get(name).map_or_else(String::new, plain);
                    let fields = names.take(FIELDS_MAX).map(|name| Column {
                        from: name.clone(),
                        cells: rows.iter().take(ROWS_MAX).map(|row| cell(row, name)).collect(),
                    });
                    self.lists.push(Rows { pointer: at, count: rows.len(), fields: fields.collect() });
                }
            }
            plain if self.values.len() < FIELDS_MAX => self.values.push((at, example(plain))),
            _ => {}
        }
    }

    fn configuration(&self, options: &Options, url: &http_client::Url) -> String {
        let base = url.origin().ascii_serialization();
        let path = url.as_str().strip_prefix(&base).unwrap_or_default();
        let mut text = format!("[source.http.system]\nurl = {}\n", quoted(&base));
        text += &options.auth.as_ref().map(auth).unwrap_or_default();
        if let Some(ca) = &options.connection.ca {
            text += &format!("connection.ca = {}\n", quoted(&ca.display().to_string()));
        }
        let style = Style::new(Decimal::Point, TimeZone::UTC);
        let mut names = BTreeSet::new();
        for Rows { pointer, fields, .. } in self.lists.iter().filter(|list| !list.fields.is_empty()) {
            let name = plain_name(pointer.rsplit('/').next().unwrap_or_default(), 40);
            let name = unique(&mut names, if name.is_empty() { "rows" } else { &name });
            text += &format!("\n[list.{name}]\nsource = \"system\"\npath = {}\n", quoted(path));
            text += &format!("rows = {}\n", quoted(pointer));
            self.next.iter().for_each(|next| text += &format!("next = {next}\n"));
            text += &Guess::of(fields, rows::guess::Rows::Once, &style).toml(fields);
        }
        text
    }
}

/// The same as a line of a configuration; what asks for a token first is not probed with.
fn auth(auth: &Auth) -> String {
    match auth {
        Auth::Bearer(token) => format!("auth.bearer = {}\n", secret(token)),
        Auth::Basic(basic) => {
            let (user, password) = (quoted(&basic.user), secret(&basic.password));
            format!("auth.basic = {{ user = {user}, password = {password} }}\n")
        }
        Auth::Header(header) => {
            let (name, value) = (quoted(&header.name), secret(&header.value));
            format!("auth.header = {{ name = {name}, value = {value} }}\n")
        }
        Auth::Oauth(_) | Auth::Login(_) => String::new(),
    }
}

fn example(value: &Json) -> String {
    clean(&value.to_string(), 60)
}

/// A plain value as text; nothing of an object or an array.
fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Number(_) | Json::Bool(_) => value.to_string(),
        Json::Null | Json::Array(_) | Json::Object(_) => String::new(),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        for Rows { pointer, count: rows, fields } in &self.lists {
            writeln!(f, "{rows} rows at `{pointer}`")?;
            let first = |column: &Column| clean(column.cells.first().map_or("", String::as_str), 60);
            fields
                .iter()
                .try_for_each(|column| writeln!(f, "  {}: {}", clean(&column.from, 60), first(column)))?;
        }
        self.values.iter().try_for_each(|(pointer, example)| writeln!(f, "{pointer}: {example}"))
    }
}
