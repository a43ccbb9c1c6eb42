//! A tag that must keep speaking.

use std::time::Duration;

use contract::settings::Wait;
use contract::{Check, Fault, Moment};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Level, Verdict};

/// `[….rule.stale.<name>]`: a tag that must keep speaking.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The tag that must speak.
    pub tag: String,
    /// Silent after this long without a value that can be trusted.
    pub after: Wait,
}

impl Check for Section {
    fn check(&self) -> Vec<Fault> {
        if self.after.0 < Duration::from_secs(1) {
            return vec![Fault::at("after", "shorter than a second, expected at least `1s`")];
        }
        Vec::new()
    }
}

/// The rule: when the last trusted value came is all it knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Stale {
    after: Duration,
    heard: Moment,
    /// Not silent before this, whatever was heard: its source was away.
    not_before: Moment,
    /// True until something is heard: a source that comes and goes gives no time anew each time.
    is_granted: bool,
}

impl Stale {
    /// The rule of a section that passed its check, from `now` on: whoever starts us is given the time to speak.
    pub fn new(section: &Section, now: Moment) -> Stale {
        Stale { after: section.after.0, heard: now, not_before: now, is_granted: false }
    }

    /// A value that can be trusted arrived.
    pub fn hear(&mut self, now: Moment) -> Verdict {
        self.heard = self.heard.max(now);
        self.is_granted = false;
        Verdict::Level(Level::NORMAL)
    }

    /// What the passing of time means.
    pub fn tick(&self, now: Moment) -> Verdict {
        Verdict::Level(if now >= self.due() { Level(1) } else { Level::NORMAL })
    }

    /// When it will be silent, if nothing comes.
    pub fn due(&self) -> Moment {
        self.heard.plus(self.after).max(self.not_before)
    }

    /// Its source is back: it is given its time once.
    pub fn grant(&mut self, now: Moment) {
        if !self.is_granted {
            self.not_before = now.plus(self.after);
            self.is_granted = true;
        }
    }

    /// The clock was set: what was heard has no time any more.
    pub fn start_anew(&mut self, now: Moment) {
        (self.heard, self.not_before) = (now, now);
    }

    /// When the last trusted value came.
    pub fn heard(&self) -> Moment {
        self.heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_noticed_at_its_time_and_not_before() {
        let section: Section = toml::from_str("tag = 't'\nafter = '30s'").unwrap();
        let at = |secs: i64| Moment::from_ms(secs * 1_000);
        let mut stale = Stale::new(&section, at(0));
        let level = |verdict| matches!(verdict, Verdict::Level(Level(1)));
        assert!(!level(stale.tick(at(29))));
        assert!(level(stale.tick(at(30))));
        assert!(!level(stale.hear(at(31))));
        assert!(!level(stale.tick(at(60))));
        assert!(level(stale.tick(at(61))));
        // A source that comes and goes gives its time anew once.
        stale.grant(at(70));
        assert!(!level(stale.tick(at(99))));
        stale.grant(at(90));
        assert!(level(stale.tick(at(100))));
    }
}
