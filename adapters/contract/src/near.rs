//! Words that were perhaps meant: for whoever wrote one that is not known.

/// The known word that is near enough to be what was meant.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let found = lower(found);
    let length = found.chars().count();
    let reach = (1 + length / 4).min(length.saturating_sub(1));
    known
        .into_iter()
        .map(|word| (distance(&found, word), word))
        .filter(|(distance, _)| *distance <= reach)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// What there is, the nearest first and cut to so many: `a`, `b`, … (60 in all); with what was perhaps meant.
pub fn expected<'a>(found: &str, known: impl IntoIterator<Item = &'a str>, most: usize) -> String {
    let mut known: Vec<&str> = known.into_iter().collect();
    let guess = nearest(found, known.iter().copied());
    let found = lower(found);
    let count = known.len();
    if count > most {
        // `power-total` is nearer to `power` than any word of five letters.
        known.sort_by_cached_key(|word| (!word.contains(&found), distance(&found, word)));
        known.truncate(most);
    }
    let listed = known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let rest = if count > most { format!(", … ({count} in all)") } else { String::new() };
    let guess = guess.map(|word| format!("; did you mean `{word}`?")).unwrap_or_default();
    format!("expected one of {listed}{rest}{guess}")
}

/// A word is no longer than this: the rest of a file given by mistake is not looked at.
fn lower(found: &str) -> String {
    found.chars().take(80).flat_map(char::to_lowercase).collect()
}

fn distance(found: &str, word: &str) -> usize {
    let lower = word.to_lowercase();
    // `client_id` for `clientid`, `hall_b` for `hall-b`: the same word written another way.
    let bare = |text: &str| text.replace(['-', '_', ' '], "");
    if bare(found) == bare(&lower) { 0 } else { strsim::osa_distance(found, &lower) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_guessed_and_never_far_fetched() {
        let known = ["topic", "value", "unit", "client_id", "hall-b"];
        assert_eq!(nearest("topik", known), Some("topic"));
        assert_eq!(nearest("Topic", known), Some("topic"));
        assert_eq!(nearest("clientid", known), Some("client_id"));
        assert_eq!(nearest("hall_b", known), Some("hall-b"));
        assert_eq!(nearest("password", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn a_long_list_is_cut_to_the_nearest() {
        let known = ["current-l1", "energy-import", "frequency", "power-l1", "power-total"];
        assert_eq!(expected("power", known, 2), "expected one of `power-l1`, `power-total`, … (5 in all)");
        assert_eq!(
            expected("powr-total", known, 1),
            "expected one of `power-total`, … (5 in all); did you mean `power-total`?"
        );
        assert_eq!(expected("x", ["a", "b"], 9), "expected one of `a`, `b`");
    }
}
