//! What is wrong in tables that are well formed, and what is allowed and not safe. Pure.

use std::net::SocketAddr;
use std::path::Path;

use contract::settings::Secret;
use contract::{Check, Fault};
use http_client::{check_url, in_the_clear, secrets_in_the_file};
use reqwest::header::{HeaderName, HeaderValue};

use crate::ask::joined;
use crate::settings::{Address, Auth, KeyHeader, List, Listen, Next, Proof, Settings, Verb};
use crate::template;

impl Check for Settings {
    fn advise(&self) -> Vec<Fault> {
        let mut faults: Vec<Fault> = in_the_clear("url", self.url.as_deref()).into_iter().collect();
        if let Some(Auth::Oauth(oauth)) = &self.auth {
            faults.extend(in_the_clear("auth.oauth.token_url", Some(&oauth.token_url)));
        }
        if let Some(listen) = &self.listen
            && !listen.address.ip().is_loopback()
        {
            faults.push(Fault::at(
                "listen.address",
                "without TLS: put a proxy before it, expected a loopback address",
            ));
        }
        if let Some(Listen { proof: Proof::Signature, timestamp: None, .. }) = &self.listen {
            faults.push(Fault::at("listen.timestamp", "a message can be sent again by whoever saw it"));
        }
        faults
    }

    fn warn(&self) -> Vec<Fault> {
        secrets_in_the_file(self.headers.keys(), |name| match name.eq_ignore_ascii_case("authorization") {
            true => "`auth = { bearer = { file = \"…\" } }` (or `basic`, `oauth`, `login`)".to_owned(),
            false => {
                format!("`auth = {{ header = {{ name = \"{name}\", value = {{ file = \"…\" }} }} }}`")
            }
        })
    }

    fn listens(&self) -> Option<(&'static str, SocketAddr)> {
        self.listen.as_ref().map(|listen| ("listen.address", listen.address))
    }

    fn files(&self) -> Vec<(&'static str, &Path)> {
        self.connection.files()
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        let auth = self.auth.as_ref().map(|auth| match auth {
            Auth::Bearer(secret) => ("auth.bearer", secret),
            Auth::Basic(basic) => ("auth.basic.password", &basic.password),
            Auth::Header(header) => ("auth.header.value", &header.value),
            Auth::Oauth(oauth) => ("auth.oauth.client_secret", &oauth.client_secret),
            Auth::Login(login) => ("auth.login.password", &login.password),
        });
        auth.into_iter().chain(self.listen.as_ref().map(|listen| ("listen.secret", &listen.secret))).collect()
    }

    fn check(&self) -> Vec<Fault> {
        let mut faults = self.connection.check("connection");
        let mut fault = |key: &str, message: String| faults.push(Fault::at(key, message));
        if let Some(Err(message)) = self.url.as_deref().map(check_url) {
            fault("url", message);
        }
        if self.url.is_none() && self.listen.is_none() {
            fault("url", "expected where to ask, or `listen`".into());
        }
        if !(1..=86_400).contains(&self.every.0.as_secs()) {
            fault("every", "expected from 1s to 1d".into());
        }
        if !(1024..=32 << 20).contains(&self.answer_max) {
            fault("answer_max", format!("found {}, expected from 1024 to 33554432 bytes", self.answer_max));
        }
        if !(1..=100_000).contains(&self.pages_max) {
            fault("pages_max", format!("found {}, expected from 1 to 100000", self.pages_max));
        }
        for (key, secret) in self.secrets() {
            if let Err(message) = secret.check() {
                fault(key, message);
            }
        }
        for (name, value) in &self.headers {
            if name.parse::<HeaderName>().is_err() {
                fault("headers", format!("`{name}` is no name of a header"));
            } else if HeaderValue::from_str(value).is_err() {
                fault(&format!("headers.{name}"), "holds signs that no header has".into());
            }
        }
        faults.extend(self.fails_if.as_deref().and_then(|found| pointer_fault("fails_if", found)));
        faults.extend(self.auth.iter().flat_map(Auth::check));
        faults.extend(self.listen.iter().flat_map(Listen::check));
        faults
    }
}

impl Auth {
    fn check(&self) -> Vec<Fault> {
        let header = |key: &str, name: &str| {
            let wrong = name.parse::<HeaderName>().is_err();
            wrong.then(|| Fault::at(key, format!("`{name}` is no name of a header")))
        };
        match self {
            Auth::Bearer(_) | Auth::Basic(_) => Vec::new(),
            Auth::Header(KeyHeader { name, .. }) => header("auth.header.name", name).into_iter().collect(),
            Auth::Oauth(oauth) => {
                let url = check_url(&oauth.token_url).err();
                url.map(|message| Fault::at("auth.oauth.token_url", message)).into_iter().collect()
            }
            Auth::Login(login) => {
                let mut faults: Vec<Fault> = header("auth.login.header", &login.header).into_iter().collect();
                faults.extend(body_fault("auth.login.body", &login.body));
                if template::names(&login.token).is_empty() {
                    let words = "expected a place of the answer such as `{/result/session}`";
                    faults.push(Fault::at("auth.login.token", words));
                }
                faults
            }
        }
    }
}

impl Listen {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !(256..=4 << 20).contains(&self.body_max) {
            let words = format!("found {}, expected from 256 to 4194304 bytes", self.body_max);
            faults.push(Fault::at("listen.body_max", words));
        }
        for (key, name) in
            [("listen.header", Some(&self.header)), ("listen.timestamp", self.timestamp.as_ref())]
        {
            if name.is_some_and(|name| name.parse::<HeaderName>().is_err()) {
                faults.push(Fault::at(key, "expected the name of a header"));
            }
        }
        if self.timestamp.is_some() && self.proof == Proof::Bearer {
            faults.push(Fault::at(
                "listen.timestamp",
                "is not signed with `proof = \"bearer\"`, so it proves nothing",
            ));
        }
        faults
    }
}

fn pointer_fault(key: &str, found: &str) -> Option<Fault> {
    let is_pointer = found.is_empty() || found.starts_with('/');
    let words = || format!("invalid JSON pointer `{found}`, expected a `/` before each step: `/value`");
    (!is_pointer).then(|| Fault::at(key, words()))
}

fn body_fault(key: &str, body: &str) -> Option<Fault> {
    let error = serde_json::from_str::<serde_json::Value>(body).err()?;
    Some(Fault::at(key, format!("expected JSON: {error}")))
}

/// What a tag or a list needs of its source: where to ask, or where to listen.
pub fn fit(settings: &Settings, path: Option<&str>, has_hook: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(path) = path {
        match settings.url.as_deref() {
            None => faults.push(Fault::at("path", "its source has no `url`, expected one: where to ask")),
            // The URL itself is told in the table of the source.
            Some(url) if check_url(url).is_ok() => {
                faults.extend(check_url(&joined(url, path)).err().map(|wrong| Fault::at("path", wrong)));
            }
            Some(_) => {}
        }
    }
    if has_hook && settings.listen.is_none() {
        faults.push(Fault::at("hook", "its source has no `listen`, expected one: where webhooks come"));
    }
    faults
}

/// What tags and lists share.
fn request_faults(path: Option<&str>, hook: Option<&str>, method: Verb, body: Option<&str>) -> Vec<Fault> {
    let mut faults = Vec::new();
    match (path, hook) {
        (Some(_), None) => {}
        (None, Some(hook)) if hook.starts_with('/') => {}
        (None, Some(_)) => faults.push(Fault::at("hook", "expected a path with `/` before it: `/orders`")),
        (None, None) => faults.push(Fault::at("path", "expected where to ask, or `hook`")),
        (Some(_), Some(_)) => faults.push(Fault::at("hook", "expected either `path` or `hook`")),
    }
    if body.is_some() && method == Verb::Get {
        faults.push(Fault::at(
            "body",
            "`body` with `method = \"GET\"`, expected `method = \"POST\"` beside `path`",
        ));
    }
    faults.extend(body.and_then(|body| body_fault("body", body)));
    faults
}

impl Check for Address {
    fn check(&self) -> Vec<Fault> {
        let mut faults =
            request_faults(self.path.as_deref(), self.hook.as_deref(), self.method, self.body.as_deref());
        faults.extend(pointer_fault("value", &self.value));
        faults.extend(self.time.as_deref().and_then(|time| pointer_fault("time", time)));
        faults
    }
}

impl Check for List {
    fn check(&self) -> Vec<Fault> {
        let mut faults =
            request_faults(self.path.as_deref(), self.hook.as_deref(), self.method, self.body.as_deref());
        faults.extend(pointer_fault("rows", &self.rows));
        if self.whole && self.since.is_some() {
            faults.push(Fault::at("whole", "a list of what has changed is not whole"));
        }
        if self.hook.is_some() && (self.next.is_some() || self.since.is_some()) {
            faults.push(Fault::at("hook", "a webhook has no next page and no `since`"));
        }
        let has = |name: &str| {
            let body = self.body.as_deref().is_some_and(|body| body.contains(name));
            body || self.query.values().any(|value| value.contains(name))
        };
        match &self.next {
            Some(Next::Pointer(pointer)) => faults.extend(pointer_fault("next", pointer)),
            Some(Next::Offset) if !has("{offset}") => {
                faults.push(Fault::at("next", "expected `{offset}` in `query` or `body`"));
            }
            Some(Next::Page) if !has("{page}") => {
                faults.push(Fault::at("next", "expected `{page}` in `query` or `body`"));
            }
            Some(Next::Offset | Next::Page | Next::Link) | None => {}
        }
        if let Some(since) = &self.since
            && since.parameter.is_none()
            && !has("{since}")
        {
            faults.push(Fault::at("since", "expected `parameter`, or `{since}` in `query` or `body`"));
        }
        faults
    }
}
