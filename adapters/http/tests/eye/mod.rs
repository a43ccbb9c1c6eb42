//! What a reader's program makes of a message: CommonMark and GFM by a real parser, the rest (mentions, links of bare
//! words, hashtags, emoji) by scanners written from the rules of Mattermost's server and web page, not from ours.

use contract::kit::network::Found;
use pulldown_cmark::{Event, Options, Parser, Tag};

/// Everything in a Markdown message that is more than words.
pub fn markdown(text: &str) -> Found {
    let mut found = Found::default();
    let mut words = String::new();
    // No network that we know writes `^x^` as a superscript; the rest is looked for though Mattermost lacks some of it.
    let options = Options::all() - Options::ENABLE_SUPERSCRIPT;
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Text(text) => words.push_str(&text),
            Event::SoftBreak => words.push('\n'),
            Event::Start(Tag::Paragraph) => words.push('\n'),
            Event::End(_) => {}
            Event::Start(Tag::Heading { .. }) => found.headings += 1,
            Event::Start(Tag::Link { .. }) => found.links += 1,
            Event::Start(Tag::Image { .. }) => found.images += 1,
            Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::HtmlBlock) => found.html += 1,
            _ => found.markup += 1,
        }
    }
    // The web page looks at what the parser leaves; the server looks at the raw message too.
    bare(&words, &mut found);
    let mut raw = Found::default();
    bare(text, &mut raw);
    found.mentions = found.mentions.max(raw.mentions);
    found.links = found.links.max(raw.links);
    found
}

/// Everything that programs make of bare words.
pub fn bare(words: &str, found: &mut Found) {
    let chars: Vec<char> = words.chars().collect();
    for at in 0..chars.len() {
        found.mentions += usize::from(is_mention(&chars, at));
        found.links += usize::from(is_link(&chars, at));
        found.images += usize::from(is_emoji(&chars, at));
    }
    let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_');
    for face in [
        ":)", ":-)", ";)", ";-)", ":(", ":D", ":-D", ":p", ":P", ":o", ":|", ":/", ":s", ":$", ":x", "x-d",
        "X-D", "<3", "</3",
    ] {
        for (at, _) in words.match_indices(face) {
            let after = words[at + face.len()..].chars().next();
            let before = words[..at].chars().next_back();
            found.images += usize::from(is_edge(before) && is_edge(after));
        }
    }
}

/// `@all`, `~town-square`, `#tag`, and what other networks call people with: `@**all**`, `<!here`.
fn is_mention(chars: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| chars[before]);
    let Some(&next) = chars.get(at + 1) else { return false };
    match chars[at] {
        '@' => {
            !before.is_some_and(|c| c.is_ascii_alphanumeric())
                && (next.is_alphanumeric() || matches!(next, '_' | '*'))
        }
        '~' => !before.is_some_and(|c| c.is_alphanumeric()) && next.is_alphanumeric(),
        '#' => !before.is_some_and(|c| c.is_alphanumeric() || c == '&') && next.is_alphabetic(),
        '<' => matches!(next, '!' | '@' | '#'),
        _ => false,
    }
}

/// A link seen from its decisive sign.
fn is_link(chars: &[char], at: usize) -> bool {
    let before = |n: usize| at.checked_sub(n).map(|before| chars[before]);
    let Some(&next) = chars.get(at + 1) else { return false };
    match chars[at] {
        // A mail address.
        '@' => before(1).is_some_and(|c| c.is_ascii_alphanumeric()) && next.is_ascii_alphanumeric(),
        // A scheme of two letters or more, then a slash, a letter, a digit or a percent sign.
        ':' => {
            let scheme =
                chars[..at].iter().rev().take_while(|c| c.is_ascii_alphanumeric() || "+-.".contains(**c));
            let letters = scheme.clone().filter(|c| c.is_ascii_alphabetic()).count();
            letters >= 2 && scheme.count() >= 2 && (next == '/' || next == '%' || next.is_alphanumeric())
        }
        // A domain, or `www.`.
        '.' => {
            let host = chars[..at].iter().rev().take_while(|c| c.is_alphanumeric()).count();
            let is_www = host >= 3 && chars[at - host..].iter().take(3).all(|c| c.eq_ignore_ascii_case(&'w'));
            let is_name =
                host > 0 && next.is_alphabetic() && chars.get(at + 2).is_some_and(|c| c.is_alphabetic());
            is_name || (is_www && !next.is_whitespace() && next.is_alphanumeric())
        }
        _ => false,
    }
}

/// `:fire:`. Two digits are a time: no emoji has such a name.
fn is_emoji(chars: &[char], at: usize) -> bool {
    if chars[at] != ':' {
        return false;
    }
    let name: Vec<char> = chars[at + 1..]
        .iter()
        .copied()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-'))
        .collect();
    let is_time = name.len() == 2 && name.iter().all(char::is_ascii_digit);
    !name.is_empty() && !is_time && chars.get(at + 1 + name.len()) == Some(&':')
}
