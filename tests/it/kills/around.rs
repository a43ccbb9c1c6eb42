//! The networks that stand around the program: two of our own making, or a real server.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use super::dice::Dice;
use super::oracle::Seen;

/// Networks, started.
pub trait Around {
    /// Their tables of the configuration. Secrets are written into the folder.
    fn configuration(&self, folder: &Path) -> String;

    /// From now on they are slow, refuse, and lose answers.
    fn go_wrong(&self, dice: &mut Dice);

    /// From now on all is well.
    fn mend(&self);

    /// What each shows, by its name in the configuration.
    fn seen(&self) -> BTreeMap<&'static str, Vec<Seen>>;

    /// How many posts the slowest shows.
    fn shown(&self) -> usize;

    /// Waits until nothing is on its way any more.
    fn settle(&self);

    /// How often a post was looked for, and recognised by its key.
    fn doubts(&self) -> (usize, usize);

    /// The program is dead for long: whatever forgets, forgets.
    fn forget(&self);

    /// A program that is started lives so long, in milliseconds.
    fn life_ms(&self) -> Range<u64>;

    /// A fresh event passes from end to end within this.
    fn fresh_max(&self) -> Duration;
}
