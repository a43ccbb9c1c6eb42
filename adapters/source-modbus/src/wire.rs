//! Questions on a line that may break: it is opened when needed, and a question is asked again where that is safe.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use contract::SourceError;
use tokio::time::{Instant, sleep};

use crate::frame::Framing;
use crate::line::{Broken, Line};
use crate::pdu::{Answer, Request};
use crate::place::Place;

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// Nothing came in time.
    Silent,
    /// What came was no answer to it.
    Garbled(String),
    /// There is no line, and none can be made.
    Line(SourceError),
}

/// The line to one place.
pub struct Wire {
    /// Where it leads.
    pub place: Place,
    /// The number of the next question. Goes on over connections, so that an answer to an old one is known.
    pub transaction: Arc<AtomicU16>,
    /// After connecting.
    pub connect_delay: Duration,
    /// Between two questions.
    pub pause: Duration,
    line: Option<Line>,
    last_end: Option<Instant>,
    /// Uses the line again after a timeout: for the test that must notice it.
    #[cfg(test)]
    pub is_careless: bool,
}

impl Wire {
    /// A line that is not open yet.
    pub fn new(place: Place, transaction: Arc<AtomicU16>, connect_delay: Duration, pause: Duration) -> Wire {
        Wire {
            place,
            transaction,
            connect_delay,
            pause,
            line: None,
            last_end: None,
            #[cfg(test)]
            is_careless: false,
        }
    }

    /// RTU frames: nothing in them tells an answer from a late one.
    fn is_rtu(&self) -> bool {
        self.place.framing() == Framing::Rtu
    }

    /// After a silence a late answer could be taken for another.
    pub fn must_wait_for_late_answers(&self) -> bool {
        #[cfg(test)]
        if self.is_careless {
            return false;
        }
        self.is_rtu()
    }

    /// Makes sure that there is a line.
    ///
    /// # Errors
    /// As [`Line::open`].
    pub async fn open(&mut self) -> Result<(), SourceError> {
        if self.line.is_none() {
            self.line = Some(Line::open(&self.place).await?);
            sleep(self.connect_delay).await;
        }
        Ok(())
    }

    /// Closes the line.
    pub fn close(&mut self) {
        self.line = None;
    }

    /// Asks. A question that cannot get an answer of another is asked once more on a new line: over Modbus TCP, where
    /// answers have numbers, after a wrong one; over RTU only when the unit is known to have answered, or was not
    /// asked yet.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn ask(&mut self, request: &Request, wait: Duration) -> Result<Answer, Failed> {
        let mut is_again = false;
        loop {
            let broken = match self.once(request, wait).await? {
                Ok(answer) => return Ok(answer),
                Err(broken) => broken,
            };
            let may_again = match &broken {
                Broken::Silent => false,
                Broken::Garbled { is_answered, .. } => *is_answered || !self.is_rtu(),
                Broken::Closed(_) => !self.is_rtu(),
                Broken::Idle(_) => true,
            };
            if may_again && !is_again {
                is_again = true;
                continue;
            }
            return Err(match broken {
                Broken::Silent => Failed::Silent,
                Broken::Garbled { words, .. } => Failed::Garbled(words),
                // The answer may come on the next connection, if there is one; if there is none, the next question tells.
                Broken::Closed(words) if self.is_rtu() => Failed::Garbled(words),
                Broken::Closed(words) | Broken::Idle(words) => {
                    Failed::Line(SourceError::Lost(format!("{}: {words}", self.place)))
                }
            });
        }
    }

    async fn once(&mut self, request: &Request, wait: Duration) -> Result<Result<Answer, Broken>, Failed> {
        if let Some(end) = self.last_end {
            tokio::time::sleep_until(end + self.pause).await;
        }
        self.open().await.map_err(Failed::Line)?;
        let Some(line) = self.line.take() else {
            return Ok(Err(Broken::Idle("no line".to_owned())));
        };
        let transaction = self.transaction.fetch_add(1, Ordering::Relaxed);
        #[cfg(test)]
        if self.is_careless {
            let (line, answer) = line.ask_and_keep(request, transaction, wait).await;
            self.line = line;
            return Ok(answer);
        }
        let answer = line.ask(request, transaction, wait).await;
        self.last_end = Some(Instant::now());
        Ok(answer.map(|(line, answer)| {
            self.line = Some(line);
            answer
        }))
    }
}
