//! The adapter's own tests, against real folders and a real SFTP server. What a reader of files must show is not what
//! a reader of tags must, so the properties of the conformance kit are written here for files.

#[path = "kit/bench.rs"]
mod bench;
#[path = "kit/files.rs"]
mod files;
#[path = "kit/formats.rs"]
mod formats;
#[path = "kit/lives.rs"]
mod lives;
#[path = "kit/probe.rs"]
mod probe;
#[path = "kit/samples.rs"]
mod samples;
#[cfg(feature = "sftp")]
#[path = "kit/sftp.rs"]
mod sftp;

#[path = "kit/tables.rs"]
mod tables;

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
