//! When is a file through? Pure: what it looks like and the time are arguments.
//!
//! A file is read once it has looked the same from one look to the next, and for as long as the integrator says. What
//! was read is looked at by its outside alone, once its clock can tell a change: two contents written within the grain
//! of a file system's clock look the same from outside, so such a file is read a second time, later.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::place::Stat;

/// The coarsest clock of a file system that is met: FAT and its shares keep two seconds.
const GRAIN: Duration = Duration::from_secs(3);

/// What to do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may still be written.
    Wait,
    /// It is to be read; `is_last` if it has been waited for long enough, however it looks.
    Read {
        /// What looks unfinished is not waited for any longer.
        is_last: bool,
    },
    /// It was read.
    Leave,
}

/// A deliberately wrong watch, for the tests of the tests.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// Does not wait for a stable size.
    Hasty,
    /// Goes by the name: a new content under an old name is not seen.
    ByName,
    /// Its folder follows links.
    Follows,
}

#[derive(Debug)]
struct Seen {
    stat: Stat,
    since: Instant,
    looks: u32,
    /// When what is known of it was read.
    read_at: Option<Instant>,
    looked_unfinished: bool,
    /// The last look at the folder that saw it.
    round: u64,
}

/// All files of a folder.
#[derive(Debug)]
pub struct Watch {
    still: Duration,
    unfinished: Duration,
    files: HashMap<String, Seen>,
    round: u64,
    /// Which mistake it makes.
    #[cfg(test)]
    pub mutant: Option<Mutant>,
}

impl Watch {
    /// Knows nothing yet.
    pub fn new(still: Duration, unfinished: Duration) -> Watch {
        Watch {
            still,
            unfinished,
            files: HashMap::new(),
            round: 0,
            #[cfg(test)]
            mutant: None,
        }
    }

    /// A look at the folder begins.
    pub fn begin(&mut self) {
        self.round += 1;
    }

    /// Forgets the files that the look did not see.
    pub fn end(&mut self) {
        let round = self.round;
        self.files.retain(|_, seen| seen.round == round);
    }

    /// A file was seen.
    pub fn look(&mut self, name: &str, stat: Stat, now: Instant) -> Verdict {
        #[cfg(test)]
        if let Some(verdict) = self.wrongly(name, stat, now) {
            return verdict;
        }
        let round = self.round;
        let new = Seen { stat, since: now, looks: 0, read_at: None, looked_unfinished: false, round };
        let seen = self.files.entry(name.to_owned()).or_insert_with(|| new);
        if seen.stat != stat {
            *seen = Seen { stat, since: now, looks: 0, read_at: None, looked_unfinished: false, round };
        }
        seen.looks += 1;
        seen.round = round;
        let age = now.saturating_duration_since(seen.since);
        match seen.read_at {
            Some(at) if at.saturating_duration_since(seen.since) >= GRAIN || age < GRAIN => Verdict::Leave,
            // Read before the clock of the file system could tell a change: once more.
            Some(_) => Verdict::Read { is_last: true },
            None if seen.looks < 2 || age < self.still => Verdict::Wait,
            None if seen.looked_unfinished && age < self.unfinished => Verdict::Wait,
            None => Verdict::Read { is_last: age >= self.unfinished },
        }
    }

    /// The file was read, or is known.
    pub fn is_read(&mut self, name: &str, stat: Stat, now: Instant) {
        if let Some(seen) = self.files.get_mut(name).filter(|seen| seen.stat == stat) {
            seen.read_at = Some(now);
        }
    }

    /// The file is known from before, and looks as it did when its time of change was old enough to tell.
    pub fn is_sure(&mut self, name: &str, stat: Stat, now: Instant) {
        let known = Seen {
            stat,
            since: now,
            looks: 0,
            read_at: Some(now + GRAIN),
            looked_unfinished: false,
            round: 0,
        };
        let seen = self.files.entry(name.to_owned()).or_insert(known);
        if seen.stat == stat && seen.read_at.is_none() {
            seen.read_at = Some(seen.since + GRAIN);
        }
    }

    /// The file ends in the middle of something.
    pub fn is_unfinished(&mut self, name: &str) {
        if let Some(seen) = self.files.get_mut(name) {
            seen.looked_unfinished = true;
        }
    }

    /// The file changed under our hands, or is to be looked at anew.
    pub fn forget(&mut self, name: &str) {
        self.files.remove(name);
    }

    #[cfg(test)]
    fn wrongly(&mut self, name: &str, stat: Stat, now: Instant) -> Option<Verdict> {
        let round = self.round;
        match self.mutant? {
            Mutant::Hasty => {
                let new = Seen { stat, since: now, looks: 0, read_at: None, looked_unfinished: false, round };
                let is_known =
                    self.files.get(name).is_some_and(|seen| seen.stat == stat && seen.read_at.is_some());
                let seen = self.files.entry(name.to_owned()).or_insert_with(|| new);
                (seen.stat, seen.round) = (stat, round);
                Some(if is_known { Verdict::Leave } else { Verdict::Read { is_last: true } })
            }
            Mutant::Follows => None,
            Mutant::ByName => {
                let seen = self.files.get_mut(name).filter(|seen| seen.read_at.is_some())?;
                (seen.stat, seen.round) = (stat, round);
                Some(Verdict::Leave)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(size: u64) -> Stat {
        Stat { size, changed_ns: 0, touched_ns: 0, inode: 1 }
    }

    #[test]
    fn a_file_is_read_once_it_is_still() {
        let start = Instant::now();
        let mut watch = Watch::new(Duration::from_secs(5), Duration::from_secs(60));
        let mut look = |secs: u64, size| {
            watch.begin();
            let verdict = watch.look("a", stat(size), start + Duration::from_secs(secs));
            watch.end();
            verdict
        };
        assert_eq!(look(0, 1), Verdict::Wait);
        assert_eq!(look(5, 2), Verdict::Wait, "it grew");
        assert_eq!(look(9, 2), Verdict::Wait, "not for long enough");
        assert_eq!(look(10, 2), Verdict::Read { is_last: false });
        assert_eq!(look(65, 2), Verdict::Read { is_last: true });
    }

    #[test]
    fn one_look_is_never_enough() {
        let now = Instant::now();
        let mut watch = Watch::new(Duration::ZERO, Duration::ZERO);
        assert_eq!(watch.look("a", stat(1), now), Verdict::Wait);
        assert_ne!(watch.look("a", stat(1), now), Verdict::Wait);
    }

    #[test]
    fn what_was_read_within_the_grain_of_a_clock_is_read_once_more() {
        let start = Instant::now();
        let at = |secs: u64| start + Duration::from_secs(secs);
        let mut watch = Watch::new(Duration::ZERO, Duration::ZERO);
        watch.look("a", stat(1), at(0));
        watch.look("a", stat(1), at(1));
        watch.is_read("a", stat(1), at(1));
        assert_eq!(watch.look("a", stat(1), at(2)), Verdict::Leave);
        assert_eq!(watch.look("a", stat(1), at(4)), Verdict::Read { is_last: true });
        watch.is_read("a", stat(1), at(4));
        assert_eq!(watch.look("a", stat(1), at(5)), Verdict::Leave);
        assert_eq!(watch.look("a", stat(2), at(6)), Verdict::Wait);
    }
}
