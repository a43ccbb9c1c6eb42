//! `portevoix probe`: looks at a device, a broker, a server or a folder, and writes configuration for it.
//!
//! What was seen goes to standard error, the configuration to standard output: `portevoix probe … > plant.toml`.

use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use contract::settings::{Secret, Wait};
use contract::{Check, SourceError};

use super::{Failed, Outcome, complain, folders, runtime, say};

/// What the command line says.
#[derive(Debug, Args)]
pub struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Listen to a broker: topics, what their payloads look like, Sparkplug births
    Mqtt(Mqtt),
    /// Ask a Modbus device: which units answer, a register in every decoding
    Modbus(Modbus),
    /// Browse an OPC UA server: ways in, policies, variables
    #[cfg(feature = "opcua")]
    Opcua(Opcua),
    /// Look at the files of a folder: how they are written, their columns
    Files(Files),
    /// Run a program that prints JSON lines, and look at what it prints
    Exec(Exec),
}

/// Who we say we are.
#[derive(Debug, Args)]
struct Login {
    /// The user name, if one is asked for
    #[arg(long, value_name = "NAME", requires = "password_file")]
    user: Option<String>,
    /// A file that holds the password
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Mqtt {
    /// The broker: mqtt://host:1883, or mqtts://host:8883 with TLS
    url: String,
    #[command(flatten)]
    login: Login,
    /// A PEM file with the authorities that may sign the broker's certificate
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// What to subscribe to
    #[arg(long, default_value = "#")]
    filter: String,
    /// How long to listen
    #[arg(long = "for", default_value = "10s", value_parser = wait)]
    time: Duration,
    /// A broker that knows only MQTT 3.1.1
    #[arg(long)]
    old: bool,
}

#[derive(Debug, Args)]
struct Modbus {
    /// The line: tcp://host:502, rtu-tcp://host:4001, or the path of a serial port
    line: String,
    /// The speed of a serial port
    #[arg(long, default_value_t = 19_200)]
    baud: u32,
    /// The parity of a serial port
    #[arg(long, value_enum, default_value_t = Parity::Even)]
    parity: Parity,
    /// Ask which units from 1 to 247 answer, instead of reading registers
    #[arg(long)]
    scan: bool,
    /// The unit
    #[arg(long, default_value_t = 1)]
    unit: u8,
    /// What to read
    #[arg(long, value_enum, default_value_t = Table::Holding)]
    table: Table,
    /// The first address on the wire, from 0
    #[arg(long, default_value_t = 0)]
    start: u16,
    /// How many, 1 to 125
    #[arg(long, default_value_t = 8)]
    count: u16,
    /// What you read on the device now: the types and orders that fit come first
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    known: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Parity {
    None,
    Even,
    Odd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Table {
    Holding,
    Input,
}

#[cfg(feature = "opcua")]
#[derive(Debug, Args)]
struct Opcua {
    /// The server: opc.tcp://host:4840
    url: String,
    #[command(flatten)]
    login: Login,
    /// Neither signed nor encrypted: anyone on the line can read and forge
    #[arg(long)]
    insecure: bool,
    /// The most nodes that are looked at
    #[arg(long, default_value_t = 500)]
    nodes: usize,
    /// The state folder, for our certificate [default: as for `run`]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Files {
    /// The folder
    folder: PathBuf,
    /// Which files: "orders*.csv"; without it, the newest file decides
    #[arg(long, value_name = "PATTERN")]
    files: Option<String>,
    /// The zone of times that are written without one
    #[arg(long, default_value = "Europe/Paris")]
    timezone: String,
}

#[derive(Debug, Args)]
struct Exec {
    /// How long to listen
    #[arg(long = "for", default_value = "10s", value_parser = wait)]
    time: Duration,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true)]
    command: Vec<String>,
}

fn wait(text: &str) -> Result<Duration, String> {
    Wait::parse(text).map(|wait| wait.0)
}

/// Does it.
pub fn run(options: &Options) -> Outcome {
    let runtime = runtime()?;
    match &options.what {
        What::Mqtt(options) => {
            let report = runtime.block_on(source_mqtt::probe::probe(&mqtt(options))).map_err(failed)?;
            show(&report, &report.configuration)
        }
        What::Modbus(options) => modbus(&runtime, options),
        #[cfg(feature = "opcua")]
        What::Opcua(options) => {
            let options = opcua(options)?;
            let report = runtime.block_on(source_opcua::probe::run(&options));
            let report = report.map_err(|error| Failed::Task(error.to_string()))?;
            show(&report, &report.configuration)
        }
        What::Files(options) => {
            let report = runtime.block_on(source_files::probe::probe(&files(options)?)).map_err(failed)?;
            show(&report, &report.configuration)
        }
        What::Exec(options) => {
            let state = folders::state(None, None);
            let options =
                source_exec::probe::Options { command: options.command.clone(), state, listen: options.time };
            let report = runtime.block_on(source_exec::probe::probe(&options)).map_err(failed)?;
            show(&report, &report.configuration)
        }
    }
}

/// The line as its table in a configuration would say it.
fn line(options: &Modbus) -> Result<source_modbus::Settings, Failed> {
    let parity = match options.parity {
        Parity::None => "none",
        Parity::Even => "even",
        Parity::Odd => "odd",
    };
    let table = if options.line.contains("://") {
        serde_json::json!({ "url": options.line })
    } else {
        serde_json::json!({ "serial": { "port": options.line, "baud": options.baud, "parity": parity } })
    };
    let wrong = |words: String| Failed::Task(format!("{}: {words}", options.line));
    let settings: source_modbus::Settings =
        serde_json::from_value(table).map_err(|error| wrong(error.to_string()))?;
    match settings.check().into_iter().next() {
        Some(fault) => Err(wrong(fault.message)),
        None => Ok(settings),
    }
}

fn modbus(runtime: &tokio::runtime::Runtime, options: &Modbus) -> Outcome {
    let failed = |error: source_modbus::probe::ProbeError| Failed::Task(error.to_string());
    let settings = line(options)?;
    if options.scan {
        let scan = runtime.block_on(source_modbus::probe::units(&settings, 1..=247)).map_err(failed)?;
        return show(&scan, &scan.configuration);
    }
    let table = match options.table {
        Table::Holding => source_modbus::Table::Holding,
        Table::Input => source_modbus::Table::Input,
    };
    let asked = source_modbus::probe::Options {
        settings,
        unit: options.unit,
        table,
        start: options.start,
        count: options.count,
        known: options.known,
    };
    let report = runtime.block_on(source_modbus::probe::registers(&asked)).map_err(failed)?;
    show(&report, &report.configuration)
}

fn show(report: &impl Display, configuration: &str) -> Outcome {
    complain(report.to_string().trim_end());
    say(configuration.trim_end());
    Ok(())
}

fn failed(error: SourceError) -> Failed {
    Failed::Task(error.to_string())
}

fn mqtt(options: &Mqtt) -> source_mqtt::probe::Options {
    let secret = |file: &PathBuf| Secret { credential: None, file: Some(file.clone()), env: None };
    source_mqtt::probe::Options {
        name: "broker".to_owned(),
        url: options.url.clone(),
        version: if options.old { source_mqtt::Version::V311 } else { source_mqtt::Version::V5 },
        user: options.login.user.clone(),
        password: options.login.password_file.as_ref().map(secret),
        ca: options.ca.clone(),
        filter: options.filter.clone(),
        time: options.time,
    }
}

fn files(options: &Files) -> Result<source_files::probe::Options, Failed> {
    let folder = std::path::absolute(&options.folder)
        .map_err(|error| Failed::Task(format!("{}: {error}", options.folder.display())))?;
    Ok(source_files::probe::Options {
        folder,
        files: options.files.clone(),
        timezone: options.timezone.clone(),
    })
}

#[cfg(feature = "opcua")]
fn opcua(options: &Opcua) -> Result<source_opcua::probe::Options, Failed> {
    let state = folders::state(options.state.as_ref(), None);
    let mut asked = source_opcua::probe::Options::new(&options.url, state);
    if options.insecure {
        asked.security = source_opcua::Security::None;
    }
    asked.nodes_max = options.nodes;
    if let Some(user) = &options.login.user {
        let file = options.login.password_file.clone();
        let password = Secret { credential: None, file, env: None }.read();
        let password = password.map_err(|wrong| Failed::Task(format!("password of {user}: {wrong}")))?;
        asked.user = Some((user.clone(), password));
    }
    Ok(asked)
}
