//! Was what was expected told, and nothing that must not be?

use std::time::Duration;

use super::file::TestFile;
use super::script::{After, Expect};
use super::{Failure, Told, What};

/// `at` alone means within this time after it.
const EXACT: Duration = Duration::from_millis(999);

/// All that is not as it was expected.
pub(super) fn judge(file: &TestFile, told: &[Told]) -> Vec<Failure> {
    let mut failures = Vec::new();
    // One thing that was told meets one expectation.
    let mut is_met = vec![false; told.len()];
    for expect in &file.test.expect {
        let (spot, expect) = (file.lines.spot(expect.span().start), expect.get_ref());
        let fits = |told: &Told| is_like(expect, told) && is_in_time(expect, told);
        if expect.absent {
            if let Some(other) = told.iter().find(|told| fits(told)) {
                let found = format!("told at {}: {}", clock(other.after_ms), first_line(other));
                failures.push(Failure { spot, expected: format!("no {}", words(expect)), found });
            }
            continue;
        }
        let found = told.iter().zip(&mut is_met).find(|(told, is_met)| !**is_met && fits(told));
        match found {
            Some((_, is_met)) => *is_met = true,
            None => failures.push(Failure { spot, expected: words(expect), found: nearest(expect, told) }),
        }
    }
    if file.test.only {
        let other = told.iter().zip(&is_met).filter(|(told, is_met)| told.what == What::Post && !**is_met);
        failures.extend(other.map(|(told, _)| Failure {
            spot: file.spot.clone(),
            expected: "no other post (`only = true`)".to_owned(),
            found: format!("told at {}: {}", clock(told.after_ms), first_line(told)),
        }));
    }
    failures
}

fn is_like(expect: &Expect, told: &Told) -> bool {
    let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
    expect.what == told.what
        && is(&expect.machine, &told.machine)
        && is(&expect.rule, &told.rule)
        && is(&expect.word, &told.word)
        && expect.priority.is_none_or(|priority| u8::from(priority) == told.priority)
        && expect.text.as_deref().is_none_or(|text| told.text.contains(text))
}

fn is_in_time(expect: &Expect, told: &Told) -> bool {
    let after = Duration::from_millis(told.after_ms);
    if let Some(After(at)) = expect.at {
        let until = at + expect.within.map_or(EXACT, |within| within.0);
        return at <= after && after <= until;
    }
    expect.from.is_none_or(|from| from.0 <= after) && expect.until.is_none_or(|until| after <= until.0)
}

/// What came of the same kind, at the time nearest to the one that was expected.
fn nearest(expect: &Expect, told: &[Told]) -> String {
    let at = expect.at.or(expect.from).or(expect.until).unwrap_or_default().0.as_millis();
    let distance = |told: &&Told| u128::from(told.after_ms).abs_diff(at);
    let alike = told.iter().filter(|told| is_like(expect, told)).min_by_key(distance);
    if let Some(told) = alike {
        return format!("told at {}", clock(told.after_ms));
    }
    let in_time =
        told.iter().filter(|told| told.what == expect.what && is_in_time(expect, told)).min_by_key(distance);
    match in_time {
        Some(told) => format!("at {}: {}", clock(told.after_ms), first_line(told)),
        None => "nothing like it was told".to_owned(),
    }
}

fn first_line(told: &Told) -> String {
    format!("{} {} {}", told.machine, told.rule, told.text.lines().next().unwrap_or_default())
}

/// The expectation in words.
fn words(expect: &Expect) -> String {
    let mut words = expect.what.word().to_owned();
    let mut add = |name: &str, value: Option<String>| {
        words.extend(value.map(|value| format!(" {name} {value}")));
    };
    add("of", expect.machine.clone());
    add("by", expect.rule.clone());
    add("with the word", expect.word.clone());
    add("with priority", expect.priority.map(|priority| u8::from(priority).to_string()));
    add("with the text", expect.text.as_ref().map(|text| format!("`{text}`")));
    let time = |wait: After| clock(u64::try_from(wait.0.as_millis()).unwrap_or(u64::MAX));
    add("at", expect.at.map(time));
    add("or up to", expect.within.map(|within| format!("{} later", time(within))));
    add("from", expect.from.map(time));
    add("until", expect.until.map(time));
    words
}

/// `0:05`, `12:30`, `1:00:00`, after the beginning.
pub fn clock(ms: u64) -> String {
    let (hours, minutes, secs) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    let part = if ms.is_multiple_of(1_000) { String::new() } else { format!(".{:03}", ms % 1_000) };
    match hours {
        0 => format!("{minutes}:{secs:02}{part}"),
        _ => format!("{hours}:{minutes:02}:{secs:02}{part}"),
    }
}
