//! SunSpec: a device says by itself where its models are. "SunS" at 40000, 50000 or 0, then models in a chain, each with
//! its number and length; a power of ten stands in a register of its own. Pure, but for who asks.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use contract::near;
use serde::Deserialize;

use crate::form::{As, Form, Order};
use crate::pdu::Table;
use crate::plan::Field;

/// The name that stands for it in `device`.
pub const NAME: &str = "sunspec";
/// Where a map may begin: address on the wire (SunSpec Device Information Model Specification, 6.2).
pub const BASES: [u16; 3] = [40_000, 50_000, 0];
/// So many points of a model are shown where one is not known, the nearest first.
const POINTS_SHOWN: usize = 8;
/// "SunS".
pub const MARK: [u8; 4] = *b"SunS";
/// The number that ends the chain.
const END: u16 = 0xFFFF;
/// The most models that are looked at: real devices have ten to thirty.
pub const MODELS_MAX: usize = 100;
/// The register of a scale factor that is not implemented.
const NO_FACTOR: i16 = i16::MIN;
/// A power of ten is -10 to 10 by the specification.
const FACTOR_MAX: i16 = 10;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    #[serde(default)]
    same: Vec<u16>,
    points: BTreeMap<String, Point>,
    module_at: Option<u16>,
    module_len: Option<u16>,
    #[serde(default)]
    module: BTreeMap<String, Point>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Point {
    at: u16,
    #[serde(rename = "as")]
    kind: As,
    sf: Option<u16>,
    length: Option<u16>,
    /// An accumulator, of which 0 says that it is not implemented.
    #[serde(default)]
    is_sum: bool,
}

fn models() -> &'static BTreeMap<u16, Model> {
    static READ: OnceLock<BTreeMap<u16, Model>> = OnceLock::new();
    READ.get_or_init(|| {
        let read: BTreeMap<String, Model> =
            toml::from_str(include_str!("../devices/sunspec.toml")).expect("the built-in file is tested");
        read.into_iter().filter_map(|(number, model)| Some((number.parse().ok()?, model))).collect()
    })
}

fn model(number: u16) -> Option<&'static Model> {
    models().get(&number).or_else(|| models().values().find(|model| model.same.contains(&number)))
}

/// A point that is asked for: `103/W`, `160/module/2/DCW`.
struct Wanted {
    model: u16,
    point: &'static Point,
    /// The offset from the ID register.
    at: u32,
}

fn wanted(name: &str) -> Result<Wanted, String> {
    let numbers = || {
        let same = models().values().flat_map(|model| &model.same);
        let mut numbers: Vec<u16> = models().keys().chain(same).copied().collect();
        numbers.sort_unstable();
        numbers.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
    };
    let (number, rest) = name
        .split_once('/')
        .ok_or_else(|| format!("`{name}`, expected the model and the point: `103/W`, `160/module/1/DCW`"))?;
    let known = number.parse().ok().and_then(|number| Some((number, model(number)?)));
    let (number, model) = known.ok_or_else(|| format!("model `{number}`, expected one of: {}", numbers()))?;
    let unknown = |points: &'static BTreeMap<String, Point>| {
        let name = rest.rsplit('/').next().unwrap_or(rest);
        let expected = near::expected(name, points.keys().map(String::as_str), POINTS_SHOWN);
        format!("model {number} has no point `{rest}` here, {expected}")
    };
    if let Some((module, point)) = rest.strip_prefix("module/").and_then(|rest| rest.split_once('/')) {
        let point = model.module.get(point).ok_or_else(|| unknown(&model.module))?;
        let place = module.parse::<u32>().ok().filter(|place| (1..=100).contains(place));
        let place = place.ok_or_else(|| format!("module `{module}`, expected a number from 1"))? - 1;
        let (first, len) = (model.module_at.unwrap_or_default(), model.module_len.unwrap_or_default());
        let at = u32::from(first) + place * u32::from(len) + u32::from(point.at);
        return Ok(Wanted { model: number, point, at });
    }
    let point = model.points.get(rest).ok_or_else(|| unknown(&model.points))?;
    Ok(Wanted { model: number, point, at: u32::from(point.at) })
}

/// Is there such a point?
///
/// # Errors
/// What there is.
pub fn check(name: &str) -> Result<(), String> {
    wanted(name).map(drop)
}

/// A model that a device has: its number, the address of its ID register, its length after ID and length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Its number.
    pub model: u16,
    /// The address of its ID register on the wire.
    pub at: u16,
    /// How many registers follow ID and length.
    pub len: u16,
}

/// What the next two registers of the chain say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// A model, and where the next one is.
    Model(Found, u16),
    /// No more.
    End,
}

/// Reads ID and length at an address.
///
/// # Errors
/// The chain leads out of the map.
pub fn link(at: u16, bytes: &[u8]) -> Result<Link, String> {
    let [a, b, c, d] = bytes else { return Err(format!("{} bytes at {at}, expected 4", bytes.len())) };
    let (model, len) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
    if model == END {
        return Ok(Link::End);
    }
    let next = u32::from(at) + 2 + u32::from(len);
    match u16::try_from(next) {
        Ok(next) if len > 0 => Ok(Link::Model(Found { model, at, len }, next)),
        _ => Err(format!("model {model} at {at} has {len} registers, expected a chain that ends")),
    }
}

/// Where a point is in a device with these models.
///
/// # Errors
/// What the device does not have.
pub fn field(tag: usize, name: &str, found: &[Found]) -> Result<Field, String> {
    let Wanted { model, point, at } = wanted(name)?;
    let missing = || format!("{name}: the device has no model {model}");
    let place = found.iter().find(|place| place.model == model).ok_or_else(missing)?;
    let registers = point.kind.registers().or(point.length).unwrap_or(1);
    if at + u32::from(registers) > u32::from(place.len) + 2 {
        return Err(format!("{name}: model {model} of the device has {} registers", place.len));
    }
    let address = |offset: u32| u16::try_from(u32::from(place.at) + offset).map_err(|_| missing());
    let invalid = match point.kind {
        As::Int16 => vec![0x8000],
        As::Uint16 => vec![0xFFFF],
        As::Uint32 if point.is_sum => vec![0],
        As::Uint32 => vec![0xFFFF_FFFF],
        _ => Vec::new(),
    };
    let form = Form { kind: point.kind, order: Order::ABCD, registers, bits: None, invalid, step: 1.0 };
    let factor = point.sf.map(|sf| address(u32::from(sf))).transpose()?;
    Ok(Field { tag, table: Table::Holding, start: address(at)?, form, factor })
}

/// The power of ten in a register.
///
/// # Errors
/// It is not implemented, or no power of ten.
pub fn factor(bytes: [u8; 2]) -> Result<f64, String> {
    match i16::from_be_bytes(bytes) {
        NO_FACTOR => Err("scale factor 0x8000: the device has no value".to_owned()),
        power if power.abs() <= FACTOR_MAX => Ok(10_f64.powi(i32::from(power))),
        power => Err(format!("scale factor {power}, expected -{FACTOR_MAX} to {FACTOR_MAX}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_is_followed_and_bounded() {
        let common = Found { model: 1, at: 40_002, len: 66 };
        assert_eq!(link(40_002, &[0, 1, 0, 66]), Ok(Link::Model(common, 40_070)));
        assert_eq!(link(40_070, &[0xFF, 0xFF, 0, 0]), Ok(Link::End));
        assert!(link(40_002, &[0, 1, 0, 0]).is_err(), "a model of nothing would never end");
        assert!(link(60_000, &[0, 1, 0xFF, 0]).is_err());
    }

    #[test]
    fn points_are_found_by_name() {
        let found = [Found { model: 1, at: 40_002, len: 66 }, Found { model: 103, at: 40_070, len: 50 }];
        let power = field(0, "103/W", &found).unwrap();
        assert_eq!((power.start, power.factor, power.form.kind), (40_084, Some(40_085), As::Int16));
        let maker = field(0, "1/Mn", &found).unwrap();
        assert_eq!((maker.start, maker.form.registers, maker.factor), (40_004, 16, None));
        let mppt = [Found { model: 160, at: 40_122, len: 48 }];
        let second = field(0, "160/module/2/DCW", &mppt).unwrap();
        assert_eq!((second.start, second.factor), (40_122 + 10 + 20 + 11, Some(40_126)));
        assert!(field(0, "160/module/3/DCW", &mppt).is_err(), "behind the end of the model");
        assert_eq!(field(0, "203/W", &found).unwrap_err(), "203/W: the device has no model 203");
        for wrong in ["W", "103/Watt", "999/W", "160/module/0/DCW", "160/module/x/DCW", "103/module/1/W"] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
        for right in ["101/W", "102/Hz", "201/TotWhImp", "160/N"] {
            assert_eq!(check(right), Ok(()), "{right}");
        }
    }

    #[test]
    fn a_scale_factor_is_a_power_of_ten() {
        assert_eq!(factor([0xFF, 0xFE]), Ok(0.01));
        assert_eq!(factor([0, 3]), Ok(1_000.0));
        assert!(factor([0x80, 0]).is_err());
        assert!(factor([0, 11]).is_err());
    }
}
