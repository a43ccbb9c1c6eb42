//! Books that go on after something was not seen: a restart, a source that was lost, a clock that was set.

use contract::Moment;

use super::{Kept, Ledger, silent_from};
use crate::production::{Section, State};
use crate::shift::Calendar;

impl Ledger {
    /// Goes on with what was kept. What the machine did since, nobody saw: its state is not known from there on,
    /// until it speaks again.
    #[must_use]
    pub fn resume(section: &Section, kept: Kept, calendar: &Calendar) -> Ledger {
        let mut ledger = Ledger::new(section, kept.at);
        let causes = std::mem::take(&mut ledger.kept.causes);
        let is_same = causes == kept.causes;
        ledger.kept = Kept { causes, ..kept };
        ledger.silent_from = silent_from(ledger.kept.heard, ledger.silent_after);
        if !is_same {
            ledger.kept.figures.stops.forget_causes();
            if let Some(stop) = &mut ledger.kept.stop {
                stop.cause = None;
            }
        }
        ledger.lose(ledger.kept.at, calendar);
        ledger.kept.parts.counter.resume();
        ledger.kept.scrap.counter.resume();
        ledger
    }

    /// Its source is back after a moment: it still does what it did, unless it has said something else since.
    pub fn find_again(&mut self, at: Moment, state: State, calendar: &Calendar) {
        if self.kept.state == State::Unknown {
            self.pass(at, calendar);
            self.hear();
            self.enter(state);
        }
    }

    /// From `at` on nobody knows what it does: its source is lost.
    pub fn lose(&mut self, at: Moment, calendar: &Calendar) {
        self.pass(at, calendar);
        self.enter(State::Unknown);
    }

    /// Another calendar is asked from here on.
    pub fn ask_anew(&mut self) {
        self.phase.1 = self.phase.1.min(self.kept.at);
    }

    /// True where its last word is so old that it says nothing any more.
    pub fn is_silent(&self) -> bool {
        self.silent_from <= self.kept.at
    }

    /// The clock was set back: time goes on from here, and what was said in the time that never was is forgotten.
    pub fn set_back(&mut self, now: Moment) {
        let kept = &mut self.kept;
        kept.at = kept.at.min(now);
        (kept.heard, kept.said) = (kept.heard.min(now), kept.said.min(now));
        for meter in [&mut kept.parts, &mut kept.scrap] {
            meter.said = meter.said.min(now);
            meter.counter.set_back(now);
        }
        self.silent_from = silent_from(self.kept.heard, self.silent_after);
        self.phase.1 = self.phase.1.min(now);
    }
}
