//! Does a message come from somebody who knows the secret? Pure; compares in constant time.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use contract::Moment;
use contract::settings::SecretText;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::settings::Proof;

/// What is expected of a sender.
#[derive(Debug, Clone)]
pub struct Expected {
    /// How it shows that it knows the secret.
    pub proof: Proof,
    /// The secret.
    pub secret: SecretText,
    /// How old a signed time may be, in milliseconds.
    pub window_ms: i64,
}

/// What a message shows.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The header with the proof.
    pub proof: &'a str,
    /// The header with the time, if one is asked for.
    pub timestamp: Option<&'a str>,
    /// The message.
    pub body: &'a [u8],
}

impl Expected {
    /// Whether it may come to be believed, by its headers alone: the message itself is not looked at.
    pub fn may_believe(&self, shown: Shown<'_>, now: Moment) -> bool {
        match self.proof {
            Proof::Bearer => self.believes(shown, now),
            Proof::Signature => {
                let is_one = decode(shown.proof.trim()).is_some_and(|signature| signature.len() == 32);
                is_one && shown.timestamp.is_none_or(|time| self.is_recent(time, now))
            }
        }
    }

    /// Whether the message is to be believed, now.
    pub fn believes(&self, shown: Shown<'_>, now: Moment) -> bool {
        match self.proof {
            Proof::Bearer => {
                let token = shown.proof.strip_prefix("Bearer ").unwrap_or_default().trim();
                // Of equal length whatever was sent, so that nothing is learnt from how long it takes.
                self.mac(&[token.as_bytes()])
                    .verify_slice(&self.mac(&[self.secret.reveal().as_bytes()]).finalize().into_bytes())
                    .is_ok()
            }
            Proof::Signature => {
                let Some(signature) = decode(shown.proof.trim()) else { return false };
                match shown.timestamp {
                    None => self.mac(&[shown.body]).verify_slice(&signature).is_ok(),
                    Some(time) => {
                        let parts = [time.as_bytes(), b".", shown.body];
                        self.mac(&parts).verify_slice(&signature).is_ok() && self.is_recent(time, now)
                    }
                }
            }
        }
    }

    fn mac(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.reveal().as_bytes())
            .expect("a key of any length will do");
        parts.iter().for_each(|part| mac.update(part));
        mac
    }

    fn is_recent(&self, time: &str, now: Moment) -> bool {
        let at = match time.trim().parse::<i64>() {
            Ok(secs) => secs.checked_mul(1000),
            Err(_) => time.trim().parse::<Timestamp>().ok().map(|at| at.as_millisecond()),
        };
        at.and_then(|at| at.checked_sub(now.as_ms()))
            .is_some_and(|off| off.saturating_abs() <= self.window_ms)
    }
}

/// Hexadecimal or base64, with or without the name of the algorithm before it.
fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_prefix("sha256=").unwrap_or(text);
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let pairs = text.as_bytes().chunks(2);
        return pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    }
    BASE64_STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(proof: Proof) -> Expected {
        Expected { proof, secret: SecretText::new("Jefe"), window_ms: 300_000 }
    }

    /// RFC 4231, test case 2.
    const BODY: &[u8] = b"what do ya want for nothing?";
    const HEX: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

    #[test]
    fn a_signature_of_the_standard_is_believed_and_no_other() {
        let believes = |proof: &str, body: &[u8]| {
            expected(Proof::Signature).believes(Shown { proof, timestamp: None, body }, Moment::from_ms(0))
        };
        assert!(believes(HEX, BODY));
        assert!(believes(&format!("sha256={HEX}"), BODY));
        assert!(believes("W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=", BODY));
        assert!(!believes(HEX, b"what do ya want for something?"));
        for wrong in ["", "sha256=", &HEX[1..], "zz", &HEX.replace('5', "6"), "é"] {
            assert!(!believes(wrong, BODY), "{wrong}");
        }
    }

    #[test]
    fn what_could_never_be_believed_is_seen_without_the_message() {
        let may = |expected: &Expected, proof: &str, timestamp| {
            expected.may_believe(Shown { proof, timestamp, body: b"" }, Moment::from_ms(1_795_510_800_000))
        };
        let signed = expected(Proof::Signature);
        let recent = Some("1795510800");
        assert!(may(&signed, HEX, None) && may(&signed, &HEX.replace('5', "6"), recent));
        assert!(
            !may(&signed, "", None) && !may(&signed, "Jefe", None) && !may(&signed, HEX, Some("1795510000"))
        );
        let bearer = expected(Proof::Bearer);
        assert!(may(&bearer, "Bearer Jefe", None) && !may(&bearer, "Bearer Jeff", None));
        assert!(!format!("{signed:?}").contains("Jefe"));
    }

    #[test]
    fn an_old_message_is_not_believed_twice() {
        let expected = expected(Proof::Signature);
        let time = "1795510800";
        let mac = expected.mac(&[time.as_bytes(), b".", BODY]).finalize().into_bytes();
        let proof = BASE64_STANDARD.encode(mac);
        let at = |ms| {
            expected.believes(Shown { proof: &proof, timestamp: Some(time), body: BODY }, Moment::from_ms(ms))
        };
        assert!(at(1_795_510_800_000) && at(1_795_511_100_000) && at(1_795_510_500_000));
        assert!(!at(1_795_511_100_001) && !at(1_795_510_499_999) && !at(i64::MIN));
        let other = Shown { proof: &proof, timestamp: Some("1795510801"), body: BODY };
        assert!(!expected.believes(other, Moment::from_ms(1_795_510_800_000)));
    }

    #[test]
    fn a_bearer_is_the_secret_itself() {
        let believes = |proof: &str| {
            expected(Proof::Bearer).believes(Shown { proof, timestamp: None, body: b"" }, Moment::from_ms(0))
        };
        assert!(believes("Bearer Jefe"));
        for wrong in ["", "Bearer ", "Jefe", "Bearer Jef", "Bearer Jefee", "bearer Jefe", "Basic Jefe"] {
            assert!(!believes(wrong), "{wrong}");
        }
    }
}
