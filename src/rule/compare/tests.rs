use super::*;
use crate::rule::bound::draw;
use crate::rule::order::reading;

fn compare(text: &str) -> Compare {
    let section: Section = toml::from_str(&format!("tag = 't'\n{text}")).unwrap();
    assert_eq!(section.check(), [], "{text}");
    Compare::new(&section, TimeZone::get("Europe/Paris").unwrap(), Moment::from_ms(0))
}

/// Plays readings: seconds, which tag, the value.
#[track_caller]
fn check(text: &str, readings: &[(i64, usize, f64)], want: &str) {
    let mut compare = compare(&format!("with = 'u'\n{text}"));
    let drawn: String = readings
        .iter()
        .map(|(secs, which, value)| {
            let value = Some(*value).filter(|value| value.is_finite());
            draw(compare.hear(*which, &reading(secs * 1_000, value)))
        })
        .collect();
    assert_eq!(drawn, want, "{text}");
}

const BAD: f64 = f64::NAN;

#[test]
fn two_tags_are_compared_as_either_speaks() {
    let steps = [(0, 0, 5.0), (1, 1, 4.0), (2, 0, 7.0), (3, 1, 6.0), (4, 1, BAD), (5, 0, 7.0), (6, 1, 1.0)];
    check("above = 2", &steps, "?.1.??1");
    check("below = 2", &steps, "?1.1??.");
    check("figure = 'ratio'\nabove = 1.5", &steps, "?.1.??1");
    check("figure = 'ratio'\nabove = 1.5", &[(0, 0, 5.0), (1, 1, 0.0), (2, 1, -5.0)], "??.");
    check("figure = 'percent'\nbelow = -20", &[(0, 0, 7.0), (1, 1, 8.0), (2, 1, 9.0)], "?.1");
}

#[test]
fn a_set_point_has_a_tolerance_on_both_sides() {
    let steps = [(0, 1, 60.0), (1, 0, 62.0), (2, 0, 64.0), (3, 0, 62.0), (4, 0, 61.0), (5, 0, 56.0)];
    check("tolerance = 3\nclear = 1.5", &steps, "?.11.1");
}

#[test]
fn a_value_that_is_too_old_is_not_compared() {
    check("above = 0\nwithin = '5s'", &[(0, 1, 1.0), (5, 0, 2.0), (6, 0, 2.0), (7, 1, 1.0)], "?1?1");
}

/// Monday 2 November 2026, 8:00 in Paris, and so many weeks and minutes later.
fn monday(week: i64, minute: i64) -> i64 {
    1_793_602_800_000 + week * 7 * 86_400_000 + minute * 60_000
}

#[test]
fn a_machine_against_its_own_last_weeks() {
    let mut power = compare("times = 1.2\nclear = 1.1\nusual_min = 5");
    let mut drawn = String::new();
    for week in 0..4 {
        for minute in 0..61 {
            let value = if week == 1 { 55.0 } else { 33.0 };
            let verdict = power.hear(0, &reading(monday(week, minute), Some(value)));
            if minute == 0 {
                drawn.push(draw(verdict));
            }
        }
        // At night it stands still: nothing is usual then.
        assert_eq!(draw(power.hear(0, &reading(monday(week, 900), Some(0.0)))), '?');
    }
    // Two weeks must be known: of 33 and 55 the middle is 44. Then one odd week changes little.
    assert_eq!(drawn, "??..");
    let mut hear = |minute, value| draw(power.hear(0, &reading(monday(4, minute), Some(value))));
    assert_eq!([hear(0, 39.0), hear(1, 41.0), hear(2, 37.0), hear(3, 36.0)], ['.', '1', '1', '.']);
    assert_eq!((power.value(), power.expected()), (Some(36.0), Some(33.0)));
}

#[test]
fn so_many_deviations_away() {
    let mut power = compare("sigmas = 4");
    for week in 0..3 {
        for minute in 0..60 {
            power.hear(0, &reading(monday(week, minute), Some(if minute % 2 == 0 { 99.0 } else { 101.0 })));
        }
    }
    let mut hear = |minute, value| draw(power.hear(0, &reading(monday(3, minute), value)));
    assert_eq!(hear(0, Some(103.9)), '.');
    assert_eq!([hear(1, Some(104.1)), hear(2, None), hear(3, Some(95.0))], ['1', '?', '1']);
}

#[test]
fn says_what_cannot_be() {
    let faults = |text: &str| {
        let section: Section = toml::from_str(&format!("tag='t'\n{text}")).unwrap();
        section.check().into_iter().map(|fault| fault.key).collect::<Vec<_>>()
    };
    assert_eq!(faults(""), [""]);
    assert_eq!(faults("with='u'"), [""]);
    assert_eq!(faults("above=1"), ["above"]);
    assert_eq!(faults("with='u'\ntimes=2"), ["times"]);
    assert_eq!(faults("with='u'\nabove=2\nbelow=1"), [""]);
    assert_eq!(faults("with='u'\ntolerance=-1\nfigure='ratio'"), ["tolerance", "figure"]);
    assert_eq!(faults("times=1\nweeks_min=9"), ["times", "weeks_min"]);
    assert_eq!(faults("times=0.8\nclear=0.7"), ["clear"]);
    assert_eq!(faults("sigmas=inf"), ["sigmas"]);
}
