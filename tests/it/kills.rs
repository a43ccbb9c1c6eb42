//! the real program is killed at random moments, between a real broker and two networks that lose answers; then
//! before a real Matrix server, which dies too. Nothing is lost and nothing is seen twice. Programs with a mistake in
//! them show that the test would tell.
//!
//! `PORTEVOIX_KILLS` says how many kills (300), `PORTEVOIX_KILLS_MATRIX` how many before Matrix (20), `PORTEVOIX_SEED`
//! which moments (1).

mod around;
pub mod dice;
mod fakes;
mod life;
mod matrix;
mod mutant;
mod oracle;
mod plant;

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use around::Around;
use dice::Dice;
use fakes::{Fakes, NETWORKS};
use life::{Life, Program};
use matrix::OnMatrix;
use mutant::Mutant;
use oracle::Tally;
use plant::{Plant, Speaker};

/// Of ten lives, so many end while the program is still starting …
const WHILE_STARTING: u64 = 2;
/// … and so many within these microseconds after somebody spoke: what was said is being read, kept, acknowledged.
const AFTER_A_WORD: u64 = 4;
const AFTER_US: std::ops::Range<u64> = 0..3_000;
/// One death in so many lasts until the server has forgotten its keys, or has died itself.
const LONG_DEATHS: u64 = 40;
/// One or two episodes begin in each life, until so many wait; then none until nearly all are shown. What waits for
/// five minutes would be told in a digest, which is not what is tested here.
const BACKLOG: std::ops::Range<usize> = 3..40;
/// What a campaign found.
struct Found {
    networks: BTreeMap<&'static str, Tally>,
    episodes: usize,
    /// How often a post was looked for, and recognised by its key.
    doubts: (usize, usize),
    /// From the start of a process to its first message.
    start: Duration,
    /// How long the last event took, if it came.
    fresh: Option<Duration>,
    complaints: Vec<String>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, tally) in &self.networks {
            write!(f, "{name}: {tally} | ")?;
        }
        let (looks, known) = self.doubts;
        write!(f, "episodes {}, looks {looks}, known keys {known}, ", self.episodes)?;
        let fresh = self.fresh.map_or("never".to_owned(), |fresh| format!("{} ms", fresh.as_millis()));
        write!(f, "start {} ms, fresh {fresh}", self.start.as_millis())
    }
}

fn number(variable: &str, usual: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}: found `{text}`, expected a number")),
        Err(_) => usual,
    }
}

/// Kills a program again and again, lets it finish, and looks what became of what was said.
fn campaign(around: Box<dyn Around>, kills: usize, seed: u64, mutant: Option<Mutant>) -> Found {
    let began = Instant::now();
    let plant = Plant::start(around, kills * 3 / 2 + 1);
    let program = Program::new(&plant.folder, mutant);
    let found = kill_and_look(kills, Dice::new(seed), plant, &program);
    let who = mutant.map_or("portevoix".to_owned(), |mutant| format!("mutant {mutant:?}"));
    let secs = began.elapsed().as_secs();
    // Past the harness, which hides what a passing test prints.
    let _ = writeln!(std::io::stdout(), "R-01 {who} | {found}, kills {kills}, {secs} s, seed {seed}");
    found
}

fn kill_and_look(kills: usize, mut dice: Dice, plant: Plant, program: &Program) -> Found {
    // The session must exist, or the broker keeps nothing for it. And it tells how long a start takes.
    let first = Instant::now();
    let mut complaints = plant.until_heard(Life::start(program)).kill();
    let start = first.elapsed();

    plant.around.go_wrong(&mut dice);
    let speaker = plant.speak(&mut dice);
    let mut is_full = false;
    for killed in 0..kills {
        let unseen = plant.unseen(&speaker);
        is_full = if is_full { unseen > BACKLOG.start } else { unseen >= BACKLOG.end };
        if !is_full {
            speaker.allow(1 + killed % 2);
        }
        complaints.extend(live(Life::start(program), &speaker, &plant, start, &mut dice).kill());
        if dice.one_in(LONG_DEATHS) {
            plant.around.forget();
        }
    }

    plant.around.mend();
    let mut said = speaker.finish();
    let life = Life::start(program).until_started();
    life.wait(program.drain_max(), || plant.shows(&said));
    let fresh = Instant::now();
    said.push(plant.say_once());
    let fresh = life
        .wait(plant.around.fresh_max(), || plant.has_seen(&said[said.len() - 1]))
        .then(|| fresh.elapsed());
    complaints.extend(life.stop());
    let networks = plant.judge(&said);
    Found { networks, episodes: said.len(), doubts: plant.around.doubts(), start, fresh, complaints }
}

/// A life up to the moment of its death. Nothing but time says when a random moment is there.
fn live(life: Life, speaker: &Speaker, plant: &Plant, start: Duration, dice: &mut Dice) -> Life {
    let life_ms = plant.around.life_ms();
    let chance = dice.between(0..10);
    if chance < WHILE_STARTING {
        std::thread::sleep(start.mul_f64(dice.between(0..1_000) as f64 / 1_000.0));
        return life;
    }
    let life = life.until_started();
    if chance < WHILE_STARTING + AFTER_A_WORD {
        life.hears("connected", Duration::from_millis(life_ms.end));
        speaker.wait_for_a_word(Duration::from_millis(life_ms.end));
        std::thread::sleep(Duration::from_micros(dice.between(AFTER_US)));
    } else {
        std::thread::sleep(Duration::from_millis(dice.between(life_ms)));
    }
    life
}

fn seed() -> u64 {
    number("PORTEVOIX_SEED", 1)
}

#[test]
fn a_killed_program_loses_nothing_and_repeats_nothing() {
    let kills = number("PORTEVOIX_KILLS", 300) as usize;
    let found = campaign(Fakes::start(), kills, seed(), None);
    for name in NETWORKS {
        let tally = &found.networks[name];
        assert!(tally.is_clean(), "{name}: {tally}\n{}", tally.cases.join("\n"));
        assert!(tally.seen > kills / 2, "{name}: only {} episodes in {kills} kills", tally.seen);
    }
    let (looks, known) = found.doubts;
    assert!(looks.min(known) > kills / 20, "too little was in doubt: {looks} looks, {known} known keys");
    assert!(found.fresh.is_some(), "a fresh event does not pass");
    assert!(found.complaints.is_empty(), "{}", found.complaints.join("\n"));
}

#[test]
fn before_a_real_server_that_dies_too_nothing_is_lost_and_nothing_repeated() {
    let kills = number("PORTEVOIX_KILLS_MATRIX", 20) as usize;
    let found = campaign(OnMatrix::start(), kills, seed(), None);
    let tally = &found.networks[matrix::NETWORK];
    assert!(tally.is_clean(), "{tally}\n{}", tally.cases.join("\n"));
    assert!(tally.seen > kills / 2, "only {} episodes in {kills} kills", tally.seen);
    let (looks, known) = found.doubts;
    assert!(looks + known > kills / 10, "too little was in doubt: {looks} looks, {known} sent again");
    assert!(found.fresh.is_some(), "a fresh event does not pass");
    assert!(found.complaints.is_empty(), "{}", found.complaints.join("\n"));
}

/// The folder is made, the store, the name of the session: whatever is half done does not hold up the next start.
#[test]
fn a_first_start_may_be_killed_at_any_moment() {
    let mut dice = Dice::new(seed());
    let plant = Plant::start(Fakes::start(), 2);
    plant.name_no_session();
    let program = Program::new(&plant.folder, None);
    let first = Instant::now();
    let mut complaints = plant.until_heard(Life::start(&program)).stop();
    let start_us = first.elapsed().as_micros() as u64;
    for _ in 0..30 {
        plant.forget();
        let life = Life::start(&program);
        std::thread::sleep(Duration::from_micros(dice.between(0..start_us)));
        complaints.extend(life.kill());
        complaints.extend(plant.until_heard(Life::start(&program)).kill());
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn no_mistake_is_built_into_the_program() {
    let found =
        Command::new("grep").args(["-c", mutant::WHICH, env!("CARGO_BIN_EXE_portevoix")]).output().unwrap();
    assert_eq!(String::from_utf8(found.stdout).unwrap(), "0\n");
}

#[test]
fn a_queue_in_memory_loses_episodes() {
    let found = campaign(Fakes::start(), 40, seed(), Some(Mutant::Memory));
    for name in NETWORKS {
        let tally = &found.networks[name];
        assert!(tally.lost > 0, "the test does not see a loss on {name}: {tally}");
    }
}

#[test]
fn acknowledged_a_moment_too_early_episodes_are_lost() {
    // A commit is over within a few milliseconds: a death in the middle of it may need another try.
    let is_seen = (0..3).any(|round| {
        let found = campaign(Fakes::start(), 60, seed() + round, Some(Mutant::Early));
        found.networks.values().any(|tally| tally.lost > 0)
    });
    assert!(is_seen, "the test does not see a loss of a moment");
}

#[test]
fn posts_sent_again_blindly_are_doubled() {
    let found = campaign(Fakes::start(), 40, seed(), Some(Mutant::Blind));
    // The other network knows its keys for a while.
    let tally = &found.networks["hook"];
    assert!(tally.doubled > 0, "the test does not see a double: {tally}");
}

#[test]
fn a_real_server_is_told_twice_by_a_program_that_names_each_attempt_anew() {
    let found = campaign(OnMatrix::start(), 30, seed(), Some(Mutant::Anew));
    let tally = &found.networks[matrix::NETWORK];
    assert!(tally.doubled > 0, "the test does not see a double: {tally}");
}
