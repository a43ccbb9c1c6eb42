//! How fast a replay is: thirty days of a plant with a thousand tags that speak every ten seconds, 260 million readings,
//! made as they are played so that no file is measured.
//!
//! `cargo bench --bench replay`, or with the days and how the readings come: `-- 30 together`, `-- 3 apart`.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement says what it measured")]

use std::fmt::Write;
use std::time::Instant;

use contract::{Moment, Origin, Quality, Sample, TagId, Value};
use portevoix::config;
use portevoix::replay::files::{Row, Said};
use portevoix::replay::{Tally, play};

const TAGS: u32 = 1_000;
const BEGUN: i64 = 1_795_500_000_000;
const EVERY_MS: i64 = 10_000;

/// A hundred machines with ten tags each, one limit rule on each tag.
fn plant() -> String {
    let mut toml = String::from(
        "[site]\nname = \"Usine de Vitré\"\nlanguage = \"fr\"\ntimezone = \"Europe/Paris\"\n\
         [source.mqtt.a]\nurl = \"mqtt://127.0.0.1:1883\"\n[network.wall.local]\n",
    );
    for tag in 0..10 {
        write!(
            toml,
            "[class.press.tag.t{tag}]\nsource = \"a\"\ntopic = \"p/{{machine}}/{tag}\"\nunit = \"°C\"\n\
             [class.press.rule.limit.hot-{tag}]\ntag = \"t{tag}\"\nabove = 80\nclear = 75\non_delay = \"30s\"\n"
        )
        .unwrap();
    }
    for machine in 0..100 {
        writeln!(toml, "[machine.press-{machine}]\nclass = \"press\"\nname = \"Presse {machine}\"").unwrap();
    }
    toml
}

/// Values that wander around 60, and over 80 now and then: about a hundred episodes a day.
struct Source {
    dice: u64,
    values: Vec<f32>,
    at: u64,
    count: u64,
    /// The tags speak one after the other, each at its own moment.
    is_apart: bool,
}

impl Source {
    fn next(&mut self) -> Option<Row> {
        if self.at == self.count {
            return None;
        }
        let tag = (self.at % u64::from(TAGS)) as u32;
        let round = (self.at / u64::from(TAGS)) as i64;
        self.at += 1;
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        let step = (self.dice >> 40) as f32 / (1u32 << 24) as f32 - 0.5;
        let value = &mut self.values[tag as usize];
        *value += step - 0.001 * (*value - 60.0);
        let apart = if self.is_apart { i64::from(tag) * EVERY_MS / i64::from(TAGS) } else { 0 };
        let now = Moment::from_ms(BEGUN + round * EVERY_MS + apart);
        let sample = Sample {
            tag: TagId(tag),
            value: Value::Number(f64::from(*value)),
            quality: Quality::Good,
            at: None,
            origin: Origin::Live,
        };
        Some(Row { now, source: 0, said: Said::Sample(sample) })
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let days: u64 = words.first().map_or(3, |days| days.parse().unwrap());
    let is_apart = words.get(1).is_some_and(|how| how == "apart");
    let plan = config::read(vec![("plant.toml".into(), plant())]).unwrap();
    let count = days * 8_640 * u64::from(TAGS);
    let mut source = Source { dice: 42, values: vec![60.0; TAGS as usize], at: 0, count, is_apart };
    let started = Instant::now();
    let mut made = 0.0;
    while let Some(row) = source.next() {
        made +=
            if let Said::Sample(Sample { value: Value::Number(value), .. }) = row.said { value } else { 0.0 };
    }
    let floor = started.elapsed();
    let mut source = Source { dice: 42, values: vec![60.0; TAGS as usize], at: 0, count, is_apart };
    let mut tally = Tally::new(&plan, None);
    let started = Instant::now();
    let played = play(&plan, &mut || source.next(), &mut tally).unwrap().unwrap();
    let took = started.elapsed();
    let report = tally.report(played);
    println!(
        "{days} days, {} readings, {} | {:.2} s, {:.2} million readings/s, {:.0} ns each, of which {:.0} ns to make them \
         (mean {:.1}) | {} posts, {} edits, {} episodes, flood {:.0} s",
        report.readings,
        if is_apart { "apart" } else { "together" },
        took.as_secs_f64(),
        report.readings as f64 / took.as_secs_f64() / 1e6,
        took.as_nanos() as f64 / report.readings as f64,
        floor.as_nanos() as f64 / report.readings as f64,
        made / count as f64,
        report.posts,
        report.edits,
        report.episodes,
        report.flood_s,
    );
}
