//! The functions of the language. `duration` is CEL's. The others are ours, which CEL allows by registration; `any`,
//! `all` and `n_of` of a place are judged machine by machine, which in CEL is a macro.

use std::time::Duration;

use contract::settings::Wait;

use super::code::{Amount, Arithmetic, Claim, Function, WindowUse};
use super::compile::{Compiler, Typed, Unit};
use super::mistake::{Mistake, Span};
use super::names::{Holds, Name, help};
use super::parser::{Kind, Node};

/// Their names.
pub const FUNCTIONS: &[&str] = &[
    "avg", "min", "max", "sum", "count", "rate", "quantile", "since", "age", "any", "all", "n_of", "abs",
    "mod", "duration",
];

/// A window looks no further back than a month: what is older belongs to a report.
const LENGTH_MAX: Duration = Duration::from_secs(31 * 86_400);

/// More machines than one hall has; one reading of each evaluates the whole.
const MACHINES_MAX: usize = 200;

impl Compiler<'_> {
    pub(super) fn call(
        &mut self,
        name: &str,
        at: Span,
        whole: Span,
        arguments: &[Node<'_>],
    ) -> Option<Typed> {
        match (name, arguments) {
            ("duration", [text]) => self.duration(text),
            ("age", [tag]) => self.reading(tag).map(|(slot, _)| Typed::Wait(Amount::Age(slot))),
            ("since", [condition]) => self.since(condition),
            ("abs", [number]) => {
                let (amount, unit) = self.number(number)?;
                Some(Typed::Number(Amount::Abs(Box::new(amount)), unit))
            }
            ("mod", [left, right]) => {
                let (one, two) = (self.number(left), self.number(right));
                let ((one, unit), (two, _)) = (one?, two?);
                Some(Typed::Number(Amount::Two(Arithmetic::Mod, Box::new([one, two])), unit))
            }
            ("any" | "all", [claims]) => self.of_list(name, None, claims),
            ("any" | "all", [place, condition]) => self.of_place(name, None, place, condition),
            ("n_of", [n, claims]) => self.of_list(name, Some(n), claims),
            ("n_of", [n, place, condition]) => self.of_place(name, Some(n), place, condition),
            ("avg" | "min" | "max" | "sum" | "count" | "rate", [tag, length]) => {
                let function = match name {
                    "avg" => Function::Avg,
                    "min" => Function::Min,
                    "max" => Function::Max,
                    "sum" => Function::Sum,
                    "count" => Function::Count,
                    _ => Function::Rate,
                };
                self.window(function, tag, length)
            }
            ("quantile", [tag, length, part]) => match part.kind {
                Kind::Number(part) | Kind::Whole(part) if (0.0..=1.0).contains(&part) => {
                    self.window(Function::Quantile(part), tag, length)
                }
                _ => self.wrong(Mistake::at(part.span, "expected a number from 0.0 to 1.0")),
            },
            _ => self.no_such(name, at, whole),
        }
    }

    fn no_such(&mut self, name: &str, at: Span, whole: Span) -> Option<Typed> {
        if !FUNCTIONS.contains(&name) {
            let known: Vec<String> = FUNCTIONS.iter().map(|&name| name.to_owned()).collect();
            let mistake = Mistake::at(at, format!("unknown function `{name}`"));
            return self.wrong(mistake.help(help(name, &known)));
        }
        let shape = match name {
            "duration" => "duration(\"5m\")",
            "age" => "age(tag)",
            "since" => "since(condition)",
            "abs" => "abs(number)",
            "mod" => "mod(number, number)",
            "any" => "any(\"place\", condition)` or `any([condition, …])",
            "all" => "all(\"place\", condition)` or `all([condition, …])",
            "n_of" => "n_of(2, \"place\", condition)` or `n_of(2, [condition, …])",
            "quantile" => "quantile(tag, \"5m\", 0.95)",
            _ => return self.wrong(Mistake::at(whole, format!("expected `{name}(tag, \"5m\")`"))),
        };
        self.wrong(Mistake::at(whole, format!("expected `{shape}`")))
    }

    /// The slot of a tag that stands alone.
    fn reading(&mut self, tag: &Node<'_>) -> Option<(u16, Unit)> {
        match tag.kind {
            Kind::Name(name) => self.slot(name, tag.span),
            _ => self.wrong(Mistake::at(tag.span, "expected the name of a tag alone")),
        }
    }

    fn window(&mut self, function: Function, tag: &Node<'_>, length: &Node<'_>) -> Option<Typed> {
        let (slot, length) = (self.reading(tag), self.length(length));
        let ((slot, unit), length) = (slot?, length?);
        if self.slots.get(usize::from(slot))?.holds != Holds::Number {
            return self.wrong(Mistake::at(tag.span, "expected a tag that holds a number"));
        }
        let window = WindowUse { slot, length, function };
        let index = self.windows.iter().position(|known| *known == window).unwrap_or_else(|| {
            self.windows.push(window);
            self.windows.len() - 1
        });
        let unit = match (function, unit) {
            (Function::Count, _) => Unit::Plain,
            (Function::Rate, Unit::Named(unit)) => Unit::Named(format!("{unit}/min").into()),
            (_, unit) => unit,
        };
        Some(Typed::Number(Amount::Window(u16::try_from(index).ok()?), unit))
    }

    fn length(&mut self, node: &Node<'_>) -> Option<Duration> {
        let Kind::Text(text) = &node.kind else {
            return self.wrong(Mistake::at(node.span, "expected a length in quotes: `\"5m\"`"));
        };
        match Wait::parse(text) {
            Ok(Wait(length)) if length >= Duration::from_secs(1) && length <= LENGTH_MAX => Some(length),
            Ok(_) => self.wrong(Mistake::at(node.span, format!("found `{text}`, expected 1s to 31d"))),
            Err(why) => self.wrong(Mistake::at(node.span, why)),
        }
    }

    fn duration(&mut self, node: &Node<'_>) -> Option<Typed> {
        let Kind::Text(text) = &node.kind else {
            return self.wrong(Mistake::at(node.span, "expected a duration in quotes: `\"5m\"`"));
        };
        match ms(text) {
            Some(ms) => Some(Typed::Wait(Amount::Known(ms))),
            None => self.wrong(Mistake::at(node.span, format!("invalid duration `{text}`")).help(
                "expected whole hours, minutes, seconds or milliseconds: `1h30m`, `5m`, `24h`, `500ms`",
            )),
        }
    }

    fn since(&mut self, condition: &Node<'_>) -> Option<Typed> {
        let claim = self.claim(condition)?;
        let index = self.sinces.iter().position(|known| *known == claim).unwrap_or_else(|| {
            self.sinces.push(claim);
            self.sinces.len() - 1
        });
        Some(Typed::Wait(Amount::Since(u16::try_from(index).ok()?)))
    }

    fn of_list(&mut self, name: &str, n: Option<&Node<'_>>, list: &Node<'_>) -> Option<Typed> {
        let Kind::List(items) = &list.kind else {
            let help = "name the place first: `any(\"Vitré/Atelier B\", …)`";
            return self.wrong(Mistake::at(list.span, "expected a list of conditions").help(help));
        };
        let claims: Vec<Option<Claim>> = items.iter().map(|item| self.claim(item)).collect();
        let claims = claims.into_iter().collect::<Option<Vec<Claim>>>()?;
        self.at_least(name, n, list.span, claims)
    }

    fn of_place(
        &mut self,
        name: &str,
        n: Option<&Node<'_>>,
        place: &Node<'_>,
        condition: &Node<'_>,
    ) -> Option<Typed> {
        let Kind::Text(text) = &place.kind else {
            return self.wrong(Mistake::at(place.span, "expected a place in quotes: `\"Vitré/Atelier B\"`"));
        };
        if self.machine.is_some() {
            return self.wrong(Mistake::at(place.span, "a place inside a place"));
        }
        let machines = self.names.at(text);
        if machines.is_empty() {
            let known: Vec<String> = self.names.places().into_iter().map(str::to_owned).collect();
            let mistake = Mistake::at(place.span, format!("no machine at `{text}`"));
            return self.wrong(mistake.help(help(text, &known)));
        }
        if machines.len() > MACHINES_MAX {
            let message = format!("{} machines at `{text}`, expected at most {MACHINES_MAX}", machines.len());
            return self.wrong(Mistake::at(place.span, message));
        }
        let (some, missing) = self.with_names(&machines, condition);
        if let Some(mistake) = missing {
            return self.wrong(mistake);
        }
        let mut claims = Vec::new();
        for machine in some {
            self.machine = Some(machine);
            let claim = self.claim(condition);
            self.machine = None;
            claims.push(claim?);
        }
        self.at_least(name, n, place.span, claims)
    }

    /// The machines that have all that a condition names; if none has, what is missing.
    fn with_names(&self, machines: &[usize], condition: &Node<'_>) -> (Vec<usize>, Option<Mistake>) {
        let mut used = Vec::new();
        condition.names(&mut used);
        let has = |machine: usize, text: &str| {
            self.names.of(Some(machine)).iter().any(|name| name.spelling() == text)
        };
        let some: Vec<usize> = machines
            .iter()
            .copied()
            .filter(|&machine| used.iter().all(|(text, _)| has(machine, text)))
            .collect();
        if !some.is_empty() {
            return (some, None);
        }
        let all = machines.iter().flat_map(|&machine| self.names.of(Some(machine)));
        let mut known: Vec<String> = all.map(Name::spelling).collect();
        known.sort_unstable();
        known.dedup();
        let missing = used.iter().find(|(text, _)| !known.iter().any(|name| name == text));
        let mistake = match missing {
            Some((text, span)) => {
                Mistake::at(*span, format!("no machine of this place has `{text}`")).help(help(text, &known))
            }
            None => Mistake::at(condition.span, "no machine of this place has all of these names"),
        };
        (some, Some(mistake))
    }

    fn at_least(
        &mut self,
        name: &str,
        n: Option<&Node<'_>>,
        span: Span,
        claims: Vec<Claim>,
    ) -> Option<Typed> {
        let least = match (name, n.map(|node| (&node.kind, node.span))) {
            ("any", _) => 1.0,
            (_, Some((Kind::Whole(n), _))) => *n,
            (_, Some((_, span))) => {
                return self.wrong(Mistake::at(span, "expected how many: a whole number such as `2`"));
            }
            _ => claims.len() as f64,
        };
        if claims.is_empty() || least < 1.0 || least > claims.len() as f64 {
            let message = format!("{least} of {}, expected 1 to as many as there are", claims.len());
            return self.wrong(Mistake::at(n.map_or(span, |node| node.span), message));
        }
        // At most as many as there are claims, of which there are fewer than nodes.
        Some(Typed::Claim(Claim::AtLeast(least as u16, claims.into())))
    }
}

/// The milliseconds of a duration as CEL writes it, so far as it is whole ones: `1h30m`, `500ms`.
fn ms(text: &str) -> Option<f64> {
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let units = [("ms", 1.0), ("s", 1e3), ("m", 60e3), ("h", 3_600e3)];
        let (unit, factor) = units.into_iter().find(|(unit, _)| after.starts_with(unit))?;
        total += number.parse::<f64>().ok()? * factor;
        rest = &after[unit.len()..];
    }
    // A hundred years: more is a slip of the pen, and fits in the nanoseconds of CEL.
    Some(total).filter(|total| !text.is_empty() && *total <= 3.2e12)
}
