//! What hostile bytes are fed to. Panics only on a broken invariant.

use contract::{Batch, Field, FieldKind, ListAddress, ListId};
use jiff::tz::TimeZone;
use rows::{Decimal, LeftOut, Maker, Style};
use serde_json::Value as Json;

use crate::answer;

/// A document takes up to sixteen times its size in memory.
const BYTES_MAX: usize = 1 << 18;

/// A page of rows, and a value with its time.
pub fn page(bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(BYTES_MAX)];
    let Ok(json) = answer::parse(bytes) else { return };
    let style = Style::new(Decimal::Point, TimeZone::UTC);
    let _ = answer::measure(&json, "/v", Some("/t"), &style);
    let _ = answer::failure(&json, Some("/error"));
    for pointer in ["", "/value", "/d/results"] {
        if let Ok(rows) = answer::rows(&json, pointer) {
            let mut batch = Batch::default();
            let mut left_out = LeftOut::default();
            answer::records(rows, &maker(style.clone()), 0, &mut left_out, &mut batch);
            assert!(batch.events.len() <= rows.len(), "more records than rows");
            assert!(
                left_out.first().is_some() || batch.events.len() == rows.len(),
                "a row was lost in silence"
            );
        }
    }
}

/// A date of OData V2 or of anybody else, as a cursor.
pub fn date(bytes: &[u8]) {
    let text = Json::from(String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]));
    let zero = Json::from("1970-01-01T00:00:00Z");
    assert!(!(answer::is_later(&text, &zero) && answer::is_later(&zero, &text)), "later and earlier");
    let _ = answer::asked(&text);
}

fn maker(style: Style) -> Maker {
    let field = |name: &str, kind| Field { name: name.into(), from: name.into(), kind, format: None };
    let fields = vec![
        field("k", FieldKind::Text),
        field("/n", FieldKind::Number),
        field("t", FieldKind::Time),
        field("f", FieldKind::Flag),
    ];
    Maker::new(&ListAddress { id: ListId(0), name: "l".into(), fields, key: vec![0], address: () }, style)
}
