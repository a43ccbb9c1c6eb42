//! What a person does to a condition, if their role may.

use std::time::Duration;

use contract::Moment;

use super::Change;
use super::aside::{Act, Aside, Hand, Refusal, Role};
use super::condition::Condition;
use super::state::State;

impl Condition {
    /// Somebody wants this of it. `is_urgent` is true where it asks to act now. What there is to tell, if anything.
    ///
    /// # Errors
    /// Why it is not done; nothing has changed then.
    pub fn act(
        &mut self,
        act: &Act,
        role: &Role,
        is_urgent: bool,
        now: Moment,
    ) -> Result<Option<Change>, Refusal> {
        let hand = Hand { role: role.name.clone(), at: now };
        match act {
            Act::Acknowledge => self.acknowledge(hand),
            Act::Confirm => self.confirm(hand),
            Act::Shelve { for_ms, reason } => {
                let lasts = Duration::from_millis(*for_ms);
                may_shelve(role, is_urgent, lasts, reason)?;
                Ok(self
                    .set_aside(Aside::Shelved { until: now.plus(lasts), hand, reason: reason.clone() }, now))
            }
            Act::OutOfService { reason } => {
                may_disable(role, is_urgent, reason)?;
                Ok(self.set_aside(Aside::OutOfService { hand, reason: reason.clone() }, now))
            }
            Act::Unshelve => Ok(self.tell_again(now)),
            Act::InService if !role.may_disable => Err(Refusal::NotAllowed),
            Act::InService => Ok(self.tell_again(now)),
        }
    }

    /// It asks to act now, and nobody may silence that: what a person set aside is told again.
    pub fn tell_again(&mut self, now: Moment) -> Option<Change> {
        self.standing.aside.take()?;
        self.is_changed = true;
        self.heard_again(now)
    }

    fn set_aside(&mut self, aside: Aside, now: Moment) -> Option<Change> {
        self.standing.aside = Some(aside);
        self.is_changed = true;
        self.heard_again(now)
    }

    fn acknowledge(&mut self, hand: Hand) -> Result<Option<Change>, Refusal> {
        let episode = self.episode_mut().filter(|episode| episode.is_live()).ok_or(Refusal::NothingOpen)?;
        if episode.acknowledged.is_some() {
            return Ok(None);
        }
        episode.acknowledged = Some(hand);
        episode.version += 1;
        self.is_changed = true;
        Ok(Some(Change::Acknowledged))
    }

    fn confirm(&mut self, hand: Hand) -> Result<Option<Change>, Refusal> {
        match &mut self.standing.state {
            State::Ended { episode } if episode.is_unconfirmed => {
                episode.is_unconfirmed = false;
                episode.acknowledged.get_or_insert(hand);
                episode.version += 1;
                self.is_changed = true;
                Ok(Some(Change::Cleared))
            }
            State::Open { .. } => Err(Refusal::StillAbnormal),
            State::Normal | State::Rising { .. } | State::Ended { .. } => Err(Refusal::NothingOpen),
        }
    }
}

fn may_shelve(role: &Role, is_urgent: bool, lasts: Duration, reason: &str) -> Result<(), Refusal> {
    if is_urgent {
        return Err(Refusal::TooUrgent);
    }
    if role.shelve_max.is_zero() {
        return Err(Refusal::NotAllowed);
    }
    if lasts > role.shelve_max {
        return Err(Refusal::TooLong { max: role.shelve_max });
    }
    if reason.trim().is_empty() { Err(Refusal::NoReason) } else { Ok(()) }
}

fn may_disable(role: &Role, is_urgent: bool, reason: &str) -> Result<(), Refusal> {
    if !role.may_disable {
        return Err(Refusal::NotAllowed);
    }
    if is_urgent {
        return Err(Refusal::TooUrgent);
    }
    if reason.trim().is_empty() { Err(Refusal::NoReason) } else { Ok(()) }
}
