//! The kinds of rules, in a list a person can read. A new kind is one file and a line in each match here.

use contract::{Fault, Moment, Priority};

use jiff::tz::TimeZone;

use super::{
    Common, Level, Side, Verdict, alarms, baseline, compare, count, expression, heartbeat, limit, rate,
    stale, state, window,
};
use crate::reading::Reading;

/// The table of a rule, by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Section {
    /// `[….rule.limit.<name>]`
    Limit(limit::Section),
    /// `[….rule.stale.<name>]`
    Stale(stale::Section),
    /// `[….rule.alarms.<name>]`
    Alarms(alarms::Section),
    /// `[….rule.rate.<name>]`
    Rate(rate::Section),
    /// `[….rule.count.<name>]`
    Count(count::Section),
    /// `[….rule.window.<name>]`
    Window(window::Section),
    /// `[….rule.compare.<name>]`
    Compare(compare::Section),
    /// `[….rule.state.<name>]`
    State(state::Section),
    /// `[….rule.heartbeat.<name>]`
    Heartbeat(heartbeat::Section),
    /// `[….rule.expression.<name>]`
    Expression(expression::Section),
}

/// A rule at work, by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Judge {
    /// Judges values.
    Limit(limit::Limit),
    /// Judges silence.
    Stale(stale::Stale),
    /// Judges how fast a value changes. Behind a pointer, as all that are much larger than a limit.
    Rate(Box<rate::Rate>),
    /// Counts what happens.
    Count(Box<count::Count>),
    /// Judges a figure of a time window.
    Window(Box<window::Window>),
    /// Judges a value against another.
    Compare(Box<compare::Compare>),
    /// Judges states.
    State(Box<state::State>),
    /// Judges what must change.
    Heartbeat(heartbeat::Heartbeat),
    /// Judges a claim about a machine.
    Expression(Box<expression::Rule>),
}

/// The words of the kinds in the configuration.
pub const NAMES: &[&str] =
    &["limit", "stale", "alarms", "rate", "count", "window", "compare", "state", "heartbeat", "expression"];

impl Section {
    /// The rule at work, from `now` on; `None` where others judge, and each of their alarms is a condition of its
    /// own, and for an expression, which is judged by its compiled claim.
    pub fn judge(&self, zone: &TimeZone, now: Moment) -> Option<Judge> {
        Some(match self {
            Section::Limit(section) => Judge::Limit(limit::Limit::new(section)),
            Section::Stale(section) => Judge::Stale(stale::Stale::new(section, now)),
            Section::Rate(section) => Judge::Rate(Box::new(rate::Rate::new(section, now))),
            Section::Count(section) => Judge::Count(Box::new(count::Count::new(section, now))),
            Section::Window(section) => Judge::Window(Box::new(window::Window::new(section, now))),
            Section::Compare(section) => {
                Judge::Compare(Box::new(compare::Compare::new(section, zone.clone(), now)))
            }
            Section::State(section) => Judge::State(Box::new(state::State::new(section, now))),
            Section::Heartbeat(section) => Judge::Heartbeat(heartbeat::Heartbeat::new(section, now)),
            Section::Alarms(_) | Section::Expression(_) => return None,
        })
    }

    /// The word of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Section::Limit(_) => "limit",
            Section::Stale(_) => "stale",
            Section::Alarms(_) => "alarms",
            Section::Rate(_) => "rate",
            Section::Count(_) => "count",
            Section::Window(_) => "window",
            Section::Compare(_) => "compare",
            Section::State(_) => "state",
            Section::Heartbeat(_) => "heartbeat",
            Section::Expression(_) => "expression",
        }
    }

    /// The common keys that mean nothing to it, and why.
    pub fn refuses(&self) -> Option<(&'static [&'static str], &'static str)> {
        match self {
            Section::Alarms(_) => Some((
                &["priority", "on_delay", "off_delay", "in_a_row", "latched"],
                "the system that keeps the alarms judges them: `high_from` and `urgent_from` set priorities",
            )),
            Section::Stale(_) => Some((&["on_delay", "in_a_row"], "`after` is its delay")),
            Section::Heartbeat(_) => Some((&["on_delay", "in_a_row"], "`every` and `beats` are its delay")),
            Section::Limit(_)
            | Section::Rate(_)
            | Section::Count(_)
            | Section::Window(_)
            | Section::Compare(_)
            | Section::State(_)
            | Section::Expression(_) => None,
        }
    }

    /// Which value is worse. Of an expression, its compiled claim knows.
    pub fn side(&self) -> Side {
        let below = match self {
            Section::Limit(section) => section.below,
            Section::Rate(section) => section.below,
            Section::Count(section) => section.below,
            Section::Window(section) => section.below,
            Section::Compare(section) => section.below,
            Section::Stale(_)
            | Section::Alarms(_)
            | Section::State(_)
            | Section::Heartbeat(_)
            | Section::Expression(_) => None,
        };
        if below.is_some() { Side::Low } else { Side::High }
    }

    /// How soon to act on each step, the first one first.
    pub fn priorities(&self, common: &Common) -> Vec<Priority> {
        match self {
            Section::Limit(section) => {
                let steps = section.ladder.iter().map(|step| step.priority);
                std::iter::once(common.priority).chain(steps).collect()
            }
            Section::Alarms(_) => alarms::PRIORITIES.to_vec(),
            Section::Stale(_)
            | Section::Rate(_)
            | Section::Count(_)
            | Section::Window(_)
            | Section::Compare(_)
            | Section::State(_)
            | Section::Heartbeat(_)
            | Section::Expression(_) => vec![common.priority],
        }
    }

    /// What is allowed beside its common keys and seldom meant.
    pub fn advise(&self, common: &Common) -> Vec<Fault> {
        match self {
            Section::Compare(section) if section.with.is_some() && common.on_delay.0.is_zero() => {
                let message =
                    "none: a step of both tags is told between the reading of one and that of the other";
                vec![Fault::at("on_delay", message)]
            }
            _ => Vec::new(),
        }
    }

    /// The names of the tags it judges, the one that its posts tell first. Those of an expression are known once it
    /// is compiled.
    pub fn tags(&self) -> Vec<&str> {
        match self {
            Section::Limit(section) => vec![&section.tag],
            Section::Stale(section) => vec![&section.tag],
            Section::Alarms(section) => vec![&section.tag],
            Section::Rate(section) => section.tags(),
            Section::Count(section) => section.tags(),
            Section::Window(section) => section.tags(),
            Section::Compare(section) => section.tags(),
            Section::State(section) => section.tags(),
            Section::Heartbeat(section) => section.tags(),
            Section::Expression(_) => Vec::new(),
        }
    }
}

/// What a rule makes of something it heard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opinion {
    /// How abnormal.
    pub verdict: Verdict,
    /// The figure behind it, in the unit that the post tells.
    pub value: Option<f64>,
    /// Since when it is so.
    pub at: Moment,
}

impl Judge {
    /// What a reading of the tag of this number (an index of [`Section::tags`], or of the slots of an expression) means. `is_news` is false for the
    /// last word of a broker from an unknown time.
    pub fn hear(&mut self, which: usize, reading: &Reading, is_news: bool) -> Option<Opinion> {
        let at = reading.at;
        match self {
            // A limit is judged by the time of the measure.
            Judge::Limit(limit) => Some(match reading.value {
                Some(value) => Opinion { verdict: limit.judge(value), value: Some(value), at },
                None => Opinion { verdict: Verdict::Unknown, value: None, at },
            }),
            // A silence is ours: it ends when something arrives, whatever the clock of the machine says, and not by
            // the last word that a broker kept.
            Judge::Stale(stale) => {
                let value = reading.value.filter(|_| is_news)?;
                let verdict = stale.hear(reading.received);
                Some(Opinion { verdict, value: Some(value), at: reading.received })
            }
            Judge::Rate(rule) => {
                Some(Opinion { verdict: rule.hear(which, reading)?, value: rule.value(), at })
            }
            Judge::Count(rule) => {
                Some(Opinion { verdict: rule.hear(which, reading)?, value: rule.value(), at })
            }
            Judge::Window(rule) => {
                Some(Opinion { verdict: rule.hear(which, reading)?, value: rule.value(), at })
            }
            Judge::Compare(rule) => {
                Some(Opinion { verdict: rule.hear(which, reading)?, value: rule.value(), at })
            }
            Judge::State(rule) => {
                let verdict = rule.hear(which, reading)?;
                Some(Opinion { verdict, value: rule.value(), at: since(rule, verdict, at) })
            }
            Judge::Heartbeat(rule) => {
                let verdict = rule.hear(which, reading)?;
                Some(Opinion { verdict, value: rule.value(), at: reading.received })
            }
            Judge::Expression(rule) => {
                Some(Opinion { verdict: rule.hear(which, reading)?, value: rule.value(), at })
            }
        }
    }

    /// What the passing of time means. `last_end` is when the episode before ended; `is_open` while one lives.
    pub fn tick(&mut self, last_end: Option<Moment>, is_open: bool, now: Moment) -> Option<Opinion> {
        match self {
            Judge::Limit(_) | Judge::Rate(_) | Judge::Compare(_) => None,
            Judge::Stale(stale) => {
                let is_silent = !is_open && stale.tick(now) != Verdict::Level(Level::NORMAL);
                // A silence begins after the one before it ended.
                let at = last_end.map_or(stale.heard(), |ended| ended.min(now).max(stale.heard()));
                is_silent.then_some(Opinion { verdict: Verdict::Level(Level(1)), value: None, at })
            }
            Judge::Count(rule) => Some(Opinion { verdict: rule.tick(now)?, value: rule.value(), at: now }),
            Judge::Window(rule) => Some(Opinion { verdict: rule.tick(now)?, value: rule.value(), at: now }),
            Judge::State(rule) => {
                let verdict = rule.tick(now)?;
                Some(Opinion { verdict, value: rule.value(), at: since(rule, verdict, now) })
            }
            Judge::Heartbeat(rule) => {
                let verdict = rule.tick(now)?;
                let at = last_end.map_or(rule.beaten(), |ended| ended.min(now).max(rule.beaten()));
                Some(Opinion { verdict, value: rule.value(), at })
            }
            Judge::Expression(rule) => {
                Some(Opinion { verdict: rule.tick(now)?, value: rule.value(), at: now })
            }
        }
    }

    /// When time alone may change its opinion.
    pub fn due(&self, is_open: bool) -> Option<Moment> {
        match self {
            Judge::Limit(_) | Judge::Rate(_) | Judge::Compare(_) => None,
            Judge::Stale(stale) => (!is_open).then(|| stale.due()),
            Judge::Count(rule) => rule.due(),
            Judge::Window(rule) => rule.due(),
            Judge::State(rule) => rule.due(),
            Judge::Heartbeat(rule) => rule.due(),
            Judge::Expression(rule) => rule.due(),
        }
    }

    /// Goes on from a step that was reached before a restart.
    pub fn resume(&mut self, level: Level) {
        match self {
            Judge::Limit(rule) => rule.resume(level),
            Judge::Stale(_) => {}
            Judge::Rate(rule) => rule.resume(level),
            Judge::Count(rule) => rule.resume(level),
            Judge::Window(rule) => rule.resume(level),
            Judge::Compare(rule) => rule.resume(level),
            Judge::State(rule) => rule.resume(level),
            Judge::Heartbeat(rule) => rule.resume(level),
            Judge::Expression(rule) => rule.resume(level),
        }
    }

    /// True for one that learns over weeks, or counts for ever: what it holds is kept.
    pub fn remembers(&self) -> bool {
        match self {
            Judge::Count(rule) => rule.is_endless(),
            Judge::Compare(rule) => rule.is_learning(),
            _ => false,
        }
    }

    /// What to keep at once of what it learnt: which part of it, and the part.
    pub fn saved(&mut self) -> Option<(String, String)> {
        match self {
            Judge::Count(rule) => Some((String::new(), rule.saved()?)),
            Judge::Compare(rule) => rule.saved().map(|(hour, body)| (hour.to_string(), body)),
            _ => None,
        }
    }

    /// True for one whose count nobody else keeps.
    pub fn counts_itself(&self) -> bool {
        matches!(self, Judge::Count(rule) if rule.counts_itself())
    }

    /// What it counted, to be kept when there is anything else to keep.
    pub fn counted(&mut self) -> Option<(String, String)> {
        match self {
            Judge::Count(rule) => Some((String::new(), rule.counted()?)),
            _ => None,
        }
    }

    /// The parts that it may have kept.
    pub fn parts(&self) -> Vec<String> {
        match self {
            Judge::Count(rule) if rule.is_endless() => vec![String::new()],
            Judge::Compare(rule) if rule.is_learning() => {
                (0..baseline::HOURS).map(|hour| hour.to_string()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Goes on from a part that was kept; `None` if it can make nothing of it.
    pub fn resume_saved(&mut self, part: &str, body: &str) -> Option<()> {
        match self {
            Judge::Count(rule) if rule.is_endless() => rule.resume_saved(body).ok(),
            Judge::Compare(rule) if rule.is_learning() => rule.resume_saved(part.parse().ok()?, body).ok(),
            _ => None,
        }
    }

    /// Goes on with what a rule had learnt of the same tag, whose limits were others.
    pub fn learn_from(&mut self, old: Judge) {
        match (self, old) {
            (Judge::Count(new), Judge::Count(old)) => new.learn_from(*old),
            (Judge::Compare(new), Judge::Compare(old)) => new.learn_from(*old),
            _ => {}
        }
    }

    /// The round number that was reached, once.
    pub fn reached(&mut self) -> Option<f64> {
        match self {
            Judge::Count(rule) => rule.reached(),
            _ => None,
        }
    }

    /// Its source is back: whoever must speak is given the time to do so, and a window with a hole in it begins anew.
    pub fn grant(&mut self, now: Moment) {
        match self {
            Judge::Stale(rule) => rule.grant(now),
            Judge::Heartbeat(rule) => rule.grant(now),
            Judge::Count(rule) => rule.start_anew(now),
            Judge::Window(rule) => rule.start_anew(now),
            Judge::Limit(_) | Judge::Rate(_) | Judge::Compare(_) | Judge::State(_) | Judge::Expression(_) => {
            }
        }
    }

    /// The clock was set.
    pub fn start_anew(&mut self, now: Moment) {
        match self {
            Judge::Limit(_) => {}
            Judge::Stale(rule) => rule.start_anew(now),
            Judge::Rate(rule) => rule.start_anew(now),
            Judge::Count(rule) => rule.start_anew(now),
            Judge::Window(rule) => rule.start_anew(now),
            Judge::Compare(rule) => rule.start_anew(now),
            Judge::State(rule) => rule.start_anew(now),
            Judge::Heartbeat(rule) => rule.start_anew(now),
            Judge::Expression(rule) => rule.start_anew(now),
        }
    }
}

/// A state has been abnormal since it began, not since it was found too long.
fn since(rule: &state::State, verdict: Verdict, now: Moment) -> Moment {
    if verdict == Verdict::Level(Level::NORMAL) { now } else { rule.since().min(now) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tags_that_are_compared_need_a_delay() {
        let compare = |text: &str| Section::Compare(toml::from_str(text).unwrap());
        let two = compare("tag='t'\nwith='u'\nabove=1");
        assert_eq!(two.advise(&Common::plain())[0].key, "on_delay");
        let delayed: Common = toml::from_str("on_delay='5s'").unwrap();
        assert_eq!(two.advise(&delayed), []);
        assert_eq!(compare("tag='t'\nsigmas=3").advise(&Common::plain()), []);
    }

    #[test]
    fn every_step_has_its_priority() {
        let limit = "tag='t'\nabove=1\nladder=[{above=2},{above=3,priority=2}]";
        let section = Section::Limit(toml::from_str(limit).unwrap());
        let want = [Priority::Low, Priority::Urgent, Priority::High];
        assert_eq!(section.priorities(&Common::plain()), want);
    }
}
