//! Looks at the folder again and again, and reads what is through. One task, from one connection to the next.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use contract::{Batch, Cause, Event, Notice, SourceError, Thing};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::{info, warn};

use crate::book::{Book, Pending};
use crate::copy::Copy;
use crate::glob;
use crate::ledger::{Aside, Taken, hex};
use crate::place::{Entry, Fetched, Place, Put, Stat, What};
use crate::reading::{self, Checked, Good, Reading};
use crate::settings::After;
use crate::watch::{Verdict, Watch};

/// A time of change this much older than the reading tells every later change.
const SURE_NS: i64 = 3_000_000_000;
/// Batches of one file that wait to be handed on.
const AHEAD: usize = 2;

/// How files are treated.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How often the folder is looked at.
    pub every: Duration,
    /// The ending of a marker.
    pub marker: Option<String>,
    /// What becomes of a file that was read.
    pub after: After,
    /// Where it is moved.
    pub archive: String,
    /// Where it is moved if it cannot be read.
    pub quarantine: String,
    /// The largest file.
    pub file_max: u64,
    /// A folder of our own for copies.
    pub spool: PathBuf,
}

/// The task.
pub struct Worker {
    /// The folder.
    pub place: Arc<dyn Place>,
    /// What is remembered, shared with `settle`.
    pub book: Arc<Book>,
    /// The lists.
    pub lists: Arc<[Reading]>,
    /// How files are treated.
    pub rules: Arc<Rules>,
    /// When files are through.
    pub watch: Watch,
    /// Where batches go.
    pub out: mpsc::Sender<Result<Batch, SourceError>>,
    /// Troubles that were told on this connection.
    pub told: BTreeMap<String, Cause>,
    /// Names that no list asks for and that were told.
    pub unclaimed: HashSet<String>,
    /// Files that cannot be moved: not tried again before the next connection.
    pub stuck: HashSet<String>,
}

/// Why the task ends.
pub enum End {
    /// Nobody listens any more.
    Unheard,
    /// The place is gone.
    Lost(SourceError),
}

impl From<SourceError> for End {
    fn from(error: SourceError) -> End {
        End::Lost(error)
    }
}

/// A file that is asked for.
struct Wanted {
    entry: Entry,
    stat: Stat,
    lists: Vec<Reading>,
    /// Which lists, and how they read.
    fingerprint: String,
    is_last: bool,
}

impl Worker {
    /// Works until nobody listens or the place is gone, which is the last thing it says.
    pub async fn run(mut self) {
        let mut ticks = tokio::time::interval(self.rules.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.look().await {
                Ok(()) => {}
                Err(End::Unheard) => return,
                Err(End::Lost(error)) => {
                    // Whoever does not listen any more does not need to know.
                    let _ = self.out.send(Err(error)).await;
                    return;
                }
            }
        }
    }

    async fn look(&mut self) -> Result<(), End> {
        let entries = self.place.entries().await?;
        self.tell_aside(&entries).await?;
        self.tell_strange(&entries).await?;
        let mut wanted = self.wanted(&entries);
        // The oldest first, so that the newest word on a row is the last.
        wanted.sort_by(|a, b| (a.stat.changed_ns, &a.entry.name).cmp(&(b.stat.changed_ns, &b.entry.name)));
        for file in wanted {
            self.take(file).await?;
        }
        Ok(())
    }

    pub(crate) async fn say(&self, notices: Vec<Notice>) -> Result<(), End> {
        if notices.is_empty() {
            return Ok(());
        }
        self.send(Batch { notices, ..Batch::default() }).await
    }

    async fn send(&self, batch: Batch) -> Result<(), End> {
        self.out.send(Ok(batch)).await.map_err(|_| End::Unheard)
    }

    pub(crate) fn is_marker(&self, name: &str) -> bool {
        self.rules.marker.as_ref().is_some_and(|marker| name.ends_with(marker.as_str()))
    }

    /// The files that are through and not known.
    fn wanted(&mut self, entries: &[Entry]) -> Vec<Wanted> {
        let names: HashSet<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        let now = Instant::now();
        let mut wanted = Vec::new();
        self.watch.begin();
        for entry in entries {
            let What::File(stat) = entry.what else { continue };
            let is_out = !glob::is_ready(&entry.name) || self.is_marker(&entry.name);
            if is_out || !self.is_marked(&entry.name, &names) || self.book.is_pending(&entry.name) {
                continue;
            }
            let lists: Vec<&Reading> = self.lists.iter().filter(|list| list.wants(&entry.name)).collect();
            if lists.is_empty() {
                continue;
            }
            let fingerprint = reading::fingerprint(&lists, self.rules.file_max);
            if self.is_known(&entry.name, stat, &fingerprint) {
                self.watch.is_sure(&entry.name, stat, now);
            }
            let verdict = self.watch.look(&entry.name, stat, now);
            let is_last = match verdict {
                Verdict::Wait => continue,
                Verdict::Leave if self.is_left_behind(&entry.name, stat) => true,
                Verdict::Leave => continue,
                Verdict::Read { is_last } => is_last,
            };
            let lists = lists.into_iter().cloned().collect();
            wanted.push(Wanted { entry: entry.clone(), stat, lists, fingerprint, is_last });
        }
        self.watch.end();
        self.book.ledger().keep_lying(|name| names.contains(name));
        wanted
    }

    fn is_marked(&self, name: &str, names: &HashSet<&str>) -> bool {
        let Some(marker) = &self.rules.marker else { return true };
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        names.contains(format!("{name}{marker}").as_str())
            || names.contains(format!("{stem}{marker}").as_str())
    }

    /// Known from before this connection, by its looks.
    fn is_known(&self, name: &str, stat: Stat, lists: &str) -> bool {
        let ledger = self.book.ledger();
        let is_taken = |taken: &Taken| taken.is_sure && taken.stat == stat && taken.lists == lists;
        let is_aside = |aside: &Aside| aside.moved.is_none() && aside.stat == stat && aside.lists == lists;
        ledger.lying(name).is_some_and(is_taken) || ledger.aside().get(name).is_some_and(is_aside)
    }

    /// Read and safe, but its move was cut off.
    fn is_left_behind(&self, name: &str, stat: Stat) -> bool {
        let ledger = self.book.ledger();
        self.rules.after != After::Leave
            && !self.stuck.contains(name)
            && !ledger.aside().contains_key(name)
            && ledger.lying(name).is_some_and(|taken| taken.stat == stat)
    }

    async fn take(&mut self, file: Wanted) -> Result<(), End> {
        let fetched =
            self.place.fetch(&file.entry, file.stat, self.rules.file_max, &self.rules.spool).await?;
        let name = &file.entry.name;
        let copy = match fetched {
            Fetched::Copy(copy) => copy,
            Fetched::Changed => {
                self.watch.forget(name);
                return Ok(());
            }
            Fetched::Cannot(cause @ Cause::TooLarge { .. }) => {
                let words = format!("larger than {} bytes", self.rules.file_max);
                return self.refuse(file, cause, &words).await;
            }
            Fetched::Cannot(cause) if self.told.get(name) == Some(&cause) => return Ok(()),
            Fetched::Cannot(cause) => {
                warn!(file = %name, ?cause, "cannot be opened");
                let notice = self.trouble(name.clone(), cause);
                return self.say(vec![notice]).await;
            }
        };
        let content = format!("{}{}", file.fingerprint, hex(&copy.content));
        if self.book.is_pending_content(&content) {
            return Ok(());
        }
        if self.is_repeat(&file, &content) {
            return self.pass_over(file, content).await;
        }
        self.check(file, copy, content).await
    }

    /// The same rows were taken already, and nothing says that they are news again. A whole list may come back to what
    /// it was, so only what came last repeats it.
    fn is_repeat(&self, file: &Wanted, content: &str) -> bool {
        let ledger = self.book.ledger();
        if file.lists.iter().any(Reading::is_whole) {
            let is_same = |taken: &Taken| taken.content == content && taken.stat.is_same_file(file.stat);
            return ledger.last(&file.fingerprint) == Some(content)
                || ledger.lying(&file.entry.name).is_some_and(is_same);
        }
        // A file that is written over again and again may come back to what it was, too.
        ledger.has(content) && ledger.latest(&file.entry.name).is_none_or(|latest| latest == content)
    }

    async fn pass_over(&mut self, file: Wanted, content: String) -> Result<(), End> {
        let now = Instant::now();
        let name = file.entry.name.clone();
        self.watch.is_read(&name, file.stat, now);
        let taken = taken(&file, content);
        let is_new = self.book.ledger().lying(&name) != Some(&taken);
        if is_new {
            info!(file = %name, "holds what was read before");
            self.book.ledger().note(taken);
        }
        self.mend(&name).await?;
        let put = self.book.put_away(&*self.place, &self.rules, &file.entry, file.stat).await?;
        if let Put::Cannot(_) = put {
            self.stuck.insert(name);
        }
        Ok(())
    }

    async fn mend(&mut self, name: &str) -> Result<(), End> {
        let was_aside = self.book.ledger().mend(name);
        let was_told = self.told.remove(name).is_some();
        if was_aside || was_told {
            self.say(vec![Notice::Mended(Thing::File, name.to_owned())]).await?;
        }
        Ok(())
    }

    async fn check(&mut self, file: Wanted, mut copy: Copy, content: String) -> Result<(), End> {
        let (lists, is_last) = (file.lists.clone(), file.is_last);
        let checked = tokio::task::spawn_blocking(move || {
            let checked = reading::check(&mut copy, &lists, is_last);
            (copy, checked)
        });
        let (copy, checked) = checked.await.map_err(|error| SourceError::Lost(error.to_string()))?;
        match checked {
            Checked::Good { lists, left_out } => self.give(file, copy, content, lists, left_out).await,
            Checked::Refused { cause, words } => self.refuse(file, cause, &words).await,
            Checked::Unfinished => {
                self.watch.is_unfinished(&file.entry.name);
                Ok(())
            }
            Checked::Io(error) => {
                Err(End::Lost(SourceError::Lost(format!("copy of {}: {error}", file.entry.name))))
            }
        }
    }

    async fn refuse(&mut self, file: Wanted, cause: Cause, words: &str) -> Result<(), End> {
        let name = file.entry.name.clone();
        warn!(file = %name, reason = %words, "put aside, nothing of it taken");
        let put = self.place.put(&file.entry, file.stat, &self.rules.quarantine).await?;
        let moved = match put {
            Put::Done(moved) => Some(moved),
            Put::Changed => {
                self.watch.forget(&name);
                return Ok(());
            }
            Put::Cannot(_) => {
                self.watch.is_read(&name, file.stat, Instant::now());
                None
            }
        };
        let (stat, lists) = (file.stat, file.fingerprint);
        self.book.ledger().put_aside(Aside { name: name.clone(), moved, stat, lists, cause: cause.clone() });
        let notice = self.trouble(name, cause);
        self.say(vec![notice]).await
    }

    /// Hands on all rows; the last batch has the ticket.
    async fn give(
        &mut self,
        file: Wanted,
        mut copy: Copy,
        content: String,
        goods: Vec<Good>,
        left_out: Option<(rows::Wrong, u64)>,
    ) -> Result<(), End> {
        let (ahead, mut batches) = mpsc::channel::<Vec<Event>>(AHEAD);
        let lists = file.lists.clone();
        let giving = tokio::task::spawn_blocking(move || {
            reading::give(&mut copy, &lists, goods, &mut |events| match ahead.blocking_send(events) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            })
        });
        let mut events = batches.recv().await.unwrap_or_default();
        while let Some(more) = batches.recv().await {
            self.send(Batch { events: std::mem::replace(&mut events, more), ..Batch::default() }).await?;
        }
        let lost = |error: String| SourceError::Lost(format!("copy of a file: {error}"));
        giving.await.map_err(|error| lost(error.to_string()))?.map_err(lost)?;
        self.finish(file, content, events, left_out).await
    }

    async fn finish(
        &mut self,
        file: Wanted,
        content: String,
        events: Vec<Event>,
        left_out: Option<(rows::Wrong, u64)>,
    ) -> Result<(), End> {
        let name = file.entry.name.clone();
        self.watch.is_read(&name, file.stat, Instant::now());
        let aside = left_out.map(|(wrong, count)| {
            warn!(file = %name, rows = count, first = %wrong, "rows left out");
            let (stat, lists) = (file.stat, file.fingerprint.clone());
            Aside { name: name.clone(), moved: None, stat, lists, cause: Cause::from(wrong) }
        });
        let is_aside = self.book.ledger().aside().contains_key(&name);
        let notices = match &aside {
            Some(aside) => vec![self.trouble(name.clone(), aside.cause.clone())],
            None if self.told.remove(&name).is_some() || is_aside => vec![Notice::Mended(Thing::File, name)],
            None => Vec::new(),
        };
        let pending = Pending { entry: file.entry.clone(), taken: taken(&file, content), aside };
        let ticket = Some(self.book.promise(pending));
        self.send(Batch { events, ticket, notices, ..Batch::default() }).await
    }
}

fn taken(file: &Wanted, content: String) -> Taken {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let age = i64::try_from(now).unwrap_or(i64::MAX).saturating_sub(file.stat.changed_ns);
    Taken {
        name: file.entry.name.clone(),
        stat: file.stat,
        content,
        lists: file.fingerprint.clone(),
        is_sure: age >= SURE_NS,
    }
}
