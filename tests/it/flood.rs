//! A flood: five hundred tags that toggle at random among ten thousand readings a second, and three alarms that ask
//! to act now in the middle of it.
//!
//! `PORTEVOIX_FLOOD=10000` is the rate of the promise; without it, a tenth. A second test is a program that does not see
//! the flood, and must break the figures.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;
use std::time::{Duration, Instant};

use contract::{Batch, Moment, Origin, Priority, TagId, Value};

use crate::board::{Plant, sample};

const POSTS: usize = 1_000;
const TOGGLING: usize = 500;
/// So few machines behind each gateway of the mutant.
const FEW: usize = 5;

/// What is promised of each channel: posts in the first ten minutes, in the hour after them, edits in a minute.
const FIRST_MAX: usize = 15;
const POSTS_MAX: usize = 12;
const EDITS_MAX: usize = 1;

const BEGUN: i64 = 1_795_500_000_000;
const HOUR: i64 = 3_600;

/// A small generator of numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }
}

/// The posts of these numbers, and as many barriers as asked for.
fn plant(posts: Range<usize>, stops: usize) -> Plant {
    let mut toml = String::from(
        "[site]\nname = \"Usine de Vitré\"\nlanguage = \"fr\"\ntimezone = \"Europe/Paris\"\n\
         [source.mqtt.a]\nurl = \"mqtt://127.0.0.1:1883\"\n[network.wall.local]\n\
         [class.post.tag.v]\nsource = \"a\"\ntopic = \"p/{machine}\"\nname = \"pression d'air\"\nunit = \"bar\"\n\
         [class.post.rule.limit.low]\ntag = \"v\"\nbelow = 5\npriority = 2\ndo.fr = \"Ouvrir la vanne.\"\n\
         [class.stop.tag.v]\nsource = \"a\"\ntopic = \"s/{machine}\"\nname = \"arrêt d'urgence\"\n\
         [class.stop.rule.limit.pulled]\ntag = \"v\"\nabove = 0.5\npriority = 1\ndo.fr = \"Aller sur place.\"\n",
    );
    for machine in posts {
        writeln!(
            toml,
            "[machine.post-{machine}]\nclass = \"post\"\nname = \"Poste {machine}\"\n\
             place = \"Vitré/Ligne {}\"",
            machine % 7
        )
        .unwrap();
    }
    for machine in 0..stops {
        writeln!(toml, "[machine.stop-{machine}]\nclass = \"stop\"\nname = \"Barrière {machine}\"").unwrap();
    }
    Plant::new(&toml, Moment::from_ms(BEGUN))
}

/// What the machines say, second by second: five hundred toggle for an hour and ten minutes.
struct Hall {
    dice: Dice,
    low: Vec<bool>,
    rate: usize,
}

impl Hall {
    fn new(rate: usize) -> Hall {
        Hall { dice: Dice(42), low: vec![false; TOGGLING], rate }
    }

    /// The post and its value, for each reading of a second. Ten minutes are at the full rate.
    fn say(&mut self, second: i64) -> Vec<(usize, f64)> {
        let count = if second < 600 { self.rate } else { self.rate / 10 };
        let mut said = Vec::with_capacity(count);
        for _ in 0..count {
            let at = self.dice.roll(POSTS);
            if at < TOGGLING && self.dice.roll(20) == 0 {
                self.low[at] = !self.low[at];
            }
            said.push((at, if at < TOGGLING && self.low[at] { 4.0 } else { 6.0 }));
        }
        said
    }
}

/// What was told on one channel: when, what, how urgent.
type Told = Vec<(Moment, &'static str, Priority)>;

/// What readers had to bear.
#[derive(Debug, Clone, Copy)]
struct Figures {
    /// Posts in the first ten minutes, and in the hour after them.
    first: usize,
    posts: usize,
    /// The most edits and answers in one minute of that hour.
    edits: usize,
}

impl Figures {
    fn of(told: &Told) -> Figures {
        let minute = |moment: Moment| (moment.as_ms() - BEGUN) / 60_000;
        let later = told.iter().filter(|(at, ..)| minute(*at) >= 10);
        let posts = later.clone().filter(|(_, what, _)| *what == "posts").count();
        let mut edits: BTreeMap<i64, usize> = BTreeMap::new();
        for (at, ..) in later.filter(|(_, what, _)| *what != "posts") {
            *edits.entry(minute(*at)).or_default() += 1;
        }
        let first = told.iter().filter(|(at, what, _)| minute(*at) < 10 && *what == "posts").count();
        Figures { first, posts, edits: edits.values().copied().max().unwrap_or(0) }
    }
}

#[test]
fn a_flood_is_one_post_and_what_is_urgent_is_told_at_once() {
    let rate: usize = std::env::var("PORTEVOIX_FLOOD").map_or(1_000, |rate| rate.parse().unwrap());
    let mut plant = plant(0..POSTS, 3);
    let stop: Vec<TagId> = (0..3).map(|at| plant.tag(&format!("stop-{at}/v"))).collect();
    let posts: Vec<TagId> = (0..POSTS).map(|at| plant.tag(&format!("post-{at}/v"))).collect();
    let mut hall = Hall::new(rate);
    let mut most_rows = 0;
    let started = Instant::now();
    for second in 0..600 + HOUR {
        let now = Moment::from_ms(BEGUN + second * 1_000);
        let mut batch = Batch::default();
        for (at, value) in hall.say(second) {
            batch.samples.push(sample(posts[at], Value::Number(value), None, Origin::Live));
        }
        if [100, 320, 540].contains(&second) {
            let tag = stop[usize::try_from(second / 220).unwrap()];
            batch.samples.push(sample(tag, Value::Number(1.0), None, Origin::Live));
        }
        plant.take(batch, now);
        plant.settle(now);
        most_rows = most_rows.max(plant.row_count());
    }
    let took = started.elapsed();
    let told = &plant.boards[0].told;
    let Figures { first, posts, edits } = Figures::of(told);
    println!(
        "flood at {rate}/s | posts in the first ten minutes {first}, in the hour after {posts}, edits a minute at most \
         {edits}, rows kept at most {most_rows}, {took:?}"
    );
    if let Ok(path) = std::env::var("PORTEVOIX_FLOOD_LOG") {
        std::fs::write(path, &plant.boards[0].log).unwrap();
    }
    assert!(posts <= POSTS_MAX, "{posts} posts in an hour");
    assert!(edits <= EDITS_MAX, "{edits} edits in a minute");
    for second in [100, 320, 540] {
        let due = Moment::from_ms(BEGUN + second * 1_000);
        let is_told = told.iter().any(|(at, what, priority)| {
            let is_soon = *at >= due && at.since(due) <= Duration::from_secs(5);
            *what == "posts" && *priority == Priority::Urgent && is_soon
        });
        assert!(is_told, "the alarm at {second} s is not told within five seconds");
    }
    assert!(first <= FIRST_MAX, "{first} posts in the first ten minutes");
    // Every row belongs to a condition, a thread that may come back, or the flood.
    assert!(most_rows <= 4_000, "{most_rows} rows");
}

/// The same machines behind a gateway for every five of them, all on one channel: no watch ever sees more than five
/// alarms in ten minutes, and no lane is ever calmed. So this is a program that is blind to floods.
#[test]
fn where_nobody_sees_the_flood_its_figures_are_broken() {
    let mut plants: Vec<Plant> = (0..TOGGLING / FEW).map(|at| plant(at * FEW..(at + 1) * FEW, 0)).collect();
    let mut hall = Hall::new(1_000);
    for second in 0..600 + HOUR {
        let now = Moment::from_ms(BEGUN + second * 1_000);
        for (at, value) in hall.say(second).into_iter().filter(|(at, _)| *at < TOGGLING) {
            let tag = TagId(u32::try_from(at % FEW).unwrap());
            plants[at / FEW].say(sample(tag, Value::Number(value), None, Origin::Live), now);
        }
        plants.iter_mut().for_each(|plant| plant.settle(now));
    }
    let told = plants.iter().flat_map(|plant| plant.boards[0].told.iter().copied()).collect();
    let Figures { first, posts, edits } = Figures::of(&told);
    println!(
        "blind to the flood | posts in the first ten minutes {first}, in the hour after {posts}, edits a minute at most \
         {edits}"
    );
    assert!(first > FIRST_MAX, "{first} posts in the first ten minutes");
    assert!(posts > POSTS_MAX, "{posts} posts in an hour");
    assert!(edits > EDITS_MAX, "{edits} edits in a minute");
}
