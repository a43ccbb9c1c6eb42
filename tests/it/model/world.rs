//! The world around the pure middle: a clock, two sources, a disk, two networks, people; and what `app` does between
//! them, one event at a time, so that a kill can fall between any two.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use contract::{
    Batch, DeliveryError, Moment, Origin, Quality, Repeat, Sample, Step as Do, TagId, Ticket, Value,
};
use portevoix::config::{self, Plan};
use portevoix::episode::{Act, Role};
use portevoix::outbox::{Answer, Job};
use portevoix::store::Write;
use portevoix::turn::{Kept, Middle};

use super::Mutant;
use super::fakes::{Broker, Disk, Net};
use super::oracle::Oracle;
use super::spec::{Kind, Spec, WITNESS};
use crate::kills::dice::Dice;

pub const BEGUN: Moment = Moment::from_ms(1_795_500_000_000);
/// As `app`: changes wait for others at most so long.
const GROUP_WAIT: Duration = Duration::from_millis(50);
/// As `app`: the longest sleep.
const PULSE: Duration = Duration::from_secs(1);
/// The longest wait before something is sent again, and a fifth.
const RETRY_MAX_MINUTES: u32 = 6;
/// So many seeds share a plant.
const SEEDS_A_PLANT: u64 = 8;
/// So often it may wake within a second for nothing.
const IDLE_WAKES_MAX: u32 = 50;
/// Once all is well, all is told within so many minutes.
const CALM_MINUTES: u32 = 91;
/// What the witness tells changes at most so often, or it would chatter.
const WITNESS_EVERY: Duration = Duration::from_secs(61);

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A step on its way to the disk, and what must happen after it.
struct Flying {
    writes: Vec<Write>,
    tickets: Vec<Ticket>,
    jobs: Vec<(usize, Job)>,
    since: Moment,
    is_written: bool,
}

/// A gateway that lives.
struct Gate {
    middle: Middle,
    is_connected: [bool; 2],
    waiting: Vec<Ticket>,
    flying: Option<Flying>,
    /// Since when changes wait.
    since: Option<Moment>,
}

enum Event {
    Start,
    Connect {
        life: u32,
        source: usize,
    },
    Written {
        life: u32,
    },
    Kept {
        life: u32,
    },
    /// A job arrives.
    Take {
        life: u32,
        network: usize,
        job: Box<Job>,
        reply: Reply,
    },
    Answer {
        life: u32,
        network: usize,
        answer: Answer,
    },
}

/// What becomes of the answer of a network.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reply {
    Comes,
    IsLost,
    /// Nobody waits for it any more.
    Late,
}

pub struct World {
    pub dice: Dice,
    now: Moment,
    /// How far the clock of the gateway is ahead.
    skew: Duration,
    spec: Spec,
    plan: Rc<Plan>,
    mutant: Option<Mutant>,
    disk: Disk,
    pub nets: Vec<Net>,
    broker: Broker,
    gate: Option<Gate>,
    /// How often it was started.
    life: u32,
    events: BTreeMap<(Moment, u64), Event>,
    count: u64,
    /// It is killed after so many events.
    doom: Option<u64>,
    is_calm: bool,
    /// The last value of each tag, and when it was so.
    latest: Vec<(f64, Moment)>,
    witness_at: Moment,
    pub oracle: Oracle,
    pub kills: u32,
    is_traced: bool,
    /// Since when it wakes for nothing, and how often it did.
    idle: (Moment, u32),
}

impl World {
    pub fn new(seed: u64, mutant: Option<Mutant>, is_traced: bool) -> World {
        let (spec, plan) = plant(seed / SEEDS_A_PLANT);
        let dice = Dice::new(seed);
        if is_traced {
            println!("{}\n{:?}", spec.toml, spec.can);
        }
        let disk = if mutant == Some(Mutant::Leaky) { Disk::that_lies() } else { Disk::default() };
        let nets = spec.can.iter().map(|can| Net::new(*can, mutant)).collect();
        let mut world = World {
            now: BEGUN,
            skew: Duration::ZERO,
            plan,
            mutant,
            disk,
            nets,
            broker: Broker::default(),
            gate: None,
            life: 0,
            events: BTreeMap::new(),
            count: 0,
            doom: None,
            is_calm: false,
            latest: spec.tags.iter().map(|tag| (calm_value(tag.kind), BEGUN)).collect(),
            witness_at: BEGUN,
            oracle: Oracle::new(spec.rules.clone(), spec.can.len()),
            kills: 0,
            dice,
            spec,
            is_traced,
            idle: (BEGUN, 0),
        };
        world.start();
        world
    }

    fn trace(&self, words: impl FnOnce() -> String) {
        if self.is_traced {
            println!("{:>9.3} {}", self.now.since(BEGUN).as_secs_f64(), words());
        }
    }

    fn clock(&self) -> Moment {
        self.now.plus(self.skew)
    }

    fn at(&mut self, wait: Duration, event: Event) {
        self.count += 1;
        self.events.insert((self.now.plus(wait), self.count), event);
    }

    fn start(&mut self) {
        self.trace(|| "starts".to_owned());
        self.life += 1;
        let kept: Kept = self.disk.kept();
        let middle = Middle::new(&self.plan, &self.spec.can, kept, self.clock()).unwrap();
        self.gate =
            Some(Gate { middle, is_connected: [false; 2], waiting: Vec::new(), flying: None, since: None });
        for source in 0..2 {
            let wait = ms(self.dice.between(5..3_000));
            self.at(wait, Event::Connect { life: self.life, source });
        }
    }

    /// Everything stops here: what was not written is lost, what was sent may still arrive.
    fn kill(&mut self) {
        self.doom = None;
        let Some(gate) = self.gate.take() else { return };
        self.trace(|| "KILLED".to_owned());
        self.kills += 1;
        self.oracle.killed();
        if let Some(flying) = gate.flying
            && !flying.is_written
            && self.dice.one_in(2)
        {
            self.commit(&flying.writes);
        }
        self.disk.forget_last();
        let dice = &mut self.dice;
        self.events.retain(|_, event| !matches!(event, Event::Take { .. }) || dice.one_in(2));
        let down = match self.dice.pick(4) {
            0 => self.dice.between(200..2_000),
            1 => self.dice.between(2_000..60_000),
            2 => self.dice.between(60_000..400_000),
            _ => self.dice.between(200..1_500_000),
        };
        self.at(ms(down), Event::Start);
    }

    fn commit(&mut self, writes: &[Write]) {
        self.disk.commit(writes);
        self.oracle.committed(writes);
    }

    /// Lives until then.
    fn live(&mut self, until: Moment) {
        while self.oracle.broken.is_none() {
            let event = self.events.first_key_value().map(|((at, _), _)| *at);
            let wake = self.wake();
            let Some(next) = event.into_iter().chain(wake).min().filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            let is_event = event == Some(next);
            if is_event && let Some((_, event)) = self.events.pop_first() {
                self.happen(event);
                if let Some(doom) = &mut self.doom {
                    *doom = doom.saturating_sub(1);
                }
            }
            if self.doom == Some(0) {
                self.kill();
            }
            self.turn();
            self.rests(is_event);
        }
        self.now = self.now.max(until);
        self.turn();
    }

    /// A gateway that wakes again and again, while nothing happens and with nothing to do, burns a processor.
    fn rests(&mut self, is_event: bool) {
        let is_at_work = self.gate.as_ref().is_some_and(|gate| gate.flying.is_some());
        let (since, count) = self.idle;
        self.idle = if is_event || is_at_work || self.now.since(since) >= PULSE {
            (self.now, 0)
        } else {
            (since, count + 1)
        };
        if count > IDLE_WAKES_MAX {
            self.oracle.breaks("it wakes for nothing again and again".to_owned());
        }
    }

    /// When the loop of the gateway wakes by itself.
    fn wake(&mut self) -> Option<Moment> {
        let (now, clock, skew) = (self.now, self.clock(), self.skew);
        let gate = self.gate.as_mut()?;
        if gate.flying.is_some() {
            return Some(now.plus(PULSE));
        }
        let due = gate.middle.due(clock).map(|due| due.minus(skew));
        let group = gate.since.map(|since| since.plus(GROUP_WAIT));
        due.into_iter().chain(group).min().map(|wake| wake.max(now.plus(ms(1))))
    }

    /// What `app` does each time round: time goes by, and the next step is made when it is time.
    fn turn(&mut self) {
        let (now, clock) = (self.now, self.clock());
        let Some(gate) = &mut self.gate else { return };
        gate.middle.tick(clock);
        if gate.flying.is_some() {
            return;
        }
        let has_changes = gate.middle.has_changes();
        let mut settled = Vec::new();
        if !has_changes {
            settled.append(&mut gate.waiting);
            gate.since = None;
        }
        let is_due = gate.middle.due(clock).is_some_and(|due| due <= clock);
        let since = if has_changes { *gate.since.get_or_insert(now) } else { now };
        let is_full = gate.middle.is_urgent() || is_due || now.since(since) >= GROUP_WAIT;
        let mut flying = None;
        if (has_changes && is_full) || (!has_changes && is_due) {
            gate.since = None;
            let step = gate.middle.step(clock);
            let tickets = std::mem::take(&mut gate.waiting);
            flying =
                Some(Flying { writes: step.writes, tickets, jobs: step.jobs, since: now, is_written: false });
        }
        settled.into_iter().for_each(|ticket| self.broker.settle(ticket));
        let Some(flying) = flying else { return };
        self.oracle.step(&flying.writes);
        if flying.writes.is_empty() {
            return self.settle_and_send(flying);
        }
        let life = self.life;
        let (wait, more) = (self.dice.between(1..40), self.dice.between(1..10));
        let wait = if self.dice.one_in(20) { wait * 100 } else { wait };
        self.at(ms(wait), Event::Written { life });
        self.at(ms(wait + more), Event::Kept { life });
        if let Some(gate) = &mut self.gate {
            gate.flying = Some(flying);
        }
    }

    fn settle_and_send(&mut self, flying: Flying) {
        flying.tickets.into_iter().for_each(|ticket| self.broker.settle(ticket));
        for (network, job) in flying.jobs {
            self.send(network, job, flying.since);
        }
    }

    fn happen(&mut self, event: Event) {
        let alive = self.life;
        let is_here = self.gate.is_some();
        match event {
            Event::Start => self.start(),
            Event::Connect { life, source } if life == alive && is_here => self.connect(source),
            Event::Written { life } if life == alive && is_here => {
                let Some(mut flying) = self.gate.as_mut().and_then(|gate| gate.flying.take()) else { return };
                self.commit(&flying.writes);
                flying.is_written = true;
                if let Some(gate) = &mut self.gate {
                    gate.flying = Some(flying);
                }
            }
            Event::Kept { life } if life == alive && is_here => {
                let flying = self.gate.as_mut().and_then(|gate| gate.flying.take());
                flying.into_iter().for_each(|flying| self.settle_and_send(flying));
            }
            Event::Take { life, network, job, reply } => self.arrive(life, network, &job, reply),
            Event::Answer { life, network, answer } if life == alive && is_here => {
                let clock = self.clock();
                self.trace(|| format!("n{network} answers {answer:?}"));
                if let Some(gate) = &mut self.gate {
                    gate.middle.answer(network, answer, clock);
                }
            }
            Event::Connect { .. } | Event::Written { .. } | Event::Kept { .. } | Event::Answer { .. } => {}
        }
    }

    /// A job goes to its network: it arrives soon, late, or not at all, and so does the answer.
    fn send(&mut self, network: usize, job: Job, left: Moment) {
        let life = self.life;
        let arrives = ms(self.dice.between(2..400));
        let fate = if self.is_calm { 99 } else { self.dice.pick(100) };
        let take = |reply| Event::Take { life, network, job: Box::new(job.clone()), reply };
        if job.is_look || fate >= 30 {
            return self.at(arrives, take(Reply::Comes));
        }
        let late = self.nets[network].settle();
        let reason = "no answer".to_owned();
        match (fate, late) {
            (0, _) if matches!(job.step, Do::Open) => {
                self.nets[network].refused.push(job.post.episode.clone());
                let answer = Answer::Published(Err(DeliveryError::Never("refused".into())));
                self.at(arrives, Event::Answer { life, network, answer });
            }
            (1..=4, Some(settle)) => {
                let last = left.plus(settle).since(self.now).saturating_sub(ms(1));
                let last = u64::try_from(last.as_millis()).unwrap();
                let wait = ms(self.dice.between(last / 2..last.max(2)));
                let unanswered = Answer::Published(Err(DeliveryError::Unanswered { reason }));
                self.at(wait, take(Reply::Late));
                self.at(arrives, Event::Answer { life, network, answer: unanswered });
            }
            (5..=9, _) => {
                let wait = (self.dice.one_in(2)).then(|| ms(self.dice.between(0..60_000)));
                let answer = Answer::Published(Err(DeliveryError::Later { reason, after: wait }));
                self.at(arrives, Event::Answer { life, network, answer });
            }
            (10..=14, _) => {
                let answer = Answer::Published(Err(DeliveryError::Unanswered { reason }));
                self.at(arrives, Event::Answer { life, network, answer });
            }
            _ => self.at(arrives, take(Reply::IsLost)),
        }
    }

    fn arrive(&mut self, life: u32, network: usize, job: &Job, reply: Reply) {
        let now = self.now;
        let net = &mut self.nets[network];
        let unanswered = || DeliveryError::Unanswered { reason: "no answer".into() };
        let refused = || DeliveryError::Later { reason: "connection refused".into(), after: None };
        let answer = if !net.is_up {
            let error = if reply == Reply::Comes { refused() } else { unanswered() };
            if job.is_look { Answer::Looked(Err(error)) } else { Answer::Published(Err(error)) }
        } else if job.is_look {
            Answer::Looked(Ok(net.look(job)))
        } else {
            match net.take(job, now) {
                Err(broken) => return self.oracle.breaks(format!("n{network}: {broken}")),
                Ok(receipt) if reply == Reply::Comes => Answer::Published(Ok(receipt)),
                Ok(_) => Answer::Published(Err(unanswered())),
            }
        };
        self.trace(|| {
            let what =
                if job.is_look { "is asked for".to_owned() } else { format!("is given {:?}", job.step) };
            let (post, words) = (&job.post, job.post.first_line().plain());
            format!("n{network} {what} {} v{}: {words} -> {answer:?}", post.episode, post.version)
        });
        if reply != Reply::Late {
            let after = ms(self.dice.between(1..400));
            self.at(after, Event::Answer { life, network, answer });
        }
    }

    fn connect(&mut self, source: usize) {
        self.trace(|| format!("source {source} connects"));
        let clock = self.clock();
        let Some(gate) = &mut self.gate else { return };
        gate.is_connected[source] = true;
        gate.middle.source(source, None, clock);
        let is_first = self.dice.one_in(2);
        if is_first {
            self.tell_latest(source);
        }
        if source == 0 {
            for batch in self.broker.unsettled.clone() {
                self.give(0, batch);
            }
        }
        if !is_first {
            self.tell_latest(source);
        }
    }

    /// What a broker retains; what is polled is read anew.
    fn tell_latest(&mut self, source: usize) {
        let mut samples = Vec::new();
        for (number, tag) in self.spec.tags.iter().enumerate() {
            let is_polled = !tag.is_durable;
            if (tag.is_durable == (source == 0)) && (is_polled || tag.is_retained) {
                let (value, at) = self.latest[number];
                let origin = if is_polled { Origin::Live } else { Origin::Retained };
                let at = if is_polled { self.now } else { at };
                samples.push(sample(number, value, tag.is_timed.then_some(at), origin));
            }
        }
        self.give(source, Batch { samples, ..Batch::default() });
    }

    /// A batch reaches the gateway, if that is there.
    fn give(&mut self, source: usize, batch: Batch) {
        let clock = self.clock();
        let Some(gate) = self.gate.as_mut().filter(|gate| gate.is_connected[source]) else { return };
        for sample in &batch.samples {
            let tag = &self.spec.tags[sample.tag.0 as usize];
            if let (Kind::Mode, Quality::Good, Value::Number(value)) =
                (tag.kind, &sample.quality, &sample.value)
            {
                self.oracle.state(&tag.machine, *value, clock);
            }
        }
        let ticket = batch.ticket;
        gate.middle.take(source, batch, clock);
        if self.mutant == Some(Mutant::Hasty) {
            ticket.into_iter().for_each(|ticket| self.broker.settle(ticket));
        } else {
            gate.waiting.extend(ticket);
        }
        self.turn();
    }

    /// Machines say this.
    fn say(&mut self, samples: Vec<Sample>) {
        self.trace(|| {
            let said = |sample: &Sample| {
                format!(
                    "{}={:?}@{:?}",
                    self.spec.tags[sample.tag.0 as usize].machine,
                    sample.value,
                    sample.at.map(|at| at.since(BEGUN).as_secs_f64())
                )
            };
            samples.iter().map(said).collect::<Vec<_>>().join(" ")
        });
        let (durable, polled) =
            samples.into_iter().partition(|sample: &Sample| self.spec.tags[sample.tag.0 as usize].is_durable);
        let durable: Vec<Sample> = durable;
        if !durable.is_empty() {
            let batch = self.broker.keep(Batch { samples: durable, ..Batch::default() });
            self.give(0, batch);
        }
        self.give(1, Batch { samples: polled, ..Batch::default() });
    }

    fn any_sample(&mut self, number: usize) -> Sample {
        let tag = self.spec.tags[number].clone();
        if tag.machine == WITNESS {
            return self.witness_sample(number);
        }
        let value = match tag.kind {
            Kind::Level => [40.0, 40.0, 47.0, 60.0, 80.0, 95.0][self.dice.pick(6)],
            Kind::Mode => [1.0, 1.0, 4.0][self.dice.pick(3)],
            Kind::Flag => [1.0, 3.0][self.dice.pick(2)],
        };
        let mut at = self.now;
        if self.dice.one_in(12) {
            at = at.minus(ms(self.dice.between(0..90_000)));
        }
        self.latest[number] = (value, at);
        let mut sample = sample(number, value, tag.is_timed.then_some(at), Origin::Live);
        if self.dice.one_in(12) {
            sample.quality = Quality::Bad("no answer".into());
        }
        sample
    }

    fn witness_sample(&mut self, number: usize) -> Sample {
        let (mut value, _) = self.latest[number];
        if self.now.since(self.witness_at) >= WITNESS_EVERY {
            value = if value > 50.0 { 40.0 } else { 60.0 };
            self.witness_at = self.now;
        }
        self.latest[number] = (value, self.now);
        self.oracle.witness(value, self.now);
        sample(number, value, Some(self.now), Origin::Live)
    }

    /// One thing happens, and time goes by.
    fn happening(&mut self) {
        match self.dice.pick(100) {
            0..=54 => {
                let count = self.dice.between(1..5);
                let numbers: Vec<usize> =
                    (0..count).map(|_| self.dice.pick(self.spec.tags.len() as u64)).collect();
                let samples = numbers.into_iter().map(|number| self.any_sample(number)).collect();
                self.say(samples);
            }
            55..=60 => self.storm(),
            61..=72 => self.person(),
            73..=81 => {
                let network = self.dice.pick(2);
                self.nets[network].is_up = !self.nets[network].is_up;
                let is_up = self.nets[network].is_up;
                self.trace(|| format!("n{network} is up: {is_up}"));
            }
            82..=90 => self.die_speaking(),
            91..=93 => self.jump(),
            94..=96 => self.lose_source(),
            _ => {}
        }
        let waits = [3, 40, 300, 2_000, 15_000, 15_000, 70_000, 200_000, 400_000, 700_000];
        let longest = waits[self.dice.pick(10)];
        let wait = ms(self.dice.between(0..longest));
        self.live(self.now.plus(wait));
    }

    /// It is killed a few events after it heard something.
    fn die_speaking(&mut self) {
        self.doom = Some(self.dice.between(0..8));
        let witness = self.spec.tags.iter().position(|tag| tag.machine == WITNESS).unwrap();
        let any = self.dice.pick(self.spec.tags.len() as u64);
        let samples = [witness, any].map(|number| self.any_sample(number)).to_vec();
        self.say(samples);
    }

    /// Everything goes wrong within a moment, or is well again.
    fn storm(&mut self) {
        let value = if self.dice.one_in(2) { 60.0 } else { 40.0 };
        let storm = |machine: &str| machine.starts_with('s');
        let numbers = (0..self.spec.tags.len()).filter(|at| storm(&self.spec.tags[*at].machine));
        let numbers: Vec<usize> = numbers.collect();
        let now = self.now;
        let samples = numbers.into_iter().map(|at| sample(at, value, Some(now), Origin::Live)).collect();
        self.say(samples);
    }

    fn person(&mut self) {
        let rules: Vec<(String, String)> = self
            .spec
            .rules
            .iter()
            .filter(|rule| rule.machine != WITNESS)
            .map(|rule| (rule.machine.clone(), rule.rule.clone()))
            .collect();
        let (machine, rule) = rules[self.dice.pick(rules.len() as u64)].clone();
        let reason = "essai".to_owned();
        let act = match self.dice.pick(10) {
            0..=2 => Act::Acknowledge,
            3..=4 => Act::Confirm,
            5..=6 => Act::Shelve { for_ms: self.dice.between(10_000..1_500_000), reason },
            7 => Act::OutOfService { reason },
            8 => Act::Unshelve,
            _ => Act::InService,
        };
        self.act(&machine, &rule, &act);
        self.turn();
    }

    fn act(&mut self, machine: &str, rule: &str, act: &Act) {
        let clock = self.clock();
        let Some(gate) = &mut self.gate else { return };
        let shelve_max = Duration::from_secs(8 * 3_600);
        let role = Role { name: "maintenance".into(), shelve_max, may_disable: true };
        let done = gate.middle.act((machine, rule), act, &role, clock);
        self.trace(|| format!("{act:?} of {machine}/{rule}: {done:?}"));
    }

    /// The clock of the gateway is set forward. What is on its way arrives before: it is bounded by real time.
    fn jump(&mut self) {
        self.is_calm = true;
        self.live(self.now.plus(Duration::from_secs(60)));
        while self.oracle.broken.is_none()
            && self.events.values().any(|event| matches!(event, Event::Take { .. }))
        {
            self.live(self.now.plus(ms(100)));
        }
        self.is_calm = false;
        let wait = self.dice.between(3..900);
        self.skew += Duration::from_secs(wait);
        self.trace(|| format!("the clock is set {wait} s forward"));
        let clock = self.clock();
        if let Some(gate) = &mut self.gate {
            gate.middle.clock_stepped(clock);
        }
        self.turn();
    }

    fn lose_source(&mut self) {
        let (source, clock, life) = (self.dice.pick(2), self.clock(), self.life);
        let Some(gate) = self.gate.as_mut().filter(|gate| gate.is_connected[source]) else { return };
        gate.is_connected[source] = false;
        gate.middle.source(source, Some("connection refused".into()), clock);
        let wait = ms(self.dice.between(10..200_000));
        self.at(wait, Event::Connect { life, source });
        self.trace(|| format!("source {source} is lost"));
        self.turn();
    }

    /// Chaos for so many happenings, then peace: what promise was broken, if any.
    pub fn run(&mut self, happenings: u64) -> Result<(), String> {
        for _ in 0..happenings {
            self.happening();
            if let Some(broken) = self.oracle.broken.take() {
                return Err(broken);
            }
        }
        self.trace(|| "PEACE".to_owned());

        self.is_calm = true;
        self.doom = None;
        self.nets.iter_mut().for_each(|net| net.is_up = true);
        let found = self.come_to_rest();
        if let Some(broken) = self.oracle.broken.take() {
            return Err(broken);
        }
        if !found.is_empty() {
            return Err(found.join("\n"));
        }
        self.start_once_more()
    }

    /// All is well, and people do what is left to do: what is not told and closed after hours.
    fn come_to_rest(&mut self) -> Vec<String> {
        let rules = self.spec.rules.clone();
        for minute in 0..CALM_MINUTES {
            let samples = (0..self.spec.tags.len()).map(|number| self.calm_sample(number)).collect();
            self.say(samples);
            for rule in &rules {
                if minute == 1 {
                    self.act(&rule.machine, &rule.rule, &Act::InService);
                }
                if rule.is_latched {
                    self.act(&rule.machine, &rule.rule, &Act::Confirm);
                }
            }
            self.turn();
            self.live(self.now.plus(Duration::from_secs(60)));
            if self.oracle.broken.is_some() {
                return Vec::new();
            }
            if minute % 3 == 2 && self.unfinished().is_empty() {
                return Vec::new();
            }
        }
        self.unfinished()
    }

    fn unfinished(&self) -> Vec<String> {
        let mut found = self.oracle.unfinished(&self.nets);
        let Some(gate) = &self.gate else { return vec!["it is down".into()] };
        let health = gate.middle.health();
        if health.open > 0 || health.networks.iter().any(|network| network.waiting > 0) {
            found.push(format!("{} open, {:?}", health.open, health.networks));
        }
        found
    }

    fn calm_sample(&mut self, number: usize) -> Sample {
        let tag = &self.spec.tags[number];
        let value = calm_value(tag.kind);
        self.latest[number] = (value, self.now);
        if tag.machine == WITNESS {
            self.oracle.witness(value, self.now);
        }
        sample(number, value, tag.is_timed.then_some(self.now), Origin::Live)
    }

    /// Killed at rest and started again, it has nothing new to say.
    fn start_once_more(&mut self) -> Result<(), String> {
        // A doubt that no reader sees may still wait to be sent again.
        for _ in 0..RETRY_MAX_MINUTES {
            let samples = (0..self.spec.tags.len()).map(|number| self.calm_sample(number)).collect();
            self.say(samples);
            self.live(self.now.plus(Duration::from_secs(60)));
        }
        let before: Vec<usize> = self.nets.iter().map(|net| net.posts.len()).collect();
        self.kill();
        while self.gate.is_none() {
            self.live(self.now.plus(Duration::from_secs(60)));
        }
        self.live(self.now.plus(Duration::from_secs(60)));
        let samples = (0..self.spec.tags.len()).map(|number| self.calm_sample(number)).collect();
        self.say(samples);
        self.live(self.now.plus(Duration::from_secs(60)));
        if let Some(broken) = self.oracle.broken.take() {
            return Err(broken);
        }
        // Where nothing recognises a repeat, what was not known to be taken may be said again.
        let known = self.nets.iter().zip(before).filter(|(net, _)| net.can.repeat != Repeat::Nothing);
        for (net, before) in known {
            // A tag that was not heard in so long a death may say so.
            let more: Vec<_> = net.posts[before..].iter().filter(|shown| is_news(&shown.post)).collect();
            if let Some(shown) = more.first() {
                return Err(format!("said at rest: {}", shown.post.first_line().plain()));
            }
        }
        Ok(())
    }
}

fn is_news(post: &contract::Post) -> bool {
    let rule = &post.provenance.rule;
    !rule.starts_with("stale") && !rule.starts_with("source")
}

/// The plant of this number. Reading a configuration takes its time, and the last one is often asked for again.
fn plant(number: u64) -> (Spec, Rc<Plan>) {
    thread_local! {
        static LAST: RefCell<Option<(u64, Spec, Rc<Plan>)>> = const { RefCell::new(None) };
    }
    LAST.with_borrow_mut(|last| {
        let known = last.take().filter(|(of, ..)| *of == number);
        let (_, spec, plan) = last.insert(known.unwrap_or_else(|| {
            let spec = Spec::draw(&mut Dice::new(number));
            let plan = config::read(vec![("plant.toml".into(), spec.toml.clone())]).unwrap_or_else(|found| {
                let found: Vec<_> = found.iter().map(ToString::to_string).collect();
                panic!("plant {number}: {}", found.join("\n"))
            });
            (number, spec, Rc::new(plan))
        }));
        (spec.clone(), plan.clone())
    })
}

fn calm_value(kind: Kind) -> f64 {
    match kind {
        Kind::Level => 40.0,
        Kind::Mode | Kind::Flag => 1.0,
    }
}

pub fn sample(number: usize, value: f64, at: Option<Moment>, origin: Origin) -> Sample {
    let tag = TagId(u32::try_from(number).unwrap());
    Sample { tag, value: Value::Number(value), quality: Quality::Good, at, origin }
}
