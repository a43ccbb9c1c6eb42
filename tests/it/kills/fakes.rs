//! Two networks of our own making, which keep the rules of real ones and lose answers.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use peers::faults::{Fault, Mixture};
use peers::looked::Looked;
use peers::mattermost::{Mattermost, Rules};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::around::Around;
use super::dice::Dice;
use super::oracle::Seen;

/// The names of the networks in the configuration.
pub const NETWORKS: [&str; 2] = ["chat", "hook"];

/// How long Mattermost knows a `pending_post_id`: 30 s on a real server. Everything about it is a tenth here, except
/// how long a server takes at worst, which is less.
const TTL: Duration = Duration::from_secs(3);
const CHAT: &str = "key_lasts = \"2s\"\nsettle = \"3500ms\"\nconnection = { timeout = \"3s\" }\n";
/// The other network has no keys; a request may take up to its timeout, so the look comes later than that.
const HOOK: &str = "settle = \"2s\"\nconnection = { timeout = \"1500ms\" }\n";
/// Not what is tested here.
const PACE: &str = "pace = { burst = 20, refill = \"10ms\" }\n";

/// Both of them.
pub struct Fakes {
    runtime: Runtime,
    chat: Mattermost,
    hook: Looked,
}

impl Fakes {
    pub fn start() -> Box<dyn Around> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let chat = Mattermost::start_with(Rules { pending_ttl: TTL, ..Rules::default() });
        Box::new(Fakes { runtime, chat, hook: Looked::start() })
    }
}

impl Around for Fakes {
    fn configuration(&self, folder: &Path) -> String {
        let (chat, url) = (self.chat.settings(folder), self.hook.url());
        let body = "'{\"text\": {{ text | tojson }}, \"key\": {{ key | tojson }}, \
                    \"episode\": {{ episode | tojson }}, \"mark\": {{ mark | tojson }}}'";
        let mut toml = format!("[network.mattermost.chat]\n{chat}{CHAT}{PACE}");
        write!(
            toml,
            "[network.http.hook]\nurl = \"{url}/posts\"\nbody = {body}\nreceipt = \"/id\"\n{HOOK}{PACE}"
        )
        .unwrap();
        writeln!(toml, "edit = {{ url = \"{url}/posts/{{{{ receipt }}}}\", method = \"PUT\" }}").unwrap();
        writeln!(toml, "look = {{ url = \"{url}/posts\", items = \"/posts\", receipt = \"/id\" }}").unwrap();
        toml
    }

    fn go_wrong(&self, dice: &mut Dice) {
        let slow = |ms| Fault::TakeAfter(Duration::from_millis(ms));
        let mixture = |seed, own| Mixture { seed, shares: common_ills().into_iter().chain(own).collect() };
        self.chat.faults().mix(mixture(dice.draw(), [(0.10, slow(300)), (0.03, slow(600))]));
        self.hook.faults().mix(mixture(dice.draw(), [(0.10, slow(400)), (0.03, slow(1_000))]));
    }

    fn mend(&self) {
        self.chat.faults().clear();
        self.hook.faults().clear();
    }

    fn seen(&self) -> BTreeMap<&'static str, Vec<Seen>> {
        let text = |value: &Value, at: &str| {
            value.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let chat = self.chat.roots().into_iter().map(|post| Seen {
            episode: text(&post.props, "/portevoix/episode"),
            mark: text(&post.props, "/portevoix/mark"),
            text: post.message,
        });
        let hook = self.hook.posts().into_iter().map(|post| Seen {
            episode: text(&post.body, "/episode"),
            mark: text(&post.body, "/mark"),
            text: text(&post.body, "/text"),
        });
        BTreeMap::from([(NETWORKS[0], chat.collect()), (NETWORKS[1], hook.collect())])
    }

    fn shown(&self) -> usize {
        self.chat.posts().len().min(self.hook.posts().len())
    }

    fn settle(&self) {
        self.runtime.block_on(async { tokio::join!(self.chat.settled(), self.hook.settled()) });
    }

    fn doubts(&self) -> (usize, usize) {
        (self.hook.looks(), self.chat.counts().recognised)
    }

    fn forget(&self) {
        // Nobody is there: nothing but time can happen.
        std::thread::sleep(TTL + Duration::from_millis(200));
    }

    fn life_ms(&self) -> Range<u64> {
        90..310
    }

    fn fresh_max(&self) -> Duration {
        Duration::from_secs(5)
    }
}

/// What may happen to every request.
pub fn common_ills() -> [(f64, Fault); 8] {
    let slow = |ms| Fault::TakeAfter(Duration::from_millis(ms));
    [
        (0.20, slow(20)),
        (0.20, slow(80)),
        (0.05, Fault::TakeThenCut),
        (0.02, Fault::TakeThenStatus(502)),
        (0.01, Fault::TakeThenHang),
        (0.02, Fault::Cut),
        (0.01, Fault::Refuse(503)),
        (0.01, Fault::TooMany(Duration::from_secs(1))),
    ]
}
