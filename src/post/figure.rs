//! Words for what is worked out of values: rates, counts, windows, differences, states.

use contract::Moment;

use super::write::Page;
use super::{About, Figure};
use crate::episode::Side;

/// The fact of the first line, with the name of the tag as it fits; `None` for what `write` has words for.
pub fn fact(page: &Page<'_>, tag: &str) -> Option<String> {
    let (language, episode) = (page.language, page.episode);
    let since = language.since(page.stepped(), page.now);
    Some(match (&page.subject.about, episode.ended) {
        (About::Figure { figure, side, limit, .. }, None) => {
            let name = if *side == Side::High { "figure-high" } else { "figure-low" };
            let (value, limit) =
                (value(page, *figure), limit.map(|limit| page.number(limit)).unwrap_or_default());
            let said = said(page, *figure, tag);
            language.say(name, &[("what", &said), ("value", &value), ("limit", &limit), ("since", &since)])
        }
        (About::Figure { figure, .. }, Some(ended)) => {
            let said = said(page, *figure, tag);
            over(page, "figure-cleared", &[("what", &said), ("value", &value(page, *figure))], ended)
        }
        (About::State { .. }, None) => {
            language.say("state", &[("tag", tag), ("state", &state(page)), ("since", &since)])
        }
        (About::State { .. }, Some(ended)) => {
            over(page, "state-cleared", &[("tag", tag), ("state", &state(page))], ended)
        }
        (About::Stuck { after }, None) => {
            let after = language.lasted(*after);
            language.say("stuck", &[("tag", tag), ("since", &since), ("after", &after)])
        }
        (About::Stuck { .. }, Some(ended)) => over(page, "stuck-cleared", &[("tag", tag)], ended),
        (About::Claim { say }, None) => {
            let say = say.in_language(language.code()).unwrap_or_default();
            match episode.value {
                Some(value) => {
                    let value = page.quantity(value);
                    language.say("claim-value", &[("say", say), ("value", &value), ("since", &since)])
                }
                None => language.say("claim", &[("say", say), ("since", &since)]),
            }
        }
        (About::Claim { say }, Some(ended)) => {
            let say = say.in_language(language.code()).unwrap_or_default();
            over(page, "claim-cleared", &[("say", say)], ended)
        }
        _ => return None,
    })
}

fn over(page: &Page<'_>, name: &str, facts: &[(&'static str, &str)], ended: Moment) -> String {
    let language = page.language;
    let span = language.span(page.episode.since, ended, page.now);
    let lasted = language.lasted(ended.since(page.episode.since));
    let all: Vec<_> = facts.iter().copied().chain([("span", span.as_str()), ("lasted", &lasted)]).collect();
    language.say(name, &all)
}

/// What the figure is, after the name of its tag.
pub fn said(page: &Page<'_>, figure: Figure, tag: &str) -> String {
    let language = page.language;
    match figure {
        Figure::Rate { .. } => language.say("figure-rate", &[("tag", tag)]),
        Figure::Count { .. } => language.say("figure-count", &[("tag", tag)]),
        Figure::Window { name, over } => {
            language.say(name, &[("tag", tag), ("over", &language.lasted(over))])
        }
        Figure::Compare => language.say("figure-compare", &[("tag", tag)]),
    }
}

/// The figure with its unit, and the time in which it is counted.
fn value(page: &Page<'_>, figure: Figure) -> String {
    let language = page.language;
    let Some(value) = page.episode.value else { return String::new() };
    match figure {
        Figure::Rate { per } => {
            let quantity = page.quantity(value);
            language.say("per", &[("value", &quantity), ("per", &unit(page, per))])
        }
        Figure::Count { over } => {
            let count = language.number(value, 0);
            language.say("within", &[("value", &count), ("over", &language.lasted(over))])
        }
        Figure::Window { .. } | Figure::Compare => page.quantity(value),
    }
}

/// The unit of the figure: `°C par min`.
pub fn unit_of(page: &Page<'_>, figure: Figure) -> String {
    let tag = page.unit().unwrap_or_default();
    match figure {
        Figure::Rate { per } => page.language.say("per", &[("value", tag), ("per", &unit(page, per))]),
        Figure::Count { .. } => String::new(),
        Figure::Window { .. } | Figure::Compare => tag.to_owned(),
    }
}

/// `min` for one minute, `5 min` for five.
fn unit(page: &Page<'_>, per: std::time::Duration) -> String {
    let said = page.language.lasted(per);
    said.strip_prefix("1\u{A0}").map_or(said.clone(), str::to_owned)
}

/// What people call the state that it is in.
fn state(page: &Page<'_>) -> String {
    let About::State { names, .. } = &page.subject.about else { return String::new() };
    let Some(value) = page.episode.worst.or(page.episode.value) else { return String::new() };
    let found = names.iter().find(|(number, _)| *number == value);
    let words = found.and_then(|(_, words)| words.in_language(page.language.code()));
    words.map_or_else(|| page.language.number(value, 0), str::to_owned)
}

/// The line under the first.
pub fn context(page: &Page<'_>) -> String {
    let (language, is_over) = (page.language, page.episode.ended.is_some());
    match &page.subject.about {
        About::Figure { limit: Some(limit), side, .. } if is_over => {
            let name = if *side == Side::High { "limit-was-high" } else { "limit-was-low" };
            language.say(name, &[("limit", &page.number(*limit))])
        }
        About::Figure { usual: Some([from, to]), .. } if !is_over => {
            language.say("usual", &[("from", &page.number(*from)), ("to", &page.number(*to))])
        }
        // What was counted is told; what the tag shows between two of them says nothing.
        About::Figure { figure: Figure::Count { .. }, .. } => String::new(),
        About::Figure { .. } if !is_over => match page.known.latest {
            Some(latest) => language.say("figure-latest", &[("value", &page.quantity(latest))]),
            None => String::new(),
        },
        About::State { longer: Some(longer), .. } => {
            language.say("state-longer", &[("longer", &language.lasted(*longer))])
        }
        About::Stuck { .. } if !is_over => match page.episode.value.or(page.known.latest) {
            Some(value) => language.say("stuck-at", &[("value", &page.quantity(value))]),
            None => language.say("silent-unknown", &[]),
        },
        _ => String::new(),
    }
}
