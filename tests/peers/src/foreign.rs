//! A server of other people's code: started, waited for, stopped in its tracks, killed and started again.
//!
//! Python and npm servers are laid out by `tests/peers/install/install.sh`, which `./tests/run` calls.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a server may take until it says that it listens.
const START_MAX: Duration = Duration::from_secs(60);
/// The pause between two looks at its log.
const LOOK: Duration = Duration::from_millis(20);

/// A folder that is gone with its owner.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new, empty folder.
    pub fn new(name: &str) -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("portevoix-{name}-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        Folder(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A program that serves.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    arguments: Vec<String>,
    ready: String,
    folder: Folder,
    child: Option<Child>,
}

impl Server {
    /// Starts a program in a folder of its own and waits until its output holds `ready`.
    pub async fn start(program: &Path, arguments: &[&str], ready: &str) -> Server {
        let name = program.file_stem().and_then(|name| name.to_str()).unwrap_or("server");
        let mut server = Server {
            program: program.to_owned(),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            ready: ready.to_owned(),
            folder: Folder::new(name),
            child: None,
        };
        server.restart().await;
        server
    }

    /// Starts it again, with the same arguments and in the same folder. What still runs is killed.
    pub async fn restart(&mut self) {
        self.kill();
        let log = fs::File::create(self.log_path()).expect("a log file");
        let again = log.try_clone().expect("a log file");
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(again)
            .spawn();
        let shown = self.program.display();
        self.child =
            Some(child.unwrap_or_else(|error| panic!("{shown}: {error}; does ./tests/run install it?")));
        let started = Instant::now();
        while !self.log().contains(&self.ready) {
            let ended = self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            let is_late = started.elapsed() > START_MAX;
            assert!(!ended && !is_late, "{shown} does not say `{}`: {}", self.ready, self.log());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What it has printed since it was started last.
    pub fn log(&self) -> String {
        fs::read(self.log_path()).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
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

    /// Sends a signal by its name: `STOP`, `CONT`, `TERM`.
    pub fn signal(&self, name: &str) {
        if let Some(pid) = self.pid() {
            let _ = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status();
        }
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where Python and npm servers are laid out.
pub fn installed() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")).join("peers")
}

/// The Python that has asyncua, pymodbus and pysparkplug.
pub fn python() -> PathBuf {
    installed().join("python/bin/python")
}

/// A script of this crate: `scripts/<name>`.
pub fn script(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(name).display().to_string()
}

/// A port on loopback where nobody listens.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its number").port()
}
