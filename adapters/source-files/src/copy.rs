//! An own copy of a file: whatever happens in the folder, what is read does not change under our hands. Small ones are
//! held in memory, others in a file without a name.

use std::fs::File;
use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::format::Bytes;

/// Up to this size a copy is held in memory: most exports are smaller, and a disk is spared.
const IN_MEMORY_MAX: usize = 1 << 20;

/// What a file holds, shortened from SHA-256: enough to tell apart all that one folder will ever see.
pub type Content = [u8; 16];

/// A copy of a file.
#[derive(Debug)]
pub struct Copy {
    bytes: Held,
    /// What they are.
    pub content: Content,
}

#[derive(Debug)]
enum Held {
    Memory(Vec<u8>),
    Disk(File),
}

impl Copy {
    /// The bytes, from the start.
    ///
    /// # Errors
    /// The disk does not give them.
    pub fn open(&mut self) -> io::Result<Box<dyn Bytes + '_>> {
        match &mut self.bytes {
            Held::Memory(bytes) => Ok(Box::new(Cursor::new(bytes.as_slice()))),
            Held::Disk(file) => {
                file.seek(SeekFrom::Start(0))?;
                Ok(Box::new(file))
            }
        }
    }
}

/// A copy that is being made.
pub struct Writer<'a> {
    spool: &'a Path,
    held: Held,
    hash: Sha256,
    size: u64,
}

impl<'a> Writer<'a> {
    /// `spool` is a folder that only we read.
    pub fn new(spool: &'a Path) -> Writer<'a> {
        Writer { spool, held: Held::Memory(Vec::new()), hash: Sha256::new(), size: 0 }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// The disk is full.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        if let Held::Memory(held) = &mut self.held {
            if held.len() + bytes.len() <= IN_MEMORY_MAX {
                held.extend_from_slice(bytes);
                return Ok(());
            }
            let mut file = unnamed(self.spool)?;
            file.write_all(held)?;
            self.held = Held::Disk(file);
        }
        match &mut self.held {
            Held::Disk(file) => file.write_all(bytes),
            Held::Memory(_) => Ok(()),
        }
    }

    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// All bytes have come.
    pub fn finish(self) -> Copy {
        let mut content = Content::default();
        content.copy_from_slice(&self.hash.finalize()[..16]);
        Copy { bytes: self.held, content }
    }
}

/// A file whose name is gone before it holds a byte: a kill leaves nothing behind.
fn unnamed(folder: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!(".spool-{}-{number}", std::process::id()));
    let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}
