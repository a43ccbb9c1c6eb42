//! Stories of plants: what the wires said, and what the network showed, as a reader sees it.
//!
//! To add a story, copy a folder of `tests/plants`. To accept a change, run with `UPDATE=1` and read the diff.

use std::path::Path;

use contract::{Moment, Origin, Quality, Value};
use serde::Deserialize;

use crate::board::{Plant, sample};

/// One line of `samples.jsonl`: what is said, or what happens to a network or a source.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// When it arrives.
    now: String,
    /// When it was so, if the wire says so.
    at: Option<String>,
    tag: Option<String>,
    value: Option<serde_json::Value>,
    #[serde(default)]
    retained: bool,
    /// Why it cannot be trusted.
    bad: Option<String>,
    /// The first network is down from now on, or up again.
    down: Option<bool>,
    /// The first source is connected from now on, or lost.
    connected: Option<bool>,
}

fn moment(text: &str) -> Moment {
    Moment::from_ms(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

fn tell(folder: &Path) -> String {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let text = read("samples.jsonl");
    let lines: Vec<Line> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let mut now = moment(&lines[0].now);
    let mut plant = Plant::new(&read("plant.toml"), now);
    for line in &lines {
        let then = moment(&line.now);
        while now < then {
            now = now.plus(std::time::Duration::from_secs(1)).min(then);
            plant.settle(now);
        }
        if let Some(is_down) = line.down {
            plant.boards[0].is_down = is_down;
        }
        if let Some(is_up) = line.connected {
            plant.middle.source(0, (!is_up).then(|| "connection refused".into()), now);
        }
        if let Some(tag) = &line.tag {
            let value = match &line.value {
                Some(serde_json::Value::Number(number)) => Value::Number(number.as_f64().unwrap()),
                Some(serde_json::Value::Bool(flag)) => Value::Flag(*flag),
                other => Value::Text(other.as_ref().and_then(|v| v.as_str()).unwrap_or_default().into()),
            };
            let origin = if line.retained { Origin::Retained } else { Origin::Live };
            let mut sample = sample(plant.tag(tag), value, line.at.as_deref().map(moment), origin);
            if let Some(why) = &line.bad {
                sample.quality = Quality::Bad(why.as_str().into());
            }
            plant.say(sample, now);
        }
        plant.settle(now);
    }
    for _ in 0..60 {
        now = now.plus(std::time::Duration::from_secs(1));
        plant.settle(now);
    }
    plant
        .boards
        .iter()
        .map(|board| board.log.trim_end().to_owned() + "\n")
        .collect::<Vec<_>>()
        .join("\n---\n\n")
}

#[test]
fn every_plant_shows_what_its_people_accepted() {
    let stories = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plants");
    let mut different = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(stories).unwrap() {
        let folder = entry.unwrap().path();
        let told = tell(&folder);
        let wall = folder.join("wall.md");
        let accepted = std::fs::read_to_string(&wall).unwrap_or_default();
        count += 1;
        if told != accepted {
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&wall, &told).unwrap();
            }
            different.push(format!("{}:\n{told}", folder.display()));
        }
    }
    assert!(count >= 4);
    assert!(different.is_empty(), "UPDATE=1 accepts this:\n{}", different.join("\n"));
}
