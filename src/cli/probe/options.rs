//! What the command line of `portevoix probe` says.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use contract::settings::Wait;

/// What the command line says.
#[derive(Debug, Args)]
pub struct Options {
    #[command(subcommand)]
    pub what: What,
}

#[derive(Debug, Subcommand)]
pub enum What {
    /// Listen to a broker: topics, what their payloads look like, Sparkplug births
    Mqtt(Mqtt),
    /// Ask a Modbus device: which units answer, a register in every decoding
    Modbus(Modbus),
    /// Browse an OPC UA server: ways in, policies, variables
    #[cfg(feature = "opcua")]
    Opcua(Opcua),
    /// Look at the files of a folder: how they are written, their columns
    Files(Files),
    /// Ask one page of a business system, and look at its JSON
    Http(Http),
    /// Run a query in a database, or list its tables
    #[cfg(feature = "sql")]
    Sql(Sql),
    /// Run a program that prints JSON lines, and look at what it prints
    Exec(Exec),
}

/// Who we say we are.
#[derive(Debug, Args)]
pub struct Login {
    /// The user name, if one is asked for
    #[arg(long, value_name = "NAME", requires = "password_file")]
    pub user: Option<String>,
    /// A file that holds the password
    #[arg(long, value_name = "FILE", requires = "user")]
    pub password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Mqtt {
    /// The broker: mqtt://host:1883, or mqtts://host:8883 with TLS
    pub url: String,
    #[command(flatten)]
    pub login: Login,
    /// A PEM file with the authorities that may sign the broker's certificate
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// What to subscribe to
    #[arg(long, default_value = "#")]
    pub filter: String,
    /// How long to listen
    #[arg(long = "for", default_value = "10s", value_parser = wait)]
    pub time: Duration,
    /// A broker that knows only MQTT 3.1.1
    #[arg(long)]
    pub old: bool,
}

#[derive(Debug, Args)]
pub struct Modbus {
    /// The line: tcp://host:502, rtu-tcp://host:4001, or the path of a serial port
    pub line: String,
    /// The speed of a serial port
    #[arg(long, default_value_t = 19_200)]
    pub baud: u32,
    /// The parity of a serial port
    #[arg(long, value_enum, default_value_t = Parity::Even)]
    pub parity: Parity,
    /// Ask which units from 1 to 247 answer, instead of reading registers
    #[arg(long)]
    pub scan: bool,
    /// The unit
    #[arg(long, default_value_t = 1)]
    pub unit: u8,
    /// What to read
    #[arg(long, value_enum, default_value_t = Table::Holding)]
    pub table: Table,
    /// The first address on the wire, from 0
    #[arg(long, default_value_t = 0)]
    pub start: u16,
    /// How many, 1 to 125
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=125))]
    pub count: u16,
    /// What you read on the device now: only the types and orders that fit are shown
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true, value_parser = number)]
    pub known: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Parity {
    None,
    Even,
    Odd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Table {
    Holding,
    Input,
}

#[cfg(feature = "opcua")]
#[derive(Debug, Args)]
pub struct Opcua {
    /// The server: opc.tcp://host:4840
    pub url: String,
    #[command(flatten)]
    pub login: Login,
    /// Neither signed nor encrypted: anyone on the line can read and forge
    #[arg(long)]
    pub insecure: bool,
    /// The most nodes that are looked at
    #[arg(long, default_value_t = 500)]
    pub nodes: usize,
    /// The state folder, for our certificate [default: as for `run`]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Files {
    /// The folder
    pub folder: PathBuf,
    /// Which files: "orders*.csv"; without it, the newest file decides
    #[arg(long, value_name = "PATTERN")]
    pub files: Option<String>,
    /// The zone of times that are written without one
    #[arg(long, default_value = "Europe/Paris")]
    pub timezone: String,
}

#[derive(Debug, Args)]
pub struct Http {
    /// The page: https://erp.example/odata/Orders?$top=50
    pub url: String,
    #[command(flatten)]
    pub login: Login,
    /// A file that holds a token, instead of a user and a password
    #[arg(long, value_name = "FILE", conflicts_with = "user")]
    pub bearer_file: Option<PathBuf>,
    /// A PEM file with the authorities that may sign the server's certificate
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

#[cfg(feature = "sql")]
#[derive(Debug, Args)]
pub struct Sql {
    /// The database: postgres://host:5432/name or mysql://host:3306/name
    pub url: String,
    /// The user: one that may read what is needed and nothing else
    #[arg(long, value_name = "NAME")]
    pub user: String,
    /// A file that holds the password
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The query; without it, the tables are listed
    #[arg(long)]
    pub query: Option<String>,
    /// A PEM file with the authorities that may sign the server's certificate
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// No TLS, for a database on this machine
    #[arg(long)]
    pub insecure: bool,
}

#[derive(Debug, Args)]
pub struct Exec {
    /// The folder in which the program runs [default: this one]
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// A folder for what the program keeps (`PORTEVOIX_STATE`) [default: one that is gone afterwards]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// How long to listen
    #[arg(long = "for", default_value = "10s", value_parser = wait)]
    pub time: Duration,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true)]
    pub command: Vec<String>,
}

fn wait(text: &str) -> Result<Duration, String> {
    Wait::parse(text).map(|wait| wait.0)
}

/// As people write it: `49.8` or `49,8`.
fn number(text: &str) -> Result<f64, String> {
    text.replace(',', ".").parse().map_err(|_| format!("found `{text}`, expected a number such as 49.8"))
}
