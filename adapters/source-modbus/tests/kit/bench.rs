//! Real peers of the kit.

use std::path::{Path, PathBuf};

use contract::kit::source::Bench;
use contract::{Reads, Setup, Site, Source, SourceKind, TagAddress, TagId, async_trait};
use peers::foreign::{self, Folder, Server};
use peers::modbus::{Tap, set};
use serde_json::{Value, json};
use source_modbus::Modbus;

/// A source with these tables, in a folder of its own.
pub fn make(state: &Path, settings: Value, tags: &[Value]) -> Box<dyn Source> {
    let settings = serde_json::from_value(settings).expect("a good table");
    let tag = |(number, address): (usize, &Value)| TagAddress {
        id: TagId(number as u32),
        machine: "machine".to_owned(),
        address: serde_json::from_value(address.clone()).expect("a good address"),
    };
    let reads = Reads { tags: tags.iter().enumerate().map(tag).collect(), lists: Vec::new() };
    let site = Site {
        name: "site".to_owned(),
        language: "en".to_owned(),
        timezone: "UTC".to_owned(),
        machines: Vec::new(),
    };
    let setup = Setup { name: "line", site: &site, state };
    Modbus::build(&setup, settings, reads).expect("a source")
}

/// pymodbus, at a port of its own.
pub struct Pymodbus {
    pub server: Server,
    pub port: u16,
}

impl Pymodbus {
    pub async fn start(serial: Option<&Path>) -> Pymodbus {
        let (port, script) = (foreign::free_port(), foreign::script("modbus.py"));
        let port_text = port.to_string();
        let serial = serial.map(|path| path.display().to_string());
        let mut arguments = vec![script.as_str(), port_text.as_str()];
        arguments.extend(serial.as_deref());
        let server = Server::start(&foreign::python(), &arguments, "modbus up").await;
        Pymodbus { server, port }
    }
}

/// The one tag of the kit: two registers, so that no value may be torn.
fn tag() -> Value {
    json!({"unit_id": 1, "holding": 10, "as": "float32", "order": "CDAB"})
}

async fn say(port: u16, value: f64) {
    let [a, b, c, d] = (value as f32).to_be_bytes();
    set(port, 1, 10, &[u16::from_be_bytes([c, d]), u16::from_be_bytes([a, b])]).await;
}

/// pymodbus over TCP, behind a tap that can be cut.
pub struct TcpBench {
    peer: Pymodbus,
    tap: Tap,
    state: Folder,
}

impl TcpBench {
    pub async fn start() -> TcpBench {
        let peer = Pymodbus::start(None).await;
        let tap = Tap::start(peer.port).await;
        TcpBench { peer, tap, state: Folder::new("modbus-kit") }
    }
}

#[async_trait]
impl Bench for TcpBench {
    fn make(&mut self) -> Box<dyn Source> {
        let url = format!("tcp://127.0.0.1:{}", self.tap.port);
        make(self.state.path(), json!({"url": url, "every": "20ms", "timeout": "500ms"}), &[tag()])
    }

    async fn say(&mut self, value: f64) {
        say(self.peer.port, value).await;
    }

    async fn cut(&mut self) {
        self.tap.cut();
    }

    async fn heal(&mut self) {
        self.tap.heal().await;
    }

    fn gives_again(&self) -> bool {
        false
    }

    fn is_polled(&self) -> bool {
        true
    }
}

/// Two pseudo terminals that are one line.
pub struct Wire {
    socat: Server,
    near: PathBuf,
    far: PathBuf,
}

impl Wire {
    pub async fn start() -> Wire {
        let name = |end: &str| format!("pty,raw,echo=0,link={end}");
        let (a, b) = (name("near"), name("far"));
        let socat =
            Server::start(Path::new("/usr/bin/socat"), &["-d", "-d", &a, &b], "starting data transfer").await;
        let (near, far) = (socat.folder().join("near"), socat.folder().join("far"));
        Wire { socat, near, far }
    }

    pub fn near(&self) -> &Path {
        &self.near
    }

    pub fn far(&self) -> &Path {
        &self.far
    }
}

/// pymodbus over a serial line. Pulling the plug is the end of the pseudo terminals.
pub struct SerialBench {
    peer: Pymodbus,
    wire: Wire,
    state: Folder,
}

impl SerialBench {
    pub async fn start() -> SerialBench {
        let wire = Wire::start().await;
        let peer = Pymodbus::start(Some(wire.far())).await;
        SerialBench { peer, wire, state: Folder::new("modbus-kit") }
    }
}

#[async_trait]
impl Bench for SerialBench {
    fn make(&mut self) -> Box<dyn Source> {
        let serial = json!({"port": self.wire.near(), "baud": 19_200, "parity": "none"});
        make(self.state.path(), json!({"serial": serial, "every": "20ms", "timeout": "200ms"}), &[tag()])
    }

    async fn say(&mut self, value: f64) {
        say(self.peer.port, value).await;
    }

    async fn cut(&mut self) {
        self.wire.socat.kill();
    }

    async fn heal(&mut self) {
        self.wire.socat.restart().await;
        // pymodbus does not open a port again that went away: it is the same machine, switched on again.
        self.peer.server.restart().await;
    }

    fn gives_again(&self) -> bool {
        false
    }

    fn is_polled(&self) -> bool {
        true
    }
}
