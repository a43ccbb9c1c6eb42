//! A front before a real server, as a proxy in a plant is: what is sent is handed on, and the answer may be late or lost.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State as Extract};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::faults::{Faults, suffer};
use crate::serve::{Cut, Server};

/// A running front. Dropped to stop it.
pub struct Front {
    server: Server,
    state: Arc<State>,
}

struct State {
    faults: Faults,
    /// What is behind it.
    to: String,
    /// What a path holds when it is one of those that may fail.
    suffers: &'static str,
    http: reqwest::Client,
    asked: Mutex<Asked>,
}

/// What was asked for.
#[derive(Default)]
struct Asked {
    paths: BTreeSet<String>,
    /// How often one of those that may fail was asked for again.
    again: usize,
    /// How often the messages of a room were read.
    looks: usize,
}

impl Front {
    /// Starts one before `to`, a URL without a path. Only requests whose path holds `suffers` meet its faults.
    pub fn start(to: &str, suffers: &'static str) -> Front {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http =
            reqwest::Client::builder().no_proxy().build().expect("an HTTP client without certificates");
        let (faults, asked) = (Faults::default(), Mutex::default());
        let state = Arc::new(State { faults, to: to.to_owned(), suffers, http, asked });
        let app = Router::new().fallback(hand_on).with_state(state.clone());
        Front { server: Server::start(app), state }
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What goes wrong.
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// How often one of the requests that may fail was sent again, to the same path.
    pub fn repeated(&self) -> usize {
        self.state.asked().again
    }

    /// How often the messages of a room were read.
    pub fn looks(&self) -> usize {
        self.state.asked().looks
    }

    /// Closes the port and cuts every connection. What was handed on goes on behind it.
    pub fn go_down(&self) {
        self.server.go_down();
    }

    /// Listens again where it listened.
    pub fn come_back(&self) {
        self.server.come_back();
    }
}

async fn hand_on(
    Extract(state): Extract<Arc<State>>,
    cut: ConnectInfo<Cut>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let suffers = uri.path().contains(state.suffers);
    state.asked().note(uri.path(), suffers);
    let faults = state.faults.clone();
    let handed = async move { state.ask(method, &uri, &headers, body).await };
    if suffers { suffer(faults.draw(true), cut, handed).await } else { handed.await }
}

impl Asked {
    fn note(&mut self, path: &str, suffers: bool) {
        if !suffers {
            self.looks += usize::from(path.ends_with("/messages"));
        } else if !self.paths.insert(path.to_owned()) {
            self.again += 1;
        }
    }
}

impl State {
    fn asked(&self) -> std::sync::MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, method: Method, uri: &Uri, headers: &HeaderMap, body: Bytes) -> Response {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = self.http.request(method, format!("{}{path}", self.to)).body(body);
        for name in ["authorization", "content-type"] {
            if let Some(value) = headers.get(name) {
                request = request.header(name, value);
            }
        }
        match request.send().await {
            Ok(answer) => passed_back(answer).await,
            Err(_) => StatusCode::BAD_GATEWAY.into_response(),
        }
    }
}

async fn passed_back(answer: reqwest::Response) -> Response {
    let (status, after) = (answer.status(), answer.headers().get("retry-after").cloned());
    let Ok(body) = answer.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let mut back = Response::new(Body::from(body));
    *back.status_mut() = status;
    if let Some(after) = after {
        back.headers_mut().insert("retry-after", after);
    }
    back
}
