//! The only two messages that are ever published: that this host is there, and a request for a birth certificate.
//!
//! [`state`] needs a [`Presence`], which only a primary host has; [`rebirth`] needs a topic that only a role that
//! may ask is given. Neither can name another topic, another metric or another value.
//!
//! Deliberately absent: a function that publishes anything else. `publish` is private to this file.

use tokio_util::bytes::{BufMut, BytesMut};

use super::node::REBIRTH;
use super::proto::{Head, Metric, Scalar, write};
use super::state::Presence;
use super::topic;
use crate::settings::Version;

/// The number of the one message at QoS 1: subscriptions count up from 1 and ends of them down from 65,535.
const STATE_ID: u16 = 60_000;
/// The datatype `Boolean`.
const BOOLEAN: u32 = 11;

/// Says that this host is online: at QoS 1, retained.
pub fn state(version: Version, presence: &Presence, out: &mut BytesMut) {
    let topic = topic::state(&presence.host);
    publish(version, 0x33, &topic, Some(STATE_ID), presence.payload(true).as_bytes(), out);
}

/// Asks an edge node for its birth certificate: at QoS 0, not retained, without a number.
pub fn rebirth(version: Version, topic: &str, now_ms: u64, out: &mut BytesMut) {
    let metric = Metric {
        name: Some(REBIRTH.to_owned()),
        timestamp: Some(now_ms),
        datatype: Some(BOOLEAN),
        value: Some(Scalar::Boolean(true)),
        ..Metric::default()
    };
    let head = Head { timestamp: Some(now_ms), ..Head::default() };
    publish(version, 0x30, topic, None, &write(&head, &[metric]), out);
}

fn publish(version: Version, first: u8, topic: &str, id: Option<u16>, payload: &[u8], out: &mut BytesMut) {
    let properties: &[u8] = match version {
        Version::V5 => &[0],
        Version::V311 => &[],
    };
    let length = 2 + topic.len() + id.map_or(0, |_| 2) + properties.len() + payload.len();
    out.put_u8(first);
    let mut left = length;
    loop {
        let byte = (left % 128) as u8;
        left /= 128;
        out.put_u8(if left > 0 { byte | 0x80 } else { byte });
        if left == 0 {
            break;
        }
    }
    // A group and a node have at most 1000 bytes each, so the topic has a length of two bytes.
    out.put_u16(topic.len() as u16);
    out.put_slice(topic.as_bytes());
    if let Some(id) = id {
        out.put_u16(id);
    }
    out.put_slice(properties);
    out.put_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::super::proto::Payload;
    use super::*;
    use crate::wire::{self, Packet};

    /// tck-id-topics-ncmd-rebirth..., tck-id-payloads-ncmd-qos, -retain, -seq
    #[test]
    fn a_request_for_a_rebirth_is_what_the_specification_says() {
        for version in [Version::V5, Version::V311] {
            let mut out = BytesMut::new();
            rebirth(version, "spBv1.0/G/NCMD/E", 1_772_366_400_000, &mut out);
            let (len, body) = wire::head(&out).expect("a head").expect("whole");
            assert_eq!((len, out[0]), (out.len(), 0x30));
            let Packet::Publish(message) = wire::read(version, &out, body).expect("a packet") else {
                panic!("expected a message");
            };
            assert_eq!(message.topic, b"spBv1.0/G/NCMD/E");
            let payload = Payload::read(message.payload).expect("a payload");
            let metrics: Vec<Metric> = payload.metrics().flatten().collect();
            assert_eq!((payload.head.seq, metrics.len()), (None, 1));
            assert_eq!(metrics[0].name.as_deref(), Some("Node Control/Rebirth"));
            assert_eq!((metrics[0].datatype, &metrics[0].value), (Some(11), &Some(Scalar::Boolean(true))));
        }
    }

    /// tck-id-host-topic-phid-birth-topic, -qos, -retain
    #[test]
    fn the_state_is_retained_at_qos_1() {
        for version in [Version::V5, Version::V311] {
            let (mut out, mut presence) = (BytesMut::new(), Presence::new("h".to_owned()));
            presence.begin(5);
            state(version, &presence, &mut out);
            let (_, body) = wire::head(&out).expect("a head").expect("whole");
            let Packet::Publish(message) = wire::read(version, &out, body).expect("a packet") else {
                panic!("expected a message");
            };
            assert!(message.is_retained && message.qos == crate::settings::Qos::One);
            assert_eq!(message.topic, b"spBv1.0/STATE/h");
            assert_eq!(message.payload, br#"{"online":true,"timestamp":5}"#);
        }
    }
}
