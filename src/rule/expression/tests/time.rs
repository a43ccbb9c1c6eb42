//! Pictures of the rule at work: what is heard each second, what is said of it.

use std::time::Duration;

use contract::{Check, Moment, Origin, TagId};
use proptest::prelude::*;

use crate::reading::Reading;
use crate::rule::expression::windows::{Parts, Window};
use crate::rule::expression::*;
use crate::rule::{Level, Verdict};

fn names() -> Names {
    let fresh = |name| Name { fresh_for: Some(Duration::from_secs(3)), ..Name::tag(name, Some("bar")) };
    let door = Name { holds: Holds::Flag, ..Name::tag("door", None) };
    Names {
        own: vec![Name::tag("oil", Some("°C")), fresh("air"), door, Name::state()], machines: Vec::new()
    }
}

fn at(second: usize) -> Moment {
    Moment::from_ms(1_795_000_000_000 + second as i64 * 1_000)
}

fn reading(value: Option<f64>, at: Moment, origin: Origin) -> Reading {
    Reading { tag: TagId(0), value, at, received: at, origin, is_timed: true }
}

fn rule(text: &str) -> Rule {
    let section: Section = toml::from_str(&format!("say = 'x'\n{text}")).unwrap();
    assert_eq!(section.check(), []);
    let code = section.compile(&names()).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    Rule::new(code, at(0))
}

/// Each column is a second. A digit is a reading of ten times as much, `?` one that cannot be trusted, a letter a
/// state, a space nothing. Said: `1` abnormal, `.` normal, `?` unknown, a space as long as nothing was.
#[track_caller]
fn check(text: &str, heard: &[(&str, &str)], want: &str) {
    let mut rule = rule(text);
    let slots: Vec<String> = rule.code().slots().iter().map(|slot| slot.name.clone()).collect();
    let mut drawn = String::new();
    let mut last = ' ';
    for second in 0..want.chars().count() {
        let now = at(second);
        let mut said = if second == 0 { None } else { rule.tick(now) };
        for (name, row) in heard {
            let which = slots.iter().position(|slot| slot == name).unwrap();
            let one = match row.chars().nth(second).unwrap_or(' ') {
                ' ' => continue,
                '?' => rule.hear(which, &reading(None, now, Origin::Live)),
                c @ '0'..='9' => {
                    let value = f64::from(c as u32 - '0' as u32) * 10.0;
                    rule.hear(which, &reading(Some(value), now, Origin::Live))
                }
                c => {
                    rule.put(which, Given::Text(c.to_string().into()), now);
                    Some(rule.look(now))
                }
            };
            said = one.or(said);
        }
        last = match said {
            Some(Verdict::Level(Level(0))) => '.',
            Some(Verdict::Level(_)) => '1',
            Some(Verdict::Unknown) => '?',
            None => last,
        };
        drawn.push(last);
    }
    assert_eq!(drawn, want, "{text}");
}

#[test]
fn a_claim_is_judged_as_its_tags_speak() {
    check("when = 'oil > 50'", &[("oil", "46? 7 4")], ".1??11.");
    check("when = 'oil > 50 && state == \"r\"'", &[("oil", "66 6 4"), ("state", " s  r")], "?...1.");
    check("when = 'door || oil > 50'", &[("oil", "4 6 4"), ("door", " 0   1")], "?.11.1");
}

#[test]
fn how_long_it_has_been_so_runs_while_nothing_is_heard() {
    let text = "when = 'since(oil > 50) > duration(\"3s\")'";
    check(text, &[("oil", "466666664")], ".....111.");
    check(text, &[("oil", "46      4")], ".....111.");
    // What was unknown may have been otherwise.
    check(text, &[("oil", "466?666666")], "...?....11");
}

#[test]
fn how_old_a_reading_is() {
    check("when = 'age(oil) > duration(\"3s\")'", &[("oil", " 4   ?  4")], " ....111.");
}

#[test]
fn it_is_over_when_it_is_clear() {
    let text = "when = 'oil > 50'\nclear = 'oil < 30'";
    check(text, &[("oil", "4653?42 46")], ".111?1...1");
}

#[test]
fn a_value_that_is_too_old_is_unknown() {
    check("when = 'air > 50'", &[("air", "6     6")], "111???1");
}

#[test]
fn windows_look_back() {
    let text = "when = 'max(oil, \"4s\") > 50'";
    check(text, &[("oil", "446444444")], "..1111...");
    check("when = 'count(oil, \"4s\") < 2'", &[("oil", "444444   4")], "????....11");
    check("when = 'avg(oil, \"2s\") > 45'", &[("oil", "4 6  4")], "..11?.");
}

#[test]
fn it_knows_when_to_be_asked_again() {
    let due = |text: &str| {
        let mut rule = rule(text);
        rule.hear(0, &reading(Some(60.0), at(1), Origin::Live));
        rule.due().map(|due| due.as_ms() - at(1).as_ms())
    };
    assert_eq!(due("when = 'oil > 50'"), None);
    assert_eq!(due("when = 'since(oil > 50) > duration(\"3s\")'"), Some(3_000));
    assert_eq!(due("when = 'since(oil > 70) > duration(\"3s\")'"), None);
    assert_eq!(due("when = 'duration(\"7s\") <= age(oil)'"), Some(7_000));
    assert_eq!(due("when = 'air > 50'"), Some(3_000));
    assert_eq!(due("when = 'age(oil) + duration(\"1s\") > duration(\"7s\")'"), Some(1_000));
    assert_eq!(due("when = 'avg(oil, \"64s\") > 50'"), Some(64_000));
}

#[test]
fn a_section_names_its_tags_and_its_figure() {
    let text =
        "when = 'state == \"r\" && avg(oil, \"5m\") > 50 && any(\"V\", x > 1)'\nclear = 'air < 3 || oil < 1'";
    let section: Section = toml::from_str(&format!("say = 'x'\n{text}")).unwrap();
    assert_eq!(section.tags(), ["oil", "air"]);
    let mut rule = rule("when = 'state == \"r\" && since(oil > 50) > duration(\"3s\") || air > 3'");
    let oil = rule.code().slots().iter().position(|slot| slot.name == "oil").unwrap();
    rule.hear(oil, &reading(Some(60.0), at(1), Origin::Live));
    assert_eq!((rule.value(), rule.code().unit()), (Some(60.0), Some("°C")));
}

#[test]
fn a_section_tells_the_mistakes_of_both_texts() {
    let section: Section = toml::from_str("say = 'x'\nwhen = 'oli > 50'\nclear = 'air > oil'").unwrap();
    let mistakes = section.compile(&names()).unwrap_err();
    let faults: Vec<_> =
        mistakes.iter().map(|(key, mistake)| (*key, mistake.fault(key, section.text(key)).message)).collect();
    assert_eq!(faults[0], ("when", "unknown name `oli` at character 1: did you mean `oil`?".into()));
    assert_eq!((faults[1].0, faults.len()), ("clear", 2));
    let section: Section = toml::from_str("say = 'x'\nwhen = 'oil >'\nclear = 'oil <'").unwrap();
    assert_eq!(section.check().len(), 2);
}

#[test]
fn a_clock_that_was_set_takes_the_times_and_leaves_the_values() {
    let mut rule = rule("when = 'oil > 50 && age(oil) < duration(\"1h\")'");
    rule.hear(0, &reading(Some(60.0), at(5_000), Origin::Live));
    rule.start_anew(at(1_000));
    assert_eq!(rule.tick(at(1_001)), None);
    assert_eq!(rule.tick(at(1_000 + 3_600)), Some(Verdict::Level(Level(0))));
}

#[test]
fn a_retained_value_is_in_no_window() {
    let mut rule = rule("when = 'avg(oil, \"1m\") > 50'");
    let verdict = rule.hear(0, &reading(Some(60.0), at(1), Origin::Retained));
    assert_eq!(verdict, Some(Verdict::Unknown));
    let verdict = rule.hear(0, &reading(Some(70.0), at(1), Origin::Live));
    assert_eq!(verdict, Some(Verdict::Level(Level(1))));
}

fn parts(function: Function) -> Parts {
    Parts::new(&WindowUse { slot: 0, length: Duration::from_secs(64), function }, at(0))
}

#[test]
fn the_rate_is_that_of_the_line_that_fits_best() {
    let mut window = parts(Function::Rate);
    for second in 0..=40 {
        if second == 20 {
            assert_eq!(window.figure(at(second)), None);
        }
        window.hear(second as f64 / 2.0, at(second));
    }
    assert!((window.figure(at(40)).unwrap() - 30.0).abs() < 1e-9);
}

proptest! {
    #[test]
    fn a_window_says_what_a_list_says(steps in prop::collection::vec((0_i64..9_000, -100_i32..100), 1..200)) {
        let functions = [Function::Avg, Function::Min, Function::Max, Function::Sum, Function::Count];
        let mut windows = functions.map(parts);
        let mut middle = parts(Function::Quantile(0.5));
        let mut list: Vec<(i64, f64)> = Vec::new();
        let mut now = at(100);
        for (step, value) in steps {
            now = now.plus(Duration::from_millis(step as u64));
            windows.iter_mut().for_each(|window| window.hear(f64::from(value), now));
            middle.hear(f64::from(value), now);
            list.push((now.as_ms() / 1_000, f64::from(value)));
            list.retain(|(part, _)| *part > now.as_ms() / 1_000 - 64);
            let values = || list.iter().map(|(_, value)| *value);
            let sum: f64 = values().sum();
            let count = list.len() as f64;
            let low = values().fold(f64::INFINITY, f64::min);
            let high = values().fold(f64::NEG_INFINITY, f64::max);
            for (window, want) in windows.iter_mut().zip([sum / count, low, high, sum, count]) {
                let found = window.figure(now).unwrap();
                prop_assert!((found - want).abs() < 1e-9, "{found} {want}");
            }
            let fullest = list.iter().map(|(part, _)| list.iter().filter(|other| other.0 == *part).count()).max();
            if fullest <= Some(4) {
                let mut sorted: Vec<f64> = values().collect();
                sorted.sort_by(f64::total_cmp);
                prop_assert_eq!(middle.figure(now), Some(sorted[sorted.len().div_ceil(2) - 1]));
            }
        }
    }
}
