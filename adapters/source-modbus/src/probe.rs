//! `portevoix probe` for Modbus: which units are there, and what registers could mean. Reads alone, one question at a time.
//!
//! Given a reading that a person sees on the device, it tells which type and order fit. What it prints as configuration is
//! what `portevoix check` accepts.

mod show;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU16;
use std::time::Duration;

use contract::{SourceError, Value};
use tokio::time::Instant;

use crate::discover;
use crate::form::{As, Form, Order, times};
use crate::pdu::{Answer, REGISTERS_MAX, Request, Table};
use crate::place::Place;
use crate::settings::Settings;
use crate::sunspec::Found;
use crate::wire::{Failed, Wire};

/// The longest that a probe may take: 247 units that are silent on a serial line, each for two seconds and a little.
const PROBE_MAX: Duration = Duration::from_secs(900);
/// A known reading may be off by this part of itself: it moved since somebody looked.
const NEAR: f64 = 0.02;
/// The steps of makers: a reading of 230.1 may be a register of 2301.
const STEPS: [f64; 7] = [1.0, 0.1, 0.01, 0.001, 10.0, 100.0, 1_000.0];

/// What to look at.
#[derive(Debug, Clone)]
pub struct Options {
    /// The line, as in `[source.modbus.<name>]`.
    pub settings: Settings,
    /// The unit.
    pub unit: u8,
    /// The table.
    pub table: Table,
    /// The first address on the wire, from 0.
    pub start: u16,
    /// How many registers, 1 to 125.
    pub count: u16,
    /// What a person reads on the device, if known.
    pub known: Option<f64>,
}

/// Why there is no report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeError {
    /// The line cannot be opened, or broke.
    Line(String),
    /// The unit gives no answer, or none to this question; why.
    Answer(String),
    /// What is asked for cannot be.
    Options(String),
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProbeError::Line(words) | ProbeError::Answer(words) | ProbeError::Options(words) => {
                f.write_str(words)
            }
        }
    }
}

impl std::error::Error for ProbeError {}

/// One way to read some registers.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The first address on the wire.
    pub start: u16,
    /// The type.
    pub kind: As,
    /// The order of bytes.
    pub order: Order,
    /// The number of the wire; `Err` where these bytes are no such value.
    pub value: Result<f64, String>,
    /// The step by which it is the known reading, if it fits.
    pub fits: Option<f64>,
}

/// Every decoding side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    place: String,
    request: Request,
    data: Vec<u8>,
    known: Option<f64>,
    /// All readings, the ones that fit first.
    pub readings: Vec<Reading>,
    /// TOML that `portevoix check` accepts: the source, and a tag for the reading that fits best, or for the first register.
    pub configuration: String,
}

/// Which units answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    place: String,
    /// Each unit that answered, and how.
    pub found: Vec<Answered>,
    /// How many were asked.
    pub asked: usize,
    /// TOML that `portevoix check` accepts: the source, and a tag for each unit.
    pub configuration: String,
}

/// A unit that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its number.
    pub unit: u8,
    /// What it said to a question for holding register 0: its value, or the exception.
    pub said: String,
    /// How long it took.
    pub took: Duration,
    /// Its models of SunSpec.
    pub models: Vec<u16>,
}

/// Reads registers and shows every decoding.
///
/// # Errors
/// The line, the answer, or what was asked for.
pub async fn registers(options: &Options) -> Result<Report, ProbeError> {
    if options.table.is_bits() {
        return Err(ProbeError::Options(
            "coils and discrete inputs are bits: there is nothing to decode".to_owned(),
        ));
    }
    if !(1..=REGISTERS_MAX).contains(&options.count) {
        let found = options.count;
        return Err(ProbeError::Options(format!(
            "found a count of {found}, expected 1 to {REGISTERS_MAX} registers: more than a unit gives at once"
        )));
    }
    let request = Request::new(options.unit, options.table, options.start, options.count)
        .map_err(ProbeError::Options)?;
    let mut wire = wire(&options.settings)?;
    let answer = within(wire.ask(&request, options.settings.timeout.0)).await?;
    let data = match answer.map_err(|failed| failed_at(&request.to_string(), failed))? {
        Answer::Data(data) => data,
        Answer::Exception(exception) => return Err(ProbeError::Answer(format!("{request}: {exception}"))),
    };
    let readings = readings(options, &data);
    let configuration = configuration(options, &wire.place, readings.first());
    Ok(Report { place: wire.place.to_string(), request, data, known: options.known, readings, configuration })
}

/// Asks each unit for holding register 0. A unit that refuses it is there, too.
///
/// # Errors
/// The line.
pub async fn units(settings: &Settings, units: impl IntoIterator<Item = u8>) -> Result<Scan, ProbeError> {
    let mut wire = wire(settings)?;
    let (mut found, mut asked) = (Vec::new(), 0);
    let scan = async {
        for unit in units {
            asked += 1;
            found.extend(greet(&mut wire, settings, unit).await?);
        }
        Ok(())
    };
    within(scan).await??;
    let configuration = scan_configuration(&wire.place, &found);
    Ok(Scan { place: wire.place.to_string(), found, asked, configuration })
}

async fn greet(wire: &mut Wire, settings: &Settings, unit: u8) -> Result<Option<Answered>, ProbeError> {
    let request = Request::new(unit, Table::Holding, 0, 1).map_err(ProbeError::Options)?;
    let asked = Instant::now();
    let answer = wire.ask(&request, settings.timeout.0).await;
    let took = asked.elapsed();
    let said = match answer {
        Ok(Answer::Data(data)) => {
            format!("{}", data.iter().fold(0, |sum, byte| sum * 256 + u32::from(*byte)))
        }
        Ok(Answer::Exception(exception)) if exception.is_silence() => return Ok(None),
        Ok(Answer::Exception(exception)) => exception.to_string(),
        Err(Failed::Line(error)) => return Err(line(&error)),
        Err(_) => {
            // RTU: its answer may still come, and would be taken for that of the next unit.
            tokio::time::sleep(settings.late_max().saturating_sub(took)).await;
            return Ok(None);
        }
    };
    let models = discover::models(wire, unit, settings.timeout.0).await;
    let numbers = |models: Vec<Found>| models.into_iter().map(|found| found.model).collect();
    let models = models.ok().and_then(Result::ok).map_or_else(Vec::new, numbers);
    Ok(Some(Answered { unit, said, took, models }))
}

fn wire(settings: &Settings) -> Result<Wire, ProbeError> {
    let place = settings.place().map_err(|fault| ProbeError::Options(fault.message))?;
    let transaction = Arc::new(AtomicU16::new(1));
    Ok(Wire::new(place, transaction, settings.connect_delay.0, settings.pause.0))
}

async fn within<T>(work: impl Future<Output = T>) -> Result<T, ProbeError> {
    let too_long = |_| ProbeError::Answer(format!("not done within {} s", PROBE_MAX.as_secs()));
    tokio::time::timeout(PROBE_MAX, work).await.map_err(too_long)
}

fn line(error: &SourceError) -> ProbeError {
    ProbeError::Line(error.to_string())
}

fn failed_at(what: &str, failed: Failed) -> ProbeError {
    match failed {
        Failed::Silent => ProbeError::Answer(format!("{what}: no answer")),
        Failed::Garbled(words) => ProbeError::Answer(format!("{what}: {words}")),
        Failed::Line(error) => line(&error),
    }
}

/// All readings of some bytes, those that fit the known one first, the plainest before the others.
fn readings(options: &Options, data: &[u8]) -> Vec<Reading> {
    let mut readings = Vec::new();
    for offset in 0..data.len() / 2 {
        for kind in As::NUMBERS {
            let registers = kind.registers().unwrap_or(1);
            let Some(bytes) = data.get(2 * offset..2 * (offset + usize::from(registers))) else { continue };
            for order in Order::ALL {
                // Of one register the order of words says nothing.
                if registers == 1 && matches!(order, Order::CDAB | Order::DCBA) {
                    continue;
                }
                let form = Form { kind, order, registers, bits: None, invalid: Vec::new(), step: 1.0 };
                let value = match form.read(bytes) {
                    Ok(Value::Number(number)) => Ok(number),
                    Ok(other) => Err(format!("{other:?}")),
                    Err(words) => Err(words),
                };
                let fits =
                    options.known.zip(value.as_ref().ok()).and_then(|(known, found)| step(known, *found));
                let start = options.start.saturating_add(offset as u16);
                readings.push(Reading { start, kind, order, value, fits });
            }
        }
    }
    // A whole step is plainer than a part; a closer number is better than a near one.
    let distance = |reading: &Reading| match (options.known, &reading.value, reading.fits) {
        (Some(known), Ok(found), Some(step)) => {
            let place = STEPS.iter().position(|other| *other == step).unwrap_or(STEPS.len());
            (0, (times(*found, step) - known).abs() / known.abs().max(1e-9) + place as f64 * NEAR / 10.0)
        }
        _ => (1, 0.0),
    };
    readings.sort_by(|a, b| {
        let ((a_class, a), (b_class, b)) = (distance(a), distance(b));
        a_class.cmp(&b_class).then(a.total_cmp(&b))
    });
    readings
}

/// The step by which a number is the known reading.
fn step(known: f64, found: f64) -> Option<f64> {
    let is_near = |step: &&f64| {
        let error = (times(found, **step) - known).abs();
        error <= NEAR * known.abs() && found != 0.0 || error == 0.0
    };
    STEPS.iter().find(is_near).copied()
}

fn configuration(options: &Options, place: &Place, best: Option<&Reading>) -> String {
    let Some(best) = best else { return String::new() };
    let step =
        best.fits.filter(|step| *step != 1.0).map_or(String::new(), |step| format!("scale = {step}\n"));
    format!(
        "[source.modbus.line-1]\n{}\n\n[machine.machine-1.tag.value]\nsource = \"line-1\"\nunit_id = {}\n{} = {}\nas = \"{}\"\norder = \"{}\"\n{step}",
        place.toml(),
        options.unit,
        options.table.word(),
        best.start,
        best.kind.word(),
        best.order.word(),
    )
}

fn scan_configuration(place: &Place, found: &[Answered]) -> String {
    let mut text = format!("[source.modbus.line-1]\n{}\n", place.toml());
    for Answered { unit, models, .. } in found {
        // What everybody can be asked for: the name of the maker, or the first register.
        let address = match models.contains(&1) {
            true => "device = \"sunspec\"\npoint = \"1/Md\"",
            false => "holding = 0",
        };
        text +=
            &format!("\n[machine.unit-{unit}.tag.value]\nsource = \"line-1\"\nunit_id = {unit}\n{address}\n");
    }
    text
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.place, self.request)?;
        match self.known {
            Some(known) => show::fitting(f, known, &self.readings),
            None => show::table(f, self.request.start(), &self.data, &self.readings),
        }
    }
}

impl fmt::Display for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} of {} units answer", self.place, self.found.len(), self.asked)?;
        for Answered { unit, said, took, models } in &self.found {
            write!(f, "  unit {unit:>3}  {:>4} ms  holding 0: {said}", took.as_millis())?;
            match models.as_slice() {
                [] => writeln!(f)?,
                models => writeln!(f, "  SunSpec {models:?}")?,
            }
        }
        Ok(())
    }
}
