//! Restarts, freezes, moved namespaces, nodes that are gone: values flow again, and what is gone is told once.

use std::time::{Duration, Instant};

use contract::{Source, SourceError};
use peers::foreign::Folder;
use peers::opcua::OpcUa;
use serde_json::json;

use crate::bench::{connect, make, mended, node, numbers, plain, read_until, soon, troubles};
use crate::library::Library;

/// Within this, values flow again once the server listens.
const BACK_MAX: Duration = Duration::from_secs(10);

fn rounds() -> usize {
    std::env::var("PORTEVOIX_OPCUA_RESTARTS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3)
}

/// Says a value that was never said, and waits until it has come.
async fn flows(server: &mut OpcUa, source: &mut dyn Source, value: f64) -> Result<Duration, String> {
    let started = Instant::now();
    server.tell(&format!("set oil {value}")).await;
    let wait = async {
        loop {
            match source.next().await {
                Ok(batch) if numbers(&batch).get(&0) == Some(&value) => return,
                Ok(_) => {}
                Err(SourceError::Lost(_)) => connect(source).await,
                Err(other) => panic!("{other:?}"),
            }
        }
    };
    match tokio::time::timeout(BACK_MAX, wait).await {
        Ok(()) => Ok(started.elapsed()),
        Err(_) => Err(format!("no value within {BACK_MAX:?}")),
    }
}

/// `PORTEVOIX_OPCUA_RESTARTS=100` is the campaign.
#[tokio::test]
async fn values_flow_again_after_every_restart() {
    let state = Folder::new("opcua");
    let mut server = OpcUa::asyncua(&["namespaces=urn:a,urn:plant"]).await;
    let tags = [node("oil"), node("speed"), json!({"path": "/Objects/Press 3/oil"})];
    let mut source = make(&state, plain(&server), &tags);
    connect(&mut *source).await;
    read_until(&mut *source, |batch| numbers(batch).len() == 3).await;
    let (count, mut longest, mut back) = (rounds(), Duration::ZERO, 0);
    for round in 0..count {
        // Now with the namespaces in another order, now without a node, now as it was.
        let kind = round % 3;
        server.kill();
        server.reconfigure(match kind {
            0 => &["namespaces=urn:plant,urn:b,urn:a"],
            1 => &["without=speed"],
            _ => &["namespaces=urn:a,urn:plant"],
        });
        server.restart().await;
        let took = flows(&mut server, &mut *source, 1000.0 + round as f64).await;
        back += usize::from(took.is_ok());
        longest = longest.max(took.unwrap_or(BACK_MAX));
    }
    eprintln!("restarts: {back}/{count} back, the longest after {longest:?}");
    assert_eq!(back, count);
    server.assert_only_read().await;
}

/// A node that is gone is told once, while the others flow; and again when it is back.
#[tokio::test]
async fn a_node_that_is_gone_is_told_once() {
    let state = Folder::new("opcua");
    let mut server = OpcUa::asyncua(&[]).await;
    let mut source = make(&state, plain(&server), &[node("oil"), node("speed"), node("never")]);
    connect(&mut *source).await;
    let first = read_until(&mut *source, |batch| numbers(batch).len() == 2).await;
    assert_eq!(troubles(&first), ["Address nsu=urn:plant;s=never: Missing(\"BadNodeIdUnknown\")"]);
    server.kill();
    server.reconfigure(&["without=speed"]);
    server.restart().await;
    server.tell("set oil 5").await;
    let mut values = 0.0;
    let mut told = Vec::new();
    for _ in 0..5 {
        values += 1.0;
        server.tell(&format!("set oil {values}")).await;
        let some = read_until(&mut *source, |batch| numbers(batch).get(&0) == Some(&values)).await;
        told.extend(troubles(&some));
    }
    let gone = |told: &[String]| told.iter().filter(|one| one.contains("s=speed")).count();
    assert_eq!(gone(&told), 1, "{told:?}");
    server.kill();
    server.reconfigure(&[""]);
    server.restart().await;
    let back = read_until(&mut *source, |batch| numbers(batch).len() == 2).await;
    assert_eq!(mended(&back), ["Address nsu=urn:plant;s=speed"]);
}

/// A server that is frozen looks connected. It is noticed by its silence, and values flow once it goes on.
#[tokio::test]
async fn a_frozen_server_is_noticed_and_read_again() {
    let state = Folder::new("opcua");
    let mut server = OpcUa::asyncua(&[]).await;
    let mut source = make(&state, plain(&server), &[node("oil")]);
    connect(&mut *source).await;
    read_until(&mut *source, |batch| !batch.samples.is_empty()).await;
    server.process().signal("STOP");
    let lost = soon(async {
        loop {
            if let Err(error) = source.next().await {
                return error;
            }
        }
    })
    .await;
    assert!(matches!(&lost, SourceError::Lost(words) if words.contains("the server is silent")), "{lost:?}");
    server.process().signal("CONT");
    flows(&mut server, &mut *source, 77.0).await.expect("values again");
}

/// The mutant: the recovery that the library has. What is asked of ours must not hold for it.
#[tokio::test]
async fn the_librarys_own_recovery_is_noticed_to_give_nothing() {
    let mut server = OpcUa::asyncua(&[]).await;
    let mut library = Library::connect(&format!("{}/plant/", server.url())).await;
    flows(&mut server, &mut library, 1.0).await.expect("a value before the restart");
    server.kill();
    server.restart().await;
    let took = flows(&mut server, &mut library, 2.0).await;
    assert!(took.is_err(), "the library recovers by itself: our own way may no longer be needed");
}

#[tokio::test]
async fn values_have_the_quality_that_the_server_gives() {
    use contract::Quality;
    let state = Folder::new("opcua");
    let mut server = OpcUa::asyncua(&[]).await;
    let tags =
        [node("oil"), json!({"node": "nsu=urn:plant;s=profile", "index": 1}), node("order"), node("running")];
    let mut source = make(&state, plain(&server), &tags);
    connect(&mut *source).await;
    let first = read_until(&mut *source, |batch| batch.samples.len() >= 4).await;
    assert_eq!(numbers(&first)[&1], 2.5);
    assert!(first.samples.iter().all(|sample| sample.quality == Quality::Good && sample.at.is_some()));
    server.tell("status oil 0x40900000").await;
    let uncertain = read_until(&mut *source, |batch| !batch.samples.is_empty()).await;
    assert_eq!(
        (&uncertain.samples[0].value, &uncertain.samples[0].quality),
        (&contract::Value::Number(7.5), &Quality::Uncertain)
    );
    server.tell("status oil 0x80310000").await;
    let bad = read_until(&mut *source, |batch| !batch.samples.is_empty()).await;
    assert_eq!(bad.samples[0].quality, Quality::Bad("BadNoCommunication".into()));
}
