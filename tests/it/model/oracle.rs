//! What must be true of a plant, whatever happened: at every commit, and once all has settled.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use contract::{EpisodeId, Moment, Post, Priority, Repeat, Step};
use portevoix::episode::Episode;
use portevoix::store::{Table, Write};
use serde_json::Value;

use super::fakes::Net;
use super::spec::{RuleSpec, WITNESS};

/// An episode comes back as itself so soon after its end.
const REOPENS_WITHIN: Duration = Duration::from_secs(600);

/// A thread is kept so long after its last word.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30 * 60);

/// The changes that ask somebody to look.
const NEWS: [&str; 5] = ["opened", "reopened", "unstable", "realarmed", "unmuted"];

/// What the witness owes: its episodes, judged once more in the simplest way there is.
#[derive(Default)]
struct Owed {
    /// The last one, and when it ended.
    last: Option<(EpisodeId, Option<Moment>)>,
    all: BTreeSet<EpisodeId>,
}

/// Watches a plant.
pub struct Oracle {
    rules: Vec<RuleSpec>,
    owed: Owed,
    /// Every episode that a commit says has begun.
    pub begun: BTreeSet<EpisodeId>,
    /// Those that were told as a line, with the digest, for each network.
    lines: Vec<BTreeMap<EpisodeId, EpisodeId>>,
    /// The machines that hide what hangs on them, by what was committed, and since when.
    down: BTreeMap<String, Moment>,
    /// Which states machines told in the present life of the gateway.
    states: Vec<(Moment, String, f64)>,
    /// The first promise that was broken.
    pub broken: Option<String>,
}

/// A line of the journal about an episode.
struct Entry {
    change: String,
    machine: String,
    rule: String,
    level: usize,
}

fn entry(body: &str) -> Option<Entry> {
    let body: Value = serde_json::from_str(body).unwrap();
    let episode = body.get("episode")?;
    let text = |key: &str| episode[key].as_str().unwrap().to_owned();
    let level = usize::try_from(episode["level"].as_u64().unwrap()).unwrap();
    Some(Entry { change: text("change"), machine: text("machine"), rule: text("rule"), level })
}

impl Oracle {
    pub fn new(rules: Vec<RuleSpec>, networks: usize) -> Oracle {
        Oracle {
            rules,
            owed: Owed::default(),
            begun: BTreeSet::new(),
            lines: vec![BTreeMap::new(); networks],
            down: BTreeMap::new(),
            states: Vec::new(),
            broken: None,
        }
    }

    pub fn breaks(&mut self, promise: String) {
        self.broken.get_or_insert(promise);
    }

    /// The witness said this.
    pub fn witness(&mut self, value: f64, at: Moment) {
        let is_high = value > 50.0;
        match &mut self.owed.last {
            Some((_, ended @ None)) if !is_high => *ended = Some(at),
            Some((_, ended @ Some(_)))
                if is_high && ended.is_some_and(|end| at.since(end) <= REOPENS_WITHIN) =>
            {
                *ended = None;
            }
            None | Some((_, Some(_))) if is_high => {
                let id = Episode::name(WITNESS, "limit.r", at);
                self.owed.all.insert(id.clone());
                self.owed.last = Some((id, None));
            }
            None | Some(_) => {}
        }
    }

    /// The gateway reads the state of a machine.
    pub fn state(&mut self, machine: &str, value: f64, now: Moment) {
        self.states.push((now, machine.to_owned(), value));
    }

    /// The gateway was killed: what it knew of states is gone.
    pub fn killed(&mut self) {
        self.states.clear();
    }

    /// A step is made: nothing new about what its machine hides.
    pub fn step(&mut self, writes: &[Write]) {
        for write in writes {
            let Write::Journal { at, body, .. } = write else { continue };
            if !NEWS.iter().any(|change| body.contains(change)) {
                continue;
            }
            let Some(entry) = entry(body) else { continue };
            let Some(rule) = self.rule(&entry) else { continue };
            let Some(quiet) = rule.quiet else { continue };
            let told =
                self.states.iter().filter(|(since, machine, _)| *machine == entry.machine && since <= at);
            let last: Vec<_> = told.rev().take(2).collect();
            // What happened in the same millisecond may have happened before.
            let is_hidden = last.first().is_some_and(|(since, _, value)| since < at && *value == quiet);
            if is_hidden && NEWS.contains(&entry.change.as_str()) {
                let words = format!("{} of {}/{} while hidden", entry.change, entry.machine, entry.rule);
                self.breaks(words);
            }
        }
    }

    fn rule(&self, entry: &Entry) -> Option<&RuleSpec> {
        self.rules.iter().find(|rule| rule.machine == entry.machine && rule.rule == entry.rule)
    }

    /// A step is kept.
    pub fn committed(&mut self, writes: &[Write]) {
        for write in writes {
            match write {
                Write::Journal { at, episode, body } => self.journal(*at, episode, body, writes),
                Write::Put { table: Table::Condition, key, body } if key == "_site/flood" => {
                    self.flood(&serde_json::from_str(body).unwrap());
                }
                Write::Put { .. } | Write::Delete { .. } => {}
            }
        }
    }

    fn flood(&mut self, watch: &Value) {
        let Some(id) = watch["flood"]["id"].as_str() else { return };
        for side in ["open", "over"] {
            for episode in watch["flood"][side].as_object().into_iter().flatten() {
                for lines in &mut self.lines {
                    lines.insert(EpisodeId(episode.0.clone()), EpisodeId(id.to_owned()));
                }
            }
        }
    }

    fn journal(&mut self, at: Moment, episode: &EpisodeId, body: &str, writes: &[Write]) {
        let Some(entry) = entry(body) else {
            let body: Value = serde_json::from_str(body).unwrap();
            if let Some(digest) = body["network"]["what"]["folded"]["into"].as_str() {
                let network = usize::from(body["network"]["network"] == "n1");
                self.lines[network].insert(episode.clone(), EpisodeId(digest.to_owned()));
            }
            return;
        };
        if entry.change == "opened" {
            self.begun.insert(episode.clone());
        }
        let Some(rule) = self.rule(&entry).cloned() else { return };
        if rule.is_hiding {
            match entry.change.as_str() {
                "opened" | "reopened" => drop(self.down.insert(rule.machine.clone(), at)),
                "cleared" => drop(self.down.remove(&rule.machine)),
                _ => {}
            }
        }
        if !NEWS.contains(&entry.change.as_str()) {
            return;
        }
        let parent = rule.parent.as_ref().and_then(|parent| self.down.get(parent));
        if parent.is_some_and(|since| *since < at) {
            self.breaks(format!(
                "{} of {}/{} under a parent that is down",
                entry.change, rule.machine, rule.rule
            ));
        }
        let priority = rule.priorities.get(entry.level.max(1) - 1).copied();
        if entry.change != "unmuted" && priority != Some(Priority::Urgent) && is_aside(&entry, at, writes) {
            self.breaks(format!("{} of {}/{} while set aside", entry.change, rule.machine, rule.rule));
        }
    }

    /// What is still to be seen or closed. Nothing, once all is well and told.
    pub fn unfinished(&self, nets: &[Net]) -> Vec<String> {
        let mut found: Vec<String> = self
            .owed
            .all
            .difference(&self.begun)
            .map(|id| format!("the witness' {id} never began"))
            .collect();
        for (number, net) in nets.iter().enumerate() {
            let mut roots: BTreeMap<&EpisodeId, Vec<&Post>> = BTreeMap::new();
            let mut last: BTreeMap<&EpisodeId, &Post> = BTreeMap::new();
            for shown in &net.posts {
                if shown.step == Step::Open {
                    roots.entry(&shown.post.episode).or_default().push(&shown.post);
                }
                if shown.step == Step::Open || !net.can.edit {
                    last.insert(&shown.post.episode, &shown.post);
                }
            }
            let is_refused = |id: &EpisodeId| net.refused.contains(id);
            let is_told = |id: &EpisodeId| roots.contains_key(id) || is_refused(id);
            for id in &self.begun {
                // The digest of a flood may itself be a line of a catch-up.
                let line = self.lines[number].get(id);
                let catch_up = line.and_then(|digest| self.lines[number].get(digest));
                if ![Some(id), line, catch_up].into_iter().flatten().any(is_told) {
                    found.push(format!("n{number}: {id} was never seen"));
                }
            }
            for (id, posts) in &roots {
                // One that comes back after its thread was forgotten begins another one.
                let is_soon = |two: &[&Post]| two[1].written.since(two[0].written) < FORGOTTEN_AFTER;
                let is_double =
                    net.can.edit && net.can.repeat != Repeat::Nothing && posts.windows(2).any(is_soon);
                if is_double && !self.lines[number].contains_key(*id) {
                    found.push(format!("n{number}: {id} has {} posts", posts.len()));
                }
            }
            let open = last.iter().filter(|(id, post)| post.ended.is_none() && !is_refused(id));
            found.extend(
                open.map(|(id, post)| format!("n{number}: {id} is open: {}", post.first_line().plain())),
            );
        }
        found
    }
}

/// True when a person had set it aside before this moment and the same step keeps it so.
fn is_aside(entry: &Entry, at: Moment, writes: &[Write]) -> bool {
    let key = format!("{}/{}", entry.machine, entry.rule);
    let row = writes.iter().find_map(|write| match write {
        Write::Put { table: Table::Condition, key: of, body } if *of == key => Some(body),
        Write::Put { .. } | Write::Delete { .. } | Write::Journal { .. } => None,
    });
    let Some(row) = row else { return false };
    let row: Value = serde_json::from_str(row).unwrap();
    let aside = row["aside"].as_object().and_then(|aside| aside.values().next());
    let Some(aside) = aside else { return false };
    let begun = aside["hand"]["at"].as_i64().unwrap();
    let until = aside["until"].as_i64().unwrap_or(i64::MAX);
    begun < at.as_ms() && at.as_ms() < until
}
