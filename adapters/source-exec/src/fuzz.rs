//! What hostile bytes are fed to. Panics only on a broken invariant.

use contract::{Field, FieldKind, ListAddress, ListId, Reads, TagAddress, TagId};
use jiff::tz::TimeZone;

use crate::lines::Splitter;
use crate::reader::Reader;
use crate::settings::{Address, List};

/// Any output of a program: split into lines and read.
pub fn lines(bytes: &[u8]) {
    const LINE_MAX: usize = 1 << 16;
    let mut reader = reader();
    let mut splitter = Splitter::new(LINE_MAX);
    for piece in bytes.chunks(4096) {
        splitter.push(piece);
        while let Some(cut) = splitter.cut() {
            let _ = reader.read(&cut);
            if reader.lines() >= 256 {
                let batch = reader.take();
                assert!(batch.is_none_or(|(batch, _)| batch.samples.len() <= 256), "more samples than lines");
            }
        }
    }
    let _ = reader.take();
}

fn reader() -> Reader {
    let address = Address { called: "t".into() };
    let field = |name: &str, kind| Field { name: name.into(), from: name.into(), kind, format: None };
    let fields = vec![
        field("k", FieldKind::Text),
        field("n", FieldKind::Number),
        field("d", FieldKind::Time),
        field("f", FieldKind::Flag),
    ];
    let list =
        ListAddress { id: ListId(0), name: "l".into(), fields, key: vec![0], address: List::default() };
    let tags = vec![TagAddress { id: TagId(0), machine: "m".into(), address }];
    Reader::new(Reads { tags, lists: vec![list] }, TimeZone::UTC)
}
