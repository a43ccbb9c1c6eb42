//! What pymodbus holds is what is read: every table, type, order, address form; device files; SunSpec.

use std::collections::BTreeMap;

use contract::{Cause, Notice, Quality, Source, Thing, Value};
use peers::foreign::Folder;
use peers::modbus::{Tap, set};
use serde_json::{Value as Json, json};

use crate::bench::{Pymodbus, Wire, make};

/// The first sample of each tag, and all notices until then.
async fn first(source: &mut dyn Source, tags: usize) -> (BTreeMap<u32, (Value, Quality)>, Vec<Notice>) {
    let (mut samples, mut notices) = (BTreeMap::new(), Vec::new());
    let read = async {
        while samples.len() < tags {
            let batch = source.next().await.expect("a batch");
            for sample in batch.samples {
                samples.entry(sample.tag.0).or_insert((sample.value, sample.quality));
            }
            notices.extend(batch.notices);
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), read).await.expect("all tags");
    (samples, notices)
}

/// Each address with the value that it must give; `Err` where it must be bad, with a part of why.
fn expectations() -> Vec<(Json, Result<Value, &'static str>)> {
    let number = |number: f64| Ok(Value::Number(number));
    let fifty = number(f64::from(50.01_f32));
    vec![
        (
            json!({"unit_id": 2, "device": "eastron-sdm630", "point": "voltage-l1"}),
            number(f64::from(230.2_f32)),
        ),
        (json!({"unit_id": 2, "device": "eastron-sdm630", "point": "power-total"}), number(8_150.0)),
        (json!({"unit_id": 2, "device": "eastron-sdm630", "point": "energy-total"}), number(1_241.75)),
        (json!({"unit_id": 2, "register": "30071", "as": "float32"}), fifty.clone()),
        (json!({"unit_id": 3, "holding": 101, "as": "int16"}), number(-125.0)),
        (json!({"unit_id": 3, "register": "40103"}), number(498.0)),
        (json!({"unit_id": 3, "register": "400103"}), number(498.0)),
        (json!({"unit_id": 3, "holding": 100, "bit": 2}), Ok(Value::Flag(true))),
        (json!({"unit_id": 3, "holding": 100, "bits": "4-7"}), number(3.0)),
        (json!({"unit_id": 3, "holding": 103, "as": "int16", "invalid": [0x8000]}), Err("0x8000")),
        (json!({"unit_id": 3, "holding": 110, "as": "uint32", "order": "CDAB"}), number(4_294_901_761.0)),
        (json!({"unit_id": 3, "holding": 112, "as": "bcd32"}), number(12_345_678.0)),
        (json!({"unit_id": 3, "holding": 114, "as": "float64"}), number(1_234.5)),
        (
            json!({"unit_id": 3, "holding": 120, "as": "string", "length": 4}),
            Ok(Value::Text("iEM3155".into())),
        ),
        (json!({"unit_id": 3, "holding": 124, "as": "float32", "order": "CDAB"}), fifty.clone()),
        (json!({"unit_id": 3, "holding": 126, "as": "float32", "order": "DCBA"}), fifty),
        (json!({"unit_id": 3, "holding": 128, "as": "float32"}), Err("NaN")),
        (json!({"unit_id": 4, "device": "sunspec", "point": "1/Mn"}), Ok(Value::Text("TestMaker".into()))),
        (json!({"unit_id": 4, "device": "sunspec", "point": "103/W"}), number(4_920.0)),
        (json!({"unit_id": 4, "device": "sunspec", "point": "103/A"}), number(21.5)),
        (json!({"unit_id": 4, "device": "sunspec", "point": "103/Hz"}), number(50.01)),
        (json!({"unit_id": 4, "device": "sunspec", "point": "103/WH"}), number(1_234_567.0)),
        (json!({"unit_id": 4, "device": "sunspec", "point": "103/VA"}), Err("no value")),
        (json!({"unit_id": 4, "device": "sunspec", "point": "160/module/2/DCW"}), number(2_040.0)),
        (json!({"unit_id": 4, "device": "sunspec", "point": "203/W"}), Err("no model 203")),
        (json!({"unit_id": 5, "coil": 3}), Ok(Value::Flag(true))),
        (json!({"unit_id": 5, "register": "00005"}), Ok(Value::Flag(false))),
        (json!({"unit_id": 5, "discrete": 4}), Ok(Value::Flag(true))),
    ]
}

async fn check(source: &mut dyn Source) {
    let expected = expectations();
    source.connect().await.expect("connected");
    let (samples, notices) = first(source, expected.len()).await;
    for (tag, (address, expected)) in expected.iter().enumerate() {
        let (value, quality) = &samples[&(tag as u32)];
        match (expected, quality) {
            (Ok(expected), Quality::Good) => assert_eq!(value, expected, "{address}"),
            (Err(part), Quality::Bad(words)) => assert!(words.contains(part), "{address}: {words}"),
            other => panic!("{address}: {other:?}"),
        }
    }
    let missing = notices.iter().any(
        |notice| matches!(notice, Notice::Trouble(trouble) if matches!(trouble.cause, Cause::Missing(_))),
    );
    assert!(missing, "expected a notice of the model that is not there: {notices:?}");
}

fn addresses() -> Vec<Json> {
    expectations().into_iter().map(|(address, _)| address).collect()
}

#[tokio::test]
async fn everything_is_read_over_tcp() {
    let peer = Pymodbus::start(None).await;
    let tap = Tap::start(peer.port).await;
    let state = Folder::new("modbus-reads");
    for more in
        [json!({}), json!({"one_per_request": true}), json!({"request_max": 10, "connect_each_poll": true})]
    {
        let mut settings = json!({"url": format!("tcp://127.0.0.1:{}", tap.port), "every": "50ms"});
        settings.as_object_mut().expect("a table").extend(more.as_object().expect("a table").clone());
        // SunSpec's power factors are up to 40 registers from their values; 10 registers are not enough for text.
        if settings.get("request_max").is_some() {
            settings["request_max"] = json!(60);
        }
        check(&mut *make(state.path(), settings, &addresses())).await;
    }
}

#[tokio::test]
async fn everything_is_read_over_a_serial_line() {
    let wire = Wire::start().await;
    let _peer = Pymodbus::start(Some(wire.far())).await;
    let state = Folder::new("modbus-reads");
    let serial = json!({"port": wire.near(), "baud": 19_200, "parity": "none"});
    check(&mut *make(state.path(), json!({"serial": serial, "every": "50ms"}), &addresses())).await;
}

/// One address that the device refuses spoils neither its neighbours nor the poll.
#[tokio::test]
async fn a_refused_address_spoils_only_itself() {
    let peer = Pymodbus::start(None).await;
    let tap = Tap::start(peer.port).await;
    let state = Folder::new("modbus-refused");
    // Registers 0 to 99 are there; 100 is not, and would be read in one group with the others.
    let tags = [json!({"holding": 98}), json!({"holding": 99}), json!({"holding": 100})];
    let settings = json!({"url": format!("tcp://127.0.0.1:{}", tap.port), "every": "20ms"});
    let mut source = make(state.path(), settings, &tags);
    set(peer.port, 1, 98, &[7, 8]).await;
    source.connect().await.expect("connected");
    for round in 0..3 {
        let (samples, notices) = first(&mut *source, 3).await;
        assert_eq!(samples[&0], (Value::Number(7.0), Quality::Good));
        assert_eq!(samples[&1], (Value::Number(8.0), Quality::Good));
        assert!(
            matches!(&samples[&2].1, Quality::Bad(words) if words.contains("illegal data address")),
            "{samples:?}"
        );
        let told = notices.iter().filter(|notice| {
            matches!(notice, Notice::Trouble(trouble)
                if trouble.thing == Thing::Address && trouble.name == "unit 1 holding 100")
        });
        assert_eq!(told.count(), usize::from(round == 0), "told once: {notices:?}");
    }
}

/// The mutant of the count of function codes: one that writes is noticed.
#[tokio::test]
async fn a_write_on_the_wire_would_be_noticed() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let peer = Pymodbus::start(None).await;
    let tap = Tap::start(peer.port).await;
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", tap.port)).await.expect("the tap");
    stream.write_all(&[0, 1, 0, 0, 0, 6, 1, 6, 0, 5, 0, 9]).await.expect("written");
    stream.read_exact(&mut [0; 12]).await.expect("an answer");
    let gone = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(tap)));
    let words = gone.expect_err("a write went unnoticed").downcast::<String>().expect("words");
    assert!(words.contains("function codes [6]"), "{words}");
}
