//! Where a tag lies in a device, as an integrator writes it.

use contract::{Check, Fault};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::device;
use crate::form::{As, Form, Order};
use crate::pdu::{REGISTERS_MAX, Table};

/// Where a tag lies on a Modbus line. One of `holding`, `input`, `coil`, `discrete`, `register`, or `device` with
/// `point`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// The number of the unit on its line, 0 to 255. Behind a plain TCP device it often does not matter.
    #[serde(default = "one")]
    pub unit_id: u8,
    /// A holding register, by its address on the wire, from 0.
    pub holding: Option<u16>,
    /// An input register, by its address on the wire, from 0.
    pub input: Option<u16>,
    /// A coil, by its address on the wire, from 0. Gives a flag.
    pub coil: Option<u16>,
    /// A discrete input, by its address on the wire, from 0. Gives a flag.
    pub discrete: Option<u16>,
    /// The number of PLC manuals, counted from 1 and led by the table: `"40001"` or `"400001"` is holding register
    /// 0 on the wire, `"30001"` input 0, `"10001"` discrete 0, `"00001"` coil 0.
    pub register: Option<String>,
    /// The type of the value: `"int16"`, `"uint16"`, `"int32"`, `"uint32"`, `"int64"`, `"uint64"`, `"float32"`,
    /// `"float64"`, `"bcd16"`, `"bcd32"`, `"bcd64"` or `"string"`. Without it, `"uint16"`.
    #[serde(rename = "as")]
    pub kind: Option<As>,
    /// The order of its bytes: `"ABCD"`, `"CDAB"` (words swapped), `"BADC"` (bytes swapped) or `"DCBA"` (both).
    /// Without it, `"ABCD"`. `portevoix probe` shows which one fits a known reading.
    pub order: Option<Order>,
    /// How many registers a `"string"` takes, two characters each.
    pub length: Option<u16>,
    /// One bit of the value, 0 being the least significant. Gives a flag.
    pub bit: Option<u8>,
    /// Bits of the value, from the lowest to the highest: `"4-7"`. Gives a number.
    pub bits: Option<String>,
    /// Raw values by which the device says that it has none: `[0x8000]`. Of eight bytes, `[-1]` is all ones. NaN is
    /// never a value.
    #[serde(default)]
    pub invalid: Vec<i64>,
    /// The width of a counter in bits, 16, 24, 32 or 64: it becomes a sum that only grows, over rollovers and resets.
    pub counter: Option<u8>,
    /// The most that a counter may grow between two readings; more waits for the next one. Without it, a quarter of
    /// its range.
    pub counter_step_max: Option<u64>,
    /// A device file, such as `"eastron-sdm630"`, or `"sunspec"`. It brings table, address, type, order and step.
    pub device: Option<String>,
    /// A point of `device`: `"power-total"`, or `"103/W"` of SunSpec.
    pub point: Option<String>,
}

const fn one() -> u8 {
    1
}

/// What an address leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// Registers or a bit, known now.
    Known {
        /// In which table.
        table: Table,
        /// The first address.
        start: u16,
        /// How to read it.
        form: Form,
        /// The most registers of one request, if the device has a limit of its own.
        request_max: Option<u16>,
    },
    /// A point of SunSpec, to be found at the device.
    SunSpec(String),
}

/// Reads `"40001"`.
fn register(text: &str) -> Result<(Table, u16), String> {
    let wrong = || {
        format!(
            "`{text}` is no register number, expected `40001` or `400001` (holding), `30001` (input), `10001` (discrete) or `00001` (coil)"
        )
    };
    let is_number = (5..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let (table, number) = text.split_at_checked(1).filter(|_| is_number).ok_or_else(wrong)?;
    let table = match table {
        "0" => Table::Coil,
        "1" => Table::Discrete,
        "3" => Table::Input,
        "4" => Table::Holding,
        _ => return Err(wrong()),
    };
    let number: u32 = number.parse().map_err(|_| wrong())?;
    let start = number.checked_sub(1).and_then(|start| u16::try_from(start).ok());
    start.map(|start| (table, start)).ok_or_else(wrong)
}

/// Reads `"4-7"`.
fn bits(text: &str) -> Result<(u8, u8), String> {
    let pair = text.split_once('-').and_then(|(low, high)| Some((low.parse().ok()?, high.parse().ok()?)));
    pair.filter(|(low, high)| low < high).ok_or_else(|| format!("`{text}`, expected bits such as `4-7`"))
}

impl Address {
    /// The table and address on the wire, written in one of five ways; the key that says so.
    fn place(&self) -> Result<Option<(&'static str, Table, u16)>, Fault> {
        let written = [
            ("holding", Table::Holding, self.holding),
            ("input", Table::Input, self.input),
            ("coil", Table::Coil, self.coil),
            ("discrete", Table::Discrete, self.discrete),
        ];
        let mut places: Vec<_> =
            written.into_iter().filter_map(|(key, table, start)| Some((key, table, start?))).collect();
        if let Some(text) = &self.register {
            let (table, start) = register(text).map_err(|wrong| Fault::at("register", wrong))?;
            places.push(("register", table, start));
        }
        if let Some((key, ..)) = places.get(1) {
            return Err(Fault::at(*key, format!("excludes `{}`: a tag lies in one place", places[0].0)));
        }
        Ok(places.pop())
    }

    /// Leads to registers, or to a point of SunSpec. `own` finds device files that are not built in.
    ///
    /// # Errors
    /// Every mistake, with its key.
    pub fn target(&self, own: &device::Library) -> Result<Target, Vec<Fault>> {
        let place = self.place().map_err(|fault| vec![fault])?;
        match (&self.device, place) {
            (Some(_), Some((key, ..))) => {
                Err(vec![Fault::at(key, "excludes `device`, which brings the address")])
            }
            (Some(device), None) => self.of_device(device, own),
            (None, Some((key, table, start))) => self.of_place(key, table, start),
            (None, None) => Err(vec![Fault::at(
                "",
                "expected one of `holding`, `input`, `coil`, `discrete`, `register`, or `device` with `point`",
            )]),
        }
    }

    fn of_device(&self, device: &str, own: &device::Library) -> Result<Target, Vec<Fault>> {
        let brought = [
            ("as", self.kind.is_some()),
            ("order", self.order.is_some()),
            ("length", self.length.is_some()),
            ("invalid", !self.invalid.is_empty()),
            ("bits", self.bits.is_some()),
        ];
        let mut faults: Vec<Fault> = brought
            .iter()
            .filter(|(_, is)| *is)
            .map(|(key, _)| Fault::at(*key, "excludes `device`, which brings it"))
            .collect();
        let Some(point) = &self.point else {
            faults.push(Fault::at("point", format!("expected a point of `{device}`")));
            return Err(faults);
        };
        match own.find(device, point) {
            Ok(target) if faults.is_empty() => self.narrowed(target),
            Ok(_) => Err(faults),
            Err(fault) => Err(faults.into_iter().chain([fault]).collect()),
        }
    }

    /// One bit of a point, and what a counter may be.
    fn narrowed(&self, target: Target) -> Result<Target, Vec<Fault>> {
        let Target::Known { table, start, mut form, request_max } = target else {
            return match (self.bit, self.counter) {
                (None, None) => Ok(target),
                (Some(_), _) => Err(vec![Fault::at("bit", "not known of a point of SunSpec")]),
                (_, Some(_)) => Err(vec![Fault::at("counter", "not known of a point of SunSpec")]),
            };
        };
        if let Some(bit) = self.bit {
            form.bits = Some((bit, bit));
        }
        self.counted(&form).map_err(|fault| vec![fault])?;
        Ok(Target::Known { table, start, form, request_max })
    }

    fn counted(&self, form: &Form) -> Result<(), Fault> {
        let width = 16 * form.registers;
        match self.counter {
            None if self.counter_step_max.is_some() => Err(Fault::at(
                "counter_step_max",
                "`counter_step_max` without `counter`, expected both beside the address of the tag",
            )),
            None => Ok(()),
            Some(_) if !form.kind.is_unsigned() || form.bits.is_some() => {
                let words =
                    format!("a counter is `uint16`, `uint32` or `uint64`, found `{}`", form.kind.word());
                Err(Fault::at("counter", words))
            }
            Some(counter @ (16 | 24 | 32 | 64)) if u16::from(counter) <= width => Ok(()),
            Some(counter) => Err(Fault::at(
                "counter",
                format!("expected 16, 24, 32 or 64, at most {width}, found {counter}"),
            )),
        }
    }

    fn of_place(&self, key: &str, table: Table, start: u16) -> Result<Target, Vec<Fault>> {
        let mut faults = Vec::new();
        if self.point.is_some() {
            faults.push(Fault::at(
                "point",
                "`point` without `device`, expected both, and no register, in the table of the tag",
            ));
        }
        let form = if table.is_bits() { self.form_of_bit(&mut faults) } else { self.form(&mut faults) };
        if u32::from(start) + u32::from(form.registers) > 65_536 {
            faults.push(Fault::at(
                key,
                format!("{start} and {} registers, expected to end at 65535", form.registers),
            ));
        }
        faults.extend(self.counted(&form).err());
        if faults.is_empty() {
            Ok(Target::Known { table, start, form, request_max: None })
        } else {
            Err(faults)
        }
    }

    fn form_of_bit(&self, faults: &mut Vec<Fault>) -> Form {
        for (key, is) in [
            ("as", self.kind.is_some()),
            ("order", self.order.is_some()),
            ("length", self.length.is_some()),
            ("bit", self.bit.is_some()),
            ("bits", self.bits.is_some()),
            ("invalid", !self.invalid.is_empty()),
        ] {
            if is {
                faults
                    .push(Fault::at(key, "has no meaning for a coil or a discrete input, which is one bit"));
            }
        }
        let bits = Some((0, 0));
        Form { kind: As::Uint16, order: Order::ABCD, registers: 1, bits, invalid: Vec::new(), step: 1.0 }
    }

    fn form(&self, faults: &mut Vec<Fault>) -> Form {
        let kind = self.kind.unwrap_or_default();
        let order = self.order.unwrap_or_default();
        let registers = match (kind.registers(), self.length) {
            (Some(registers), None) => registers,
            (Some(registers), Some(_)) => {
                faults.push(Fault::at("length", format!("only a `string` has one, found `{}`", kind.word())));
                registers
            }
            (None, Some(length)) if (1..=REGISTERS_MAX).contains(&length) => length,
            (None, found) => {
                let found = found.map_or("none".to_owned(), |length| length.to_string());
                faults.push(Fault::at(
                    "length",
                    format!("expected 1 to {REGISTERS_MAX} registers, found {found}"),
                ));
                1
            }
        };
        if kind == As::String && matches!(order, Order::CDAB | Order::DCBA) {
            faults.push(Fault::at("order", "of a string, expected `ABCD` or `BADC`"));
        }
        let bits = self.bits_of(kind, registers, faults);
        Form { kind, order, registers, bits, invalid: self.invalid.clone(), step: 1.0 }
    }

    fn bits_of(&self, kind: As, registers: u16, faults: &mut Vec<Fault>) -> Option<(u8, u8)> {
        let (key, found) = match (self.bit, &self.bits) {
            (None, None) => return None,
            (Some(bit), None) => ("bit", Ok((bit, bit))),
            (None, Some(text)) => ("bits", bits(text)),
            (Some(_), Some(_)) => ("bits", Err("excludes `bit`".to_owned())),
        };
        let high_max = 16 * registers - 1;
        let checked = found.and_then(|(low, high)| {
            if kind == As::String || u16::from(high) > high_max {
                return Err(format!("expected at most bit {high_max} of a number, found {high}"));
            }
            Ok((low, high))
        });
        checked.map_err(|wrong| faults.push(Fault::at(key, wrong))).ok()
    }
}

impl Check for Address {
    fn check(&self) -> Vec<Fault> {
        let library = device::Library::built_in();
        // A device file of one's own is read when the source is made; `check` touches no file.
        if self.device.as_ref().is_some_and(|device| !library.knows(device)) {
            return Vec::new();
        }
        self.target(&library).err().unwrap_or_default()
    }
}
