//! One connection with all that hangs on it: session, subscriptions, items; and what it has not handed over yet.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use contract::{Cause, SourceError};
use opcua::types::{Error, NodeId};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::address::{Item, Wish};
use crate::ask;
use crate::chore::{Chore, Desk, Done};
use crate::publish::{self, Published};
use crate::resolve;
use crate::session::{Aborting, Plan, Session, lost};
use crate::settings::Profile;
use crate::subscribe::{Subscription, Watched};

/// How often we look again for nodes that were missing: one that is back without a restart of the server is rare.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// What a message may be late without being missed.
const SLACK: Duration = Duration::from_millis(500);

/// How a server is read.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// What is known of the vendor.
    pub profile: Profile,
    /// How often the server tells.
    pub publishing: Duration,
    /// How long it may be silent.
    pub keep_alive: Duration,
}

/// One connection.
pub struct Link {
    session: Session,
    desk: Desk,
    _publisher: Aborting<()>,
    inbox: mpsc::Receiver<Published>,
    subscriptions: Vec<Subscription>,
    /// When each subscription was heard last.
    heard: BTreeMap<u32, Instant>,
    clock: Clock,
    /// The last number given of each item whose deadband we keep.
    pub loose: BTreeMap<usize, Option<f64>>,
    /// Items that cannot be had now, and why.
    pub faults: BTreeMap<usize, Cause>,
    /// Items whose queue was seen to be too short.
    pub overflown: BTreeSet<usize>,
    chores: VecDeque<Chore>,
    running: Option<Aborting<Done>>,
    look_at: Instant,
}

/// The ticking of the server's clock in our subscription.
#[derive(Debug, Default)]
struct Clock {
    ticks: u32,
    last: Option<Instant>,
}

/// What happened to a connection.
#[derive(Debug)]
pub enum Happened {
    /// The server said something, or nothing more.
    Published(Published),
    /// A chore is done.
    Done(Done),
    /// The server should have said something.
    Late(String),
    /// Time to look for what is missing.
    Look,
}

impl Link {
    /// Makes all that hangs on a session.
    ///
    /// # Errors
    /// The server does not go along with it.
    pub async fn make(
        plan: &Plan,
        manner: Manner,
        items: &Arc<[Item]>,
        session: Session,
    ) -> Result<Link, SourceError> {
        let failed = |doing: &'static str| move |error: Error| lost(&plan.at, doing, error.status());
        let line = session.line();
        let namespaces = ask::namespaces(&line).await.map_err(failed("reading its namespaces"))?;
        let limits = ask::limits(&line, manner.profile).await.map_err(failed("reading its limits"))?;
        let mut desk = Desk {
            line,
            limits,
            namespaces: namespaces.into(),
            items: Arc::clone(items),
            nodes: Vec::new(),
            publishing: manner.publishing,
            keep_alive: manner.keep_alive,
            last: None,
        };
        let all: Vec<&Item> = items.iter().collect();
        let found = resolve::all(&desk.line, &desk.limits, &desk.namespaces, &all).await;
        let found = found.map_err(failed("looking for nodes"))?;
        desk.nodes = found.iter().map(|node| node.as_ref().ok().cloned()).collect();
        let mut subscriber = desk.subscriber();
        subscriber.start().await.map_err(failed("opening a subscription"))?;
        subscriber.add(in_order(&desk)).await.map_err(failed("asking for items"))?;
        let watched = std::mem::take(&mut subscriber.watched);
        // Both requests of ours may wait at the server while nothing changes.
        let silence_max = manner.keep_alive.saturating_mul(6).saturating_add(plan.request_timeout);
        let (publisher, inbox) = publish::start(desk.line.clone(), silence_max);
        let mut link = Link {
            session,
            desk,
            _publisher: publisher,
            inbox,
            subscriptions: Vec::new(),
            heard: BTreeMap::new(),
            clock: Clock::default(),
            loose: BTreeMap::new(),
            faults: BTreeMap::new(),
            overflown: BTreeSet::new(),
            chores: VecDeque::new(),
            running: None,
            look_at: Instant::now() + LOOK_AGAIN,
        };
        let missing = found.into_iter().enumerate().filter_map(|(at, node)| Some((at, node.err()?)));
        link.faults.extend(missing);
        link.watch(watched);
        link.refresh();
        Ok(link)
    }

    /// Says goodbye.
    pub async fn close(self) {
        self.session.close().await;
    }

    /// The namespaces of the server.
    pub fn namespaces(&self) -> &[String] {
        &self.desk.namespaces
    }

    /// What happens next. Dropped half-way, it loses nothing.
    pub async fn wait(&mut self) -> Happened {
        if self.running.is_none()
            && let Some(chore) = self.chores.pop_front()
        {
            self.running = Some(Aborting(tokio::spawn(self.desk.clone().run(chore))));
        }
        let (due, is_look) = self.due();
        tokio::select! {
            published = self.inbox.recv() => {
                Happened::Published(published.unwrap_or(Published::Ended(opcua::types::StatusCode::BadConnectionClosed)))
            }
            done = finished(&mut self.running) => {
                self.running = None;
                Happened::Done(done)
            }
            () = sleep_until(due) => match is_look {
                true => Happened::Look,
                false => Happened::Late(self.why_late()),
            },
        }
    }

    /// A subscription was heard.
    pub fn hear(&mut self, subscription: u32) {
        self.heard.insert(subscription, Instant::now());
    }

    /// The server's clock ticked.
    pub fn tick(&mut self) {
        self.clock.ticks = self.clock.ticks.saturating_add(1);
        self.clock.last = Some(Instant::now());
    }

    /// Has all conditions said again, in each subscription that listens to them.
    pub fn refresh(&mut self) {
        let listens = |at: &usize| matches!(self.desk.items[*at].wish, Wish::Events { .. });
        for subscription in &self.subscriptions {
            let chore = Chore::Refresh(subscription.id);
            if subscription.items.iter().any(listens) && !self.chores.contains(&chore) {
                self.chores.push_back(chore);
            }
        }
    }

    /// Has the values of a subscription read anew.
    pub fn read(&mut self, subscription: u32) {
        let is_value = |at: &&usize| matches!(self.desk.items[**at].wish, Wish::Value { .. });
        let found = self.subscriptions.iter().find(|one| one.id == subscription);
        let items: Vec<usize> =
            found.into_iter().flat_map(|one| one.items.iter().filter(is_value)).copied().collect();
        if !items.is_empty() {
            self.chores.push_back(Chore::Read(items));
        }
    }

    /// Looks again for what is missing.
    pub fn look(&mut self) {
        self.look_at = Instant::now() + LOOK_AGAIN;
        let items: Vec<usize> = self.faults.keys().copied().collect();
        if !items.is_empty() {
            self.desk.last = self.subscriptions.last().cloned();
            self.chores.push_back(Chore::Look(items));
        }
    }

    /// What came of looking: the items that are there again.
    pub fn looked(&mut self, nodes: Vec<(usize, NodeId)>, watched: Watched) -> Vec<usize> {
        let refused: BTreeSet<usize> = watched.faults.iter().map(|(at, _)| *at).collect();
        for (at, node) in &nodes {
            self.desk.nodes[*at] = Some(node.clone());
        }
        let back: Vec<usize> = nodes.iter().map(|(at, _)| *at).filter(|at| !refused.contains(at)).collect();
        for at in &back {
            self.faults.remove(at);
        }
        self.watch(Watched { faults: Vec::new(), ..watched });
        if back.iter().any(|at| matches!(self.desk.items[*at].wish, Wish::Events { .. })) {
            self.refresh();
        }
        back
    }

    fn watch(&mut self, watched: Watched) {
        for subscription in watched.subscriptions {
            self.heard.entry(subscription.id).or_insert_with(Instant::now);
            self.subscriptions.retain(|known| known.id != subscription.id);
            self.subscriptions.push(subscription);
        }
        self.loose.extend(watched.loose.into_iter().map(|at| (at, None)));
        self.faults.extend(watched.faults);
    }

    /// When something is to be done if nothing happens, and whether it is to look again.
    fn due(&self) -> (Instant, bool) {
        let late = self
            .subscriptions
            .iter()
            .filter_map(|one| Some(*self.heard.get(&one.id)? + patience(one.keep_alive)));
        let late = late.chain(self.clock_due()).min();
        match late {
            Some(late) if late <= self.look_at => (late, false),
            Some(_) | None => (self.look_at, true),
        }
    }

    /// The clock counts once it has been seen to tick: not every server's does.
    fn clock_due(&self) -> Option<Instant> {
        let last = self.clock.last.filter(|_| self.clock.ticks > 2)?;
        Some(last + patience(self.desk.keep_alive) + self.desk.publishing.saturating_mul(2))
    }

    fn why_late(&self) -> String {
        let is_silent = |one: &Subscription| {
            self.heard.get(&one.id).is_some_and(|heard| heard.elapsed() >= patience(one.keep_alive))
        };
        match (self.session.is_over(), self.subscriptions.iter().any(is_silent)) {
            (true, _) => "the line is gone".to_owned(),
            (false, true) => "the server is silent".to_owned(),
            (false, false) => "the server answers, but its clock stands still in our subscription".to_owned(),
        }
    }
}

/// Events first, so that they share one subscription and one refresh.
fn in_order(desk: &Desk) -> Vec<(usize, NodeId)> {
    let known = desk.nodes.iter().enumerate().filter_map(|(at, node)| Some((at, node.clone()?)));
    let (events, values): (Vec<_>, Vec<_>) =
        known.partition(|(at, _)| matches!(desk.items[*at].wish, Wish::Events { .. }));
    events.into_iter().chain(values).collect()
}

/// How long a server that says something within `keep_alive` is waited for: one message may be lost.
fn patience(keep_alive: Duration) -> Duration {
    keep_alive.saturating_mul(2).saturating_add(SLACK)
}

async fn finished(running: &mut Option<Aborting<Done>>) -> Done {
    match running {
        Some(task) => (&mut task.0).await.unwrap_or(Done::Lost(opcua::types::StatusCode::BadDecodingError)),
        None => std::future::pending().await,
    }
}
