//! What an integrator writes for the source. The doc comments are the documentation.

use std::path::PathBuf;

use contract::settings::{Secret, Wait};
use contract::{Check, Fault};
use schemars::JsonSchema;
use serde::Deserialize;

/// The largest file that can be asked for, in bytes: what a ZIP without extensions can hold.
const FILE_MAX: u64 = 4 << 30;

/// Reads exports of business systems that are dropped in a folder, local or mounted, or on an SFTP server. The folder
/// is looked at again and again, because a share of another computer tells nobody what changed in it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The folder. Exactly one of `folder` and `sftp` is set. Folders in it are not looked into.
    pub folder: Option<PathBuf>,
    /// A folder of an SFTP server.
    pub sftp: Option<Sftp>,
    /// How often the folder is looked at.
    #[serde(default = "five_seconds")]
    pub every: Wait,
    /// How long a file must stay as it is, size and time of change, before it is read; at least from one look to
    /// the next.
    #[serde(default = "five_seconds")]
    pub still: Wait,
    /// How long a file that looks cut off (no line end at its end, an open quote, an open element) is waited for,
    /// since its last change. Then it is read as it is, or put aside.
    #[serde(default = "one_minute")]
    pub unfinished: Wait,
    /// A file is read only when a marker lies beside it: with `".done"`, `of.csv` waits for `of.csv.done` or
    /// `of.done`. For systems that write slowly and say when they are through.
    pub marker: Option<String>,
    /// What becomes of a file once its rows are safe with us: `"archive"` moves it to `archive`, `"delete"`, or
    /// `"leave"`. Where the folder may not be written, it is left.
    #[serde(default)]
    pub after: After,
    /// The folder, inside the folder, for what was read.
    #[serde(default = "done")]
    pub archive: String,
    /// The folder, inside the folder, for what could not be read. Where it cannot be moved, it stays where it is
    /// and is remembered.
    #[serde(default = "error")]
    pub quarantine: String,
    /// The largest file, in bytes. A larger one is put aside.
    #[serde(default = "file_max")]
    pub file_max: u64,
}

const fn five_seconds() -> Wait {
    Wait::secs(5)
}
const fn one_minute() -> Wait {
    Wait::secs(60)
}
fn done() -> String {
    "done".to_owned()
}
fn error() -> String {
    "error".to_owned()
}
const fn file_max() -> u64 {
    256 << 20
}

/// What becomes of a file that was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum After {
    /// It is moved.
    #[default]
    Archive,
    /// It is deleted.
    Delete,
    /// It stays, and is remembered.
    Leave,
}

/// A folder of an SFTP server.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sftp {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    #[serde(default = "port")]
    pub port: u16,
    /// The user.
    pub user: String,
    /// Where the password lies. Exactly one of `password` and `key` is set.
    pub password: Option<Secret>,
    /// Where the private key lies, in the format of OpenSSH, without a pass phrase.
    pub key: Option<Secret>,
    /// The fingerprint of the server's key: `SHA256:` and 43 characters, as `ssh-keygen -lf` shows it. A server with
    /// another key gets neither password nor signature; what it has is told.
    pub host_key: String,
    /// The folder on the server; relative to where the user arrives.
    pub folder: String,
    /// How long the server may take for one answer.
    #[serde(default = "ten_seconds")]
    pub timeout: Wait,
}

const fn port() -> u16 {
    22
}
const fn ten_seconds() -> Wait {
    Wait::secs(10)
}

impl Check for Settings {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, message: String| faults.push(Fault::at(key, message));
        match (&self.folder, &self.sftp) {
            (Some(folder), None) if folder.is_absolute() => {}
            (Some(folder), None) => {
                fault(
                    "folder",
                    format!("found `{}`, expected a path that begins with `/`", folder.display()),
                );
            }
            (None, Some(sftp)) => sftp.check(&mut fault),
            (Some(_), Some(_)) | (None, None) => {
                fault("folder", "expected exactly one of `folder` and `sftp`".to_owned());
            }
        }
        for (key, name) in [("archive", &self.archive), ("quarantine", &self.quarantine)] {
            if !is_plain(name) {
                fault(key, format!("found `{name}`, expected the name of a folder inside the folder"));
            }
        }
        if self.archive == self.quarantine {
            fault("quarantine", "is the same folder as `archive`, expected another".to_owned());
        }
        if let Some(marker) = &self.marker
            && !(is_plain(marker.trim_start_matches('.')) && marker.starts_with('.'))
        {
            fault("marker", format!("found `{marker}`, expected an ending such as `.done`"));
        }
        if self.every.0.is_zero() {
            fault("every", "expected more than nothing".to_owned());
        }
        if !(1..=FILE_MAX).contains(&self.file_max) {
            fault("file_max", format!("found {}, expected from 1 to {FILE_MAX} bytes", self.file_max));
        }
        faults
    }

    fn advise(&self) -> Vec<Fault> {
        let is_open = self.folder.as_ref().is_some_and(|folder| {
            use std::os::unix::fs::PermissionsExt;
            std::fs::metadata(folder).is_ok_and(|found| found.permissions().mode() & 0o002 != 0)
        });
        let words = "can be written by everybody on this computer, so everybody can forge an export";
        is_open.then(|| Fault::at("folder", words)).into_iter().collect()
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        let Some(sftp) = &self.sftp else { return Vec::new() };
        let password = sftp.password.iter().map(|secret| ("sftp.password", secret));
        password.chain(sftp.key.iter().map(|secret| ("sftp.key", secret))).collect()
    }
}

impl Sftp {
    fn check(&self, fault: &mut impl FnMut(&str, String)) {
        match (&self.password, &self.key) {
            (Some(_), None) | (None, Some(_)) => {}
            _ => fault("sftp.password", "expected exactly one of `password` and `key`".to_owned()),
        }
        for (key, secret) in [("sftp.password", &self.password), ("sftp.key", &self.key)] {
            if let Some(Err(message)) = secret.as_ref().map(Secret::check) {
                fault(key, message);
            }
        }
        let digits = self.host_key.strip_prefix("SHA256:").unwrap_or_default();
        if digits.len() != 43 {
            let found = &self.host_key;
            fault(
                "sftp.host_key",
                format!(
                    "found `{found}`, expected `SHA256:` and 43 characters: ssh-keyscan {} | ssh-keygen -lf -",
                    self.host
                ),
            );
        }
        if self.host.is_empty() || self.host.contains(['/', ' ', '@']) {
            fault("sftp.host", format!("found `{}`, expected a name or an address", self.host));
        }
        if self.folder.is_empty() || self.folder.split('/').any(|step| step == "..") {
            fault("sftp.folder", format!("found `{}`, expected a folder without `..`", self.folder));
        }
        if self.timeout.0.is_zero() {
            fault("sftp.timeout", "expected more than nothing".to_owned());
        }
    }
}

/// One name, of a thing that lies in the folder itself.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.len() <= 100 && !name.starts_with('.') && !name.contains(['/', '\0'])
}
