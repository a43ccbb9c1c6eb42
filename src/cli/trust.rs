//! `portevoix trust`: which OPC UA servers are trusted. A server shows a certificate; until a person accepts it,
//! nothing is read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use source_opcua::trust::{self, Certificate, Standing};

use super::{Configured, Failed, Outcome, folders, say};
use crate::config::Plan;

/// What the command line says.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    configured: Configured,
    /// The state folder of the service [default: as for `run`]
    #[arg(long, value_name = "DIR", global = true)]
    state: Option<PathBuf>,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the certificates of every source: ours, those trusted, those that wait for you
    List,
    /// Accept the server that showed this certificate
    Accept(One),
    /// No longer trust the server with this certificate
    Reject(One),
}

/// One certificate.
#[derive(Debug, Args)]
struct One {
    /// The source: `plc` of `[source.opcua.plc]`
    source: String,
    /// The thumbprint: 40 hexadecimal digits
    thumbprint: String,
}

/// Does it.
pub fn run(options: &Options) -> Outcome {
    // A server is met by `probe` before there is a configuration: then the folders alone say what is known.
    let plan = crate::config::load(&options.configured.path()).ok();
    let configured = plan.as_ref().and_then(|plan| plan.settings.state.as_ref());
    let state = folders::state(options.state.as_ref(), configured);
    let names = known_sources(plan.as_ref(), &state);
    let failed = |error: trust::TrustError| Failed::Task(error.to_string());
    let known = |one: &One| match names.contains(&one.source) {
        true => Ok(()),
        false => {
            let folder = trust::folder(&state, &one.source);
            Err(Failed::Task(format!("no source `{}`: {} is not there", one.source, folder.display())))
        }
    };
    match &options.what {
        None | Some(What::List) => {
            if names.is_empty() {
                say("no source of the kind opcua is configured or was ever connected");
            }
            names.iter().try_for_each(|name| list(&state, name, &options.words()))
        }
        Some(What::Accept(one)) => {
            known(one)?;
            let certificate = trust::accept(&state, &one.source, &one.thumbprint).map_err(failed)?;
            say(&format!("trusted: {}", words(&certificate)));
            Ok(())
        }
        Some(What::Reject(one)) => {
            known(one)?;
            let certificate = trust::reject(&state, &one.source, &one.thumbprint).map_err(failed)?;
            say(&format!("no longer trusted: {}", words(&certificate)));
            Ok(())
        }
    }
}

impl Options {
    /// What was said on the command line and must be said again, to look at the same folders.
    fn words(&self) -> String {
        let said = [("--config", &self.configured.config), ("--state", &self.state)];
        let said =
            said.iter().filter_map(|(option, path)| Some((option, path.as_ref()?.display().to_string())));
        // A shell takes a name apart where it holds anything unusual.
        let is_plain = |path: &str| path.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
        said.map(|(option, path)| match is_plain(&path) {
            true => format!(" {option} {path}"),
            false => format!(" {option} '{}'", path.replace('\'', "'\\''")),
        })
        .collect()
    }
}

/// The sources of the configuration, and those that left certificates.
fn known_sources(plan: Option<&Plan>, state: &Path) -> BTreeSet<String> {
    let of_plan = plan.iter().flat_map(|plan| &plan.sources);
    let of_plan = of_plan.filter(|source| source.kind.name() == "opcua").map(|source| source.name.clone());
    let entries = std::fs::read_dir(state.join("opcua")).into_iter().flatten().flatten();
    let of_state = entries.filter_map(|entry| entry.file_name().into_string().ok());
    of_plan.chain(of_state).collect()
}

fn list(state: &Path, source: &str, options: &str) -> Outcome {
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
            "compare the thumbprint with the one the server shows, then: portevoix trust accept {source} {}{options}",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_typed_next_looks_at_the_same_folders() {
        let configured = Configured { config: Some("/etc/usine/l'atelier b".into()) };
        let options = Options { configured, state: Some("/srv/state".into()), what: None };
        assert_eq!(options.words(), " --config '/etc/usine/l'\\''atelier b' --state /srv/state");
        let none = Options { configured: Configured { config: None }, state: None, what: None };
        assert_eq!(none.words(), "");
    }
}
