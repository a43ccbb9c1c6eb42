//! The poll: all units once in each period, none at the expense of the others.
//!
//! First all units that answer; their batch goes out. Then, in what is left of the period, those that were silent. A
//! unit that falls silent costs its line one timeout; after that its questions wait no longer than the period has room,
//! but for one in ten timeouts. So the others keep their period.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use contract::{Batch, Cause, SourceError, TagId, Thing};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use crate::discover;
use crate::harvest::{Counters, Harvest, Refusals};
use crate::memory::Memory;
use crate::pdu::{Answer, Exception};
use crate::plan::{self, Field, Group, Limits};
use crate::unit::{Breaker, Failure, Patience};
use crate::wire::{Failed, Wire};

/// How often a question is asked in one poll while a device says that it is busy.
const TRIES_MAX: u8 = 4;
/// The first pause after "busy", doubled each time: a device that stores something needs some tens of milliseconds.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
/// A silent unit may take this part of the time of its line where the period has no room.
const INTRUSION: u32 = 10;
/// Which of its questions may wait for a silent unit in full.
const FULL_TURN: u32 = 8;
/// The least that a silent unit is waited for.
const WAIT_MIN: Duration = Duration::from_millis(20);

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
                    self.memory.keep(&self.counters, true);
                    self.flush(&out).await;
                    // Nobody listens: then nobody needs to know.
                    let _ = out.send(Err(error)).await;
                    return;
                }
            }
            self.memory.keep(&self.counters, false);
            if self.pace.connect_each_poll {
                self.wire.close();
            }
            // A poll that took too long is followed at once; more than a period is not caught up.
            let now = Instant::now();
            tick = if now < next + self.pace.every { next } else { now };
            sleep_until(tick).await;
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

    async fn work(&mut self, job: Job, jobs: &mut VecDeque<Job>) -> Result<(), SourceError> {
        let asked = Instant::now();
        match self.wire.ask(&job.group.request, self.pace.timeout).await {
            Ok(Answer::Data(data)) => {
                self.answered(job.unit, asked);
                let unit = &mut self.units[job.unit];
                for place in &job.group.fields {
                    if unit.refusals.answered(*place) {
                        self.harvest.mended(Thing::Address, place_name(unit, *place));
                    }
                }
                self.harvest.good(&job.group, &unit.fields, &self.tags, &data, &self.counters);
            }
            Ok(Answer::Exception(exception)) if exception.passes() => self.busy(job, exception, jobs),
            Ok(Answer::Exception(exception)) => {
                self.answered(job.unit, asked);
                self.refused(job, exception, jobs);
            }
            Err(Failed::Line(error)) => {
                self.bad(&job, &error.to_string());
                return Err(error);
            }
            Err(failed) => {
                self.failed(job.unit, asked, &failed);
                self.bad(&job, &words(&failed, self.pace.timeout));
            }
        }
        Ok(())
    }

    /// The device, or its gateway, says "not now".
    fn busy(&mut self, job: Job, exception: Exception, jobs: &mut VecDeque<Job>) {
        // A gateway that says that a unit is silent has waited for it already.
        let tries_max = if exception.is_silence() { 2 } else { TRIES_MAX };
        if job.tries + 1 < tries_max {
            jobs.push_back(Job { tries: job.tries + 1, ..job });
            return;
        }
        self.bad(&job, &exception.to_string());
        let cause = match exception.is_silence() {
            true => Cause::NoAnswer,
            false => Cause::Refused(exception.to_string()),
        };
        self.silent(job.unit, cause);
    }

    /// The device will not. A group is asked for piece by piece from now on, so that one bad address spoils only itself.
    fn refused(&mut self, job: Job, exception: Exception, jobs: &mut VecDeque<Job>) {
        let unit = &mut self.units[job.unit];
        if job.group.fields.len() > 1 {
            let pieces = plan::split(unit.number, &job.group, &unit.fields);
            unit.groups.retain(|group| *group != job.group);
            unit.groups.extend(pieces.iter().cloned());
            for group in pieces.into_iter().rev() {
                jobs.push_front(Job { unit: job.unit, group, tries: 0 });
            }
            return;
        }
        for place in &job.group.fields {
            if unit.refusals.refused(*place) {
                let cause = Cause::Refused(exception.to_string());
                self.harvest.trouble(Thing::Address, place_name(unit, *place), cause);
            }
        }
        self.bad(&job, &exception.to_string());
    }

    /// Asks a silent unit one thing, as long as there is room. True if it answers.
    async fn probe(&mut self, index: usize, next: Instant) -> Result<bool, SourceError> {
        let now = Instant::now();
        let Some(request) = discover::greeting(&self.units[index]) else { return Ok(false) };
        if !self.units[index].breaker.may_ask(now) {
            return Ok(false);
        }
        let Some(wait) = self.room(index, now, next) else { return Ok(false) };
        match self.wire.ask(&request, wait).await {
            Ok(Answer::Exception(exception)) if exception.passes() => {
                let cause = match exception.is_silence() {
                    true => Cause::NoAnswer,
                    false => Cause::Refused(exception.to_string()),
                };
                self.silent(index, cause);
                self.bad_unit(index, &exception.to_string());
                Ok(false)
            }
            Ok(_) => {
                self.answered(index, now);
                Ok(true)
            }
            Err(Failed::Line(error)) => Err(error),
            Err(failed) => {
                self.failed(index, now, &failed);
                self.bad_unit(index, &words(&failed, wait));
                Ok(false)
            }
        }
    }

    /// How long a silent unit may be waited for; `None` if not now.
    fn room(&mut self, index: usize, now: Instant, next: Instant) -> Option<Duration> {
        let timeout = self.pace.timeout;
        let slack = next.saturating_duration_since(now).saturating_sub(self.pace.every / 20);
        let is_alone = self.units.iter().all(|unit| !unit.breaker.is_well());
        if slack >= timeout || is_alone {
            return Some(timeout);
        }
        let breaker = &self.units[index].breaker;
        let needed = (breaker.slowest().max(self.slowest) * 3).clamp(WAIT_MIN.min(timeout), timeout);
        let may_intrude = self.last_intrusion.is_none_or(|last| now - last >= timeout * INTRUSION);
        // A unit that may answer more slowly than there is room is waited for in full now and then.
        let may_be_slow = breaker.slowest().is_zero() || breaker.slowest() * 3 > slack;
        let is_full_turn = may_be_slow && breaker.silences().is_multiple_of(FULL_TURN);
        if may_intrude && (is_full_turn || slack < needed) {
            self.last_intrusion = Some(now);
            return Some(timeout);
        }
        (slack >= needed).then_some(slack)
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

    fn answered(&mut self, index: usize, asked: Instant) {
        let took = asked.elapsed();
        self.slowest = self.slowest.max(took);
        if self.units[index].breaker.answered(took) {
            self.harvest.mended(Thing::Device, self.units[index].name());
        }
    }

    fn failed(&mut self, index: usize, asked: Instant, failed: &Failed) {
        if self.wire.must_wait_for_late_answers() {
            self.units[index].breaker.quarantine(asked + self.pace.late_max);
        }
        let cause = match failed {
            Failed::Garbled(words) => {
                Cause::Unreadable { place: self.units[index].name(), found: words.clone() }
            }
            Failed::Silent | Failed::Line(_) => Cause::NoAnswer,
        };
        self.silent(index, cause);
    }

    fn silent(&mut self, index: usize, cause: Cause) {
        #[cfg(test)]
        if self.wire.is_careless {
            return;
        }
        let unit = &mut self.units[index];
        if unit.breaker.silent(Instant::now(), self.pace.patience) == Failure::Told {
            self.harvest.trouble(Thing::Device, unit.name(), cause);
        }
    }

    fn bad(&mut self, job: &Job, words: &str) {
        self.harvest.bad(&job.group, &self.units[job.unit].fields, &self.tags, words);
    }

    fn bad_unit(&mut self, index: usize, words: &str) {
        let unit = &self.units[index];
        let known = unit.fields.iter().map(|field| field.tag);
        let sought = unit.wanted.iter().map(|(tag, _)| *tag).filter(|_| !unit.is_discovered);
        for tag in known.chain(sought) {
            self.harvest.bad_tag(self.tags[tag], words);
        }
    }
}

fn words(failed: &Failed, wait: Duration) -> String {
    match failed {
        Failed::Silent => format!("no answer within {} ms", wait.as_millis()),
        Failed::Garbled(words) => words.clone(),
        Failed::Line(error) => error.to_string(),
    }
}

fn place_name(unit: &Unit, place: usize) -> String {
    let field = &unit.fields[place];
    format!("{} {} {}", unit.name(), field.table.word(), field.start)
}
