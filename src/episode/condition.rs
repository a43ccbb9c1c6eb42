//! One rule on one machine: normal, about to be abnormal, abnormal, about to be normal.

use std::time::Duration;

use contract::Moment;

use super::aside::{Cover, Mute};
use super::follow::{delay, is_same, weigh};
use super::policy::Policy;
use super::state::{Pending, Seen, Standing, State};
use super::{Change, Episode, FirstOut};
use crate::rule::{Level, Verdict};

/// Told so long after it was due, a post says that it is late.
pub const LATE_AFTER: Duration = Duration::from_secs(60);

/// Chattering: it opens so often …
const CHATTER_TIMES: usize = 3;
/// … within so long.
const CHATTER_WITHIN: Duration = Duration::from_secs(60);

/// The longest time between two re-alarms.
const REALARM_MAX: Duration = Duration::from_secs(24 * 3_600);

/// What a condition is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fact {
    /// The rule's opinion.
    pub verdict: Verdict,
    /// The value behind it.
    pub value: Option<f64>,
    /// When it was so.
    pub at: Moment,
    /// When we learnt it.
    pub now: Moment,
    /// False for the last word of a broker from an unknown time: it may end an episode, never begin one.
    pub may_open: bool,
    /// True when we learn it long after it was so, because nobody was listening.
    pub is_late: bool,
}

/// One rule on one machine. What must outlive a restart is [`Condition::saved`].
#[derive(Debug, Clone)]
pub struct Condition {
    pub(super) machine: String,
    pub(super) rule: String,
    pub(super) policy: Policy,
    pub(super) standing: Standing,
    pub(super) is_changed: bool,
}

impl Condition {
    /// Normal, until told otherwise.
    pub fn new(machine: &str, rule: &str, policy: Policy) -> Condition {
        Condition {
            machine: machine.to_owned(),
            rule: rule.to_owned(),
            policy,
            standing: Standing::default(),
            is_changed: false,
        }
    }

    /// The name under which it is kept: `press-3/limit.oil-hot`.
    pub fn key(&self) -> String {
        format!("{}/{}", self.machine, self.rule)
    }

    /// Goes on from what was kept.
    ///
    /// # Errors
    /// What was kept cannot be read.
    pub fn resume(&mut self, saved: &str) -> Result<(), serde_json::Error> {
        // A state alone was kept before anything could be set aside.
        self.standing = serde_json::from_str(saved).or_else(|wrong| {
            let state = serde_json::from_str(saved).map_err(|_| wrong)?;
            Ok::<_, serde_json::Error>(Standing { state, ..Standing::default() })
        })?;
        Ok(())
    }

    /// True when there is something to keep.
    pub fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// What to keep, if it changed since the last call.
    pub fn saved(&mut self) -> Option<String> {
        if !std::mem::take(&mut self.is_changed) {
            return None;
        }
        // A tree of numbers and words is always JSON.
        serde_json::to_string(&self.standing).ok()
    }

    /// The step that the rule goes on from after a restart.
    pub fn level(&self) -> Level {
        Level(match &self.standing.state {
            State::Normal | State::Ended { .. } => 0,
            State::Rising { pending, .. } => pending.to,
            State::Open { episode, pending: None } => episode.level,
            State::Open { episode, pending: Some(pending) } => pending.to.max(episode.level),
        })
    }

    /// The episode that lives, or the last one.
    pub fn episode(&self) -> Option<&Episode> {
        match &self.standing.state {
            State::Open { episode, .. } | State::Ended { episode } => Some(episode),
            State::Normal | State::Rising { .. } => None,
        }
    }

    /// The episode whose post may still change: also the one that ended a moment ago while it may come back.
    pub fn told(&self) -> Option<&Episode> {
        match &self.standing.state {
            State::Rising { last, .. } => last.as_deref(),
            State::Normal | State::Open { .. } | State::Ended { .. } => self.episode(),
        }
    }

    pub(super) fn episode_mut(&mut self) -> Option<&mut Episode> {
        match &mut self.standing.state {
            State::Open { episode, .. } | State::Ended { episode } => Some(episode),
            State::Normal | State::Rising { .. } => None,
        }
    }

    /// True when normal is nothing new to it.
    pub fn is_calm(&self) -> bool {
        matches!(self.standing.state, State::Normal | State::Ended { .. })
    }

    /// True while an episode lives.
    pub fn is_open(&self) -> bool {
        matches!(self.standing.state, State::Open { .. })
    }

    /// True while it is abnormal for long enough, and nobody is told because it is set aside or explained.
    pub fn is_held(&self) -> bool {
        matches!(&self.standing.state, State::Rising { seen, .. } if seen.is_held)
    }

    /// What keeps it from being told.
    pub fn mute(&self) -> Option<Mute> {
        let aside = self.standing.aside.clone().map(Mute::Aside);
        aside.or_else(|| self.standing.cover.clone().map(Mute::Covered))
    }

    /// What explains it.
    pub fn covered(&self) -> Option<&Cover> {
        self.standing.cover.as_ref()
    }

    /// True while a person keeps it from being told.
    pub fn is_aside(&self) -> bool {
        self.standing.aside.is_some()
    }

    pub(super) fn is_mute(&self) -> bool {
        self.standing.aside.is_some() || self.standing.cover.is_some()
    }

    /// When time alone will change something.
    pub fn due(&self) -> Option<Moment> {
        let shelf = self.standing.aside.as_ref().and_then(super::aside::Aside::until);
        let ripe = match &self.standing.state {
            State::Rising { pending, seen, .. } => {
                (!seen.is_held && seen.count >= self.policy.in_a_row).then_some(pending.due)
            }
            State::Open { pending: Some(pending), .. } => Some(pending.due),
            State::Normal | State::Open { .. } | State::Ended { .. } => None,
        };
        shelf.into_iter().chain(ripe).chain(self.realarm_due()).min()
    }

    /// When it is told again because nobody took charge.
    fn realarm_due(&self) -> Option<Moment> {
        let State::Open { episode, .. } = &self.standing.state else { return None };
        if episode.acknowledged.is_some() || self.is_mute() || episode.is_unstable {
            return None;
        }
        let wait = self.policy.realarm?.saturating_mul(2_u32.saturating_pow(episode.realarms));
        Some(episode.alarmed.plus(wait.min(REALARM_MAX)))
    }

    /// It follows from what its machine told first.
    pub(crate) fn follows(&mut self, first: FirstOut) {
        if let State::Open { episode, .. } = &mut self.standing.state {
            episode.first_out = Some(first);
            self.is_changed = true;
        }
    }

    /// Something was learnt. What there is to tell, in order; nearly always nothing.
    pub fn learn(&mut self, fact: &Fact) -> Vec<Change> {
        if matches!((&self.standing.state, fact.verdict), (State::Normal, Verdict::Level(Level::NORMAL))) {
            return Vec::new();
        }
        let mut changes: Vec<Change> = self.shown_over(fact).into_iter().collect();
        changes.extend(match fact.verdict {
            Verdict::Unknown => self.doubt(),
            Verdict::Level(level) => self.follow(level, fact),
        });
        changes
    }

    /// Time went by and nothing was learnt.
    pub fn tick(&mut self, now: Moment) -> Option<Change> {
        let due = self.due().filter(|due| *due <= now)?;
        if self.standing.aside.as_ref().and_then(super::aside::Aside::until).is_some_and(|until| until <= now)
        {
            self.standing.aside = None;
            self.is_changed = true;
            return self.heard_again(now);
        }
        if self.realarm_due().is_some_and(|again| again <= now && again <= due) {
            let episode = self.episode_mut()?;
            episode.alarmed = now;
            episode.realarms += 1;
            self.is_changed = true;
            return Some(Change::Realarmed);
        }
        self.ripen(now.since(due) > LATE_AFTER, now)
    }

    /// One more version, because a reader should see a new fact.
    pub fn touch(&mut self) {
        if let State::Open { episode, .. } = &mut self.standing.state {
            episode.version += 1;
            self.is_changed = true;
        }
    }

    /// Something else explains it from now on, or does not any more.
    pub fn cover(&mut self, cover: Option<Cover>, now: Moment) -> Option<Change> {
        if self.standing.cover == cover {
            return None;
        }
        self.standing.cover = cover;
        self.is_changed = true;
        self.heard_again(now)
    }

    /// After what keeps it from being told changed: it is told, or its post says why nothing more will come.
    pub(super) fn heard_again(&mut self, now: Moment) -> Option<Change> {
        let mute = self.mute();
        match &mut self.standing.state {
            State::Open { episode, .. } if episode.mute != mute => {
                episode.version += 1;
                (episode.mute, episode.alarmed) = (mute, now);
                self.is_changed = true;
                Some(if episode.mute.is_some() { Change::Muted } else { Change::Unmuted })
            }
            State::Rising { seen, .. } if seen.is_held && mute.is_none() => self.ripen(false, now),
            State::Normal | State::Rising { .. } | State::Open { .. } | State::Ended { .. } => None,
        }
    }

    /// A reading at or after the end of the delay shows that it was over, even if our clock says otherwise:
    /// after an outage, an hour of readings arrives in a second. What this shows is to be told before the fact itself is
    /// learnt: it may begin another episode, or another on-delay, and of the one before nobody would hear any more.
    pub fn shown_over(&mut self, fact: &Fact) -> Option<Change> {
        let (pending, delay) = match &self.standing.state {
            State::Rising { pending, seen, .. } if !seen.is_held && seen.count >= self.policy.in_a_row => {
                (pending, self.policy.delays.on)
            }
            State::Open { pending: Some(pending), episode } => {
                (pending, delay(&self.policy, episode, pending.to))
            }
            State::Normal | State::Rising { .. } | State::Open { .. } | State::Ended { .. } => return None,
        };
        let over = pending.since.plus(delay);
        // Strictly after: the reading that arrives at the very end speaks for itself.
        (fact.at > over).then(|| self.ripen(fact.is_late, fact.now)).flatten()
    }

    /// The delay is over: the pending step counts.
    pub(super) fn ripen(&mut self, is_late: bool, now: Moment) -> Option<Change> {
        self.is_changed = true;
        let is_mute = self.is_mute();
        match std::mem::take(&mut self.standing.state) {
            State::Rising { pending, seen, last } if is_mute => {
                let seen = Seen { is_held: true, ..seen };
                self.standing.state = State::Rising { pending, seen, last };
                None
            }
            State::Rising { pending, seen, last } => Some(self.open(pending, &seen, last, is_late, now)),
            State::Open { mut episode, pending: Some(pending) } => {
                episode.version += 1;
                if pending.to == 0 {
                    (episode.ended, episode.mute) = (Some(pending.since), None);
                    episode.is_unconfirmed = self.policy.is_latched;
                    let change = if episode.is_unconfirmed { Change::Returned } else { Change::Cleared };
                    self.standing.state = State::Ended { episode };
                    return Some(change);
                }
                let change = if pending.to > episode.level { Change::Escalated } else { Change::Eased };
                (episode.level, episode.stepped) = (pending.to, pending.since);
                if pending.to == 1 {
                    // On the first step again, it is abnormal since it began.
                    episode.stepped = episode.since;
                }
                if change == Change::Escalated {
                    // Whoever took charge did so of less than this.
                    (episode.acknowledged, episode.realarms, episode.alarmed) = (None, 0, now);
                }
                self.standing.state = State::Open { episode, pending: None };
                Some(change)
            }
            calm @ (State::Normal | State::Open { pending: None, .. } | State::Ended { .. }) => {
                self.standing.state = calm;
                None
            }
        }
    }

    fn open(
        &mut self,
        pending: Pending,
        seen: &Seen,
        last: Option<Box<Episode>>,
        is_late: bool,
        now: Moment,
    ) -> Change {
        let (mut episode, mut change) = match last {
            Some(last) if is_same(&last, pending.since) => (Box::new(last.again(&pending)), Change::Reopened),
            _ => (Box::new(self.begin(&pending, is_late)), Change::Opened),
        };
        (episode.value, episode.value_at, episode.alarmed) = (seen.value, seen.value_at, now);
        weigh(&mut episode, self.policy.side, seen.worst, seen.worst_at);
        if self.is_chattering(pending.since) {
            episode.is_unstable = true;
            change = Change::Unstable;
        }
        self.standing.state = State::Open { episode, pending: None };
        change
    }

    /// Takes note of an opening; true if it was one too many in a short time.
    fn is_chattering(&mut self, at: Moment) -> bool {
        let openings = &mut self.standing.openings;
        openings.retain(|before| *before <= at && at.since(*before) < CHATTER_WITHIN);
        openings.push(at);
        let is_chattering = openings.len() >= CHATTER_TIMES;
        if is_chattering {
            openings.clear();
        }
        is_chattering
    }
}

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
