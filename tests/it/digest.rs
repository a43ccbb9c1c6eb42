//! Killed in the middle of a digest: at every write and every job between the first and the last, the digest of a flood
//! and that of an outage stay one post, in which every episode is counted once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use contract::{
    Batch, Capabilities, DeliveryError, EpisodeId, Mark, Moment, Origin, Post, Repeat, Step, TagId, Ticket,
    Value,
};
use portevoix::config::{self, Plan};
use portevoix::outbox::{Answer, Job};
use portevoix::replay::ABLE;
use portevoix::store::{Table, Write};
use portevoix::turn::Middle;

use crate::board::sample;
use crate::model::fakes::{Disk, Net};

const BEGUN: Moment = Moment::from_ms(1_795_500_000_000);
const MACHINES: u32 = 15;
/// What a network that can only be looked at needs.
const SETTLE: Duration = Duration::from_secs(35);

/// What happens to the plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    /// Fifteen machines fail within a quarter of a minute, and are well again after five minutes.
    Flood,
    /// The network is away for ten minutes, in which eight machines fail and half of them are well again.
    Outage,
}

/// The mistake of a store in which a digest is never kept: neither what it counts, nor its post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Forgets(bool);

fn plan() -> Plan {
    let mut toml =
        "[site]\nname = \"Vitré\"\nlanguage = \"fr\"\n[source.mqtt.a]\nurl = \"mqtt://127.0.0.1:1883\"\n\
                    [network.wall.n]\n[class.pump.tag.v]\nsource = \"a\"\ntopic = \"p/{machine}\"\n\
                    [class.pump.rule.limit.high]\ntag = \"v\"\nabove = 50\npriority = 2\n"
            .to_owned();
    for machine in 0..MACHINES {
        toml.push_str(&format!("[machine.pump-{machine:02}]\nclass = \"pump\"\n"));
    }
    config::read(vec![("plant.toml".into(), toml)]).unwrap_or_else(|found| panic!("{}", found[0]))
}

/// Which machine tells which value in this second, if any does.
fn said(story: Story, second: u32) -> Option<(u32, f64)> {
    match (story, second) {
        (Story::Flood, 0..MACHINES) => Some((second, 60.0)),
        (Story::Flood, 300..) => (second - 300 < MACHINES).then(|| (second - 300, 40.0)),
        (Story::Outage, 60..68) => Some((second - 60, 60.0)),
        (Story::Outage, 200..204) => Some((second - 200, 40.0)),
        // What is open when the network is back ends soon after, while the catch-up is told.
        (Story::Outage, 610..614) => Some((second - 606, 40.0)),
        (Story::Flood | Story::Outage, _) => None,
    }
}

/// A gateway that is killed at one of its boundaries.
struct Life {
    plan: Plan,
    can: Capabilities,
    middle: Middle,
    disk: Disk,
    net: Net,
    forgets: Forgets,
    unsettled: Vec<Batch>,
    waiting: Vec<Ticket>,
    now: Moment,
    /// How many boundaries were passed, and at which one it dies.
    passed: usize,
    dies_at: Option<usize>,
    /// Every episode that a commit says has begun, and those that are a line of a digest.
    begun: BTreeSet<EpisodeId>,
    lines: BTreeMap<EpisodeId, EpisodeId>,
    wrong: Vec<String>,
}

impl Life {
    fn new(repeat: Repeat, dies_at: Option<usize>, forgets: Forgets) -> Life {
        let (plan, disk) = (plan(), Disk::default());
        let can = Capabilities { repeat, ..ABLE };
        let mut middle = Middle::new(&plan, &[can], disk.kept(), BEGUN).unwrap();
        middle.source(0, None, BEGUN);
        Life {
            plan,
            can,
            middle,
            disk,
            net: Net::new(can, None),
            forgets,
            unsettled: Vec::new(),
            waiting: Vec::new(),
            now: BEGUN,
            passed: 0,
            dies_at,
            begun: BTreeSet::new(),
            lines: BTreeMap::new(),
            wrong: Vec::new(),
        }
    }

    /// Between two things that happen: true where it is killed.
    fn is_killed(&mut self) -> bool {
        self.passed += 1;
        self.dies_at == Some(self.passed)
    }

    /// Started again with what was kept: what was not settled comes again.
    fn start_again(&mut self) {
        self.waiting.clear();
        self.middle = Middle::new(&self.plan, &[self.can], self.disk.kept(), self.now).unwrap();
        self.middle.source(0, None, self.now);
        for batch in self.unsettled.clone() {
            self.take(batch);
        }
    }

    fn take(&mut self, batch: Batch) {
        self.waiting.extend(batch.ticket);
        self.middle.take(0, batch, self.now);
    }

    fn say(&mut self, machine: u32, value: f64, ticket: u64) {
        let samples = vec![sample(TagId(machine), Value::Number(value), Some(self.now), Origin::Live)];
        let batch = Batch { samples, ticket: Some(Ticket(ticket)), ..Batch::default() };
        self.unsettled.push(batch.clone());
        self.take(batch);
    }

    /// Steps until there is nothing more to do now.
    fn settle(&mut self) {
        self.middle.tick(self.now);
        loop {
            let is_due = self.middle.due(self.now).is_some_and(|due| due <= self.now);
            if !is_due && !self.middle.has_changes() {
                return;
            }
            let step = self.middle.step(self.now);
            let is_idle = step.jobs.is_empty();
            // Not kept: the step is lost.
            if self.is_killed() {
                self.start_again();
                continue;
            }
            self.commit(&step.writes);
            let settled = std::mem::take(&mut self.waiting);
            self.unsettled.retain(|batch| batch.ticket.is_none_or(|ticket| !settled.contains(&ticket)));
            // Kept, and nothing of it is sent.
            if self.is_killed() || step.jobs.into_iter().any(|(_, job)| self.hand_over(&job)) {
                self.start_again();
                continue;
            }
            if is_idle {
                return;
            }
        }
    }

    /// True where it is killed before the answer.
    fn hand_over(&mut self, job: &Job) -> bool {
        let answer = if job.is_look {
            Answer::Looked(Ok(self.net.look(job)))
        } else if self.net.is_up {
            let taken = self.net.take(job, self.now);
            let taken = taken.map_err(|wrong| self.wrong.push(wrong));
            let unanswered = DeliveryError::Unanswered { reason: "no answer".into() };
            Answer::Published(taken.map_err(|()| unanswered))
        } else {
            let reason = "connection refused".to_owned();
            Answer::Published(Err(DeliveryError::Later { reason, after: None }))
        };
        if self.is_killed() {
            return true;
        }
        self.middle.answer(0, answer, self.now);
        false
    }

    fn commit(&mut self, writes: &[Write]) {
        let is_of_digest = |write: &Write| {
            let key = match write {
                Write::Put { key, .. } | Write::Delete { key, .. } => key,
                Write::Journal { .. } => return false,
            };
            key.contains("flood") || key.contains("catch-up")
        };
        let kept = writes.iter().filter(|write| !self.forgets.0 || !is_of_digest(write));
        self.disk.commit(&kept.cloned().collect::<Vec<_>>());
        for write in writes {
            match write {
                Write::Journal { episode, body, .. } => {
                    self.read(episode, &serde_json::from_str(body).unwrap())
                }
                Write::Put { table: Table::Condition, key, body } if key == "_site/flood" => {
                    let watch: serde_json::Value = serde_json::from_str(body).unwrap();
                    let sides = ["open", "over"].map(|side| watch["flood"][side].as_object().cloned());
                    for (id, _) in sides.into_iter().flatten().flatten() {
                        let digest = EpisodeId(watch["flood"]["id"].as_str().unwrap().to_owned());
                        self.lines.insert(EpisodeId(id), digest);
                    }
                }
                Write::Put { .. } | Write::Delete { .. } => {}
            }
        }
    }

    fn read(&mut self, episode: &EpisodeId, entry: &serde_json::Value) {
        if entry["episode"]["change"] == "opened" {
            self.begun.insert(episode.clone());
        }
        if let Some(digest) = entry["network"]["what"]["folded"]["into"].as_str() {
            self.lines.insert(episode.clone(), EpisodeId(digest.to_owned()));
        }
    }

    /// What is wrong with what the network shows, once all is over.
    fn judge(mut self, machines: usize) -> Vec<String> {
        let mut wrong = std::mem::take(&mut self.wrong);
        let opened = self.net.posts.iter().filter(|shown| shown.step == Step::Open);
        let posts: Vec<&Post> = opened.map(|shown| &shown.post).collect();
        let (digests, alone): (Vec<&Post>, Vec<&Post>) =
            posts.into_iter().partition(|post| ["flood", "outage"].contains(&post.provenance.rule.as_str()));
        if digests.len() != 1 {
            wrong.push(format!("{} digests", digests.len()));
        }
        if self.begun.len() != machines {
            wrong.push(format!("{} episodes", self.begun.len()));
        }
        let alone: Vec<&EpisodeId> = alone.into_iter().map(|post| &post.episode).collect();
        for id in &self.begun {
            let line =
                self.lines.get(id).filter(|digest| digests.iter().any(|post| post.episode == **digest));
            let times = alone.iter().filter(|of| **of == id).count() + usize::from(line.is_some());
            if times != 1 {
                wrong.push(format!("{id} is told {times} times"));
            }
        }
        for post in self.net.posts.iter().map(|shown| &shown.post).filter(|post| post.ended.is_none()) {
            wrong.push(format!("open for ever: {}", post.first_line().plain()));
        }
        // A flood counts those before it as well, a catch-up those that it stands for.
        for post in digests {
            let counted = if post.provenance.rule == "flood" { machines } else { machines - alone.len() };
            let words =
                format!("{} {}", post.fact.plain(), post.lines[0].text.plain()).replace('\u{A0}', " ");
            let is_told = words.contains(&format!("{counted} alertes"))
                || words.contains(&format!("{counted} événements"));
            if !is_told || post.mark != Mark::Digest {
                wrong.push(format!("not {counted} in: {words}"));
            }
        }
        wrong
    }
}

/// Plays a story in which the gateway dies at this boundary: the boundaries that there were, and what is wrong.
fn play(story: Story, repeat: Repeat, dies_at: Option<usize>, forgets: Forgets) -> (usize, Vec<String>) {
    let mut life = Life::new(repeat, dies_at, forgets);
    for second in 0..1_300 {
        life.now = BEGUN.plus(Duration::from_secs(second.into()));
        life.net.is_up = story == Story::Flood || !(30..600).contains(&second);
        if let Some((machine, value)) = said(story, second) {
            life.say(machine, value, second.into());
        }
        life.settle();
    }
    let machines = if story == Story::Flood { MACHINES as usize } else { 8 };
    let passed = life.passed;
    (passed, life.judge(machines))
}

const NETWORKS: [Repeat; 3] = [
    Repeat::Key,
    Repeat::ShortKey { lasts: Duration::from_secs(20), settle: SETTLE },
    Repeat::Look { settle: SETTLE },
];

/// Kills at every boundary of a story, or at one in so many: how many kills there were, and where something was wrong.
fn kill_everywhere(
    story: Story,
    networks: &[Repeat],
    one_in: usize,
    forgets: Forgets,
) -> (usize, Vec<String>) {
    let (mut kills, mut found) = (0, Vec::new());
    for repeat in networks.iter().copied() {
        let (boundaries, wrong) = play(story, repeat, None, Forgets(false));
        assert_eq!(wrong, Vec::<String>::new(), "without a kill");
        for dies_at in (1..=boundaries).step_by(one_in) {
            let (_, wrong) = play(story, repeat, Some(dies_at), forgets);
            kills += 1;
            found.extend((!wrong.is_empty()).then(|| format!("{repeat:?}, killed at {dies_at}: {wrong:?}")));
        }
    }
    println!("{story:?}, forgets {}: {kills} kills, {} wrong", forgets.0, found.len());
    (kills, found)
}

fn survives(story: Story) {
    let (kills, found) = kill_everywhere(story, &NETWORKS, 1, Forgets(false));
    assert!(kills >= 100, "{kills}");
    assert!(found.is_empty(), "{} of {kills}\n{}", found.len(), found[..found.len().min(5)].join("\n"));
    // A few of the same kills find a store that forgets the digest.
    let (_, found) = kill_everywhere(story, &NETWORKS[2..], 5, Forgets(true));
    assert!(!found.is_empty(), "a digest that is never kept is noticed nowhere");
}

#[test]
fn killed_anywhere_in_a_flood_its_digest_is_one_post_that_counts_each_once() {
    survives(Story::Flood);
}

#[test]
fn killed_anywhere_in_a_catch_up_it_is_one_post_that_counts_each_once() {
    survives(Story::Outage);
}
