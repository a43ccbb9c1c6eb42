//! A real OpenSSH server from Debian, as our own user, on loopback, with keys of its own: serves one folder by
//! `internal-sftp`. Needs `sshd` and `ssh-keygen`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::foreign::{Folder, free_port};

/// How long a server may take to listen.
const START_MAX: Duration = Duration::from_secs(20);

/// A server.
pub struct Sshd {
    folder: Folder,
    port: u16,
    child: Option<Child>,
}

impl Sshd {
    /// Starts a server and waits until it listens.
    pub async fn start() -> Sshd {
        let folder = Folder::new("sshd");
        for name in ["host", "other-host", "user", "stranger"] {
            let path = folder.path().join(name);
            run(Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
                .arg(path));
        }
        fs::create_dir(folder.path().join("drop")).expect("a folder");
        fs::copy(folder.path().join("user.pub"), folder.path().join("authorized_keys")).expect("a key");
        let mut server = Sshd { port: free_port(), folder, child: None };
        server.restart("host").await;
        server
    }

    /// Starts it again on the same port, with this host key: `host` or `other-host`.
    pub async fn restart(&mut self, host_key: &str) {
        self.kill();
        let folder = self.folder.path().display().to_string();
        let lines = [
            format!("Port {}", self.port),
            "ListenAddress 127.0.0.1".to_owned(),
            format!("HostKey {folder}/{host_key}"),
            format!("AuthorizedKeysFile {folder}/authorized_keys"),
            format!("PidFile {folder}/pid"),
            "StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no"
                .to_owned(),
            "PubkeyAuthentication yes\nPermitRootLogin prohibit-password".to_owned(),
            "Subsystem sftp internal-sftp".to_owned(),
        ];
        fs::write(self.folder.path().join("sshd_config"), lines.join("\n") + "\n").expect("a configuration");
        let log = fs::File::create(self.folder.path().join("log")).expect("a log file");
        // As root it wants the empty folder that Debian makes when the service starts.
        let _ = fs::create_dir("/run/sshd");
        // sshd starts itself anew for each connection, so it wants its whole path.
        let child = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(self.folder.path().join("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(child.expect("openssh-server is installed"));
        let started = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(started.elapsed() < START_MAX, "sshd does not listen: {}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder that is served, as the server sees it and as we do.
    pub fn drop(&self) -> PathBuf {
        self.folder.path().join("drop")
    }

    /// A file of this server: `user` (the key that is let in), `stranger` (one that is not).
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The fingerprint of a host key: `host` or `other-host`.
    pub fn fingerprint(&self, host_key: &str) -> String {
        let shown = Command::new("ssh-keygen").arg("-lf").arg(self.folder.path().join(host_key)).output();
        let shown = String::from_utf8(shown.expect("ssh-keygen is installed").stdout).expect("text");
        shown.split(' ').nth(1).expect("a fingerprint").to_owned()
    }

    /// The user that it knows: ours.
    pub fn user(&self) -> String {
        let shown = Command::new("id").arg("-un").output().expect("id is installed").stdout;
        String::from_utf8(shown).expect("text").trim().to_owned()
    }

    /// What it has said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Ends the server and every connection of it at once, as a power cut would.
    pub fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let before = children(child.id());
        let _ = child.kill();
        let _ = child.wait();
        for pid in before {
            let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        }
    }

    /// Stops the server and its connections in their tracks, or lets them go on: `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let Some(child) = &self.child else { return };
        for pid in children(child.id()).into_iter().chain([child.id()]) {
            let _ = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.signal("CONT");
        self.kill();
    }
}

/// All processes below this one, by their parents: sshd has one or two for each connection.
fn children(parent: u32) -> Vec<u32> {
    let below = |pid: u32| -> Vec<u32> {
        let path =
            Path::new("/proc").join(pid.to_string()).join("task").join(pid.to_string()).join("children");
        let text = fs::read_to_string(path).unwrap_or_default();
        text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
    };
    let mut all = below(parent);
    let mut at = 0;
    while at < all.len() {
        all.extend(below(all[at]));
        at += 1;
    }
    all
}

fn run(command: &mut Command) {
    let output = command.output().expect("the program is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
