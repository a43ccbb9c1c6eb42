//! W2: 50 Modbus TCP devices of 30 registers, read once a second by 50 sources in one process. The devices are simulated by
//! another process. Prints what the reading process takes: share of one core, resident memory.
//!
//! `cargo run --release -p source-modbus --example w2 [SECONDS]`

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use contract::{Quality, Reads, Setup, Site, Source, SourceKind, TagAddress, TagId};
use source_modbus::Modbus;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const DEVICES: usize = 50;
const REGISTERS: u16 = 30;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    match std::env::args().nth(1).as_deref() {
        Some("serve") => runtime.block_on(serve()),
        seconds => runtime.block_on(read(seconds.and_then(|text| text.parse().ok()).unwrap_or(30))),
    }
}

/// Fifty devices; prints their ports.
async fn serve() {
    let mut ports = Vec::new();
    for _ in 0..DEVICES {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        ports.push(listener.local_addr().expect("its number").port().to_string());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(device(stream));
            }
        });
    }
    let mut out = std::io::stdout();
    writeln!(out, "{}", ports.join(" ")).and_then(|()| out.flush()).expect("somebody reads");
    std::future::pending().await
}

/// Answers function 3 with registers that change.
async fn device(mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let (mut question, mut count) = ([0; 12], 0_u16);
    while stream.read_exact(&mut question).await.is_ok() {
        count = count.wrapping_add(1);
        let len = 2 * question[11];
        let mut answer = vec![question[0], question[1], 0, 0, 0, len + 3, question[6], 3, len];
        answer.extend((0..u16::from(question[11])).flat_map(|at| (at ^ count).to_be_bytes()));
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// The other process, ended with us.
struct Devices(Child);

impl Drop for Devices {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn devices() -> (Devices, Vec<u16>) {
    let program = std::env::current_exe().expect("this program");
    let mut child = Command::new(program).arg("serve").stdout(Stdio::piped()).spawn().expect("the devices");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("the ports");
    (Devices(child), line.split_whitespace().filter_map(|port| port.parse().ok()).collect())
}

async fn read(seconds: u64) {
    let (_devices, ports) = devices();
    let (good, other) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    for (number, port) in ports.into_iter().enumerate() {
        let mut source = source(number, port);
        let (good, other) = (Arc::clone(&good), Arc::clone(&other));
        tokio::spawn(async move {
            source.connect().await.expect("connected");
            while let Ok(batch) = source.next().await {
                for sample in batch.samples {
                    let count = if sample.quality == Quality::Good { &good } else { &other };
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    // The start is not part of it.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (cpu, start, before) = (cpu_ms(), Instant::now(), good.load(Ordering::Relaxed));
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let took = start.elapsed().as_secs_f64();
    let share = (cpu_ms() - cpu) as f64 / 10.0 / took;
    let rate = (good.load(Ordering::Relaxed) - before) as f64 / took;
    let mut out = std::io::stdout();
    let line = format!(
        "w2: {DEVICES} devices x {REGISTERS} registers at 1 s, {took:.0} s: {rate:.0} samples/s, {} not good, {share:.2} % of a core, {} kB resident, load {}",
        other.load(Ordering::Relaxed),
        status("VmRSS:"),
        std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim(),
    );
    writeln!(out, "{line}").expect("somebody reads");
}

fn source(number: usize, port: u16) -> Box<dyn Source> {
    let settings = toml::from_str(&format!("url = 'tcp://127.0.0.1:{port}'")).expect("a good table");
    let tag = |register| TagAddress {
        id: TagId(number as u32 * u32::from(REGISTERS) + u32::from(register)),
        machine: format!("machine-{number}"),
        address: toml::from_str(&format!("holding = {register}")).expect("a good address"),
    };
    let reads = Reads { tags: (0..REGISTERS).map(tag).collect(), lists: Vec::new() };
    let site = Site {
        name: "w2".to_owned(),
        language: "en".to_owned(),
        timezone: "UTC".to_owned(),
        machines: Vec::new(),
    };
    let state = std::env::temp_dir();
    let setup = Setup { name: "w2", site: &site, state: &state };
    Modbus::build(&setup, settings, reads).expect("a source")
}

/// The time on a core so far, of this process.
fn cpu_ms() -> u64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in brackets: fields 14 and 15, in hundredths of a second.
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    10 * (ticks(11) + ticks(12))
}

fn status(key: &str) -> String {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    line.trim().trim_end_matches(" kB").to_owned()
}
