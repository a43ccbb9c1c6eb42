//! Shifts whose figures somebody else worked out.

use super::*;

/// The shift of post 5 of the taste reference, by its figures.
fn post_5(method: &str) -> Play {
    let mut play = Play::new(&format!("{LINE}\n{method}"), MORNING, "2026-11-23T05:00");
    play.run(100.0, 180, 4);
    play.be(REEL, 31.0);
    play.run(109.0, 200, 4);
    // 09:00: the break, in which the machine stands.
    play.be(NO_CAUSE, 30.0);
    for _ in 0..9 {
        play.be(NO_CAUSE, 2.0);
        play.run(10.0, 20, 0);
    }
    play.be(JAM, 21.0);
    play.run(81.0, 139, 6);
    assert_eq!(play.now, at("2026-11-23T13:00"));
    play
}

#[test]
fn the_shift_of_post_5() {
    let play = post_5("");
    let (figures, method, times) = (play.figures(), play.ledger.method(), play.times());
    assert_eq!((figures.parts.good(), figures.parts.scrap), (699, 14));
    assert_eq!(percent(times.trs()), 77.7);
    assert_eq!(percent(times.trg()), 72.8);
    let factors = [times.availability(), times.performance(), times.quality()].map(percent);
    assert_eq!(factors, [84.4, 93.8, 98.0]);
    let losses = figures.losses(method);
    let lost = [losses.stops, losses.speed, losses.micro, losses.scrap].map(in_minutes);
    assert_eq!((in_minutes(times.required), lost), (450.0, [52.0, 23.5, 18.0, 7.0]));
    let longest = figures.stops.longest(method.micro_stop)[0];
    assert_eq!((longest.begun, longest.time()), (at("2026-11-23T06:40"), minutes(31.0)));
    assert_eq!(play.section.cause(longest.cause.unwrap()).unwrap().0, "bobine");
    assert_eq!(figures.stops.micro(method.micro_stop).count, 9);
}

#[test]
fn where_micro_stops_are_counted_moves_the_factors_and_not_the_trs() {
    let (norm, other) = (post_5("").times(), post_5("micro_stops = 'performance'"));
    let losses = other.figures().losses(other.ledger.method());
    let times = other.times();
    assert_eq!(times.trs(), norm.trs());
    assert_eq!(percent(norm.availability()), 84.4);
    // 398 of 450 minutes, and 356.5 of 398.
    assert_eq!([times.availability(), times.performance()].map(percent), [88.4, 89.6]);
    let lost = [losses.stops, losses.speed, losses.micro, losses.scrap].map(in_minutes);
    assert_eq!(lost, [52.0, 23.5, 18.0, 7.0]);
}

/// A day of 24 hours by NF E60-182, worked out on <https://www.organisation-industrielle.fr/exemple-de-calcul-du-trs/>
/// (the same at <https://flconsultants.fr/lean-manufacturing/exemple-calcul-trs>): open from 8:00 to 17:00, a break of
/// an hour, half an hour without orders at the end, 100 parts an hour at best, 450 good and 20 scrap. The
/// hour of its 60 minutes of own stops and of its scrap is ours.
#[test]
fn the_worked_example_of_a_day_after_the_norm() {
    let hours = "
        [shift.jour]
        from = '08:00'
        to = '17:00'
        days = ['mon..fri']
        break.midi = { from = '12:00', to = '13:00' }
        [calendar.stop.sous-charge]
        from = '2026-11-23 16:30'
        to = '2026-11-23 17:00'";
    let line = LINE.replace("ideal_per_hour = 120", "ideal_cycle = '36s'");
    let mut play = Play::new(&line, hours, "2026-11-23T00:00");
    play.now = at("2026-11-23T08:00");
    play.be(NO_CAUSE, 30.0);
    play.run(30.0, 50, 0);
    play.run(30.0, 40, 0);
    play.run(90.0, 140, 10);
    play.be(JAM, 60.0);
    play.now = at("2026-11-23T13:00");
    play.run(60.0, 95, 5);
    play.be(NO_CAUSE, 60.0);
    play.run(30.0, 50, 0);
    play.run(30.0, 30, 0);
    play.run(30.0, 45, 5);
    play.state(Some(0.0));
    play.now = at("2026-11-24T00:00");
    let times = play.times();
    let all = [times.total, times.opening, times.required, times.running, times.net, times.useful];
    assert_eq!(all.map(in_minutes), [1_440.0, 540.0, 450.0, 300.0, 282.0, 270.0]);
    assert_eq!([times.trs(), times.trg(), times.tre()].map(percent), [60.0, 50.0, 18.8]);
    assert_eq!([times.availability(), times.performance(), times.quality()].map(percent), [66.7, 94.0, 95.7]);
    assert_eq!(times.unknown, Duration::ZERO);
}

/// The worksheet "Calculating OEE" of Vorne Industries (2002-2005, www.oee.com; a copy is
/// <https://www.scribd.com/doc/49381305/Calculating-OEE-worksheet>): 480 minutes, 60 of them breaks, 47 down, 60 parts
/// a minute at best, 19,271 made, 423 rejected.
#[test]
fn the_worked_example_that_everybody_knows() {
    let hours = "
        [shift.day]
        from = '06:00'
        to = '14:00'
        days = ['mon..fri']
        break.first = { from = '08:00', to = '08:15' }
        break.meal = { from = '10:00', to = '10:30' }
        break.second = { from = '12:00', to = '12:15' }";
    let line = "state='s'\ntotal='t'\nscrap='r'\nideal_per_hour = 3600";
    let mut play = Play::new(line, hours, "2026-11-23T06:00");
    play.run(433.0, 19_271, 423);
    play.be(NO_CAUSE, 47.0);
    let times = play.times();
    assert_eq!((play.figures().parts.good(), in_minutes(times.required)), (18_848, 420.0));
    let two = |ratio: Option<f64>| (ratio.unwrap() * 10_000.0).round() / 100.0;
    let all = [times.availability(), times.performance(), times.quality(), times.trs()].map(two);
    assert_eq!(all, [88.81, 86.11, 97.8, 74.79]);
}
