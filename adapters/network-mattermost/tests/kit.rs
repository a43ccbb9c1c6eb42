//! What every network must show, and what is Mattermost's own. Against a fake: no real server was at hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must panic")]

#[path = "../../http/tests/eye/mod.rs"]
mod eye;

use std::path::PathBuf;
use std::time::Duration;

use contract::kit::hostile;
use contract::kit::network::{Ail, Bench, Found, Shown, delivery, filled_with, posts, warning};
use contract::{
    Check, DeliveryError, DeliveryKey, Network, NetworkKind, Post, Priority, Receipt, Repeat, Setup, Site,
    Step, async_trait,
};
use network_mattermost::{Mattermost, Settings};
use peers::faults::{Fault, Mixture};
use peers::mattermost::{self as fake, CHANNEL, CHANNEL_NAME, TEAM};

struct Plant {
    server: fake::Mattermost,
    network: Box<dyn Network>,
}

/// A folder of one test, for its secrets.
fn folder() -> PathBuf {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("mattermost-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn build(toml: &str) -> Box<dyn Network> {
    let settings: Settings = toml::from_str(toml).unwrap();
    assert_eq!(settings.check(), []);
    let site = Site {
        name: "Vitré".to_owned(),
        language: "fr".to_owned(),
        timezone: "Europe/Paris".to_owned(),
        machines: Vec::new(),
    };
    let setup = Setup { name: "usine", site: &site, state: std::path::Path::new("/nowhere") };
    Mattermost::build(&setup, settings).unwrap()
}

fn plant_with(rules: fake::Rules, more: &str) -> Plant {
    let server = fake::Mattermost::start_with(rules);
    let toml = format!("{}{more}\nconnection = {{ timeout = \"2s\" }}\n", server.settings(&folder()));
    Plant { network: build(&toml), server }
}

fn plant() -> Plant {
    plant_with(fake::Rules::default(), "")
}

/// The same, through the incoming webhook.
fn hooked() -> Plant {
    let server = fake::Mattermost::start();
    let file = folder().join("hook");
    std::fs::write(&file, server.webhook_url()).unwrap();
    let network = build(&format!("webhook = {{ file = {file:?} }}\nconnection = {{ timeout = \"2s\" }}\n"));
    Plant { server, network }
}

#[async_trait]
impl Bench for Plant {
    fn network(&self) -> &dyn Network {
        self.network.as_ref()
    }

    async fn shown(&self) -> Vec<Shown> {
        let is_named = self.network.capabilities().edit;
        let shown = self.server.posts().into_iter().map(|post| Shown {
            receipt: if is_named { post.id } else { String::new() },
            under: post.root_id,
            text: post.message,
        });
        shown.collect()
    }

    fn count(&self, shown: &Shown) -> Found {
        eye::markdown(&shown.text)
    }

    async fn ail(&self, ail: Ail) -> bool {
        match ail {
            Ail::LoseAnswer => self.server.faults().next(Fault::TakeThenCut),
            Ail::Busy(after) => self.server.faults().next(Fault::TooMany(after)),
            Ail::LockOut if self.network.capabilities().edit => self.server.revoke(),
            Ail::LockOut => self.server.faults().next(Fault::Refuse(403)),
            Ail::Down => self.server.go_down(),
        }
        true
    }

    async fn settled(&self) {
        self.server.settled().await;
    }

    /// The bot is tried with thousands, the webhook through the wire with some.
    fn preview(&self, post: &Post) -> Option<String> {
        let is_bot = self.network.capabilities().edit;
        let usual = || toml::from_str("").expect("every key has a default");
        is_bot.then(|| <Mattermost as NetworkKind>::preview(&usual(), post))
    }
}

mod bot {
    use super::*;
    contract::network_conformance!(plant());
}

mod hook {
    use super::*;
    contract::network_conformance!(hooked());
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

    async fn look(&self, part: &str) -> Result<Option<Receipt>, DeliveryError> {
        let post =
            Post { begun: contract::Moment::from_system(std::time::SystemTime::now()), ..warning("fr") };
        self.network.look(&delivery(&key(part), &Step::Open, &post)).await
    }
}

#[tokio::test]
async fn the_whole_post_as_a_reader_sees_it() {
    let plant = plant();
    plant.open().await.unwrap();
    plant.publish("stop", &Step::Open, &posts("fr")[1]).await.unwrap();
    let shown = plant.server.roots();
    assert_eq!(
        shown[0].message,
        "⚠️ ATTENTION · Presse 3 · huile à 78,2 °C, limite 75 °C\n\
         D'habitude 61 à 66 °C.\n\
         À faire : vérifier l'échangeur.\n\
         Vitré/Atelier B/Ligne 2 · 14:32"
    );
    assert_eq!(
        shown[1].message,
        "⛔ ARRÊT · Presse 3 · lot L-2231/B bloqué\n\
         À faire : prévenir @maintenance avant 15:00.\n\
         Vitré/Atelier B/Ligne 2 · 14:32"
    );
    let hidden = &shown[0].props["portevoix"];
    assert_eq!(hidden["key"], key("root").0);
    let known = (&hidden["rule"], &hidden["priority"], &hidden["machine"]);
    assert_eq!(known, (&"limit.oil-hot".into(), &2.into(), &"press-3".into()));
}

#[tokio::test]
async fn the_channel_is_found_by_its_names() {
    for more in [format!("team = {TEAM:?}\n"), String::new()] {
        let server = fake::Mattermost::start();
        let id = format!("channel_id = {CHANNEL:?}\n");
        let names = format!("channel = {CHANNEL_NAME:?}\n{more}");
        let plant = Plant { network: build(&server.settings(&folder()).replace(&id, &names)), server };
        plant.open().await.unwrap();
        plant.publish("second", &Step::Open, &warning("fr")).await.unwrap();
        assert_eq!(plant.server.roots().len(), 2);
        let asked = plant.server.received().iter().filter(|one| one.path.contains("/channels/name/")).count();
        assert_eq!(asked, 1, "the id is asked for once");
    }
}

#[tokio::test]
async fn an_unknown_channel_is_for_a_person() {
    let server = fake::Mattermost::start();
    let settings = server.settings(&folder()).replace("channel_id", "team = \"usine\"\nchannel");
    let plant = Plant { network: build(&settings), server };
    let found = plant.open().await;
    assert!(
        matches!(&found, Err(DeliveryError::LockedOut(why)) if why.contains("of team `usine`")),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_request_still_under_way_is_unanswered_and_found_later() {
    let plant = plant();
    plant.server.faults().next(Fault::TakeAfter(Duration::from_millis(300)));
    let (first, second) = tokio::join!(plant.open(), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        plant.open().await
    });
    assert!(matches!(second, Err(DeliveryError::Unanswered { .. })), "{second:?}");
    assert_eq!(plant.open().await, first);
    assert_eq!(plant.server.counts().doubled, 0);
}

#[tokio::test]
async fn once_the_server_forgot_the_key_a_look_finds_the_post() {
    let plant = plant();
    plant.server.faults().next(Fault::TakeThenHang);
    assert!(matches!(plant.open().await, Err(DeliveryError::Unanswered { .. })));
    plant.server.forget_pending();
    for n in 0..150 {
        plant.server.person_says(&format!("message {n}"));
    }
    let found = plant.look("root").await.unwrap().expect("it is three pages back");
    assert_eq!(plant.server.posts()[0].id, found.0);
    assert_eq!(plant.look("another").await, Ok(None));
    // An edit still carries the key.
    let hotter = Post { version: 2, ..warning("fr") };
    plant.publish("root", &Step::Edit(found.clone()), &hotter).await.unwrap();
    assert_eq!(plant.look("root").await, Ok(Some(found)));
}

/// The fake forgets as the real one does: a kit that only ran against a perfect memory would prove nothing.
#[tokio::test]
async fn a_key_that_the_server_forgot_makes_a_double() {
    let rules = fake::Rules { pending_ttl: Duration::ZERO, ..fake::Rules::default() };
    let plant = plant_with(rules, "");
    assert_ne!(plant.open().await, plant.open().await);
    assert_eq!(plant.server.counts().doubled, 1);
}

#[tokio::test]
async fn a_server_of_several_nodes_is_looked_at() {
    let plant = plant_with(fake::Rules::default(), "key_lasts = \"0s\"\nsettle = \"1s\"\n");
    let settle = Duration::from_secs(1);
    assert_eq!(plant.network.capabilities().repeat, Repeat::Look { settle });
}

#[tokio::test]
async fn what_a_look_cannot_see_now_it_asks_again_later() {
    let plant = plant();
    for share in [Fault::Refuse(500), Fault::Cut, Fault::TooMany(Duration::from_secs(1))] {
        plant.server.faults().mix(Mixture { seed: 1, shares: vec![(1.0, share)] });
        let found = plant.look("root").await;
        assert!(matches!(found, Err(DeliveryError::Later { .. })), "{found:?}");
    }
}

#[tokio::test]
async fn a_post_that_a_person_deleted_stays_deleted() {
    let plant = plant();
    let root = plant.open().await.unwrap();
    plant.server.person_deletes(&root.0);
    for step in [Step::Edit(root.clone()), Step::Reply(root)] {
        let found = plant.publish("note-1", &step, &warning("fr")).await;
        assert!(matches!(found, Err(DeliveryError::Never(_))), "{found:?}");
    }
    assert_eq!(plant.server.roots(), []);
}

#[tokio::test]
async fn too_late_an_edit_is_never() {
    let rules = fake::Rules { edit_within: Some(Duration::ZERO), ..fake::Rules::default() };
    let plant = plant_with(rules, "");
    let root = plant.open().await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let found = plant.publish("root", &Step::Edit(root), &warning("fr")).await;
    assert!(matches!(&found, Err(DeliveryError::Never(why)) if why.contains("limited time")), "{found:?}");
}

#[tokio::test]
async fn only_an_urgent_root_is_labelled() {
    let plant = plant_with(fake::Rules::default(), "urgent_label = \"important\"\n");
    let urgent = Post { priority: Priority::Urgent, ..warning("fr") };
    let root = plant.publish("root", &Step::Open, &urgent).await.unwrap();
    plant.publish("note-1", &Step::Reply(root), &urgent).await.unwrap();
    plant.publish("high", &Step::Open, &warning("fr")).await.unwrap();
    let labels: Vec<_> = plant.server.posts().into_iter().map(|post| post.priority).collect();
    assert_eq!(labels, [Some("important".to_owned()), None, None]);
}

#[tokio::test]
async fn the_hook_says_who_speaks() {
    let plant = hooked();
    plant.open().await.unwrap();
    assert_eq!(plant.server.posts()[0].username.as_deref(), Some("Presse 3"));
    assert_eq!(plant.network.capabilities().repeat, Repeat::Nothing);
}

#[tokio::test]
async fn a_hundred_posts_through_a_bad_line_are_each_seen_once() {
    let plant = plant();
    let ills = [Fault::TakeThenCut, Fault::Cut, Fault::Refuse(503), Fault::TakeThenStatus(502)];
    plant.server.faults().mix(Mixture { seed: 7, shares: ills.map(|fault| (0.1, fault)).to_vec() });
    for n in 0..100 {
        let part = format!("root-{n}");
        for attempt in 0.. {
            assert!(attempt < 50, "{part} never goes through");
            match plant.publish(&part, &Step::Open, &warning("fr")).await {
                Ok(_) => break,
                Err(DeliveryError::Later { .. } | DeliveryError::Unanswered { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    let counts = plant.server.counts();
    assert_eq!((counts.created, counts.doubled), (100, 0));
    assert!(counts.recognised > 5, "the seed must lose some answers: {counts:?}");
}

#[tokio::test]
async fn hidden_fields_of_a_hostile_machine_stay_small() {
    let plant = plant();
    let huge = hostile::combining_accents();
    plant.publish("root", &Step::Open, &filled_with(&huge)).await.unwrap();
    assert!(plant.server.posts()[0].props.to_string().len() < 2_000);
}

#[test]
fn the_sample_shows_every_option_at_its_default() {
    let sample = include_str!("../sample.toml");
    let shown: Settings = toml::from_str(sample).unwrap();
    assert_eq!(shown.check(), []);
    let mut bare: Settings = toml::from_str(
        "url = \"https://chat.usine.example\"\ntoken = { credential = \"mattermost-token\" }\nchannel = \"atelier-b\"",
    )
    .unwrap();
    assert_eq!(shown.connection.total(), bare.connection.total());
    bare.connection.timeout = shown.connection.timeout;
    assert_eq!(shown, bare);
    // Those without a default are there too, behind a `#`.
    let option = |line: &str| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).map(str::to_owned);
    let whole: Vec<String> = sample.lines().map(|line| option(line).unwrap_or(line.to_owned())).collect();
    let whole: Settings = toml::from_str(&whole.join("\n")).unwrap();
    assert!(whole.webhook.is_some() && whole.channel_id.is_some() && whole.team.is_some());
    assert!(whole.connection.ca.is_some() && whole.connection.proxy.is_some());
}

#[test]
fn mistakes_have_their_key() {
    let keys = |toml: &str| -> Vec<String> {
        toml::from_str::<Settings>(toml).unwrap().check().into_iter().map(|fault| fault.key).collect()
    };
    assert_eq!(keys(""), ["url", "token", "channel"]);
    let server = "url = \"http://169.254.169.254\"\ntoken = {}\nchannel = \"Atelier B\"\n";
    assert_eq!(keys(server), ["url", "channel", "token"]);
    assert_eq!(keys("webhook = { env = \"X\" }\nchannel = \"x\""), ["channel"]);
    let numbers = "webhook = { env = \"X\" }\nchars_max = 5\nkey_lasts = \"30s\"\npace = { burst = 0 }\n\
                   connection = { timeout = \"31s\" }";
    assert_eq!(keys(numbers), ["chars_max", "key_lasts", "pace.burst", "connection.timeout"]);
    assert!(toml::from_str::<Settings>("chanel = \"x\"").is_err());
}
