//! One process of the program: started, watched, killed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::mutant::Mutant;

/// No start takes longer, or something is wrong.
pub const START_MAX: Duration = Duration::from_secs(30);
/// How often what others show is looked at: nobody tells.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What is started: the real program, or one with a mistake in it.
pub struct Program {
    /// Holds `config` and `state`, and the file to run as it is now: a build may replace it meanwhile.
    folder: PathBuf,
    mutant: Option<Mutant>,
}

impl Program {
    pub fn new(folder: &Path, mutant: Option<Mutant>) -> Program {
        let built: PathBuf = match mutant {
            Some(_) => std::env::current_exe().unwrap(),
            None => env!("CARGO_BIN_EXE_portevoix").into(),
        };
        let program = folder.join("program");
        // A link where it can be: a hundred megabytes written at once hold up every commit for seconds.
        std::fs::hard_link(&built, &program).or_else(|_| std::fs::copy(&built, &program).map(drop)).unwrap();
        Program { folder: folder.to_owned(), mutant }
    }

    /// How long it may need for what is left to do, with nobody killing it. What a mutant lost does not come.
    pub fn drain_max(&self) -> Duration {
        Duration::from_secs(if self.mutant.is_some() { 10 } else { 60 })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.folder.join("program"));
        let (config, state) = (self.folder.join("config"), self.folder.join("state"));
        match self.mutant {
            Some(mutant) => mutant.arrange(&mut command, &config, &state),
            None => command.arg("run").arg("--config").arg(config).arg("--state").arg(state),
        };
        command
    }
}

/// A process that runs.
pub struct Life {
    child: Child,
    heard: Receiver<String>,
    log: Option<JoinHandle<Vec<String>>>,
}

impl Life {
    pub fn start(program: &Program) -> Life {
        let mut child = program
            .command()
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tell, heard) = mpsc::channel();
        let log = std::thread::spawn(move || {
            let lines = lines.map_while(Result::ok);
            lines.inspect(|line| drop(tell.send(line.clone()))).collect()
        });
        Life { child, heard, log: Some(log) }
    }

    /// Waits until everything is started; sources connect from then on.
    pub fn until_started(mut self) -> Life {
        if !self.hears("started", START_MAX) {
            let _ = self.child.kill();
            panic!("it does not start\n{}", self.log().join("\n"));
        }
        self
    }

    /// Waits until it says something with these words in its log, and not longer than this.
    pub fn hears(&self, words: &str, at_most: Duration) -> bool {
        let until = Instant::now() + at_most;
        let left = || until.saturating_duration_since(Instant::now());
        std::iter::from_fn(|| self.heard.recv_timeout(left()).ok()).any(|line| line.contains(words))
    }

    /// Waits until something is so; false if it never was.
    pub fn wait(&self, at_most: Duration, mut is_so: impl FnMut() -> bool) -> bool {
        let began = Instant::now();
        while !is_so() {
            if began.elapsed() > at_most {
                return false;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        true
    }

    /// Ends it at once, as a power cut would. What it had to complain of.
    pub fn kill(mut self) -> Vec<String> {
        let ended = self.child.try_wait().unwrap();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let log = self.log();
        let by_itself = ended.map(|status| format!("it ended by itself ({status}): {}", log.join(" / ")));
        by_itself.into_iter().chain(complaints(log)).collect()
    }

    /// Asks it to end.
    pub fn stop(mut self) -> Vec<String> {
        Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        let status = self.child.wait().unwrap();
        let log = self.log();
        let unclean = (!status.success()).then(|| format!("it ended with {status}: {}", log.join(" / ")));
        unclean.into_iter().chain(complaints(log)).collect()
    }

    fn log(&mut self) -> Vec<String> {
        self.log.take().map(|log| log.join().unwrap()).unwrap_or_default()
    }
}

fn complaints(log: Vec<String>) -> impl Iterator<Item = String> {
    log.into_iter().filter(|line| line.contains("ERROR") || line.contains("panicked"))
}

impl Drop for Life {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
