//! What is known of machines outlives a reload: what they made, the state they are in, what people decided.

use std::time::Duration;

use contract::{Moment, Origin, Value};
use portevoix::episode::{Act, Role};

use crate::board::{Plant, sample};

/// 2026-11-23 05:00 in Paris.
const BEGUN: Moment = Moment::from_ms(1_795_406_400_000);

const LINE: &str = r#"
[site]
name = "Usine"
language = "fr"
timezone = "Europe/Paris"
[source.exec.plc]
command = ["/bin/true"]
[network.wall.local]
[machine.line-4]
name = "Ligne 4"
[machine.line-4.tag.state]
source = "plc"
called = "state"
[machine.line-4.tag.good]
source = "plc"
called = "good"
[machine.line-4.production]
state = "state"
good = "good"
ideal_per_hour = 3600
[shift.matin]
from = "05:00"
to = "06:00"
days = ["mon..fri"]
[summary.equipes]
"#;

/// Beside a machine that comes before all others, of a source that comes last: the numbers of all tags move.
fn beside(toml: &str) -> String {
    let machine = "[machine.a.tag.a]\nsource = \"a\"\ncalled = \"a\"\n";
    format!("{machine}{toml}[source.exec.a]\ncommand = [\"/bin/true\"]\n")
}

fn press(states: &str, quiet: &str) -> String {
    let machine = r#"
[site]
name = "Usine"
language = "fr"
[source.exec.plc]
command = ["/bin/true"]
[network.wall.local]
[machine.press-3]
name = "Presse 3"
[machine.press-3.tag.oil]
source = "plc"
called = "oil"
[machine.press-3.tag.mode]
source = "plc"
called = "mode"
[machine.press-3.states]
tag = "mode"
"#;
    let rule = format!("[machine.press-3.rule.limit.hot]\ntag = \"oil\"\nabove = 80\nclear = 70\n{quiet}");
    format!("{machine}{states}{rule}")
}

const STATES: &str = "is.running.values = [1]\nis.cleaning.values = [4]\n";
const QUIET: &str = "quiet_in = [\"cleaning\"]\n";

struct Story {
    plant: Plant,
    now: Moment,
}

impl Story {
    fn begin(toml: &str) -> Story {
        Story { plant: Plant::new(toml, BEGUN), now: BEGUN }
    }

    fn say(&mut self, tag: &str, value: f64) {
        let said = sample(self.plant.tag(tag), Value::Number(value), Some(self.now), Origin::Live);
        self.plant.say(said, self.now);
        self.plant.settle(self.now);
    }

    fn wait(&mut self, secs: u64) {
        for _ in 0..secs {
            self.now = self.now.plus(Duration::from_secs(1));
            self.plant.settle(self.now);
        }
    }

    fn reload(&mut self, toml: &str) -> [usize; 4] {
        let found = self.plant.reload(toml, self.now);
        self.wait(1);
        [found.kept, found.changed, found.new, found.gone]
    }

    fn log(&self) -> &str {
        &self.plant.boards[0].log
    }

    fn posts(&self) -> usize {
        self.log().matches("· posts").count()
    }
}

/// The summary of a shift in which the state is said once, and a part every two seconds.
fn shift(first: &str, then: &[(u64, &str)]) -> String {
    let mut plant = Plant::new(first, BEGUN);
    let state = sample(plant.tag("line-4/state"), Value::Number(1.0), Some(BEGUN), Origin::Live);
    plant.say(state, BEGUN);
    for second in (0..=3_610).step_by(2) {
        let now = BEGUN.plus(Duration::from_secs(second));
        if second < 3_600 {
            let parts = Value::Number(1_000.0 + second as f64 / 2.0);
            let said = sample(plant.tag("line-4/good"), parts, Some(now), Origin::Live);
            plant.say(said, now);
        }
        if let Some((_, toml)) = then.iter().find(|(when, _)| *when == second) {
            plant.reload(toml, now);
        }
        plant.settle(now);
    }
    plant.boards[0].log.clone()
}

#[test]
fn books_go_on_as_if_nobody_had_reloaded() {
    let calm = shift(LINE, &[]);
    assert!(calm.contains("BILAN") && calm.contains("Bonnes : 1 79"), "{calm}");
    let more = beside(LINE);
    let turns: Vec<(u64, &str)> =
        (1..59).map(|minute| (minute * 60, if minute % 2 == 0 { LINE } else { more.as_str() })).collect();
    assert_eq!(shift(LINE, &turns), calm);
}

#[test]
fn books_that_are_kept_otherwise_lose_nothing() {
    let other = LINE.replace("ideal_per_hour = 3600", "ideal_per_hour = 3600\nmicro_stop = \"1m\"");
    // The machine says its state once: it is known on.
    assert_eq!(shift(LINE, &[(1_800, &other)]), shift(&other, &[]));
}

#[test]
fn another_calendar_is_so_at_once() {
    let calendar = |from: &str| {
        let stop = "[calendar.stop.fire]\nreason = \"Exercice\"\nto = \"2026-11-23 05:45\"\n";
        format!("{LINE}{stop}from = \"2026-11-23 05:{from}\"\n")
    };
    let other = calendar("40");
    assert_eq!(shift(LINE, &[(1_800, &other)]), shift(&other, &[]));
    assert_ne!(shift(LINE, &[]), shift(&other, &[]));
}

#[test]
fn a_state_of_a_machine_is_known_on() {
    let mut story = Story::begin(&press(STATES, QUIET));
    story.say("press-3/mode", 4.0);
    story.say("press-3/oil", 85.0);
    story.wait(10);
    assert_eq!(story.reload(&beside(&press(STATES, QUIET))), [1, 0, 0, 0]);
    story.say("press-3/oil", 86.0);
    story.wait(10);
    assert_eq!(story.posts(), 0, "{}", story.log());
    // The same number means another state now: it is told.
    let other = "is.running.values = [4]\nis.cleaning.values = [1]\n";
    assert_eq!(story.reload(&press(other, QUIET)), [1, 0, 0, 0]);
    story.wait(10);
    assert_eq!(story.posts(), 1, "{}", story.log());
}

#[test]
fn a_rule_that_is_quiet_no_more_is_told() {
    let mut story = Story::begin(&press(STATES, QUIET));
    story.say("press-3/mode", 4.0);
    story.say("press-3/oil", 85.0);
    story.wait(10);
    assert_eq!(story.reload(&press(STATES, "")), [1, 0, 0, 0]);
    story.wait(10);
    assert_eq!(story.posts(), 1, "{}", story.log());
    // Quiet again: its post says so, and there is no other.
    story.reload(&press(STATES, QUIET));
    story.wait(61);
    assert!(story.posts() == 1 && story.log().contains("cleaning"), "{}", story.log());
}

#[test]
fn a_new_rule_is_quiet_in_the_state_that_is_known() {
    let mut story = Story::begin(&press(STATES, QUIET).replace("limit.hot", "limit.other"));
    story.say("press-3/mode", 4.0);
    story.say("press-3/oil", 85.0);
    story.wait(10);
    assert_eq!(story.reload(&press(STATES, QUIET)), [0, 0, 1, 1]);
    story.wait(10);
    assert_eq!(story.posts(), 0, "{}", story.log());
}

#[test]
fn what_a_person_set_aside_stays_aside() {
    let mut story = Story::begin(&press(STATES, ""));
    let role =
        Role { name: "maintenance".into(), shelve_max: Duration::from_secs(3_600), may_disable: false };
    let act = Act::Shelve { for_ms: 600_000, reason: "réglage".into() };
    story.plant.middle().act(("press-3", "limit.hot"), &act, &role, story.now).unwrap();
    story.reload(&beside(&press(STATES, "on_delay = \"5s\"\n")));
    story.say("press-3/oil", 85.0);
    story.wait(560);
    assert_eq!(story.posts(), 0, "{}", story.log());
    story.wait(60);
    assert_eq!(story.posts(), 1, "{}", story.log());
}

#[test]
fn how_a_condition_lives_is_part_of_it() {
    let mut story = Story::begin(&press(STATES, ""));
    for (more, found) in [
        ("latched = true\n", [0, 1, 0, 0]),
        ("latched = true\nin_a_row = 3\n", [0, 1, 0, 0]),
        ("latched = true\nin_a_row = 3\nrealarm = \"10m\"\n", [0, 1, 0, 0]),
        ("latched = true\nin_a_row = 3\nrealarm = \"10m\"\nowner = \"maintenance\"\n", [1, 0, 0, 0]),
    ] {
        assert_eq!(story.reload(&press(STATES, more)), found, "{more}");
    }
    // By the new life of its rule: the third one counts, and its end waits for a person.
    story.say("press-3/oil", 85.0);
    story.say("press-3/oil", 86.0);
    assert_eq!(story.posts(), 0);
    story.say("press-3/oil", 87.0);
    story.wait(5);
    assert_eq!(story.posts(), 1, "{}", story.log());
}
