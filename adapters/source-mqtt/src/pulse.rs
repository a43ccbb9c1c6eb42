//! Is the broker still there? Pure: time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// When the line last showed life.
#[derive(Debug)]
pub struct Pulse {
    /// How long either side may be silent before we ask.
    ask_after: Duration,
    silence_max: Option<Duration>,
    heard: Instant,
    sent: Instant,
    asked: Option<Instant>,
    /// The last live value on this connection.
    live: Option<Instant>,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Nothing before this moment.
    Wait(Instant),
    /// Ask.
    Ask,
    /// Asked and not answered.
    Dead,
    /// The line lives, but values came and then none.
    Silent,
}

impl Pulse {
    /// A line that was just made. We ask a little before `keep_alive`, which is when the broker counts us lost.
    pub fn new(keep_alive: Duration, silence_max: Option<Duration>, now: Instant) -> Pulse {
        let ask_after = keep_alive.mul_f64(0.8);
        Pulse { ask_after, silence_max, heard: now, sent: now, asked: None, live: None }
    }

    /// Something came in.
    pub fn hear(&mut self, now: Instant) {
        self.heard = now;
        self.asked = None;
    }

    /// A live value came in.
    pub fn hear_live(&mut self) {
        self.live = Some(self.heard);
    }

    /// Something was sent.
    pub fn send(&mut self, now: Instant) {
        self.sent = now;
    }

    /// We asked.
    pub fn ask(&mut self, now: Instant) {
        self.sent = now;
        self.asked = Some(now);
    }

    /// What to do now.
    pub fn beat(&self, now: Instant) -> Beat {
        let silent = self.live.zip(self.silence_max).map(|(live, max)| live + max);
        if silent.is_some_and(|at| now >= at) {
            return Beat::Silent;
        }
        let next = match self.asked {
            Some(asked) if now >= asked + self.ask_after => return Beat::Dead,
            Some(asked) => asked + self.ask_after,
            None => {
                let due = self.heard.min(self.sent) + self.ask_after;
                if now >= due {
                    return Beat::Ask;
                }
                due
            }
        };
        Beat::Wait(silent.map_or(next, |at| at.min(next)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn asks_then_gives_up_within_twice_the_keep_alive() {
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        let mut pulse = Pulse::new(Duration::from_secs(10), None, start);
        assert_eq!(pulse.beat(at(7)), Beat::Wait(at(8)));
        assert_eq!(pulse.beat(at(8)), Beat::Ask);
        pulse.ask(at(8));
        assert_eq!(pulse.beat(at(15)), Beat::Wait(at(16)));
        assert_eq!(pulse.beat(at(16)), Beat::Dead);
        pulse.hear(at(15));
        assert_eq!(pulse.beat(at(15)), Beat::Wait(at(16)));
    }

    #[tokio::test]
    async fn silence_counts_only_after_a_value() {
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        let mut pulse = Pulse::new(Duration::from_secs(1000), Some(Duration::from_secs(60)), start);
        assert_eq!(pulse.beat(at(500)), Beat::Wait(at(800)));
        pulse.hear(at(500));
        pulse.hear_live();
        assert_eq!(pulse.beat(at(559)), Beat::Wait(at(560)));
        assert_eq!(pulse.beat(at(560)), Beat::Silent);
    }
}
