//! OPC UA servers of other people's code: asyncua and node-opcua, each steered over a second port.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::foreign::{Server, free_port, installed, python, script};

/// The longest that steering may take.
const STEER_MAX: Duration = Duration::from_secs(20);

/// A server that runs.
#[derive(Debug)]
pub struct OpcUa {
    server: Server,
    port: u16,
    steering: u16,
    line: Option<BufReader<TcpStream>>,
}

impl OpcUa {
    /// A server of asyncua. The options stand in `scripts/opcua_server.py`.
    pub async fn asyncua(options: &[&str]) -> OpcUa {
        OpcUa::start(&python(), "opcua_server.py", options).await
    }

    /// A server of node-opcua, with alarms and low limits. The options stand in `scripts/opcua_server.js`.
    pub async fn node(options: &[&str]) -> OpcUa {
        OpcUa::start(Path::new("/usr/bin/env"), "opcua_server.js", options).await
    }

    async fn start(program: &Path, name: &str, options: &[&str]) -> OpcUa {
        let (port, steering) = (free_port(), free_port());
        let path = script(name);
        let (ports, modules) =
            ([port.to_string(), steering.to_string()], installed().join("node/node_modules"));
        let modules = format!("NODE_PATH={}", modules.display());
        let mut arguments = match name.ends_with(".js") {
            true => vec![modules.as_str(), "node", path.as_str()],
            false => vec![path.as_str()],
        };
        arguments.extend([ports[0].as_str(), ports[1].as_str()]);
        arguments.extend(options);
        let server = Server::start(program, &arguments, "listening").await;
        OpcUa { server, port, steering, line: None }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("opc.tcp://127.0.0.1:{}", self.port)
    }

    /// The port of its endpoint.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process, to be stopped and killed.
    pub fn process(&mut self) -> &mut Server {
        self.line = None;
        &mut self.server
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        self.process().kill();
    }

    /// Starts it again.
    pub async fn restart(&mut self) {
        self.process().restart().await;
    }

    /// From its next start on, these options are otherwise.
    pub fn reconfigure(&self, options: &[&str]) {
        std::fs::write(self.server.folder().join("options"), options.join("\n")).expect("a file of options");
    }

    /// Says one line on the steering port, and gives the answer.
    pub async fn steer(&mut self, line: &str) -> String {
        let answer = tokio::time::timeout(STEER_MAX, self.try_steer(line)).await;
        answer.unwrap_or_else(|_| panic!("`{line}` is not answered: {}", self.server.log()))
    }

    async fn try_steer(&mut self, line: &str) -> String {
        let steering = match &mut self.line {
            Some(line) => line,
            none => {
                let stream = TcpStream::connect(("127.0.0.1", self.steering)).await.expect("a steering port");
                none.insert(BufReader::new(stream))
            }
        };
        let mut answer = String::new();
        steering.write_all(format!("{line}\n").as_bytes()).await.expect("a steering port");
        steering.read_line(&mut answer).await.expect("an answer");
        answer.trim_end().to_owned()
    }

    /// Says one line that must be done.
    pub async fn tell(&mut self, line: &str) {
        let answer = self.steer(line).await;
        assert_eq!(answer, "ok", "{line}: {}", self.server.log());
    }

    /// How often each service was asked for, by its name, and each method called, by its id, since its last start.
    pub async fn services(&mut self) -> Value {
        let answer = self.steer("services").await;
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{answer}: {error}"))
    }

    /// Nobody has written, and no method but ConditionRefresh was called.
    pub async fn assert_only_read(&mut self) {
        let seen = self.services().await;
        let names: Vec<&String> = seen["services"].as_object().expect("services").keys().collect();
        let reads = [
            "GetEndpointsRequest",
            "FindServersRequest",
            "OpenSecureChannelRequest",
            "CloseSecureChannelRequest",
            "CreateSessionRequest",
            "ActivateSessionRequest",
            "CloseSessionRequest",
            "ReadRequest",
            "BrowseRequest",
            "BrowseNextRequest",
            "TranslateBrowsePathsToNodeIdsRequest",
            "CreateSubscriptionRequest",
            "CreateMonitoredItemsRequest",
            "PublishRequest",
            "RepublishRequest",
            "CallRequest",
        ];
        let is_read = |name: &&String| reads.contains(&name.as_str());
        assert!(!names.is_empty() && names.iter().all(is_read), "asked for: {names:?}");
        let methods = seen["methods"].as_object().expect("methods");
        assert!(methods.keys().all(|method| method.ends_with("i=3875")), "called: {methods:?}");
    }

    /// Waits until this many sessions are open.
    pub async fn wait_for_sessions(&mut self, count: u64) {
        let started = Instant::now();
        loop {
            let found = self.steer("sessions").await;
            if found == count.to_string() {
                return;
            }
            assert!(started.elapsed() < STEER_MAX, "{found} sessions, expected {count}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
