//! What a verdict means to a condition, by where it stands.

use std::time::Duration;

use contract::Moment;

use super::condition::Condition;
use super::policy::Policy;
use super::state::{Pending, Seen, State};
use super::{Change, Episode, Fact};
use crate::rule::{Level, Side};

/// Abnormal again so soon after its end, it is the same episode.
const REOPENS_WITHIN: Duration = Duration::from_secs(600);

/// No clock of a source that is believed runs ahead by so much.
const FUTURE_MAX: Duration = Duration::from_secs(60);

/// What chatters is over once it was calm for so long.
const CALM_AFTER: Duration = Duration::from_secs(600);

impl Condition {
    pub(super) fn begin(&self, pending: &Pending, is_late: bool) -> Episode {
        let id = Episode::name(&self.machine, &self.rule, pending.since);
        Episode { is_late, ..Episode::new(id, pending.since, pending.to) }
    }

    /// The value is not to be trusted: nothing pending counts any more, and what is open stays open.
    pub(super) fn doubt(&mut self) -> Option<Change> {
        match &mut self.standing.state {
            State::Rising { last, .. } => {
                self.standing.state = match last.take() {
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

    pub(super) fn follow(&mut self, level: Level, fact: &Fact) -> Option<Change> {
        match &mut self.standing.state {
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
                    self.standing.state =
                        last.take().map_or(State::Normal, |episode| State::Ended { episode });
                    self.is_changed = true;
                    return None;
                }
                if pending.to != level.0 {
                    pending.to = level.0;
                    self.is_changed = true;
                }
                (seen.value, seen.value_at) = (fact.value, fact.at);
                seen.count = seen.count.saturating_add(1);
                // So many in a row go on counting after a restart.
                self.is_changed |= self.policy.in_a_row > 1 && seen.count <= self.policy.in_a_row;
                if is_worse(self.policy.side, fact.value, seen.worst) {
                    (seen.worst, seen.worst_at) = (fact.value, fact.at);
                }
                // The last of so many in a row, when the delay is over already.
                let is_last = self.policy.in_a_row > 1 && seen.count == self.policy.in_a_row;
                let is_over = fact.now >= pending.due || fact.at >= pending.since.plus(self.policy.delays.on);
                if is_last && is_over { self.ripen(fact.is_late, fact.now) } else { None }
            }
            State::Open { .. } => self.go_on(level, fact),
        }
    }

    /// Abnormal for the first time: the on-delay begins.
    fn rise(&mut self, level: Level, fact: &Fact, last: Option<Box<Episode>>) -> Option<Change> {
        if level == Level::NORMAL || !fact.may_open {
            return None;
        }
        let pending = Pending { to: level.0, since: fact.at, due: fact.now.plus(self.policy.delays.on) };
        self.standing.state = State::Rising {
            pending,
            seen: Seen::new(fact),
            last: last.filter(|last| is_same(last, fact.at)),
        };
        self.is_changed = true;
        let is_enough = self.policy.delays.on.is_zero() && self.policy.in_a_row <= 1;
        if is_enough { self.ripen(fact.is_late, fact.now) } else { None }
    }

    /// While open: the value is followed, and a step up, down or out begins its delay.
    fn go_on(&mut self, level: Level, fact: &Fact) -> Option<Change> {
        let State::Open { episode, pending } = &mut self.standing.state else { return None };
        // A batch given again after a kill tells what is already told: the end of an earlier stretch is no end of
        // this one.
        if is_old(fact, episode.value_at) {
            return None;
        }
        (episode.value, episode.value_at) = (fact.value.or(episode.value), fact.at);
        weigh(episode, self.policy.side, fact.value, fact.at);
        if level.0 == episode.level {
            let is_back = pending.take().is_some_and(|pending| pending.to == 0);
            episode.flips = episode.flips.saturating_add(u32::from(is_back && episode.is_unstable));
            self.is_changed |= is_back;
            return None;
        }
        let delay = delay(&self.policy, episode, level.0);
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
        if delay.is_zero() { self.ripen(false, fact.now) } else { None }
    }
}

impl Episode {
    pub(super) fn again(self, pending: &Pending) -> Episode {
        Episode {
            ended: None,
            since: pending.since,
            stepped: pending.since,
            level: pending.to,
            reopened: self.reopened + 1,
            acknowledged: None,
            is_unconfirmed: false,
            is_unstable: false,
            flips: 0,
            realarms: 0,
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

/// True when what begins now is the episode that ended a moment ago, or one that nobody has confirmed.
pub(super) fn is_same(last: &Episode, since: Moment) -> bool {
    last.is_unconfirmed || last.ended.is_some_and(|ended| since.since(ended) <= REOPENS_WITHIN)
}

fn is_worse(side: Side, value: Option<f64>, than: Option<f64>) -> bool {
    match (value, than) {
        (Some(value), Some(than)) if side == Side::High => value > than,
        (Some(value), Some(than)) => value < than,
        (value, _) => value.is_some(),
    }
}

pub(super) fn weigh(episode: &mut Episode, side: Side, value: Option<f64>, at: Moment) {
    if is_worse(side, value, episode.worst) {
        (episode.worst, episode.worst_at) = (value, at);
    }
}

/// How long another step must last before an open episode takes it.
pub(super) fn delay(policy: &Policy, episode: &Episode, to: u8) -> Duration {
    match to {
        to if to > episode.level => policy.delays.on,
        0 if episode.is_unstable => policy.delays.off.max(CALM_AFTER),
        _ => policy.delays.off,
    }
}
