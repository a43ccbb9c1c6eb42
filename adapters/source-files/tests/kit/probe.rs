//! A look at a folder guesses how a sample is written, and the configuration that it prints reads the sample.

use std::path::Path;
use std::time::Duration;

use contract::{Check, SourceKind};
use serde_json::json;
use source_files::{Files, probe};

fn samples() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples"))
}

#[tokio::test]
async fn the_configuration_that_is_printed_reads_the_sample() {
    for (sample, dialect, rows) in [
        // Its last line is a total, and no row.
        ("suivi-of_cp1252.csv", "CSV, `;` between cells, windows-1252, decimal `,`, 11 columns, a total", 4),
        ("suivi-x3-hl_utf8bom.csv", "CSV, `;` between cells, utf-8, decimal `.`, 10 columns", 5),
        (
            "hostile/02-utf16le-bom.csv",
            "CSV, `;` between cells, utf-16le, decimal `,`, 11 columns, a total",
            4,
        ),
        ("b2mml_operations-performance.xml", "XML, rows at `OperationsPerformance`", 1),
        ("loipro01_two-idocs.xml", "XML, rows at `LOIPRO01/IDOC/EDI_DC40`", 2),
    ] {
        let bench = super::bench(json!({}), &[]);
        bench.write("export_20261124", std::fs::read(samples().join(sample)).expect("a sample"));
        let options = probe::Options {
            folder: bench.path().to_owned(),
            files: None,
            timezone: "Europe/Paris".to_owned(),
        };
        let report = probe::probe(&options).await.unwrap_or_else(|error| panic!("{sample}: {error}"));
        assert!(report.dialect.starts_with(dialect), "{sample}: {}", report.dialect);
        assert!(report.to_string().contains("export_20261124"), "{report}");
        assert!(bench.file("export_20261124").exists() && bench.names("").len() == 1, "it only looks");
        // The printed tables, taken apart as the program does.
        let mut printed: toml::Table = report.configuration.parse().expect("TOML");
        let settings = printed["source"]["files"]["files"].clone();
        let settings: <Files as SourceKind>::Settings = settings.try_into().expect("a good table");
        assert_eq!(settings.check(), []);
        let mut list = printed.remove("list").expect("a list")["rows"].as_table().expect("a table").clone();
        list.remove("source");
        let again = super::bench(json!({}), &[&toml::to_string(&list).expect("TOML")]);
        let mut room = again.open().await;
        again.write("export_20261125", std::fs::read(samples().join(sample)).expect("a sample"));
        room.until(sample, |_| !again.file("export_20261125").exists()).await;
        room.for_a_while(Duration::from_millis(50)).await;
        assert_eq!(room.rows.len(), rows, "{sample}\n{}\n{:?}", report.configuration, room.notices);
    }
}

#[tokio::test]
async fn an_empty_folder_and_no_folder_are_told() {
    let bench = super::bench(json!({}), &[]);
    let look = async |folder: &Path| {
        let options =
            probe::Options { folder: folder.to_owned(), files: None, timezone: "Europe/Paris".to_owned() };
        probe::probe(&options).await.expect_err("nothing to see").to_string()
    };
    assert!(look(bench.path()).await.contains("no file"));
    assert!(look(&bench.file("nowhere")).await.contains("nowhere"));
}

#[tokio::test]
async fn titles_totals_and_twins_do_not_mislead_it() {
    let bench = super::bench(json!({}), &[]);
    let table = "Suivi des ordres;Semaine 47;;;\nN° OF;Article;Qté;Qté;État\nOF-1;A;1,5;2;en cours\n\
                 OF-2;A;2,5;2;fini\n;;Total;4;\n";
    bench.write("suivi.csv", table);
    let options =
        probe::Options { folder: bench.path().to_owned(), files: None, timezone: "Europe/Paris".to_owned() };
    let report = probe::probe(&options).await.expect("a report");
    let text = &report.configuration;
    for line in [
        "skip_last = 1",
        "key = [\"n-of\"]",
        "# A guess: ",
        "# Left out, because several columns are called so: Qté.",
        "field.etat = { from = \"État\" }",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("field.qte"), "nobody can say which is meant\n{text}");
    assert_eq!(report.rows.len(), 2, "{report}");
    bench.write("broken.json", "{\"rows\": [");
    // Named, because both may have been written within the same tick of the disk's clock.
    let options = probe::Options { files: Some("broken.json".to_owned()), ..options };
    let refused = probe::probe(&options).await.expect_err("half a document").to_string();
    assert!(!refused.contains("Cause") && !refused.contains("Unreadable"), "{refused}");
}
