//! `probe` against pymodbus: what it finds, and configuration that can be used as it is.

use contract::{Check, SourceKind};
use peers::modbus::Tap;
use serde_json::json;
use source_modbus::probe::{self, Options, ProbeError};
use source_modbus::{Address, As, Modbus, Order, Settings, Table};

use crate::bench::Pymodbus;

fn settings(port: u16) -> Settings {
    let table = json!({"url": format!("tcp://127.0.0.1:{port}"), "timeout": "200ms"});
    serde_json::from_value(table).expect("a good table")
}

/// What `check` does with the printed configuration.
fn accept(configuration: &str) -> Vec<Address> {
    let table: toml::Table = configuration.parse().expect("TOML");
    let source: <Modbus as SourceKind>::Settings =
        table["source"]["modbus"]["line-1"].clone().try_into().expect("a source");
    assert_eq!(source.check(), []);
    let mut addresses = Vec::new();
    for machine in table["machine"].as_table().expect("machines").values() {
        for tag in machine["tag"].as_table().expect("tags").values() {
            let mut tag = tag.as_table().expect("a tag").clone();
            assert_eq!(tag.remove("source"), Some("line-1".into()));
            tag.remove("scale");
            let address: Address = tag.try_into().expect("an address");
            assert_eq!(address.check(), []);
            addresses.push(address);
        }
    }
    addresses
}

#[tokio::test]
async fn a_known_reading_tells_which_order_fits() {
    let peer = Pymodbus::start(None).await;
    let tap = Tap::start(peer.port).await;
    for (unit, table, start, known, kind, order) in [
        (3, Table::Holding, 124, 50.01, As::Float32, Order::CDAB),
        (3, Table::Holding, 126, 50.01, As::Float32, Order::DCBA),
        (3, Table::Holding, 110, 4_294_901_761.0, As::Uint32, Order::CDAB),
        (2, Table::Input, 0, 231.0, As::Float32, Order::ABCD),
        (3, Table::Holding, 112, 12_345_678.0, As::Bcd32, Order::ABCD),
    ] {
        let known = Some(known);
        let options = Options { settings: settings(tap.port), unit, table, start, count: 2, known };
        let report = probe::registers(&options).await.expect("a report");
        let best = &report.readings[0];
        assert_eq!((best.kind, best.order, best.start), (kind, order, start), "{report}");
        assert!(report.to_string().contains("> "), "{report}");
        let address = accept(&report.configuration).remove(0);
        assert_eq!((address.unit_id, address.kind, address.order), (unit, Some(kind), Some(order)));
    }
    // Tenths: 49.8 Hz is a register of 498.
    let known = Some(49.8);
    let options =
        Options { settings: settings(tap.port), unit: 3, table: Table::Holding, start: 102, count: 1, known };
    let report = probe::registers(&options).await.expect("a report");
    assert_eq!(report.readings[0].fits, Some(0.1), "{report}");
    assert!(report.configuration.contains("scale = 0.1"), "{}", report.configuration);
    // With every register of a unit it fits on a screen, with a known reading or without.
    let many = Options { start: 100, count: 16, ..options.clone() };
    let shown = probe::registers(&many).await.expect("a report").to_string();
    assert!(shown.lines().count() <= 14 && shown.contains("> "), "{shown}");
    let shown = probe::registers(&Options { known: None, ..many }).await.expect("a report").to_string();
    assert!(shown.lines().count() <= 100, "{} lines\n{shown}", shown.lines().count());
    let cut = Options { count: 126, ..options.clone() };
    let refused = probe::registers(&cut).await.expect_err("never cut in silence");
    assert!(matches!(&refused, ProbeError::Options(words) if words.contains("1 to 125")), "{refused}");
    let nothing = Options { start: 5_000, ..options };
    let refused = probe::registers(&nothing).await.expect_err("no such register");
    assert!(
        matches!(&refused, ProbeError::Answer(words) if words.contains("illegal data address")),
        "{refused}"
    );
}

#[tokio::test]
async fn a_scan_finds_the_units_that_are_there() {
    let peer = Pymodbus::start(None).await;
    let tap = Tap::start(peer.port).await;
    let scan = probe::units(&settings(tap.port), 1..=7).await.expect("a scan");
    let units: Vec<u8> = scan.found.iter().map(|found| found.unit).filter(|unit| *unit <= 5).collect();
    assert_eq!(units, [1, 2, 3, 4, 5], "{scan}");
    let sunspec = scan.found.iter().find(|found| found.unit == 4).expect("unit 4");
    assert_eq!(sunspec.models, [1, 103, 160], "{scan}");
    assert_eq!(accept(&scan.configuration).len(), scan.found.len());
}
