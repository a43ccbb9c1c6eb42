//! A small plant of random rules, the networks in front of it, and what their machines say when all is well.

use std::fmt::Write;
use std::time::Duration;

use contract::{Capabilities, Length, Pace, Priority, Repeat};

use crate::kills::dice::Dice;

/// The machine that is never set aside, delayed or hidden: what it says is owed to every reader.
pub const WITNESS: &str = "witness";

/// What a tag tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A temperature, over none, one or more limits.
    Level,
    /// The state that the machine is in.
    Mode,
    /// A state of its own, or an event.
    Flag,
}

/// One tag, in the order of the plan.
#[derive(Debug, Clone)]
pub struct TagSpec {
    pub machine: String,
    pub kind: Kind,
    /// The source tells when it was so.
    pub is_timed: bool,
    /// Its source keeps what is not settled, and gives it again.
    pub is_durable: bool,
    /// The broker tells its last value to whoever connects.
    pub is_retained: bool,
}

/// One rule.
#[derive(Debug, Clone)]
pub struct RuleSpec {
    pub machine: String,
    pub rule: String,
    /// The priority of each step of its ladder.
    pub priorities: Vec<Priority>,
    pub is_latched: bool,
    pub is_hiding: bool,
    /// Hidden while its machine is in this state.
    pub quiet: Option<f64>,
    pub parent: Option<String>,
}

/// A plant.
#[derive(Clone)]
pub struct Spec {
    pub toml: String,
    pub tags: Vec<TagSpec>,
    pub rules: Vec<RuleSpec>,
    pub can: Vec<Capabilities>,
    /// So many machines go wrong together now and then.
    pub is_stormy: bool,
}

impl Spec {
    pub fn draw(dice: &mut Dice) -> Spec {
        Spec::draw_of(dice, &["limit", "state", "stale", "count"])
    }

    /// With rules of these kinds alone.
    pub fn draw_of(dice: &mut Dice, kinds: &[&str]) -> Spec {
        let mut spec = Spec {
            toml: "[site]\nname = \"Vitré\"\nlanguage = \"fr\"\n[source.mqtt.a]\nurl = \"mqtt://127.0.0.1:1883\"\n\
                   [source.mqtt.b]\nurl = \"mqtt://127.0.0.1:1884\"\n[network.wall.n0]\nlisten = \"127.0.0.1:8080\"\n\
                   [network.wall.n1]\nlisten = \"127.0.0.1:8081\"\n"
                .to_owned(),
            tags: Vec::new(),
            rules: Vec::new(),
            can: vec![network(dice, false), network(dice, true)],
            is_stormy: dice.one_in(4),
        };
        spec.machine(WITNESS, None);
        spec.tag(WITNESS, "v", Kind::Level, [true, true, false]);
        spec.rule(WITNESS, "limit.r", "tag = \"v\"\nabove = 50\nclear = 45\n", vec![Priority::Low]);
        let has_parent = dice.one_in(2);
        if has_parent {
            spec.machine("line", None);
            let traits = spec.traits(dice);
            spec.tag("line", "v", Kind::Level, traits);
            spec.rule(
                "line",
                "limit.r",
                "tag = \"v\"\nabove = 50\nclear = 45\npriority = 2\nhides_children = true\n",
                vec![Priority::High],
            );
            spec.last().is_hiding = true;
        }
        for number in 0..dice.between(1..4) {
            spec.any_machine(&format!("m{number}"), has_parent, kinds, dice);
        }
        if spec.is_stormy {
            for number in 0..13 {
                let name = format!("s{number}");
                spec.machine(&name, None);
                spec.tag(&name, "v", Kind::Level, [true, true, false]);
                spec.rule(&name, "limit.r", "tag = \"v\"\nabove = 50\nclear = 45\n", vec![Priority::Low]);
            }
        }
        spec
    }

    fn machine(&mut self, name: &str, parent: Option<&str>) {
        writeln!(self.toml, "[machine.{name}]").unwrap();
        if let Some(parent) = parent {
            writeln!(self.toml, "parent = \"{parent}\"").unwrap();
        }
    }

    fn traits(&self, dice: &mut Dice) -> [bool; 3] {
        [dice.one_in(2), !dice.one_in(3), dice.one_in(3)]
    }

    fn tag(&mut self, machine: &str, name: &str, kind: Kind, [is_timed, is_durable, is_retained]: [bool; 3]) {
        let source = if is_durable { "a" } else { "b" };
        writeln!(
            self.toml,
            "[machine.{machine}.tag.{name}]\nsource = \"{source}\"\ntopic = \"{machine}/{name}\""
        )
        .unwrap();
        let machine = machine.to_owned();
        self.tags.push(TagSpec { machine, kind, is_timed, is_durable, is_retained });
    }

    fn rule(&mut self, machine: &str, rule: &str, body: &str, priorities: Vec<Priority>) {
        write!(self.toml, "[machine.{machine}.rule.{rule}]\ndo = \"Regarder.\"\n{body}").unwrap();
        self.rules.push(RuleSpec {
            machine: machine.to_owned(),
            rule: rule.to_owned(),
            priorities,
            is_latched: false,
            is_hiding: false,
            quiet: None,
            parent: None,
        });
    }

    fn last(&mut self) -> &mut RuleSpec {
        self.rules.last_mut().unwrap()
    }

    /// A machine with a level, a flag, perhaps states; and rules of every kind on them.
    fn any_machine(&mut self, name: &str, has_parent: bool, kinds: &[&str], dice: &mut Dice) {
        let parent = (has_parent && dice.one_in(2)).then_some("line");
        self.machine(name, parent);
        let first = self.rules.len();
        let has_states = dice.one_in(2);
        if has_states {
            writeln!(
                self.toml,
                "[machine.{name}.states]\ntag = \"mode\"\n[machine.{name}.states.is.running]\nvalues = [1]\n\
                 [machine.{name}.states.is.cleaning]\nvalues = [4]\n"
            )
            .unwrap();
            let traits = [false, true, dice.one_in(3)];
            self.tag(name, "mode", Kind::Mode, traits);
        }
        let traits = self.traits(dice);
        self.tag(name, "v", Kind::Level, traits);
        let traits = self.traits(dice);
        self.tag(name, "f", Kind::Flag, traits);
        self.ladder(name, has_states, dice);
        let has = |kind: &str, dice: &mut Dice| kinds.contains(&kind) && dice.one_in(2);
        if has("state", dice) {
            let body = "tag = \"f\"\nin = [3]\npriority = 2\n";
            self.lived("state.s", name, body, vec![Priority::High], has_states, dice);
        }
        if has("stale", dice) {
            let body = format!("tag = \"v\"\nafter = \"{}s\"\n", [120, 400][dice.pick(2)]);
            self.lived("stale.q", name, &body, vec![Priority::Low], has_states, dice);
        }
        if has("count", dice) {
            let body = "tag = \"f\"\nis = [3]\nabove = 2\nover = \"10m\"\n";
            self.lived("count.c", name, body, vec![Priority::Low], has_states, dice);
        }
        for rule in &mut self.rules[first..] {
            rule.parent = parent.map(str::to_owned);
        }
    }

    fn ladder(&mut self, name: &str, has_states: bool, dice: &mut Dice) {
        let mut priorities = vec![Priority::Low];
        let mut body = "tag = \"v\"\nabove = 50\nclear = 45\npriority = 3\n".to_owned();
        if dice.one_in(2) {
            body += "ladder = [{ above = 70, clear = 65, priority = 2 }, { above = 90, priority = 1 }]\n";
            priorities.extend([Priority::High, Priority::Urgent]);
        }
        self.lived("limit.r", name, &body, priorities, has_states, dice);
    }

    /// A rule with a life of its own: delays, latched, hidden.
    fn lived(
        &mut self,
        rule: &str,
        machine: &str,
        body: &str,
        priorities: Vec<Priority>,
        has_states: bool,
        dice: &mut Dice,
    ) {
        let mut body = body.to_owned();
        for key in ["on_delay", "off_delay"] {
            let secs = [0, 0, 5, 40, 150][dice.pick(5)];
            if secs > 0 && !rule.starts_with("stale") {
                writeln!(body, "{key} = \"{secs}s\"").unwrap();
            }
        }
        if dice.one_in(5) && !rule.starts_with("stale") {
            writeln!(body, "in_a_row = {}", dice.between(2..4)).unwrap();
        }
        let is_latched = dice.one_in(4);
        if is_latched {
            writeln!(body, "latched = true").unwrap();
        }
        if dice.one_in(3) {
            writeln!(body, "realarm = \"2m\"").unwrap();
        }
        let quiet = (has_states && dice.one_in(2)).then_some(4.0);
        if quiet.is_some() {
            body += if dice.one_in(2) { "quiet_in = [\"cleaning\"]\n" } else { "only_in = [\"running\"]\n" };
        }
        self.rule(machine, rule, &body, priorities);
        (self.last().is_latched, self.last().quiet) = (is_latched, quiet);
    }
}

/// The first network can be edited; the second one is of any kind.
fn network(dice: &mut Dice, is_any: bool) -> Capabilities {
    let settle = Duration::from_secs(35);
    let repeat = match dice.pick(if is_any { 4 } else { 3 }) {
        0 => Repeat::Key,
        1 => Repeat::ShortKey { lasts: Duration::from_secs(20), settle },
        2 => Repeat::Look { settle },
        _ => Repeat::Nothing,
    };
    let edit = !is_any || !dice.one_in(3);
    Capabilities {
        repeat,
        edit,
        thread: (edit && !is_any) || dice.one_in(2),
        mention: false,
        length: Length::Chars(16_000),
        pace: Pace { burst: 5, refill: Duration::from_millis(if dice.one_in(2) { 100 } else { 1_500 }) },
    }
}
