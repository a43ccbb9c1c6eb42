//! What every source must show.
//!
//! An adapter's `tests/kit.rs` writes a [`Bench`] (its peer, and how to cut the line) and calls each of these
//! functions with a fresh one. They panic with words when something is not shown.

use std::collections::VecDeque;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::{Batch, Check, Quality, Source, SourceError, SourceKind, Ticket, Value, async_trait};

/// The longest that one step may take.
const STEP_MAX: Duration = Duration::from_secs(15);
/// The pause between two attempts to connect.
const RETRY: Duration = Duration::from_millis(50);

/// A peer of a source, with one tag.
#[async_trait]
pub trait Bench: Send {
    /// A source that reads the one tag. Made again, it is what a restart of our process makes: it has the same
    /// name at the peer and the same state folder.
    fn make(&mut self) -> Box<dyn Source>;

    /// The peer says a value. Ends once the peer has it.
    async fn say(&mut self, value: f64);

    /// The line breaks, by the peer's end. What the peer keeps, it keeps.
    async fn cut(&mut self);

    /// The peer can be reached again.
    async fn heal(&mut self);

    /// The peer gives an unsettled batch again after a cut.
    fn gives_again(&self) -> bool;

    /// The source asks from time to time: it may miss a value, and give the same one twice or one of before.
    fn is_polled(&self) -> bool {
        false
    }
}

/// A source in use, as the room uses it.
struct Room {
    source: Box<dyn Source>,
    /// Values that came and were not looked at.
    waiting: VecDeque<(f64, Option<Ticket>)>,
}

impl Room {
    async fn open(bench: &mut impl Bench) -> Room {
        let mut room = Room { source: bench.make(), waiting: VecDeque::new() };
        room.connect().await;
        room
    }

    /// Connects, again and again as the room does.
    async fn connect(&mut self) {
        let connected = async {
            loop {
                match self.source.connect().await {
                    Ok(()) => return,
                    Err(SourceError::Lost(_)) => tokio::time::sleep(RETRY).await,
                    Err(other) => panic!("expected to connect, found: {other:?}"),
                }
            }
        };
        within("to connect", connected).await;
    }

    /// The next batch that has something in it.
    async fn batch(&mut self) -> Batch {
        let next = within("a batch", self.source.next()).await;
        next.unwrap_or_else(|error| panic!("expected a batch, found: {error:?}"))
    }

    /// The next value and the ticket of its batch.
    async fn value(&mut self) -> (f64, Option<Ticket>) {
        loop {
            if let Some(value) = self.waiting.pop_front() {
                return value;
            }
            let batch = self.batch().await;
            self.waiting.extend(numbers(&batch));
        }
    }

    /// Reads until the cut is noticed; what comes before it is not looked at.
    async fn lose(&mut self) {
        self.waiting.clear();
        let lost = async {
            loop {
                if let Err(error) = self.source.next().await {
                    return error;
                }
            }
        };
        let lost = within("the cut to be noticed", lost).await;
        assert!(matches!(lost, SourceError::Lost(_)), "expected Lost, found: {lost:?}");
    }

    async fn settle(&mut self, ticket: Option<Ticket>) {
        if let Some(ticket) = ticket {
            let settled = within("to settle", self.source.settle(ticket)).await;
            assert_eq!(settled, Ok(()), "expected settle to be taken");
        }
    }

    /// Reads and settles until this value came, and says which came.
    async fn read_until(&mut self, last: f64) -> Vec<f64> {
        let mut came = Vec::new();
        while came.last() != Some(&last) {
            let (value, ticket) = self.value().await;
            came.push(value);
            // The ticket of a batch is given back with its last value: only then is all of it taken.
            if self.waiting.front().is_none_or(|(_, next)| *next != ticket) {
                self.settle(ticket).await;
            }
        }
        came
    }
}

/// The values of a batch, each with the batch's ticket. A bad value is told.
fn numbers(batch: &Batch) -> Vec<(f64, Option<Ticket>)> {
    let number = |sample: &crate::Sample| match (&sample.value, &sample.quality) {
        (Value::Number(number), Quality::Good) => (*number, batch.ticket),
        other => panic!("expected a good number, found: {other:?}"),
    };
    batch.samples.iter().map(number).collect()
}

async fn within<T>(what: &str, step: impl Future<Output = T>) -> T {
    match tokio::time::timeout(STEP_MAX, step).await {
        Ok(done) => done,
        Err(_) => panic!("expected {what}, found nothing for {} s", STEP_MAX.as_secs()),
    }
}

/// What came is what was said: all of it, or of a source that polls some of it, in the order in which it was said.
#[track_caller]
fn check(bench: &impl Bench, came: &[f64], said: &[f64]) {
    if !bench.is_polled() {
        assert_eq!(came, said, "expected each value once and in order");
        return;
    }
    assert_eq!(came.last(), said.last(), "expected the last value that was said");
    // What the peer held before the first word may come too.
    let news: Vec<f64> = came.iter().copied().skip_while(|value| !said.contains(value)).collect();
    assert!(news.is_sorted() && news.iter().all(|value| said.contains(value)), "found {came:?} of {said:?}");
}

/// Connects, gives a value, and connects again while connected.
pub async fn connects(mut bench: impl Bench) {
    let mut room = Room::open(&mut bench).await;
    bench.say(1.0).await;
    check(&bench, &room.read_until(1.0).await, &[1.0]);
    room.connect().await;
    bench.say(2.0).await;
    assert_eq!(room.read_until(2.0).await.last(), Some(&2.0));
}

/// Reading before connecting is a lost line, not a panic.
pub async fn is_lost_before_it_connects(mut bench: impl Bench) {
    let next = within("an answer", bench.make().next()).await;
    assert!(matches!(next, Err(SourceError::Lost(_))), "expected Lost, found: {next:?}");
}

/// Values arrive in the order in which they were said.
pub async fn values_arrive_in_order(mut bench: impl Bench) {
    let mut room = Room::open(&mut bench).await;
    let said: Vec<f64> = (0..100).map(f64::from).collect();
    for value in &said {
        bench.say(*value).await;
    }
    check(&bench, &room.read_until(99.0).await, &said);
}

/// `next` may be dropped at any moment: nothing is lost, nothing is mixed up.
pub async fn dropping_next_loses_nothing(mut bench: impl Bench) {
    let mut room = Room::open(&mut bench).await;
    let mut came = Vec::new();
    let said: Vec<f64> = (0..50).map(f64::from).collect();
    for value in &said {
        bench.say(*value).await;
        // Polled once, then dropped: with data half on its way, or with nothing.
        for polls in 0..3 {
            if let Some(batch) = poll_times(&mut *room.source, polls).await {
                came.extend(numbers(&batch).into_iter().map(|(value, _)| value));
                room.settle(batch.ticket).await;
            }
        }
    }
    if came.last() != Some(&49.0) {
        came.extend(room.read_until(49.0).await);
    }
    check(&bench, &came, &said);
}

/// Polls `next` so many times and drops it.
async fn poll_times(source: &mut dyn Source, polls: usize) -> Option<Batch> {
    let mut next = source.next();
    for _ in 0..polls {
        let polled =
            std::future::poll_fn(|context| std::task::Poll::Ready(next.as_mut().poll(context))).await;
        match polled {
            std::task::Poll::Ready(Ok(batch)) => return Some(batch),
            std::task::Poll::Ready(Err(error)) => panic!("expected a batch, found: {error:?}"),
            std::task::Poll::Pending => tokio::task::yield_now().await,
        }
    }
    None
}

/// What was taken and not settled is given again, after a crash of ours and after a cut.
pub async fn unsettled_is_given_again(mut bench: impl Bench) {
    if !bench.gives_again() {
        return;
    }
    let mut room = Room::open(&mut bench).await;
    bench.say(1.0).await;
    assert_eq!(room.read_until(1.0).await, [1.0]);
    bench.say(2.0).await;
    let (value, _) = room.value().await;
    assert_eq!(value, 2.0);
    // Our process is killed between taking and keeping. Something more is said, so that a value that is gone shows
    // at once.
    drop(room);
    bench.say(3.0).await;
    let mut room = Room::open(&mut bench).await;
    let (value, _) = room.value().await;
    assert_eq!(value, 2.0, "expected the unsettled value again after a crash");
    bench.cut().await;
    bench.heal().await;
    room.lose().await;
    room.connect().await;
    let (value, _) = room.value().await;
    assert_eq!(value, 2.0, "expected the unsettled value again after a cut");
}

/// What was settled is not given again.
pub async fn settled_is_not_given_again(mut bench: impl Bench) {
    if !bench.gives_again() {
        return;
    }
    let mut room = Room::open(&mut bench).await;
    bench.say(1.0).await;
    assert_eq!(room.read_until(1.0).await, [1.0]);
    // Read once more, so that what settles has gone out whatever the adapter buffers.
    bench.say(2.0).await;
    assert_eq!(room.read_until(2.0).await, [2.0]);
    bench.say(3.0).await;
    let _ = room.value().await;
    drop(room);
    let mut room = Room::open(&mut bench).await;
    assert_eq!(room.read_until(3.0).await, [3.0], "expected only what was not settled");
}

/// A ticket of an earlier connection, or of none, is no error and settles nothing.
pub async fn an_old_ticket_is_no_error(mut bench: impl Bench) {
    let mut room = Room::open(&mut bench).await;
    bench.say(1.0).await;
    let (_, ticket) = room.value().await;
    room.connect().await;
    room.settle(ticket).await;
    room.settle(Some(Ticket(u64::MAX))).await;
    if bench.gives_again() {
        let (value, _) = room.value().await;
        assert_eq!(value, 1.0, "expected the old ticket to settle nothing");
    }
    room.waiting.clear();
    bench.say(2.0).await;
    assert_eq!(room.read_until(2.0).await.last(), Some(&2.0));
}

/// A cut is told as a lost line, again and again until it is healed; then values flow.
pub async fn survives_a_cut(mut bench: impl Bench) {
    let mut room = Room::open(&mut bench).await;
    bench.say(1.0).await;
    check(&bench, &room.read_until(1.0).await, &[1.0]);
    for round in 0..3 {
        bench.cut().await;
        room.lose().await;
        let still = within("a failed attempt to connect", room.source.connect()).await;
        assert!(matches!(still, Err(SourceError::Lost(_))), "expected Lost, found: {still:?}");
        bench.heal().await;
        room.connect().await;
        let value = 10.0 + f64::from(round);
        bench.say(value).await;
        assert_eq!(room.read_until(value).await.last(), Some(&value));
    }
}

/// A bad table is refused: by its shape, or by a fault at this key.
pub fn refuses<K: SourceKind>(table: serde_json::Value, key: &str) {
    refuses_shape::<K::Settings>(table, key);
}

/// A bad address of a tag is refused: by its shape, or by a fault at this key.
pub fn refuses_address<K: SourceKind>(table: serde_json::Value, key: &str) {
    refuses_shape::<K::Address>(table, key);
}

fn refuses_shape<T: DeserializeOwned + Check>(table: serde_json::Value, key: &str) {
    let shown = table.to_string();
    // A wrong shape is given its place by whoever reads the file.
    if let Ok(read) = serde_json::from_value::<T>(table) {
        let faults = read.check();
        assert!(
            faults.iter().any(|fault| fault.key == key),
            "expected a fault at `{key}` of {shown}: {faults:?}"
        );
        assert!(faults.iter().all(|fault| !fault.message.is_empty()), "expected words: {faults:?}");
    }
}
