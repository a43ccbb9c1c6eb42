//! Keeps one post from filling the store and the page: what is longer than the wall declares is cut, with a sign.

use contract::{Line, Post, Span, Text};

/// A post is for people: longer than this is not read. It is also what one event carries.
pub(crate) const CHARS_MAX: usize = 10_000;

/// Names, places and state words are shorter than this, or a fault.
const NAME_CHARS_MAX: usize = 200;

/// The post, cut where it is too long.
pub(crate) fn fit(post: &Post) -> Post {
    let mut post = post.clone();
    for name in [&mut post.word, &mut post.author.name, &mut post.author.place] {
        *name = Room(NAME_CHARS_MAX).words(name);
    }
    let mut room = Room(CHARS_MAX);
    post.fact = room.text(&post.fact);
    let lines = std::mem::take(&mut post.lines);
    post.lines = lines.into_iter().map_while(|line| room.line(&line)).collect();
    post
}

/// How many characters still fit.
struct Room(usize);

impl Room {
    fn words(&mut self, words: &str) -> String {
        let mut kept: String = words.chars().take(self.0).collect();
        if kept.len() < words.len() {
            kept.push('…');
            self.0 = 0;
        } else {
            self.0 -= kept.chars().count();
        }
        kept
    }

    fn text(&mut self, text: &Text) -> Text {
        let spans = text.spans().iter();
        spans.fold(Text::default(), |kept, span| match span {
            _ if self.0 == 0 => kept,
            Span::Ours(words) => kept.ours(self.words(words)),
            Span::Data(words) => kept.data(self.words(words)),
            Span::Mention(role) => kept.mention(self.words(role)),
        })
    }

    /// `None` once nothing fits.
    fn line(&mut self, line: &Line) -> Option<Line> {
        let has_room = self.0 > 0;
        has_room.then(|| Line { role: line.role, text: self.text(&line.text) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::kit::network::warning;

    #[test]
    fn what_fits_is_not_touched() {
        assert_eq!(fit(&warning("fr")), warning("fr"));
    }

    #[test]
    fn what_does_not_fit_is_cut_with_a_sign() {
        let mut post = warning("fr");
        post.word = "A".repeat(1 << 20);
        post.lines[0].text = Text::default().ours("é".repeat(1 << 20));
        let cut = fit(&post);
        assert_eq!((cut.word.chars().count(), cut.lines.len()), (NAME_CHARS_MAX + 1, 1));
        assert!(cut.lines[0].text.plain().ends_with("é…"));
        assert!(serde_json::to_string(&cut).unwrap().len() < 4 * CHARS_MAX);
        assert_eq!(fit(&cut).word.chars().last(), Some('…'));
    }
}
