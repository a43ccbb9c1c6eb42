//! Device files: what a maker's manual says, written once. Those of `devices/` are built in; a folder may add more.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use contract::{Fault, near};
use serde::Deserialize;

use crate::address::Target;
use crate::form::{As, Form, Order};
use crate::pdu::{REGISTERS_MAX, Table};
use crate::sunspec;

/// The largest device file, in bytes: ten times the largest that is built in.
const FILE_MAX: u64 = 256 * 1_024;
/// The most points of a device file.
const POINTS_MAX: usize = 5_000;
/// The most files of a folder.
const FILES_MAX: usize = 500;

/// So many names are shown where one is not known, the nearest first: a maker has hundreds of points.
const POINTS_SHOWN: usize = 5;
/// The same of device files: all that are built in, and some.
const FILES_SHOWN: usize = 12;

/// The files that are built in, by their names.
const BUILT_IN: &[(&str, &str)] = &[
    ("abb-b23", include_str!("../devices/abb-b23.toml")),
    ("carlo-gavazzi-em24", include_str!("../devices/carlo-gavazzi-em24.toml")),
    ("carlo-gavazzi-em24-ethernet", include_str!("../devices/carlo-gavazzi-em24-ethernet.toml")),
    ("eastron-sdm630", include_str!("../devices/eastron-sdm630.toml")),
    ("schneider-iem3000", include_str!("../devices/schneider-iem3000.toml")),
    ("schneider-pm5000", include_str!("../devices/schneider-pm5000.toml")),
    ("siemens-pac3200", include_str!("../devices/siemens-pac3200.toml")),
];

/// One device file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Who makes it.
    pub maker: String,
    /// What it is called.
    pub model: String,
    /// How far it is proven: `proven`, `recorded` or `documented`.
    pub tier: String,
    /// The table of its points, unless a point says otherwise.
    pub table: Table,
    /// The order of bytes, unless a point says otherwise.
    #[serde(default)]
    pub order: Order,
    /// The most registers of one request that it takes.
    pub request_max: Option<u16>,
    /// Its points.
    pub point: BTreeMap<String, Point>,
}

/// One point of a device file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// The first address on the wire, from 0.
    pub at: u16,
    /// The type.
    #[serde(rename = "as")]
    pub kind: As,
    /// The table, if it is another.
    pub table: Option<Table>,
    /// The order, if it is another.
    pub order: Option<Order>,
    /// How many registers a string takes.
    pub length: Option<u16>,
    /// What one step is worth, in `unit`.
    pub step: Option<f64>,
    /// The unit of the value, for whoever reads the file and for `probe`.
    pub unit: Option<String>,
    /// Raw values by which the device says that it has none.
    #[serde(default)]
    pub invalid: Vec<i64>,
}

impl Device {
    /// Reads a device file.
    ///
    /// # Errors
    /// What was found, what was expected, and in which line.
    pub fn parse(text: &str) -> Result<Device, String> {
        let device: Device = toml::from_str(text).map_err(|error| error.to_string())?;
        if device.point.len() > POINTS_MAX {
            return Err(format!("{} points, expected at most {POINTS_MAX}", device.point.len()));
        }
        if !["proven", "recorded", "documented"].contains(&device.tier.as_str()) {
            let tier = &device.tier;
            return Err(format!("tier `{tier}`, expected `proven`, `recorded` or `documented`"));
        }
        if !device.request_max.is_none_or(|max| (1..=REGISTERS_MAX).contains(&max)) {
            return Err(format!("request_max, expected 1 to {REGISTERS_MAX}"));
        }
        device.point.keys().try_for_each(|name| device.target(name).map(drop))?;
        Ok(device)
    }

    /// Where a point leads.
    ///
    /// # Errors
    /// There is no such point, or it cannot be.
    pub fn target(&self, name: &str) -> Result<Target, String> {
        let point = self.point.get(name).ok_or_else(|| self.unknown(name))?;
        let table = point.table.unwrap_or(self.table);
        let wrong = |words: &str| Err(format!("point `{name}`: {words}"));
        let registers = match (point.kind.registers(), point.length) {
            (Some(registers), None) => registers,
            (None, Some(length)) if (1..=REGISTERS_MAX).contains(&length) => length,
            _ => return wrong("expected `length`, 1 to 125, of a string alone"),
        };
        if u32::from(point.at) + u32::from(registers) > 65_536 {
            return wrong("expected to end at 65535");
        }
        let step = point.step.unwrap_or(1.0);
        if !step.is_finite() || step == 0.0 {
            return wrong("expected a `step` that is not 0");
        }
        let form = Form {
            kind: point.kind,
            order: point.order.unwrap_or(self.order),
            registers,
            bits: table.is_bits().then_some((0, 0)),
            invalid: point.invalid.clone(),
            step,
        };
        Ok(Target::Known { table, start: point.at, form, request_max: self.request_max })
    }

    fn unknown(&self, name: &str) -> String {
        let expected = near::expected(name, self.point.keys().map(String::as_str), POINTS_SHOWN);
        format!("{} {} has no point `{name}`, {expected}", self.maker, self.model)
    }
}

/// All device files that are known.
#[derive(Debug, Clone, Default)]
pub struct Library {
    own: BTreeMap<String, Device>,
}

/// The files that are built in, read once.
fn built_in() -> &'static BTreeMap<&'static str, Device> {
    static READ: OnceLock<BTreeMap<&'static str, Device>> = OnceLock::new();
    READ.get_or_init(|| {
        let read = |(name, text): &(&'static str, &str)| {
            (*name, Device::parse(text).expect("the built-in device files are tested"))
        };
        BUILT_IN.iter().map(read).collect()
    })
}

impl Library {
    /// The files that are built in.
    pub fn built_in() -> Library {
        Library::default()
    }

    /// The files that are built in, and those of a folder: `<name>.toml`.
    ///
    /// # Errors
    /// A file that cannot be read or is wrong, by its path.
    pub fn with_folder(folder: &Path) -> Result<Library, String> {
        let mut own = BTreeMap::new();
        let shown = |error: std::io::Error| format!("{}: {error}", folder.display());
        for entry in std::fs::read_dir(folder).map_err(shown)?.take(FILES_MAX) {
            let path = entry.map_err(shown)?.path();
            let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
            if path.extension().is_none_or(|end| end != "toml") {
                continue;
            }
            let device = read_file(&path).and_then(|text| Device::parse(&text));
            let device = device.map_err(|wrong| format!("{}: {wrong}", path.display()))?;
            own.insert(name.to_owned(), device);
        }
        Ok(Library { own })
    }

    /// There is a file of this name.
    pub fn knows(&self, name: &str) -> bool {
        name == sunspec::NAME || self.device(name).is_some()
    }

    /// The file of this name.
    pub fn device(&self, name: &str) -> Option<&Device> {
        self.own.get(name).or_else(|| built_in().get(name))
    }

    /// The names of all files.
    pub fn names(&self) -> Vec<&str> {
        let own = self.own.keys().map(String::as_str);
        let mut names: Vec<&str> = built_in().keys().copied().chain(own).chain([sunspec::NAME]).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Where a point of a device leads.
    ///
    /// # Errors
    /// The key that is wrong, and what there is.
    pub fn find(&self, device: &str, point: &str) -> Result<Target, Fault> {
        if device == sunspec::NAME {
            sunspec::check(point).map_err(|wrong| Fault::at("point", wrong))?;
            return Ok(Target::SunSpec(point.to_owned()));
        }
        let file = self.device(device).ok_or_else(|| {
            let expected = near::expected(device, self.names(), FILES_SHOWN);
            Fault::at("device", format!("no device file `{device}`, {expected}"))
        })?;
        file.target(point).map_err(|wrong| Fault::at("point", wrong))
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let len = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if len > FILE_MAX {
        return Err(format!("{len} bytes, expected at most {FILE_MAX}"));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

#[cfg(test)]
#[path = "device/tests.rs"]
mod tests;
