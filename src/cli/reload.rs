//! When `portevoix run` reads its configuration anew: when it is told to (SIGHUP), and when its files change, if it
//! was asked to watch them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::signal::unix::Signal;
use tokio::sync::mpsc;

use crate::app::{Asked, Candidate};
use crate::config;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The files of a configuration: when each was last changed, and how long it is.
type Files = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Reads the configuration whenever it should be, until nobody wants it any more.
pub async fn listen(path: PathBuf, mut hangups: Signal, is_watching: bool, to: mpsc::Sender<Asked>) {
    let mut watched = Watched { seen: files(&path), last: None };
    let mut beat = tokio::time::interval(LOOK_EVERY);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let is_due = tokio::select! {
            told = hangups.recv() => match told {
                Some(()) => {
                    watched = Watched { seen: files(&path), last: None };
                    true
                }
                None => return,
            },
            _ = beat.tick(), if is_watching => watched.look(files(&path)),
        };
        if is_due && to.send(read(path.clone()).await).await.is_err() {
            return;
        }
    }
}

/// Away from the readings: a large configuration takes a while.
async fn read(path: PathBuf) -> Asked {
    let read = tokio::task::spawn_blocking(move || config::load_twice(&path)).await;
    match read {
        Ok(Ok((plan, trial))) => Asked::New(Box::new(Candidate { plan, trial })),
        Ok(Err(found)) => Asked::Wrong(found),
        // A mistake of ours in reading is no reason to stop a plant.
        Err(_) => Asked::Wrong(Vec::new()),
    }
}

/// What was seen of the files.
struct Watched {
    /// What the configuration was last read from.
    seen: Files,
    /// What it was the last time, if that was something else.
    last: Option<Files>,
}

impl Watched {
    /// True once the files are others than those that were read and stay the same: an editor or a copy of many files
    /// needs a moment.
    fn look(&mut self, now: Files) -> bool {
        if now == self.seen {
            self.last = None;
            return false;
        }
        if self.last.as_ref() == Some(&now) {
            (self.seen, self.last) = (now, None);
            return true;
        }
        self.last = Some(now);
        false
    }
}

fn files(path: &Path) -> Files {
    let is_read = |path: &Path| {
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        path.extension().is_some_and(|end| end == "toml") && !is_hidden
    };
    let entries = std::fs::read_dir(path).map(|all| all.filter_map(Result::ok).map(|entry| entry.path()));
    let paths: Vec<PathBuf> = match entries {
        Ok(paths) => paths.filter(|path| is_read(path)).collect(),
        // One file, or nothing that can be read.
        Err(_) => vec![path.to_owned()],
    };
    let look = |path: PathBuf| {
        let meta = std::fs::metadata(&path).ok()?;
        Some((path, (meta.modified().ok(), meta.len())))
    };
    paths.into_iter().filter_map(look).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(size: u64) -> Files {
        Files::from([(PathBuf::from("plant.toml"), (None, size))])
    }

    #[test]
    fn a_file_is_read_once_it_rests() {
        let mut watched = Watched { seen: of(1), last: None };
        let looks =
            [(1, false), (2, false), (3, false), (3, true), (3, false), (4, false), (3, false), (3, false)];
        for (at, (size, is_due)) in looks.into_iter().enumerate() {
            assert_eq!(watched.look(of(size)), is_due, "look {at}");
        }
    }
}
