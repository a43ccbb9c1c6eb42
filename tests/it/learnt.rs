//! What a rule learns over weeks outlives a kill and a change of its limits.

use std::time::Duration;

use contract::{Moment, Origin, Value};
use portevoix::store::Table;

use crate::board::{Plant, sample};

const BEGUN: Moment = Moment::from_ms(1_795_957_200_000);
const STEP: Duration = Duration::from_secs(600);
const WEEKS: u64 = 3;

fn line(sigmas: u8) -> String {
    format!(
        "[site]\nname = \"Vitré\"\nlanguage = \"fr\"\ntimezone = \"Europe/Paris\"\n\
         [network.wall.local]\n[source.mqtt.b]\nurl = \"mqtt://127.0.0.1:1883\"\n\
         [machine.line-4]\nname = \"Ligne 4\"\n\
         [machine.line-4.tag.power]\nsource = \"b\"\ntopic = \"p\"\nname = \"puissance\"\nunit = \"kW\"\n\
         [machine.line-4.rule.compare.unusual]\ntag = \"power\"\nsigmas = {sigmas}\n"
    )
}

fn say(plant: &mut Plant, value: f64, now: Moment) {
    let said = sample(plant.tag("line-4/power"), Value::Number(value), Some(now), Origin::Live);
    plant.say(said, now);
    plant.settle(now);
}

/// Three weeks of a machine whose power goes up and down a little, then something happens, then a power of nearly twice
/// as much.
fn told_after(happens: impl Fn(&mut Plant, Moment)) -> String {
    let mut plant = Plant::new(&line(4), BEGUN);
    let mut now = BEGUN;
    for step in 0..WEEKS * 7 * 144 {
        say(&mut plant, 50.0 + f64::from(u8::try_from(step % 5).unwrap()), now);
        now = now.plus(STEP);
    }
    happens(&mut plant, now);
    assert_eq!(plant.boards[0].log, "", "nothing was unusual");
    for _ in 0..3 {
        say(&mut plant, 95.0, now);
        now = now.plus(STEP);
    }
    plant.boards[0].log.clone()
}

#[test]
fn what_is_usual_is_known_after_a_kill() {
    let told = told_after(|plant, now| plant.restart(now));
    assert!(told.contains("Ligne 4 · puissance"), "{told}");
    // A store that forgets knows nothing that would be unusual.
    let told = told_after(|plant, now| {
        plant.forget(Table::Production);
        plant.restart(now);
    });
    assert_eq!(told, "");
}

#[test]
fn what_is_usual_is_known_under_another_limit() {
    let told = told_after(|plant, now| {
        plant.reload(&line(3), now);
    });
    assert!(told.contains("Ligne 4 · puissance"), "{told}");
    // In another unit it is another value.
    let told = told_after(|plant, now| {
        plant.reload(&line(4).replace("unit = \"kW\"", "unit = \"W\"\nscale = 1000"), now);
    });
    assert_eq!(told, "");
}

#[test]
fn what_only_we_count_goes_on_after_a_stop() {
    let toml = line(4).replace(
        "compare.unusual]\ntag = \"power\"\nsigmas = 4",
        "count.starts]\ntag = \"power\"\nevery = 10",
    );
    let told = |is_kept: bool| {
        let mut plant = Plant::new(&toml, BEGUN);
        let mut now = BEGUN;
        for start in 0..10 {
            if start == 9 {
                plant.keep_rest(now);
                if !is_kept {
                    plant.forget(Table::Production);
                }
                plant.restart(now);
            }
            for value in [0.0, 1.0] {
                say(&mut plant, value, now);
                now = now.plus(STEP);
            }
        }
        plant.boards[0].log.clone()
    };
    assert!(told(true).contains("puissance : 10 kW"), "{}", told(true));
    assert_eq!(told(false), "");
}
