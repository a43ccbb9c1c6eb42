//! Floods, as people live them.

use super::*;

fn at(seconds: i64) -> Moment {
    Moment::from_ms(seconds * 1_000)
}

fn line(machine: &str, what: &str) -> Line {
    let place = format!("Vitré/Atelier B/{machine}");
    Line { machine: machine.into(), place, what: vec![what.into(), what.to_uppercase()], since: at(0) }
}

fn open(watch: &mut Watch, number: i64, second: i64) -> Route {
    let kind = if number % 3 == 0 { "porte" } else { "pression" };
    watch.opened(&EpisodeId(format!("e{number}")), line(&format!("Poste {number}"), kind), false, at(second))
}

#[test]
fn ten_in_ten_minutes_are_told_one_by_one() {
    let mut watch = Watch::default();
    for number in 0..200 {
        // A tenth of an hour apart is no flood, for ever.
        assert_eq!(open(&mut watch, number, number * 61), Route::Own, "{number}");
        assert!(watch.news(at(number * 61)).is_none());
    }
}

#[test]
fn the_eleventh_begins_a_digest_that_names_the_first() {
    let mut watch = Watch::default();
    for number in 0..10 {
        assert_eq!(open(&mut watch, number, number), Route::Own);
    }
    assert_eq!(open(&mut watch, 10, 10), Route::Digest);
    let flood = watch.news(at(10)).unwrap();
    assert_eq!((flood.first.machine.as_str(), flood.first.since, flood.total), ("Poste 0", at(0), 11));
    assert_eq!(flood.place, "Vitré/Atelier B");
    assert_eq!(flood.top(0, 1), (vec![("pression", 7)], 4));
    assert_eq!(flood.top(1, 2), (vec![("PRESSION", 7), ("PORTE", 4)], 0));
    // What asks to act now has its own post and is named.
    let urgent = watch.opened(&EpisodeId("stop".into()), line("Poste 6", "arrêt"), true, at(11));
    assert_eq!(urgent, Route::Own);
    // Told once a minute.
    assert!(watch.news(at(11)).is_none());
    assert_eq!(watch.due(), Some(at(70)));
    let flood = watch.news(at(70)).unwrap();
    assert_eq!((flood.apart.len(), flood.version, flood.total), (1, 2, 12));
}

#[test]
fn it_is_over_when_it_is_calm_and_forgotten_when_its_lines_are_over() {
    let mut watch = Watch::default();
    for number in 0..20 {
        open(&mut watch, number, number);
    }
    watch.news(at(20));
    // The fifth newest began at 15 s.
    assert_eq!(watch.due(), Some(at(615)));
    assert!(watch.news(at(614)).is_none() && watch.is_raging());
    assert_eq!(watch.news(at(615)).unwrap().ended, Some(at(615)));
    assert_eq!(open(&mut watch, 20, 700), Route::Own);
    watch.sweep(at(10_000));
    assert!(watch.holds(&EpisodeId("e15".into())));
    for number in 10..20 {
        watch.changed(&EpisodeId(format!("e{number}")), false, at(9_000));
    }
    assert!(watch.news(at(10_000)).is_some_and(|flood| flood.open.is_empty()));
    watch.sweep(at(10_001));
    assert_eq!(watch.digest(), None);
}

#[test]
fn what_gets_worse_leaves_the_digest() {
    let mut watch = Watch::default();
    for number in 0..12 {
        open(&mut watch, number, number);
    }
    let id = EpisodeId("e11".into());
    watch.leave(&id);
    assert!(!watch.holds(&id));
    assert_eq!(watch.news(at(12)).unwrap().apart.len(), 1);
}

#[test]
fn a_restart_changes_nothing() {
    let mut watch = Watch::default();
    for number in 0..15 {
        open(&mut watch, number, number);
    }
    watch.news(at(15));
    let saved = watch.saved().unwrap();
    let mut after: Watch = serde_json::from_str(&saved).unwrap();
    assert_eq!(watch.saved(), None);
    assert_eq!(after, watch);
    assert_eq!(open(&mut after, 15, 16), Route::Digest);
}

#[test]
fn it_holds_no_more_than_it_needs() {
    let mut watch = Watch::default();
    for number in 0..100_000 {
        let id = EpisodeId(format!("e{number}"));
        watch.opened(&id, line("Poste 1", &format!("kind {number}")), false, at(number / 100));
        watch.changed(&id, false, at(number / 100));
        if number % 1_000 == 0 {
            watch.sweep(at(number / 100));
        }
    }
    watch.sweep(at(100_000 / 100 + 1_801));
    let flood = watch.flood.as_ref().unwrap();
    assert!(flood.kinds.len() <= KINDS_MAX && watch.recent.len() <= ABOVE + 1);
    assert_eq!(flood.open.len() + flood.over.len(), 0);
}

#[test]
fn what_is_urgent_is_told_by_itself_and_begins_no_digest() {
    let mut watch = Watch::default();
    for number in 0..50 {
        let id = EpisodeId(format!("e{number}"));
        assert_eq!(watch.opened(&id, line("Poste 1", "arrêt"), true, at(number)), Route::Own);
    }
    assert!(watch.news(at(50)).is_none());
    // The first of the others does.
    assert_eq!(open(&mut watch, 50, 50), Route::Digest);
}
