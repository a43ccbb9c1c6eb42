//! One desk for each source and each network at work: the ends of its queues, and how to see it off.

use std::sync::Arc;

use contract::{Network, Ticket};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{BATCHES, TICKETS_MAX};
use crate::config::Print;
use crate::network::deliver;
use crate::outbox::{Answer, Job};
use crate::source::supervise::{self, Heard, Line};

/// A source at work.
pub(super) struct SourceDesk {
    /// Its own: none that comes later has it.
    pub number: usize,
    pub name: String,
    /// What it was built from.
    pub stamp: Print,
    /// Gone once all that it gave is settled and it is to leave.
    pub settle: Option<mpsc::Sender<Ticket>>,
    /// Says that it is to give no more.
    pub leave: CancellationToken,
    /// It gives no more.
    pub has_left: bool,
    /// Its task has ended.
    pub gone: CancellationToken,
    pub task: AbortHandle,
}

impl SourceDesk {
    pub fn open(
        (number, name, stamp): (usize, &str, Print),
        source: Box<dyn contract::Source>,
        out: &mpsc::Sender<(usize, Heard)>,
        readers: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) -> SourceDesk {
        // A source cannot have more batches unsettled than wait here, are being kept, and are on their way.
        let (settle, settled) = mpsc::channel(2 * TICKETS_MAX + BATCHES + 1);
        let (leave, gone) = (CancellationToken::new(), CancellationToken::new());
        let line = Line {
            number,
            name: name.to_owned(),
            out: out.clone(),
            settled,
            leave: leave.clone(),
            stop: stop.clone(),
        };
        let ended = gone.clone().drop_guard();
        let task = readers.spawn(async move {
            let _ended = ended;
            supervise::supervise(source, line).await;
        });
        let (name, settle) = (name.to_owned(), Some(settle));
        SourceDesk { number, name, stamp, settle, leave, has_left: false, gone, task }
    }

    /// True while it is asked to leave.
    pub fn is_leaving(&self) -> bool {
        self.leave.is_cancelled()
    }
}

/// A network at work.
pub(super) struct NetworkDesk {
    /// That of the lane: a network that is built anew keeps it, because its answers are about the same lane.
    pub number: usize,
    pub name: String,
    pub stamp: Print,
    pub network: Arc<dyn Network>,
    pub jobs: mpsc::Sender<Job>,
    /// Why it does not serve what it should, if it does not.
    pub serving: watch::Receiver<Option<String>>,
    server: AbortHandle,
    /// What it serves has ended.
    gone: CancellationToken,
}

/// Where the tasks of networks live.
pub(super) struct Tasks {
    pub answers: mpsc::Sender<(usize, Answer)>,
    pub couriers: JoinSet<()>,
    pub servers: JoinSet<()>,
}

impl NetworkDesk {
    /// Takes the place of `before`, if there is one: the same port is free once it has ended.
    pub fn open(
        (number, name, stamp): (usize, &str, Print),
        network: Arc<dyn Network>,
        tasks: &mut Tasks,
        before: Option<NetworkDesk>,
    ) -> NetworkDesk {
        let (jobs, inbox) = mpsc::channel(1);
        let (trouble, serving) = watch::channel(None);
        let gone = CancellationToken::new();
        let (ended, own, shown) = (gone.clone().drop_guard(), network.clone(), name.to_owned());
        let before = before.map(NetworkDesk::close);
        let server = tasks.servers.spawn(async move {
            let _ended = ended;
            if let Some(before) = before {
                before.cancelled().await;
            }
            deliver::serve(shown, own, trouble).await;
        });
        tasks.couriers.spawn(deliver::deliver(number, network.clone(), inbox, tasks.answers.clone()));
        NetworkDesk { number, name: name.to_owned(), stamp, network, jobs, serving, server, gone }
    }

    /// No more jobs; the one on its way is done to its end.
    pub fn take_no_more(&mut self) {
        self.jobs = mpsc::channel(1).0;
    }

    /// No more jobs and no more pages: the job on its way is done to its end. Says when the pages have ended.
    pub fn close(self) -> CancellationToken {
        self.server.abort();
        self.gone
    }
}
