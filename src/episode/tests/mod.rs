//! The life of a condition as pictures: one character for each second, and what there was to tell.

use std::time::Duration;

mod people;

use super::*;
use crate::episode::{Delays, Side};
use crate::rule::Verdict;

fn condition(on: u64, off: u64) -> Condition {
    let delays = Delays { on: Duration::from_secs(on), off: Duration::from_secs(off) };
    Condition::new("press-3", "limit.oil-hot", Policy::new(delays, Side::High))
}

/// Plays one reading a second: a digit is a level, `?` a bad value, `-` no reading. Draws what there was to tell.
fn play(condition: &mut Condition, from: i64, played: &str) -> String {
    played
        .chars()
        .enumerate()
        .map(|(at, c)| {
            let now = Moment::from_ms((from + i64::try_from(at).unwrap()) * 1_000);
            let mut changes = Vec::new();
            if let Some(verdict) = verdict(c) {
                let value = c.to_digit(10).map(f64::from);
                changes =
                    condition.learn(&Fact { verdict, value, at: now, now, may_open: true, is_late: false });
            }
            changes.extend(condition.tick(now));
            changes.iter().map(|change| drawn(*change)).next().unwrap_or('.')
        })
        .collect()
}

fn verdict(c: char) -> Option<Verdict> {
    match c {
        '-' => None,
        '?' => Some(Verdict::Unknown),
        digit => Some(Verdict::Level(Level(u8::try_from(digit.to_digit(10).unwrap()).unwrap()))),
    }
}

fn drawn(change: Change) -> char {
    match change {
        Change::Opened => 'O',
        Change::Escalated => 'E',
        Change::Eased => 'e',
        Change::Cleared => 'C',
        Change::Reopened => 'R',
        Change::Unstable => 'U',
        Change::Returned => 'L',
        Change::Acknowledged => 'A',
        Change::Realarmed => 'r',
        Change::Muted => 'm',
        Change::Unmuted => 'M',
    }
}

#[track_caller]
fn check(on: u64, off: u64, played: &str, want: &str) {
    assert_eq!(play(&mut condition(on, off), 0, played), want);
}

#[test]
fn opens_after_the_on_delay_and_ends_after_the_off_delay() {
    check(0, 0, "00110", "..O.C");
    check(3, 0, "0110111110", ".......O.C");
    check(0, 3, "10101000000", "O.......C..");
    // Machines that speak only when something changes: time alone ripens a delay.
    check(3, 2, "1-----0---", "...O....C.");
}

#[test]
fn climbs_its_ladder_and_descends() {
    check(0, 0, "0112210", ".O.E.eC");
    check(2, 2, "11112222111000", "..O...E...e..C");
    // Between two further steps: the nearer one counts, and in time.
    check(2, 0, "111123232323", "..O...E.....");
}

#[test]
fn a_bad_value_freezes_what_is_open_and_forgets_what_is_pending() {
    check(0, 0, "1?0", "O.C");
    check(3, 0, "11?1111", "......O");
    check(0, 3, "100?0000", "O......C");
}

#[test]
fn reopens_as_the_same_within_ten_minutes() {
    let mut condition = condition(0, 0);
    assert_eq!(play(&mut condition, 0, "10"), "OC");
    let first = condition.episode().unwrap().clone();
    assert_eq!(play(&mut condition, 600, "10"), "RC");
    let again = condition.episode().unwrap().clone();
    assert_eq!((&again.id, again.reopened, again.begun), (&first.id, 1, first.begun));
    assert!(again.version > first.version);
    assert_eq!(play(&mut condition, 1_202, "1"), "O");
    assert_ne!(condition.episode().unwrap().id, first.id);
}

#[test]
fn a_pending_delay_survives_a_restart_and_says_that_it_is_late() {
    let mut before = condition(30, 0);
    play(&mut before, 0, "1");
    let saved = before.saved().unwrap();
    let mut after = condition(30, 0);
    after.resume(&saved).unwrap();
    assert_eq!(after.tick(Moment::from_ms(29_999)), None);
    assert_eq!(after.tick(Moment::from_ms(3_600_000)), Some(Change::Opened));
    let episode = after.episode().unwrap();
    assert!(episode.is_late);
    assert_eq!(episode.begun, Moment::from_ms(0));
    assert_eq!(episode.id, Episode::name("press-3", "limit.oil-hot", Moment::from_ms(0)));
}

#[test]
fn what_was_stored_while_nobody_listened_is_judged_by_its_own_time() {
    let mut condition = condition(30, 0);
    let now = Moment::from_ms(7_200_000);
    let mut learn = |at: i64, level: u8| {
        let verdict = Verdict::Level(Level(level));
        let at = Moment::from_ms(at * 1_000);
        condition.learn(&Fact {
            verdict,
            value: Some(f64::from(level)),
            at,
            now,
            may_open: true,
            is_late: true,
        })
    };
    assert_eq!(learn(0, 1), []);
    assert_eq!(learn(10, 0), []);
    assert_eq!(learn(100, 1), []);
    assert_eq!(learn(131, 1), [Change::Opened]);
    assert_eq!(learn(400, 0), [Change::Cleared]);
    // A whole life between two readings is told too.
    assert_eq!(learn(1_100, 1), []);
    assert_eq!(learn(1_200, 0), [Change::Opened, Change::Cleared]);
    assert!(condition.episode().unwrap().is_late);
}

#[test]
fn a_batch_given_again_tells_nothing_twice() {
    let mut condition = condition(0, 0);
    assert_eq!(play(&mut condition, 10, "01110"), ".O..C");
    assert_eq!(play(&mut condition, 10, "0111"), "....");
    assert_eq!(play(&mut condition, 14, "0"), ".");
}

/// Every life of six readings, with every part of it given again after a kill.
#[test]
fn whatever_is_given_again_after_a_kill_tells_nothing_twice() {
    for life in 0..3_u32.pow(6) {
        let played: String = (0..6).map(|at| char::from(b'0' + (life / 3_u32.pow(at) % 3) as u8)).collect();
        let mut before = condition(0, 0);
        play(&mut before, 0, &played);
        let Some(saved) = before.saved() else { continue };
        for from in 0..6 {
            let mut after = condition(0, 0);
            after.resume(&saved).unwrap();
            let told = play(&mut after, i64::try_from(from).unwrap(), &played[from..]);
            assert_eq!(told, ".".repeat(6 - from), "{played} given again from {from}");
            assert_eq!((after.level(), after.is_open()), (before.level(), before.is_open()), "{played}");
        }
    }
}

#[test]
fn the_last_word_of_a_broker_ends_an_episode_and_begins_none() {
    let mut condition = condition(0, 0);
    let mut seed = |level: u8, may_open: bool| {
        let now = Moment::from_ms(5_000);
        condition.learn(&Fact {
            verdict: Verdict::Level(Level(level)),
            value: None,
            at: now,
            now,
            may_open,
            is_late: false,
        })
    };
    assert_eq!(seed(1, false), []);
    assert_eq!(seed(1, true), [Change::Opened]);
    assert_eq!(seed(0, false), [Change::Cleared]);
}

#[test]
fn remembers_the_worst() {
    let mut condition = condition(0, 0);
    play(&mut condition, 0, "13210");
    let episode = condition.episode().unwrap();
    assert_eq!((episode.worst, episode.worst_at), (Some(3.0), Moment::from_ms(1_000)));
    assert_eq!((episode.value, episode.ended), (Some(0.0), Some(Moment::from_ms(4_000))));
}
