//! Edge nodes of other people's code, and an ear that hears all that is said at a broker.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::foreign::{Server, installed, python, script};

/// The node `Usine1/ligne-3` with the device `presse-07`, of pysparkplug 0.6.1.
///
/// `answers`: it answers to a request for a rebirth, which the library leaves to the integrator.
pub async fn pysparkplug(port: u16, answers: bool) -> Server {
    let (script, port) = (script("sparkplug_edge.py"), port.to_string());
    let mode = if answers { "rebirth" } else { "stock" };
    Server::start(&python(), &[&script, &port, mode], "runs").await
}

/// The node `Usine1/ligne-4` with the device `tour-2`, of sparkplug-client 3.2.4, which is Tahu's own.
pub async fn tahu(port: u16) -> Server {
    let (script, port) = (script("sparkplug_edge.js"), port.to_string());
    let modules = installed().join("node/node_modules").display().to_string();
    Server::start(Path::new("node"), &[&script, &modules, &port], "runs").await
}

/// A message that somebody published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Where.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
}

/// A raw MQTT 3.1.1 client that is subscribed to everything.
pub struct Listener {
    heard: Arc<Mutex<Vec<Heard>>>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Listens to a broker on loopback. What is said after this is heard.
    pub async fn start(port: u16) -> Listener {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a broker");
        let connect = b"\x10\x14\x00\x04MQTT\x04\x02\x00\x00\x00\x08listener";
        stream.write_all(connect).await.expect("taken");
        stream.read_exact(&mut [0; 4]).await.expect("a welcome");
        stream.write_all(b"\x82\x06\x00\x01\x00\x01#\x00").await.expect("taken");
        stream.read_exact(&mut [0; 5]).await.expect("granted");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(listen(stream, Arc::clone(&heard)));
        Listener { heard, task }
    }

    /// All that was heard so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(mut stream: TcpStream, heard: Arc<Mutex<Vec<Heard>>>) {
    while let Ok(first) = stream.read_u8().await {
        let mut length = 0_usize;
        for shift in [0, 7, 14, 21] {
            let Ok(byte) = stream.read_u8().await else { return };
            length |= usize::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        if first >> 4 == 3 {
            let end = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
            let topic = String::from_utf8_lossy(&body[2..end]).into_owned();
            let message = Heard { topic, payload: body[end..].to_vec() };
            heard.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        }
    }
}
