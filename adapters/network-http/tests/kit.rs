//! What every network must show, for a webhook that can be looked at and for one that is only spoken to; then what is
//! this adapter's own.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must panic")]

#[path = "../../http/tests/eye/mod.rs"]
mod eye;

use std::time::Duration;

use contract::kit::network::{Ail, Bench, Found, Shown, delivery, filled_with, posts, warning};
use contract::{
    Check, DeliveryError, DeliveryKey, Network, NetworkKind, Post, Receipt, Repeat, Setup, Site, Step,
    async_trait,
};
use network_http::{Settings, Webhook};
use peers::faults::Fault;
use peers::looked::Looked;
use peers::sink::Sink;

fn try_build(toml: &str) -> Result<Box<dyn Network>, Vec<contract::Fault>> {
    let settings: Settings = toml::from_str(toml).unwrap();
    let faults = settings.check();
    if !faults.is_empty() {
        return Err(faults);
    }
    let site = Site {
        name: "Vitré".to_owned(),
        language: "fr".to_owned(),
        timezone: "Europe/Paris".to_owned(),
        machines: Vec::new(),
    };
    let setup = Setup { name: "hook", site: &site, state: std::path::Path::new("/nowhere") };
    Webhook::build(&setup, settings)
}

fn build(toml: &str) -> Box<dyn Network> {
    try_build(toml).unwrap()
}

const QUICK: &str = "connection = { timeout = \"2s\" }\n";

/// A network that can be looked at.
struct Board {
    server: Looked,
    network: Box<dyn Network>,
}

fn board() -> Board {
    let server = Looked::start();
    Board { network: build(&(server.settings("100ms") + QUICK)), server }
}

#[async_trait]
impl Bench for Board {
    fn network(&self) -> &dyn Network {
        self.network.as_ref()
    }

    async fn shown(&self) -> Vec<Shown> {
        let shown = self.server.posts().into_iter().map(|post| Shown {
            text: post.text().to_owned(),
            receipt: post.id,
            under: post.under,
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
            Ail::LockOut => self.server.faults().next(Fault::Refuse(401)),
            Ail::Down => self.server.go_down(),
        }
        true
    }

    async fn settled(&self) {
        self.server.settled().await;
    }

    fn preview(&self, post: &Post) -> Option<String> {
        let usual = toml::from_str("").expect("every key has a default");
        Some(<Webhook as NetworkKind>::preview(&usual, post))
    }
}

/// A webhook that is only spoken to, in Markdown, and calls roles.
struct Hole {
    sink: Sink,
    network: Box<dyn Network>,
}

fn hole_with(more: &str) -> Hole {
    let sink = Sink::start();
    Hole { network: build(&format!("url = \"{}/hook\"\n{more}{QUICK}", sink.url())), sink }
}

fn hole() -> Hole {
    hole_with("markup = \"markdown\"\nmention = \"@{role}\"\npace = { burst = 100 }\n")
}

#[async_trait]
impl Bench for Hole {
    fn network(&self) -> &dyn Network {
        self.network.as_ref()
    }

    async fn shown(&self) -> Vec<Shown> {
        let text = |body: serde_json::Value| body["text"].as_str().unwrap_or_default().to_owned();
        let shown = self.sink.received().into_iter().map(|received| Shown {
            receipt: String::new(),
            under: None,
            text: text(received.json()),
        });
        shown.collect()
    }

    fn count(&self, shown: &Shown) -> Found {
        eye::markdown(&shown.text)
    }

    async fn ail(&self, ail: Ail) -> bool {
        match ail {
            Ail::LoseAnswer => self.sink.faults().next(Fault::TakeThenCut),
            Ail::Busy(after) => self.sink.faults().next(Fault::TooMany(after)),
            Ail::LockOut => self.sink.faults().next(Fault::Refuse(404)),
            Ail::Down => self.sink.go_down(),
        }
        true
    }
}

mod looked {
    use super::*;
    contract::network_conformance!(board());
}

mod spoken_to {
    use super::*;
    contract::network_conformance!(hole());
}

async fn publish(network: &dyn Network, step: &Step, post: &Post) -> Result<Receipt, DeliveryError> {
    let key = DeliveryKey::new("hook", &post.episode, "root");
    network.publish(&delivery(&key, step, post)).await
}

#[tokio::test]
async fn s_02_words_of_a_machine_are_never_a_template() {
    let body = "body = '''{\"text\": {{ text | tojson }}, \"name\": {{ machine.name | tojson }}, \
                \"word\": {{ word | tojson }}, \"tag\": {{ provenance.tag | tojson }}}'''\nmarkup = \"plain\"\n";
    let hole = hole_with(body);
    for words in
        ["{{ 7*7 }}", "{{ key }}", "{% for x in range(9) %}{{ x }}{% endfor %}", "{# gone #}", "${env:HOME}"]
    {
        let mut post = filled_with(words);
        post.provenance.tag = Some(words.to_owned());
        publish(hole.network.as_ref(), &Step::Open, &post).await.unwrap();
        let found = hole.sink.received().pop().unwrap().json();
        for field in ["name", "word", "tag"] {
            assert_eq!(found[field], words);
        }
        assert_eq!(found["text"].as_str().unwrap().matches(words).count(), 8, "{}", found["text"]);
    }
}

#[tokio::test]
async fn a_template_has_all_that_is_known() {
    let body = r#"body = '''[{{ first_line | tojson }}, {{ first_line_plain | tojson }}, {{ lines[1].role | tojson }},
        {{ lines[1].text | tojson }}, {{ mark | tojson }}, {{ shape | tojson }}, {{ word | tojson }},
        {{ machine.name | tojson }}, {{ machine.key | tojson }}, {{ machine.place | tojson }}, {{ priority }},
        {{ language | tojson }}, {{ begun | tojson }}, {{ ended | tojson }}, {{ written | tojson }}, {{ written_ms }},
        {{ step | tojson }}, {{ is_repeat | tojson }}, {{ version }}, {{ provenance.rule | tojson }},
        {{ provenance.value }}]'''
"#;
    let hole = hole_with(body);
    publish(hole.network.as_ref(), &Step::Open, &warning("fr")).await.unwrap();
    let wanted = serde_json::json!([
        "⚠️ ATTENTION · Presse 3 · huile à 78,2 °C, limite 75 °C",
        "⟦ATTENTION⟧ Presse 3 · huile à 78,2 °C, limite 75 °C",
        "to_do",
        "À faire : vérifier l'échangeur.",
        "warning",
        "⚠️",
        "ATTENTION",
        "Presse 3",
        "press-3",
        "Vitré/Atelier B/Ligne 2",
        2,
        "fr",
        "2026-03-17T14:32:00Z",
        null,
        "2026-03-17T14:32:00Z",
        1_773_757_920_000_i64,
        "open",
        false,
        1,
        "limit.oil-hot",
        78.2
    ]);
    assert_eq!(hole.sink.received()[0].json(), wanted);
}

#[tokio::test]
async fn headers_and_secrets_are_sent_and_an_edit_has_a_key_of_its_own() {
    let secret = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("http-token");
    std::fs::write(&secret, "Bearer t0ken\n").unwrap();
    let sink = Sink::start();
    let url = sink.url();
    let network = build(&format!(
        "url = \"{url}/new\"\nmethod = \"PUT\"\nreceipt = \"/id\"\nkey_header = \"Idempotency-Key\"\n\
         headers = {{ \"X-Plant\" = \"Vitre\" }}\nsecret_headers = {{ \"Authorization\" = {{ file = {secret:?} }} }}\n\
         edit = {{ url = \"{url}/posts/{{{{ receipt }}}}?v=1\", method = \"PATCH\" }}\n{QUICK}"
    ));
    assert_eq!(network.capabilities().repeat, Repeat::Key);
    // The sink names nothing: taken, and no more than that.
    assert_eq!(publish(network.as_ref(), &Step::Open, &warning("fr")).await, Ok(Receipt::nameless()));
    let shown = Receipt("../a b/7?x#y".to_owned());
    publish(network.as_ref(), &Step::Edit(shown), &Post { version: 2, ..warning("fr") }).await.unwrap();
    let received = sink.received();
    assert_eq!(received[0].method, "PUT");
    assert_eq!(received[0].headers["x-plant"], "Vitre");
    assert_eq!(received[0].headers["authorization"], "Bearer t0ken");
    assert_eq!(received[0].headers["content-type"], "application/json");
    let key = DeliveryKey::new("hook", &warning("fr").episode, "root").0;
    assert_eq!(received[0].headers["idempotency-key"], key);
    assert_eq!(received[1].headers["idempotency-key"], format!("{key}-2"));
    assert_eq!(
        (received[1].method.as_str(), received[1].path.as_str()),
        ("PATCH", "/posts/..%2Fa%20b%2F7%3Fx%23y?v=1")
    );
    let dots = Step::Edit(Receipt("..".to_owned()));
    assert!(matches!(publish(network.as_ref(), &dots, &warning("fr")).await, Err(DeliveryError::Never(_))));
}

#[tokio::test]
async fn a_post_taken_late_is_found_late_and_not_doubled() {
    let board = board();
    board.server.faults().next(Fault::TakeAfter(Duration::from_millis(2_300)));
    let (key, post) = (DeliveryKey::new("hook", &warning("fr").episode, "root"), warning("fr"));
    let delivery = delivery(&key, &Step::Open, &post);
    assert!(matches!(board.network.publish(&delivery).await, Err(DeliveryError::Unanswered { .. })));
    board.server.settled().await;
    let found = board.network.look(&delivery).await.unwrap().expect("it is shown by now");
    assert_eq!(board.server.posts()[0].id, found.0);
    board.server.faults().mix(peers::faults::Mixture { seed: 1, shares: vec![(1.0, Fault::Refuse(502))] });
    assert!(matches!(board.network.look(&delivery).await, Err(DeliveryError::Later { .. })));
}

#[tokio::test]
async fn html_is_written_as_html() {
    let hole = hole_with("markup = \"html\"\n");
    publish(hole.network.as_ref(), &Step::Open, &filled_with("<img src=x onerror=1>&")).await.unwrap();
    publish(hole.network.as_ref(), &Step::Open, &posts("fr")[1]).await.unwrap();
    let shown = hole.shown().await;
    assert!(
        shown[0].text.contains("&lt;\u{2060}img") && !shown[0].text.contains("<img"),
        "{}",
        shown[0].text
    );
    assert!(shown[1].text.contains("<br>\n"), "{}", shown[1].text);
}

#[test]
fn mistakes_have_their_key() {
    #[track_caller]
    fn check(toml: &str, wanted: &str) {
        let settings: Settings = toml::from_str(toml).unwrap();
        let found: Vec<String> =
            settings.check().into_iter().map(|fault| format!("{}: {}", fault.key, fault.message)).collect();
        assert!(found.len() == 1 && found[0].contains(wanted), "{found:#?}");
    }
    let url = "url = \"http://127.0.0.1/x\"\n";
    let with = |more: &str| format!("{url}{more}");
    check("", "url: missing");
    check("url = \"http://169.254.169.254/\"", "url: `169.254.169.254` is a link-local");
    check(&with("url_secret = { env = \"X\" }"), "url_secret: excluded");
    check(&with("body = '{{ text'"), "body: syntax error in line 1");
    check(&with("body = '{{ txet | tojson }}'"), "body: uses a name that is not there in line 1");
    check(&with("body = '{\"text\": \"{{ text }}\"}'"), "body: is not JSON once filled");
    check(&with("receipt = \"id\""), "receipt: expected a JSON pointer");
    check(&with("edit = { url = \"http://127.0.0.1/{{ receipt }}\" }"), "edit: needs `receipt`");
    check(&with("receipt = \"/id\"\nedit = { url = \"{{ receipt }}\" }"), "edit.url: invalid URL");
    check(
        &with("receipt = \"/id\"\nreply = { url = \"http://127.0.0.1/\", body = '{{ x' }"),
        "reply.body: syntax",
    );
    check(
        &with("look = { url = \"http://127.0.0.1/\", receipt = \"id\" }"),
        "look.receipt: expected a JSON pointer",
    );
    check(&with("mention = \"@role\""), "mention: found `@role`");
    check(&with("key_header = \"a b\""), "key_header: is no header");
    check(&with("headers = { \"a b\" = \"c\" }"), "headers.a b: is no header");
    check(&with("chars_max = 1"), "chars_max: found 1");
    check(&with("pace = { burst = 0 }"), "pace.burst: found 0");
    check(&with("connection = { timeout = \"1m\" }"), "connection.timeout: expected");
    assert!(toml::from_str::<Settings>("url = \"x\"\nboddy = \"\"").is_err());
    assert!(try_build(&with("secret_headers = { \"X\" = { file = \"/nowhere/x\" } }")).is_err());
}

#[test]
fn the_sample_shows_every_option_at_its_default() {
    let sample = include_str!("../sample.toml");
    let shown: Settings = toml::from_str(sample).unwrap();
    assert_eq!(shown.check(), []);
    let mut bare: Settings = toml::from_str("url = \"https://chat.usine.example/hooks/press\"").unwrap();
    assert_eq!(shown.connection.total(), bare.connection.total());
    bare.connection.timeout = shown.connection.timeout;
    assert_eq!(shown, bare);
    // Those without a default are there too, behind a `#`.
    let is_option = |rest: &&str| rest.contains(" = ") || rest.starts_with('[');
    let option = |line: &str| line.strip_prefix("# ").filter(is_option).map(str::to_owned);
    let whole: Vec<String> = sample.lines().map(|line| option(line).unwrap_or(line.to_owned())).collect();
    let whole: Settings = toml::from_str(&whole.join("\n")).unwrap();
    assert!(whole.edit.is_some() && whole.reply.is_some() && whole.look.is_some() && whole.mention.is_some());
    assert!(whole.url_secret.is_some() && whole.receipt.is_some() && whole.key_header.is_some());
    assert!(whole.connection.ca.is_some() && whole.connection.proxy.is_some());
    let whole = Settings { url_secret: None, connection: bare.connection, ..whole };
    assert_eq!(whole.check(), []);
}
