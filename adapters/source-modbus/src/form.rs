//! What the bytes of registers mean: type, order of bytes and words, bits, what the device calls invalid. Pure.

use contract::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// The type of a value in registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum As {
    /// One register, with a sign.
    Int16,
    /// One register, without a sign.
    #[default]
    Uint16,
    /// Two registers, with a sign.
    Int32,
    /// Two registers, without a sign.
    Uint32,
    /// Four registers, with a sign. Beyond 2^53 the last digits are lost.
    Int64,
    /// Four registers, without a sign. Beyond 2^53 the last digits are lost.
    Uint64,
    /// Two registers, IEEE 754 single precision.
    Float32,
    /// Four registers, IEEE 754 double precision.
    Float64,
    /// One register of four decimal digits.
    Bcd16,
    /// Two registers of eight decimal digits.
    Bcd32,
    /// Four registers of sixteen decimal digits.
    Bcd64,
    /// `length` registers of two characters each.
    String,
}

impl As {
    /// Every type of a fixed length, for `probe`.
    pub const NUMBERS: [As; 11] = [
        As::Int16,
        As::Uint16,
        As::Int32,
        As::Uint32,
        As::Int64,
        As::Uint64,
        As::Float32,
        As::Float64,
        As::Bcd16,
        As::Bcd32,
        As::Bcd64,
    ];

    /// How many registers it takes; `None` for text, which says so itself.
    pub const fn registers(self) -> Option<u16> {
        match self {
            As::Int16 | As::Uint16 | As::Bcd16 => Some(1),
            As::Int32 | As::Uint32 | As::Float32 | As::Bcd32 => Some(2),
            As::Int64 | As::Uint64 | As::Float64 | As::Bcd64 => Some(4),
            As::String => None,
        }
    }

    /// The word in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            As::Int16 => "int16",
            As::Uint16 => "uint16",
            As::Int32 => "int32",
            As::Uint32 => "uint32",
            As::Int64 => "int64",
            As::Uint64 => "uint64",
            As::Float32 => "float32",
            As::Float64 => "float64",
            As::Bcd16 => "bcd16",
            As::Bcd32 => "bcd32",
            As::Bcd64 => "bcd64",
            As::String => "string",
        }
    }

    /// A whole number without a sign: what a counter can be.
    pub const fn is_unsigned(self) -> bool {
        matches!(self, As::Uint16 | As::Uint32 | As::Uint64)
    }
}

/// In which order the bytes of a value are on the wire; A is the most significant of four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
pub enum Order {
    /// As the specification writes it: high word first, high byte first.
    #[default]
    ABCD,
    /// Low word first, high byte first ("word swap").
    CDAB,
    /// High word first, low byte first ("byte swap").
    BADC,
    /// Low word first, low byte first ("little endian").
    DCBA,
}

impl Order {
    /// All four.
    pub const ALL: [Order; 4] = [Order::ABCD, Order::CDAB, Order::BADC, Order::DCBA];

    const fn swaps_words(self) -> bool {
        matches!(self, Order::CDAB | Order::DCBA)
    }

    const fn swaps_bytes(self) -> bool {
        matches!(self, Order::BADC | Order::DCBA)
    }

    /// The word in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Order::ABCD => "ABCD",
            Order::CDAB => "CDAB",
            Order::BADC => "BADC",
            Order::DCBA => "DCBA",
        }
    }

    /// The bytes with the most significant first. Its own inverse.
    pub fn arrange(self, bytes: &[u8]) -> Vec<u8> {
        let mut words: Vec<[u8; 2]> = bytes.chunks_exact(2).map(|word| [word[0], word[1]]).collect();
        if self.swaps_words() {
            words.reverse();
        }
        if self.swaps_bytes() {
            words.iter_mut().for_each(|word| word.reverse());
        }
        words.concat()
    }
}

/// How to read a value out of its registers.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// The type.
    pub kind: As,
    /// The order of its bytes.
    pub order: Order,
    /// How many registers.
    pub registers: u16,
    /// The lowest and the highest bit to take, 0 being the least significant of the value.
    pub bits: Option<(u8, u8)>,
    /// Raw values by which the device says that it has none.
    pub invalid: Vec<i64>,
    /// What one step is worth: 0.1 where a register of 2301 means 230.1. Of a device file alone.
    pub step: f64,
}

impl Form {
    /// Reads the bytes of its registers.
    ///
    /// # Errors
    /// Why there is no value: what was found.
    pub fn read(&self, bytes: &[u8]) -> Result<Value, String> {
        let bytes = self.order.arrange(bytes);
        if self.kind == As::String {
            return Ok(Value::Text(text(&bytes).into()));
        }
        let raw = whole(&bytes);
        let width = 8 * bytes.len() as u32;
        if self.invalid.iter().any(|invalid| *invalid as u64 & mask(width) == raw) {
            return Err(format!("0x{raw:0digits$X}: the device has no value", digits = 2 * bytes.len()));
        }
        match self.bits {
            Some((low, high)) if low == high => Ok(Value::Flag(raw >> low & 1 == 1)),
            Some((low, high)) => Ok(Value::Number((raw >> low & mask(u32::from(high - low) + 1)) as f64)),
            None => number(self.kind, raw, width).map(|number| Value::Number(times(number, self.step))),
        }
    }

    /// The registers as one whole number without a sign, for a counter.
    ///
    /// # Errors
    /// Why there is no value: what was found.
    pub fn count(&self, bytes: &[u8]) -> Result<u64, String> {
        self.read(bytes)?;
        Ok(whole(&self.order.arrange(bytes)))
    }
}

/// So many ones.
const fn mask(width: u32) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

/// At most eight bytes as a number, the most significant first.
fn whole(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// A number of this type out of its bits.
fn number(kind: As, raw: u64, width: u32) -> Result<f64, String> {
    let number = match kind {
        As::Uint16 | As::Uint32 | As::Uint64 => raw as f64,
        As::Int16 => f64::from(raw as u16 as i16),
        As::Int32 => f64::from(raw as u32 as i32),
        As::Int64 => raw as i64 as f64,
        As::Float32 => f64::from(f32::from_bits(raw as u32)),
        As::Float64 => f64::from_bits(raw),
        As::Bcd16 | As::Bcd32 | As::Bcd64 => return bcd(raw, width),
        As::String => return Err("text, expected a number".to_owned()),
    };
    if number.is_finite() { Ok(number) } else { Err(format!("{number}: the device has no value")) }
}

fn bcd(raw: u64, width: u32) -> Result<f64, String> {
    let digits = (0..width / 4).rev().map(|place| raw >> (4 * place) & 0xF);
    digits
        .map(|digit| if digit <= 9 { Ok(digit) } else { Err(()) })
        .try_fold(0, |sum: u64, digit| digit.map(|digit| sum * 10 + digit))
        .map(|number| number as f64)
        .map_err(|()| format!("0x{raw:0digits$X}, expected decimal digits", digits = width as usize / 4))
}

/// Times a step, so that 2301 times 0.1 is 230.1: a step of one part in a whole number divides.
pub fn times(number: f64, step: f64) -> f64 {
    let parts = (1.0 / step).round();
    if step.abs() < 1.0 && (parts * step - 1.0).abs() < 1e-12 { number / parts } else { number * step }
}

/// Text up to its first zero, without blanks at its end. Bytes above ASCII are UTF-8, or else Latin-1.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let text = match std::str::from_utf8(&bytes[..end]) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes[..end].iter().map(|byte| char::from(*byte)).collect(),
    };
    text.trim().chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
#[path = "form/tests.rs"]
mod tests;
