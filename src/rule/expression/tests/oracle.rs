//! The promise that the language is a subset of CEL, held against the `cel` crate.

use cel::{Context, Program};
use contract::Moment;
use proptest::prelude::*;

use crate::rule::expression::parser::parse;
use crate::rule::expression::{Given, Heard, Holds, Name, Names, Values, compile};

/// What the names hold, in the order of [`names`].
const NAMES: [&str; 8] = ["a", "b", "c", "p", "q", "state", "order.quantity", "order.kind"];

fn names() -> Names {
    let flag = |name| Name { holds: Holds::Flag, ..Name::tag(name, None) };
    let own = vec![
        Name::tag("a", None),
        Name::tag("b", None),
        Name::tag("c", None),
        flag("p"),
        flag("q"),
        Name::state(),
        Name::order("quantity", Holds::Number, None),
        Name::order("kind", Holds::Text, None),
    ];
    Names { own, machines: Vec::new() }
}

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len() as u64) as usize]
    }

    fn value(&mut self, name: &str) -> Given {
        if self.roll(5) == 0 {
            return Given::Unknown;
        }
        match name {
            "p" | "q" => Given::Flag(self.roll(2) == 0),
            "state" | "order.kind" => Given::Text(self.pick(&["on", "off", "é\"'\\"]).into()),
            _ => Given::Number(self.roll(9) as f64 / 2.0 - 2.0),
        }
    }

    /// With room for `depth` more levels. Only the hard parts of the syntax are left without brackets.
    fn claim(&mut self, depth: u32, divides: bool) -> String {
        if depth == 0 {
            return self.pick(&["p", "q", "true", "false"]).to_owned();
        }
        let below = depth - 1;
        match self.roll(12) {
            0 => format!("!({})", self.claim(below, divides)),
            1 => format!("!!{}", self.pick(&["p", "q", "true"])),
            2 | 3 => format!("{} && {}", self.claim(below, divides), self.claim(below, divides)),
            4 | 5 => format!("{} || {}", self.claim(below, divides), self.claim(below, divides)),
            6 => {
                let order = self.pick(&["<", "<=", ">", ">=", "==", "!="]);
                format!("{} {order} {}", self.side(below, divides), self.side(below, divides))
            }
            7 => {
                let left = self.side(below, divides);
                format!(
                    "{left} in [{}, {}]",
                    self.pick(&["1", "-0.5", "2.0"]),
                    self.pick(&["0", "-2", "1e0"])
                )
            }
            8 => {
                let (three, one) = (self.claim(below, divides), self.claim(below, divides));
                format!("(({three}) ? ({one}) : {})", self.claim(below, divides))
            }
            9 => format!("{} {} {}", self.words(), self.pick(&["==", "!="]), self.words()),
            10 => format!("{} in [\"on\", 'x', \"é\\\"'\\\\\"]", self.pick(&["state", "order.kind"])),
            _ => {
                let order = self.pick(&["==", "!=", "<", ">="]);
                let one = self.pick(&["duration(\"1h30m\")", "duration('90m') - duration(\"500ms\")"]);
                format!("{one} {order} duration(\"5400s\")")
            }
        }
    }

    fn words(&mut self) -> &'static str {
        self.pick(&["state", "order.kind", "\"on\"", "'off'", "(p ? state : \"on\")"])
    }

    /// One side of a comparison: a whole number may stand there.
    fn side(&mut self, depth: u32, divides: bool) -> String {
        match self.roll(4) {
            0 => self.pick(&["1", "-1", "(p ? 1 : 2)", "--2"]).to_owned(),
            _ => self.number(depth, divides),
        }
    }

    fn number(&mut self, depth: u32, divides: bool) -> String {
        if depth == 0 {
            return self
                .pick(&["a", "b", "c", "order.quantity", "1.5", "0.0", "2e0", "-1.0", "-a"])
                .to_owned();
        }
        let below = depth - 1;
        let signs: &[&str] = if divides { &["+", "-", "*", "/", "/"] } else { &["+", "-", "*"] };
        match self.roll(6) {
            0 => format!("-({})", self.number(below, divides)),
            1 => format!("({})", self.number(below, divides)),
            2 => {
                let (one, two) = (self.number(below, divides), self.number(below, divides));
                format!("({} ? {one} : {two})", self.claim(below, divides))
            }
            3 => format!("abs({})", self.number(below, divides)),
            _ => {
                let one = self.number(below, divides);
                format!("{one} {} {}", self.pick(signs), self.number(below, divides))
            }
        }
    }
}

/// What CEL says: an error is unknown.
fn by_cel(text: &str, given: &[Given]) -> Option<bool> {
    let mut context = Context::default();
    context.add_function("abs", |number: f64| number.abs()).unwrap();
    let mut order = std::collections::HashMap::<String, cel::Value>::new();
    for (name, given) in NAMES.iter().zip(given) {
        let value: cel::Value = match given {
            Given::Unknown => continue,
            Given::Number(number) => (*number).into(),
            Given::Flag(flag) => (*flag).into(),
            Given::Text(words) => words.to_string().into(),
        };
        match name.strip_prefix("order.") {
            Some(field) => {
                order.insert(field.to_owned(), value);
            }
            None => context.add_variable_from_value(*name, value),
        }
    }
    context.add_variable_from_value("order", order);
    let program = Program::compile(text).unwrap_or_else(|error| panic!("{text}\n{error}"));
    match program.execute(&context) {
        Ok(cel::Value::Bool(flag)) => Some(flag),
        Ok(other) => panic!("{text} is {other:?}"),
        Err(_) => None,
    }
}

fn by_us(text: &str, given: &[Given]) -> Option<bool> {
    let names = names();
    let code = compile(text, &names).unwrap_or_else(|mistakes| panic!("{text}\n{mistakes:?}"));
    let slots: Vec<Heard> = code
        .slots()
        .iter()
        .map(|slot| {
            let index = names.own.iter().position(|name| name.name == slot.name).unwrap();
            Heard { given: given[index].clone(), at: None, until: None }
        })
        .collect();
    Values { slots: &slots, windows: &[], since: &[], now: Moment::from_ms(0) }.claim(&code.when)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn we_say_what_cel_says(seed: u64, depth in 1_u32..6) {
        let mut dice = Dice(seed);
        let text = dice.claim(depth, false);
        let given = NAMES.map(|name| dice.value(name));
        if text.len() <= crate::rule::expression::parser::LENGTH_MAX {
            prop_assert_eq!(by_us(&text, &given), by_cel(&text, &given), "{} with {:?}", text, given);
        }
    }

    #[test]
    fn what_we_know_of_a_division_cel_says_too(seed: u64, depth in 1_u32..6) {
        let mut dice = Dice(seed);
        let text = dice.claim(depth, true);
        let given = NAMES.map(|name| dice.value(name));
        if text.len() <= crate::rule::expression::parser::LENGTH_MAX
            && let Some(known) = by_us(&text, &given)
        {
            prop_assert_eq!(Some(known), by_cel(&text, &given), "{} with {:?}", text, given);
        }
    }

    #[test]
    fn what_we_parse_cel_parses(seed: u64, length in 1_u64..12) {
        let mut dice = Dice(seed);
        let text: Vec<&str> = (0..length).map(|_| dice.pick(TOKENS)).collect();
        let text = text.join(dice.pick(&["", " "]));
        if parse(&text).is_ok() {
            prop_assert!(Program::compile(&text).is_ok(), "{}", text);
        }
    }

    #[test]
    fn no_text_makes_us_panic(text in any::<String>()) {
        let _ = compile(&text, &names());
    }

    #[test]
    fn no_soup_makes_us_panic(seed: u64, length in 1_u64..200) {
        let mut dice = Dice(seed);
        let text: Vec<&str> = (0..length).map(|_| dice.pick(TOKENS)).collect();
        for mistake in compile(&text.concat(), &names()).err().into_iter().flatten() {
            let _ = mistake.fault("when", &text.concat());
        }
    }
}

/// Pieces of which texts are made at random.
const TOKENS: &[&str] = &[
    "a",
    "b",
    "p",
    "state",
    "order.kind",
    "1",
    "2.5",
    "1e3",
    "\"x\"",
    "'é'",
    "true",
    "in",
    "!",
    "-",
    "-",
    "+",
    "*",
    "/",
    "<",
    "<=",
    "==",
    "!=",
    "&&",
    "||",
    "?",
    ":",
    "(",
    ")",
    "[",
    "]",
    ",",
    "abs(",
    "since(",
    "any(",
    ".",
    "x.y",
    "_",
    "0",
    "//",
    "\"",
    "\\",
    "\n",
    "null",
    "é",
    "%",
    "\"5m\"",
];
