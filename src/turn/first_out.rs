//! One thing goes wrong, and others follow: each of them names the first.

use std::time::Duration;

use contract::Moment;
use contract::settings::Words;

use super::Middle;
use crate::episode::FirstOut;
use crate::post::{About, Subject};

/// What begins on one machine within so long of the first belongs to it.
const WITHIN: Duration = Duration::from_secs(60);

impl Middle {
    /// An episode begins: what its machine told first stays with it.
    pub(super) fn find_first_out(&mut self, at: usize) {
        let slot = &self.slots[at];
        let (Some(machine), Some(episode)) = (slot.hiding.machine, slot.condition.episode()) else { return };
        let since = episode.since;
        let others = self.standings[machine].slots.iter().filter(|other| **other != at);
        let told = others.filter_map(|other| {
            let other = &self.slots[*other];
            let known = other.condition.told()?;
            let is_before = known.since <= since && since.since(known.since) <= WITHIN;
            // Two rules on one tag are one thing.
            let is_other = !other.subject.is_about_same_tag(&slot.subject);
            (is_before && is_other).then(|| FirstOut { rule: other.subject.rule.clone(), at: known.since })
        });
        if let Some(first) = told.min_by(|one, other| (one.at, &one.rule).cmp(&(other.at, &other.rule))) {
            self.slots[at].condition.follows(first);
        }
    }

    /// The words for it; none where its rule is gone.
    pub(super) fn first_out(&self, at: usize) -> Option<(Words, Moment)> {
        let slot = &self.slots[at];
        let first = slot.condition.episode()?.first_out.as_ref()?;
        let own = &self.standings[slot.hiding.machine?].slots;
        let found =
            own.iter().map(|at| &self.slots[*at].subject).find(|subject| subject.rule == first.rule)?;
        Some((words(found)?, first.at))
    }
}

fn words(subject: &Subject) -> Option<Words> {
    let tag = subject.tag.as_ref();
    match (&subject.about, tag) {
        (About::Claim { say }, _) => Some(say.clone()),
        (_, Some(tag)) if tag.name == Words::Nothing => Some(Words::All(tag.key.clone())),
        (_, tag) => Some(tag?.name.clone()),
    }
}
