//! The wiring: the only file that knows all rooms. Starts them, turns the middle, keeps each step, and stops in
//! the order of the flow: sources first, networks last.
//!
//! Deliberately absent: no judgement. What to say is decided in the rooms.

mod build;
mod desk;
mod reload;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use contract::{Fault, Network, Source, Ticket};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::config::{Place, Plan, Settings};
use crate::outbox::{Answer, Job};
use crate::source::supervise::Heard;
use crate::store::{self, Done, Store, StoreError, Table, Writer};
use crate::turn::{Health, Kept, Middle};
use crate::watchdog::Watchdog;
use build::Stamps;
use desk::{NetworkDesk, SourceDesk, Tasks};
use reload::Pending;
pub use reload::{Asked, Candidate};

/// Batches on their way to the middle, of all sources together: a batch holds at most some hundred samples, so
/// this is a second of a fast plant, and a source that is ahead of us waits.
const BATCHES: usize = 64;
/// Each network does one job at a time, and its answer is taken at once.
const ANSWERS: usize = 16;
/// Batches that wait for a commit. More, and sources wait.
const TICKETS_MAX: usize = 1_024;
/// Changes wait for others at most so long before they are kept together.
const GROUP_WAIT: Duration = Duration::from_millis(50);
/// How long networks are given to take what is on its way when we stop; the rest is in the outbox already.
const STOP_WAIT: Duration = Duration::from_secs(5);
/// A store that says nothing for so long is stuck, and systemd may start us anew.
const STORE_SILENT_MAX: Duration = Duration::from_secs(20);
/// The longest sleep of the loop: the watchdog is fed and the health is shown in between.
const PULSE: Duration = Duration::from_secs(1);

/// Why it could not start, or go on.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// An adapter cannot be made of its table.
    #[error("{}", show_faults(.0))]
    Faults(Vec<(Place, Fault)>),
    /// The state folder cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A language or a time zone is missing.
    #[error(transparent)]
    Language(#[from] crate::post::LanguageError),
    /// The system has no thread or no folder left for us.
    #[error("{0}")]
    System(String),
}

fn show_faults(faults: &[(Place, Fault)]) -> String {
    let line = |(place, fault): &(Place, Fault)| {
        let key = if fault.key.is_empty() { String::new() } else { format!("{}: ", fault.key) };
        format!("{}:{}  {key}{}", place.file, place.line, fault.message)
    };
    faults.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What is told to whoever started us.
pub trait Watch: Send {
    /// Everything is started; sources connect from now on.
    fn ready(&mut self);
    /// How it is going. About once a second.
    fn health(&mut self, health: &dyn Fn() -> Health);
}

/// Runs a plan until it is stopped.
///
/// # Errors
/// It could not start.
pub async fn run(
    plan: Plan,
    state: &Path,
    watch: &mut dyn Watch,
    stop: CancellationToken,
) -> Result<(), AppError> {
    // Nobody asks for another one.
    let (_, asked) = mpsc::channel(1);
    run_and_reload(plan, state, watch, stop, asked).await
}

/// Runs a plan, and the ones that are asked for after it, until it is stopped.
///
/// # Errors
/// It could not start.
pub async fn run_and_reload(
    mut plan: Plan,
    state: &Path,
    watch: &mut dyn Watch,
    stop: CancellationToken,
    asked: mpsc::Receiver<Asked>,
) -> Result<(), AppError> {
    let folder = state.display();
    make_private(state).map_err(|error| AppError::System(format!("state folder {folder}: {error}")))?;
    let clock = Clock::start();
    let opened = store::open(state, clock.now())?;
    if let Some((aside, found)) = &opened.damaged {
        error!(aside = %aside.display(), %found, "store damaged, set aside, starting with an empty one");
    }
    let kept = Kept {
        conditions: opened.store.rows(Table::Condition)?,
        threads: opened.store.rows(Table::Thread)?,
        raised: opened.store.rows(Table::Raised)?,
        records: opened.store.rows(Table::Record)?,
        production: opened.store.rows(Table::Production)?,
        is_damaged: opened.damaged.is_some(),
    };
    let stamps = Stamps::of(&plan);
    let (sources, networks) = build_all(&mut plan, state)?;
    let can: Vec<_> = networks.iter().map(|network| network.capabilities()).collect();
    let middle = Middle::new(&plan, &can, kept, clock.now())?;
    let writer =
        Writer::start(Box::new(opened.store)).map_err(|error| AppError::System(error.to_string()))?;
    let start = Start { plan, stamps, sources, networks, middle, writer, clock, asked };
    let mut app = App::start(start, state, &stop);
    watch.ready();
    let outcome = app.turn(watch, &stop).await;
    app.leave().await;
    drop(opened.lock);
    outcome
}

type Built = (Vec<Box<dyn Source>>, Vec<Arc<dyn Network>>);

/// Makes every adapter of the plan. All that is wrong is told at once.
fn build_all(plan: &mut Plan, state: &Path) -> Result<Built, AppError> {
    let mut faults = Vec::new();
    let sources = build_sources(plan, state, &mut faults);
    let networks = build::all_or_faults(build::networks(plan, state, |_| true), &mut faults);
    if !faults.is_empty() {
        return Err(AppError::Faults(faults));
    }
    Ok((sources, networks.into_iter().flatten().collect()))
}

/// Makes every source of the plan, and tells all that is wrong with them.
pub fn build_sources(
    plan: &mut Plan,
    state: &Path,
    faults: &mut Vec<(Place, Fault)>,
) -> Vec<Box<dyn Source>> {
    let sources = build::all_or_faults(build::sources(plan, state, |_| true), faults);
    sources.into_iter().flatten().collect()
}

/// The journal and the posts are nobody else's.
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// What must happen once the step on its way is safe.
struct Flying {
    tickets: Vec<(usize, Ticket)>,
    jobs: Vec<(usize, Job)>,
    since: Instant,
}

struct App {
    clock: Clock,
    state: PathBuf,
    settings: Settings,
    middle: Middle,
    writer: Writer,
    /// For each source that will be made.
    out: mpsc::Sender<(usize, Heard)>,
    heard: mpsc::Receiver<(usize, Heard)>,
    answers: mpsc::Receiver<(usize, Answer)>,
    asked: mpsc::Receiver<Asked>,
    /// In the order of the plan.
    sources: Vec<SourceDesk>,
    networks: Vec<NetworkDesk>,
    readers: JoinSet<()>,
    tasks: Tasks,
    /// Batches whose changes are not handed to the store yet.
    waiting: Vec<(usize, Ticket)>,
    flying: Option<Flying>,
    /// Since when changes wait.
    since: Option<Instant>,
    /// Another configuration, while sources leave.
    pending: Option<Pending>,
    /// Why the newest configuration was refused, if it was.
    refused: Option<String>,
    /// How many desks there were.
    numbers: usize,
    watchdog: Watchdog,
    stop: CancellationToken,
}

/// What an application starts with.
struct Start {
    plan: Plan,
    stamps: Stamps,
    sources: Vec<Box<dyn Source>>,
    networks: Vec<Arc<dyn Network>>,
    middle: Middle,
    writer: Writer,
    clock: Clock,
    asked: mpsc::Receiver<Asked>,
}

impl App {
    /// Straight wiring: one task for each source, two for each network.
    fn start(start: Start, state: &Path, stop: &CancellationToken) -> App {
        let Start { plan, stamps, sources, networks, middle, writer, clock, asked } = start;
        let (out, heard) = mpsc::channel(BATCHES);
        let (answer, answers) = mpsc::channel(ANSWERS);
        let mut app = App {
            clock,
            state: state.to_owned(),
            settings: plan.settings.clone(),
            middle,
            writer,
            out,
            heard,
            answers,
            asked,
            sources: Vec::new(),
            networks: Vec::new(),
            readers: JoinSet::new(),
            tasks: Tasks { answers: answer, couriers: JoinSet::new(), servers: JoinSet::new() },
            waiting: Vec::new(),
            flying: None,
            since: None,
            pending: None,
            refused: None,
            numbers: 0,
            watchdog: Watchdog::new(),
            stop: stop.clone(),
        };
        for ((source, plan), stamp) in sources.into_iter().zip(&plan.sources).zip(stamps.sources) {
            let seat = (app.next_number(), plan.name.as_str(), stamp);
            app.sources.push(SourceDesk::open(seat, source, &app.out, &mut app.readers, stop));
        }
        for ((network, plan), stamp) in networks.into_iter().zip(&plan.networks).zip(stamps.networks) {
            let seat = (app.next_number(), plan.name.as_str(), stamp);
            app.networks.push(NetworkDesk::open(seat, network, &mut app.tasks, None));
        }
        app
    }

    fn next_number(&mut self) -> usize {
        self.numbers += 1;
        self.numbers
    }

    async fn turn(&mut self, watch: &mut dyn Watch, stop: &CancellationToken) -> Result<(), AppError> {
        let mut pulse = tokio::time::interval(PULSE);
        pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.middle.tick(self.clock.now());
            // Before the next step, while none is on its way.
            self.go_on_reloading()?;
            self.keep();
            let wait = self.wait();
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                // Before the readings, or a flood of them would starve the watchdog.
                _ = pulse.tick() => {
                    if self.clock.look() {
                        warn!(now = self.clock.now().as_ms(), "the clock was set");
                        self.middle.clock_stepped(self.clock.now());
                    }
                    self.remark();
                    self.watchdog.feed(self.is_flowing());
                    watch.health(&|| self.health());
                }
                done = self.writer.done(), if self.flying.is_some() => match done {
                    Some(done) => self.kept(done),
                    None => return Err(AppError::System("the thread of the store is gone".into())),
                },
                Some((network, answer)) = self.answers.recv() => self.answered(network, answer),
                Some(asked) = self.asked.recv(), if self.pending.is_none() => self.asked(asked),
                Some((source, heard)) = self.heard.recv(), if self.waiting.len() < TICKETS_MAX => {
                    self.hear(source, heard);
                }
                Some(ended) = self.readers.join_next() => report(ended),
                Some(ended) = self.tasks.couriers.join_next() => report(ended),
                Some(ended) = self.tasks.servers.join_next() => report(ended),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Work flows while the store answers: with a receipt, or with the reason why it cannot take a step.
    fn is_flowing(&self) -> bool {
        self.flying.as_ref().is_none_or(|flying| flying.since.elapsed() < STORE_SILENT_MAX)
    }

    fn health(&self) -> Health {
        let mut health = self.middle.health();
        for (network, desk) in health.networks.iter_mut().zip(&self.networks) {
            network.last_error = network.last_error.take().or_else(|| desk.serving.borrow().clone());
        }
        health.refused.clone_from(&self.refused);
        health
    }

    /// One line for the log when something changed, none while it stays.
    fn remark(&mut self) {
        for remark in self.middle.remarks() {
            warn!(about = %remark.subject, "{}", remark.words);
        }
    }

    fn answered(&mut self, number: usize, answer: Answer) {
        // A network that left is not waited for any more: what became of its job is in doubt, and looked up if it
        // comes back.
        if let Some(network) = self.networks.iter().position(|desk| desk.number == number) {
            self.middle.answer(network, answer, self.clock.now());
        }
    }

    fn hear(&mut self, number: usize, heard: Heard) {
        // One that was ended because it did not leave may still have said something: it comes again.
        let Some(source) = self.sources.iter().position(|desk| desk.number == number) else { return };
        match heard {
            Heard::Left => self.sources[source].has_left = true,
            Heard::Up => self.middle.source(source, None, self.clock.now()),
            Heard::Down(reason) => self.middle.source(source, Some(reason), self.clock.now()),
            Heard::Batch(batch) => {
                let ticket = batch.ticket;
                self.middle.take(source, batch, self.clock.now());
                self.waiting.extend(ticket.map(|ticket| (number, ticket)));
            }
        }
    }

    /// Hands the next step to the store when it is time: at once if there is something to tell, else together
    /// with what comes within 50 ms.
    fn keep(&mut self) {
        if self.flying.is_some() {
            return;
        }
        let has_changes = self.middle.has_changes();
        if !has_changes {
            let tickets = std::mem::take(&mut self.waiting);
            self.settle(tickets);
            self.since = None;
        }
        let is_due = self.middle.due(self.clock.now()).is_some_and(|due| due <= self.clock.now());
        if has_changes {
            let since = *self.since.get_or_insert_with(Instant::now);
            if !self.middle.is_urgent() && !is_due && since.elapsed() < GROUP_WAIT {
                return;
            }
        } else if !is_due {
            return;
        }
        self.since = None;
        let step = self.middle.step(self.clock.now());
        let tickets = std::mem::take(&mut self.waiting);
        if step.writes.is_empty() {
            self.settle(tickets);
            return self.send(step.jobs);
        }
        // If the thread of the store is gone, whoever waits for its answer notices, and the program ends.
        self.writer.commit(step.writes);
        self.flying = Some(Flying { tickets, jobs: step.jobs, since: Instant::now() });
    }

    fn kept(&mut self, done: Done) {
        match done {
            Done::Refused(reason) => {
                if let Some(flying) = &mut self.flying {
                    flying.since = Instant::now();
                }
                warn!(%reason, "the store refuses, trying again");
            }
            Done::Kept => {
                if let Some(flying) = self.flying.take() {
                    self.settle(flying.tickets);
                    self.send(flying.jobs);
                }
            }
        }
    }

    fn settle(&self, tickets: Vec<(usize, Ticket)>) {
        for (source, ticket) in tickets {
            let desk = self.sources.iter().find(|desk| desk.number == source);
            if let Some(settle) = desk.and_then(|desk| desk.settle.as_ref()) {
                // Full cannot be: see the size of the queue. Closed means that the source has ended.
                let _ = settle.try_send(ticket);
            }
        }
    }

    fn send(&self, jobs: Vec<(usize, Job)>) {
        for (network, job) in jobs {
            let Some(desk) = self.networks.get(network) else { continue };
            if desk.jobs.try_send(job).is_err() {
                error!(network = %desk.name, "its task is gone; its posts stay in the outbox");
            }
        }
    }

    fn wait(&mut self) -> Duration {
        let now = self.clock.now();
        let due = self.middle.due(now).map_or(PULSE, |due| due.since(now).max(Duration::from_millis(1)));
        let group = self.since.map_or(PULSE, |since| GROUP_WAIT.saturating_sub(since.elapsed()));
        if self.flying.is_some() { PULSE } else { due.min(group).min(PULSE) }
    }

    /// Sources have stopped; what they gave is kept, and networks may finish what is on its way.
    async fn leave(mut self) {
        self.watchdog.stopping();
        while self.readers.join_next().await.is_some() {}
        // What sources gave and nobody took yet is not acknowledged: they give it again.
        self.heard.close();
        let deadline = tokio::time::sleep(STOP_WAIT);
        tokio::pin!(deadline);
        if self.flying.is_some() {
            // The jobs of the step on its way were begun: they are done, not left in doubt.
            tokio::select! {
                () = &mut deadline => {}
                Some(done) = self.writer.done() => self.kept(done),
            }
        }
        // The pages stay open until all is told.
        self.networks.iter_mut().for_each(NetworkDesk::take_no_more);
        loop {
            if self.flying.is_none() {
                let writes = self.middle.rest(self.clock.now());
                if writes.is_empty() && !self.middle.is_delivering() {
                    break;
                }
                let is_given = !writes.is_empty() && self.writer.commit(writes);
                self.flying =
                    is_given.then(|| Flying { tickets: Vec::new(), jobs: Vec::new(), since: Instant::now() });
            }
            tokio::select! {
                () = &mut deadline => break,
                done = self.writer.done(), if self.flying.is_some() => match done {
                    Some(Done::Kept) => self.flying = None,
                    Some(Done::Refused(_)) | None => break,
                },
                Some((network, answer)) = self.answers.recv() => self.answered(network, answer),
            }
        }
        self.tasks.servers.shutdown().await;
        self.tasks.couriers.shutdown().await;
        self.writer.close().await;
        info!("stopped");
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        error!(%error, "a task has panicked and is gone until the next start");
    }
}
