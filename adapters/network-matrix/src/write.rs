//! A post as Matrix shows it: plain words for notices and old clients, and a small subset of HTML.
//!
//! Words never become more than words; people are called only where the configuration says whom a role means. The
//! result is counted again by other means than those that wrote it; if the counts differ it is sent as plain words.

use std::collections::{BTreeMap, BTreeSet};

use contract::{Post, Text};
use http_client::markup::{html, plain, safe};
use http_client::write::{CUT, Seen, calls, line, look_over};

/// Whom a role means.
pub(crate) type Roles = BTreeMap<String, Vec<String>>;

/// What is shown of a post.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// Plain, line by line.
    pub(crate) body: String,
    /// The same as HTML; none where that could not be trusted.
    pub(crate) html: Option<String>,
    /// Who is called.
    pub(crate) users: BTreeSet<String>,
}

/// One line of a post in both forms.
struct Written {
    plain: String,
    html: String,
    users: BTreeSet<String>,
    /// Calls in the plain form, and in the other.
    calls: (usize, usize),
}

/// The words that fit, whole lines of them. What is left out is shown as a line `…`; the first line is never left out.
///
/// # Errors
/// When not even the first line fits.
pub(crate) fn words(post: &Post, roles: &Roles, fits: impl Fn(&Words) -> bool) -> Result<Words, String> {
    let texts = std::iter::once(post.first_line()).chain(post.lines.iter().map(|line| line.text.clone()));
    let lines: Vec<Written> =
        texts.map(|text| write(&text, roles)).filter(|line| !line.plain.is_empty()).collect();
    let words = |kept: usize| sound(post, &lines[..kept], kept < lines.len());
    let whole = words(lines.len());
    if fits(&whole) {
        return Ok(whole);
    }
    let counts: Vec<usize> = (1..lines.len()).collect();
    match counts.partition_point(|kept| fits(&words(*kept))) {
        0 => {
            let bytes = lines.first().map_or(0, |line| line.plain.len());
            Err(format!("the first line has {bytes} bytes, too many for one event"))
        }
        kept => Ok(words(kept)),
    }
}

fn write(text: &Text, roles: &Roles) -> Written {
    let is_known = |role: &str| roles.get(role).filter(|users| !users.is_empty());
    let called: Vec<String> = calls(text, |role| is_known(role).map(|_| role.to_owned()));
    let users: Vec<&String> = called.iter().filter_map(|role| roles.get(role)).flatten().collect();
    let pills = |role: &str| {
        let pills = is_known(role)?.iter().map(|user| pill(user, role));
        Some(pills.collect::<Vec<_>>().join(" "))
    };
    Written {
        plain: line(text, plain, |role| is_known(role).map(|_| format!("@{}", plain(role)))),
        html: line(text, html, pills),
        calls: (called.len(), users.len()),
        users: users.into_iter().cloned().collect(),
    }
}

/// How clients show a person: a link to their name (client-server API, *User and room mentions*). The name was checked
/// with the configuration and holds no sign that means anything here.
fn pill(user: &str, role: &str) -> String {
    format!("<a href=\"https://matrix.to/#/{user}\">@{}</a>", html(role))
}

/// The lines as one, if whoever counts them finds what was written and nothing more; else as plain words.
fn sound(post: &Post, lines: &[Written], is_cut: bool) -> Words {
    let users = lines.iter().flat_map(|line| line.users.clone()).collect();
    let join = |of: &dyn Fn(&Written) -> String, between: &str| {
        let mut shown: Vec<String> = lines.iter().map(of).collect();
        shown.extend(is_cut.then(|| CUT.to_owned()));
        shown.join(between)
    };
    let body = join(&|line| line.plain.clone(), "\n");
    let rest = join(&|line| line.html.clone(), "<br>");
    let first = lines.first().map_or(0, |line| line.html.len());
    let html = format!("<strong>{}</strong>{}", &rest[..first], &rest[first..]);

    let (in_body, in_html) =
        lines.iter().fold((0, 0), |(body, html), line| (body + line.calls.0, html + line.calls.1));
    let tags = 2 + (lines.len().saturating_sub(1) + usize::from(is_cut)) + 2 * in_html;
    let is_sound = look_over(&body) == Seen { calls: in_body, links: 0 }
        && look_over(&without_tags(&html)) == Seen { calls: in_html, links: 0 }
        && html.matches('<').count() == tags;
    if is_sound {
        return Words { body, html: Some(html), users };
    }
    tracing::warn!(episode = %post.episode, "written in plain form");
    Words { body: body.lines().map(safe).collect::<Vec<_>>().join("\n"), html: None, users }
}

/// What a reader sees of HTML.
fn without_tags(html: &str) -> String {
    let mut is_tag = false;
    let mut words = String::new();
    for c in html.chars() {
        match c {
            '<' => is_tag = true,
            '>' if is_tag => {
                is_tag = false;
                words.push(' ');
            }
            _ if !is_tag => words.push(c),
            _ => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::kit::network::{posts, warning};

    fn roles() -> Roles {
        let users = |users: &[&str]| users.iter().map(|&user| user.to_owned()).collect();
        BTreeMap::from([
            ("maintenance".to_owned(), users(&["@marc:usine.example"])),
            ("quality".to_owned(), users(&["@lea:usine.example", "@ali:usine.example"])),
        ])
    }

    #[test]
    fn a_post_in_both_forms() {
        let words = words(&posts("fr")[1], &roles(), |_| true).unwrap();
        let shown = |text: &str| text.replace(http_client::markup::JOINER, "·");
        assert_eq!(
            shown(&words.body),
            "⛔ ARRÊT · Presse 3 · lot L-2231/B bloqué\n\
             À faire : prévenir @maintenance avant 15:00.\n\
             Vitré/Atelier B/Ligne 2 · 14:32"
        );
        assert_eq!(
            shown(&words.html.unwrap()),
            "<strong>⛔ ARRÊT · Presse 3 · lot L-2231/B bloqué</strong><br>\
             À faire : prévenir <a href=\"https://matrix.to/#/@marc:usine.example\">@maintenance</a> avant 15:00.<br>\
             Vitré/Atelier B/Ligne 2 · 14:32"
        );
        assert_eq!(words.users.into_iter().collect::<Vec<_>>(), ["@marc:usine.example"]);
    }

    #[test]
    fn a_role_may_be_several_people_or_nobody() {
        let text = Text::default().ours("Voir ").mention("quality").ours(" et ").mention("boss");
        let written = write(&text, &roles());
        assert_eq!(written.plain.replace(http_client::markup::JOINER, "·"), "Voir @quality et @·boss");
        assert_eq!(written.calls, (1, 2));
        assert_eq!(written.html.matches("<a href=").count(), 2);
        let post = Post { fact: text, ..warning("fr") };
        let words = words(&post, &roles(), |_| true).unwrap();
        assert_eq!((words.users.len(), words.html.is_some()), (2, true));
    }

    #[test]
    fn what_does_not_fit_is_left_out_in_whole_lines_and_calls_nobody() {
        let post = &posts("fr")[1];
        let within = |bytes| words(post, &roles(), |words: &Words| words.body.len() <= bytes);
        let cut = within(60).unwrap();
        assert!(cut.body.ends_with("bloqué\n…"), "{}", cut.body);
        assert!(cut.html.unwrap().ends_with("bloqué</strong><br>…"));
        assert_eq!(cut.users, BTreeSet::new());
        assert!(within(110).unwrap().body.ends_with("15:00.\n…"));
        assert!(within(30).is_err());
    }

    #[test]
    fn a_stranger_sees_what_was_written_and_nothing_more() {
        let lines = |html: &str| {
            let (plain, html) = ("a".to_owned(), html.to_owned());
            sound(&warning("fr"), &[Written { plain, html, users: BTreeSet::new(), calls: (0, 0) }], false)
        };
        assert!(lines("a").html.is_some());
        for wrong in ["<b>a</b>", "@all", "see http://evil.example", "a<br>b"] {
            assert_eq!(lines(wrong).html, None, "{wrong}");
        }
    }
}
