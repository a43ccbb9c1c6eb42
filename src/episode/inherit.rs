//! The same condition under a configuration that was read anew.

use super::condition::Condition;
use super::follow::delay;
use super::state::{Pending, State};

impl Condition {
    /// Goes on where this one stands, under its own policy: a delay that runs ends when the new one is over.
    pub fn inherit(&mut self, from: Condition) {
        let (was, is) = (from.policy, self.policy);
        (self.standing, self.is_changed) = (from.standing, from.is_changed);
        if was.delays == is.delays {
            return;
        }
        // Both clocks began at the same moment: the due of the old delay tells when.
        let moved = |pending: &mut Pending, was, is| pending.due = pending.due.minus(was).plus(is);
        match &mut self.standing.state {
            State::Rising { pending, .. } => moved(pending, was.delays.on, is.delays.on),
            State::Open { episode, pending: Some(pending) } => {
                let delay = |policy| delay(policy, episode, pending.to);
                moved(pending, delay(&was), delay(&is));
            }
            State::Normal | State::Open { pending: None, .. } | State::Ended { .. } => return,
        }
        self.is_changed = true;
    }

    /// True while it is open and nothing says that it will be otherwise.
    pub fn is_steady(&self) -> bool {
        matches!(self.standing.state, State::Open { pending: None, .. })
    }

    /// What opens now was told before, up to this version, and is told on: its rule was taken out and put back.
    pub fn go_on_after(&mut self, version: u32) {
        if let State::Open { episode, .. } = &mut self.standing.state
            && episode.version <= version
        {
            episode.version = version + 1;
            self.is_changed = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Change, Delays, Fact, Policy, Side};
    use super::*;
    use crate::rule::{Level, Verdict};
    use contract::Moment;

    fn condition(on: u64) -> Condition {
        let delays = Delays { on: Duration::from_secs(on), off: Duration::from_secs(on) };
        Condition::new("press-3", "limit.hot", Policy::new(delays, Side::High))
    }

    fn hot(secs: i64) -> Fact {
        let at = Moment::from_ms(secs * 1_000);
        Fact {
            verdict: Verdict::Level(Level(1)),
            value: Some(80.0),
            at,
            now: at,
            may_open: true,
            is_late: false,
        }
    }

    #[test]
    fn a_delay_that_runs_takes_the_new_length_from_its_beginning() {
        let (mut old, mut new) = (condition(60), condition(20));
        old.learn(&hot(100));
        new.inherit(old);
        assert_eq!(new.due(), Some(Moment::from_ms(120_000)));
        assert_eq!(new.tick(Moment::from_ms(120_000)), Some(Change::Opened));
        let mut newer = condition(0);
        newer.inherit(new.clone());
        assert_eq!(newer.episode(), new.episode());
    }
}
