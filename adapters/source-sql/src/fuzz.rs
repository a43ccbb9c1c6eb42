//! What hostile bytes are fed to. Panics only on a broken invariant.

use jiff::tz::TimeZone;
use rows::{Decimal, Style};
use serde_json::Value as Json;

use crate::cell;
use crate::session::Row;
use crate::url::Endpoint;

/// A row takes up to sixteen times its size in memory.
const BYTES_MAX: usize = 1 << 18;

/// A row as a database writes it, and any two cursors.
pub fn row(bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(BYTES_MAX)];
    let style = Style::new(Decimal::Point, TimeZone::UTC);
    if let Ok(row) = serde_json::from_slice::<Row>(bytes) {
        let _ = cell::measure(&row, "v", Some("t"), &style);
        for (_, one) in row.iter().take(100) {
            for (_, other) in row.iter().take(100) {
                assert!(!(cell::is_later(one, other) && cell::is_later(other, one)), "later and earlier");
            }
        }
    }
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]);
    assert!(!cell::is_later(&Json::from(&*text), &Json::from(&*text)), "later than itself");
    let _ = Endpoint::parse(&text);
}
