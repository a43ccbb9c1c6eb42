//! A thousand items that all change twice a second, read over a secured line: what it costs.
//!
//! `cargo run --release -p source-opcua --example w3 -- 60`: seconds to measure. The server is asyncua, in a process
//! of its own.

use std::time::{Duration, Instant};

use contract::{Reads, Setup, Site, SourceError, SourceKind, TagAddress, TagId};
use peers::foreign::Folder;
use peers::opcua::OpcUa;
use serde_json::json;
use source_opcua::trust::{self, Standing};

const ITEMS: u32 = 1000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let secs = std::env::args().nth(1).and_then(|secs| secs.parse().ok()).unwrap_or(60);
    let options = ["security=secure".to_owned(), format!("nodes={ITEMS}"), "rate=500".to_owned()];
    let mut server = OpcUa::asyncua(&options.each_ref().map(String::as_str)).await;
    let state = Folder::new("opcua-w3");
    let password = state.path().join("password");
    std::fs::write(&password, "s3cret").expect("a password file");
    // Keys that live for 20 s, so that a minute holds some renewals.
    let table =
        json!({"url": server.url(), "user": "bridge", "password": {"file": password}, "key_lifetime": "20s"});
    let address = |number| json!({"node": format!("nsu=urn:plant;s=press.{number}")});
    let tags = (0..ITEMS).map(|number| TagAddress {
        id: TagId(number),
        machine: "press".to_owned(),
        address: serde_json::from_value(address(number)).expect("an address"),
    });
    let site = Site {
        name: "W3".into(),
        language: "fr".into(),
        timezone: "Europe/Paris".into(),
        machines: Vec::new(),
    };
    let setup = Setup { name: "w3", site: &site, state: state.path() };
    let settings = serde_json::from_value(table).expect("a table");
    let reads = Reads { tags: tags.collect(), lists: Vec::new() };
    let mut source = source_opcua::OpcUa::build(&setup, settings, reads).expect("a source");
    let locked = source.connect().await.expect_err("a stranger");
    assert!(matches!(locked, SourceError::LockedOut(_)), "{locked:?}");
    for one in trust::list(state.path(), "w3").expect("a list") {
        if one.standing == Standing::Rejected {
            trust::accept(state.path(), "w3", &one.thumbprint).expect("accepted");
        }
    }
    let started = Instant::now();
    source.connect().await.expect("connected");
    let connected = started.elapsed();
    let (cpu, started) = (cpu_ms(), Instant::now());
    let (mut samples, mut bad) = (0_u64, 0_u64);
    while started.elapsed() < Duration::from_secs(secs) {
        let batch = source.next().await.expect("a batch");
        samples += batch.samples.len() as u64;
        bad += batch.samples.iter().filter(|sample| sample.quality != contract::Quality::Good).count() as u64;
    }
    let wall = started.elapsed();
    let share = (cpu_ms() - cpu) as f64 / wall.as_millis() as f64;
    eprintln!(
        "w3: {ITEMS} items connected in {connected:.2?}; {samples} samples in {wall:.1?} ({bad} bad), {:.0}/s; CPU {:.2} % \
         of a core; memory {} kB",
        samples as f64 / wall.as_secs_f64(),
        share * 100.0,
        resident_kb()
    );
    server.assert_only_read().await;
}

/// User and system time of this process in milliseconds; the kernel counts in hundredths.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("proc");
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
    ticks.sum::<u64>() * 10
}

fn resident_kb() -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("proc");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.chars().filter(char::is_ascii_digit).collect()
}
