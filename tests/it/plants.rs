//! Stories of plants: what the wires said, and what the network showed, as a reader sees it.
//!
//! To add a story, copy a folder of `tests/plants`. To accept a change, run with `UPDATE=1` and read the diff.

use std::path::Path;

use contract::Moment;
use portevoix::replay::Line;

use crate::board::Plant;

fn moment(plant: &Plant, line: &Line) -> Moment {
    plant.names.moment(&line.now).unwrap()
}

fn tell(folder: &Path) -> String {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let text = read("samples.jsonl");
    let lines: Vec<Line> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    // Its first moment is needed before there is a plant to ask.
    let portevoix::replay::line::Stamp::Text(first) = &lines[0].now else { panic!("{:?}", lines[0]) };
    let mut now = Moment::from_ms(first.parse::<jiff::Timestamp>().unwrap().as_millisecond());
    let mut plant = Plant::new(&read("plant.toml"), now);
    for line in &lines {
        let then = moment(&plant, line);
        while now < then {
            now = now.plus(std::time::Duration::from_secs(1)).min(then);
            plant.settle(now);
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
        let (_, batch) =
            line.batch(&plant.names).unwrap_or_else(|wrong| panic!("{}: {wrong}", folder.display()));
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
