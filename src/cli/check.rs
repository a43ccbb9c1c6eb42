//! `portevoix check`: every mistake of the configuration, with its place.

use clap::Args;
use contract::Fault;

use super::{Configured, Failed, Outcome, count, say, show};
use crate::config::{self, Diagnostic, ListPlan, Place, Plan, Severity};

/// What the command line says.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    configured: Configured,
    /// One JSON document instead of words
    #[arg(long)]
    json: bool,
}

/// Does it.
pub fn run(options: &Options) -> Outcome {
    if !options.json {
        let plan = options.configured.load()?;
        show(&absent(&plan));
        let (tags, rules) = plan
            .machines
            .iter()
            .fold((0, 0), |(tags, rules), machine| (tags + machine.tags.len(), rules + machine.rules.len()));
        let lists = match plan.lists.len() {
            0 => String::new(),
            lists => format!("{}, ", count(lists, "list")),
        };
        let of_list = |list: &ListPlan| list.rules.len() + list.late.len() + list.reach.len();
        let rules = rules + plan.lists.iter().map(of_list).sum::<usize>();
        say(&format!(
            "fine: {}, {}, {}, {lists}{}, {}",
            count(plan.sources.len(), "source"),
            count(plan.machines.len(), "machine"),
            count(tags, "tag"),
            count(rules, "rule"),
            count(plan.networks.len(), "network"),
        ));
        return Ok(());
    }
    let (found, outcome) = match config::load(&options.configured.path()) {
        Ok(mut plan) => {
            plan.warnings.extend(absent(&plan));
            (plan.warnings, Ok(()))
        }
        Err(found) => (found, Err(Failed::Configuration)),
    };
    let found = serde_json::to_string_pretty(&found).map_err(|error| Failed::Task(error.to_string()))?;
    say(&found);
    outcome
}

/// The secrets and files that are not there. No mistake of the configuration, which may be written on another computer
/// than the one that it is for; there, `portevoix run` would not start.
fn absent(plan: &Plan) -> Vec<Diagnostic> {
    let sources = plan.sources.iter().map(|source| {
        let path = format!("source.{}.{}", source.kind.name(), source.name);
        (path, &source.place, source.kind.unread(&source.settings))
    });
    let networks = plan.networks.iter().map(|network| {
        let path = format!("network.{}.{}", network.kind.name(), network.name);
        (path, &network.place, network.kind.unread(&network.settings))
    });
    let all = sources.chain(networks);
    all.flat_map(|(path, place, faults)| faults.into_iter().map(move |fault| warning(&path, place, fault)))
        .collect()
}

fn warning(path: &str, place: &Place, Fault { key, message }: Fault) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        place: place.clone(),
        path: format!("{path}.{key}"),
        message,
        help: Some("`portevoix run` does not start without it on this computer".to_owned()),
        excerpt: None,
    }
}
