//! A counter that rolls over, is reset or slips, as one number that only grows. Pure: no clock.
//!
//! A reading that grows by at most `step_max` is taken. Everything else (a fall, a leap) waits for the next reading
//! and is remembered together with what it fell from, because one reading cannot tell a rollover from a glitch:
//! the next one near the old value makes it a glitch; one that goes on from the new value makes it a rollover if the
//! way round is short, else a reset.

/// What is kept of a counter: enough to go on after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// The width in bits: 16, 24, 32 or 64.
    width: u8,
    /// The most that it may grow from one reading to the next.
    step_max: u64,
    /// The last reading that was believed, and the sum at it.
    last: Option<(u64, u128)>,
    /// A reading that waits for the next.
    doubt: Option<u64>,
}

/// What a reading comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    /// The sum.
    Sure(u128),
    /// The reading waits for the next; the sum is at least this.
    AtLeast(u128),
}

impl Counter {
    /// A counter of so many bits. Without a bound, a reading may grow by a quarter of the range.
    pub fn new(width: u8, step_max: Option<u64>) -> Counter {
        let quarter = (Counter::range(width) / 4) as u64;
        Counter { width, step_max: step_max.unwrap_or(quarter), last: None, doubt: None }
    }

    /// Goes on from what was kept.
    pub fn resume(&mut self, reading: u64, sum: u128) {
        self.last = Some((reading, sum));
        self.doubt = None;
    }

    /// The last reading that was believed, and the sum at it.
    pub fn kept(&self) -> Option<(u64, u128)> {
        self.last
    }

    const fn range(width: u8) -> u128 {
        1 << width
    }

    /// How far from one reading forward to another, over the end of the range if need be.
    fn forward(&self, from: u64, to: u64) -> u128 {
        let range = Counter::range(self.width);
        (u128::from(to) + range - u128::from(from)) % range
    }

    /// Takes a reading.
    pub fn take(&mut self, reading: u64) -> Sum {
        let reading = (u128::from(reading) % Counter::range(self.width)) as u64;
        let Some((last, sum)) = self.last else { return self.believe(reading, u128::from(reading)) };
        if reading >= last && reading - last <= self.step_max {
            return self.believe(reading, sum + u128::from(reading - last));
        }
        match self.doubt {
            // It stands still at zero: a device that is starting says so too, so it must move first.
            Some(0) if reading == 0 => Sum::AtLeast(sum),
            Some(doubt) if reading >= doubt && reading - doubt <= self.step_max => {
                self.believe(reading, sum + self.growth(last, doubt, reading))
            }
            _ => {
                self.doubt = Some(reading);
                Sum::AtLeast(sum)
            }
        }
    }

    /// How much was counted while it went from `last` to `doubt` and on to `reading`.
    fn growth(&self, last: u64, doubt: u64, reading: u64) -> u128 {
        let round = self.forward(last, doubt);
        let since = u128::from(reading - doubt);
        let is_reset = doubt < last && doubt <= self.step_max;
        if round <= u128::from(self.step_max) {
            round + since
        } else if is_reset {
            u128::from(reading)
        } else {
            since
        }
    }

    fn believe(&mut self, reading: u64, sum: u128) -> Sum {
        self.last = Some((reading, sum));
        self.doubt = None;
        Sum::Sure(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Readings, and what they come to; `~` before a sum that is only a bound.
    #[track_caller]
    fn check(width: u8, readings: &[u64], sums: &str) {
        let mut counter = Counter::new(width, None);
        let told: Vec<String> = readings
            .iter()
            .map(|reading| match counter.take(*reading) {
                Sum::Sure(sum) => sum.to_string(),
                Sum::AtLeast(sum) => format!("~{sum}"),
            })
            .collect();
        assert_eq!(told.join(" "), sums);
    }

    #[test]
    fn it_grows_as_the_device_counts() {
        check(16, &[100, 100, 105, 300], "100 100 105 300");
    }

    #[test]
    fn a_rollover_waits_for_the_next_reading_and_loses_nothing() {
        check(16, &[65_530, 3, 5], "65530 ~65530 65541");
        check(24, &[16_777_210, 4, 9], "16777210 ~16777210 16777225");
        check(32, &[4_294_967_294, 1, 4], "4294967294 ~4294967294 4294967300");
        check(64, &[u64::MAX, 1, 2], "18446744073709551615 ~18446744073709551615 18446744073709551618");
        check(16, &[65_530, 3, 3], "65530 ~65530 65539");
    }

    #[test]
    fn one_zero_adds_nothing() {
        check(16, &[65_000, 0, 65_003], "65000 ~65000 65003");
        check(32, &[1_000, 0, 1_002, 1_004], "1000 ~1000 1002 1004");
        check(16, &[65_000, 0, 0, 0, 65_010], "65000 ~65000 ~65000 ~65000 65010");
    }

    #[test]
    fn one_leap_adds_nothing() {
        check(16, &[1_000, 60_000, 1_003], "1000 ~1000 1003");
    }

    #[test]
    fn after_a_reset_it_goes_on_from_where_it_was() {
        check(32, &[500_000, 0, 0, 7, 9], "500000 ~500000 ~500000 500007 500009");
        check(16, &[30_000, 2, 12], "30000 ~30000 30012");
    }

    #[test]
    fn another_meter_adds_only_what_it_counts_itself() {
        check(32, &[5_000, 3_000_000_000, 3_000_000_010], "5000 ~5000 5010");
    }

    #[test]
    fn it_goes_on_after_a_restart() {
        let mut counter = Counter::new(16, None);
        counter.resume(65_530, 131_066);
        assert_eq!(counter.take(4), Sum::AtLeast(131_066));
        assert_eq!(counter.take(6), Sum::Sure(131_078));
    }

    proptest! {
        /// Whatever comes, the sum never falls, and a device that really counts is followed to the last unit.
        #[test]
        fn the_sum_never_falls(readings in proptest::collection::vec(any::<u64>(), 1..60)) {
            let mut counter = Counter::new(24, None);
            let mut before = 0;
            for (index, reading) in readings.iter().enumerate() {
                let (Sum::Sure(sum) | Sum::AtLeast(sum)) = counter.take(*reading);
                prop_assert!(index == 0 || sum >= before);
                before = sum;
            }
        }

        #[test]
        fn steps_are_followed_over_many_rollovers(start: u16, steps in proptest::collection::vec(1_u64..8_000, 1..200)) {
            let mut counter = Counter::new(16, None);
            let mut truth = u64::from(start);
            counter.take(truth);
            for step in steps {
                truth += step;
                match counter.take(truth % 65_536) {
                    Sum::Sure(sum) => prop_assert_eq!(sum, u128::from(truth)),
                    Sum::AtLeast(sum) => prop_assert!(sum <= u128::from(truth)),
                }
            }
        }
    }
}
