//! Connect and next. A task reads the line; `next` takes what it has, so it may be dropped at any time.

use contract::{Batch, Source, SourceError, Ticket, async_trait};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::poll::Poller;

/// Two batches wait: what the units that answer gave, and what the others did. A room that is behind makes the polls wait.
const QUEUE: usize = 2;

/// The task that reads a line. It ends with its owner.
struct Task {
    batches: mpsc::Receiver<Result<Batch, SourceError>>,
    handle: JoinHandle<()>,
}

impl Drop for Task {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

/// Reads one line.
pub struct Reader {
    /// Makes a poller that knows nothing yet.
    pub make: Box<dyn Fn() -> Poller + Send>,
    task: Option<Task>,
}

impl Reader {
    /// A reader that is not connected.
    pub fn new(make: Box<dyn Fn() -> Poller + Send>) -> Reader {
        Reader { make, task: None }
    }
}

#[async_trait]
impl Source for Reader {
    async fn connect(&mut self) -> Result<(), SourceError> {
        // The old line is closed before the new one is opened: many devices take one connection, a serial port one owner.
        if let Some(mut task) = self.task.take() {
            task.handle.abort();
            // It was told to end; how it ended does not matter.
            let _ = (&mut task.handle).await;
        }
        let mut poller = (self.make)();
        poller.greet().await?;
        let (sender, batches) = mpsc::channel(QUEUE);
        self.task = Some(Task { batches, handle: tokio::spawn(poller.run(sender)) });
        Ok(())
    }

    async fn next(&mut self) -> Result<Batch, SourceError> {
        let Some(task) = &mut self.task else { return Err(SourceError::Lost("not connected".to_owned())) };
        let batch = task.batches.recv().await;
        batch.unwrap_or_else(|| Err(SourceError::Lost("the line is closed".to_owned())))
    }

    async fn settle(&mut self, _: Ticket) -> Result<(), SourceError> {
        Ok(())
    }
}
