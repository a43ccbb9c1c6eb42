//! What every network must show, and what is Matrix's own. Against a real Synapse; where answers are to be lost, through
//! a front that loses them.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must panic")]

mod eye;
#[path = "kit/life.rs"]
mod life;
#[path = "kit/limits.rs"]
mod limits;
#[path = "kit/repeats.rs"]
mod repeats;
#[path = "kit/rights.rs"]
mod rights;

use std::path::PathBuf;
use std::time::Duration;

use contract::kit::network::{Ail, Bench, Found, Shown, delivery, warning};
use contract::{
    Author, Check, DeliveryError, DeliveryKey, Network, Post, Receipt, Setup, Site, Step, async_trait,
};
use network_matrix::{Draw, Settings, build_drawing};
use peers::faults::Fault;
use peers::front::Front;
use peers::synapse::{AS_TOKEN, Options, Person, Synapse};
use reqwest::Method;
use serde_json::{Value, json};

/// Whom the role `maintenance` means.
const MARC: &str = "@marc:portevoix.test";
/// The user of the machine of most tests.
const PRESS: &str = "@pv_press-3:portevoix.test";

/// A room of a server, a network that posts in it and somebody who reads it.
struct Plant {
    server: Held,
    front: Front,
    reader: Person,
    room: String,
    network: Box<dyn Network>,
    /// Of an ordinary user: whose token it is.
    person: Option<Person>,
}

/// A server for all, or one of its own.
enum Held {
    Shared(&'static Synapse),
    Own(Synapse),
}

impl Held {
    fn own() -> Held {
        Held::Own(Synapse::start(Options::default()))
    }
}

impl std::ops::Deref for Held {
    type Target = Synapse;

    fn deref(&self) -> &Synapse {
        match self {
            Held::Shared(server) => server,
            Held::Own(server) => server,
        }
    }
}

/// A file with a secret in it.
fn secret(text: &str) -> PathBuf {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("matrix-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, text).unwrap();
    file
}

fn author(key: &str, name: &str) -> Author {
    Author { key: key.to_owned(), name: name.to_owned(), place: "Vitré/Atelier B".to_owned() }
}

fn build_with(toml: &str, draw: Draw) -> Box<dyn Network> {
    let settings: Settings = toml::from_str(toml).unwrap();
    assert_eq!(settings.check(), []);
    let site = Site {
        name: "Vitré".to_owned(),
        language: "fr".to_owned(),
        timezone: "Europe/Paris".to_owned(),
        machines: vec![author("press-3", "Presse 3")],
    };
    let setup = Setup { name: "usine", site: &site, state: std::path::Path::new("/nowhere") };
    build_drawing(&setup, settings, draw).unwrap()
}

fn build(toml: &str) -> Box<dyn Network> {
    build_with(toml, |_| None)
}

/// The lines of a network that speaks as an application service.
fn service_toml(url: &str, room: &str, more: &str) -> String {
    let file = secret(AS_TOKEN);
    format!(
        "url = {url:?}\nas_token = {{ file = {file:?} }}\nroom = {room:?}\n\
         mentions = {{ maintenance = [{MARC:?}] }}\nconnection = {{ timeout = \"20s\" }}\n{more}\n"
    )
}

/// The lines of a network that speaks as one ordinary user.
fn person_toml(url: &str, token: &str, room: &str) -> String {
    let file = secret(token);
    format!(
        "url = {url:?}\ntoken = {{ file = {file:?} }}\nroom = {room:?}\n\
         mentions = {{ maintenance = [{MARC:?}] }}\nconnection = {{ timeout = \"20s\" }}\n"
    )
}

async fn service_at(server: Held, more: &str) -> Plant {
    let front = Front::start(&server.url(), "/send/");
    let reader = server.person("reader").await;
    let room = reader.make_room(json!({ "preset": "public_chat", "name": "Atelier B" })).await;
    let network = build(&service_toml(&front.url(), &room, more));
    Plant { server, front, reader, room, network, person: None }
}

/// An application service in a public room.
async fn service() -> Plant {
    service_at(Held::Shared(Synapse::shared()), "").await
}

async fn person_at(server: Held) -> Plant {
    let front = Front::start(&server.url(), "/send/");
    let reader = server.person("reader").await;
    let room = reader.make_room(json!({ "preset": "public_chat", "name": "Atelier B" })).await;
    let person = server.person("machines").await;
    let network = build(&person_toml(&front.url(), &person.token, &room));
    Plant { server, front, reader, room, network, person: Some(person) }
}

/// An ordinary user in a public room.
async fn person() -> Plant {
    person_at(Held::Shared(Synapse::shared())).await
}

fn key(part: &str) -> DeliveryKey {
    DeliveryKey::new("usine", &warning("fr").episode, part)
}

impl Plant {
    async fn publish(&self, part: &str, step: &Step, post: &Post) -> Result<Receipt, DeliveryError> {
        self.network.publish(&delivery(&key(part), step, post)).await
    }

    async fn open(&self) -> Result<Receipt, DeliveryError> {
        self.publish("root", &Step::Open, &warning("fr")).await
    }

    async fn look(&self, part: &str, step: &Step) -> Result<Option<Receipt>, DeliveryError> {
        let now = contract::Moment::from_system(std::time::SystemTime::now());
        let post = Post { begun: now, written: now, ..warning("fr") };
        self.network.look(&delivery(&key(part), step, &post)).await
    }

    /// All messages of the room, as its reader gets them.
    async fn messages(&self) -> Vec<Value> {
        self.reader.events(&self.room, "m.room.message").await
    }

    /// One event, with what the server has gathered about it.
    async fn event(&self, receipt: &Receipt) -> Value {
        let (room, event) = receipt.0.split_once(' ').unwrap();
        self.reader.done(Method::GET, &format!("v3/rooms/{room}/event/{event}"), Value::Null).await
    }

    /// Waits until a user bears this in the room: the server tells its rooms a moment later.
    async fn until_member(&self, user: &str, field: &str, wanted: &str) {
        for _ in 0..600 {
            if self.member(user).await[field] == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("expected {field} `{wanted}`, found {}", self.member(user).await);
    }

    /// Who is in the room, under which name.
    async fn member(&self, user: &str) -> Value {
        let path = format!("v3/rooms/{}/state/m.room.member/{user}", self.room);
        self.reader.call(Method::GET, &path, Value::Null).await.1
    }
}

/// Messages as a reader sees them: each edit in the place of what it edits, if its author edits it.
fn as_shown(room: &str, events: &[Value]) -> Vec<(Shown, Value)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let relation = |event: &Value| event["content"]["m.relates_to"].clone();
    let (edits, others): (Vec<&Value>, Vec<&Value>) =
        events.iter().partition(|event| relation(event)["rel_type"] == "m.replace");
    let shown = others.into_iter().map(|event| {
        let is_edit = |edit: &&&Value| {
            relation(edit)["event_id"] == event["event_id"] && edit["sender"] == event["sender"]
        };
        let last = edits.iter().rfind(is_edit);
        let content = last.map_or(&event["content"], |edit| &edit["content"]["m.new_content"]).clone();
        let thread = relation(event);
        let under =
            (thread["rel_type"] == "m.thread").then(|| format!("{room} {}", text(&thread["event_id"])));
        let shown = Shown {
            receipt: format!("{room} {}", text(&event["event_id"])),
            under,
            text: content.to_string(),
        };
        (shown, content)
    });
    shown.collect()
}

#[async_trait]
impl Bench for Plant {
    fn network(&self) -> &dyn Network {
        self.network.as_ref()
    }

    async fn shown(&self) -> Vec<Shown> {
        as_shown(&self.room, &self.messages().await).into_iter().map(|(shown, _)| shown).collect()
    }

    fn count(&self, shown: &Shown) -> Found {
        eye::content(&serde_json::from_str(&shown.text).unwrap())
    }

    async fn ail(&self, ail: Ail) -> bool {
        match (ail, &self.person) {
            (Ail::LoseAnswer, _) => self.front.faults().next(Fault::TakeThenCut),
            (Ail::Busy(after), _) => self.front.faults().next(Fault::TooMany(after)),
            // The real thing: the token is no more.
            (Ail::LockOut, Some(person)) => {
                person.done(Method::POST, "v3/logout", json!({})).await;
            }
            (Ail::LockOut, None) => self.front.faults().next(Fault::Refuse(403)),
            (Ail::Down, _) => self.front.go_down(),
        }
        true
    }

    /// Thousands are not sent: what would be is made by the same code. The corpus is: see `limits`.
    fn preview(&self, post: &Post) -> Option<String> {
        let shown = <network_matrix::Matrix as contract::NetworkKind>::preview(&usual(), post);
        // One that is too long for any event is told in words of ours.
        let (body, html) = shown.split_once("\n\n").unwrap_or((&shown, ""));
        assert!(!html.is_empty() || body.contains("too many for one event"), "in plain form: {body}");
        Some(json!({ "body": body, "formatted_body": html }).to_string())
    }
}

/// Every key that has a default at it.
fn usual() -> Settings {
    toml::from_str("").unwrap()
}

mod as_service {
    use super::*;
    contract::network_conformance!(service().await);
}

mod as_person {
    use super::*;
    contract::network_conformance!(person().await);
}

#[test]
fn the_sample_shows_every_option_at_its_default() {
    let sample = include_str!("../sample.toml");
    let shown: Settings = toml::from_str(sample).unwrap();
    assert_eq!(shown.check(), []);
    let mut bare: Settings = toml::from_str(
        "url = \"https://matrix.usine.example\"\nas_token = { credential = \"matrix-as-token\" }\n\
         room = \"#atelier-b:usine.example\"",
    )
    .unwrap();
    assert_eq!(shown.connection.timeout.unwrap().0, Duration::from_secs(30));
    bare.connection.timeout = shown.connection.timeout;
    assert_eq!(shown, bare);
    // Those without a default are there too, behind a `#`.
    let option = |line: &str| {
        let rest = line.strip_prefix("# ").filter(|rest| rest.contains(" = ") || rest.starts_with('['));
        rest.map(str::to_owned)
    };
    let whole: Vec<String> = sample.lines().map(|line| option(line).unwrap_or(line.to_owned())).collect();
    let whole: Settings = toml::from_str(&whole.join("\n")).unwrap();
    assert!(whole.token.is_some() && whole.pace.is_some());
    assert!(!whole.mentions.is_empty() && !whole.avatars.is_empty());
    assert!(whole.connection.ca.is_some() && whole.connection.proxy.is_some());
}

#[test]
fn mistakes_have_their_key() {
    let keys = |toml: &str| -> Vec<String> {
        toml::from_str::<Settings>(toml).unwrap().check().into_iter().map(|fault| fault.key).collect()
    };
    assert_eq!(keys(""), ["url", "as_token", "room"]);
    let both = "url = \"https://m.example\"\nas_token = {}\ntoken = { env = \"X\" }\nroom = \"atelier\"\n";
    assert_eq!(keys(both), ["token", "as_token", "room"]);
    let fine = "url = \"https://m.example\"\nas_token = { env = \"X\" }\nroom = \"!id-of-version-12\"\n";
    assert_eq!(keys(fine), Vec::<String>::new());
    let wrong = "user_prefix = \"PV\"\ndevice = \"\"\nkey_lasts = \"24h\"\npace = { burst = 0, refill = \"1s\" }\n\
                 mentions = { a = [], b = [\"marc\"], c = [\"@m<a>:x\"] }\navatars = { a = \"https://x/y.png\" }\n";
    assert_eq!(
        keys(&format!("{fine}{wrong}")),
        [
            "user_prefix",
            "device",
            "mentions.a",
            "mentions.b",
            "mentions.c",
            "avatars.a",
            "key_lasts",
            "pace.burst"
        ]
    );
    assert!(toml::from_str::<Settings>("rom = \"x\"").is_err());
}
