//! What keeps conditions from being told: the state of their machine, a machine that they hang on, a person.

use contract::settings::Words;
use contract::{Moment, Priority};

use super::Middle;
use crate::config::Plan;
use crate::episode::{Act, Change, Cover, Refusal, Role};
use crate::reading::{Reading, StatesSection};

/// What is known of a machine beside its tags.
#[derive(Debug, Default)]
pub(super) struct Standing {
    parent: Option<usize>,
    children: Vec<usize>,
    states: Option<StatesSection>,
    /// Which of its states it is in; `None` inside for one that nobody named.
    state: Option<Option<usize>>,
    /// The slots of its rules.
    pub slots: Vec<usize>,
}

/// In which states of its machine a rule is told, and whether it takes its machine down.
#[derive(Debug, Clone, Default)]
pub(super) struct Hiding {
    pub machine: Option<usize>,
    pub quiet_in: Vec<String>,
    pub only_in: Vec<String>,
    pub hides_children: bool,
}

impl Standing {
    /// The key of the state it is in, if somebody named it.
    pub(super) fn state_key(&self) -> Option<&str> {
        Some(self.states.as_ref()?.key(self.state??))
    }

    /// Its tag tells this; true if that is another state.
    pub(super) fn told(&mut self, value: f64) -> bool {
        let Some(states) = &self.states else { return false };
        let before = self.state.replace(states.state(value));
        self.state != before
    }
}

impl Middle {
    /// Who hangs on whom, and which tags tell states.
    pub(super) fn add_standings(&mut self, plan: &Plan) {
        self.standings = plan.machines.iter().map(|_| Standing::default()).collect();
        self.state_of = vec![None; self.tags.len()];
        for (at, machine) in plan.machines.iter().enumerate() {
            self.standings[at].parent = machine.parent;
            if let Some(parent) = machine.parent {
                self.standings[parent].children.push(at);
            }
            if let Some(states) = &machine.states {
                self.standings[at].states = Some(states.section.clone());
                self.state_of[states.tag.0 as usize] = Some(at);
            }
        }
        for (number, slot) in self.slots.iter().enumerate() {
            if let Some(machine) = slot.hiding.machine {
                self.standings[machine].slots.push(number);
            }
        }
    }

    /// A tag that tells the state of a machine was read.
    pub(super) fn state_read(&mut self, machine: usize, reading: &Reading, now: Moment) {
        let standing = &mut self.standings[machine];
        // A value that cannot be trusted says nothing new.
        if reading.value.is_some_and(|value| standing.told(value)) {
            self.cover_machine(machine, now);
            self.claim_state(machine, now);
        }
    }

    /// After an episode began or ended: what hangs on its machine is hidden, or told again.
    pub(super) fn hide_children(&mut self, at: usize, now: Moment) {
        let Hiding { machine: Some(machine), hides_children: true, .. } = self.slots[at].hiding else {
            return;
        };
        let mut below = self.standings[machine].children.clone();
        // No machine hangs on itself: `check` has seen to that.
        while let Some(child) = below.pop() {
            below.extend(&self.standings[child].children);
            self.cover_machine(child, now);
        }
    }

    /// After a restart, what was kept of parents is looked at again; a state is not known before it is read.
    pub(super) fn cover_all(&mut self, now: Moment) {
        for machine in 0..self.standings.len() {
            self.cover_machine(machine, now);
        }
    }

    fn cover_machine(&mut self, machine: usize, now: Moment) {
        let parent =
            self.parent_down(machine).map(|parent| Cover::Parent(self.machines[parent].name.clone()));
        for number in 0..self.standings[machine].slots.len() {
            let at = self.standings[machine].slots[number];
            let cover = match &parent {
                Some(parent) => Some(parent.clone()),
                None => self.state_cover(machine, at),
            };
            if let Some(change) = self.slots[at].condition.cover(cover, now) {
                self.follow_up(at, &[change], now);
            } else if self.slots[at].mark_changed() {
                self.changed.push(at);
            }
        }
    }

    fn state_cover(&self, machine: usize, at: usize) -> Option<Cover> {
        let (standing, slot) = (&self.standings[machine], &self.slots[at]);
        let Hiding { quiet_in, only_in, .. } = &slot.hiding;
        let states = standing.states.as_ref()?;
        if quiet_in.is_empty() && only_in.is_empty() {
            return None;
        }
        let Some(state) = standing.state else {
            // Not known yet: as it was.
            return slot.condition.covered().filter(|cover| matches!(cover, Cover::State(_))).cloned();
        };
        let key = state.map_or("", |state| states.key(state));
        let is_in = |names: &[String]| names.iter().any(|name| name == key);
        let is_quiet = is_in(quiet_in) || (!only_in.is_empty() && !is_in(only_in));
        let words = state.map_or(Words::Nothing, |state| states.words(state));
        is_quiet.then_some(Cover::State(words))
    }

    /// The nearest machine above this one that is down.
    fn parent_down(&self, machine: usize) -> Option<usize> {
        let mut above = self.standings[machine].parent;
        while let Some(parent) = above {
            let is_down = |at: &usize| {
                let slot = &self.slots[*at];
                slot.hiding.hides_children && slot.condition.is_open()
            };
            if self.standings[parent].slots.iter().any(is_down) {
                return Some(parent);
            }
            above = self.standings[parent].parent;
        }
        None
    }

    /// Somebody wants something of a rule of a machine: `press-3`, `limit.oil-hot`.
    ///
    /// # Errors
    /// Why it is not done; nothing has changed then.
    pub fn act(
        &mut self,
        (machine, rule): (&str, &str),
        act: &Act,
        role: &Role,
        now: Moment,
    ) -> Result<(), Refusal> {
        let is_it = |subject: &crate::post::Subject| subject.author.key == machine && subject.rule == rule;
        let at = self.slots.iter().position(|slot| is_it(&slot.subject)).ok_or(Refusal::NothingOpen)?;
        let slot = &mut self.slots[at];
        let level = slot.condition.level().0;
        let is_urgent = slot.subject.priority(level) == Priority::Urgent;
        let change = slot.condition.act(act, role, is_urgent, now)?;
        let changes: Vec<Change> = change.into_iter().collect();
        self.follow_up(at, &changes, now);
        Ok(())
    }

    /// What a person set aside and what asks to act now: it is told all the same.
    pub(super) fn overrule(&mut self, at: usize, now: Moment) -> Option<Change> {
        let slot = &mut self.slots[at];
        let level = slot.condition.level().0;
        let is_urgent = level > 0 && slot.subject.priority(level) == Priority::Urgent;
        if !is_urgent || !slot.condition.is_aside() {
            return None;
        }
        slot.condition.tell_again(now)
    }
}
