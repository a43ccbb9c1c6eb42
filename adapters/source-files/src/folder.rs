//! A folder of this computer, or one that is mounted.
//!
//! Nothing outside of it is ever opened: only names that lie in it, no link is followed, and what was opened is looked
//! at again before a byte is read. A share that hangs holds one thread and no more.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use contract::{Cause, SourceError, async_trait};
use tokio::sync::Semaphore;

use crate::copy::Writer;
use crate::place::{Entry, Fetched, Place, Put, Stat, What, free_name};

/// How long a folder may take for one answer. A share over a slow line needs seconds for 10,000 names.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How much is read at a time.
const CHUNK: usize = 64 << 10;
/// How many names are tried for a file that is moved where one of its name lies.
const NAMES_MAX: u32 = 10_000;

/// A folder, open.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
    /// Which folder it was when it was opened: another one in its place (a share that was unmounted) is a lost line.
    device: u64,
    inode: u64,
    /// One call at a time: a share that hangs must not collect threads.
    turn: Arc<Semaphore>,
    /// A mutant: it follows links.
    #[cfg(test)]
    pub follows: bool,
}

impl Folder {
    /// Opens a folder. `turn` is kept from one connection to the next.
    ///
    /// # Errors
    /// It is not there (lost), or we may not read it (a person must look).
    pub async fn open(root: &Path, turn: Arc<Semaphore>) -> Result<Folder, SourceError> {
        let path = root.to_owned();
        let shown = root.display().to_string();
        let opened = blocking(&turn, &shown, move || {
            let found = fs::metadata(&path)?;
            if !found.is_dir() {
                return Ok(Err(SourceError::Refused(format!("{} is no folder", path.display()))));
            }
            // Whether it may be read shows only when it is.
            fs::read_dir(&path)?;
            Ok(Ok((found.dev(), found.ino())))
        });
        let (device, inode) = opened.await.map_err(|error| gone(&shown, &error))??;
        Ok(Folder {
            root: root.to_owned(),
            device,
            inode,
            turn,
            #[cfg(test)]
            follows: false,
        })
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Folder) -> io::Result<T> + Send + 'static,
    ) -> Result<T, SourceError> {
        let folder = self.clone();
        let shown = self.root.display().to_string();
        blocking(&self.turn, &shown, move || question(&folder)).await.map_err(|error| gone(&shown, &error))
    }

    fn is_still_there(&self) -> io::Result<()> {
        let found = fs::metadata(&self.root)?;
        if (found.dev(), found.ino()) == (self.device, self.inode) {
            Ok(())
        } else {
            Err(io::Error::new(
                io::ErrorKind::NotFound,
                "another folder lies in its place; is a share unmounted?",
            ))
        }
    }

    fn entry(&self, raw: OsString) -> Option<Entry> {
        let name = label(&raw);
        // Gone since it was listed: it is not there.
        let found = self.look(&raw).ok()?;
        Some(Entry { raw, name, what: what(&found) })
    }

    /// What lies there itself: a link is a link, wherever it points.
    fn look(&self, raw: &OsStr) -> io::Result<fs::Metadata> {
        #[cfg(test)]
        if self.follows {
            return fs::metadata(self.root.join(raw));
        }
        fs::symlink_metadata(self.root.join(raw))
    }

    /// A folder inside that is really one: no link to elsewhere.
    fn inside(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.root.join(name);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => Ok(path),
            Ok(_) => Err(io::Error::other(format!("{} is no folder", path.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir(&path).map(|()| path),
            Err(error) => Err(error),
        }
    }

    fn is_same(&self, raw: &OsStr, stat: Stat) -> bool {
        self.look(raw).is_ok_and(|found| what(&found) == What::File(stat))
    }

    fn copy(&self, raw: &OsStr, stat: Stat, max: u64, spool: &Path) -> io::Result<Fetched> {
        let options = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
        #[cfg(test)]
        let options = if self.follows { libc::O_NONBLOCK | libc::O_CLOEXEC } else { options };
        let opened = File::options().read(true).custom_flags(options).open(self.root.join(raw));
        let mut file = match opened {
            Ok(file) => file,
            Err(error) => {
                self.is_still_there()?;
                return Ok(match error.kind() {
                    io::ErrorKind::PermissionDenied => Fetched::Cannot(Cause::Refused(error.to_string())),
                    _ => Fetched::Changed,
                });
            }
        };
        if what(&file.metadata()?) != What::File(stat) {
            return Ok(Fetched::Changed);
        }
        let mut writer = Writer::new(spool);
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => writer.write(&chunk[..count])?,
                Err(error) => {
                    self.is_still_there()?;
                    return Ok(Fetched::Cannot(Cause::Refused(error.to_string())));
                }
            }
            if writer.size() > max {
                return Ok(Fetched::Cannot(Cause::TooLarge { max }));
            }
        }
        let is_unchanged = what(&file.metadata()?) == What::File(stat) && self.is_same(raw, stat);
        Ok(if is_unchanged { Fetched::Copy(writer.finish()) } else { Fetched::Changed })
    }

    fn shift(&self, raw: &OsStr, name: &str, stat: Stat, inside: &str) -> Result<Put, io::Error> {
        let folder = self.inside(inside)?;
        let taken = |name: &String| fs::symlink_metadata(folder.join(name)).is_ok();
        let Some(new) = (0..NAMES_MAX).map(|number| free_name(name, number)).find(|name| !taken(name)) else {
            return Ok(Put::Cannot(format!("{NAMES_MAX} files of this name lie in {inside}")));
        };
        if !self.is_same(raw, stat) {
            return Ok(Put::Changed);
        }
        fs::rename(self.root.join(raw), folder.join(&new))?;
        // Between the look and the move another file may have taken the name: then it goes back, and will be read.
        let moved = fs::symlink_metadata(folder.join(&new))?;
        let is_ours = matches!(what(&moved), What::File(now) if now.is_same_file(stat));
        if is_ours {
            return Ok(Put::Done(new));
        }
        fs::hard_link(folder.join(&new), self.root.join(raw))?;
        fs::remove_file(folder.join(&new))?;
        Ok(Put::Changed)
    }
}

#[async_trait]
impl Place for Folder {
    async fn entries(&self) -> Result<Vec<Entry>, SourceError> {
        self.ask(|folder| {
            folder.is_still_there()?;
            let mut entries = Vec::new();
            for found in fs::read_dir(&folder.root)? {
                entries.extend(folder.entry(found?.file_name()));
            }
            // A share that went away while it was listed must not look like an empty folder.
            folder.is_still_there()?;
            Ok(entries)
        })
        .await
    }

    async fn names(&self, inside: &str) -> Result<BTreeSet<String>, SourceError> {
        let inside = inside.to_owned();
        self.ask(move |folder| match fs::read_dir(folder.root.join(&inside)) {
            Ok(names) => names.map(|found| found.map(|found| label(&found.file_name()))).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
            Err(error) => Err(error),
        })
        .await
    }

    async fn fetch(&self, entry: &Entry, stat: Stat, max: u64, spool: &Path) -> Result<Fetched, SourceError> {
        let (raw, spool) = (entry.raw.clone(), spool.to_owned());
        self.ask(move |folder| folder.copy(&raw, stat, max, &spool)).await
    }

    async fn put(&self, entry: &Entry, stat: Stat, inside: &str) -> Result<Put, SourceError> {
        let (raw, name, inside) = (entry.raw.clone(), entry.name.clone(), inside.to_owned());
        self.ask(move |folder| {
            folder.is_still_there()?;
            Ok(folder
                .shift(&raw, &name, stat, &inside)
                .unwrap_or_else(|error| Put::Cannot(error.to_string())))
        })
        .await
    }

    async fn delete(&self, entry: &Entry, stat: Stat) -> Result<Put, SourceError> {
        let (raw, name) = (entry.raw.clone(), entry.name.clone());
        self.ask(move |folder| {
            folder.is_still_there()?;
            if !folder.is_same(&raw, stat) {
                return Ok(Put::Changed);
            }
            let deleted = fs::remove_file(folder.root.join(&raw));
            Ok(deleted.map_or_else(|error| Put::Cannot(error.to_string()), |()| Put::Done(name)))
        })
        .await
    }
}

/// Asks in a thread of its own, one at a time, and waits so long for an answer.
async fn blocking<T: Send + 'static>(
    turn: &Arc<Semaphore>,
    shown: &str,
    question: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let hangs = || io::Error::new(io::ErrorKind::TimedOut, format!("{shown} does not answer within 30 s"));
    let asked = async {
        let permit = Arc::clone(turn).acquire_owned().await.map_err(io::Error::other)?;
        let answered = tokio::task::spawn_blocking(move || {
            let answer = question();
            drop(permit);
            answer
        });
        answered.await.map_err(io::Error::other)?
    };
    tokio::time::timeout(ANSWER_MAX, asked).await.unwrap_or_else(|_| Err(hangs()))
}

fn gone(shown: &str, error: &io::Error) -> SourceError {
    let words = format!("folder {shown}: {error}");
    match error.kind() {
        io::ErrorKind::PermissionDenied => SourceError::LockedOut(words),
        _ => SourceError::Lost(words),
    }
}

fn what(found: &Metadata) -> What {
    let kind = found.file_type();
    let ns = |secs: i64, nanos: i64| secs.saturating_mul(1_000_000_000).saturating_add(nanos);
    if kind.is_file() {
        return What::File(Stat {
            size: found.len(),
            changed_ns: ns(found.mtime(), found.mtime_nsec()),
            touched_ns: ns(found.ctime(), found.ctime_nsec()),
            inode: found.ino(),
        });
    }
    match () {
        () if kind.is_dir() => What::Folder,
        () if kind.is_symlink() => What::Other("a link"),
        () if kind.is_fifo() => What::Other("a pipe"),
        () if kind.is_socket() => What::Other("a socket"),
        () => What::Other("a device"),
    }
}

/// A name for people: what is no UTF-8 is written as `\xE9`.
fn label(raw: &OsStr) -> String {
    let mut name = String::new();
    for chunk in raw.as_bytes().utf8_chunks() {
        name.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| name.push_str(&format!("\\x{byte:02X}")));
    }
    name
}
