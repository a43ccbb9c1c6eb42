//! What becomes a line of a digest, and what the digest says.

use contract::{EpisodeId, Moment, Priority};

use super::{Middle, SITE};
use crate::episode::flood::{Line, Route};
use crate::episode::{Change, Episode};
use crate::post;
use crate::store::{Table, Write};

impl Middle {
    /// The key under which the watch for floods is kept.
    pub(super) fn flood_key() -> String {
        format!("{SITE}/flood")
    }

    /// Goes on from what was kept; false if it cannot be read.
    pub(super) fn resume_flood(&mut self, saved: &str) -> bool {
        serde_json::from_str(saved).map(|watch| self.floods = watch).is_ok()
    }

    /// Where the episode of a slot is told after this change.
    pub(super) fn route(&mut self, at: usize, change: Option<Change>, now: Moment) -> Route {
        let slot = &self.slots[at];
        let Some(episode) = slot.condition.episode() else { return Route::Own };
        // What the site says of itself explains a flood.
        if slot.subject.author.key == SITE {
            return Route::Own;
        }
        let is_urgent = slot.subject.priority(episode.level) == Priority::Urgent;
        let id = episode.id.clone();
        if change == Some(Change::Opened) {
            let line = self.line(at, episode);
            return self.floods.opened(&id, line, is_urgent, now);
        }
        if !self.floods.holds(&id) {
            return Route::Own;
        }
        if is_urgent && episode.is_live() {
            self.floods.leave(&id);
            return Route::Own;
        }
        self.floods.changed(&id, episode.is_live(), now);
        Route::Digest
    }

    fn line(&self, at: usize, episode: &Episode) -> Line {
        let subject = &self.slots[at].subject;
        let what = |code: &str| {
            let name = subject.tag_name(code);
            if name.is_empty() { subject.rule.as_str() } else { name }
        };
        Line {
            machine: subject.author.name.clone(),
            place: subject.author.place.clone(),
            what: self.languages.iter().map(|language| what(language.code()).to_owned()).collect(),
            since: episode.since,
        }
    }

    /// Writes the digest anew, if it has something to tell.
    pub(super) fn tell_flood(&mut self, now: Moment) {
        let is_raging = self.floods.is_raging();
        let digest: Option<EpisodeId> = self.floods.digest().filter(|_| is_raging).cloned();
        for lane in self.outbox.lanes_mut() {
            lane.calm(digest.clone());
        }
        let Some(flood) = self.floods.news(now) else { return };
        let languages = self.languages.iter().enumerate();
        let posts: Vec<_> = languages.map(|language| post::flood(flood, &self.site, language, now)).collect();
        for (lane, language) in self.outbox.lanes_mut().iter_mut().zip(&self.language_of) {
            lane.want(posts[*language].clone(), false, now);
        }
        self.is_urgent = true;
    }

    pub(super) fn keep_flood(&mut self, writes: &mut Vec<Write>) {
        if let Some(body) = self.floods.saved() {
            writes.push(Write::Put { table: Table::Condition, key: Middle::flood_key(), body });
        }
    }
}
