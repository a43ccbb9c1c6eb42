//! Another configuration for a plant at work: what did not change keeps its state, timers and episodes; what changed
//! keeps its episode and is judged by its new limits at once; what is gone ends with a post that says so.

use std::collections::{HashMap, HashSet};

use contract::{Batch, Capabilities, Event, ListId, Moment, Origin, TagId};

use super::build::outbox_names;
use super::slot::Slot;
use super::{Middle, RETAINED_AGE_MAX, SourceState};
use crate::config::Plan;
use crate::episode::Fact;
use crate::post::LanguageError;
use crate::reading::Reading;
use crate::rule::{Judge, Opinion};
use crate::store::{Table, Write};

/// Which sources and networks of the new plan, in its order, are those that run already.
#[derive(Debug, Clone, Copy)]
pub struct Stays<'a> {
    /// For each source, true if nobody touches it.
    pub sources: &'a [bool],
    /// For each network, true if nobody touches it.
    pub networks: &'a [bool],
}

/// What became of the rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// As they were.
    pub kept: usize,
    /// They judge something else now.
    pub changed: usize,
    /// They were not there before.
    pub new: usize,
    /// They are not there any more.
    pub gone: usize,
}

/// What the numbers of a source that stays are in the plan of now: it was built with those of an older one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbers {
    tags: Vec<Option<u32>>,
    lists: Vec<Option<u32>>,
}

impl Numbers {
    /// The same under one more plan; `None` once they are those of the plan again.
    fn then(was: Option<Numbers>, tags: &[Option<u32>], lists: &[Option<u32>]) -> Option<Numbers> {
        let now = match was {
            None => Numbers { tags: tags.to_vec(), lists: lists.to_vec() },
            Some(was) => {
                let then = |old: Vec<Option<u32>>, new: &[Option<u32>]| {
                    old.into_iter().map(|at| new.get(at? as usize).copied()?).collect()
                };
                Numbers { tags: then(was.tags, tags), lists: then(was.lists, lists) }
            }
        };
        // A number that is gone is never said: whoever said it was built anew.
        let is_same = |numbers: &[Option<u32>]| {
            numbers.iter().zip(0..).all(|(now, built)| now.is_none_or(|now| now == built))
        };
        (!is_same(&now.tags) || !is_same(&now.lists)).then_some(now)
    }

    /// The batch in the numbers of now.
    pub(super) fn renumber(&self, batch: &mut Batch) {
        let of = |numbers: &[Option<u32>], at: u32| numbers.get(at as usize).copied().flatten();
        let tag = |tag: &mut TagId| of(&self.tags, tag.0).map(|now| tag.0 = now).is_some();
        let list = |list: &mut ListId| of(&self.lists, list.0).map(|now| list.0 = now).is_some();
        batch.samples.retain_mut(|sample| tag(&mut sample.tag));
        batch.events.retain_mut(|event| match event {
            Event::Record(record) => list(&mut record.list),
            Event::Gone(of, _)
            | Event::Begin(of)
            | Event::There(of, _)
            | Event::Whole(of)
            | Event::Partly(of) => list(of),
            Event::Alarm(alarm) => tag(&mut alarm.tag),
            Event::Refreshing(of) | Event::Refreshed(of) => tag(of),
        });
    }
}

/// How a name or number of before is called now.
pub(super) struct Moved {
    /// For each tag of before, its number now.
    tags: Vec<Option<u32>>,
    pub lists: Vec<Option<u32>>,
    /// The tags of now that are read as before.
    pub kept: HashSet<usize>,
    is_same_zone: bool,
}

impl Middle {
    /// This plan from now on. What changed until now is kept with the next step.
    ///
    /// # Errors
    /// As [`Middle::new`]; nothing has changed then.
    pub fn reload(
        &mut self,
        plan: &Plan,
        can: &[Capabilities],
        stays: &Stays<'_>,
        now: Moment,
    ) -> Result<Reloaded, LanguageError> {
        let next = Middle::blank(plan, can, now)?;
        let writes = self.rest(now);
        let remarks = self.remarks();
        let old = std::mem::replace(self, next);
        self.unusable.extend(writes);
        self.remarks.extend(remarks);
        Ok(self.take_over(old, (plan, can), stays, now))
    }

    /// Named one by one, so that whoever adds something to the middle is asked what a reload makes of it.
    fn take_over(
        &mut self,
        old: Middle,
        (plan, can): (&Plan, &[Capabilities]),
        stays: &Stays<'_>,
        now: Moment,
    ) -> Reloaded {
        let Middle {
            site: _,
            zone,
            tags,
            names,
            prints,
            watchers: _,
            sources,
            slots,
            timers: _,
            machines,
            known_as: _,
            lists,
            lists_changed: _,
            current: _,
            listening,
            raised,
            works,
            floods,
            // What the tags told last tells it anew.
            standings: _,
            claims: _,
            // A step has taken it.
            learnt: _,
            state_of: _,
            changed: _,
            journal: _,
            unusable: _,
            remarks: _,
            languages: _,
            language_of: _,
            outbox,
            is_urgent,
            swept,
        } = old;
        (self.outbox, self.floods, self.swept, self.is_urgent) = (outbox, floods, swept, is_urgent);
        self.outbox.reload(outbox_names(plan, can), stays.networks, now);
        let list_at = |name: &str| self.lists.iter().position(|list| list.name == name);
        let mut moved = Moved {
            tags: Vec::new(),
            lists: lists.iter().map(|list| number(list_at(&list.name)?)).collect(),
            kept: HashSet::new(),
            is_same_zone: self.zone == zone,
        };
        self.inherit_tags((tags, names, prints), &mut moved);
        self.inherit_lists(lists, stays.sources);
        self.inherit_sources(sources, stays.sources, &moved);
        self.inherit_works(plan, works, &moved, stays, now);
        self.find_states();

        let is_idle: HashSet<usize> = raised.free().iter().copied().collect();
        let mut slots: Vec<Option<Slot>> = slots
            .into_iter()
            .enumerate()
            .map(|(at, slot)| (!is_idle.contains(&at)).then_some(slot))
            .collect();
        let places = self.inherit_raised(raised.places(), &mut slots, now);
        self.inherit_refreshes(listening, &machines, &places);
        let (reloaded, fresh) = self.inherit_slots(slots.into_iter().flatten().collect(), &moved, now);
        self.start_again(stays.sources, &fresh, now);
        reloaded
    }

    /// Tags keep what was read of them, if they are read as before.
    fn inherit_tags(
        &mut self,
        (tags, names, prints): (Vec<crate::reading::Tag>, Vec<(String, String)>, Vec<crate::config::Print>),
        moved: &mut Moved,
    ) {
        let at: HashMap<&(String, String), usize> =
            self.names.iter().enumerate().map(|(at, name)| (name, at)).collect();
        for ((tag, name), print) in tags.into_iter().zip(names).zip(prints) {
            let now = at.get(&name).copied();
            moved.tags.push(now.and_then(number));
            if let Some(now) = now.filter(|now| self.prints.get(*now) == Some(&print)) {
                self.tags[now] = tag;
                moved.kept.insert(now);
            }
        }
    }

    fn inherit_sources(&mut self, mut old: Vec<SourceState>, stays: &[bool], moved: &Moved) {
        for (state, stays) in self.sources.iter_mut().zip(stays) {
            let Some(at) = old.iter().position(|known| known.name == state.name) else { continue };
            let known = old.swap_remove(at);
            if *stays {
                let numbers = Numbers::then(known.numbers, &moved.tags, &moved.lists);
                *state = SourceState { slot: state.slot, numbers, ..known };
            }
        }
    }

    /// What was raised and can still be told keeps its slot; gives where each is now.
    fn inherit_raised(
        &mut self,
        places: Vec<(String, usize)>,
        slots: &mut [Option<Slot>],
        now: Moment,
    ) -> HashMap<usize, usize> {
        let mut places_now = HashMap::new();
        for (key, at) in places {
            let Some(mut slot) = slots.get_mut(at).and_then(Option::take) else { continue };
            let raiser = slot.raiser.take();
            match raiser.and_then(|raiser| self.raise(*raiser)) {
                Some(place) => {
                    self.slots[place].inherit(slot, true, true);
                    places_now.insert(at, place);
                }
                None => self.forget(Table::Raised, key, &slot, now),
            }
        }
        places_now
    }

    /// A refresh of alarms that is on its way goes on.
    fn inherit_refreshes(
        &mut self,
        old: Vec<super::Listening>,
        machines: &[contract::Author],
        places: &HashMap<usize, usize>,
    ) {
        let key =
            |machines: &[contract::Author], at: usize| machines.get(at).map(|author| author.key.clone());
        for was in old {
            let Some(came) = was.refresh else { continue };
            let machine = key(machines, was.machine);
            let is_same = |now: &&mut super::Listening| {
                now.rule == was.rule && key(&self.machines, now.machine) == machine
            };
            if let Some(now) = self.listening.iter_mut().find(is_same) {
                now.refresh = Some(came.iter().filter_map(|at| places.get(at).copied()).collect());
            }
        }
    }

    /// Each rule goes on where it stood. Gives the rules that must be judged anew, and whether each is new.
    fn inherit_slots(
        &mut self,
        old: Vec<Slot>,
        moved: &Moved,
        now: Moment,
    ) -> (Reloaded, HashMap<usize, bool>) {
        let mut reloaded = Reloaded::default();
        let mut fresh = HashMap::new();
        let mut known: HashMap<String, Slot> =
            old.into_iter().map(|slot| (slot.condition.key(), slot)).collect();
        let are_kept = self.slots_on(&moved.kept);
        for (at, is_kept) in are_kept.into_iter().enumerate() {
            let slot = &self.slots[at];
            if slot.raiser.is_some() {
                continue;
            }
            let is_rule = slot.judge.is_some();
            let key = slot.condition.key();
            let Some(was) = known.remove(&key) else {
                reloaded.new += usize::from(is_rule);
                fresh.insert(at, true);
                continue;
            };
            // About another tag it is another condition, though it bears the same name.
            if !slot.subject.is_about_same_tag(&was.subject) {
                self.forget(Table::Condition, key, &was, now);
                reloaded.changed += 1;
                fresh.insert(at, true);
                continue;
            }
            let is_same = slot.print == was.print && is_kept && moved.is_same_zone;
            let is_reworded = slot.subject != was.subject;
            self.slots[at].inherit(was, is_same, is_kept && moved.is_same_zone);
            self.slots[at].has_news |= is_reworded;
            if is_rule && is_same {
                reloaded.kept += 1;
            } else if is_rule {
                reloaded.changed += 1;
                fresh.insert(at, false);
            }
        }
        for (key, slot) in known {
            reloaded.gone += usize::from(slot.judge.is_some());
            self.forget(Table::Condition, key, &slot, now);
        }
        (reloaded, fresh)
    }

    /// For each slot, whether all its tags are among these.
    fn slots_on(&self, kept: &HashSet<usize>) -> Vec<bool> {
        let mut all = vec![true; self.slots.len()];
        for (tag, watchers) in self.watchers.iter().enumerate() {
            for (slot, _) in watchers {
                all[*slot] &= kept.contains(&tag);
            }
        }
        all
    }

    /// It is not kept any more. Its post is ended by [`Middle::retire_orphans`]; as a line of a digest it is over.
    fn forget(&mut self, table: Table, key: String, slot: &Slot, now: Moment) {
        if let Some(episode) = slot.condition.told() {
            self.floods.changed(&episode.id, false, now);
        }
        self.forget_learnt(slot);
        self.unusable.push(Write::Delete { table, key });
    }

    /// The new plan is there: what it says of what is known already is told, and timers are set.
    fn start_again(&mut self, stays: &[bool], fresh: &HashMap<usize, bool>, now: Moment) {
        for source in 0..self.sources.len() {
            if stays.get(source) != Some(&true) {
                self.source(source, Some("not connected yet".into()), now);
            }
        }
        for at in 0..self.slots.len() {
            if self.slots[at].mark_changed() {
                self.changed.push(at);
            }
        }
        self.cover_all(now);
        self.fill_claims(now);
        for tag in 0..self.tags.len() {
            for watcher in 0..self.watchers[tag].len() {
                let (slot, which) = self.watchers[tag][watcher];
                if let Some(is_new) = fresh.get(&slot) {
                    self.judge_latest(slot, which, tag, *is_new, now);
                }
            }
        }
        for at in 0..self.slots.len() {
            let slot = &mut self.slots[at];
            let is_reworded = slot.raiser.is_none() && std::mem::take(&mut slot.has_news);
            // By new limits it may be about to end: then its end tells them.
            if is_reworded && slot.condition.is_steady() {
                self.slots[at].condition.touch();
                self.tell(at, None, now);
                self.follow_up(at, &[], now);
            }
            self.schedule(at, now);
        }
        self.retire_orphans(now);
    }

    /// What the last good reading of a tag means to a rule that was not there when it came.
    fn judge_latest(&mut self, at: usize, which: usize, tag: usize, is_new: bool, now: Moment) {
        let Some(latest) = self.tags[tag].latest() else { return };
        let reading = Reading {
            tag: TagId(number(tag).unwrap_or_default()),
            value: Some(latest.value),
            at: latest.at,
            received: latest.at,
            origin: Origin::Live,
            is_timed: true,
        };
        let slot = &mut self.slots[at];
        let is_open = slot.condition.is_open();
        let Some(judge) = slot.judge.as_mut().filter(|judge| is_known_by_one(judge, is_new)) else { return };
        if let Judge::Stale(_) = judge {
            // It waits since then, and not since it was made.
            judge.start_anew(latest.at);
            if !is_open || judge.due(false).is_none_or(|due| due <= now) {
                // Whether it is silent, the time will tell.
                return;
            }
        }
        let Some(Opinion { verdict, value, at: _ }) = judge.hear(which, &reading, true) else { return };
        // As with the last word of a broker: nothing begins by a value that nobody confirmed for long.
        let may_open = now.since(latest.at) <= RETAINED_AGE_MAX;
        let known_at = slot.condition.episode().filter(|_| is_open).map(|episode| episode.value_at);
        let when = known_at.map_or(latest.at, |known| known.max(latest.at)).min(now);
        let fact = Fact { verdict, value, at: when, now, may_open, is_late: false };
        self.learn_fact(at, &fact);
    }

    /// An episode that opens under the name of one whose post was closed, because its rule was taken out and put
    /// back, goes on in that post.
    pub(super) fn go_on_telling(&mut self, at: usize) {
        let Some(episode) = self.slots[at].condition.episode() else { return };
        let told = self.outbox.lanes().iter().filter_map(|lane| lane.wanted(&episode.id));
        if let Some(version) = told.map(|post| post.version).max() {
            self.slots[at].condition.go_on_after(version);
        }
    }
}

fn number(at: usize) -> Option<u32> {
    u32::try_from(at).ok()
}

/// True for a rule to which one reading says something. What counts or waits for a change begins with what comes, and
/// so does a new rule that waits for silence.
fn is_known_by_one(judge: &Judge, is_new: bool) -> bool {
    match judge {
        Judge::Limit(_) | Judge::Compare(_) | Judge::State(_) | Judge::Expression(_) => true,
        Judge::Stale(_) => !is_new,
        Judge::Heartbeat(_) | Judge::Rate(_) | Judge::Count(_) | Judge::Window(_) => false,
    }
}
