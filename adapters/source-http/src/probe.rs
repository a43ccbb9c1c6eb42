//! A look at one page of a system, before it is configured.

use std::fmt;

use contract::{Fault, SourceError, clean};
use http_client::{Client, Connection, FetchError, Method, brief, check_url};
use reqwest::header::{ACCEPT, HeaderName, HeaderValue};
use serde_json::Value as Json;

use crate::answer;

/// As much as a person wants to look at.
const BYTES_MAX: usize = 4 << 20;
/// A row of more fields is shown in part.
const FIELDS_MAX: usize = 100;

/// What to look at.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The page.
    pub url: String,
    /// A header that says who we are, if one is needed.
    pub header: Option<(String, String)>,
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
    /// The fields of the first, each with its value.
    pub fields: Vec<(String, String)>,
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
    if let Some((name, value)) = &options.header {
        let wrong = || SourceError::Refused(format!("`{name}` cannot be a header"));
        let name = name.parse::<HeaderName>().map_err(|_| wrong())?;
        request = request.header(name, HeaderValue::from_str(value).map_err(|_| wrong())?);
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
    report.configuration = report.configuration(&url);
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
                    let fields = first.iter().filter(|(_, value)| !value.is_object() && !value.is_array());
                    let fields = fields.take(FIELDS_MAX).map(|(key, value)| (key.clone(), example(value)));
                    self.lists.push(Rows { pointer: at, count: rows.len(), fields: fields.collect() });
                }
            }
            plain if self.values.len() < FIELDS_MAX => self.values.push((at, example(plain))),
            _ => {}
        }
    }

    fn configuration(&self, url: &http_client::Url) -> String {
        let base = url.origin().ascii_serialization();
        let path = url.as_str().strip_prefix(&base).unwrap_or_default();
        let mut text = format!("[source.http.system]\nurl = {}\n", quoted(&base));
        for Rows { pointer, fields, .. } in &self.lists {
            text += &format!("\n[list.rows]\nsource = \"system\"\npath = {}\n", quoted(path));
            text += &format!("rows = {}\n", quoted(pointer));
            self.next.iter().for_each(|next| text += &format!("next = {next}\n"));
            text += "key = [\"field-1\"]\n";
            for ((name, example), number) in fields.iter().zip(1..) {
                text += &format!("field.field-{number} = {{ from = {} }} # {example}\n", quoted(name));
            }
        }
        text
    }
}

fn example(value: &Json) -> String {
    clean(&value.to_string(), 60)
}

/// As JSON, which is also how TOML writes a text.
fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        for Rows { pointer, count: rows, fields } in &self.lists {
            writeln!(f, "{rows} rows at `{pointer}`")?;
            fields.iter().try_for_each(|(name, example)| writeln!(f, "  {name}: {example}"))?;
        }
        self.values.iter().try_for_each(|(pointer, example)| writeln!(f, "{pointer}: {example}"))
    }
}
