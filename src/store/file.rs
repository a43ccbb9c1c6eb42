//! The state folder: one user of it at a time, and a damaged file never stops the service.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use contract::Moment;

use super::{Sqlite, StoreError};

/// Held while the folder is in use; given back by the system even after a kill.
pub struct Lock {
    _file: File,
}

/// What opening found.
pub struct Opened {
    /// The store, ready.
    pub store: Sqlite,
    /// Held until the end.
    pub lock: Lock,
    /// Where the damaged file was set aside, and what was found, if it was damaged.
    pub damaged: Option<(PathBuf, String)>,
}

/// Opens the store of a state folder, which exists. A file that cannot be read is set aside and an empty one made.
///
/// # Errors
/// The folder is in use by another, or cannot be written.
pub fn open(folder: &Path, now: Moment) -> Result<Opened, StoreError> {
    let lock = lock(folder)?;
    let path = folder.join("portevoix.sqlite");
    match Sqlite::open(&path) {
        Ok(store) => Ok(Opened { store, lock, damaged: None }),
        Err(error) if is_damage(&error) => {
            let aside = set_aside(&path, now)?;
            let store = Sqlite::open(&path).map_err(|error| StoreError::Later(error.to_string()))?;
            Ok(Opened { store, lock, damaged: Some((aside, error.to_string())) })
        }
        Err(error) => Err(StoreError::Later(format!("{}: {error}", path.display()))),
    }
}

fn lock(folder: &Path) -> Result<Lock, StoreError> {
    let path = folder.join("portevoix.lock");
    let wrong = |error: std::io::Error| StoreError::Later(format!("{}: {error}", path.display()));
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(wrong)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(folder.display().to_string())),
        Err(TryLockError::Error(error)) => Err(wrong(error)),
    }
}

/// Damage is what no waiting mends. A newer version is no damage, but it is set aside all the same: the old
/// program would stop for ever, and nothing is deleted.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, TypeMismatch};
    match error {
        rusqlite::Error::SqliteFailure(code, _) => {
            matches!(code.code, DatabaseCorrupt | NotADatabase | TypeMismatch)
                || code.extended_code == rusqlite::ffi::SQLITE_ERROR
        }
        rusqlite::Error::SqlInputError { .. } | rusqlite::Error::FromSqlConversionFailure(..) => true,
        _ => false,
    }
}

fn set_aside(path: &Path, now: Moment) -> Result<PathBuf, StoreError> {
    let aside = path.with_file_name(format!("portevoix.sqlite.damaged-{}", now.as_ms()));
    for suffix in ["", "-wal", "-shm"] {
        let from = PathBuf::from(format!("{}{suffix}", path.display()));
        let to = PathBuf::from(format!("{}{suffix}", aside.display()));
        match std::fs::rename(&from, &to) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::Later(format!("{}: {error}", from.display()))),
        }
    }
    Ok(aside)
}
