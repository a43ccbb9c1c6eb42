//! The packets of MQTT, both versions. The only file that names the crates behind them.
//!
//! Control packets are rare and are left to the codec of `rumqttc`; what comes with every value (PUBLISH and its
//! acknowledgements) is the same in both versions but for a length, and is read in place.
//!
//! Deliberately absent: PUBLISH on the way out; the two messages that there are stand in `sparkplug::say`.

use rumqttc_v4::mqttbytes::v4;
use rumqttc_v5::mqttbytes::v5;
use tokio_util::bytes::{BufMut, BytesMut};

use crate::settings::{Qos, Version};

/// How many messages a broker may have on the way to us before we settle: two batches.
const RECEIVE_MAX: u16 = 1024;

/// Who we are, for the broker.
#[derive(Debug, Clone)]
pub struct Greeting {
    /// The version to speak.
    pub version: Version,
    /// The name of the session.
    pub client_id: String,
    /// The user, if any.
    pub user: Option<String>,
    /// The password, if any.
    pub password: Option<contract::settings::SecretText>,
    /// In seconds.
    pub keep_alive: u16,
    /// In seconds; zero for no session.
    pub session_expiry: u32,
    /// What the broker says for us when the line is gone: that a primary host of Sparkplug B is offline.
    pub will: Option<Will>,
}

/// Said by the broker when the line is gone: at QoS 1, retained.
#[derive(Debug, Clone)]
pub struct Will {
    /// Where.
    pub topic: String,
    /// What.
    pub payload: String,
}

/// What the broker answered to our greeting.
#[derive(Debug, Clone, Default)]
pub struct Welcome {
    /// Zero for welcome; else the reason code of the version that `is_old_form` tells.
    pub code: u8,
    /// The answer has the form of MQTT 3.1.1.
    pub is_old_form: bool,
    /// The broker knew our session.
    pub session_present: bool,
    /// The keep-alive that the broker wants instead.
    pub keep_alive: Option<u16>,
    /// More words of the broker.
    pub reason: String,
}

/// A packet from the broker.
#[derive(Debug)]
pub enum Packet<'a> {
    /// The answer to our greeting.
    Welcome(Welcome),
    /// A value.
    Publish(Publish<'a>),
    /// The broker has read that a QoS 2 message is safe with us.
    Release(u16),
    /// The answer to subscriptions: one code each, from 0x80 up a refusal.
    Subscribed(u16, Vec<u8>),
    /// The answer to the one message that we publish at QoS 1: from 0x80 up a refusal.
    Taken(u8),
    /// The broker ends the connection: reason code and words.
    Goodbye(u8, String),
    /// Nothing to do.
    Other,
}

/// A message.
#[derive(Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    /// The topic, as bytes: it need not be text.
    pub topic: &'a [u8],
    /// The payload.
    pub payload: &'a [u8],
    /// How it is handed over.
    pub qos: Qos,
    /// Its number; zero at QoS 0.
    pub id: u16,
    /// The last word from before we subscribed.
    pub is_retained: bool,
}

/// The bytes are no MQTT.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

fn malformed(what: impl std::fmt::Display) -> Malformed {
    Malformed(what.to_string())
}

/// Writes CONNECT.
pub fn greet(greeting: &Greeting, out: &mut BytesMut) -> Result<(), Malformed> {
    let Greeting { version, client_id, keep_alive, session_expiry, .. } = greeting.clone();
    let is_clean = session_expiry == 0;
    let password = greeting.password.as_ref().map(|password| password.reveal().as_bytes().to_vec());
    let written = match version {
        Version::V5 => {
            let auth = match (greeting.user.clone(), password) {
                (Some(username), Some(password)) => {
                    v5::ConnectAuth::UsernamePassword { username, password: password.into() }
                }
                (Some(username), None) => v5::ConnectAuth::Username { username },
                (None, _) => v5::ConnectAuth::None,
            };
            let mut properties = v5::ConnectProperties::new();
            properties.session_expiry_interval = Some(session_expiry);
            properties.receive_maximum = Some(RECEIVE_MAX);
            // No maximum packet size: a broker drops what is above it and tells nobody. We skip and tell.
            let connect =
                v5::Connect { keep_alive, client_id, clean_start: is_clean, properties: Some(properties) };
            let will = greeting.will.clone().map(|Will { topic, payload }| {
                v5::LastWill::new(topic, payload, qos_v5(Qos::One), true, None)
            });
            v5::Packet::Connect(connect, will, auth).write(out, None).map_err(malformed)
        }
        Version::V311 => {
            let mut connect = v4::Connect::new(client_id);
            connect.keep_alive = keep_alive;
            connect.clean_session = is_clean;
            connect.last_will = greeting
                .will
                .clone()
                .map(|Will { topic, payload }| v4::LastWill::new(topic, payload, qos_v4(Qos::One), true));
            connect.auth = match (greeting.user.clone(), password) {
                (Some(username), Some(password)) => {
                    v4::ConnectAuth::UsernamePassword { username, password: password.into() }
                }
                (Some(username), None) => v4::ConnectAuth::Username { username },
                (None, _) => v4::ConnectAuth::None,
            };
            connect.write(out).map_err(malformed)
        }
    };
    written.map(drop)
}

/// Writes SUBSCRIBE.
///
/// Retained values come with a subscription that is new to the session, no more: while we were away the broker
/// kept what changed. At QoS 0 it kept nothing, so they come every time. MQTT 3.1.1 cannot choose.
pub fn subscribe(
    version: Version,
    id: u16,
    filters: &[String],
    qos: Qos,
    out: &mut BytesMut,
) -> Result<(), Malformed> {
    match version {
        Version::V5 => {
            let rule = match qos {
                Qos::Zero => v5::RetainForwardRule::OnEverySubscribe,
                Qos::One | Qos::Two => v5::RetainForwardRule::OnNewSubscribe,
            };
            let filters = filters.iter().map(|filter| {
                let mut filter = v5::SubscribeFilter::new(filter.as_str(), qos_v5(qos));
                filter.retain_forward_rule = rule.clone();
                filter
            });
            let mut subscribe = v5::Subscribe::new_many(filters, None);
            subscribe.pkid = id;
            subscribe.write(out).map_err(malformed).map(drop)
        }
        Version::V311 => {
            let filters = filters
                .iter()
                .map(|filter| v4::SubscribeFilter { path: filter.clone(), qos: qos_v4(qos) })
                .collect();
            v4::Subscribe { pkid: id, filters }.write(out).map_err(malformed).map(drop)
        }
    }
}

/// Writes UNSUBSCRIBE.
pub fn unsubscribe(
    version: Version,
    id: u16,
    filters: &[String],
    out: &mut BytesMut,
) -> Result<(), Malformed> {
    let (pkid, filters) = (id, filters.to_vec());
    match version {
        Version::V5 => v5::Unsubscribe { pkid, filters, properties: None }.write(out).map_err(malformed),
        Version::V311 => v4::Unsubscribe { pkid, topics: filters }.write(out).map_err(malformed),
    }
    .map(drop)
}

fn qos_v5(qos: Qos) -> rumqttc_v5::mqttbytes::QoS {
    match qos {
        Qos::Zero => rumqttc_v5::mqttbytes::QoS::AtMostOnce,
        Qos::One => rumqttc_v5::mqttbytes::QoS::AtLeastOnce,
        Qos::Two => rumqttc_v5::mqttbytes::QoS::ExactlyOnce,
    }
}

fn qos_v4(qos: Qos) -> rumqttc_v4::mqttbytes::QoS {
    match qos {
        Qos::Zero => rumqttc_v4::mqttbytes::QoS::AtMostOnce,
        Qos::One => rumqttc_v4::mqttbytes::QoS::AtLeastOnce,
        Qos::Two => rumqttc_v4::mqttbytes::QoS::ExactlyOnce,
    }
}

/// Writes what says that a message is safe: PUBACK at QoS 1, PUBREC at QoS 2. The same in both versions.
pub fn acknowledge(id: u16, qos: Qos, out: &mut BytesMut) {
    match qos {
        Qos::Zero => {}
        Qos::One => short(0x40, id, out),
        Qos::Two => short(0x50, id, out),
    }
}

/// Writes PUBCOMP.
pub fn complete(id: u16, out: &mut BytesMut) {
    short(0x70, id, out);
}

/// Writes PINGREQ.
pub fn ping(out: &mut BytesMut) {
    out.put_slice(&[0xC0, 0]);
}

fn short(first: u8, id: u16, out: &mut BytesMut) {
    let [high, low] = id.to_be_bytes();
    out.put_slice(&[first, 2, high, low]);
}

/// The head of a packet: how long it is, and where what follows begins. `None` until it is all there.
pub fn head(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    if bytes.is_empty() {
        return Ok(None);
    }
    match varint(&bytes[1..])? {
        None => Ok(None),
        Some((length, width)) => Ok(Some((1 + width + length, 1 + width))),
    }
}

fn varint(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some((value, at + 1)));
        }
    }
    if bytes.len() >= 4 { Err(malformed("a length of more than four bytes")) } else { Ok(None) }
}

/// Does a packet that begins so answer our greeting?
pub fn is_welcome(first: u8) -> bool {
    first == 0x20
}

/// Is a packet that begins so a message?
pub fn is_publish(first: u8) -> bool {
    first >> 4 == 3
}

/// Reads one whole packet, whose variable part begins at `body`.
pub fn read<'a>(version: Version, packet: &'a [u8], body: usize) -> Result<Packet<'a>, Malformed> {
    match packet[0] >> 4 {
        2 => welcome(version, packet, body).map(Packet::Welcome),
        3 => publish(version, packet, body).map(Packet::Publish),
        // A broker that speaks 5 may leave out a code that says nothing.
        4 => Ok(Packet::Taken(packet.get(body + 2).copied().unwrap_or_default())),
        6 => number(packet, body).map(Packet::Release),
        9 => subscribed(version, packet),
        14 => Ok(goodbye(packet, body)),
        11 | 13 => Ok(Packet::Other),
        kind => Err(malformed(format!("a packet of kind {kind}, which a broker never sends"))),
    }
}

fn number(packet: &[u8], at: usize) -> Result<u16, Malformed> {
    match packet.get(at..at + 2) {
        Some(&[high, low]) => Ok(u16::from_be_bytes([high, low])),
        _ => Err(malformed("a packet that ends too soon")),
    }
}

/// Reads as much of a PUBLISH as names it: topic, number, and where the rest begins.
pub fn publish_head(packet: &[u8], body: usize) -> Result<(Publish<'_>, usize), Malformed> {
    let first = packet[0];
    let mut at = body + 2 + usize::from(number(packet, body)?);
    let topic = packet.get(body + 2..at).ok_or_else(|| malformed("a topic that ends too soon"))?;
    let qos = Qos::try_from(first >> 1 & 3).map_err(Malformed)?;
    let mut id = 0;
    if qos != Qos::Zero {
        id = number(packet, at)?;
        at += 2;
        if id == 0 {
            return Err(malformed("a message with the number 0"));
        }
    }
    Ok((Publish { topic, payload: &[], qos, id, is_retained: first & 1 == 1 }, at))
}

fn publish(version: Version, packet: &[u8], body: usize) -> Result<Publish<'_>, Malformed> {
    let (mut publish, mut at) = publish_head(packet, body)?;
    if version == Version::V5 {
        let short = || malformed("properties that end too soon");
        let (length, width) = varint(&packet[at..])?.ok_or_else(short)?;
        at += width + length;
    }
    publish.payload = packet.get(at..).ok_or_else(|| malformed("a message that ends too soon"))?;
    Ok(publish)
}

fn welcome(version: Version, packet: &[u8], body: usize) -> Result<Welcome, Malformed> {
    // A broker that knows only the old version answers in it, whatever was asked.
    if version == Version::V311 || packet.len() == body + 2 {
        let [flags, code] = number(packet, body)?.to_be_bytes();
        let session_present = flags & 1 == 1;
        return Ok(Welcome { code, is_old_form: true, session_present, ..Welcome::default() });
    }
    let code = number(packet, body)?.to_be_bytes()[1];
    match v5::Packet::read(&mut BytesMut::from(packet), None).map_err(malformed)? {
        v5::Packet::ConnAck(ack) => {
            let properties = ack.properties.as_ref();
            let reason = properties.and_then(|properties| properties.reason_string.clone());
            let server = properties.and_then(|properties| properties.server_reference.clone());
            Ok(Welcome {
                code,
                is_old_form: false,
                session_present: ack.session_present,
                keep_alive: properties.and_then(|properties| properties.server_keep_alive),
                reason: reason.or(server).unwrap_or_default(),
            })
        }
        other => Err(malformed(format!("{other:?} instead of CONNACK"))),
    }
}

fn subscribed<'a>(version: Version, packet: &[u8]) -> Result<Packet<'a>, Malformed> {
    // The codes are the last bytes, one for each filter; only how many properties stand before them differs.
    let mut bytes = BytesMut::from(packet);
    let (id, count) = match version {
        Version::V5 => match v5::Packet::read(&mut bytes, None).map_err(malformed)? {
            v5::Packet::SubAck(ack) => (ack.pkid, ack.return_codes.len()),
            other => return Err(malformed(format!("{other:?} instead of SUBACK"))),
        },
        Version::V311 => match v4::Packet::read(&mut bytes, usize::MAX).map_err(malformed)? {
            v4::Packet::SubAck(ack) => (ack.pkid, ack.return_codes.len()),
            other => return Err(malformed(format!("{other:?} instead of SUBACK"))),
        },
    };
    Ok(Packet::Subscribed(id, packet[packet.len() - count..].to_vec()))
}

fn goodbye<'a>(packet: &[u8], body: usize) -> Packet<'a> {
    let words = match v5::Packet::read(&mut BytesMut::from(packet), None) {
        Ok(v5::Packet::Disconnect(end)) => end.properties.and_then(|properties| properties.reason_string),
        _ => None,
    };
    Packet::Goodbye(packet.get(body).copied().unwrap_or_default(), words.unwrap_or_default())
}
