//! Conditions that nobody wrote a rule for one by one: a part of a source in trouble, an alarm of another system, a
//! row of a list. Each gets a slot when it is first heard of, and gives it back when it has been over for a while.

use std::collections::HashMap;
use std::time::Duration;

use contract::settings::Words;
use contract::{Alarm, Cause, Moment, Priority, Thing, Trouble};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::slot::Slot;
use super::{Middle, Remark, SITE};
use crate::config::ListPlan;
use crate::episode::{Condition, Delays, Fact, LATE_AFTER, Policy, Side};
use crate::post::{About, AlarmWords, Forecast, Subject};
use crate::rule::{Level, Verdict, alarms};
use crate::store::{Table, Write};

/// More at a time than anybody reads; the others are counted in the log. Each takes about 2 kB.
const RAISED_MAX: usize = 500;

/// A device may stay away for so long before it is told: devices restart too.
const DEVICE_LOST_AFTER: Duration = Duration::from_secs(60);

/// A source that is connected anew says its troubles anew. Those that it does not say within this time are over, if it
/// stays connected: a device that is asked once a minute is given up after some questions.
const SAID_ANEW_WITHIN: Duration = Duration::from_secs(600);

/// Who raised a condition. Kept with its state, so that it can be told after a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Raiser {
    /// A source, of one of its parts.
    Part { source: String, trouble: Trouble },
    /// Another system, of one of its alarms.
    Alarm { machine: String, rule: String, key: String, alarm: AlarmWords },
    /// A row of a list.
    Record { list: String, rule: String, key: String },
    /// What is foreseen of a row of a list. The rule is `late.<name>` or `reach.<name>`.
    Forecast { list: String, rule: String, key: String, words: Option<Forecast> },
}

/// A row of [`Table::Raised`].
#[derive(Serialize, Deserialize)]
struct Saved {
    raiser: Raiser,
    state: Box<RawValue>,
}

/// The slots that are in use, by the key of their condition, and those that are free.
#[derive(Debug, Default)]
pub(super) struct Raised {
    by_key: HashMap<String, usize>,
    free: Vec<usize>,
    /// What could not be raised since the last remark.
    left_out: usize,
}

impl Raised {
    /// The slots in use, by key, in the order in which they came.
    pub fn places(&self) -> Vec<(String, usize)> {
        let mut places: Vec<_> = self.by_key.iter().map(|(key, at)| (key.clone(), *at)).collect();
        places.sort_by_key(|(_, at)| *at);
        places
    }

    /// The slots that nobody uses.
    pub fn free(&self) -> &[usize] {
        &self.free
    }
}

/// A rule that listens to the alarms of another system.
#[derive(Debug)]
pub(super) struct Listening {
    pub machine: usize,
    pub rule: String,
    pub section: alarms::Section,
    /// What a person should do.
    pub action: Words,
    pub tag: usize,
    /// The slots that came since a refresh began, if one did.
    pub refresh: Option<Vec<usize>>,
}

impl Raiser {
    /// The machine and the rule of its condition: the same for the same thing, after a restart too.
    fn names(&self) -> (&str, String) {
        match self {
            Raiser::Part { source, trouble } => {
                let thing = format!("{:?}", trouble.thing).to_lowercase();
                (SITE, format!("part.{source}.{thing}.{}", trouble.name))
            }
            Raiser::Alarm { machine, rule, key, .. } => (machine, format!("{rule}#{}", short(key))),
            Raiser::Record { list, rule, key } => (SITE, format!("record.{list}.{rule}#{}", short(key))),
            Raiser::Forecast { list, rule, key, .. } => (SITE, format!("{rule}.{list}#{}", short(key))),
        }
    }
}

/// Sixteen hexadecimal digits for a key of any length.
fn short(key: &str) -> String {
    Sha256::digest(key).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

impl Middle {
    /// The slot of what is raised: the one it has, or a new one. `None` when there are too many, or when the
    /// configuration no longer knows its rule.
    pub(super) fn raise(&mut self, raiser: Raiser) -> Option<usize> {
        let (machine, rule) = raiser.names();
        if let Some(at) = self.raised.by_key.get(&format!("{machine}/{rule}")) {
            return Some(*at);
        }
        if self.raised.by_key.len() >= RAISED_MAX {
            self.raised.left_out += 1;
            return None;
        }
        let subject = self.subject_of(&raiser, &rule)?;
        let condition = Condition::new(machine, &rule, Policy::new(delays(&raiser), Side::High));
        let key = condition.key();
        let mut slot = Slot::new(condition, None, subject);
        slot.raiser = Some(Box::new(raiser));
        let at = match self.raised.free.pop() {
            Some(at) => {
                self.slots[at] = slot;
                at
            }
            None => {
                // Not twice the rules of a large plant for one trouble more.
                if self.slots.len() == self.slots.capacity() {
                    self.slots.reserve_exact(RAISED_MAX / 10);
                }
                self.slots.push(slot);
                self.slots.len() - 1
            }
        };
        self.raised.by_key.insert(key, at);
        Some(at)
    }

    pub(super) fn find(&self, raiser: &Raiser) -> Option<usize> {
        let (machine, rule) = raiser.names();
        self.raised.by_key.get(&format!("{machine}/{rule}")).copied()
    }

    fn subject_of(&self, raiser: &Raiser, rule: &str) -> Option<Subject> {
        let site = |about, priority| Subject {
            author: self.site.clone(),
            rule: rule.to_owned(),
            tag: None,
            about,
            priorities: vec![priority],
            action: Words::Nothing,
        };
        match raiser {
            Raiser::Part { source, trouble } => {
                self.sources.iter().find(|known| known.name == *source)?;
                let about = About::Part { source: source.clone(), trouble: Box::new(trouble.clone()) };
                Some(site(about, urgency(trouble)))
            }
            Raiser::Alarm { machine, rule: of, alarm, .. } => {
                let listening = self.listening.iter().find(|known| {
                    known.rule == *of
                        && self.machines.get(known.machine).is_some_and(|author| author.key == *machine)
                })?;
                Some(Subject {
                    author: self.machines.get(listening.machine)?.clone(),
                    rule: rule.to_owned(),
                    tag: None,
                    about: About::Alarm { alarm: alarm.clone() },
                    priorities: alarms::PRIORITIES.to_vec(),
                    action: listening.action.clone(),
                })
            }
            Raiser::Record { list, rule: of, key } => {
                let at = self.lists.iter().position(|known| known.name == *list)?;
                let (record, priority, action) = self.lists[at].words(of, key)?;
                let author = self.author_of(at, key);
                let about = About::Record { record: Box::new(record) };
                Some(Subject { author, action, ..site(about, priority) })
            }
            Raiser::Forecast { list, rule: of, key, words } => {
                self.forecast_subject((list, of, key), rule, words.clone()?)
            }
        }
    }

    /// Something was learnt of a raised condition.
    pub(super) fn learn(&mut self, at: usize, level: Level, when: Moment, may_open: bool, now: Moment) {
        let is_late = now.since(when) > LATE_AFTER;
        let verdict = Verdict::Level(level);
        if level == Level::NORMAL && self.slots[at].condition.is_calm() {
            return;
        }
        let fact = Fact { verdict, value: None, at: when, now, may_open, is_late };
        let changes = self.inform(at, &fact);
        self.follow_up(at, &changes, now);
    }

    /// Its words are others now: said at once, or with the next change when they change all the time.
    pub(super) fn reword(&mut self, at: usize, is_urgent: bool, now: Moment) {
        if !self.slots[at].condition.is_open() {
            return;
        }
        if is_urgent {
            self.slots[at].condition.touch();
            self.tell(at, None, now);
            self.follow_up(at, &[], now);
        } else {
            self.slots[at].has_news = true;
            self.schedule(at, now);
        }
    }

    /// A part of a source is in trouble, from now on or still.
    pub(super) fn trouble(&mut self, source: usize, trouble: Trouble, now: Moment) {
        let Some(source) = self.sources.get(source).map(|state| state.name.clone()) else { return };
        let name = contract::clean(&trouble.name, contract::DATA_CHARS_MAX);
        let trouble = Trouble { name, ..trouble };
        let raiser = Raiser::Part { source: source.clone(), trouble: trouble.clone() };
        let Some(at) = self.raise(raiser.clone()) else { return };
        let slot = &mut self.slots[at];
        slot.not_said_by = None;
        let is_other =
            matches!(&slot.subject.about, About::Part { trouble: known, .. } if **known != trouble);
        if is_other {
            slot.subject.about = About::Part { source, trouble: Box::new(trouble) };
            slot.raiser = Some(Box::new(raiser));
            self.reword(at, false, now);
        }
        self.learn(at, Level(1), now, true, now);
    }

    /// A part of a source works again.
    pub(super) fn mended(&mut self, source: usize, thing: Thing, name: &str, now: Moment) {
        let Some(state) = self.sources.get(source) else { return };
        let name = contract::clean(name, contract::DATA_CHARS_MAX);
        let trouble = Trouble { thing, name, cause: Cause::NoAnswer };
        if let Some(at) = self.find(&Raiser::Part { source: state.name.clone(), trouble }) {
            self.slots[at].not_said_by = None;
            self.learn(at, Level::NORMAL, now, false, now);
        }
    }

    /// A source is connected: what it does not say anew is over. While it is not, nobody can say anything. What a
    /// device said of itself stands until it speaks again.
    pub(super) fn ask_anew(&mut self, source: usize, is_up: bool, now: Moment) {
        let Some(state) = self.sources.get(source) else { return };
        let is_of = |slot: &Slot| match slot.raiser.as_deref() {
            Some(Raiser::Part { source, trouble }) => {
                *source == state.name && trouble.cause != Cause::SaidGoodbye && !slot.condition.is_calm()
            }
            _ => false,
        };
        let all: Vec<usize> =
            self.raised.by_key.values().copied().filter(|at| is_of(&self.slots[*at])).collect();
        for at in all {
            self.slots[at].not_said_by = is_up.then(|| now.plus(SAID_ANEW_WITHIN));
            self.schedule(at, now);
        }
    }

    /// An alarm of another system, for every rule that listens to it.
    pub(super) fn alarm(&mut self, alarm: &Alarm, now: Moment) {
        for rule in 0..self.listening.len() {
            if self.listening[rule].tag == alarm.tag.0 as usize {
                self.hear_alarm(rule, alarm, now);
            }
        }
    }

    fn hear_alarm(&mut self, rule: usize, alarm: &Alarm, now: Moment) {
        let listening = &self.listening[rule];
        let Verdict::Level(level) = alarms::judge(&listening.section, alarm.is_active, alarm.severity) else {
            return;
        };
        let words = AlarmWords {
            name: contract::clean(&alarm.name, contract::DATA_CHARS_MAX),
            message: contract::clean(&alarm.message, contract::DATA_CHARS_MAX),
            severity: alarm.severity,
            is_acknowledged: alarm.is_acknowledged == Some(true),
        };
        let Some(machine) = self.machines.get(listening.machine).map(|author| author.key.clone()) else {
            return;
        };
        let (rule_name, key) = (listening.rule.clone(), alarm.key.to_string());
        let raiser = Raiser::Alarm { machine, rule: rule_name, key, alarm: words.clone() };
        let at = match self.find(&raiser) {
            Some(at) => at,
            None if level == Level::NORMAL => return,
            None => match self.raise(raiser.clone()) {
                Some(at) => at,
                None => return,
            },
        };
        if let Some(came) = &mut self.listening[rule].refresh {
            came.push(at);
        }
        self.say_alarm(at, words, raiser, level == Level::NORMAL, now);
        // The order is that of the wire: the clock of the server may be behind ours, or have been set.
        let when = alarm.at.filter(|at| *at <= now).unwrap_or(now).max(self.slots[at].known_at());
        self.learn(at, level, when.min(now), true, now);
    }

    /// The words of an alarm as it is now. Those of its end ("back to normal") do not stand over what it was.
    fn say_alarm(&mut self, at: usize, words: AlarmWords, raiser: Raiser, is_over: bool, now: Moment) {
        let slot = &mut self.slots[at];
        let About::Alarm { alarm } = &mut slot.subject.about else { return };
        if is_over || *alarm == words {
            return;
        }
        let is_urgent = alarm.is_acknowledged != words.is_acknowledged;
        *alarm = words;
        slot.raiser = Some(Box::new(raiser));
        self.reword(at, is_urgent, now);
    }

    /// Every alarm of a tag follows that is not at rest.
    pub(super) fn refreshing(&mut self, tag: usize) {
        for listening in self.listening.iter_mut().filter(|listening| listening.tag == tag) {
            listening.refresh = Some(Vec::new());
        }
    }

    /// They came: those that did not are at rest.
    pub(super) fn refreshed(&mut self, tag: usize, now: Moment) {
        for rule in 0..self.listening.len() {
            let listening = &mut self.listening[rule];
            if listening.tag != tag {
                continue;
            }
            let Some(came) = listening.refresh.take() else { continue };
            let machine = self.machines.get(listening.machine).map(|author| author.key.clone());
            let name = listening.rule.clone();
            let is_of = |slot: &Slot| {
                matches!(slot.raiser.as_deref(), Some(Raiser::Alarm { machine: of, rule, .. })
                    if Some(of) == machine.as_ref() && *rule == name)
            };
            let slots = self.raised.by_key.values().copied();
            let silent: Vec<usize> =
                slots.filter(|at| is_of(&self.slots[*at]) && !came.contains(at)).collect();
            for at in silent {
                self.learn(at, Level::NORMAL, now, false, now);
            }
        }
    }

    /// Gives back the slots of what has been over for a while.
    pub(super) fn sweep_raised(&mut self, now: Moment) {
        let over: Vec<(String, usize)> = self
            .raised
            .by_key
            .iter()
            .filter(|(_, at)| self.slots[**at].is_over(now))
            .map(|(key, at)| (key.clone(), *at))
            .collect();
        for (key, at) in over {
            self.raised.by_key.remove(&key);
            self.raised.free.push(at);
            self.slots[at].raiser = None;
            self.unusable.push(Write::Delete { table: Table::Raised, key });
        }
        let left_out = std::mem::take(&mut self.raised.left_out);
        if left_out > 0 {
            let words = format!(
                "{left_out} times something was left out: more than {RAISED_MAX} troubles, alarms and records at a time"
            );
            self.remarks.push(Remark { subject: "posts".into(), words });
        }
    }

    /// Goes on from what was kept.
    pub(super) fn resume_raised(&mut self, rows: Vec<(String, String)>) {
        for (key, body) in rows {
            let resumed = serde_json::from_str::<Saved>(&body).ok().and_then(|saved| {
                let at = self.raise(saved.raiser)?;
                self.slots[at].resume(saved.state.get()).ok()
            });
            if resumed.is_none() {
                self.unusable.push(Write::Delete { table: Table::Raised, key });
            }
        }
    }
}

/// What to keep of a raised condition.
pub(super) fn saved(raiser: &Raiser, state: String) -> Option<String> {
    let state = RawValue::from_string(state).ok()?;
    serde_json::to_string(&Saved { raiser: raiser.clone(), state }).ok()
}

fn delays(raiser: &Raiser) -> Delays {
    let on = match raiser {
        Raiser::Part { trouble: Trouble { thing: Thing::Device, cause, .. }, .. } => match cause {
            Cause::SaidGoodbye => Duration::ZERO,
            _ => DEVICE_LOST_AFTER,
        },
        Raiser::Part { .. } | Raiser::Alarm { .. } | Raiser::Record { .. } | Raiser::Forecast { .. } => {
            Duration::ZERO
        }
    };
    Delays { on, off: Duration::ZERO }
}

/// A device that is away hides what its machines do; the rest can wait until somebody is at a desk.
fn urgency(trouble: &Trouble) -> Priority {
    match trouble.thing {
        Thing::Device | Thing::Events => Priority::High,
        Thing::Address | Thing::File | Thing::Query => Priority::Low,
    }
}

impl ListPlan {
    /// What people call a row of it.
    pub(super) fn row_name(&self) -> Words {
        match &self.section.name {
            Words::Nothing => Words::All(self.name.clone()),
            words => words.clone(),
        }
    }
}
