//! Expressions at work: beside tags they read the states of machines and the fields of current orders.

use contract::{Moment, Value};

use super::Middle;
use crate::config::{ClaimPlan, Feed};
use crate::episode::Fact;
use crate::reading::list::plain;
use crate::rule::Judge;
use crate::rule::expression::Given;

/// A slot of an expression: the slot of its rule, and which one of its own.
type At = (usize, usize);

/// Who reads what is no tag.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// With the machine whose state it is.
    states: Vec<(usize, At)>,
    /// With the machine and the field of its current order.
    orders: Vec<((usize, String), At)>,
}

impl Middle {
    /// The expression of the next slot.
    pub(super) fn add_claim(&mut self, claim: &ClaimPlan) {
        let slot = self.slots.len();
        for (which, feed) in claim.feeds.iter().enumerate() {
            match feed {
                Feed::Tag(tag) => self.watchers[tag.0 as usize].push((slot, which)),
                Feed::State(machine) => self.claims.states.push((*machine, (slot, which))),
                Feed::Order(machine, field) => {
                    self.claims.orders.push(((*machine, field.clone()), (slot, which)));
                }
            }
        }
    }

    /// What is known of states and orders, before the first reading; nothing is judged yet.
    pub(super) fn fill_claims(&mut self, now: Moment) {
        for (at, given) in self.given_states(None).into_iter().chain(self.given_orders()) {
            self.put(at, given, now);
        }
    }

    /// A machine is in another state.
    pub(super) fn claim_state(&mut self, machine: usize, now: Moment) {
        let given = self.given_states(Some(machine));
        self.claim(given, now);
    }

    /// Rows of business documents came or went.
    pub(super) fn claim_orders(&mut self, now: Moment) {
        let given = self.given_orders();
        self.claim(given, now);
    }

    fn given_states(&self, of: Option<usize>) -> Vec<(At, Given)> {
        let wanted = self.claims.states.iter().filter(|(machine, _)| of.is_none_or(|of| of == *machine));
        let given = |machine: usize| match self.standings[machine].state_key() {
            Some(key) => Given::Text(key.into()),
            None => Given::Unknown,
        };
        wanted.map(|(machine, at)| (*at, given(*machine))).collect()
    }

    fn given_orders(&self) -> Vec<(At, Given)> {
        let value = |machine: usize, field: &str| {
            let (list, key) = self.current.get(&machine)?;
            self.lists.get(*list)?.value(key, field)
        };
        let given = |value: Option<&Value>| match value {
            Some(Value::Number(number)) if number.is_finite() => Given::Number(*number),
            Some(Value::Flag(flag)) => Given::Flag(*flag),
            Some(text @ Value::Text(_)) => Given::Text(plain(text).into()),
            Some(Value::Number(_) | Value::Time(_)) | None => Given::Unknown,
        };
        let orders = self.claims.orders.iter();
        orders.map(|((machine, field), at)| (*at, given(value(*machine, field)))).collect()
    }

    /// Each rule is judged once, when all that changed is in its slots.
    fn claim(&mut self, given: Vec<(At, Given)>, now: Moment) {
        let changed = given.into_iter().filter_map(|(at, given)| self.put(at, given, now).then_some(at.0));
        let mut slots: Vec<usize> = changed.collect();
        slots.dedup();
        for slot in slots {
            let Some(Judge::Expression(rule)) = &mut self.slots[slot].judge else { continue };
            let (verdict, value) = (rule.look(now), rule.value());
            self.learn_fact(slot, &Fact { verdict, value, at: now, now, may_open: true, is_late: false });
        }
    }

    fn put(&mut self, (slot, which): At, given: Given, now: Moment) -> bool {
        match &mut self.slots[slot].judge {
            Some(Judge::Expression(rule)) => rule.put(which, given, now),
            _ => false,
        }
    }
}
