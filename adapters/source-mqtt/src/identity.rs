//! What must outlive a restart: our name at the broker, and what the broker was last asked for.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

/// Our name at the broker: made once, then the same for ever.
///
/// # Errors
/// The folder cannot be read or written.
pub fn client_id(state: &Path, name: &str) -> io::Result<String> {
    let path = state.join(format!("mqtt-{}.client", plain(name)));
    match fs::read_to_string(&path) {
        Ok(id) if !id.trim().is_empty() => Ok(id.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(_) | Err(_) => {
            // The standard library seeds each hasher at random: enough to tell two gateways apart.
            let random = RandomState::new().hash_one(name) as u32;
            let id = format!("portevoix-{}-{random:08x}", plain(name));
            replace(&path, &format!("{id}\n"))?;
            Ok(id)
        }
    }
}

/// A session that the broker should know: with whom, and with which filters. They lie in a file, not in memory.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
    /// Whose session it is: the broker and our name there.
    whose: String,
    has_session: bool,
    /// The file says what the source wants.
    is_current: bool,
}

impl Memory {
    /// What is remembered. A file that cannot be read is no memory.
    pub fn open(state: &Path, name: &str, whose: String) -> Memory {
        let path = state.join(format!("mqtt-{}.session", plain(name)));
        let text = fs::read_to_string(&path).unwrap_or_default();
        let has_session = text.lines().next() == Some(&whose);
        Memory { path, whose, has_session, is_current: false }
    }

    /// The broker should know our session.
    pub fn has_session(&self) -> bool {
        self.has_session
    }

    /// What the session holds and we no longer want. `wanted` is sorted.
    pub fn unwanted(&self, wanted: &[String]) -> Vec<String> {
        if self.is_current || !self.has_session {
            return Vec::new();
        }
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        let known = text.lines().skip(1).map(str::to_owned);
        known.filter(|filter| wanted.binary_search(filter).is_err()).collect()
    }

    /// The broker granted these.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&mut self, filters: &[String]) -> io::Result<()> {
        if !self.is_current {
            let lines: Vec<&str> =
                std::iter::once(self.whose.as_str()).chain(filters.iter().map(String::as_str)).collect();
            replace(&self.path, &(lines.join("\n") + "\n"))?;
            self.is_current = true;
            self.has_session = true;
        }
        Ok(())
    }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, text)?;
    fs::rename(&fresh, path)
}

fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}
