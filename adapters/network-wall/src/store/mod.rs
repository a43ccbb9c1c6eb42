//! The wall's own store: one SQLite file on one thread.
//!
//! Whoever wants something of it sends a job and waits for the answer, so that no lock is held over an `.await`
//! and nothing of SQLite ever blocks the page. A file that cannot be read any more is set aside, never deleted,
//! and an empty one takes its place: an empty wall that says the next alarm beats a full one that says none.

mod rows;

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

pub(crate) use rows::{Kept, Place, Rows, rank};

use crate::clock::now;

/// Jobs that may wait. Each is one page or one post of milliseconds; more than this is a flood that must wait
/// outside.
const JOBS_MAX: usize = 64;

/// Why a store could not be opened or asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// What SQLite said of the file.
    #[error("{path}: {error}")]
    Sqlite { path: String, error: rusqlite::Error },
    /// The file comes from a later portevoix.
    #[error("{path} was written by a newer portevoix (format {found}, this one knows {known})")]
    Newer { path: String, found: i64, known: i64 },
    /// The file system.
    #[error("{path}: {error}")]
    File { path: String, error: std::io::Error },
    /// The thread of the store is gone.
    #[error("the store of the wall has stopped")]
    Stopped,
}

type Job = Box<dyn FnOnce(&mut Rows) -> bool + Send>;

/// The door to the thread. Cloned freely; the thread ends with the last clone.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    jobs: mpsc::Sender<Job>,
    path: String,
}

impl Store {
    /// Opens the file, setting a damaged one aside, and starts the thread.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        let rows = open_or_replace(path)?;
        let (jobs, inbox) = mpsc::channel(JOBS_MAX);
        let owned = path.to_path_buf();
        std::thread::Builder::new()
            .name("wall-store".to_owned())
            .stack_size(512 * 1024)
            .spawn(move || work(rows, inbox, &owned))
            .map_err(|error| StoreError::File { path: path.display().to_string(), error })?;
        Ok(Store { jobs, path: path.display().to_string() })
    }

    /// Does something with the rows, on their thread.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Rows) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, asked) = oneshot::channel();
        let job = Box::new(move |rows: &mut Rows| {
            let result = job(rows);
            let damaged = result.as_ref().is_err_and(is_damage);
            // Nobody waits any more when the reader has gone; the work is done all the same.
            let _ = answer.send(result);
            damaged
        });
        self.jobs.send(job).await.map_err(|_| StoreError::Stopped)?;
        let result = asked.await.map_err(|_| StoreError::Stopped)?;
        result.map_err(|error| StoreError::Sqlite { path: self.path.clone(), error })
    }
}

fn work(mut rows: Rows, mut inbox: mpsc::Receiver<Job>, path: &Path) {
    while let Some(job) = inbox.blocking_recv() {
        if !job(&mut rows) {
            continue;
        }
        drop(rows);
        match set_aside(path).and_then(|()| open_sound(path)) {
            Ok(fresh) => rows = fresh,
            Err(reason) => {
                warn!(path = %path.display(), %reason, "the store of the wall stops");
                return;
            }
        }
    }
}

fn open_or_replace(path: &Path) -> Result<Rows, StoreError> {
    match open_sound(path) {
        Err(StoreError::Sqlite { error, .. }) if is_damage(&error) => {
            set_aside(path)?;
            open_sound(path)
        }
        other => other,
    }
}

fn open_sound(path: &Path) -> Result<Rows, StoreError> {
    let sqlite = |error| StoreError::Sqlite { path: path.display().to_string(), error };
    let rows = Rows::open(path).map_err(sqlite)?;
    let found = rows.format().map_err(sqlite)?;
    if found > rows::FORMAT {
        let path = path.display().to_string();
        return Err(StoreError::Newer { path, found, known: rows::FORMAT });
    }
    Ok(rows)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Renames the file and its companions, so that a person can look at them later.
fn set_aside(path: &Path) -> Result<(), StoreError> {
    let suffix = format!(".damaged-{}", now().as_ms());
    for companion in ["", "-wal", "-shm"] {
        let from = with_suffix(path, companion);
        if from.exists() {
            let to = with_suffix(&from, &suffix);
            std::fs::rename(&from, &to)
                .map_err(|error| StoreError::File { path: from.display().to_string(), error })?;
        }
    }
    warn!(path = %path.display(), %suffix, "the store of the wall was damaged: set aside, starting empty");
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
