//! Takes the tree of a text and the names there are, gives a compiled tree, or every mistake with its place.
//!
//! Types are number, truth, words and duration. Numbers have a unit, and only numbers of one unit are added or
//! compared; a plain number takes the unit of the other. What is multiplied or divided has a unit of its own that
//! is not followed further.

use std::time::Duration;

use super::code::{Amount, Claim, Expression, Slot, Timed, WindowUse, Words};
use super::mistake::{Mistake, Span};
use super::names::{Holds, Name, Names, help};
use super::parser::{Kind, Node, parse};

/// More nodes than a rule of two thousand letters has over the machines of a hall; it bounds time and memory.
const NODES_MAX: usize = 10_000;

/// The unit of a number.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Unit {
    /// None: it goes with every other.
    Plain,
    /// One that people read.
    Named(Box<str>),
    /// Of a product or quotient: not followed.
    Derived,
}

impl Unit {
    /// The unit of two numbers that are added or compared; `None` if they do not go together.
    pub(super) fn meet(&self, other: &Unit) -> Option<Unit> {
        match (self, other) {
            (Unit::Named(one), Unit::Named(two)) if one != two => None,
            (Unit::Plain, unit) | (unit, Unit::Plain) => Some(unit.clone()),
            (Unit::Derived, _) | (_, Unit::Derived) => Some(Unit::Derived),
            (Unit::Named(_), Unit::Named(_)) => Some(self.clone()),
        }
    }

    pub(super) fn word(&self) -> &str {
        match self {
            Unit::Named(unit) => unit,
            Unit::Plain | Unit::Derived => "no unit",
        }
    }
}

/// A compiled part, with its type.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Typed {
    Claim(Claim),
    Number(Amount, Unit),
    /// A number written without a point: CEL compares it with every number and calculates with its like alone.
    Whole(Amount),
    /// Milliseconds.
    Wait(Amount),
    Words(Words),
}

impl Typed {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Typed::Claim(_) => "true or false",
            Typed::Number(..) => "a number",
            Typed::Whole(_) => "a whole number",
            Typed::Wait(_) => "a duration",
            Typed::Words(_) => "words",
        }
    }
}

pub(super) struct Compiler<'n> {
    pub(super) names: &'n Names,
    /// The machine whose names are meant, inside `any`, `all` or `n_of` of a place.
    pub(super) machine: Option<usize>,
    pub(super) slots: Vec<Slot>,
    pub(super) windows: Vec<WindowUse>,
    pub(super) sinces: Vec<Claim>,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) limits: Vec<(Timed, Duration)>,
    pub(super) is_coarse: bool,
    pub(super) figure: Option<(Amount, Option<Box<str>>)>,
    pub(super) is_low: bool,
    pub(super) limit: Option<f64>,
    nodes: usize,
}

/// Compiles one claim.
///
/// # Errors
/// Every mistake, in the order of the text.
pub fn compile(text: &str, names: &Names) -> Result<Expression, Vec<Mistake>> {
    let mut compiler = Compiler::new(names);
    let when = compiler.root(text)?;
    Ok(compiler.done(when, None))
}

impl<'n> Compiler<'n> {
    pub(super) fn new(names: &'n Names) -> Compiler<'n> {
        Compiler {
            names,
            machine: None,
            slots: Vec::new(),
            windows: Vec::new(),
            sinces: Vec::new(),
            mistakes: Vec::new(),
            limits: Vec::new(),
            is_coarse: false,
            figure: None,
            is_low: false,
            limit: None,
            nodes: 0,
        }
    }

    /// The claim of a whole text.
    pub(super) fn root(&mut self, text: &str) -> Result<Claim, Vec<Mistake>> {
        let tree = parse(text).map_err(|mistake| vec![mistake])?;
        let claim = self.claim(&tree);
        match claim {
            Some(claim) if self.mistakes.is_empty() => Ok(claim),
            _ => Err(std::mem::take(&mut self.mistakes)),
        }
    }

    pub(super) fn done(self, when: Claim, clear: Option<Claim>) -> Expression {
        Expression {
            when,
            clear,
            figure: self.figure,
            is_low: self.is_low,
            limit: self.limit,
            slots: self.slots.into(),
            windows: self.windows.into(),
            sinces: self.sinces.into(),
            limits: self.limits.into(),
            is_coarse: self.is_coarse,
        }
    }

    /// Notes a mistake, once. `None`, so that it can be the last word of a function.
    pub(super) fn wrong<T>(&mut self, mistake: Mistake) -> Option<T> {
        if !self.mistakes.contains(&mistake) {
            self.mistakes.push(mistake);
        }
        None
    }

    pub(super) fn lower(&mut self, node: &Node<'_>) -> Option<Typed> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return self.wrong(Mistake::at(node.span, "too much over so many machines"));
        }
        match &node.kind {
            Kind::Whole(value) => Some(Typed::Whole(Amount::Known(*value))),
            Kind::Number(value) => Some(Typed::Number(Amount::Known(*value), Unit::Plain)),
            Kind::Flag(flag) => Some(Typed::Claim(Claim::Known(*flag))),
            Kind::Text(text) => Some(Typed::Words(Words::Known(text.as_str().into()))),
            Kind::Name(name) => self.name(name, node.span),
            Kind::Negate(inner) => self.negate(inner),
            Kind::Not(inner) => Some(Typed::Claim(Claim::Not(Box::new(self.claim(inner)?)))),
            Kind::Two(operator, left, right) => self.two(*operator, left, right),
            Kind::If(three) => self.choice(three),
            Kind::List(_) => {
                self.wrong(Mistake::at(node.span, "unexpected list").help("a list stands after `in`"))
            }
            Kind::Call(name, span, arguments) => self.call(name, *span, node.span, arguments),
        }
    }

    /// A part that must be true or false.
    pub(super) fn claim(&mut self, node: &Node<'_>) -> Option<Claim> {
        match self.lower(node)? {
            Typed::Claim(claim) => Some(claim),
            other => {
                let message = format!("found {}, expected true or false", other.word());
                let help = match other {
                    Typed::Number(..) => "compare it: `… > 75.0`",
                    Typed::Whole(_) => "write `true` or `false`, or compare it",
                    Typed::Wait(_) => "compare it: `… > duration(\"5m\")`",
                    Typed::Words(_) | Typed::Claim(_) => "compare them: `state == \"running\"`",
                };
                self.wrong(Mistake::at(node.span, message).help(help))
            }
        }
    }

    /// A part that must be a number that can be calculated with.
    pub(super) fn number(&mut self, node: &Node<'_>) -> Option<(Amount, Unit)> {
        let typed = self.lower(node)?;
        self.calculable(typed, node.span)
    }

    pub(super) fn calculable(&mut self, typed: Typed, span: Span) -> Option<(Amount, Unit)> {
        let message = format!("found {}, expected a number to calculate with", typed.word());
        let mistake = Mistake::at(span, message);
        match typed {
            Typed::Number(amount, unit) => Some((amount, unit)),
            Typed::Whole(Amount::Known(value)) => {
                self.wrong(mistake.help(format!("write it with a point: `{value:.1}`")))
            }
            Typed::Whole(_) => self.wrong(mistake.help("write its numbers with a point: `1.0`")),
            Typed::Claim(_) | Typed::Wait(_) | Typed::Words(_) => self.wrong(mistake),
        }
    }

    fn name(&mut self, text: &str, span: Span) -> Option<Typed> {
        let (slot, unit) = self.slot(text, span)?;
        match self.slots.get(usize::from(slot))?.holds {
            Holds::Number => Some(Typed::Number(Amount::Slot(slot), unit)),
            Holds::Flag => Some(Typed::Claim(Claim::Slot(slot))),
            Holds::Text => Some(Typed::Words(Words::Slot(slot))),
        }
    }

    /// The slot of a name, and its unit.
    pub(super) fn slot(&mut self, text: &str, span: Span) -> Option<(u16, Unit)> {
        let names: &'n [Name] = self.names.of(self.machine);
        let mut meant = names.iter().filter(|name| name.spelling() == text);
        let Some(name) = meant.next() else {
            let known: Vec<String> = names.iter().map(Name::spelling).collect();
            return self.wrong(unknown(text, span, &known));
        };
        if let Some(other) = meant.next() {
            let message = format!("`{text}` may be `{}` or `{}`", name.name, other.name);
            return self.wrong(Mistake::at(span, message).help("rename one of the tags"));
        }
        let unit = name.unit.as_deref().map_or(Unit::Plain, |unit| Unit::Named(unit.into()));
        let slot = Slot {
            machine: self.machine,
            name: name.name.clone(),
            kind: name.kind,
            holds: name.holds,
            fresh_for: name.fresh_for,
        };
        let index = self.slots.iter().position(|known| *known == slot).unwrap_or_else(|| {
            self.slots.push(slot);
            self.slots.len() - 1
        });
        // Each slot costs a node, of which there are fewer.
        Some((u16::try_from(index).ok()?, unit))
    }
}

fn unknown(text: &str, span: Span, known: &[String]) -> Mistake {
    let mistake = Mistake::at(span, format!("unknown name `{text}`"));
    // `oil-temp` reads as `oil` less `temp`.
    let longer = known.iter().find(|name| name.strip_prefix(text).is_some_and(|rest| rest.starts_with('_')));
    match longer {
        Some(name) => mistake.help(format!("did you mean `{name}`? What is no letter is written `_`")),
        None => mistake.help(help(text, known)),
    }
}
