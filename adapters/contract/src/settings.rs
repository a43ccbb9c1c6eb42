//! Shapes of configuration values that every adapter shares.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A duration as people write it: `"500ms"`, `"30s"`, `"5m"`, `"2h"`, `"1d"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "String", extend("pattern" = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$", "examples" = ["30s", "5m"]))]
pub struct Wait(pub Duration);

impl Wait {
    /// So many seconds.
    pub const fn secs(secs: u64) -> Wait {
        Wait(Duration::from_secs(secs))
    }

    /// Reads `"30s"`.
    pub fn parse(text: &str) -> Result<Wait, String> {
        let wrong = || {
            format!(
                "invalid duration `{text}`, expected a number and a unit: `500ms`, `30s`, `5m`, `2h` or `1d`"
            )
        };
        let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, unit) = text.split_at(unit_at);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let ms = match unit {
            "ms" => 1.0,
            "s" => 1e3,
            "m" => 60e3,
            "h" => 3_600e3,
            "d" => 86_400e3,
            _ => return Err(wrong()),
        };
        // A hundred years: more is a slip of the pen, and cannot overflow a moment.
        Some(number * ms)
            .filter(|total| *total <= 3.2e12)
            .map(|total| Wait(Duration::from_millis(total as u64)))
            .ok_or_else(wrong)
    }
}

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Wait, D::Error> {
        struct Visit;
        impl de::Visitor<'_> for Visit {
            type Value = Wait;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as \"30s\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Wait, E> {
                Wait::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visit)
    }
}

/// Words of an integrator, once for all languages (`name = "Presse"`) or for each (`name.fr = "…"`).
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum Words {
    /// Nothing is said.
    #[default]
    #[schemars(skip)]
    Nothing,
    /// The same in every language.
    All(String),
    /// For each language, by its two-letter code.
    Each(BTreeMap<String, String>),
}

impl Words {
    /// The words in this language.
    pub fn in_language(&self, language: &str) -> Option<&str> {
        match self {
            Words::Nothing => None,
            Words::All(words) => Some(words),
            Words::Each(each) => each.get(language).map(String::as_str),
        }
    }
}

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Words::Nothing => BTreeMap::<String, String>::new().serialize(serializer),
            Words::All(words) => words.serialize(serializer),
            Words::Each(each) => each.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Words, D::Error> {
        struct Visit;
        impl<'de> de::Visitor<'de> for Visit {
            type Value = Words;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "words, or a table with the words of each language such as { fr = \"…\", en = \"…\" }",
                )
            }
            fn visit_str<E: de::Error>(self, words: &str) -> Result<Words, E> {
                Ok(Words::All(words.to_owned()))
            }
            fn visit_map<M: de::MapAccess<'de>>(self, map: M) -> Result<Words, M::Error> {
                BTreeMap::deserialize(de::value::MapAccessDeserializer::new(map)).map(Words::Each)
            }
        }
        deserializer.deserialize_any(Visit)
    }
}

/// Where a secret lies. Never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// The name of a systemd credential (`LoadCredential=`), or of a file in the folder that
    /// `PORTEVOIX_CREDENTIALS` names.
    pub credential: Option<String>,
    /// A file that only portevoix can read.
    pub file: Option<PathBuf>,
    /// An environment variable.
    pub env: Option<String>,
}

/// A secret that was read. Prints as `…`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// For tests and for secrets that come another way.
    pub fn new(text: impl Into<String>) -> SecretText {
        SecretText(text.into())
    }

    /// The secret, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Secret {
    /// Exactly one place must be named.
    pub fn check(&self) -> Result<(), String> {
        let named = [self.credential.is_some(), self.file.is_some(), self.env.is_some()];
        match named.iter().filter(|is| **is).count() {
            1 => Ok(()),
            _ => Err("expected exactly one of `credential`, `file` or `env`".to_owned()),
        }
    }

    /// Who else may read the file of the secret, if anyone: a mode such as `644` where `600` is expected.
    pub fn exposed(&self) -> Option<String> {
        use std::os::unix::fs::PermissionsExt;
        // Systemd guards its credentials itself.
        let mode = std::fs::metadata(self.file.as_ref()?).ok()?.permissions().mode() & 0o777;
        (mode & 0o077 != 0).then(|| format!("its file can be read by others (mode {mode:o}), expected 600"))
    }

    /// The file it lies in, unless it is an environment variable.
    fn path(&self) -> Result<Option<PathBuf>, String> {
        match (&self.credential, &self.file) {
            (Some(name), _) => credential_path(name).map(Some),
            (None, file) => Ok(file.clone()),
        }
    }

    /// Reads the secret, without the line end that editors leave.
    ///
    /// # Errors
    /// Where it was looked for and what was found, without a word of the secret.
    pub fn read(&self) -> Result<SecretText, String> {
        self.check()?;
        let text = match (self.path()?, &self.env) {
            (Some(path), _) => read_file(&path)?,
            (None, Some(name)) => {
                std::env::var(name).map_err(|_| format!("environment variable {name} is not set"))?
            }
            (None, None) => String::new(),
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() { Err("the secret is empty".to_owned()) } else { Ok(SecretText(text.to_owned())) }
    }
}

fn credential_path(name: &str) -> Result<PathBuf, String> {
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return Err(format!("credential `{name}` is not a plain name"));
    }
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY")
        .or_else(|| std::env::var_os("PORTEVOIX_CREDENTIALS"))
        .ok_or_else(|| format!("credential `{name}`: neither CREDENTIALS_DIRECTORY (set by systemd) nor PORTEVOIX_CREDENTIALS is set"))?;
    Ok(PathBuf::from(folder).join(name))
}

fn read_file(path: &std::path::Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("secret file {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_written() {
        let ms = |text| Wait::parse(text).map(|wait| wait.0.as_millis());
        assert_eq!(ms("500ms"), Ok(500));
        assert_eq!(ms("30s"), Ok(30_000));
        assert_eq!(ms("1.5h"), Ok(5_400_000));
        for wrong in ["", "30", "s", "30 s", "-3s", "1w", "9e9s", "999999d"] {
            assert!(Wait::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_that_others_can_read_is_told() {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join(format!("portevoix-secret-{}", std::process::id()));
        std::fs::write(&path, "hunter2\n").unwrap();
        let secret = Secret { credential: None, file: Some(path.clone()), env: None };
        let exposed = |mode| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            secret.exposed()
        };
        assert_eq!(exposed(0o600), None);
        assert_eq!(
            exposed(0o644),
            Some("its file can be read by others (mode 644), expected 600".to_owned())
        );
        assert_eq!(secret.read().unwrap().reveal(), "hunter2");
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", SecretText::new("hunter2")), "…");
    }
}
