//! `portevoix test`, `replay` and `record`, as a person uses them.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::program::{Folder, Service, free_port, run, text, wall};

const PLANT: &str = r#"
[site]
name = "Usine de Vitré"
language = "fr"
timezone = "Europe/Paris"
[source.exec.plc]
command = ["sh", "PROGRAM"]
[network.wall.local]
listen = "127.0.0.1:PORT"
[machine.press-3]
name = "Presse 3"
[machine.press-3.tag.oil]
source = "plc"
called = "oil"
name = "huile"
unit = "°C"
stale_after = "10m"
[machine.press-3.tag.air]
source = "plc"
called = "air"
stale_after = "1m"
[machine.press-3.rule.limit.oil-hot]
tag = "oil"
above = 75
clear = 70
priority = 2
do.fr = "Vérifier l'échangeur."
"#;

/// The plant, its folder, and the path of its configuration.
fn plant(name: &str, program: &str, port: u16) -> (Folder, String) {
    let folder = Folder::new(name);
    let program = folder.write("program.sh", program);
    let config = folder.0.join("config");
    std::fs::create_dir_all(config.join("tests")).unwrap();
    let text = PLANT.replace("PROGRAM", program.to_str().unwrap()).replace("PORT", &port.to_string());
    std::fs::write(config.join("plant.toml"), text).unwrap();
    (folder, config.to_str().unwrap().to_owned())
}

#[test]
fn rule_tests_stand_beside_the_configuration() {
    let (folder, config) = plant("rule-tests", "exit", 8080);
    let none = run(&["test", "--config", &config, "nothing-such"]);
    assert_eq!((none.status.code(), text(&none.stderr).contains("no test in")), (Some(1), true));
    let tests = folder.0.join("config/tests/oil.toml");
    let good = "[test.hot]\ngiven = [{ at = \"10s\", tag = \"press-3/oil\", value = 84 }]\n\
                expect = [{ at = \"10s\", machine = \"press-3\", text = \"huile à 84 °C (limite 75)\" }]\n";
    std::fs::write(&tests, good).unwrap();
    let fine = run(&["test", "--config", &config]);
    assert_eq!(fine.status.code(), Some(0), "{}", text(&fine.stderr));
    assert!(text(&fine.stdout).ends_with("fine: 1 test\n"), "{}", text(&fine.stdout));
    std::fs::write(&tests, good.replace("huile à 84", "huile à 85")).unwrap();
    let failed = run(&["test", "--config", &config]);
    let said = text(&failed.stdout);
    assert_eq!(failed.status.code(), Some(1));
    assert!(said.contains("FAILED  hot") && said.contains("tests/oil.toml:3\n"), "{said}");
    assert!(said.contains("À faire : vérifier l'échangeur."), "{said}");
    let json = run(&["test", "--json", "--config", &config]);
    let found: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((json.status.code(), found[0]["failures"][0]["spot"]["line"].as_u64()), (Some(1), Some(3)));
    std::fs::write(&tests, good.replace("value = 84", "vlaue = 84")).unwrap();
    let wrong = run(&["test", "--config", &config]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        text(&wrong.stderr).contains("tests/oil.toml:2  unknown field `vlaue`"),
        "{}",
        text(&wrong.stderr)
    );
}

/// The examples of the documentation.
#[test]
fn the_tests_of_the_example_pass() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/press-shop");
    let fine = run(&["test", "--config", example]);
    assert_eq!(fine.status.code(), Some(0), "{}", text(&fine.stdout));
    assert!(text(&fine.stdout).ends_with("fine: 5 tests\n"));
}

#[test]
fn a_replay_tells_what_would_have_been_posted_and_compares() {
    let (folder, config) = plant("replay", "exit", 8080);
    let mut csv = "time;tag;value\n".to_owned();
    // A day of a value that is over 75 for two minutes in each hour, and over 90 in one of them.
    for minute in 0..1_440 {
        let value = if minute % 60 < 2 { if minute < 60 { 92 } else { 78 } } else { 60 };
        csv.push_str(&format!("23/11/2026 {:02}:{:02};press-3/oil;{value}\n", minute / 60, minute % 60));
    }
    csv.push_str("yesterday;press-3/oil;1\n23/11/2026 23:59;press-3/bearing;1\n");
    let file = folder.write("day.csv", &csv);
    let file = file.to_str().unwrap();
    let replayed = run(&["replay", file, "--config", &config, "--json"]);
    let found: Value = serde_json::from_slice(&replayed.stdout).unwrap();
    let report = &found["replay"];
    assert_eq!(replayed.status.code(), Some(0));
    assert_eq!((report["posts"].as_u64(), report["readings"].as_u64()), (Some(24), Some(1_440)), "{report}");
    assert_eq!(report["rules"][0]["rule"], "limit.oil-hot");
    assert_eq!(
        (report["rules"][0]["share"].as_f64(), report["rules"][0]["longest_s"].as_f64()),
        (Some(1.0), Some(120.0))
    );
    // Nothing in the file speaks of the air: its silence is not told.
    assert_eq!(report["silent_rules"], 1, "{report}");
    assert_eq!(
        (report["left_out"]["wrong"].as_u64(), report["shifts"].as_array().map(Vec::len)),
        (Some(1), Some(1))
    );
    let other = PLANT.replace("above = 75", "above = 90").replace("PROGRAM", "x").replace("PORT", "8080");
    let other = folder.write("other.toml", &other);
    let compared = run(&["replay", file, "--config", &config, "--against", other.to_str().unwrap()]);
    let said = text(&compared.stdout);
    assert!(said.contains("posts                               24             1\n"), "{said}");
    assert!(said.contains("24             1  press-3 limit.oil-hot"), "{said}");
    let seen = run(&["replay", file, "--config", &config, "--wall"]);
    assert!(
        text(&seen.stdout).contains("⚠️ ATTENTION · Presse 3 · huile à 92\u{A0}°C (limite 75) depuis 00:00")
    );
    let said = text(&seen.stderr);
    assert!(said.contains("day.csv:1442: found `yesterday`, expected a time"), "{said}");
    assert!(said.contains("press-3/bearing: no tag `press-3/bearing` is configured"), "{said}");
    let tuned = run(&["replay", file, "--config", &config, "--tune", "--posts", "1"]);
    let said = text(&tuned.stdout);
    assert!(
        said.contains(
            "press-3 limit.oil-hot\n    now   clear = 70, on_delay = \"0s\": 24 episodes, more than allowed\n"
        ),
        "{said}"
    );
    assert!(said.contains("on_delay = \"300s\": 0 episodes\n"), "{said}");
    assert!(said.contains("24 of 24 episodes would not have been told, the longest of 2 min"), "{said}");
    let nothing = folder.write("nothing.csv", "time;tag;value\n23/11/2026 12:00;x/y;1\n");
    let nothing = run(&["replay", nothing.to_str().unwrap(), "--config", &config]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(text(&nothing.stderr).contains("no reading of a tag that is configured"));
}

/// State word, machine and what was said of each post, without the times of day.
fn without_times(line: &str) -> String {
    let plain = line.replace(['\u{A0}', '\u{202F}'], " ");
    let words = plain.split(' ').map(|word| if word.contains(':') { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// A program that says the same each time it is started.
const PROGRAM: &str = "echo '{\"tag\":\"oil\",\"value\":60}'; sleep 0.4; echo '{\"tag\":\"oil\",\"value\":84.5}'; sleep 0.4\n\
                       echo '{\"tag\":\"oil\",\"value\":88}'; sleep 0.4; echo '{\"tag\":\"oil\",\"value\":61}'; sleep 600\n";

/// What a recording is replayed to is what the service posted.
#[tokio::test]
async fn a_recording_replayed_is_what_was_posted() {
    let port = free_port();
    let (folder, config) = plant("record", PROGRAM, port);
    let recording = folder.0.join("recording");
    let recorder = Command::new(env!("CARGO_BIN_EXE_portevoix"))
        .args(["record", recording.to_str().unwrap(), "--config", &config, "--for", "6s"])
        .output();
    let recorded = recorder.unwrap();
    assert_eq!(recorded.status.code(), Some(0), "{}", text(&recorded.stderr));
    assert!(text(&recorded.stdout).starts_with("5 lines in 1 file of "), "{}", text(&recorded.stdout));
    let state = folder.0.join("state");
    let mut service = Service::start(std::path::Path::new(&config), &state);
    let shown = wall(port, |shown| shown.contains("RÉTABLI")).await;
    tokio::time::timeout(Duration::from_secs(30), async { service.stop() }).await.unwrap();
    let replayed = run(&["replay", recording.to_str().unwrap(), "--config", &config, "--wall"]);
    let said = text(&replayed.stdout);
    assert_eq!(replayed.status.code(), Some(0), "{}", text(&replayed.stderr));
    let last = said.lines().rfind(|line| line.contains("Presse 3 ·")).unwrap();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let first_line = without_times(last);
    assert!(first_line.contains("RÉTABLI · Presse 3 · huile à 61 °C"), "{first_line}");
    assert!(
        without_times(&shown.to_string()).contains(first_line.split(" · ").nth(2).unwrap()),
        "{shown}\n{first_line}"
    );
    assert_eq!(said.matches(" posts ──").count(), 1, "{said}");
}
