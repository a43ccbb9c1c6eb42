//! The same over SFTP, against a real OpenSSH server: what it serves is a folder that we see too.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use contract::SourceError;
use peers::sftp::Sshd;
use serde_json::json;

use crate::bench::{Bench, PLAIN};

fn bench(server: &Sshd, host_key: &str, key: &str) -> Bench<source_files::List> {
    let sftp = json!({
        "host": "127.0.0.1", "port": server.port(), "user": server.user(), "timeout": "2s",
        "key": {"file": server.file(key)}, "host_key": server.fingerprint(host_key), "folder": server.drop(),
    });
    super::bench(json!({"folder": null, "sftp": sftp, "every": "20ms"}), &[PLAIN])
}

fn write(server: &Sshd, name: &str, text: &str) {
    fs::write(server.drop().join(name), text).expect("a file");
}

#[tokio::test]
async fn files_of_a_server_are_read_moved_and_put_aside() {
    let server = Sshd::start().await;
    let bench = bench(&server, "host", "user");
    let mut room = bench.open().await;
    write(&server, "good.csv", "of;qty\n1;5\n");
    write(&server, "bad.csv", "colonne\n");
    symlink("/etc/passwd", server.drop().join("link.csv")).expect("a link");
    let rows: String = (0..60_000).map(|number| format!("{number};1\n")).collect();
    write(&server, "large.csv", &format!("of;qty\n{rows}"));
    room.until("all of it", |room| {
        room.rows.len() == 60_000 && room.troubled() == ["bad.csv", "link.csv"] || {
            let mut troubled = room.troubled();
            troubled.sort();
            room.rows.len() == 60_000 && troubled == ["bad.csv", "link.csv"]
        }
    })
    .await;
    room.until("the moves", |_| server.drop().join("done/large.csv").exists()).await;
    assert!(server.drop().join("done/good.csv").exists() && server.drop().join("error/bad.csv").exists());
    // The same bytes again say nothing.
    let before = room.records().len();
    write(&server, "again.csv", "of;qty\n1;5\n");
    room.until("the move", |_| server.drop().join("done/again.csv").exists()).await;
    assert_eq!(room.records().len(), before);
    fs::remove_file(server.drop().join("error/bad.csv")).expect("removed");
    room.until("the end of it", |room| room.troubled() == ["link.csv"]).await;
}

#[tokio::test]
async fn a_server_that_is_killed_is_a_lost_line_and_loses_nothing() {
    let mut server = Sshd::start().await;
    let bench = bench(&server, "host", "user");
    let mut room = bench.open().await;
    for number in 0..3 {
        write(&server, &format!("{number}.csv"), &format!("of;qty\n{number};5\n"));
        // Taken, and not settled when the server dies.
        let batch = room.batch().await;
        server.kill();
        let lost = loop {
            if let Err(error) = room.source.next().await {
                break error;
            }
        };
        assert!(matches!(lost, SourceError::Lost(_)), "{lost:?}");
        if let Some(ticket) = batch.ticket {
            assert_eq!(room.source.settle(ticket).await, Ok(()), "no connection, no file to move");
        }
        let still = room.source.connect().await;
        assert!(matches!(still, Err(SourceError::Lost(_))), "{still:?}");
        server.restart("host").await;
        room.connect().await;
        room.until("the row again", |room| room.rows.len() == number + 1).await;
    }
    room.for_a_while(Duration::from_millis(100)).await;
    assert_eq!((room.records().len(), room.notices.len()), (3, 0));
}

#[tokio::test]
async fn a_server_that_freezes_is_noticed() {
    let server = Sshd::start().await;
    let bench = bench(&server, "host", "user");
    let mut room = bench.open().await;
    server.signal("STOP");
    let lost = tokio::time::timeout(Duration::from_secs(10), room.source.next()).await.expect("noticed");
    assert!(matches!(lost, Err(SourceError::Lost(_))), "{lost:?}");
    server.signal("CONT");
    room.connect().await;
    write(&server, "x.csv", "of;qty\n1;5\n");
    room.until("a row", |room| room.rows.len() == 1).await;
}

#[tokio::test]
async fn another_host_key_gets_nothing_and_is_told() {
    let mut server = Sshd::start().await;
    let bench = bench(&server, "host", "user");
    let mut room = bench.open().await;
    server.restart("other-host").await;
    while room.source.next().await.is_ok() {}
    let refused = room.source.connect().await;
    let Err(SourceError::LockedOut(words)) = refused else {
        panic!("expected locked out, found {refused:?}")
    };
    assert!(words.contains(&server.fingerprint("other-host")), "{words}");
    assert!(!server.log().contains("Accepted"), "{}", server.log());
}

#[tokio::test]
async fn a_key_that_is_not_let_in_and_a_folder_that_is_not_there() {
    let server = Sshd::start().await;
    let mut source = bench(&server, "host", "stranger").build().expect("a source");
    let refused = source.connect().await;
    assert!(matches!(refused, Err(SourceError::LockedOut(_))), "{refused:?}");
    fs::remove_dir(server.drop()).expect("removed");
    let mut source = bench(&server, "host", "user").build().expect("a source");
    let lost = source.connect().await;
    assert!(matches!(&lost, Err(SourceError::Lost(words)) if words.contains("drop")), "{lost:?}");
}
