//! One catch-up for what happened while a network was away, instead of a burst.

use std::time::Duration;

use contract::{EpisodeId, Moment, Post};

use super::Told;
use super::lane::Lane;
use super::thread::{Root, Thread};

/// Down for so long, a network gets one catch-up instead of a burst.
pub(super) const OUTAGE_AFTER: Duration = Duration::from_secs(300);
/// So few are told one by one all the same.
const FEW: usize = 3;
/// So many at most wait one by one, whatever the reason: a reader could not take more, nor a small gateway.
const WAITING_MAX: usize = 1_000;

/// What a catch-up is to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Folded {
    /// The name of the catch-up.
    pub digest: EpisodeId,
    /// When the network was lost.
    pub lost: Moment,
    /// When it was back: the moment the catch-up was taken; until then, that of writing.
    pub back: Moment,
    /// The newest version of it so far.
    pub version: u32,
    /// The posts that are folded into it.
    pub posts: Vec<Post>,
}

impl Lane {
    /// After an outage: folds what waits into one catch-up. Gives what each catch-up has to tell, where that is not
    /// what it tells already.
    pub fn fold(&mut self, now: Moment) -> Vec<Folded> {
        let is_outage = self.down_since.is_some_and(|since| now.since(since) >= OUTAGE_AFTER);
        let waiting = self.active.iter().filter(|id| self.is_foldable(id)).count();
        let is_time = self.busy.is_none() && now >= self.paused_until;
        let joins = is_outage && (waiting > FEW || (waiting > 0 && self.waiting_digest().is_some()));
        if (joins && is_time) || waiting > WAITING_MAX {
            self.fold_all(now);
        }
        self.digests.iter().filter_map(|digest| self.folded(digest, now)).collect()
    }

    fn is_foldable(&self, id: &EpisodeId) -> bool {
        !self.digests.contains(id) && self.threads.get(id).is_some_and(Thread::is_foldable)
    }

    /// The catch-up that no network has taken yet; there is one at most.
    fn waiting_digest(&self) -> Option<&EpisodeId> {
        self.digests.iter().find(|id| self.is_waiting(id))
    }

    fn is_waiting(&self, id: &EpisodeId) -> bool {
        self.threads.get(id).is_none_or(|thread| thread.root == Root::Waiting)
    }

    fn fold_all(&mut self, now: Moment) {
        let ids: Vec<EpisodeId> = self.active.iter().filter(|id| self.is_foldable(id)).cloned().collect();
        let digest = self.waiting_digest().cloned().unwrap_or_else(|| {
            let oldest = ids.iter().filter_map(|id| self.threads.get(id)).map(|thread| thread.created).min();
            let lost = self.down_since.into_iter().chain(oldest).min().unwrap_or(now);
            EpisodeId(format!("catch-up-{}-{}", self.name, lost.as_ms()))
        });
        self.digests.insert(digest.clone());
        for id in ids {
            self.with(&id, |thread| thread.root = Root::Folded(digest.clone()));
            self.told.push((id.clone(), Told::Folded { into: digest.clone() }));
            self.unkept.insert(id);
        }
    }

    /// Trouble after the outage is no line of its catch-up: what comes back, or is more urgent, gets a post of its own.
    pub(super) fn unfold(&mut self, post: &Post) {
        let Some(thread) = self.threads.get(&post.episode) else { return };
        let Root::Folded(digest) = &thread.root else { return };
        let is_back = thread.wanted.ended.is_some() && post.ended.is_none();
        let is_worse = post.priority < thread.wanted.priority;
        if (is_back || is_worse) && !self.is_waiting(digest) {
            self.with(&post.episode, |thread| {
                thread.root = Root::Waiting;
                thread.opening = post.version;
            });
        }
    }

    pub(super) fn folded_into<'a>(&'a self, digest: &'a EpisodeId) -> impl Iterator<Item = &'a Thread> {
        self.threads
            .values()
            .filter(move |thread| matches!(&thread.root, Root::Folded(into) if into == digest))
    }

    /// What a catch-up has to tell, if that is not what it tells already.
    fn folded(&self, digest: &EpisodeId, now: Moment) -> Option<Folded> {
        let thread = self.threads.get(digest);
        let is_waiting = self.is_waiting(digest);
        let is_on_its_way = thread.is_some_and(|thread| thread.attempt.is_some());
        if is_on_its_way || (is_waiting && now < self.paused_until) {
            return None;
        }
        let newest = self.folded_into(digest).map(|thread| thread.wanted.written).max()?;
        // What was written in the same moment may not be in it yet.
        if !is_waiting && thread.is_some_and(|thread| thread.wanted.written > newest) {
            return None;
        }
        let lost = thread.map_or_else(|| lost_of(digest).unwrap_or(now), |thread| thread.wanted.begun);
        Some(Folded {
            digest: digest.clone(),
            lost,
            back: thread.and_then(|thread| thread.opened).unwrap_or(now),
            version: thread.map_or(0, |thread| thread.wanted.version),
            posts: self.folded_into(digest).map(|thread| thread.wanted.clone()).collect(),
        })
    }
}

/// The start of the outage, which the name of a catch-up ends with.
fn lost_of(digest: &EpisodeId) -> Option<Moment> {
    digest.0.rsplit_once('-').and_then(|(_, ms)| ms.parse().ok()).map(Moment::from_ms)
}
