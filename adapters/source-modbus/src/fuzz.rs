//! Doors of the fuzzer: any bytes into the decoders. They panic only when an invariant is broken.

use std::sync::Mutex;

use contract::{Quality, TagId, Value};

use crate::address::Target;
use crate::device::Device;
use crate::form::{As, Form, Order};
use crate::frame::{self, Framing, Step};
use crate::harvest::Harvest;
use crate::pdu::{Answer, Request, Table};
use crate::plan::{Field, Group};
use crate::sunspec::{self, Found, Link};

/// A frame after a question: the first bytes choose the question, the rest came from the line. Cut anywhere, a good
/// frame must have waited for the rest; what is taken as data is as long as what was asked for.
pub fn frame(bytes: &[u8]) {
    let [kind, unit, start_high, start_low, count, rest @ ..] = bytes else { return };
    let table = [Table::Coil, Table::Discrete, Table::Holding, Table::Input][usize::from(kind & 3)];
    let framing = if kind & 4 == 0 { Framing::Tcp } else { Framing::Rtu };
    let start = u16::from_be_bytes([*start_high, *start_low]);
    let Ok(request) = Request::new(*unit, table, start, u16::from(*count)) else { return };
    let transaction = u16::from(*kind);
    let Step::Whole(answer) = frame::decode(framing, transaction, &request, rest) else { return };
    for end in 0..rest.len() {
        assert_eq!(frame::decode(framing, transaction, &request, &rest[..end]), Step::More);
    }
    if let Answer::Data(data) = answer {
        assert_eq!(data.len(), request.data_len());
        harvest(request, &data);
    }
}

/// Whatever the registers hold, each field gives one sample, and a good number is finite.
fn harvest(request: Request, data: &[u8]) {
    let mut fields = Vec::new();
    for kind in As::NUMBERS {
        for order in Order::ALL {
            let registers = if request.table().is_bits() { 1 } else { kind.registers().unwrap_or(1) };
            if registers > request.count() {
                continue;
            }
            let bits = request.table().is_bits().then_some((0, 0));
            let form = Form { kind, order, registers, bits, invalid: vec![0x8000], step: 0.1 };
            let factor = (!request.table().is_bits()).then_some(request.start());
            fields.push(Field { tag: 0, table: request.table(), start: request.start(), form, factor });
        }
    }
    let group = Group { request, fields: (0..fields.len()).collect() };
    let mut harvest = Harvest::default();
    harvest.good(&group, &fields, &[TagId(0)], data, &Mutex::new(Vec::new()));
    let samples: Vec<_> = harvest.take().into_iter().flat_map(|batch| batch.samples).collect();
    assert_eq!(samples.len(), fields.len());
    for sample in samples {
        if let (Value::Number(number), Quality::Good) = (&sample.value, &sample.quality) {
            assert!(number.is_finite(), "{number}");
        }
    }
}

/// A device file. What is taken leads only to places that a request can bring.
pub fn device(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(device) = Device::parse(text) else { return };
    for point in device.point.keys() {
        let Ok(Target::Known { table, start, form, .. }) = device.target(point) else {
            panic!("a point that was taken leads nowhere")
        };
        assert!(Request::new(1, table, start, form.registers).is_ok());
    }
}

/// The chain of models of a SunSpec device: it ends.
pub fn sunspec(bytes: &[u8]) {
    let (mut at, mut found) = (2, Vec::<Found>::new());
    for pair in bytes.chunks_exact(4) {
        match sunspec::link(at, pair) {
            Ok(Link::Model(model, next)) => {
                assert!(next > at, "the chain goes forward");
                found.push(model);
                at = next;
            }
            Ok(Link::End) | Err(_) => break,
        }
    }
    for name in ["1/Mn", "103/W", "160/module/100/DCW", "203/TotWhImp"] {
        if let Ok(field) = sunspec::field(0, name, &found) {
            assert!(field.span().1 <= 65_536);
        }
    }
    if let [a, b, ..] = bytes {
        assert!(sunspec::factor([*a, *b]).is_ok_and(f64::is_finite) || sunspec::factor([*a, *b]).is_err());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            super::frame(&bytes);
            super::device(&bytes);
            super::sunspec(&bytes);
        }

        /// Good frames, cut and changed at one place.
        #[test]
        fn nearly_good_frames_are_taken(kind in 0_u8..8, count in 1_u8..=60, data: u64, at: usize, byte: u8) {
            let answer = [kind % 4 + 1, if kind % 4 < 2 { count.div_ceil(8) } else { 2 * count }];
            let data: Vec<u8> = data.to_be_bytes().into_iter().cycle().take(usize::from(answer[1])).collect();
            let mut frame = if kind & 4 == 0 {
                vec![0, kind, 0, 0, 0, data.len() as u8 + 3, 9]
            } else {
                vec![9]
            };
            frame.extend(answer.iter().chain(&data));
            if kind & 4 != 0 {
                let sum = crate::frame::crc(&frame);
                frame.extend(sum.to_le_bytes());
            }
            let question = [kind, 9, 0, 7, count];
            super::frame(&[&question[..], &frame].concat());
            let at = at % frame.len();
            frame[at] = byte;
            super::frame(&[&question[..], &frame].concat());
        }
    }
}
