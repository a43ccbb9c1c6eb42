//! Campaigns against a server that fails on purpose. Every register's value says where it lies, so a value that belongs to
//! another question is recognised.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contract::{Notice, Quality, Reads, Setup, Site, Source, SourceError, TagAddress, TagId, Thing, Value};
use peers::foreign::Folder;
use peers::modbus::{Asked, Fake, Fault, Framing, telling};
use tokio::time::Instant;

use crate::address::Address;
use crate::settings::Settings;
use crate::source::Reader;

/// How late an answer is, in milliseconds: after the timeout of the campaign, 40, and well before its `late_max`, 120.
const LATE: [u64; 4] = [45, 52, 60, 75];

fn settings(port: u16, framing: Framing, more: &str) -> Settings {
    let scheme = if framing == Framing::Tcp { "tcp" } else { "rtu-tcp" };
    toml::from_str(&format!("url = '{scheme}://127.0.0.1:{port}'\n{more}")).unwrap()
}

fn tag(id: usize, unit: u8, address: u16, table: &str) -> TagAddress<Address> {
    let text = format!("unit_id = {unit}\n{table} = {address}\nas = 'uint32'");
    TagAddress { id: TagId(id as u32), machine: "m".to_owned(), address: toml::from_str(&text).unwrap() }
}

/// A reader of these tags; a careless one uses a line again after a timeout.
fn reader(state: &Path, settings: &Settings, tags: &[TagAddress<Address>], is_careless: bool) -> Reader {
    let site = Site {
        name: "site".to_owned(),
        language: "en".to_owned(),
        timezone: "UTC".to_owned(),
        machines: Vec::new(),
    };
    let setup = Setup { name: "line", site: &site, state };
    let reads = Reads::<Address, contract::NoLists> { tags: tags.to_vec(), lists: Vec::new() };
    let make = crate::build::maker(&setup, settings, &reads.tags, settings.place().unwrap()).unwrap();
    Reader::new(Box::new(move || {
        let mut poller = make();
        poller.wire.is_careless = is_careless;
        poller
    }))
}

/// A number that looks like chance, the same in each run.
fn chance(seed: u64, number: u64) -> u64 {
    let mut x = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ seed.wrapping_mul(0xD1B5_4A32_D192_ED03);
    for shift in [30, 27, 31] {
        x = (x ^ x >> shift).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    }
    x ^ x >> 29
}

/// Every kind of fault.
fn faults(number: u64) -> [Fault; 14] {
    [
        Fault::Late(Duration::from_millis(LATE[number as usize % LATE.len()])),
        Fault::Late(Duration::from_millis(LATE[number as usize / 4 % LATE.len()])),
        Fault::Transaction,
        Fault::Unit,
        Fault::Function,
        Fault::Short,
        Fault::Cut,
        Fault::Checksum,
        Fault::Exception(6),
        Fault::Exception(11),
        Fault::Exception(4),
        Fault::Close,
        Fault::Stray,
        Fault::Silent,
    ]
}

/// What a campaign saw.
#[derive(Debug, Default)]
struct Seen {
    asked: u64,
    faults: u64,
    good: u64,
    bad: u64,
    wrong: u64,
    lost: u64,
}

/// Five requests to each of four units, all of one length.
fn tags(table: &str) -> Vec<TagAddress<Address>> {
    let places = (1..=4_u8).flat_map(|unit| (0..5_u16).map(move |place| (unit, 100 * place + 7)));
    places.enumerate().map(|(id, (unit, address))| tag(id, unit, address, table)).collect()
}

/// What a tag must read.
fn truth(tag: &TagAddress<Address>) -> f64 {
    let (address, function) = match (tag.address.holding, tag.address.input) {
        (Some(address), _) => (address, 3),
        (None, address) => (address.unwrap(), 4),
    };
    let [high, low] = [0, 1].map(|next| u32::from(telling(tag.address.unit_id, function, address + next)));
    f64::from(high << 16 | low)
}

/// Asks so many questions of a server of which one in five goes wrong.
async fn campaign(framing: Framing, seed: u64, requests: u64, is_careless: bool) -> Seen {
    let failed = Arc::new(Mutex::new(0));
    let count = Arc::clone(&failed);
    let fake = Fake::start(framing, move |asked: &Asked| {
        let chance = chance(seed, asked.number);
        if !chance.is_multiple_of(5) {
            return Fault::None;
        }
        *count.lock().unwrap() += 1;
        let faults = faults(chance >> 40);
        faults[(chance >> 8) as usize % faults.len()]
    })
    .await;
    let state = Folder::new("modbus-campaign");
    let tags = tags(if seed.is_multiple_of(2) { "holding" } else { "input" });
    let more = "every = '150ms'\ntimeout = '40ms'\nlate_max = '120ms'\nsilent_max = 255\ngap = 0";
    let mut reader = reader(state.path(), &settings(fake.port, framing, more), &tags, is_careless);
    let mut seen = Seen::default();
    let mut is_connected = false;
    while fake.asked() < requests {
        if !is_connected {
            is_connected = reader.connect().await.is_ok();
            continue;
        }
        match reader.next().await {
            Ok(batch) => batch.samples.iter().for_each(|sample| {
                let truth = truth(&tags[sample.tag.0 as usize]);
                match (&sample.quality, &sample.value) {
                    (Quality::Good, Value::Number(number)) if *number == truth => seen.good += 1,
                    (Quality::Bad(_), _) => seen.bad += 1,
                    _ => seen.wrong += 1,
                }
            }),
            Err(_) => (is_connected, seen.lost) = (false, seen.lost + 1),
        }
    }
    (seen.asked, seen.faults) = (fake.asked(), *failed.lock().unwrap());
    seen
}

/// Four lines at a time; a million polls a day are nothing, so the default is small and the long run has a variable.
async fn campaigns(framing: Framing, requests: u64, is_careless: bool) -> Seen {
    let lines = (0..4).map(|seed| tokio::spawn(campaign(framing, seed, requests / 4, is_careless)));
    let mut sum = Seen::default();
    for line in lines.collect::<Vec<_>>() {
        let seen = line.await.unwrap();
        sum.asked += seen.asked;
        sum.faults += seen.faults;
        sum.good += seen.good;
        sum.bad += seen.bad;
        sum.wrong += seen.wrong;
        sum.lost += seen.lost;
    }
    sum
}

fn requests() -> u64 {
    std::env::var("PORTEVOIX_MODBUS_REQUESTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_200)
}

#[tokio::test]
async fn no_wrong_value_is_taken_over_tcp() {
    let seen = campaigns(Framing::Tcp, requests(), false).await;
    println!("modbus campaign, TCP: {seen:?}");
    assert!(seen.wrong == 0 && seen.good > seen.asked / 4 && seen.faults > seen.asked / 10, "{seen:?}");
}

#[tokio::test]
async fn no_wrong_value_is_taken_over_rtu() {
    let seen = campaigns(Framing::Rtu, requests(), false).await;
    println!("modbus campaign, RTU over TCP: {seen:?}");
    assert!(seen.wrong == 0 && seen.good > seen.asked / 4 && seen.faults > seen.asked / 10, "{seen:?}");
}

/// The mutant: the oracle above sees what a client takes that uses its line again after a timeout.
#[tokio::test]
async fn a_client_that_keeps_its_line_is_caught() {
    let seen = campaigns(Framing::Rtu, 1_200, true).await;
    println!("modbus campaign, mutant that keeps its line: {seen:?}");
    assert!(seen.wrong > 0, "late answers of a line that is used again went unnoticed: {seen:?}");
}

/// One fault at a time, of each kind: how long until every tag is good again?
/// The polls that an unharmed tag saw meanwhile are counted, so that a busy machine changes nothing.
async fn returns(framing: Framing) -> Vec<(Fault, usize, Duration)> {
    let next: Arc<Mutex<Option<Fault>>> = Arc::default();
    let hit: Arc<Mutex<Option<Instant>>> = Arc::default();
    let (wanted, at) = (Arc::clone(&next), Arc::clone(&hit));
    let fake = Fake::start(framing, move |_| {
        let fault = wanted.lock().unwrap().take();
        if fault.is_some() {
            *at.lock().unwrap() = Some(Instant::now());
        }
        fault.unwrap_or(Fault::None)
    })
    .await;
    let (state, tags) = (Folder::new("modbus-returns"), tags("input"));
    let more = "every = '300ms'\ntimeout = '100ms'\nlate_max = '250ms'\ngap = 0";
    let mut reader = reader(state.path(), &settings(fake.port, framing, more), &tags, false);
    reader.connect().await.unwrap();
    let mut times = Vec::new();
    let late = Fault::Late(Duration::from_millis(150));
    for fault in faults(0).into_iter().chain([late]).filter(|fault| *fault != faults(0)[0]) {
        *hit.lock().unwrap() = None;
        *next.lock().unwrap() = Some(fault);
        let mut good: BTreeMap<u32, usize> = BTreeMap::new();
        loop {
            let batch = reader.next().await.unwrap();
            let hit = *hit.lock().unwrap();
            for sample in batch.samples.iter().filter(|sample| sample.quality == Quality::Good) {
                assert_eq!(sample.value, Value::Number(truth(&tags[sample.tag.0 as usize])));
                *good.entry(sample.tag.0).or_default() += usize::from(hit.is_some());
            }
            let Some(hit) = hit else { continue };
            if good.len() == tags.len() && good.values().all(|count| *count > 0) {
                times.push((fault, good.values().copied().max().unwrap(), hit.elapsed()));
                break;
            }
        }
    }
    times
}

#[tokio::test]
async fn after_one_fault_every_tag_is_back_within_two_polls() {
    let lines = [Framing::Tcp, Framing::Rtu].map(|framing| (framing, tokio::spawn(returns(framing))));
    for (framing, line) in lines {
        let times = line.await.unwrap();
        let (fault, polls, _) = times.iter().max_by_key(|(_, polls, _)| *polls).unwrap();
        let slowest = times.iter().map(|(_, _, time)| time).max().unwrap();
        let count = times.len();
        println!(
            "modbus returns, {framing:?}: {count} faults, worst {fault:?} in {polls} polls, {slowest:?} of 300 ms"
        );
        // The poll that was hit, and two more.
        assert!(*polls <= 3, "{framing:?} {times:?}");
    }
}

/// The spread of the time between good samples of each unit.
#[derive(Debug)]
struct Periods {
    /// The worst mean of a unit, in periods.
    mean: f64,
    late: usize,
    count: usize,
    told: usize,
}

/// An answer of a serial line behind a gateway takes some milliseconds.
const WELL: Fault = Fault::Slow(Duration::from_millis(4));

/// Thirty units behind one gateway, of which one is dead: what becomes of the periods of the others?
async fn periods(framing: Framing, dead: Fault, polls: u32) -> Periods {
    let every = Duration::from_secs(1);
    let fake = Fake::start(framing, move |asked: &Asked| if asked.unit == 17 { dead } else { WELL }).await;
    let state = Folder::new("modbus-periods");
    let tags: Vec<_> = (0..30).map(|unit| tag(unit, unit as u8 + 1, 7, "input")).collect();
    // The defaults: a timeout as long as the period.
    let more = "every = '1s'\ntimeout = '1s'";
    let mut reader = reader(state.path(), &settings(fake.port, framing, more), &tags, false);
    reader.connect().await.unwrap();
    let mut came: BTreeMap<u32, Vec<Instant>> = BTreeMap::new();
    let (mut start, mut told) = (Instant::now(), 0);
    while told == 0 && dead != WELL || start.elapsed() < every * polls {
        let batch = reader.next().await.unwrap();
        if told == 0 && dead != WELL {
            // Until its silence is told the dead unit takes one timeout, once.
            (start, came) = (Instant::now(), BTreeMap::new());
        }
        for sample in batch.samples.iter().filter(|sample| sample.quality == Quality::Good) {
            came.entry(sample.tag.0).or_default().push(Instant::now());
        }
        told += batch.notices.iter().filter(|notice| is_device_trouble(notice)).count();
    }
    let is_heard = came.remove(&16).is_some();
    assert_eq!(is_heard, dead == WELL, "what the dead unit gave");
    assert_eq!(came.len(), 29, "all others gave one");
    let (mut worst, mut late, mut count) = (0.0_f64, 0, 0);
    for times in came.values() {
        let gaps: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64 / every.as_secs_f64();
        worst = worst.max(mean);
        late += gaps.iter().filter(|gap| (**gap / every.as_secs_f64() - 1.0).abs() > 0.1).count();
        count += gaps.len();
    }
    Periods { mean: worst, late, count, told }
}

fn is_device_trouble(notice: &Notice) -> bool {
    matches!(notice, Notice::Trouble(trouble) if trouble.thing == Thing::Device && trouble.name == "unit 17")
}

#[tokio::test]
async fn one_dead_unit_of_thirty_leaves_the_others_their_period() {
    let polls = std::env::var("PORTEVOIX_MODBUS_POLLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    let silent = tokio::spawn(periods(Framing::Tcp, Fault::Silent, polls));
    let serial = tokio::spawn(periods(Framing::Rtu, Fault::Silent, polls));
    let gateway = tokio::spawn(periods(Framing::Tcp, Fault::Exception(11), polls));
    // The same without a dead unit, at the same time on the same machine: what the machine does to all is not ours.
    let well = periods(Framing::Tcp, WELL, polls).await;
    println!("modbus periods, {polls} polls, all well: {well:?}");
    for (name, seen) in [("TCP", silent), ("RTU", serial), ("gateway says so", gateway)] {
        let seen = seen.await.unwrap();
        println!("modbus periods, {polls} polls, {name}: {seen:?}");
        assert!(seen.mean < 1.1 * well.mean.max(1.0), "{name}: {seen:?}, {well:?}");
        let share = |seen: &Periods| seen.late as f64 / seen.count as f64;
        assert!(share(&seen) <= share(&well) + 0.1, "{name}: {seen:?}, {well:?}");
        assert_eq!(seen.told, 1, "its trouble is told once: {name}");
    }
}

#[tokio::test]
async fn a_line_on_which_nobody_answers_is_lost_though_its_port_accepts() {
    let is_silent = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let now = Arc::clone(&is_silent);
    let fake = Fake::start(Framing::Tcp, move |_| {
        if now.load(std::sync::atomic::Ordering::SeqCst) { Fault::Silent } else { Fault::None }
    })
    .await;
    let (state, tags) = (Folder::new("modbus-nobody"), tags("input"));
    let more = "every = '50ms'\ntimeout = '40ms'\nprobe_every = '200ms'";
    let mut reader = reader(state.path(), &settings(fake.port, Framing::Tcp, more), &tags, false);
    reader.connect().await.unwrap();
    is_silent.store(true, std::sync::atomic::Ordering::SeqCst);
    let lost = async {
        loop {
            match reader.next().await {
                Ok(batch) => assert!(batch.samples.len() <= 256),
                Err(error) => return error,
            }
        }
    };
    let lost = tokio::time::timeout(Duration::from_secs(20), lost).await.expect("lost");
    assert!(matches!(&lost, SourceError::Lost(words) if words.contains("none of 4 units")), "{lost:?}");
    let still = reader.connect().await.unwrap_err();
    assert!(matches!(&still, SourceError::Lost(words) if words.contains("connected, but none")), "{still:?}");
    is_silent.store(false, std::sync::atomic::Ordering::SeqCst);
    reader.connect().await.unwrap();
}

/// "Busy" is asked again in the same poll and is never a value.
#[tokio::test]
async fn a_busy_device_is_asked_again_and_gives_no_zero() {
    let fake = Fake::start(Framing::Tcp, |asked| match (asked.start, asked.number % 3) {
        (7, 0 | 1) => Fault::Exception(6),
        (207, _) => Fault::Exception(5),
        _ => Fault::None,
    })
    .await;
    let state = Folder::new("modbus-busy");
    let tags = [tag(0, 1, 7, "input"), tag(1, 1, 107, "input"), tag(2, 2, 207, "input")];
    let more = "every = '300ms'\ntimeout = '200ms'\ngap = 0";
    let mut reader = reader(state.path(), &settings(fake.port, Framing::Tcp, more), &tags, false);
    reader.connect().await.unwrap();
    let (mut good, mut bad, mut told) = (0, 0, 0);
    for _ in 0..20 {
        let batch = reader.next().await.unwrap();
        for sample in &batch.samples {
            match &sample.quality {
                Quality::Good => {
                    assert_eq!(sample.value, Value::Number(truth(&tags[sample.tag.0 as usize])));
                    good += 1;
                }
                Quality::Bad(words) => {
                    assert!(words.contains("exception"), "{words}");
                    bad += 1;
                }
                Quality::Uncertain => panic!("{sample:?}"),
            }
        }
        told += batch.notices.len();
    }
    assert!(good > 10 && bad > 2, "good {good}, bad {bad}");
    assert!(told >= 1, "a unit that is always busy is told");
}
