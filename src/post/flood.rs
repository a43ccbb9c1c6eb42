//! The digest of a flood.

use contract::{Author, Line, LineRole, Mark, Moment, Post, Priority, Provenance, Text};

use super::Language;
use crate::episode::flood::Flood;

/// So many kinds of alerts are counted for the reader.
const KINDS_MAX: usize = 4;
/// So many open ones are named, once it is calm.
const NAMED_MAX: usize = 4;

/// The post of a flood. `number` is the place of the language in the plan.
pub fn flood(flood: &Flood, site: &Author, (number, language): (usize, &Language), now: Moment) -> Post {
    let begun = flood.first.since;
    // Minutes: the seconds of a flood tell nobody anything.
    let lasted = flood.ended.unwrap_or(now).since(begun).max(std::time::Duration::from_secs(60));
    let is_over = flood.ended.is_some();
    let total = usize::try_from(flood.total).unwrap_or(usize::MAX);
    let fact = match flood.ended {
        None => language.count(
            "flood",
            total,
            &[("lasted", &language.lasted(lasted)), ("since", &language.since(begun, now))],
        ),
        Some(ended) => {
            let span = language.span(begun, ended, now);
            language.count("flood-over", total, &[("span", &span), ("lasted", &language.lasted(lasted))])
        }
    };
    let mark = if is_over { Mark::Digest } else { Mark::Warning };
    let name = flood.place.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(&site.name);
    Post {
        episode: flood.id.clone(),
        version: flood.version,
        author: Author { name: name.to_owned(), ..site.clone() },
        language: language.code().to_owned(),
        priority: Priority::High,
        mark,
        word: language.say(if is_over { "word-flood-over" } else { "word-flood" }, &[]),
        fact: Text::default().ours(fact),
        lines: lines(flood, (number, language), now),
        begun,
        ended: flood.ended.filter(|_| flood.open.is_empty()),
        written: now,
        chart: None,
        provenance: Provenance { rule: "flood".into(), ..Provenance::default() },
    }
}

fn lines(flood: &Flood, (number, language): (usize, &Language), now: Moment) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = |role, words: String| {
        if !words.is_empty() {
            lines.push(Line { role, text: Text::default().ours(words) });
        }
    };
    let named = |line: &crate::episode::flood::Line| {
        let what = line.what.get(number).map_or("", String::as_str);
        let since = language.since(line.since, now);
        language.say("flood-named", &[("machine", &line.machine), ("tag", what), ("since", &since)])
    };
    line(LineRole::Context, language.say("flood-first", &[("first", &named(&flood.first))]));
    let (kinds, others) = flood.top(number, KINDS_MAX);
    let mut counted: Vec<String> = kinds.iter().map(|(what, count)| format!("{what} {count}")).collect();
    if others > 0 {
        counted.push(language.say("flood-others", &[("count", &others.to_string())]));
    }
    line(LineRole::Context, language.say("flood-kinds", &[("kinds", &counted.join(" · "))]));
    if !flood.apart.is_empty() {
        let apart: Vec<String> = flood.apart.iter().map(named).collect();
        line(LineRole::Context, language.say("flood-apart", &[("apart", &apart.join(" · "))]));
    }
    let open = flood.open.len();
    if flood.ended.is_some() && open > 0 {
        let mut still: Vec<String> = flood.open.values().take(NAMED_MAX).map(named).collect();
        if open > NAMED_MAX {
            still.push(language.count("catch-up-more", open - NAMED_MAX, &[]));
        }
        line(LineRole::Context, language.count("flood-open", open, &[("open", &still.join(" · "))]));
    }
    if flood.ended.is_none() {
        line(LineRole::ToDo, language.say("do", &[("action", &language.say("flood-do", &[]))]));
        line(LineRole::Fine, language.say("flood-fine", &[]));
    }
    lines
}
