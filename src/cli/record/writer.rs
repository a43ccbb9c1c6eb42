//! The files of a recording: JSON lines, another file once one is large, the oldest deleted once there are too many.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use contract::Moment;

use crate::replay::Line;

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// A file that is larger is the last.
    pub file_bytes: u64,
    /// So many are kept, the newest. Files of other recordings are nobody's business here.
    pub files: u64,
}

/// Writes.
pub struct Writer {
    folder: PathBuf,
    bounds: Bounds,
    file: BufWriter<File>,
    bytes: u64,
    files: VecDeque<PathBuf>,
    lines: usize,
}

impl Writer {
    /// Begins a first file.
    pub fn open(folder: &Path, now: Moment, bounds: Bounds) -> io::Result<Writer> {
        std::fs::create_dir_all(folder)?;
        let (path, file) = begin(folder, now)?;
        let files = VecDeque::from([path]);
        Ok(Writer { folder: folder.to_owned(), bounds, file, bytes: 0, files, lines: 0 })
    }

    /// Adds a line.
    pub fn write(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.write_all(&text)?;
        self.bytes += text.len() as u64;
        self.lines += 1;
        Ok(())
    }

    /// Hands what was written to the system, and begins another file if this one is large.
    pub fn flush(&mut self, now: Moment) -> io::Result<()> {
        self.file.flush()?;
        if self.bytes < self.bounds.file_bytes {
            return Ok(());
        }
        let (path, file) = begin(&self.folder, now)?;
        (self.file, self.bytes) = (file, 0);
        self.files.push_back(path);
        while self.files.len() as u64 > self.bounds.files {
            if let Some(oldest) = self.files.pop_front() {
                std::fs::remove_file(oldest)?;
            }
        }
        Ok(())
    }

    /// How many lines were written, and into how many files that are there.
    pub fn count(&self) -> (usize, usize) {
        (self.lines, self.files.len())
    }
}

/// A file that was not there, named by its beginning, so that names are in the order of time.
fn begin(folder: &Path, now: Moment) -> io::Result<(PathBuf, BufWriter<File>)> {
    let time = jiff::Timestamp::from_millisecond(now.as_ms()).unwrap_or_default();
    for again in 0..1_000 {
        let path = folder.join(format!("{}-{again:03}.jsonl", time.strftime("%Y%m%dT%H%M%SZ")));
        match File::create_new(&path) {
            Ok(file) => return Ok((path, BufWriter::new(file))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "a thousand files of this second are there"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_bounded_and_those_of_others_stay() {
        let folder = std::env::temp_dir().join(format!("portevoix-record-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("20200101T000000Z-000.jsonl"), "").unwrap();
        let now = Moment::from_ms(1_795_500_000_000);
        let mut writer = Writer::open(&folder, now, Bounds { file_bytes: 200, files: 2 }).unwrap();
        let line = Line { tag: Some("press-3/oil".into()), value: Some(84.25.into()), ..Line::default() };
        for second in 0..40 {
            writer.write(&line).unwrap();
            writer.flush(now.plus(std::time::Duration::from_secs(second))).unwrap();
        }
        assert_eq!(writer.count(), (40, 2));
        let mut left: Vec<String> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left.len(), 3, "{left:?}");
        assert_eq!(left[0], "20200101T000000Z-000.jsonl");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
