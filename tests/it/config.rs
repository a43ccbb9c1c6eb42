//! Configurations, right and wrong, at the door of the `config` room.

use std::fs;
use std::path::{Path, PathBuf};

use portevoix::config::{self, Diagnostic, Plan};

/// Everything that is told about a folder of the tests, as a person reads it.
fn told(folder: &Path) -> String {
    let diagnostics = match config::load(folder) {
        Ok(plan) => plan.warnings,
        Err(diagnostics) => diagnostics,
    };
    let lines: Vec<String> = diagnostics.iter().map(Diagnostic::to_string).collect();
    lines.join("\n\n").replace(&format!("{}/", folder.display()), "") + "\n"
}

#[track_caller]
fn plan(text: &str) -> Plan {
    config::read(vec![("plant.toml".to_owned(), text.to_owned())])
        .unwrap_or_else(|wrong| panic!("{}", wrong.iter().map(Diagnostic::to_string).collect::<String>()))
}

#[track_caller]
fn wrong(text: &str) -> Vec<Diagnostic> {
    config::read(vec![("plant.toml".to_owned(), text.to_owned())]).expect_err("this is wrong")
}

/// Each folder of `tests/config/wrong` holds a configuration and `expected.txt`, which `UPDATE=1` writes.
#[test]
fn every_mistake_is_told_with_its_place() {
    let mut folders: Vec<PathBuf> =
        fs::read_dir("tests/config/wrong").unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() >= 45, "{} wrong configurations", folders.len());
    let mut differ = Vec::new();
    for folder in folders {
        let (told, file) = (told(&folder), folder.join("expected.txt"));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, &told).unwrap();
        }
        if fs::read_to_string(&file).unwrap_or_default() != told {
            differ.push(format!("{}:\n{told}", folder.display()));
        }
    }
    assert!(differ.is_empty(), "{}\nTo accept, run with UPDATE=1.", differ.join("\n"));
}
