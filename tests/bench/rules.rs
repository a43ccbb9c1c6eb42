//! What a reading costs, by kind of rule: nanoseconds in the judge alone and through the turn, bytes of state, and a
//! loop for callgrind, which counts instructions.
//!
//! ```text
//! cargo bench --bench rules                              nanoseconds
//! cargo bench --bench rules -- judge/limit               those of one kind
//! cargo bench --bench rules -- memory                    bytes for each tag and rule
//! cargo bench --bench rules -- play judge limit 100000   so many readings of 1,000 tags, for instructions.py
//! ```

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement says what it measured")]

use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use contract::{Batch, Moment, Origin, Quality, Sample, TagId, Value};
use criterion::Criterion;
use jiff::tz::TimeZone;
use portevoix::reading::Reading;
use portevoix::replay::ABLE;
use portevoix::rule::expression::{Name, Names, Rule, Section as Claim};
use portevoix::rule::{Judge, Section};
use portevoix::turn::{Kept, Middle};
use portevoix::{config, rule};

/// A Monday, 00:00 in UTC.
const BEGUN: i64 = 1_795_392_000_000;
const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600_000;

/// What `app` hands over at a time when much comes.
const BATCH: u64 = 1_000;

/// How a tag speaks.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Speaks {
    /// A temperature, around 60.
    Wanders,
    /// 0 and 1 in turn.
    Beats,
    /// 0 and 1, each for eight seconds.
    Steps,
}

/// A rule, as it is measured.
struct Kind {
    /// What it is called here.
    name: &'static str,
    /// The word of its kind.
    word: &'static str,
    keys: &'static str,
    speaks: Speaks,
    /// It hears a second tag too.
    is_pair: bool,
    /// It must know the weeks before.
    has_past: bool,
}

const fn kind(name: &'static str, word: &'static str, keys: &'static str) -> Kind {
    Kind { name, word, keys, speaks: Speaks::Wanders, is_pair: false, has_past: false }
}

const MEAN: &str = "over = '10m'\nfigure = 'mean'\nabove = 80";
const KINDS: &[Kind] = &[
    kind("limit", "limit", "above = 80\nclear = 75"),
    kind("stale", "stale", "after = '1h'"),
    kind("rate", "rate", "over = '2m'\nabove = 1000"),
    Kind { speaks: Speaks::Beats, ..kind("count", "count", "over = '10m'\nabove = 100000") },
    kind("mean, tumbling", "window", "over = '10m'\nfigure = 'mean'\nmoves = 'tumbling'\nabove = 80"),
    kind("mean, sliding", "window", MEAN),
    kind("quantile", "window", "over = '10m'\nfigure = 'quantile'\nquantile = 0.95\nabove = 80"),
    Kind { is_pair: true, ..kind("compare, two tags", "compare", "tolerance = 50\non_delay = '2s'") },
    Kind { has_past: true, ..kind("compare, its past", "compare", "times = 10\nweeks_min = 1") },
    Kind { speaks: Speaks::Steps, ..kind("state", "state", "in = [3]\nlonger = '1h'") },
    Kind { speaks: Speaks::Beats, ..kind("heartbeat", "heartbeat", "every = '1m'") },
    kind("expression", "expression", "t > 80.0 && t < 200.0"),
    kind("expression, mean", "expression", "avg(t, '10m') > 80.0"),
];

/// The simple ones, whose state must stay small.
const SIMPLE: &[&str] = &["limit", "stale", "heartbeat"];

/// The tags of a plant that speak in turn, each once a second.
struct Turns {
    tags: u32,
    tag: u32,
    round: i64,
    now: i64,
    every: i64,
    dice: u64,
    speaks: Speaks,
}

impl Turns {
    fn new(kind: &Kind, tags: u32) -> Turns {
        Turns { tags, tag: 0, round: 0, now: BEGUN, every: SECOND, dice: 42, speaks: kind.speaks }
    }

    /// Which tag speaks now, when, and what it says.
    #[inline]
    fn next(&mut self) -> (u32, Moment, f64) {
        let said = (self.tag, Moment::from_ms(self.now), self.value());
        self.tag += 1;
        if self.tag == self.tags {
            (self.tag, self.round, self.now) = (0, self.round + 1, self.now + self.every);
        }
        said
    }

    fn value(&mut self) -> f64 {
        match self.speaks {
            // 60 to 61 without a pattern (xorshift).
            Speaks::Wanders => {
                self.dice ^= self.dice << 13;
                self.dice ^= self.dice >> 7;
                self.dice ^= self.dice << 17;
                60.0 + (self.dice >> 44) as f64 / (1 << 20) as f64
            }
            Speaks::Beats => (self.round & 1) as f64,
            Speaks::Steps => (self.round >> 3 & 1) as f64,
        }
    }
}

/// So many rounds that windows are full, weeks are known, and cells are merged where many come; then the pace of a
/// second.
fn fill(turns: &mut Turns, has_past: bool, mut play: impl FnMut(&mut Turns, u64)) {
    let tags = u64::from(turns.tags);
    if has_past {
        turns.every = HOUR;
        play(turns, tags * 24 * 7 * 5);
    }
    turns.every = SECOND;
    play(turns, tags * if tags > 10_000 { 150 } else { 700 });
}

/// Judges alone: one for each tag.
enum Judges {
    Wired(Vec<Judge>, bool),
    Claims(Vec<Rule>),
}

impl Judges {
    fn new(kind: &Kind, tags: u32) -> Judges {
        let now = Moment::from_ms(BEGUN);
        if kind.word == "expression" {
            let section: Claim =
                toml::from_str(&format!("when = \"{}\"\nsay = 'huile chaude'", kind.keys)).unwrap();
            let names = Names { own: vec![Name::tag("t", Some("°C"))], machines: Vec::new() };
            let rule = || Rule::new(section.compile(&names).unwrap(), now);
            return Judges::Claims((0..tags).map(|_| rule()).collect());
        }
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let keys = kind.keys.replace("on_delay = '2s'", "");
        let with = if kind.is_pair { "with = 'u'" } else { "" };
        let table = format!("tag = 't'\n{with}\n{keys}");
        let section = section(kind.word, &table);
        Judges::Wired((0..tags).map(|_| section.judge(&zone, now).unwrap()).collect(), kind.is_pair)
    }

    #[inline]
    fn hear(&mut self, (tag, at, value): (u32, Moment, f64)) {
        let (tag, number) = (tag as usize, TagId(tag));
        let reading = Reading {
            tag: number,
            value: Some(value),
            at,
            received: at,
            origin: Origin::Live,
            is_timed: true,
        };
        match self {
            Judges::Wired(judges, is_pair) => {
                let (judge, which) = if *is_pair { (tag & !1, tag & 1) } else { (tag, 0) };
                black_box(judges[judge].hear(which, &reading, true));
            }
            Judges::Claims(rules) => {
                black_box(rules[tag].hear(0, &reading));
            }
        }
    }

    fn play(&mut self, turns: &mut Turns, readings: u64) {
        for _ in 0..readings {
            self.hear(turns.next());
        }
    }
}

fn section(word: &str, table: &str) -> Section {
    match word {
        "limit" => Section::Limit(toml::from_str(table).unwrap()),
        "stale" => Section::Stale(toml::from_str(table).unwrap()),
        "rate" => Section::Rate(toml::from_str(table).unwrap()),
        "count" => Section::Count(toml::from_str(table).unwrap()),
        "window" => Section::Window(toml::from_str(table).unwrap()),
        "compare" => Section::Compare(toml::from_str(table).unwrap()),
        "state" => Section::State(toml::from_str(table).unwrap()),
        "heartbeat" => Section::Heartbeat(toml::from_str(table).unwrap()),
        _ => unreachable!("{word} is none of {:?}", rule::kinds::NAMES),
    }
}

/// A whole plant: machines of one class, one rule on each tag, or on each pair.
fn plan(kind: &Kind, machines: u32, tags: u32) -> config::Plan {
    let mut toml = String::from(
        "[site]\nname = 'Usine de Vitré'\nlanguage = 'fr'\ntimezone = 'Europe/Paris'\n\
         [source.mqtt.a]\nurl = 'mqtt://127.0.0.1:1883'\n[network.wall.local]\n",
    );
    for tag in 0..tags {
        write!(toml, "[class.press.tag.t{tag}]\nsource = 'a'\ntopic = 'p/{{machine}}/{tag}'\nunit = '°C'\n")
            .unwrap();
        if kind.is_pair && tag % 2 == 1 {
            continue;
        }
        let with =
            if kind.is_pair { format!("with = 't{}'\n", (tag + 1).min(tags - 1)) } else { String::new() };
        let (word, keys) = (kind.word, kind.keys);
        write!(toml, "[class.press.rule.{word}.r{tag}]\ntag = 't{tag}'\n{with}{keys}\n").unwrap();
    }
    for machine in 0..machines {
        writeln!(toml, "[machine.m{machine}]\nclass = 'press'").unwrap();
    }
    config::read(vec![("plant.toml".into(), toml)]).unwrap()
}

fn middle(plan: &config::Plan) -> Middle {
    let now = Moment::from_ms(BEGUN);
    let mut middle = Middle::new(plan, &[ABLE], Kept::default(), now).unwrap();
    middle.source(0, None, now);
    middle
}

/// Batches through the turn, as `app` does it; how long that took, without making them.
fn take(middle: &mut Middle, turns: &mut Turns, readings: u64) -> Duration {
    let mut took = Duration::ZERO;
    for _ in 0..readings.div_ceil(BATCH) {
        let mut batch = Batch::default();
        let mut now = Moment::default();
        for _ in 0..BATCH {
            let (tag, at, value) = turns.next();
            now = at;
            batch.samples.push(Sample {
                tag: TagId(tag),
                value: Value::Number(value),
                quality: Quality::Good,
                at: Some(at),
                origin: Origin::Live,
            });
        }
        let started = Instant::now();
        middle.take(0, batch, now);
        middle.tick(now);
        took += started.elapsed();
    }
    took
}

/// Ten tags for each machine, as far as there are so many.
fn shape(kind: &Kind, tags: u32) -> (u32, u32) {
    let each = if kind.is_pair { 10.min(tags + tags % 2) } else { 10.min(tags) };
    (tags.div_ceil(each), each)
}

fn speed() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500))
        .sample_size(20)
        .configure_from_args();
    for kind in KINDS {
        for tags in [1, 1_000, 100_000] {
            let mut known = None;
            criterion.bench_function(&format!("judge/{}/{tags}", kind.name), |bencher| {
                let (judges, turns) = known.get_or_insert_with(|| {
                    let (mut judges, mut turns) = (Judges::new(kind, tags), Turns::new(kind, tags));
                    fill(&mut turns, kind.has_past, |turns, readings| judges.play(turns, readings));
                    (judges, turns)
                });
                bencher.iter(|| judges.hear(turns.next()));
            });
        }
        for tags in [1, 1_000, 100_000] {
            bench_turn(&mut criterion, kind, shape(kind, tags), "turn");
        }
    }
    for machines in [50, 5_000] {
        bench_turn(&mut criterion, &KINDS[0], (machines, 50_000 / machines), "machines");
    }
    criterion.final_summary();
}

fn bench_turn(criterion: &mut Criterion, kind: &Kind, (machines, each): (u32, u32), group: &str) {
    if kind.word == "expression" {
        return;
    }
    let mut known = None;
    let tags = if group == "turn" { machines * each } else { machines };
    criterion.bench_function(&format!("{group}/{}/{tags}", kind.name), |bencher| {
        let (middle, turns) = known.get_or_insert_with(|| {
            let mut middle = middle(&plan(kind, machines, each));
            let mut turns = Turns::new(kind, machines * each);
            fill(&mut turns, kind.has_past, |turns, readings| {
                take(&mut middle, turns, readings);
            });
            (middle, turns)
        });
        bencher.iter_custom(|readings| {
            let took = take(middle, turns, readings);
            took.mul_f64(readings as f64 / (readings.div_ceil(BATCH) * BATCH) as f64)
        });
    });
}

/// Resident bytes now.
fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 4096.0
}

/// What the process grows by for each tag, from 1,000 to 100,000 of them. Nothing is given back in between.
fn memory() {
    println!("size_of Judge {}, expression::Rule {}", size_of::<Judge>(), size_of::<Rule>());
    let few = 1_000;
    let many = 100_000;
    for kind in KINDS {
        let build = |tags: u32| {
            let (mut judges, mut turns) = (Judges::new(kind, tags), Turns::new(kind, tags));
            fill(&mut turns, kind.has_past, |turns, readings| judges.play(turns, readings));
            judges
        };
        let kept = build(few);
        let before = resident();
        let more = build(many - few);
        let bytes = (resident() - before) / f64::from(many - few);
        let target = if SIMPLE.contains(&kind.name) { " (at most 200)" } else { "" };
        println!("judge {:18} {bytes:6.0} bytes for each tag{target}", kind.name);
        std::mem::forget((kept, more));
    }
    let (before, limit) = (resident(), &KINDS[0]);
    let plan = plan(limit, many / 10, 10);
    let planned = resident();
    let middle = middle(&plan);
    let built = resident();
    println!(
        "turn, limit: {:.0} bytes for each tag with its rule; the plan {:.0} more",
        (built - planned) / f64::from(many),
        (planned - before) / f64::from(many),
    );
    std::mem::forget((plan, middle));
}

/// So many readings of 1,000 tags.
fn play(layer: &str, name: &str, readings: u64) {
    let kind = KINDS.iter().find(|kind| kind.name == name).unwrap();
    let tags = 1_000;
    let mut turns = Turns::new(kind, tags);
    if layer == "judge" {
        let mut judges = Judges::new(kind, tags);
        fill(&mut turns, kind.has_past, |turns, readings| judges.play(turns, readings));
        judges.play(&mut turns, readings);
    } else {
        let (machines, each) = shape(kind, tags);
        let mut middle = middle(&plan(kind, machines, each));
        fill(&mut turns, kind.has_past, |turns, readings| {
            take(&mut middle, turns, readings);
        });
        take(&mut middle, &mut turns, readings);
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["memory"] => memory(),
        ["kinds"] => KINDS.iter().for_each(|kind| println!("{}", kind.name)),
        ["play", layer, kind, readings] => play(layer, kind, readings.parse().unwrap()),
        _ => speed(),
    }
}
