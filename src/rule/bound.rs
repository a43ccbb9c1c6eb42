//! One limit on a figure that a rule worked out, with its deadband: what `rate`, `count`, `window` and `compare`
//! share.

use contract::Fault;

use super::limit::{check_limit, side};
use super::{Level, Verdict};

/// A limit with its deadband, and on which side of it the last figure was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    limit: f64,
    clear: f64,
    is_above: bool,
    is_beyond: bool,
}

impl Bound {
    /// All that is wrong with these three keys of a table, exactly one of `above` and `below` among them.
    pub fn check(above: Option<f64>, below: Option<f64>, clear: Option<f64>) -> Vec<Fault> {
        let mut faults = Vec::new();
        match side(above, below) {
            Ok(is_above) => {
                check_limit(is_above, above, below, clear, "", &mut faults);
            }
            Err(fault) => faults.push(fault),
        }
        faults
    }

    /// The limit of a table that passed its check.
    pub fn new(above: Option<f64>, below: Option<f64>, clear: Option<f64>) -> Bound {
        // Without a limit, which no check lets through, nothing is ever beyond it.
        let limit = above.or(below).unwrap_or(f64::INFINITY);
        let is_above = above.is_some() || below.is_none();
        Bound { limit, clear: clear.unwrap_or(limit), is_above, is_beyond: false }
    }

    /// How abnormal a figure is. Inside the deadband the last opinion is kept.
    pub fn judge(&mut self, figure: f64) -> Verdict {
        if figure.is_nan() {
            return Verdict::Unknown;
        }
        let edge = if self.is_beyond { self.clear } else { self.limit };
        self.is_beyond = if self.is_above { figure > edge } else { figure < edge };
        Verdict::Level(Level(u8::from(self.is_beyond)))
    }

    /// Goes on from what was reached before a restart.
    pub fn resume(&mut self, level: Level) {
        self.is_beyond = level > Level::NORMAL;
    }

    /// True when the higher figure is the worse one.
    pub fn is_above(&self) -> bool {
        self.is_above
    }
}

/// Draws verdicts for the tests of all kinds: normal as a dot, a level as its digit, unknown as `?`, nothing as `-`.
#[cfg(test)]
pub fn draw(verdict: Option<Verdict>) -> char {
    match verdict {
        None => '-',
        Some(Verdict::Unknown) => '?',
        Some(Verdict::Level(Level(0))) => '.',
        Some(Verdict::Level(Level(step))) => char::from(b'0' + step),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn does_not_chatter_inside_the_deadband() {
        let play = |mut bound: Bound, figures: &[f64]| -> String {
            figures.iter().map(|figure| draw(Some(bound.judge(*figure)))).collect()
        };
        assert_eq!(play(Bound::new(Some(8.0), None, Some(5.0)), &[8.0, 9.0, 6.0, 5.0, 8.0]), ".11..");
        assert_eq!(play(Bound::new(None, Some(2.0), None), &[2.0, 1.0, f64::NAN, 2.0]), ".1?.");
        assert_eq!(play(Bound::new(Some(8.0), None, None), &[f64::INFINITY, f64::NEG_INFINITY]), "1.");
    }
}
