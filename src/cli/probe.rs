//! `portevoix probe`: looks at a device, a broker, a server or a folder, and writes configuration for it.
//!
//! What was seen goes to standard error, the configuration to standard output: `portevoix probe … > plant.toml`.

mod options;
mod plant;

use std::fmt::Display;
use std::path::Path;

use contract::settings::Secret;
use contract::{Check, SourceError};

#[cfg(feature = "opcua")]
use self::options::Opcua;
pub use self::options::Options;
#[cfg(feature = "sql")]
use self::options::Sql;
use self::options::{Exec, Files, Http, Modbus, Mqtt, Parity, Table, What};
use super::{Failed, Outcome, complain, folders, runtime, say};

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
            complain(report.to_string().trim_end());
            say(&plant::whole(&options.timezone, plant::language(), &report.configuration));
            Ok(())
        }
        What::Http(options) => {
            let report = runtime.block_on(source_http::probe::probe(&http(options))).map_err(failed)?;
            show(&report, &report.configuration)
        }
        #[cfg(feature = "sql")]
        What::Sql(options) => {
            let report = runtime.block_on(source_sql::probe::probe(&sql(options)?)).map_err(failed)?;
            show(&report, &report.configuration)
        }
        What::Exec(options) => exec(&runtime, options),
    }
}

/// A program that cannot be configured as it is fails here, after all that was seen of it.
fn exec(runtime: &tokio::runtime::Runtime, options: &Exec) -> Outcome {
    let wrong = |what: &str, error: &std::io::Error| Failed::Task(format!("{what}: {error}"));
    let folder = std::path::absolute(options.folder.as_deref().unwrap_or(".".as_ref()))
        .map_err(|error| wrong("the folder of the program", &error))?;
    let passing = std::env::temp_dir().join(format!("portevoix-probe-{}", std::process::id()));
    let state = options.state.clone().unwrap_or_else(|| passing.clone());
    let asked =
        source_exec::probe::Options { command: options.command.clone(), folder, state, listen: options.time };
    let report = runtime.block_on(source_exec::probe::probe(&asked)).map_err(failed);
    // Only what we made ourselves; a program that kept nothing left nothing.
    let _ = std::fs::remove_dir_all(&passing);
    let report = report?;
    match &report.failure {
        None => show(&report, &report.configuration),
        Some(reason) => {
            complain(report.to_string().trim_end());
            Err(Failed::Task(reason.clone()))
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
    if let Some(hint) = no_scheme(&options.line) {
        return Err(Failed::Task(hint));
    }
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

/// `10.0.0.7:502` is an address without its scheme, and no serial port.
fn no_scheme(line: &str) -> Option<String> {
    let is_port = line.contains("://") || line.starts_with(['/', '.']) || Path::new(line).exists();
    (!is_port).then(|| {
        let (host, port) = line.rsplit_once(':').unwrap_or((line, "502"));
        format!(
            "`{line}` is no serial port; over a network it is `tcp://{host}:{port}`, or `rtu-tcp://{host}:{port}` \
             for a serial line behind a converter"
        )
    })
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
    say(&plant::whole(&plant::timezone(), plant::language(), configuration));
    Ok(())
}

fn failed(error: SourceError) -> Failed {
    Failed::Task(error.to_string())
}

fn secret(file: impl AsRef<Path>) -> Secret {
    Secret { credential: None, file: Some(file.as_ref().to_owned()), env: None }
}

fn http(options: &Http) -> source_http::probe::Options {
    let Http { url, login, bearer_file, ca } = options;
    let basic = login.user.clone().zip(login.password_file.as_ref().map(secret));
    let basic = basic.map(|(user, password)| source_http::Auth::Basic(source_http::Basic { user, password }));
    let bearer = bearer_file.as_ref().map(|file| source_http::Auth::Bearer(secret(file)));
    let connection = source_http::Connection { ca: ca.clone(), ..Default::default() };
    source_http::probe::Options { url: url.clone(), auth: bearer.or(basic), connection }
}

/// The database as its table in a configuration would say it.
#[cfg(feature = "sql")]
fn sql(options: &Sql) -> Result<source_sql::probe::Options, Failed> {
    let Sql { url, user, password_file, query, ca, insecure } = options;
    let tls = if *insecure { "disable" } else { "require" };
    let table = serde_json::json!({ "url": url, "user": user, "tls": tls });
    let wrong = |words: String| Failed::Task(format!("{url}: {words}"));
    let mut settings: source_sql::Settings =
        serde_json::from_value(table).map_err(|error| wrong(error.to_string()))?;
    (settings.password, settings.ca) = (password_file.as_ref().map(secret), ca.clone());
    match settings.check().into_iter().next() {
        Some(fault) => Err(wrong(fault.message)),
        None => Ok(source_sql::probe::Options { settings, query: query.clone() }),
    }
}

fn mqtt(options: &Mqtt) -> source_mqtt::probe::Options {
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
