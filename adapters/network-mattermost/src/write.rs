//! A post as Markdown: the first line plain, so that a notice on a telephone reads well, then the other lines.
//!
//! Words never become more than words; roles are called only by what the configuration declares. The result is
//! counted again by other means than those that wrote it; if the counts differ it is sent in a plain form.

use contract::{Post, Span, Text};
use http_client::markup::{JOINER, markdown, tame};

/// What a message must keep to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) chars_max: usize,
    pub(crate) allow_broadcast: bool,
}

/// The message, or why it can never be taken.
pub(crate) fn message(post: &Post, limits: Limits) -> Result<String, String> {
    let texts: Vec<Text> =
        std::iter::once(post.first_line()).chain(post.lines.iter().map(|line| line.text.clone())).collect();
    let lines: Vec<String> = texts.iter().map(|text| line(text, limits)).collect();
    let fitted = fit(&lines, limits.chars_max)?;
    let declared = texts.iter().flat_map(|text| roles(text, limits)).count();
    let is_cut = fitted.ends_with(CUT);
    let found = count(&fitted);
    if found.links == 0 && (found.mentions == declared || (is_cut && found.mentions < declared)) {
        return Ok(fitted);
    }
    tracing::warn!(episode = %post.episode, declared, found = found.mentions, links = found.links, "written in plain form");
    plain(&texts, limits)
}

/// A line that stands for what did not fit.
const CUT: &str = "\n…";

fn line(text: &Text, limits: Limits) -> String {
    let mut out = String::new();
    let mut words = String::new();
    let mut spans = text.spans().iter().peekable();
    while let Some(span) = spans.next() {
        match span {
            Span::Ours(more) | Span::Data(more) => words.push_str(more),
            Span::Mention(role) if !may_call(role, limits) => words.push_str(&format!("@{role}")),
            Span::Mention(role) => {
                // Stuck to a word, a call is not seen.
                out.push_str(&markdown(&words));
                if !words.is_empty() {
                    out.push(' ');
                }
                out.push('@');
                out.push_str(role);
                words.clear();
                let next = spans.peek().and_then(|span| match span {
                    Span::Ours(more) | Span::Data(more) => more.chars().next(),
                    Span::Mention(_) => Some('@'),
                });
                match next {
                    Some(next) if next.is_whitespace() => out.push(' '),
                    Some(_) => out.push(JOINER),
                    None => {}
                }
            }
        }
    }
    out.push_str(&markdown(&words));
    out.trim_end().to_owned()
}

/// The roles that this text calls.
fn roles(text: &Text, limits: Limits) -> impl Iterator<Item = &str> {
    text.spans().iter().filter_map(move |span| match span {
        Span::Mention(role) if may_call(role, limits) => Some(role.as_str()),
        Span::Mention(_) | Span::Ours(_) | Span::Data(_) => None,
    })
}

fn may_call(role: &str, limits: Limits) -> bool {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name = role.starts_with(|c: char| c.is_ascii_alphanumeric()) && role.chars().all(is_fit);
    let is_broadcast = ["all", "channel", "here"].iter().any(|all| role.eq_ignore_ascii_case(all));
    is_name && (limits.allow_broadcast || !is_broadcast)
}

/// The lines that fit, whole. What is left out is shown as a line `…`; the first line is never left out.
fn fit(lines: &[String], chars_max: usize) -> Result<String, String> {
    let shown: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
    let whole = shown.join("\n");
    if whole.chars().count() <= chars_max {
        return Ok(whole);
    }
    let mut kept = String::new();
    let mut room = chars_max - CUT.chars().count();
    for (at, line) in shown.iter().enumerate() {
        let needs = line.chars().count() + usize::from(at > 0);
        if needs > room {
            break;
        }
        room -= needs;
        if at > 0 {
            kept.push('\n');
        }
        kept.push_str(line);
    }
    if kept.is_empty() {
        let chars = shown.first().map_or(0, |line| line.chars().count());
        return Err(format!("the first line has {chars} characters, the server takes {chars_max}"));
    }
    Ok(kept + CUT)
}

struct Counted {
    mentions: usize,
    links: usize,
}

/// Looks at the message as a stranger would, without knowing how it was written.
fn count(message: &str) -> Counted {
    let chars: Vec<char> = message.chars().collect();
    let mut counted = Counted { mentions: 0, links: 0 };
    for pair in chars.windows(2) {
        match pair {
            ['@', next] if next.is_ascii_alphanumeric() || *next == '_' => counted.mentions += 1,
            [']', '('] => counted.links += 1,
            _ => {}
        }
    }
    let small = message.to_lowercase();
    for start in ["://", "www.", "mailto:"] {
        let is_link = |(at, _): &(usize, &str)| {
            let next = small[at + start.len()..].chars().next();
            next.is_some_and(|next| next != JOINER && !next.is_whitespace())
        };
        counted.links += small.match_indices(start).filter(is_link).count();
    }
    counted
}

/// In a block of code nothing is read as markup. The roles are called under it.
fn plain(texts: &[Text], limits: Limits) -> Result<String, String> {
    let mut lines = vec!["```".to_owned()];
    lines.extend(texts.iter().map(|text| tame(&text.plain()).replace('`', "'")));
    lines.push("```".to_owned());
    let called: Vec<String> =
        texts.iter().flat_map(|text| roles(text, limits)).map(|role| format!("@{role}")).collect();
    lines.push(called.join(" "));
    let message = lines.join("\n");
    let chars = message.trim_end().chars().count();
    if chars > limits.chars_max {
        return Err(format!("the message has {chars} characters, the server takes {}", limits.chars_max));
    }
    Ok(message.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { chars_max: 16_383, allow_broadcast: false };

    fn said(text: Text) -> String {
        line(&text, LIMITS).replace(JOINER, "·")
    }

    #[test]
    fn only_a_declared_role_is_called() {
        let text = Text::default().ours("Appeler ").mention("maintenance").ours(", lot ").data("@all");
        assert_eq!(said(text), "Appeler @maintenance·, lot @·all");
        assert_eq!(said(Text::default().mention("all")), "@·all");
        assert_eq!(said(Text::default().mention("a b](http://x)")), "@·a b\\]·(http:·/·/x)");
        assert_eq!(said(Text::default().ours("a@").mention("b").data("c")), "a@ @b·c");
    }

    #[test]
    fn what_does_not_fit_is_left_out_in_whole_lines_and_said() {
        let lines = ["first", "second", "third"].map(str::to_owned);
        assert_eq!(fit(&lines, 18).unwrap(), "first\nsecond\nthird");
        assert_eq!(fit(&lines, 17).unwrap(), "first\nsecond\n…");
        assert_eq!(fit(&lines, 7).unwrap(), "first\n…");
        assert!(fit(&lines, 6).is_err());
    }

    #[test]
    fn the_plain_form_calls_the_same_roles() {
        let texts = [Text::default().ours("ARRÊT ``` ").mention("maintenance").data("@all http://evil")];
        assert_eq!(
            plain(&texts, LIMITS).unwrap(),
            "```\nARRÊT ''' @maintenance@all http://evil\n```\n@maintenance"
        );
    }

    #[test]
    fn a_stranger_counts_what_a_reader_would_see() {
        let counted = count("@a [x](http://y) www.z");
        assert_eq!((counted.mentions, counted.links), (1, 3));
    }
}
