//! The order of an edge node's messages: each has a number from 0 to 255, one more than the one before. Pure.

use std::time::Duration;

use tokio::time::Instant;

use super::topic::Kind;

/// Messages that wait for one before them. A broker that mixes more than this up is not waited for.
const HELD_MAX: usize = 32;
/// Bytes of messages that wait.
const HELD_BYTES_MAX: usize = 256 * 1024;

/// A message that came too early.
#[derive(Debug)]
pub struct Held {
    /// Its number.
    pub seq: u8,
    /// What it is.
    pub kind: Kind,
    /// Of which device.
    pub device: Option<Box<str>>,
    /// What it says.
    pub payload: Box<[u8]>,
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is the next one, or has no number.
    Next,
    /// It is the one before, once more.
    Again,
    /// Something before it is missing.
    Early,
}

/// What was heard last, and what waits.
#[derive(Debug, Default)]
pub struct Sequence {
    next: u8,
    held: Vec<Held>,
    since: Option<Instant>,
}

impl Sequence {
    /// A birth certificate begins anew.
    pub fn begin(&mut self, seq: Option<u64>) {
        *self = Sequence { next: (seq.unwrap_or_default() as u8).wrapping_add(1), ..Sequence::default() };
    }

    /// Where this number stands. The next one is counted.
    pub fn place(&mut self, seq: Option<u64>) -> Place {
        let Some(seq) = seq.map(|seq| seq as u8) else { return Place::Next };
        if seq == self.next {
            self.next = seq.wrapping_add(1);
            return Place::Next;
        }
        if seq.wrapping_add(1) == self.next { Place::Again } else { Place::Early }
    }

    /// Keeps a message that came too early. False when nothing more fits: what is missing is given up.
    pub fn hold(&mut self, message: Held, now: Instant) -> bool {
        self.since.get_or_insert(now);
        self.held.push(message);
        let bytes: usize = self.held.iter().map(|held| held.payload.len()).sum();
        self.held.len() < HELD_MAX && bytes < HELD_BYTES_MAX
    }

    /// The message that waited for the last one, if it did.
    pub fn release(&mut self) -> Option<Held> {
        let at = self.held.iter().position(|held| held.seq == self.next)?;
        self.next = self.next.wrapping_add(1);
        let held = self.held.swap_remove(at);
        if self.held.is_empty() {
            self.since = None;
        }
        Some(held)
    }

    /// What is missing does not come any more: all that waited, in order.
    pub fn give_up(&mut self) -> Vec<Held> {
        self.since = None;
        let mut held = std::mem::take(&mut self.held);
        let next = self.next;
        held.sort_by_key(|held| held.seq.wrapping_sub(next));
        if let Some(last) = held.last() {
            self.next = last.seq.wrapping_add(1);
        }
        held
    }

    /// When what is missing is given up.
    pub fn due(&self, timeout: Duration) -> Option<Instant> {
        self.since.map(|since| since + timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(seq: u8) -> Held {
        Held { seq, kind: Kind::NodeData, device: None, payload: Box::new([]) }
    }

    /// Feeds numbers, and says which were let through.
    fn through(numbers: &[u64]) -> Vec<u8> {
        let now = Instant::now();
        let mut sequence = Sequence::default();
        sequence.begin(Some(250));
        let mut through = Vec::new();
        for seq in numbers {
            match sequence.place(Some(*seq)) {
                Place::Next => through.push(*seq as u8),
                Place::Again => {}
                Place::Early => assert!(sequence.hold(held(*seq as u8), now)),
            }
            while let Some(next) = sequence.release() {
                through.push(next.seq);
            }
        }
        through
    }

    #[tokio::test]
    async fn numbers_wrap_repeat_and_are_put_in_order() {
        assert_eq!(through(&[251, 252, 253, 254, 255, 0, 1]), [251, 252, 253, 254, 255, 0, 1]);
        assert_eq!(through(&[251, 251, 252]), [251, 252]);
        assert_eq!(through(&[253, 252, 251, 254]), [251, 252, 253, 254]);
        assert!(through(&[253, 254]).is_empty());
    }

    #[tokio::test]
    async fn what_is_missing_is_given_up_and_what_waits_is_bounded() {
        let now = Instant::now();
        let mut sequence = Sequence::default();
        sequence.begin(Some(0));
        assert_eq!(sequence.due(Duration::from_secs(5)), None);
        assert!(sequence.hold(held(4), now) && sequence.hold(held(3), now));
        assert_eq!(sequence.due(Duration::from_secs(5)), Some(now + Duration::from_secs(5)));
        assert_eq!(sequence.give_up().iter().map(|held| held.seq).collect::<Vec<_>>(), [3, 4]);
        assert_eq!((sequence.place(Some(5)), sequence.due(Duration::ZERO)), (Place::Next, None));
        let fit = (0..1000).take_while(|at| sequence.hold(held(*at as u8 + 10), now)).count();
        assert_eq!(fit, HELD_MAX - 1);
        sequence.give_up();
        let large = Held { payload: vec![0; HELD_BYTES_MAX].into(), ..held(200) };
        assert!(!sequence.hold(large, now));
    }
}
