//! One post for what happened while a network could not be reached.

use std::time::Duration;

use contract::{Author, EpisodeId, Line, LineRole, Mark, Moment, Post, Priority, Provenance, Text};

use super::Language;

/// So many open ones are named; the others are counted.
const NAMED_MAX: usize = 5;

/// One that is still open.
#[derive(Debug, Clone, PartialEq)]
pub struct Still {
    /// Its shape.
    pub mark: Mark,
    /// Whose.
    pub machine: String,
    /// About what: the first words of its fact.
    pub what: String,
    /// Since when.
    pub begun: Moment,
}

/// What happened during an outage.
#[derive(Debug, Clone, PartialEq)]
pub struct Outage {
    /// The name of the catch-up.
    pub episode: EpisodeId,
    /// When the network was lost.
    pub lost: Moment,
    /// When it was back.
    pub back: Moment,
    /// The open ones, the most urgent first.
    pub open: Vec<Still>,
    /// How many have ended.
    pub ended: usize,
    /// When the last of those ended.
    pub last_ended: Option<Moment>,
    /// How long those lasted together.
    pub lasted: Duration,
    /// Grows with every change.
    pub version: u32,
}

/// The catch-up post.
pub fn catch_up(outage: &Outage, author: Author, language: &Language, now: Moment) -> Post {
    let span = language.span(outage.lost, outage.back, now);
    let lasted = language.lasted(outage.back.since(outage.lost));
    let fact = language.say("catch-up", &[("span", &span), ("lasted", &lasted)]);
    let is_over = outage.open.is_empty();
    Post {
        episode: outage.episode.clone(),
        version: outage.version,
        author,
        language: language.code().to_owned(),
        priority: Priority::Low,
        mark: Mark::Digest,
        word: language.say("word-catch-up", &[]),
        fact: Text::default().ours(fact),
        lines: lines(outage, language, now),
        begun: outage.lost,
        ended: is_over.then(|| outage.last_ended.map_or(outage.back, |ended| ended.max(outage.back))),
        written: now,
        chart: None,
        provenance: Provenance { rule: "outage".into(), ..Provenance::default() },
    }
}

fn lines(outage: &Outage, language: &Language, now: Moment) -> Vec<Line> {
    let all = outage.ended + outage.open.len();
    let open = outage.open.len().to_string();
    let mut lines = vec![Line {
        role: LineRole::Context,
        text: Text::default().ours(language.count("catch-up-count", all, &[("open", &open)])),
    }];
    if !outage.open.is_empty() {
        let mut named: Vec<String> =
            outage.open.iter().take(NAMED_MAX).map(|still| still_words(still, language, now)).collect();
        let more = outage.open.len().saturating_sub(NAMED_MAX);
        if more > 0 {
            named.push(language.count("catch-up-more", more, &[]));
        }
        lines.push(Line { role: LineRole::Context, text: Text::default().ours(named.join(" · ")) });
    }
    if outage.ended > 0 {
        let lasted = language.lasted(outage.lasted);
        let words = language.count("catch-up-ended", outage.ended, &[("lasted", &lasted)]);
        lines.push(Line { role: LineRole::Fine, text: Text::default().ours(words) });
    }
    lines
}

fn still_words(still: &Still, language: &Language, now: Moment) -> String {
    let since = language.since(still.begun, now);
    language.say(
        "catch-up-open",
        &[
            ("shape", still.mark.shape()),
            ("machine", &still.machine),
            ("tag", &still.what),
            ("since", &since),
        ],
    )
}
