//! The process: started in a group of its own, and ended with all that it started.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use contract::{Fault, SourceError};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command as Process};

use crate::settings::Settings;

/// What a program gets of our own environment. Not the rest: secrets of others may stand there.
const INHERITED: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/// How the program is started.
pub struct Command {
    words: Vec<String>,
    variables: BTreeMap<String, String>,
    folder: PathBuf,
    state: PathBuf,
    /// How long it may take to end.
    pub grace: Duration,
}

impl Command {
    /// Reads the secrets. `state` is the folder that the program may keep things in.
    ///
    /// # Errors
    /// A secret that cannot be read.
    pub fn new(settings: &Settings, state: PathBuf) -> Result<Command, Fault> {
        let mut variables = settings.environment.clone();
        for (name, secret) in &settings.secrets {
            let text = secret.read().map_err(|wrong| Fault::at("secrets", format!("`{name}`: {wrong}")))?;
            variables.insert(name.clone(), text.reveal().to_owned());
        }
        Ok(Command {
            words: settings.command.clone(),
            variables,
            folder: settings.folder.clone().unwrap_or_else(|| state.clone()),
            state,
            grace: settings.stop.0,
        })
    }

    /// Starts it.
    ///
    /// # Errors
    /// Refused where the program or its folder is not there or not ours to use, lost otherwise.
    pub fn start(&self) -> Result<(Child, Group), SourceError> {
        std::fs::create_dir_all(&self.state).map_err(|error| {
            SourceError::Lost(format!("cannot make the folder {}: {error}", self.state.display()))
        })?;
        let Some((program, arguments)) = self.words.split_first() else {
            return Err(SourceError::Refused("expected a program in `command`".into()));
        };
        if !self.folder.is_dir() {
            return Err(SourceError::Refused(format!("{} is no folder", self.folder.display())));
        }
        let mut process = Process::new(program);
        process
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .env("PORTEVOIX_STATE", absolute(&self.state))
            .envs(&self.variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let child = process.spawn().map_err(|error| refusal(program, &error))?;
        let group = Group(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw));
        Ok((child, group))
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn refusal(program: &str, error: &io::Error) -> SourceError {
    let words = format!("cannot start `{program}`: {error}");
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput => {
            SourceError::Refused(words)
        }
        _ => SourceError::Lost(words),
    }
}

/// The program and all that it started, unless that has left the group. Killed when this is dropped.
#[derive(Debug)]
pub struct Group(Option<Pid>);

impl Group {
    /// Asks all of them to end.
    pub fn ask_to_end(&self) {
        self.send(Signal::SIGTERM);
    }

    fn send(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // An error says that nobody is left.
            let _ = killpg(group, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.send(Signal::SIGKILL);
    }
}

/// Ends a program: SIGTERM and the end of its input, then, after `grace`, SIGKILL to all of its group.
pub async fn end(mut child: Child, group: Group, grace: Duration) {
    drop(child.stdin.take());
    group.ask_to_end();
    // Whether it ended or not: dropping the group kills what is left.
    let _ = tokio::time::timeout(grace, child.wait()).await;
    drop(group);
    // Killed, it is gone at once; waited for, it leaves no zombie.
    let _ = tokio::time::timeout(grace, child.wait()).await;
}

/// How a program ended, in words.
pub fn ending(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("the program has ended with status {code}"),
        (None, Some(signal)) => format!("the program was ended by signal {signal}"),
        (None, None) => "the program has ended".to_owned(),
    }
}
