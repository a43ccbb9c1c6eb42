//! Units that do not answer: asked now and then, as long as the others keep their period.

use std::time::Duration;

use contract::{Cause, SourceError};
use tokio::time::Instant;

use super::Poller;
use super::outcome::words;
use crate::discover;
use crate::pdu::Answer;
use crate::wire::Failed;

/// A silent unit may take this part of the time of its line where the period has no room.
const INTRUSION: u32 = 10;
/// Which of its questions may wait for a silent unit in full.
const FULL_TURN: u32 = 8;
/// The least that a silent unit is waited for.
const WAIT_MIN: Duration = Duration::from_millis(20);

impl Poller {
    /// Asks a silent unit one thing, as long as there is room. True if it answers.
    pub(super) async fn probe(&mut self, index: usize, next: Instant) -> Result<bool, SourceError> {
        let now = Instant::now();
        let Some(request) = discover::greeting(&self.units[index]) else { return Ok(false) };
        if !self.units[index].breaker.may_ask(now) {
            return Ok(false);
        }
        let Some(wait) = self.room(index, now, next) else { return Ok(false) };
        match self.wire.ask(&request, wait).await {
            Ok(Answer::Exception(exception)) if exception.passes() => {
                let cause = match exception.is_silence() {
                    true => Cause::NoAnswer,
                    false => Cause::Refused(exception.to_string()),
                };
                self.silent(index, cause);
                self.bad_unit(index, &exception.to_string());
                Ok(false)
            }
            Ok(_) => {
                self.answered(index, now);
                Ok(true)
            }
            Err(Failed::Line(error)) => Err(error),
            Err(failed) => {
                self.failed(index, now, &failed);
                self.bad_unit(index, &words(&failed, wait));
                Ok(false)
            }
        }
    }

    /// How long a silent unit may be waited for; `None` if not now.
    pub(super) fn room(&mut self, index: usize, now: Instant, next: Instant) -> Option<Duration> {
        let timeout = self.pace.timeout;
        let slack = next.saturating_duration_since(now).saturating_sub(self.pace.every / 20);
        let is_alone = self.units.iter().all(|unit| !unit.breaker.is_well());
        if slack >= timeout || is_alone {
            return Some(timeout);
        }
        let breaker = &self.units[index].breaker;
        let needed = (breaker.slowest().max(self.slowest) * 3).clamp(WAIT_MIN.min(timeout), timeout);
        let may_intrude = self.last_intrusion.is_none_or(|last| now - last >= timeout * INTRUSION);
        // A unit that may answer more slowly than there is room is waited for in full now and then.
        let may_be_slow = breaker.slowest().is_zero() || breaker.slowest() * 3 > slack;
        let is_full_turn = may_be_slow && breaker.silences().is_multiple_of(FULL_TURN);
        if may_intrude && (is_full_turn || slack < needed) {
            self.last_intrusion = Some(now);
            return Some(timeout);
        }
        (slack >= needed).then_some(slack)
    }
}
