//! Stories of plants: what the wires said, and what the network showed, as a reader sees it.
//!
//! To add a story, copy a folder of `tests/plants`. To accept a change, run with `UPDATE=1` and read the diff.

use std::path::Path;

use contract::{
    Alarm, Batch, Event, FieldKind, Moment, Notice, Origin, Quality, Record, TagId, Thing, Trouble, Value,
};
use serde::Deserialize;

use portevoix::episode::{Act, Role};

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
    /// The gateway is killed, and started again.
    #[serde(default)]
    restart: bool,
    /// This file of the folder is the configuration from now on.
    reload: Option<String>,
    /// A part of the first source is in trouble, or mended.
    trouble: Option<Trouble>,
    mended: Option<(Thing, String)>,
    /// What another system says of one of its alarms.
    alarm: Option<AlarmLine>,
    /// Every alarm of this tag follows in this line.
    refresh: Option<(String, Vec<AlarmLine>)>,
    /// A row of a list.
    record: Option<RecordLine>,
    /// All rows of a list follow in this line.
    whole: Option<(String, Vec<Vec<serde_json::Value>>)>,
}

/// One line of `replies.jsonl`: what a person wants, of which rule of which machine.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyLine {
    /// When.
    now: String,
    machine: String,
    rule: String,
    act: Act,
    /// Who: `operator` may shelve for half an hour, `maintenance` for a shift and take out of service.
    role: String,
    /// Why it is refused, if it is.
    refused: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AlarmLine {
    tag: Option<String>,
    key: String,
    message: String,
    severity: u16,
    active: bool,
    #[serde(default)]
    acknowledged: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordLine {
    list: String,
    fields: Vec<serde_json::Value>,
}

impl AlarmLine {
    fn event(&self, tag: TagId, at: Option<Moment>, origin: Origin) -> Event {
        Event::Alarm(Alarm {
            tag,
            key: self.key.as_str().into(),
            name: self.key.as_str().into(),
            message: self.message.as_str().into(),
            severity: self.severity,
            is_active: self.active,
            is_acknowledged: Some(self.acknowledged),
            at,
            origin,
        })
    }
}

/// A row as a source would make it: the fields in the order of the configuration's list.
fn record(plant: &Plant, list: &str, fields: &[serde_json::Value]) -> Event {
    let plan = plant.plan.lists.iter().find(|plan| plan.name == list).expect(list);
    let value = |(value, kind): (&serde_json::Value, FieldKind)| match value {
        serde_json::Value::Number(number) => Some(Value::Number(number.as_f64().unwrap())),
        serde_json::Value::Bool(flag) => Some(Value::Flag(*flag)),
        serde_json::Value::String(words) if kind == FieldKind::Time => Some(Value::Time(moment(words))),
        serde_json::Value::String(words) => Some(Value::Text(words.as_str().into())),
        _ => None,
    };
    let kinds = plan.section.field.values().map(|field| field.r#type);
    let fields: Box<[Option<Value>]> = fields.iter().zip(kinds).map(value).collect();
    let words = |name: &String| match &fields[plan.section.index(name).unwrap()] {
        Some(Value::Text(words)) => words.to_string(),
        other => panic!("expected the words of a key, found {other:?}"),
    };
    let key = plan.section.key.iter().map(words).collect::<Vec<_>>().join("\u{1F}").into();
    Event::Record(Record { list: plan.id, key, fields, at: None, origin: Origin::Live })
}

/// What a line says that is no sample.
fn batch(plant: &Plant, line: &Line) -> Batch {
    let at = line.at.as_deref().map(moment);
    let mut batch = Batch::default();
    batch.notices.extend(line.trouble.clone().map(Notice::Trouble));
    batch.notices.extend(line.mended.clone().map(|(thing, name)| Notice::Mended(thing, name)));
    if let Some(alarm) = &line.alarm {
        let tag = plant.tag(alarm.tag.as_deref().expect("an alarm names its tag"));
        batch.events.push(alarm.event(tag, at, Origin::Live));
    }
    if let Some((tag, alarms)) = &line.refresh {
        let tag = plant.tag(tag);
        batch.events.push(Event::Refreshing(tag));
        batch.events.extend(alarms.iter().map(|alarm| alarm.event(tag, at, Origin::Retained)));
        batch.events.push(Event::Refreshed(tag));
    }
    if let Some(line) = &line.record {
        batch.events.push(record(plant, &line.list, &line.fields));
    }
    if let Some((list, rows)) = &line.whole {
        let id = plant.plan.lists.iter().find(|plan| plan.name == *list).expect(list).id;
        batch.events.push(Event::Begin(id));
        batch.events.extend(rows.iter().map(|fields| record(plant, list, fields)));
        batch.events.push(Event::Whole(id));
    }
    batch
}

fn reply(plant: &mut Plant, line: &ReplyLine, now: Moment) {
    let is_operator = line.role == "operator";
    let minutes = if is_operator { 30 } else { 8 * 60 };
    let shelve_max = std::time::Duration::from_secs(minutes * 60);
    let role = Role { name: line.role.clone(), shelve_max, may_disable: !is_operator };
    let done = plant.middle.act((&line.machine, &line.rule), &line.act, &role, now);
    assert_eq!(done.err().map(|why| format!("{why:?}")), line.refused, "{}", line.now);
    plant.settle(now);
}

fn moment(text: &str) -> Moment {
    Moment::from_ms(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

fn tell(folder: &Path) -> String {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let text = read("samples.jsonl");
    let lines: Vec<Line> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let replies = std::fs::read_to_string(folder.join("replies.jsonl")).unwrap_or_default();
    let replies: Vec<ReplyLine> =
        replies.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let mut replies = replies.iter().peekable();
    let mut now = moment(&lines[0].now);
    let mut plant = Plant::new(&read("plant.toml"), now);
    for line in &lines {
        let then = moment(&line.now);
        while now < then {
            now = now.plus(std::time::Duration::from_secs(1)).min(then);
            plant.settle(now);
            while let Some(line) = replies.next_if(|line| moment(&line.now) <= now) {
                reply(&mut plant, line, now);
            }
        }
        if let Some(is_down) = line.down {
            plant.boards[0].is_down = is_down;
        }
        if let Some(is_up) = line.connected {
            plant.middle.source(0, (!is_up).then(|| "connection refused".into()), now);
        }
        if line.restart {
            plant.restart(now);
        }
        if let Some(file) = &line.reload {
            plant.reload(&read(file), now);
        }
        let other = batch(&plant, line);
        plant.middle.take(0, other, now);
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
