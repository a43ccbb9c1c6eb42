//! The sums of a period, and the figures people know that follow from them.

use std::time::Duration;

use contract::Moment;
use serde::{Deserialize, Serialize};

use super::section::{Method, MicroStops};
use super::stops::Stops;

/// Good parts and scrap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// All parts.
    pub made: u64,
    /// Those that are no good.
    pub scrap: u64,
}

impl Parts {
    /// Those that are good.
    pub fn good(self) -> u64 {
        self.made.saturating_sub(self.scrap)
    }

    /// These and those.
    #[must_use]
    pub fn plus(self, other: Parts) -> Parts {
        Parts { made: self.made.saturating_add(other.made), scrap: self.scrap.saturating_add(other.scrap) }
    }
}

/// What a period sums up to. Times are classes that do not overlap, in milliseconds, so sums of periods are exact.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// The first moment of the period.
    pub from: Moment,
    /// The first moment after it.
    pub to: Moment,
    /// The stops in required time.
    pub stops: Stops,
    /// What was made in required time that is known: this counts for the TRS.
    pub parts: Parts,
    /// What was made outside of required time, such as in a break.
    pub outside: Parts,
    /// What was made while the state of the machine was not known.
    pub unseen: Parts,
    /// How often a counter went where no machine can count: parts may be missing.
    pub slips: u32,
    pub(super) closed_ms: u64,
    pub(super) paused_ms: u64,
    pub(super) unknown_ms: u64,
    pub(super) running_ms: u64,
    /// What the parts take at the ideal rate, and the scrap among them, in nanoseconds.
    pub(super) net_ns: u64,
    pub(super) waste_ns: u64,
}

/// The times of NF E60-182, without the time that is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// tT: all of it.
    pub total: Duration,
    /// tO: while the site is open.
    pub opening: Duration,
    /// tR: while the machine is to run.
    pub required: Duration,
    /// tF: while it runs.
    pub running: Duration,
    /// tN: what its parts take at the ideal rate; `running` at most.
    pub net: Duration,
    /// tU: what its good parts take.
    pub useful: Duration,
    /// Required time in which its state was not known: in none of the times above.
    pub unknown: Duration,
    /// By how much its parts take longer at the ideal rate than it ran. More than nothing says that the ideal rate is
    /// too low: performance would be above 100 %.
    pub beyond_ideal: Duration,
}

/// Where required time was lost. Together with `useful` they are `required`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses {
    /// By stops that are no micro-stops.
    pub stops: Duration,
    /// By micro-stops.
    pub micro: Duration,
    /// By running slower than ideal.
    pub speed: Duration,
    /// By making scrap.
    pub scrap: Duration,
}

impl Figures {
    /// The figures of a period that begins now.
    pub(super) fn begin(from: Moment) -> Figures {
        Figures { from, to: from, ..Figures::default() }
    }

    /// These figures, and those of the period after.
    #[must_use]
    pub fn plus(self, next: Figures, method: Method) -> Figures {
        Figures {
            from: self.from,
            to: next.to,
            stops: self.stops.plus(next.stops, method.micro_stop),
            parts: self.parts.plus(next.parts),
            outside: self.outside.plus(next.outside),
            unseen: self.unseen.plus(next.unseen),
            slips: self.slips.saturating_add(next.slips),
            closed_ms: self.closed_ms.saturating_add(next.closed_ms),
            paused_ms: self.paused_ms.saturating_add(next.paused_ms),
            unknown_ms: self.unknown_ms.saturating_add(next.unknown_ms),
            running_ms: self.running_ms.saturating_add(next.running_ms),
            net_ns: self.net_ns.saturating_add(next.net_ns),
            waste_ns: self.waste_ns.saturating_add(next.waste_ns),
        }
    }

    /// All parts of the period, whenever they were made.
    pub fn all_parts(&self) -> Parts {
        self.parts.plus(self.outside).plus(self.unseen)
    }

    /// The times, counted by a method.
    pub fn times(&self, method: Method) -> Times {
        let stopped = self.stops.all().time();
        let ran = Duration::from_millis(self.running_ms);
        let required = ran + stopped;
        let running = match method.micro_stops {
            MicroStops::Availability => ran,
            MicroStops::Performance => ran + self.stops.micro(method.micro_stop).time(),
        };
        let opening = required + Duration::from_millis(self.paused_ms);
        let ideal = Duration::from_nanos(self.net_ns);
        let net = ideal.min(running);
        Times {
            total: opening + Duration::from_millis(self.closed_ms),
            opening,
            required,
            running,
            net,
            useful: share(net, self.net_ns.saturating_sub(self.waste_ns), self.net_ns),
            unknown: Duration::from_millis(self.unknown_ms),
            beyond_ideal: ideal.saturating_sub(running),
        }
    }

    /// Where required time was lost.
    pub fn losses(&self, method: Method) -> Losses {
        let times = self.times(method);
        let micro = self.stops.micro(method.micro_stop).time();
        let lag = times.running.saturating_sub(times.net);
        let (micro, speed) = match method.micro_stops {
            MicroStops::Availability => (micro, lag),
            MicroStops::Performance => (micro.min(lag), lag.saturating_sub(micro)),
        };
        let stopped = times.required.saturating_sub(times.running);
        let stops = match method.micro_stops {
            MicroStops::Availability => stopped.saturating_sub(micro),
            MicroStops::Performance => stopped,
        };
        Losses { stops, micro, speed, scrap: times.net.saturating_sub(times.useful) }
    }
}

/// The part of a time that `part` is of `whole`.
fn share(time: Duration, part: u64, whole: u64) -> Duration {
    let share = time.as_nanos() * u128::from(part) / u128::from(whole.max(1));
    Duration::from_nanos(u64::try_from(share).unwrap_or(u64::MAX))
}

/// One time by another, from 0 to 1; none where there is nothing to divide by.
fn ratio(part: Duration, whole: Duration) -> Option<f64> {
    (!whole.is_zero()).then(|| part.as_secs_f64() / whole.as_secs_f64())
}

impl Times {
    /// TRS (OEE): useful of required time.
    pub fn trs(&self) -> Option<f64> {
        ratio(self.useful, self.required)
    }

    /// TRG: useful of opening time.
    pub fn trg(&self) -> Option<f64> {
        ratio(self.useful, self.opening)
    }

    /// TRE: useful of all time.
    pub fn tre(&self) -> Option<f64> {
        ratio(self.useful, self.total)
    }

    /// Do: running of required time.
    pub fn availability(&self) -> Option<f64> {
        ratio(self.running, self.required)
    }

    /// Tp: net of running time.
    pub fn performance(&self) -> Option<f64> {
        ratio(self.net, self.running)
    }

    /// Tq: useful of net time.
    pub fn quality(&self) -> Option<f64> {
        ratio(self.useful, self.net)
    }
}
