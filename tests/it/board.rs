//! A network in virtual time that shows what it is given, and the plant in front of it.

use std::collections::BTreeMap;
use std::fmt::Write;

use contract::{
    Batch, DeliveryError, Moment, Origin, Post, Priority, Quality, Receipt, Sample, Step, TagId, Value,
};
use portevoix::config::{self, Plan};
use portevoix::outbox::{Answer, Job};
use portevoix::replay::{ABLE, House, Names, Stage};
use portevoix::store::{self, Table};
use portevoix::turn::{Kept, Middle, Reloaded, Stays};

/// One network: the posts it shows, and everything it was given, in order.
#[derive(Default)]
pub struct Board {
    pub shown: BTreeMap<String, Post>,
    pub log: String,
    pub is_down: bool,
    /// Each thing it was given: when, what, and how urgent.
    pub told: Vec<(Moment, &'static str, Priority)>,
    taken: usize,
}

impl Board {
    fn do_job(&mut self, job: &Job, now: Moment) -> Answer {
        if self.is_down {
            let reason = "connection refused".to_owned();
            return Answer::Published(Err(DeliveryError::Later { reason, after: None }));
        }
        self.taken += 1;
        let (what, receipt) = match &job.step {
            Step::Open => ("posts", format!("#{}", self.shown.len() + 1)),
            Step::Edit(receipt) => ("edits", receipt.0.clone()),
            Step::Reply(receipt) => ("answers under", receipt.0.clone()),
        };
        self.told.push((now, what, job.post.priority));
        let time = jiff::Timestamp::from_millisecond(now.as_ms()).unwrap();
        let zoned = time.in_tz("Europe/Paris").unwrap();
        writeln!(self.log, "{} · {what} {receipt}", zoned.strftime("%H:%M:%S")).unwrap();
        let lines = job.post.lines.iter().map(|line| line.text.plain());
        let picture = job.post.chart.iter().map(|chart| format!("[{}] {}", chart.sparkline(24), chart.alt));
        for line in std::iter::once(job.post.first_line().plain()).chain(lines).chain(picture) {
            writeln!(self.log, "> {}", line.replace(['\u{A0}', '\u{202F}'], " ")).unwrap();
        }
        self.log.push('\n');
        if !matches!(job.step, Step::Reply(_)) {
            self.shown.insert(receipt.clone(), job.post.clone());
        }
        Answer::Published(Ok(Receipt(receipt)))
    }
}

/// A plant of a configuration, with a board for each network.
pub struct Plant {
    stage: Stage,
    pub boards: Vec<Board>,
    pub plan: Plan,
    pub names: Names,
    /// The numbers that sources were built with, where a tag has another one now.
    said: BTreeMap<TagId, TagId>,
    pub writes: usize,
    /// What was kept, as a store would have it.
    rows: BTreeMap<(&'static str, String), String>,
}

/// What is told and kept, while the stage plays.
struct Hall<'a> {
    boards: &'a mut Vec<Board>,
    writes: &'a mut usize,
    rows: &'a mut BTreeMap<(&'static str, String), String>,
}

impl House for Hall<'_> {
    fn publish(&mut self, network: usize, job: &Job, now: Moment) -> Answer {
        self.boards[network].do_job(job, now)
    }

    fn keep(&mut self, write: store::Write) {
        *self.writes += 1;
        match write {
            store::Write::Put { table, key, body } => {
                self.rows.insert((name(table), key), body);
            }
            store::Write::Delete { table, key } => {
                self.rows.remove(&(name(table), key));
            }
            store::Write::Journal { .. } => {}
        }
    }
}

impl Plant {
    pub fn new(toml: &str, now: Moment) -> Plant {
        let plan = read(toml);
        let stage = Stage::new(&plan, &vec![ABLE; plan.networks.len()], Kept::default(), now).unwrap();
        let boards = plan.networks.iter().map(|_| Board::default()).collect();
        let names = Names::new(&plan);
        Plant { stage, boards, plan, names, said: BTreeMap::new(), writes: 0, rows: BTreeMap::new() }
    }

    pub fn middle(&mut self) -> &mut Middle {
        self.stage.middle()
    }

    /// Another configuration, as the program takes it while it runs: whatever is built anew connects at once.
    pub fn reload(&mut self, toml: &str, now: Moment) -> Reloaded {
        let plan = read(toml);
        let was = &self.plan;
        let source = |at: usize| {
            let old = was.sources.iter().position(|old| old.name == plan.sources[at].name);
            old.is_some_and(|old| was.print_of_source(old) == plan.print_of_source(at))
        };
        let network_at = |at: usize| was.networks.iter().position(|old| old.name == plan.networks[at].name);
        let network = |at: usize| {
            network_at(at).is_some_and(|old| was.print_of_network(old) == plan.print_of_network(at))
        };
        let sources: Vec<bool> = (0..plan.sources.len()).map(source).collect();
        let networks: Vec<bool> = (0..plan.networks.len()).map(network).collect();
        let mut boards: Vec<Option<Board>> = std::mem::take(&mut self.boards).into_iter().map(Some).collect();
        let board = |at: usize| network_at(at).and_then(|old| boards[old].take()).unwrap_or_default();
        self.boards = (0..plan.networks.len()).map(board).collect();
        let can = vec![ABLE; plan.networks.len()];
        let stays = Stays { sources: &sources, networks: &networks };
        let reloaded = self.middle().reload(&plan, &can, &stays, now).unwrap();
        for (at, _) in sources.iter().enumerate().filter(|(_, stays)| !**stays) {
            self.middle().source(at, None, now);
        }
        // A source that stays says the numbers that it was built with.
        let names = Names::new(&plan);
        let tags = plan.machines.iter().flat_map(|machine| {
            machine.tags.iter().map(move |tag| (format!("{}/{}", machine.author.key, tag.name), tag))
        });
        let said = tags.filter(|(_, tag)| sources[tag.source]).filter_map(|(name, tag)| {
            let was = self.names.tag(&name).ok()?.0;
            Some((tag.id, self.said.get(&was).copied().unwrap_or(was)))
        });
        self.said = said.collect();
        (self.names, self.plan) = (names, plan);
        reloaded
    }

    /// The number of `machine/tag`.
    pub fn tag(&self, name: &str) -> TagId {
        let tag = self.names.tag(name).unwrap().0;
        self.said.get(&tag).copied().unwrap_or(tag)
    }

    /// With the numbers that its source was built with.
    pub fn as_said(&self, mut batch: Batch) -> Batch {
        for sample in &mut batch.samples {
            sample.tag = self.said.get(&sample.tag).copied().unwrap_or(sample.tag);
        }
        batch
    }

    pub fn say(&mut self, sample: Sample, now: Moment) {
        self.take(Batch { samples: vec![sample], ..Batch::default() }, now);
    }

    pub fn take(&mut self, batch: Batch, now: Moment) {
        self.middle().take(0, batch, now);
    }

    /// How many rows are kept.
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    fn rows(&self, table: Table) -> Vec<(String, String)> {
        let of = self.rows.iter().filter(|((of, _), _)| *of == name(table));
        of.map(|((_, key), body)| (key.clone(), body.clone())).collect()
    }

    /// All that there is to keep is kept, as at the end of a step.
    pub fn keep_rest(&mut self, now: Moment) {
        let rest = self.middle().rest(now);
        let mut hall = Hall { boards: &mut self.boards, writes: &mut self.writes, rows: &mut self.rows };
        rest.into_iter().for_each(|write| hall.keep(write));
    }

    /// Every row of a kind is lost.
    pub fn forget(&mut self, table: Table) {
        self.rows.retain(|(of, _), _| *of != name(table));
    }

    /// Killed, and started again with what was kept. The networks know what they showed.
    pub fn restart(&mut self, now: Moment) {
        let kept = Kept {
            conditions: self.rows(Table::Condition),
            threads: self.rows(Table::Thread),
            raised: self.rows(Table::Raised),
            records: self.rows(Table::Record),
            production: self.rows(Table::Production),
            is_damaged: false,
        };
        self.stage = Stage::new(&self.plan, &vec![ABLE; self.plan.networks.len()], kept, now).unwrap();
        self.said.clear();
    }

    /// Lives until then, and tells all that there is.
    pub fn settle(&mut self, now: Moment) {
        let mut hall = Hall { boards: &mut self.boards, writes: &mut self.writes, rows: &mut self.rows };
        self.stage.advance(now, &mut hall);
        self.stage.settle(&mut hall);
    }
}

fn read(toml: &str) -> Plan {
    config::read(vec![("plant.toml".into(), toml.into())]).unwrap_or_else(|found| {
        panic!("{}", found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

fn name(table: Table) -> &'static str {
    match table {
        Table::Condition => "condition",
        Table::Thread => "thread",
        Table::Raised => "raised",
        Table::Record => "record",
        Table::Production => "production",
    }
}

/// A good sample.
pub fn sample(tag: TagId, value: Value, at: Option<Moment>, origin: Origin) -> Sample {
    Sample { tag, value, quality: Quality::Good, at, origin }
}
