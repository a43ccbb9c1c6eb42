//! Which deadband and on-delay would have kept a talkative rule within its posts, by trying them on a recording.
//!
//! Each setting is tried by the engine itself: one plant for each, with the rules in question alone, fed with the same
//! readings. What a setting would not have told is counted against what is told today.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use contract::settings::Wait;
use contract::{Batch, Moment, Receipt, Sample, Step, TagId};
use serde::Serialize;

use super::files::{Row, Said};
use super::lives::{Key, Life, Lives};
use super::stage::{ABLE, House, Stage};
use crate::config::{Plan, RulePlan};
use crate::outbox::{Answer, Job};
use crate::post::LanguageError;
use crate::reading::Tag;
use crate::rule::Section;
use crate::store::Write;
use crate::turn::Kept;

/// So many rules are looked at, the most talkative: the rest is for another day.
const RULES_MAX: usize = 20;

/// The on-delays that are tried, if they are longer than the one that is written.
const DELAYS: [u64; 7] = [10, 30, 60, 120, 300, 600, 900];

/// How many deadbands are tried, the present one among them.
const BANDS: usize = 6;

/// A setting of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Setting {
    /// Normal again from here.
    pub clear: f64,
    /// How long it must be abnormal before it counts, in seconds.
    pub on_delay_s: f64,
    /// Posts that it would have made.
    pub posts: u64,
}

/// What is found for one rule of one machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Advice {
    /// The key of the machine.
    pub machine: String,
    /// Kind and name of the rule.
    pub rule: String,
    /// Posts that were allowed in the whole recording.
    pub allowed: u64,
    /// As it is written.
    pub now: Setting,
    /// What would have kept it within; what comes nearest if nothing does.
    pub then: Setting,
    /// Episodes of today that it would not have told at all.
    pub missed: u64,
    /// The longest of those, in seconds.
    pub longest_missed_s: f64,
}

/// One rule that is tuned: where it stands in the plan, and what is tried.
struct Tuned {
    machine: usize,
    rule: usize,
    key: Key,
    /// The settings, the present one first; as many for each rule.
    settings: Vec<(f64, Duration)>,
}

/// How the values of a tag spread, so that deadbands of a fitting size are tried.
#[derive(Debug, Clone)]
pub struct Spread {
    tag: Tag,
    count: f64,
    mean: f64,
    squares: f64,
    last: Option<f64>,
    steps: f64,
}

/// The spreads of every tag, watched while a recording is played.
#[derive(Debug)]
pub struct Spreads(Vec<Spread>);

impl Spreads {
    /// Of the tags of a plan.
    pub fn new(plan: &Plan) -> Spreads {
        let tags = plan.machines.iter().flat_map(|machine| &machine.tags);
        let spread = |section| Spread {
            tag: Tag::new(section),
            count: 0.0,
            mean: 0.0,
            squares: 0.0,
            last: None,
            steps: 0.0,
        };
        Spreads(tags.map(|tag| spread(&tag.section)).collect())
    }

    /// One more reading.
    pub fn see(&mut self, row: &Row) {
        let Said::Sample(sample) = &row.said else { return };
        let Some(spread) = self.0.get_mut(sample.tag.0 as usize) else { return };
        let value = spread.tag.read(sample.clone(), row.now).and_then(|reading| reading.value);
        let Some(value) = value else { return };
        spread.count += 1.0;
        let off = value - spread.mean;
        spread.mean += off / spread.count;
        spread.squares += off * (value - spread.mean);
        spread.steps += spread.last.map_or(0.0, |last| (value - last).powi(2));
        spread.last = Some(value);
    }

    /// The noise from one reading to the next, and the spread of all.
    fn of(&self, tag: TagId) -> (f64, f64) {
        let spread = self.0.get(tag.0 as usize).filter(|spread| spread.count > 1.0);
        spread.map_or((0.0, 0.0), |spread| {
            ((spread.steps / spread.count / 2.0).sqrt(), (spread.squares / spread.count).sqrt())
        })
    }
}

/// Counts the episodes of one setting.
#[derive(Default)]
struct Counter {
    lives: Lives,
    receipts: u64,
}

impl House for Counter {
    fn publish(&mut self, _: usize, job: &Job, _: Moment) -> Answer {
        self.receipts += 1;
        Answer::Published(Ok(match &job.step {
            Step::Edit(receipt) => receipt.clone(),
            Step::Open | Step::Reply(_) => Receipt(self.receipts.to_string()),
        }))
    }

    fn keep(&mut self, write: Write) {
        self.lives.follow(write);
    }
}

/// What would have kept these rules (machine and rule, the most talkative first) within so many posts a day. The plan is
/// used up: its other rules are taken away.
///
/// # Errors
/// A language or time zone that this build does not know.
pub fn advise(
    mut plan: Plan,
    talkative: &[Key],
    spreads: &Spreads,
    posts_a_day: f64,
    next: &mut dyn FnMut() -> Option<Row>,
) -> Result<Vec<Advice>, LanguageError> {
    let tuned = tuned(&mut plan, talkative, spreads);
    let Some(first) = next() else { return Ok(Vec::new()) };
    let count = tuned.first().map_or(0, |tuned| tuned.settings.len());
    let mut tries = Vec::new();
    for at in 0..count {
        for tuned in &tuned {
            set(&mut plan.machines[tuned.machine].rules[tuned.rule], tuned.settings[at]);
        }
        tries.push((Stage::new(&plan, &[ABLE], Kept::default(), first.now)?, Counter::default()));
    }
    let heard = heard(&plan);
    let begun = first.now;
    let mut end = begun;
    let mut row = Some(first);
    while let Some(Row { now, source, said }) = row {
        end = now;
        match said {
            Said::Sample(sample) if heard.contains(&sample.tag) => {
                tries.iter_mut().for_each(|one| hear(one, now, source, &sample));
            }
            Said::Link(is_up) => tries.iter_mut().for_each(|one| link(one, now, source, is_up)),
            Said::Sample(_) | Said::Batch(_) => {}
        }
        row = next();
    }
    let days = (end.since(begun).as_secs_f64() / 86_400.0).max(1.0);
    let lives: Vec<HashMap<Key, Vec<&Life>>> =
        tries.iter().map(|(_, counter)| by_rule(&counter.lives)).collect();
    // A part of a post is none.
    let allowed = (posts_a_day * days).floor() as u64;
    Ok(tuned.iter().filter_map(|tuned| choose(tuned, &lives, allowed, end)).collect())
}

fn hear((stage, counter): &mut (Stage, Counter), now: Moment, source: usize, sample: &Sample) {
    stage.advance(now, counter);
    stage.take(source, &mut Batch { samples: vec![sample.clone()], ..Batch::default() });
    stage.settle(counter);
}

fn link((stage, counter): &mut (Stage, Counter), now: Moment, source: usize, is_up: bool) {
    stage.advance(now, counter);
    stage.middle().source(source, (!is_up).then(|| "lost in the recording".to_owned()), now);
    stage.settle(counter);
}

fn by_rule(lives: &Lives) -> HashMap<Key, Vec<&Life>> {
    let mut rules: HashMap<Key, Vec<&Life>> = HashMap::new();
    for life in lives.iter() {
        rules.entry(life.key.clone()).or_default().push(life);
    }
    rules.values_mut().for_each(|lives| lives.sort_by_key(|life| life.begun));
    rules
}

/// The tags of the rules that are left, and those that tell what a machine is doing.
fn heard(plan: &Plan) -> HashSet<TagId> {
    let judged = plan.machines.iter().flat_map(|machine| &machine.rules).flat_map(|rule| &rule.tags);
    let states = plan.machines.iter().filter_map(|machine| machine.states.as_ref()).map(|states| &states.tag);
    judged.chain(states).copied().collect()
}

/// The rules that can be tuned. All others leave the plan, but those that keep what hangs on their machine from being
/// told.
fn tuned(plan: &mut Plan, talkative: &[Key], spreads: &Spreads) -> Vec<Tuned> {
    let is_wanted: Vec<&Key> = talkative.iter().take(RULES_MAX).collect();
    let mut found = Vec::new();
    for (number, machine) in plan.machines.iter_mut().enumerate() {
        let key = machine.author.key.clone();
        let wanted =
            |rule: &RulePlan| limit(rule).filter(|_| is_wanted.contains(&&(key.clone(), rule.name.clone())));
        machine.production = None;
        machine.rules.retain(|rule| rule.common.hides_children || wanted(rule).is_some());
        for (at, rule) in machine.rules.iter().enumerate() {
            let Some(limit) = wanted(rule) else { continue };
            let (noise, spread) = match &rule.section {
                Section::Limit(_) => rule.tags.first().map_or((0.0, 0.0), |tag| spreads.of(*tag)),
                // The figure that these judge is none of a tag.
                _ => (limit.limit.abs() * 0.02, limit.limit.abs() * 0.1),
            };
            let settings = settings(&limit, noise, spread);
            found.push(Tuned { machine: number, rule: at, key: (key.clone(), rule.name.clone()), settings });
        }
    }
    plan.summaries.clear();
    for list in &mut plan.lists {
        (list.rules, list.late, list.reach) = (Vec::new(), Vec::new(), Vec::new());
    }
    found
}

/// The limit of a rule that has one, its deadband and its on-delay.
struct Limited {
    limit: f64,
    is_above: bool,
    clear: f64,
    on_delay: Duration,
}

fn limit(rule: &RulePlan) -> Option<Limited> {
    let (above, below, clear) = match &rule.section {
        Section::Limit(own) => (own.above, own.below, own.clear),
        Section::Rate(own) => (own.above, own.below, own.clear),
        Section::Window(own) => (own.above, own.below, own.clear),
        Section::Count(own) => (own.above, own.below, own.clear),
        _ => return None,
    };
    let limit = above.or(below)?;
    Some(Limited {
        limit,
        is_above: above.is_some(),
        clear: clear.unwrap_or(limit),
        on_delay: rule.common.on_delay.0,
    })
}

fn set(rule: &mut RulePlan, (clear, on_delay): (f64, Duration)) {
    rule.common.on_delay = Wait(on_delay);
    match &mut rule.section {
        Section::Limit(own) => own.clear = Some(clear),
        Section::Rate(own) => own.clear = Some(clear),
        Section::Window(own) => own.clear = Some(clear),
        Section::Count(own) => own.clear = Some(clear),
        _ => {}
    }
}

/// What is tried, the present setting first.
fn settings(limit: &Limited, noise: f64, spread: f64) -> Vec<(f64, Duration)> {
    let now = (limit.limit - limit.clear).abs();
    let mut bands = vec![now];
    for band in [2.0 * noise, 4.0 * noise, 0.25 * spread, 0.5 * spread, spread] {
        // One that is hardly wider than the present one says nothing new; the last one stays in its place.
        bands.push(if band > now * 1.1 { two_digits(band) } else { now });
    }
    bands.truncate(BANDS);
    let written = limit.on_delay;
    let delays = DELAYS.iter().map(|secs| Duration::from_secs(*secs).max(written));
    let delays: Vec<Duration> = std::iter::once(written).chain(delays).collect();
    let clear = |band: f64| match (band == now, limit.is_above) {
        (true, _) => limit.clear,
        (false, true) => tidy(limit.limit - band),
        (false, false) => tidy(limit.limit + band),
    };
    bands.iter().flat_map(|band| delays.iter().map(move |delay| (clear(*band), *delay))).collect()
}

/// A number that a person would write.
fn two_digits(number: f64) -> f64 {
    let size = 10f64.powf(number.abs().log10().floor() - 1.0);
    (number / size).round() * size
}

/// Without the last digits that binary fractions leave.
fn tidy(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

fn choose(tuned: &Tuned, lives: &[HashMap<Key, Vec<&Life>>], allowed: u64, end: Moment) -> Option<Advice> {
    let none = Vec::new();
    let of = |at: usize| lives.get(at).and_then(|lives| lives.get(&tuned.key)).unwrap_or(&none);
    let today = of(0);
    let setting = |at: usize| {
        let (clear, on_delay) = tuned.settings[at];
        Setting { clear, on_delay_s: on_delay.as_secs_f64(), posts: of(at).len() as u64 }
    };
    let judged = (0..tuned.settings.len()).map(|at| {
        let missed = today.iter().filter(|life| !is_told(life, of(at), end));
        let (count, longest) = missed.fold((0u64, Duration::ZERO), |(count, longest), life| {
            (count + 1, longest.max(life.lasted(end)))
        });
        let surplus = (of(at).len() as u64).saturating_sub(allowed);
        // Within what is allowed; then what misses least; then what waits least and is nearest to what is written.
        ((surplus, longest, count, tuned.settings[at].1, at), (at, count, longest))
    });
    let (_, (at, missed, longest)) = judged.min_by_key(|(rank, _)| *rank)?;
    Some(Advice {
        machine: tuned.key.0.clone(),
        rule: tuned.key.1.clone(),
        allowed,
        now: setting(0),
        then: setting(at),
        missed,
        longest_missed_s: longest.as_secs_f64(),
    })
}

/// True when one of these, which follow each other, is told while it lives.
fn is_told(life: &Life, others: &[&Life], end: Moment) -> bool {
    let after = others.partition_point(|other| other.begun <= life.ended.unwrap_or(end));
    let last = after.checked_sub(1).and_then(|at| others.get(at));
    last.is_some_and(|other| life.begun <= other.ended.unwrap_or(end))
}
