//! The pure middle on a virtual clock: what `app` does around it, with no thread, no file and no network.
//!
//! `app` ticks, takes what came, keeps a step and sends its jobs; so does this, and jumps from one moment at which
//! something is due to the next.

use std::time::Duration;

use contract::{Batch, Capabilities, Length, Moment, Pace, Repeat};

use crate::config::Plan;
use crate::outbox::{Answer, Job};
use crate::post::LanguageError;
use crate::store::Write;
use crate::turn::{Kept, Middle};

/// What a network can do at its best: nothing of what is told is lost to what a network lacks.
pub const ABLE: Capabilities = Capabilities {
    repeat: Repeat::Key,
    edit: true,
    thread: true,
    mention: false,
    length: Length::Chars(16_000),
    pace: Pace { burst: 10, refill: Duration::from_millis(100) },
};

/// More rounds at one moment are a mistake of ours: each takes a job, and threads have few.
const ROUNDS_MAX: usize = 100_000;

/// The least that time goes on when something is due already.
const TICK: Duration = Duration::from_millis(1);

/// Whoever shows what is told, and keeps what is kept.
pub trait House {
    /// The network of this number does a job.
    fn publish(&mut self, network: usize, job: &Job, now: Moment) -> Answer;
    /// A row of a step.
    fn keep(&mut self, write: Write);
}

/// A plant on a virtual clock.
pub struct Stage {
    middle: Middle,
    now: Moment,
}

impl Stage {
    /// A plant whose sources are connected, from this moment on. It has as many networks as `can` has entries.
    ///
    /// # Errors
    /// A language or time zone that this build does not know.
    pub fn new(plan: &Plan, can: &[Capabilities], kept: Kept, now: Moment) -> Result<Stage, LanguageError> {
        let mut middle = Middle::new(plan, can, kept, now)?;
        for source in 0..plan.sources.len() {
            middle.source(source, None, now);
        }
        Ok(Stage { middle, now })
    }

    /// What time it is.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// The plant itself.
    pub fn middle(&mut self) -> &mut Middle {
        &mut self.middle
    }

    /// A source says this now. What it was said in is left empty, to be used again.
    pub fn take(&mut self, source: usize, batch: &mut Batch) {
        self.middle.take(source, std::mem::take(batch), self.now);
    }

    /// Lives until this moment: whatever is due until then happens at its time.
    pub fn advance(&mut self, to: Moment, house: &mut dyn House) {
        while let Some(due) = self.middle.due(self.now) {
            let next = due.max(self.now.plus(TICK));
            if next > to {
                break;
            }
            self.now = next;
            self.settle(house);
        }
        if self.now < to {
            self.now = to;
            self.middle.tick(to);
        }
    }

    /// Keeps and tells all that there is now.
    pub fn settle(&mut self, house: &mut dyn House) {
        self.middle.tick(self.now);
        for _ in 0..ROUNDS_MAX {
            let is_due = self.middle.due(self.now).is_some_and(|due| due <= self.now);
            if !is_due && !self.middle.has_changes() {
                return;
            }
            let step = self.middle.step(self.now);
            let is_idle = step.jobs.is_empty();
            step.writes.into_iter().for_each(|write| house.keep(write));
            for (network, job) in step.jobs {
                let answer = house.publish(network, &job, self.now);
                self.middle.answer(network, answer, self.now);
            }
            if is_idle {
                return;
            }
        }
    }
}
