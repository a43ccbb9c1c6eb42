use super::*;
use crate::production::order::{self, lost_by_speed};
use crate::production::stock::reach;

#[test]
fn the_late_order_of_post_6() {
    let calendar = calendar("");
    let order = |due| Order { quantity: 8_000, due: Some(due) };
    let progress =
        |per_hour: f64, now, due| order::progress(order(at(due)), 3_260, Some(per_hour), at(now), &calendar);
    let minute = |moment: Option<Moment>| {
        let rounded = moment.unwrap().plus(Duration::from_secs(30)).as_ms();
        Moment::from_ms(rounded - rounded.rem_euclid(60_000))
    };
    // Before the stop, at 25 a minute; during it, to make the pick-up; and after it, at 22.
    let planned = progress(1_500.0, "2026-11-24T14:12", "2026-11-24T17:22");
    assert_eq!(minute(planned.ends), at("2026-11-24T17:22"));
    let pick_up = progress(1_500.0, "2026-11-24T14:30", "2026-11-24T19:00");
    assert_eq!(minute(pick_up.run_by), at("2026-11-24T15:50"));
    let now = progress(1_320.0, "2026-11-24T14:41", "2026-11-24T17:22");
    assert_eq!((now.done, now.left), (3_260, 4_740));
    assert_eq!((in_minutes(now.late.unwrap()).round(), now.margin), (54.0, Some(Duration::ZERO)));
    assert_eq!(in_minutes(lost_by_speed(now.left, Some(1_320.0), 1_500.0).unwrap()).round(), 26.0);
    let pick_up = progress(1_320.0, "2026-11-24T14:41", "2026-11-24T19:00");
    assert_eq!((pick_up.late, in_minutes(pick_up.margin.unwrap()).floor()), (Some(Duration::ZERO), 43.0));
}

#[test]
fn an_order_goes_on_over_the_night_and_stands_without_a_rate() {
    let calendar = calendar(MORNING);
    let order = Order { quantity: 1_000, due: Some(at("2026-11-24T12:00")) };
    let progress = |done, rate| order::progress(order, done, rate, at("2026-11-23T12:00"), &calendar);
    let found = progress(400, Some(120.0));
    assert_eq!(found.ends, Some(at("2026-11-24T09:00")));
    assert_eq!((found.share, found.margin), (Some(0.4), Some(minutes(180.0))));
    assert_eq!((progress(400, None).ends, progress(400, Some(0.0)).ends), (None, None));
    assert_eq!(progress(1_100, None).ends, Some(at("2026-11-23T12:00")));
}

#[test]
fn the_stock_of_post_7() {
    let calendar = calendar("");
    assert_eq!(reach(1_240.0, 310.0, at("2026-11-23T14:10"), &calendar), Some(at("2026-11-23T18:10")));
    assert_eq!(reach(1_240.0, 0.0, at("2026-11-23T14:10"), &calendar), None);
    // The level says how much is used; a delivery is no use.
    let mut usage = Usage::new(Duration::from_secs(3_600), 200.0);
    let mut level = 1_550.0 - 800.0;
    for minute in 0..=120 {
        let now = at("2026-11-23T12:10").plus(minutes(f64::from(minute)));
        level -= if minute == 0 { 0.0 } else { 310.0 / 60.0 };
        if minute == 60 {
            level += 1_110.0 + 310.0 / 60.0;
        }
        let noise = if minute % 2 == 0 { 2.0 } else { -2.0 };
        usage.hear(now, Some(level + noise), &calendar);
    }
    assert!((usage.per_hour().unwrap() - 310.0).abs() < 15.0, "{:?}", usage.per_hour());
    assert_eq!(usage.latest().unwrap().1, at("2026-11-23T14:10"));
    // At the week-end nothing is used.
    let week = super::calendar(MORNING);
    assert_eq!(reach(620.0, 310.0, at("2026-11-20T12:00"), &week), Some(at("2026-11-23T06:00")));
}
