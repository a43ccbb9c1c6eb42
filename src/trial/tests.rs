//! Tests of tests: what passes, what fails and how it is told, and every mistake in its place.

use super::{Verdict, perform, read_text};
use crate::config::{self, Plan};
use crate::replay::Names;

const PLANT: &str = r#"
[site]
name = "Usine"
language = "en"
[network.wall.local]
[source.exec.plc]
command = ["cat"]
[machine.press-3.tag.oil]
source = "plc"
called = "oil"
unit = "°C"
stale_after = "5m"
[machine.press-3.tag.air]
source = "plc"
called = "air"
stale_after = "2m"
[machine.press-3.rule.limit.hot]
tag = "oil"
above = 80
clear = 75
on_delay = "30s"
priority = 2
ladder = [{ above = 90, priority = 1 }]
"#;

fn plan(text: &str) -> Plan {
    config::read(vec![("plant.toml".into(), text.into())]).unwrap()
}

fn run(plant: &str, text: &str) -> Vec<Verdict> {
    let mut plan = plan(plant);
    let tests = read_text("t.toml", text, &plan, &Names::new(&plan)).unwrap();
    tests.iter().map(|test| perform(test, &mut plan).unwrap()).collect()
}

/// The failures of each test, as line, expectation and finding.
#[track_caller]
fn check(plant: &str, text: &str, want: &[&[&str]]) {
    let found = run(plant, text);
    let lines = |verdict: &Verdict| -> Vec<String> {
        let each = verdict.failures.iter();
        each.map(|failure| format!("{}: {} | {}", failure.spot.line, failure.expected, failure.found))
            .collect()
    };
    let found: Vec<Vec<String>> = found.iter().map(lines).collect();
    assert_eq!(found, want, "{text}");
}

const LIFE: &str = r#"[test.life]
only = true
given = [
  { at = "0s", tag = "press-3/oil", from = 70, to = 95, every = "1s", until = "50s" },
  { at = "1m", tag = "press-3/oil", value = 95, every = "10s", until = "2m" },
  { at = "2m10s", tag = "press-3/oil", values = [85, 74, 74], every = "10s" },
]
expect = [
  { at = "51s", machine = "press-3", rule = "limit.hot", priority = 2, text = "(limit 80)", absent = true },
  { at = "51s", within = "2s", machine = "press-3", rule = "limit.hot", word = "CRITICAL" },
  { at = "2m10s", what = "edit", word = "WARNING" },
  { at = "2m20s", what = "close", text = "BACK TO NORMAL" },
  { until = "50s", absent = true },
]
"#;

#[test]
fn a_life_passes_and_a_mutant_of_its_rule_does_not() {
    check(PLANT, LIFE, &[&[]]);
    for mutant in [
        PLANT.replace("on_delay = \"30s\"", "on_delay = \"10s\""),
        PLANT.replace("clear = 75", "clear = 60"),
        PLANT.replace("above = 90", "above = 96"),
        PLANT.replace("above = 80", "above = 96").replace("above = 90", "above = 97"),
    ] {
        let found = run(&mutant, LIFE);
        assert!(!found[0].failures.is_empty(), "{mutant}");
    }
}

#[test]
fn what_fails_is_told_against_what_came() {
    let given =
        "given = [{ at = \"0s\", tag = \"press-3/oil\", value = 85, every = \"10s\", until = \"1m\" }]\n";
    let text = format!(
        "[test.late]\n{given}expect = [{{ at = \"20s\", rule = \"limit.hot\" }}]\n\
         [test.other]\n{given}expect = [\n  {{ at = \"30s\", text = \"bearing\" }},\n]\n\
         [test.surplus]\nonly = true\n{given}\n[test.wrong]\n{given}expect = [{{ absent = true, priority = 2 }}]\n"
    );
    check(
        PLANT,
        &text,
        &[
            &["3: post by limit.hot at 0:20 | told at 0:30"],
            &[
                "7: post with the text `bearing` at 0:30 | at 0:30: press-3 limit.hot ⚠️ WARNING · press-3 · oil at 85 °C (limit 80) since 08:00",
            ],
            &[
                "9: no other post (`only = true`) | told at 0:30: press-3 limit.hot ⚠️ WARNING · press-3 · oil at 85 °C (limit 80) since 08:00",
            ],
            &[
                "15: no post with priority 2 | told at 0:30: press-3 limit.hot ⚠️ WARNING · press-3 · oil at 85 °C (limit 80) since 08:00",
            ],
        ],
    );
}

#[test]
fn silence_bad_values_and_a_lost_source_are_played() {
    let text = r#"
[test.silence]
given = [{ at = "0s", tag = "press-3/oil", value = 60 }]
expect = [{ at = "5m", rule = "stale.oil", what = "post" }]
[test.bad]
given = [
  { at = "0s", tag = "press-3/oil", value = 85 },
  { at = "10s", tag = "press-3/oil", bad = "probe broken", every = "10s", until = "2m" },
]
expect = [{ rule = "limit.hot", absent = true }]
[test.tags-that-do-not-speak-are-not-silent]
only = true
ends = "10m"
given = [{ at = "0s", tag = "press-3/oil", value = 60, every = "1m", until = "10m" }]
[test.unless-it-is-expected]
expect = [{ at = "2m", rule = "stale.air" }]
[test.lost]
given = [{ at = "1m", source = "plc", connected = false }]
expect = [{ at = "2m", within = "1s", machine = "_site" }]
"#;
    check(PLANT, text, &[&[], &[], &[], &[], &[]]);
}

/// Line and message of each mistake.
#[track_caller]
fn refuses(text: &str, want: &[&str]) {
    let plan = plan(PLANT);
    let found = read_text("t.toml", text, &plan, &Names::new(&plan)).unwrap_err();
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, want, "{text}");
}

#[test]
fn every_mistake_has_its_place() {
    refuses(
        "[test.a]\nonyl = true",
        &["t.toml:2  unknown field `onyl`, expected one of `begins`, `ends`, `only`, `given`, `expect`"],
    );
    refuses(
        "[test.a]\ngiven = []",
        &["t.toml:1  nothing is expected, so nothing is tested; write `expect`, or `only = true`"],
    );
    refuses(
        "[test.a]\nbegins = \"soon\"\ngiven = [\n  { at = \"0s\", tag = \"press-3/oli\", value = 1 },\n  { at = \"0s\", tag = \"press-3/oil\" },\n\
         \x20 { at = \"0s\", tag = \"press-3/oil\", from = 1, to = 2 },\n]\n\
         expect = [\n  { machine = \"press-4\" },\n  { rule = \"limit.hto\" },\n  { within = \"1s\" },\n]",
        &[
            "t.toml:2  begins: found `soon`, expected a time such as 2026-11-23T05:02 or 23/11/2026 05:02; else name its `format`",
            "t.toml:4  no tag `press-3/oli` is configured; did you mean `press-3/oil`?",
            "t.toml:5  expected exactly one of `value`, `values`, `from` with `to`, or `bad`",
            "t.toml:6  a ramp needs `every` and `until`",
            "t.toml:9  no machine `press-4` is configured; did you mean `press-3`?",
            "t.toml:10  no rule `limit.hto` is configured there; did you mean `limit.hot`?",
            "t.toml:11  `within` without `at`",
        ],
    );
    refuses(
        "[test.a]\nexpect = [{ at = \"1x\" }]",
        &["t.toml:2  found `1x`, expected a time after the beginning such as `30s`, `1m30s` or `2h`"],
    );
}
