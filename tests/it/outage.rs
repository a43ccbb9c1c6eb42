//! A network that cannot be reached for a day: nothing lost, order kept, one catch-up for each channel.

use std::time::Duration;

use contract::{Mark, Moment, Origin, TagId, Value};

use crate::board::{Plant, sample};

const CHANNELS: usize = 10;
const MACHINES: u32 = 5;
/// One episode of each machine every so often: each is over for longer than the ten minutes of a return.
const EVERY: u64 = 1_500;

fn plant() -> String {
    let mut toml =
        "[site]\nname = \"Vitré\"\nlanguage = \"fr\"\n[source.mqtt.b]\nurl = \"mqtt://127.0.0.1:1883\"\n"
            .to_owned();
    for channel in 0..CHANNELS {
        toml.push_str(&format!("[network.wall.c{channel}]\nlisten = \"127.0.0.1:{}\"\n", 8_080 + channel));
    }
    toml.push_str("[class.press.tag.oil]\nsource = \"b\"\ntopic = \"b/{machine}\"\nunit = \"°C\"\n");
    toml.push_str("[class.press.rule.limit.hot]\ntag = \"oil\"\nabove = 80\nclear = 70\n");
    for machine in 0..MACHINES {
        toml.push_str(&format!("[machine.press-{machine}]\nclass = \"press\"\n"));
    }
    toml
}

#[test]
fn after_a_day_without_a_network_everything_is_told_once() {
    let start = Moment::from_ms(1_795_957_500_000);
    let at = |secs: u64| start.plus(Duration::from_secs(secs));
    let mut plant = Plant::new(&plant(), start);
    let day = 24 * 3_600;
    for board in &mut plant.boards {
        board.is_down = true;
    }
    let mut episodes = 0u64;
    for second in (0..day).step_by(60) {
        for machine in 0..MACHINES {
            let phase = (second + u64::from(machine) * 60) % EVERY;
            let value = match phase {
                0 => 85.0,
                240 => 65.0,
                _ => continue,
            };
            // The last episode of some machines goes on.
            if value < 70.0 && second + EVERY > day && machine < 3 {
                continue;
            }
            episodes += u64::from(value > 80.0);
            plant.say(sample(TagId(machine), Value::Number(value), None, Origin::Live), at(second));
        }
        plant.settle(at(second));
    }
    let open = plant.middle.health().open;
    assert!(episodes >= 280, "{episodes}");
    for board in &mut plant.boards {
        board.is_down = false;
    }
    for second in day..day + 600 {
        plant.settle(at(second));
    }
    for board in &plant.boards {
        let posts: Vec<_> = board.shown.values().collect();
        let digests: Vec<_> = posts.iter().filter(|post| post.mark == Mark::Digest).collect();
        assert_eq!(digests.len(), 1, "one catch-up for each channel\n{}", board.log);
        let told = digests[0].lines[0].text.plain().replace('\u{A0}', " ");
        let alone = posts.len() - digests.len();
        let folded: usize = told.split(' ').next().unwrap().parse().unwrap();
        assert_eq!(folded + alone, usize::try_from(episodes).unwrap(), "none lost: {told}");
        assert!(alone <= 3, "no burst");
        assert!(told.contains("aucun perdu"), "{told}");
        assert!(told.ends_with(&format!("Encore ouverts : {open}.")), "{told}");
    }
    let networks = plant.middle.health().networks;
    assert!(networks.iter().all(|network| network.waiting == 0 && network.refused == 0), "{networks:?}");
}
