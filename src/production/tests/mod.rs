mod orders;
mod properties;
mod worked;

use std::time::Duration;

use contract::{Check, Moment};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::*;
use crate::shift::{Calendar, Hours};

const MORNING: &str = "
[shift.matin]
from = '05:00'
to = '13:00'
days = ['mon..fri']
break.pause = { from = '09:00', to = '09:30' }
";

/// A part in half a minute, two causes that are losses, one that is planned.
const LINE: &str = "
state = 'state'
good = 'good'
scrap = 'scrap'
ideal_per_hour = 120
micro_stop = '3m'
cause.bobine = { is = [2], name = 'changement de bobine' }
cause.bourrage = { is = [3, 4] }
cause.nettoyage = { is = [5], planned = true }
";

const REEL: Option<f64> = Some(2.0);
const JAM: Option<f64> = Some(3.0);
const CLEANING: Option<f64> = Some(5.0);
const NO_CAUSE: Option<f64> = Some(0.0);

fn section(text: &str) -> Section {
    let section: Section = toml::from_str(text).unwrap();
    assert_eq!(section.check(), []);
    section
}

fn calendar(text: &str) -> Calendar {
    let hours: Hours = toml::from_str(text).unwrap();
    assert_eq!(hours.check(), []);
    Calendar::new(&hours, None, TimeZone::get("Europe/Paris").unwrap())
}

/// By the clock of Paris.
fn at(text: &str) -> Moment {
    let zone = TimeZone::get("Europe/Paris").unwrap();
    let time = zone.to_timestamp(text.parse::<DateTime>().unwrap()).unwrap();
    Moment::from_ms(time.as_millisecond())
}

fn minutes(count: f64) -> Duration {
    Duration::from_secs_f64(60.0 * count)
}

fn in_minutes(time: Duration) -> f64 {
    time.as_secs_f64() / 60.0
}

/// In percent, with one decimal, as people read it.
fn percent(ratio: Option<f64>) -> f64 {
    (ratio.unwrap() * 1_000.0).round() / 10.0
}

/// A machine that is played, minute by minute.
struct Play {
    section: Section,
    calendar: Calendar,
    ledger: Ledger,
    now: Moment,
    parts: f64,
    scrap: f64,
}

impl Play {
    fn new(line: &str, hours: &str, from: &str) -> Play {
        let (section, calendar, now) = (section(line), calendar(hours), at(from));
        let ledger = Ledger::new(&section, now);
        let mut play = Play { section, calendar, ledger, now, parts: 100.0, scrap: 10.0 };
        play.count();
        play
    }

    fn state(&mut self, value: Option<f64>) {
        self.ledger.state(self.now, self.section.state(value), &self.calendar);
    }

    fn count(&mut self) {
        self.ledger.count(self.now, Count::Parts, Some(self.parts), &self.calendar);
        self.ledger.count(self.now, Count::Scrap, Some(self.scrap), &self.calendar);
    }

    /// Runs for so long and counts so many.
    fn run(&mut self, length: f64, good: u32, scrap: u32) {
        self.state(Some(1.0));
        self.now = self.now.plus(minutes(length));
        (self.parts, self.scrap) = (self.parts + f64::from(good), self.scrap + f64::from(scrap));
        self.count();
    }

    /// Is in a state for so long.
    fn be(&mut self, value: Option<f64>, length: f64) {
        self.state(value);
        self.now = self.now.plus(minutes(length));
        self.count();
    }

    fn figures(&self) -> Figures {
        self.ledger.figures(self.now, &self.calendar)
    }

    fn times(&self) -> Times {
        self.figures().times(self.ledger.method())
    }
}

#[test]
fn silence_is_time_of_its_own_and_in_no_percentage() {
    let line = format!("{LINE}\nsilent_after = '5m'");
    let mut play = Play::new(&line, MORNING, "2026-11-23T05:00");
    for _ in 0..12 {
        play.run(5.0, 10, 0);
    }
    // An hour without a word, in which it made 70.
    play.now = play.now.plus(minutes(60.0));
    play.parts += 70.0;
    play.count();
    for _ in 0..12 {
        play.run(5.0, 10, 0);
    }
    let (figures, times) = (play.figures(), play.times());
    assert_eq!((in_minutes(times.unknown), in_minutes(times.required)), (55.0, 125.0));
    assert_eq!((figures.parts.made, figures.unseen.made, figures.all_parts().made), (240, 70, 310));
    assert_eq!(percent(times.trs()), 96.0);
}

#[test]
fn a_stop_has_the_cause_that_is_told_after_a_while() {
    let mut play = Play::new(LINE, MORNING, "2026-11-23T05:00");
    play.run(60.0, 100, 0);
    play.be(NO_CAUSE, 1.0);
    play.be(JAM, 20.0);
    // The fault is mended, and it waits to be started.
    play.be(NO_CAUSE, 5.0);
    play.run(60.0, 100, 0);
    // Cleaning is planned: what comes before and after it are stops of their own.
    play.be(NO_CAUSE, 4.0);
    play.be(CLEANING, 30.0);
    play.be(NO_CAUSE, 10.0);
    play.run(10.0, 20, 0);
    let micro = play.ledger.method().micro_stop;
    let causes: Vec<_> = play
        .figures()
        .stops
        .by_cause(micro)
        .into_iter()
        .map(|(cause, lost)| {
            let name = cause.and_then(|cause| play.section.cause(cause)).map(|(key, _)| key);
            (name, lost.count, in_minutes(lost.time()))
        })
        .collect();
    assert_eq!(causes, [(Some("bourrage"), 1, 26.0), (None, 2, 14.0)]);
    assert_eq!(in_minutes(play.times().opening.checked_sub(play.times().required).unwrap()), 30.0);
}

#[test]
fn the_end_of_a_long_stop_is_no_micro_stop_of_the_next_shift() {
    let mut play = Play::new(LINE, "", "2026-11-23T05:00");
    play.be(JAM, 20.0);
    let before = play.ledger.cut(play.now, &play.calendar);
    play.be(JAM, 1.0);
    play.run(30.0, 50, 0);
    let (after, method) = (play.figures(), play.ledger.method());
    let long = |figures: &Figures| figures.stops.by_cause(method.micro_stop)[0].1;
    assert_eq!((long(&before).count, in_minutes(long(&before).time())), (1, 20.0));
    assert_eq!((long(&after).count, in_minutes(long(&after).time())), (1, 1.0));
    assert_eq!(in_minutes(after.stops.longest(method.micro_stop)[0].whole()), 21.0);
    // For the day it is one stop, and not two.
    assert_eq!(play.ledger.made().good(), 50);
    let day = before.plus(after, method);
    assert_eq!((long(&day).count, in_minutes(long(&day).time())), (1, 21.0));
}

#[test]
fn many_stops_take_no_more_room_than_some() {
    let mut play = Play::new(LINE, "", "2026-11-23T05:00");
    for length in 0..500 {
        play.be(if length % 2 == 0 { REEL } else { JAM }, 4.0 + f64::from(length % 37));
        play.run(1.0, 2, 0);
    }
    let figures = play.figures();
    let micro = play.ledger.method().micro_stop;
    assert_eq!(figures.stops.longest(micro).len(), LONGEST_MAX);
    assert_eq!(in_minutes(figures.stops.longest(micro)[0].time()), 40.0);
    let counts: Vec<u32> = figures.stops.by_cause(micro).iter().map(|(_, lost)| lost.count).collect();
    assert_eq!(counts, [250, 250]);
}

#[test]
fn a_rate_above_the_ideal_one_is_told_and_never_a_percentage_above_100() {
    let mut play = Play::new(LINE, MORNING, "2026-11-23T05:00");
    play.run(60.0, 150, 0);
    let times = play.times();
    assert_eq!((percent(times.performance()), in_minutes(times.beyond_ideal)), (100.0, 15.0));
    assert_eq!(percent(times.trs()), 100.0);
}

#[test]
fn what_is_made_in_a_break_is_told_apart() {
    let mut play = Play::new(LINE, MORNING, "2026-11-23T08:00");
    play.run(60.0, 110, 0);
    play.run(15.0, 20, 0);
    play.run(15.0, 20, 1);
    let figures = play.figures();
    assert_eq!((figures.parts.made, figures.outside), (110, Parts { made: 41, scrap: 1 }));
    assert_eq!(in_minutes(play.times().required), 60.0);
}

#[test]
fn the_shift_goes_on_after_a_restart_with_a_hole_in_it() {
    let mut play = Play::new(LINE, MORNING, "2026-11-23T05:00");
    play.run(60.0, 100, 0);
    play.be(JAM, 10.0);
    let kept = serde_json::to_string(play.ledger.kept()).unwrap();
    play.ledger = Ledger::resume(&play.section, serde_json::from_str(&kept).unwrap(), &play.calendar);
    play.now = play.now.plus(minutes(20.0));
    play.be(JAM, 10.0);
    play.run(20.0, 30, 0);
    let (figures, times) = (play.figures(), play.times());
    assert_eq!((in_minutes(times.unknown), in_minutes(times.required)), (20.0, 100.0));
    assert_eq!((figures.parts.made, figures.stops.all().count), (130, 2));
    // With other causes, what the old numbers meant is not known any more.
    let other = section(&LINE.replace("bobine", "zzz"));
    let resumed = Ledger::resume(&other, serde_json::from_str(&kept).unwrap(), &play.calendar);
    let figures = resumed.figures(at("2026-11-23T06:10"), &play.calendar);
    assert_eq!(figures.stops.by_cause(Duration::ZERO).first().unwrap().0, None);
}

#[test]
fn the_present_rate_leaves_stops_out() {
    let mut play = Play::new(LINE, MORNING, "2026-11-23T05:00");
    for _ in 0..40 {
        play.run(1.0, 2, 0);
    }
    play.be(JAM, 29.0);
    for _ in 0..20 {
        play.run(2.0, 3, 0);
    }
    // The last hour of running, in steps of five minutes: about 20 minutes at 120, 40 at 90.
    let rate = play.ledger.good_per_hour().unwrap();
    assert!((98.0..104.0).contains(&rate), "{rate}");
}

#[test]
fn says_what_cannot_be() {
    let faults = |text: &str| {
        let section: Section = toml::from_str(&format!("state='s'\n{text}")).unwrap();
        section.check().into_iter().map(|fault| fault.key).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(faults("good='g'\nideal_per_hour=10"), "");
    assert_eq!(faults(""), " ");
    assert_eq!(faults("good='g'\ntotal='t'\nideal_per_hour=10\nideal_cycle='3s'"), "total ideal_cycle");
    assert_eq!(faults("total='t'\nideal_per_hour=0"), "total ideal_per_hour");
    assert_eq!(faults("good='g'\nideal_cycle='0s'\ncounter_max=0"), "counter_max ideal_cycle");
    let causes = "good='g'\nideal_cycle='3s'\ncause.a={is=[1,2]}\ncause.b={is=[2]}\ncause.c={is=[]}";
    assert_eq!(faults(causes), "cause.a.is.0 cause.b.is.0 cause.c.is");
    let waits = "good='g'\nideal_cycle='3s'\nrunning=[]\nsilent_after='1ms'\nrate_over='1s'";
    assert_eq!(faults(waits), "running silent_after rate_over");
    assert_eq!(section(LINE).tags(), ["state", "good", "scrap"]);
    assert!(toml::from_str::<Section>("state='s'\ngoood='g'").is_err());
}
