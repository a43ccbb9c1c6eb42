//! Bytes become lines of a bounded length. Pure.

/// What stands between two line ends, with its number from 1.
#[derive(Debug, PartialEq, Eq)]
pub enum Cut<'a> {
    /// A line without its end.
    Line(u64, &'a [u8]),
    /// A line that was longer than allowed and is gone.
    TooLong(u64),
}

/// Takes bytes as they come and gives whole lines. A last line without an end is not finished and not given.
#[derive(Debug)]
pub struct Splitter {
    buffer: Vec<u8>,
    /// Where the next line begins in `buffer`.
    start: usize,
    /// No line end lies before this.
    scanned: usize,
    max: usize,
    is_skipping: bool,
    number: u64,
}

impl Splitter {
    /// Lines of at most `max` bytes.
    pub fn new(max: usize) -> Splitter {
        Splitter { buffer: Vec::new(), start: 0, scanned: 0, max, is_skipping: false, number: 0 }
    }

    /// More bytes. To be called once [`Splitter::cut`] gives nothing, so that at most one line is held.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole line.
    pub fn cut(&mut self) -> Option<Cut<'_>> {
        let Some(at) = self.buffer[self.scanned..].iter().position(|byte| *byte == b'\n') else {
            self.scanned = self.buffer.len();
            if self.scanned - self.start > self.max {
                // What was read of it is let go at the next push; the rest is skipped as it comes.
                self.start = self.scanned;
                self.is_skipping = true;
            }
            return None;
        };
        let (from, to) = (self.start, self.scanned + at);
        self.start = to + 1;
        self.scanned = self.start;
        self.number += 1;
        if std::mem::take(&mut self.is_skipping) || to - from > self.max {
            return Some(Cut::TooLong(self.number));
        }
        let line = &self.buffer[from..to];
        Some(Cut::Line(self.number, line.strip_suffix(b"\r").unwrap_or(line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(max: usize, pieces: &[&[u8]]) -> Vec<String> {
        let mut splitter = Splitter::new(max);
        let mut found = Vec::new();
        for piece in pieces {
            splitter.push(piece);
            while let Some(cut) = splitter.cut() {
                found.push(match cut {
                    Cut::Line(number, line) => format!("{number} {}", String::from_utf8_lossy(line)),
                    Cut::TooLong(number) => format!("{number} too long"),
                });
            }
        }
        found
    }

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let text = b"one\r\n\nthree is too long\nfour\nhalf";
        let want = ["1 one", "2 ", "3 too long", "4 four"];
        for size in 1..text.len() {
            let pieces: Vec<&[u8]> = text.chunks(size).collect();
            assert_eq!(all(8, &pieces), want, "in pieces of {size}");
        }
    }

    #[test]
    fn a_line_without_end_is_held_in_constant_memory() {
        let mut splitter = Splitter::new(100);
        for _ in 0..10_000 {
            splitter.push(&[b'x'; 64]);
            assert_eq!(splitter.cut(), None);
            assert!(splitter.buffer.len() <= 164, "{}", splitter.buffer.len());
        }
        splitter.push(b"\nnext\n");
        assert_eq!(splitter.cut(), Some(Cut::TooLong(1)));
        assert_eq!(splitter.cut(), Some(Cut::Line(2, b"next")));
    }
}
