//! What an integrator writes. The doc comments are the documentation.

use std::collections::BTreeMap;

use contract::settings::{Secret, Wait};
use http_client::Connection;
use rows::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;

/// Reads business systems over HTTP: asks pages of JSON from time to time, and takes webhooks where `listen` says so.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the system is: `https://erp.usine.example/odata/`. The `path` of tags and lists is put behind it. Not
    /// needed where everything comes by webhook.
    pub url: Option<String>,
    /// How long from one round of questions to the next, from 1 s to 1 day.
    #[serde(default = "one_minute")]
    pub every: Wait,
    /// How the server is reached: `ca`, `proxy`, `timeout`.
    #[serde(default)]
    pub connection: Connection,
    /// Headers of every request. No secret belongs here.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How we say who we are.
    pub auth: Option<Auth>,
    /// A JSON pointer to what an answer holds when it is an error in spite of its status 200: `/error`. `null` and
    /// `false` there mean that all is well.
    pub fails_if: Option<String>,
    /// The largest answer, in bytes, up to 33554432. In memory it takes up to ten times as much.
    #[serde(default = "answer_max")]
    pub answer_max: usize,
    /// The most pages of one list in one round.
    #[serde(default = "pages_max")]
    pub pages_max: u32,
    /// What stands before the decimals of numbers that are written as text.
    #[serde(default = "point")]
    pub decimal: Decimal,
    /// Takes webhooks. Off unless it is written.
    pub listen: Option<Listen>,
}

const fn one_minute() -> Wait {
    Wait::secs(60)
}
/// Some thousand rows.
const fn answer_max() -> usize {
    4 << 20
}
/// A list of half a million rows in pages of 500.
const fn pages_max() -> u32 {
    1000
}
const fn point() -> Decimal {
    Decimal::Point
}

/// How we say who we are: one of these.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Auth {
    /// A token that stays the same: `bearer = { credential = "erp-token" }`.
    Bearer(Secret),
    /// A user and a password in every request.
    Basic(Basic),
    /// A header of the system's own, such as `X-API-Key`.
    Header(KeyHeader),
    /// OAuth 2 client credentials: a token is asked for and kept until it ends.
    Oauth(Oauth),
    /// A session: a request whose answer makes a header.
    Login(Login),
}

/// A user and a password in every request.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The user.
    pub user: String,
    /// Where the password lies.
    pub password: Secret,
}

/// A header with a secret.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyHeader {
    /// Its name: `X-API-Key`.
    pub name: String,
    /// Where its value lies.
    pub value: Secret,
}

/// OAuth 2 client credentials (RFC 6749, 4.4).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Oauth {
    /// Where tokens are given.
    pub token_url: String,
    /// Who we are there.
    pub client_id: String,
    /// Where the secret lies.
    pub client_secret: Secret,
    /// What we ask to do.
    pub scope: Option<String>,
}

/// A request whose answer makes a header, such as the session of Tryton.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Where, behind `url`.
    pub path: String,
    /// The JSON to send. In its texts, `{user}` and `{password}` stand for these.
    pub body: String,
    /// The user.
    pub user: String,
    /// Where the password lies.
    pub password: Secret,
    /// What the header says of the answer: `{/result/1}` stands for what lies at that JSON pointer.
    pub token: String,
    /// Writes the token in base64.
    #[serde(default)]
    pub base64: bool,
    /// What stands before the token: `Session`, `Bearer`. Nothing if it is empty.
    #[serde(default = "bearer")]
    pub scheme: String,
    /// The header.
    #[serde(default = "authorization")]
    pub header: String,
}

fn bearer() -> String {
    "Bearer".to_owned()
}
fn authorization() -> String {
    "Authorization".to_owned()
}

/// Where webhooks come.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// Where to listen: `127.0.0.1:8091`. A proxy with TLS belongs before it if senders are elsewhere.
    pub address: std::net::SocketAddr,
    /// What the sender knows and nobody else.
    pub secret: Secret,
    /// How the sender shows it.
    #[serde(default)]
    pub proof: Proof,
    /// The header with the signature.
    #[serde(default = "signature")]
    pub header: String,
    /// The header with the time of sending, in seconds since 1970 or ISO 8601. If it is named, the signature is of
    /// `<time>.<body>`, and what is older or newer than `window` is refused.
    pub timestamp: Option<String>,
    /// How old a signed message may be.
    #[serde(default = "five_minutes")]
    pub window: Wait,
    /// The largest message, in bytes, up to 4194304.
    #[serde(default = "body_max")]
    pub body_max: usize,
}

fn signature() -> String {
    "X-Hub-Signature-256".to_owned()
}
const fn five_minutes() -> Wait {
    Wait::secs(300)
}
const fn body_max() -> usize {
    1 << 20
}

/// How a sender shows that it knows the secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// HMAC-SHA256 of the body in the header, in hexadecimal or base64, with or without `sha256=` before it.
    #[default]
    Signature,
    /// `Authorization: Bearer <secret>`.
    Bearer,
}

/// GET or POST. Both only read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// Asks for a page.
    #[default]
    Get,
    /// Asks with a body, where the system wants it so: JSON-RPC, a search.
    Post,
}

/// Where a tag lies: in a page that is asked for (`path`), or in a webhook (`hook`).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Behind the `url` of the source. `{machine}` stands for the key of the machine.
    pub path: Option<String>,
    /// The path of a webhook: `/press/{machine}`.
    pub hook: Option<String>,
    /// How to ask.
    #[serde(default)]
    pub method: Verb,
    /// Parameters behind the `?`.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// The JSON to send with POST.
    pub body: Option<String>,
    /// A JSON pointer to the value: `/oil/temperature`.
    pub value: String,
    /// A JSON pointer to the time of the measure. A value without the time asked for is bad.
    pub time: Option<String>,
}

/// Where the rows of a list lie.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Behind the `url` of the source.
    pub path: Option<String>,
    /// The path of a webhook: `/orders`.
    pub hook: Option<String>,
    /// How to ask.
    #[serde(default)]
    pub method: Verb,
    /// Parameters behind the `?`. `{since}`, `{offset}` and `{page}` stand for these.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// The JSON to send with POST. A text in it that is `"{since}"`, `"{offset}"` or `"{page}"` stands for these.
    pub body: Option<String>,
    /// A JSON pointer to the array of rows: `/value` in OData V4, `/d/results` in V2. Empty: the answer is the array.
    #[serde(default)]
    pub rows: String,
    /// How the next page is found. Without it there is one page.
    pub next: Option<Next>,
    /// Asks only for what has changed.
    pub since: Option<Since>,
    /// Each round gives all rows: one that is no more among them is gone.
    #[serde(default)]
    pub whole: bool,
}

/// How the next page is found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Next {
    /// A JSON pointer to its URL: `{ pointer = "/@odata.nextLink" }`, or `/d/__next` in OData V2.
    Pointer(String),
    /// The `Link` header with `rel="next"`.
    Link,
    /// `{offset}` counts the rows so far, until a page is empty.
    Offset,
    /// `{page}` counts the pages from 1, until one is empty.
    Page,
}

/// Asks only for what has changed since the newest row that is safe with us.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Since {
    /// Where each row says when it was changed: a JSON pointer or a key. The largest value is kept, so it must be a
    /// number, ISO 8601 of one zone, or `/Date(…)/`.
    pub field: String,
    /// What stands for `{since}` the first time.
    pub start: String,
    /// A parameter behind the `?` that is `{since}` alone. Ask for *greater or equal*: two rows may share a time.
    pub parameter: Option<String>,
}
