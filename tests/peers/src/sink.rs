//! A webhook that counts what it gets, and says how long it took to come.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{ConnectInfo, State as Extract};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};

use crate::faults::{Faults, suffer};
use crate::serve::{Cut, Server};

/// One request that was taken.
#[derive(Debug, Clone)]
pub struct Received {
    /// `POST`, `PUT`, …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
    /// When it had come whole, in milliseconds since 1970.
    pub at_ms: i64,
}

impl Received {
    /// The body as JSON; `null` when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// How long things took: half, nineteen in twenty, ninety-nine in a hundred, and the slowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Percentiles {
    /// How many were measured.
    pub count: usize,
    /// The median.
    pub p50: Duration,
    /// 95 %.
    pub p95: Duration,
    /// 99 %.
    pub p99: Duration,
    /// The slowest.
    pub max: Duration,
}

impl Percentiles {
    /// Of these durations.
    pub fn of(mut all: Vec<Duration>) -> Percentiles {
        all.sort_unstable();
        let Some(max) = all.last().copied() else { return Percentiles::default() };
        let at = |hundredths: usize| all[(all.len() * hundredths / 100).min(all.len() - 1)];
        Percentiles { count: all.len(), p50: at(50), p95: at(95), p99: at(99), max }
    }
}

/// A running sink. Takes every method on every path and answers 200 `ok`. Dropped to stop it.
pub struct Sink {
    server: Server,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    faults: Faults,
    received: Mutex<Vec<Received>>,
}

impl Sink {
    /// Starts one.
    pub fn start() -> Sink {
        let state = Arc::new(State::default());
        let app = Router::new().fallback(take).with_state(state.clone());
        Sink { server: Server::start(app), state }
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What goes wrong.
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// Closes the port and cuts every connection.
    pub fn go_down(&self) {
        self.server.go_down();
    }

    /// Listens again where it listened.
    pub fn come_back(&self) {
        self.server.come_back();
    }

    /// Everything that was taken, in order.
    pub fn received(&self) -> Vec<Received> {
        self.state.received().clone()
    }

    /// How many requests were taken.
    pub fn count(&self) -> usize {
        self.state.received().len()
    }

    /// The time from what `sent_ms` finds in a request (milliseconds since 1970) to its arrival.
    pub fn latencies(&self, sent_ms: impl Fn(&Received) -> Option<i64>) -> Percentiles {
        let received = self.state.received();
        let took = received.iter().filter_map(|one| {
            let ms = one.at_ms - sent_ms(one)?;
            Some(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
        });
        Percentiles::of(took.collect())
    }

    /// Waits until `count` requests were taken.
    ///
    /// # Panics
    /// When they have not come within `patience`.
    pub async fn wait_for(&self, count: usize, patience: Duration) {
        let until = std::time::Instant::now() + patience;
        while self.count() < count {
            assert!(std::time::Instant::now() < until, "{} of {count} requests came", self.count());
            tokio::task::yield_now().await;
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl State {
    fn received(&self) -> MutexGuard<'_, Vec<Received>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn take(
    Extract(state): Extract<Arc<State>>,
    cut: ConnectInfo<Cut>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let fault = state.faults.draw(true);
    suffer(fault, cut, async move {
        let at_ms = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        let path = uri.path_and_query().map_or_else(String::new, ToString::to_string);
        state.received().push(Received { method: method.to_string(), path, headers, body, at_ms });
        "ok".into_response()
    })
    .await
}
