//! Whose certificates we trust, in folders that a person can read and the command `portevoix trust` changes.
//!
//! `own/` is ours. `trusted/` holds servers that a person accepted, by thumbprint; `issuers/` authorities whose
//! signature is enough, put there by hand; `rejected/` servers that nobody has looked at yet. A server is never
//! accepted by itself.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use contract::Moment;
use opcua::crypto::X509;

use crate::der;

/// The most certificates that wait to be looked at: a server that shows another one at each attempt must not fill
/// the disk.
const REJECTED_MAX: usize = 20;
/// The largest certificate. Usual ones have one or two kilobytes.
const DER_MAX: usize = 64 * 1024;

/// Where a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Ours.
    Own,
    /// Accepted by a person.
    Trusted,
    /// Of an authority whose signature is enough.
    Issuer,
    /// Shown by a server; nobody has accepted it.
    Rejected,
}

impl Standing {
    const ALL: [Standing; 4] = [Standing::Own, Standing::Trusted, Standing::Issuer, Standing::Rejected];

    /// The name of its folder.
    pub fn folder(self) -> &'static str {
        match self {
            Standing::Own => "own",
            Standing::Trusted => "trusted",
            Standing::Issuer => "issuers",
            Standing::Rejected => "rejected",
        }
    }
}

/// A certificate that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Where it stands.
    pub standing: Standing,
    /// SHA-1 of its bytes, in 40 hexadecimal digits: what servers and tools show, too.
    pub thumbprint: String,
    /// Whom it names. Words of a stranger: data.
    pub subject: String,
    /// When it ends.
    pub ends: Option<Moment>,
    /// The file.
    pub path: PathBuf,
}

/// Why `accept` or `reject` did nothing.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// No such certificate.
    #[error("no certificate with thumbprint {0} waits here; `portevoix trust` lists those that do")]
    Unknown(String),
    /// Not 40 hexadecimal digits.
    #[error("`{0}` is no thumbprint, expected 40 hexadecimal digits")]
    NoThumbprint(String),
    /// The folders cannot be changed.
    #[error("{0}: {1}")]
    Folder(PathBuf, io::Error),
}

/// The folder of a source's certificates.
pub fn folder(state: &Path, source: &str) -> PathBuf {
    state.join("opcua").join(source)
}

/// All certificates of a source, by standing and thumbprint. What is no certificate is left out.
///
/// # Errors
/// A folder that is there and cannot be read.
pub fn list(state: &Path, source: &str) -> Result<Vec<Certificate>, TrustError> {
    let folder = folder(state, source);
    let mut all = Vec::new();
    for standing in Standing::ALL {
        all.extend(within(&folder.join(standing.folder()), standing)?);
    }
    all.sort_by(|a, b| (a.standing, &a.thumbprint).cmp(&(b.standing, &b.thumbprint)));
    Ok(all)
}

/// A person accepts a server: it is trusted from the next attempt to connect.
///
/// # Errors
/// No such certificate waits, or the folders cannot be changed.
pub fn accept(state: &Path, source: &str, thumbprint: &str) -> Result<Certificate, TrustError> {
    shift(state, source, thumbprint, Standing::Rejected, Standing::Trusted)
}

/// A person no longer trusts a server: it is refused from the next attempt to connect.
///
/// # Errors
/// No such certificate is trusted, or the folders cannot be changed.
pub fn reject(state: &Path, source: &str, thumbprint: &str) -> Result<Certificate, TrustError> {
    shift(state, source, thumbprint, Standing::Trusted, Standing::Rejected)
}

fn shift(
    state: &Path,
    source: &str,
    thumbprint: &str,
    from: Standing,
    to: Standing,
) -> Result<Certificate, TrustError> {
    let wanted: String =
        thumbprint.chars().filter(|c| !matches!(c, ':' | ' ')).collect::<String>().to_lowercase();
    if wanted.len() != 40 || !wanted.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(TrustError::NoThumbprint(thumbprint.to_owned()));
    }
    let kept = list(state, source)?;
    let standing = |standing| kept.iter().find(|one| one.standing == standing && one.thumbprint == wanted);
    // Done already is done.
    if let Some(there) = standing(to).filter(|_| standing(from).is_none()) {
        return Ok(there.clone());
    }
    let found = standing(from).ok_or_else(|| TrustError::Unknown(wanted.clone()))?;
    let target = folder(state, source).join(to.folder());
    let path = target.join(format!("{wanted}.der"));
    let moved = fs::create_dir_all(&target).and_then(|()| fs::rename(&found.path, &path));
    moved.map_err(|error| TrustError::Folder(path.clone(), error))?;
    Ok(Certificate { standing: to, path, ..found.clone() })
}

fn within(folder: &Path, standing: Standing) -> Result<Vec<Certificate>, TrustError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(TrustError::Folder(folder.to_owned(), error)),
    };
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    Ok(paths.filter_map(|path| describe(path, standing)).collect())
}

fn describe(path: PathBuf, standing: Standing) -> Option<Certificate> {
    let certificate = read(&path)?;
    Some(Certificate {
        standing,
        thumbprint: certificate.thumbprint().as_hex_string(),
        subject: subject(&certificate),
        ends: certificate.not_after().ok().map(|end| Moment::from_ms(end.timestamp_millis())),
        path,
    })
}

fn subject(certificate: &X509) -> String {
    let name = certificate.common_name().unwrap_or_default();
    contract::clean(name.strip_prefix("CN=").unwrap_or(&name), 100)
}

fn read(path: &Path) -> Option<X509> {
    let is_pem = path.extension().is_some_and(|end| end == "pem");
    let bytes = fs::read(path).ok().filter(|bytes| bytes.len() <= DER_MAX)?;
    if is_pem { X509::from_pem(&bytes).ok() } else { X509::from_der(&bytes).ok() }
}

/// Why a server's certificate is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// It is no certificate that can be used: what was found.
    Unusable(String),
    /// Nobody has accepted it.
    Unknown {
        /// Its thumbprint.
        thumbprint: String,
        /// Whom it names.
        subject: String,
    },
    /// It is not valid now: since or until when.
    Untimely(String),
    /// It names other hosts than the one that was typed.
    WrongHost,
}

/// Judges the certificate that a server shows; one that nobody knows is put into `rejected/`. Gives the moment when
/// it ends.
///
/// # Errors
/// Why it is not taken.
pub fn judge(folder: &Path, shown: &[u8], host: Option<&str>, now: Moment) -> Result<Moment, Doubt> {
    let unusable = |what: &str| Doubt::Unusable(what.to_owned());
    if shown.is_empty() {
        return Err(unusable("none"));
    }
    if shown.len() > DER_MAX {
        return Err(unusable("more than 64 KiB"));
    }
    if der::first_len(shown).is_some_and(|len| len < shown.len()) {
        return Err(unusable("a chain of several, expected the server's own alone"));
    }
    if !der::is_whole(shown) {
        return Err(unusable("no X.509 certificate"));
    }
    let certificate = X509::from_der(shown).map_err(|_| unusable("no X.509 certificate"))?;
    let bits = certificate.key_length().map_err(|_| unusable("one without an RSA key"))?;
    if !(1024..=8192).contains(&bits) {
        return Err(Doubt::Unusable(format!("an RSA key of {bits} bits, expected 2048 to 4096")));
    }
    let thumbprint = certificate.thumbprint().as_hex_string();
    if !is_kept(&folder.join("trusted"), shown) && !is_issued(folder, shown, now) {
        remember(folder, &thumbprint, shown);
        return Err(Doubt::Unknown { thumbprint, subject: subject(&certificate) });
    }
    let ends = timely(&certificate, now)?;
    match host {
        Some(host) if certificate.is_hostname_valid(host).is_err() => Err(Doubt::WrongHost),
        Some(_) | None => Ok(ends),
    }
}

/// Is this very certificate there, under whatever name a person gave to the file?
fn is_kept(trusted: &Path, shown: &[u8]) -> bool {
    let Ok(kept) = within(trusted, Standing::Trusted) else { return false };
    let bytes = |kept: &Certificate| read(&kept.path).and_then(|certificate| certificate.to_der().ok());
    kept.iter().filter_map(bytes).any(|bytes| bytes == shown)
}

fn timely(certificate: &X509, now: Moment) -> Result<Moment, Doubt> {
    let unusable = |_| Doubt::Unusable("one without an end".to_owned());
    let (start, end) =
        (certificate.not_before().map_err(unusable)?, certificate.not_after().map_err(unusable)?);
    if now.as_ms() < start.timestamp_millis() {
        return Err(Doubt::Untimely(format!("is valid only from {}", start.date_naive())));
    }
    if now.as_ms() > end.timestamp_millis() {
        return Err(Doubt::Untimely(format!("expired on {}", end.date_naive())));
    }
    Ok(Moment::from_ms(end.timestamp_millis()))
}

/// Is it signed by an authority that a person put into `issuers/`? Lists of revoked certificates are not read.
fn is_issued(folder: &Path, shown: &[u8], now: Moment) -> bool {
    let Some(signed) = der::signed(shown) else { return false };
    let Ok(issuers) = within(&folder.join("issuers"), Standing::Issuer) else { return false };
    issuers.iter().filter_map(|issuer| read(&issuer.path)).any(|issuer| {
        let key = issuer.public_key();
        timely(&issuer, now).is_ok()
            && key.is_ok_and(|key| key.verify_sha256(signed.body, signed.signature).unwrap_or(false))
    })
}

/// Keeps a certificate for a person to look at; the oldest make room.
fn remember(folder: &Path, thumbprint: &str, shown: &[u8]) {
    let rejected = folder.join("rejected");
    let path = rejected.join(format!("{thumbprint}.der"));
    if path.exists() {
        return;
    }
    let kept = fs::create_dir_all(&rejected).and_then(|()| fs::write(&path, shown));
    if let Err(error) = kept {
        tracing::warn!(path = %path.display(), %error, "certificate not kept");
        return;
    }
    let entries = fs::read_dir(&rejected).into_iter().flatten().filter_map(Result::ok);
    let age = |entry: &fs::DirEntry| entry.metadata().and_then(|known| known.modified()).ok();
    let mut all: Vec<_> = entries.map(|entry| (age(&entry), entry.path())).collect();
    all.sort();
    let surplus = all.len().saturating_sub(REJECTED_MAX);
    for (_, path) in all.into_iter().take(surplus) {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests;
