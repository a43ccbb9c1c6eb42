use contract::Check;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

/// Three shifts around the clock, every day.
const ROUND: &str = "
[shift.matin]
from = '05:00'
to = '13:00'
days = ['mon..sun']
break.casse-croute = { from = '09:00', to = '09:20' }
[shift.soir]
from = '13:00'
to = '21:00'
days = ['mon..sun']
[shift.nuit]
from = '21:00'
to = '05:00'
days = ['mon..sun']
break.repas = { from = '02:10', to = '02:40' }
";

/// Two shifts, Monday to Friday, a night from Sunday on, and some days off.
const WEEK: &str = "
[shift.matin]
from = '05:00'
to = '13:00'
days = ['mon..fri']
break.pause = { from = '09:00', to = '09:30' }
[shift.nuit]
from = '21:00'
to = '05:00'
days = ['sun..thu']
break.repas = { from = '01:00', to = '01:30' }
[calendar]
holidays_of = 'france'
holidays = ['2026-12-24']
worked = ['2026-05-25']
[calendar.stop.entretien]
from = '2026-11-24 07:00'
to = '2026-11-24 10:00'
reason.fr = 'entretien annuel'
[calendar.stop.inventaire]
from = '2026-11-26 09:00'
to = '2026-11-30 06:00'
closed = true
";

/// With changes of an hour, of half an hour, at midnight, to the other side of midnight, of a whole day, and none.
const ZONES: [&str; 9] = [
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Asia/Kolkata",
    "America/Havana",
];

fn hours(text: &str) -> Hours {
    let hours: Hours = toml::from_str(text).unwrap();
    assert_eq!(hours.check(), []);
    hours
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn calendar(text: &str, name: &str) -> Calendar {
    Calendar::new(&hours(text), None, zone(name))
}

/// `2026-03-28 21:00` in Paris, or with its own offset: `2026-10-25T02:30+01:00`.
fn at(text: &str) -> Moment {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Moment::from_ms(time.as_millisecond());
    }
    clock::bound(&zone("Europe/Paris"), text.parse::<DateTime>().unwrap())
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// Draws each half hour: the first letter of the shift, `-` in a break, `s` in a planned stop, `.` while closed.
#[track_caller]
fn check(text: &str, from: &str, want: &str) {
    let calendar = calendar(text, "Europe/Paris");
    let drawn: String = (0..u64::try_from(want.chars().count()).unwrap())
        .map(|step| {
            let now = at(from).plus(minutes(30 * step));
            let shift = calendar.at(now).and_then(|shift| shift.name.chars().next()).unwrap_or('.');
            match calendar.phase(now) {
                Phase::Closed => '.',
                Phase::Open => shift,
                Phase::Break => '-',
                Phase::Stop(_) => 's',
            }
        })
        .collect();
    assert_eq!(drawn, want, "{from}");
}

#[test]
fn a_week_is_drawn_as_it_is_worked() {
    // Sunday evening: the night that belongs to Sunday begins.
    check(WEEK, "2026-11-22 20:00", "..nnnnnnnn-nnnnnnnmmmmmmmm-mmmmmmm...");
    // A planned stop, longer than the break in it.
    check(WEEK, "2026-11-24 05:00", "mmmmssssssmmmmmm..");
    // Closed from Thursday on, so the night does not run and Monday begins an hour late.
    check(WEEK, "2026-11-26 05:00", "mmmmmmmm....");
    check(WEEK, "2026-11-30 04:00", "....mmmmmm-mm");
    // No shift begins on the day before Christmas; the night of the 23rd ends on it.
    check(WEEK, "2026-12-24 04:00", "nn....");
    // Whit Monday is worked, Ascension is not.
    check(WEEK, "2026-05-25 05:00", "mmmmmmmm-mmmmmmm.");
    check(WEEK, "2026-05-14 05:00", ".................");
}

#[test]
fn a_night_shift_belongs_to_the_day_it_begins() {
    let calendar = calendar(WEEK, "Europe/Paris");
    let shift = calendar.at(at("2026-11-23 03:00")).unwrap();
    assert_eq!((shift.name, shift.day.to_string().as_str()), ("nuit", "2026-11-22"));
    assert_eq!((shift.begun, shift.ends), (at("2026-11-22 21:00"), at("2026-11-23 05:00")));
    assert_eq!(calendar.at(at("2026-11-23 13:00")), None);
    assert_eq!(calendar.at(at("2026-11-23 05:00")).unwrap().name, "matin");
}

#[test]
fn the_night_of_a_clock_change_has_seven_hours_or_nine() {
    let calendar = calendar(ROUND, "Europe/Paris");
    let planned = |from, to| calendar.planned_time(at(from), at(to)).as_secs() / 60;
    // The break is half an hour, also where the clock leaves its hour out.
    for (from, to, hours) in [
        ("2026-03-27 21:00", "2026-03-28 05:00", 8),
        ("2026-03-28 21:00", "2026-03-29 05:00", 7),
        ("2026-10-24 21:00", "2026-10-25 05:00", 9),
    ] {
        let shift = calendar.at(at(from)).unwrap();
        assert_eq!((shift.begun, shift.ends), (at(from), at(to)));
        assert_eq!(shift.ends.since(shift.begun), minutes(60 * hours), "{from}");
        assert_eq!(planned(from, to), 60 * hours - 30, "{from}");
    }
    // The hour that comes twice is in the same night both times; the break is in the first.
    for (text, phase) in [
        ("2026-10-25T02:15+02:00", Phase::Break),
        ("2026-10-25T02:15+01:00", Phase::Open),
        ("2026-10-25T04:59+01:00", Phase::Open),
    ] {
        assert_eq!(calendar.at(at(text)).unwrap().name, "nuit", "{text}");
        assert_eq!(calendar.phase(at(text)), phase, "{text}");
    }
}

#[test]
fn a_shift_that_begins_in_the_hour_of_the_change_loses_and_doubles_nothing() {
    let text = "
        [shift.early]
        from = '02:30'
        to = '14:30'
        days = ['mon..sun']
        [shift.late]
        from = '14:30'
        to = '02:30'
        days = ['mon..sun']";
    let calendar = calendar(text, "Europe/Paris");
    let lengths = |from: &str, to: &str| {
        let pieces = calendar.pieces(at(from), at(to));
        pieces.map(|piece| piece.length().as_secs() / 60).collect::<Vec<_>>()
    };
    // Half past two does not exist: the shift begins with the new hour.
    assert_eq!(lengths("2026-03-28 14:30", "2026-03-29 14:30"), [690, 690]);
    // It comes twice: the first one counts.
    assert_eq!(lengths("2026-10-24 14:30", "2026-10-25 14:30"), [720, 780]);
}

#[test]
fn planned_time_goes_on_over_breaks_nights_and_days_off() {
    let calendar = calendar(WEEK, "Europe/Paris");
    let after = |from, hours: u64| calendar.after(at(from), minutes(hours * 60)).unwrap();
    assert_eq!(after("2026-11-23 08:00", 2), at("2026-11-23 10:30"));
    // An order of ten hours begun on a Thursday at noon, before the site is closed until Monday.
    assert_eq!(after("2026-11-25 12:00", 10), at("2026-11-26 06:30"));
    assert_eq!(after("2026-11-26 08:00", 3), at("2026-11-30 08:00"));
    let latest = |to, hours: u64| calendar.latest_start(at(to), minutes(hours * 60)).unwrap();
    assert_eq!(latest("2026-11-23 10:30", 2), at("2026-11-23 08:00"));
    assert_eq!(latest("2026-11-30 08:00", 3), at("2026-11-26 08:00"));
    assert_eq!(calendar.after(at("2026-11-23 08:00"), minutes(60 * 24 * 400)), None);
}

#[test]
fn a_change_is_where_the_shift_or_the_phase_is_another() {
    let calendar = calendar(WEEK, "Europe/Paris");
    let mut now = at("2026-11-22 12:00");
    let mut found = Vec::new();
    while found.len() < 9 {
        now = calendar.next_change(now).unwrap();
        found.push(now);
    }
    let day = |text: &str| at(&format!("2026-11-{text}"));
    let want =
        ["22 21:00", "23 01:00", "23 01:30", "23 05:00", "23 09:00", "23 09:30", "23 13:00", "23 21:00"];
    assert_eq!(found[..8], want.map(day));
    let never = calendar_of_no_work();
    assert_eq!(never.next_change(now), None);
    assert_eq!(never.after(now, minutes(1)), None);
    assert_eq!(never.latest_start(now, minutes(1)), None);
}

fn calendar_of_no_work() -> Calendar {
    let text = "[calendar.stop.end]\nfrom = '2020-01-01 00:00'\nto = '2090-01-01 00:00'\nclosed = true";
    calendar(text, "Europe/Paris")
}

#[test]
fn without_shifts_each_day_is_one() {
    let calendar = calendar("", "Europe/Paris");
    let shift = calendar.at(at("2026-10-25 12:00")).unwrap();
    assert_eq!((shift.name, shift.ends.since(shift.begun)), ("day", minutes(25 * 60)));
}

#[test]
fn a_planned_stop_is_for_the_machines_it_names() {
    let hours = hours(&WEEK.replace("reason.fr", "machines = ['presse-3']\nreason.fr"));
    let phase = |machine| Calendar::new(&hours, machine, zone("Europe/Paris")).phase(at("2026-11-24 07:00"));
    assert_eq!(phase(Some("presse-3")), Phase::Stop(0));
    assert_eq!(phase(Some("four-1")), Phase::Open);
    assert_eq!(phase(None), Phase::Open);
    let calendar = Calendar::new(&hours, Some("presse-3"), zone("Europe/Paris"));
    assert_eq!(calendar.stop(0).unwrap().1.in_language("fr"), Some("entretien annuel"));
}

#[test]
fn says_what_cannot_be() {
    let faults = |text: &str| {
        let hours: Hours = toml::from_str(text).unwrap();
        hours.check().into_iter().map(|fault| fault.key).collect::<Vec<_>>().join(" ")
    };
    let one =
        |rest: &str| faults(&format!("[shift.a]\nfrom = '05:00'\nto = '13:00'\ndays = ['mon']\n{rest}"));
    assert_eq!(one(""), "");
    assert_eq!(
        faults("[shift.a]\nfrom = '5h'\nto = '25:00'\ndays = []"),
        "shift.a.from shift.a.to shift.a.days"
    );
    assert_eq!(faults("[shift.a]\nfrom = '24:00'\nto = '08:00'\ndays = ['mon']"), "shift.a.from");
    assert_eq!(faults("[shift.a]\nfrom = '05:00'\nto = '05:00'\ndays = ['lun', 'mon..foo']"), {
        "shift.a.to shift.a.days.0 shift.a.days.1"
    });
    assert_eq!(one("break.x = { from = '12:50', to = '13:10' }"), "shift.a.break.x.from");
    assert_eq!(one("break.x = { from = '04:00', to = '04:10' }"), "shift.a.break.x.from");
    assert_eq!(one("break.x = { from = '6h', to = '07:00' }"), "shift.a.break.x.from");
    let two = "break.x = { from = '09:00', to = '09:20' }\nbreak.y = { from = '09:10', to = '09:30' }";
    assert_eq!(one(two), "shift.a.break.y.from");
    assert_eq!(one("[shift.b]\nfrom = '12:00'\nto = '20:00'\ndays = ['tue']"), "");
    assert_eq!(one("[shift.b]\nfrom = '12:00'\nto = '20:00'\ndays = ['mon..fri']"), "shift.b.from");
    assert_eq!(one("[shift.b]\nfrom = '21:00'\nto = '05:30'\ndays = ['sun']"), "shift.b.from");
    let dates = "[calendar]\nholidays = ['25/12/2026']\nworked = ['2026-12-25', '2026-13-01']";
    assert_eq!(faults(dates), "calendar.holidays.0 calendar.worked.1 calendar.worked.0");
    let stop = |from: &str, to: &str| faults(&format!("[calendar.stop.s]\nfrom = '{from}'\nto = '{to}'"));
    assert_eq!(stop("2026-12-24", "2026-12-24 25:00"), "calendar.stop.s.from calendar.stop.s.to");
    assert_eq!(stop("2026-12-24 13:00", "2026-12-24 12:00"), "calendar.stop.s.to");
    assert_eq!(stop("2026-12-24 13:00", "2026-12-24T17:00"), "");
    assert!(toml::from_str::<Hours>("[shift.a]\nfrom='05:00'\nto='13:00'\ndays=['mon']\nbreaks=1").is_err());
}

/// Any moment of the years from 2010 to 2030, to the second, more often near a change of the clock.
fn moment(zone: &TimeZone) -> impl Strategy<Value = Moment> + use<> {
    let from = Timestamp::from_second(1_262_304_000).unwrap();
    let changes: Vec<i64> =
        zone.following(from).take(40).map(|change| change.timestamp().as_second()).collect();
    let any = (1_262_304_000i64..1_893_456_000).boxed();
    let near = if changes.is_empty() {
        any.clone()
    } else {
        (proptest::sample::select(changes), -100_000i64..100_000)
            .prop_map(|(change, off)| change + off)
            .boxed()
    };
    prop_oneof![any, near].prop_map(|seconds| Moment::from_ms(seconds * 1_000))
}

/// A zone, and three moments in order, at most some weeks apart.
fn case() -> impl Strategy<Value = (TimeZone, [Moment; 3])> {
    proptest::sample::select(&ZONES[..]).prop_flat_map(|name| {
        let zone = zone(name);
        let days = || 0u64..30 * 86_400;
        (Just(zone.clone()), moment(&zone), days(), days()).prop_map(|(zone, from, first, second)| {
            let middle = from.plus(Duration::from_secs(first));
            (zone, [from, middle, middle.plus(Duration::from_secs(second))])
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The pieces are the whole time once, and `at` and `phase` say what they say.
    #[test]
    fn pieces_part_time((zone, [from, inside, to]) in case(), is_round in any::<bool>()) {
        let calendar = Calendar::new(&hours(if is_round { ROUND } else { WEEK }), None, zone);
        let pieces: Vec<Piece> = calendar.pieces(from, to).collect();
        let mut end = from;
        for piece in &pieces {
            prop_assert_eq!(piece.from, end);
            prop_assert!(piece.from < piece.to);
            end = piece.to;
        }
        prop_assert_eq!(end, if pieces.is_empty() { from } else { to });
        for pair in pieces.windows(2) {
            prop_assert!((pair[0].phase, pair[0].shift) != (pair[1].phase, pair[1].shift));
        }
        if let Some(piece) = pieces.iter().find(|piece| piece.from <= inside && inside < piece.to) {
            prop_assert_eq!(calendar.phase(inside), piece.phase);
            let shift = calendar.at(inside);
            prop_assert_eq!(shift.map(|shift| shift.day), piece.shift.map(|shift| shift.1));
            prop_assert!(shift.is_none_or(|shift| shift.begun <= inside && inside < shift.ends));
            if piece.to < to {
                prop_assert_eq!(calendar.next_change(inside), Some(piece.to));
            }
        }
    }

    /// Around the clock, every moment is in a shift, and where one ends the next begins.
    #[test]
    fn no_minute_is_lost((zone, [from, _, to]) in case()) {
        let calendar = Calendar::new(&hours(ROUND), None, zone);
        prop_assert!(calendar.pieces(from, to).all(|piece| piece.phase != Phase::Closed));
        let shift = calendar.at(from).unwrap();
        let next = calendar.at(shift.ends).unwrap();
        prop_assert_eq!(next.begun, shift.ends);
        prop_assert!(next.name != shift.name || next.day != shift.day);
    }

    /// The hands of the clock say which shift it is, and the date to which day it belongs.
    #[test]
    fn the_wall_clock_decides((zone, [now, ..]) in case()) {
        let calendar = Calendar::new(&hours(ROUND), None, zone.clone());
        let wall = zone.to_datetime(Timestamp::from_millisecond(now.as_ms()).unwrap());
        let (name, is_next_day) = match wall.hour() {
            5..13 => ("matin", false),
            13..21 => ("soir", false),
            hour => ("nuit", hour < 5),
        };
        let shift = calendar.at(now).unwrap();
        prop_assert_eq!(shift.name, name);
        // Where a whole day was left out, the night before it is that of the day before.
        if zone != self::zone("Pacific/Apia") {
            prop_assert_eq!(shift.day, if is_next_day { wall.date().yesterday().unwrap() } else { wall.date() });
        }
    }

    /// Planned time of two stretches is that of both together.
    #[test]
    fn planned_time_adds_up((zone, [from, middle, to]) in case()) {
        let calendar = Calendar::new(&hours(WEEK), None, zone);
        let both = calendar.planned_time(from, middle) + calendar.planned_time(middle, to);
        prop_assert_eq!(calendar.planned_time(from, to), both);
        prop_assert!(both <= to.since(from));
        // Working through it ends at the end of it, or before, where nothing is planned between.
        let end = calendar.after(from, both).unwrap();
        prop_assert_eq!(calendar.planned_time(from, end), both);
        let begin = calendar.latest_start(to, both).unwrap();
        prop_assert_eq!(calendar.planned_time(begin, to), both);
        prop_assert!(end <= to || both.is_zero());
    }
}
