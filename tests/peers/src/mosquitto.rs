//! A real mosquitto from Debian, started on loopback, killed and restarted.
//!
//! Needs `mosquitto` (with `mosquitto_passwd`) and, for TLS, `openssl`. Each one has its own folder and free
//! ports, and ends only its own process.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a broker may take to listen.
const START_MAX: Duration = Duration::from_secs(10);

/// How the broker is set up. The default: no persistence, no TLS, no password.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Sessions and retained values outlive the process: written to disk after each change.
    pub keeps: bool,
    /// A second port, with TLS.
    pub tls: bool,
    /// The TLS port asks for a client certificate.
    pub asks_certificate: bool,
    /// The user `portevoix` with the password `ouvre-toi`, and nobody else.
    pub asks_password: bool,
    /// Unacknowledged messages for each client; 0 for the broker's own default (20).
    pub inflight: u16,
}

/// A broker.
pub struct Mosquitto {
    folder: PathBuf,
    options: Options,
    port: u16,
    tls_port: u16,
    child: Option<Child>,
}

impl Mosquitto {
    /// Starts a broker and waits until it listens.
    pub async fn start(options: Options) -> Mosquitto {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("portevoix-mosquitto-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        let mut broker = Mosquitto { folder, options, port: free_port(), tls_port: free_port(), child: None };
        if options.tls {
            make_certificates(&broker.folder);
        }
        broker.write_configuration();
        broker.restart().await;
        broker
    }

    /// The port without TLS.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port with TLS.
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// A file of this broker: `ca.pem`, `client.pem`, `client.key`, `other.pem` (an authority that signed
    /// nothing here), `password`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The process, if it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Ends the process at once, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks the process to end, and waits.
    pub fn stop(&mut self) {
        self.signal("TERM");
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }

    /// Stops the process in its tracks: the kernel still takes connections, nobody answers.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets a frozen process go on.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        if let Some(pid) = self.pid() {
            let _ = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status();
        }
    }

    /// Starts the process again, on the same ports and with the same folder.
    pub async fn restart(&mut self) {
        self.kill();
        let log = fs::File::create(self.folder.join("log")).expect("a log file");
        let child = Command::new("mosquitto")
            .arg("-c")
            .arg(self.folder.join("mosquitto.conf"))
            .env("PATH", with_sbin())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn()
            .expect("mosquitto is installed");
        self.child = Some(child);
        let listens = async {
            // Nothing tells when a process listens, so it is asked until it does.
            while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(START_MAX, listens).await.is_err() {
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            panic!("mosquitto does not listen on {}: {log}", self.port);
        }
    }

    fn write_configuration(&self) {
        let Options { keeps, tls, asks_certificate, asks_password, inflight } = self.options;
        let folder = self.folder.display();
        let mut lines = vec![
            // Where the tests run as root, mosquitto would become a user who cannot write here.
            "user root".to_owned(),
            "max_queued_messages 100000".to_owned(),
            format!("persistence {keeps}"),
        ];
        if inflight > 0 {
            lines.push(format!("max_inflight_messages {inflight}"));
        }
        if keeps {
            lines.push(format!("persistence_location {folder}/"));
            lines.push("autosave_interval 1\nautosave_on_changes true".to_owned());
        }
        if asks_password {
            make_password(&self.folder);
            lines.push(format!("allow_anonymous false\npassword_file {folder}/passwords"));
        } else {
            lines.push("allow_anonymous true".to_owned());
        }
        lines.push(format!("listener {} 127.0.0.1", self.port));
        if tls {
            lines.push(format!("listener {} 127.0.0.1", self.tls_port));
            lines.push(format!(
                "cafile {folder}/ca.pem\ncertfile {folder}/server.pem\nkeyfile {folder}/server.key"
            ));
            lines.push(format!("require_certificate {asks_certificate}"));
        }
        fs::write(self.folder.join("mosquitto.conf"), lines.join("\n") + "\n").expect("a configuration");
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.thaw();
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn with_sbin() -> String {
    format!("{}:/usr/sbin:/usr/local/sbin", std::env::var("PATH").unwrap_or_default())
}

fn make_password(folder: &Path) {
    fs::write(folder.join("password"), "ouvre-toi\n").expect("a password file");
    fs::write(folder.join("wrong-password"), "sesame\n").expect("a password file");
    fs::write(folder.join("passwords"), "portevoix:ouvre-toi\n").expect("a password file");
    run(Command::new("mosquitto_passwd").arg("-U").arg(folder.join("passwords")));
}

/// Two authorities; the first signs a server for 127.0.0.1 (not for `localhost`), and a client.
fn make_certificates(folder: &Path) {
    let openssl = |line: String| run(Command::new("openssl").args(line.split(' ')).current_dir(folder));
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    for name in ["ca", "other"] {
        openssl(format!("req -x509 {key} -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem"));
    }
    for (name, extensions) in [("server", "subjectAltName=IP:127.0.0.1\n"), ("client", "")] {
        let extensions = format!("{extensions}basicConstraints=CA:FALSE\n");
        fs::write(folder.join(format!("{name}.ext")), extensions).expect("an extension file");
        openssl(format!("req {key} -subj /CN={name} -keyout {name}.key -out {name}.csr"));
        let signed = "-CA ca.pem -CAkey ca.key -CAcreateserial -days 2";
        openssl(format!("x509 -req -in {name}.csr {signed} -extfile {name}.ext -out {name}.pem"));
    }
}

fn run(command: &mut Command) {
    let output = command.output().expect("the program is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A machine: a raw MQTT 3.1.1 client that only publishes.
pub struct Publisher {
    stream: TcpStream,
    last: u16,
}

impl Publisher {
    /// Connects to a broker on loopback.
    ///
    /// # Errors
    /// The broker cannot be reached, or refuses.
    pub async fn connect(port: u16) -> io::Result<Publisher> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let id = format!("machine-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let mut body = b"\x00\x04MQTT\x04\x02\x00\x00".to_vec();
        body.extend((id.len() as u16).to_be_bytes());
        body.extend(id.as_bytes());
        stream.write_all(&packet(0x10, &body)).await?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await?;
        match answer {
            [0x20, 2, _, 0] => Ok(Publisher { stream, last: 0 }),
            other => Err(io::Error::other(format!("refused: {other:?}"))),
        }
    }

    /// Publishes; at QoS 1 waits until the broker has it.
    ///
    /// # Errors
    /// The line broke. At QoS 1, the broker may or may not have it.
    pub async fn publish(&mut self, topic: &str, payload: &[u8], qos: u8, retain: bool) -> io::Result<()> {
        let mut body = (topic.len() as u16).to_be_bytes().to_vec();
        body.extend(topic.as_bytes());
        if qos > 0 {
            self.last = self.last % u16::MAX + 1;
            body.extend(self.last.to_be_bytes());
        }
        body.extend(payload);
        self.stream.write_all(&packet(0x30 | qos << 1 | u8::from(retain), &body)).await?;
        match qos {
            0 => Ok(()),
            1 => self.expect(0x40).await,
            _ => {
                self.expect(0x50).await?;
                let id = self.last.to_be_bytes();
                self.stream.write_all(&packet(0x62, &id)).await?;
                self.expect(0x70).await
            }
        }
    }

    async fn expect(&mut self, kind: u8) -> io::Result<()> {
        let [high, low] = self.last.to_be_bytes();
        let mut answer = [0; 4];
        self.stream.read_exact(&mut answer).await?;
        if answer == [kind, 2, high, low] { Ok(()) } else { Err(io::Error::other(format!("{answer:?}"))) }
    }
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut length = body.len();
    loop {
        let byte = (length % 128) as u8;
        length /= 128;
        packet.push(if length > 0 { byte | 0x80 } else { byte });
        if length == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}
