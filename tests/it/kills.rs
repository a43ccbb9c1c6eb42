//! the real program is killed at random moments, between a real broker and two networks that lose answers.
//! Nothing is lost and nothing is seen twice. Two programs with a mistake in them show that the test would tell.
//!
//! `PORTEVOIX_KILLS` says how many kills (300), `PORTEVOIX_SEED` which moments (1).

mod dice;
mod life;
mod mutant;
mod oracle;
mod plant;

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use dice::Dice;
use life::{Life, Program};
use mutant::Mutant;
use oracle::{NETWORKS, Tally};
use plant::{Plant, TTL};

/// A program that can do something lives so long, in milliseconds.
const LIFE_MS: std::ops::Range<u64> = 90..310;
/// One life in so many ends while the program is still starting.
const EARLY_DEATHS: u64 = 5;
/// One death in so many lasts until the server has forgotten its keys.
const LONG_DEATHS: u64 = 40;
/// What the publisher may say of new episodes in one life …
const EPISODES_PER_LIFE: usize = 2;
/// … as long as not more than this many wait: a network that is down for five minutes gets one digest.
const BACKLOG_MAX: usize = 40;
/// A program that may live needs this at most for what is left to do.
const DRAIN_MAX: Duration = Duration::from_secs(60);
/// What a mutant lost does not come: no need to wait as long.
const MUTANT_DRAIN_MAX: Duration = Duration::from_secs(10);
/// A fresh event passes from end to end within this.
const FRESH_MAX: Duration = Duration::from_secs(5);

/// What a campaign found.
struct Found {
    networks: BTreeMap<&'static str, Tally>,
    fresh: Option<Duration>,
    complaints: Vec<String>,
}

fn number(variable: &str, usual: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}: found `{text}`, expected a number")),
        Err(_) => usual,
    }
}

/// Kills a program again and again, lets it finish, and looks what became of what was said.
fn campaign(kills: usize, mutant: Option<Mutant>) -> Found {
    let began = Instant::now();
    let seed = number("PORTEVOIX_SEED", 1);
    let mut dice = Dice::new(seed);
    let mut plant = Plant::start(kills * EPISODES_PER_LIFE + 1);
    let program = Program::new(&plant.folder, mutant);
    let mut complaints = Vec::new();

    // The session must exist, or the broker keeps nothing for it. And it tells how long a start takes.
    let first = Instant::now();
    complaints.extend(Life::start(&program).until_useful().kill());
    let start_ms = first.elapsed().as_millis() as u64;

    plant.go_wrong(&mut dice);
    let speaker = plant.speak(&mut dice);
    for _ in 0..kills {
        if plant.unseen(&speaker) < BACKLOG_MAX {
            speaker.allow(EPISODES_PER_LIFE);
        }
        let life = Life::start(&program);
        let life = if dice.one_in(EARLY_DEATHS) {
            life.last(dice.between(0..start_ms + 1))
        } else {
            life.until_useful().last(dice.between(LIFE_MS))
        };
        complaints.extend(life.kill());
        if dice.one_in(LONG_DEATHS) {
            // Nobody is there: nothing but time can happen.
            std::thread::sleep(TTL + Duration::from_millis(200));
        }
    }

    plant.mend();
    let mut said = speaker.finish();
    let life = Life::start(&program).until_useful();
    life.wait(if mutant.is_some() { MUTANT_DRAIN_MAX } else { DRAIN_MAX }, || plant.shows(&said));
    let fresh = Instant::now();
    said.push(plant.say_once());
    let fresh = life.wait(FRESH_MAX, || plant.has_seen(&said[said.len() - 1])).then(|| fresh.elapsed());
    complaints.extend(life.stop());

    let networks = plant.judge(&said);
    let mut line =
        format!("R-01 {}", mutant.map_or("portevoix".to_owned(), |mutant| format!("mutant {mutant:?}")));
    for (name, tally) in &networks {
        line.push_str(&format!(" | {name}: {tally}"));
    }
    let fresh_ms = fresh.map_or("never".to_owned(), |fresh| format!("{} ms", fresh.as_millis()));
    let secs = began.elapsed().as_secs();
    // Past the harness, which hides what a passing test prints.
    let _ = writeln!(
        std::io::stdout(),
        "{line} | episodes {}, kills {kills}, start {start_ms} ms, fresh {fresh_ms}, {secs} s, seed {seed}",
        said.len()
    );
    Found { networks, fresh, complaints }
}

#[test]
fn a_killed_program_loses_nothing_and_repeats_nothing() {
    let kills = number("PORTEVOIX_KILLS", 300) as usize;
    let found = campaign(kills, None);
    for name in NETWORKS {
        let tally = &found.networks[name];
        assert!(tally.is_clean(), "{name}: {tally}\n{}", tally.cases.join("\n"));
        assert!(tally.seen * 2 > kills, "{name}: only {} episodes in {kills} kills", tally.seen);
    }
    assert!(found.fresh.is_some(), "a fresh event does not pass within {FRESH_MAX:?}");
    assert!(found.complaints.is_empty(), "{}", found.complaints.join("\n"));
}

#[test]
fn a_queue_in_memory_loses_episodes() {
    let found = campaign(number("PORTEVOIX_MUTANT_KILLS", 40) as usize, Some(Mutant::Memory));
    for name in NETWORKS {
        let tally = &found.networks[name];
        assert!(tally.lost > 0, "the test does not see a loss on {name}: {tally}");
    }
}

#[test]
fn posts_sent_again_blindly_are_doubled() {
    let found = campaign(number("PORTEVOIX_MUTANT_KILLS", 40) as usize, Some(Mutant::Blind));
    // The other network knows its keys for a while.
    let tally = &found.networks["hook"];
    assert!(tally.doubled > 0, "the test does not see a double: {tally}");
    assert_eq!(tally.lost, 0, "a mistake of another kind: {tally}");
}
