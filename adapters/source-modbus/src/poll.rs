//! The poll: all units once in each period, none at the expense of the others.
//!
//! First all units that answer; their batch goes out. Then, in what is left of the period, those that were silent. A
//! unit that falls silent costs its line one timeout; after that its questions wait no longer than the period has room,
//! but for one in ten timeouts. So the others keep their period.

mod outcome;
mod silent;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use contract::{Batch, Cause, SourceError, TagId, Thing};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use crate::discover;
use crate::harvest::{Counters, Harvest, Refusals};
use crate::memory::Memory;
use crate::plan::{Field, Group, Limits};
use crate::poll::outcome::words;
use crate::unit::{Breaker, Patience};
use crate::wire::{Failed, Wire};

/// The first pause after "busy", doubled each time: a device that stores something needs some tens of milliseconds.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// One unit of the line.
pub struct Unit {
    /// Its number.
    pub number: u8,
    /// What is read of it.
    pub fields: Vec<Field>,
    /// Points of SunSpec that are to be found: the place of the tag, the name.
    pub wanted: Vec<(usize, String)>,
    /// How its requests may be made.
    pub limits: Limits,
    /// The requests.
    pub groups: Vec<Group>,
    /// When it may be asked.
    pub breaker: Breaker,
    /// Which of its addresses are refused.
    pub refusals: Refusals,
    /// Its points of SunSpec were looked for.
    pub is_discovered: bool,
}

impl Unit {
    /// As an integrator knows it.
    pub fn name(&self) -> String {
        format!("unit {}", self.number)
    }
}

/// The times of a source.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// From poll to poll.
    pub every: Duration,
    /// For an answer.
    pub timeout: Duration,
    /// RTU: until a late answer cannot come any more.
    pub late_max: Duration,
    /// The line is closed after each poll.
    pub connect_each_poll: bool,
    /// When silence is told, and how rarely a silent unit is asked.
    pub patience: Patience,
}

/// Reads all units of a line, again and again.
pub struct Poller {
    pub(crate) wire: Wire,
    pub(crate) units: Vec<Unit>,
    pub(crate) tags: Arc<[TagId]>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) memory: Memory,
    pub(crate) pace: Pace,
    /// The slowest answer of any unit.
    slowest: Duration,
    /// When a silent unit last took time that the others need.
    last_intrusion: Option<Instant>,
    /// Where the round of silent units goes on.
    cursor: usize,
    harvest: Harvest,
    /// Writes the sums.
    keeping: Option<JoinHandle<()>>,
}

struct Job {
    unit: usize,
    group: Group,
    tries: u8,
}

/// Where batches go, and the error that ends them.
pub type Out = mpsc::Sender<Result<Batch, SourceError>>;

impl Poller {
    /// A poller that has not asked anything yet.
    pub fn new(
        wire: Wire,
        units: Vec<Unit>,
        tags: Arc<[TagId]>,
        counters: Arc<Counters>,
        memory: Memory,
        pace: Pace,
    ) -> Poller {
        let (slowest, harvest) = (Duration::ZERO, Harvest::default());
        Poller {
            wire,
            units,
            tags,
            counters,
            memory,
            pace,
            slowest,
            last_intrusion: None,
            cursor: 0,
            harvest,
            keeping: None,
        }
    }

    /// Connects, and asks until one unit has answered: a port that accepts is not yet a device.
    ///
    /// # Errors
    /// There is no line, or nobody answers on it.
    pub async fn greet(&mut self) -> Result<(), SourceError> {
        self.wire.open().await?;
        for index in 0..self.units.len() {
            let Some(request) = discover::greeting(&self.units[index]) else { continue };
            let asked = Instant::now();
            match self.wire.ask(&request, self.pace.timeout).await {
                Ok(_) => {
                    self.answered(index, asked);
                    return Ok(());
                }
                Err(Failed::Line(error)) => return Err(error),
                Err(failed) => self.failed(index, asked, &failed),
            }
        }
        let words = match self.units.as_slice() {
            [] => return Ok(()),
            [unit] => format!("{}: connected, but {} does not answer", self.wire.place, unit.name()),
            units => format!("{}: connected, but none of {} units answers", self.wire.place, units.len()),
        };
        Err(SourceError::Lost(words))
    }

    /// Polls until the line is lost or nobody wants batches any more.
    pub async fn run(mut self, out: Out) {
        let mut tick = Instant::now();
        loop {
            let next = tick + self.pace.every;
            match self.poll(next, &out).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    self.keep(true).await;
                    self.flush(&out).await;
                    // Nobody listens: then nobody needs to know.
                    let _ = out.send(Err(error)).await;
                    return;
                }
            }
            self.keep(false).await;
            if self.pace.connect_each_poll {
                self.wire.close();
            }
            // A poll that took too long is followed at once; more than a period is not caught up.
            let now = Instant::now();
            tick = if now < next + self.pace.every { next } else { now };
            sleep_until(tick).await;
        }
    }

    /// Keeps the sums. What is written now and then is not waited for; what is written last is.
    async fn keep(&mut self, is_last: bool) {
        if !is_last && self.keeping.as_ref().is_some_and(|keeping| !keeping.is_finished()) {
            return;
        }
        if let Some(keeping) = self.memory.keep(&self.counters, is_last) {
            self.keeping = Some(keeping);
        }
        if let Some(keeping) = self.keeping.take_if(|_| is_last) {
            // How it went was logged.
            let _ = keeping.await;
        }
    }

    /// One poll. False when nobody listens any more.
    async fn poll(&mut self, next: Instant, out: &Out) -> Result<bool, SourceError> {
        let now = Instant::now();
        let well: Vec<usize> = (0..self.units.len())
            .filter(|index| self.units[*index].breaker.is_well() && self.units[*index].breaker.may_ask(now))
            .collect();
        self.read(&well).await?;
        if !self.flush(out).await {
            return Ok(false);
        }
        let count = self.units.len();
        for step in 0..count {
            let index = (self.cursor + step) % count;
            if self.units[index].breaker.is_well() {
                continue;
            }
            if self.probe(index, next).await? {
                self.read(&[index]).await?;
            }
        }
        self.cursor = (self.cursor + 1) % count.max(1);
        if count > 0 && self.units.iter().all(|unit| unit.breaker.is_open()) {
            return Err(SourceError::Lost(format!("{}: none of {count} units answers", self.wire.place)));
        }
        Ok(self.flush(out).await)
    }

    async fn flush(&mut self, out: &Out) -> bool {
        for batch in self.harvest.take() {
            if out.send(Ok(batch)).await.is_err() {
                return false;
            }
        }
        true
    }

    /// Asks these units all that is to be known of them.
    async fn read(&mut self, units: &[usize]) -> Result<(), SourceError> {
        let mut jobs = VecDeque::new();
        for unit in units {
            if !self.units[*unit].is_discovered {
                self.discover(*unit).await?;
            }
            let groups = &self.units[*unit].groups;
            jobs.extend(groups.iter().map(|group| Job { unit: *unit, group: group.clone(), tries: 0 }));
        }
        while let Some(job) = jobs.pop_front() {
            let breaker = &self.units[job.unit].breaker;
            if !breaker.is_well() && job.tries == 0 || !breaker.may_ask(Instant::now()) {
                self.bad(&job, "the unit did not answer the question before");
                continue;
            }
            // Whoever is busy waits behind the others, and a little if there are none.
            if job.tries > 0 && jobs.iter().all(|other| other.tries > 0) {
                sleep(BUSY_PAUSE * 2_u32.pow(u32::from(job.tries - 1))).await;
            }
            self.work(job, &mut jobs).await?;
        }
        Ok(())
    }

    async fn discover(&mut self, index: usize) -> Result<(), SourceError> {
        let asked = Instant::now();
        match discover::points(&mut self.wire, &mut self.units[index], self.pace.timeout).await {
            Ok(missing) => {
                for (tag, words) in missing {
                    self.harvest.bad_tag(self.tags[tag], &words);
                    self.harvest.trouble(Thing::Address, self.units[index].name(), Cause::Missing(words));
                }
            }
            Err(Failed::Line(error)) => return Err(error),
            Err(failed) => {
                self.failed(index, asked, &failed);
                self.bad_unit(index, &words(&failed, self.pace.timeout));
            }
        }
        Ok(())
    }
}
