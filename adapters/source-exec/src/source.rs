//! The source: starts the program, gives what it prints, tells it what is safe.

use std::collections::VecDeque;
use std::time::Duration;

use contract::{Batch, Source, SourceError, Ticket, async_trait};
use tokio::time::Instant;

use crate::child::Command;
use crate::pipes::{Ending, Running};
use crate::reader::Reader;
use crate::settings::Settings;

/// A batch holds at most so many lines: as much as the middle takes in one go.
const LINES_MAX: usize = 256;

/// A program as a source.
pub struct Exec {
    name: String,
    command: Command,
    line_max: usize,
    start_max: Duration,
    silence_max: Option<Duration>,
    every: Option<Duration>,
    reader: Reader,
    running: Option<Running>,
    /// Ended well, to be started again at this time.
    due: Option<Instant>,
    /// Our tickets that are out, in order, with the program's own.
    out: VecDeque<(u64, u64, bool)>,
    /// The last of our tickets. Never the same for two connections.
    last: u64,
}

impl Exec {
    /// Starts nothing yet.
    pub fn new(name: &str, command: Command, settings: &Settings, reader: Reader) -> Exec {
        Exec {
            name: name.to_owned(),
            command,
            line_max: settings.line_max,
            start_max: settings.start.0,
            silence_max: Some(settings.silence_max.0).filter(|max| !max.is_zero()),
            every: settings.every.map(|every| every.0),
            reader,
            running: None,
            due: None,
            out: VecDeque::new(),
            last: 0,
        }
    }

    fn start(&mut self) -> Result<(), SourceError> {
        let (child, group) = self.command.start()?;
        self.running = Some(Running::new(child, group, &self.name, self.line_max));
        self.due = None;
        self.reader.forget();
        // What was given and not settled, this run knows nothing of.
        self.out.clear();
        Ok(())
    }

    /// Lines that are here become part of the batch.
    fn read(&mut self) -> Result<(), SourceError> {
        let Some(running) = &mut self.running else { return Ok(()) };
        while self.reader.lines() < LINES_MAX {
            let Some(cut) = running.lines.cut() else { break };
            self.reader.read(&cut).map_err(SourceError::Refused)?;
        }
        Ok(())
    }

    fn batch(&mut self) -> Option<Batch> {
        let (mut batch, theirs) = self.reader.take()?;
        if let Some(theirs) = theirs {
            self.last += 1;
            self.out.push_back((self.last, theirs, false));
            batch.ticket = Some(Ticket(self.last));
        }
        Some(batch)
    }

    /// The program has ended, and its last lines were given.
    fn ended(&mut self, ending: Ending) -> Result<(), SourceError> {
        let started = self.running.take().map(|running| running.started);
        match (ending, self.every) {
            (Ending::Well, Some(every)) => {
                self.due = started.map(|started| started + every);
                Ok(())
            }
            (Ending::Well, None) => Err(SourceError::Lost("the program has ended with status 0".to_owned())),
            (Ending::Badly(words), _) => Err(SourceError::Lost(words)),
        }
    }

    /// When the silence has become too long.
    fn silence_ends(&self) -> Option<Instant> {
        Some(self.running.as_ref()?.heard + self.silence_max?)
    }

    /// Waits for one thing to happen.
    async fn step(&mut self) -> Result<(), SourceError> {
        if let Some(due) = self.due {
            tokio::time::sleep_until(due).await;
            return self.start();
        }
        let silence_ends = self.silence_ends();
        let Some(running) = &mut self.running else {
            return Err(SourceError::Lost("not started".to_owned()));
        };
        let silence = async {
            match silence_ends {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ending = running.hear() => match ending {
                Some(ending) => {
                    // Nothing was left to be read, or it would have been before we waited.
                    self.ended(ending)
                }
                None => self.read(),
            },
            () = silence => {
                let secs = self.silence_max.unwrap_or_default().as_secs_f64();
                Err(SourceError::Lost(format!("the program has said nothing for {secs} s")))
            }
        }
    }
}

#[async_trait]
impl Source for Exec {
    async fn connect(&mut self) -> Result<(), SourceError> {
        if let Some(running) = self.running.take() {
            running.end(self.command.grace).await;
        }
        self.start()?;
        let started = tokio::time::timeout(self.start_max, async {
            while self.reader.lines() == 0 {
                self.step().await?;
                if self.due.is_some() {
                    // It ran, said nothing and ended well.
                    break;
                }
            }
            Ok(())
        });
        let outcome = started.await.unwrap_or(Ok(()));
        if outcome.is_err() {
            self.running = None;
        }
        outcome
    }

    async fn next(&mut self) -> Result<Batch, SourceError> {
        loop {
            self.read()?;
            if let Some(batch) = self.batch() {
                return Ok(batch);
            }
            self.step().await?;
        }
    }

    async fn settle(&mut self, Ticket(ticket): Ticket) -> Result<(), SourceError> {
        if let Some(out) = self.out.iter_mut().find(|out| out.0 == ticket) {
            out.2 = true;
        }
        let mut safe = None;
        while let Some((_, theirs, true)) = self.out.front() {
            safe = Some(*theirs);
            self.out.pop_front();
        }
        if let (Some(safe), Some(running)) = (safe, &mut self.running) {
            running.settle(safe).await;
        }
        Ok(())
    }

    /// Asked to end and given time. Dropped instead, the program is killed with all of its group.
    async fn close(&mut self) {
        if let Some(running) = self.running.take() {
            running.end(self.command.grace).await;
        }
    }
}
