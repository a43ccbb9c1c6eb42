//! What becomes of files: good ones, bad ones, whole ones, and what only looks like one.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::Duration;

use contract::{Cause, Notice, Thing};
use peers::foreign::Folder;
use serde_json::json;

use crate::bench::{PLAIN, Room};

fn cause(room: &Room, name: &str) -> Cause {
    let find = |notice: &Notice| match notice {
        Notice::Trouble(trouble) if trouble.name == name => Some(trouble.cause.clone()),
        _ => None,
    };
    room.notices
        .iter()
        .rev()
        .find_map(find)
        .unwrap_or_else(|| panic!("no trouble of {name}: {:?}", room.notices))
}

const BAD: &str = "of;qty\n1;5\n2;beaucoup\n3;7\n";

#[tokio::test]
async fn a_bad_row_is_left_out_and_told_until_the_file_is_taken_away() {
    let bench = super::bench(json!({}), &[PLAIN]);
    let mut room = bench.open().await;
    bench.write("x.csv", BAD);
    room.until("the file aside", |_| bench.names("error") == ["x.csv"]).await;
    assert_eq!(room.records().len(), 2);
    let expected = Cause::Unreadable { place: "line 3, qty".into(), found: "beaucoup".into() };
    assert_eq!(cause(&room, "x.csv"), expected);
    // A start says it anew.
    drop(room);
    let mut room = bench.open().await;
    room.until("the trouble", |room| room.troubled() == ["x.csv"]).await;
    room.for_a_while(Duration::from_millis(100)).await;
    assert_eq!((room.notices.len(), room.records().len()), (1, 0));
    fs::remove_file(bench.file("error/x.csv")).expect("removed");
    room.until("the end of it", |room| room.troubled().is_empty()).await;
}

#[tokio::test]
async fn a_file_is_refused_for_one_bad_row_if_the_list_says_so() {
    let list = PLAIN.replace("format", "bad_rows = \"refuse-file\"\nformat");
    let bench = super::bench(json!({}), &[&list]);
    let mut room = bench.open().await;
    bench.write("x.csv", BAD);
    room.until("the file aside", |_| bench.names("error") == ["x.csv"]).await;
    room.until("the trouble", |room| room.troubled() == ["x.csv"]).await;
    assert_eq!(room.records().len(), 0);
    // A good file of the same name ends the trouble.
    bench.write("x.csv", "of;qty\n2;6\n");
    room.until("the end of it", |room| room.troubled().is_empty()).await;
    assert_eq!(room.records().len(), 1);
}

/// Where nothing can be moved, the ledger works.
#[tokio::test]
async fn a_folder_that_cannot_be_written_is_remembered() {
    let bench = super::bench(json!({}), &[PLAIN]);
    // A file where the folder should be: a move fails, also for root.
    bench.write("done", "");
    bench.write("error", "");
    let mut room = bench.open().await;
    bench.write("good.csv", "of;qty\n1;5\n");
    bench.write("bad.csv", "colonne\n1\n");
    room.until("both", |room| room.rows.len() == 1 && room.troubled() == ["bad.csv"]).await;
    assert_eq!(cause(&room, "bad.csv"), Cause::Missing("of, qty".into()));
    room.for_a_while(Duration::from_millis(100)).await;
    assert_eq!((room.records().len(), room.troubled()), (1, vec!["bad.csv".to_owned()]));
    drop(room);
    room = bench.open().await;
    room.until("the trouble, anew", |room| room.troubled() == ["bad.csv"]).await;
    room.for_a_while(Duration::from_millis(100)).await;
    assert_eq!(room.records().len(), 0, "what was read is not read again");
    for (round, content) in ["of;qty\n1;6\n", "of;qty\n1;5\n"].iter().enumerate() {
        // The second is the content of before: under the same name it is what is so now.
        bench.write("good.csv", content);
        room.until("new content", |room| room.records().len() == round + 1).await;
    }
    // Under another name it is a repeat.
    bench.write("again.csv", "of;qty\n1;6\n");
    room.for_a_while(Duration::from_millis(150)).await;
    assert_eq!(room.records().len(), 2);
    bench.write("bad.csv", "of;qty\n9;9\n");
    room.until("the end of it", |room| room.troubled().is_empty()).await;
    assert!(bench.names("").contains(&"bad.csv".to_owned()));
}

#[tokio::test]
async fn a_whole_file_says_what_is_gone() {
    let list = PLAIN.replace("format", "whole = true\nformat");
    let bench = super::bench(json!({}), &[&list]);
    let mut room = bench.open().await;
    let mut deliver = async |name: &str, text: &str, rows: &[&str]| {
        bench.write(name, text);
        room.until(name, |_| !bench.file(name).exists()).await;
        assert_eq!(room.rows.keys().map(|(_, key)| key.as_str()).collect::<Vec<_>>(), rows, "{name}");
        room.troubled()
    };
    deliver("1.csv", "of;qty\n1;5\n2;5\n", &["1", "2"]).await;
    deliver("2.csv", "of;qty\n2;5\n", &["2"]).await;
    // The list came back to what it was: the bytes are those of before, and still they are news.
    deliver("3.csv", "of;qty\n1;5\n2;5\n", &["1", "2"]).await;
    // Row 2 cannot be read and is there; of the next nobody knows which row it is, so nothing is gone.
    assert_eq!(deliver("4.csv", "of;qty\n1;6\n2;x\n", &["1", "2"]).await, ["4.csv"]);
    assert_eq!(deliver("4b.csv", "of;qty\n2;x\n3;1\n", &["2", "3"]).await, ["4.csv", "4b.csv"]);
    assert_eq!(deliver("4c.csv", "of;qty\n2;5\n;6\n", &["2", "3"]).await, ["4.csv", "4b.csv", "4c.csv"]);
    deliver("5.csv", "of;qty\n", &[]).await;
}

#[tokio::test]
async fn one_file_may_feed_two_lists() {
    let (h, l) = (
        include_str!("../samples/lists/x3-orders.toml"),
        include_str!("../samples/lists/x3-operations.toml"),
    );
    let bench = super::bench(json!({}), &[h, l]);
    let mut room = bench.open().await;
    bench.write("x3", include_bytes!("../samples/suivi-x3-hl_utf8bom.csv"));
    room.until("the file to be done", |_| bench.file("done/x3").exists()).await;
    let of = |list: u32| room.rows.keys().filter(|(id, _)| *id == list).count();
    assert_eq!((of(0), of(1)), (2, 3));
}

#[tokio::test]
async fn a_marker_lets_a_file_in_and_goes_with_it() {
    let bench = super::bench(json!({"marker": ".ok"}), &[PLAIN]);
    let mut room = bench.open().await;
    bench.write("a.csv", "of;qty\n1;5\n");
    bench.write("b.csv", "of;qty\n2;5\n");
    room.for_a_while(Duration::from_millis(150)).await;
    assert_eq!(room.records().len(), 0);
    bench.write("a.csv.ok", "");
    bench.write("b.ok", "");
    room.until("both", |_| bench.names("") == ["done"]).await;
    assert_eq!(bench.names("done"), ["a.csv", "a.csv.ok", "b.csv", "b.ok"]);
    assert_eq!((room.records().len(), room.notices.len()), (2, 0));
}

#[tokio::test]
async fn nothing_outside_the_folder_is_opened() {
    let outside = Folder::new("outside");
    fs::write(outside.path().join("secret.csv"), "of;qty\nsecret;1\n").expect("a file");
    let bench = super::bench(json!({}), &[&PLAIN.replace("*.csv", "*")]);
    symlink(outside.path().join("secret.csv"), bench.file("link.csv")).expect("a link");
    symlink(outside.path(), bench.file("folder.csv")).expect("a link");
    symlink("../../../../etc/passwd", bench.file("up.csv")).expect("a link");
    symlink(outside.path(), bench.file("done")).expect("a link");
    let made = Command::new("mkfifo").arg(bench.file("pipe.csv")).status().expect("mkfifo");
    assert!(made.success());
    fs::create_dir(bench.file("inner.csv")).expect("a folder");
    fs::write(bench.file("inner.csv/deep.csv"), "of;qty\ndeep;1\n").expect("a file");
    bench.write("good.csv", "of;qty\n1;5\n");
    let mut room = bench.open().await;
    room.until("all of it", |room| room.rows.len() == 1 && room.troubled().len() == 5).await;
    room.for_a_while(Duration::from_millis(150)).await;
    assert_eq!(room.records().len(), 1, "{:?}", room.rows);
    assert_eq!(cause(&room, "link.csv"), Cause::Forbidden("a link".into()));
    assert_eq!(cause(&room, "pipe.csv"), Cause::Forbidden("a pipe".into()));
    // The folder for what was read is a link to elsewhere: nothing is moved there.
    let there: Vec<_> = fs::read_dir(outside.path()).expect("a folder").collect();
    assert_eq!((there.len(), bench.file("good.csv").exists()), (1, true));
    for name in ["link.csv", "folder.csv", "up.csv", "pipe.csv", "done"] {
        fs::remove_file(bench.file(name)).expect("removed");
    }
    room.until("the end of it", |room| room.troubled().is_empty()).await;
}

#[tokio::test]
async fn a_file_that_is_too_large_is_put_aside() {
    let bench = super::bench(json!({"file_max": 100}), &[PLAIN]);
    let mut room = bench.open().await;
    bench.write("x.csv", format!("of;qty\n{}", "1;5\n".repeat(50)));
    room.until("the trouble", |room| room.troubled() == ["x.csv"]).await;
    assert_eq!(
        (cause(&room, "x.csv"), bench.names("error")),
        (Cause::TooLarge { max: 100 }, vec!["x.csv".to_owned()])
    );
}

/// A half of a file that stays so is told; when the rest comes it is read.
#[tokio::test]
async fn an_unfinished_file_is_waited_for() {
    let bench = super::bench(json!({"unfinished": "400ms", "after": "leave"}), &[PLAIN]);
    let mut room = bench.open().await;
    bench.write("x.csv", "of;qty\n1;5\n2;");
    room.for_a_while(Duration::from_millis(200)).await;
    assert_eq!((room.records().len(), room.notices.len()), (0, 0));
    bench.write("x.csv", "of;qty\n1;5\n2;6\n");
    room.until("all of it", |room| room.rows.len() == 2).await;
    // Without a line end at its end, but whole: read after the wait.
    bench.write("y.csv", "of;qty\n3;5");
    room.until("all of it", |room| room.rows.len() == 3).await;
    assert_eq!((room.records().len(), room.notices.len()), (3, 0));
}

#[tokio::test]
async fn a_name_that_is_no_text_and_names_that_nobody_asks_for() {
    use std::os::unix::ffi::OsStrExt;
    let bench = super::bench(json!({}), &[PLAIN]);
    let name = std::ffi::OsStr::from_bytes(b"relev\xe9.csv");
    fs::write(bench.path().join(name), "of;qty\n1;5\n").expect("a file");
    bench.write("lisez-moi.txt", "");
    bench.write("x.csv.tmp", "of;qty\n");
    let mut room = bench.open().await;
    room.until("a row", |room| room.rows.len() == 1).await;
    assert_eq!(room.notices, [Notice::Unclaimed("lisez-moi.txt".into())]);
    assert_eq!(bench.names("done"), ["relev\\xE9.csv"]);
    assert!(room.notices.iter().all(|notice| !matches!(notice, Notice::Mended(Thing::File, _))));
}
