//! Takes the TOML files of a folder, gives a [`Plan`]: what the whole program is asked to do.
//!
//! Every mistake is told, each with its place, before anything is used: a bad file never stops a running plant.
//!
//! Deliberately absent: no environment, no secret, no device. Reading the same files (a source may name further ones
//! that are configuration, such as device files) gives the same plan.

mod claims;
pub mod diagnostic;
mod excerpt;
mod files;
mod forecast;
mod hours;
mod kinds;
mod leaf;
mod list;
mod machine;
mod member;
pub mod plan;
mod print;
mod problem;
mod production;
mod reader;
mod schema;
pub mod section;
mod states;
#[cfg(test)]
mod tests;
mod together;
mod tree;
mod wording;

use std::path::Path;

pub use diagnostic::{Diagnostic, Excerpt, Place, Severity};
pub use kinds::Kinds;
pub use plan::{
    ClaimPlan, Feed, LateRulePlan, ListPlan, MachinePlan, NetworkPlan, Plan, ProductionPlan, ReachRulePlan,
    RecordRulePlan, RulePlan, Settings, SourcePlan, SummaryPlan, TagPlan,
};
pub use print::{Outside, Print};
pub use schema::{schema, schema_with};
pub use wording::did_you_mean;

use files::Files;
use problem::{Problem, Problems, Span};
use reader::Reader;
use tree::{Table, Tree};

/// More than anybody reads before mending the first.
const MISTAKES_MAX: usize = 200;

/// Reads one file, or the `*.toml` files of a folder in the order of their names.
///
/// # Errors
/// Everything that is wrong, in the order of the files; warnings among them.
pub fn load(folder_or_file: &Path) -> Result<Plan, Vec<Diagnostic>> {
    read(files::load(folder_or_file)?)
}

/// The same files twice, for a change while the program runs: one plan to try on, one to live by.
///
/// # Errors
/// As [`load`].
pub fn load_twice(folder_or_file: &Path) -> Result<(Plan, Plan), Vec<Diagnostic>> {
    let files = files::load(folder_or_file)?;
    Ok((read(files.clone())?, read(files)?))
}

/// The plan of files that were read: name and text of each.
///
/// # Errors
/// As [`load`].
pub fn read(files: Vec<(String, String)>) -> Result<Plan, Vec<Diagnostic>> {
    read_with(files, Kinds::ALL)
}

/// As [`read`], with only these kinds of sources and networks.
///
/// # Errors
/// As [`load`].
pub fn read_with(files: Vec<(String, String)>, kinds: Kinds) -> Result<Plan, Vec<Diagnostic>> {
    let files = Files::new(files);
    let mut problems = Problems::default();
    let Tree { root, secrets, is_whole } = tree::parse(&files, &mut problems);
    let mut plan = None;
    // What is missing may stand in a file that could not be parsed.
    if is_whole {
        let mut reader = Reader::new(&files, kinds, problems);
        plan = reader.plan(&root);
        problems = reader.problems;
    }
    let diagnostics = diagnose(&files, &root, &secrets, problems);
    match plan {
        Some(plan) => Ok(Plan { warnings: diagnostics, ..plan }),
        None => Err(diagnostics),
    }
}

/// Looks up the place and the path of each mistake.
fn diagnose(files: &Files, root: &Table<'_>, secrets: &[Span], problems: Problems) -> Vec<Diagnostic> {
    let mut problems = problems.into_sorted();
    if problems.is_empty() {
        return Vec::new();
    }
    let cut = problems.split_off(problems.len().min(MISTAKES_MAX));
    if !cut.is_empty() {
        let has_error = cut.iter().any(|problem| problem.severity == Severity::Error);
        let severity = if has_error { Severity::Error } else { Severity::Warning };
        let message = format!("and {} more: mend these first", cut.len());
        problems.push(Problem { severity, span: None, path: None, message, help: None });
    }
    let paths = tree::paths(root);
    let diagnostics = problems.into_iter().map(|mut problem| {
        let start = problem.span.as_ref().map(|span| span.start);
        let known = || start.and_then(|start| paths.get(&start).cloned()).unwrap_or_default();
        let path = problem.path.take().unwrap_or_else(known);
        files.diagnose(problem, path, secrets)
    });
    diagnostics.collect()
}
