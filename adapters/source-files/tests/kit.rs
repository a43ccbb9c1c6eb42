//! The adapter's own tests, against real folders. What a reader of files must show is not what a reader of tags must,
//! so the properties of the conformance kit are written here for files.

#[path = "kit/bench.rs"]
mod bench;
#[path = "kit/samples.rs"]
mod samples;

use contract::SourceKind;
use source_files::{Files, List};

use crate::bench::Bench;

/// A bench with the source as the program makes it.
fn bench(settings: serde_json::Value, lists: &[&str]) -> Bench<List> {
    let make = |setup: &contract::Setup<'_>, settings, reads| {
        let settings = serde_json::from_value(settings).expect("a good table");
        Files::build(setup, settings, reads)
    };
    Bench::new(settings, lists, Box::new(make))
}
