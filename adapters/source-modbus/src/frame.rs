//! The frame around a protocol data unit: MBAP of Modbus TCP, or unit and checksum of RTU. Pure: bytes in, a step out.

use crate::pdu::{Answer, PDU_MAX, Request};

/// How bytes are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Modbus TCP: transaction, protocol, length, unit.
    Tcp,
    /// RTU: unit, then a checksum of two bytes.
    Rtu,
}

/// What the bytes so far are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Not yet a whole frame.
    More,
    /// The answer to the request.
    Whole(Answer),
    /// Nothing that may follow this request.
    Wrong(Wrong),
}

/// Bytes that are no answer to the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What was found, what was expected.
    pub words: String,
    /// The unit has answered, its frame was damaged: no other answer is on its way.
    pub is_answered: bool,
}

fn wrong(words: String) -> Step {
    Step::Wrong(Wrong { words, is_answered: false })
}

/// A request as bytes.
pub fn encode(framing: Framing, transaction: u16, request: &Request) -> Vec<u8> {
    let pdu = request.pdu();
    match framing {
        Framing::Tcp => {
            let mut frame = Vec::with_capacity(12);
            frame.extend(transaction.to_be_bytes());
            frame.extend([0, 0]);
            frame.extend((pdu.len() as u16 + 1).to_be_bytes());
            frame.push(request.unit());
            frame.extend(pdu);
            frame
        }
        Framing::Rtu => {
            let mut frame = vec![request.unit()];
            frame.extend(pdu);
            frame.extend(crc(&frame).to_le_bytes());
            frame
        }
    }
}

/// Looks at all bytes that came since the request.
pub fn decode(framing: Framing, transaction: u16, request: &Request, bytes: &[u8]) -> Step {
    match framing {
        Framing::Tcp => decode_tcp(transaction, request, bytes),
        Framing::Rtu => decode_rtu(request, bytes),
    }
}

fn decode_tcp(transaction: u16, request: &Request, bytes: &[u8]) -> Step {
    let [t_high, t_low, p_high, p_low, l_high, l_low, unit, rest @ ..] = bytes else { return Step::More };
    let found = u16::from_be_bytes([*t_high, *t_low]);
    if found != transaction {
        return wrong(format!("an answer to transaction {found}, expected {transaction}"));
    }
    let protocol = u16::from_be_bytes([*p_high, *p_low]);
    if protocol != 0 {
        return wrong(format!("protocol {protocol}, expected 0 (Modbus)"));
    }
    let len = usize::from(u16::from_be_bytes([*l_high, *l_low]));
    if !(3..=PDU_MAX + 1).contains(&len) {
        return wrong(format!("a frame of {len} bytes, expected 3 to {}", PDU_MAX + 1));
    }
    if *unit != request.unit() {
        return wrong(format!("an answer of unit {unit}, expected unit {}", request.unit()));
    }
    match rest.len().cmp(&(len - 1)) {
        std::cmp::Ordering::Less => Step::More,
        std::cmp::Ordering::Greater => wrong(format!("{} bytes after the answer", rest.len() + 1 - len)),
        std::cmp::Ordering::Equal => request.read(rest).map_or_else(wrong, Step::Whole),
    }
}

fn decode_rtu(request: &Request, bytes: &[u8]) -> Step {
    let [unit, code, length, ..] = bytes else { return Step::More };
    if *unit != request.unit() {
        return wrong(format!("an answer of unit {unit}, expected unit {}", request.unit()));
    }
    // Unit, function, what follows, checksum. The length is that of the request: a longer frame is another's.
    let function = request.table().function();
    let len = if *code == function | 0x80 {
        5
    } else if *code == function && usize::from(*length) == request.data_len() {
        request.data_len() + 5
    } else {
        return wrong(format!(
            "function {code} and {length} bytes, expected function {function} and {}",
            request.data_len()
        ));
    };
    if bytes.len() < len {
        return Step::More;
    }
    if bytes.len() > len {
        return wrong(format!("{} bytes after the answer", bytes.len() - len));
    }
    let (body, sum) = bytes.split_at(len - 2);
    let (found, expected) = (u16::from_le_bytes([sum[0], sum[1]]), crc(body));
    if found != expected {
        let words = format!("checksum {found:04X}, expected {expected:04X}");
        return Step::Wrong(Wrong { words, is_answered: true });
    }
    request.read(&body[1..]).map_or_else(wrong, Step::Whole)
}

/// The checksum of RTU: CRC-16 with the polynomial 0xA001, from 0xFFFF (Modbus over Serial Line V1.02, 6.2.2).
pub fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |sum, byte| {
        (0..8)
            .fold(sum ^ u16::from(*byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xA001 } else { sum >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::{Exception, Table};

    fn ask() -> Request {
        Request::new(1, Table::Input, 0, 2).unwrap()
    }

    /// The frames of the SDM630 manual: volts of phase 1, 230.2 as 43 66 33 34.
    #[test]
    fn the_frames_of_a_manual() {
        assert_eq!(
            encode(Framing::Rtu, 0, &ask()),
            [0x01, 0x04, 0x00, 0x00, 0x00, 0x02, 0x71, 0xCB],
            "SDM630 Modbus protocol, 1.1.1"
        );
        let answer = [0x01, 0x04, 0x04, 0x43, 0x66, 0x33, 0x34, 0x1B, 0x38];
        let whole = Step::Whole(Answer::Data(vec![0x43, 0x66, 0x33, 0x34]));
        assert_eq!(decode(Framing::Rtu, 0, &ask(), &answer), whole);
        let tcp = [0x00, 0x07, 0, 0, 0, 7, 1, 4, 4, 0x43, 0x66, 0x33, 0x34];
        assert_eq!(decode(Framing::Tcp, 7, &ask(), &tcp), whole);
        assert_eq!(encode(Framing::Tcp, 7, &ask()), [0, 7, 0, 0, 0, 6, 1, 4, 0, 0, 0, 2]);
    }

    #[test]
    fn every_piece_of_a_frame_waits_for_the_rest() {
        let answer = [0x01, 0x04, 0x04, 0x43, 0x66, 0x33, 0x34, 0x1B, 0x38];
        for end in 0..answer.len() {
            assert_eq!(decode(Framing::Rtu, 0, &ask(), &answer[..end]), Step::More, "{end}");
        }
        let exception = [0x01, 0x84, 0x02, 0xC2, 0xC1];
        assert_eq!(decode(Framing::Rtu, 0, &ask(), &exception), Step::Whole(Answer::Exception(Exception(2))));
    }

    #[test]
    fn a_stranger_s_answer_is_wrong() {
        let is_wrong =
            |framing, bytes: &[u8]| matches!(decode(framing, 7, &ask(), bytes), Step::Wrong(Wrong { .. }));
        for bytes in [
            // Another transaction, protocol, length, unit, function; and one byte too many.
            &[0, 8, 0, 0, 0, 7, 1, 4, 4, 0, 0, 0, 0][..],
            &[0, 7, 0, 1, 0, 7, 1, 4, 4, 0, 0, 0, 0],
            &[0, 7, 0, 0, 0, 2, 1],
            &[0, 7, 0, 0, 1, 0, 1],
            &[0, 7, 0, 0, 0, 7, 2, 4, 4, 0, 0, 0, 0],
            &[0, 7, 0, 0, 0, 7, 1, 3, 4, 0, 0, 0, 0],
            &[0, 7, 0, 0, 0, 7, 1, 4, 4, 0, 0, 0, 0, 0],
            &[0, 7, 0, 0, 0, 5, 1, 4, 2, 0, 0],
        ] {
            assert!(is_wrong(Framing::Tcp, bytes), "{bytes:?}");
        }
        for bytes in [
            &[2, 4, 4][..],
            &[1, 3, 4],
            &[1, 4, 6],
            &[1, 4, 4, 0x43, 0x66, 0x33, 0x34, 0x1B, 0x39],
            &[1, 4, 4, 0x43, 0x66, 0x33, 0x34, 0x1B, 0x38, 0],
        ] {
            assert!(is_wrong(Framing::Rtu, bytes), "{bytes:?}");
        }
    }
}
