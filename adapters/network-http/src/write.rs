//! A post as the words that a template may use.

use contract::{LineRole, Post, Text};
use http_client::markup::{html, markdown, safe, tame};
use http_client::write::{CUT, calls, fit, line, look_over};

use crate::settings::{Markup, Settings};

/// How words and roles are written.
#[derive(Debug, Clone)]
pub(crate) struct Style {
    markup: Markup,
    chars_max: usize,
    mention: Option<String>,
}

/// The words of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// All of it that fits.
    pub(crate) text: String,
    pub(crate) first_line: String,
    pub(crate) first_line_plain: String,
    pub(crate) lines: Vec<(LineRole, String)>,
}

impl Style {
    pub(crate) fn new(settings: &Settings) -> Result<Style, String> {
        match &settings.mention {
            Some(mention) if mention.matches("{role}").count() != 1 => {
                Err(format!("found `{mention}`, expected one `{{role}}` in it: `@{{role}}`"))
            }
            mention => {
                Ok(Style { markup: settings.markup, chars_max: settings.chars_max, mention: mention.clone() })
            }
        }
    }

    /// That of a table with nothing but a URL.
    pub(crate) fn usual() -> Style {
        Style { markup: Markup::Safe, chars_max: 4_000, mention: None }
    }

    /// Words of any origin, harmless in this markup.
    pub(crate) fn escape(&self, words: &str) -> String {
        match self.markup {
            Markup::Safe => safe(words),
            Markup::Markdown => markdown(words),
            Markup::Html => html(words),
            Markup::Plain => tame(words),
        }
    }

    fn call(&self, role: &str) -> Option<String> {
        let is_fit = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_name = !role.is_empty() && role.chars().all(is_fit);
        self.mention.as_ref().filter(|_| is_name).map(|mention| mention.replace("{role}", role))
    }

    fn line(&self, text: &Text) -> String {
        line(text, |words| self.escape(words), |role| self.call(role))
    }

    fn between(&self) -> &'static str {
        match self.markup {
            Markup::Html => "<br>\n",
            Markup::Safe | Markup::Markdown | Markup::Plain => "\n",
        }
    }
}

/// The words of a post, or why it can never be taken.
pub(crate) fn message(post: &Post, style: &Style) -> Result<Message, String> {
    let texts: Vec<Text> =
        std::iter::once(post.first_line()).chain(post.lines.iter().map(|line| line.text.clone())).collect();
    let lines: Vec<String> = texts.iter().map(|text| style.line(text)).collect();
    let text = fit(&lines, style.between(), style.chars_max)?;
    let called = texts.iter().flat_map(|text| calls(text, |role| style.call(role)));
    let declared = look_over(&called.collect::<Vec<_>>().join(" "));
    let (seen, is_cut) = (look_over(&text), text.ends_with(CUT));
    let is_kept =
        seen == declared || (is_cut && seen.links <= declared.links && seen.calls <= declared.calls);
    if style.markup != Markup::Plain && !is_kept {
        tracing::warn!(episode = %post.episode, ?declared, ?seen, "written in plain form");
        return bare(&texts, style);
    }
    let roles = post.lines.iter().map(|line| line.role);
    Ok(Message {
        text,
        first_line: lines[0].clone(),
        first_line_plain: style.line(&post.first_line_plain()),
        lines: roles.zip(lines.iter().skip(1).cloned()).collect(),
    })
}

/// Letters, digits and the blandest signs: nothing is left that any program could read as more than words.
fn bare(texts: &[Text], style: &Style) -> Result<Message, String> {
    let is_bland = |c: char| c.is_alphanumeric() || matches!(c, ' ' | ',' | '·' | '°' | '%');
    let bland = |text: &Text| {
        let words = text.plain().replace(|c: char| !is_bland(c), " ");
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let lines: Vec<String> = texts.iter().map(bland).collect();
    let text = fit(&lines, style.between(), style.chars_max)?;
    let first = lines.first().cloned().unwrap_or_default();
    Ok(Message { text, first_line: first.clone(), first_line_plain: first, lines: Vec::new() })
}

/// A word for a role of a line.
pub(crate) fn role_name(role: LineRole) -> &'static str {
    match role {
        LineRole::Context => "context",
        LineRole::ToDo => "to_do",
        LineRole::Fine => "fine",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_form_leaves_nothing_to_read() {
        let texts = [Text::default().ours("ARRÊT `@all` ").mention("maintenance").data("<http://evil>")];
        assert_eq!(bare(&texts, &Style::usual()).unwrap().text, "ARRÊT all maintenance http evil");
    }

    #[test]
    fn a_role_is_called_as_the_table_says() {
        let style = Style { mention: Some("<@{role}>".to_owned()), ..Style::usual() };
        assert_eq!(
            style.line(&Text::default().ours("Appeler ").mention("maintenance")),
            "Appeler <@maintenance>"
        );
        assert_eq!(style.line(&Text::default().mention("a> <@b")), "@\u{2060}a› ‹\u{2060}@\u{2060}b");
    }
}
