//! One rule on one machine, with all that belongs to it.

use std::time::Duration;

use contract::Moment;

use super::REFRESH_EVERY;
use super::raised::{self, Raiser};
use super::standing::Hiding;
use crate::config::Print;
use crate::episode::{Condition, Episode, Fact};
use crate::post::Subject;
use crate::rule::course::Course;
use crate::rule::{Judge, Opinion};
use crate::store::Table;

/// What was over for so long begins anew when it is so again, and its slot can be another's. Longer than an episode
/// can be reopened.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(15 * 60);

/// One rule on one machine. Without a judge, the program itself tells the condition what it knows.
#[derive(Debug)]
pub struct Slot {
    pub(super) condition: Condition,
    pub(super) judge: Option<Judge>,
    pub(super) subject: Subject,
    /// Of the table of its rule.
    pub(super) print: Print,
    pub(super) tag: Option<usize>,
    pub(super) source: Option<usize>,
    /// When a timer is set for it.
    scheduled: Option<Moment>,
    told_at: Moment,
    told_worst: Option<f64>,
    /// When something was last said under its post, or the post begun.
    pub(super) noted_at: Moment,
    /// The step of the ladder that was said then.
    noted_level: u8,
    is_marked: bool,
    /// Who raised it, if no rule of its own watches it.
    pub(super) raiser: Option<Box<Raiser>>,
    /// Over at this moment, unless its source says it anew.
    pub(super) not_said_by: Option<Moment>,
    /// When its machine keeps it from being told.
    pub(super) hiding: Hiding,
    /// Its words are others than those that were told.
    pub(super) has_news: bool,
    /// What its judge holds is kept.
    pub(super) remembers: bool,
    /// The course of its value, where a picture is asked for.
    pub(super) course: Option<Course>,
}

impl Slot {
    pub(super) fn new(condition: Condition, judge: Option<Judge>, subject: Subject) -> Slot {
        Slot {
            course: None,
            remembers: judge.as_ref().is_some_and(Judge::remembers),
            condition,
            judge,
            subject,
            print: Print::default(),
            tag: None,
            source: None,
            scheduled: None,
            told_at: Moment::default(),
            told_worst: None,
            noted_at: Moment::default(),
            noted_level: 0,
            is_marked: false,
            raiser: None,
            not_said_by: None,
            hiding: Hiding::default(),
            has_news: false,
        }
    }

    /// Goes on from what was kept.
    pub(super) fn resume(&mut self, saved: &str) -> Result<(), serde_json::Error> {
        self.condition.resume(saved)?;
        if let Some(judge) = &mut self.judge {
            judge.resume(self.condition.level());
        }
        self.told_worst = self.condition.episode().and_then(|episode| episode.worst);
        Ok(())
    }

    /// Goes on from where it stood under another configuration, with the judge it had if that judges the same, and
    /// with what that had learnt if its tags are read as before.
    pub(super) fn inherit(&mut self, old: Slot, is_same: bool, are_tags_kept: bool) {
        self.condition.inherit(old.condition);
        match (&mut self.judge, old.judge) {
            (Some(judge), known) if !is_same => {
                if let Some(known) = known.filter(|_| are_tags_kept) {
                    judge.learn_from(known);
                }
                judge.resume(self.condition.level());
            }
            (judge, known) => *judge = known,
        }
        if let (Some(course), Some(known)) = (&mut self.course, old.course)
            && are_tags_kept
            && course.is_as_long_as(&known)
        {
            *course = known;
        }
        (self.told_at, self.told_worst) = (old.told_at, old.told_worst);
        (self.noted_at, self.noted_level) = (old.noted_at, old.noted_level);
        (self.not_said_by, self.has_news) = (old.not_said_by, old.has_news);
    }

    /// Takes note of a change of the state; true if it was not noted already.
    pub(super) fn mark_changed(&mut self) -> bool {
        let is_new = self.condition.is_changed() && !self.is_marked;
        self.is_marked |= is_new;
        is_new
    }

    /// What to keep, once, and in which table.
    pub(super) fn saved(&mut self) -> Option<(Table, String)> {
        self.is_marked = false;
        let state = self.condition.saved()?;
        match &self.raiser {
            Some(raiser) => Some((Table::Raised, raised::saved(raiser, state)?)),
            None => Some((Table::Condition, state)),
        }
    }

    pub(super) fn told(&mut self, with_note: bool, now: Moment) {
        self.told_at = now;
        if with_note {
            self.noted_at = now;
            self.noted_level = self.condition.episode().map_or(0, |episode| episode.level);
        }
        self.has_news = false;
        self.told_worst = self.condition.episode().and_then(|episode| episode.worst);
    }

    /// True when those who follow its thread were not told of this step within so long: one that comes and goes is
    /// told now and then, what is worse than ever at once.
    pub(super) fn is_news(&self, level: u8, again_after: Duration, now: Moment) -> bool {
        now.since(self.noted_at) >= again_after || level > self.noted_level
    }

    fn has_worse(&self) -> bool {
        let is_worse = |episode: &Episode| episode.worst != self.told_worst;
        self.condition.is_open() && (self.has_news || self.condition.episode().is_some_and(is_worse))
    }

    /// The time of the last that was learnt of it.
    pub(super) fn known_at(&self) -> Moment {
        let episode = self.condition.episode();
        episode.map_or(Moment::from_ms(i64::MIN), |episode| episode.ended.unwrap_or(episode.value_at))
    }

    /// True for what was raised, has been over for so long that it will not be the same again, and is kept.
    pub(super) fn is_over(&self, now: Moment) -> bool {
        let ended = self.condition.episode().and_then(|episode| episode.ended);
        let is_past = ended.is_none_or(|ended| now.since(ended) > FORGOTTEN_AFTER);
        self.condition.is_calm() && is_past && !self.is_marked && !self.condition.is_changed()
    }

    /// True once its source had its time to say it anew and did not.
    pub(super) fn is_unsaid(&mut self, now: Moment) -> bool {
        let is_unsaid = self.not_said_by.is_some_and(|by| by <= now);
        if is_unsaid {
            self.not_said_by = None;
        }
        is_unsaid
    }

    /// True when a worse value should be told now.
    pub(super) fn take_refresh(&mut self, now: Moment) -> bool {
        self.has_worse() && now >= self.told_at.plus(REFRESH_EVERY)
    }

    /// True while its silence is nothing new: an episode lives, or would if it were not set aside or explained.
    fn is_known(&self) -> bool {
        self.condition.is_open() || self.condition.is_held()
    }

    /// What the passing of time means to its rule. A source that is down makes nobody silent: it is told itself.
    pub(super) fn silence(&mut self, is_deaf: bool, now: Moment) -> Option<Fact> {
        if is_deaf {
            return None;
        }
        let is_open = self.is_known();
        let judge = self.judge.as_mut()?;
        let is_late = judge.due(is_open).is_some_and(|due| now.since(due) > crate::episode::LATE_AFTER);
        let ended = self.condition.episode().and_then(|episode| episode.ended);
        let Opinion { verdict, value, at } = judge.tick(ended, is_open, now)?;
        Some(Fact { verdict, value, at, now, may_open: true, is_late })
    }

    /// Gives a tag its time anew, because its source is back.
    pub(super) fn grant(&mut self, now: Moment) {
        if let Some(judge) = &mut self.judge {
            judge.grant(now);
        }
    }

    /// Forgets when the tag spoke, because the clock was set.
    pub(super) fn start_anew(&mut self, now: Moment) {
        if let Some(judge) = &mut self.judge {
            judge.start_anew(now);
        }
        self.scheduled = None;
        self.told_at = self.told_at.min(now);
    }

    pub(super) fn woken(&mut self) {
        self.scheduled = None;
    }

    /// When a timer must be set that is not set yet.
    pub(super) fn next_due(&mut self, is_deaf: bool, now: Moment) -> Option<Moment> {
        let is_open = self.is_known();
        let silence = self.judge.as_ref().filter(|_| !is_deaf).and_then(|judge| judge.due(is_open));
        let refresh = self.has_worse().then(|| self.told_at.plus(REFRESH_EVERY));
        let due =
            self.condition.due().into_iter().chain(silence).chain(refresh).chain(self.not_said_by).min()?;
        // Never in the past, so that a timer cannot wake itself for ever within one tick.
        let due = due.max(now.plus(std::time::Duration::from_millis(1)));
        if self.scheduled.is_some_and(|scheduled| scheduled <= due) {
            return None;
        }
        self.scheduled = Some(due);
        Some(due)
    }
}
