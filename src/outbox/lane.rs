//! All that one network is to be told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use contract::{
    Capabilities, DeliveryError, DeliveryKey, EpisodeId, LineRole, Moment, Post, Receipt, Text, backoff,
};

use super::pace::Bucket;
use super::thread::{Move, Root, Thread};
use super::{Answer, Health, Job, Row, Told};

/// Down for so long, a network gets one catch-up instead of a burst.
const OUTAGE_AFTER: Duration = Duration::from_secs(300);
/// So few are told one by one all the same.
const FEW: usize = 3;
/// So many at most wait one by one, whatever the reason: a reader could not take more, nor a small gateway.
const WAITING_MAX: usize = 1_000;
/// A thread is forgotten this long after its end: no episode comes back after ten minutes.
const KEEP: Duration = Duration::from_secs(15 * 60);
/// Wait after a failure: doubled from this …
const RETRY_FIRST: Duration = Duration::from_millis(500);
/// … up to this for the network …
const RETRY_MAX: Duration = Duration::from_secs(60);
/// … and this for one post that fails alone.
const RETRY_ALONE_MAX: Duration = Duration::from_secs(300);
/// A person must look: asked again this rarely.
const LOCKED_OUT_RETRY: Duration = Duration::from_secs(60);

/// One network.
#[derive(Debug)]
pub struct Lane {
    name: String,
    prefix: String,
    can: Capabilities,
    threads: BTreeMap<EpisodeId, Thread>,
    /// The threads with something to do.
    active: BTreeSet<EpisodeId>,
    /// The threads whose row is not kept yet.
    unkept: BTreeSet<EpisodeId>,
    told: Vec<(EpisodeId, Told)>,
    bucket: Bucket,
    /// The episode of the job that is being done.
    busy: Option<EpisodeId>,
    failures: u32,
    paused_until: Moment,
    down_since: Option<Moment>,
    digest: Option<EpisodeId>,
    taken: u64,
    last_error: Option<String>,
}

/// What a catch-up is to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Folded {
    /// The name of the catch-up.
    pub digest: EpisodeId,
    /// When the network was lost.
    pub lost: Moment,
    /// When it was back; while nobody has read the catch-up, this is the moment of writing.
    pub back: Moment,
    /// The newest version of it so far.
    pub version: u32,
    /// The posts that are folded into it.
    pub posts: Vec<Post>,
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
            digest: None,
            taken: 0,
            last_error: None,
        }
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
        if thread.is_foldable() && now.since(thread.created) >= OUTAGE_AFTER {
            self.down_since = Some(self.down_since.unwrap_or(thread.created).min(thread.created));
        }
        if let Root::Folded(digest) = &thread.root {
            self.digest = Some(digest.clone());
        }
        let id = thread.wanted.episode.clone();
        self.threads.insert(id.clone(), thread);
        self.active.insert(id);
        true
    }

    /// This is how the episode should be read now. `with_note`: those who follow its thread are told as well.
    pub fn want(&mut self, post: Post, with_note: bool, now: Moment) {
        let id = post.episode.clone();
        match self.threads.get_mut(&id) {
            None => {
                self.threads.insert(id.clone(), Thread::new(post, now));
            }
            Some(thread) if thread.wanted.version > post.version => return,
            Some(thread) => {
                if with_note {
                    thread.note = Some(Post { lines: Vec::new(), ..post.clone() });
                }
                if is_same_to_a_reader(&thread.wanted, &post) {
                    // Nothing that a reader can see: no edit.
                    return;
                }
                thread.wanted = post;
            }
        }
        self.touch(&id);
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
        if self.busy.is_some() || now < self.paused_until || self.active.is_empty() {
            return None;
        }
        let (id, step) = self.choose(now)?;
        if !self.bucket.take(now) {
            return None;
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
            thread.leave(step, part, now);
            self.unkept.insert(id.clone());
        }
        self.busy = Some(id);
        Some(job)
    }

    /// The most urgent thread that may move now; those with nothing to do leave the list.
    fn choose(&mut self, now: Moment) -> Option<(EpisodeId, Move)> {
        let mut best: Option<(_, EpisodeId, Move)> = None;
        let mut idle = Vec::new();
        for id in &self.active {
            let Some(thread) = self.threads.get(id) else { continue };
            match thread.next(&self.can, now) {
                None if thread.attempt.is_none() => idle.push(id.clone()),
                None | Some(Move::Wait(_)) => {}
                Some(step) => {
                    let is_digest = self.digest.as_ref() == Some(id);
                    let rank = (!is_digest, thread.wanted.priority, thread.created);
                    if best.as_ref().is_none_or(|(least, _, _)| rank < *least) {
                        best = Some((rank, id.clone(), step));
                    }
                }
            }
        }
        for id in idle {
            self.active.remove(&id);
        }
        best.map(|(_, id, step)| (id, step))
    }

    /// When there will be something to do, if nothing else happens.
    pub(super) fn due(&mut self, now: Moment) -> Option<Moment> {
        if self.busy.is_some() {
            return None;
        }
        let soonest = self
            .active
            .iter()
            .filter_map(|id| self.threads.get(id))
            .filter_map(|thread| match thread.next(&self.can, now) {
                Some(Move::Wait(due)) => Some(due),
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
                self.with(&id, |thread| thread.refused(reason.clone()));
                self.told.push((id.clone(), Told::Refused { part, reason }));
            }
            Answer::Published(Err(error)) => self.fail(&id, error, false, now),
        }
        self.touch(&id);
    }

    fn with(&mut self, id: &EpisodeId, change: impl FnOnce(&mut Thread)) {
        if let Some(thread) = self.threads.get_mut(id) {
            change(thread);
        }
    }

    fn took(&mut self, id: &EpisodeId, part: String, receipt: Receipt, now: Moment) {
        self.failures = 0;
        self.taken += 1;
        self.down_since = None;
        self.last_error = None;
        self.told.push((id.clone(), Told::Taken { part, receipt: receipt.clone() }));
        self.with(id, |thread| thread.taken(receipt, now));
    }

    fn fail(&mut self, id: &EpisodeId, error: DeliveryError, is_look: bool, now: Moment) {
        let reason = error.to_string();
        if self.failures == 0 {
            self.told.push((id.clone(), Told::Failed { reason: reason.clone() }));
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

    /// After an outage: folds what waits into one catch-up, and gives what that has to tell. `None` when there is
    /// no reason to, or nothing new in it.
    pub fn fold(&mut self, now: Moment) -> Option<Folded> {
        let is_outage = self.down_since.is_some_and(|since| now.since(since) >= OUTAGE_AFTER);
        let waiting = self.active.iter().filter(|id| self.is_foldable(id)).count();
        let is_time = self.busy.is_none() && now >= self.paused_until;
        let joins = is_outage && (waiting > FEW || (waiting > 0 && self.digest_waits()));
        if (joins && is_time) || waiting > WAITING_MAX {
            self.fold_all(now);
        }
        self.folded(now)
    }

    fn is_foldable(&self, id: &EpisodeId) -> bool {
        self.digest.as_ref() != Some(id) && self.threads.get(id).is_some_and(Thread::is_foldable)
    }

    fn digest_waits(&self) -> bool {
        let digest = self.digest.as_ref().and_then(|digest| self.threads.get(digest));
        digest.is_some_and(|thread| thread.root == Root::Waiting)
    }

    fn fold_all(&mut self, now: Moment) {
        let ids: Vec<EpisodeId> = self.active.iter().filter(|id| self.is_foldable(id)).cloned().collect();
        if !self.digest_waits() {
            let oldest = ids.iter().filter_map(|id| self.threads.get(id)).map(|thread| thread.created).min();
            let lost = self.down_since.into_iter().chain(oldest).min().unwrap_or(now);
            self.digest = Some(EpisodeId(format!("catch-up-{}-{}", self.name, lost.as_ms())));
        }
        let Some(digest) = self.digest.clone() else { return };
        for id in ids {
            self.with(&id, |thread| thread.root = Root::Folded(digest.clone()));
            self.told.push((id.clone(), Told::Folded { into: digest.clone() }));
            self.unkept.insert(id);
        }
    }

    /// What the catch-up has to tell, if that is not what it tells already.
    fn folded(&self, now: Moment) -> Option<Folded> {
        let digest = self.digest.clone()?;
        let thread = self.threads.get(&digest);
        let posts = self.threads.values().filter(|thread| thread.root == Root::Folded(digest.clone()));
        let posts: Vec<Post> = posts.map(|thread| thread.wanted.clone()).collect();
        let newest = posts.iter().map(|post| post.written).max()?;
        let is_told = thread.is_some_and(|thread| thread.wanted.written >= newest && !self.digest_waits());
        let is_on_its_way = thread.is_some_and(|thread| thread.attempt.is_some());
        if is_told || is_on_its_way || (self.digest_waits() && now < self.paused_until) {
            return None;
        }
        let lost = thread.map_or_else(|| lost_of(&digest).unwrap_or(now), |thread| thread.wanted.begun);
        let back = thread.and_then(|thread| thread.opened);
        let version = thread.map_or(0, |thread| thread.wanted.version);
        Some(Folded { digest, lost, back: back.unwrap_or(now), version, posts })
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
        let digest_lives = self.digest.as_ref().and_then(|id| self.threads.get(id));
        let digest_lives = digest_lives.is_some_and(|thread| !thread.is_over(&self.can, now, KEEP));
        let is_over = |thread: &Thread| match &thread.root {
            Root::Folded(digest) if self.digest.as_ref() == Some(digest) && digest_lives => false,
            Root::Waiting | Root::Shown(_) | Root::Refused(_) | Root::Folded(_) => {
                thread.is_over(&self.can, now, KEEP)
            }
        };
        let over: Vec<EpisodeId> =
            self.threads.iter().filter(|(_, thread)| is_over(thread)).map(|(id, _)| id.clone()).collect();
        for id in over {
            self.threads.remove(&id);
            self.active.remove(&id);
            self.unkept.insert(id.clone());
            self.digest.take_if(|digest| *digest == id);
        }
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

/// The start of the outage, which the name of a catch-up ends with.
fn lost_of(digest: &EpisodeId) -> Option<Moment> {
    digest.0.rsplit_once('-').and_then(|(_, ms)| ms.parse().ok()).map(Moment::from_ms)
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
