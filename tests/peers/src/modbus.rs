//! A Modbus server that speaks the wire and fails on purpose, and a tap on the way to a real one. Both count the function
//! codes that they are asked for, and panic when they go if one was not a reading one.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// How frames look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// With an MBAP header.
    Tcp,
    /// With a checksum.
    Rtu,
}

/// A question that came.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The unit.
    pub unit: u8,
    /// The function code.
    pub function: u8,
    /// The first address.
    pub start: u16,
    /// How many.
    pub count: u16,
    /// The number of the question, from 0, over all connections.
    pub number: u64,
}

/// What is done with a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is answered.
    None,
    /// It is answered after this long; what is asked meanwhile is answered at once.
    Late(Duration),
    /// As `Late`, and everybody else waits too, as on one serial line.
    Slow(Duration),
    /// It is not answered.
    Silent,
    /// It is answered with the number of another transaction (over RTU: with another unit).
    Transaction,
    /// It is answered in the name of another unit.
    Unit,
    /// It is answered with another function.
    Function,
    /// It is answered with fewer registers than asked for, in a whole frame.
    Short,
    /// The answer ends half-way.
    Cut,
    /// The answer has one bit wrong and the checksum of the right one (over TCP: a wrong length).
    Checksum,
    /// It is refused with this code.
    Exception(u8),
    /// The connection is closed.
    Close,
    /// Bytes of an older answer come first.
    Stray,
}

type Decide = dyn Fn(&Asked) -> Fault + Send + Sync;
type Values = dyn Fn(u8, u8, u16) -> u16 + Send + Sync;

struct Shared {
    framing: Framing,
    decide: Box<Decide>,
    values: Box<Values>,
    asked: AtomicU64,
    connections: AtomicU64,
    functions: Functions,
    line: tokio::sync::Mutex<()>,
    /// The newest connection. A serial server hands what comes on its line to whoever is connected by then.
    newest: Mutex<Option<Writing>>,
}

type Writing = Arc<tokio::sync::Mutex<OwnedWriteHalf>>;

/// Which function codes were seen on the wire.
#[derive(Debug, Default)]
pub struct Functions(Mutex<BTreeSet<u8>>);

impl Functions {
    fn saw(&self, function: u8) {
        self.0.lock().expect("no panic while it is held").insert(function);
    }

    /// Panics if anything but a reading function was seen.
    fn check(&self) {
        let seen = self.0.lock().expect("no panic while it is held");
        let forbidden: Vec<&u8> = seen.iter().filter(|function| !(1..=4).contains(*function)).collect();
        assert!(forbidden.is_empty(), "function codes {forbidden:?} were on the wire, expected 1 to 4 alone");
    }
}

/// A value that tells where it lies: the unit and the address, and the function by its complement.
pub fn telling(unit: u8, function: u8, address: u16) -> u16 {
    let value = u16::from(unit) << 12 ^ address;
    if function == 4 { !value } else { value }
}

/// A server on loopback.
pub struct Fake {
    /// Where it listens.
    pub port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
        if !std::thread::panicking() {
            self.shared.functions.check();
        }
    }
}

impl Fake {
    /// A server whose registers hold [`telling`] values, and which does with each question what `decide` says.
    pub async fn start(framing: Framing, decide: impl Fn(&Asked) -> Fault + Send + Sync + 'static) -> Fake {
        Fake::with_values(framing, telling, decide).await
    }

    /// A server whose registers hold what `values` says of unit, function and address.
    pub async fn with_values(
        framing: Framing,
        values: impl Fn(u8, u8, u16) -> u16 + Send + Sync + 'static,
        decide: impl Fn(&Asked) -> Fault + Send + Sync + 'static,
    ) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let shared = Arc::new(Shared {
            framing,
            decide: Box::new(decide),
            values: Box::new(values),
            asked: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            functions: Functions::default(),
            line: tokio::sync::Mutex::new(()),
            newest: Mutex::new(None),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Fake { port, shared, task }
    }

    /// How many questions came.
    pub fn asked(&self) -> u64 {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// How many connections were made.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        connections.spawn(serve(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let (mut reading, writing) = stream.into_split();
    let writing = Arc::new(tokio::sync::Mutex::new(writing));
    *shared.newest.lock().expect("no panic while it is held") = Some(Arc::clone(&writing));
    while let Some((transaction, request)) = question(&mut reading, shared.framing).await {
        let [unit, function, a, b, c, d] = request;
        shared.functions.saw(function);
        let number = shared.asked.fetch_add(1, Ordering::SeqCst);
        let (start, count) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let asked = Asked { unit, function, start, count, number };
        let fault = (shared.decide)(&asked);
        let frame = answer(&shared, transaction, &asked, fault);
        match fault {
            Fault::Close => {
                // The other half may be held for a late answer.
                let _ = writing.lock().await.shutdown().await;
                return;
            }
            Fault::Silent => {}
            Fault::Late(wait) => {
                tokio::spawn(late(wait, Arc::clone(&writing), frame, Arc::clone(&shared)));
            }
            Fault::Slow(wait) => {
                let _line = shared.line.lock().await;
                write_after(wait, Arc::clone(&writing), frame).await;
            }
            _ => {
                let _line = shared.line.lock().await;
                write_after(Duration::ZERO, Arc::clone(&writing), frame).await;
            }
        }
    }
}

/// A late answer: over TCP on its own connection, if that is still there; over RTU to whoever listens on the line.
async fn late(wait: Duration, writing: Writing, frame: Vec<u8>, shared: Arc<Shared>) {
    tokio::time::sleep(wait).await;
    let newest = shared.newest.lock().expect("no panic while it is held").clone();
    let writing = if shared.framing == Framing::Rtu { newest.unwrap_or(writing) } else { writing };
    write_after(Duration::ZERO, writing, frame).await;
}

async fn write_after(wait: Duration, writing: Writing, frame: Vec<u8>) {
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    // Whoever asked may have gone.
    let _ = writing.lock().await.write_all(&frame).await;
}

/// Reads a question: its transaction, then unit, function, start, count.
async fn question(reading: &mut OwnedReadHalf, framing: Framing) -> Option<(u16, [u8; 6])> {
    let mut request = [0; 6];
    match framing {
        Framing::Tcp => {
            let mut head = [0; 6];
            reading.read_exact(&mut head).await.ok()?;
            reading.read_exact(&mut request).await.ok()?;
            Some((u16::from_be_bytes([head[0], head[1]]), request))
        }
        Framing::Rtu => {
            let mut sum = [0; 2];
            reading.read_exact(&mut request).await.ok()?;
            reading.read_exact(&mut sum).await.ok()?;
            assert_eq!(u16::from_le_bytes(sum), crc(&request), "the checksum of a question");
            Some((0, request))
        }
    }
}

fn answer(shared: &Shared, transaction: u16, asked: &Asked, fault: Fault) -> Vec<u8> {
    let mut pdu = match fault {
        Fault::Exception(code) => vec![asked.function | 0x80, code],
        Fault::Short => good(shared, &Asked { count: asked.count.saturating_sub(1).max(1), ..*asked }),
        _ => good(shared, asked),
    };
    if fault == Fault::Function {
        pdu[0] = if pdu[0] == 3 { 4 } else { 3 };
    }
    let unit = if fault == Fault::Unit || (fault == Fault::Transaction && shared.framing == Framing::Rtu) {
        asked.unit.wrapping_add(1)
    } else {
        asked.unit
    };
    let transaction = if fault == Fault::Transaction { transaction.wrapping_sub(1) } else { transaction };
    let mut frame = framed(shared.framing, transaction, unit, &pdu);
    let len = frame.len();
    match fault {
        Fault::Cut => frame.truncate(len / 2),
        Fault::Checksum if shared.framing == Framing::Rtu => frame[len - 3] ^= 1,
        Fault::Checksum => frame[5] = frame[5].wrapping_add(1),
        Fault::Stray => {
            let older = good(shared, &Asked { start: asked.start.wrapping_add(7), ..*asked });
            let older = framed(shared.framing, transaction.wrapping_sub(1), asked.unit, &older);
            // The older answer loses its first bytes, as when a port is opened in the middle of it.
            frame = older[3..].iter().copied().chain(frame).collect();
        }
        _ => {}
    }
    frame
}

fn good(shared: &Shared, asked: &Asked) -> Vec<u8> {
    let value = |offset: u16| (shared.values)(asked.unit, asked.function, asked.start.wrapping_add(offset));
    let data: Vec<u8> = if asked.function <= 2 {
        let mut bytes = vec![0; usize::from(asked.count.div_ceil(8))];
        for offset in 0..asked.count {
            bytes[usize::from(offset / 8)] |= u8::from(value(offset) & 1 == 1) << (offset % 8);
        }
        bytes
    } else {
        (0..asked.count).flat_map(|offset| value(offset).to_be_bytes()).collect()
    };
    [asked.function, data.len() as u8].into_iter().chain(data).collect()
}

fn framed(framing: Framing, transaction: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    match framing {
        Framing::Tcp => {
            let len = (pdu.len() as u16 + 1).to_be_bytes();
            let [t, u] = transaction.to_be_bytes();
            [t, u, 0, 0, len[0], len[1], unit].into_iter().chain(pdu.iter().copied()).collect()
        }
        Framing::Rtu => {
            let mut frame: Vec<u8> = [unit].into_iter().chain(pdu.iter().copied()).collect();
            let sum = crc(&frame);
            frame.extend(sum.to_le_bytes());
            frame
        }
    }
}

/// The checksum of RTU.
pub fn crc(bytes: &[u8]) -> u16 {
    let mut sum = 0xFFFF_u16;
    for byte in bytes {
        sum ^= u16::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xA001 } else { sum >> 1 };
        }
    }
    sum
}

/// A line to a real server that counts function codes and can be cut.
pub struct Tap {
    /// Where it listens.
    pub port: u16,
    to: u16,
    functions: Arc<Functions>,
    is_cut: Arc<AtomicBool>,
    task: Option<JoinHandle<()>>,
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.cut();
        if !std::thread::panicking() {
            self.functions.check();
        }
    }
}

impl Tap {
    /// A tap before the Modbus TCP server at this port.
    pub async fn start(to: u16) -> Tap {
        let port = crate::foreign::free_port();
        let functions = Arc::new(Functions::default());
        let is_cut = Arc::new(AtomicBool::new(true));
        let mut tap = Tap { port, to, functions, is_cut, task: None };
        tap.heal().await;
        tap
    }

    /// Closes all connections and takes none.
    pub fn cut(&mut self) {
        self.is_cut.store(true, Ordering::SeqCst);
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }

    /// Takes connections again, at the same port.
    pub async fn heal(&mut self) {
        let end = std::time::Instant::now() + Duration::from_secs(5);
        let listener = loop {
            match TcpListener::bind(("127.0.0.1", self.port)).await {
                Ok(listener) => break listener,
                Err(error) => assert!(std::time::Instant::now() < end, "port {}: {error}", self.port),
            }
            tokio::task::yield_now().await;
        };
        self.is_cut.store(false, Ordering::SeqCst);
        let (to, functions) = (self.to, Arc::clone(&self.functions));
        self.task = Some(tokio::spawn(async move {
            let mut lines = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(("127.0.0.1", to)).await else { continue };
                lines.spawn(carry(near, far, Arc::clone(&functions)));
            }
        }));
    }
}

/// Carries questions and answers until one end closes.
async fn carry(near: TcpStream, far: TcpStream, functions: Arc<Functions>) {
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (mut near_in, mut near_out) = near.into_split();
    let (mut far_in, mut far_out) = far.into_split();
    let ask = async {
        let mut frame = [0; 12];
        while near_in.read_exact(&mut frame).await.is_ok() {
            functions.saw(frame[7]);
            if far_out.write_all(&frame).await.is_err() {
                return;
            }
        }
    };
    let tell = tokio::io::copy(&mut far_in, &mut near_out);
    tokio::select! {
        () = ask => {}
        _ = tell => {}
    }
}

/// Writes registers into a real server, as the machine itself would change them: function 16, past every tap.
pub async fn set(port: u16, unit: u8, start: u16, values: &[u16]) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("the server");
    let data: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
    let [start_high, start_low] = start.to_be_bytes();
    let head = [16, start_high, start_low, 0, values.len() as u8, data.len() as u8];
    let pdu: Vec<u8> = head.into_iter().chain(data).collect();
    stream.write_all(&framed(Framing::Tcp, 1, unit, &pdu)).await.expect("written");
    let mut answer = [0; 12];
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read_exact(&mut answer)).await;
    assert!(matches!(read, Ok(Ok(_))) && answer[7] == 16, "the server took no value: {answer:?}");
}
