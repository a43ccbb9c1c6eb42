//! What can go wrong between a request and its answer, said in advance or drawn from a seed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::serve::Cut;

/// What happens to one request instead of a plain answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it is answered as it should be. Lets the first requests of a queue pass.
    Nothing,
    /// 429 with `Retry-After` (in whole seconds) and `X-Ratelimit-*`; nothing is taken.
    TooMany(Duration),
    /// This status; nothing is taken.
    Refuse(u16),
    /// The connection is cut; nothing is taken.
    Cut,
    /// Taken, then this status.
    TakeThenStatus(u16),
    /// Taken, then the connection is cut without a byte of an answer.
    TakeThenCut,
    /// Taken, then no answer, ever.
    TakeThenHang,
    /// Taken only after this long, even when the client has left; then answered.
    TakeAfter(Duration),
    /// Taken, then answered with a body that never ends (10 GiB).
    TakeThenFlood,
    /// Taken, then answered one byte a second.
    TakeThenTrickle,
}

/// Faults drawn for each request: each with its share, the rest is answered as it should be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mixture {
    /// The same seed, the same draws.
    pub seed: u64,
    /// Share of requests (0 to 1) and what happens to them.
    pub shares: Vec<(f64, Fault)>,
}

/// The faults of one fake. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    queue: VecDeque<Fault>,
    mixture: Mixture,
    drawn: u64,
}

impl Faults {
    /// What happens to the next request that writes, after those said before.
    pub fn next(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).queue.push_back(fault);
    }

    /// What happens from now on to all requests, reading ones too, once the queue is empty.
    pub fn mix(&self, mixture: Mixture) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).mixture = mixture;
    }

    /// From now on everything is answered as it should be.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Inner::default();
    }

    pub(crate) fn draw(&self, is_write: bool) -> Fault {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if is_write && let Some(fault) = inner.queue.pop_front() {
            return fault;
        }
        inner.drawn += 1;
        let mut at = share(inner.mixture.seed, inner.drawn);
        for (share, fault) in &inner.mixture.shares {
            if at < *share {
                return *fault;
            }
            at -= share;
        }
        Fault::Nothing
    }
}

/// A number from 0 to 1 for the `n`th draw of a seed (splitmix64).
fn share(seed: u64, n: u64) -> f64 {
    let mut mixed = seed.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// Runs `take` as the fault wills. A server goes on when its client has left, so `take` runs in a task of its own.
pub(crate) async fn suffer<F>(fault: Fault, ConnectInfo(cut): ConnectInfo<Cut>, take: F) -> Response
where
    F: Future<Output = Response> + Send + 'static,
{
    match fault {
        Fault::TooMany(after) => return too_many(after),
        Fault::Refuse(status) => return plain(status),
        Fault::Cut => {
            cut.now();
            return plain(500);
        }
        _ => {}
    }
    let wait = if let Fault::TakeAfter(wait) = fault { wait } else { Duration::ZERO };
    let taken = tokio::spawn(async move {
        tokio::time::sleep(wait).await;
        take.await
    });
    let answer = taken.await.unwrap_or_else(|_| plain(500));
    match fault {
        Fault::TakeThenStatus(status) => plain(status),
        Fault::TakeThenCut => {
            cut.now();
            answer
        }
        Fault::TakeThenHang => std::future::pending().await,
        Fault::TakeThenFlood => endless(vec![b' '; 64 * 1024], Duration::ZERO),
        Fault::TakeThenTrickle => endless(vec![b' '], Duration::from_secs(1)),
        _ => answer,
    }
}

fn too_many(after: Duration) -> Response {
    let mut answer = plain(429);
    let headers = answer.headers_mut();
    headers.insert("Retry-After", HeaderValue::from(after.as_secs()));
    headers.insert("X-Ratelimit-Limit", HeaderValue::from_static("101"));
    headers.insert("X-Ratelimit-Remaining", HeaderValue::from_static("0"));
    headers.insert("X-Ratelimit-Reset", HeaderValue::from(after.as_secs()));
    answer
}

fn plain(status: u16) -> Response {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({"id": "fault", "message": "a fault of the test", "status_code": status});
    (code, Json(body)).into_response()
}

/// 10 GiB of this piece, one every so often. Ends when the client leaves.
fn endless(piece: Vec<u8>, every: Duration) -> Response {
    let (give, given) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::convert::Infallible>>(2);
    tokio::spawn(async move {
        for _ in 0..(10u64 << 30) / piece.len() as u64 {
            if give.send(Ok(piece.clone())).await.is_err() {
                return;
            }
            tokio::time::sleep(every).await;
        }
    });
    Response::new(Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(given)))
}
