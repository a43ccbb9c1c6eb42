//! Writers of every habit against the source: 0 partial, 0 missed, 0 twice. Two deliberately wrong watches must be
//! caught by the same oracle.

#[path = "../tests/kit/bench.rs"]
#[allow(dead_code, reason = "the tests outside use the rest")]
mod bench;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use contract::{Event, Record, Value};
use serde_json::json;

use crate::watch::Mutant;
use crate::{List, build};
use bench::{Bench, PLAIN, Room};

/// Rows of each file.
const ROWS: usize = 5;
/// How long a writer rests between two rows: longer than a look, shorter than a file must be still.
const PAUSE: Duration = Duration::from_millis(30);

fn bench(settings: serde_json::Value, lists: &[&str], mutant: Option<Mutant>) -> Bench<List> {
    let make = move |setup: &contract::Setup<'_>, settings, reads| {
        let settings = serde_json::from_value(settings).expect("a good table");
        let mut source = build(setup, settings, reads)?;
        source.mutant = mutant;
        Ok(Box::new(source) as Box<dyn contract::Source>)
    };
    Bench::new(settings, lists, Box::new(make))
}

/// Writes a file row by row, resting after each.
fn write_slowly(path: &Path, name: &str, version: usize) {
    let mut file = File::create(path).expect("a file");
    for row in 0..ROWS {
        let header = if row == 0 { "of;qty\n" } else { "" };
        writeln!(file, "{header}{name}-{row};{version:03}").expect("written");
        thread::sleep(PAUSE);
    }
}

/// What the writers do, and the names and versions that must have come in the end.
fn write_all(folder: &Path, rounds: usize) -> BTreeMap<String, usize> {
    let mut last = BTreeMap::new();
    for round in 0..rounds {
        let names = [format!("slow{round}"), format!("renamed{round}"), "same".to_owned()];
        for name in names {
            let path = folder.join(format!("{name}.csv"));
            if name.starts_with("renamed") {
                write_slowly(&path.with_extension("tmp"), &name, round);
                fs::rename(path.with_extension("tmp"), &path).expect("renamed");
            } else {
                write_slowly(&path, &name, round);
            }
            if name != "same" {
                // Delivered again under another name, by a copy that is there at once. Not of the file that is
                // written over: the copy would make good for a version that was missed.
                fs::copy(&path, folder.join(".copy")).expect("copied");
                fs::rename(folder.join(".copy"), folder.join(format!("again-{name}.csv"))).expect("renamed");
            }
            last.insert(name, round);
        }
    }
    last
}

/// What one reading of a file gave: its name, its version, how many rows.
fn reading(records: &[Record]) -> (String, i64, usize) {
    let first = records.first().expect("a record");
    let name = first.key.rsplit_once('-').expect("a name").0.to_owned();
    let version = |record: &Record| match record.fields[1] {
        Some(Value::Number(number)) => number as i64,
        _ => -1,
    };
    (name, version(first), records.iter().filter(|record| version(record) == version(first)).count())
}

/// Runs the writers beside a source and says what was wrong, if anything was.
async fn campaign(rounds: usize, mutant: Option<Mutant>) -> Result<String, String> {
    let bench = bench(json!({"after": "leave", "still": "100ms", "unfinished": "1s"}), &[PLAIN], mutant);
    let mut room = bench.open().await;
    let folder: PathBuf = bench.path().to_owned();
    let writers = thread::spawn(move || write_all(&folder, rounds));
    let mut came: Vec<(String, i64, usize)> = Vec::new();
    let mut records = Vec::new();
    let mut quiet_since: Option<Instant> = None;
    // Longer than the grain of a clock, so that a second reading shows.
    while quiet_since.is_none_or(|since| since.elapsed() < Duration::from_millis(3500)) {
        if let Ok(batch) = tokio::time::timeout(Duration::from_millis(50), room.source.next()).await {
            let batch = batch.map_err(|error| error.to_string())?;
            records.extend(batch.events.iter().filter_map(|event| match event {
                Event::Record(record) => Some(record.clone()),
                _ => None,
            }));
            if let Some(ticket) = batch.ticket {
                came.push(reading(&std::mem::take(&mut records)));
                room.source.settle(ticket).await.map_err(|error| error.to_string())?;
            }
        }
        if quiet_since.is_none() && writers.is_finished() {
            quiet_since = Some(Instant::now());
        }
    }
    let last = writers.join().expect("writers");
    judge(&came, &last)
}

fn judge(came: &[(String, i64, usize)], last: &BTreeMap<String, usize>) -> Result<String, String> {
    for (at, (name, version, rows)) in came.iter().enumerate() {
        if *rows != ROWS {
            return Err(format!("partial: {name} version {version} gave {rows} rows of {ROWS}"));
        }
        if came[..at].iter().any(|(other, old, _)| (other, old) == (name, version)) {
            return Err(format!("twice: {name} version {version}"));
        }
    }
    for (name, version) in last {
        let newest = came.iter().filter(|(other, ..)| other == name).map(|(_, version, _)| *version).max();
        if newest != Some(*version as i64) {
            return Err(format!("missed: {name} version {version}, found {newest:?}"));
        }
    }
    Ok(format!(
        "{} names and their copies written, {} readings, 0 partial, 0 missed, 0 twice",
        last.len(),
        came.len()
    ))
}

#[tokio::test]
async fn no_habit_of_a_writer_gives_a_part_or_a_row_twice() {
    let rounds = std::env::var("PORTEVOIX_FILES_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    println!("{}", campaign(rounds, None).await.expect("0 wrong"));
}

#[tokio::test]
async fn a_watch_that_does_not_wait_is_caught() {
    let wrong = campaign(1, Some(Mutant::Hasty)).await.expect_err("a part went unnoticed");
    assert!(wrong.starts_with("partial"), "{wrong}");
}

#[tokio::test]
async fn a_watch_that_goes_by_the_name_is_caught() {
    let wrong = campaign(2, Some(Mutant::ByName)).await.expect_err("a new content went unnoticed");
    assert!(wrong.starts_with("missed: same"), "{wrong}");
}

/// What was read through links, if anything was.
async fn links(mutant: Option<Mutant>) -> Result<(), String> {
    let outside = peers::foreign::Folder::new("outside");
    fs::write(outside.path().join("secret.csv"), "of;qty\nsecret;1\n").expect("a file");
    let bench = bench(json!({}), &[PLAIN], mutant);
    let link = bench.file("link.csv");
    std::os::unix::fs::symlink(outside.path().join("secret.csv"), &link).expect("a link");
    bench.write("good.csv", "of;qty\ngood;5\n");
    let mut room = bench.open().await;
    room.until("the good one and a word of the other", |room| room.rows.len() + room.troubled().len() >= 2)
        .await;
    let keys: Vec<&str> = room.records().iter().map(|record| &*record.key).collect();
    let is_right = keys == ["good"] && room.troubled() == ["link.csv"];
    if is_right { Ok(()) } else { Err(format!("read: {keys:?}, told: {:?}", room.troubled())) }
}

#[tokio::test]
async fn a_folder_that_follows_links_is_caught() {
    links(None).await.expect("nothing outside is read");
    let wrong = links(Some(Mutant::Follows)).await.expect_err("a link went unnoticed");
    assert!(wrong.contains("secret"), "{wrong}");
}

/// Many files at once, in one folder: each is read once, in the order of their changes.
#[tokio::test]
async fn ten_thousand_files() {
    let count =
        std::env::var("PORTEVOIX_FILES_COUNT").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let bench = bench(json!({}), &[PLAIN], None);
    for number in 0..count {
        bench.write(&format!("{number}.csv"), format!("of;qty\n{number};1\n"));
    }
    let mut room: Room = bench.open().await;
    let started = Instant::now();
    while room.rows.len() < count {
        assert!(started.elapsed() < Duration::from_secs(120), "{} of {count}", room.rows.len());
        let batch = room.batch().await;
        room.take(batch).await;
    }
    let took = started.elapsed();
    room.until("an empty folder", |_| bench.names("") == ["done"]).await;
    assert_eq!((room.records().len(), bench.names("done").len()), (count, count));
    println!("{count} files in {:.1} s", took.as_secs_f64());
    // A start finds nothing new.
    drop(room);
    let mut room = bench.open().await;
    room.for_a_while(Duration::from_millis(200)).await;
    assert_eq!(room.records().len(), 0);
}
