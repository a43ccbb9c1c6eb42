//! What the probes of all kinds write configuration with: names that it takes, and texts that stay texts.

use std::collections::BTreeSet;

use crate::settings::Secret;

/// A name that a configuration takes: lower-case letters without accents, digits and `-`; empty where nothing of the
/// words can stay.
pub fn plain_name(words: &str, max: usize) -> String {
    let mut name = String::new();
    for c in words.chars().flat_map(char::to_lowercase) {
        match unaccented(c) {
            // Signs that belong to a word and are none of it: `N° OF`.
            _ if matches!(c, '°' | 'º' | 'ª') => {}
            Some(letters) => name.push_str(letters),
            None if c.is_ascii_alphanumeric() => name.push(c),
            None if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            None => {}
        }
    }
    name.truncate(max);
    name.truncate(name.trim_end_matches('-').len());
    name
}

/// A Latin letter without what stands on it; ASCII alone, so that a name can be cut anywhere.
const fn unaccented(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => "a",
        'æ' => "ae",
        'ç' => "c",
        'è' | 'é' | 'ê' | 'ë' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ñ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' => "o",
        'œ' => "oe",
        'ù' | 'ú' | 'û' | 'ü' => "u",
        'ý' | 'ÿ' => "y",
        'ß' => "ss",
        _ => return None,
    })
}

/// This name, or the next with a number behind it that nobody has.
pub fn unique(taken: &mut BTreeSet<String>, wanted: &str) -> String {
    let mut names = std::iter::once(wanted.to_owned()).chain((2..).map(|at| format!("{wanted}-{at}")));
    let free = names.find(|name| !taken.contains(name)).unwrap_or_default();
    taken.insert(free.clone());
    free
}

/// A basic string of TOML: JSON escapes the same, but for DEL.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// Where a secret lies, as a table in a line.
pub fn secret(secret: &Secret) -> String {
    let file = secret.file.as_ref().map(|file| file.display().to_string());
    let places = [("credential", secret.credential.clone()), ("file", file), ("env", secret.env.clone())];
    let named = places.into_iter().find_map(|(key, place)| Some(format!("{key} = {}", quoted(&place?))));
    format!("{{ {} }}", named.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_letters_without_their_accents() {
        for (words, name) in [
            ("Qté lancée", "qte-lancee"),
            ("N° OF", "n-of"),
            ("Température d'œuvre", "temperature-d-oeuvre"),
            ("Größe", "grosse"),
            ("__", ""),
            ("…", ""),
        ] {
            assert_eq!(plain_name(words, 40), name, "{words}");
        }
        assert_eq!(plain_name("abc def", 4), "abc");
    }

    #[test]
    fn nobody_has_a_name_twice() {
        let mut taken = BTreeSet::new();
        let names = ["a", "a", "a-2"].map(|wanted| unique(&mut taken, wanted));
        assert_eq!(names, ["a", "a-2", "a-2-2"]);
    }
}
