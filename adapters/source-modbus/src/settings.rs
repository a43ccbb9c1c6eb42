//! What an integrator writes. The doc comments are the documentation.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use contract::settings::Wait;
use contract::{Check, Fault};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::device::Library;
use crate::pdu::REGISTERS_MAX;
use crate::place::Place;

/// Reads machines over Modbus: TCP, RTU on a serial line, or RTU over TCP. Never writes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the device or gateway listens: `tcp://10.0.0.5:502` for Modbus TCP, `rtu-tcp://10.0.0.5:4001` for a
    /// serial server that hands RTU frames on as they are. Without a port, 502. Either this or `serial`.
    pub url: Option<String>,
    /// A serial line with RTU frames. Either this or `url`.
    pub serial: Option<Serial>,
    /// How often everything is read. From 10 ms to a day.
    #[serde(default = "one_second")]
    pub every: Wait,
    /// How long a unit may take to answer. After that the connection is dropped, because its answer may still come
    /// and would be taken for that of the next question. From 1 ms to a minute.
    #[serde(default = "one_second")]
    pub timeout: Wait,
    /// RTU alone: how long after a question its answer may still come, late. Until then that unit is asked nothing,
    /// since RTU has nothing by which a late answer is known. Without it, twice `timeout`.
    pub late_max: Option<Wait>,
    /// A pause between two requests, for devices that need one.
    #[serde(default)]
    pub pause: Wait,
    /// A pause after connecting, for devices that are slow at first.
    #[serde(default)]
    pub connect_delay: Wait,
    /// Connect for each poll and close after it, for devices that others must reach in between.
    #[serde(default)]
    pub connect_each_poll: bool,
    /// The most registers of one request, 1 to 125; of bits, sixteen times as many.
    #[serde(default = "registers_max")]
    pub request_max: u16,
    /// How many registers that no tag asks for may be read along, to join two requests into one. 0 for devices that
    /// refuse addresses which hold nothing.
    #[serde(default = "eight")]
    pub gap: u16,
    /// One request for each tag, for devices that answer groups wrongly.
    #[serde(default)]
    pub one_per_request: bool,
    /// After so many silences in a row a unit is told to be silent, and is asked more and more rarely.
    #[serde(default = "three")]
    pub silent_max: u8,
    /// The longest time between two questions to a silent unit.
    #[serde(default = "thirty_seconds")]
    pub probe_every: Wait,
    /// A folder with device files of your own, `<name>.toml`. A name stands over one that is built in.
    pub devices: Option<PathBuf>,
    /// What was read of that folder, once for all tags.
    #[serde(skip)]
    library: OnceLock<Result<Library, String>>,
}

const fn one_second() -> Wait {
    Wait::secs(1)
}
const fn thirty_seconds() -> Wait {
    Wait::secs(30)
}
const fn registers_max() -> u16 {
    REGISTERS_MAX
}
const fn eight() -> u16 {
    8
}
const fn three() -> u8 {
    3
}

/// A serial line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Serial {
    /// The device: `/dev/ttyUSB0`, better `/dev/serial/by-id/…`, which stays the same when others are plugged in.
    pub port: PathBuf,
    /// Bits in a second.
    #[serde(default = "baud")]
    pub baud: u32,
    /// The parity bit: `"even"`, which the specification asks for, `"odd"` or `"none"`.
    #[serde(default)]
    pub parity: Parity,
    /// Stop bits, 1 or 2. Without parity the specification asks for 2; most devices take 1.
    #[serde(default = "one")]
    pub stop_bits: u8,
}

const fn baud() -> u32 {
    19_200
}
const fn one() -> u8 {
    1
}

/// The parity bit of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Parity {
    /// An even number of ones.
    #[default]
    Even,
    /// An odd number of ones.
    Odd,
    /// No such bit.
    None,
}

impl Settings {
    /// Where to connect to.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub fn place(&self) -> Result<Place, Fault> {
        match (&self.url, &self.serial) {
            (Some(url), None) => Place::parse(url).map_err(|wrong| Fault::at("url", wrong)),
            (None, Some(serial)) => Ok(Place::Serial(serial.clone())),
            (None, None) => Err(Fault::at("url", "expected `url` or `serial`")),
            (Some(_), Some(_)) => Err(Fault::at("serial", "excludes `url`: a source is one line")),
        }
    }

    /// The device files that tags may name: part of the configuration, so `check` reads them too.
    ///
    /// # Errors
    /// A file or the folder cannot be read.
    pub fn library(&self) -> Result<&Library, String> {
        let read = || self.devices.as_deref().map_or_else(|| Ok(Library::built_in()), Library::with_folder);
        self.library.get_or_init(read).as_ref().map_err(Clone::clone)
    }

    /// How long after a question its answer may still come.
    pub fn late_max(&self) -> Duration {
        self.late_max.map_or(self.timeout.0 * 2, |late| late.0.max(self.timeout.0))
    }
}

impl Check for Settings {
    fn check(&self) -> Vec<Fault> {
        let mut faults: Vec<Fault> = self.place().err().into_iter().collect();
        let mut wait = |key: &str, wait: Wait, min_ms: u64, max: Wait| {
            if wait.0 < Duration::from_millis(min_ms) || wait > max {
                let max = max.0.as_secs();
                faults.push(Fault::at(key, format!("expected {min_ms} ms to {max} s, found {:?}", wait.0)));
            }
        };
        wait("every", self.every, 10, Wait::secs(86_400));
        wait("timeout", self.timeout, 1, Wait::secs(60));
        wait("pause", self.pause, 0, Wait::secs(60));
        wait("connect_delay", self.connect_delay, 0, Wait::secs(60));
        wait("probe_every", self.probe_every, 100, Wait::secs(86_400));
        if let Some(late) = self.late_max {
            wait("late_max", late, 1, Wait::secs(600));
        }
        if !(1..=REGISTERS_MAX).contains(&self.request_max) {
            let words = format!("expected 1 to {REGISTERS_MAX}, found {}", self.request_max);
            faults.push(Fault::at("request_max", words));
        }
        if self.silent_max == 0 {
            faults.push(Fault::at("silent_max", "expected 1 or more"));
        }
        if let Some(serial) = &self.serial {
            if !(300..=4_000_000).contains(&serial.baud) {
                let words = format!("expected 300 to 4000000, found {}", serial.baud);
                faults.push(Fault::at("serial.baud", words));
            }
            if !(1..=2).contains(&serial.stop_bits) {
                let words = format!("expected 1 or 2, found {}", serial.stop_bits);
                faults.push(Fault::at("serial.stop_bits", words));
            }
        }
        // Where there is no such folder, `files` says so: it may be there on another computer.
        if self.devices.as_deref().is_some_and(Path::is_dir)
            && let Err(wrong) = self.library()
        {
            faults.push(Fault::at("devices", wrong));
        }
        faults
    }

    fn files(&self) -> Vec<(&'static str, &Path)> {
        self.devices.iter().map(|path| ("devices", path.as_path())).collect()
    }
}
