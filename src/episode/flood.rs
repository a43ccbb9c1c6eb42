//! Too much at once: one digest instead of many posts, led by what came first.
//!
//! More than ten new episodes in ten minutes are a flood, until fewer than five are (EEMUA 191, ISA-18.2). What asks
//! to act now is always told by itself.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use contract::{EpisodeId, Moment};
use serde::{Deserialize, Serialize};

/// More in [`WITHIN`] are a flood …
const ABOVE: usize = 10;
/// … until fewer are.
const UNDER: usize = 5;
/// How far back is counted.
const WITHIN: Duration = Duration::from_secs(600);
/// An episode comes back within ten minutes, counted by the time of its source, and its on-delay comes on top.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30 * 60);
/// The digest changes at most so often.
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// So many kinds of alerts are counted apart; a reader sees the first few.
const KINDS_MAX: usize = 64;
/// So many that were told by themselves are named.
const APART_MAX: usize = 3;

/// One alert as a line of the digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Whose: the name of the machine.
    pub machine: String,
    /// Where it stands: `Vitré/Atelier B/Ligne 2`.
    pub place: String,
    /// About what, for each language in the order of the plan.
    pub what: Vec<String>,
    /// Since when.
    pub since: Moment,
}

/// What the digest tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flood {
    /// The name of the digest.
    pub id: EpisodeId,
    /// The first-out.
    pub first: Line,
    /// How many alerts, the first ones with posts of their own among them.
    pub total: u32,
    /// How many of each kind, by what they are about, in the first language; then in each language.
    pub kinds: BTreeMap<String, (u32, Vec<String>)>,
    /// Where all of them stand; empty if they share no place.
    pub place: String,
    /// The last ones that were told by themselves, because they ask to act now.
    pub apart: Vec<Line>,
    /// Those that are told here and are open.
    pub open: BTreeMap<EpisodeId, Line>,
    /// Those that were told here and are over, and since when.
    pub over: BTreeMap<EpisodeId, (Line, Moment)>,
    /// When it was calm again.
    pub ended: Option<Moment>,
    /// Grows with everything there is to tell.
    pub version: u32,
    told: Moment,
    is_changed: bool,
}

/// How an episode is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// By a post of its own.
    Own,
    /// As a line of the digest.
    Digest,
}

/// Watches for floods.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// The newest last; no more than decide.
    recent: VecDeque<Line>,
    /// The digest, while it may still change.
    flood: Option<Flood>,
    #[serde(skip)]
    is_unkept: bool,
}

impl Watch {
    /// An episode begins: how it is told.
    pub fn opened(&mut self, id: &EpisodeId, line: Line, is_urgent: bool, now: Moment) -> Route {
        self.is_unkept = true;
        self.recent.retain(|old| old.since <= now && now.since(old.since) < WITHIN);
        self.recent.push_back(Line { since: now, ..line.clone() });
        if self.recent.len() > ABOVE + 1 {
            self.recent.pop_front();
        }
        let is_raging = self.flood.as_ref().is_some_and(|flood| flood.ended.is_none());
        // What has a post of its own needs no digest.
        if self.recent.len() > ABOVE && !is_raging && !is_urgent {
            self.begin(now);
        }
        let Some(flood) = self.flood.as_mut().filter(|flood| flood.ended.is_none()) else {
            return Route::Own;
        };
        flood.count(&line);
        if is_urgent {
            flood.apart.push(line);
            let surplus = flood.apart.len().saturating_sub(APART_MAX);
            flood.apart.drain(..surplus);
            return Route::Own;
        }
        flood.open.insert(id.clone(), line);
        Route::Digest
    }

    fn begin(&mut self, now: Moment) {
        let Some(first) = self.recent.front().cloned() else { return };
        // Those before the last one were told by themselves.
        let before = self.recent.len() - 1;
        match &mut self.flood {
            // Its lines are not all over: it goes on.
            Some(flood) => flood.ended = None,
            None => {
                let mut flood = Flood {
                    id: EpisodeId(format!("flood-{}", now.as_ms())),
                    place: first.place.clone(),
                    first,
                    total: 0,
                    kinds: BTreeMap::new(),
                    apart: Vec::new(),
                    open: BTreeMap::new(),
                    over: BTreeMap::new(),
                    ended: None,
                    version: 0,
                    told: Moment::from_ms(i64::MIN),
                    is_changed: true,
                };
                self.recent.iter().take(before).for_each(|line| flood.count(line));
                self.flood = Some(flood);
            }
        }
    }

    /// Is it told in the digest?
    pub fn holds(&self, id: &EpisodeId) -> bool {
        self.flood.as_ref().is_some_and(|flood| flood.open.contains_key(id) || flood.over.contains_key(id))
    }

    /// True while there is a flood.
    pub fn is_raging(&self) -> bool {
        self.flood.as_ref().is_some_and(|flood| flood.ended.is_none())
    }

    /// The name of the digest that may still change.
    pub fn digest(&self) -> Option<&EpisodeId> {
        self.flood.as_ref().map(|flood| &flood.id)
    }

    /// Something that is told in the digest is over, or back.
    pub fn changed(&mut self, id: &EpisodeId, is_open: bool, now: Moment) {
        let Some(flood) = &mut self.flood else { return };
        let is_moved = if is_open {
            let line = flood.over.remove(id).map(|(line, _)| line);
            line.map(|line| flood.open.insert(id.clone(), line)).is_some()
        } else {
            let line = flood.open.remove(id);
            line.map(|line| flood.over.insert(id.clone(), (line, now))).is_some()
        };
        if is_moved {
            (flood.is_changed, self.is_unkept) = (true, true);
        }
    }

    /// It asks to act now: from here on it has a post of its own.
    pub fn leave(&mut self, id: &EpisodeId) {
        let Some(flood) = &mut self.flood else { return };
        let line = flood.open.remove(id).or_else(|| flood.over.remove(id).map(|(line, _)| line));
        if let Some(line) = line {
            flood.apart.push(line);
            (flood.is_changed, self.is_unkept) = (true, true);
        }
    }

    /// What the digest has to tell now, if anything. `None` too while it was told less than a minute ago.
    pub fn news(&mut self, now: Moment) -> Option<&Flood> {
        let is_calm = self.is_calm(now);
        let flood = self.flood.as_mut()?;
        if is_calm && flood.ended.is_none() {
            (flood.ended, flood.is_changed) = (Some(now), true);
        }
        if !flood.is_changed || (now < flood.told.plus(TOLD_EVERY) && flood.told <= now) {
            return None;
        }
        (flood.told, flood.is_changed) = (now, false);
        flood.version += 1;
        self.is_unkept = true;
        Some(flood)
    }

    /// Forgets a digest that is over, with the names of those that it told, once they cannot come back.
    pub fn sweep(&mut self, now: Moment) {
        if let Some(flood) = &mut self.flood {
            let before = flood.over.len();
            flood.over.retain(|_, (_, ended)| now.since(*ended) < FORGOTTEN_AFTER);
            self.is_unkept |= flood.over.len() < before;
        }
        let is_over = |flood: &Flood| {
            let is_past = flood.ended.is_some_and(|ended| now.since(ended) > WITHIN);
            is_past && flood.open.is_empty() && !flood.is_changed
        };
        if self.flood.as_ref().is_some_and(is_over) {
            (self.flood, self.is_unkept) = (None, true);
        }
    }

    /// When time alone will change something.
    pub fn due(&self) -> Option<Moment> {
        let flood = self.flood.as_ref()?;
        let told = flood.is_changed.then(|| flood.told.plus(TOLD_EVERY));
        let calm = match self.recent.iter().rev().nth(UNDER - 1) {
            _ if flood.ended.is_some() => None,
            Some(line) => Some(line.since.plus(WITHIN)),
            None => Some(flood.told.plus(TOLD_EVERY)),
        };
        told.into_iter().chain(calm).min()
    }

    /// What to keep, if it changed since the last call.
    pub fn saved(&mut self) -> Option<String> {
        // A tree of numbers and words is always JSON.
        std::mem::take(&mut self.is_unkept).then(|| serde_json::to_string(self).ok()).flatten()
    }

    /// True when there is something to keep.
    pub fn has_changes(&self) -> bool {
        self.is_unkept
    }

    fn is_calm(&self, now: Moment) -> bool {
        let decides = self.recent.iter().rev().nth(UNDER - 1);
        decides.is_none_or(|line| line.since > now || now.since(line.since) >= WITHIN)
    }
}

impl Flood {
    fn count(&mut self, line: &Line) {
        self.total = self.total.saturating_add(1);
        self.is_changed = true;
        self.place = common(&self.place, &line.place).to_owned();
        let kind = line.what.first().cloned().unwrap_or_default();
        if let Some((count, _)) = self.kinds.get_mut(&kind) {
            *count = count.saturating_add(1);
        } else if self.kinds.len() < KINDS_MAX {
            self.kinds.insert(kind, (1, line.what.clone()));
        }
    }

    /// The most frequent kinds in a language, and how many alerts are of none of them.
    pub fn top(&self, language: usize, count_max: usize) -> (Vec<(&str, u32)>, u32) {
        let mut kinds: Vec<(&str, u32)> = self
            .kinds
            .values()
            .map(|(count, what)| (what.get(language).map_or("", String::as_str), *count))
            .collect();
        kinds.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
        kinds.truncate(count_max);
        let told: u32 = kinds.iter().map(|(_, count)| count).sum();
        (kinds, self.total.saturating_sub(told))
    }
}

/// The place that holds both.
fn common<'a>(one: &'a str, other: &str) -> &'a str {
    let mut end = 0;
    for (mine, theirs) in one.split('/').zip(other.split('/')) {
        if mine != theirs {
            break;
        }
        end += mine.len() + 1;
    }
    &one[..end.saturating_sub(1)]
}

#[cfg(test)]
#[path = "tests/flood.rs"]
mod tests;
