//! What went wrong, for a person: which of the four next steps, and in which words.

use std::io;

use contract::{SourceError, clean};
use rustls::{AlertDescription, CertificateError, Error as TlsError};

use crate::settings::{Endpoint, Version};
use crate::wire::{Malformed, Welcome};

/// The steps of connecting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// TCP.
    Reaching,
    /// TLS.
    Securing,
    /// CONNECT sent.
    Greeting,
    /// SUBSCRIBE sent.
    Subscribing,
    /// Connected.
    Reading,
}

/// No answer in time.
pub fn late(stage: Stage, at: &Endpoint, secs: f64) -> SourceError {
    SourceError::Lost(match stage {
        Stage::Reaching => format!("{at} cannot be reached: no answer for {secs} s"),
        Stage::Securing => format!(
            "{at} takes the connection but not TLS, no answer for {secs} s; is it a plain port (`mqtt://`)?"
        ),
        Stage::Greeting => format!(
            "{at} takes the connection but does not greet, no answer for {secs} s; is it a TLS port (`mqtts://`), or does the broker hang?"
        ),
        Stage::Subscribing | Stage::Reading => {
            format!("{at} greets but does not answer our subscriptions for {secs} s")
        }
    })
}

/// The line broke.
pub fn broken(stage: Stage, at: &Endpoint, error: &io::Error) -> SourceError {
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
        return secure(at, tls);
    }
    let is_end = matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset);
    SourceError::Lost(match (stage, is_end) {
        (Stage::Reaching, _) => format!("{at} cannot be reached: {error}"),
        (Stage::Securing, true) => {
            format!("{at} closed the connection during TLS; is it a plain port (`mqtt://`)?")
        }
        (Stage::Greeting, true) => format!(
            "{at} closed the connection without an answer to our greeting; is it a TLS port (`mqtts://`), does it want a certificate, or does it not speak this version of MQTT?"
        ),
        (Stage::Subscribing | Stage::Reading, true) => format!("{at} closed the connection"),
        (_, false) => format!("the line to {at} broke: {error}"),
    })
}

fn secure(at: &Endpoint, error: &TlsError) -> SourceError {
    use AlertDescription as Alert;
    match error {
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer) => SourceError::LockedOut(format!(
            "the certificate of {at} is signed by none of the authorities we trust; see `ca`"
        )),
        TlsError::InvalidCertificate(wrong) => {
            SourceError::LockedOut(format!("the certificate of {at} is not good: {wrong}"))
        }
        TlsError::AlertReceived(
            alert @ (Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::HandshakeFailure),
        ) => SourceError::LockedOut(format!(
            "{at} does not take our certificate ({alert:?}); see `certificate` and `key`"
        )),
        TlsError::InvalidMessage(_) => {
            SourceError::Refused(format!("{at} does not speak TLS; is it a plain port (`mqtt://`)?"))
        }
        other => SourceError::Lost(format!("TLS with {at}: {other}")),
    }
}

/// The bytes are no MQTT.
pub fn malformed(stage: Stage, at: &Endpoint, Malformed(what): &Malformed) -> SourceError {
    let what = clean(what, 100);
    match stage {
        Stage::Subscribing | Stage::Reading => {
            SourceError::Lost(format!("{at} sent what is no MQTT: {what}"))
        }
        Stage::Reaching | Stage::Securing | Stage::Greeting => {
            SourceError::Refused(format!("what answers at {at} does not speak MQTT: {what}"))
        }
    }
}

/// The broker does not welcome us.
pub fn unwelcome(version: Version, at: &Endpoint, welcome: &Welcome) -> SourceError {
    let words = words(&welcome.reason);
    let code = welcome.code;
    match (welcome.is_old_form, code) {
        (true, 1) | (false, 0x84) => {
            let (ours, other) = match version {
                Version::V5 => ("5", "3.1.1"),
                Version::V311 => ("3.1.1", "5"),
            };
            SourceError::Refused(format!(
                "{at} does not speak MQTT {ours}{words}; try `version = \"{other}\"`"
            ))
        }
        (true, 2) | (false, 0x85) => {
            SourceError::Refused(format!("{at} does not take our `client_id`{words}"))
        }
        (true, 4) | (false, 0x86) => {
            SourceError::LockedOut(format!("{at} does not take our user or password{words}"))
        }
        (true, 5) | (false, 0x87) => SourceError::LockedOut(format!(
            "{at} says we are not authorised{words}; see `user`, `password` and the broker's rights"
        )),
        (false, 0x8A | 0x8C) => {
            SourceError::LockedOut(format!("{at} keeps us out, reason 0x{code:02X}{words}"))
        }
        (true, 3) | (false, 0x80 | 0x88 | 0x89 | 0x97 | 0x9F) => {
            SourceError::Lost(format!("{at} is not available now, reason 0x{code:02X}{words}"))
        }
        (false, 0x9C | 0x9D) => SourceError::Refused(format!("{at} sends us to another server{words}")),
        _ => SourceError::Refused(format!("{at} refuses us, reason 0x{code:02X}{words}")),
    }
}

/// The broker does not grant a subscription.
pub fn ungranted(at: &Endpoint, filter: &str, code: u8) -> SourceError {
    let topic = clean(filter, 100);
    match code {
        0x87 => SourceError::LockedOut(format!("{at} does not let us read topic `{topic}`: not authorised")),
        // All that MQTT 3.1.1 can say; nearly always a right.
        0x80 => SourceError::LockedOut(format!(
            "{at} does not let us read topic `{topic}` and does not say why; see the broker's rights"
        )),
        0x97 => SourceError::Lost(format!("{at} does not grant topic `{topic}` now: quota exceeded")),
        0x9E => SourceError::Refused(format!("{at} knows no shared subscriptions; take `share` out")),
        0xA2 => SourceError::Refused(format!("{at} knows no `+` and `#`, found in topic `{topic}`")),
        code => SourceError::Refused(format!("{at} refuses topic `{topic}`, reason 0x{code:02X}")),
    }
}

/// The broker ended the connection and said why (MQTT 5).
pub fn goodbye(at: &Endpoint, code: u8, reason: &str) -> SourceError {
    let words = words(reason);
    match code {
        0x87 => SourceError::LockedOut(format!("{at} took our right away{words}")),
        0x8E => SourceError::Lost(format!(
            "another client with our `client_id` connected to {at} and took the session over{words}"
        )),
        0x8B => SourceError::Lost(format!("{at} is shutting down{words}")),
        code => SourceError::Lost(format!("{at} ended the connection, reason 0x{code:02X}{words}")),
    }
}

fn words(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(" ({})", clean(reason, 100)) }
}
