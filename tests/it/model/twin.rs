//! Two gateways hear and are told the same. One of them is started anew from its rows half-way: it must go on as the
//! other one does.
//!
//! Left out is what no row promises: what a rule of `stale` or `count` heard before, and notes under a post, which a
//! restart may repeat.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::{Batch, DeliveryError, EpisodeId, Mark, Moment, Origin, Priority, Step};
use portevoix::config::{self, Plan};
use portevoix::episode::{Act, Role};
use portevoix::outbox::{Answer, Job};
use portevoix::replay::{House, Stage};
use portevoix::store::{Table, Write};

use super::fakes::{Disk, Net};
use super::spec::{Kind, Spec};
use super::world::{BEGUN, sample};
use crate::kills::dice::Dice;

/// So much happens to both, a third of it before one of them is started anew.
const HAPPENINGS: usize = 36;

/// What happens to both.
enum Happening {
    Said { tag: usize, value: f64 },
    Done { machine: String, rule: String, act: Act },
}

struct Twin {
    stage: Stage,
    house: Keeper,
}

struct Keeper {
    disk: Disk,
    net: Net,
    /// Rows of these kinds are not kept: a mutant.
    forgets: Option<Table>,
    /// When each post was opened.
    opened: Vec<(Moment, EpisodeId)>,
    /// Promises that were broken on the network.
    wrong: Vec<String>,
}

impl House for Keeper {
    fn publish(&mut self, _network: usize, job: &Job, now: Moment) -> Answer {
        if job.step == Step::Open {
            self.opened.push((now, job.post.episode.clone()));
        }
        let taken = self.net.take(job, now).map_err(|wrong| self.wrong.push(wrong));
        let unanswered = DeliveryError::Unanswered { reason: "no answer".into() };
        Answer::Published(taken.map_err(|()| unanswered))
    }

    fn keep(&mut self, write: Write) {
        let is_forgotten = matches!(&write, Write::Put { table, .. } if Some(*table) == self.forgets);
        if !is_forgotten {
            self.disk.commit(&[write]);
        }
    }
}

impl Twin {
    fn new(plan: &Plan, spec: &Spec, forgets: Option<Table>) -> Twin {
        let (disk, net) = (Disk::default(), Net::new(spec.can[0], None));
        let stage = Stage::new(plan, &spec.can[..1], disk.kept(), BEGUN).unwrap();
        Twin { stage, house: Keeper { disk, net, forgets, opened: Vec::new(), wrong: Vec::new() } }
    }

    fn live(&mut self, until: Moment) {
        self.stage.advance(until, &mut self.house);
        self.stage.settle(&mut self.house);
    }

    fn start_anew(&mut self, plan: &Plan, spec: &Spec) {
        let now = self.stage.now();
        self.stage = Stage::new(plan, &spec.can[..1], self.house.disk.kept(), now).unwrap();
    }

    fn meet(&mut self, happening: &Happening, spec: &Spec) {
        let now = self.stage.now();
        match happening {
            Happening::Said { tag, value } => {
                let source = usize::from(!spec.tags[*tag].is_durable);
                let samples = vec![sample(*tag, *value, Some(now), Origin::Live)];
                self.stage.take(source, &mut Batch { samples, ..Batch::default() });
            }
            Happening::Done { machine, rule, act } => {
                let shelve_max = Duration::from_secs(8 * 3_600);
                let role = Role { name: "maintenance".into(), shelve_max, may_disable: true };
                let _ = self.stage.middle().act((machine, rule), act, &role, now);
            }
        }
        self.stage.settle(&mut self.house);
    }

    /// How each post reads in the end.
    fn shown(&self) -> BTreeMap<EpisodeId, (Mark, Priority, Option<Moment>)> {
        let posts = self.house.net.posts.iter().filter(|shown| shown.step == Step::Open);
        posts.map(|of| (of.post.episode.clone(), (of.post.mark, of.post.priority, of.post.ended))).collect()
    }
}

fn draw(spec: &Spec, dice: &mut Dice) -> Happening {
    if dice.one_in(5) {
        let rule = &spec.rules[dice.pick(spec.rules.len() as u64)];
        let reason = "essai".to_owned();
        let act = match dice.pick(5) {
            0 => Act::Acknowledge,
            1 => Act::Confirm,
            2 => Act::Shelve { for_ms: dice.between(10_000..900_000), reason },
            3 => Act::OutOfService { reason },
            _ => Act::InService,
        };
        return Happening::Done { machine: rule.machine.clone(), rule: rule.rule.clone(), act };
    }
    let tag = dice.pick(spec.tags.len() as u64);
    let value = match spec.tags[tag].kind {
        Kind::Level => [40.0, 47.0, 60.0, 80.0, 95.0][dice.pick(5)],
        Kind::Mode => [1.0, 4.0][dice.pick(2)],
        Kind::Flag => [1.0, 3.0][dice.pick(2)],
    };
    Happening::Said { tag, value }
}

/// Where the two part, if they do.
pub fn play(seed: u64, forgets: Option<Table>) -> Option<String> {
    let mut dice = Dice::new(seed);
    let spec = Spec::draw_of(&mut dice, &["limit", "state"]);
    let plan = config::read(vec![("plant.toml".into(), spec.toml.clone())])
        .unwrap_or_else(|found| panic!("seed {seed}: {}", found[0]));
    let mut twins = [None, forgets].map(|forgets| Twin::new(&plan, &spec, forgets));
    let mut now = BEGUN;
    for count in 0..HAPPENINGS {
        let longest = [1, 30, 90, 400, 900][dice.pick(5)];
        now = now.plus(Duration::from_secs(dice.between(0..longest)));
        twins.iter_mut().for_each(|twin| twin.live(now));
        if count == HAPPENINGS / 3 {
            twins[1].start_anew(&plan, &spec);
        }
        let happening = draw(&spec, &mut dice);
        twins.iter_mut().for_each(|twin| twin.meet(&happening, &spec));
    }
    // Nobody asks for anything more, and what is held back is told.
    twins.iter_mut().for_each(|twin| twin.live(now.plus(Duration::from_secs(1_800))));
    let [one, other] = &twins;
    if let Some(wrong) = twins.iter().find_map(|twin| twin.house.wrong.first()) {
        return Some(wrong.clone());
    }
    if one.house.opened != other.house.opened {
        return Some(format!("lived on: {:?}\nanew: {:?}", one.house.opened, other.house.opened));
    }
    let (mine, theirs) = (one.shown(), other.shown());
    (mine != theirs).then(|| format!("lived on: {mine:?}\nanew: {theirs:?}"))
}
