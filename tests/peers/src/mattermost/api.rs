//! The routes of the fake: each one takes what the real one takes, and refuses in its words.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{ConnectInfo, Path, Query, State as Extract};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{BOT, CHANNEL, CHANNEL_NAME, HOOK, PER_PAGE_MAX, PERSON, Received, Shown, State, TEAM, now_ms};
use crate::faults::{Fault, suffer};
use crate::serve::Cut;

type Known = Extract<Arc<State>>;

pub(super) async fn create(
    Extract(state): Known,
    cut: ConnectInfo<Cut>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    state.note("POST", "/api/v4/posts", &body);
    let fault = state.faults.draw(true);
    if let Some(refusal) = state.stranger(&headers) {
        return refusal;
    }
    if matches!(fault, Fault::TooMany(_) | Fault::Refuse(_) | Fault::Cut) {
        return suffer(fault, cut, std::future::ready(StatusCode::OK.into_response())).await;
    }
    let reservation = match state.reserve(&body) {
        Ok(pending) => pending,
        Err(answer) => return *answer,
    };
    suffer(fault, cut, async move { state.take(&body, reservation) }).await
}

impl State {
    pub(super) fn note(&self, method: &'static str, path: &str, body: &Value) {
        self.world().received.push(Received { method, path: path.to_owned(), body: body.clone() });
    }

    fn stranger(&self, headers: &HeaderMap) -> Option<Response> {
        let wanted = format!("Bearer {}", self.world().token);
        let is_known =
            headers.get("authorization").is_some_and(|found| found.as_bytes() == wanted.as_bytes());
        (!is_known)
            .then(|| refuse(401, "api.context.session_expired.app_error", "Invalid or expired session."))
    }

    /// The first lines of `deduplicateCreatePost`: the id is taken at once, and filled when the post is saved.
    fn reserve(&self, body: &Value) -> Result<Option<String>, Box<Response>> {
        let mut world = self.world();
        let Some(pending) = words(body, "pending_post_id") else {
            world.under_way += 1;
            return Ok(None);
        };
        let known = world.pending.get(&pending).filter(|(_, until)| *until > Instant::now());
        match known.map(|(post, _)| post.clone()) {
            None => {
                let until = Instant::now() + world.rules.pending_ttl;
                world.pending.insert(pending.clone(), (String::new(), until));
                world.under_way += 1;
                Ok(Some(pending))
            }
            Some(id) if id.is_empty() => Err(Box::new(refuse(
                500,
                "api.post.deduplicate_create_post.pending",
                "Rejected post since another client is making the same request.",
            ))),
            Some(id) => {
                world.counts.recognised += 1;
                let known =
                    world.find(&id).map(|post| (StatusCode::CREATED, Json(shape(post))).into_response());
                Err(Box::new(known.unwrap_or_else(|| {
                    refuse(
                        500,
                        "api.post.deduplicate_create_post.failed_to_get",
                        "Failed to fetch original post.",
                    )
                })))
            }
        }
    }

    fn take(&self, body: &Value, pending: Option<String>) -> Response {
        let mut world = self.world();
        world.under_way -= 1;
        let refusal = self::refusal(body, &world);
        if let Some(refusal) = refusal {
            pending.map(|id| world.pending.remove(&id));
            return refusal;
        }
        let shown = Shown {
            root_id: words(body, "root_id"),
            message: words(body, "message").unwrap_or_default(),
            props: body.get("props").cloned().unwrap_or(json!({})),
            priority: body.pointer("/metadata/priority/priority").and_then(Value::as_str).map(str::to_owned),
            ..world.blank()
        };
        if shown.root_id.is_some() {
            world.counts.replied += 1;
        } else {
            world.counts.created += 1;
        }
        if let Some(pending) = pending {
            let until = Instant::now() + world.rules.pending_ttl;
            world.pending.insert(pending, (shown.id.clone(), until));
        }
        let answer = (StatusCode::CREATED, Json(shape(&shown))).into_response();
        world.posts.push(shown);
        answer
    }
}

fn refusal(body: &Value, world: &super::World) -> Option<Response> {
    if words(body, "channel_id").as_deref() != Some(CHANNEL) {
        return Some(refuse(
            403,
            "api.context.permissions.app_error",
            "You do not have the appropriate permissions.",
        ));
    }
    let message = words(body, "message").unwrap_or_default();
    if message.chars().count() > world.rules.chars_max {
        return Some(too_long(world.rules.chars_max));
    }
    let root_id = words(body, "root_id")?;
    match world.find(&root_id) {
        Some(root) if root.root_id.is_none() => body.pointer("/metadata/priority").map(|_| {
            let id = "api.post.post_priority.priority_post_only_allowed_for_root_post.request_error";
            refuse(400, id, "Only root posts can have a priority.")
        }),
        _ => Some(refuse(400, "api.post.create_post.root_id.app_error", "Invalid RootId parameter.")),
    }
}

fn too_long(max: usize) -> Response {
    let message = format!("Post Message property is longer than the maximum permitted length of {max}.");
    refuse(400, "model.post.is_valid.message_length.app_error", &message)
}

pub(super) async fn patch(
    Extract(state): Known,
    cut: ConnectInfo<Cut>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    state.note("PUT", &format!("/api/v4/posts/{id}/patch"), &body);
    let fault = state.faults.draw(true);
    if let Some(refusal) = state.stranger(&headers) {
        return refusal;
    }
    suffer(fault, cut, async move { state.edit(&id, &body) }).await
}

impl State {
    fn edit(&self, id: &str, body: &Value) -> Response {
        let mut world = self.world();
        let rules = world.rules.clone();
        let Some(post) = world.posts.iter_mut().find(|post| post.id == id && !post.is_deleted) else {
            return refuse(404, "app.post.get.app_error", "Unable to get the post.");
        };
        let age = Duration::from_millis(u64::try_from(now_ms() - post.create_at).unwrap_or(0));
        if rules.edit_within.is_some_and(|within| age > within) {
            let id = "api.post.update_post.permissions_time_limit.app_error";
            return refuse(400, id, "Post edit is only allowed for a limited time.");
        }
        if let Some(message) = words(body, "message") {
            if message.chars().count() > rules.chars_max {
                return too_long(rules.chars_max);
            }
            post.message = message;
        }
        if let Some(props) = body.get("props") {
            post.props = props.clone();
        }
        post.edits += 1;
        let answer = Json(shape(post)).into_response();
        world.counts.edited += 1;
        answer
    }
}

pub(super) async fn one(
    Extract(state): Known,
    cut: ConnectInfo<Cut>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    state.note("GET", &format!("/api/v4/posts/{id}"), &Value::Null);
    if let Some(refusal) = state.stranger(&headers) {
        return refusal;
    }
    suffer(state.faults.draw(false), cut, async move {
        let world = state.world();
        let found = world.find(&id).map(|post| Json(shape(post)).into_response());
        found.unwrap_or_else(|| refuse(404, "app.post.get.app_error", "Unable to get the post."))
    })
    .await
}

/// Newest first, as the real one; `page` or `before`, `per_page` 60 unless told, at most 200.
pub(super) async fn list(
    Extract(state): Known,
    cut: ConnectInfo<Cut>,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    state.note("GET", &format!("/api/v4/channels/{id}/posts"), &Value::Null);
    if let Some(refusal) = state.stranger(&headers) {
        return refusal;
    }
    if id != CHANNEL {
        return refuse(
            403,
            "api.context.permissions.app_error",
            "You do not have the appropriate permissions.",
        );
    }
    suffer(state.faults.draw(false), cut, async move { state.page(&query) }).await
}

impl State {
    fn page(&self, query: &HashMap<String, String>) -> Response {
        let number =
            |key: &str, usual: usize| query.get(key).and_then(|text| text.parse().ok()).unwrap_or(usual);
        let per_page = number("per_page", 60).min(PER_PAGE_MAX);
        let world = self.world();
        let newest_first: Vec<&Shown> = world.posts.iter().rev().filter(|post| !post.is_deleted).collect();
        let start = match query.get("before") {
            Some(id) => {
                newest_first.iter().position(|post| post.id == *id).map_or(newest_first.len(), |at| at + 1)
            }
            None => number("page", 0) * per_page,
        };
        let page: Vec<&Shown> = newest_first.iter().skip(start).take(per_page).copied().collect();
        let before = newest_first.get(start + page.len()).map_or("", |post| post.id.as_str());
        let posts: HashMap<&str, Value> = page.iter().map(|post| (post.id.as_str(), shape(post))).collect();
        let order: Vec<&str> = page.iter().map(|post| post.id.as_str()).collect();
        let body = json!({"order": order, "posts": posts, "next_post_id": "", "prev_post_id": before});
        Json(body).into_response()
    }
}

pub(super) async fn channel(
    Extract(state): Known,
    cut: ConnectInfo<Cut>,
    Path((team, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    state.note("GET", &format!("/api/v4/teams/name/{team}/channels/name/{name}"), &Value::Null);
    if let Some(refusal) = state.stranger(&headers) {
        return refusal;
    }
    let answer = if team == TEAM && name == CHANNEL_NAME {
        Json(json!({"id": CHANNEL, "name": name, "display_name": "Atelier B", "type": "O"})).into_response()
    } else {
        refuse(404, "app.channel.get_by_name.missing.app_error", "Channel does not exist.")
    };
    suffer(state.faults.draw(false), cut, std::future::ready(answer)).await
}

/// The bot is in one team.
pub(super) async fn teams(Extract(state): Known, cut: ConnectInfo<Cut>, headers: HeaderMap) -> Response {
    state.note("GET", "/api/v4/users/me/teams", &Value::Null);
    if let Some(refusal) = state.stranger(&headers) {
        return refusal;
    }
    let answer = Json(json!([{"id": "t", "name": TEAM, "display_name": "Usine"}])).into_response();
    suffer(state.faults.draw(false), cut, std::future::ready(answer)).await
}

/// The incoming webhook: `ok` as plain text, and no id.
pub(super) async fn hook(
    Extract(state): Known,
    cut: ConnectInfo<Cut>,
    Path(key): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    state.note("POST", "/hooks", &body);
    let fault = state.faults.draw(true);
    if key != HOOK {
        return refuse(400, "web.incoming_webhook.invalid.app_error", "Invalid webhook.");
    }
    suffer(fault, cut, async move {
        let mut world = state.world();
        let message = words(&body, "text").unwrap_or_default();
        if message.is_empty() || message.chars().count() > world.rules.chars_max {
            return refuse(400, "web.incoming_webhook.text.app_error", "No text specified or too long.");
        }
        let shown = Shown {
            message,
            props: body.get("props").cloned().unwrap_or(json!({})),
            priority: body.pointer("/priority/priority").and_then(Value::as_str).map(str::to_owned),
            username: words(&body, "username"),
            ..world.blank()
        };
        world.posts.push(shown);
        world.counts.created += 1;
        "ok".into_response()
    })
    .await
}

fn words(body: &Value, key: &str) -> Option<String> {
    body.get(key).and_then(Value::as_str).filter(|words| !words.is_empty()).map(str::to_owned)
}

fn shape(post: &Shown) -> Value {
    let is_ours = post.props.get("portevoix").is_some();
    json!({
        "id": post.id, "create_at": post.create_at, "update_at": post.create_at + i64::from(post.edits),
        "edit_at": post.edits, "delete_at": 0, "is_pinned": false, "user_id": if is_ours { BOT } else { PERSON },
        "channel_id": CHANNEL, "root_id": post.root_id.clone().unwrap_or_default(), "original_id": "",
        "message": post.message, "type": "", "props": post.props, "hashtags": "", "pending_post_id": "",
        "reply_count": 0, "metadata": {},
    })
}

fn refuse(status: u16, id: &str, message: &str) -> Response {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({
        "id": id, "message": message, "detailed_error": "", "request_id": "r", "status_code": status,
    });
    (code, Json(body)).into_response()
}
