//! The whole pure middle in a made-up world: random rules, random machines and people, networks that lose answers,
//! kills between any two events, clocks that are set. Whatever happens, each episode is seen once and closed, and
//! nothing is said that should not be.
//!
//! `PORTEVOIX_SEEDS` says how many worlds (2,000), `PORTEVOIX_SEED` plays one alone and tells all of it.

pub mod fakes;
mod oracle;
mod spec;
mod twin;
mod world;

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use portevoix::episode::{Act, Role};
use portevoix::store::Table;
use world::World;

use crate::board::Plant;

/// So many things happen in each world before it comes to rest.
const HAPPENINGS: u64 = 12;
/// So many pairs of gateways, of which one is started anew.
const TWINS: u64 = 300;
/// A mutant is looked for in so many worlds.
const MUTANT_SEEDS: u64 = 200;

/// A mistake somewhere around the middle, which must be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// The disk says that a step is kept, and has forgotten it after the first kill.
    Leaky,
    /// A batch is acknowledged before what came of it is kept.
    Hasty,
    /// The networks know no key that they claim to know, and what is sent again is sent blindly.
    Forgetful,
}

/// What broke in the world of a seed, if anything; and how often it was killed.
fn play(seed: u64, mutant: Option<Mutant>, is_traced: bool) -> (Option<String>, u32) {
    let played = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed, mutant, is_traced);
        let broken = world.run(HAPPENINGS).err();
        (broken, world.kills)
    }));
    played.unwrap_or_else(|_| (Some("it panicked".to_owned()), 0))
}

/// Plays so many worlds on two threads: what broke in each that broke, and the kills of all.
fn campaign(seeds: u64, mutant: Option<Mutant>) -> (Vec<(u64, String)>, u32) {
    let half = |seeds: std::ops::RangeInclusive<u64>| {
        let (mut broken, mut kills) = (Vec::new(), 0);
        for seed in seeds {
            let (found, killed) = play(seed, mutant, false);
            kills += killed;
            broken.extend(found.map(|found| (seed, found)));
        }
        (broken, kills)
    };
    let (mut first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| half(1..=seeds / 2));
        let second = scope.spawn(|| half(seeds / 2 + 1..=seeds));
        (first.join().unwrap(), second.join().unwrap())
    });
    first.0.extend(second.0);
    (first.0, first.1 + second.1)
}

/// Past the harness, which hides what a passing test prints.
fn say(words: &str) {
    let _ = writeln!(std::io::stdout(), "{words}");
}

#[test]
fn whatever_happens_each_episode_is_seen_once_and_closed() {
    if let Ok(seed) = std::env::var("PORTEVOIX_SEED") {
        let (broken, _) = play(seed.parse().unwrap(), None, true);
        assert_eq!(broken, None);
        return;
    }
    let seeds = std::env::var("PORTEVOIX_SEEDS").map_or(2_000, |seeds| seeds.parse().unwrap());
    let began = Instant::now();
    let (broken, kills) = campaign(seeds, None);
    say(&format!(
        "model | seeds {seeds}, broken {}, kills {kills}, {} s",
        broken.len(),
        began.elapsed().as_secs()
    ));
    let told: Vec<String> = broken
        .iter()
        .take(12)
        .map(|(seed, words)| {
            format!("PORTEVOIX_SEED={seed} cargo test --test it -- model::whatever --nocapture\n{words}")
        })
        .collect();
    assert!(broken.is_empty(), "{} of {seeds}\n{}", broken.len(), told.join("\n"));
}

/// What a mutant breaks in how many worlds.
fn mutant_is_found(mutant: Mutant) {
    let (broken, kills) = campaign(MUTANT_SEEDS, Some(mutant));
    let first = broken.first().map_or("", |(_, words)| words.lines().next().unwrap_or(""));
    say(&format!(
        "model | mutant {mutant:?}: broken {} of {MUTANT_SEEDS}, kills {kills}, first: {first}",
        broken.len()
    ));
    assert!(!broken.is_empty(), "{mutant:?} is never noticed");
}

#[test]
fn a_disk_that_forgets_one_step_is_found() {
    mutant_is_found(Mutant::Leaky);
}

#[test]
fn an_acknowledgement_before_the_commit_is_found() {
    mutant_is_found(Mutant::Hasty);
}

#[test]
fn a_network_that_forgets_its_keys_is_found() {
    mutant_is_found(Mutant::Forgetful);
}

#[test]
fn a_gateway_started_anew_from_its_rows_goes_on_as_one_that_lived() {
    let play = |seeds: std::ops::RangeInclusive<u64>, forgets| {
        let parted = seeds.filter_map(|seed| twin::play(seed, forgets).map(|found| (seed, found)));
        parted.collect::<Vec<_>>()
    };
    let parted = play(1..=TWINS, None);
    let told: Vec<String> =
        parted.iter().take(3).map(|(seed, words)| format!("twins {seed}: {words}")).collect();
    assert!(parted.is_empty(), "{} of {TWINS}\n{}", parted.len(), told.join("\n"));
    // The same comparison finds rows that are not kept.
    for table in [Table::Condition, Table::Thread] {
        let parted = play(1..=MUTANT_SEEDS, Some(table)).len();
        say(&format!("model | twins {TWINS}, without rows of {table:?}: parted {parted} of {MUTANT_SEEDS}"));
        assert!(parted > 0, "{table:?}");
    }
}

const SILENT: &str = r#"
[site]
name = "Vitré"
language = "fr"
[source.mqtt.a]
url = "mqtt://127.0.0.1:1883"
[network.wall.n]
[machine.m.tag.v]
source = "a"
topic = "m"
[machine.m.rule.stale.q]
tag = "v"
after = "1m"
"#;

#[test]
fn a_silence_that_is_set_aside_lets_it_sleep() {
    let later = |secs| world::BEGUN.plus(Duration::from_secs(secs));
    let mut plant = Plant::new(SILENT, world::BEGUN);
    let role =
        Role { name: "maintenance".into(), shelve_max: Duration::from_secs(8 * 3_600), may_disable: true };
    let act = Act::Shelve { for_ms: 3_600_000, reason: "essai".into() };
    plant.middle().act(("m", "stale.q"), &act, &role, world::BEGUN).unwrap();
    plant.settle(later(70));
    assert!(plant.middle().due(later(70)).is_none_or(|due| due >= later(3_600)));
    // Nothing of it is forgotten: it is told when the time is over.
    plant.settle(later(3_601));
    assert!(plant.boards[0].log.contains("aucune mesure"), "{}", plant.boards[0].log);
}

const RETURNS: &str = r#"
[site]
name = "Vitré"
language = "fr"
[source.mqtt.a]
url = "mqtt://127.0.0.1:1883"
[network.wall.n]
[machine.m.tag.v]
source = "a"
topic = "m"
[machine.m.rule.limit.r]
tag = "v"
above = 50
on_delay = "ON"
off_delay = "60s"
"#;

/// After a death the reading that shows an end is itself the beginning of something, or seems to be.
#[test]
fn an_end_is_not_lost_to_what_begins_with_the_reading_that_shows_it() {
    for (on_delay, again) in [("60s", 400), ("60s", 900), ("0s", 900)] {
        let at = |secs| world::BEGUN.plus(Duration::from_secs(secs));
        let mut plant = Plant::new(&RETURNS.replace("ON", on_delay), at(0));
        let said = |secs, value| world::sample(0, value, Some(at(secs)), contract::Origin::Live);
        plant.say(said(0, 60.0), at(0));
        plant.settle(at(70));
        // Heard together, because nobody was listening.
        for (secs, value) in [(200, 40.0), (again, 60.0), (again + 10, 40.0)] {
            plant.say(said(secs, value), at(1_000));
        }
        plant.settle(at(1_000));
        plant.settle(at(1_100));
        let board = &plant.boards[0];
        assert!(board.shown.values().all(|post| post.ended.is_some()), "{on_delay}, {again}\n{}", board.log);
    }
}
