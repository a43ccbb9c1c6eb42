//! Webhooks: believed, read, and answered once they are safe, so that a sender repeats what we did not keep.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use contract::{Batch, Cause, Moment, Notice, Thing, Trouble, clean};
use http_client::{Bounds, Door};
use rows::{LeftOut, Maker, Style};
use serde_json::Value as Json;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::answer;
use crate::poll::{TagPlace, sample};
use crate::signature::{Expected, Shown};

/// Messages that are read at one time, and again as many that wait until they are safe. More are asked to come again.
/// A message may take 4 MiB.
const AT_ONCE: usize = 16;
/// A sender that takes longer to send its message is gone.
const READ_MAX: Duration = Duration::from_secs(10);
/// What is not safe by then is asked to come again; most senders wait 30 s.
const SAFE_MAX: Duration = Duration::from_secs(25);
/// Four times as many connections as messages are read at once: senders keep theirs open for the next message. Each is
/// a file of the process, and a stranger may hold all of them for no longer than is said here: silent for the time
/// in which an answer comes and some more, or alive for ten minutes, however much is said. A sender that is cut there
/// connects again.
const BOUNDS: Bounds = Bounds {
    connections_max: 4 * AT_ONCE,
    silence_max: Duration::from_secs(40),
    life_max: Some(Duration::from_secs(600)),
};
/// The longest words of a refusal, in characters.
const WORDS_MAX: usize = 1_000;

/// Who may send what. Does not change.
#[derive(Debug)]
pub struct Plan {
    /// Where to listen.
    pub address: SocketAddr,
    /// What is expected of a sender.
    pub expected: Expected,
    /// The header with the proof.
    pub header: String,
    /// The header with the time.
    pub timestamp: Option<String>,
    /// The largest message, in bytes.
    pub body_max: usize,
    /// What lies in the messages, by path.
    pub hooks: HashMap<String, Hook>,
    /// How numbers and times are written.
    pub style: Style,
}

/// What lies in the messages of one path.
#[derive(Debug, Default)]
pub struct Hook {
    /// Values.
    pub tags: Vec<TagPlace>,
    /// Rows: their pointer, and what makes records of them.
    pub lists: Vec<(String, Maker)>,
}

/// A message, and who waits for it to be safe.
#[derive(Debug)]
pub struct Given {
    /// What it says.
    pub batch: Batch,
    /// Told once it is safe; dropped, the sender is asked to come again.
    pub safe: oneshot::Sender<()>,
}

/// What a handler needs.
struct Desk {
    plan: Arc<Plan>,
    out: mpsc::Sender<Given>,
    /// For messages that are being read: their senders may still be strangers.
    reading: Semaphore,
    /// For messages whose senders are believed. No stranger ever takes a place here.
    room: Semaphore,
}

/// Listens until it is dropped.
pub async fn serve(listener: TcpListener, plan: Arc<Plan>, out: mpsc::Sender<Given>) {
    let desk = Desk { plan, out, reading: Semaphore::new(AT_ONCE), room: Semaphore::new(AT_ONCE) };
    let app = Router::new().fallback(take).with_state(Arc::new(desk));
    // An error of one connection is that sender's alone; the listener itself does not end.
    let _ = axum::serve(Door::new(listener, BOUNDS), app).await;
}

async fn take(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    desk.answer(request).await.unwrap_or_else(IntoResponse::into_response)
}

impl Desk {
    /// Before anything else: a stranger costs neither a place nor the reading of a message, and learns nothing, not
    /// even which paths there are. What a signature signs must be read before it is known to be good.
    async fn answer(&self, request: Request) -> Result<Response, StatusCode> {
        let (parts, body) = request.into_parts();
        if !self.plan.may_be_known(&parts.headers, now()) {
            return Err(StatusCode::UNAUTHORIZED);
        }
        let body = self.read(body).await?;
        if !self.plan.believes(&parts.headers, &body, now()) {
            return Err(StatusCode::UNAUTHORIZED);
        }
        if !matches!(parts.method, Method::POST | Method::PUT) {
            return Err(StatusCode::METHOD_NOT_ALLOWED);
        }
        let _room = self.room.try_acquire().map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        let (batch, refusal) = self.plan.said(parts.uri.path(), &body)?;
        match (self.keep(batch).await, refusal) {
            (StatusCode::ACCEPTED, Some(words)) => {
                Ok((StatusCode::UNPROCESSABLE_ENTITY, words).into_response())
            }
            (status, _) => Err(status),
        }
    }

    async fn read(&self, body: Body) -> Result<Bytes, StatusCode> {
        let _place = self.reading.try_acquire().map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        match tokio::time::timeout(READ_MAX, to_bytes(body, self.plan.body_max)).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(_)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
            Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
        }
    }

    async fn keep(&self, batch: Batch) -> StatusCode {
        let (safe, kept) = oneshot::channel();
        let work = async {
            self.out.send(Given { batch, safe }).await.ok()?;
            kept.await.ok()
        };
        match tokio::time::timeout(SAFE_MAX, work).await {
            Ok(Some(())) => StatusCode::ACCEPTED,
            Ok(None) | Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

fn now() -> Moment {
    Moment::from_system(SystemTime::now())
}

impl Plan {
    fn shown<'a>(&self, headers: &'a HeaderMap, body: &'a [u8]) -> Shown<'a> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Shown { proof: text(&self.header), timestamp: self.timestamp.as_deref().map(text), body }
    }

    /// By its headers alone.
    fn may_be_known(&self, headers: &HeaderMap, now: Moment) -> bool {
        self.expected.may_believe(self.shown(headers, &[]), now)
    }

    fn believes(&self, headers: &HeaderMap, body: &[u8], now: Moment) -> bool {
        self.expected.believes(self.shown(headers, body), now)
    }

    /// What a message says, and why it is refused, if it is. Pure.
    fn said(&self, path: &str, body: &[u8]) -> Result<(Batch, Option<String>), StatusCode> {
        let hook = self.hooks.get(path).ok_or(StatusCode::NOT_FOUND)?;
        let json = answer::parse(body).map_err(|_| StatusCode::BAD_REQUEST)?;
        Ok(hook.said(path, &json, &self.style))
    }
}

impl Hook {
    /// All of it, or nothing where one row cannot be understood: half a message would leave its sender in the belief
    /// that the rest came, too.
    fn said(&self, path: &str, json: &Json, style: &Style) -> (Batch, Option<String>) {
        let mut batch = Batch {
            samples: self.tags.iter().map(|tag| sample(json, tag, style)).collect(),
            ..Batch::default()
        };
        let mut refusals = Vec::new();
        for (pointer, maker) in &self.lists {
            let rows = match json.pointer(pointer) {
                Some(Json::Array(rows)) => rows.as_slice(),
                Some(row @ Json::Object(_)) => std::slice::from_ref(row),
                _ => &[],
            };
            let mut left_out = LeftOut::default();
            answer::records(rows, maker, 0, &mut left_out, &mut batch);
            refusals.extend(left_out.first().map(|wrong| format!("{pointer}: {wrong}")));
            let missing = json.pointer(pointer).is_none();
            let missing = missing.then(|| Cause::Missing(format!("rows at `{pointer}`")));
            // Several lists may come by one door: each has its own name.
            let name = format!("{path} {pointer}").trim_end().to_owned();
            let notice = match left_out.cause().or(missing) {
                Some(cause) => Notice::Trouble(Trouble { thing: Thing::Query, name, cause }),
                // Of one that was never told it means nothing.
                None => Notice::Mended(Thing::Query, name),
            };
            batch.notices.push(notice);
        }
        if refusals.is_empty() {
            return (batch, None);
        }
        batch.notices.retain(|notice| matches!(notice, Notice::Trouble(_)));
        let words = format!("nothing of this message is taken: {}", refusals.join("; "));
        (Batch { notices: batch.notices, ..Batch::default() }, Some(clean(&words, WORDS_MAX)))
    }
}

/// The listener, so that it is known to be there before anybody is told so.
///
/// # Errors
/// The address is not ours or in use.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))
}
