//! What an integrator writes. The doc comments are the documentation.

use std::collections::BTreeMap;
use std::path::PathBuf;

use contract::settings::{Secret, Wait};
use contract::{Check, Fault};
use schemars::JsonSchema;
use serde::Deserialize;

/// Reads the JSON lines that a program prints. The program is started without a shell and restarted when it ends.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The program and its arguments: `["python3", "/opt/atelier/press.py", "--line", "2"]`. No shell is asked, so
    /// `$HOME`, `*` and `|` mean nothing.
    pub command: Vec<String>,
    /// Environment variables of the program. It gets these, the secrets, `PORTEVOIX_STATE` (a folder of its own that
    /// outlives restarts), and of ours only `PATH`, `HOME`, `LANG`, `LC_ALL`, `TZ` and `TMPDIR`.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Environment variables whose values lie elsewhere: `ERP_PASSWORD = { credential = "erp" }`.
    #[serde(default)]
    pub secrets: BTreeMap<String, Secret>,
    /// The folder in which it runs. Without it: `PORTEVOIX_STATE`.
    pub folder: Option<PathBuf>,
    /// For a program that prints what is so and ends: it is started again this long after its last start. Without it,
    /// a program that ends is a source that is lost.
    pub every: Option<Wait>,
    /// When no line came for this long, the program is ended and started anew. `"0s"` turns this off.
    #[serde(default = "never")]
    pub silence_max: Wait,
    /// A program counts as started once it printed a line or lived for this long.
    #[serde(default = "two_seconds")]
    pub start: Wait,
    /// How long a program may take to end after SIGTERM and the end of its input, before it is killed. At most 4 s:
    /// portevoix itself stops within five.
    #[serde(default = "two_seconds")]
    pub stop: Wait,
    /// The longest line, in bytes, from 256 to 1048576. A longer one is skipped and reported.
    #[serde(default = "line_max")]
    pub line_max: usize,
}

const fn never() -> Wait {
    Wait::secs(0)
}
const fn two_seconds() -> Wait {
    Wait::secs(2)
}
/// Room for a record of some hundred fields.
const fn line_max() -> usize {
    1 << 16
}

/// Which lines of the program are values of a tag.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// What the program calls it, in `tag` of the line: `press-3/oil`. `{machine}` stands for the key of the machine.
    pub called: String,
}

/// Which lines of the program are records of a list.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// What the program calls it, in `list` of the line. Without it, the name of the list in the configuration.
    pub called: Option<String>,
}

impl Check for Settings {
    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        self.secrets.values().map(|secret| ("secrets", secret)).collect()
    }

    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, message: String| faults.push(Fault::at(key, message));
        if self.command.first().is_none_or(String::is_empty) {
            fault(
                "command",
                "expected a program and its arguments: `[\"python3\", \"/opt/press.py\"]`".into(),
            );
        }
        if self.command.iter().any(|part| part.contains('\0')) {
            fault("command", "found a NUL byte, which no program can be given".into());
        }
        if let [only] = &self.command[..]
            && only.contains(' ')
        {
            fault("command", format!("found `{only}` as one word, expected one text for each argument"));
        }
        for (name, value) in &self.environment {
            if !is_variable(name) || value.contains('\0') {
                fault("environment", format!("`{name}` cannot be an environment variable"));
            }
        }
        for (name, secret) in &self.secrets {
            if !is_variable(name) || self.environment.contains_key(name) {
                fault("secrets", format!("`{name}` cannot be an environment variable, or is one already"));
            }
            if let Err(message) = secret.check() {
                fault("secrets", format!("`{name}`: {message}"));
            }
        }
        if self.every.is_some_and(|every| every.0.as_millis() < 100) {
            fault("every", "expected at least 100ms".into());
        }
        if self.stop.0.as_secs_f64() > 4.0 {
            fault("stop", "expected at most 4s".into());
        }
        if self.start.0.is_zero() || self.start.0.as_secs() > 30 {
            fault("start", "expected more than nothing and at most 30s".into());
        }
        if !(256..=1 << 20).contains(&self.line_max) {
            fault("line_max", format!("found {}, expected from 256 to 1048576 bytes", self.line_max));
        }
        faults
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

impl Check for Address {
    fn check(&self) -> Vec<Fault> {
        called_fault(&self.called).into_iter().collect()
    }
}

impl Check for List {
    fn check(&self) -> Vec<Fault> {
        self.called.as_deref().and_then(called_fault).into_iter().collect()
    }
}

fn called_fault(name: &str) -> Option<Fault> {
    if name.is_empty() {
        return Some(Fault::at("called", "expected what stands in the line: `press-3/oil`"));
    }
    let rest = name.replace("{machine}", "");
    rest.contains(['{', '}']).then(|| {
        Fault::at("called", format!("unknown placeholder in `{name}`, expected `{{machine}}` alone"))
    })
}
