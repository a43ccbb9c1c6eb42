//! Each sample of an export, with the configuration of an integrator, gives the expected records. Beside each sample
//! lies what became of it: records, troubles, and where the file went.

use std::fs;
use std::path::Path;

use contract::{Cause, Notice};
use serde_json::json;

use crate::bench::{Room, shown};

/// A sample, and the list that reads it.
const SAMPLES: &[(&str, &str)] = &[
    ("suivi-of_cp1252.csv", "suivi"),
    ("suivi-x3-hl_utf8bom.csv", "x3-orders"),
    ("suivi-x3-hl_utf8bom.csv", "x3-operations"),
    ("loipro01_two-idocs.xml", "loipro"),
    ("loipro01_two-idocs.xml", "loipro-operations"),
    ("b2mml_operations-performance.xml", "b2mml"),
    ("liste-ordres_sap-spool.txt", "spool"),
    // EDIFACT is no format of this adapter: it is told, not half read.
    ("desadv_d96a.edi", "suivi"),
    ("hostile/01-half-written.csv", "suivi"),
    ("hostile/02-utf16le-bom.csv", "suivi"),
    ("hostile/03-mojibake-utf8-read-as-1252.csv", "suivi"),
    ("hostile/04-mixed-encodings.csv", "suivi"),
    ("hostile/06-full-snapshot-with-correction-and-late-row.csv", "suivi"),
    ("hostile/07-columns-moved-and-renamed.csv", "suivi"),
    ("hostile/08-empty.csv", "suivi"),
    ("hostile/09-header-only.csv", "suivi"),
    ("hostile/10-dst-night.csv", "dst"),
    ("hostile/11-formula-cells.csv", "observation"),
    ("hostile/12-idoc-same-docnum.xml", "loipro"),
    ("hostile/13-xml-entity-bomb.xml", "loipro"),
    ("hostile/14-latin1-declared-utf8.xml", "loipro"),
];

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples"))
}

fn list(name: &str) -> String {
    fs::read_to_string(folder().join("lists").join(name).with_extension("toml")).expect("a list")
}

/// What became of a file, a line of JSON for each thing.
fn story(room: &Room, fields: &[String], gone_to: &str) -> String {
    let mut lines = Vec::new();
    for record in room.records() {
        let cells: serde_json::Map<_, _> =
            fields.iter().cloned().zip(record.fields.iter().map(shown)).collect();
        lines.push(json!({"key": record.key.replace('\u{1f}', " | "), "fields": cells}));
    }
    for notice in &room.notices {
        let Notice::Trouble(trouble) = notice else { panic!("expected troubles alone, found {notice:?}") };
        let cause = match &trouble.cause {
            Cause::Unreadable { place, found } => json!({"unreadable": found, "place": place}),
            Cause::Spoilt { place, flaw, .. } => json!({"spoilt": flaw, "place": place}),
            Cause::Missing(what) => json!({"missing": what}),
            Cause::Forbidden(what) => json!({"forbidden": what}),
            other => json!(format!("{other:?}")),
        };
        lines.push(json!({"trouble": cause}));
    }
    lines.push(json!({"file": gone_to}));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn each_sample_gives_the_expected_records() {
    let mut wrong = Vec::new();
    for (sample, list_name) in SAMPLES {
        let text = list(list_name);
        let bench = super::bench(json!({}), &[&text]);
        let mut room = bench.open().await;
        bench.write("export", fs::read(folder().join(sample)).expect("a sample"));
        room.until(sample, |_| !bench.file("export").exists()).await;
        let gone_to = if bench.names("done") == ["export"] { "done" } else { "error" };
        assert_eq!(bench.names(gone_to), ["export"], "{sample}");
        let fields = crate::bench::list::<source_files::List>(0, &text).fields;
        let fields: Vec<String> = fields.into_iter().map(|field| field.name).collect();
        if gone_to == "error" {
            room.until("a trouble", |room| !room.notices.is_empty()).await;
        }
        let found = story(&room, &fields, gone_to);
        let path = folder().join(format!("{sample}.{list_name}.jsonl"));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &found).expect("written");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if found != expected {
            wrong.push(format!("{}:\nexpected\n{expected}found\n{found}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The same bytes under another name say nothing, and the file is not left lying.
#[tokio::test]
async fn a_redelivered_sample_says_nothing_twice() {
    let text = list("suivi");
    let bench = super::bench(json!({}), &[&text]);
    let mut room = bench.open().await;
    for (name, sample) in [
        ("a", "suivi-of_cp1252.csv"),
        ("b", "hostile/05-redelivered-same-bytes-other-name.csv"),
        ("c", "hostile/06-full-snapshot-with-correction-and-late-row.csv"),
    ] {
        bench.write(name, fs::read(folder().join(sample)).expect("a sample"));
        room.until("the file to be done", |_| bench.file("done").join(name).exists()).await;
    }
    // Four of the first, none of the second, and of the third the correction and the late row are news.
    assert_eq!((room.records().len(), room.news), (9, 6));
    assert_eq!(room.notices, []);
}
