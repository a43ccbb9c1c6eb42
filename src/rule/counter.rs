//! A counter of a machine: what was added since the reading before, through rollover, reset and glitches.
//!
//! A counter rolls over where its register ends, is set to 0 by hand or at a shift's end, and some devices show a
//! single 0 while they start. Only what the next reading confirms is believed, and nothing is lost by waiting for it.

use serde::{Deserialize, Serialize};

/// Without a declared bound, a fall is taken for a rollover only from the last sixteenth of the register.
const ROLLOVER_PART: f64 = 16.0;

/// What a reading of a counter says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Nothing that may be believed yet.
    Doubt,
    /// So much was added.
    By(f64),
    /// It counts from another place: it was heard for the first time, set to 0, or replaced. So much was added
    /// since.
    Anew(f64),
}

/// A counter, and what it showed last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counter {
    /// How many values its register has.
    modulus: Option<f64>,
    /// More at a time is not believed.
    step_max: Option<f64>,
    last: Option<f64>,
    /// A value that does not follow the last one, until the next reading decides.
    doubt: Option<f64>,
}

impl Counter {
    /// A counter that shows `max` at most before it begins again at 0, and gains `step_max` at most from one
    /// reading to the next. Without `max` it never rolls over.
    pub fn new(max: Option<f64>, step_max: Option<f64>) -> Counter {
        Counter { modulus: max.map(|max| max + 1.0), step_max, last: None, doubt: None }
    }

    /// What it shows, as far as it is believed.
    pub fn last(&self) -> Option<f64> {
        self.last
    }

    /// Goes on from what another one of the same tag showed.
    pub fn learn_from(&mut self, old: &Counter) {
        (self.last, self.doubt) = (old.last, old.doubt);
    }

    /// Goes on from what it showed before a restart.
    pub fn resume(&mut self, last: f64) {
        (self.last, self.doubt) = (Some(last), None);
    }

    /// What this reading says.
    pub fn read(&mut self, value: f64) -> Step {
        if value < 0.0 {
            return Step::Doubt;
        }
        let Some(last) = self.last else {
            self.last = Some(value);
            return Step::Anew(0.0);
        };
        let step = match self.doubt.take() {
            None => self.follow(last, value),
            Some(doubt) => self.decide(last, doubt, value),
        };
        match step {
            Step::Doubt => self.doubt = Some(value),
            Step::By(_) | Step::Anew(_) => self.last = Some(value),
        }
        step
    }

    /// A value after one that is believed.
    fn follow(&self, last: f64, value: f64) -> Step {
        if value >= last {
            return if self.is_plausible(value - last) { Step::By(value - last) } else { Step::Doubt };
        }
        // A single 0 may be a device that starts.
        if value == 0.0 {
            return Step::Doubt;
        }
        if let Some(gained) = self.rolled(last, value) {
            return Step::By(gained);
        }
        let is_reset = self.step_max.map_or(value <= last / 2.0, |max| value <= max);
        if is_reset { Step::Anew(value) } else { Step::Doubt }
    }

    /// The value after one that was not believed.
    fn decide(&self, last: f64, doubt: f64, value: f64) -> Step {
        if value >= last && self.is_plausible(value - last) {
            return Step::By(value - last);
        }
        if value < doubt || !self.is_plausible(value - doubt) {
            return Step::Doubt;
        }
        if let Some(gained) = self.rolled(last, value) {
            return Step::By(gained);
        }
        // What it gained between 0 and a value that nobody believed is not known.
        Step::Anew(value - doubt)
    }

    /// What was gained, if the register rolled over between the two.
    fn rolled(&self, last: f64, value: f64) -> Option<f64> {
        let modulus = self.modulus.filter(|_| value < last)?;
        let gained = value + modulus - last;
        (gained <= self.step_max.unwrap_or(modulus / ROLLOVER_PART)).then_some(gained)
    }

    fn is_plausible(&self, gained: f64) -> bool {
        self.step_max.is_none_or(|max| gained <= max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Plays values and writes what was added: `|` before it where the counter began anew, `?` for doubt.
    #[track_caller]
    fn check(max: Option<f64>, step_max: Option<f64>, values: &[f64], want: &str) {
        let mut counter = Counter::new(max, step_max);
        let said: Vec<String> = values
            .iter()
            .map(|value| match counter.read(*value) {
                Step::Doubt => "?".into(),
                Step::By(gained) => gained.to_string(),
                Step::Anew(gained) => format!("|{gained}"),
            })
            .collect();
        assert_eq!(said.join(" "), want, "{values:?}");
    }

    #[test]
    fn rolls_over_where_its_register_ends() {
        check(Some(65_535.0), None, &[65_530.0, 65_535.0, 2.0, 5.0], "|0 5 3 3");
        // The 0 of a rollover waits for the next reading, and nothing is lost.
        check(Some(65_535.0), None, &[65_534.0, 0.0, 1.0], "|0 ? 3");
        check(Some(99_999.0), Some(50.0), &[99_990.0, 10.0], "|0 20");
        // Far from the end of its register, it was set to 0.
        check(Some(65_535.0), None, &[40_000.0, 3.0, 4.0], "|0 |3 1");
    }

    #[test]
    fn is_set_to_zero_and_counts_from_there() {
        check(None, None, &[500.0, 0.0, 0.0, 2.0], "|0 ? |0 2");
        check(None, None, &[500.0, 0.0, 3.0, 4.0], "|0 ? |3 1");
        check(None, None, &[500.0, 7.0, 9.0], "|0 |7 2");
    }

    #[test]
    fn a_single_zero_or_a_step_back_is_no_reset() {
        check(None, None, &[500.0, 0.0, 502.0, 503.0], "|0 ? 2 1");
        check(Some(65_535.0), None, &[65_530.0, 0.0, 65_532.0], "|0 ? 2");
        check(None, None, &[1_000.0, 999.0, 1_001.0], "|0 ? 1");
        check(None, None, &[1_000.0, -1.0, 1_001.0], "|0 ? 1");
    }

    #[test]
    fn more_than_can_be_is_not_believed() {
        check(None, Some(10.0), &[100.0, 104.0, 9_999.0, 106.0], "|0 4 ? 2");
        // It stays there: the device was replaced.
        check(None, Some(10.0), &[100.0, 9_000.0, 9_003.0, 9_004.0], "|0 ? |3 1");
        check(None, Some(10.0), &[100.0, 9_000.0, 70.0, 72.0], "|0 ? ? |2");
    }

    proptest! {
        /// Whatever the width and however often it rolls over, all that was made is counted.
        #[test]
        fn nothing_is_lost_through_rollovers(
            bits in prop::sample::select(vec![16_u32, 24, 32]),
            start in 0_u64..u64::from(u32::MAX),
            // Two at a time, around a 0 that is not believed at first, are less than the sixteenth.
            steps in prop::collection::vec(0_u64..2_000, 1..300),
        ) {
            let modulus = 2_u64.pow(bits);
            let mut counter = Counter::new(Some((modulus - 1) as f64), None);
            let (mut made, mut counted) = (start, 0.0);
            counter.read((made % modulus) as f64);
            // One more at the end, so that a last 0 is decided.
            for step in steps.iter().chain(&[1]) {
                made += step;
                if let Step::By(gained) | Step::Anew(gained) = counter.read((made % modulus) as f64) {
                    counted += gained;
                }
            }
            prop_assert_eq!(counted as u64, made - start);
        }
    }
}
