//! A flood: five hundred tags that toggle at random among ten thousand readings a second, and three alarms that ask
//! to act now in the middle of it.
//!
//! `PORTEVOIX_FLOOD=10000` is the rate of the promise; without it, a tenth.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use contract::{Batch, Moment, Origin, Priority, TagId, Value};

use crate::board::{Plant, sample};

const TOGGLING: usize = 500;
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

fn plant() -> Plant {
    let mut toml = String::from(
        "[site]\nname = \"Usine de Vitré\"\nlanguage = \"fr\"\ntimezone = \"Europe/Paris\"\n\
         [source.mqtt.a]\nurl = \"mqtt://127.0.0.1:1883\"\n[network.wall.local]\n\
         [class.post.tag.v]\nsource = \"a\"\ntopic = \"p/{machine}\"\nname = \"pression d'air\"\nunit = \"bar\"\n\
         [class.post.rule.limit.low]\ntag = \"v\"\nbelow = 5\npriority = 2\ndo.fr = \"Ouvrir la vanne.\"\n\
         [class.stop.tag.v]\nsource = \"a\"\ntopic = \"s/{machine}\"\nname = \"arrêt d'urgence\"\n\
         [class.stop.rule.limit.pulled]\ntag = \"v\"\nabove = 0.5\npriority = 1\ndo.fr = \"Aller sur place.\"\n",
    );
    for machine in 0..1_000 {
        writeln!(
            toml,
            "[machine.post-{machine}]\nclass = \"post\"\nname = \"Poste {machine}\"\n\
             place = \"Vitré/Ligne {}\"",
            machine % 7
        )
        .unwrap();
    }
    for machine in 0..3 {
        writeln!(toml, "[machine.stop-{machine}]\nclass = \"stop\"\nname = \"Barrière {machine}\"").unwrap();
    }
    Plant::new(&toml, Moment::from_ms(BEGUN))
}

#[test]
fn a_flood_is_one_post_and_what_is_urgent_is_told_at_once() {
    let rate: usize = std::env::var("PORTEVOIX_FLOOD").map_or(1_000, |rate| rate.parse().unwrap());
    let mut plant = plant();
    let stop: Vec<TagId> = (0..3).map(|at| plant.tag(&format!("stop-{at}/v"))).collect();
    let posts: Vec<TagId> = (0..1_000).map(|at| plant.tag(&format!("post-{at}/v"))).collect();
    let mut dice = Dice(42);
    let mut low = vec![false; TOGGLING];
    let mut most_rows = 0;
    let started = Instant::now();
    // Ten minutes at the full rate, and the toggling for one hour more.
    for second in 0..600 + HOUR {
        let now = Moment::from_ms(BEGUN + second * 1_000);
        let count = if second < 600 { rate } else { rate / 10 };
        let mut batch = Batch::default();
        for _ in 0..count {
            let at = dice.roll(posts.len());
            if at < TOGGLING && dice.roll(20) == 0 {
                low[at] = !low[at];
            }
            let value = if at < TOGGLING && low[at] { 4.0 } else { 6.0 };
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
    let minute = |moment: Moment| (moment.as_ms() - BEGUN) / 60_000;
    let later = told.iter().filter(|(at, ..)| minute(*at) >= 10);
    let posts = later.clone().filter(|(_, what, _)| *what == "posts").count();
    let mut edits: BTreeMap<i64, usize> = BTreeMap::new();
    for (at, ..) in later.filter(|(_, what, _)| *what != "posts") {
        *edits.entry(minute(*at)).or_default() += 1;
    }
    let most_edits = edits.values().copied().max().unwrap_or(0);
    let first = told.iter().filter(|(at, what, _)| minute(*at) < 10 && *what == "posts").count();
    println!(
        "flood at {rate}/s | posts in the first ten minutes {first}, in the hour after {posts}, edits a minute at most \
         {most_edits}, rows kept at most {most_rows}, {took:?}"
    );
    if let Ok(path) = std::env::var("PORTEVOIX_FLOOD_LOG") {
        std::fs::write(path, &plant.boards[0].log).unwrap();
    }
    assert!(posts <= 12, "{posts} posts in an hour");
    assert!(most_edits <= 1, "{most_edits} edits in a minute");
    for second in [100, 320, 540] {
        let due = Moment::from_ms(BEGUN + second * 1_000);
        let is_told = told.iter().any(|(at, what, priority)| {
            let is_soon = *at >= due && at.since(due) <= Duration::from_secs(5);
            *what == "posts" && *priority == Priority::Urgent && is_soon
        });
        assert!(is_told, "the alarm at {second} s is not told within five seconds");
    }
    assert!(first <= 15, "{first} posts in the first ten minutes");
    // Every row belongs to a condition, a thread that may come back, or the flood.
    assert!(most_rows <= 4_000, "{most_rows} rows");
}
