//! Any bytes for every decoder. `PORTEVOIX_FUZZ` names the one; the limits hold for each input alone.
//!
//! libFuzzer is the main program: `tests/fuzz/run` builds and starts it.
#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// No input may take longer than this, or more memory than this.
const TIME_MAX: Duration = Duration::from_millis(200);
const MEMORY_MAX: usize = 16 * 1024 * 1024;

type Decoder = fn(&[u8]);

/// Every decoder of bytes that others wrote.
const DECODERS: &[(&str, Decoder)] = &[
    ("sparkplug", source_mqtt::fuzz::sparkplug),
    ("modbus-frame", source_modbus::fuzz::frame),
    ("modbus-device", source_modbus::fuzz::device),
    ("modbus-sunspec", source_modbus::fuzz::sunspec),
    ("opcua-node", source_opcua::fuzz::node_id),
    ("opcua-path", source_opcua::fuzz::browse_path),
    ("opcua-event", source_opcua::fuzz::event_fields),
    ("opcua-certificate", source_opcua::fuzz::certificate),
    ("files-csv", source_files::fuzz::csv),
    ("files-fixed", source_files::fuzz::fixed),
    ("files-json", source_files::fuzz::json),
    ("files-xml", source_files::fuzz::xml),
    ("files-xlsx", source_files::fuzz::xlsx),
    ("http-page", source_http::fuzz::page),
    ("http-date", source_http::fuzz::date),
    ("sql-row", source_sql::fuzz::row),
    ("exec-lines", source_exec::fuzz::lines),
];

static DECODER: LazyLock<Decoder> = LazyLock::new(|| {
    let name = std::env::var("PORTEVOIX_FUZZ").unwrap_or_default();
    let found = DECODERS.iter().find(|(known, _)| *known == name);
    let names: Vec<&str> = DECODERS.iter().map(|(name, _)| *name).collect();
    found.unwrap_or_else(|| panic!("PORTEVOIX_FUZZ is `{name}`, expected one of {}", names.join(", "))).1
});

fuzz_target!(|bytes: &[u8]| {
    let decoder = *DECODER;
    MEMORY.reset_peak_usage();
    let (before, started) = (MEMORY.current_usage(), Instant::now());
    decoder(bytes);
    let (took, used) = (started.elapsed(), MEMORY.peak_usage().saturating_sub(before));
    assert!(took <= TIME_MAX, "{} bytes took {took:?}", bytes.len());
    assert!(used <= MEMORY_MAX, "{} bytes took {used} bytes of memory", bytes.len());
});
