//! As much of DER as it takes to find what was signed in a certificate. Pure; every length is checked.

/// `sha256WithRSAEncryption`, 1.2.840.113549.1.1.11.
const SHA256_RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B];
const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const OBJECT: u8 = 0x06;

/// What an issuer signed, and its signature.
#[derive(Debug, PartialEq, Eq)]
pub struct Signed<'a> {
    /// The bytes that were signed.
    pub body: &'a [u8],
    /// The signature, RSA with SHA-256.
    pub signature: &'a [u8],
}

/// The signed part of a certificate, if it is signed with RSA and SHA-256.
pub fn signed(certificate: &[u8]) -> Option<Signed<'_>> {
    let (outer, _) = element(certificate, SEQUENCE)?;
    let (_, after) = element(outer.content, SEQUENCE)?;
    let body = outer.content.get(..outer.content.len() - after.len())?;
    let (algorithm, after) = element(after, SEQUENCE)?;
    let (object, _) = element(algorithm.content, OBJECT)?;
    let (bits, _) = element(after, BIT_STRING)?;
    let (unused, signature) = bits.content.split_first()?;
    (object.content == SHA256_RSA && *unused == 0).then_some(Signed { body, signature })
}

/// How many bytes the first of several certificates has.
pub fn first_len(certificates: &[u8]) -> Option<usize> {
    let (_, after) = element(certificates, SEQUENCE)?;
    Some(certificates.len() - after.len())
}

/// True if every length within is one that the bytes hold. A reader of certificates asks for so much memory as a
/// length says, before it looks for the bytes: 17 of a stranger's could ask for 150 MB.
pub fn is_whole(certificate: &[u8]) -> bool {
    let mut parts = vec![certificate];
    while let Some(mut rest) = parts.pop() {
        while let Some(&tag) = rest.first() {
            let Some((inner, after)) = element(rest, tag) else { return false };
            // Bit 6: made of further elements.
            if tag & 0x20 != 0 {
                parts.push(inner.content);
            }
            rest = after;
        }
    }
    true
}

struct Element<'a> {
    content: &'a [u8],
}

/// The element at the start, if it is of this kind, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(Element<'_>, &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        // No certificate needs more than four bytes to say its length.
        0x81..=0x84 => {
            let count = usize::from(first & 0x7F);
            let digits = rest.get(..count)?;
            let len = digits.iter().fold(0_usize, |len, digit| (len << 8) | usize::from(*digit));
            (len, &rest[count..])
        }
        _ => return None,
    };
    (found == tag && len <= rest.len()).then(|| {
        let (content, after) = rest.split_at(len);
        (Element { content }, after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_or_odd_certificate_is_nothing() {
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 0x05, 0x30],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
        ] {
            assert_eq!(signed(bytes), None);
        }
        // What a fuzzer found: a number of 150 MB within 17 bytes.
        let huge = [0x30, 0x0F, 0x30, 0x0D, 0x02, 0x84, 9, 0x25, 0x30, 4, 1, 0x82, 0x14, 0x0B, 4, 0, 0];
        assert!(!is_whole(&huge));
        assert!(is_whole(&[0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x07]));
        assert_eq!(first_len(&[0x30, 0x01, 0x00, 0x30]), Some(3));
    }
}
