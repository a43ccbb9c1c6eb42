//! The pure middle: from samples to posts in one call, with no clock, no file, no network and no failure.
//!
//! `app` calls [`Middle::take`], [`Middle::answer`], [`Middle::source`] and [`Middle::tick`] as things happen,
//! and [`Middle::step`] when the store is ready for the next commit. Time is an argument, so a replay, a dry run
//! and a test are the same calls.

mod about;
mod again;
mod book;
mod budget;
mod build;
mod claims;
mod examples;
mod first_out;
mod floods;
mod forecasts;
mod health;
mod learnt;
mod lists;
mod raised;
mod reload;
mod slot;
mod standing;
mod stocks;
mod summaries;
mod works;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::time::Duration;

use contract::{Author, Batch, EpisodeId, Moment, Notice, Origin, Post, Sample};
use jiff::tz::TimeZone;
use serde::Serialize;

pub use about::subject;
pub use build::Kept;
pub use examples::{example_forecasts, example_milestones, example_summaries};
pub use health::{Health, SourceHealth, TagHealth};
pub use lists::example_records;
pub use reload::{Reloaded, Stays};

use crate::config::Print;
use crate::episode::flood::{Route, Watch};
use crate::episode::{Change, Fact, LATE_AFTER};
use crate::outbox::{Answer, Folded, Job, Outbox};
use crate::post::{self, Language, Outage, Still};
use crate::reading::{Reading, Tag};
use crate::rule::course::Course;
use crate::rule::{Level, Opinion, Verdict};
use crate::store::{Table, Write};
use claims::Claims;
use learnt::Learnt;
use lists::ListState;
use raised::{Listening, Raised};
use reload::Numbers;
use slot::Slot;
use standing::Standing;
use works::Works;

/// The machine key of what the site itself says. No machine can have it: keys begin with a letter or a digit.
pub const SITE: &str = "_site";

/// An episode that lasted so long is told to those who follow its thread when it ends.
const NOTE_AFTER: Duration = Duration::from_secs(15 * 60);

/// One that comes and goes is told again under its post at most so often.
const NOTE_AGAIN_AFTER: Duration = Duration::from_secs(600);

/// A living post changes at most so often for a worse value.
const REFRESH_EVERY: Duration = Duration::from_secs(60);

/// A retained value so old may not open an episode.
const RETAINED_AGE_MAX: Duration = Duration::from_secs(600);

/// So many lines of the journal wait for a disk that takes nothing; what more there is is not explained later.
const JOURNAL_WAITING_MAX: usize = 10_000;

/// How often what is over is forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// What must be kept, and what may be done once it is.
#[derive(Debug, Default)]
pub struct Step {
    /// All or nothing.
    pub writes: Vec<Write>,
    /// For the network of this number.
    pub jobs: Vec<(usize, Job)>,
}

/// A line for the log: about whom, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// `source hall-b`, `network usine`.
    pub subject: String,
    /// What changed.
    pub words: String,
}

/// A line of the journal.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Entry<'a> {
    Episode {
        change: Change,
        machine: &'a str,
        rule: &'a str,
        level: u8,
        value: Option<f64>,
        begun_ms: i64,
        at_ms: i64,
    },
    Network {
        network: &'a str,
        what: crate::outbox::Told,
    },
}

/// The whole plant as it is known now.
pub struct Middle {
    site: Author,
    /// That of the site: rules that know hours of the week live in it.
    zone: TimeZone,
    tags: Vec<Tag>,
    names: Vec<(String, String)>,
    /// Of the table of each tag.
    prints: Vec<Print>,
    /// For each tag, the slots that judge it, and which of their tags it is.
    watchers: Vec<Vec<(usize, usize)>>,
    sources: Vec<SourceState>,
    slots: Vec<Slot>,
    timers: BinaryHeap<Reverse<(Moment, usize)>>,
    /// Every machine that may speak, in the order of the plan.
    machines: Vec<Author>,
    /// The machine of a key, or of a name that a business system has for it.
    known_as: HashMap<String, usize>,
    lists: Vec<ListState>,
    /// True when a row must be kept.
    lists_changed: bool,
    /// For each machine the list and the row of its current order.
    current: BTreeMap<usize, (usize, Box<str>)>,
    listening: Vec<Listening>,
    raised: Raised,
    /// What machines make.
    works: Works,
    floods: Watch,
    /// For each machine, what else is known of it.
    standings: Vec<Standing>,
    /// What rules learnt and was not kept yet.
    learnt: Learnt,
    /// Expressions that read states and orders.
    claims: Claims,
    /// For each tag, the machine whose state it tells.
    state_of: Vec<Option<usize>>,
    /// Slots whose state may have to be kept.
    changed: Vec<usize>,
    journal: Vec<Write>,
    /// Rows that nobody can use any more, to be deleted.
    unusable: Vec<Write>,
    /// What whoever keeps the service should read in its log.
    remarks: Vec<Remark>,
    languages: Vec<Language>,
    /// For each network, its language.
    language_of: Vec<usize>,
    outbox: Outbox,
    is_urgent: bool,
    swept: Moment,
}

#[derive(Debug)]
struct SourceState {
    name: String,
    slot: usize,
    is_up: bool,
    /// Why it is not connected.
    lost: Option<String>,
    batches: u64,
    notices: Vec<String>,
    /// What it calls the tags and lists that it was built with, if that is not what they are called now.
    numbers: Option<Numbers>,
}

impl Middle {
    /// A batch of a source arrived.
    pub fn take(&mut self, source: usize, mut batch: Batch, now: Moment) {
        if let Some(state) = self.sources.get_mut(source) {
            state.batches += 1;
            state.numbers.iter().for_each(|numbers| numbers.renumber(&mut batch));
            let news: Vec<String> = batch.notices.iter().filter_map(|notice| state.note(notice)).collect();
            let remark = |words| Remark { subject: format!("source {}", state.name), words };
            self.remarks.extend(news.into_iter().map(remark));
        }
        for notice in batch.notices {
            match notice {
                Notice::Trouble(trouble) => self.trouble(source, trouble, now),
                Notice::Mended(thing, name) => self.mended(source, thing, &name, now),
                Notice::Gap(_) => self.doubt(source, now),
                Notice::Poison(_) | Notice::Unclaimed(_) => {}
            }
        }
        for sample in batch.samples {
            self.read(sample, now);
        }
        if !batch.events.is_empty() {
            self.take_events(batch.events, now);
            self.follow_orders(now);
            self.claim_orders(now);
        }
        if batch.ticket.is_some() && !self.lists.is_empty() {
            self.said_all(source);
        }
    }

    fn read(&mut self, sample: Sample, now: Moment) {
        let at = sample.tag.0 as usize;
        let Some(reading) = self.tags.get_mut(at).and_then(|tag| tag.read(sample, now)) else { return };
        if let Some(machine) = self.state_of[at] {
            self.state_read(machine, &reading, now);
        }
        if self.works.hears(at) {
            self.book(at, &reading);
        }
        for watcher in 0..self.watchers[at].len() {
            let (slot, which) = self.watchers[at][watcher];
            self.judge(slot, which, &reading);
        }
    }

    fn judge(&mut self, at: usize, which: usize, reading: &Reading) {
        let slot = &mut self.slots[at];
        let age = reading.received.since(reading.at);
        let is_fresh = reading.is_timed && age <= RETAINED_AGE_MAX;
        let is_news = reading.origin != Origin::Retained || is_fresh;
        let opinion = slot.judge.as_mut().and_then(|judge| judge.hear(which, reading, is_news));
        if let Some(course) = &mut slot.course {
            course.hear(reading.at, opinion.map_or(reading.value, |opinion| opinion.value));
        }
        if slot.remembers {
            self.remember(at, reading.at, reading.received);
        }
        let Some(Opinion { verdict, value, at: at_time }) = opinion else { return };
        let fact = Fact {
            verdict,
            value,
            at: at_time,
            now: reading.received,
            may_open: is_news,
            is_late: age > LATE_AFTER,
        };
        self.learn_fact(at, &fact);
    }

    /// What a judge found out: nearly always that all is well, as before.
    fn learn_fact(&mut self, at: usize, fact: &Fact) {
        let condition = &self.slots[at].condition;
        if fact.verdict == Verdict::Level(Level::NORMAL) && condition.is_calm() {
            return;
        }
        let mut changes = self.inform(at, fact);
        if self.slots[at].condition.is_aside() {
            changes.extend(self.overrule(at, fact.now));
        }
        self.follow_up(at, &changes, fact.now);
    }

    /// A condition learns something. An end that this shows is told first, or it would be lost to what begins then.
    fn inform(&mut self, at: usize, fact: &Fact) -> Vec<Change> {
        let mut changes: Vec<Change> = self.slots[at].condition.shown_over(fact).into_iter().collect();
        if let [Change::Cleared | Change::Returned] = changes[..] {
            self.follow_up(at, &changes, fact.now);
            changes.clear();
        }
        changes.extend(self.slots[at].condition.learn(fact));
        changes
    }

    /// After a slot learnt something: keep it, tell it, and be there when time alone will change it.
    fn follow_up(&mut self, at: usize, changes: &[Change], now: Moment) {
        if self.slots[at].mark_changed() {
            self.changed.push(at);
        }
        for change in changes {
            self.note_change(at, *change, now);
        }
        if let Some(last) = changes.last() {
            self.tell(at, Some(*last), now);
        }
        self.schedule(at, now);
        if !changes.is_empty() {
            self.hide_children(at, now);
        }
    }

    fn schedule(&mut self, at: usize, now: Moment) {
        let slot = &mut self.slots[at];
        let is_deaf = self.sources.get(slot.source.unwrap_or(usize::MAX)).is_some_and(|source| !source.is_up);
        if let Some(due) = slot.next_due(is_deaf, now) {
            self.timers.push(Reverse((due, at)));
        }
    }

    fn note_change(&mut self, at: usize, change: Change, now: Moment) {
        let slot = &self.slots[at];
        let Some(episode) = slot.condition.episode() else { return };
        let entry = Entry::Episode {
            change,
            machine: &slot.subject.author.key,
            rule: &slot.subject.rule,
            level: episode.level,
            value: episode.value,
            begun_ms: episode.begun.as_ms(),
            at_ms: episode.ended.unwrap_or(episode.value_at).as_ms(),
        };
        let id = episode.id.clone();
        if self.journal.len() < JOURNAL_WAITING_MAX {
            self.journal.push(journal(now, id, &entry));
        }
    }

    /// Writes the post of a slot's episode for every network.
    fn tell(&mut self, at: usize, change: Option<Change>, now: Moment) {
        if self.route(at, change, now) == Route::Digest {
            self.slots[at].told(false, now);
            self.tell_flood(now);
            return;
        }
        if change == Some(Change::Opened) {
            self.go_on_telling(at);
            self.find_first_out(at);
        }
        let order = self.order_of(&self.slots[at].subject);
        let first_out = self.first_out(at);
        let slot = &mut self.slots[at];
        let Some(episode) = slot.condition.episode() else { return };
        let lasted = episode.ended.map(|ended| ended.since(episode.since));
        // An edit notifies nobody: what those who follow the thread must know is said under it as well.
        let with_note = match change {
            Some(Change::Escalated) => slot.is_news(episode.level, NOTE_AGAIN_AFTER, now),
            Some(Change::Realarmed | Change::Unmuted | Change::Returned) => true,
            Some(Change::Reopened) => now.since(slot.noted_at) >= NOTE_AGAIN_AFTER,
            Some(Change::Cleared) => lasted.is_some_and(|lasted| lasted > NOTE_AFTER),
            Some(
                Change::Opened | Change::Eased | Change::Unstable | Change::Acknowledged | Change::Muted,
            )
            | None => false,
        };
        let course = slot.course.as_ref().map(Course::points).unwrap_or_default();
        let latest = slot.tag.and_then(|tag| self.tags[tag].latest()).map(|latest| latest.value);
        let known = post::Known { latest, order, first_out, course };
        let posts: Vec<Post> = self
            .languages
            .iter()
            .map(|language| post::write(&slot.subject, episode, &known, language, now))
            .collect();
        slot.told(with_note, now);
        for (lane, language) in self.outbox.lanes_mut().iter_mut().zip(&self.language_of) {
            lane.want(posts[*language].clone(), with_note, now);
        }
        self.is_urgent = true;
    }

    /// A network answered to its job.
    pub fn answer(&mut self, network: usize, answer: Answer, now: Moment) {
        if let Some(lane) = self.outbox.lanes_mut().get_mut(network) {
            lane.answer(answer, now);
        }
    }

    /// A source is connected from now on, or it is not, for this reason.
    pub fn source(&mut self, source: usize, lost: Option<String>, now: Moment) {
        let Some(state) = self.sources.get_mut(source) else { return };
        let is_up = lost.is_none();
        state.is_up = is_up;
        state.lost = lost;
        let at = state.slot;
        self.know(at, !is_up, now);
        self.ask_anew(source, is_up, now);
        if is_up {
            self.find_again(source, now);
        } else {
            self.lose_sight(source, now);
        }
        // Whoever can speak again is given the time to do so.
        for slot in 0..self.slots.len() {
            if is_up && self.slots[slot].source == Some(source) {
                self.slots[slot].grant(now);
                self.schedule(slot, now);
            }
        }
    }

    /// What the program itself knows of a condition that no rule judges.
    fn know(&mut self, at: usize, is_abnormal: bool, now: Moment) {
        let verdict = Verdict::Level(Level(u8::from(is_abnormal)));
        let fact = Fact { verdict, value: None, at: now, now, may_open: true, is_late: false };
        let changes = self.inform(at, &fact);
        self.follow_up(at, &changes, now);
    }

    /// Time went by.
    pub fn tick(&mut self, now: Moment) {
        while let Some(Reverse((due, at))) = self.timers.peek().copied() {
            if due > now {
                break;
            }
            self.timers.pop();
            self.wake(at, now);
        }
        if now.since(self.swept) >= SWEEP_EVERY || now < self.swept {
            self.swept = now;
            for lane in self.outbox.lanes_mut() {
                lane.sweep(now);
            }
            self.sweep_raised(now);
            self.floods.sweep(now);
        }
        self.tick_works(now);
        self.tell_flood(now);
    }

    fn wake(&mut self, at: usize, now: Moment) {
        let slot = &mut self.slots[at];
        slot.woken();
        let is_deaf = self.sources.get(slot.source.unwrap_or(usize::MAX)).is_some_and(|source| !source.is_up);
        let mut changes: Vec<Change> = slot.condition.tick(now).into_iter().collect();
        if let Some(fact) = slot.silence(is_deaf, now) {
            self.follow_up(at, &changes, now);
            changes = self.inform(at, &fact);
        }
        let slot = &mut self.slots[at];
        if slot.is_unsaid(now) {
            self.learn(at, Level::NORMAL, now, false, now);
        }
        let slot = &mut self.slots[at];
        let is_worse = changes.is_empty() && slot.take_refresh(now);
        if is_worse {
            slot.condition.touch();
            self.tell(at, None, now);
        }
        self.follow_up(at, &changes, now);
    }

    /// When something will be due, if nothing else happens.
    pub fn due(&mut self, now: Moment) -> Option<Moment> {
        let timer = self.timers.peek().map(|Reverse((due, _))| *due);
        timer.into_iter().chain(self.outbox.due(now)).chain(self.floods.due()).chain(self.works.due()).min()
    }

    /// True when a commit should not wait: there is something to tell.
    pub fn is_urgent(&self) -> bool {
        self.is_urgent
    }

    /// True when there is anything to keep.
    pub fn has_changes(&self) -> bool {
        !self.changed.is_empty()
            || self.lists_changed
            || self.floods.has_changes()
            || self.works.has_changes()
            || self.learnt.has_changes()
            || !self.journal.is_empty()
            || !self.unusable.is_empty()
            || self.outbox.lanes().iter().any(crate::outbox::Lane::has_rows)
    }

    /// All that changed since the last step, and the jobs that may be done once it is kept.
    pub fn step(&mut self, now: Moment) -> Step {
        self.is_urgent = false;
        self.fold(now);
        let mut step = Step::default();
        for (network, lane) in self.outbox.lanes_mut().iter_mut().enumerate() {
            step.jobs.extend(lane.next(now).map(|job| (network, job)));
        }
        step.writes = self.writes(false, now);
        step
    }

    /// All that changed since the last step, without beginning anything new: what could wait as well.
    pub fn rest(&mut self, now: Moment) -> Vec<Write> {
        self.writes(true, now)
    }

    fn writes(&mut self, all: bool, now: Moment) -> Vec<Write> {
        let mut writes = std::mem::take(&mut self.unusable);
        self.keep_slots(&mut writes);
        self.keep_lists(&mut writes);
        self.keep_flood(&mut writes);
        self.works.keep(all, &mut writes, now);
        self.keep_learnt(&mut writes);
        writes.append(&mut self.journal);
        self.keep_outbox(&mut writes, now);
        writes
    }

    /// True while a network is doing a job.
    pub fn is_delivering(&self) -> bool {
        self.outbox.lanes().iter().any(crate::outbox::Lane::is_busy)
    }

    fn keep_slots(&mut self, writes: &mut Vec<Write>) {
        for at in std::mem::take(&mut self.changed) {
            let slot = &mut self.slots[at];
            if let Some((table, body)) = slot.saved() {
                writes.push(Write::Put { table, key: slot.condition.key(), body });
            }
        }
    }

    fn keep_outbox(&mut self, writes: &mut Vec<Write>, now: Moment) {
        for lane in self.outbox.lanes_mut() {
            for row in lane.rows() {
                writes.push(match row.body {
                    Some(body) => Write::Put { table: Table::Thread, key: row.key, body },
                    None => Write::Delete { table: Table::Thread, key: row.key },
                });
            }
            let told = lane.told();
            let network = lane.prefix().trim_end_matches('/');
            writes.extend(
                told.into_iter().map(|(id, what)| journal(now, id, &Entry::Network { network, what })),
            );
        }
    }

    /// What whoever keeps the service should read in its log, since the last call.
    pub fn remarks(&mut self) -> Vec<Remark> {
        let mut remarks = std::mem::take(&mut self.remarks);
        for lane in self.outbox.lanes_mut() {
            let subject = format!("network {}", lane.name());
            remarks
                .extend(lane.remarks().into_iter().map(|words| Remark { subject: subject.clone(), words }));
        }
        remarks
    }

    /// The clock was set forward or back: whoever must speak is given the time to do so.
    pub fn clock_stepped(&mut self, now: Moment) {
        self.set_works_back(now);
        for at in 0..self.slots.len() {
            self.slots[at].start_anew(now);
            self.schedule(at, now);
        }
    }

    /// After an outage, one catch-up for each network.
    fn fold(&mut self, now: Moment) {
        for (lane, language) in self.outbox.lanes_mut().iter_mut().zip(&self.language_of) {
            for folded in lane.fold(now) {
                let language = &self.languages[*language];
                let post = post::catch_up(&outage(folded), self.site.clone(), language, now);
                lane.want(post, false, now);
            }
        }
    }
}

fn outage(folded: Folded) -> Outage {
    let (open, ended): (Vec<Post>, Vec<Post>) =
        folded.posts.into_iter().partition(|post| post.ended.is_none());
    let mut open = open;
    open.sort_by_key(|post| (post.priority, post.begun));
    let still = |post: Post| Still {
        mark: post.mark,
        machine: post.author.name,
        what: post.provenance.subject,
        begun: post.begun,
    };
    Outage {
        episode: folded.digest,
        lost: folded.lost,
        back: folded.back,
        open: open.into_iter().map(still).collect(),
        ended: ended.len(),
        last_ended: ended.iter().filter_map(|post| post.ended).max(),
        lasted: ended.iter().filter_map(|post| post.ended.map(|end| end.since(post.begun))).sum(),
        version: folded.version + 1,
    }
}

fn journal(at: Moment, episode: EpisodeId, entry: &Entry<'_>) -> Write {
    // A tree of numbers and words is always JSON.
    Write::Journal { at, episode, body: serde_json::to_string(entry).unwrap_or_default() }
}

#[cfg(test)]
#[path = "tests/stories.rs"]
mod stories_tests;
