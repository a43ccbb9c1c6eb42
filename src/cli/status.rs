//! How the service is going, in a file that `doctor` reads: `status.json`, replaced as a whole.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::app::Watch;
use crate::turn::Health;

/// Written at most so often, and only when something changed: the folder may lie on an SD card.
const EVERY: Duration = Duration::from_secs(10);

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The process.
    pub pid: u32,
    /// The version of portevoix.
    pub version: String,
    /// How it is going.
    pub health: Health,
}

impl Status {
    /// Reads the file, if there is one that can be read.
    pub fn read(folder: &Path) -> Option<Status> {
        let text = std::fs::read_to_string(folder.join("status.json")).ok()?;
        serde_json::from_str(&text).ok()
    }
}

/// Writes the file.
pub struct Writer {
    folder: PathBuf,
    written: Option<(Instant, Health)>,
}

impl Writer {
    /// Writes into this folder.
    pub fn new(folder: PathBuf) -> Writer {
        Writer { folder, written: None }
    }

    fn write(&self, health: &Health) -> std::io::Result<()> {
        let status = Status {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            health: health.clone(),
        };
        let text = serde_json::to_string_pretty(&status)?;
        let (half, whole) = (self.folder.join("status.json.new"), self.folder.join("status.json"));
        std::fs::write(&half, text)?;
        std::fs::rename(half, whole)
    }
}

/// True when only counters differ.
fn is_alike(one: &Health, other: &Health) -> bool {
    let lost = |health: &Health| health.sources.iter().map(|source| source.lost.clone()).collect::<Vec<_>>();
    let bad = |health: &Health| health.bad_tags.iter().map(|tag| tag.is_bad).collect::<Vec<_>>();
    let failing = |health: &Health| {
        health.networks.iter().map(|network| network.last_error.is_some()).collect::<Vec<_>>()
    };
    one.refused == other.refused
        && lost(one) == lost(other)
        && bad(one) == bad(other)
        && failing(one) == failing(other)
}

impl Watch for Writer {
    fn ready(&mut self) {
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "started");
    }

    fn health(&mut self, health: &dyn Fn() -> Health) {
        let now = health();
        // What a person waits for is written at once, counters once in a while.
        let is_soon =
            self.written.as_ref().is_some_and(|(at, last)| at.elapsed() < EVERY && is_alike(last, &now));
        if is_soon {
            return;
        }
        let is_news = self.written.as_ref().is_none_or(|(_, last)| *last != now);
        if is_news && let Err(error) = self.write(&now) {
            tracing::debug!(%error, folder = %self.folder.display(), "cannot write the status");
        }
        self.written = Some((Instant::now(), now));
    }
}
