//! The properties of the conformance kit, for files: connects, is cut, loses nothing, settles.

use std::fs;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use contract::{Batch, Event, Source, SourceError, Ticket, async_trait};
use serde_json::json;

use crate::bench::{PLAIN, Room};

fn row(number: usize) -> String {
    format!("of;qty\n{number};1\n")
}

fn keys(batch: &Batch) -> Vec<String> {
    let key = |event: &Event| match event {
        Event::Record(record) => record.key.to_string(),
        other => panic!("expected records alone, found {other:?}"),
    };
    batch.events.iter().map(key).collect()
}

#[tokio::test]
async fn connects_and_connects_again() {
    let bench = super::bench(json!({}), &[PLAIN]);
    let mut room = bench.open().await;
    bench.write("1.csv", row(1));
    room.until("a row", |room| room.rows.len() == 1).await;
    room.connect().await;
    bench.write("2.csv", row(2));
    room.until("a row", |room| room.rows.len() == 2).await;
    assert_eq!(room.records().len(), 2);
}

#[tokio::test]
async fn is_lost_before_it_connects() {
    let bench = super::bench(json!({}), &[PLAIN]);
    let next = bench.build().expect("a source").next().await;
    assert!(matches!(next, Err(SourceError::Lost(_))), "{next:?}");
}

#[tokio::test]
async fn dropping_next_loses_nothing() {
    let bench = super::bench(json!({}), &[PLAIN]);
    let mut room = bench.open().await;
    for number in 0..50 {
        bench.write(&format!("{number}.csv"), row(number));
        for _ in 0..3 {
            let polled = {
                let mut next = room.source.next();
                poll_fn(|context| Poll::Ready(next.as_mut().poll(context))).await
            };
            match polled {
                Poll::Ready(batch) => room.take(batch.expect("a batch")).await,
                Poll::Pending => tokio::task::yield_now().await,
            }
        }
    }
    room.until("all rows", |room| room.rows.len() == 50).await;
    room.for_a_while(Duration::from_millis(100)).await;
    assert_eq!(room.records().len(), 50);
}

/// What was taken and not settled comes again, after a crash and after a cut. `wrap` may be a source that settles by
/// itself.
async fn unsettled_is_given_again(wrap: fn(Box<dyn Source>) -> Box<dyn Source>) -> Result<(), String> {
    let bench = super::bench(json!({}), &[PLAIN]);
    let open = async || {
        let mut room = Room::new(wrap(bench.build().expect("a source")));
        room.connect().await;
        room
    };
    let mut room = open().await;
    bench.write("1.csv", row(1));
    assert_eq!(keys(&room.batch().await), ["1"]);
    drop(room);
    bench.write("2.csv", row(2));
    let mut room = open().await;
    let again = keys(&room.batch().await);
    if again != ["1"] {
        return Err(format!("expected the unsettled row again after a crash, found {again:?}"));
    }
    room.connect().await;
    let again = keys(&room.batch().await);
    if again != ["1"] {
        return Err(format!("expected the unsettled row again after a cut, found {again:?}"));
    }
    Ok(())
}

#[tokio::test]
async fn unsettled_comes_again() {
    unsettled_is_given_again(|source| source).await.expect("again");
}

/// Settles as it reads.
struct Hasty(Box<dyn Source>);

#[async_trait]
impl Source for Hasty {
    async fn connect(&mut self) -> Result<(), SourceError> {
        self.0.connect().await
    }

    async fn next(&mut self) -> Result<Batch, SourceError> {
        let batch = self.0.next().await?;
        if let Some(ticket) = batch.ticket {
            self.0.settle(ticket).await?;
        }
        Ok(batch)
    }

    async fn settle(&mut self, _: Ticket) -> Result<(), SourceError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_source_that_settles_by_itself_is_caught() {
    let wrong = unsettled_is_given_again(|source| Box::new(Hasty(source))).await;
    assert!(wrong.expect_err("a row lost in a crash went unnoticed").contains("after a crash"));
}

#[tokio::test]
async fn settled_is_not_given_again() {
    for after in ["archive", "delete", "leave"] {
        let bench = super::bench(json!({"after": after}), &[PLAIN]);
        let mut room = bench.open().await;
        bench.write("1.csv", row(1));
        room.until("a row", |room| room.rows.len() == 1).await;
        bench.write("2.csv", row(2));
        assert_eq!(keys(&room.batch().await), ["2"], "{after}");
        drop(room);
        let mut room = bench.open().await;
        room.until("a row", |room| !room.rows.is_empty()).await;
        room.for_a_while(Duration::from_millis(150)).await;
        assert_eq!(room.rows.keys().map(|(_, key)| key.as_str()).collect::<Vec<_>>(), ["2"], "{after}");
        let left = match after {
            "archive" => vec!["done"],
            "delete" => vec![],
            _ => vec!["1.csv", "2.csv"],
        };
        assert_eq!(bench.names(""), left, "{after}");
    }
}

#[tokio::test]
async fn an_old_ticket_is_no_error_and_settles_nothing() {
    let bench = super::bench(json!({}), &[PLAIN]);
    let mut room = bench.open().await;
    bench.write("1.csv", row(1));
    let ticket = room.batch().await.ticket.expect("a ticket");
    room.connect().await;
    assert_eq!(room.source.settle(ticket).await, Ok(()));
    assert_eq!(room.source.settle(Ticket(u64::MAX)).await, Ok(()));
    assert_eq!(keys(&room.batch().await), ["1"]);
    assert!(bench.file("1.csv").exists());
}

#[tokio::test]
async fn survives_a_folder_that_goes_away() {
    let bench = super::bench(json!({}), &[PLAIN]);
    let mut room = bench.open().await;
    let aside = bench.path().with_extension("aside");
    for number in 0..3 {
        bench.write(&format!("{number}.csv"), row(number));
        room.until("a row", |room| room.rows.len() == number + 1).await;
        fs::rename(bench.path(), &aside).expect("moved");
        // A share that is unmounted leaves an empty folder behind.
        let is_empty_left = number == 1;
        if is_empty_left {
            fs::create_dir(bench.path()).expect("a folder");
        }
        let lost = loop {
            if let Err(error) = room.source.next().await {
                break error;
            }
        };
        assert!(matches!(lost, SourceError::Lost(_)), "{lost:?}");
        if is_empty_left {
            fs::remove_dir(bench.path()).expect("removed");
        }
        let still = room.source.connect().await;
        assert!(matches!(still, Err(SourceError::Lost(_))), "{still:?}");
        fs::rename(&aside, bench.path()).expect("moved back");
        room.connect().await;
    }
    assert_eq!(room.notices, []);
}

/// A file larger than a batch: small batches, and the ticket on the last.
#[tokio::test]
async fn a_large_file_comes_in_small_batches() {
    let rows: String = (0..30_000).map(|number| format!("{number};1\n")).collect();
    let bench = super::bench(json!({}), &[PLAIN]);
    let mut room = bench.open().await;
    bench.write("1.csv", format!("of;qty\n{rows}"));
    let mut batches = 0;
    loop {
        let batch = room.batch().await;
        assert!(batch.events.len() <= 256, "{}", batch.events.len());
        let is_last = batch.ticket.is_some();
        batches += 1;
        room.take(batch).await;
        if is_last {
            break;
        }
    }
    assert_eq!((room.rows.len(), room.records().len(), batches), (30_000, 30_000, 118));
}
