//! What we have heard of alarms: so that two events of one transition are one, and a refresh reconciles.
//!
//! Pure. Lives as long as the source, across connections.

use std::collections::{BTreeMap, BTreeSet};

use contract::{Alarm, Event, Origin, TagId};

use crate::event::Heard;

/// Conditions that are remembered for each server; beyond, two events of one transition may be told twice.
const KNOWN_MAX: usize = 10_000;

/// What we have heard.
#[derive(Debug, Default)]
pub struct Alarms {
    known: BTreeMap<(TagId, Box<str>), Alarm>,
    refreshing: BTreeSet<TagId>,
}

/// What an event asks of whoever reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// Nothing.
    Nothing,
    /// Ask for all conditions again.
    Refresh,
    /// Events were lost: say so, and ask for all conditions again.
    Lost,
    /// All conditions have come: what was lost is known again.
    Whole,
}

impl Alarms {
    /// A connection begins: a refresh that was cut is forgotten.
    pub fn connected(&mut self) {
        self.refreshing.clear();
    }

    /// Takes what one event says; gives what is news, and what is to be done.
    pub fn hear(&mut self, tag: TagId, heard: Heard) -> (Option<Event>, Demand) {
        match heard {
            Heard::Start => {
                self.begin(tag);
                (Some(Event::Refreshing(tag)), Demand::Nothing)
            }
            // An end without a start is of a refresh before our time.
            Heard::End if self.refreshing.remove(&tag) => (Some(Event::Refreshed(tag)), Demand::Whole),
            Heard::End | Heard::Passing => (None, Demand::Nothing),
            Heard::Required => (None, Demand::Refresh),
            Heard::Overflow => (None, Demand::Lost),
            Heard::Alarm(alarm) => (self.alarm(alarm).map(Event::Alarm), Demand::Nothing),
        }
    }

    /// The conditions of a tag, read one by one where the server offers no refresh.
    pub fn read(&mut self, tag: TagId, alarms: Vec<Alarm>) -> Vec<Event> {
        self.begin(tag);
        let mut events = vec![Event::Refreshing(tag)];
        events.extend(alarms.into_iter().filter_map(|alarm| self.alarm(alarm)).map(Event::Alarm));
        self.refreshing.remove(&tag);
        events.push(Event::Refreshed(tag));
        events
    }

    fn begin(&mut self, tag: TagId) {
        self.refreshing.insert(tag);
        self.known.retain(|(known, _), _| *known != tag);
    }

    fn alarm(&mut self, mut alarm: Alarm) -> Option<Alarm> {
        let is_refresh = self.refreshing.contains(&alarm.tag);
        let name = (alarm.tag, alarm.key.clone());
        let is_at_rest = !alarm.is_active && alarm.is_acknowledged != Some(false);
        if self.known.get(&name) == Some(&alarm) {
            return None;
        }
        match is_at_rest {
            // What is at rest is forgotten, but for its last words: they may be said twice.
            true if !self.known.contains_key(&name) && is_refresh => return None,
            _ if self.known.len() < KNOWN_MAX || self.known.contains_key(&name) => {
                self.known.insert(name, alarm.clone());
            }
            _ => {}
        }
        if is_refresh {
            alarm.origin = Origin::Retained;
        }
        Some(alarm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: TagId = TagId(3);

    fn alarm(key: &str, is_active: bool, is_acknowledged: bool) -> Alarm {
        Alarm {
            tag: TAG,
            key: key.into(),
            name: "Niveau".into(),
            message: "Niveau haut".into(),
            severity: 700,
            is_active,
            is_acknowledged: Some(is_acknowledged),
            at: None,
            origin: Origin::Live,
        }
    }

    fn hear(alarms: &mut Alarms, heard: Heard) -> Option<Event> {
        alarms.hear(TAG, heard).0
    }

    #[test]
    fn two_events_of_one_transition_are_one() {
        let mut alarms = Alarms::default();
        let active = || Heard::Alarm(alarm("a", true, false));
        assert!(hear(&mut alarms, active()).is_some());
        assert_eq!(hear(&mut alarms, active()), None);
        assert!(hear(&mut alarms, Heard::Alarm(alarm("a", true, true))).is_some());
        assert!(hear(&mut alarms, Heard::Alarm(alarm("a", false, true))).is_some());
        assert_eq!(hear(&mut alarms, Heard::Alarm(alarm("a", false, true))), None);
        // The next time is news again.
        assert!(hear(&mut alarms, active()).is_some());
    }

    #[test]
    fn a_refresh_says_everything_again_between_its_marks() {
        let mut alarms = Alarms::default();
        hear(&mut alarms, Heard::Alarm(alarm("a", true, false)));
        assert_eq!(hear(&mut alarms, Heard::Start), Some(Event::Refreshing(TAG)));
        let Some(Event::Alarm(again)) = hear(&mut alarms, Heard::Alarm(alarm("a", true, false))) else {
            panic!("expected the alarm again")
        };
        assert_eq!(again.origin, Origin::Retained);
        // Said twice within one refresh, or at rest: no news.
        assert_eq!(hear(&mut alarms, Heard::Alarm(alarm("a", true, false))), None);
        assert_eq!(hear(&mut alarms, Heard::Alarm(alarm("b", false, true))), None);
        assert_eq!(alarms.hear(TAG, Heard::End), (Some(Event::Refreshed(TAG)), Demand::Whole));
        assert_eq!(alarms.hear(TAG, Heard::End), (None, Demand::Nothing));
    }

    #[test]
    fn lost_events_ask_for_a_refresh() {
        let mut alarms = Alarms::default();
        assert_eq!(alarms.hear(TAG, Heard::Overflow), (None, Demand::Lost));
        assert_eq!(alarms.hear(TAG, Heard::Required), (None, Demand::Refresh));
    }

    #[test]
    fn a_server_that_invents_conditions_does_not_fill_our_memory() {
        let mut alarms = Alarms::default();
        for number in 0..2 * KNOWN_MAX {
            hear(&mut alarms, Heard::Alarm(alarm(&number.to_string(), true, false)));
        }
        assert_eq!(alarms.known.len(), KNOWN_MAX);
    }
}
