//! The page over HTTP: what is asked for, what is answered, and what is refused.
//!
//! Read-only: nothing that is asked changes anything. Everything is of one origin, and the policy sent with each
//! answer forbids the rest. A request that names another host is refused, so that a foreign page cannot give this
//! address a name of its own and read it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use tokio::sync::{Semaphore, watch};
use tracing::warn;

use crate::clock::now;
use crate::events::{self, EVENTS_MAX};
use crate::page::{Holding, ICON, Page, SCRIPT, STYLE, View, read_before};
use crate::store::{Place, Store, StoreError};

/// What a browser may do with the page: run our script, apply our style, and ask us. Nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// All that an answer needs.
#[derive(Debug)]
pub(crate) struct Hall {
    pub store: Store,
    pub page: Arc<Page>,
    /// Wakes the living pages; ends with the server.
    pub changes: watch::Receiver<u64>,
    /// How many living pages there may be.
    pub places: Arc<Semaphore>,
    pub hosts: Hosts,
}

impl Hall {
    /// A hall in front of the store, with an empty room of living pages.
    pub fn new(store: Store, page: Arc<Page>, changes: watch::Receiver<u64>, hosts: Hosts) -> Hall {
        Hall { store, page, changes, places: Arc::new(Semaphore::new(EVENTS_MAX)), hosts }
    }

    async fn hold(
        &self,
        view: &View,
        before: Option<Place>,
        machines: Vec<String>,
    ) -> Result<Holding, Wrong> {
        let view = view.clone();
        Ok(self.store.run(move |rows| Page::hold(&machines, &view, before, rows)).await?)
    }
}

/// The routes.
pub(crate) fn routes(hall: Arc<Hall>) -> Router {
    Router::new()
        .route("/", get(feed))
        .route("/machine/{key}", get(machine))
        .route("/post/{key}", get(post))
        .route("/events", get(events::stream))
        .route("/api/posts", get(older))
        .route("/assets/wall.css", get(|| asset("text/css; charset=utf-8", STYLE)))
        .route("/assets/wall.js", get(|| asset("text/javascript; charset=utf-8", SCRIPT)))
        .route("/assets/icon.svg", get(|| asset("image/svg+xml", ICON)))
        .fallback(lost)
        .layer(from_fn_with_state(Arc::clone(&hall), guard))
        .with_state(hall)
}

/// What went wrong with one request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Wrong {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A template does not fit what it is given: a fault of ours.
    #[error(transparent)]
    Template(#[from] minijinja::Error),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    before: Option<String>,
    machine: Option<String>,
}

impl Asked {
    fn view(self) -> (View, Option<Place>) {
        let before = self.before.as_deref().and_then(read_before);
        (self.machine.map_or(View::Feed, View::Machine), before)
    }
}

async fn feed(State(hall): State<Arc<Hall>>, Query(asked): Query<Asked>) -> Response {
    let (view, before) = asked.view();
    show(&hall, &view, before).await
}

async fn machine(
    State(hall): State<Arc<Hall>>,
    Path(key): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let (_, before) = asked.view();
    show(&hall, &View::Machine(key), before).await
}

async fn post(State(hall): State<Arc<Hall>>, Path(key): Path<String>) -> Response {
    show(&hall, &View::Post(key), None).await
}

async fn lost(State(hall): State<Arc<Hall>>) -> Response {
    (StatusCode::NOT_FOUND, hall.page.not_found().to_owned()).into_response()
}

async fn show(hall: &Hall, view: &View, before: Option<Place>) -> Response {
    match written(hall, view, before).await {
        Ok(Some(html)) => Html(html).into_response(),
        Ok(None) => (StatusCode::NOT_FOUND, hall.page.not_found().to_owned()).into_response(),
        Err(wrong) => unavailable(hall, &wrong),
    }
}

async fn written(hall: &Hall, view: &View, before: Option<Place>) -> Result<Option<String>, Wrong> {
    let held = hall.hold(view, before, hall.page.machines()).await?;
    Ok(hall.page.whole(view, held, now())?)
}

async fn older(State(hall): State<Arc<Hall>>, Query(asked): Query<Asked>) -> Response {
    let (view, before) = asked.view();
    let page = async { Ok::<_, Wrong>(hall.page.older(hall.hold(&view, before, Vec::new()).await?, now())?) };
    match page.await {
        Ok(older) => Json(older).into_response(),
        Err(wrong) => unavailable(&hall, &wrong),
    }
}

/// Says to the reader that it is not their fault, and to the integrator what it is.
pub(crate) fn unavailable(hall: &Hall, wrong: &Wrong) -> Response {
    warn!(reason = %wrong, "the wall cannot be shown");
    (StatusCode::SERVICE_UNAVAILABLE, hall.page.unavailable().to_owned()).into_response()
}

/// The address of an asset changes with its content, so that it may be kept.
async fn asset(kind: &'static str, content: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=31536000, immutable")];
    (headers, content).into_response()
}

async fn guard(State(hall): State<Arc<Hall>>, request: Request, next: Next) -> Response {
    let mut answer = if hall.hosts.is_ours(request.headers()) {
        next.run(request).await
    } else {
        // No word of the site to a stranger, not even its language.
        (StatusCode::MISDIRECTED_REQUEST, "this host name is not served here\n").into_response()
    };
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer
}

/// The host names that are answered.
#[derive(Debug, Clone)]
pub(crate) struct Hosts {
    listen: IpAddr,
    names: Vec<String>,
}

impl Hosts {
    /// Loopback names, the address itself, and those of the configuration.
    pub fn new(listen: SocketAddr, names: &[String]) -> Hosts {
        Hosts { listen: listen.ip(), names: names.iter().map(|name| name.to_ascii_lowercase()).collect() }
    }

    fn is_ours(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        host.is_some_and(|host| self.is_known(&without_port(host).to_ascii_lowercase()))
    }

    fn is_known(&self, name: &str) -> bool {
        match name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            // An address cannot be given to someone else, as a name can. Listening on all of them, each is ours.
            Ok(address) => address.is_loopback() || address == self.listen || self.listen.is_unspecified(),
            Err(_) => name == "localhost" || self.names.iter().any(|known| known == name),
        }
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(listen: &str, names: &[&str], host: &str, want: bool) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        let hosts = Hosts::new(listen.parse().unwrap(), &names);
        assert_eq!(hosts.is_ours(&headers), want, "{host} on {listen}");
    }

    #[test]
    fn only_our_own_names_are_answered() {
        check("127.0.0.1:8080", &[], "127.0.0.1:8080", true);
        check("127.0.0.1:8080", &[], "localhost:9000", true);
        check("127.0.0.1:8080", &[], "LOCALHOST", true);
        check("[::1]:8080", &[], "[::1]:8080", true);
        check("127.0.0.1:8080", &[], "evil.example", false);
        check("127.0.0.1:8080", &[], "localhost.evil.example:8080", false);
        check("127.0.0.1:8080", &[], "10.1.2.3:8080", false);
        check("0.0.0.0:8080", &[], "10.1.2.3:8080", true);
        check("0.0.0.0:8080", &[], "wall.usine.local", false);
        check("0.0.0.0:8080", &["Wall.usine.local"], "wall.usine.local:80", true);
        check("127.0.0.1:8080", &[], "", false);
    }
}
