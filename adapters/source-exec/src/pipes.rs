//! The three streams of a running program. Every wait can be dropped: bytes that were read are kept.

use std::pin::pin;
use std::process::ExitStatus;
use std::task::Poll;
use std::time::Duration;

use contract::clean;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::time::Instant;
use tracing::warn;

use crate::child::{self, Group};
use crate::lines::{Cut, Splitter};
use crate::stderr::Limiter;

/// What a pipe of Linux gives at once.
const PIECE: usize = 1 << 16;
/// A longer line of the error stream is cut, in bytes.
const ERROR_LINE_MAX: usize = 4096;
/// How long what is still in the pipes of an ended program, or the status of one that closed its output, is waited
/// for.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A program that was started.
pub struct Running {
    child: Child,
    group: Group,
    name: String,
    input: Option<ChildStdin>,
    output: Option<ChildStdout>,
    errors: Option<ChildStderr>,
    piece: Box<[u8]>,
    error_piece: Box<[u8]>,
    /// The lines of its output.
    pub lines: Splitter,
    error_lines: Splitter,
    limiter: Limiter,
    last_error: String,
    status: Option<ExitStatus>,
    deadline: Option<Instant>,
    settled: Settled,
    /// When it was started.
    pub started: Instant,
    /// When it said something last.
    pub heard: Instant,
}

/// What the program is told. Only the newest ticket counts, so at most one line waits.
#[derive(Debug, Default)]
struct Settled {
    half: Vec<u8>,
    newest: Option<u64>,
}

impl Settled {
    fn is_empty(&self) -> bool {
        self.half.is_empty() && self.newest.is_none()
    }

    fn bytes(&mut self) -> &[u8] {
        if self.half.is_empty()
            && let Some(ticket) = self.newest.take()
        {
            self.half = format!("{{\"settled\":{ticket}}}\n").into_bytes();
        }
        &self.half
    }
}

/// How it ended: after what it was started for, or not.
pub enum Ending {
    /// With status 0.
    Well,
    /// Otherwise, in words.
    Badly(String),
}

impl Running {
    /// Takes a program that was just started. `name` is for the log.
    pub fn new(mut child: Child, group: Group, name: &str, line_max: usize) -> Running {
        Running {
            input: child.stdin.take(),
            output: child.stdout.take(),
            errors: child.stderr.take(),
            child,
            group,
            name: name.to_owned(),
            piece: vec![0; PIECE].into(),
            error_piece: vec![0; ERROR_LINE_MAX].into(),
            lines: Splitter::new(line_max),
            error_lines: Splitter::new(ERROR_LINE_MAX),
            limiter: Limiter::default(),
            last_error: String::new(),
            status: None,
            deadline: None,
            settled: Settled::default(),
            started: Instant::now(),
            heard: Instant::now(),
        }
    }

    /// Waits for one thing to happen. Once the program has ended and all its words were heard, tells how.
    pub async fn hear(&mut self) -> Option<Ending> {
        tokio::select! {
            // What is in the pipes comes before the end, however late it is read.
            biased;
            () = write(&mut self.input, &mut self.settled) => {}
            read = read(&mut self.output, &mut self.piece) => match read {
                0 => {
                    self.output = None;
                    self.wait_at_most();
                }
                bytes => {
                    self.heard = Instant::now();
                    self.lines.push(&self.piece[..bytes]);
                }
            },
            read = read(&mut self.errors, &mut self.error_piece) => match read {
                0 => self.errors = None,
                bytes => {
                    self.error_lines.push(&self.error_piece[..bytes]);
                    self.log();
                }
            },
            status = self.child.wait(), if self.status.is_none() => {
                self.status = status.ok();
                self.wait_at_most();
            }
            () = until(self.deadline) => return Some(self.ending()),
        }
        let is_over = self.status.is_some() && self.output.is_none() && self.errors.is_none();
        is_over.then(|| self.ending())
    }

    fn wait_at_most(&mut self) {
        self.deadline = self.deadline.or(Some(Instant::now() + LAST_WORDS));
    }

    fn ending(&self) -> Ending {
        let how = match self.status {
            Some(status) if status.success() => return Ending::Well,
            Some(status) => child::ending(status),
            None => "the program has closed its output".to_owned(),
        };
        Ending::Badly(if self.last_error.is_empty() { how } else { format!("{how}: {}", self.last_error) })
    }

    fn log(&mut self) {
        while let Some(cut) = self.error_lines.cut() {
            let line = match cut {
                Cut::Line(_, line) => clean(String::from_utf8_lossy(line).trim(), 300),
                Cut::TooLong(_) => "…".to_owned(),
            };
            if line.is_empty() {
                continue;
            }
            if let Some(left_out) = self.limiter.admit(std::time::Instant::now()) {
                warn!(source = %self.name, left_out, line, "says");
            }
            self.last_error = line;
        }
    }

    /// Tells the program that all up to this ticket is safe: at once if its pipe has room, else with the next
    /// [`Running::hear`].
    pub async fn settle(&mut self, ticket: u64) {
        self.settled.newest = Some(ticket);
        let mut write = pin!(write(&mut self.input, &mut self.settled));
        std::future::poll_fn(|context| {
            // Whether it went out or not, whoever settles does not wait.
            let _ = write.as_mut().poll(context);
            Poll::Ready(())
        })
        .await;
    }

    /// Ends it.
    pub async fn end(mut self, grace: Duration) {
        self.input = None;
        child::end(self.child, self.group, grace).await;
    }
}

/// The bytes that were read; 0 at the end of the stream. Waits for ever where there is none.
async fn read(stream: &mut Option<impl AsyncRead + Unpin>, into: &mut [u8]) -> usize {
    match stream {
        Some(stream) => stream.read(into).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

/// Writes some of what waits. Waits for ever where nothing does.
async fn write(stream: &mut Option<ChildStdin>, settled: &mut Settled) {
    let Some(input) = stream else { return std::future::pending().await };
    if settled.is_empty() {
        return std::future::pending().await;
    }
    match input.write(settled.bytes()).await {
        Ok(bytes) => drop(settled.half.drain(..bytes)),
        // A program that does not read is no mistake.
        Err(_) => *stream = None,
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
