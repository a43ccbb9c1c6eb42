//! What the operators mean: which types go together, and which units.

use std::time::Duration;

use super::code::{Amount, Arithmetic, Claim, Order, Timed, Words};
use super::compile::{Compiler, Typed, Unit};
use super::mistake::{Mistake, Span};
use super::parser::{Kind, Node, Operator};

impl Compiler<'_> {
    pub(super) fn negate(&mut self, inner: &Node<'_>) -> Option<Typed> {
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

    pub(super) fn two(&mut self, operator: Operator, left: &Node<'_>, right: &Node<'_>) -> Option<Typed> {
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
                self.note_figure((&one, &two), order, &unit);
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
    fn note_figure(&mut self, (one, two): (&Amount, &Amount), order: Order, unit: &Unit) {
        let is_turned = matches!(one, Amount::Known(_));
        let figure = if is_turned { two } else { one };
        if self.figure.is_none() && self.machine.is_none() && !matches!(figure, Amount::Known(_)) {
            let unit = match unit {
                Unit::Named(unit) => Some(unit.clone()),
                Unit::Plain | Unit::Derived => None,
            };
            self.figure = Some((figure.clone(), unit));
            let other = if is_turned { one } else { two };
            self.limit = match (figure, other) {
                (Amount::Slot(_), Amount::Known(limit)) => Some(*limit),
                _ => None,
            };
            self.is_low = match order {
                Order::Less | Order::AtMost => !is_turned,
                Order::More | Order::AtLeast => is_turned,
                Order::Same | Order::Other => false,
            };
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

    pub(super) fn choice(&mut self, three: &[Node<'_>; 3]) -> Option<Typed> {
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
