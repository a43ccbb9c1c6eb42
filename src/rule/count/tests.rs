use super::*;
use crate::rule::bound::draw;
use crate::rule::order::reading;

fn count(text: &str) -> Count {
    let section: Section = toml::from_str(&format!("tag = 't'\n{text}")).unwrap();
    assert_eq!(section.check(), [], "{text}");
    Count::new(&section, Moment::from_ms(0))
}

/// Plays one value each second.
#[track_caller]
fn check(text: &str, values: &[f64], want: &str) {
    let mut count = count(text);
    let drawn: String = (0..)
        .zip(values)
        .map(|(secs, value)| draw(count.hear(0, &reading(secs * 1_000, Some(*value)))))
        .collect();
    assert_eq!(drawn, want, "{text}");
}

#[test]
fn so_many_times_within_the_window() {
    check("over = '10s'\nabove = 2", &[0., 1., 1., 0., 1., 0., 1., 1., 0.], "......111");
    check("over = '4s'\nabove = 1", &[0., 1., 0., 1., 1., 1., 0., 0., 0.], "...11....");
    check("over = '10s'\nabove = 2\nis = [7, 9]", &[7., 9., 1., 7., 0., 9., 2., 9.], ".......1");
    check("over = '10s'\nabove = 2\nof = 'readings'\nis = [7]", &[7., 7., 1., 7.], "...1");
}

#[test]
fn too_few_is_said_only_once_the_window_is_whole() {
    let mut parts = count("over = '10s'\nbelow = 5\nclear = 6\nof = 'counter'\nwidth = 16");
    let mut drawn = String::new();
    for (secs, value) in [(0, 65_530), (4, 65_533), (8, 1), (10, 3), (14, 4), (18, 5)] {
        drawn.push(draw(parts.hear(0, &reading(secs * 1_000, Some(f64::from(value))))));
    }
    assert_eq!(drawn, "---..1");
    assert_eq!(parts.value(), Some(4.0));
    // And time alone makes it fewer: the two of 10 s leave in the slot after 20 s.
    let due = parts.due().unwrap();
    assert!((20_000..20_200).contains(&due.as_ms()), "{due:?}");
    assert_eq!(draw(parts.tick(due)), '1');
    assert_eq!(parts.value(), Some(2.0));
}

#[test]
fn silence_from_the_beginning_is_too_few_as_well() {
    let mut parts = count("over = '10s'\nbelow = 1");
    assert_eq!(parts.due(), None);
    assert_eq!(draw(parts.hear(0, &reading(1_000, Some(0.0)))), '-');
    assert_eq!(parts.due(), Some(Moment::from_ms(11_000)));
    assert_eq!(draw(parts.tick(Moment::from_ms(11_000))), '1');
    assert_eq!(parts.due(), None);
}

#[test]
fn every_thousandth_part_is_told_once() {
    let mut parts = count("of = 'counter'\nwidth = 16\nevery = 1000");
    let mut play = |values: &[i32]| -> Vec<Option<f64>> {
        let mut hear = |value: &i32| {
            parts.hear(0, &reading(0, Some(f64::from(*value))));
            parts.reached()
        };
        values.iter().map(&mut hear).collect()
    };
    assert_eq!(play(&[990, 999, 1_000, 1_001, 0, 1_002]), [None, None, Some(1e3), None, None, None]);
    assert_eq!(play(&[65_500, 500]), [Some(65e3), Some(66e3)]);
    // Set to 0 for the next order.
    assert_eq!(play(&[20, 980, 1_010]), [None, None, Some(1e3)]);
}

#[test]
fn round_numbers_outlive_a_restart() {
    let text = "of = 'counter'\nevery = 1000";
    let mut parts = count(text);
    for value in [900.0, 1_100.0, 1_900.0] {
        parts.hear(0, &reading(0, Some(value)));
    }
    let saved = parts.saved().unwrap();
    assert_eq!(parts.saved(), None);
    let mut next = count(text);
    next.resume_saved(&saved).unwrap();
    next.hear(0, &reading(0, Some(1_950.0)));
    assert_eq!(next.reached(), None);
    next.hear(0, &reading(0, Some(2_050.0)));
    assert_eq!(next.reached(), Some(2e3));
}

#[test]
fn a_retained_or_bad_value_is_nothing_that_happened() {
    let mut faults = count("over = '10s'\nabove = 0");
    let retained = |value| Reading { origin: Origin::Retained, is_timed: false, ..reading(0, Some(value)) };
    assert_eq!(draw(faults.hear(0, &retained(0.0))), '.');
    assert_eq!(draw(faults.hear(0, &retained(1.0))), '.');
    assert_eq!(faults.hear(0, &reading(1, None)), None);
    assert_eq!(draw(faults.hear(0, &reading(2, Some(1.0)))), '.');
    assert_eq!(draw(faults.hear(0, &reading(3, Some(0.0)))), '.');
    assert_eq!(draw(faults.hear(0, &reading(4, Some(1.0)))), '1');
}

#[test]
fn says_what_cannot_be() {
    let faults = |text: &str| {
        let section: Section = toml::from_str(&format!("tag='t'\n{text}")).unwrap();
        section.check().into_iter().map(|fault| fault.key).collect::<Vec<_>>()
    };
    assert_eq!(faults(""), [""]);
    assert_eq!(faults("over='1m'"), [""]);
    assert_eq!(faults("over='1ms'\nabove=1\nbelow=1"), ["over", "below"]);
    assert_eq!(faults("every=1000\nabove=1"), ["every"]);
    assert_eq!(faults("every=0"), ["every"]);
    assert_eq!(faults("every=9\nwidth=16\nstep_max=5"), ["width", "step_max"]);
    assert_eq!(faults("every=9\nof='counter'\nwidth=8\nmax=99\nis=[1]"), ["is", "width", "max"]);
}
