//! The lanes under a configuration that was read anew: each network keeps its own, whatever its new place.

use contract::{Capabilities, Moment};

use super::pace::Bucket;
use super::{Lane, Outbox};

impl Outbox {
    /// These networks from now on, in this order; those that stay are the same as before in everything. The lane of one that left is kept with its open posts: it may come
    /// back.
    pub fn reload(&mut self, networks: Vec<(String, Capabilities)>, stays: &[bool], now: Moment) {
        let mut known: Vec<Lane> = self.lanes.drain(..).chain(self.parked.drain(..)).collect();
        for (at, (name, can)) in networks.into_iter().enumerate() {
            let lane = match known.iter().position(|lane| lane.name == name) {
                Some(lane) if stays.get(at) == Some(&true) => known.swap_remove(lane),
                Some(lane) => known.swap_remove(lane).adapted(can, now),
                None => Lane::new(name, can, now),
            };
            self.lanes.push(lane);
        }
        known.iter_mut().for_each(Lane::park);
        self.parked = known;
    }
}

impl Lane {
    fn adapted(mut self, can: Capabilities, now: Moment) -> Lane {
        if self.can != can {
            self.bucket = Bucket::new(can.pace, now);
            self.can = can;
        }
        // Whoever changed a network wants to know whether it is reached now.
        self.paused_until = self.paused_until.min(now);
        self.active = self.threads.keys().cloned().collect();
        self
    }

    /// Nobody waits for its network any more. What was on its way may have been taken.
    fn park(&mut self) {
        self.busy = None;
        for attempt in self.threads.values_mut().filter_map(|thread| thread.attempt.as_mut()) {
            attempt.is_doubtful = true;
        }
    }
}
