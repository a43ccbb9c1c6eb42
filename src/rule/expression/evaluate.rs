//! Takes a compiled tree and the values of its slots, gives what is so: true, false, or unknown.
//!
//! The meaning is that of CEL, with unknown in the place of its errors: `unknown && false` is false,
//! `unknown || true` is true, anything else that needs an unknown value is unknown. A number that is not finite is
//! unknown as well: nobody should be called because a machine at rest was divided by its speed.

use contract::Moment;

use super::code::{Amount, Arithmetic, Claim, Order, Words};

/// What a slot holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Given {
    /// Nothing that may be trusted.
    #[default]
    Unknown,
    /// A number, in the unit of its name.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// Words of a machine or a business system.
    Text(Box<str>),
}

/// A slot at work.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Heard {
    /// What it holds.
    pub given: Given,
    /// When it last held something that may be trusted.
    pub at: Option<Moment>,
    /// What it holds may be trusted until before then; always, without it.
    pub until: Option<Moment>,
}

/// All that an evaluation looks at. The lengths are those of the expression; what is not there is unknown.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// What each slot holds.
    pub slots: &'a [Heard],
    /// The figure of each window.
    pub windows: &'a [Option<f64>],
    /// How long each claim of `since` has been true, in milliseconds; 0 while it is false.
    pub since: &'a [Option<f64>],
    /// When.
    pub now: Moment,
}

impl<'a> Values<'a> {
    /// What the slot holds, if it may be trusted now.
    fn given(&self, slot: u16) -> Option<&'a Given> {
        let heard = self.slots.get(usize::from(slot))?;
        if heard.until.is_some_and(|until| until <= self.now) { None } else { Some(&heard.given) }
    }

    /// Is it so?
    pub fn claim(&self, claim: &Claim) -> Option<bool> {
        match claim {
            Claim::Known(flag) => Some(*flag),
            Claim::Slot(slot) => match self.given(*slot)? {
                Given::Flag(flag) => Some(*flag),
                Given::Unknown | Given::Number(_) | Given::Text(_) => None,
            },
            Claim::Not(inner) => self.claim(inner).map(|flag| !flag),
            Claim::And(two) => self.decides(two, false),
            Claim::Or(two) => self.decides(two, true),
            Claim::If(three) => self.claim(if self.claim(&three[0])? { &three[1] } else { &three[2] }),
            Claim::Compare(order, two) => compare(*order, self.amount(&two[0])?, self.amount(&two[1])?),
            Claim::Agree(is_same, two) => Some((self.claim(&two[0])? == self.claim(&two[1])?) == *is_same),
            Claim::Words(is_same, two) => Some((self.words(&two[0])? == self.words(&two[1])?) == *is_same),
            Claim::AmountIn(both) => self.amount(&both.0).map(|amount| both.1.contains(&amount)),
            Claim::WordsIn(both) => {
                let words = self.words(&both.0)?;
                Some(both.1.iter().any(|known| **known == *words))
            }
            Claim::AtLeast(least, claims) => self.at_least(usize::from(*least), claims),
        }
    }

    /// One of the two decides alone if it is so; otherwise both must be known.
    fn decides(&self, two: &[Claim; 2], deciding: bool) -> Option<bool> {
        match self.claim(&two[0]) {
            Some(flag) if flag == deciding => Some(deciding),
            Some(_) => self.claim(&two[1]),
            None => self.claim(&two[1]).filter(|flag| *flag == deciding),
        }
    }

    fn at_least(&self, least: usize, claims: &[Claim]) -> Option<bool> {
        let (mut so, mut unknown) = (0, 0);
        for claim in claims {
            match self.claim(claim) {
                Some(true) => so += 1,
                Some(false) => {}
                None => unknown += 1,
            }
            if so >= least {
                return Some(true);
            }
        }
        if so + unknown >= least { None } else { Some(false) }
    }

    /// How much is it? Always finite.
    pub fn amount(&self, amount: &Amount) -> Option<f64> {
        match amount {
            Amount::Known(number) => Some(*number),
            Amount::Slot(slot) => match self.given(*slot)? {
                Given::Number(number) => Some(*number),
                Given::Unknown | Given::Flag(_) | Given::Text(_) => None,
            },
            Amount::Negate(inner) => self.amount(inner).map(|number| -number),
            Amount::Abs(inner) => self.amount(inner).map(f64::abs),
            Amount::Two(arithmetic, two) => {
                calculate(*arithmetic, self.amount(&two[0])?, self.amount(&two[1])?)
            }
            Amount::If(three) => self.amount(if self.claim(&three.0)? { &three.1 } else { &three.2 }),
            Amount::Window(index) => self.windows.get(usize::from(*index)).copied().flatten(),
            Amount::Since(index) => self.since.get(usize::from(*index)).copied().flatten(),
            Amount::Age(slot) => {
                let at = self.slots.get(usize::from(*slot))?.at?;
                // Milliseconds up to 2^53 are exact, which is 285 000 years.
                Some(self.now.since(at).as_millis() as f64)
            }
        }
    }

    fn words<'v>(&self, words: &'v Words) -> Option<&'v str>
    where
        'a: 'v,
    {
        match words {
            Words::Known(words) => Some(words),
            Words::Slot(slot) => match self.given(*slot)? {
                Given::Text(words) => Some(words),
                Given::Unknown | Given::Number(_) | Given::Flag(_) => None,
            },
            Words::If(three) => self.words(if self.claim(&three.0)? { &three.1 } else { &three.2 }),
        }
    }
}

fn compare(order: Order, left: f64, right: f64) -> Option<bool> {
    Some(match order {
        Order::Less => left < right,
        Order::AtMost => left <= right,
        Order::More => left > right,
        Order::AtLeast => left >= right,
        Order::Same => left == right,
        Order::Other => left != right,
    })
}

fn calculate(arithmetic: Arithmetic, left: f64, right: f64) -> Option<f64> {
    let number = match arithmetic {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left / right,
        Arithmetic::Mod => left % right,
    };
    Some(number).filter(|number| number.is_finite())
}
