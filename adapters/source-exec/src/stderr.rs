//! What the program says to people, in our log: cleaned, and not more than somebody reads. Pure.

use std::time::{Duration, Instant};

/// So many lines …
const LINES_MAX: u32 = 20;
/// … in each window of this length.
const WINDOW: Duration = Duration::from_secs(60);

/// Lets a bounded number of lines through.
#[derive(Debug, Default)]
pub struct Limiter {
    window: Option<Instant>,
    passed: u32,
    left_out: u64,
}

impl Limiter {
    /// Whether a line of now may pass; if so, how many were left out before it.
    pub fn admit(&mut self, now: Instant) -> Option<u64> {
        if self.window.is_none_or(|since| now.duration_since(since) >= WINDOW) {
            (self.window, self.passed) = (Some(now), 0);
        }
        if self.passed >= LINES_MAX {
            self.left_out += 1;
            return None;
        }
        self.passed += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_talkative_program_is_cut_short_and_counted() {
        let (mut limiter, start) = (Limiter::default(), Instant::now());
        let passed = (0..1_000).filter(|_| limiter.admit(start).is_some()).count();
        assert_eq!(passed, 20);
        assert_eq!(limiter.admit(start + WINDOW), Some(980));
        assert_eq!(limiter.admit(start + WINDOW), Some(0));
    }
}
