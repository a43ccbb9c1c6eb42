//! What the page itself says: one file for each language in `words/`. No word of the page is in code.

use serde::{Deserialize, Serialize};

/// The words of one language. The files have exactly these keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    pub open_none: String,
    pub open_one: String,
    pub open_many: String,
    pub machines: String,
    pub machines_more: String,
    pub posts: String,
    pub open_title: String,
    pub past_title: String,
    pub calm: String,
    pub no_post_yet: String,
    pub empty_title: String,
    pub empty_text: String,
    pub machine_empty: String,
    pub since: String,
    pub from_to: String,
    pub updated: String,
    pub thread: String,
    pub thread_more: String,
    pub permalink: String,
    pub older: String,
    pub new_one: String,
    pub new_many: String,
    pub news_open: String,
    pub news_closed: String,
    pub lost: String,
    pub skip: String,
    pub back: String,
    pub keys_title: String,
    pub keys_hint: String,
    pub keys_next: String,
    pub keys_previous: String,
    pub keys_open: String,
    pub keys_home: String,
    pub keys_help: String,
    pub keys_close: String,
    pub under_minute: String,
    pub minutes: String,
    pub hours: String,
    pub days: String,
    pub date_time: String,
    pub months: [String; 12],
    pub not_found: String,
    pub unavailable: String,
}

impl Words {
    /// The words of a language, English where there are none.
    ///
    /// # Errors
    /// What is wrong with the file that was built in.
    pub fn of(language: &str) -> Result<(Words, &'static str), String> {
        let (file, tag) = match language {
            "fr" => (include_str!("../words/fr.toml"), "fr"),
            _ => (include_str!("../words/en.toml"), "en"),
        };
        let words = toml::from_str(file).map_err(|error| format!("words/{tag}.toml: {error}"))?;
        Ok((words, tag))
    }

    /// "3 open".
    pub fn open(&self, count: usize) -> String {
        match count {
            0 => self.open_none.clone(),
            1 => self.open_one.clone(),
            _ => fill(&self.open_many, &[("n", &count.to_string())]),
        }
    }
}

/// The words with each `{name}` replaced.
pub(crate) fn fill(words: &str, values: &[(&str, &str)]) -> String {
    values
        .iter()
        .fold(words.to_owned(), |filled, (name, value)| filled.replace(&format!("{{{name}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_every_word_and_the_same_places() {
        let places = |language| {
            let (words, tag) = Words::of(language).unwrap();
            assert_eq!(tag, language);
            let table = serde_json::to_value(words).unwrap();
            let holes = |text: &str| {
                let mut holes: Vec<String> = text
                    .split('{')
                    .skip(1)
                    .filter_map(|rest| rest.split_once('}'))
                    .map(|(name, _)| name.to_owned())
                    .collect();
                holes.sort();
                holes
            };
            let of_each = table.as_object().unwrap().iter();
            of_each.map(|(key, text)| (key.clone(), text.as_str().map(holes))).collect::<Vec<_>>()
        };
        assert_eq!(places("fr"), places("en"));
    }

    #[test]
    fn a_count_is_said_in_words() {
        let (words, _) = Words::of("fr").unwrap();
        assert_eq!([0, 1, 3].map(|count| words.open(count)), ["rien d’ouvert", "1 ouvert", "3 ouverts"]);
    }
}
