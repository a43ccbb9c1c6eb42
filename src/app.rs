//! The wiring: the only file that knows all rooms. Starts them, turns the middle, keeps each step, and stops in
//! the order of the flow: sources first, networks last.
//!
//! Deliberately absent: no judgement. What to say is decided in the rooms.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use contract::{Fault, ListAddress, Network, Reads, Setup, Source, TagAddress, Ticket};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::config::{Place, Plan};
use crate::network::deliver;
use crate::outbox::{Answer, Job};
use crate::source::supervise::{self, Heard, Line};
use crate::store::{self, Done, Store, StoreError, Table, Writer};
use crate::turn::{Health, Kept, Middle};
use crate::watchdog::Watchdog;

/// Batches on their way to the middle, of all sources together: a batch holds at most some hundred samples, so
/// this is a second of a fast plant, and a source that is ahead of us waits.
const BATCHES: usize = 64;
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
    mut plan: Plan,
    state: &Path,
    watch: &mut dyn Watch,
    stop: CancellationToken,
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
    let (sources, networks) = build(&mut plan, state)?;
    let can: Vec<_> = networks.iter().map(|network| network.capabilities()).collect();
    let middle = Middle::new(&plan, &can, kept, clock.now())?;
    let writer =
        Writer::start(Box::new(opened.store)).map_err(|error| AppError::System(error.to_string()))?;
    let mut app = App::start(&plan, sources, networks, (middle, writer, clock), &stop);
    watch.ready();
    let outcome = app.turn(watch, &stop).await;
    app.leave().await;
    drop(opened.lock);
    outcome
}

/// The journal and the posts are nobody else's.
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

type Built = (Vec<Box<dyn Source>>, Vec<Arc<dyn Network>>);

/// What is wrong with the tables of adapters.
pub type Faults = Vec<(Place, Fault)>;

/// Makes every source of the plan, and tells all that is wrong with them.
pub fn build_sources(plan: &mut Plan, state: &Path) -> (Vec<Box<dyn Source>>, Faults) {
    let mut tags: Vec<Vec<TagAddress<_>>> = plan.sources.iter().map(|_| Vec::new()).collect();
    for machine in &mut plan.machines {
        for tag in &mut machine.tags {
            let address = std::mem::replace(&mut tag.address, Box::new(()));
            tags[tag.source].push(TagAddress { id: tag.id, machine: machine.author.key.clone(), address });
        }
    }
    let mut lists: Vec<Vec<ListAddress<_>>> = plan.sources.iter().map(|_| Vec::new()).collect();
    for list in &mut plan.lists {
        let address = std::mem::replace(&mut list.address, Box::new(()));
        let key = list.section.key.iter().filter_map(|field| list.section.index(field)).collect();
        let fields = list.section.fields();
        lists[list.source].push(ListAddress { id: list.id, name: list.name.clone(), fields, key, address });
    }
    let mut faults = Vec::new();
    let mut sources = Vec::new();
    for ((source, tags), lists) in plan.sources.iter_mut().zip(tags).zip(lists) {
        let setup = Setup { name: &source.name, site: &plan.site, state };
        let settings = std::mem::replace(&mut source.settings, Box::new(()));
        match source.kind.build(&setup, settings, Reads { tags, lists }) {
            Ok(source) => sources.push(source),
            Err(found) => faults.extend(found.into_iter().map(|fault| (source.place.clone(), fault))),
        }
    }
    (sources, faults)
}

/// Makes every adapter of the plan. All that is wrong is told at once.
fn build(plan: &mut Plan, state: &Path) -> Result<Built, AppError> {
    let (sources, mut faults) = build_sources(plan, state);
    let mut networks: Vec<Arc<dyn Network>> = Vec::new();
    for network in &mut plan.networks {
        let setup = Setup { name: &network.name, site: &plan.site, state };
        let settings = std::mem::replace(&mut network.settings, Box::new(()));
        match network.kind.build(&setup, settings) {
            Ok(network) => networks.push(network.into()),
            Err(found) => faults.extend(found.into_iter().map(|fault| (network.place.clone(), fault))),
        }
    }
    if faults.is_empty() { Ok((sources, networks)) } else { Err(AppError::Faults(faults)) }
}

/// What must happen once the step on its way is safe.
struct Flying {
    tickets: Vec<(usize, Ticket)>,
    jobs: Vec<(usize, Job)>,
    since: Instant,
}

struct App {
    clock: Clock,
    middle: Middle,
    writer: Writer,
    heard: mpsc::Receiver<(usize, Heard)>,
    answers: mpsc::Receiver<(usize, Answer)>,
    settle: Vec<mpsc::Sender<Ticket>>,
    jobs: Vec<mpsc::Sender<Job>>,
    readers: JoinSet<()>,
    couriers: JoinSet<()>,
    servers: JoinSet<()>,
    networks: Vec<String>,
    /// Why a network does not serve what it should, if it does not.
    serves: Vec<watch::Receiver<Option<String>>>,
    /// Batches whose changes are not handed to the store yet.
    waiting: Vec<(usize, Ticket)>,
    flying: Option<Flying>,
    /// Since when changes wait.
    since: Option<Instant>,
    watchdog: Watchdog,
}

impl App {
    /// Straight wiring: one task for each source, two for each network.
    fn start(
        plan: &Plan,
        sources: Vec<Box<dyn Source>>,
        networks: Vec<Arc<dyn Network>>,
        (middle, writer, clock): (Middle, Writer, Clock),
        stop: &CancellationToken,
    ) -> App {
        let (out, heard) = mpsc::channel(BATCHES);
        let (mut readers, mut couriers, mut servers) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
        let mut settle = Vec::new();
        for (number, source) in sources.into_iter().enumerate() {
            // A source cannot have more batches unsettled than wait here, are being kept, and are on their way.
            let (to_settle, settled) = mpsc::channel(2 * TICKETS_MAX + BATCHES + 1);
            settle.push(to_settle);
            let name = plan.sources[number].name.clone();
            let line = Line { number, name, out: out.clone(), settled, stop: stop.clone() };
            readers.spawn(supervise::supervise(source, line));
        }
        // Each network does one job at a time.
        let (answer, answers) = mpsc::channel(networks.len().max(1));
        let (mut jobs, mut serves) = (Vec::new(), Vec::new());
        for (number, network) in networks.into_iter().enumerate() {
            let (to_do, inbox) = mpsc::channel(1);
            jobs.push(to_do);
            let (trouble, serving) = watch::channel(None);
            serves.push(serving);
            servers.spawn(deliver::serve(plan.networks[number].name.clone(), network.clone(), trouble));
            couriers.spawn(deliver::deliver(number, network, inbox, answer.clone()));
        }
        let networks = plan.networks.iter().map(|network| network.name.clone()).collect();
        App {
            clock,
            middle,
            writer,
            heard,
            answers,
            settle,
            jobs,
            readers,
            couriers,
            servers,
            networks,
            serves,
            waiting: Vec::new(),
            flying: None,
            since: None,
            watchdog: Watchdog::new(),
        }
    }

    async fn turn(&mut self, watch: &mut dyn Watch, stop: &CancellationToken) -> Result<(), AppError> {
        let mut pulse = tokio::time::interval(PULSE);
        pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.middle.tick(self.clock.now());
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
                Some((network, answer)) = self.answers.recv() => self.middle.answer(network, answer, self.clock.now()),
                Some((source, heard)) = self.heard.recv(), if self.waiting.len() < TICKETS_MAX => {
                    self.hear(source, heard);
                }
                Some(ended) = self.readers.join_next() => report(ended),
                Some(ended) = self.couriers.join_next() => report(ended),
                Some(ended) = self.servers.join_next() => report(ended),
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
        for (network, serving) in health.networks.iter_mut().zip(&self.serves) {
            network.last_error = network.last_error.take().or_else(|| serving.borrow().clone());
        }
        health
    }

    /// One line for the log when something changed, none while it stays.
    fn remark(&mut self) {
        for remark in self.middle.remarks() {
            warn!(about = %remark.subject, "{}", remark.words);
        }
    }

    fn hear(&mut self, source: usize, heard: Heard) {
        match heard {
            Heard::Up => self.middle.source(source, None, self.clock.now()),
            Heard::Down(reason) => self.middle.source(source, Some(reason), self.clock.now()),
            Heard::Batch(batch) => {
                let ticket = batch.ticket;
                self.middle.take(source, batch, self.clock.now());
                self.waiting.extend(ticket.map(|ticket| (source, ticket)));
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
            // Full cannot be: see the size of the queue. Closed means that the source has ended.
            let _ = self.settle[source].try_send(ticket);
        }
    }

    fn send(&self, jobs: Vec<(usize, Job)>) {
        for (network, job) in jobs {
            if self.jobs[network].try_send(job).is_err() {
                error!(network = %self.networks[network], "its task is gone; its posts stay in the outbox");
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
        self.jobs.clear();
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
                Some((network, answer)) = self.answers.recv() => self.middle.answer(network, answer, self.clock.now()),
            }
        }
        self.servers.shutdown().await;
        self.couriers.shutdown().await;
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
