//! Takes the TOML files of a folder, gives a [`Plan`]: what the whole program is asked to do.
//!
//! Every mistake is told, each with its place, before anything is used: a bad file never stops a running plant.
//!
//! Deliberately absent: no environment, no secret, no device. Reading the same files gives the same plan.

pub mod diagnostic;
pub mod plan;

use std::path::Path;

pub use diagnostic::{Diagnostic, Excerpt, Place, Severity};
pub use plan::{MachinePlan, NetworkPlan, Plan, RulePlan, Settings, SourcePlan, TagPlan};

/// Reads one file, or the `*.toml` files of a folder in the order of their names.
///
/// # Errors
/// Everything that is wrong, in the order of the files; warnings among them.
pub fn load(folder_or_file: &Path) -> Result<Plan, Vec<Diagnostic>> {
    let _ = folder_or_file;
    read(Vec::new())
}

/// The plan of files that were read: name and text of each.
///
/// # Errors
/// As [`load`].
pub fn read(files: Vec<(String, String)>) -> Result<Plan, Vec<Diagnostic>> {
    let _ = files;
    Err(Vec::new())
}
