//! Server-sent events: what changed, as complete cards.
//!
//! A living page names the last change it knows; it gets every post that changed since, each once, as it reads
//! now. So a page that was away, or slow, misses nothing and nothing waits for it in memory. A page that is too
//! far behind, or that knows another store, is told to reload.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::{Mutex, OwnedSemaphorePermit};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::WatchStream;

use crate::clock::now;
use crate::page::{News, position};
use crate::server::{Hall, Wrong};
use crate::store::{Kept, Rows};

/// Living pages at a time. Each holds a connection and some kilobytes; a hall has screens, not hundreds.
pub(crate) const EVENTS_MAX: usize = 100;

/// Changes told at once. A page that missed more reads faster anew.
const CHANGES_MAX: usize = 60;

/// The page takes silence of twice this for a lost connection, so it must be shorter than any proxy's patience.
const BEAT: Duration = Duration::from_secs(15);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Since {
    since: String,
}

/// Where a living page stands.
struct Standing {
    hall: Arc<Hall>,
    known: String,
    /// Given back when the page goes.
    _place: OwnedSemaphorePermit,
}

/// What the store says to a standing.
enum Found {
    Changes { posts: Vec<Kept>, latest: Vec<(usize, Option<Kept>)>, open: usize, position: String },
    TooFar { position: String },
}

/// `GET /events?since=…`
pub(crate) async fn stream(
    State(hall): State<Arc<Hall>>,
    Query(since): Query<Since>,
    headers: HeaderMap,
) -> Response {
    let Ok(place) = Arc::clone(&hall.places).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many pages are open\n").into_response();
    };
    // What the browser itself remembers is newer than what the page was loaded with.
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let known = last.map_or(since.since, str::to_owned);
    let changes = WatchStream::new(hall.changes.clone());
    let standing = Arc::new(Mutex::new(Standing { hall, known, _place: place }));
    let events = changes.then(move |_| {
        let standing = Arc::clone(&standing);
        async move { standing.lock().await.next().await }
    });
    let beat = KeepAlive::new().interval(BEAT).event(Event::default().event("beat").data("-"));
    Sse::new(events.map(Ok::<_, Infallible>)).keep_alive(beat).into_response()
}

impl Standing {
    /// All that is new; an empty answer says that nothing was missed.
    async fn next(&mut self) -> Event {
        let (known, machines) = (self.known.clone(), self.hall.page.machines());
        let found = self.hall.store.run(move |rows| find(rows, &known, &machines)).await;
        match found.map_err(Wrong::from).and_then(|found| self.tell(found)) {
            Ok(event) => event,
            // Said once by the page that asks next; here the connection says that something is amiss.
            Err(_) => Event::default().event("amiss").data("-"),
        }
    }

    fn tell(&mut self, found: Found) -> Result<Event, Wrong> {
        match found {
            Found::TooFar { position } => {
                self.known.clone_from(&position);
                Ok(Event::default().event("reload").id(position).data("-"))
            }
            Found::Changes { posts, latest, open, position } => {
                let news: News = self.hall.page.news(&posts, &latest, open, now())?;
                let event = Event::default().event("news").id(&position).json_data(news);
                self.known = position;
                Ok(event.unwrap_or_else(|_| Event::default().event("reload").data("-")))
            }
        }
    }
}

fn find(rows: &mut Rows, known: &str, machines: &[String]) -> rusqlite::Result<Found> {
    let position = position(rows);
    let (store, last) = rows.position();
    let since = known
        .rsplit_once('-')
        .filter(|(theirs, _)| *theirs == store)
        .and_then(|(_, seq)| seq.parse().ok())
        .filter(|seq: &i64| *seq <= last);
    let Some(since) = since else { return Ok(Found::TooFar { position }) };
    let posts = rows.changed_since(since, CHANGES_MAX + 1)?;
    if posts.len() > CHANGES_MAX {
        return Ok(Found::TooFar { position });
    }
    let spoke = |key: &String| posts.iter().any(|kept| kept.post.author.key == *key);
    let latest = machines.iter().enumerate().filter(|(_, key)| spoke(key));
    let latest =
        latest.map(|(order, key)| Ok((order, rows.latest_of(key)?))).collect::<rusqlite::Result<_>>()?;
    Ok(Found::Changes { open: rows.open_count()?, posts, latest, position })
}
