//! One rule on one machine: normal, about to be abnormal, abnormal, about to be normal.

use std::time::Duration;

use contract::Moment;
use serde::{Deserialize, Serialize};

use super::{Change, Episode};
use crate::rule::{Level, Verdict};

/// Abnormal again so soon after its end, it is the same episode.
const REOPENS_WITHIN: Duration = Duration::from_secs(600);

/// No clock of a source that is believed runs ahead by so much.
const FUTURE_MAX: Duration = Duration::from_secs(60);

/// Told so long after it was due, a post says that it is late.
pub const LATE_AFTER: Duration = Duration::from_secs(60);

/// On-delay and off-delay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delays {
    /// How long abnormal before it counts.
    pub on: Duration,
    /// How long normal before it is over.
    pub off: Duration,
}

/// Which value is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The higher one.
    High,
    /// The lower one.
    Low,
}

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

/// A step that counts once its delay is over.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Pending {
    to: u8,
    /// When it began, by the source.
    since: Moment,
    /// When we have waited long enough, by our own clock.
    due: Moment,
}

/// The values while the on-delay runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Seen {
    value: Option<f64>,
    value_at: Moment,
    worst: Option<f64>,
    worst_at: Moment,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    #[default]
    Normal,
    /// On-delay is running; `last` is the episode that ended a moment ago, if one did.
    Rising {
        pending: Pending,
        seen: Seen,
        last: Option<Episode>,
    },
    Open {
        episode: Episode,
        pending: Option<Pending>,
    },
    Ended {
        episode: Episode,
    },
}

/// One rule on one machine. What must outlive a restart is [`Condition::saved`].
#[derive(Debug, Clone)]
pub struct Condition {
    machine: String,
    rule: String,
    delays: Delays,
    side: Side,
    state: State,
    is_changed: bool,
}

impl Condition {
    /// Normal, until told otherwise.
    pub fn new(machine: &str, rule: &str, delays: Delays, side: Side) -> Condition {
        Condition {
            machine: machine.to_owned(),
            rule: rule.to_owned(),
            delays,
            side,
            state: State::Normal,
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
        self.state = serde_json::from_str(saved)?;
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
        serde_json::to_string(&self.state).ok()
    }

    /// The step that the rule goes on from after a restart.
    pub fn level(&self) -> Level {
        Level(match &self.state {
            State::Normal | State::Ended { .. } => 0,
            State::Rising { pending, .. } => pending.to,
            State::Open { episode, pending: None } => episode.level,
            State::Open { episode, pending: Some(pending) } => pending.to.max(episode.level),
        })
    }

    /// The episode that lives, or the last one.
    pub fn episode(&self) -> Option<&Episode> {
        match &self.state {
            State::Open { episode, .. } | State::Ended { episode } => Some(episode),
            State::Normal | State::Rising { .. } => None,
        }
    }

    /// True when normal is nothing new to it.
    pub fn is_calm(&self) -> bool {
        matches!(self.state, State::Normal | State::Ended { .. })
    }

    /// True while an episode lives.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// When time alone will change something.
    pub fn due(&self) -> Option<Moment> {
        match &self.state {
            State::Rising { pending, .. } | State::Open { pending: Some(pending), .. } => Some(pending.due),
            State::Normal | State::Open { .. } | State::Ended { .. } => None,
        }
    }

    /// Something was learnt. What there is to tell, in order; nearly always nothing.
    pub fn learn(&mut self, fact: &Fact) -> Vec<Change> {
        if matches!((&self.state, fact.verdict), (State::Normal, Verdict::Level(Level::NORMAL))) {
            return Vec::new();
        }
        let mut changes: Vec<Change> = self.ripen_by_source(fact).into_iter().collect();
        changes.extend(match fact.verdict {
            Verdict::Unknown => self.doubt(),
            Verdict::Level(level) => self.follow(level, fact),
        });
        changes
    }

    /// Time went by and nothing was learnt.
    pub fn tick(&mut self, now: Moment) -> Option<Change> {
        let due = self.due().filter(|due| *due <= now)?;
        self.ripen(now.since(due) > LATE_AFTER)
    }

    /// One more version, because a reader should see a new fact.
    pub fn touch(&mut self) {
        if let State::Open { episode, .. } = &mut self.state {
            episode.version += 1;
            self.is_changed = true;
        }
    }

    /// A reading at or after the end of the delay shows that it was over, even if our clock says otherwise:
    /// after an outage, an hour of readings arrives in a second.
    fn ripen_by_source(&mut self, fact: &Fact) -> Option<Change> {
        let (pending, level) = match &self.state {
            State::Rising { pending, .. } => (pending, 0),
            State::Open { pending: Some(pending), episode } => (pending, episode.level),
            State::Normal | State::Open { pending: None, .. } | State::Ended { .. } => return None,
        };
        let delay = if pending.to > level { self.delays.on } else { self.delays.off };
        let over = pending.since.plus(delay);
        // Strictly after: the reading that arrives at the very end speaks for itself.
        (fact.at > over).then(|| self.ripen(fact.is_late)).flatten()
    }

    /// The delay is over: the pending step counts.
    fn ripen(&mut self, is_late: bool) -> Option<Change> {
        self.is_changed = true;
        match std::mem::take(&mut self.state) {
            State::Rising { pending, seen, last } => {
                let (mut episode, change) = match last {
                    Some(last) if is_same(&last, pending.since) => (last.again(&pending), Change::Reopened),
                    _ => (self.begin(&pending, is_late), Change::Opened),
                };
                (episode.value, episode.value_at) = (seen.value, seen.value_at);
                weigh(&mut episode, self.side, seen.worst, seen.worst_at);
                self.state = State::Open { episode, pending: None };
                Some(change)
            }
            State::Open { mut episode, pending: Some(pending) } => {
                episode.version += 1;
                if pending.to == 0 {
                    episode.ended = Some(pending.since);
                    self.state = State::Ended { episode };
                    return Some(Change::Cleared);
                }
                let change = if pending.to > episode.level { Change::Escalated } else { Change::Eased };
                (episode.level, episode.stepped) = (pending.to, pending.since);
                if pending.to == 1 {
                    // On the first step again, it is abnormal since it began.
                    episode.stepped = episode.since;
                }
                self.state = State::Open { episode, pending: None };
                Some(change)
            }
            calm @ (State::Normal | State::Open { pending: None, .. } | State::Ended { .. }) => {
                self.state = calm;
                None
            }
        }
    }

    fn begin(&self, pending: &Pending, is_late: bool) -> Episode {
        Episode {
            id: Episode::name(&self.machine, &self.rule, pending.since),
            begun: pending.since,
            since: pending.since,
            stepped: pending.since,
            level: pending.to,
            value: None,
            value_at: pending.since,
            worst: None,
            worst_at: pending.since,
            ended: None,
            reopened: 0,
            is_late,
            version: 1,
        }
    }

    /// The value is not to be trusted: nothing pending counts any more, and what is open stays open.
    fn doubt(&mut self) -> Option<Change> {
        match &mut self.state {
            State::Rising { last, .. } => {
                self.state = match last.take() {
                    Some(episode) => State::Ended { episode },
                    None => State::Normal,
                };
                self.is_changed = true;
            }
            State::Open { pending, .. } if pending.is_some() => {
                *pending = None;
                self.is_changed = true;
            }
            State::Normal | State::Open { .. } | State::Ended { .. } => {}
        }
        None
    }

    fn follow(&mut self, level: Level, fact: &Fact) -> Option<Change> {
        match &mut self.state {
            State::Normal => self.rise(level, fact, None),
            State::Ended { episode } => {
                // A batch given again after a kill tells what is already told.
                if level == Level::NORMAL || episode.ended.is_some_and(|ended| is_old(fact, ended)) {
                    return None;
                }
                let last = episode.clone();
                self.rise(level, fact, Some(last))
            }
            State::Rising { pending, seen, last } => {
                if level == Level::NORMAL {
                    self.state = last.take().map_or(State::Normal, |episode| State::Ended { episode });
                    self.is_changed = true;
                    return None;
                }
                if pending.to != level.0 {
                    pending.to = level.0;
                    self.is_changed = true;
                }
                (seen.value, seen.value_at) = (fact.value, fact.at);
                if is_worse(self.side, fact.value, seen.worst) {
                    (seen.worst, seen.worst_at) = (fact.value, fact.at);
                }
                None
            }
            State::Open { .. } => self.go_on(level, fact),
        }
    }

    /// Abnormal for the first time: the on-delay begins.
    fn rise(&mut self, level: Level, fact: &Fact, last: Option<Episode>) -> Option<Change> {
        if level == Level::NORMAL || !fact.may_open {
            return None;
        }
        let pending = Pending { to: level.0, since: fact.at, due: fact.now.plus(self.delays.on) };
        self.state = State::Rising {
            pending,
            seen: Seen { value: fact.value, value_at: fact.at, worst: fact.value, worst_at: fact.at },
            last: last.filter(|last| is_same(last, fact.at)),
        };
        self.is_changed = true;
        if self.delays.on.is_zero() { self.ripen(fact.is_late) } else { None }
    }

    /// While open: the value is followed, and a step up, down or out begins its delay.
    fn go_on(&mut self, level: Level, fact: &Fact) -> Option<Change> {
        let State::Open { episode, pending } = &mut self.state else { return None };
        // A batch given again after a kill tells what is already told: the end of an earlier stretch is no end of
        // this one.
        if is_old(fact, episode.value_at) {
            return None;
        }
        (episode.value, episode.value_at) = (fact.value.or(episode.value), fact.at);
        weigh(episode, self.side, fact.value, fact.at);
        if level.0 == episode.level {
            self.is_changed |= pending.take().is_some();
            return None;
        }
        let delay = if level.0 > episode.level { self.delays.on } else { self.delays.off };
        match pending {
            // A value that swings between two steps has left the one it was on all the same: the nearer one counts.
            Some(pending) if (pending.to > episode.level) == (level.0 > episode.level) => {
                let is_up = level.0 > episode.level;
                let to = if is_up { pending.to.min(level.0) } else { pending.to.max(level.0) };
                self.is_changed |= pending.to != to;
                pending.to = to;
            }
            Some(_) | None => {
                *pending = Some(Pending { to: level.0, since: fact.at, due: fact.now.plus(delay) });
                self.is_changed = true;
            }
        }
        if delay.is_zero() { self.ripen(false) } else { None }
    }
}

impl Episode {
    fn again(self, pending: &Pending) -> Episode {
        Episode {
            ended: None,
            since: pending.since,
            stepped: pending.since,
            level: pending.to,
            reopened: self.reopened + 1,
            version: self.version + 1,
            ..self
        }
    }
}

/// True for what was so before something that we know already. A moment far in the future is that of a clock which
/// was set back, and says nothing.
fn is_old(fact: &Fact, than: Moment) -> bool {
    fact.at < than && than <= fact.now.plus(FUTURE_MAX)
}

fn is_same(last: &Episode, since: Moment) -> bool {
    last.ended.is_some_and(|ended| since.since(ended) <= REOPENS_WITHIN)
}

fn is_worse(side: Side, value: Option<f64>, than: Option<f64>) -> bool {
    match (value, than) {
        (Some(value), Some(than)) if side == Side::High => value > than,
        (Some(value), Some(than)) => value < than,
        (value, _) => value.is_some(),
    }
}

fn weigh(episode: &mut Episode, side: Side, value: Option<f64>, at: Moment) {
    if is_worse(side, value, episode.worst) {
        (episode.worst, episode.worst_at) = (value, at);
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
