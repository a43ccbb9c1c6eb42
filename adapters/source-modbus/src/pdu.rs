//! What is asked and what is answered, without the frame around it: the protocol data unit of the Modbus
//! Application Protocol Specification V1.1b3, section 6.
//!
//! Deliberately absent: every function but the four that read (1, 2, 3 and 4). No other number can be sent.

use schemars::JsonSchema;
use serde::Deserialize;

/// The most registers of one answer: 250 bytes (specification, 6.3).
pub const REGISTERS_MAX: u16 = 125;
/// The most coils or discrete inputs of one answer (specification, 6.1).
pub const BITS_MAX: u16 = 2_000;
/// The largest protocol data unit, in bytes (specification, 4.1).
pub const PDU_MAX: usize = 253;

/// One of the four tables of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Table {
    /// Coils: bits, function 1.
    Coil,
    /// Discrete inputs: bits, function 2.
    Discrete,
    /// Holding registers: words, function 3.
    Holding,
    /// Input registers: words, function 4.
    Input,
}

impl Table {
    /// The number of the function that reads it.
    pub const fn function(self) -> u8 {
        match self {
            Table::Coil => 1,
            Table::Discrete => 2,
            Table::Holding => 3,
            Table::Input => 4,
        }
    }

    /// It holds bits, not words.
    pub const fn is_bits(self) -> bool {
        matches!(self, Table::Coil | Table::Discrete)
    }

    /// The word in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Table::Coil => "coil",
            Table::Discrete => "discrete",
            Table::Holding => "holding",
            Table::Input => "input",
        }
    }
}

/// What is asked of a unit. Made by [`Request::new`] alone, so it never asks for more than the specification allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Request {
    unit: u8,
    table: Table,
    start: u16,
    count: u16,
}

impl Request {
    /// So many registers, or bits, from `start` (the address on the wire, from 0).
    ///
    /// # Errors
    /// The count is 0 or above the limit of one answer, or the last address is above 65,535.
    pub fn new(unit: u8, table: Table, start: u16, count: u16) -> Result<Request, String> {
        let max = if table.is_bits() { BITS_MAX } else { REGISTERS_MAX };
        if count == 0 || count > max {
            return Err(format!("asked for {count} at once, expected 1 to {max}"));
        }
        if u32::from(start) + u32::from(count) > 65_536 {
            return Err(format!("asked for {count} from {start}, expected to end at 65535"));
        }
        Ok(Request { unit, table, start, count })
    }

    /// Of which unit.
    pub const fn unit(&self) -> u8 {
        self.unit
    }

    /// Of which table.
    pub const fn table(&self) -> Table {
        self.table
    }

    /// The first address.
    pub const fn start(&self) -> u16 {
        self.start
    }

    /// How many registers or bits.
    #[cfg(any(test, feature = "fuzz"))]
    pub const fn count(&self) -> u16 {
        self.count
    }

    /// The protocol data unit: function, start, count.
    pub fn pdu(&self) -> [u8; 5] {
        let [start_high, start_low] = self.start.to_be_bytes();
        let [count_high, count_low] = self.count.to_be_bytes();
        [self.table.function(), start_high, start_low, count_high, count_low]
    }

    /// How many data bytes a good answer has.
    pub fn data_len(&self) -> usize {
        let count = usize::from(self.count);
        if self.table.is_bits() { count.div_ceil(8) } else { 2 * count }
    }

    /// Reads an answer. Everything is compared with what was asked.
    ///
    /// # Errors
    /// What does not belong to this request: another function, another length.
    pub fn read(&self, pdu: &[u8]) -> Result<Answer, String> {
        let function = self.table.function();
        match pdu {
            [code, exception] if *code == function | 0x80 => Ok(Answer::Exception(Exception(*exception))),
            [code, len, data @ ..] if *code == function => {
                if usize::from(*len) != self.data_len() || data.len() != self.data_len() {
                    return Err(format!(
                        "an answer of {len} data bytes ({} came), expected {}",
                        data.len(),
                        self.data_len()
                    ));
                }
                Ok(Answer::Data(data.to_vec()))
            }
            [code, ..] => Err(format!("an answer to function {code}, expected {function}")),
            [] => Err("an empty answer".to_owned()),
        }
    }
}

impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Request { unit, table, start, count } = self;
        write!(f, "unit {unit} {} {start}", table.word())?;
        if *count > 1 { write!(f, " to {}", u32::from(*start) + u32::from(*count) - 1) } else { Ok(()) }
    }
}

/// What a unit said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The data bytes, as many as were asked for.
    Data(Vec<u8>),
    /// It will not, or cannot now.
    Exception(Exception),
}

/// The code of an exception (specification, section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Exception(pub u8);

impl Exception {
    /// It may be otherwise in a moment: acknowledge, busy, and the two of a gateway.
    pub const fn passes(self) -> bool {
        matches!(self.0, 5 | 6 | 10 | 11)
    }

    /// The gateway says that the unit did not answer.
    pub const fn is_silence(self) -> bool {
        self.0 == 11
    }
}

impl std::fmt::Display for Exception {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = match self.0 {
            1 => "illegal function",
            2 => "illegal data address",
            3 => "illegal data value",
            4 => "server device failure",
            5 => "acknowledge, not ready yet",
            6 => "server device busy",
            8 => "memory parity error",
            10 => "gateway path unavailable",
            11 => "gateway target device failed to respond",
            _ => "a code of the maker",
        };
        write!(f, "exception {}: {words}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(count: u16) -> Request {
        Request::new(3, Table::Holding, 107, count).unwrap()
    }

    /// The example of the specification, 6.3: registers 108 to 110 hold 0x022B, 0x0000, 0x0064.
    #[test]
    fn the_example_of_the_specification() {
        assert_eq!(ask(3).pdu(), [0x03, 0x00, 0x6B, 0x00, 0x03]);
        let answer = ask(3).read(&[0x03, 0x06, 0x02, 0x2B, 0x00, 0x00, 0x00, 0x64]);
        assert_eq!(answer, Ok(Answer::Data(vec![0x02, 0x2B, 0x00, 0x00, 0x00, 0x64])));
        let coils = Request::new(1, Table::Coil, 19, 19).unwrap();
        assert_eq!(coils.pdu(), [0x01, 0x00, 0x13, 0x00, 0x13]);
        assert_eq!(coils.data_len(), 3);
        let exception = coils.read(&[0x81, 0x02]);
        assert_eq!(exception, Ok(Answer::Exception(Exception(2))));
    }

    #[test]
    fn what_does_not_belong_to_the_request_is_refused() {
        for wrong in [
            &[][..],
            &[0x03],
            &[0x03, 0x04, 0, 0, 0, 0],
            &[0x03, 0x06, 0, 0, 0, 0],
            &[0x03, 0x06, 0, 0, 0, 0, 0, 0, 0],
            &[0x04, 0x06, 0, 0, 0, 0, 0, 0],
            &[0x84, 0x02],
            &[0x83],
        ] {
            assert!(ask(3).read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_request_never_asks_for_too_much() {
        for (table, start, count) in [
            (Table::Holding, 0, 0),
            (Table::Input, 0, 126),
            (Table::Coil, 0, 2_001),
            (Table::Holding, 65_535, 2),
        ] {
            assert!(Request::new(1, table, start, count).is_err(), "{table:?} {start} {count}");
        }
        assert!(Request::new(1, Table::Holding, 65_535, 1).is_ok());
    }
}
