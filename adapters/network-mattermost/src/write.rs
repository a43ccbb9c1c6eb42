//! A post as Markdown: the first line plain, so that a notice on a telephone reads well, then the other lines.
//!
//! Words never become more than words; roles are called only by what the configuration declares. The result is
//! counted again by other means than those that wrote it; if the counts differ it is sent in a plain form.

use contract::{Post, Text};
use http_client::markup::{markdown, tame};
use http_client::write::{CUT, Seen, calls, fit, line, look_over};

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
    let call = |role: &str| call(role, limits);
    let lines: Vec<String> = texts.iter().map(|text| line(text, markdown, call)).collect();
    let called: Vec<String> = texts.iter().flat_map(|text| calls(text, call)).collect();
    let fitted = fit(&lines, "\n", limits.chars_max)?;
    let seen = look_over(&fitted);
    let is_cut = fitted.ends_with(CUT);
    if seen == (Seen { calls: called.len(), links: 0 })
        || (is_cut && seen.links == 0 && seen.calls < called.len())
    {
        return Ok(fitted);
    }
    tracing::warn!(episode = %post.episode, declared = called.len(), ?seen, "written in plain form");
    plain(&texts, &called, limits.chars_max)
}

/// A role as it is called, if it may be.
fn call(role: &str, limits: Limits) -> Option<String> {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name = role.starts_with(|c: char| c.is_ascii_alphanumeric()) && role.chars().all(is_fit);
    let is_broadcast = ["all", "channel", "here"].iter().any(|all| role.eq_ignore_ascii_case(all));
    (is_name && (limits.allow_broadcast || !is_broadcast)).then(|| format!("@{role}"))
}

/// In a block of code nothing is read as markup. The roles are called under it.
fn plain(texts: &[Text], called: &[String], chars_max: usize) -> Result<String, String> {
    let mut lines = vec!["```".to_owned()];
    lines.extend(texts.iter().map(|text| tame(&text.plain()).replace('`', "'")));
    lines.push("```".to_owned());
    lines.push(called.join(" "));
    let message = lines.join("\n").trim_end().to_owned();
    match message.chars().count() {
        chars if chars > chars_max => {
            Err(format!("the message has {chars} characters, the server takes {chars_max}"))
        }
        _ => Ok(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_a_plain_name_and_not_everybody() {
        let limits = |allow_broadcast| Limits { chars_max: 16_383, allow_broadcast };
        assert_eq!(call("maintenance-b", limits(false)).as_deref(), Some("@maintenance-b"));
        for wrong in ["", "all", "Channel", "here", "a b", "a](http://x)", "-a", "é"] {
            assert_eq!(call(wrong, limits(false)), None, "{wrong}");
        }
        assert_eq!(call("channel", limits(true)).as_deref(), Some("@channel"));
    }

    #[test]
    fn the_plain_form_calls_the_same_roles() {
        let texts = [Text::default().ours("ARRÊT ``` ").mention("maintenance").data("@all http://evil")];
        let called = ["@maintenance".to_owned()];
        let wanted = "```\nARRÊT ''' @maintenance@all http://evil\n```\n@maintenance";
        assert_eq!(plain(&texts, &called, 16_383).unwrap(), wanted);
        assert!(plain(&texts, &called, 10).is_err());
    }
}
