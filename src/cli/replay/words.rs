//! What a replay came to, in words.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::{Moment, Step};
use jiff::tz::TimeZone;

use super::{Replayed, Tuning};
use crate::cli::count;
use crate::outbox::Job;
use crate::replay::Troubles;
use crate::replay::advice::Advice;
use crate::replay::tally::RuleReport;

/// So many rules are shown: the "top ten" of bad actors.
const RULES_MAX: usize = 10;

/// So many unknown tags are named.
const UNKNOWN_MAX: usize = 10;

/// A job as people would have read it.
pub fn seen(timezone: &str, now: Moment, job: &Job) -> String {
    let zone = TimeZone::get(timezone).unwrap_or(TimeZone::UTC);
    let time = jiff::Timestamp::from_millisecond(now.as_ms()).unwrap_or_default().to_zoned_datetime(zone);
    let what = match &job.step {
        Step::Open => "posts",
        Step::Edit(_) => "edits its post",
        Step::Reply(_) => "answers under its post",
    };
    let machine = &job.post.author.key;
    let mut text = format!(
        "── {} · {machine} {} {what} ──\n{}\n",
        time.strftime("%Y-%m-%d %H:%M:%S"),
        job.post.provenance.rule,
        job.post.first_line().plain()
    );
    for line in &job.post.lines {
        text.push_str(&line.text.plain());
        text.push('\n');
    }
    text
}

/// What could not be taken, of a replay.
pub fn left_out(replayed: &Replayed) -> Vec<String> {
    let mut lines = troubles(&replayed.left_out);
    if replayed.silent_rules > 0 {
        let rules = count(replayed.silent_rules, "rule");
        lines.push(format!("{rules} on the silence of tags that never speak in these files: left out"));
    }
    lines
}

/// What could not be taken.
pub fn troubles(found: &Troubles) -> Vec<String> {
    let mut lines = found.named.clone();
    if found.wrong > found.named.len() as u64 {
        lines.push(format!("and more: {} wrong lines in all", found.wrong));
    }
    for (tag, (readings, why)) in found.unknown.iter().take(UNKNOWN_MAX) {
        lines.push(format!("{tag}: {why}; {readings} left out"));
    }
    if found.unknown.len() > UNKNOWN_MAX {
        lines.push(format!("and {} more tags that are not configured", found.unknown.len() - UNKNOWN_MAX));
    }
    if found.late > 0 {
        lines.push(format!(
            "{} readings are far behind the ones before them and count as late; sort the file by time",
            found.late
        ));
    }
    lines
}

/// One replay.
pub fn alone(replayed: &Replayed) -> Vec<String> {
    let report = &replayed.report;
    let mut lines = vec![headline(replayed), String::new()];
    for (name, value) in figures(replayed) {
        lines.push(format!("{name:<24}{value:>12}"));
    }
    lines.push(String::new());
    lines.push("Posts by shift:".to_owned());
    for shift in &report.shifts {
        lines.push(format!("  {} {:<12}{:>10}", shift.day, shift.shift, shift.posts));
    }
    lines.push(String::new());
    lines.push("The most talkative rules:".to_owned());
    lines.push(rule_line(["posts", "share", "episodes", "unstable", "fleeting", "longest"], "machine, rule"));
    lines.extend(report.rules.iter().take(RULES_MAX).map(|rule| {
        let cells = [
            rule.posts.to_string(),
            format!("{:.0} %", rule.share * 100.0),
            rule.episodes.to_string(),
            rule.chattering.to_string(),
            rule.fleeting.to_string(),
            duration(rule.longest_s),
        ];
        rule_line(cells.each_ref().map(String::as_str), &format!("{} {}", rule.machine, rule.rule))
    }));
    lines
}

fn rule_line(cells: [&str; 6], name: &str) -> String {
    let cells: String = cells.iter().map(|cell| format!("{cell:>10}")).collect();
    format!("{cells}  {name}")
}

/// Two replays, side by side.
pub fn beside(one: &Replayed, other: &Replayed) -> Vec<String> {
    let mut lines = vec![headline(one), String::new()];
    lines.push(format!("{:<24}{:>14}{:>14}", "", "--config", "--against"));
    for ((name, mine), (_, theirs)) in figures(one).into_iter().zip(figures(other)) {
        lines.push(format!("{name:<24}{mine:>14}{theirs:>14}"));
    }
    lines.push(String::new());
    lines.push("Posts by rule, the largest differences first:".to_owned());
    let mut rules: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    fn key(rule: &RuleReport) -> (&str, &str) {
        (&rule.machine, &rule.rule)
    }
    one.report.rules.iter().for_each(|rule| rules.entry(key(rule)).or_default().0 = rule.posts);
    other.report.rules.iter().for_each(|rule| rules.entry(key(rule)).or_default().1 = rule.posts);
    let mut rules: Vec<_> = rules.into_iter().filter(|(_, (mine, theirs))| mine != theirs).collect();
    rules.sort_by_key(|(key, (mine, theirs))| (std::cmp::Reverse(mine.abs_diff(*theirs)), *key));
    if rules.is_empty() {
        lines.push("  none: each rule tells as much in both".to_owned());
    }
    for ((machine, rule), (mine, theirs)) in rules.into_iter().take(2 * RULES_MAX) {
        lines.push(format!("{:<24}{mine:>14}{theirs:>14}  {machine} {rule}", ""));
    }
    lines
}

/// What `--tune` found.
pub fn tuning(tuning: &Tuning) -> Vec<String> {
    let mut lines = vec![String::new()];
    lines.push(format!(
        "Tuning for at most {} posts of a rule a day and machine, tried in {:.1} s:",
        tuning.posts_a_day, tuning.took_s
    ));
    if tuning.rules.is_empty() {
        lines.push("  no rule with a limit tells more than that".to_owned());
    }
    for advice in &tuning.rules {
        lines.push(format!("  {} {}", advice.machine, advice.rule));
        lines.push(format!("    now   {}", setting(advice, &advice.now)));
        if advice.then == advice.now {
            lines.push("    no other deadband or on-delay tells less".to_owned());
            continue;
        }
        lines.push(format!("    try   {}", setting(advice, &advice.then)));
        let missed = match advice.missed {
            0 => "nothing would have been missed".to_owned(),
            missed => format!(
                "{missed} of {} episodes would not have been told, the longest of {}",
                advice.now.posts,
                duration(advice.longest_missed_s)
            ),
        };
        lines.push(format!("          {missed}"));
    }
    lines
}

fn setting(advice: &Advice, setting: &crate::replay::advice::Setting) -> String {
    let surplus = if setting.posts > advice.allowed { ", more than allowed" } else { "" };
    let delay = setting.on_delay_s;
    format!("clear = {}, on_delay = \"{delay}s\": {} episodes{surplus}", setting.clear, setting.posts)
}

fn headline(replayed: &Replayed) -> String {
    let report = &replayed.report;
    let per_second = report.readings as f64 / replayed.took_s.max(1e-6);
    format!(
        "{} to {} ({}): {} readings in {:.2} s, {:.0} a second",
        report.from,
        report.to,
        duration(report.recorded_s),
        report.readings,
        replayed.took_s,
        per_second
    )
}

fn figures(replayed: &Replayed) -> Vec<(&'static str, String)> {
    let report = &replayed.report;
    let days = (report.recorded_s / 86_400.0).max(1.0);
    vec![
        ("posts", report.posts.to_string()),
        ("posts a day", format!("{:.1}", report.posts as f64 / days)),
        ("edits in place", report.edits.to_string()),
        ("answers under posts", report.notes.to_string()),
        ("episodes", report.episodes.to_string()),
        ("  still open", report.open.to_string()),
        ("  unstable", report.chattering.to_string()),
        ("  fleeting, under 1 min", report.fleeting.to_string()),
        ("floods", report.floods.to_string()),
        ("time in floods", duration(report.flood_s)),
    ]
}

/// `12 s`, `5 min`, `3 h 05`, `2 d 4 h`.
pub fn duration(seconds: f64) -> String {
    let secs = Duration::try_from_secs_f64(seconds).unwrap_or_default().as_secs();
    let (minutes, hours, days) = (secs / 60, secs / 3_600, secs / 86_400);
    match secs {
        0..120 => format!("{secs} s"),
        120..7_200 => format!("{minutes} min"),
        7_200..172_800 => format!("{hours} h {:02}", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}
