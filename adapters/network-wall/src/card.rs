//! A kept post as the page shows it: every word chosen, every time written, nothing of it markup yet but the
//! spans of a text, which are escaped here, once, for all templates.

use std::fmt::Write;

use chart::{Theme, svg};
use contract::{Author, LineRole, Moment, Post, Span, Text};
use minijinja::{HtmlEscape, Value};
use serde::Serialize;

use crate::clock::{Clock, When, lasted};
use crate::store::{Kept, rank};
use crate::words::Words;

/// Colours of avatars. Neighbours in the configuration differ; who is not in it gets one from its key.
const TINTS: u32 = 8;

/// A label such as "À faire :" is short; a colon further on belongs to the sentence.
const LABEL_CHARS_MAX: usize = 24;

/// An author as a square with initials.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Face {
    pub key: String,
    pub name: String,
    pub initials: String,
    pub tint: u32,
    /// From the machine outwards: "Ligne 2 · Atelier B · Vitré".
    pub place: String,
}

/// A state as shape and word.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct State {
    pub mark: &'static str,
    pub shape: &'static str,
    pub word: String,
    pub fact: Value,
}

/// A line under the first.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CardLine {
    pub role: &'static str,
    pub label: Option<String>,
    pub text: Value,
}

/// A post, whole.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Card {
    pub key: String,
    /// Only where it differs from that of the page.
    pub language: Option<String>,
    pub face: Face,
    pub state: State,
    pub lines: Vec<CardLine>,
    /// The course of its value, drawn.
    pub chart: Option<Value>,
    pub open: bool,
    pub priority: u8,
    pub moved: i64,
    pub begun: When,
    pub ended: Option<When>,
    /// When the words were last written, where that differs from the first time.
    pub updated: Option<When>,
    pub lasted: String,
    pub replies: Vec<ReplyCard>,
    pub replies_more: usize,
}

/// A reply in the thread of a post.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ReplyCard {
    pub key: String,
    pub face: Face,
    pub state: State,
    pub lines: Vec<CardLine>,
    pub written: When,
}

/// A machine in the list at the side.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Seat {
    pub face: Face,
    /// Its place in the configuration.
    pub order: usize,
    /// How bad its state is, the worst first; what is not open comes last.
    pub rank: u8,
    pub open: bool,
    pub state: Option<State>,
    pub begun: Option<When>,
    pub lasted: Option<String>,
}

/// The eyes that read a post: the machines of the site, the language of the page, the clock of the plant, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub machines: &'a [Author],
    pub words: &'a Words,
    pub language: &'a str,
    pub clock: &'a Clock,
    pub now: Moment,
}

impl Reader<'_> {
    /// A post as a card.
    pub fn card(&self, kept: &Kept) -> Card {
        let post = &kept.post;
        let until = post.ended.unwrap_or(self.now);
        let is_rewritten = post.written.since(kept.opened).as_secs() >= 60;
        Card {
            key: kept.key.clone(),
            language: Some(post.language.clone()).filter(|language| language != self.language),
            face: self.face(&post.author),
            state: state(post),
            lines: lines(post),
            // Every word in it was escaped by its writer.
            chart: post.chart.as_ref().map(|chart| Value::from_safe_string(svg(chart, Theme::Page))),
            open: kept.place.open,
            priority: post.priority.into(),
            moved: kept.place.moved,
            begun: self.when(post.begun),
            ended: post.ended.map(|ended| self.clock.until(post.begun, ended, self.now, self.words)),
            updated: Some(post.written).filter(|_| is_rewritten).map(|written| self.when(written)),
            lasted: lasted(until.since(post.begun), self.words),
            replies: kept.replies.iter().map(|reply| self.reply(&reply.key, &reply.post)).collect(),
            replies_more: kept.replies_more,
        }
    }

    /// A machine and what it says now.
    pub fn seat(&self, machine: &Author, order: usize, latest: Option<&Kept>) -> Seat {
        let open = latest.is_some_and(|kept| kept.place.open);
        let begun = latest.map(|kept| if open { kept.post.begun } else { kept.post.written });
        Seat {
            face: self.face(machine),
            order,
            rank: latest.filter(|_| open).map_or(u8::MAX, |kept| rank(kept.post.mark)),
            open,
            state: latest.map(|kept| state(&kept.post)),
            begun: begun.map(|begun| self.when(begun)),
            lasted: begun.filter(|_| open).map(|begun| lasted(self.now.since(begun), self.words)),
        }
    }

    /// An author as a face.
    pub fn face(&self, author: &Author) -> Face {
        let places = author.place.split('/').map(str::trim).filter(|place| !place.is_empty());
        let place = places.rev().collect::<Vec<_>>().join(" · ");
        let order = self.machines.iter().position(|machine| machine.key == author.key);
        Face {
            key: author.key.clone(),
            name: author.name.clone(),
            initials: initials(&author.name),
            tint: order.map_or_else(|| hash(&author.key), |order| order as u32) % TINTS,
            place,
        }
    }

    fn reply(&self, key: &str, post: &Post) -> ReplyCard {
        ReplyCard {
            key: key.to_owned(),
            face: self.face(&post.author),
            state: state(post),
            lines: lines(post),
            written: self.when(post.written),
        }
    }

    fn when(&self, moment: Moment) -> When {
        self.clock.when(moment, self.now, self.words)
    }
}

fn state(post: &Post) -> State {
    State {
        mark: post.mark.name(),
        shape: post.mark.shape(),
        word: post.word.clone(),
        fact: markup(post.fact.spans()),
    }
}

fn lines(post: &Post) -> Vec<CardLine> {
    let line = |role, text: &Text| match role {
        LineRole::Context => CardLine { role: "context", label: None, text: markup(text.spans()) },
        LineRole::Fine => CardLine { role: "fine", label: None, text: markup(text.spans()) },
        LineRole::ToDo => {
            let (label, rest) = split_label(text.spans());
            CardLine { role: "todo", label, text: markup(&rest) }
        }
    };
    post.lines.iter().map(|one| line(one.role, &one.text)).collect()
}

/// The label in front of a line, such as "À faire" of "À faire : vérifier…". Only our own words have one.
fn split_label(spans: &[Span]) -> (Option<String>, Vec<Span>) {
    let whole = || (None, spans.to_vec());
    let Some((Span::Ours(first), others)) = spans.split_first() else { return whole() };
    // A colon followed by a space: "15:50" is no label.
    let Some((label, _)) = first.split_once(": ") else { return whole() };
    let label = label.trim_end();
    if label.is_empty() || label.chars().count() > LABEL_CHARS_MAX {
        return whole();
    }
    let rest = Span::Ours(first[label.len()..].to_owned());
    (Some(label.to_owned()), std::iter::once(rest).chain(others.iter().cloned()).collect())
}

/// The only place where words become markup. All of them are escaped; a machine's words keep their own direction.
fn markup(spans: &[Span]) -> Value {
    let mut html = String::new();
    for span in spans {
        // Writing to a string cannot fail.
        let _ = match span {
            Span::Ours(words) => write!(html, "{}", HtmlEscape(words)),
            Span::Data(words) => write!(html, "<bdi>{}</bdi>", HtmlEscape(words)),
            Span::Mention(role) => write!(html, "<span class=\"role\">@{}</span>", HtmlEscape(role)),
        };
    }
    Value::from_safe_string(html)
}

/// "P3" of "Presse 3", "EP" of "Extrudeuse Planète", "Or" of "Ordres".
fn initials(name: &str) -> String {
    let words: Vec<&str> =
        name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let first = |word: &str| word.chars().take(1).flat_map(char::to_uppercase).collect::<String>();
    match words[..] {
        [] => "·".to_owned(),
        [only] => only.chars().take(2).collect(),
        [head, .., last] if last.chars().all(|c| c.is_ascii_digit()) => {
            first(head) + &last[last.len().saturating_sub(2)..]
        }
        [head, next, ..] => first(head) + &first(next),
    }
}

fn hash(key: &str) -> u32 {
    // FNV-1a: small, and the same for ever.
    key.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_short_and_keep_the_number() {
        let all =
            ["Presse 3", "Ligne 4", "Four 12", "Presse hydraulique 128", "Ordres", "Air comprimé", "", "é"];
        assert_eq!(all.map(initials), ["P3", "L4", "F12", "P28", "Or", "AC", "·", "é"]);
    }

    #[test]
    fn words_of_a_machine_are_escaped_and_apart() {
        let text = Text::default().ours("Lot <1> ").data("<b>&\"'").mention("maintenance-B");
        let html = markup(text.spans());
        assert_eq!(
            html.as_str(),
            Some(
                "Lot &lt;1&gt; <bdi>&lt;b&gt;&amp;&quot;&#x27;</bdi><span class=\"role\">@maintenance-B</span>"
            )
        );
    }

    #[test]
    fn a_label_is_ours_and_short() {
        let label = |text: Text| split_label(text.spans()).0;
        assert_eq!(label(Text::default().ours("À faire : vérifier")), Some("À faire".to_owned()));
        assert_eq!(label(Text::default().ours("Vérifier à 15:50")), None);
        assert_eq!(label(Text::default().ours("Vérifier l'échangeur de la presse : il fuit")), None);
        assert_eq!(label(Text::default().data("À faire : vider")), None);
    }
}
