//! The store on a thread of its own: a slow disk never holds up the readings.

use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{Store, StoreError, Write};

/// One step at a time is on its way; the next is being collected meanwhile. So one place is enough.
const QUEUE: usize = 1;

/// How long to wait before a step that the disk refused is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Every so many tries it is told: one line in ten seconds, and a sign of life.
const TRIES_TOLD: u32 = 20;

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// It is safe.
    Kept,
    /// The disk refused, for this reason; it is being tried again.
    Refused(String),
}

/// Hands steps to the thread of the store.
pub struct Writer {
    steps: mpsc::Sender<Vec<Write>>,
    done: mpsc::Receiver<Done>,
    thread: JoinHandle<()>,
}

impl Writer {
    /// Starts the thread. It ends when the writer is closed.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn start(store: Box<dyn Store>) -> std::io::Result<Writer> {
        let (steps, inbox) = mpsc::channel(QUEUE);
        let (outbox, done) = mpsc::channel(QUEUE + 1);
        let thread = std::thread::Builder::new()
            .name("store".into())
            // SQLite with small rows needs little; the system's 8 MiB would only be reserved.
            .stack_size(512 * 1024)
            .spawn(move || work(store, inbox, &outbox))?;
        Ok(Writer { steps, done, thread })
    }

    /// Hands a step over. Only when the one before it is done; false if the thread is gone.
    pub fn commit(&self, writes: Vec<Write>) -> bool {
        self.steps.try_send(writes).is_ok()
    }

    /// What became of the step that is on its way. `None` if the thread is gone. Safe to drop half-way.
    pub async fn done(&mut self) -> Option<Done> {
        self.done.recv().await
    }

    /// Waits for the last step and ends the thread.
    pub async fn close(mut self) {
        drop(self.steps);
        // A disk that refuses would be tried for ever: closed, the thread gives up after the present try.
        self.done.close();
        while self.done.recv().await.is_some() {}
        // The thread has dropped its end, so this does not wait.
        let _ = self.thread.join();
    }
}

fn work(mut store: Box<dyn Store>, mut inbox: mpsc::Receiver<Vec<Write>>, outbox: &mpsc::Sender<Done>) {
    while let Some(writes) = inbox.blocking_recv() {
        let mut tries = 0u32;
        loop {
            match store.commit(&writes) {
                Ok(()) => break,
                Err(StoreError::Later(reason) | StoreError::InUse(reason)) => {
                    if tries.is_multiple_of(TRIES_TOLD)
                        && outbox.blocking_send(Done::Refused(reason)).is_err()
                    {
                        return;
                    }
                    tries = tries.wrapping_add(1);
                    // A refused step is the only thing this thread waits for.
                    std::thread::park_timeout(RETRY_AFTER);
                    if outbox.is_closed() {
                        return;
                    }
                }
            }
        }
        if outbox.blocking_send(Done::Kept).is_err() {
            return;
        }
    }
}
