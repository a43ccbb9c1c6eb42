use super::*;
use crate::rule::bound::draw;
use crate::rule::order::reading;
use proptest::prelude::*;

fn window(text: &str) -> Window {
    let section: Section = toml::from_str(&format!("tag = 't'\n{text}")).unwrap();
    assert_eq!(section.check(), [], "{text}");
    Window::new(&section, Moment::from_ms(0))
}

/// Plays one value each second; a negative one is bad.
#[track_caller]
fn check(text: &str, values: &[f64], want: &str) {
    let mut window = window(text);
    let hear = |(secs, value): (i64, &f64)| {
        draw(window.hear(0, &reading(secs * 1_000, Some(*value).filter(|value| *value >= 0.0))))
    };
    let drawn: String = (0..).zip(values).map(hear).collect();
    assert_eq!(drawn, want, "{text}");
}

#[test]
fn a_sliding_window_is_judged_with_every_reading_once_it_is_whole() {
    check("over = '3s'\nfigure = 'mean'\nabove = 5", &[9., 9., 9., 9., 3., 3., 3.], "---11..");
    check("over = '3s'\nfigure = 'mean'\nabove = 5\nclear = 3", &[9., 9., 9., 9., 3., 3., 3.], "---111.");
    check("over = '3s'\nfigure = 'sum'\nbelow = 5", &[1., 1., 1., 1., 3., 3., 3.], "---1...");
    check("over = '4s'\nfigure = 'quantile'\nquantile = 0.5\nabove = 5", &[1., 9., 9., 1., 9., 9.], "----11");
}

#[test]
fn what_exceeds_its_limit_already_need_not_be_whole() {
    check("over = '3s'\nfigure = 'max'\nabove = 5", &[1., 9., 1., 1., 1.], ".111.");
    check("over = '3s'\nfigure = 'min'\nbelow = 5", &[9., 1., 9., 9., 9.], ".111.");
    check("over = '9s'\nfigure = 'count'\nabove = 2", &[1., 1., 1., 1.], "..11");
}

#[test]
fn a_bad_reading_takes_no_part_until_nothing_else_is_left() {
    check("over = '2s'\nfigure = 'mean'\nabove = 5", &[9., 9., 9., -1., -1., 9.], "--11?1");
    check("over = '2s'\nfigure = 'mean'\nabove = 5\nsamples_min = 2", &[9., 9., 9., -1., 9., 9.], "--1??1");
}

#[test]
fn a_tumbling_window_is_judged_when_it_is_over() {
    // From 0 to 4, from 4 to 8.
    let text = "over = '4s'\nlate = '1s'\nmoves = 'tumbling'\nfigure = 'mean'\nabove = 5";
    check(text, &[9., 9., 9., 9., 1., 1., 1., 1., 9., 9.], "----1---.-");
    // It began in the middle of one: that one is not judged.
    let mut begun = window(text);
    let drawn: String = (2..9).map(|secs| draw(begun.hear(0, &reading(secs * 1_000, Some(9.0))))).collect();
    assert_eq!(drawn, "------1");
}

#[test]
fn time_alone_ends_a_tumbling_window() {
    let mut parts = window("over = '10s'\nlate = '2s'\nmoves = 'tumbling'\nfigure = 'sum'\nbelow = 3");
    let at = |secs: i64| Moment::from_ms(secs * 1_000);
    parts.hear(0, &reading(0, Some(2.0)));
    assert_eq!((parts.due(), parts.tick(at(11))), (Some(at(12)), None));
    // Late, and in time.
    assert_eq!(parts.hear(0, &reading(9_000, Some(1.0))), None);
    assert_eq!((draw(parts.tick(at(12))), parts.value()), ('.', Some(3.0)));
    assert_eq!((parts.due(), draw(parts.tick(at(22))), parts.value()), (Some(at(22)), '1', Some(0.0)));
}

#[test]
fn time_alone_empties_a_sliding_window() {
    let mut oil = window("over = '10s'\nfigure = 'mean'\nabove = 5");
    for secs in [0, 5, 10] {
        oil.hear(0, &reading(secs * 1_000, Some(9.0)));
    }
    assert_eq!(oil.value(), Some(9.0));
    let due = oil.due().unwrap();
    assert!((15_000..15_200).contains(&due.as_ms()), "{due:?}");
    assert_eq!(draw(oil.tick(due)), '1');
    assert_eq!((draw(oil.tick(Moment::from_ms(20_000))), oil.value(), oil.due()), ('?', None, None));
}

#[test]
fn an_hour_that_arrives_in_a_second_is_an_hour() {
    let mut oil = window("over = '1h'\nfigure = 'mean'\nmoves = 'tumbling'\nabove = 5");
    let received = Moment::from_ms(50 * 3_600_000);
    let mut drawn = String::new();
    for quarter in 0..13 {
        let value = if quarter < 4 { 9.0 } else { 1.0 };
        let late = Reading { received, origin: Origin::Backfill, ..reading(quarter * 900_000, Some(value)) };
        drawn.push(draw(oil.hear(0, &late)));
    }
    assert_eq!(drawn, "----1---.---.");
    // Its clock is far behind, or we are: its window is not over because ours is.
    assert_eq!(oil.tick(received), None);
}

#[test]
fn a_clock_that_was_set_back_begins_anew() {
    let mut oil = window("over = '3s'\nfigure = 'max'\nabove = 5");
    assert_eq!(draw(oil.hear(0, &reading(3_600_000, Some(9.0)))), '1');
    assert_eq!(draw(oil.hear(0, &reading(1_000, Some(1.0)))), '.');
}

#[test]
fn says_what_cannot_be() {
    let faults = |text: &str| {
        let section: Section = toml::from_str(&format!("tag='t'\n{text}")).unwrap();
        section.check().into_iter().map(|fault| fault.key).collect::<Vec<_>>()
    };
    assert_eq!(faults("over='0s'\nfigure='mean'"), ["over", ""]);
    assert_eq!(faults("over='1m'\nfigure='quantile'\nabove=1"), ["quantile"]);
    assert_eq!(faults("over='1m'\nfigure='quantile'\nquantile=95\nabove=1"), ["quantile"]);
    assert_eq!(faults("over='1m'\nfigure='mean'\nquantile=0.5\nabove=1\nclear=2"), ["quantile", "clear"]);
    assert_eq!(faults("over='5s'\nfigure='mean'\nmoves='tumbling'\nabove=1"), ["late"]);
}

/// What may happen next: how much later our clock is, how late the reading is, and its value if it is good.
fn event() -> impl Strategy<Value = (i64, i64, Option<f64>)> {
    let later = prop_oneof![
        6 => 0_i64..1_500,
        2 => Just(0_i64),
        1 => Just(30_000_i64),
        1 => Just(-100_000_i64),
    ];
    let late = prop_oneof![4 => Just(0_i64), 1 => 0_i64..3_000];
    (later, late, prop::option::weighted(0.8, -50.0..50.0_f64))
}

proptest! {
    /// The mean of what is good in the last ten seconds, whatever comes: bad and late readings, equal times, gaps,
    /// and clocks that are set back.
    #[test]
    fn a_mean_is_that_of_what_is_good_and_recent(events in prop::collection::vec(event(), 1..100)) {
        let mut rule = window("over = '10s'\nfigure = 'mean'\nabove = 1e9");
        let mut held: Vec<(i64, f64)> = Vec::new();
        let (mut clock, mut newest, mut since) = (1_795_957_500_000_i64, i64::MIN, None);
        for (later, late, value) in events {
            clock += later;
            let at = clock - late;
            if newest > clock + 5_000 {
                (newest, since) = (i64::MIN, None);
                held.clear();
            }
            newest = newest.max(at);
            if let Some(value) = value {
                since = since.or(Some(at));
                held.push((at, value));
            }
            rule.hear(0, &Reading { received: Moment::from_ms(clock), ..reading(at, value) });
            let values: Vec<f64> =
                held.iter().filter(|(at, _)| *at > newest - 10_000).map(|(_, value)| *value).collect();
            let is_whole = since.is_some_and(|since| since <= newest - 10_000);
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let want = Some(mean).filter(|mean| is_whole && mean.is_finite());
            match (rule.value(), want) {
                (Some(found), Some(want)) => prop_assert!((found - want).abs() < 1e-9, "{found} {want}"),
                (found, want) => prop_assert_eq!(found, want),
            }
        }
    }
}
