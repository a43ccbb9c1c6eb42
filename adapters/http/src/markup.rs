//! Words made harmless for screens that read markup. One line at a time, so that what a machine said cannot join
//! with its neighbours into something else.
//!
//! Where a program would begin a mention, a link, a tag or an emoji, an invisible word joiner is put in: the words
//! look the same, and the program sees nothing. Every other sign of markup is written as the markup wants it.

use contract::clean;

/// U+2060: no width, no break, not a letter, not a blank. Every parser of mentions and links stops at it.
pub const JOINER: char = '\u{2060}';

/// One line without controls, direction marks and line ends, without blanks around it. The sign that makes `⚠️` a
/// picture is kept.
pub fn tame(words: &str) -> String {
    let kept: Vec<String> = words.split('\u{FE0F}').map(|part| clean(part, LINE_CHARS_MAX)).collect();
    kept.join("\u{FE0F}").trim().to_owned()
}

/// Longer than any line that is read; a second net under the limits of the networks.
const LINE_CHARS_MAX: usize = 100_000;

/// A line for Markdown as CommonMark, GFM and Mattermost read it. Raw, as a telephone shows it in a notice, it stays
/// readable: signs that mean nothing where they are stay as they are.
pub fn markdown(words: &str) -> String {
    let chars: Vec<char> = tame(words).chars().collect();
    let number_end = chars.iter().position(|c| !c.is_ascii_digit()).filter(|end| *end > 0);
    let mut out = String::with_capacity(chars.len() + 16);
    for (at, &c) in chars.iter().enumerate() {
        let is_first = at == 0;
        match c {
            '*' | '`' | '~' | '[' | ']' | '|' => out.extend(['\\', c]),
            '_' if !is_inside_word(&chars, at) => out.push_str("\\_"),
            // Only before a letter does a lone backslash stay one, for every reader.
            '\\' if !chars.get(at + 1).is_some_and(char::is_ascii_alphanumeric) => out.push_str("\\\\"),
            '#' | '>' | '+' | '-' if is_first => out.extend(['\\', c]),
            '=' | ':' if is_first => out.extend([JOINER, c]),
            '.' | ')' if number_end == Some(at) => out.extend(['\\', c]),
            // Mattermost knows no escape for these two.
            '<' => out.push_str("&lt;"),
            '$' => out.push_str("&#36;"),
            _ => out.push(c),
        }
        if begins_something(&chars, at) {
            out.push(JOINER);
        }
    }
    out
}

/// A line for a markup that is not known: Slack's, Rocket.Chat's, some Markdown. Signs that no two of them agree on
/// are replaced by others that look alike.
pub fn safe(words: &str) -> String {
    let chars: Vec<char> = tame(words).chars().collect();
    let number_end = chars.iter().position(|c| !c.is_ascii_digit()).filter(|end| *end > 0);
    let begins_block = chars.first().is_some_and(|c| matches!(c, '#' | '+' | '-' | '=' | ':'))
        || number_end.is_some_and(|end| matches!(chars[end], '.' | ')'));
    let mut out = String::with_capacity(chars.len() + 16);
    if begins_block {
        out.push(JOINER);
    }
    for (at, &c) in chars.iter().enumerate() {
        out.push(match c {
            '*' => '∗',
            '`' => '\'',
            '~' => '∼',
            '_' if !is_inside_word(&chars, at) => '＿',
            '<' => '‹',
            '>' => '›',
            '|' => '¦',
            '\\' => '∖',
            '[' => '⟦',
            ']' => '⟧',
            '$' => '＄',
            other => other,
        });
        if begins_something(&chars, at) {
            out.push(JOINER);
        }
    }
    out
}

/// A line for a reader of plain words, who still makes links and mentions of them.
pub fn plain(words: &str) -> String {
    let chars: Vec<char> = tame(words).chars().collect();
    let mut out = String::with_capacity(chars.len() + 16);
    for (at, &c) in chars.iter().enumerate() {
        out.push(c);
        if c != '&' && begins_something(&chars, at) {
            out.push(JOINER);
        }
    }
    out
}

/// A line for HTML, between tags or in a quoted attribute.
pub fn html(words: &str) -> String {
    let chars: Vec<char> = tame(words).chars().collect();
    let mut out = String::with_capacity(chars.len() + 16);
    for (at, &c) in chars.iter().enumerate() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
        if c != '&' && begins_something(&chars, at) {
            out.push(JOINER);
        }
    }
    out
}

/// `LOT_123`: no reader begins emphasis inside a word of ASCII.
fn is_inside_word(chars: &[char], at: usize) -> bool {
    let is_word =
        |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(char::is_ascii_alphanumeric);
    is_word(at.checked_sub(1)) && is_word(Some(at + 1))
}

/// True where a program would see the start of a mention, a tag, a link, an emoji or an entity.
fn begins_something(chars: &[char], at: usize) -> bool {
    let Some(&next) = chars.get(at + 1) else { return false };
    match chars[at] {
        '@' | '#' | '~' | '!' | '<' => !next.is_whitespace(),
        ':' => !next.is_whitespace() && !is_clock(chars, at),
        ';' => matches!(next, ')' | '-'),
        '.' => is_in_domain(chars, at, next),
        '/' => next == '/',
        '&' => next.is_alphanumeric() || next == '#',
        ']' => matches!(next, '(' | '[' | ':'),
        'x' | 'X' => is_crossed_face(chars, at),
        _ => false,
    }
}

/// `10:04` and `10:04:30`, but not `3:100:4`, where `:100:` is an emoji.
fn is_clock(chars: &[char], at: usize) -> bool {
    // A scheme may hold digits: `h1:2` is one.
    let mut before =
        chars[..at].iter().rev().take_while(|c| c.is_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let is_number = at > 0 && chars[at - 1].is_ascii_digit() && before.all(|c| !c.is_alphabetic());
    if !is_number || !chars.get(at + 1).is_some_and(char::is_ascii_digit) {
        return false;
    }
    let word =
        chars[at + 1..].iter().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-'));
    let length = word.count();
    chars.get(at + 1 + length) != Some(&':') || length == 2
}

/// `evil.example` and `www.2`, but not `12.5` and not the end of a sentence.
fn is_in_domain(chars: &[char], at: usize, next: char) -> bool {
    let start = chars[..at].iter().rposition(|c| !c.is_alphanumeric()).map_or(0, |before| before + 1);
    let holds_www = chars[start..at].windows(3).any(|run| run.iter().all(|c| matches!(c, 'w' | 'W')));
    let is_host = start < at || at.checked_sub(1).is_some_and(|before| matches!(chars[before], '-' | '_'));
    (is_host && next.is_alphabetic()) || (holds_www && !next.is_whitespace())
}

/// `x-d`, which some readers draw as a face.
fn is_crossed_face(chars: &[char], at: usize) -> bool {
    let is_word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric());
    chars.get(at + 1) == Some(&'-')
        && matches!(chars.get(at + 2), Some('d' | 'D'))
        && !is_word(chars.get(at + 3))
        && !is_word(at.checked_sub(1).and_then(|before| chars.get(before)))
}
