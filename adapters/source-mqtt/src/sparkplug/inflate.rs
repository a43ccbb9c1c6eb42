//! The envelope of a compressed payload, as Tahu writes it: `uuid` says so, a metric names the algorithm, the body
//! holds the real payload. The specification does not know it; the libraries do.

use miniz_oxide::inflate::{decompress_to_vec_with_limit, decompress_to_vec_zlib_with_limit};

use super::proto::{Payload, Scalar};

/// What `uuid` says of a compressed payload.
const COMPRESSED: &str = "SPBV1.0_COMPRESSED";
/// The largest payload that is unpacked: four times the packet limit.
pub const INFLATED_MAX: usize = 4 << 20;

/// The bytes of the real payload, if this is an envelope.
///
/// # Errors
/// What was found and what is expected.
pub fn open(envelope: &Payload<'_>) -> Result<Option<Vec<u8>>, String> {
    if envelope.head.uuid.as_deref() != Some(COMPRESSED) {
        return Ok(None);
    }
    let body = envelope.body.ok_or("found a compressed payload without a body")?;
    let algorithm = envelope.metrics().find_map(|metric| match metric {
        Ok(metric) if metric.name.as_deref() == Some("algorithm") => metric.value,
        Ok(_) | Err(_) => None,
    });
    let unpacked = match algorithm {
        None => decompress_to_vec_zlib_with_limit(body, INFLATED_MAX),
        Some(Scalar::Text(name)) if name == "DEFLATE" => {
            decompress_to_vec_zlib_with_limit(body, INFLATED_MAX)
        }
        Some(Scalar::Text(name)) if name == "GZIP" => {
            let packed = gzip(body).ok_or("found a body that is not GZIP, though it says so")?;
            decompress_to_vec_with_limit(packed, INFLATED_MAX)
        }
        Some(_) => return Err("found an unknown compression, expected GZIP or DEFLATE".to_owned()),
    };
    unpacked.map(Some).map_err(|error| {
        format!(
            "found a compressed payload that cannot be unpacked into {INFLATED_MAX} bytes: {}",
            error.status as i8
        )
    })
}

/// What is packed, after the head of RFC 1952. The eight bytes behind it are not looked at: the unpacked payload is
/// checked by its own form.
fn gzip(body: &[u8]) -> Option<&[u8]> {
    let [0x1F, 0x8B, 8, flags, _, _, _, _, _, _, rest @ ..] = body else { return None };
    let mut rest = rest;
    if flags & 4 != 0 {
        let (&[low, high], after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes([low, high]))..)?;
    }
    // A name, then a comment, each up to a zero.
    for flag in [8, 16] {
        if flags & flag != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = rest.get(end + 1..)?;
        }
    }
    if flags & 2 != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};

    use super::super::proto::{Head, Metric, write};
    use super::*;

    fn envelope(algorithm: &str, body: &[u8]) -> Vec<u8> {
        let head = Head { uuid: Some(COMPRESSED.to_owned()), ..Head::default() };
        let metric = Metric {
            name: Some("algorithm".to_owned()),
            value: Some(Scalar::Text(algorithm.to_owned())),
            ..Metric::default()
        };
        let mut bytes = write(&head, &[metric]);
        bytes.push(5 << 3 | 2);
        prost::encode_length_delimiter(body.len(), &mut bytes).expect("room");
        bytes.extend(body);
        bytes
    }

    fn opened(algorithm: &str, body: &[u8]) -> Result<Option<Vec<u8>>, String> {
        open(&Payload::read(&envelope(algorithm, body)).expect("a payload"))
    }

    #[test]
    fn both_algorithms_are_unpacked() {
        let deflated = compress_to_vec(b"payload", 6);
        assert_eq!(opened("DEFLATE", &compress_to_vec_zlib(b"payload", 6)), Ok(Some(b"payload".to_vec())));
        let plain = [&[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3][..], &deflated, &[0; 8]].concat();
        assert_eq!(opened("GZIP", &plain), Ok(Some(b"payload".to_vec())));
        let named =
            [&[0x1F, 0x8B, 8, 4 | 8 | 2, 0, 0, 0, 0, 0, 3, 1, 0, 9, b'n', 0, 1, 2][..], &deflated].concat();
        assert_eq!(opened("GZIP", &named), Ok(Some(b"payload".to_vec())));
    }

    #[test]
    fn a_bomb_and_other_bodies_are_refused() {
        let bomb = compress_to_vec_zlib(&vec![0; INFLATED_MAX + 1], 9);
        assert!(bomb.len() < 10_000 && opened("DEFLATE", &bomb).is_err());
        assert!(
            opened("GZIP", b"no").is_err()
                && opened("LZ4", b"no").is_err()
                && opened("DEFLATE", b"no").is_err()
        );
        assert_eq!(open(&Payload::read(b"").expect("an empty payload")), Ok(None));
    }
}
