//! What people and other machines did about an episode: who took charge, what keeps it from being told, what waits
//! for a person. Roles and reasons are data.

use contract::{Mark, Text, clean};

use super::Subject;
use super::write::Page;
use crate::episode::{Aside, Cover, Episode, Mute};

/// The longest reason that is told, in characters.
const REASON_CHARS_MAX: usize = 80;

/// The shape of the first line.
pub fn mark(subject: &Subject, episode: &Episode) -> Mark {
    match episode.ended {
        None if episode.mute.is_some() => Mark::Paused,
        // Not its worst step: nobody can say on which one it is.
        None if episode.is_unstable => Mark::Warning,
        None => subject.mark(episode.level),
        Some(_) if episode.is_unconfirmed => Mark::Warning,
        Some(_) => Mark::Cleared,
    }
}

/// The word of the first line, where it is not that of the shape.
pub fn word(episode: &Episode) -> Option<&'static str> {
    match episode.ended {
        Some(_) if episode.is_unconfirmed => Some("word-confirm"),
        None if episode.mute.is_none() && episode.is_unstable => Some("word-unstable"),
        Some(_) | None => None,
    }
}

/// The sentence that says so.
pub fn context(page: &Page<'_>) -> Text {
    let (language, episode) = (page.language, page.episode);
    match (&episode.mute, &episode.acknowledged) {
        (Some(Mute::Aside(aside)), _) => set_aside(page, aside),
        (Some(Mute::Covered(cover)), _) => covered(page, cover),
        (None, _) if episode.is_unstable && !episode.is_unconfirmed => {
            let since = language.since(episode.since, page.now);
            let times = usize::try_from(episode.flips).unwrap_or(usize::MAX);
            let name = if episode.ended.is_some() { "unstable-was" } else { "unstable" };
            Text::default().ours(language.count(name, times, &[("since", &since)]))
        }
        (None, _) if episode.is_unconfirmed => Text::default().ours(language.say("to-confirm", &[])),
        (None, Some(hand)) if episode.is_live() => {
            let at = language.at(hand.at, page.now);
            Text::default().ours(language.say("acknowledged", &[("at", &at)]))
        }
        (None, _) => Text::default(),
    }
}

fn set_aside(page: &Page<'_>, aside: &Aside) -> Text {
    let language = page.language;
    let (name, at, role, reason) = match aside {
        Aside::Shelved { until, hand, reason } => {
            ("shelved", language.until(*until, page.now), &hand.role, reason)
        }
        Aside::OutOfService { hand, reason } => {
            ("out-of-service", language.at(hand.at, page.now), &hand.role, reason)
        }
    };
    let data = [("role", clean(role, REASON_CHARS_MAX)), ("reason", clean(reason, REASON_CHARS_MAX))];
    let data: Vec<(&'static str, &str)> = data.iter().map(|(name, words)| (*name, words.as_str())).collect();
    language.text(name, &[("at", &at)], &data)
}

fn covered(page: &Page<'_>, cover: &Cover) -> Text {
    let (key, by) = match cover {
        Cover::Parent(name) => ("covered-parent", name.as_str()),
        Cover::State(words) => ("covered-state", words.in_language(page.language.code()).unwrap_or_default()),
    };
    Text::default().ours(page.language.say(key, &[("by", by)]))
}
