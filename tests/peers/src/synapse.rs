//! Synapse, a Matrix server of other people's code: with SQLite, on loopback, an application service of ours that it
//! never calls, and people with accounts.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

pub use reqwest::Method;
use serde_json::{Value, json};

use crate::foreign::{Folder, free_port, installed, script};

/// The name of the server: what stands after the colon of every user.
pub const NAME: &str = "portevoix.test";
/// The token of the application service.
pub const AS_TOKEN: &str = "as-token-of-the-tests";
/// The service's own user.
pub const SERVICE: &str = "@portevoix:portevoix.test";
/// How long a start may take on a machine that does much else.
const START_MAX: Duration = Duration::from_secs(90);

/// What may differ.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The application service is held to the rates of people.
    pub is_rate_limited: bool,
    /// The application service makes its devices itself (MSC4190), as where people log in elsewhere.
    pub makes_devices: bool,
}

/// A server that runs. Dropped, or with the end of this process, it is killed.
#[derive(Debug)]
pub struct Synapse {
    folder: Folder,
    port: u16,
    child: Mutex<Option<Child>>,
}

impl Synapse {
    /// One for all tests of a process that do not restart it.
    pub fn shared() -> &'static Synapse {
        static ONE: OnceLock<Synapse> = OnceLock::new();
        ONE.get_or_init(|| Synapse::start(Options::default()))
    }

    /// Starts one and waits until it answers.
    pub fn start(options: Options) -> Synapse {
        let synapse = Synapse { folder: Folder::new("synapse"), port: free_port(), child: Mutex::new(None) };
        let folder = synapse.folder.path();
        let write = |name: &str, text: String| {
            std::fs::write(folder.join(name), text).expect("a file in a temporary folder");
        };
        write("signing.key", "ed25519 a_test 2HhxDGRW8l0MJsWbyvKYQ34Sk5l4cg4l6J7hpKz9fzI\n".to_owned());
        write("log.yaml", LOG.to_owned());
        write("service.yaml", service(options));
        write("synapse.yaml", configuration(folder, synapse.port));
        synapse.come_back();
        synapse
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends the process at once, as a power cut would. What the database holds stays.
    pub fn kill(&self) {
        if let Some(mut child) = self.child().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again, with the same database on the same port.
    pub fn come_back(&self) {
        self.kill();
        let folder = self.folder.path();
        let log = std::fs::File::create(folder.join("out")).expect("a log file");
        let program = python();
        let child = Command::new(&program)
            .arg(script("synapse_serve.py"))
            .arg(folder.join("synapse.yaml"))
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn();
        let shown = program.display();
        let child = child.unwrap_or_else(|error| panic!("{shown}: {error}; does ./tests/run install it?"));
        *self.child() = Some(child);
        self.wait();
    }

    fn wait(&self) {
        let started = Instant::now();
        while !self.is_healthy() {
            let ended = self.child().as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            let is_late = started.elapsed() > START_MAX;
            assert!(!ended && !is_late, "Synapse does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn is_healthy(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let mut answer = String::new();
        let asked = stream.write_all(b"GET /health HTTP/1.0\r\n\r\n");
        asked.and_then(|()| stream.read_to_string(&mut answer)).is_ok() && answer.contains(" 200 ")
    }

    /// Forgets every transaction, as it does by itself a day later. It must not run meanwhile.
    pub fn forget_transactions(&self) {
        self.sql("DELETE FROM event_txn_id_device_id");
    }

    /// The largest event that it keeps, and what it added to the content of that one, in bytes.
    pub fn largest_event(&self) -> (usize, usize) {
        // It is kept with every sign beyond ASCII written out, and counted as it goes over the wire.
        let kept = self.sql("SELECT json FROM event_json ORDER BY length(json) DESC LIMIT 50");
        let sizes = kept.lines().map(|line| {
            let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let whole = event.to_string().len();
            (whole, whole - event["content"].to_string().len())
        });
        sizes.max().unwrap_or_default()
    }

    /// Runs a statement on its database. What it gives, as text.
    fn sql(&self, statement: &str) -> String {
        let run = "import sqlite3, sys; base = sqlite3.connect(sys.argv[1]); \
                   print(*[row[0] for row in base.execute(sys.argv[2])], sep='\\n'); base.commit()";
        let base = self.folder.path().join("synapse.db");
        let done = Command::new(python()).args(["-c", run]).arg(base).arg(statement).output();
        let done = done.unwrap_or_else(|error| panic!("{statement}: {error}"));
        assert!(done.status.success(), "{statement}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// What it has said since it was started first, warnings and worse.
    pub fn log(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        read("out") + &read("synapse.log")
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody with an account: made now, with a name that nobody has yet.
    pub async fn person(&self, name: &str) -> Person {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut person = self.with_token("");
        let account = json!({
            "username": format!("{name}-{number}"), "password": "of-the-tests", "auth": { "type": "m.login.dummy" },
        });
        let made = person.done(Method::POST, "v3/register", account).await;
        person.token = text(&made, "access_token");
        person.user = text(&made, "user_id");
        person
    }

    /// The application service, to be spoken as with `?user_id=`.
    pub fn service(&self) -> Person {
        Person { user: SERVICE.to_owned(), ..self.with_token(AS_TOKEN) }
    }

    fn with_token(&self, token: &str) -> Person {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(START_MAX);
        Person {
            http: http.build().expect("an HTTP client without certificates"),
            url: self.url(),
            token: token.to_owned(),
            user: String::new(),
        }
    }
}

impl Drop for Synapse {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Who speaks to the server by its client-server interface.
#[derive(Debug, Clone)]
pub struct Person {
    http: reqwest::Client,
    url: String,
    /// What shows who it is.
    pub token: String,
    /// `@name:portevoix.test`.
    pub user: String,
}

impl Person {
    /// Calls what lies under `/_matrix/client/`. The status and the answer.
    pub async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/_matrix/client/{path}", self.url);
        let mut request = self.http.request(method.clone(), url);
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        let request = if method == Method::GET { request } else { request.json(&body) };
        let answer = request.send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// The same, of what cannot be refused.
    pub async fn done(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(method, path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// What lies under `/_matrix/client/` and is no JSON.
    pub async fn bytes(&self, path: &str) -> Vec<u8> {
        let url = format!("{}/_matrix/client/{path}", self.url);
        let answer = self.http.get(url).bearer_auth(&self.token).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(answer.status(), 200, "{path}");
        answer.bytes().await.unwrap_or_else(|error| panic!("{path}: {error}")).to_vec()
    }

    /// Makes a room and is in it. `more` goes into the request, as `{"preset": "private_chat"}`.
    pub async fn make_room(&self, more: Value) -> String {
        text(&self.done(Method::POST, "v3/createRoom", more).await, "room_id")
    }

    /// Sets a state of a room.
    pub async fn set(&self, room: &str, state: &str, content: Value) {
        self.done(Method::PUT, &format!("v3/rooms/{room}/state/{state}"), content).await;
    }

    /// Asks another into a room.
    pub async fn invite(&self, room: &str, user: &str) {
        self.done(Method::POST, &format!("v3/rooms/{room}/invite"), json!({ "user_id": user })).await;
    }

    /// All events of this type in a room, the oldest first, as the server gives them to this person.
    pub async fn events(&self, room: &str, kind: &str) -> Vec<Value> {
        let mut events = Vec::new();
        let mut from = String::new();
        loop {
            let path = format!("v3/rooms/{room}/messages?dir=f&limit=500{from}");
            let page = self.done(Method::GET, &path, Value::Null).await;
            events.extend(page["chunk"].as_array().cloned().unwrap_or_default());
            match page["end"].as_str() {
                Some(end) => from = format!("&from={end}"),
                None => break,
            }
        }
        events.retain(|event| event["type"] == kind);
        events
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}")).to_owned()
}

/// The Python that has Synapse.
pub fn python() -> PathBuf {
    installed().join("synapse/bin/python")
}

const LOG: &str = "version: 1
formatters: {f: {format: '%(asctime)s %(levelname)s %(name)s %(message)s'}}
handlers: {file: {class: logging.FileHandler, filename: synapse.log, formatter: f}}
root: {level: WARNING, handlers: [file]}
disable_existing_loggers: false
";

/// The registration of the application service, as its README says.
fn service(options: Options) -> String {
    let Options { is_rate_limited, makes_devices } = options;
    format!(
        r"id: portevoix
url: null
as_token: {AS_TOKEN}
hs_token: hs-token-of-the-tests
sender_localpart: portevoix
rate_limited: {is_rate_limited}
io.element.msc4190: {makes_devices}
namespaces:
  users: [{{exclusive: true, regex: '@pv_.*:portevoix\.test'}}]
  aliases: []
  rooms: []
"
    )
}

/// Messages of people keep their usual rates; accounts, rooms and joins of a test do not.
fn configuration(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "server_name: {NAME}
listeners:
  - {{port: {port}, bind_addresses: ['127.0.0.1'], type: http, tls: false, resources: [{{names: [client], compress: false}}]}}
database: {{name: sqlite3, args: {{database: {folder}/synapse.db}}}}
log_config: {folder}/log.yaml
media_store_path: {folder}/media
signing_key_path: {folder}/signing.key
macaroon_secret_key: of-the-tests
form_secret: of-the-tests
report_stats: false
trusted_key_servers: []
suppress_key_server_warning: true
app_service_config_files: [{folder}/service.yaml]
enable_registration: true
enable_registration_without_verification: true
bcrypt_rounds: 4
rc_registration: {{per_second: 1000, burst_count: 1000}}
rc_room_creation: {{per_second: 1000, burst_count: 1000}}
rc_joins: {{local: {{per_second: 1000, burst_count: 1000}}}}
rc_joins_per_room: {{per_second: 1000, burst_count: 1000}}
"
    )
}
