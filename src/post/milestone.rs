//! A round number was reached: a story of one line, over as soon as it is told.

use contract::{EpisodeId, Line, LineRole, Mark, Moment, Post, Priority, Provenance, Text, clean};

use super::write::{FIRST_LINE_CHARS_MAX, order_line};
use super::{FieldWords, Language, Subject};

/// What was reached.
#[derive(Debug, Clone)]
pub struct Milestone<'a> {
    /// The name of its post.
    pub episode: EpisodeId,
    /// Of its rule.
    pub subject: &'a Subject,
    /// The round number: `3000`.
    pub reached: f64,
    /// When.
    pub at: Moment,
    /// The current order of the machine: the fields that are told.
    pub order: &'a [FieldWords],
}

/// Its post.
pub fn milestone(milestone: &Milestone<'_>, language: &Language, now: Moment) -> Post {
    let Milestone { episode, subject, reached, at, order } = milestone;
    let tag = subject.tag.as_ref();
    let mut post = Post {
        episode: episode.clone(),
        version: 1,
        author: subject.author.clone(),
        language: language.code().to_owned(),
        priority: Priority::Low,
        mark: Mark::Digest,
        word: language.say("word-milestone", &[]),
        fact: Text::default(),
        lines: Vec::new(),
        begun: *at,
        ended: Some(*at),
        written: now,
        chart: None,
        provenance: Provenance {
            rule: subject.rule.clone(),
            tag: tag.map(|tag| tag.key.clone()),
            value: Some(*reached),
            subject: subject.tag_name(language.code()).to_owned(),
        },
    };
    let value = language.quantity(*reached, 0, tag.and_then(|tag| tag.unit.as_deref()));
    let fact = |name: &str| {
        let at = language.at(*at, now);
        language.say("milestone", &[("tag", name), ("value", &value), ("at", &at)])
    };
    let name = subject.tag_name(language.code());
    let opening = post.first_line().plain().chars().count();
    let over = (opening + fact(name).chars().count()).saturating_sub(FIRST_LINE_CHARS_MAX);
    let short = match over {
        0 => name.to_owned(),
        over => clean(name, name.chars().count().saturating_sub(over + 1).max(8)),
    };
    post.fact = Text::default().ours(fact(&short));
    let order = order_line(order, language, now);
    post.lines = Some(order)
        .filter(|order| !order.is_empty())
        .map(|text| Line { role: LineRole::Context, text })
        .into_iter()
        .collect();
    post
}
