//! Files of readings, in all the ways in which people write them.

use std::path::PathBuf;

use contract::{Moment, Quality, Value};

use super::files::{Row, Said};
use super::{Names, Recording, Tally, play};
use crate::config::{self, Plan};
use crate::replay::advice::{Spreads, advise};

const PLANT: &str = r#"
[site]
name = "Usine"
language = "en"
timezone = "Europe/Paris"
[network.wall.local]
[source.exec.plc]
command = ["cat"]
[class.press.tag.oil]
source = "plc"
called = "{machine}/oil"
unit = "°C"
[class.press.tag.air]
source = "plc"
called = "{machine}/air"
[class.press.rule.limit.hot]
tag = "oil"
above = 80
clear = 80
[machine.press-1]
class = "press"
[machine.press-2]
class = "press"
"#;

fn plan() -> Plan {
    config::read(vec![("plant.toml".into(), PLANT.into())]).unwrap()
}

/// A file that is gone when the test is over.
pub struct File(pub PathBuf);

impl File {
    fn new(name: &str, text: &str) -> File {
        let path = std::env::temp_dir().join(format!("portevoix-replay-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        File(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Plays the files and draws each row: time, tag, value; then what was left out.
#[track_caller]
fn check(files: &[(&str, &str)], rows: &[&str], left_out: &[&str]) {
    let names = Names::new(&plan());
    let files: Vec<File> = files.iter().map(|(name, text)| File::new(name, text)).collect();
    let paths: Vec<PathBuf> = files.iter().map(|file| file.0.clone()).collect();
    let mut recording = Recording::open(&paths, &names).unwrap();
    let mut drawn = Vec::new();
    for row in recording.by_ref() {
        drawn.push(draw(&row));
    }
    assert_eq!(drawn, rows);
    let troubles = recording.end().unwrap();
    let start = format!("-{}-", std::process::id());
    let of = |line: &String| line.split_once(&start).map_or("", |(_, end)| end).to_owned();
    let mut told: Vec<String> = troubles.named.iter().map(of).collect();
    told.extend(troubles.unknown.iter().map(|(tag, (count, why))| format!("{count} {tag}: {why}")));
    told.extend((troubles.late > 0).then(|| format!("{} late", troubles.late)));
    assert_eq!(told, left_out);
}

fn draw(row: &Row) -> String {
    let Said::Sample(sample) = &row.said else { return format!("{:?}", row.said) };
    let time = jiff::Timestamp::from_millisecond(row.now.as_ms()).unwrap();
    let value = match (&sample.quality, &sample.value) {
        (Quality::Bad(why), _) => format!("bad: {why}"),
        (_, Value::Number(number)) => number.to_string(),
        (_, other) => format!("{other:?}"),
    };
    format!("{} {} {value}", time.strftime("%d %H:%M:%S"), sample.tag.0)
}

#[test]
fn a_line_for_each_reading() {
    check(
        &[(
            "a.csv",
            "time,tag,value,quality\n\
             2026-11-23T14:00:00+01:00,press-1/oil,84.2,good\n\
             2026-11-23 14:00:01,press-1/oil,,\n\
             1795438802,press-2/air,true,192\n\
             2026-11-23T14:00:03.5,press-2/oil,61,sensor\n\
             2026-11-23T14:00:04,press-1/oil,62,bad\n\
             soon,press-1/oil,1,\n\
             2026-11-23T14:00:05,press-1/oli,1,\n\
             2026-11-23T14:00:06\n",
        )],
        &[
            "23 13:00:00 0 84.2",
            "23 13:00:01 0 bad: no value",
            "23 13:00:02 3 Flag(true)",
            "23 13:00:04 0 bad: bad",
        ],
        &[
            "a.csv:5: found the quality `sensor`, expected good, uncertain, bad, or 64 to 255 of OPC",
            "a.csv:7: found `soon`, expected a time such as 2026-11-23T05:02 or 23/11/2026 05:02; else name its `format`",
            "a.csv:9: 1 columns, expected at least 2",
            "1 press-1/oli: no tag `press-1/oli` is configured; did you mean `press-1/oil`?",
        ],
    );
}

#[test]
fn a_column_for_each_tag_as_excel_writes_it_in_french() {
    check(
        &[(
            "b.csv",
            "\u{FEFF}Horodatage;press-1/oil;\"press-2/oil\";press-3/oil\r\n\
             23/11/2026 14:00;84,2;1 061,5;1\r\n\
             23/11/2026 14:01:30;;\"61\";1\r\n\
             23/11/2026 14:02;\"84;61\r\n",
        )],
        &["23 13:00:00 0 84.2", "23 13:00:00 2 1061.5", "23 13:01:30 2 61"],
        &[
            "b.csv:4: a quote that nobody closes",
            "1 press-3/oil: no tag `press-3/oil` is configured; did you mean `press-1/oil`? (FILE:1)",
        ]
        .map(|line| line.replace("FILE", &File::new("b.csv", "").0.display().to_string()))
        .each_ref()
        .map(String::as_str),
    );
}

/// A file for each tag, as historians export them, and one that is a little out of order.
#[test]
fn files_are_put_in_order_and_merged() {
    check(
        &[
            (
                "c.csv",
                "time,tag,value\n2026-11-23T13:00:20Z,press-1/oil,3\n2026-11-23T13:00:00Z,press-1/oil,1\n",
            ),
            (
                "d.jsonl",
                "{\"time\":\"2026-11-23T13:00:10Z\",\"tag\":\"press-2/oil\",\"value\":2}\n\n{\"tme\":1}\n",
            ),
        ],
        &["23 13:00:00 0 1", "23 13:00:10 2 2", "23 13:00:20 0 3"],
        &[
            "d.jsonl:3: unknown field `tme`, expected one of `now`, `time`, `at`, `tag`, `value`, `retained`, \
             `backfill`, `quality`, `bad`, `source`, `connected`, `trouble`, `mended`, `alarm`, `refresh`, \
             `refreshing`, `refreshed`, `record`, `whole`, `begin`, `ended`, `partly`, `gone`, `there`, `said_all`, \
             `down`, `restart`…",
        ],
    );
}

#[test]
fn the_hour_that_a_clock_change_repeats_goes_on() {
    check(
        &[(
            "e.csv",
            "time,tag,value\n2026-10-25 02:30:00,press-1/oil,1\n2026-10-25 02:59:00,press-1/oil,2\n\
             2026-10-25 02:01:00,press-1/oil,3\n2026-10-25 03:00:00,press-1/oil,4\n",
        )],
        &["25 00:30:00 0 1", "25 00:59:00 0 2", "25 01:01:00 0 3", "25 02:00:00 0 4"],
        &[],
    );
}

/// What lies far behind arrives late, as it would at the plant, and is counted.
#[test]
fn what_is_far_behind_is_late() {
    let names = Names::new(&plan());
    let file = File::new(
        "f.csv",
        "time,tag,value\n2026-11-23T13:00:30Z,press-1/oil,1\n2026-11-23T13:00:40Z,press-1/oil,2\n\
         2026-11-23T13:00:50Z,press-1/oil,3\n2026-11-23T13:00:00Z,press-2/oil,4\n",
    );
    let mut recording = Recording::with_window(std::slice::from_ref(&file.0), &names, 2).unwrap();
    let rows: Vec<Row> = std::iter::from_fn(|| recording.next()).collect();
    let drawn: Vec<String> = rows.iter().map(draw).collect();
    assert_eq!(drawn, ["23 13:00:30 0 1", "23 13:00:40 0 2", "23 13:00:40 2 4", "23 13:00:50 0 3"]);
    let Said::Sample(sample) = &rows[2].said else { panic!("{:?}", rows[2]) };
    assert_eq!(rows[2].now.since(sample.at.unwrap()).as_secs(), 40);
    assert_eq!(recording.end().unwrap().late, 1);
}

/// Noise around the limit: what is advised, played, makes as many posts as was said, and no more than allowed.
#[test]
fn advice_holds_when_it_is_followed() {
    let mut dice = 42u64;
    let mut values = Vec::new();
    for minute in 0..3 * 1_440u32 {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let noise = (dice >> 40) as f64 / f64::from(1u32 << 24) * 4.0 - 2.0;
        let wave = 3.0 * (f64::from(minute) / 20.0).sin();
        values.push(76.0 + wave + noise);
    }
    let rows = |tag| {
        let begun = Moment::from_ms(1_795_500_000_000);
        values.iter().enumerate().map(move |(at, value)| Row {
            now: begun.plus(std::time::Duration::from_secs(60 * at as u64)),
            source: 0,
            said: Said::Sample(contract::Sample {
                tag,
                value: Value::Number(*value),
                quality: Quality::Good,
                at: None,
                origin: contract::Origin::Live,
            }),
        })
    };
    let plan = plan();
    let tag = Names::new(&plan).tag("press-1/oil").unwrap().0;
    let mut spreads = Spreads::new(&plan);
    rows(tag).for_each(|row| spreads.see(&row));
    let key = ("press-1".to_owned(), "limit.hot".to_owned());
    let episodes = |plan: &Plan| {
        let (mut rows, mut tally) = (rows(tag), Tally::new(plan, None));
        let played = play(plan, &mut || rows.next(), &mut tally).unwrap().unwrap();
        tally.report(played).episodes
    };
    let today = episodes(&plan);
    let mut all = rows(tag);
    let found = advise(plan, &[key], &spreads, 4.0, &mut || all.next()).unwrap();
    let advice = &found[0];
    assert_eq!((found.len(), advice.now.posts, advice.allowed), (1, today, 11));
    assert!(today > 11 && advice.then.posts <= 11, "{advice:?}");
    let text = format!("clear = {}\non_delay = \"{}s\"", advice.then.clear, advice.then.on_delay_s);
    let mended = config::read(vec![("plant.toml".into(), PLANT.replace("clear = 80", &text))]).unwrap();
    assert_eq!(episodes(&mended), advice.then.posts, "{advice:?}");
}
