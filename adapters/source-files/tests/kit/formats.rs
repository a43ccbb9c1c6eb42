//! Small documents of each format, and hostile ones.

use std::io::Write;
use std::time::Duration;

use contract::{Cause, Flaw, Notice};
use serde_json::json;

use crate::bench::{Room, shown};

/// Reads one document by a list; gives the rows as text and the cause of the trouble, if there is one.
async fn read(list: &str, bytes: &[u8]) -> (Vec<String>, Option<Cause>) {
    let bench = super::bench(json!({}), &[&format!("files = \"*\"\n{list}")]);
    let mut room = bench.open().await;
    bench.write("x", bytes);
    room.until("the file to be read", |_| !bench.file("x").exists()).await;
    room.for_a_while(Duration::from_millis(30)).await;
    (rows(&room), room.notices.iter().find_map(cause))
}

fn rows(room: &Room) -> Vec<String> {
    let row = |record: &&contract::Record| {
        let cells: Vec<String> = record.fields.iter().map(|cell| shown(cell).to_string()).collect();
        cells.join(" ")
    };
    room.records().iter().map(row).collect()
}

fn cause(notice: &Notice) -> Option<Cause> {
    match notice {
        Notice::Trouble(trouble) => Some(trouble.cause.clone()),
        _ => None,
    }
}

fn unreadable(place: &str, found: &str) -> Option<Cause> {
    Some(Cause::Unreadable { place: place.into(), found: found.into() })
}

fn spoilt(flaw: Flaw, place: &str, found: &str) -> Option<Cause> {
    Some(Cause::Spoilt { place: place.into(), flaw, found: found.into() })
}

const AB: &str = "key = [\"a\"]\nfield.a = { from = \"a\" }\nfield.b = { from = \"b\", type = \"number\" }";

#[tokio::test]
async fn json_documents_and_lines() {
    let document = br#"{"meta": {"n": 2}, "data": {"items": [{"a": "007", "b": 1.5}, {"a": 8, "b": "2.5", "c": [1]}, {"b": 3}]}}"#;
    let list = format!("format.json = {{ rows = \"/data/items\" }}\n{AB}");
    assert_eq!(
        read(&list, document).await,
        (vec!["\"007\" 1.5".into(), "\"8\" 2.5".into()], unreadable("row 3, a", ""))
    );
    let (none, missing) = read(&list, b"{\"data\": {}}").await;
    assert_eq!((none, missing), (vec![], Some(Cause::Missing("/data/items".into()))));
    let (none, cut) = read(&list, b"{\"data\": {\"items\": [{\"a\": \"1\", \"b\": 1}, {\"a\"").await;
    assert_eq!((none.len(), matches!(cut, Some(Cause::Spoilt { flaw: Flaw::CutShort, .. }))), (0, true));
    let deep = format!("{{\"data\": {{\"items\": {}", "[".repeat(10_000));
    assert!(matches!(read(&list, deep.as_bytes()).await.1, Some(Cause::Spoilt { .. })));
    let list = format!("format.jsonl = {{}}\n{AB}");
    let (lines, trouble) = read(&list, b"{\"a\":\"1\",\"b\":2}\n\n{\"a\":\n{\"a\":\"3\"}\n").await;
    assert_eq!(
        (lines, trouble),
        (vec!["\"1\" 2.0".into(), "\"3\" null".into()], unreadable("line 3", "{\"a\":"))
    );
}

#[tokio::test]
async fn fixed_places_count_characters() {
    let list = "format.fixed = { encoding = \"windows-1252\", lines = [\"L\"], skip = 1, skip_last = 1 }\nkey = [\"a\"]\n\
                field.a = { from = \"2-5\" }\nfield.b = { from = \"6-\", type = \"number\" }";
    let text = b"Ltitre 1\r\nL\xe9t\xe9 12,5-\r\nT comment\r\nLabcd\r\nL   xabc\r\nLxxxx 9\r\n";
    let (rows, trouble) = read(list, text).await;
    assert_eq!(
        (rows, trouble),
        (vec!["\"été\" -12.5".into(), "\"abcd\" null".into()], unreadable("line 5, 6-", "abc"))
    );
}

#[tokio::test]
async fn xml_takes_paths_and_no_tricks() {
    let list = "format.xml = { rows = \"r/row\" }\nkey = [\"a\"]\nfield.a = { from = \"@id\" }\n\
                field.b = { from = \"n:v/w\", type = \"number\" }\nfield.c = { from = \"t\" }\nfield.d = { from = \"../head/@no\" }";
    let document = "<?xml version='1.0' encoding='ISO-8859-1'?><!-- c --><r xmlns:n='u'><head no='7'/>\
        <row id='1'><n:v><w>2.5</w></n:v><t>&#233;t&#xe9; &amp; <![CDATA[<b>]]></t></row>\
        <row id='2'><v><w>1</w><w>200</w></v></row><row id='3'><t>\u{e9}</t><t>x</t></row></r>";
    let bytes: Vec<u8> = document.chars().map(|c| c as u8).collect();
    let (rows, trouble) = read(list, &bytes).await;
    assert_eq!(rows, ["\"1\" 2.5 \"été & <b>\" \"7\"", "\"3\" null \"é, x\" \"7\""]);
    // Two elements where one number is expected are never run together.
    assert_eq!(trouble, unreadable("row 2, n:v/w", "1 200"));
    for (hostile, expected) in [
        ("<!DOCTYPE r SYSTEM \"file:///etc/passwd\"><r/>", Some(Cause::Forbidden("DOCTYPE".into()))),
        ("<r><row id='1'><t>&xxe;</t></row></r>", spoilt(Flaw::Malformed, "row 1", "&xxe;")),
        ("<other/>", Some(Cause::Missing("r/row".into()))),
    ] {
        assert_eq!(read(list, hostile.as_bytes()).await, (vec![], expected), "{hostile}");
    }
    for spoilt in ["<r><row id='1'>", "<r><row></r></row>", "<r a=<>", "", "<r/><r"] {
        let (rows, trouble) = read(list, spoilt.as_bytes()).await;
        assert!(rows.is_empty() && trouble.is_some(), "{spoilt}: {trouble:?}");
    }
    let deep = "<r>".repeat(10_000);
    assert!(read(list, deep.as_bytes()).await.1.is_some());
}

/// The smallest workbook: one sheet, its texts in its cells, style 1 is a day.
fn workbook(sheet: &str) -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let parts = [
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns='{package}'><Relationship Id='r1' Type='{office}/officeDocument' Target='xl/workbook.xml'/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns='{main}' xmlns:r='{office}'><sheets><sheet name='Plan' sheetId='1' r:id='r1'/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns='{package}'><Relationship Id='r1' Type='{office}/worksheet' Target='worksheets/sheet1.xml'/><Relationship Id='r2' Type='{office}/styles' Target='styles.xml'/></Relationships>"
            ),
        ),
        (
            "xl/styles.xml",
            format!(
                "<styleSheet xmlns='{main}'><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/></cellXfs></styleSheet>"
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!("<worksheet xmlns='{main}'><sheetData>{sheet}</sheetData></worksheet>"),
        ),
    ];
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, text) in parts {
        zip.start_file(name, options).expect("a part");
        zip.write_all(text.as_bytes()).expect("a part");
    }
    zip.finish().expect("a workbook").into_inner()
}

fn text(place: &str, words: &str) -> String {
    format!("<c r='{place}' t='inlineStr'><is><t>{words}</t></is></c>")
}

const PLAN: &str = "format.xlsx = {}\nkey = [\"a\"]\nfield.a = { from = \"N° OF\" }\n\
    field.b = { from = \"Qté\", type = \"number\" }\nfield.c = { from = \"Le\", type = \"time\" }";

#[tokio::test]
async fn a_workbook_gives_rows() {
    let sheet = format!(
        "<row r='1'>{}</row><row r='3'>{}{}{}</row><row r='4'>{}<c r='C4'><v>12.5</v></c><c r='D4' s='1'><v>46349</v></c></row>\
         <row r='5'><c r='B5'><v>126</v></c>{}</row><row r='6'>{}<c r='C6' t='e'><v>#N/A</v></c></row>",
        text("A1", "Plan de charge"),
        text("B3", "N° OF"),
        text("C3", "Qté"),
        text("D3", "Le"),
        text("B4", "000123"),
        text("C5", "1 200,5"),
        text("B6", "9"),
    );
    let (rows, trouble) = read(PLAN, &workbook(&sheet)).await;
    assert_eq!(rows, ["\"000123\" 12.5 \"2026-11-22T23:00:00Z\"", "\"126\" 1200.5 null"]);
    assert_eq!(trouble, unreadable("row 6, Qté", "#N/A"));
}

#[tokio::test]
async fn a_hostile_workbook_is_told() {
    let good = workbook(&format!("<row r='1'>{}</row>", text("A1", "N° OF")));
    assert!(
        matches!(read(PLAN, &good[..good.len() - 30]).await, (rows, Some(Cause::Spoilt { .. })) if rows.is_empty())
    );
    // A few kilobytes that unpack to more than a gateway has.
    let bomb = workbook(&" ".repeat(140 << 20));
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    assert!(matches!(read(PLAN, &bomb).await.1, Some(Cause::TooLarge { .. })));
    // Two cells at the ends of a sheet are two cells, not seventeen thousand million.
    let far = format!(
        "<row r='1'>{}{}{}</row><row r='1048576'><c r='XFD1048576'><v>1</v></c></row>",
        text("A1", "N° OF"),
        text("B1", "Qté"),
        text("C1", "Le")
    );
    let (rows, trouble) = read(PLAN, &workbook(&far)).await;
    assert_eq!((rows.len(), matches!(trouble, Some(Cause::Unreadable { .. }))), (0, true));
}

#[test]
fn a_fuzzer_may_feed_anything() {
    use proptest::prelude::*;
    let seeds =
        ["of;qty\n1;\"2", "{\"rows\":[{\"a\":{\"b\":1}}]}", "<a><b d='1'><c>x</c></b></a>", "PK\u{3}\u{4}"];
    proptest!(|(seed in 0..seeds.len(), cut in 0..40usize, noise in prop::collection::vec(any::<u8>(), 0..60))| {
        let mut bytes = seeds[seed].as_bytes()[..cut.min(seeds[seed].len())].to_vec();
        bytes.extend(noise);
        source_files::fuzz::csv(&bytes);
        source_files::fuzz::fixed(&bytes);
        source_files::fuzz::json(&bytes);
        source_files::fuzz::xml(&bytes);
        source_files::fuzz::xlsx(&bytes);
    });
}
