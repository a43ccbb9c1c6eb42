//! Takes the tree of a text and the names there are, gives a compiled tree, or every mistake with its place.
//!
//! Types are number, truth, words and duration. Numbers have a unit, and only numbers of one unit are added or
//! compared; a plain number takes the unit of the other. What is multiplied or divided has a unit of its own that
//! is not followed further.

use std::time::Duration;

use super::code::{Amount, Arithmetic, Claim, Expression, Order, Slot, Timed, WindowUse, Words};
use super::mistake::{Mistake, Span};
use super::names::{Holds, Name, Names, help};
use super::parser::{Kind, Node, Operator, parse};

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
    fn meet(&self, other: &Unit) -> Option<Unit> {
        match (self, other) {
            (Unit::Named(one), Unit::Named(two)) if one != two => None,
            (Unit::Plain, unit) | (unit, Unit::Plain) => Some(unit.clone()),
            (Unit::Derived, _) | (_, Unit::Derived) => Some(Unit::Derived),
            (Unit::Named(_), Unit::Named(_)) => Some(self.clone()),
        }
    }

    fn word(&self) -> &str {
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
    limits: Vec<(Timed, Duration)>,
    is_coarse: bool,
    figure: Option<(Amount, Option<Box<str>>)>,
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

    fn calculable(&mut self, typed: Typed, span: Span) -> Option<(Amount, Unit)> {
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
            origin: name.origin,
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

    fn negate(&mut self, inner: &Node<'_>) -> Option<Typed> {
        let turn = |amount| match amount {
            Amount::Known(value) => Amount::Known(-value),
            other => Amount::Negate(Box::new(other)),
        };
        match self.lower(inner)? {
            Typed::Number(amount, unit) => Some(Typed::Number(turn(amount), unit)),
            Typed::Whole(amount) => Some(Typed::Whole(turn(amount))),
            other => {
                let help = if matches!(other, Typed::Claim(_)) { "not is written `!`" } else { "" };
                let mistake = Mistake::at(inner.span, format!("found {}, expected a number", other.word()));
                self.wrong(if help.is_empty() { mistake } else { mistake.help(help) })
            }
        }
    }

    fn two(&mut self, operator: Operator, left: &Node<'_>, right: &Node<'_>) -> Option<Typed> {
        let order = match operator {
            Operator::Or | Operator::And => {
                // Both are looked at, so that the mistakes of both are told.
                let (one, two) = (self.claim(left), self.claim(right));
                let two = Box::new([one?, two?]);
                return Some(Typed::Claim(if operator == Operator::Or {
                    Claim::Or(two)
                } else {
                    Claim::And(two)
                }));
            }
            Operator::Add => return self.sum(Arithmetic::Add, left, right),
            Operator::Subtract => return self.sum(Arithmetic::Subtract, left, right),
            Operator::Multiply | Operator::Divide => return self.product(operator, left, right),
            Operator::In => return self.is_in(left, right),
            Operator::Less => Order::Less,
            Operator::AtMost => Order::AtMost,
            Operator::More => Order::More,
            Operator::AtLeast => Order::AtLeast,
            Operator::Same => Order::Same,
            Operator::Other => Order::Other,
        };
        self.comparison(order, left, right).map(Typed::Claim)
    }

    fn sum(&mut self, sign: Arithmetic, left: &Node<'_>, right: &Node<'_>) -> Option<Typed> {
        let (one, two) = (self.lower(left), self.lower(right));
        match (one?, two?) {
            (Typed::Wait(one), Typed::Wait(two)) => {
                Some(Typed::Wait(Amount::Two(sign, Box::new([one, two]))))
            }
            (Typed::Wait(_), other) => {
                let message = format!("found {}, expected a duration", other.word());
                self.wrong(Mistake::at(right.span, message).help("it is written `duration(\"5m\")`"))
            }
            (one, two) => {
                let (one, two) = (self.calculable(one, left.span), self.calculable(two, right.span));
                let ((one, unit), (two, other)) = (one?, two?);
                let Some(met) = unit.meet(&other) else {
                    return self.wrong(mixed(left.span.to(right.span), &unit, &other));
                };
                Some(Typed::Number(Amount::Two(sign, Box::new([one, two])), met))
            }
        }
    }

    fn product(&mut self, operator: Operator, left: &Node<'_>, right: &Node<'_>) -> Option<Typed> {
        let (one, two) = (self.number(left), self.number(right));
        let ((one, unit), (two, other)) = (one?, two?);
        let (sign, unit) = match (operator, unit, other) {
            (Operator::Divide, unit, Unit::Plain) => (Arithmetic::Divide, unit),
            (Operator::Divide, Unit::Named(one), Unit::Named(two)) if one == two => {
                (Arithmetic::Divide, Unit::Plain)
            }
            (Operator::Divide, _, _) => (Arithmetic::Divide, Unit::Derived),
            (_, Unit::Plain, unit) | (_, unit, Unit::Plain) => (Arithmetic::Multiply, unit),
            (_, _, _) => (Arithmetic::Multiply, Unit::Derived),
        };
        Some(Typed::Number(Amount::Two(sign, Box::new([one, two])), unit))
    }

    fn comparison(&mut self, order: Order, left: &Node<'_>, right: &Node<'_>) -> Option<Claim> {
        let span = left.span.to(right.span);
        let (one, two) = (self.lower(left), self.lower(right));
        let is_same = match order {
            Order::Same => Some(true),
            Order::Other => Some(false),
            Order::Less | Order::AtMost | Order::More | Order::AtLeast => None,
        };
        match (one?, two?, is_same) {
            (Typed::Claim(one), Typed::Claim(two), Some(is_same)) => {
                Some(Claim::Agree(is_same, Box::new([one, two])))
            }
            (Typed::Words(one), Typed::Words(two), Some(is_same)) => {
                Some(Claim::Words(is_same, Box::new([one, two])))
            }
            (Typed::Wait(one), Typed::Wait(two), _) => {
                self.note_limit(&one, &two);
                Some(Claim::Compare(order, Box::new([one, two])))
            }
            (Typed::Words(_), Typed::Words(_), None) | (Typed::Claim(_), Typed::Claim(_), None) => {
                self.wrong(Mistake::at(span, "only numbers and durations are larger or smaller"))
            }
            (Typed::Wait(_), other, _) | (other, Typed::Wait(_), _) => self.wrong(
                Mistake::at(span, format!("a duration is compared with {}", other.word()))
                    .help("a duration is written `duration(\"5m\")`"),
            ),
            (one, two, _) => {
                let words = format!("{} is compared with {}", one.word(), two.word());
                let (Some((one, unit)), Some((two, other))) = (measured(one), measured(two)) else {
                    return self.wrong(Mistake::at(span, words).help("both sides must hold the same"));
                };
                let Some(unit) = unit.meet(&other) else {
                    return self.wrong(mixed(span, &unit, &other));
                };
                self.note_figure(&one, &two, &unit);
                Some(Claim::Compare(order, Box::new([one, two])))
            }
        }
    }

    /// When a comparison of durations changes while nothing is heard.
    fn note_limit(&mut self, one: &Amount, two: &Amount) {
        let (timed, limit) = match (one, two) {
            (Amount::Known(_), Amount::Known(_)) => return,
            (Amount::Since(index), Amount::Known(ms)) | (Amount::Known(ms), Amount::Since(index)) => {
                (Timed::Since(*index), *ms)
            }
            (Amount::Age(slot), Amount::Known(ms)) | (Amount::Known(ms), Amount::Age(slot)) => {
                (Timed::Age(*slot), *ms)
            }
            _ => {
                self.is_coarse = true;
                return;
            }
        };
        // Between 0 and a hundred years, in whole milliseconds.
        self.limits.push((timed, Duration::from_millis(limit as u64)));
    }

    /// The first number of the machine that is compared is the one that people are told.
    fn note_figure(&mut self, one: &Amount, two: &Amount, unit: &Unit) {
        let figure = if matches!(one, Amount::Known(_)) { two } else { one };
        if self.figure.is_none() && self.machine.is_none() && !matches!(figure, Amount::Known(_)) {
            let unit = match unit {
                Unit::Named(unit) => Some(unit.clone()),
                Unit::Plain | Unit::Derived => None,
            };
            self.figure = Some((figure.clone(), unit));
        }
    }

    fn is_in(&mut self, left: &Node<'_>, right: &Node<'_>) -> Option<Typed> {
        let Kind::List(items) = &right.kind else {
            let mistake = Mistake::at(right.span, "after `in`, expected a list");
            return self.wrong(mistake.help("`state in [\"stopped\", \"fault\"]`"));
        };
        if items.is_empty() {
            return self.wrong(Mistake::at(right.span, "an empty list: it is never so"));
        }
        let left = self.lower(left)?;
        if let Typed::Words(words) = left {
            let known = items.iter().map(|item| match &item.kind {
                Kind::Text(text) => Some(text.as_str().into()),
                _ => self.wrong(Mistake::at(item.span, "expected words in quotes")),
            });
            let known = known.collect::<Option<_>>()?;
            return Some(Typed::Claim(Claim::WordsIn(Box::new((words, known)))));
        }
        let word = left.word();
        let Some((amount, _)) = measured(left) else {
            return self.wrong(Mistake::at(right.span, format!("{word} is not looked for in a list")));
        };
        let known = items.iter().map(|item| match self.lower(item).and_then(measured) {
            Some((Amount::Known(value), _)) => Some(value),
            _ => self.wrong(Mistake::at(item.span, "expected a number as it is written: `1`")),
        });
        let known = known.collect::<Option<_>>()?;
        Some(Typed::Claim(Claim::AmountIn(Box::new((amount, known)))))
    }

    fn choice(&mut self, three: &[Node<'_>; 3]) -> Option<Typed> {
        let [condition, yes, no] = three;
        let span = yes.span.to(no.span);
        let (claim, one, two) = (self.claim(condition), self.lower(yes), self.lower(no));
        let (claim, one, two) = (claim?, one?, two?);
        let amount = |one, two| Amount::If(Box::new((claim.clone(), one, two)));
        match (one, two) {
            (Typed::Claim(one), Typed::Claim(two)) => {
                Some(Typed::Claim(Claim::If(Box::new([claim, one, two]))))
            }
            (Typed::Words(one), Typed::Words(two)) => {
                Some(Typed::Words(Words::If(Box::new((claim, one, two)))))
            }
            (Typed::Wait(one), Typed::Wait(two)) => Some(Typed::Wait(amount(one, two))),
            (Typed::Whole(one), Typed::Whole(two)) => Some(Typed::Whole(amount(one, two))),
            (Typed::Number(one, unit), Typed::Number(two, other)) => match unit.meet(&other) {
                Some(unit) => Some(Typed::Number(amount(one, two), unit)),
                None => self.wrong(mixed(span, &unit, &other)),
            },
            (one, two) => {
                let message = format!("a choice between {} and {}", one.word(), two.word());
                let is_number = matches!(one, Typed::Whole(_)) || matches!(two, Typed::Whole(_));
                let help =
                    if is_number { "write both with a point: `1.0`" } else { "both must hold the same" };
                self.wrong(Mistake::at(span, message).help(help))
            }
        }
    }
}

/// A number with its unit, whole or not.
fn measured(typed: Typed) -> Option<(Amount, Unit)> {
    match typed {
        Typed::Number(amount, unit) => Some((amount, unit)),
        Typed::Whole(amount) => Some((amount, Unit::Plain)),
        Typed::Claim(_) | Typed::Wait(_) | Typed::Words(_) => None,
    }
}

fn mixed(span: Span, one: &Unit, two: &Unit) -> Mistake {
    Mistake::at(span, format!("{} and {} do not go together", one.word(), two.word()))
        .help("compare numbers of one unit, or scale one of the tags")
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
