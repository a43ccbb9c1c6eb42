//! A network in virtual time that shows what it is given, and the plant in front of it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use contract::{
    Batch, Capabilities, DeliveryError, Length, Moment, Origin, Pace, Post, Priority, Quality, Receipt,
    Repeat, Sample, Step, TagId, Value,
};
use portevoix::config::{self, Plan};
use portevoix::outbox::{Answer, Job};
use portevoix::store::{self, Table};
use portevoix::turn::{Kept, Middle, Reloaded, Stays};

/// What a network can do at its best.
pub const ABLE: Capabilities = Capabilities {
    repeat: Repeat::Key,
    edit: true,
    thread: true,
    mention: false,
    length: Length::Chars(16_000),
    pace: Pace { burst: 10, refill: Duration::from_millis(100) },
};

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
        for line in std::iter::once(job.post.first_line().plain()).chain(lines) {
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
    pub middle: Middle,
    pub boards: Vec<Board>,
    pub plan: Plan,
    /// The numbers that the sources were built with.
    tags: BTreeMap<String, TagId>,
    pub writes: usize,
    /// What was kept, as a store would have it.
    rows: BTreeMap<(&'static str, String), String>,
}

impl Plant {
    pub fn new(toml: &str, now: Moment) -> Plant {
        let plan = read(toml);
        let can = vec![ABLE; plan.networks.len()];
        let mut middle = Middle::new(&plan, &can, Kept::default(), now).unwrap();
        for source in 0..plan.sources.len() {
            middle.source(source, None, now);
        }
        let boards = plan.networks.iter().map(|_| Board::default()).collect();
        let tags = numbers(&plan);
        Plant { middle, boards, plan, tags, writes: 0, rows: BTreeMap::new() }
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
        let reloaded = self.middle.reload(&plan, &can, &stays, now).unwrap();
        for (at, _) in sources.iter().enumerate().filter(|(_, stays)| !**stays) {
            self.middle.source(at, None, now);
        }
        // A source that stays says the numbers that it was built with.
        let said = |name: &String, id: TagId| {
            let at = plan.machines.iter().flat_map(|machine| &machine.tags).find(|tag| tag.id == id);
            let stays = at.is_some_and(|tag| sources[tag.source]);
            self.tags.get(name).copied().filter(|_| stays).unwrap_or(id)
        };
        self.tags = numbers(&plan).into_iter().map(|(name, id)| (name.clone(), said(&name, id))).collect();
        self.plan = plan;
        reloaded
    }

    /// The number of `machine/tag`.
    pub fn tag(&self, name: &str) -> TagId {
        *self.tags.get(name).unwrap_or_else(|| panic!("no tag {name}"))
    }

    pub fn say(&mut self, sample: Sample, now: Moment) {
        self.middle.take(0, Batch { samples: vec![sample], ..Batch::default() }, now);
    }

    fn keep(&mut self, writes: Vec<store::Write>) {
        for write in writes {
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
        let rest = self.middle.rest(now);
        self.keep(rest);
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
        let can = vec![ABLE; self.plan.networks.len()];
        self.middle = Middle::new(&self.plan, &can, kept, now).unwrap();
        self.tags = numbers(&self.plan);
        for source in 0..self.plan.sources.len() {
            self.middle.source(source, None, now);
        }
    }

    pub fn settle(&mut self, now: Moment) {
        self.middle.tick(now);
        for _ in 0..1_000 {
            let step = self.middle.step(now);
            self.writes += step.writes.len();
            self.keep(step.writes);
            if step.jobs.is_empty() {
                return;
            }
            for (network, job) in step.jobs {
                let answer = self.boards[network].do_job(&job, now);
                self.middle.answer(network, answer, now);
            }
        }
        panic!("the networks are never done");
    }
}

fn read(toml: &str) -> Plan {
    config::read(vec![("plant.toml".into(), toml.into())]).unwrap_or_else(|found| {
        panic!("{}", found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

/// Every `machine/tag` with its number.
fn numbers(plan: &Plan) -> BTreeMap<String, TagId> {
    let tags = plan.machines.iter().flat_map(|machine| {
        machine.tags.iter().map(move |tag| (format!("{}/{}", machine.author.key, tag.name), tag.id))
    });
    tags.collect()
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
