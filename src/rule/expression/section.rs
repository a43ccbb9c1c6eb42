//! A claim about a machine that must not be so.

use contract::settings::Words;
use contract::{Check, Fault, Moment};
use schemars::JsonSchema;
use serde::Deserialize;

use super::code::Expression;
use super::compile::Compiler;
use super::evaluate::{Given, Values};
use super::memory::Memory;
use super::mistake::Mistake;
use super::names::Names;
use super::parser::parse;
use crate::reading::Reading;
use crate::rule::{Level, Verdict};

/// `[….rule.expression.<name>]`: a claim about a machine, in a subset of CEL, that is abnormal while it is so.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Abnormal while this is so: `oil > 75 && state == "running"`. A hyphen in the name of a tag is written `_`.
    pub when: String,
    /// Normal again once this is so. Without it, as soon as `when` is not so any more.
    pub clear: Option<String>,
    /// What is so, after the name of the machine: `huile chaude pendant la marche`.
    pub say: Words,
}

impl Section {
    /// The texts with their keys.
    fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let clear = self.clear.as_deref().map(|text| ("clear", text));
        std::iter::once(("when", self.when.as_str())).chain(clear)
    }

    /// The tags of its own machine that it names, as an expression spells them, each once.
    pub fn tags(&self) -> Vec<&str> {
        let mut found = Vec::new();
        for (_, text) in self.texts() {
            if let Ok(tree) = parse(text) {
                tree.names(&mut found);
            }
        }
        let mut tags: Vec<&str> = Vec::new();
        for (name, _) in found {
            if name != "state" && !name.starts_with("order.") && !tags.contains(&name) {
                tags.push(name);
            }
        }
        tags
    }

    /// The compiled texts.
    ///
    /// # Errors
    /// Every mistake, with its key and its place.
    pub fn compile(&self, names: &Names) -> Result<Expression, Vec<(&'static str, Mistake)>> {
        let mut compiler = Compiler::new(names);
        let mut roots = Vec::new();
        let mut wrong = Vec::new();
        for (key, text) in self.texts() {
            match compiler.root(text) {
                Ok(claim) => roots.push(claim),
                Err(mistakes) => wrong.extend(mistakes.into_iter().map(|mistake| (key, mistake))),
            }
        }
        let mut roots = roots.into_iter();
        match roots.next() {
            Some(when) if wrong.is_empty() => Ok(compiler.done(when, roots.next())),
            _ => Err(wrong),
        }
    }

    /// The text of a key.
    pub fn text(&self, key: &str) -> &str {
        self.texts().find(|(known, _)| *known == key).map_or("", |(_, text)| text)
    }
}

impl Check for Section {
    fn check(&self) -> Vec<Fault> {
        self.texts().filter_map(|(key, text)| parse(text).err().map(|wrong| wrong.fault(key, text))).collect()
    }
}

/// The rule at work.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    code: Expression,
    memory: Memory,
    is_open: bool,
    now: Moment,
    last: Option<Verdict>,
}

impl Rule {
    /// The rule of a section that passed [`Section::compile`], from `now` on.
    pub fn new(code: Expression, now: Moment) -> Rule {
        let memory = Memory::new(&code, now);
        Rule { code, memory, is_open: false, now, last: None }
    }

    /// What it reads: `which` of [`Rule::hear`] and [`Rule::put`] is an index into [`Expression::slots`].
    pub fn code(&self) -> &Expression {
        &self.code
    }

    /// A reading of a slot that is a tag.
    pub fn hear(&mut self, which: usize, reading: &Reading) -> Option<Verdict> {
        self.code.slots().get(which)?;
        self.memory.hear(&self.code, which, reading);
        Some(self.judge(reading.received))
    }

    /// A slot that is a state or a field of an order holds this now. True if that is something else than before.
    pub fn put(&mut self, which: usize, given: Given, now: Moment) -> bool {
        let held = self.memory.values(now).slots.get(which).map(|heard| &heard.given);
        if held.is_none_or(|held| *held == given) {
            return false;
        }
        self.memory.put(&self.code, which, given, now);
        true
    }

    /// What all that it holds means now.
    pub fn look(&mut self, now: Moment) -> Verdict {
        self.judge(now)
    }

    /// What the passing of time means, if it means another thing than before.
    pub fn tick(&mut self, now: Moment) -> Option<Verdict> {
        let last = self.last;
        Some(self.judge(now)).filter(|verdict| Some(*verdict) != last)
    }

    /// When time alone may mean another thing.
    pub fn due(&self) -> Option<Moment> {
        self.memory.due(&self.code, self.now)
    }

    /// The figure that is told: the first number that is compared, in [`Expression::unit`].
    pub fn value(&self) -> Option<f64> {
        self.code.figure(&self.values())
    }

    /// What an evaluation looks at now.
    pub fn values(&self) -> Values<'_> {
        self.memory.values(self.now)
    }

    /// Goes on from a step that was reached before a restart.
    pub fn resume(&mut self, level: Level) {
        self.is_open = level > Level::NORMAL;
    }

    /// The clock was set: what was heard has no time any more.
    pub fn start_anew(&mut self, now: Moment) {
        self.memory.start_anew(&self.code, now);
        self.now = now;
    }

    fn judge(&mut self, now: Moment) -> Verdict {
        // Never back: a reading may have been received before the last tick.
        self.now = self.now.max(now);
        self.memory.settle(&self.code, self.now);
        let values = self.memory.values(self.now);
        let when = self.code.evaluate(&values);
        let is_so = match self.code.clear() {
            // As long as it is so, it is not clear.
            Some(clear) if self.is_open && when != Some(true) => {
                values.claim(clear).map(|is_clear| !is_clear)
            }
            Some(_) | None => when,
        };
        let verdict = match is_so {
            Some(is_so) => {
                self.is_open = is_so;
                Verdict::Level(Level(u8::from(is_so)))
            }
            None => Verdict::Unknown,
        };
        self.last = Some(verdict);
        verdict
    }
}
