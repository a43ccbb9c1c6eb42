//! Alarms and conditions, at a server that has them.

use contract::{Batch, Event};
use peers::foreign::Folder;
use peers::opcua::OpcUa;
use serde_json::json;

use crate::bench::{connect, make, mended, plain, read_until, told, troubles};

fn listener() -> serde_json::Value {
    json!({"events": "i=2253"})
}

fn is_refreshed(batch: &Batch) -> bool {
    batch.events.iter().any(|event| matches!(event, Event::Refreshed(_)))
}

fn alarms(batch: &Batch) -> Vec<String> {
    told(&batch.events).into_iter().filter(|one| one != "(" && one != ")").collect()
}

/// How many events of a condition say this. Its branches are former states of it, and not counted.
fn count(batch: &Batch, state: &str) -> usize {
    let is_main = |event: &&Event| matches!(event, Event::Alarm(alarm) if !alarm.key.contains(" branch "));
    let main: Vec<Event> = batch.events.iter().filter(is_main).cloned().collect();
    told(&main).iter().filter(|one| one.contains(state)).count()
}

/// The life of an alarm; what began before us, and what ended while we were away.
#[tokio::test]
async fn an_alarm_is_one_from_its_beginning_to_its_end() {
    let mut server = OpcUa::node(&[]).await;
    let state = Folder::new("opcua");
    server.tell("level 85").await;
    let mut source = make(&state, plain(&server), &[listener()]);
    connect(&mut *source).await;
    // It was active before we came.
    let first = read_until(&mut *source, is_refreshed).await;
    assert_eq!(told(&first.events), ["(", "Level of tank 12 active Some(false) Retained", ")"]);
    server.tell("level 50").await;
    let over = |batch: &Batch| count(batch, " over ") > 0;
    let lived = read_until(&mut *source, over).await;
    assert_eq!((count(&lived, " over "), count(&lived, " active ")), (1, 0), "{:?}", alarms(&lived));
    // It was never acknowledged, so the server keeps a branch of it: that is not active again.
    assert!(alarms(&lived).iter().all(|one| !one.contains(" active ")), "{:?}", alarms(&lived));
    let keys = |batch: &Batch| -> Vec<String> {
        batch
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Alarm(alarm) => Some(alarm.key.to_string()),
                _ => None,
            })
            .collect()
    };
    // The server may say more of it before it is over, never under another key.
    assert!(keys(&lived).iter().all(|key| key.starts_with(&keys(&first)[0])), "{:?}", keys(&lived));
    assert!(
        keys(&first)[0].starts_with("nsu=") && keys(&first)[0].ends_with(";s=LevelAlarm"),
        "{:?}",
        keys(&first)
    );
    // One transition told twice is one.
    server.tell("level 85").await;
    let begun = read_until(&mut *source, |batch| count(batch, " active ") > 0).await;
    server.tell("again").await;
    server.tell("again").await;
    server.tell("level 50").await;
    let rest = read_until(&mut *source, over).await;
    let all: Vec<&Event> = begun.events.iter().chain(&rest.events).collect();
    assert!(all.windows(2).all(|two| two[0] != two[1]), "{all:?}");
    assert_eq!(count(&rest, " over "), 1);
    server.assert_only_read().await;
}

/// A server that went down with an active alarm and comes back without: nobody tells that it is over, so the refresh
/// must show that it is not there.
#[tokio::test]
async fn an_alarm_that_cleared_during_an_outage_is_not_among_the_refreshed() {
    let mut server = OpcUa::node(&[]).await;
    let state = Folder::new("opcua");
    server.tell("level 95").await;
    let mut source = make(&state, plain(&server), &[listener()]);
    connect(&mut *source).await;
    let first = read_until(&mut *source, is_refreshed).await;
    assert_eq!(alarms(&first).len(), 1);
    server.kill();
    server.restart().await;
    let after = read_until(&mut *source, is_refreshed).await;
    let active: Vec<String> = alarms(&after).into_iter().filter(|one| one.contains(" active ")).collect();
    assert_eq!(active, Vec::<String>::new());
    // The same alarm has the same key after the restart: it goes on, it does not begin again.
    server.tell("level 95").await;
    let again = read_until(&mut *source, |batch| !alarms(batch).is_empty()).await;
    let key = |batch: &Batch| {
        batch.events.iter().find_map(|event| match event {
            Event::Alarm(alarm) => Some(alarm.key.clone()),
            _ => None,
        })
    };
    assert_eq!(key(&first), key(&again));
}

#[tokio::test]
async fn without_a_refresh_the_conditions_are_read() {
    let mut server = OpcUa::node(&["refresh=no"]).await;
    let state = Folder::new("opcua");
    server.tell("level 85").await;
    let mut source = make(&state, plain(&server), &[listener()]);
    connect(&mut *source).await;
    let read = read_until(&mut *source, is_refreshed).await;
    assert_eq!(told(&read.events), ["(", "Level of tank 12 active Some(false) Retained", ")"]);
    server.assert_only_read().await;
}

#[tokio::test]
async fn lost_events_are_told_until_a_refresh_has_come() {
    let mut server = OpcUa::node(&[]).await;
    let state = Folder::new("opcua");
    let mut source = make(&state, plain(&server), &[listener()]);
    connect(&mut *source).await;
    read_until(&mut *source, is_refreshed).await;
    server.tell("overflow").await;
    let told = read_until(&mut *source, |batch| !mended(batch).is_empty()).await;
    assert_eq!(troubles(&told), ["Events i=2253: Lost"]);
    assert_eq!(mended(&told), ["Events i=2253"]);
    assert!(is_refreshed(&told));
}

/// Three sessions, two subscriptions, three items a call, five nodes a read, ten items a subscription.
#[tokio::test]
async fn a_small_server_is_read_within_its_limits() {
    let mut server = OpcUa::node(&["sessions=1"]).await;
    let state = Folder::new("opcua");
    let mut tags: Vec<_> =
        (0..30).map(|number| json!({"path": format!("/Objects/Tank 12/Spare {number}")})).collect();
    tags.push(json!({"path": "/Objects/Tank 12/Level"}));
    let mut source = make(&state, plain(&server), &tags);
    connect(&mut *source).await;
    // Two subscriptions of ten, two of which are the clock and the namespaces: the rest is told.
    let all = read_until(&mut *source, |batch| batch.samples.len() >= 31).await;
    let good = crate::bench::numbers(&all);
    assert_eq!((good.len(), troubles(&all).len()), (18, 13), "{:?}", troubles(&all));
    assert!(troubles(&all)[0].contains("BadTooManyMonitoredItems"), "{:?}", troubles(&all));
    // The one session is closed and opened again, and free once we are gone.
    source.connect().await.expect("the old session is closed first");
    server.wait_for_sessions(1).await;
    // Who comes to a full server learns why, and tries again.
    let elsewhere = Folder::new("opcua");
    let mut second = make(&elsewhere, plain(&server), &[json!({"path": "/Objects/Tank 12/Level"})]);
    let full = second.connect().await;
    assert!(
        matches!(&full, Err(contract::SourceError::Lost(words)) if words.contains("BadTooManySessions")),
        "{full:?}"
    );
    crate::bench::soon(source.close()).await;
    assert_eq!(server.steer("sessions").await, "0");
    server.assert_only_read().await;
}
