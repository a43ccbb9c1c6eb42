//! Words for what nobody wrote a limit for: a part of a source, an alarm of another system, a row of a business
//! document. Nearly all of them are data: they stay apart from ours, and are cut so that the first line fits.

use contract::{Cause, Flaw, Moment, Post, Text, Thing, Trouble, Value, clean};

use super::write::{FIRST_LINE_CHARS_MAX, Page};
use super::{About, FieldWords, Language, forecast};

/// Of a name that does not fit, so many characters stay at least.
const KEPT_CHARS_MIN: usize = 8;

/// The fact of the first line; `None` for what `write` has words for.
pub fn fact(page: &Page<'_>, post: &Post) -> Option<Text> {
    let opening = post.first_line().plain().chars().count() - post.fact.plain().chars().count();
    let room = FIRST_LINE_CHARS_MAX.saturating_sub(opening);
    let whole = whole_fact(page, usize::MAX)?;
    let over = whole.plain().chars().count().saturating_sub(room);
    if over == 0 {
        return Some(whole);
    }
    let longest = longest_data(&whole);
    // One more for the sign of the cut.
    whole_fact(page, longest.saturating_sub(over + 1).max(KEPT_CHARS_MIN))
}

fn longest_data(text: &Text) -> usize {
    let lengths = text.spans().iter().map(|span| match span {
        contract::Span::Data(words) => words.chars().count(),
        contract::Span::Ours(_) | contract::Span::Mention(_) => 0,
    });
    lengths.max().unwrap_or(0)
}

/// The fact with every word of others cut at so many characters.
fn whole_fact(page: &Page<'_>, chars_max: usize) -> Option<Text> {
    let (language, episode) = (page.language, page.episode);
    let since = language.since(episode.since, page.now);
    let (span, lasted) = match episode.ended {
        Some(ended) => {
            (language.span(episode.since, ended, page.now), language.lasted(ended.since(episode.since)))
        }
        None => (String::new(), String::new()),
    };
    let facts = [("since", since.as_str()), ("span", &span), ("lasted", &lasted)];
    let is_over = episode.ended.is_some();
    let cut = |words: &str| clean(words, chars_max);
    Some(match &page.subject.about {
        About::Part { trouble, .. } => {
            let part = wire_part(trouble, language, chars_max)
                .unwrap_or_else(|| language.text(part(trouble.thing), &[], &[("name", &cut(&trouble.name))]));
            let name = if is_over { "part-cleared" } else { wrong(trouble) };
            woven(language, name, &facts, &[("part", &part)])
        }
        About::Alarm { alarm } => {
            let words = if alarm.message.trim().is_empty() { &alarm.name } else { &alarm.message };
            let name = if is_over { "alarm-cleared" } else { "alarm" };
            language.text(name, &facts, &[("alarm", &cut(words))])
        }
        About::Record { record } => {
            let code = language.code();
            let list = record.list.in_language(code).unwrap_or_default();
            let say = record.say.in_language(code).unwrap_or_default();
            let name = if is_over { "record-cleared" } else { "record" };
            let facts: Vec<_> = facts.into_iter().chain([("list", list), ("say", say)]).collect();
            language.text(name, &facts, &[("key", &cut(&record.key))])
        }
        About::Forecast { forecast } => forecast::fact(page, forecast, chars_max),
        About::Limit { .. }
        | About::Figure { .. }
        | About::State { .. }
        | About::Stuck { .. }
        | About::Claim { .. }
        | About::Silence { .. }
        | About::Source { .. }
        | About::Store => return None,
    })
}

/// A unit or a register of a Modbus line: their names are words of the wire (`unit 3 holding 100`), which each
/// language has its own for. They are numbers and our words, so what is too long is said shorter instead of cut.
fn wire_part(trouble: &Trouble, language: &Language, chars_max: usize) -> Option<Text> {
    let words: Vec<&str> = trouble.name.split(' ').collect();
    let (name, unit, number) = match (trouble.thing, words.as_slice()) {
        (Thing::Device | Thing::Address, ["unit", unit]) => ("part-unit", *unit, "0"),
        (Thing::Address, ["unit", unit, "holding", number]) => ("part-holding", *unit, *number),
        (Thing::Address, ["unit", unit, "input", number]) => ("part-input", *unit, *number),
        (Thing::Address, ["unit", unit, "coil", number]) => ("part-coil", *unit, *number),
        (Thing::Address, ["unit", unit, "discrete", number]) => ("part-discrete", *unit, *number),
        _ => return None,
    };
    if unit.parse::<u8>().is_err() || number.parse::<u16>().is_err() {
        return None;
    }
    let name = if chars_max < usize::MAX && name != "part-unit" { "part-register" } else { name };
    Some(Text::default().ours(language.say(name, &[("unit", unit), ("number", number)])))
}

fn part(thing: Thing) -> &'static str {
    match thing {
        Thing::Device => "part-device",
        Thing::Address => "part-address",
        Thing::File => "part-file",
        Thing::Query => "part-query",
        Thing::Events => "part-events",
    }
}

fn wrong(trouble: &Trouble) -> &'static str {
    match &trouble.cause {
        Cause::NoAnswer => "part-no-answer",
        Cause::SaidGoodbye => "part-goodbye",
        Cause::Refused(_) if trouble.thing == Thing::File => "part-denied",
        Cause::Refused(_) => "part-refused",
        // The file is there; what it should hold is not.
        Cause::Missing(_) if matches!(trouble.thing, Thing::File | Thing::Query) => "part-lacks",
        Cause::Missing(_) => "part-missing",
        Cause::Unreadable { .. } | Cause::Spoilt { .. } => "part-unreadable",
        Cause::Forbidden(_) => "part-forbidden",
        Cause::TooLarge { .. } => "part-too-large",
        Cause::Lost => "part-lost",
    }
}

/// What to do about a part.
pub fn to_do(thing: Thing) -> &'static str {
    match thing {
        Thing::Device => "part-device-do",
        Thing::Address => "part-address-do",
        Thing::File => "part-file-do",
        Thing::Query => "part-query-do",
        Thing::Events => "part-events-do",
    }
}

/// The lines under the first.
pub fn context(page: &Page<'_>) -> Vec<Text> {
    let language = page.language;
    match &page.subject.about {
        About::Part { .. } if page.episode.ended.is_some() => Vec::new(),
        About::Part { source, trouble } => {
            let source = Text::default().ours(language.say("part-source", &[("source", source)]));
            vec![detail(&trouble.cause, language), source]
        }
        About::Alarm { alarm } => {
            let severity = alarm.severity.to_string();
            let mut said =
                language.text("alarm-server", &[("severity", &severity)], &[("alarm", &alarm.name)]);
            if alarm.is_acknowledged {
                said = said.ours(" ").ours(language.say("alarm-acknowledged", &[]));
            }
            vec![said]
        }
        About::Record { record } => {
            let fields = record.fields.iter().map(|field| told(field, language, page.now));
            let joined = fields.fold(Text::default(), |text, field| {
                let text = if text.is_empty() { text } else { text.ours(" · ") };
                text.append(&field)
            });
            vec![joined]
        }
        About::Forecast { forecast } => forecast::context(page, forecast),
        About::Limit { .. }
        | About::Figure { .. }
        | About::State { .. }
        | About::Stuck { .. }
        | About::Claim { .. }
        | About::Silence { .. }
        | About::Source { .. }
        | About::Store => Vec::new(),
    }
}

fn detail(cause: &Cause, language: &Language) -> Text {
    match cause {
        Cause::NoAnswer | Cause::SaidGoodbye | Cause::Lost => Text::default(),
        Cause::Refused(answer) => language.text("part-answer", &[], &[("detail", answer)]),
        Cause::Missing(what) => language.text("part-absent", &[], &[("detail", what)]),
        Cause::Unreadable { place, found } if place.is_empty() => {
            language.text("part-found", &[], &[("detail", found)])
        }
        Cause::Unreadable { place, found } if found.is_empty() => {
            around(language, "part-found-nothing", "place", &whereabouts(place, language))
        }
        Cause::Unreadable { place, found } => {
            let (place, detail) = (whereabouts(place, language), Text::default().data(found));
            woven(language, "part-found-at", &[], &[("place", &place), ("detail", &detail)])
        }
        Cause::Spoilt { place, flaw, found } => flawed(place, *flaw, found, language),
        Cause::Forbidden(what) => match what.as_str() {
            "a link" => Text::default().ours(language.say("part-found-link", &[])),
            "a pipe" | "a socket" | "a device" | "no file" => {
                Text::default().ours(language.say("part-found-strange", &[]))
            }
            "DOCTYPE" => Text::default().ours(language.say("part-found-doctype", &[])),
            _ => language.text("part-found", &[], &[("detail", what)]),
        },
        Cause::TooLarge { max } => {
            let max = language.number(*max as f64, 0);
            Text::default().ours(language.say("part-max", &[("max", &max)]))
        }
    }
}

/// What is wrong with a document as a whole. What a parser says of it is for the log alone.
fn flawed(place: &str, flaw: Flaw, found: &str, language: &Language) -> Text {
    let name = format!("flaw-{}", flaw.word());
    let flaw = language.text(&name, &[], &[("found", found)]);
    match place.is_empty() {
        true => around(language, "part-flaw", "flaw", &flaw),
        false => {
            let place = whereabouts(place, language);
            woven(language, "part-flaw-at", &[], &[("place", &place), ("flaw", &flaw)])
        }
    }
}

/// `line 12, Quantité` as this language says it: `ligne 12, Quantité`. Names of columns and what programs say stay data.
fn whereabouts(place: &str, language: &Language) -> Text {
    let mut text = Text::default();
    for (at, piece) in place.split(", ").enumerate() {
        let text_so_far = if at == 0 { text } else { text.ours(", ") };
        let counted = piece.split_once(' ').filter(|(_, number)| number.bytes().all(|c| c.is_ascii_digit()));
        let name = match counted.map(|(word, _)| word) {
            Some("line") => Some("place-line"),
            Some("row") => Some("place-row"),
            Some("column") => Some("place-column"),
            Some("byte") => Some("place-byte"),
            _ => None,
        };
        text = match (name, counted) {
            (Some(name), Some((_, number))) => text_so_far.ours(language.say(name, &[("number", number)])),
            _ => text_so_far.data(piece),
        };
    }
    text
}

/// `quantité : 1 200 pièces`
fn told(field: &FieldWords, language: &Language, now: Moment) -> Text {
    let name = field.name.in_language(language.code()).unwrap_or_default();
    let value = value(field, language, now);
    woven(language, "record-field", &[("field", name)], &[("value", &value)])
}

/// A value as this language writes it.
pub fn value(field: &FieldWords, language: &Language, now: Moment) -> Text {
    match &field.value {
        Value::Number(number) => {
            let decimals = shown_decimals(*number);
            Text::default().ours(language.quantity(*number, decimals, field.unit.as_deref()))
        }
        Value::Flag(flag) => Text::default().ours(language.say(if *flag { "yes" } else { "no" }, &[])),
        Value::Time(moment) => Text::default().ours(language.point(*moment, now)),
        Value::Text(words) => Text::default().data(words),
    }
}

/// As many decimals as the number has, three at most.
fn shown_decimals(number: f64) -> u8 {
    let plain = format!("{number:.3}");
    let decimals = plain.trim_end_matches('0').rsplit_once('.').map_or(0, |(_, decimals)| decimals.len());
    u8::try_from(decimals).unwrap_or(0)
}

/// A sentence of ours around a text.
pub fn around(language: &Language, name: &str, key: &'static str, inner: &Text) -> Text {
    woven(language, name, &[], &[(key, inner)])
}

/// A sentence of ours with texts in it, each of which may hold words of others.
fn woven(
    language: &Language,
    name: &str,
    facts: &[(&'static str, &str)],
    inner: &[(&'static str, &Text)],
) -> Text {
    // Private characters mark the places: no sentence of ours holds one.
    const MARKS: [(&str, char); 2] = [("\u{E000}", '\u{E000}'), ("\u{E001}", '\u{E001}')];
    let places = inner.iter().zip(MARKS).map(|((key, _), (mark, _))| (*key, mark));
    let marked: Vec<_> = facts.iter().copied().chain(places).collect();
    let said = language.say(name, &marked);
    let text_of =
        |c: char| inner.iter().zip(MARKS).find(|(_, (_, mark))| *mark == c).map(|((_, text), _)| *text);
    let mut text = Text::default();
    let mut rest = said.as_str();
    while let Some((at, c, found)) = rest.char_indices().find_map(|(at, c)| Some((at, c, text_of(c)?))) {
        text = text.ours(&rest[..at]).append(found);
        rest = &rest[at + c.len_utf8()..];
    }
    text.ours(rest)
}
