//! The table `[network.http.<name>]`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use contract::settings::{Secret, Wait};
use contract::{Check, Fault, Pace};
use http_client::{Connection, Method, check_url};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::template::Templates;
use crate::write::Style;

/// A webhook, and what to send to it.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where to send a new post.
    pub url: Option<String>,
    /// The same when the URL itself is a secret.
    pub url_secret: Option<Secret>,
    /// How a new post is sent.
    #[serde(default)]
    pub method: Verb,
    /// What the body is said to be.
    #[serde(default = "content_type")]
    pub content_type: String,
    /// Headers, as they are.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers whose values are secrets.
    #[serde(default)]
    pub secret_headers: BTreeMap<String, Secret>,
    /// The body, as a template.
    #[serde(default = "body")]
    pub body: String,
    /// Where the network's own name for the post stands in the answer, as a JSON pointer: `/id`. Without it nothing
    /// can be edited or answered.
    pub receipt: Option<String>,
    /// How a post is edited. Without it a new post says what changed.
    pub edit: Option<Request>,
    /// How a post is answered in its thread.
    pub reply: Option<Request>,
    /// How a post without an answer is looked for. Without it, it is sent again and may be seen twice.
    pub look: Option<Look>,
    /// The header in which the server takes a key and recognises a repeat, such as `Idempotency-Key`.
    pub key_header: Option<String>,
    /// How a role is called, with `{role}` for its name: `@{role}`. Without it roles are words.
    pub mention: Option<String>,
    /// What the server makes of the words.
    #[serde(default)]
    pub markup: Markup,
    /// The longest text, in characters.
    #[serde(default = "chars_max")]
    pub chars_max: usize,
    /// How long to wait before looking whether a post without an answer is there after all.
    #[serde(default = "settle")]
    pub settle: Wait,
    /// How fast the server may be spoken to.
    #[serde(default)]
    pub pace: PaceSettings,
    /// How the server is reached.
    #[serde(default)]
    pub connection: Connection,
}

/// A request other than the first.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Where to, as a template with `receipt`.
    pub url: String,
    /// How it is sent.
    #[serde(default)]
    pub method: Verb,
    /// The body, as a template; that of a new post unless told.
    pub body: Option<String>,
}

/// How a post is looked for.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// What to read, as a template that may use `key`. The answer is JSON, newest posts among it.
    pub url: String,
    /// Where the list of posts stands in the answer, as a JSON pointer; empty when the answer is the list.
    #[serde(default)]
    pub items: String,
    /// Where the name of a post stands in its element, as a JSON pointer: `/id`.
    pub receipt: String,
}

/// A method of HTTP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// POST.
    #[default]
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
}

impl From<Verb> for Method {
    fn from(verb: Verb) -> Method {
        match verb {
            Verb::Post => Method::POST,
            Verb::Put => Method::PUT,
            Verb::Patch => Method::PATCH,
        }
    }
}

/// What the server makes of the words. Whatever it is, a machine's words stay words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Markup {
    /// Some markup, such as Slack's or Rocket.Chat's: signs that mean something in one of them are replaced by others
    /// that look alike.
    #[default]
    Safe,
    /// Markdown.
    Markdown,
    /// HTML.
    Html,
    /// None at all: the words are shown as they are.
    Plain,
}

/// A bucket: so many at once, one more every `refill`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PaceSettings {
    /// How many may go at once.
    pub burst: u32,
    /// The wait for one more.
    pub refill: Wait,
}

impl Default for PaceSettings {
    fn default() -> PaceSettings {
        PaceSettings { burst: 5, refill: Wait(Duration::from_secs(1)) }
    }
}

impl From<PaceSettings> for Pace {
    fn from(pace: PaceSettings) -> Pace {
        Pace { burst: pace.burst, refill: pace.refill.0 }
    }
}

fn content_type() -> String {
    "application/json".to_owned()
}

/// What Slack, Mattermost, Rocket.Chat and many others take.
fn body() -> String {
    r#"{"text": {{ text | tojson }}}"#.to_owned()
}

fn chars_max() -> usize {
    4_000
}

/// Longer than a request may take.
fn settle() -> Wait {
    Wait::secs(35)
}

impl Check for Settings {
    fn advise(&self) -> Vec<Fault> {
        http_client::in_the_clear("url", self.url.as_deref()).into_iter().collect()
    }

    fn warn(&self) -> Vec<Fault> {
        http_client::secrets_in_the_file(self.headers.keys(), |name| {
            format!("`secret_headers = {{ \"{name}\" = {{ file = \"…\" }} }}`")
        })
    }

    fn files(&self) -> Vec<(&'static str, &Path)> {
        self.connection.files()
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        let url = self.url_secret.iter().map(|secret| ("url_secret", secret));
        url.chain(self.secret_headers.values().map(|secret| ("secret_headers", secret))).collect()
    }

    fn check(&self) -> Vec<Fault> {
        let mut faults = self.check_url();
        faults.extend(self.check_headers());
        faults.extend(self.check_receipt());
        if let Err(message) = Style::new(self) {
            faults.push(Fault::at("mention", message));
        }
        if !(100..=1_000_000).contains(&self.chars_max) {
            faults.push(Fault::at("chars_max", format!("found {}, expected 100 to 1000000", self.chars_max)));
        } else if let Err(found) = Templates::new(self) {
            faults.extend(found);
        }
        if self.pace.burst == 0 {
            faults
                .push(Fault::at("pace.burst", "found 0, expected at least 1: nothing would ever be posted"));
        }
        faults.extend(self.connection.check("connection"));
        faults
    }
}

impl Settings {
    fn check_url(&self) -> Vec<Fault> {
        let found = match (&self.url, &self.url_secret) {
            (None, None) => {
                Err(Fault::at("url", "missing, expected for example `https://chat.usine.example/hook`"))
            }
            (Some(_), Some(_)) => Err(Fault::at("url_secret", "excluded by `url`")),
            (Some(url), None) => check_url(url).map(drop).map_err(|message| Fault::at("url", message)),
            (None, Some(secret)) => secret.check().map_err(|message| Fault::at("url_secret", message)),
        };
        found.err().into_iter().collect()
    }

    fn check_headers(&self) -> Vec<Fault> {
        let is_name = |name: &str| reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_ok();
        let mut faults = Vec::new();
        for (name, value) in &self.headers {
            if !is_name(name) || reqwest::header::HeaderValue::from_str(value).is_err() {
                faults.push(Fault::at(format!("headers.{name}"), "is no header of HTTP"));
            }
        }
        for (name, secret) in &self.secret_headers {
            let key = format!("secret_headers.{name}");
            if !is_name(name) {
                faults.push(Fault::at(&key, "is no header of HTTP"));
            }
            if let Err(message) = secret.check() {
                faults.push(Fault::at(&key, message));
            }
        }
        if self.key_header.as_deref().is_some_and(|name| !is_name(name)) {
            faults.push(Fault::at("key_header", "is no header of HTTP"));
        }
        if reqwest::header::HeaderValue::from_str(&self.content_type).is_err() {
            faults.push(Fault::at("content_type", "is no header of HTTP"));
        }
        faults
    }

    /// What is edited, answered or found must have a name.
    fn check_receipt(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let pointers = [
            ("receipt", self.receipt.as_deref()),
            (
                "look.items",
                self.look.as_ref().map(|look| look.items.as_str()).filter(|items| !items.is_empty()),
            ),
            ("look.receipt", self.look.as_ref().map(|look| look.receipt.as_str())),
        ];
        for (key, pointer) in pointers {
            if pointer.is_some_and(|pointer| !pointer.starts_with('/')) {
                faults.push(Fault::at(key, "expected a JSON pointer such as `/id`"));
            }
        }
        if self.receipt.is_none() {
            for (key, is_set) in [("edit", self.edit.is_some()), ("reply", self.reply.is_some())] {
                if is_set {
                    faults.push(Fault::at(key, "needs `receipt`: a post without a name is not found again"));
                }
            }
        }
        faults
    }
}
