//! A value that must stay under or over a limit, with a deadband so that it does not chatter, and a ladder of
//! further limits that make it more urgent.

use contract::{Check, Fault, Priority};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Level, Verdict};

/// `[….rule.limit.<name>]`: a value that must stay under or over a limit.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The tag whose value is judged.
    pub tag: String,
    /// Abnormal from here up. Either this or `below`.
    pub above: Option<f64>,
    /// Abnormal from here down. Either this or `above`.
    pub below: Option<f64>,
    /// Normal again from here. The gap to the limit is the deadband. Without it, the limit itself.
    pub clear: Option<f64>,
    /// Further limits, each beyond the one before, each with its own priority.
    #[serde(default)]
    pub ladder: Vec<Step>,
    /// The usual range, from and to, for the second line of the post.
    pub usual: Option<[f64; 2]>,
}

/// One further limit of a ladder.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// More abnormal from here up. As the rule: `above` or `below`.
    pub above: Option<f64>,
    /// More abnormal from here down.
    pub below: Option<f64>,
    /// Back on the step before from here. Without it, the limit itself.
    pub clear: Option<f64>,
    /// How soon to act from here.
    #[serde(default = "Priority::urgent")]
    pub priority: Priority,
}

impl Check for Section {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let is_above = match side(self.above, self.below) {
            Ok(is_above) => is_above,
            Err(fault) => return vec![fault],
        };
        let mut last = check_limit(is_above, self.above, self.below, self.clear, "", &mut faults);
        for (at, step) in self.ladder.iter().enumerate() {
            let key = format!("ladder.{at}");
            let limit = check_limit(is_above, step.above, step.below, step.clear, &key, &mut faults);
            let is_beyond = match (last, limit) {
                (Some(last), Some(limit)) if is_above => limit > last,
                (Some(last), Some(limit)) => limit < last,
                _ => true,
            };
            if !is_beyond {
                faults.push(Fault::at(key, "this step is not beyond the one before it"));
            }
            last = limit;
        }
        faults.extend(check_usual(self.usual));
        faults
    }
}

/// A usual range has its lower value first.
pub(super) fn check_usual(usual: Option<[f64; 2]>) -> Option<Fault> {
    let [from, to] = usual.filter(|[from, to]| from.is_nan() || to.is_nan() || from > to)?;
    Some(Fault::at("usual", format!("from {from} to {to}, expected the lower value first")))
}

/// True with `above`, false with `below`: exactly one of them is there.
pub(super) fn side(above: Option<f64>, below: Option<f64>) -> Result<bool, Fault> {
    match (above, below) {
        (Some(_), None) => Ok(true),
        (None, Some(_)) => Ok(false),
        (Some(_), Some(_)) => Err(Fault::at("below", "both `above` and `below`, expected one of them")),
        (None, None) => Err(Fault::at("", "neither `above` nor `below`, expected one of them")),
    }
}

/// Checks one limit and gives it back; `prefix` is its key.
pub(super) fn check_limit(
    is_above: bool,
    above: Option<f64>,
    below: Option<f64>,
    clear: Option<f64>,
    prefix: &str,
    faults: &mut Vec<Fault>,
) -> Option<f64> {
    let at = |key: &str| if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
    let (own, other, word, side) =
        if is_above { (above, below, "above", "below") } else { (below, above, "below", "above") };
    if other.is_some() {
        faults.push(Fault::at(at(side), format!("`{side}` in a rule with `{word}`, expected `{word}`")));
        return None;
    }
    let Some(limit) = own else {
        faults.push(Fault::at(prefix, format!("no limit, expected `{word}`")));
        return None;
    };
    if !limit.is_finite() {
        faults.push(Fault::at(at(word), format!("{limit}, expected a finite number")));
    }
    match clear {
        Some(clear) if is_above && (clear.is_nan() || clear > limit) => {
            faults.push(Fault::at(at("clear"), format!("{clear}, expected at most the limit {limit}")));
        }
        Some(clear) if !is_above && (clear.is_nan() || clear < limit) => {
            faults.push(Fault::at(at("clear"), format!("{clear}, expected at least the limit {limit}")));
        }
        _ => {}
    }
    Some(limit)
}

/// One limit as it is judged: always upwards; a rule with `below` is mirrored.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bound {
    limit: f64,
    clear: f64,
}

/// A limit with its ladder, and on which step the last value was.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    bounds: Box<[Bound]>,
    is_above: bool,
    level: Level,
}

impl Limit {
    /// The rule of a section that passed its check.
    pub fn new(section: &Section) -> Limit {
        let is_above = section.above.is_some();
        let sign = if is_above { 1.0 } else { -1.0 };
        let bound = |above: Option<f64>, below: Option<f64>, clear: Option<f64>| {
            above.or(below).map(|limit| Bound { limit: sign * limit, clear: sign * clear.unwrap_or(limit) })
        };
        let first = bound(section.above, section.below, section.clear);
        let further = section.ladder.iter().map(|step| bound(step.above, step.below, step.clear));
        Limit {
            bounds: std::iter::once(first).chain(further).flatten().collect(),
            is_above,
            level: Level::NORMAL,
        }
    }

    /// How abnormal this value is. Inside a deadband the step before it is kept.
    pub fn judge(&mut self, value: f64) -> Verdict {
        let value = if self.is_above { value } else { -value };
        let held = usize::from(self.level.0);
        let level = self
            .bounds
            .iter()
            .enumerate()
            .take_while(|(at, bound)| if *at < held { value > bound.clear } else { value > bound.limit })
            .count();
        self.level = Level(u8::try_from(level).unwrap_or(u8::MAX));
        Verdict::Level(self.level)
    }

    /// Goes on from a step that was reached before a restart.
    pub fn resume(&mut self, level: Level) {
        self.level = level;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> Section {
        toml::from_str(text).unwrap()
    }

    /// Plays the values and draws each level as a digit, normal as a dot.
    #[track_caller]
    fn check(text: &str, values: &[f64], want: &str) {
        let section = section(text);
        assert_eq!(section.check(), [], "{text}");
        let mut limit = Limit::new(&section);
        let drawn: String = values
            .iter()
            .map(|value| match limit.judge(*value) {
                Verdict::Level(Level(0)) => '.',
                Verdict::Level(Level(step)) => char::from(b'0' + step),
                Verdict::Unknown => '?',
            })
            .collect();
        assert_eq!(drawn, want, "{text}");
    }

    #[test]
    fn does_not_chatter_inside_the_deadband() {
        check("tag = 't'\nabove = 80\nclear = 75", &[79.0, 81.0, 79.0, 76.0, 75.0, 79.0], ".111..");
        check("tag = 't'\nbelow = 2.0\nclear = 2.5", &[2.1, 1.9, 2.2, 2.5, 2.1], ".11..");
        check("tag = 't'\nabove = 80", &[80.0, 80.1, 80.0], ".1.");
    }

    #[test]
    fn climbs_and_descends_its_ladder() {
        let text = "tag='t'\nabove=75\nclear=70\nladder=[{above=90, clear=85}]";
        check(text, &[74.0, 76.0, 91.0, 86.0, 84.0, 71.0, 69.0, 95.0], ".12211.2");
    }

    #[test]
    fn says_what_cannot_be() {
        let faults = |text: &str| section(text).check().into_iter().map(|f| f.key).collect::<Vec<_>>();
        assert_eq!(faults("tag='t'"), [""]);
        assert_eq!(faults("tag='t'\nabove=1\nbelow=2"), ["below"]);
        assert_eq!(faults("tag='t'\nabove=1\nclear=2"), ["clear"]);
        assert_eq!(faults("tag='t'\nbelow=1\nclear=0.5"), ["clear"]);
        assert_eq!(faults("tag='t'\nabove=9\nladder=[{above=8}]"), ["ladder.0"]);
        assert_eq!(faults("tag='t'\nabove=9\nladder=[{below=8}]"), ["ladder.0.below"]);
        assert_eq!(faults("tag='t'\nabove=9\nusual=[5,3]"), ["usual"]);
    }
}
