//! A disk that has what was committed, a network that has what it was given, a broker that has what is not settled.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use contract::{Batch, Capabilities, EpisodeId, Moment, Post, Receipt, Repeat, Step, Ticket};
use portevoix::outbox::Job;
use portevoix::store::{Table, Write};
use portevoix::turn::Kept;

use super::Mutant;

/// What was committed.
#[derive(Default)]
pub struct Disk {
    rows: Rows,
    /// What there was before the last commit, for a disk that lies.
    before: Option<Rows>,
}

type Rows = BTreeMap<(u8, String), String>;

const TABLES: [Table; 5] = [Table::Condition, Table::Thread, Table::Raised, Table::Record, Table::Production];

fn number(table: Table) -> u8 {
    u8::try_from(TABLES.iter().position(|known| *known == table).unwrap()).unwrap()
}

impl Disk {
    /// One that can forget its last commit, though it said that it is kept: a mutant.
    pub fn that_lies() -> Disk {
        Disk { before: Some(Rows::new()), ..Disk::default() }
    }

    /// Without its last commit, if it is one that lies; once.
    pub fn forget_last(&mut self) {
        self.rows = self.before.take().unwrap_or_else(|| std::mem::take(&mut self.rows));
    }

    /// All of it.
    pub fn commit(&mut self, writes: &[Write]) {
        if let Some(before) = &mut self.before {
            before.clone_from(&self.rows);
        }
        for write in writes {
            match write {
                Write::Put { table, key, body } => {
                    self.rows.insert((number(*table), key.clone()), body.clone());
                }
                Write::Delete { table, key } => {
                    self.rows.remove(&(number(*table), key.clone()));
                }
                Write::Journal { .. } => {}
            }
        }
    }

    fn table(&self, table: Table) -> Vec<(String, String)> {
        let own = self.rows.iter().filter(|((of, _), _)| *of == number(table));
        own.map(|((_, key), body)| (key.clone(), body.clone())).collect()
    }

    pub fn kept(&self) -> Kept {
        Kept {
            conditions: self.table(Table::Condition),
            threads: self.table(Table::Thread),
            raised: self.table(Table::Raised),
            records: self.table(Table::Record),
            production: self.table(Table::Production),
            is_damaged: false,
        }
    }
}

/// One thing that a network shows.
pub struct Shown {
    pub key: String,
    pub receipt: Receipt,
    pub step: Step,
    /// In its newest words.
    pub post: Post,
}

/// A network: what it shows, and what it remembers of keys.
pub struct Net {
    pub can: Capabilities,
    pub is_up: bool,
    pub posts: Vec<Shown>,
    /// Until when it knows a key.
    keys: BTreeMap<String, (Receipt, Moment)>,
    /// What it said that it will never take.
    pub refused: Vec<EpisodeId>,
    /// Knows no key, whatever it claims: a mutant.
    is_forgetful: bool,
}

impl Net {
    pub fn new(can: Capabilities, mutant: Option<Mutant>) -> Net {
        let is_forgetful = mutant == Some(Mutant::Forgetful);
        Net { can, is_up: true, posts: Vec::new(), keys: BTreeMap::new(), refused: Vec::new(), is_forgetful }
    }

    /// Takes a job. An error is a promise that is broken.
    pub fn take(&mut self, job: &Job, now: Moment) -> Result<Receipt, String> {
        if let Step::Edit(receipt) = &job.step {
            let shown = self.posts.iter_mut().find(|shown| shown.receipt == *receipt);
            let shown = shown.ok_or_else(|| format!("an edit of nothing: {receipt:?}"))?;
            if job.post.version < shown.post.version {
                return Err(format!(
                    "an old edit of {} overtook a newer one: {} after {}",
                    job.post.episode, job.post.version, shown.post.version
                ));
            }
            shown.post = job.post.clone();
            return Ok(receipt.clone());
        }
        if let Some((receipt, until)) = self.keys.get(&job.key.0)
            && now <= *until
            && !self.is_forgetful
        {
            return Ok(receipt.clone());
        }
        let is_there = self.posts.iter().any(|shown| shown.key == job.key.0);
        if is_there && !(self.can.repeat == Repeat::Nothing && job.is_repeat) {
            return Err(format!("shown twice under one key: {:?} of {}", job.step, job.post.episode));
        }
        let receipt = Receipt(format!("#{}", self.posts.len() + 1));
        let lasts = match self.can.repeat {
            Repeat::Key => Some(Duration::from_secs(3_600 * 24 * 365)),
            // What is still on its way when it is sent again is recognised, too.
            Repeat::ShortKey { lasts, settle } => Some(lasts + settle),
            Repeat::Look { .. } | Repeat::Nothing => None,
        };
        if let Some(lasts) = lasts {
            self.keys.insert(job.key.0.clone(), (receipt.clone(), now.plus(lasts)));
        }
        let (key, step, post) = (job.key.0.clone(), job.step.clone(), job.post.clone());
        self.posts.push(Shown { key, receipt: receipt.clone(), step, post });
        Ok(receipt)
    }

    pub fn look(&self, job: &Job) -> Option<Receipt> {
        self.posts.iter().find(|shown| shown.key == job.key.0).map(|shown| shown.receipt.clone())
    }

    /// How long a request may be on its way.
    pub fn settle(&self) -> Option<Duration> {
        match self.can.repeat {
            Repeat::ShortKey { settle, .. } | Repeat::Look { settle } => Some(settle),
            Repeat::Key | Repeat::Nothing => None,
        }
    }
}

/// A broker that gives again what is not settled, in order.
#[derive(Default)]
pub struct Broker {
    pub unsettled: VecDeque<Batch>,
    tickets: u64,
}

impl Broker {
    /// Takes what a machine said; the batch to give.
    pub fn keep(&mut self, mut batch: Batch) -> Batch {
        self.tickets += 1;
        batch.ticket = Some(Ticket(self.tickets));
        self.unsettled.push_back(batch.clone());
        batch
    }

    pub fn settle(&mut self, ticket: Ticket) {
        self.unsettled.retain(|batch| batch.ticket != Some(ticket));
    }
}
