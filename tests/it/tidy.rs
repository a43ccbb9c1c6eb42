//! Keeps the rooms honest: who may import whom. And a mirror: the sizes of functions and files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A room, and the rooms it may import besides `contract`. Nothing flows back.
const NEIGHBOURS: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("reading", &[]),
    ("rule", &["reading"]),
    ("episode", &["rule"]),
    ("post", &["episode", "production"]),
    ("outbox", &["post"]),
    ("network", &["outbox"]),
    ("store", &[]),
    ("shift", &[]),
    ("production", &["shift"]),
    // The typed file: every room owns its section.
    ("config", &["reading", "rule", "source", "network", "shift", "production"]),
    // The pure middle, from samples to posts, with no edge among them.
    ("turn", &["config", "reading", "rule", "episode", "post", "outbox", "store", "shift", "production"]),
    // The middle on a virtual clock, and what is made of it.
    ("replay", &["config", "reading", "rule", "episode", "post", "outbox", "store", "turn", "shift"]),
    ("trial", &["config", "post", "outbox", "store", "turn", "replay"]),
];

/// Files that know all rooms.
const WIRING: &[&str] = &["app.rs", "app", "lib.rs", "main.rs", "cli", "watchdog.rs", "clock.rs"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files under a folder, as path and text.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found.sort();
    found
}

/// The part of a file that is not its tests.
fn without_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod ").next().unwrap_or(text)
}

fn is_test(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "tests.rs" || name == "lint.rs" || name == "campaign.rs")
        || path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "kit")
}

/// Every word that follows `crate::` in a text.
fn imports(text: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for rest in text.split("crate::").skip(1) {
        rooms.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
    }
    rooms
}

#[test]
fn a_room_imports_only_the_rooms_before_it() {
    let src = root().join("src");
    let mut wrong = Vec::new();
    let mut rooms = 0;
    for entry in fs::read_dir(&src).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if WIRING.contains(&name.as_str()) {
            continue;
        }
        rooms += 1;
        let Some((_, allowed)) = NEIGHBOURS.iter().find(|(room, _)| *room == name) else {
            wrong.push(format!("src/{name} is no room; add it to the list with its neighbours"));
            continue;
        };
        for (file, text) in sources(&path) {
            for room in imports(without_tests(&text)) {
                if room != name && !room.is_empty() && !allowed.contains(&room.as_str()) {
                    wrong.push(format!("{}: {name} may not know {room}", file.display()));
                }
            }
        }
    }
    assert_eq!(rooms, NEIGHBOURS.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_adapter_knows_only_the_contract() {
    let mut wrong = Vec::new();
    for entry in fs::read_dir(root().join("adapters")).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let needs = text.split("[dev-dependencies]").next().unwrap();
        let ours: Vec<&str> = needs
            .lines()
            .filter(|line| line.contains("workspace = true") || line.contains("path ="))
            .filter_map(|line| line.split(['.', ' ']).next())
            .filter(|key| key.starts_with("source-") || key.starts_with("network-") || *key == "portevoix")
            .collect();
        if !ours.is_empty() {
            wrong.push(format!("{name} depends on {ours:?}"));
        }
        let is_whole =
            ["README.md", "sample.toml", "tests/kit.rs"].iter().all(|file| folder.join(file).exists());
        if !is_whole && !["chart", "contract", "http", "rows"].contains(&name.as_str()) {
            wrong.push(format!("{name} lacks README.md, sample.toml or tests/kit.rs"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_writes_to_a_machine() {
    // Two messages leave over MQTT, and one file writes them. The demonstration's broker is behind a feature.
    let folder = root().join("adapters/source-mqtt/src");
    let is_told = |path: &Path| !path.ends_with("broker.rs") && !is_test(path);
    for (path, text) in sources(&folder).into_iter().filter(|(path, _)| is_told(path)) {
        let text = without_tests(&text);
        let is_saying = path.ends_with("sparkplug/say.rs");
        assert_eq!(text.contains("fn publish(version: Version, first"), is_saying, "{}", path.display());
        for word in ["Publish::new", "client.publish", "0x30", "0x31", "0x32", "0x33"] {
            assert!(is_saying || !text.contains(word), "{} holds `{word}`", path.display());
        }
    }
    let say = fs::read_to_string(folder.join("sparkplug/say.rs")).unwrap();
    let public: Vec<&str> = without_tests(&say).lines().filter(|line| line.starts_with("pub fn")).collect();
    // The state of a host, and the request for a rebirth.
    assert_eq!(public.len(), 2, "{public:?}");
    // The words of the two protocols for writing, and for calling anything but a refresh of alarms.
    for (adapter, words) in [
        (
            "source-modbus",
            ["WriteSingle", "WriteMultiple", "write_register", "write_coil", "write_single"].as_slice(),
        ),
        (
            "source-opcua",
            ["WriteRequest", "WriteValue", "AddNodes", "DeleteNodes", "HistoryUpdate"].as_slice(),
        ),
    ] {
        for (path, text) in sources(&root().join("adapters").join(adapter).join("src")) {
            for word in words {
                assert!(!without_tests(&text).contains(word), "{} holds `{word}`", path.display());
            }
        }
    }
    // One method is called, in one place: the refresh of alarms.
    let ask = fs::read_to_string(root().join("adapters/source-opcua/src/ask.rs")).unwrap();
    assert_eq!(ask.matches("CallMethodRequest {").count(), 1);
}

/// `tests/run` names the targets of tests; one that it does not name would not run.
#[test]
fn every_target_of_tests_is_run() {
    let mut found = vec![root().join("tests/it/main.rs")];
    for entry in fs::read_dir(root().join("adapters")).unwrap() {
        let Ok(folder) = fs::read_dir(entry.unwrap().path().join("tests")) else { continue };
        let files = folder.map(|entry| entry.unwrap().path());
        found.extend(files.filter(|path| path.extension().is_some_and(|end| end == "rs")));
    }
    let is_run = |path: &PathBuf| path.ends_with("kit.rs") || path.ends_with("it/main.rs");
    let others: Vec<_> = found.iter().filter(|path| !is_run(path)).collect();
    assert!(found.len() > 8 && others.is_empty(), "{others:?}");
}

#[test]
fn an_adapter_says_how_far_it_is_proven() {
    for entry in fs::read_dir(root().join("adapters")).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("source-") {
            continue;
        }
        let manifest: toml::Table = fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap();
        let said = manifest["package"].get("metadata").and_then(|all| all.get("portevoix"));
        let tier = said.and_then(|said| said.get("tier")).and_then(toml::Value::as_str).unwrap_or("nothing");
        assert!(["proven", "recorded", "documented"].contains(&tier), "{name} says {tier}");
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        assert!(readme.to_lowercase().contains(tier), "the README of {name} does not say {tier}");
    }
}

struct Mirror {
    files: Vec<usize>,
    functions: Vec<(usize, String)>,
    unwraps: Vec<String>,
    public: usize,
    undocumented: Vec<String>,
    lines: usize,
}

fn look(sources: &[(PathBuf, String)]) -> Mirror {
    let mut mirror = Mirror {
        files: Vec::new(),
        functions: Vec::new(),
        unwraps: Vec::new(),
        public: 0,
        undocumented: Vec::new(),
        lines: 0,
    };
    for (path, text) in sources {
        mirror.files.push(text.lines().count());
        let text = without_tests(text);
        let lines: Vec<&str> = text.lines().collect();
        mirror.lines += lines.len();
        for (at, line) in lines.iter().enumerate() {
            let place = || format!("{}:{}", path.strip_prefix(root()).unwrap().display(), at + 1);
            let code = line.trim_start();
            if is_function(code)
                && let Some(end) = end_of(&lines, at)
            {
                mirror.functions.push((end - at + 1, place()));
            }
            if !code.starts_with("//") && (code.contains(".unwrap()") || code.contains(".expect(")) {
                mirror.unwraps.push(place());
            }
            if is_public(code) {
                mirror.public += 1;
                let before = lines[..at].iter().rev().find(|line| !line.trim_start().starts_with("#["));
                if !before.is_some_and(|line| line.trim_start().starts_with("///")) {
                    mirror.undocumented.push(place());
                }
            }
        }
    }
    mirror
}

fn is_function(code: &str) -> bool {
    let words =
        ["fn ", "pub fn ", "async fn ", "pub async fn ", "pub const fn ", "const fn ", "pub(super) fn "];
    words.iter().any(|word| code.starts_with(word))
}

fn is_public(code: &str) -> bool {
    ["pub fn", "pub struct", "pub enum", "pub trait", "pub type", "pub const", "pub async fn"]
        .iter()
        .any(|word| code.starts_with(word))
}

/// Where a formatted function ends: the first closing brace with the indent of its beginning.
fn end_of(lines: &[&str], at: usize) -> Option<usize> {
    let indent = lines[at].len() - lines[at].trim_start().len();
    let end = format!("{}}}", " ".repeat(indent));
    let first = lines[at..]
        .iter()
        .position(|line| line.ends_with('{') || line.ends_with(';') || line.ends_with('}'))?;
    if !lines[at + first].ends_with('{') {
        return Some(at + first);
    }
    lines[at..].iter().position(|line| *line == end).map(|len| at + len)
}

#[test]
fn the_mirror() {
    let mut all = sources(&root().join("src"));
    for entry in fs::read_dir(root().join("adapters")).unwrap() {
        all.extend(sources(&entry.unwrap().path().join("src")));
    }
    all.retain(|(path, _)| !is_test(path));
    let mut mirror = look(&all);
    mirror.files.sort_unstable();
    mirror.functions.sort();
    let count = mirror.functions.len();
    let long: BTreeMap<&str, usize> = mirror
        .functions
        .iter()
        .filter(|(len, _)| *len > 70)
        .map(|(len, place)| (place.as_str(), *len))
        .collect();
    let (nine_files, nine_functions) =
        (mirror.files[mirror.files.len() * 9 / 10], mirror.functions[count * 9 / 10].0);
    println!("files {}, lines {}, nine in ten under {nine_files} lines", mirror.files.len(), mirror.lines);
    println!("functions {count}, nine in ten under {nine_functions} lines, over 70: {long:?}");
    println!("unwrap and expect outside tests: {:?}", mirror.unwraps);
    println!("public {}, undocumented {:?}", mirror.public, mirror.undocumented);
    assert!(long.len() * 1_000 <= count * 8, "functions over 70 lines: {long:?}");
    assert!(nine_functions <= 24, "nine functions in ten are under {nine_functions} lines, expected 24");
    assert!(nine_files <= 385, "nine files in ten are under {nine_files} lines, expected 385");
    assert!(mirror.unwraps.len() * 10_000 <= mirror.lines * 3, "{:?}", mirror.unwraps);
    assert!(mirror.undocumented.len() * 100 <= mirror.public * 3, "{:?}", mirror.undocumented);
}
