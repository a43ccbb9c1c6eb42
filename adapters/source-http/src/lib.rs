//! Reads business systems over HTTP: asks pages of JSON from time to time, and takes webhooks.
//!
//! From the edge inwards: `poll` (rounds of questions, in a task) and `hook` (the listener), `auth` (who we are),
//! `ask` (a question), `answer` (what a page holds), `signature` (is a sender believed), `source` (connect, next,
//! settle). How far a list is safe, `rows` keeps.
//!
//! Deliberately absent: any verb but GET and POST, and any POST whose body the configuration did not write.

mod answer;
mod ask;
mod auth;
mod check;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod hook;
mod poll;
pub mod probe;
mod settings;
mod signature;
mod source;
mod template;

use std::collections::HashMap;

use contract::{Fault, Field, ListAddress, Reads, Setup, Source, SourceKind, TagAddress};
use http_client::Client;
use jiff::tz::TimeZone;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rows::{Maker, Memory, Style};

pub use http_client::Connection;
pub use settings::{
    Address, Auth, Basic, KeyHeader, List, Listen, Login, Next, Oauth, Proof, Settings, Since, Verb,
};

use crate::ask::Ask;
use crate::auth::Credentials;
use crate::poll::{ListPages, TagPage, TagPlace};
use crate::signature::Expected;

/// `[source.http.<name>]`.
pub struct Kind;

impl SourceKind for Kind {
    const NAME: &'static str = "http";
    type Settings = Settings;
    type Address = Address;
    type List = List;

    fn check_tag(settings: &Settings, machine: &str, address: &Address) -> Vec<Fault> {
        let path = address.path.as_deref().map(|path| path.replace("{machine}", machine));
        check::fit(settings, path.as_deref(), address.hook.is_some())
    }

    fn check_list(settings: &Settings, fields: &[Field], list: &List) -> Vec<Fault> {
        let mut faults = check::fit(settings, list.path.as_deref(), list.hook.is_some());
        faults.extend(rows::faults(fields));
        faults
    }

    fn build(
        setup: &Setup<'_>,
        settings: Settings,
        reads: Reads<Address, List>,
    ) -> Result<Box<dyn Source>, Vec<Fault>> {
        build(setup, &settings, reads).map(|source| Box::new(source) as Box<dyn Source>)
    }
}

fn build(
    setup: &Setup<'_>,
    settings: &Settings,
    reads: Reads<Address, List>,
) -> Result<source::Http, Vec<Fault>> {
    let wrong: Vec<Fault> =
        reads.lists.iter().flat_map(|list| rows::of_list(&list.name, rows::faults(&list.fields))).collect();
    if wrong.is_empty() { make(setup, settings, reads).map_err(|fault| vec![fault]) } else { Err(wrong) }
}

fn make(setup: &Setup<'_>, settings: &Settings, reads: Reads<Address, List>) -> Result<source::Http, Fault> {
    let zone = TimeZone::get(&setup.site.timezone)
        .map_err(|error| Fault::at("", format!("time zone of the site: {error}")))?;
    let style = Style::new(settings.decimal, zone);
    let hook = hook_plan(settings, &reads, &style)?;
    let pages = tag_pages(settings, &reads.tags)?;
    let lists = list_pages(settings, &reads.lists, &style)?;
    let poll = if pages.is_empty() && lists.is_empty() {
        None
    } else {
        Some(poll_plan(settings, style, pages, lists)?)
    };
    Ok(source::Http::new(poll, hook, Memory::open(setup.state, &format!("http-{}", setup.name))))
}

fn poll_plan(
    settings: &Settings,
    style: Style,
    pages: Vec<TagPage>,
    lists: Vec<ListPages>,
) -> Result<poll::Plan, Fault> {
    let base = settings.url.as_deref().unwrap_or_default();
    let token_url = match &settings.auth {
        Some(Auth::Oauth(oauth)) => Some(oauth.token_url.as_str()),
        _ => None,
    };
    let needs_tls = [Some(base), token_url].into_iter().flatten().any(|url| url.starts_with("https"));
    let mut headers = HeaderMap::new();
    for (name, value) in &settings.headers {
        let wrong = || Fault::at("headers", format!("`{name}` cannot be a header"));
        let name = name.parse::<HeaderName>().map_err(|_| wrong())?;
        headers.insert(name, HeaderValue::from_str(value).map_err(|_| wrong())?);
    }
    Ok(poll::Plan {
        client: Client::new(&settings.connection, "connection", needs_tls)?,
        headers,
        credentials: Credentials::new(settings.auth.as_ref(), base)?,
        style,
        fails_if: settings.fails_if.clone(),
        answer_max: settings.answer_max,
        pages_max: settings.pages_max,
        every: settings.every.0,
        pages,
        lists,
    })
}

fn base(settings: &Settings) -> Result<&str, Fault> {
    settings
        .url
        .as_deref()
        .ok_or_else(|| Fault::at("url", "a tag or list has a `path`, expected where to ask"))
}

/// Tags that ask the same share one question.
fn tag_pages(settings: &Settings, tags: &[TagAddress<Address>]) -> Result<Vec<TagPage>, Fault> {
    let mut pages: Vec<TagPage> = Vec::new();
    for TagAddress { id, machine, address } in tags {
        let Some(path) = &address.path else { continue };
        let named = |text: &str| text.replace("{machine}", machine);
        let query = address.query.iter().map(|(name, text)| (name.clone(), named(text))).collect();
        let body = address.body.as_deref().map(named);
        let ask = Ask::new(base(settings)?, &named(path), address.method, &query, body.as_deref())
            .map_err(|wrong| Fault::at("url", format!("path `{path}`: {wrong}")))?;
        let place = TagPlace { id: *id, value: address.value.clone(), time: address.time.clone() };
        match pages.iter_mut().find(|page| page.ask == ask) {
            Some(page) => page.tags.push(place),
            None => pages.push(TagPage { ask, name: named(path), tags: vec![place] }),
        }
    }
    Ok(pages)
}

fn list_pages(
    settings: &Settings,
    lists: &[ListAddress<List>],
    style: &Style,
) -> Result<Vec<ListPages>, Fault> {
    let polled = lists.iter().filter(|list| list.address.path.is_some());
    polled
        .map(|list| {
            let List { path, method, query, body, rows, next, since, whole, .. } = list.address.clone();
            let mut query = query;
            if let Some(parameter) = since.as_ref().and_then(|since| since.parameter.clone()) {
                query.insert(parameter, "{since}".to_owned());
            }
            let path = path.unwrap_or_default();
            let ask = Ask::new(base(settings)?, &path, method, &query, body.as_deref())
                .map_err(|wrong| Fault::at("url", format!("list {}: {wrong}", list.name)))?;
            let maker = Maker::new(list, style.clone());
            Ok(ListPages { ask, name: list.name.clone(), maker, rows, next, since, whole })
        })
        .collect()
}

fn hook_plan(
    settings: &Settings,
    reads: &Reads<Address, List>,
    style: &Style,
) -> Result<Option<hook::Plan>, Fault> {
    let mut hooks: HashMap<String, hook::Hook> = HashMap::new();
    for TagAddress { id, machine, address } in &reads.tags {
        let Some(path) = &address.hook else { continue };
        let place = TagPlace { id: *id, value: address.value.clone(), time: address.time.clone() };
        hooks.entry(path.replace("{machine}", machine)).or_default().tags.push(place);
    }
    for list in &reads.lists {
        let Some(path) = &list.address.hook else { continue };
        let maker = Maker::new(list, style.clone());
        hooks.entry(path.clone()).or_default().lists.push((list.address.rows.clone(), maker));
    }
    let Some(listen) = &settings.listen else {
        let is_used = !hooks.is_empty();
        return if is_used {
            Err(Fault::at("listen", "a tag or list has a `hook`, expected where to listen"))
        } else {
            Ok(None)
        };
    };
    let secret = listen.secret.read().map_err(|wrong| Fault::at("listen.secret", wrong))?;
    let header = match listen.proof {
        Proof::Signature => listen.header.clone(),
        Proof::Bearer => "Authorization".to_owned(),
    };
    Ok(Some(hook::Plan {
        address: listen.address,
        expected: Expected {
            proof: listen.proof,
            secret,
            window_ms: i64::try_from(listen.window.0.as_millis()).unwrap_or(i64::MAX),
        },
        header,
        timestamp: listen.timestamp.clone(),
        body_max: listen.body_max,
        hooks,
        style: style.clone(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{ListId, Site, TagId};
    use serde_json::json;

    /// Whoever logs a source one day logs no secret.
    #[test]
    fn no_secret_is_printed() {
        let folder = peers::foreign::Folder::new("http");
        let file = folder.path().join("secret");
        std::fs::write(&file, "hunter2").unwrap();
        let secret = json!({"file": file});
        for auth in [
            json!({"bearer": secret}),
            json!({"basic": {"user": "u", "password": secret}}),
            json!({"header": {"name": "X-API-Key", "value": secret}}),
            json!({"oauth": {"token_url": "http://127.0.0.1:9/t", "client_id": "c", "client_secret": secret}}),
            json!({"login": {"path": "l", "body": "[\"{password}\"]", "user": "u", "password": secret, "token": "{/t}"}}),
        ] {
            let listen = json!({"address": "127.0.0.1:9", "secret": secret});
            let table = json!({"url": "http://127.0.0.1:9/", "auth": auth, "listen": listen});
            let settings = serde_json::from_value(table).unwrap();
            let site = Site {
                name: "Usine".into(),
                language: "fr".into(),
                timezone: "Europe/Paris".into(),
                machines: Vec::new(),
            };
            let setup = Setup { name: "erp", site: &site, state: folder.path() };
            let address = |address| TagAddress {
                id: TagId(0),
                machine: "m".into(),
                address: serde_json::from_value(address).unwrap(),
            };
            let tags = vec![
                address(json!({"path": "oil", "value": "/oil"})),
                address(json!({"hook": "/oil", "value": "/oil"})),
            ];
            let list = ListAddress {
                id: ListId(0),
                name: "l".into(),
                fields: Vec::new(),
                key: Vec::new(),
                address: serde_json::from_value(json!({"path": "orders"})).unwrap(),
            };
            let source = build(&setup, &settings, Reads { tags, lists: vec![list] }).unwrap();
            let printed = format!("{source:?}");
            let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, "u:hunter2");
            assert!(!printed.contains("hunter2") && !printed.contains(&encoded), "{printed}");
            // Bytes are printed as numbers: `[104, 117, …`.
            assert!(!printed.contains("104, 117, 110"), "{printed}");
            assert!(printed.contains("127.0.0.1:9"), "nothing is printed: {printed}");
        }
    }
}
