//! The source: opens the place and starts the task that reads it; `next` takes what the task has made.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use contract::{Batch, Source, SourceError, Ticket, async_trait};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::book::Book;
use crate::folder::Folder;
use crate::place::Place;
use crate::reading::Reading;
use crate::watch::Watch;
use crate::worker::{Rules, Worker};

/// Batches that wait: enough that a file is read while the one before it is kept.
const WAITING_MAX: usize = 4;

/// Where files lie, before it is opened.
pub enum Where {
    /// A folder.
    Folder(PathBuf),
    /// A folder of an SFTP server.
    #[cfg(feature = "sftp")]
    Sftp(Box<crate::sftp::Account>),
}

/// Files, and what lists make of them.
pub struct Files {
    /// Where they lie.
    pub at: Where,
    /// What is remembered.
    pub book: Arc<Book>,
    /// The lists.
    pub lists: Arc<[Reading]>,
    /// How files are treated.
    pub rules: Arc<Rules>,
    /// How long a file must stay as it is.
    pub still: Duration,
    /// How long an unfinished one is waited for.
    pub unfinished: Duration,
    /// One call at a time into a folder, also across connections.
    pub turn: Arc<Semaphore>,
    /// The connection.
    pub link: Option<Link>,
    /// A mistake to make.
    #[cfg(test)]
    pub mutant: Option<crate::watch::Mutant>,
}

/// An open place, and the task that reads it.
pub struct Link {
    place: Arc<dyn Place>,
    batches: mpsc::Receiver<Result<Batch, SourceError>>,
    task: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Files {
    async fn open(&self) -> Result<Arc<dyn Place>, SourceError> {
        match &self.at {
            Where::Folder(path) => {
                #[allow(unused_mut, reason = "a test makes it wrong")]
                let mut folder = Folder::open(path, Arc::clone(&self.turn)).await?;
                #[cfg(test)]
                {
                    folder.follows = self.mutant == Some(crate::watch::Mutant::Follows);
                }
                Ok(Arc::new(folder))
            }
            #[cfg(feature = "sftp")]
            Where::Sftp(account) => Ok(Arc::new(crate::sftp::Server::open(account).await?)),
        }
    }
}

#[async_trait]
impl Source for Files {
    async fn connect(&mut self) -> Result<(), SourceError> {
        self.link = None;
        self.book.forget_promises();
        let place = self.open().await?;
        let (out, batches) = mpsc::channel(WAITING_MAX);
        #[allow(unused_mut, reason = "a test makes it wrong")]
        let mut watch = Watch::new(self.still, self.unfinished);
        #[cfg(test)]
        {
            watch.mutant = self.mutant;
        }
        let worker = Worker {
            place: Arc::clone(&place),
            book: Arc::clone(&self.book),
            lists: Arc::clone(&self.lists),
            rules: Arc::clone(&self.rules),
            watch,
            out,
            told: BTreeMap::new(),
            unclaimed: HashSet::new(),
            stuck: HashSet::new(),
        };
        let task = tokio::spawn(worker.run());
        self.link = Some(Link { place, batches, task });
        Ok(())
    }

    /// Dropped half-way, it leaves the batch in the channel.
    async fn next(&mut self) -> Result<Batch, SourceError> {
        let lost = |words: &str| SourceError::Lost(words.to_owned());
        let link = self.link.as_mut().ok_or_else(|| lost("not connected"))?;
        match link.batches.recv().await {
            Some(Ok(batch)) => Ok(batch),
            Some(Err(error)) => {
                self.link = None;
                Err(error)
            }
            None => {
                self.link = None;
                Err(lost("the task that reads the folder has ended"))
            }
        }
    }

    async fn settle(&mut self, ticket: Ticket) -> Result<(), SourceError> {
        match &self.link {
            Some(link) => self.book.settle(&*link.place, &self.rules, ticket).await,
            None => Ok(()),
        }
    }
}
