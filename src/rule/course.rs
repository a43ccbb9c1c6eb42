//! The course of a value over the last hours, in as many steps as a picture shows: a ring that never grows.

use std::time::Duration;

use contract::Moment;
use contract::chart::{POINTS_MAX, Point};

/// A value holds until the next one; after so many steps without one there is a gap.
const GAP: i64 = 12;

/// A step in which nothing was heard.
const EMPTY: f32 = f32::NAN;
/// A step in which only values came that cannot be trusted.
const BAD: f32 = f32::INFINITY;

/// The means of each step of time, half a kilobyte for all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// How long a step is, in milliseconds.
    step: i64,
    means: Box<[f32; POINTS_MAX]>,
    /// The number of the newest step, counted from 1970.
    newest: Option<i64>,
    /// How many values are in the mean of the newest.
    count: u32,
}

impl Course {
    /// A course that holds so much of the past, of which nothing is known yet.
    pub fn new(length: Duration) -> Course {
        let steps = length.as_millis().div_ceil(POINTS_MAX as u128);
        let step = i64::try_from(steps).unwrap_or(i64::MAX).max(1);
        Course { step, means: Box::new([EMPTY; POINTS_MAX]), newest: None, count: 0 }
    }

    /// True for one that holds as much of the past.
    pub fn is_as_long_as(&self, other: &Course) -> bool {
        self.step == other.step
    }

    /// A value, or one that cannot be trusted. One that is older than the newest step is left out.
    pub fn hear(&mut self, at: Moment, value: Option<f64>) {
        let now = at.as_ms().div_euclid(self.step);
        match self.newest {
            Some(newest) if now < newest => return,
            Some(newest) if now == newest => {}
            newest => {
                let first = newest.map_or(now, |newest| (newest + 1).max(now - POINTS_MAX as i64 + 1));
                for step in first..=now {
                    *self.place(step) = EMPTY;
                }
                (self.newest, self.count) = (Some(now), 0);
            }
        }
        // Seven digits are more than a picture shows.
        let value = value.map(|value| value as f32).filter(|value| value.is_finite());
        let count = self.count;
        let mean = self.place(now);
        match value {
            None if count == 0 => *mean = BAD,
            None => {}
            Some(value) if count == 0 => *mean = value,
            Some(value) => *mean += (value - *mean) / (count as f32 + 1.0),
        }
        self.count = count.saturating_add(u32::from(value.is_some()));
    }

    fn place(&mut self, step: i64) -> &mut f32 {
        // Between 0 and the number of places.
        &mut self.means[step.rem_euclid(POINTS_MAX as i64) as usize]
    }

    /// All that is known, oldest first. A place without a value is a gap.
    pub fn points(&self) -> Vec<Point> {
        let Some(newest) = self.newest else { return Vec::new() };
        let mut points: Vec<Point> = Vec::new();
        let mut last = None;
        for step in newest - POINTS_MAX as i64 + 1..=newest {
            let mean = self.means[step.rem_euclid(POINTS_MAX as i64) as usize];
            let at = Moment::from_ms(step.saturating_mul(self.step));
            if mean.is_nan() {
                continue;
            }
            let is_hole = last.is_some_and(|last| step - last > GAP);
            if is_hole || mean == BAD {
                points.push(Point { at, value: None });
            }
            if mean != BAD {
                // As few digits as tell it apart.
                points.push(Point { at, value: mean.to_string().parse().ok() });
            }
            last = Some(step);
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Moment {
        Moment::from_ms(seconds * 1_000)
    }

    fn values(course: &Course) -> Vec<Option<f64>> {
        course.points().iter().map(|point| point.value).collect()
    }

    /// A step of a second for each point.
    fn course() -> Course {
        Course::new(Duration::from_secs(POINTS_MAX as u64))
    }

    #[test]
    fn a_step_is_the_mean_of_what_came_in_it() {
        let mut course = course();
        for (ms, value) in [(0, 10.0), (400, 20.0), (900, 30.0), (1_000, 5.0)] {
            course.hear(Moment::from_ms(ms), Some(value));
        }
        course.hear(Moment::from_ms(999), Some(1e6));
        assert_eq!(values(&course), [Some(20.0), Some(5.0)]);
        assert_eq!(course.points()[1].at, at(1));
    }

    #[test]
    fn it_forgets_what_is_older_and_never_grows() {
        let mut course = course();
        for second in 0..1_000 {
            course.hear(at(second), Some(second as f64));
        }
        let points = course.points();
        assert_eq!((points.len(), points[0].value), (POINTS_MAX, Some(1_000.0 - POINTS_MAX as f64)));
        // After a long silence nothing of before is left.
        course.hear(at(10_000), Some(7.5));
        assert_eq!(values(&course), [Some(7.5)]);
    }

    #[test]
    fn a_hole_and_a_bad_value_are_gaps_and_a_slow_tag_is_none() {
        let mut course = course();
        course.hear(at(0), Some(1.0));
        course.hear(at(10), Some(2.0));
        course.hear(at(11), None);
        course.hear(at(12), Some(3.0));
        course.hear(at(40), Some(4.1));
        let told = [Some(1.0), Some(2.0), None, Some(3.0), None, Some(4.1)];
        assert_eq!(values(&course), told);
    }

    #[test]
    fn any_time_and_any_value_can_come() {
        let mut course = Course::new(Duration::from_millis(1));
        for (ms, value) in [(i64::MIN, f64::NAN), (0, f64::MAX), (i64::MAX, f64::MIN), (i64::MAX, 1.0)] {
            course.hear(Moment::from_ms(ms), Some(value));
        }
        assert_eq!(values(&course), [Some(1.0)]);
    }
}
