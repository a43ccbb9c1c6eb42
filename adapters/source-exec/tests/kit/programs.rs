//! Programs as they are: they end, hang, flood, leave children, and print what is no line.

use std::path::Path;
use std::time::{Duration, Instant};

use contract::{Batch, Notice, Source, SourceError, Value};
use peers::foreign::Folder;
use serde_json::json;

use crate::bench::{make, read_all, shell, soon, try_make};

const OIL: &str = r#"{"tag":"press-3/oil","value":1}"#;

#[track_caller]
fn lost(error: &SourceError, words: &str) {
    let SourceError::Lost(found) = error else { panic!("expected Lost, found: {error:?}") };
    assert!(found.contains(words), "expected `{words}` in: {found}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_refused() {
    let folder = Folder::new("exec");
    let mut source = make(folder.path(), json!({"command": ["/nowhere/press"]}));
    let refused = soon(source.connect()).await;
    assert!(
        matches!(&refused, Err(SourceError::Refused(words)) if words.contains("/nowhere/press")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn another_version_is_refused_and_none_is_taken_as_ours() {
    let folder = Folder::new("exec");
    let refused = soon(shell(folder.path(), r#"echo '{"portevoix":2}'; sleep 60"#).connect()).await;
    assert!(
        matches!(&refused, Err(SourceError::Refused(words)) if words.contains("version 2")),
        "{refused:?}"
    );
    let (all, _) = read_all(&mut *shell(folder.path(), &format!("echo '{OIL}'"))).await;
    assert_eq!(all.samples.len(), 1);
}

#[tokio::test]
async fn an_end_is_told_with_status_and_last_words_and_nothing_before_it_is_lost() {
    let folder = Folder::new("exec");
    let words = format!("for i in 1 2 3; do echo '{OIL}'; done; echo 'no route to press' >&2; exit 3");
    let (all, error) = read_all(&mut *shell(folder.path(), &words)).await;
    assert_eq!(all.samples.len(), 3);
    lost(&error, "status 3: no route to press");
    let (all, error) = read_all(&mut *shell(folder.path(), &format!("echo '{OIL}'; printf '{OIL}'"))).await;
    // A last line without its end may be half of one.
    assert_eq!(all.samples.len(), 1);
    lost(&error, "status 0");
    lost(&read_all(&mut *shell(folder.path(), "kill -9 $$")).await.1, "signal 9");
}

#[tokio::test]
async fn a_program_that_runs_from_time_to_time_is_started_again() {
    let folder = Folder::new("exec");
    let words = r#"echo x >> $PORTEVOIX_STATE/runs; echo "{\"tag\":\"press-3/oil\",\"value\":$(grep -c x $PORTEVOIX_STATE/runs)}""#;
    let mut source = make(folder.path(), json!({"command": ["sh", "-c", words], "every": "100ms"}));
    soon(source.connect()).await.expect("started");
    let mut came = Vec::new();
    while came.len() < 3 {
        let batch = soon(source.next()).await.expect("a batch");
        came.extend(batch.samples.into_iter().map(|sample| sample.value));
    }
    assert_eq!(came, [1.0, 2.0, 3.0].map(Value::Number));
}

#[tokio::test]
async fn a_silent_program_is_lost_and_a_speaking_one_is_not() {
    let folder = Folder::new("exec");
    let silent = |words: String| json!({"command": ["sh", "-c", words], "silence_max": "300ms"});
    let (_, error) = read_all(&mut *make(folder.path(), silent(format!("echo '{OIL}'; sleep 60")))).await;
    lost(&error, "said nothing for 0.3 s");
    let speaking = format!("for i in 1 2 3 4 5; do sleep 0.1; echo '{OIL}'; done; exit 4");
    lost(&read_all(&mut *make(folder.path(), silent(speaking))).await.1, "status 4");
}

#[tokio::test]
async fn a_program_gets_its_own_environment_and_not_ours() {
    let folder = Folder::new("exec");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "s3cret\n").expect("written");
    let words =
        r#"echo "{\"tag\":\"press-3/oil\",\"value\":\"$LINE $PASSWORD [$CARGO_MANIFEST_DIR] $(pwd)\"}""#;
    let table = json!({
        "command": ["sh", "-c", words],
        "environment": {"LINE": "2"},
        "secrets": {"PASSWORD": {"file": secret}},
        "folder": "/",
    });
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let (all, _) = read_all(&mut *make(folder.path(), table)).await;
    assert_eq!(all.samples[0].value, Value::Text("2 s3cret [] /".into()));
    let missing = json!({"command": ["true"], "secrets": {"PASSWORD": {"file": "/nowhere"}}});
    let faults = try_make(folder.path(), missing).err().expect("a fault");
    assert_eq!(faults[0].key, "secrets");
}

#[tokio::test]
async fn what_is_no_line_is_told_once_for_each_kind_and_spoils_only_itself() {
    let folder = Folder::new("exec");
    let long = "x".repeat(70_000);
    let path = folder.path().join("lines");
    let row = r#"{"list":"orders","fields":{"number":"OF-1","quantity":"many"}}"#;
    let lines = [
        "garbage",
        OIL,
        "more garbage",
        &long,
        OIL,
        &long,
        row,
        row,
        r#"{"tag":"x"}"#,
        r#"{"tag":"x"}"#,
        OIL,
    ];
    std::fs::write(&path, lines.join("\n") + "\n").expect("written");
    let (all, _) = read_all(&mut *make(folder.path(), json!({"command": ["cat", path]}))).await;
    assert_eq!(all.samples.len(), 3);
    let starts = |notice: &Notice| match notice {
        Notice::Poison(words) => words.chars().take(20).collect::<String>(),
        Notice::Unclaimed(name) => name.clone(),
        other => panic!("{other:?}"),
    };
    let told: Vec<String> = all.notices.iter().map(starts).collect();
    assert_eq!(told, ["line 1: expected one", "line 4: longer than ", "line 7: fields, quan", "x"]);
}

/// A program that does not read what it is told cannot hold us up.
#[tokio::test]
async fn a_program_that_does_not_listen_holds_nothing_up() {
    let folder = Folder::new("exec");
    let words = r#"i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo "{\"tag\":\"press-3/oil\",\"value\":$i,\"ticket\":$i}"; done"#;
    let mut source = shell(folder.path(), words);
    soon(source.connect()).await.expect("started");
    let mut came = 0;
    while came < 3_000 {
        let batch = soon(source.next()).await.expect("a batch");
        came += batch.samples.len();
        soon(source.settle(batch.ticket.expect("a ticket"))).await.expect("settled");
    }
}

#[tokio::test]
async fn a_flood_on_both_streams_comes_in_bounded_batches() {
    let folder = Folder::new("exec");
    let words = format!("yes '{OIL}' | head -n 200000; yes 'hot hot hot' | head -n 200000 >&2; exit 5");
    let mut source = shell(folder.path(), &words);
    let start = Instant::now();
    soon(source.connect()).await.expect("started");
    let mut came = 0;
    let error = loop {
        match soon(source.next()).await {
            Ok(Batch { samples, .. }) => {
                assert!(samples.len() <= 256, "a batch of {}", samples.len());
                came += samples.len();
            }
            Err(error) => break error,
        }
    };
    lost(&error, "status 5");
    assert_eq!(came, 200_000);
    let rate = f64::from(came as u32) / start.elapsed().as_secs_f64();
    eprintln!("source-exec: {came} lines, {rate:.0} lines a second, debug build");
}

#[tokio::test]
async fn random_bytes_are_survived() {
    let folder = Folder::new("exec");
    let (all, error) = read_all(&mut *shell(folder.path(), "head -c 3000000 /dev/urandom; exit 6")).await;
    lost(&error, "status 6");
    assert!(all.samples.is_empty() && !all.notices.is_empty() && all.notices.len() < 10, "{:?}", all.notices);
}

fn is_alive(pid: u32) -> bool {
    // A zombie has a folder and no command line.
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

/// Waits until a program that was started wrote its process number.
async fn pid(path: &Path) -> u32 {
    soon(async {
        loop {
            if let Some(pid) = std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()) {
                return pid;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

/// Whether a process is gone within so long.
async fn goes(pid: u32, within: Duration) -> bool {
    let start = Instant::now();
    while is_alive(pid) {
        if start.elapsed() > within {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    true
}

/// A program that takes no hint, with a child; `prefix` starts the child.
async fn stubborn(folder: &Path, prefix: &str) -> (Box<dyn Source>, u32, u32) {
    let words = format!(
        "trap '' TERM; {prefix} sh -c 'trap \"\" TERM; echo $$ > {0}/child; while :; do sleep 1; done' & \
         echo $$ > {0}/parent; echo '{OIL}'; while :; do sleep 1; done",
        folder.display()
    );
    let table = json!({"command": ["sh", "-c", words], "stop": "200ms"});
    let mut source = make(folder, table);
    soon(source.connect()).await.expect("started");
    let (parent, child) = (pid(&folder.join("parent")).await, pid(&folder.join("child")).await);
    (source, parent, child)
}

#[tokio::test]
async fn a_program_that_takes_no_hint_is_killed_with_its_children() {
    let folder = Folder::new("exec");
    let (mut source, parent, child) = stubborn(folder.path(), "").await;
    assert!(is_alive(parent) && is_alive(child));
    soon(source.close()).await;
    assert!(!is_alive(parent) && goes(child, Duration::from_secs(1)).await);
    // Dropped without a word: nothing is left either.
    let (source, parent, child) = stubborn(folder.path(), "").await;
    drop(source);
    assert!(goes(parent, Duration::from_secs(10)).await && goes(child, Duration::from_secs(10)).await);
    // And at a new connection, before the next is started.
    let (mut source, parent, child) = stubborn(folder.path(), "").await;
    soon(source.connect()).await.expect("started again");
    assert!(!is_alive(parent) && goes(child, Duration::from_secs(1)).await);
    // What the test notices: a child that left the group is out of reach.
    let folder = Folder::new("exec");
    let (mut source, parent, child) = stubborn(folder.path(), "setsid").await;
    soon(source.close()).await;
    assert!(goes(parent, Duration::from_secs(10)).await);
    assert!(!goes(child, Duration::from_millis(300)).await, "the child left the group and yet is gone");
    let killed = std::process::Command::new("kill").args(["-9", &child.to_string()]).status();
    assert!(killed.is_ok_and(|status| status.success()));
}

#[tokio::test]
async fn a_program_may_say_goodbye() {
    let folder = Folder::new("exec");
    let path = folder.path().join("goodbye");
    let words = format!(
        "trap 'echo bye > {}; exit 0' TERM; echo '{OIL}'; while :; do sleep 0.05; done",
        path.display()
    );
    let mut source = shell(folder.path(), &words);
    soon(source.connect()).await.expect("started");
    soon(source.close()).await;
    assert!(path.exists(), "it was not waited for");
}

#[tokio::test]
async fn a_probe_writes_a_configuration_that_is_taken() {
    let folder = Folder::new("exec");
    let good = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/good.jsonl");
    let options = source_exec::probe::Options {
        command: vec!["cat".into(), good.into()],
        folder: folder.path().to_owned(),
        state: folder.path().to_owned(),
        listen: Duration::from_secs(10),
    };
    let report = source_exec::probe::probe(&options).await.expect("a report");
    assert_eq!(report.failure, None);
    assert!(report.to_string().starts_with("27 lines, 1 tags, 1 lists"), "{report}");
    let table: toml::Table = report.configuration.parse().expect("TOML");
    assert_eq!(table["machine"]["press-3"]["tag"]["oil"]["called"].as_str(), Some("press-3/oil"));
    assert_eq!(table["list"]["orders"]["field"]["due"]["from"].as_str(), Some("due"));
}

/// What `probe exec` makes of a shell's words.
async fn probe(words: &str) -> source_exec::probe::Report {
    let folder = Folder::new("exec");
    let command = ["sh", "-c", words].map(str::to_owned).to_vec();
    let (state, listen) = (folder.path().join("state"), Duration::from_millis(500));
    let options = source_exec::probe::Options { command, folder: folder.path().to_owned(), state, listen };
    source_exec::probe::probe(&options).await.expect("a report")
}

#[tokio::test]
async fn a_probe_guesses_as_the_one_of_files_does() {
    let row = |id: u8, state: &str| {
        format!(
            r#"{{"list":"Ordres","fields":{{"article":"A","id":"OF-{id}","qté lancée":{id}.5,"état":"{state}","soldé":true,"x":{{}}}}}}"#
        )
    };
    let rows = [row(1, "en cours"), row(1, "fini"), row(2, "fini")].join("\n");
    let text = probe(&format!("cat <<E\n{rows}\n{{\"tag\":\"Étuve/Température\",\"value\":1}}\nE"))
        .await
        .configuration;
    for line in [
        "every = \"1m\"",
        "[machine.etuve.tag.temperature]",
        "[list.ordres]",
        "field.qte-lancee = { from = \"qté lancée\", type = \"number\" }",
        "field.etat = { from = \"état\" }",
        "field.solde = { from = \"soldé\", type = \"flag\" }",
        "# A guess: ",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("field.x"), "no value can be made of an object\n{text}");
}

#[tokio::test]
async fn a_probe_tells_what_is_no_program_to_configure() {
    for (words, failure) in [
        ("exit 3", "3"),
        ("true", "printed nothing"),
        ("sleep 5", "printed nothing within 0.5 s"),
        ("echo hello", "no line of the program names a tag or a list"),
    ] {
        let found = probe(words).await.failure;
        assert!(found.as_ref().is_some_and(|found| found.contains(failure)), "{words}: {found:?}");
    }
}

/// What an integrator copies: the program of `examples/python-source`.
#[tokio::test]
async fn the_example_speaks_and_keeps_its_cursor() {
    let folder = Folder::new("exec");
    let kiln = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/python-source/kiln.py");
    let mut source = make(folder.path(), json!({"command": ["python3", kiln]}));
    soon(source.connect()).await.expect("started");
    let batch = soon(source.next()).await.expect("a batch");
    // It speaks of a kiln that is not configured here, in lines that are understood.
    assert_eq!(batch.notices[0], Notice::Unclaimed("kiln-1/chamber".into()));
    soon(source.settle(batch.ticket.expect("a ticket"))).await.expect("settled");
    let cursor = folder.path().join("exec-programme/cursor");
    soon(async {
        while !std::fs::read_to_string(&cursor).is_ok_and(|text| text == "1") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
