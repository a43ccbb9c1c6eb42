//! Browse paths as an integrator writes them: `/Objects/Press 3/Oil`.
//!
//! A step is a browse name. Its namespace may be left out, as long as one child has that name; `2:Oil` names it by
//! its index. `&` takes the next character as it is: `/Objects/A&/B`. The steps are walked with Browse, because
//! TranslateBrowsePathsToNodeIds wants every namespace to be known.

use std::fmt;

/// The longest path, in bytes.
const TEXT_MAX: usize = 4096;
/// The deepest path: more is a loop.
const STEPS_MAX: usize = 32;

/// Where a node stands below the root of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowsePath {
    text: String,
    steps: Vec<Step>,
}

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The index of the namespace of its browse name, if it must be that one.
    pub namespace: Option<u16>,
    /// Its browse name.
    pub name: String,
}

impl BrowsePath {
    /// Reads `/Objects/Press 3/Oil`.
    ///
    /// # Errors
    /// What was found and what is expected.
    pub fn parse(text: &str) -> Result<BrowsePath, String> {
        let wrong = |what: &str| format!("{what} in path `{text}`, expected `/Objects/<name>/<name>`");
        if text.len() > TEXT_MAX {
            return Err(format!("a path of {} bytes, expected at most {TEXT_MAX}", text.len()));
        }
        let rest = text.strip_prefix('/').ok_or_else(|| wrong("no `/` at the start"))?;
        let raw = split(rest).ok_or_else(|| wrong("nothing after `&`"))?;
        let steps: Vec<Step> = raw.into_iter().map(step).collect();
        if steps.len() > STEPS_MAX {
            return Err(format!("a path of {} steps, expected at most {STEPS_MAX}", steps.len()));
        }
        if steps.iter().any(|step| step.name.is_empty()) {
            return Err(wrong("an empty step"));
        }
        Ok(BrowsePath { text: text.to_owned(), steps })
    }

    /// The steps, from the root down.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl fmt::Display for BrowsePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A step before its namespace is looked for: its characters, and where the first colon that counts stands.
struct Raw {
    text: String,
    colon: Option<usize>,
}

/// Splits at each `/` that is not escaped; `None` if the text ends within an escape.
fn split(text: &str) -> Option<Vec<Raw>> {
    let mut steps = vec![Raw { text: String::new(), colon: None }];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let last = steps.last_mut()?;
        match character {
            '/' => steps.push(Raw { text: String::new(), colon: None }),
            '&' => last.text.push(characters.next()?),
            ':' => {
                last.colon.get_or_insert(last.text.len());
                last.text.push(':');
            }
            other => last.text.push(other),
        }
    }
    Some(steps)
}

fn step(raw: Raw) -> Step {
    let split = raw.colon.and_then(|at| {
        let digits = raw.text[..at].bytes().all(|byte| byte.is_ascii_digit());
        let index = raw.text[..at].parse().ok().filter(|_| digits)?;
        Some(Step { namespace: Some(index), name: raw.text[at + 1..].to_owned() })
    });
    split.unwrap_or(Step { namespace: None, name: raw.text })
}

/// A browse name as a step of a path, escaped.
pub fn escape(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for character in name.chars() {
        if matches!(character, '/' | '&' | ':') {
            escaped.push('&');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Vec<(Option<u16>, String)> {
        let path = BrowsePath::parse(text).unwrap();
        path.steps().iter().map(|step| (step.namespace, step.name.clone())).collect()
    }

    #[test]
    fn a_path_is_read_as_written() {
        let plain = |name: &str| (None, name.to_owned());
        assert_eq!(steps("/Objects/Press 3/Oil"), [plain("Objects"), plain("Press 3"), plain("Oil")]);
        assert_eq!(steps("/Objects/2:Oil"), [plain("Objects"), (Some(2), "Oil".to_owned())]);
        assert_eq!(steps("/A&/B/C&&D/2&:E"), [plain("A/B"), plain("C&D"), plain("2:E")]);
        assert_eq!(steps("/urn:x"), [plain("urn:x")]);
    }

    #[test]
    fn a_name_is_found_again_however_it_is_written() {
        for name in ["Oil", "A/B", "2:Oil", "&", "Größe ° 3"] {
            assert_eq!(steps(&format!("/{}", escape(name))), [(None, name.to_owned())]);
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", "Objects", "/", "/Objects/", "//x", "/x&", "/2:"] {
            assert!(BrowsePath::parse(text).is_err(), "{text}");
        }
        assert!(BrowsePath::parse(&"/x".repeat(40)).is_err());
    }
}
