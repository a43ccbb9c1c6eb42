//! The command line: one file for each command. Exit codes: 0 fine, 1 the thing asked for failed, 2 wrong usage or
//! configuration.
//!
//! Deliberately absent: no judgement, no adapter. A command asks a room and shows what it says.

mod check;
mod demo;
mod doctor;
mod explain;
mod folders;
mod preview;
mod probe;
mod record;
mod reload;
mod replay;
mod rule;
mod run;
mod schema;
mod status;
mod trial;
#[cfg(feature = "opcua")]
mod trust;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{self, Diagnostic, Plan};

/// What a command comes to.
pub type Outcome = Result<(), Failed>;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Failed {
    /// The thing asked for failed, with the reason unless it was said already.
    Task(String),
    /// Wrong usage or configuration; everything was said already.
    Configuration,
}

/// Machines speak in the company's social network: a value crosses its limit, and the machine says so in words
/// people read with pleasure, in one post that lives until it is over.
///
/// New here? `portevoix demo` starts a small bakery and a page to look at. Nothing to install or configure.
#[derive(Debug, Parser)]
#[command(version, about, long_about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a small bakery and its page, to see what this is about
    Demo(demo::Options),
    /// Read the machines and post, until stopped: the service
    Run(run::Options),
    /// Read the configuration and tell every mistake with its place; touches no device
    Check(check::Options),
    /// Show what each rule would post on each network
    Preview(preview::Options),
    /// Run the plant's own rule tests: given these readings, these posts at these times
    Test(trial::Options),
    /// Play a recording or a CSV through the rules: which posts, how many a shift, before and after a change
    Replay(replay::Options),
    /// Write down what the sources say, for a replay; posts nothing
    Record(record::Options),
    /// Look at a broker, a device, a server or a folder, and write configuration for it
    Probe(probe::Options),
    /// Show and accept the certificates of OPC UA servers
    #[cfg(feature = "opcua")]
    Trust(trust::Options),
    /// Tell why an episode was posted: values, rule, answers of the networks
    Explain(explain::Options),
    /// Print the JSON Schema of the configuration, for editors
    Schema,
    /// Look at the installation: clock, disk, secrets, sources, networks, bad values
    Doctor(doctor::Options),
}

/// Where the configuration lies.
#[derive(Debug, Args)]
struct Configured {
    /// A folder of TOML files, or one file [default: $CONFIGURATION_DIRECTORY, else /etc/portevoix]
    #[arg(long, value_name = "DIR", global = true)]
    config: Option<PathBuf>,
}

impl Configured {
    fn path(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(folders::config)
    }

    /// The plan, or every mistake on standard error. Warnings are shown too.
    fn load(&self) -> Result<Plan, Failed> {
        match config::load(&self.path()) {
            Ok(plan) => {
                show(&plan.warnings);
                Ok(plan)
            }
            Err(found) => {
                show(&found);
                Err(Failed::Configuration)
            }
        }
    }
}

fn show(found: &[Diagnostic]) {
    for diagnostic in found {
        complain(&format!("{diagnostic}\n"));
    }
}

/// Runs the command of the command line.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors, and are printed where they belong.
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()) * 2);
        }
    };
    let outcome = match cli.command {
        Command::Demo(options) => demo::run(&options),
        Command::Run(options) => run::run(&options),
        Command::Check(options) => check::run(&options),
        Command::Preview(options) => preview::run(&options),
        Command::Test(options) => trial::run(&options),
        Command::Replay(options) => replay::run(&options),
        Command::Record(options) => record::run(&options),
        Command::Probe(options) => probe::run(&options),
        #[cfg(feature = "opcua")]
        Command::Trust(options) => trust::run(&options),
        Command::Explain(options) => explain::run(&options),
        Command::Schema => schema::run(),
        Command::Doctor(options) => doctor::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed::Task(reason)) => {
            if !reason.is_empty() {
                complain(&format!("portevoix: {reason}"));
            }
            ExitCode::from(1)
        }
        Err(Failed::Configuration) => ExitCode::from(2),
    }
}

/// `1 machine`, `2 machines`.
fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// One line on standard output. Whoever closed it does not want to read it.
fn say(words: &str) {
    let _ = writeln!(std::io::stdout(), "{words}");
}

/// One line on standard error.
fn complain(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

/// What the names of our own crates begin with.
const OURS: [&str; 6] = ["portevoix", "source_", "network_", "contract", "http_client", "rows"];

/// Our own lines alone: a library tells each reconnect in lines of its own, and what matters in them is in ours.
fn ours(level: &str) -> tracing_subscriber::EnvFilter {
    tracing_subscriber::EnvFilter::new(OURS.map(|name| format!("{name}={level}")).join(","))
}

/// Logs to standard error, as systemd's journal likes it: no time of its own, no colours. `RUST_LOG` chooses; without
/// it only we speak.
fn log(level: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| ours(level));
    // A second log, in tests, is not started.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .try_init();
}

/// One thread runs it all: a gateway has few cores, and readings need no more.
fn runtime() -> Result<tokio::runtime::Runtime, Failed> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failed::Task(format!("the system gives no runtime: {error}")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    /// What is logged, by default.
    #[derive(Clone, Default)]
    struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_our_own_lines_speak() {
        let log = Log::default();
        let to = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(super::ours("info"))
            .with_writer(move || to.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(target: "opcua_client::session", "a library");
            tracing::error!(target: "mio", "another");
            tracing::info!(target: "source_opcua::link", "ours");
            tracing::warn!(target: "portevoix::app", "ours too");
            tracing::debug!(target: "portevoix::app", "not now");
        });
        let told = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(told.contains("ours") && told.contains("ours too"), "{told}");
        assert!(
            !told.contains("library") && !told.contains("another") && !told.contains("not now"),
            "{told}"
        );
    }

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
