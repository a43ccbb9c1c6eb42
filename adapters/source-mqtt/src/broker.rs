//! The smallest broker: MQTT 3.1.1 on loopback, in process, for `portevoix demo` and for tests.
//!
//! Knows retained values, wildcards, QoS 0 and 1. Deliberately absent: persistence, sessions that outlive a
//! connection, TLS, passwords, and any address but loopback.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rumqttc_v4::mqttbytes::v4::{
    ConnAck, ConnectReturnCode, Packet, PubAck, PubComp, PubRec, Publish, SubAck, SubscribeReasonCode,
    UnsubAck,
};
use rumqttc_v4::mqttbytes::{Error, QoS};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::bytes::BytesMut;

use crate::topic;

/// Messages that wait for one client. A client slower than this loses the newest, as with any broker.
const QUEUE: usize = 1024;
/// The largest packet from a client.
const PACKET_MAX: usize = 1 << 20;
/// Retained topics; more are passed on and not kept.
const RETAINED_MAX: usize = 10_000;

/// A running broker. Ends when dropped.
pub struct Broker {
    port: u16,
    hall: Arc<Mutex<Hall>>,
    task: JoinHandle<()>,
}

/// All who are connected, and the last retained words.
#[derive(Default)]
struct Hall {
    next: u64,
    clients: HashMap<u64, Client>,
    retained: BTreeMap<String, Vec<u8>>,
}

struct Client {
    id: String,
    queue: mpsc::Sender<Out>,
    filters: HashMap<String, QoS>,
    last: u16,
}

enum Out {
    Packet(Packet),
    End,
}

impl Broker {
    /// Listens on a loopback address, for example `127.0.0.1:0` for any free port. Call it within a runtime.
    ///
    /// # Errors
    /// The address is not on loopback, or is taken.
    pub fn start(addr: SocketAddr) -> io::Result<Broker> {
        if !addr.ip().is_loopback() {
            let message = format!("{addr} is not on loopback, and this broker asks nobody for a password");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let listener = TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let hall = Arc::new(Mutex::new(Hall::default()));
        let task = tokio::spawn(welcome(listener, Arc::clone(&hall)));
        Ok(Broker { port, hall, task })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Publishes. Never waits: a client whose queue is full misses it.
    pub fn publish(&self, topic: &str, payload: impl Into<Vec<u8>>, retain: bool) {
        lock(&self.hall).publish(topic, payload.into(), retain);
    }

    /// How many clients are subscribed to something: for tests that wait for one.
    pub fn subscribers(&self) -> usize {
        lock(&self.hall).clients.values().filter(|client| !client.filters.is_empty()).count()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.task.abort();
        for client in lock(&self.hall).clients.values() {
            let _ = client.queue.try_send(Out::End);
        }
        lock(&self.hall).clients.clear();
    }
}

fn lock(hall: &Mutex<Hall>) -> MutexGuard<'_, Hall> {
    hall.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hall {
    fn publish(&mut self, topic: &str, payload: Vec<u8>, retain: bool) {
        for client in self.clients.values_mut() {
            client.pass_on(topic, &payload, false);
        }
        if retain && payload.is_empty() {
            self.retained.remove(topic);
        } else if retain && (self.retained.len() < RETAINED_MAX || self.retained.contains_key(topic)) {
            self.retained.insert(topic.to_owned(), payload);
        }
    }

    /// A client with the same name takes over, as MQTT wants.
    fn enter(&mut self, id: &str, queue: mpsc::Sender<Out>) -> u64 {
        self.clients.retain(|_, other| {
            let is_other = other.id != id || id.is_empty();
            if !is_other {
                let _ = other.queue.try_send(Out::End);
            }
            is_other
        });
        self.next += 1;
        self.clients.insert(self.next, Client { id: id.to_owned(), queue, filters: HashMap::new(), last: 0 });
        self.next
    }

    /// Answers first, then sends what is retained.
    fn subscribe(&mut self, key: u64, pkid: u16, filters: Vec<(String, QoS)>) {
        let Some(client) = self.clients.get_mut(&key) else { return };
        let codes = filters.iter().map(|(filter, qos)| match topic::check(filter) {
            Ok(()) => SubscribeReasonCode::Success(QoS::min_of(*qos)),
            Err(_) => SubscribeReasonCode::Failure,
        });
        client.send(Packet::SubAck(SubAck { pkid, return_codes: codes.collect() }));
        for (filter, qos) in filters.into_iter().filter(|(filter, _)| topic::check(filter).is_ok()) {
            client.filters.insert(filter.clone(), QoS::min_of(qos));
            for (topic, payload) in self.retained.iter().filter(|(topic, _)| topic::matches(&filter, topic)) {
                client.pass_on(topic, payload, true);
            }
        }
    }
}

/// This broker hands over at QoS 0 and 1.
trait MinOf {
    fn min_of(self) -> QoS;
}
impl MinOf for QoS {
    fn min_of(self) -> QoS {
        if self == QoS::AtMostOnce { self } else { QoS::AtLeastOnce }
    }
}

impl Client {
    fn send(&self, packet: Packet) {
        let _ = self.queue.try_send(Out::Packet(packet));
    }

    fn pass_on(&mut self, topic: &str, payload: &[u8], is_retained: bool) {
        let matching = self.filters.iter().filter(|(filter, _)| topic::matches(filter, topic));
        let Some(qos) = matching.map(|(_, qos)| *qos).max_by_key(|qos| *qos as u8) else { return };
        let mut publish = Publish::new(topic, qos, payload.to_vec());
        publish.retain = is_retained;
        if qos == QoS::AtLeastOnce {
            self.last = self.last % u16::MAX + 1;
            publish.pkid = self.last;
        }
        self.send(Packet::Publish(publish));
    }
}

async fn welcome(listener: tokio::net::TcpListener, hall: Arc<Mutex<Hall>>) {
    // Owned here: when this task ends, the talks end with it.
    let mut talks = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            came = listener.accept() => match came {
                Ok((stream, _)) => { talks.spawn(talk(stream, Arc::clone(&hall))); }
                // Out of descriptors: the next client may have more luck.
                Err(_) => tokio::task::yield_now().await,
            },
            Some(_) = talks.join_next() => {}
        }
    }
}

async fn talk(stream: TcpStream, hall: Arc<Mutex<Hall>>) {
    let _ = stream.set_nodelay(true);
    let (queue, waiting) = mpsc::channel(QUEUE);
    let mut key = None;
    let _ = converse(stream, &hall, queue, waiting, &mut key).await;
    if let Some(key) = key {
        lock(&hall).clients.remove(&key);
    }
}

async fn converse(
    mut stream: TcpStream,
    hall: &Mutex<Hall>,
    queue: mpsc::Sender<Out>,
    mut waiting: mpsc::Receiver<Out>,
    key: &mut Option<u64>,
) -> io::Result<()> {
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    loop {
        while let Some(packet) = read(&mut input, &queue)? {
            match (packet, *key) {
                (Packet::Connect(connect), None) => {
                    *key = Some(lock(hall).enter(&connect.client_id, queue.clone()));
                    let ack = ConnAck { session_present: false, code: ConnectReturnCode::Success };
                    let _ = queue.try_send(Out::Packet(Packet::ConnAck(ack)));
                }
                (packet, Some(key)) => {
                    if !answer(packet, key, hall, &queue) {
                        return Ok(());
                    }
                }
                (_, None) => return Ok(()),
            }
        }
        tokio::select! {
            read = stream.read_buf(&mut input) => if read? == 0 || input.len() > PACKET_MAX { return Ok(()) },
            out = waiting.recv() => match out {
                Some(Out::Packet(packet)) => {
                    packet.write(&mut output, usize::MAX).map_err(io::Error::other)?;
                    stream.write_all_buf(&mut output).await?;
                }
                Some(Out::End) | None => return Ok(()),
            },
        }
    }
}

/// The next packet, if all of it is here. A client of another version is told so.
fn read(input: &mut BytesMut, queue: &mpsc::Sender<Out>) -> io::Result<Option<Packet>> {
    match Packet::read(input, PACKET_MAX) {
        Ok(packet) => Ok(Some(packet)),
        Err(Error::InsufficientBytes(_)) => Ok(None),
        Err(Error::InvalidProtocolLevel(_)) => {
            let code = ConnectReturnCode::RefusedProtocolVersion;
            let _ = queue.try_send(Out::Packet(Packet::ConnAck(ConnAck { session_present: false, code })));
            let _ = queue.try_send(Out::End);
            Ok(None)
        }
        Err(error) => Err(io::Error::other(error)),
    }
}

/// False when the client leaves, or says what a client never says.
fn answer(packet: Packet, key: u64, hall: &Mutex<Hall>, queue: &mpsc::Sender<Out>) -> bool {
    let send = |packet| drop(queue.try_send(Out::Packet(packet)));
    match packet {
        Packet::Publish(publish) => {
            let Ok(topic) = std::str::from_utf8(&publish.topic) else { return false };
            lock(hall).publish(topic, publish.payload.to_vec(), publish.retain);
            match publish.qos {
                QoS::AtMostOnce => {}
                QoS::AtLeastOnce => send(Packet::PubAck(PubAck::new(publish.pkid))),
                QoS::ExactlyOnce => send(Packet::PubRec(PubRec::new(publish.pkid))),
            }
        }
        Packet::PubRel(release) => send(Packet::PubComp(PubComp::new(release.pkid))),
        Packet::Subscribe(subscribe) => {
            let filters = subscribe.filters.into_iter().map(|filter| (filter.path, filter.qos));
            lock(hall).subscribe(key, subscribe.pkid, filters.collect());
        }
        Packet::Unsubscribe(unsubscribe) => {
            if let Some(client) = lock(hall).clients.get_mut(&key) {
                client.filters.retain(|filter, _| !unsubscribe.topics.contains(filter));
            }
            send(Packet::UnsubAck(UnsubAck::new(unsubscribe.pkid)));
        }
        Packet::PingReq => send(Packet::PingResp),
        Packet::PubAck(_) => {}
        _ => return false,
    }
    true
}
