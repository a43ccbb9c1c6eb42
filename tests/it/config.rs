//! Configurations, right and wrong, at the door of the `config` room.

use std::fs;
use std::path::{Path, PathBuf};

use portevoix::config::{self, Diagnostic, Plan};

/// Everything that is told about a folder of the tests, as a person reads it.
fn told(folder: &Path) -> String {
    let diagnostics = match config::load(folder) {
        Ok(plan) => plan.warnings,
        Err(diagnostics) => diagnostics,
    };
    let lines: Vec<String> = diagnostics.iter().map(Diagnostic::to_string).collect();
    lines.join("\n\n").replace(&format!("{}/", folder.display()), "") + "\n"
}

#[track_caller]
fn plan(text: &str) -> Plan {
    config::read(vec![("plant.toml".to_owned(), text.to_owned())])
        .unwrap_or_else(|wrong| panic!("{}", wrong.iter().map(Diagnostic::to_string).collect::<String>()))
}

#[track_caller]
fn wrong(text: &str) -> Vec<Diagnostic> {
    config::read(vec![("plant.toml".to_owned(), text.to_owned())]).expect_err("this is wrong")
}

/// Each folder of `tests/config/wrong` holds a configuration and `expected.txt`, which `UPDATE=1` writes.
#[test]
fn every_mistake_is_told_with_its_place() {
    let mut folders: Vec<PathBuf> =
        fs::read_dir("tests/config/wrong").unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() >= 45, "{} wrong configurations", folders.len());
    let mut differ = Vec::new();
    for folder in folders {
        let (told, file) = (told(&folder), folder.join("expected.txt"));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, &told).unwrap();
        }
        if fs::read_to_string(&file).unwrap_or_default() != told {
            differ.push(format!("{}:\n{told}", folder.display()));
        }
    }
    assert!(differ.is_empty(), "{}\nTo accept, run with UPDATE=1.", differ.join("\n"));
}

#[test]
fn no_secret_is_ever_shown() {
    for folder in fs::read_dir("tests/config/wrong").unwrap() {
        let told = told(&folder.unwrap().path());
        assert!(!told.contains("hunter2") && !told.contains("4711"), "{told}");
    }
}

#[test]
fn a_file_that_cannot_be_one_is_told() {
    let folder = std::env::temp_dir().join(format!("portevoix-config-{}", std::process::id()));
    fs::create_dir_all(folder.join("folder.toml")).unwrap();
    fs::write(folder.join("large.toml"), vec![b'\n'; 1024 * 1024 + 1]).unwrap();
    fs::write(folder.join(".hidden.toml"), "not read").unwrap();
    assert_eq!(
        told(&folder),
        "folder.toml\n  not a file, expected a TOML file\n\n\
         large.toml\n  larger than 1 MiB, expected a configuration file\n"
    );
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(told(&folder), format!("{}\n  no such file or folder\n", folder.display()));
}

const PRESS: &str = r#"
[site]
name     = "Usine de Vitré"
language = "fr"
timezone = "Europe/Paris"

[source.mqtt.hall-b]
url      = "mqtts://broker.usine.local:8883"
user     = "portevoix"
password = { credential = "mqtt-password" }

[class.press]
[class.press.tag.oil]
source = "hall-b"
topic  = "usine/b/{machine}/huile"
value  = "/temperature"
unit   = "°C"
stale_after = "30s"

[class.press.rule.limit.oil-hot]
tag      = "oil"
above    = 75.0
clear    = 70.0
on_delay = "30s"
priority = 2
do.fr = "Vérifier l'échangeur."
do.en = "Check the heat exchanger."

[machine.press-3]
class = "press"
name  = "Presse 3"
place = "Vitré/Atelier B/Ligne 2"

[network.wall.local]
listen = "127.0.0.1:8080"

[network.mattermost.usine]
url     = "https://chat.usine.local"
token   = { credential = "mattermost-token" }
channel = "atelier-b"
"#;

/// Tags and rules of all machines, one a line.
fn drawn(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for machine in &plan.machines {
        let key = &machine.author.key;
        for tag in &machine.tags {
            let source = &plan.sources[tag.source].name;
            lines.push(format!("{key} tag {} #{} from {source}", tag.name, tag.id.0));
        }
        for rule in &machine.rules {
            lines.push(format!("{key} rule {} of #{} at {}", rule.name, rule.tags[0].0, rule.place));
        }
    }
    lines
}

#[test]
fn the_plan_is_what_the_file_says() {
    let plan = plan(PRESS);
    assert_eq!((plan.site.name.as_str(), plan.site.timezone.as_str()), ("Usine de Vitré", "Europe/Paris"));
    assert_eq!(plan.site.machines[0].name, "Presse 3");
    assert_eq!(plan.site.machines[0].place, "Vitré/Atelier B/Ligne 2");
    assert_eq!((plan.networks[0].kind.name(), plan.networks[0].language.as_str()), ("wall", "fr"));
    assert_eq!((plan.sources[0].kind.name(), plan.sources[0].place.line), ("mqtt", 7));
    assert_eq!(
        drawn(&plan),
        [
            "press-3 tag oil #0 from hall-b",
            "press-3 rule limit.oil-hot of #0 at plant.toml:20:25",
            "press-3 rule stale.oil of #0 at plant.toml:18:1",
        ]
    );
    assert_eq!(plan.warnings, []);
}

#[test]
fn a_machine_stands_over_its_class_key_by_key() {
    let more = r#"
[machine.press-1]
class = "press"
rule.limit.oil-hot.above = 80.0

[machine.press-1.tag.noise]
source = "hall-b"
topic  = "usine/b/presse-1/bruit"

[machine.press-1.rule.stale.noise]
tag   = "noise"
after = "5m"
"#;
    let plan = plan(&format!("{PRESS}{more}"));
    let limit = |machine: usize| match &plan.machines[machine].rules[0].section {
        portevoix::rule::Section::Limit(limit) => (limit.above, limit.clear),
        _ => (None, None),
    };
    assert_eq!((limit(0), limit(1)), ((Some(75.0), Some(70.0)), (Some(80.0), Some(70.0))));
    assert_eq!(
        drawn(&plan)[3..],
        [
            "press-1 tag oil #1 from hall-b",
            "press-1 tag noise #2 from hall-b",
            "press-1 rule limit.oil-hot of #1 at plant.toml:44:12",
            "press-1 rule stale.noise of #2 at plant.toml:50:29",
            "press-1 rule stale.oil of #1 at plant.toml:18:1",
        ]
    );
}

#[test]
fn several_files_are_one_configuration() {
    let (first, second) = PRESS.split_at(PRESS.find("[class.press.rule").unwrap());
    let third = "[machine.a-first]\nclass = 'press'\n[machine.press-3.rule.limit.oil-hot]\nabove = 77.0\n";
    let files = [("1.toml", first), ("2.toml", second), ("3.toml", third)];
    let files = files.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
    let plan = config::read(files).unwrap();
    let keys: Vec<&str> = plan.site.machines.iter().map(|machine| machine.key.as_str()).collect();
    assert_eq!(keys, ["press-3", "a-first"], "the order of the files, not of the alphabet");
    assert_eq!(plan.machines[0].rules[0].place.to_string(), "3.toml:3:29");
    assert_eq!(plan.machines[1].rules[0].place.to_string(), "2.toml:1:25");
    assert_eq!(plan.machines[1].author.name, "a-first");
}

#[test]
fn a_diagnostic_is_readable_by_a_program() {
    let text = PRESS.replace("75.0", "\"75\"");
    let told = serde_json::to_value(wrong(&text)).unwrap();
    assert_eq!(
        told,
        serde_json::json!([{
            "severity": "error",
            "file": "plant.toml", "line": 22, "column": 12,
            "path": "class.press.rule.limit.oil-hot.above",
            "message": "invalid type: text \"75\", expected a number",
            "help": "write it without quotes: 75",
            "source": { "text": "above    = \"75\"", "caret": 11, "width": 4 },
        }])
    );
}

/// The schema is what editors complete from, so it must say what the program reads.
#[test]
fn the_schema_in_the_repository_is_the_one_of_the_program() {
    let file = Path::new("config/portevoix.schema.json");
    let made = serde_json::to_string_pretty(&config::schema()).unwrap() + "\n";
    let kept = fs::read_to_string(file).unwrap_or_default();
    if kept != made {
        if std::env::var_os("UPDATE").is_some() {
            fs::write(file, made).unwrap();
            return;
        }
        panic!("{} is not up to date: run with UPDATE=1", file.display());
    }
}

/// An unknown key in each table is answered with the keys that it knows: those of the schema, no other.
#[test]
fn the_schema_knows_the_keys_that_are_read() {
    let schema = config::schema();
    let check = |header: &str, pointer: &str, without: &[&str]| {
        let properties = schema.pointer(pointer).unwrap_or_else(|| panic!("{pointer}")).as_object().unwrap();
        for key in properties.keys().filter(|key| !without.contains(&key.as_str())) {
            let told = wrong(&format!("[{header}]\n{key} = 1979-05-27\n"));
            let at = format!("{header}.{key}");
            assert!(!told.iter().any(|d| d.path == at && d.message.contains("unknown")), "{at} is not read");
        }
        let told = wrong(&format!("[{header}]\nzzzzzzzzzzzz = 1\n"));
        let at = format!("{header}.zzzzzzzzzzzz");
        let unknown = told.iter().find(|d| d.path == at).unwrap_or_else(|| panic!("{at} passes"));
        assert!(unknown.message.starts_with("unknown key"), "{unknown}");
        let listed = unknown.message.split('`').skip(3).step_by(2);
        for key in listed {
            assert!(properties.contains_key(key), "{header}: `{key}` is read, and not in the schema");
        }
    };
    check("site", "/properties/site/properties", &[]);
    for kind in portevoix::source::kinds::KINDS.iter().map(|kind| kind.name()) {
        check(
            &format!("source.{kind}.a"),
            &format!("/properties/source/properties/{kind}/additionalProperties/properties"),
            &[],
        );
    }
    for kind in portevoix::network::kinds::KINDS.iter().map(|kind| kind.name()) {
        check(
            &format!("network.{kind}.a"),
            &format!("/properties/network/properties/{kind}/additionalProperties/properties"),
            &[],
        );
    }
    for kind in portevoix::rule::kinds::NAMES {
        let pointer = format!(
            "/properties/machine/additionalProperties/properties/rule/properties/{kind}/additionalProperties/properties"
        );
        check(&format!("machine.a.rule.{kind}.b"), &pointer, &[]);
    }
    check("machine.a", "/properties/machine/additionalProperties/properties", &["tag", "rule", "production"]);
}

/// Bytes of a good file changed at random: whatever comes out is told, and nothing panics.
mod mangled {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    const BITS: &[&str] = &[
        "\"",
        "'",
        "\"\"\"",
        "[",
        "]",
        "[[",
        "{",
        "}",
        "=",
        ".",
        ",",
        "#",
        "\n",
        "\r\n",
        "\t",
        "\u{1b}[2J",
        "é",
        "🏭",
        "\u{202E}",
        "\0",
        "nan",
        "-inf",
        "1e999",
        "99999999999999999999",
        "0x",
        "true",
        "1979-05-27",
        "[machine.",
        "[class.press",
        ".tag.oil]",
        "do.fr = ",
        "password = ",
        "source",
        "press-3",
        "\\u0000",
        "\\",
        " = ''",
        "{}",
    ];

    fn changes() -> impl Strategy<Value = Vec<(f64, usize, usize)>> {
        proptest::collection::vec((0.0..1.0, 0..40usize, 0..BITS.len()), 1..6)
    }

    /// The same cases each time. `PROPTEST_RNG_SEED` and `PROPTEST_CASES` give others.
    fn config() -> ProptestConfig {
        let given = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
        if std::env::var_os("PROPTEST_RNG_SEED").is_some() {
            return given;
        }
        ProptestConfig { cases: 4000, rng_seed: RngSeed::Fixed(20), ..given }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn never_panics(changes in changes(), second in any::<bool>()) {
            let mut text: Vec<char> = PRESS.chars().collect();
            for (at, length, bit) in changes {
                let start = (at * text.len() as f64) as usize;
                let end = (start + length).min(text.len());
                text.splice(start..end, BITS[bit].chars());
            }
            let text: String = text.into_iter().collect();
            let mut files = vec![("a.toml".to_owned(), text.clone())];
            if second {
                files.push(("b.toml".to_owned(), text));
            }
            let told = match config::read(files) {
                Ok(plan) => plan.warnings,
                Err(told) => {
                    prop_assert!(told.iter().any(|d| d.severity == config::Severity::Error));
                    told
                }
            };
            for diagnostic in told {
                let shown = diagnostic.to_string();
                prop_assert!(!shown.replace('\n', "").contains(char::is_control), "{shown:?}");
                let text = diagnostic.excerpt.map(|excerpt| excerpt.text).unwrap_or_default();
                prop_assert!(text.chars().count() <= 110, "{shown}");
            }
        }
    }
}

#[test]
fn what_we_give_as_an_example_is_right() {
    let begun = config::load(Path::new("config/portevoix.toml")).unwrap();
    let warned: Vec<&str> = begun.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(warned, ["no machine: nobody speaks"]);
    let shop = config::load(Path::new("examples/press-shop")).unwrap();
    assert_eq!(shop.warnings, []);
    let rules: Vec<usize> = shop.machines.iter().map(|machine| machine.rules.len()).collect();
    assert_eq!(rules, [4, 4, 4, 2]);
}

/// The file to begin with, with every comment of a key taken away, is still right.
#[test]
fn what_is_commented_out_can_be_used() {
    let text = fs::read_to_string("config/portevoix.toml").unwrap();
    let is_code = |line: &str| {
        line.starts_with('[') || line.split_once('=').is_some_and(|(key, _)| !key.trim().contains(' '))
    };
    let used: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|line| is_code(line)).unwrap_or(line))
        .collect();
    let plan = plan(&used.join("\n"));
    assert_eq!(plan.warnings, []);
    assert_eq!((plan.machines[0].rules.len(), plan.lists.len(), plan.summaries.len()), (12, 2, 1));
}

/// Depth and number are bounded: neither the stack nor the screen runs over.
#[test]
fn a_mountain_of_nonsense_is_told_in_few_words() {
    for text in [
        format!("a = {}", "[".repeat(200_000)),
        format!("a = {}", "{b=".repeat(200_000)),
        format!("{}a = 1", "a.".repeat(200_000)),
        format!("[{}a]", "a.".repeat(200_000)),
        format!("[site]\nname.{}a = 1", "a.".repeat(100)),
        "a = 1\n".repeat(50_000),
        "]\n".repeat(50_000),
        (0..50_000).map(|at| format!("[x{at}]\n")).collect(),
    ] {
        let told = wrong(&text);
        assert!((1..=201).contains(&told.len()), "{} mistakes", told.len());
        let longest = told.iter().map(|d| d.to_string().len()).max();
        assert!(longest < Some(2_000), "{longest:?}");
    }
}
