//! A fake Mattermost that keeps the rules of the real one, written from its API reference and the lines of its
//! server that matter: `app/post.go` (`deduplicateCreatePost`), `api4/post.go`. It knows one bot, one channel,
//! one incoming webhook. What it was never checked against is a real server.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::routing::{get, post, put};
use serde_json::{Value, json};

use crate::faults::Faults;
use crate::serve::Server;

#[path = "mattermost/api.rs"]
mod api;

/// The rules that an administrator, or a test in a hurry, may change.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How long a `pending_post_id` is known. 30 s on a real server.
    pub pending_ttl: Duration,
    /// Longest message, in characters.
    pub chars_max: usize,
    /// How long a post may be edited: `PostEditTimeLimit`. `None` is for ever, as a new server has it.
    pub edit_within: Option<Duration>,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules { pending_ttl: Duration::from_secs(30), chars_max: 16_383, edit_within: None }
    }
}

/// A post as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Its name on the server.
    pub id: String,
    /// The root that it answers, if it is a reply.
    pub root_id: Option<String>,
    /// The Markdown.
    pub message: String,
    /// The hidden fields, whole.
    pub props: Value,
    /// `metadata.priority.priority`.
    pub priority: Option<String>,
    /// The label that a webhook gave.
    pub username: Option<String>,
    /// How often it was edited.
    pub edits: u32,
    /// A person deleted it.
    pub is_deleted: bool,
    /// Milliseconds since 1970.
    pub create_at: i64,
}

/// What came in, in order, taken or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// `POST`, `PUT` or `GET`.
    pub method: &'static str,
    /// Path without the query.
    pub path: String,
    /// The body, `null` without one.
    pub body: Value,
}

/// What was taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// New root posts.
    pub created: usize,
    /// New posts in threads.
    pub replied: usize,
    /// Edits that were taken.
    pub edited: usize,
    /// Creates that were recognised by their `pending_post_id`.
    pub recognised: usize,
    /// Posts that carry a key that another post carries too: what a reader sees twice.
    pub doubled: usize,
}

/// A running fake. Dropped to stop it.
pub struct Mattermost {
    server: Server,
    state: Arc<State>,
}

pub(crate) struct State {
    faults: Faults,
    world: Mutex<World>,
}

struct World {
    rules: Rules,
    token: String,
    posts: Vec<Shown>,
    received: Vec<Received>,
    /// The post id is empty while the create is under way, as on the real server.
    pending: HashMap<String, (String, Instant)>,
    counts: Counts,
    ids: u64,
    under_way: usize,
}

/// The id of the one channel.
pub const CHANNEL: &str = "c9hannel00000000000000atel";
/// Its name in the URL, and that of its team.
pub const CHANNEL_NAME: &str = "atelier-b";
/// The team of the channel.
pub const TEAM: &str = "usine";
/// The bot whose token is taken.
pub const BOT: &str = "b0t0000000000000000000port";
/// A person of the plant.
pub const PERSON: &str = "p3rs0n000000000000000marie";
/// The key of the incoming webhook.
pub const HOOK: &str = "h00k000000000000000000usin";
/// The longest message of a listing page.
const PER_PAGE_MAX: usize = 200;

impl Mattermost {
    /// Starts one with the rules of a new server.
    pub fn start() -> Mattermost {
        Mattermost::start_with(Rules::default())
    }

    /// Starts one with other rules.
    pub fn start_with(rules: Rules) -> Mattermost {
        let world = World {
            rules,
            token: "t0ken-of-the-test".to_owned(),
            posts: Vec::new(),
            received: Vec::new(),
            pending: HashMap::new(),
            counts: Counts::default(),
            ids: 0,
            under_way: 0,
        };
        let state = Arc::new(State { faults: Faults::default(), world: Mutex::new(world) });
        let app = Router::new()
            .route("/api/v4/posts", post(api::create))
            .route("/api/v4/posts/{id}/patch", put(api::patch))
            .route("/api/v4/posts/{id}", get(api::one))
            .route("/api/v4/channels/{id}/posts", get(api::list))
            .route("/api/v4/users/me/teams", get(api::teams))
            .route("/api/v4/teams/name/{team}/channels/name/{channel}", get(api::channel))
            .route("/hooks/{key}", post(api::hook))
            .with_state(state.clone());
        Mattermost { server: Server::start(app), state }
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The secret URL of the incoming webhook.
    pub fn webhook_url(&self) -> String {
        format!("{}/hooks/{HOOK}", self.server.url())
    }

    /// The token that is taken.
    pub fn token(&self) -> String {
        self.state.world().token.clone()
    }

    /// The lines under `[network.mattermost.<name>]`, with the token in a file of `folder`.
    pub fn settings(&self, folder: &Path) -> String {
        let file = folder.join("mattermost-token");
        std::fs::write(&file, self.token()).expect("the folder of the test can be written");
        format!("url = {:?}\ntoken = {{ file = {file:?} }}\nchannel_id = {CHANNEL:?}\n", self.url())
    }

    /// From now on another token is taken: the old one was revoked.
    pub fn revoke(&self) {
        self.state.world().token.push_str("-renewed");
    }

    /// What goes wrong.
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// Closes the port and cuts every connection.
    pub fn go_down(&self) {
        self.server.go_down();
    }

    /// Listens again where it listened. Posts are kept; the cache of pending ids is lost, as in a restart.
    pub fn come_back(&self) {
        self.state.world().pending.clear();
        self.server.come_back();
    }

    /// All posts as they are now, deleted ones too, in the order in which they were taken.
    pub fn posts(&self) -> Vec<Shown> {
        self.state.world().posts.clone()
    }

    /// The posts that a reader sees at the top level.
    pub fn roots(&self) -> Vec<Shown> {
        self.posts().into_iter().filter(|post| post.root_id.is_none() && !post.is_deleted).collect()
    }

    /// The thread under a root.
    pub fn replies(&self, root: &str) -> Vec<Shown> {
        self.posts().into_iter().filter(|post| post.root_id.as_deref() == Some(root)).collect()
    }

    /// Everything that came in, in order.
    pub fn received(&self) -> Vec<Received> {
        self.state.world().received.clone()
    }

    /// What was taken.
    pub fn counts(&self) -> Counts {
        let world = self.state.world();
        let mut seen = HashMap::new();
        for post in &world.posts {
            if let Some(key) = key_of(&post.props) {
                *seen.entry(key.to_owned()).or_insert(0usize) += 1;
            }
        }
        Counts { doubled: seen.values().map(|times| times - 1).sum(), ..world.counts }
    }

    /// A person writes in the channel.
    pub fn person_says(&self, message: &str) -> String {
        let mut world = self.state.world();
        let shown = Shown { message: message.to_owned(), ..world.blank() };
        world.posts.push(shown.clone());
        shown.id
    }

    /// A person deletes a post.
    pub fn person_deletes(&self, id: &str) {
        if let Some(post) = self.state.world().posts.iter_mut().find(|post| post.id == id) {
            post.is_deleted = true;
        }
    }

    /// Makes every `pending_post_id` unknown, as 30 s would.
    pub fn forget_pending(&self) {
        self.state.world().pending.clear();
    }

    /// True when no create is under way any more.
    pub fn is_settled(&self) -> bool {
        self.state.world().under_way == 0
    }

    /// Waits until no create is under way.
    pub async fn settled(&self) {
        while !self.is_settled() {
            tokio::task::yield_now().await;
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Our key in the hidden fields of a post.
pub fn key_of(props: &Value) -> Option<&str> {
    props.pointer("/portevoix/key").and_then(Value::as_str)
}

impl State {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// A fresh post without words.
    fn blank(&mut self) -> Shown {
        self.ids += 1;
        Shown {
            id: format!("p{:025}", self.ids),
            root_id: None,
            message: String::new(),
            props: json!({}),
            priority: None,
            username: None,
            edits: 0,
            is_deleted: false,
            create_at: now_ms(),
        }
    }

    fn find(&self, id: &str) -> Option<&Shown> {
        self.posts.iter().find(|post| post.id == id && !post.is_deleted)
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
