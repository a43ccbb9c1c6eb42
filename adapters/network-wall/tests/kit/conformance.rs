//! The wall in front of the kit that every network passes.

use contract::kit::network::{Bench, Found, Shown};
use contract::{Network, async_trait};

use crate::hall::Hall;

/// A served wall, read as a program reads it.
struct WallBench(Hall);

#[async_trait]
impl Bench for WallBench {
    fn network(&self) -> &dyn Network {
        &*self.0.network
    }

    async fn shown(&self) -> Vec<Shown> {
        let answer = self.0.get("/api/posts").await;
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        // The newest comes first.
        let posts = body["posts"].as_array().unwrap().iter().rev();
        posts.flat_map(|post| pieces(post["key"].as_str().unwrap(), post["html"].as_str().unwrap())).collect()
    }

    fn count(&self, shown: &Shown) -> Found {
        let tags = tags(&shown.text);
        let count = |wanted: &[&str]| tags.iter().filter(|tag| wanted.contains(tag)).count();
        let known = ["article", "header", "span", "p", "a", "b", "time", "h3", "bdi", "div"];
        Found {
            // A role is shown, not called: nobody is told by the wall.
            mentions: 0,
            // The machine and the post itself.
            links: count(&["a"]) - if shown.under.is_none() { 2 } else { 0 },
            headings: count(&["h1", "h2", "h3", "h4", "h5", "h6"]) - usize::from(shown.under.is_none()),
            images: count(&["img", "svg", "picture"]),
            html: tags.iter().filter(|tag| !known.contains(tag)).count(),
            markup: 0,
        }
    }
}

/// A post and its replies, each with its own markup.
fn pieces(key: &str, html: &str) -> Vec<Shown> {
    let mut parts = html.split("data-reply=\"");
    let root = parts.next().unwrap_or_default();
    let root = Shown { receipt: key.to_owned(), under: None, text: root.to_owned() };
    let replies = parts.map(|part| {
        let (receipt, text) = part.split_once('"').unwrap();
        Shown { receipt: receipt.to_owned(), under: Some(key.to_owned()), text: text.to_owned() }
    });
    std::iter::once(root).chain(replies).collect()
}

/// The names of all tags that open.
fn tags(html: &str) -> Vec<&str> {
    let starts = html.split('<').skip(1).filter(|rest| !rest.starts_with('/'));
    starts.map(|rest| rest.split([' ', '>', '\n']).next().unwrap_or_default()).collect()
}

contract::network_conformance!(WallBench(Hall::open().await));
