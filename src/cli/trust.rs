//! `portevoix trust`: which OPC UA servers are trusted. A server shows a certificate; until a person accepts it,
//! nothing is read.

use std::path::{Path, PathBuf};

use clap::Args;
use source_opcua::trust::{self, Certificate, Standing};

use super::{Configured, Failed, Outcome, folders, say};

/// What the command line says.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    configured: Configured,
    /// The state folder of the service [default: as for `run`]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// The source: `plc` of `[source.opcua.plc]`; without it, all of them
    source: Option<String>,
    /// Accept the server that showed the certificate with this thumbprint
    #[arg(long, value_name = "THUMBPRINT", requires = "source", conflicts_with = "reject")]
    accept: Option<String>,
    /// No longer trust the server with this certificate
    #[arg(long, value_name = "THUMBPRINT", requires = "source")]
    reject: Option<String>,
}

/// Does it.
pub fn run(options: &Options) -> Outcome {
    let plan = options.configured.load()?;
    let state = folders::state(options.state.as_ref(), plan.settings.state.as_ref());
    let of_kind = plan.sources.iter().filter(|source| source.kind.name() == "opcua");
    let names: Vec<&str> = of_kind.map(|source| source.name.as_str()).collect();
    let failed = |error: trust::TrustError| Failed::Task(error.to_string());
    let Some(source) = &options.source else {
        if names.is_empty() {
            say("the configuration has no source of the kind opcua");
        }
        return names.into_iter().try_for_each(|name| list(&state, name));
    };
    if !names.contains(&source.as_str()) {
        return Err(Failed::Task(format!("no source `{source}` of the kind opcua in the configuration")));
    }
    if let Some(thumbprint) = &options.accept {
        let certificate = trust::accept(&state, source, thumbprint).map_err(failed)?;
        say(&format!("trusted: {}", words(&certificate)));
    } else if let Some(thumbprint) = &options.reject {
        let certificate = trust::reject(&state, source, thumbprint).map_err(failed)?;
        say(&format!("no longer trusted: {}", words(&certificate)));
    } else {
        list(&state, source)?;
    }
    Ok(())
}

fn list(state: &Path, source: &str) -> Outcome {
    let all = trust::list(state, source).map_err(|error| Failed::Task(error.to_string()))?;
    say(&format!("source {source}, in {}", trust::folder(state, source).display()));
    for certificate in &all {
        let standing = match certificate.standing {
            Standing::Own => "ours",
            Standing::Trusted => "trusted",
            Standing::Issuer => "authority",
            Standing::Rejected => "waits for you",
        };
        say(&format!("  {standing:14} {}", words(certificate)));
    }
    if all.is_empty() {
        say("  nothing yet: ours is made at the first connection");
    }
    if let Some(waits) = all.iter().find(|certificate| certificate.standing == Standing::Rejected) {
        say(&format!(
            "compare the thumbprint with the one the server shows, then: portevoix trust {source} --accept {}",
            waits.thumbprint
        ));
    }
    Ok(())
}

fn words(certificate: &Certificate) -> String {
    let ends = certificate.ends.and_then(|ends| jiff::Timestamp::from_millisecond(ends.as_ms()).ok());
    let ends = ends.map_or(String::new(), |ends| format!(", until {}", ends.strftime("%Y-%m-%d")));
    let subject = contract::clean(&certificate.subject, 80);
    format!("{} {subject}{ends}", certificate.thumbprint)
}
