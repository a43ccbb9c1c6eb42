//! Webhooks: believed, read, and answered once they are safe, so that a sender repeats what we did not keep.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use contract::{Batch, Cause, Moment, Notice, Thing, Trouble};
use rows::{Maker, Style};
use serde_json::Value as Json;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::answer;
use crate::poll::{TagPlace, sample};
use crate::signature::{Expected, Shown};

/// Messages that are read, or wait until they are safe, at one time. More are asked to come again.
const AT_ONCE: usize = 16;
/// A sender that takes longer to send its message is gone.
const READ_MAX: Duration = Duration::from_secs(10);
/// What is not safe by then is asked to come again; most senders wait 30 s.
const SAFE_MAX: Duration = Duration::from_secs(25);

/// Who may send what. Does not change.
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
#[derive(Default)]
pub struct Hook {
    /// Values.
    pub tags: Vec<TagPlace>,
    /// Rows: their pointer, and what makes records of them.
    pub lists: Vec<(String, Maker)>,
}

/// A message, and who waits for it to be safe.
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
    room: Semaphore,
}

/// Listens until it is dropped.
pub async fn serve(listener: TcpListener, plan: Arc<Plan>, out: mpsc::Sender<Given>) {
    let desk = Desk { plan, out, room: Semaphore::new(AT_ONCE) };
    let app = Router::new().fallback(take).with_state(Arc::new(desk));
    // An error of one connection is that sender's alone; the listener itself does not end.
    let _ = axum::serve(listener, app).await;
}

async fn take(State(desk): State<Arc<Desk>>, request: Request) -> StatusCode {
    let Ok(_room) = desk.room.try_acquire() else { return StatusCode::SERVICE_UNAVAILABLE };
    let (parts, body) = request.into_parts();
    if !matches!(parts.method, Method::POST | Method::PUT) {
        return StatusCode::METHOD_NOT_ALLOWED;
    }
    let body = match tokio::time::timeout(READ_MAX, to_bytes(body, desk.plan.body_max)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return StatusCode::PAYLOAD_TOO_LARGE,
        Err(_) => return StatusCode::REQUEST_TIMEOUT,
    };
    let now = Moment::from_system(SystemTime::now());
    match desk.plan.read(parts.uri.path(), &parts.headers, &body, now) {
        Ok(batch) => desk.keep(batch).await,
        Err(status) => status,
    }
}

impl Desk {
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

impl Plan {
    /// What a message says, if its sender is believed. Pure.
    fn read(&self, path: &str, headers: &HeaderMap, body: &[u8], now: Moment) -> Result<Batch, StatusCode> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let shown = Shown { proof: text(&self.header), timestamp: self.timestamp.as_deref().map(text), body };
        // Before anything else: a stranger learns nothing, not even which paths there are.
        if !self.expected.believes(shown, now) {
            return Err(StatusCode::UNAUTHORIZED);
        }
        let hook = self.hooks.get(path).ok_or(StatusCode::NOT_FOUND)?;
        let json = answer::parse(body).map_err(|_| StatusCode::BAD_REQUEST)?;
        Ok(hook.batch(path, &json, &self.style))
    }
}

impl Hook {
    fn batch(&self, path: &str, json: &Json, style: &Style) -> Batch {
        let mut batch = Batch {
            samples: self.tags.iter().map(|tag| sample(json, tag, style)).collect(),
            ..Batch::default()
        };
        for (pointer, maker) in &self.lists {
            let rows = match json.pointer(pointer) {
                Some(Json::Array(rows)) => rows.as_slice(),
                Some(row @ Json::Object(_)) => std::slice::from_ref(row),
                _ => &[],
            };
            let wrong = answer::records(rows, maker, 0, &mut batch).map(Cause::from);
            let missing = rows.is_empty().then(|| Cause::Missing(format!("rows at `{pointer}`")));
            // Several lists may come by one door: each has its own name.
            let name = format!("{path} {pointer}").trim_end().to_owned();
            let notice = match wrong.or(missing.filter(|_| json.pointer(pointer).is_none())) {
                Some(cause) => Notice::Trouble(Trouble { thing: Thing::Query, name, cause }),
                // Of one that was never told it means nothing.
                None => Notice::Mended(Thing::Query, name),
            };
            batch.notices.push(notice);
        }
        batch
    }
}

/// The listener, so that it is known to be there before anybody is told so.
///
/// # Errors
/// The address is not ours or in use.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))
}
