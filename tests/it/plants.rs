//! Stories of plants: what the wires said, and what the network showed, as a reader sees it.
//!
//! To add a story, copy a folder of `tests/plants`. To accept a change, run with `UPDATE=1` and read the diff.

use std::path::Path;

use contract::Moment;
use portevoix::episode::{Act, Role};
use portevoix::replay::Line;
use portevoix::replay::line::Stamp;
use serde::Deserialize;

use crate::board::Plant;

/// One line of `replies.jsonl`: what a person wants, of which rule of which machine.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyLine {
    /// When.
    now: Stamp,
    machine: String,
    rule: String,
    act: Act,
    /// Who: `operator` may shelve for half an hour, `maintenance` for a shift and take out of service.
    role: String,
    /// Why it is refused, if it is.
    refused: Option<String>,
}

fn reply(plant: &mut Plant, line: &ReplyLine, now: Moment) {
    let is_operator = line.role == "operator";
    let minutes = if is_operator { 30 } else { 8 * 60 };
    let shelve_max = std::time::Duration::from_secs(minutes * 60);
    let role = Role { name: line.role.clone(), shelve_max, may_disable: !is_operator };
    let done = plant.middle().act((&line.machine, &line.rule), &line.act, &role, now);
    assert_eq!(done.err().map(|why| format!("{why:?}")), line.refused, "{:?}", line.now);
    plant.settle(now);
}

fn moment(plant: &Plant, stamp: &Stamp) -> Moment {
    plant.names.moment(stamp).unwrap()
}

fn tell(folder: &Path) -> String {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let text = read("samples.jsonl");
    let lines: Vec<Line> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    // Its first moment is needed before there is a plant to ask.
    let Stamp::Text(first) = &lines[0].now else { panic!("{:?}", lines[0]) };
    let mut now = Moment::from_ms(first.parse::<jiff::Timestamp>().unwrap().as_millisecond());
    let replies = std::fs::read_to_string(folder.join("replies.jsonl")).unwrap_or_default();
    let replies: Vec<ReplyLine> =
        replies.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let mut replies = replies.iter().peekable();
    let mut plant = Plant::new(&read("plant.toml"), now);
    for line in &lines {
        let then = moment(&plant, &line.now);
        while now < then {
            now = now.plus(std::time::Duration::from_secs(1)).min(then);
            plant.settle(now);
            while let Some(line) = replies.next_if(|line| moment(&plant, &line.now) <= now) {
                reply(&mut plant, line, now);
            }
        }
        if let Some(is_down) = line.down {
            plant.boards[0].is_down = is_down;
        }
        if let Some(is_up) = line.connected {
            plant.middle().source(0, (!is_up).then(|| "connection refused".into()), now);
        }
        if line.restart {
            plant.restart(now);
        }
        if let Some(file) = &line.reload {
            plant.reload(&read(file), now);
        }
        let (_, batch) =
            line.batch(&plant.names).unwrap_or_else(|wrong| panic!("{}: {wrong}", folder.display()));
        let batch = plant.as_said(batch);
        plant.take(batch, now);
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
