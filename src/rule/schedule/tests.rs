use super::*;
use proptest::prelude::*;

fn paris() -> TimeZone {
    TimeZone::get("Europe/Paris").unwrap()
}

fn schedule(text: &str, now: &str) -> Schedule {
    let section: Section = toml::from_str(text).unwrap();
    assert_eq!(section.check(), [], "{text}");
    Schedule::new(&section, paris(), moment(now))
}

/// `2026-03-28 21:00` in Paris, before any change of the clocks where it is ambiguous.
fn moment(text: &str) -> Moment {
    let time: jiff::civil::DateTime = text.replace(' ', "T").parse().unwrap();
    Moment::from_ms(paris().to_timestamp(time).unwrap().as_millisecond())
}

fn write(moment: Moment) -> String {
    let stamp = jiff::Timestamp::from_millisecond(moment.as_ms()).unwrap();
    stamp.to_zoned_datetime(paris()).strftime("%a %d %H:%M %:z").to_string()
}

/// Sleeps until each time and writes what was told.
#[track_caller]
fn check(text: &str, now: &str, want: &[&str]) {
    let mut schedule = schedule(text, now);
    for want in want {
        let due = schedule.due().unwrap();
        assert_eq!(schedule.tick(Moment::from_ms(due.as_ms() - 1)), None);
        let told = schedule.tick(due).unwrap();
        assert_eq!(told.to, due);
        let hours = told.to.since(told.from).as_secs_f64() / 3_600.0;
        assert_eq!(format!("{}, {hours} h", write(told.to)), *want, "{text}");
        assert_eq!(schedule.tick(due), None);
    }
}

#[test]
fn each_shift_ends_at_its_time() {
    check(
        "at = ['05:00', '21:00', '13:00']\ndays = ['mon', 'tue', 'wed', 'thu', 'fri']",
        "2026-11-20 12:00",
        &["Fri 20 13:00 +01:00, 8 h", "Fri 20 21:00 +01:00, 8 h", "Mon 23 05:00 +01:00, 8 h"],
    );
}

#[test]
fn a_shift_is_shorter_or_longer_when_the_clocks_change() {
    let text = "at = ['05:00', '13:00', '21:00']";
    check(text, "2026-03-28 20:00", &["Sat 28 21:00 +01:00, 8 h", "Sun 29 05:00 +02:00, 7 h"]);
    check(text, "2026-10-24 20:00", &["Sat 24 21:00 +02:00, 8 h", "Sun 25 05:00 +01:00, 9 h"]);
}

#[test]
fn a_time_that_is_skipped_is_told_later_and_one_that_comes_twice_once() {
    let text = "end_of = 'day'\nat = ['02:30']";
    check(
        text,
        "2026-03-28 12:00",
        &["Sun 29 03:30 +02:00, 24 h", "Mon 30 02:30 +02:00, 23 h", "Tue 31 02:30 +02:00, 24 h"],
    );
    check(text, "2026-10-24 12:00", &["Sun 25 02:30 +02:00, 24 h", "Mon 26 02:30 +01:00, 25 h"]);
}

#[test]
fn a_week_ends_once() {
    let text = "end_of = 'week'\nat = ['06:00']\ndays = ['mon']";
    check(text, "2026-10-19 06:00", &["Mon 26 06:00 +01:00, 169 h", "Mon 02 06:00 +01:00, 168 h"]);
}

#[test]
fn what_was_missed_is_told_late_once_or_not_at_all() {
    let text = "at = ['05:00', '13:00', '21:00']";
    let mut before = schedule(text, "2026-11-20 12:00");
    assert_eq!(before.saved(), None);
    before.tick(moment("2026-11-20 13:00")).unwrap();
    let saved = before.saved().unwrap();

    let mut next = schedule(text, "2026-11-21 06:30");
    next.resume(&saved).unwrap();
    let told = next.tick(moment("2026-11-21 06:30")).unwrap();
    assert_eq!(
        (write(told.from), write(told.to)),
        ("Fri 20 21:00 +01:00".into(), "Sat 21 05:00 +01:00".into())
    );
    assert_eq!(next.tick(moment("2026-11-21 06:30")), None);
    assert_eq!(write(next.due().unwrap()), "Sat 21 13:00 +01:00");

    let mut much_later = schedule(text, "2026-11-23 12:30");
    much_later.resume(&saved).unwrap();
    assert_eq!(much_later.tick(moment("2026-11-23 12:30")), None);
    assert_eq!(write(much_later.due().unwrap()), "Mon 23 13:00 +01:00");
}

#[test]
fn a_clock_that_was_set_is_followed() {
    let mut schedule = schedule("at = ['13:00']\nend_of = 'day'", "2030-01-01 12:00");
    schedule.start_anew(moment("2026-11-20 12:00"));
    assert_eq!(write(schedule.due().unwrap()), "Fri 20 13:00 +01:00");
    assert!(schedule.tick(moment("2026-11-20 13:00")).is_some());
    // Back by five minutes: once is enough.
    schedule.start_anew(moment("2026-11-20 12:55"));
    assert_eq!(schedule.tick(moment("2026-11-20 13:00")), None);
    assert!(schedule.tick(moment("2026-11-21 13:00")).is_some());
}

#[test]
fn says_what_cannot_be() {
    let faults = |text: &str| {
        let section: Section = toml::from_str(text).unwrap();
        section.check().into_iter().map(|fault| fault.key).collect::<Vec<_>>()
    };
    assert_eq!(faults("at=[]"), ["at"]);
    assert_eq!(faults("at=['05:00','05:00']"), ["at.1"]);
    assert_eq!(faults("at=['05:00','06:00']\nend_of='day'"), ["at"]);
    assert_eq!(faults("at=['05:00']\nend_of='week'"), ["days"]);
    assert_eq!(faults("at=['05:00']\ndays=['mon','mon']"), ["days.1"]);
    for wrong in ["5:00", "24:00", "05:60", "0500", "05:00:00", "+5:00", ""] {
        assert!(toml::from_str::<Section>(&format!("at=['{wrong}']")).is_err(), "{wrong}");
    }
}

proptest! {
    /// Wherever it begins, over two years: each time lies after the one before, on its day, at its clock or, in the
    /// night when summer begins, an hour later.
    #[test]
    fn times_follow_each_other(
        start in 1_767_225_600_000_i64..1_830_297_600_000,
        hour in 0_i8..24, minute in 0_i8..60, day in 0_usize..7,
    ) {
        let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let text = format!("end_of='week'\nat=['{hour:02}:{minute:02}']\ndays=['{}']", names[day]);
        let section: Section = toml::from_str(&text).unwrap();
        let mut schedule = Schedule::new(&section, paris(), Moment::from_ms(start));
        let mut last = Moment::from_ms(start);
        for _ in 0..60 {
            let due = schedule.due().unwrap();
            prop_assert!(due > last && due.since(last) <= Duration::from_secs(8 * 86_400));
            let told = schedule.tick(due).unwrap();
            prop_assert!(told.to == due && told.from < told.to);
            let local = paris().to_datetime(jiff::Timestamp::from_millisecond(due.as_ms()).unwrap());
            prop_assert_eq!(local.weekday().to_monday_zero_offset() as usize, day);
            prop_assert_eq!(local.minute(), minute);
            prop_assert!(local.hour() == hour || (hour == 2 && local.hour() == 3 && day == 6));
            last = due;
        }
    }
}
