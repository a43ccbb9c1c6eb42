//! What systemd is told: ready, alive, stopping. Alive only with proof that work flows.

use std::time::{Duration, Instant};

use sd_notify::NotifyState;

/// Fed by the main loop. Without systemd it does nothing.
pub struct Watchdog {
    every: Option<Duration>,
    fed: Option<Instant>,
}

impl Watchdog {
    /// Says that everything is started.
    pub fn new() -> Watchdog {
        // Outside systemd there is nobody to tell.
        let _ = sd_notify::notify(&[NotifyState::Ready]);
        Watchdog { every: sd_notify::watchdog_enabled().map(|every| every / 3), fed: None }
    }

    /// Says that another configuration is being read.
    pub fn reloading(&self) {
        let Ok(since) = NotifyState::monotonic_usec_now() else { return };
        let _ = sd_notify::notify(&[NotifyState::Reloading, since]);
    }

    /// Says that this is over, and what `systemctl status` shows: why it was refused, if it was.
    pub fn ready(&self, refused: Option<&str>) {
        let words =
            refused.map_or(String::new(), |why| format!("the newest configuration is refused: {why}"));
        let _ = sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(&words)]);
    }

    /// The loop turns; `is_flowing` is false while a commit has not come back for too long.
    pub fn feed(&mut self, is_flowing: bool) {
        let Some(every) = self.every.filter(|_| is_flowing) else { return };
        if self.fed.is_none_or(|fed| fed.elapsed() >= every) {
            self.fed = Some(Instant::now());
            let _ = sd_notify::notify(&[NotifyState::Watchdog]);
        }
    }

    /// Says that we are leaving.
    pub fn stopping(&self) {
        let _ = sd_notify::notify(&[NotifyState::Stopping]);
    }
}

impl Default for Watchdog {
    fn default() -> Watchdog {
        Watchdog::new()
    }
}
