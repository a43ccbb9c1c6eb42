//! What a reader's program makes of an event of Matrix: its HTML read by a parser of HTML, the words by scanners written
//! from what clients make of bare words, not from what we write.

use contract::kit::network::Found;
use ruma::html::{Html, NodeRef};
use serde_json::Value;

#[allow(dead_code, reason = "Matrix has no Markdown")]
#[path = "../../../http/tests/eye/mod.rs"]
mod words;

/// Everything in a content that is more than words. One `strong`, the line ends and links to people are ours.
pub fn content(content: &Value) -> Found {
    let mut body = Found::default();
    words::bare(content["body"].as_str().expect("an event has words"), &mut body);
    let mut page = Page::default();
    if let Some(html) = content["formatted_body"].as_str() {
        Html::parse(html).children().for_each(|node| page.read(&node, false));
        words::bare(&page.words, &mut page.found);
        page.found.markup += page.strong.saturating_sub(1);
    }
    let called = content["m.mentions"]["user_ids"].as_array().map_or(0, Vec::len);
    let everybody = usize::from(content["m.mentions"]["room"] == true);
    let Found { mentions, links, headings, images, html, markup } = page.found;
    Found {
        mentions: (mentions + page.pills).max(body.mentions).max(called + everybody),
        links: links.max(body.links),
        headings,
        images: images.max(body.images),
        html,
        markup,
    }
}

#[derive(Default)]
struct Page {
    found: Found,
    /// What is read outside links.
    words: String,
    pills: usize,
    strong: usize,
}

impl Page {
    fn read(&mut self, node: &NodeRef, is_linked: bool) {
        if let Some(text) = node.as_text() {
            if !is_linked {
                self.words.push_str(&text.borrow());
            }
            return;
        }
        let Some(element) = node.as_element() else {
            // A comment, say.
            self.found.html += 1;
            return;
        };
        let attributes = element.attrs.borrow();
        let target =
            attributes.iter().find(|one| &*one.name.local == "href").map(|one| one.value.to_string());
        match &*element.name.local {
            "strong" if attributes.is_empty() => self.strong += 1,
            "br" if attributes.is_empty() => self.words.push('\n'),
            "a" if attributes.len() == 1 => match target.as_deref() {
                Some(target) if target.starts_with("https://matrix.to/#/@") => self.pills += 1,
                _ => self.found.links += 1,
            },
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.found.headings += 1,
            "img" => self.found.images += 1,
            "em" | "b" | "i" | "u" | "code" | "pre" | "ul" | "ol" | "table" | "blockquote" | "hr" | "del" => {
                self.found.markup += 1;
            }
            _ => self.found.html += 1,
        }
        let is_link = is_linked || target.is_some();
        node.children().for_each(|child| self.read(&child, is_link));
    }
}

#[test]
fn the_eye_sees_what_is_more_than_words() {
    let seen = |body: &str, html: &str| content(&serde_json::json!({ "body": body, "formatted_body": html }));
    let nothing = Found::default();
    assert_eq!(seen("a", "<strong>a</strong><br>b"), nothing);
    assert_eq!(seen("", "<strong>a</strong><strong>b</strong>").markup, 1);
    assert_eq!(seen("", "<a href=\"https://matrix.to/#/@a:b\">@x</a>").mentions, 1);
    assert_eq!(seen("", "<a href=\"https://matrix.to/#/#room:b\">x</a>").links, 1);
    assert_eq!(seen("", "<strong style=\"color:red\">a</strong>").html, 1);
    assert_eq!(seen("", "<h1>a</h1><img src=\"mxc://a/b\">"), Found { headings: 1, images: 1, ..nothing });
    assert_eq!(seen("", "a <script>x</script><!-- b -->").html, 2);
    assert_eq!(seen("@room see https://evil.example", "").mentions, 1);
    assert_eq!(seen("see https://evil/x", "").links, 1);
    let mentions = serde_json::json!({ "body": "", "m.mentions": { "room": true, "user_ids": ["@a:b"] } });
    assert_eq!(content(&mentions).mentions, 2);
}
