//! What every network must show. An adapter's `tests/kit.rs` brings a [`Bench`] and calls
//! [`network_conformance!`](crate::network_conformance).

use std::time::Duration;

use super::hostile::{self, Random};
pub use super::posts::{filled_with, posts, warning};
use crate::{
    Delivery, DeliveryError, DeliveryKey, Length, Line, LineRole, Network, Post, Receipt, Repeat, Step, Text,
    async_trait,
};

/// One thing that a reader sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The network's own name for it; empty where it gives none.
    pub receipt: String,
    /// The receipt of its root, if it is in a thread.
    pub under: Option<String>,
    /// The words in the network's own markup.
    pub text: String,
}

/// What is more than words in what is shown, counted with the network's own rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// Calls to people or channels, hashtags and links to channels.
    pub mentions: usize,
    /// Links, also those that readers' programs make of bare words.
    pub links: usize,
    /// Headings.
    pub headings: usize,
    /// Pictures, emoji codes and emoticons that become pictures.
    pub images: usize,
    /// HTML that is not ours.
    pub html: usize,
    /// Anything else that changes how it looks: tables, rules, quotes, lists, code, emphasis that is not ours.
    pub markup: usize,
}

/// What can be wrong with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ail {
    /// Takes the next post, and the answer is lost.
    LoseAnswer,
    /// Refuses the next post: come back after so long.
    Busy(Duration),
    /// Refuses our credentials from now on.
    LockOut,
    /// Does not listen from now on.
    Down,
}

/// A network under test and the server that it speaks to, both fresh.
#[async_trait]
pub trait Bench: Send + Sync {
    /// The network.
    fn network(&self) -> &dyn Network;

    /// All that is shown now, in the order in which it was posted.
    async fn shown(&self) -> Vec<Shown>;

    /// Counts what is more than words.
    fn count(&self, shown: &Shown) -> Found;

    /// Makes the server ail. False when this one cannot: the scenario is then not run.
    async fn ail(&self, ail: Ail) -> bool {
        let _ = ail;
        false
    }

    /// Waits until the server has taken all that it will take.
    async fn settled(&self) {}

    /// What a post looks like, without a server; for campaigns of many. `None`: publish it.
    fn preview(&self, post: &Post) -> Option<String> {
        let _ = post;
        None
    }
}

/// Makes one `#[tokio::test]` of each scenario. `$bench` makes a fresh bench.
#[macro_export]
macro_rules! network_conformance {
    ($bench:expr) => {
        $crate::network_conformance!(@ $bench;
            opens_once, edits_in_place, answers_under_its_root, knows_a_repeat, finds_a_lost_answer,
            busy_is_later, locked_out_is_said, down_is_later, never_cuts_in_silence, words_stay_words,
            random_words_stay_words, declared_mentions_are_kept,
        );
    };
    (@ $bench:expr; $($scenario:ident,)*) => {
        $(#[tokio::test]
        async fn $scenario() {
            $crate::kit::network::$scenario(&$bench).await;
        })*
    };
}

/// A delivery of its parts.
pub fn delivery<'a>(key: &'a DeliveryKey, step: &'a Step, post: &'a Post) -> Delivery<'a> {
    Delivery { key, step, post, is_repeat: false }
}

fn key(part: &str) -> DeliveryKey {
    DeliveryKey::new("kit", &warning("fr").episode, part)
}

async fn publish(bench: &dyn Bench, part: &str, step: &Step, post: &Post) -> Result<Receipt, DeliveryError> {
    bench.network().publish(&delivery(&key(part), step, post)).await
}

async fn open(bench: &dyn Bench) -> Receipt {
    publish(bench, "root", &Step::Open, &warning("fr")).await.expect("a healthy server takes a post")
}

/// A post is shown once, with its first line, and named if it can be edited or answered.
pub async fn opens_once(bench: &dyn Bench) {
    let receipt = open(bench).await;
    let shown = bench.shown().await;
    assert_eq!(shown.len(), 1, "{shown:#?}");
    assert_eq!(shown[0].receipt, receipt.0);
    for words in ["ATTENTION", "Presse 3", "78,2", "changeur"] {
        assert!(shown[0].text.contains(words), "{words} is missing in {}", shown[0].text);
    }
    let can = bench.network().capabilities();
    assert!(receipt.is_named() || !(can.edit || can.thread), "what is edited or answered must have a name");
}

/// An edit replaces the words and adds nothing; the same edit twice changes nothing.
pub async fn edits_in_place(bench: &dyn Bench) {
    if !bench.network().capabilities().edit {
        return;
    }
    let step = Step::Edit(open(bench).await);
    let hotter =
        Post { fact: Text::default().ours("huile à 81,5 °C, limite 75 °C"), version: 2, ..warning("fr") };
    for _ in 0..2 {
        publish(bench, "root", &step, &hotter).await.expect("a healthy server takes an edit");
        let shown = bench.shown().await;
        assert_eq!(shown.len(), 1, "{shown:#?}");
        assert!(shown[0].text.contains("81,5") && !shown[0].text.contains("78,2"), "{}", shown[0].text);
    }
}

/// A reply is shown in the thread of its root.
pub async fn answers_under_its_root(bench: &dyn Bench) {
    if !bench.network().capabilities().thread {
        return;
    }
    let root = open(bench).await;
    let note = Post { fact: Text::default().ours("prise en charge"), ..warning("fr") };
    publish(bench, "note-1", &Step::Reply(root.clone()), &note)
        .await
        .expect("a healthy server takes a reply");
    let shown = bench.shown().await;
    assert_eq!(shown.len(), 2, "{shown:#?}");
    assert_eq!(shown[1].under.as_deref(), Some(root.0.as_str()));
}

/// The same key twice is shown as often as the declared [`Repeat`] allows.
pub async fn knows_a_repeat(bench: &dyn Bench) {
    let (first, second) = (open(bench).await, open(bench).await);
    let shown = bench.shown().await.len();
    match bench.network().capabilities().repeat {
        Repeat::Key | Repeat::ShortKey { .. } => {
            assert_eq!((shown, &first), (1, &second), "the server declares to know the key");
        }
        Repeat::Look { .. } | Repeat::Nothing => {
            assert_eq!(shown, 2, "a server that knows repeats should declare it");
        }
    }
}

/// A post whose answer was lost is *unanswered*, and is found again where the network declares that one can look;
/// one that was never posted is not found.
pub async fn finds_a_lost_answer(bench: &dyn Bench) {
    if !bench.ail(Ail::LoseAnswer).await {
        return;
    }
    let error = publish(bench, "root", &Step::Open, &warning("fr")).await.expect_err("the answer was lost");
    assert!(matches!(error, DeliveryError::Unanswered { .. }), "{error:?}");
    bench.settled().await;
    let look = async |part: &str| {
        let (key, post) = (key(part), warning("fr"));
        bench
            .network()
            .look(&delivery(&key, &Step::Open, &post))
            .await
            .expect("a healthy server can be searched")
    };
    match bench.network().capabilities().repeat {
        Repeat::ShortKey { .. } | Repeat::Look { .. } => {
            let found = look("root").await.expect("it is shown, so it is found");
            assert_eq!(bench.shown().await[0].receipt, found.0);
            assert_eq!(look("another").await, None);
        }
        Repeat::Key => {
            open(bench).await;
            assert_eq!(bench.shown().await.len(), 1, "the key must be known after a lost answer too");
        }
        Repeat::Nothing => {}
    }
}

/// A busy server is *later*, with the time that it asked for, and nothing is shown.
pub async fn busy_is_later(bench: &dyn Bench) {
    if !bench.ail(Ail::Busy(Duration::from_secs(7))).await {
        return;
    }
    match publish(bench, "root", &Step::Open, &warning("fr")).await {
        Err(DeliveryError::Later { after, .. }) => assert_eq!(after, Some(Duration::from_secs(7))),
        other => panic!("expected Later, found {other:?}"),
    }
    assert_eq!(bench.shown().await, []);
    open(bench).await;
}

/// Refused credentials are for a person.
pub async fn locked_out_is_said(bench: &dyn Bench) {
    if !bench.ail(Ail::LockOut).await {
        return;
    }
    let found = publish(bench, "root", &Step::Open, &warning("fr")).await;
    assert!(matches!(found, Err(DeliveryError::LockedOut(_))), "{found:?}");
}

/// A server that does not listen is *later*: nothing can have been taken.
pub async fn down_is_later(bench: &dyn Bench) {
    if !bench.ail(Ail::Down).await {
        return;
    }
    let found = publish(bench, "root", &Step::Open, &warning("fr")).await;
    assert!(matches!(found, Err(DeliveryError::Later { .. })), "{found:?}");
}

/// A post that is too long is refused for good, or shown with a sign that it was cut.
pub async fn never_cuts_in_silence(bench: &dyn Bench) {
    let max = match bench.network().capabilities().length {
        Length::Chars(max) | Length::Bytes(max) => max,
    };
    let line = Line { role: LineRole::Context, text: Text::default().ours("mesure ".repeat(14)) };
    let long = Post { lines: vec![line; max / 90 + 2], ..warning("fr") };
    match publish(bench, "root", &Step::Open, &long).await {
        Err(DeliveryError::Never(_)) => assert_eq!(bench.shown().await, []),
        Ok(_) => assert!(bench.shown().await[0].text.contains('…'), "cut, and nobody is told"),
        Err(other) => panic!("expected a cut post or Never, found {other:?}"),
    }
}

/// No string of the corpus becomes more than words, in any field.
pub async fn words_stay_words(bench: &dyn Bench) {
    for (name, words) in hostile::strings() {
        stays_words(bench, name, &words).await;
    }
}

/// Nor do random ones: `PORTEVOIX_CAMPAIGN` of them, 2,000 unless told.
pub async fn random_words_stay_words(bench: &dyn Bench) {
    let has_preview = bench.preview(&warning("fr")).is_some();
    let usual = if has_preview { 2_000 } else { 50 };
    let count = std::env::var("PORTEVOIX_CAMPAIGN").ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let mut random = Random::new(1);
    for n in 0..count {
        let words = random.nasty();
        stays_words(bench, &format!("random {n} {words:?}"), &words).await;
    }
}

async fn stays_words(bench: &dyn Bench, name: &str, words: &str) {
    let post = filled_with(words);
    let text = match bench.preview(&post) {
        Some(text) => text,
        None => match publish(bench, name, &Step::Open, &post).await {
            Ok(_) => bench.shown().await.pop().expect("what was taken is shown").text,
            Err(DeliveryError::Never(_)) => return,
            Err(error) => panic!("{name}: {error:?}"),
        },
    };
    let found = bench.count(&Shown { receipt: String::new(), under: None, text: text.clone() });
    let head: String = text.chars().take(600).collect();
    assert_eq!(found, Found::default(), "{name} became more than words:\n{head}");
}

/// A role that the configuration calls is called, once, where the network can.
pub async fn declared_mentions_are_kept(bench: &dyn Bench) {
    let post = &posts("fr")[1];
    publish(bench, "root", &Step::Open, post).await.expect("a healthy server takes a post");
    let shown = bench.shown().await.pop().expect("what was taken is shown");
    let wanted = usize::from(bench.network().capabilities().mention);
    assert_eq!(bench.count(&shown).mentions, wanted, "{}", shown.text);
}
