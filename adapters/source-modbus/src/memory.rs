//! What outlives a restart: the sums of counters. Without it a restart would make a counter fall by all its rollovers.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant};
use tracing::warn;

use crate::counter::Counter;
use crate::harvest::Counters;

/// How often sums are written. A sum that is older is caught up with from the device's own count.
const KEEP_EVERY: Duration = Duration::from_secs(60);
/// The largest file: 10,000 counters.
const FILE_MAX: u64 = 1 << 20;

/// The file of sums: a line for each counter, its name, its last reading and its sum.
#[derive(Debug, Clone)]
pub struct Memory {
    path: PathBuf,
    names: Vec<Option<String>>,
    written: Option<Instant>,
    /// Held by whoever writes: one that was left behind by an ended line may still be at it.
    pen: Arc<Mutex<()>>,
}

impl Memory {
    /// The file of a source; `names` has a name at the place of each tag that is a counter.
    pub fn new(state: &Path, source: &str, names: Vec<Option<String>>) -> Memory {
        Memory {
            path: state.join(format!("modbus-{source}.counters")),
            names,
            written: None,
            pen: Arc::default(),
        }
    }

    /// Brings counters to where they were.
    pub fn recall(&self, counters: &mut [Option<Counter>]) {
        let is_small = std::fs::metadata(&self.path).is_ok_and(|file| file.len() <= FILE_MAX);
        let Some(text) = is_small.then(|| std::fs::read_to_string(&self.path).ok()).flatten() else { return };
        for line in text.lines() {
            let mut words = line.split('\t');
            let (Some(name), Some(reading), Some(sum)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            let place = self.names.iter().position(|known| known.as_deref() == Some(name));
            let counter = place.and_then(|place| counters.get_mut(place)).and_then(Option::as_mut);
            if let (Some(counter), Ok(reading), Ok(sum)) = (counter, reading.parse(), sum.parse()) {
                counter.resume(reading, sum);
            }
        }
    }

    /// Writes the sums, once a minute or now, in a thread of its own: a slow SD card may take seconds, and the line is
    /// read meanwhile.
    pub fn keep(&mut self, counters: &Counters, is_now: bool) -> Option<JoinHandle<()>> {
        let is_due = self.written.is_none_or(|last| last.elapsed() >= KEEP_EVERY);
        if self.names.iter().all(Option::is_none) || !(is_due || is_now) {
            return None;
        }
        self.written = Some(Instant::now());
        let lines = {
            let counters = counters.lock().unwrap_or_else(PoisonError::into_inner);
            let line = |(name, counter): (&Option<String>, &Option<Counter>)| {
                let (reading, sum) = counter.as_ref()?.kept()?;
                Some(format!("{}\t{reading}\t{sum}\n", name.as_ref()?))
            };
            self.names.iter().zip(counters.iter()).filter_map(line).collect::<String>()
        };
        let (path, pen) = (self.path.clone(), Arc::clone(&self.pen));
        Some(tokio::task::spawn_blocking(move || {
            let _pen = pen.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = write(&path, &lines) {
                warn!(path = %path.display(), %error, "counters are not kept");
            }
        }))
    }
}

/// Beside the old one, synced, and then in its place: a power cut leaves one of the two, and no empty file.
fn write(path: &Path, lines: &str) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = std::fs::File::create(&fresh)?;
    file.write_all(lines.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counter::Sum;

    /// A pipe cannot be synced: nothing that was not synced takes the place of what was kept.
    #[tokio::test]
    async fn what_is_not_on_the_disk_takes_no_place() {
        let folder = peers::foreign::Folder::new("counters");
        let pipe = folder.path().join("modbus-line.new");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        std::fs::write(folder.path().join("modbus-line.counters"), "as before").unwrap();
        let mut memory = Memory::new(folder.path(), "line", vec![Some("unit 1 holding 5".to_owned())]);
        let mut counter = Counter::new(16, None);
        counter.take(10);
        let writing = memory.keep(&Mutex::new(vec![Some(counter)]), true).unwrap();
        // Whoever keeps waits for nobody: the pipe is read only now.
        assert!(!writing.is_finished());
        let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(pipe));
        writing.await.unwrap();
        assert!(read.await.unwrap().unwrap().contains("unit 1 holding 5"));
        let kept = std::fs::read_to_string(folder.path().join("modbus-line.counters")).unwrap();
        assert_eq!(kept, "as before");
    }

    #[tokio::test]
    async fn a_sum_goes_on_after_a_restart() {
        let state = std::env::temp_dir().join(format!("portevoix-counters-{}", std::process::id()));
        std::fs::create_dir_all(&state).unwrap();
        let mut memory = Memory::new(&state, "line", vec![None, Some("unit 1 holding 5".to_owned())]);
        let mut counter = Counter::new(16, None);
        for reading in [65_000, 10, 20] {
            counter.take(reading);
        }
        memory.keep(&Mutex::new(vec![None, Some(counter)]), true).unwrap().await.unwrap();
        let mut again = vec![None, Some(Counter::new(16, None))];
        memory.recall(&mut again);
        assert_eq!(again[1].unwrap().take(30), Sum::Sure(65_566));
        std::fs::write(state.join("modbus-line.counters"), "rubbish\n\t\t\nunit 1 holding 5\tx\ty\n")
            .unwrap();
        let mut fresh = vec![None, Some(Counter::new(16, None))];
        memory.recall(&mut fresh);
        assert_eq!(fresh[1].unwrap().take(30), Sum::Sure(30));
        std::fs::remove_dir_all(&state).unwrap();
    }
}
