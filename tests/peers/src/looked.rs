//! A network without keys whose posts can be searched: what `Repeat::Look` is for. It takes every post it is
//! given, the same one twice too; a slow commit makes it show a post long after the client has left.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{ConnectInfo, Path, State as Extract};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{post, put};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::faults::{Fault, Faults, suffer};
use crate::serve::{Cut, Server};

/// A post as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Its name on the server.
    pub id: String,
    /// The root that it answers, if it is a reply.
    pub under: Option<String>,
    /// What was sent: `text` and `key`, and whatever else.
    pub body: Value,
    /// How often it was edited.
    pub edits: u32,
}

impl Shown {
    /// The words.
    pub fn text(&self) -> &str {
        self.body.get("text").and_then(Value::as_str).unwrap_or_default()
    }

    /// Our key.
    pub fn key(&self) -> &str {
        self.body.get("key").and_then(Value::as_str).unwrap_or_default()
    }
}

/// A running fake. Dropped to stop it.
pub struct Looked {
    server: Server,
    state: Arc<State>,
}

struct State {
    faults: Faults,
    world: Mutex<World>,
}

#[derive(Default)]
struct World {
    posts: Vec<Shown>,
    looks: usize,
    under_way: usize,
}

impl Looked {
    /// Starts one.
    pub fn start() -> Looked {
        let state = Arc::new(State { faults: Faults::default(), world: Mutex::new(World::default()) });
        let app = Router::new()
            .route("/posts", post(create).get(list))
            .route("/posts/{id}", put(edit))
            .route("/posts/{id}/replies", post(reply))
            .with_state(state.clone());
        Looked { server: Server::start(app), state }
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The lines under `[network.http.<name>]` for this server, with this settle delay (`"300ms"`).
    pub fn settings(&self, settle: &str) -> String {
        let url = self.url();
        let body = r#"'{"text": {{ text | tojson }}, "key": {{ key | tojson }}}'"#;
        format!(
            "url = \"{url}/posts\"\nbody = {body}\nreceipt = \"/id\"\nsettle = \"{settle}\"\n\
             edit = {{ url = \"{url}/posts/{{{{ receipt }}}}\", method = \"PUT\", body = {body} }}\n\
             reply = {{ url = \"{url}/posts/{{{{ receipt }}}}/replies\", body = {body} }}\n\
             look = {{ url = \"{url}/posts\", items = \"/posts\", receipt = \"/id\" }}\n"
        )
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

    /// All posts as they are now, in the order in which they were taken.
    pub fn posts(&self) -> Vec<Shown> {
        self.state.world().posts.clone()
    }

    /// How often somebody searched.
    pub fn looks(&self) -> usize {
        self.state.world().looks
    }

    /// Posts that carry a key that another post carries too: what a reader sees twice.
    pub fn doubled(&self) -> usize {
        let mut times: HashMap<String, usize> = HashMap::new();
        for post in self.posts() {
            *times.entry(post.key().to_owned()).or_default() += 1;
        }
        times.values().map(|times| times - 1).sum()
    }

    /// Waits until no create is under way.
    pub async fn settled(&self) {
        while self.state.world().under_way > 0 {
            tokio::task::yield_now().await;
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl State {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, body: Value, under: Option<String>) -> Response {
        let mut world = self.world();
        world.under_way -= 1;
        if let Some(root) = &under
            && !world.posts.iter().any(|post| post.id == *root && post.under.is_none())
        {
            return (StatusCode::NOT_FOUND, "no such root").into_response();
        }
        let id = format!("n{}", world.posts.len() + 1);
        world.posts.push(Shown { id: id.clone(), under, body, edits: 0 });
        (StatusCode::CREATED, Json(json!({ "id": id }))).into_response()
    }
}

async fn create(
    Extract(state): Extract<Arc<State>>,
    cut: ConnectInfo<Cut>,
    Json(body): Json<Value>,
) -> Response {
    add(state, cut, body, None).await
}

async fn reply(
    Extract(state): Extract<Arc<State>>,
    cut: ConnectInfo<Cut>,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    add(state, cut, body, Some(id)).await
}

async fn add(state: Arc<State>, cut: ConnectInfo<Cut>, body: Value, under: Option<String>) -> Response {
    let fault = state.faults.draw(true);
    if !matches!(fault, Fault::TooMany(_) | Fault::Refuse(_) | Fault::Cut) {
        state.world().under_way += 1;
    }
    suffer(fault, cut, async move { state.take(body, under) }).await
}

async fn edit(
    Extract(state): Extract<Arc<State>>,
    cut: ConnectInfo<Cut>,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    let fault = state.faults.draw(true);
    suffer(fault, cut, async move {
        let mut world = state.world();
        let Some(post) = world.posts.iter_mut().find(|post| post.id == id) else {
            return (StatusCode::NOT_FOUND, "no such post").into_response();
        };
        post.body = body;
        post.edits += 1;
        Json(json!({ "id": id })).into_response()
    })
    .await
}

/// Newest first.
async fn list(Extract(state): Extract<Arc<State>>, cut: ConnectInfo<Cut>) -> Response {
    state.world().looks += 1;
    let fault = state.faults.draw(false);
    suffer(fault, cut, async move {
        let world = state.world();
        let posts: Vec<Value> = world
            .posts
            .iter()
            .rev()
            .take(200)
            .map(|post| json!({"id": post.id, "under": post.under, "content": post.body}))
            .collect();
        Json(json!({ "posts": posts })).into_response()
    })
    .await
}
