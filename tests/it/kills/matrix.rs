//! A room of a real Synapse, behind a front that loses answers.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use peers::faults::{Fault, Mixture};
use peers::front::Front;
use peers::synapse::{AS_TOKEN, Method, Options, Person, Synapse};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::around::Around;
use super::dice::Dice;
use super::fakes::common_ills;
use super::oracle::Seen;

/// The name of the network in the configuration.
pub const NETWORK: &str = "room";

/// The key counts for so short that posts are looked for as well.
const SETTINGS: &str = "key_lasts = \"2s\"\nsettle = \"3500ms\"\nconnection = { timeout = \"3s\" }\n\
                        pace = { burst = 20, refill = \"10ms\" }\n";
/// The room is read no more often than this.
const READ_EVERY: Duration = Duration::from_millis(250);

/// A server, a room, and somebody who reads it.
pub struct OnMatrix {
    runtime: Runtime,
    server: Synapse,
    front: Front,
    reader: Person,
    room: String,
    read: Mutex<Read>,
}

/// What was read so far.
#[derive(Default)]
struct Read {
    events: Vec<Value>,
    known: BTreeSet<String>,
    from: Option<String>,
    at: Option<Instant>,
}

impl OnMatrix {
    pub fn start() -> Box<dyn Around> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let server = Synapse::start(Options::default());
        let front = Front::start(&server.url(), "/send/");
        let reader = runtime.block_on(server.person("reader"));
        let room = runtime.block_on(reader.make_room(json!({ "preset": "public_chat" })));
        Box::new(OnMatrix { runtime, server, front, reader, room, read: Mutex::default() })
    }

    /// All messages up to now, the oldest first.
    fn events(&self) -> Vec<Value> {
        let mut read = self.read.lock().unwrap();
        if read.at.is_none_or(|at| at.elapsed() >= READ_EVERY) {
            while self.page(&mut read) {}
            read.at = Some(Instant::now());
        }
        read.events.clone()
    }

    /// One more page. False at the end of the room.
    fn page(&self, read: &mut Read) -> bool {
        let from = read.from.as_ref().map(|from| format!("&from={from}")).unwrap_or_default();
        let path = format!("v3/rooms/{}/messages?dir=f&limit=200{from}", self.room);
        let page = self.runtime.block_on(self.reader.done(Method::GET, &path, Value::Null));
        for event in page["chunk"].as_array().unwrap() {
            let id = event["event_id"].as_str().unwrap().to_owned();
            if event["type"] == "m.room.message" && read.known.insert(id) {
                read.events.push(event.clone());
            }
        }
        let Some(end) = page["end"].as_str() else { return false };
        read.from = Some(end.to_owned());
        true
    }
}

impl Around for OnMatrix {
    fn configuration(&self, folder: &Path) -> String {
        let token = folder.join("as-token");
        std::fs::write(&token, AS_TOKEN).unwrap();
        format!(
            "[network.matrix.{NETWORK}]\nurl = {:?}\nas_token = {{ file = {token:?} }}\nroom = {:?}\n{SETTINGS}",
            self.front.url(),
            self.room
        )
    }

    fn go_wrong(&self, dice: &mut Dice) {
        let slow = |ms| Fault::TakeAfter(Duration::from_millis(ms));
        let shares = common_ills().into_iter().chain([(0.10, slow(300)), (0.03, slow(600))]).collect();
        self.front.faults().mix(Mixture { seed: dice.draw(), shares });
    }

    fn mend(&self) {
        self.front.faults().clear();
    }

    fn seen(&self) -> BTreeMap<&'static str, Vec<Seen>> {
        let events = self.events();
        let relation = |event: &Value| event["content"]["m.relates_to"]["rel_type"].clone();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let roots = events.iter().filter(|event| relation(event) == Value::Null);
        let seen = roots.map(|root| {
            let edit = events.iter().rfind(|event| {
                let content = &event["content"]["m.relates_to"];
                content["rel_type"] == "m.replace"
                    && content["event_id"] == root["event_id"]
                    && event["sender"] == root["sender"]
            });
            let content = edit.map_or(&root["content"], |edit| &edit["content"]["m.new_content"]);
            let ours = &content["com.portevoix"];
            Seen { episode: text(&ours["episode"]), mark: text(&ours["mark"]), text: text(&content["body"]) }
        });
        BTreeMap::from([(NETWORK, seen.collect())])
    }

    fn shown(&self) -> usize {
        self.seen()[NETWORK].len()
    }

    fn settle(&self) {
        // What was slow has arrived by then; and all of it is read.
        std::thread::sleep(Duration::from_secs(2));
    }

    fn doubts(&self) -> (usize, usize) {
        (self.front.looks(), self.front.repeated())
    }

    /// The server dies and comes back: what it had in memory is gone.
    fn forget(&self) {
        self.server.come_back();
    }

    fn life_ms(&self) -> Range<u64> {
        200..1_500
    }

    fn fresh_max(&self) -> Duration {
        Duration::from_secs(15)
    }
}
