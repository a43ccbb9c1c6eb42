//! What was said, what is seen, and what that means. What the broker took is an obligation: it is seen once, with
//! the right words and the right end, or it still waits in the store, or it is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use contract::EpisodeId;

/// An episode whose beginning the broker took.
#[derive(Debug, Clone)]
pub struct Said {
    pub machine: usize,
    pub episode: EpisodeId,
    /// The broker took its end, too.
    pub is_ended: bool,
    /// And that it came back, once.
    pub is_back: bool,
}

/// A post as a reader sees it, with what it hides.
#[derive(Debug, Clone)]
pub struct Seen {
    pub episode: String,
    pub mark: String,
    pub text: String,
}

/// What became of the obligations on one network.
#[derive(Debug, Default)]
pub struct Tally {
    pub seen: usize,
    /// Told as a line of a catch-up that is seen: a network that was behind for five minutes.
    pub digested: usize,
    /// Still in the store, to be posted or edited.
    pub queued: usize,
    /// Nowhere: the episode, its end or its return.
    pub lost: usize,
    /// Posts too many.
    pub doubled: usize,
    /// Nobody said so.
    pub unknown: usize,
    /// Not the words of this machine in this state.
    pub misread: usize,
    /// Each of the above but the first, in words.
    pub cases: Vec<String>,
}

impl Tally {
    pub fn is_clean(&self) -> bool {
        self.cases.is_empty()
    }

    fn case(&mut self, count: impl Fn(&mut Tally) -> &mut usize, words: String) {
        *count(self) += 1;
        self.cases.push(words);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { seen, digested, queued, lost, doubled, unknown, misread, cases: _ } = self;
        write!(f, "seen {seen}, ")?;
        if *digested > 0 {
            write!(f, "in a catch-up {digested}, ")?;
        }
        write!(f, "queued {queued}, lost {lost}, doubled {doubled}")?;
        if unknown + misread > 0 { write!(f, ", unknown {unknown}, misread {misread}") } else { Ok(()) }
    }
}

/// What the store holds for a network.
#[derive(Debug, Default)]
pub struct Held {
    /// The episodes of which it still has something to tell.
    pub waiting: BTreeSet<String>,
    /// The episodes that are lines of a catch-up, with its name.
    pub folded: BTreeMap<String, String>,
}

/// What became of what was said.
pub fn judge(said: &[Said], seen: &[Seen], held: &Held) -> Tally {
    let mut tally = Tally::default();
    let mut by_episode: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
    for seen in seen {
        by_episode.entry(&seen.episode).or_default().push(seen);
    }
    for said in said {
        let posts = by_episode.remove(said.episode.0.as_str()).unwrap_or_default();
        let digest = held.folded.get(&said.episode.0);
        if posts.is_empty() && digest.is_some_and(|digest| by_episode.contains_key(digest.as_str())) {
            tally.digested += 1;
            continue;
        }
        tally.judge_one(said, &posts, held.waiting.contains(&said.episode.0));
    }
    // One catch-up each, or it is doubled like any other post.
    for digest in held.folded.values() {
        for again in by_episode.remove(digest.as_str()).unwrap_or_default().into_iter().skip(1) {
            tally.case(|tally| &mut tally.doubled, format!("doubled: {again:?}"));
        }
    }
    for seen in by_episode.into_values().flatten() {
        tally.case(|tally| &mut tally.unknown, format!("unknown: {seen:?}"));
    }
    tally
}

impl Tally {
    fn judge_one(&mut self, said: &Said, posts: &[&Seen], is_waiting: bool) {
        let words = |what: &str| format!("{what}: {said:?} {posts:?}");
        self.seen += usize::from(!posts.is_empty());
        for _ in 1..posts.len() {
            self.case(|tally| &mut tally.doubled, words("doubled"));
        }
        // Of two posts, one was never edited: that is told already.
        if posts.iter().any(|post| reads_right(said, post)) {
            return;
        }
        let is_behind = said.is_back || said.is_ended && posts.iter().all(|post| post.mark == "stopped");
        match posts.is_empty() || is_behind {
            true if is_waiting => self.case(|tally| &mut tally.queued, words("queued")),
            true => self.case(|tally| &mut tally.lost, words("lost")),
            false => self.case(|tally| &mut tally.misread, words("misread")),
        }
    }
}

fn reads_right(said: &Said, seen: &Seen) -> bool {
    let (mark, shape) = if said.is_ended { ("cleared", "✅") } else { ("stopped", "⛔") };
    let is_of_machine = seen.text.contains(&format!(" · Presse {} · ", said.machine));
    // Twice, and not once more for a message that came again.
    let is_back = ["\n2 fois depuis ", " 2 fois depuis "].iter().any(|twice| seen.text.contains(twice));
    seen.mark == mark && is_back == said.is_back && seen.text.starts_with(shape) && is_of_machine
}

#[test]
fn each_case_is_told() {
    let said = |machine, is_ended| Said {
        machine,
        episode: EpisodeId(format!("e{machine}")),
        is_ended,
        is_back: false,
    };
    let seen = |machine: usize, mark: &str, shape: &str| Seen {
        episode: format!("e{machine}"),
        mark: mark.to_owned(),
        text: format!("{shape} X · Presse {machine} · huile"),
    };
    let all = [said(1, false), said(2, true), said(3, false), said(4, false), said(5, true), said(6, true)];
    let posts = [
        seen(1, "stopped", "⛔"),
        seen(2, "cleared", "✅"),
        seen(2, "cleared", "✅"),
        seen(5, "stopped", "⛔"),
        seen(6, "cleared", "⛔"),
        seen(9, "stopped", "⛔"),
    ];
    let held = Held { waiting: BTreeSet::from(["e3".to_owned()]), ..Held::default() };
    let tally = judge(&all, &posts, &held);
    assert_eq!(tally.to_string(), "seen 4, queued 1, lost 2, doubled 1, unknown 1, misread 1");
    assert!(!tally.is_clean() && judge(&all[..1], &posts[..1], &held).is_clean());
    let folded = BTreeMap::from([("e3".to_owned(), "catch-up-chat-1".to_owned())]);
    let held = Held { folded, ..Held::default() };
    let digest = Seen { episode: "catch-up-chat-1".to_owned(), ..seen(0, "digest", "📋") };
    let told = judge(&all[2..3], std::slice::from_ref(&digest), &held);
    assert_eq!(told.to_string(), "seen 0, in a catch-up 1, queued 0, lost 0, doubled 0");
    assert_eq!(judge(&all[2..3], &[digest.clone(), digest], &held).doubled, 1);
    assert_eq!(judge(&all[2..3], &[], &held).lost, 1, "a catch-up that nobody sees tells nothing");
}
