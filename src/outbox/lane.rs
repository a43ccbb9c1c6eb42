//! All that one network is to be told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use contract::{
    Capabilities, DeliveryError, DeliveryKey, EpisodeId, LineRole, Moment, Post, Priority, Receipt, Repeat,
    Text, backoff,
};

use super::fold::OUTAGE_AFTER;
use super::pace::Bucket;
use super::thread::{Move, Root, Thread};
use super::{Answer, Health, Job, Row, Told};

/// A thread is forgotten this long after its last word: an episode comes back within ten minutes, counted by the
/// time of its source, and its on-delay comes on top.
const KEEP: Duration = Duration::from_secs(30 * 60);
/// So many that are over are kept at most, the newest.
const OVER_MAX: usize = 1_000;
/// Wait after a failure: doubled from this …
const RETRY_FIRST: Duration = Duration::from_millis(500);
/// … up to this for the network …
const RETRY_MAX: Duration = Duration::from_secs(60);
/// … and this for one post that fails alone.
const RETRY_ALONE_MAX: Duration = Duration::from_secs(300);
/// A network may ask for an hour, not for more.
const PAUSE_MAX: Duration = Duration::from_secs(3_600);
/// A person must look: asked again this rarely.
const LOCKED_OUT_RETRY: Duration = Duration::from_secs(60);

/// In a flood, one change of what is told already.
const CALM_EDIT_EVERY: Duration = Duration::from_secs(60);

/// One network.
#[derive(Debug)]
pub struct Lane {
    pub(super) name: String,
    pub(super) prefix: String,
    pub(super) can: Capabilities,
    pub(super) threads: BTreeMap<EpisodeId, Thread>,
    /// The threads with something to do.
    pub(super) active: BTreeSet<EpisodeId>,
    /// The threads whose row is not kept yet.
    pub(super) unkept: BTreeSet<EpisodeId>,
    pub(super) told: Vec<(EpisodeId, Told)>,
    pub(super) bucket: Bucket,
    /// The episode of the job that is being done.
    pub(super) busy: Option<EpisodeId>,
    pub(super) failures: u32,
    pub(super) paused_until: Moment,
    pub(super) down_since: Option<Moment>,
    /// Every catch-up that something is folded into.
    pub(super) digests: BTreeSet<EpisodeId>,
    /// While there is a flood: its digest. What is told already changes once a minute, the digest first.
    pub(super) calm: Option<EpisodeId>,
    /// True from a flood on until what was held back is told.
    pub(super) is_pacing: bool,
    /// When the next change may be told in a flood.
    pub(super) edit_due: Moment,
    pub(super) taken: u64,
    pub(super) last_error: Option<String>,
    pub(super) remarks: Vec<String>,
}

impl Lane {
    /// A lane with nothing to do.
    pub fn new(name: String, can: Capabilities, now: Moment) -> Lane {
        Lane {
            prefix: format!("{name}/"),
            name,
            bucket: Bucket::new(can.pace, now),
            can,
            threads: BTreeMap::new(),
            active: BTreeSet::new(),
            unkept: BTreeSet::new(),
            told: Vec::new(),
            busy: None,
            failures: 0,
            paused_until: now,
            down_since: None,
            digests: BTreeSet::new(),
            calm: None,
            is_pacing: false,
            edit_due: now,
            taken: 0,
            last_error: None,
            remarks: Vec::new(),
        }
    }

    /// The network.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the keys of its rows begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Takes back a thread that was kept. What was on its way when we were killed may have been taken.
    pub(super) fn resume(&mut self, body: &str, now: Moment) -> bool {
        let Ok(mut thread) = serde_json::from_str::<Thread>(body) else { return false };
        if let Some(attempt) = &mut thread.attempt {
            attempt.is_doubtful = true;
        }
        // A clock that went back must not hold a post for years.
        thread.due = thread.due.min(now.plus(RETRY_ALONE_MAX));
        // It failed before we were killed, or nobody was there to hand it over.
        let has_waited = thread.is_foldable() && now.since(thread.created) >= OUTAGE_AFTER;
        if has_waited || (thread.root == Root::Waiting && thread.tries > 0) {
            self.down_since = Some(self.down_since.unwrap_or(thread.created).min(thread.created));
        }
        if let Root::Folded(digest) = &thread.root {
            self.digests.insert(digest.clone());
        }
        let id = thread.wanted.episode.clone();
        self.threads.insert(id.clone(), thread);
        self.active.insert(id);
        true
    }

    /// This is how the episode should be read now. `with_note`: those who follow its thread are told as well.
    pub fn want(&mut self, post: Post, with_note: bool, now: Moment) {
        let id = post.episode.clone();
        self.unfold(&post);
        match self.threads.get_mut(&id) {
            None => {
                self.threads.insert(id.clone(), Thread::new(post, now));
            }
            Some(thread) if thread.wanted.version > post.version => return,
            Some(thread) => {
                thread.renew_note(&post, with_note);
                if is_same_to_a_reader(&thread.wanted, &post) {
                    // Nothing that a reader can see: no edit. Those who follow it may still be called again.
                    thread.wanted.written = post.written;
                    if with_note {
                        self.touch(&id);
                    }
                    return;
                }
                thread.wanted = post;
            }
        }
        self.touch(&id);
    }

    /// There is a flood with this digest, or there is none.
    pub fn calm(&mut self, digest: Option<EpisodeId>) {
        self.is_pacing |= digest.is_some();
        self.calm = digest;
    }

    /// True for a change that must wait, so that a flood does not become one of edits.
    fn must_wait(&self, thread: &Thread, now: Moment) -> bool {
        let is_edit = thread.root != Root::Waiting;
        let is_urgent = thread.wanted.priority == Priority::Urgent;
        self.is_pacing && is_edit && !is_urgent && now < self.edit_due
    }

    /// What was last wanted for this episode.
    pub fn wanted(&self, episode: &EpisodeId) -> Option<&Post> {
        self.threads.get(episode).map(|thread| &thread.wanted)
    }

    /// The episodes that are not over, by what was last wanted.
    pub fn open_posts(&self) -> impl Iterator<Item = &Post> {
        self.threads.values().map(|thread| &thread.wanted).filter(|post| post.ended.is_none())
    }

    fn touch(&mut self, id: &EpisodeId) {
        self.active.insert(id.clone());
        self.unkept.insert(id.clone());
    }

    /// The next thing to do, if there is one now. It is on its way from here on: keep the rows first.
    pub fn next(&mut self, now: Moment) -> Option<Job> {
        // A clock that went back must not hold a network for the size of its step.
        self.paused_until = self.paused_until.min(now.plus(PAUSE_MAX));
        self.edit_due = self.edit_due.min(now.plus(CALM_EDIT_EVERY));
        if self.busy.is_some() || now < self.paused_until || self.active.is_empty() {
            return None;
        }
        let (id, step) = self.choose(now)?;
        if !self.bucket.take(now) {
            return None;
        }
        let is_edit = self.threads.get(&id).is_some_and(|thread| thread.root != Root::Waiting);
        if is_edit && self.is_pacing {
            self.edit_due = now.plus(CALM_EDIT_EVERY);
        }
        let thread = self.threads.get_mut(&id)?;
        let (step, part, is_repeat, is_look) = match (step, &thread.attempt) {
            (Move::Resend { is_repeat }, Some(attempt)) => {
                (attempt.step.clone(), attempt.part.clone(), is_repeat, false)
            }
            (Move::Look, Some(attempt)) => (attempt.step.clone(), attempt.part.clone(), false, true),
            (Move::Send | Move::Resend { .. } | Move::Look | Move::Wait(_), _) => {
                let (step, part) = thread.plan(&self.can)?;
                (step, part, false, false)
            }
        };
        let job = Job {
            key: DeliveryKey::new(&self.name, &id, &part),
            step: step.clone(),
            post: thread.post_for(&part).clone(),
            is_repeat,
            is_look,
        };
        if !is_look {
            thread.leave(step, part, is_repeat, now);
            self.unkept.insert(id.clone());
        }
        self.busy = Some(id);
        Some(job)
    }

    /// The most urgent thread that may move now; those with nothing to do leave the list.
    fn choose(&mut self, now: Moment) -> Option<(EpisodeId, Move)> {
        let mut best: Option<(_, EpisodeId, Move)> = None;
        let mut idle = Vec::new();
        let mut has_edit = false;
        for id in &self.active {
            let Some(thread) = self.threads.get(id) else { continue };
            match thread.next(&self.can, now) {
                None if thread.attempt.is_none() => idle.push(id.clone()),
                None | Some(Move::Wait(_)) => {}
                Some(_) if self.must_wait(thread, now) => has_edit = true,
                Some(step) => {
                    has_edit |= thread.root != Root::Waiting;
                    // A look among the newest posts comes first, while they hold what it looks for; one that can go
                    // back as far as it must waits. What nobody has seen comes before what changes, trouble before
                    // its end, and what fails alone comes last.
                    let is_short = step == Move::Look && matches!(self.can.repeat, Repeat::Look { .. });
                    let is_seen = thread.root != Root::Waiting;
                    let is_ended = thread.wanted.ended.is_some();
                    let is_late = thread.tries > 0;
                    let rank = (
                        (!is_short, !self.digests.contains(id), self.calm.as_ref() != Some(id)),
                        thread.wanted.priority,
                        (is_seen, is_ended, is_late),
                        thread.created,
                    );
                    if best.as_ref().is_none_or(|(least, _, _)| rank < *least) {
                        best = Some((rank, id.clone(), step));
                    }
                }
            }
        }
        for id in idle {
            self.active.remove(&id);
        }
        self.is_pacing &= has_edit || self.calm.is_some();
        best.map(|(_, id, step)| (id, step))
    }

    /// When there will be something to do, if nothing else happens.
    pub(super) fn due(&mut self, now: Moment) -> Option<Moment> {
        if self.busy.is_some() || self.active.is_empty() {
            return None;
        }
        if now < self.paused_until {
            return Some(self.paused_until);
        }
        let soonest = self
            .active
            .iter()
            .filter_map(|id| self.threads.get(id))
            .filter_map(|thread| match thread.next(&self.can, now) {
                Some(Move::Wait(due)) => Some(due),
                Some(_) if self.must_wait(thread, now) => Some(self.edit_due),
                Some(Move::Send | Move::Resend { .. } | Move::Look) => Some(now),
                None => None,
            })
            .min()?;
        Some(soonest.max(self.paused_until).max(self.bucket.due(now)))
    }

    /// True while the network does a job.
    pub fn is_busy(&self) -> bool {
        self.busy.is_some()
    }

    /// What the network answered to the job that was being done.
    pub fn answer(&mut self, answer: Answer, now: Moment) {
        let Some(id) = self.busy.take() else { return };
        let part = self.threads.get(&id).and_then(|thread| thread.attempt.as_ref());
        let part = part.map(|attempt| attempt.part.clone()).unwrap_or_default();
        match answer {
            Answer::Published(Ok(receipt)) | Answer::Looked(Ok(Some(receipt))) => {
                self.took(&id, part, receipt, now);
            }
            Answer::Looked(Ok(None)) => {
                self.failures = 0;
                self.with(&id, |thread| thread.not_found(now));
            }
            Answer::Looked(Err(error)) => self.fail(&id, error, true, now),
            Answer::Published(Err(DeliveryError::Never(reason))) => {
                self.last_error = Some(reason.clone());
                self.remarks.push(format!("refuses {part} of {id} for good: {reason}"));
                self.with(&id, |thread| thread.refused(reason.clone()));
                self.told.push((id.clone(), Told::Refused { part, reason }));
            }
            Answer::Published(Err(error)) => self.fail(&id, error, false, now),
        }
        self.touch(&id);
    }

    pub(super) fn with(&mut self, id: &EpisodeId, change: impl FnOnce(&mut Thread)) {
        if let Some(thread) = self.threads.get_mut(id) {
            change(thread);
        }
    }

    fn took(&mut self, id: &EpisodeId, part: String, receipt: Receipt, now: Moment) {
        self.failures = 0;
        self.taken += 1;
        if let Some(since) = self.down_since.take() {
            self.remarks.push(format!("back after {} s", now.since(since).as_secs()));
        }
        self.last_error = None;
        self.told.push((id.clone(), Told::Taken { part, receipt: receipt.clone() }));
        self.with(id, |thread| thread.taken(receipt, now));
    }

    fn fail(&mut self, id: &EpisodeId, error: DeliveryError, is_look: bool, now: Moment) {
        let reason = error.to_string();
        if self.failures == 0 {
            self.told.push((id.clone(), Told::Failed { reason: reason.clone() }));
        }
        if self.down_since.is_none() {
            self.remarks.push(format!("lost: {reason}"));
        }
        self.last_error = Some(reason);
        self.down_since.get_or_insert(now);
        let seed = u64::try_from(now.as_ms()).unwrap_or(0);
        let wait = |tries: u32, max| backoff::wait(tries, RETRY_FIRST, max, seed);
        let lane_wait = match &error {
            DeliveryError::Later { after: Some(after), .. } => *after,
            DeliveryError::LockedOut(_) => LOCKED_OUT_RETRY,
            DeliveryError::Later { .. } | DeliveryError::Unanswered { .. } | DeliveryError::Never(_) => {
                wait(self.failures, RETRY_MAX)
            }
        };
        self.paused_until = now.plus(lane_wait);
        self.failures = self.failures.saturating_add(1);
        self.with(id, |thread| {
            let alone = wait(thread.tries, RETRY_ALONE_MAX);
            match error {
                // A look changes nothing: what was in doubt stays in doubt.
                _ if is_look => thread.due = now.plus(alone),
                DeliveryError::Unanswered { .. } => thread.unanswered(alone, now),
                DeliveryError::Later { .. } | DeliveryError::LockedOut(_) | DeliveryError::Never(_) => {
                    thread.failed(alone, now);
                }
            }
        });
    }

    /// Rows to keep, for all that changed since the last call.
    pub fn rows(&mut self) -> Vec<Row> {
        let unkept = std::mem::take(&mut self.unkept);
        let body = |thread: Option<&Thread>| thread.and_then(|thread| serde_json::to_string(thread).ok());
        unkept
            .into_iter()
            .map(|id| Row { key: format!("{}{id}", self.prefix), body: body(self.threads.get(&id)) })
            .collect()
    }

    /// What whoever keeps the service should read in its log, since the last call.
    pub fn remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }

    /// True when rows wait to be kept.
    pub fn has_rows(&self) -> bool {
        !self.unkept.is_empty()
    }

    /// What there is for the journal since the last call.
    pub fn told(&mut self) -> Vec<(EpisodeId, Told)> {
        std::mem::take(&mut self.told)
    }

    /// Forgets what is over.
    pub fn sweep(&mut self, now: Moment) {
        let is_over = |thread: &Thread| thread.is_over(&self.can, now, KEEP);
        // A catch-up and all that is folded into it are forgotten together.
        let done: BTreeSet<EpisodeId> = self
            .digests
            .iter()
            .filter(|digest| {
                self.threads.get(digest).is_none_or(is_over) && self.folded_into(digest).all(is_over)
            })
            .cloned()
            .collect();
        let goes = |id: &EpisodeId, thread: &Thread| match &thread.root {
            Root::Folded(digest) => done.contains(digest),
            Root::Waiting | Root::Shown(_) | Root::Refused(_) => {
                if self.digests.contains(id) {
                    done.contains(id)
                } else {
                    is_over(thread)
                }
            }
        };
        let over = self.threads.iter().filter(|(id, thread)| goes(id, thread));
        let mut over: Vec<EpisodeId> = over.map(|(id, _)| id.clone()).collect();
        over.extend(self.beyond_bound(now));
        for id in over {
            self.threads.remove(&id);
            self.active.remove(&id);
            self.unkept.insert(id);
        }
        self.digests.retain(|digest| !done.contains(digest));
    }

    /// The oldest of those that are told to their end, when there are too many to keep for a come-back.
    fn beyond_bound(&self, now: Moment) -> Vec<EpisodeId> {
        let is_told = |id: &EpisodeId, thread: &Thread| {
            let is_alone = !self.digests.contains(id) && !matches!(thread.root, Root::Folded(_));
            is_alone && thread.is_over(&self.can, now, Duration::ZERO)
        };
        let mut told: Vec<(Moment, &EpisodeId)> = self
            .threads
            .iter()
            .filter(|(id, thread)| is_told(id, thread))
            .map(|(id, thread)| (thread.wanted.written, id))
            .collect();
        told.sort_unstable();
        let surplus = told.len().saturating_sub(OVER_MAX);
        told.into_iter().take(surplus).map(|(_, id)| id.clone()).collect()
    }

    /// What a person sees of it.
    pub fn health(&self) -> Health {
        let roots = |is: fn(&Root) -> bool| self.threads.values().filter(|thread| is(&thread.root)).count();
        Health {
            network: self.name.clone(),
            waiting: self.threads.values().filter(|thread| thread.plan(&self.can).is_some()).count(),
            refused: roots(|root| matches!(root, Root::Refused(_))),
            taken: self.taken,
            down_since_ms: self.down_since.map(Moment::as_ms),
            last_error: self.last_error.clone(),
        }
    }
}

/// The small print, such as the minute of the measure, is worth no edit of its own.
fn is_same_to_a_reader(one: &Post, other: &Post) -> bool {
    let weighty = |post: &Post| -> Vec<Text> {
        let lines = post.lines.iter().filter(|line| line.role != LineRole::Fine);
        std::iter::once(post.first_line()).chain(lines.map(|line| line.text.clone())).collect()
    };
    let is_same_text = weighty(one) == weighty(other);
    is_same_text && one.mark == other.mark && one.priority == other.priority && one.ended == other.ended
}
