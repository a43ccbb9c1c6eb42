//! `portevoix record`: what the sources of the configuration say, written down for a replay. Posts nothing.
//!
//! It has a state folder of its own, so that it is another client than the service beside it: its sessions, cursors and
//! acknowledgements are not those of the service.

mod lines;
mod writer;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use contract::settings::Wait;
use contract::{Source, Ticket};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::lines::Scribe;
use self::writer::{Bounds, Writer};
use super::run::wait_for_signal;
use super::{Configured, Failed, Outcome, complain, count, say};
use crate::app::{AppError, build_sources};
use crate::clock::Clock;
use crate::config::Plan;
use crate::source::supervise::{self, Heard, Line};

/// Batches on their way to the file: a disk that is slow for a moment holds nobody up, one that is slow for long makes
/// the sources wait.
const BATCHES: usize = 64;

/// Reading a file moves or deletes it: the service would not see it any more.
const NOT_RECORDED: &str = "files";

/// How often the files are counted on the screen.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// What the command line says.
#[derive(Debug, Args)]
pub struct Options {
    /// The folder to write into; made if it is not there
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    #[command(flatten)]
    configured: Configured,
    /// Stop after so long, such as `8h`; without it, at Ctrl-C
    #[arg(long = "for", value_name = "TIME", value_parser = Wait::parse)]
    how_long: Option<Wait>,
    /// Begin another file after so many megabytes
    #[arg(long, value_name = "MB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    file_mb: u64,
    /// Keep so many files of this recording, the newest
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..))]
    files: u64,
}

/// Does it.
pub fn run(options: &Options) -> Outcome {
    super::log("warn");
    let mut plan = options.configured.load()?;
    let wrong = |error: &dyn std::fmt::Display| Failed::Task(error.to_string());
    let state = options.folder.join("state");
    std::fs::create_dir_all(&state).map_err(|error| wrong(&format!("{}: {error}", state.display())))?;
    let scribe = Scribe::new(&plan);
    let sources = sources(&mut plan, &state)?;
    let bounds = Bounds { file_bytes: options.file_mb << 20, files: options.files };
    let clock = Clock::start();
    let writer = Writer::open(&options.folder, clock.now(), bounds)
        .map_err(|error| wrong(&format!("{}: {error}", options.folder.display())))?;
    complain(&format!(
        "recording {} into {}: at most {} files of {} MB, the newest; stop with Ctrl-C",
        count(sources.len(), "source"),
        options.folder.display(),
        options.files,
        options.file_mb
    ));
    let stop = CancellationToken::new();
    let recorder = Recorder { writer, scribe, clock };
    let written = super::runtime()?.block_on(async {
        tokio::select! {
            written = record(recorder, &plan, sources, options.how_long, &stop) => written.map_err(|error| wrong(&error)),
            error = wait_for_signal(stop.clone()) => Err(Failed::Task(error)),
        }
    })?;
    say(&format!(
        "{} in {} of {}",
        count(written.lines, "line"),
        count(written.files, "file"),
        options.folder.display()
    ));
    Ok(())
}

/// A source, and its number in the plan.
type Numbered = (usize, Box<dyn Source>);

/// Those that can be recorded, each with its number in the plan.
fn sources(plan: &mut Plan, state: &Path) -> Result<Vec<Numbered>, Failed> {
    let mut faults = Vec::new();
    let sources = build_sources(plan, state, &mut faults);
    if !faults.is_empty() {
        return Err(Failed::Task(AppError::Faults(faults).to_string()));
    }
    let mut recorded = Vec::new();
    for (number, source) in sources.into_iter().enumerate() {
        let known = &plan.sources[number];
        if known.kind.name() == NOT_RECORDED {
            complain(&format!("source {}: not recorded, because reading a file puts it aside", known.name));
        } else {
            recorded.push((number, source));
        }
    }
    if recorded.is_empty() {
        return Err(Failed::Task("no source that could be recorded".into()));
    }
    Ok(recorded)
}

/// What was written.
struct Written {
    lines: usize,
    files: usize,
}

struct Recorder {
    writer: Writer,
    scribe: Scribe,
    clock: Clock,
}

/// One task for each source, as in the service; this one writes, and settles what is written.
async fn record(
    mut recorder: Recorder,
    plan: &Plan,
    sources: Vec<Numbered>,
    how_long: Option<Wait>,
    stop: &CancellationToken,
) -> std::io::Result<Written> {
    let (out, mut heard) = mpsc::channel(BATCHES);
    let mut readers = JoinSet::new();
    let mut settle: Vec<Option<mpsc::Sender<Ticket>>> = plan.sources.iter().map(|_| None).collect();
    for (number, source) in sources {
        // Everything is settled as soon as it is written, so no more wait than are on their way.
        let (to_settle, settled) = mpsc::channel(2 * BATCHES);
        settle[number] = Some(to_settle);
        let name = plan.sources[number].name.clone();
        readers.spawn(supervise::supervise(
            source,
            Line {
                number,
                name,
                out: out.clone(),
                settled,
                leave: CancellationToken::new(),
                stop: stop.clone(),
            },
        ));
    }
    drop(out);
    let end = tokio::time::sleep(how_long.map_or(Duration::from_secs(u32::MAX.into()), |time| time.0));
    tokio::pin!(end);
    let mut told = Instant::now();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = &mut end => break,
            said = heard.recv() => match said {
                Some((source, said)) => recorder.take(source, said, &settle)?,
                None => break,
            },
        }
        if told.elapsed() >= TOLD_EVERY {
            told = Instant::now();
            let (lines, files) = recorder.writer.count();
            complain(&format!("{} so far in {}", count(lines, "line"), count(files, "file")));
        }
    }
    stop.cancel();
    heard.close();
    while readers.join_next().await.is_some() {}
    let (lines, files) = recorder.writer.count();
    Ok(Written { lines, files })
}

impl Recorder {
    fn take(
        &mut self,
        source: usize,
        heard: Heard,
        settle: &[Option<mpsc::Sender<Ticket>>],
    ) -> std::io::Result<()> {
        let now = self.clock.now();
        let ticket = if let Heard::Batch(batch) = &heard { batch.ticket } else { None };
        for line in self.scribe.lines(source, heard, now) {
            self.writer.write(&line)?;
        }
        self.writer.flush(now)?;
        if let (Some(ticket), Some(settle)) = (ticket, settle.get(source).and_then(Option::as_ref)) {
            // Full cannot be, see the size of the queue; closed means that the source has ended.
            let _ = settle.try_send(ticket);
        }
        Ok(())
    }
}
