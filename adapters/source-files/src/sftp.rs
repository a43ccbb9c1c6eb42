//! A folder of an SFTP server. The server is known by the fingerprint of its key, and by nothing else.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use contract::{Cause, Fault, SourceError, async_trait};
use russh::client::{self, AuthResult, Handle};
use russh::keys::PublicKeyOrCertificate;
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, decode_secret_key};
use russh_sftp::client::SftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::client::fs::Metadata;
use russh_sftp::protocol::StatusCode;
use tokio::io::AsyncReadExt;

use crate::copy::Writer;
use crate::place::{Entry, Fetched, Place, Put, Stat, What, free_name};
use crate::settings::Sftp;

/// How often a silent server is asked whether it is there.
const PULSE: Duration = Duration::from_secs(5);
/// How much is read at a time: eight of the packets that OpenSSH answers with.
const CHUNK: usize = 256 << 10;
/// How many names are tried for a file that is moved where one of its name lies.
const NAMES_MAX: u32 = 100;

/// Where, and who we are there.
pub struct Account {
    host: String,
    port: u16,
    user: String,
    proof: Proof,
    host_key: String,
    folder: String,
    timeout: Duration,
}

enum Proof {
    Password(contract::settings::SecretText),
    Key(Arc<PrivateKey>),
}

impl Account {
    /// Reads the secret.
    ///
    /// # Errors
    /// It cannot be read, or is no key.
    pub fn read(settings: &Sftp) -> Result<Account, Fault> {
        let proof = match (&settings.password, &settings.key) {
            (Some(password), _) => {
                Proof::Password(password.read().map_err(|wrong| Fault::at("sftp.password", wrong))?)
            }
            (None, Some(key)) => {
                let text = key.read().map_err(|wrong| Fault::at("sftp.key", wrong))?;
                let key = decode_secret_key(text.reveal(), None);
                Proof::Key(Arc::new(
                    key.map_err(|error| Fault::at("sftp.key", format!("no private key: {error}")))?,
                ))
            }
            (None, None) => return Err(Fault::at("sftp.password", "expected `password` or `key`")),
        };
        Ok(Account {
            host: settings.host.clone(),
            port: settings.port,
            user: settings.user.clone(),
            proof,
            host_key: settings.host_key.clone(),
            folder: settings.folder.trim_end_matches('/').to_owned(),
            timeout: settings.timeout.0,
        })
    }

    fn shown(&self) -> String {
        format!("sftp server {}:{}", self.host, self.port)
    }
}

/// Compares the key of the server before anything is sent that it could use.
struct Doorkeeper {
    expected: String,
    found: Arc<Mutex<Option<String>>>,
}

impl client::Handler for Doorkeeper {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let found = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => key.fingerprint(HashAlg::Sha256).to_string(),
            PublicKeyOrCertificate::Certificate(_) => "a certificate".to_owned(),
        };
        let is_known = found == self.expected;
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        Ok(is_known)
    }
}

/// An open folder of a server.
pub struct Server {
    shown: String,
    folder: String,
    timeout: Duration,
    sftp: SftpSession,
    /// The connection ends with it.
    _line: Handle<Doorkeeper>,
}

impl Server {
    /// Connects, proves who we are, and opens the folder.
    ///
    /// # Errors
    /// Lost, or locked out: another key of the server, or a refused password or key of ours.
    pub async fn open(account: &Account) -> Result<Server, SourceError> {
        let shown = account.shown();
        let lost = |error: &dyn std::fmt::Display| SourceError::Lost(format!("{shown}: {error}"));
        let opened = async {
            let line = knock(account).await?;
            let channel = line.channel_open_session().await.map_err(|error| lost(&error))?;
            channel.request_subsystem(true, "sftp").await.map_err(|error| lost(&error))?;
            let sftp = SftpSession::new(channel.into_stream()).await.map_err(|error| lost(&error))?;
            Ok((line, sftp))
        };
        let (line, sftp) = tokio::time::timeout(account.timeout, opened).await.unwrap_or_else(|_| {
            Err(lost(&format!("no answer within {} s", account.timeout.as_secs_f64())))
        })?;
        sftp.set_timeout(account.timeout.as_secs().max(1));
        let (folder, timeout) = (account.folder.clone(), account.timeout);
        let server = Server { shown, folder, timeout, sftp, _line: line };
        // Whether the folder is there and may be read shows now and not at the first look.
        server.entries().await?;
        Ok(server)
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    /// Waits for an answer no longer than the integrator says.
    async fn ask<T>(&self, question: impl Future<Output = Result<T, SftpError>>) -> Result<T, SftpError> {
        tokio::time::timeout(self.timeout, question).await.unwrap_or(Err(SftpError::Timeout))
    }

    /// An error that is not about one file ends the connection.
    fn gone(&self, what: &str, error: &SftpError) -> SourceError {
        let words = format!("{}, {what}: {error}", self.shown);
        match status(error) {
            Some(StatusCode::PermissionDenied) => SourceError::LockedOut(words),
            _ => SourceError::Lost(words),
        }
    }

    async fn look(&self, name: &str) -> Result<Option<What>, SourceError> {
        match self.ask(self.sftp.symlink_metadata(self.path(name))).await {
            Ok(found) => Ok(Some(what(&found))),
            Err(error) if status(&error) == Some(StatusCode::NoSuchFile) => Ok(None),
            Err(error) => Err(self.gone(name, &error)),
        }
    }

    /// A folder inside that is really one. Why not, if it is none.
    async fn inside(&self, name: &str) -> Result<Result<(), String>, SourceError> {
        match self.look(name).await? {
            Some(What::Folder) => Ok(Ok(())),
            Some(_) => Ok(Err(format!("{name} is no folder"))),
            None => match self.ask(self.sftp.create_dir(self.path(name))).await {
                Ok(()) => Ok(Ok(())),
                Err(error) if status(&error).is_some() => Ok(Err(error.to_string())),
                Err(error) => Err(self.gone(name, &error)),
            },
        }
    }
}

async fn knock(account: &Account) -> Result<Handle<Doorkeeper>, SourceError> {
    let shown = account.shown();
    let lost = |error: &dyn std::fmt::Display| SourceError::Lost(format!("{shown}: {error}"));
    let found = Arc::new(Mutex::new(None));
    let doorkeeper = Doorkeeper { expected: account.host_key.clone(), found: Arc::clone(&found) };
    let config =
        client::Config { keepalive_interval: Some(PULSE), nodelay: true, ..client::Config::default() };
    let connected =
        client::connect(Arc::new(config), (account.host.as_str(), account.port), doorkeeper).await;
    let mut line = connected.map_err(|error| {
        let found = found.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match found.filter(|found| *found != account.host_key) {
            Some(found) => SourceError::LockedOut(format!(
                "{shown} has the host key {found}, expected {}; nothing was sent to it",
                account.host_key
            )),
            None => lost(&error),
        }
    })?;
    let user = account.user.as_str();
    let answer = match &account.proof {
        Proof::Password(password) => line.authenticate_password(user, password.reveal()).await,
        Proof::Key(key) => {
            let hash = line.best_supported_rsa_hash().await.map_err(|error| lost(&error))?.flatten();
            line.authenticate_publickey(user, PrivateKeyWithHashAlg::new(Arc::clone(key), hash)).await
        }
    };
    match answer.map_err(|error| lost(&error))? {
        AuthResult::Success => Ok(line),
        AuthResult::Failure { .. } => {
            let what = if matches!(account.proof, Proof::Password(_)) { "password" } else { "key" };
            Err(SourceError::LockedOut(format!("{shown} refuses user {user} with this {what}")))
        }
    }
}

fn status(error: &SftpError) -> Option<StatusCode> {
    match error {
        SftpError::Status(status) => Some(status.status_code),
        _ => None,
    }
}

fn what(found: &Metadata) -> What {
    // The bits of the mode that say what it is, as in POSIX.
    match found.permissions.map(|mode| mode & 0o170_000) {
        Some(0o100_000) => What::File(Stat {
            size: found.len(),
            changed_ns: i64::from(found.mtime.unwrap_or(0)).saturating_mul(1_000_000_000),
            touched_ns: 0,
            inode: 0,
        }),
        Some(0o040_000) => What::Folder,
        Some(0o120_000) => What::Other("a link"),
        Some(0o010_000) => What::Other("a pipe"),
        _ => What::Other("no file"),
    }
}

/// A name that is one: a server that says `../x` or `a/b` is not believed.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0'])
}

#[async_trait]
impl Place for Server {
    async fn entries(&self) -> Result<Vec<Entry>, SourceError> {
        let listed = self.ask(self.sftp.read_dir(self.folder.clone())).await;
        let listed = listed.map_err(|error| self.gone(&format!("folder {}", self.folder), &error))?;
        let entry = |found: russh_sftp::client::fs::DirEntry| {
            let name = found.file_name();
            is_name(&name).then(|| Entry { raw: name.clone().into(), name, what: what(&found.metadata()) })
        };
        Ok(listed.filter_map(entry).collect())
    }

    async fn names(&self, inside: &str) -> Result<BTreeSet<String>, SourceError> {
        match self.ask(self.sftp.read_dir(self.path(inside))).await {
            Ok(listed) => Ok(listed.map(|found| found.file_name()).collect()),
            Err(error) if status(&error) == Some(StatusCode::NoSuchFile) => Ok(BTreeSet::new()),
            Err(error) => Err(self.gone(inside, &error)),
        }
    }

    async fn fetch(&self, entry: &Entry, stat: Stat, max: u64, spool: &Path) -> Result<Fetched, SourceError> {
        let name = &entry.name;
        if self.look(name).await? != Some(What::File(stat)) {
            return Ok(Fetched::Changed);
        }
        let mut file = match self.ask(self.sftp.open(self.path(name))).await {
            Ok(file) => file,
            Err(error) => {
                return match status(&error) {
                    Some(StatusCode::NoSuchFile) => Ok(Fetched::Changed),
                    Some(_) => Ok(Fetched::Cannot(Cause::Refused(error.to_string()))),
                    None => Err(self.gone(name, &error)),
                };
            }
        };
        // The name may stand for another file by now: what was opened counts.
        let opened = self.ask(file.metadata()).await.map_err(|error| self.gone(name, &error))?;
        if what(&opened) != What::File(stat) {
            return Ok(Fetched::Changed);
        }
        let lost = |error: std::io::Error| SourceError::Lost(format!("{}, {name}: {error}", self.shown));
        let mut writer = Writer::new(spool);
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = tokio::time::timeout(self.timeout, file.read(&mut chunk)).await;
            match read.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())).map_err(lost)? {
                0 => break,
                count => writer.write(&chunk[..count]).map_err(lost)?,
            }
            if writer.size() > max {
                return Ok(Fetched::Cannot(Cause::TooLarge { max }));
            }
        }
        let is_whole = writer.size() == stat.size && self.look(name).await? == Some(What::File(stat));
        Ok(if is_whole { Fetched::Copy(writer.finish()) } else { Fetched::Changed })
    }

    async fn put(&self, entry: &Entry, stat: Stat, inside: &str) -> Result<Put, SourceError> {
        if let Err(reason) = self.inside(inside).await? {
            return Ok(Put::Cannot(reason));
        }
        for number in 0..NAMES_MAX {
            let new = free_name(&entry.name, number);
            let target = format!("{inside}/{new}");
            if self.look(&target).await?.is_some() {
                continue;
            }
            if self.look(&entry.name).await? != Some(What::File(stat)) {
                return Ok(Put::Changed);
            }
            return match self.ask(self.sftp.rename(self.path(&entry.name), self.path(&target))).await {
                Ok(()) if self.look(&target).await? == Some(What::File(stat)) => Ok(Put::Done(new)),
                // Between the look and the move another file took the name: it goes back, and will be read.
                Ok(()) => {
                    let back = self.ask(self.sftp.rename(self.path(&target), self.path(&entry.name))).await;
                    back.map_err(|error| self.gone(&target, &error))?;
                    Ok(Put::Changed)
                }
                Err(error) if status(&error).is_some() => Ok(Put::Cannot(error.to_string())),
                Err(error) => Err(self.gone(&entry.name, &error)),
            };
        }
        Ok(Put::Cannot(format!("{NAMES_MAX} files of this name lie in {inside}")))
    }

    async fn delete(&self, entry: &Entry, stat: Stat) -> Result<Put, SourceError> {
        if self.look(&entry.name).await? != Some(What::File(stat)) {
            return Ok(Put::Changed);
        }
        match self.ask(self.sftp.remove_file(self.path(&entry.name))).await {
            Ok(()) => Ok(Put::Done(entry.name.clone())),
            Err(error) if status(&error).is_some() => Ok(Put::Cannot(error.to_string())),
            Err(error) => Err(self.gone(&entry.name, &error)),
        }
    }
}
