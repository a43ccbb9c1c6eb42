//! The broker is killed at random moments while values flow, and nothing that was promised is lost.
//!
//! What is promised, and by whom:
//!
//! - *By us*: a message that the broker handed over is acknowledged only after it is settled; after each restart
//!   we are subscribed again; nothing is skipped while we are subscribed.
//! - *By a broker that keeps its sessions*: what it acknowledged to the publisher it hands over, also after it was
//!   killed. mosquitto 2.0.11 writes its file *after* it has acknowledged, in the same turn of its loop, so the
//!   last message it acknowledged before a `kill -9` may be gone. The publisher therefore sends that one again.
//!   Everything else must arrive: 0 lost.
//! - *By a broker that forgets*: nothing beyond its death. Counted is what was published while we were subscribed:
//!   what arrived of it must have no hole, from the first value on, and a gap must have been told.
//!
//! `PORTEVOIX_BROKER_RESTARTS` is how often (20 if it is not set).

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use contract::{Batch, Notice, Source, SourceError, Value};
use peers::mosquitto::{Mosquitto, Options, Publisher};
use serde_json::json;
use tokio::sync::watch;

use crate::bench::{State, make, soon};

/// How far the publisher may be ahead of us.
const AHEAD_MAX: u64 = 40;
/// How soon after the broker is back values must flow.
const BACK_MAX: Duration = Duration::from_secs(5);

/// All that was seen and said.
#[derive(Default)]
struct Book {
    /// Published and acknowledged by the broker, with the number of our connection at that time.
    said: Vec<(u64, u32)>,
    /// Received and settled, in order, with the number of our connection.
    came: Vec<(u64, u32)>,
    gaps: usize,
}

impl Book {
    /// Says how far the numbers have come.
    fn write_down(&mut self, batch: &Batch, connection: u32) -> u64 {
        self.came.extend(batch.samples.iter().map(|sample| match sample.value {
            Value::Number(number) => (number as u64, connection),
            Value::Flag(_) | Value::Text(_) | Value::Time(_) => {
                panic!("expected a number, found: {sample:?}")
            }
        }));
        self.gaps += batch.notices.iter().filter(|notice| matches!(notice, Notice::Gap(_))).count();
        self.came.iter().map(|(number, _)| number + 1).max().unwrap_or_default()
    }
}

/// One run: a broker, a reader and a publisher.
struct Run {
    book: Arc<Mutex<Book>>,
    /// The number of our connection; zero while there is none.
    subscribed: watch::Receiver<u32>,
    /// How far the numbers have come.
    count: watch::Receiver<u64>,
    stop: watch::Sender<bool>,
    reader: tokio::task::JoinHandle<()>,
    publisher: tokio::task::JoinHandle<()>,
}

fn restarts() -> usize {
    std::env::var("PORTEVOIX_BROKER_RESTARTS").ok().and_then(|count| count.parse().ok()).unwrap_or(20)
}

impl Run {
    fn start(source: Box<dyn Source>, port: u16, is_kept: bool) -> Run {
        let book = Arc::new(Mutex::new(Book::default()));
        let (stop, stopped) = watch::channel(false);
        let (tell_subscribed, subscribed) = watch::channel(0);
        let (tell_count, count) = watch::channel(0);
        let reader = tokio::spawn(read(source, Arc::clone(&book), tell_subscribed, tell_count, stopped));
        let publish =
            Publish { port, book: Arc::clone(&book), subscribed: subscribed.clone(), count: count.clone() };
        let publisher = tokio::spawn(publish.run(is_kept));
        Run { book, subscribed, count, stop, reader, publisher }
    }

    /// Waits for so many values more.
    async fn flow(&mut self, more: u64) {
        let until = *self.count.borrow() + more;
        soon(self.count.wait_for(|count| *count >= until)).await.expect("the reader runs");
    }

    /// Stops the publisher, lets all that was said come, and stops the reader.
    async fn end(mut self) -> Book {
        self.publisher.abort();
        let _ = soon(self.publisher).await;
        let said = self.book.lock().expect("no panic").said.iter().map(|(number, _)| *number).max();
        soon(self.count.wait_for(|count| Some(*count) > said)).await.expect("the reader runs");
        self.stop.send(true).expect("the reader runs");
        soon(self.reader).await.expect("no panic");
        std::mem::take(&mut *self.book.lock().expect("no panic"))
    }
}

/// As the room does it: connect, read, settle, and again.
async fn read(
    mut source: Box<dyn Source>,
    book: Arc<Mutex<Book>>,
    subscribed: watch::Sender<u32>,
    count: watch::Sender<u64>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connection = 0;
    while !*stopped.borrow() {
        match source.connect().await {
            Ok(()) => {}
            Err(SourceError::Lost(_)) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            Err(other) => panic!("expected only lost lines, found: {other:?}"),
        }
        connection += 1;
        subscribed.send_replace(connection);
        loop {
            let next = tokio::select! {
                next = source.next() => next,
                _ = stopped.wait_for(|stop| *stop) => return,
            };
            let Ok(batch) = next else { break };
            // Written down first, settled then: as a commit.
            count.send_replace(book.lock().expect("no panic").write_down(&batch, connection));
            if let Some(ticket) = batch.ticket {
                source.settle(ticket).await.expect("settled");
            }
        }
        subscribed.send_replace(0);
    }
}

struct Publish {
    port: u16,
    book: Arc<Mutex<Book>>,
    subscribed: watch::Receiver<u32>,
    count: watch::Receiver<u64>,
}

impl Publish {
    async fn run(mut self, is_kept: bool) {
        let (mut number, mut last_connection) = (0_u64, 0);
        loop {
            // A broker that forgets is spoken to only while we listen.
            let connection = if is_kept {
                0
            } else {
                *self.subscribed.wait_for(|now| *now > last_connection).await.expect("the reader runs")
            };
            last_connection = connection;
            let Ok(mut machine) = Publisher::connect(self.port).await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                last_connection = connection.saturating_sub(1);
                continue;
            };
            // The last one that was acknowledged may be gone with the process; the next one never was.
            number = if is_kept { number.saturating_sub(1) } else { number };
            while machine.publish("usine", number.to_string().as_bytes(), 1, false).await.is_ok() {
                self.book.lock().expect("no panic").said.push((number, connection));
                number += 1;
                let near = self.count.wait_for(|count| count + AHEAD_MAX > number);
                // After a kill we may be short of what was lost; then the line is tried anyhow.
                let _ = tokio::time::timeout(Duration::from_millis(100), near).await;
            }
            // Not acknowledged: it may have arrived or not. A new number for the next, so that order is told.
            number += u64::from(!is_kept);
        }
    }
}

async fn campaign(version: &str, is_kept: bool) -> (Book, Duration) {
    let mut broker = Mosquitto::start(Options { keeps: is_kept, ..Options::default() }).await;
    let state = State::new();
    let url = format!("mqtt://127.0.0.1:{}", broker.port());
    let source = make(&state, json!({"url": url, "version": version}), &[json!({"topic": "usine"})]);
    let mut run = Run::start(source, broker.port(), is_kept);
    let mut worst = Duration::ZERO;
    for round in 0..restarts() {
        let more = RandomState::new().hash_one(round) % 60 + 1;
        run.flow(more).await;
        let before = *run.subscribed.borrow();
        broker.kill();
        broker.restart().await;
        let back = Instant::now();
        soon(run.subscribed.wait_for(|now| *now > before)).await.expect("the reader runs");
        run.flow(1).await;
        worst = worst.max(back.elapsed());
        assert!(back.elapsed() < BACK_MAX, "round {round}: back after {:?}", back.elapsed());
    }
    run.flow(AHEAD_MAX).await;
    (run.end().await, worst)
}

#[tokio::test]
async fn a_broker_that_keeps_its_sessions_loses_nothing() {
    for version in ["5", "3.1.1"] {
        let (book, worst) = campaign(version, true).await;
        let came: HashSet<u64> = book.came.iter().map(|(number, _)| *number).collect();
        let said: HashSet<u64> = book.said.iter().map(|(number, _)| *number).collect();
        let mut lost: Vec<&u64> = said.difference(&came).collect();
        lost.sort();
        println!(
            "MQTT {version}, kept: {} restarts, {} values said, {} came ({} twice), {} lost, {} gaps, back within {worst:?}",
            restarts(),
            said.len(),
            came.len(),
            book.came.len() - came.len(),
            lost.len(),
            book.gaps
        );
        assert_eq!(lost, [&0_u64; 0], "lost");
    }
}

#[tokio::test]
async fn a_broker_that_forgets_is_subscribed_to_again_without_a_hole() {
    for version in ["5", "3.1.1"] {
        let (book, worst) = campaign(version, false).await;
        let connections = book.came.iter().map(|(_, connection)| *connection).max().unwrap_or_default();
        for connection in 1..=connections {
            let of = |list: &[(u64, u32)]| -> Vec<u64> {
                list.iter().filter(|(_, of)| *of == connection).map(|(number, _)| *number).collect()
            };
            let (said, came) = (of(&book.said), of(&book.came));
            let whole: Vec<u64> = (0..came.len() as u64).map(|at| came[0] + at).collect();
            assert_eq!(came, whole, "a hole in connection {connection}");
            assert!(came.first() <= said.first() || said.is_empty(), "{:?} {:?}", came.first(), said.first());
        }
        println!(
            "MQTT {version}, forgotten: {} restarts, {} values said, {} came, {} gaps told, back within {worst:?}",
            restarts(),
            book.said.len(),
            book.came.len(),
            book.gaps
        );
        assert_eq!(book.gaps, connections as usize - 1, "a gap untold");
    }
}
