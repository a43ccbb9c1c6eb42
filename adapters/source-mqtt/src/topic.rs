//! Topics and filters: pure functions of names.

/// What stands for the key of the machine.
const MACHINE: &str = "{machine}";

/// Is this a filter that a broker can take?
///
/// # Errors
/// What was found and what is expected.
pub fn check(filter: &str) -> Result<(), String> {
    if filter.is_empty() || filter.len() > 65_535 || filter.contains(char::is_control) {
        return Err("expected 1 to 65535 bytes of text without control characters".to_owned());
    }
    if filter.starts_with("$share/") {
        return Err("expected no `$share/…` here; name the group in `share` of the source".to_owned());
    }
    if filter.replace(MACHINE, "").contains(['{', '}']) {
        return Err(format!("found braces in `{filter}`, expected only `{MACHINE}`"));
    }
    let levels: Vec<&str> = filter.split('/').collect();
    for (at, level) in levels.iter().enumerate() {
        if level.contains('#') && (*level != "#" || at + 1 != levels.len()) {
            return Err(format!(
                "`#` in `{filter}` stands for all that follows, expected it alone at the end"
            ));
        }
        if level.contains('+') && *level != "+" {
            return Err(format!("`+` in `{filter}` stands for one whole level, expected it between two `/`"));
        }
    }
    Ok(())
}

/// Can this word be one level: a group, an edge node, a device, a host of Sparkplug B?
///
/// # Errors
/// What was found and what is expected.
pub fn check_word(word: &str) -> Result<(), String> {
    let is_bad = |c: char| "/+#".contains(c) || c.is_control();
    match word.is_empty() || word.len() > 1000 || word.contains(is_bad) {
        true => Err(format!("found `{word}`, expected a word without `/`, `+` or `#`")),
        false => Ok(()),
    }
}

/// As [`check_word`], with `{machine}` in it or not.
///
/// # Errors
/// What was found and what is expected.
pub fn check_level(word: &str) -> Result<(), String> {
    match word.replace(MACHINE, "").contains(['{', '}']) {
        true => Err(format!("found braces in `{word}`, expected only `{MACHINE}`")),
        false => check_word(word),
    }
}

/// The filter for one machine.
///
/// # Errors
/// A key that would change the meaning of the topic.
pub fn fill(filter: &str, machine: &str) -> Result<String, String> {
    if filter.contains(MACHINE)
        && (machine.is_empty() || machine.contains(|c: char| c.is_control() || "/+#".contains(c)))
    {
        return Err(format!(
            "the key `{machine}` cannot stand in topic `{filter}`: it holds `/`, `+` or `#`, or nothing"
        ));
    }
    Ok(filter.replace(MACHINE, machine))
}

/// Does the filter stand for more than one topic?
pub fn is_pattern(filter: &str) -> bool {
    filter.contains(['+', '#'])
}

/// Does the filter take the topic? As MQTT says: `#` takes its parent too, and a leading wildcard takes no
/// topic of the broker itself (`$SYS/…`).
pub fn matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let (mut filter, mut topic) = (filter.split('/'), topic.split('/'));
    loop {
        match (filter.next(), topic.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(level)) if level != "#" => {}
            (Some(wanted), Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
}

/// The fewest filters that take all that these take: a broker may send a message once for each filter.
pub fn cover(mut filters: Vec<String>) -> Vec<String> {
    filters.sort_unstable();
    filters.dedup();
    let patterns: Vec<String> = filters.iter().filter(|filter| is_pattern(filter)).cloned().collect();
    // A filter is taken by another exactly when it matches as a topic, because no level `+` or `#` of it can
    // then stand where the other has a name.
    filters.retain(|filter| !patterns.iter().any(|wide| wide != filter && matches(wide, filter)));
    filters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_match_as_mqtt_says() {
        for (filter, topic, want) in [
            ("a/b", "a/b", true),
            ("a/b", "a/b/c", false),
            ("a/b/c", "a/b", false),
            ("a/+/c", "a/b/c", true),
            ("a/+", "a", false),
            ("a/+", "a/", true),
            ("+", "a", true),
            ("+/+", "/a", true),
            ("/+", "/a", true),
            ("+", "/a", false),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("#", "a/b", true),
            ("#", "$SYS/uptime", false),
            ("+/uptime", "$SYS/uptime", false),
            ("$SYS/#", "$SYS/uptime", true),
        ] {
            assert_eq!(matches(filter, topic), want, "{filter} {topic}");
        }
    }

    #[test]
    fn a_filter_within_another_is_not_asked_for_twice() {
        let covered = |filters: &[&str]| cover(filters.iter().map(|&filter| filter.to_owned()).collect());
        assert_eq!(covered(&["a/b", "a/b", "a/+"]), ["a/+"]);
        assert_eq!(covered(&["a/+", "a/#", "b"]), ["a/#", "b"]);
        assert_eq!(covered(&["+/x", "#", "$SYS/x"]), ["#", "$SYS/x"]);
        assert_eq!(covered(&["+/x", "a/#"]), ["+/x", "a/#"]);
        assert_eq!(covered(&["+/#", "a/+"]), ["+/#"]);
    }

    #[test]
    fn wrong_filters_are_refused() {
        for wrong in ["", "a/#/b", "a#", "a/b+", "{line}/x", "$share/g/a"] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
        assert_eq!(check("usine/{machine}/+/#"), Ok(()));
        assert_eq!(fill("usine/{machine}/x", "press-3"), Ok("usine/press-3/x".to_owned()));
        assert!(fill("usine/{machine}/x", "a/b").is_err());
    }
}
