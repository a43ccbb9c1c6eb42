//! How an order goes: what is done, when it will be, and whether that is in time.

use std::time::Duration;

use contract::Moment;

use crate::shift::Calendar;

/// What must be made, and by when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Good parts.
    pub quantity: u64,
    /// When the business system expects it, if it does.
    pub due: Option<Moment>,
}

/// How an order goes at the present rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Good parts made.
    pub done: u64,
    /// Good parts to make.
    pub left: u64,
    /// From 0 to 1; none for an order of nothing.
    pub share: Option<f64>,
    /// How long the rest takes at the present rate, in planned time; none while there is no rate.
    pub work: Option<Duration>,
    /// When it will be done; none while there is no rate, or beyond 400 days.
    pub ends: Option<Moment>,
    /// How much after its due time that is; nothing where it is in time.
    pub late: Option<Duration>,
    /// How much before its due time that is; nothing where it is late.
    pub margin: Option<Duration>,
    /// The latest moment to run again, so that the order is still in time at the present rate.
    pub run_by: Option<Moment>,
}

/// How an order goes if the machine runs from now on as it did lately. `per_hour` is in good parts, while it runs: see
/// [`Ledger::good_per_hour`](super::Ledger::good_per_hour).
pub fn progress(
    order: Order,
    done: u64,
    per_hour: Option<f64>,
    now: Moment,
    calendar: &Calendar,
) -> Progress {
    let left = order.quantity.saturating_sub(done);
    let work = work(left, per_hour);
    let ends = work.and_then(|work| if left == 0 { Some(now) } else { calendar.after(now, work) });
    let late = order.due.zip(ends).map(|(due, ends)| ends.since(due));
    let margin = order.due.zip(ends).map(|(due, ends)| due.since(ends));
    let run_by = order.due.zip(work).and_then(|(due, work)| calendar.latest_start(due, work));
    let share = (order.quantity > 0).then(|| done as f64 / order.quantity as f64);
    Progress { done, left, share, work, ends, late, margin, run_by }
}

/// How much longer the rest takes than it would at another rate, such as the ideal one; none while there is no rate.
/// What an order is late beyond that was lost before: by stops.
pub fn lost_by_speed(left: u64, per_hour: Option<f64>, expected_per_hour: f64) -> Option<Duration> {
    Some(work(left, per_hour)?.saturating_sub(work(left, Some(expected_per_hour))?))
}

/// How long so many parts take; none at a standstill, unless there is nothing to do.
fn work(parts: u64, per_hour: Option<f64>) -> Option<Duration> {
    if parts == 0 {
        return Some(Duration::ZERO);
    }
    let per_hour = per_hour.filter(|rate| *rate > 0.0)?;
    let ms = (parts as f64 * 3_600e3 / per_hour).round();
    // Beyond, the calendar would not find an end.
    Some(Duration::from_millis(ms.min(1e14) as u64))
}
