//! What one episode became on one network: what is wanted, what is shown, what is on its way.
//!
//! A thread is level-triggered: it compares what should be shown with what is, so edits merge by themselves and
//! only the newest is ever sent.

use std::time::Duration;

use contract::{Capabilities, EpisodeId, Mark, Moment, Post, Priority, Receipt, Repeat, Step};
use serde::{Deserialize, Serialize};

/// After an edit the next one of the same episode waits: one that flaps must not hold up the others.
const EDIT_EVERY: Duration = Duration::from_secs(10);

/// Without edits each new state is a post. So many are told at once;
const TOLD_AT_ONCE: u32 = 3;
/// after that, one that comes and goes is told at most so often, and always how it ends.
const TELL_EVERY: Duration = Duration::from_secs(300);

/// One episode on one network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Thread {
    /// As it should be read now.
    pub wanted: Post,
    /// What became of its first post.
    pub root: Root,
    /// What the network shows.
    pub shown: Option<Shown>,
    /// An answer under it, to be handed over after everything else.
    pub note: Option<Post>,
    /// How many answers were handed over.
    pub notes: u32,
    /// How many new states were told by a post of their own, where there are no edits.
    #[serde(default)]
    pub retold: u32,
    /// The most urgent that was told.
    #[serde(default)]
    pub worst: Option<Priority>,
    /// What is on its way, or of which we do not know.
    pub attempt: Option<Attempt>,
    /// Failures in a row.
    pub tries: u32,
    /// Not before.
    pub due: Moment,
    /// When it was first wanted.
    pub created: Moment,
    /// When the network took its first post.
    pub opened: Option<Moment>,
    /// The version with which it began. An episode that comes back after its thread was forgotten begins another
    /// one, with a key of its own.
    pub opening: u32,
}

/// What became of the first post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Root {
    /// Not handed over yet.
    Waiting,
    /// The network has it.
    Shown(Receipt),
    /// The network will never take it: a person must look.
    Refused(String),
    /// It is told as a line of this catch-up.
    Folded(EpisodeId),
}

/// What the network shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    version: u32,
    mark: Mark,
    priority: Priority,
    #[serde(default)]
    is_ended: bool,
}

/// One thing that was handed over and is not settled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// What was done.
    pub step: Step,
    /// Which part of the episode, for the key.
    pub part: String,
    shows: Shown,
    /// When it was first handed over.
    first: Moment,
    /// When it was last handed over.
    pub last: Moment,
    /// True when one of the times may have been taken.
    pub is_doubtful: bool,
}

/// What to do next with a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// Hand over something new.
    Send,
    /// Hand over again what the network will recognise, or must bear twice.
    Resend {
        /// True when the network cannot tell and a reader may see it twice.
        is_repeat: bool,
    },
    /// Look whether it was taken.
    Look,
    /// Not yet.
    Wait(Moment),
}

impl Thread {
    /// A thread that wants its first post.
    pub fn new(wanted: Post, now: Moment) -> Thread {
        Thread {
            opening: wanted.version,
            wanted,
            root: Root::Waiting,
            shown: None,
            note: None,
            notes: 0,
            retold: 0,
            worst: None,
            attempt: None,
            tries: 0,
            due: now,
            created: now,
            opened: None,
        }
    }

    /// What should be handed over, if nothing is on its way: the step, and the part for its key.
    pub fn plan(&self, can: &Capabilities) -> Option<(Step, String)> {
        let receipt = match &self.root {
            Root::Waiting => return Some((Step::Open, format!("root-{}", self.opening))),
            Root::Refused(_) | Root::Folded(_) => return None,
            Root::Shown(receipt) => receipt,
        };
        let shown = self.shown?;
        let can_answer = can.thread && receipt.is_named();
        if shown.version < self.wanted.version {
            if can.edit && receipt.is_named() {
                return Some((Step::Edit(receipt.clone()), format!("edit-{}", self.wanted.version)));
            }
            // Without edits only a new state is worth a new post. A digest keeps its mark to the end of what it tells.
            let is_over = self.wanted.ended.is_some() && !shown.is_ended;
            if shown.mark != self.wanted.mark || is_over || self.wanted.priority < shown.priority {
                let step = if can_answer { Step::Reply(receipt.clone()) } else { Step::Open };
                return Some((step, format!("version-{}", self.wanted.version)));
            }
        }
        (self.note.is_some() && can_answer && can.edit)
            .then(|| (Step::Reply(receipt.clone()), self.note_part()))
    }

    /// Notes are numbered anew where an episode came back after its thread was forgotten, and must not be taken for those
    /// of before.
    fn note_part(&self) -> String {
        match self.opening {
            0 | 1 => format!("note-{}", self.notes + 1),
            opening => format!("note-{opening}-{}", self.notes + 1),
        }
    }

    /// What to do next, and when.
    pub fn next(&self, can: &Capabilities, now: Moment) -> Option<Move> {
        let wait = |due: Moment, then: Move| if now < due { Move::Wait(due) } else { then };
        let Some(attempt) = &self.attempt else {
            let due = if self.is_worse_than_ever() { self.due.min(now) } else { self.due };
            return self.plan(can).map(|_| wait(due, Move::Send));
        };
        if !attempt.is_doubtful {
            // On its way: its answer will come.
            return None;
        }
        if let Step::Edit(_) = attempt.step {
            return Some(wait(self.due.max(attempt.last.plus(late(can))), Move::Resend { is_repeat: false }));
        }
        Some(match can.repeat {
            Repeat::Key => wait(self.due, Move::Resend { is_repeat: false }),
            Repeat::Nothing => wait(self.due, Move::Resend { is_repeat: true }),
            Repeat::ShortKey { lasts, .. }
                if (attempt.first..attempt.first.plus(lasts)).contains(&now)
                    && self.due < attempt.first.plus(lasts) =>
            {
                wait(self.due, Move::Resend { is_repeat: false })
            }
            Repeat::ShortKey { settle, .. } | Repeat::Look { settle } => {
                wait(self.due.max(attempt.last.plus(settle)), Move::Look)
            }
        })
    }

    /// The post to hand over for a step of this part.
    pub fn post_for<'a>(&'a self, part: &str) -> &'a Post {
        match &self.note {
            Some(note) if part.starts_with("note-") => note,
            _ => &self.wanted,
        }
    }

    /// Something is handed over now.
    pub fn leave(&mut self, step: Step, part: String, is_repeat: bool, now: Moment) {
        let Post { version, mark, priority, ended, .. } = &self.wanted;
        let is_ended = ended.is_some();
        let shows = Shown { version: *version, mark: *mark, priority: *priority, is_ended };
        match &mut self.attempt {
            // What a network recognises shows what it showed the first time; an edit, and what is taken a second
            // time, show the newest.
            Some(attempt) => {
                attempt.last = now;
                if is_repeat || matches!(attempt.step, Step::Edit(_)) {
                    attempt.shows = shows;
                }
            }
            None => {
                let attempt = Attempt { step, part, shows, first: now, last: now, is_doubtful: false };
                self.attempt = Some(attempt);
            }
        }
    }

    /// It was taken, then or now.
    pub fn taken(&mut self, receipt: Receipt, now: Moment) {
        let Some(attempt) = self.attempt.take() else { return };
        self.tries = 0;
        match attempt.step {
            Step::Reply(_) if attempt.part.starts_with("note-") => {
                self.note = None;
                self.notes += 1;
            }
            Step::Open if self.root == Root::Waiting => {
                self.root = Root::Shown(receipt);
                self.opened = Some(now);
                self.shown = Some(attempt.shows);
            }
            Step::Edit(_) => {
                self.shown = Some(attempt.shows);
                self.due = now.plus(EDIT_EVERY);
            }
            Step::Open | Step::Reply(_) => {
                self.retold += 1;
                self.shown = Some(attempt.shows);
                if self.retold >= TOLD_AT_ONCE {
                    self.due = now.plus(TELL_EVERY);
                }
            }
        }
        self.worst = [self.worst, Some(attempt.shows.priority)].into_iter().flatten().min();
    }

    /// What comes and goes waits; what was never so urgent does not.
    fn is_worse_than_ever(&self) -> bool {
        self.tries == 0 && self.retold > 0 && self.worst.is_some_and(|worst| self.wanted.priority < worst)
    }

    /// It was certainly not taken this time; `after` is the wait before the next.
    pub fn failed(&mut self, after: Duration, now: Moment) {
        self.tries += 1;
        self.due = now.plus(after);
        // An earlier time may still have been taken: that doubt stays.
        if self.attempt.as_ref().is_some_and(|attempt| !attempt.is_doubtful) {
            self.attempt = None;
        }
    }

    /// Nobody knows whether it was taken.
    pub fn unanswered(&mut self, after: Duration, now: Moment) {
        self.tries += 1;
        self.due = now.plus(after);
        if let Some(attempt) = &mut self.attempt {
            attempt.is_doubtful = true;
        }
    }

    /// We looked and it is not there.
    pub fn not_found(&mut self, now: Moment) {
        self.attempt = None;
        self.due = now;
    }

    /// The network will never take it. The rest of the episode goes on without it.
    pub fn refused(&mut self, reason: String) {
        let Some(attempt) = self.attempt.take() else { return };
        self.tries = 0;
        match attempt.step {
            Step::Reply(_) if attempt.part.starts_with("note-") => self.note = None,
            Step::Open if self.root == Root::Waiting => self.root = Root::Refused(reason),
            Step::Open | Step::Edit(_) | Step::Reply(_) => self.shown = Some(attempt.shows),
        }
    }

    /// What waits to be said under it is said of how it is now: not of an end before it came back, and not of a step
    /// that it has left.
    pub fn renew_note(&mut self, post: &Post, with_note: bool) {
        let is_waiting = self.note.is_some() && !self.is_noting();
        let is_back = self.note.as_ref().is_some_and(|note| note.ended.is_some()) && post.ended.is_none();
        if with_note || (is_waiting && !is_back) {
            self.note = Some(Post { lines: Vec::new(), ..post.clone() });
        } else if is_waiting {
            self.note = None;
        }
    }

    /// True while an answer under it is on its way.
    pub fn is_noting(&self) -> bool {
        self.attempt.as_ref().is_some_and(|attempt| attempt.part.starts_with("note-"))
    }

    /// True when its first post may be folded into a catch-up: nothing of it can be on the network.
    pub fn is_foldable(&self) -> bool {
        self.root == Root::Waiting && self.attempt.is_none()
    }

    /// True when it has ended, all is told, and it is too old to come back.
    pub fn is_over(&self, can: &Capabilities, now: Moment, keep: Duration) -> bool {
        let is_old = now.since(self.wanted.written.max(self.due)) > keep;
        self.wanted.ended.is_some() && is_old && self.attempt.is_none() && self.plan(can).is_none()
    }
}

/// How late an edit without an answer may still be taken. A newer one that overtook it would be undone by it, so
/// that a machine long well would stay abnormal on the network.
fn late(can: &Capabilities) -> Duration {
    match can.repeat {
        Repeat::ShortKey { settle, .. } | Repeat::Look { settle } => settle,
        Repeat::Key | Repeat::Nothing => Duration::ZERO,
    }
}
