//! Counts what a replay tells: posts by shift and by rule, how long episodes last, floods.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use contract::{Moment, Receipt, Step};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::lives::{Key, Life, Lives};
use super::play::Played;
use super::stage::House;
use crate::config::Plan;
use crate::outbox::{Answer, Job};
use crate::shift::Calendar;
use crate::store::Write;

/// Over before anybody could do anything: fleeting.
const FLEETING_UNDER: Duration = Duration::from_secs(60);

/// More new episodes within [`FLOOD_WITHIN`] are a flood …
const FLOOD_ABOVE: usize = 10;
/// … until fewer are (EEMUA 191, ISA-18.2).
const FLOOD_UNDER: usize = 5;
/// How far back is counted.
const FLOOD_WITHIN: Duration = Duration::from_secs(600);

/// Reads each job at its moment.
pub type Wall<'a> = &'a mut dyn FnMut(Moment, &Job);

/// What was counted, while it is played.
pub struct Tally<'a> {
    calendar: Calendar,
    zone: TimeZone,
    receipts: u64,
    posts: BTreeMap<Key, u64>,
    edits: u64,
    notes: u64,
    shifts: BTreeMap<(String, String), u64>,
    lives: Lives,
    floods: Floods,
    /// Whoever reads each post.
    wall: Option<Wall<'a>>,
}

impl<'a> Tally<'a> {
    /// Of a plan; `wall` is shown every job.
    pub fn new(plan: &Plan, wall: Option<Wall<'a>>) -> Tally<'a> {
        let zone = TimeZone::get(&plan.site.timezone).unwrap_or(TimeZone::UTC);
        Tally {
            calendar: Calendar::new(&plan.hours, None, zone.clone()),
            zone,
            receipts: 0,
            posts: BTreeMap::new(),
            edits: 0,
            notes: 0,
            shifts: BTreeMap::new(),
            lives: Lives::default(),
            floods: Floods::default(),
            wall,
        }
    }

    fn shift(&self, now: Moment) -> (String, String) {
        if let Some(shift) = self.calendar.at(now) {
            return (shift.day.to_string(), shift.name.to_owned());
        }
        let time = jiff::Timestamp::from_millisecond(now.as_ms()).unwrap_or_default();
        (time.to_zoned_datetime(self.zone.clone()).date().to_string(), "closed".to_owned())
    }

    /// What it came to.
    pub fn report(mut self, played: Played) -> Report {
        self.floods.calm_down(played.to);
        let mut rules: BTreeMap<Key, RuleReport> = BTreeMap::new();
        let posts: u64 = self.posts.values().sum();
        for (key, count) in std::mem::take(&mut self.posts) {
            let rule = entry(&mut rules, key);
            rule.posts = count;
            rule.share = count as f64 / posts as f64;
        }
        for life in self.lives.iter() {
            entry(&mut rules, life.key.clone()).add(life, played.to);
        }
        let mut rules: Vec<RuleReport> = rules.into_values().collect();
        rules.sort_by(|one, other| {
            (other.posts, other.episodes, &one.machine, &one.rule).cmp(&(
                one.posts,
                one.episodes,
                &other.machine,
                &other.rule,
            ))
        });
        let sum = |count: fn(&RuleReport) -> u64| rules.iter().map(count).sum();
        let time = |at: Moment| {
            let time = jiff::Timestamp::from_millisecond(at.as_ms()).unwrap_or_default();
            time.to_zoned_datetime(self.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
        };
        let shifts = self.shifts.into_iter();
        Report {
            from: time(played.from),
            to: time(played.to),
            recorded_s: played.to.since(played.from).as_secs_f64(),
            readings: played.readings,
            posts,
            edits: self.edits,
            notes: self.notes,
            episodes: sum(|rule| rule.episodes),
            open: sum(|rule| rule.open),
            chattering: sum(|rule| rule.chattering),
            fleeting: sum(|rule| rule.fleeting),
            floods: self.floods.count,
            flood_s: self.floods.total.as_secs_f64(),
            shifts: shifts.map(|((day, shift), posts)| ShiftReport { day, shift, posts }).collect(),
            rules,
        }
    }
}

fn entry(rules: &mut BTreeMap<Key, RuleReport>, key: Key) -> &mut RuleReport {
    let named = RuleReport { machine: key.0.clone(), rule: key.1.clone(), ..RuleReport::default() };
    rules.entry(key).or_insert(named)
}

impl House for Tally<'_> {
    fn publish(&mut self, _: usize, job: &Job, now: Moment) -> Answer {
        if let Some(wall) = &mut self.wall {
            wall(now, job);
        }
        match &job.step {
            Step::Open => {
                let key = (job.post.author.key.clone(), job.post.provenance.rule.clone());
                *self.posts.entry(key).or_default() += 1;
                let shift = self.shift(now);
                *self.shifts.entry(shift).or_default() += 1;
            }
            Step::Edit(_) => self.edits += 1,
            Step::Reply(_) => self.notes += 1,
        }
        self.receipts += 1;
        Answer::Published(Ok(match &job.step {
            Step::Edit(receipt) => receipt.clone(),
            Step::Open | Step::Reply(_) => Receipt(self.receipts.to_string()),
        }))
    }

    fn keep(&mut self, write: Write) {
        if let Some(opened) = self.lives.follow(write) {
            self.floods.opened(opened);
        }
    }
}

/// How long people had more than they can take.
#[derive(Default)]
struct Floods {
    recent: VecDeque<Moment>,
    since: Option<Moment>,
    count: u64,
    total: Duration,
}

impl Floods {
    fn opened(&mut self, now: Moment) {
        self.calm_down(now);
        self.recent.push_back(now);
        self.recent.retain(|at| now.since(*at) < FLOOD_WITHIN);
        if self.recent.len() > FLOOD_ABOVE && self.since.is_none() {
            self.since = Some(now);
            self.count += 1;
        }
    }

    /// Ends a flood that was over before this moment, or counts it so far.
    fn calm_down(&mut self, now: Moment) {
        let Some(since) = self.since else { return };
        let decides = self.recent.iter().rev().nth(FLOOD_UNDER - 1);
        let calm = decides.map_or(since, |at| at.plus(FLOOD_WITHIN)).max(since);
        if calm <= now {
            self.total += calm.since(since);
            self.since = None;
        } else {
            self.total += now.since(since);
            self.since = Some(now);
        }
    }
}

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The first reading, in the time of the site.
    pub from: String,
    /// The last.
    pub to: String,
    /// How long that is.
    pub recorded_s: f64,
    /// How many readings were played.
    pub readings: u64,
    /// New posts on one network, digests among them.
    pub posts: u64,
    /// Changes of posts in place.
    pub edits: u64,
    /// Answers under posts.
    pub notes: u64,
    /// Episodes, those that are told in a digest among them.
    pub episodes: u64,
    /// How many of them were not over at the end.
    pub open: u64,
    /// How many came and went too fast.
    pub chattering: u64,
    /// How many were over within a minute.
    pub fleeting: u64,
    /// How many floods there were: more than ten new episodes in ten minutes.
    pub floods: u64,
    /// How long they lasted together.
    pub flood_s: f64,
    /// Posts for each shift.
    pub shifts: Vec<ShiftReport>,
    /// Every rule that told something, the most talkative first.
    pub rules: Vec<RuleReport>,
}

/// The posts of one shift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShiftReport {
    /// The day it begins on.
    pub day: String,
    /// Its key in the configuration; `day` where there are no shifts.
    pub shift: String,
    /// New posts.
    pub posts: u64,
}

/// One rule of one machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RuleReport {
    /// Its key; `_site` for what the site itself tells.
    pub machine: String,
    /// Kind and name.
    pub rule: String,
    /// New posts.
    pub posts: u64,
    /// Of all posts, 0 to 1.
    pub share: f64,
    /// Episodes, those that are told in a digest among them.
    pub episodes: u64,
    /// How many came and went too fast.
    pub chattering: u64,
    /// How many were over within a minute.
    pub fleeting: u64,
    /// How many were not over at the end.
    pub open: u64,
    /// How long they lasted together.
    pub total_s: f64,
    /// The longest.
    pub longest_s: f64,
}

impl RuleReport {
    fn add(&mut self, life: &Life, end: Moment) {
        let lasted = life.lasted(end);
        self.episodes += 1;
        self.open += u64::from(life.ended.is_none());
        self.chattering += u64::from(life.is_unstable);
        let is_fleeting = life.ended.is_some() && lasted < FLEETING_UNDER && !life.is_unstable;
        self.fleeting += u64::from(is_fleeting);
        self.total_s += lasted.as_secs_f64();
        self.longest_s = self.longest_s.max(lasted.as_secs_f64());
    }
}
