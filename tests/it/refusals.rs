//! What `portevoix run` would refuse because of the configuration alone, `portevoix check` refuses before it, with the
//! place: for each adapter, what its `build` finds and no table shows by itself. And what two tables together make
//! wrong.

use std::fs;

use portevoix::config::{self, Diagnostic, Severity};

const BEGIN: &str = "[site]\nname = \"Usine\"\nlanguage = \"en\"\n";
const WALL: &str = "[network.wall.local]\n";
const MACHINE: &str = "[machine.press-3]\n";

fn told(text: &str) -> Vec<Diagnostic> {
    match config::read(vec![("plant.toml".to_owned(), format!("{BEGIN}{text}"))]) {
        Ok(plan) => plan.warnings,
        Err(told) => told,
    }
}

/// One error, whose place shows this line of the file, with these words.
#[track_caller]
fn refused(text: &str, line: &str, words: &str) {
    let errors: Vec<Diagnostic> =
        told(text).into_iter().filter(|told| told.severity == Severity::Error).collect();
    let [error] = &errors[..] else { panic!("one mistake in {text}, found {errors:#?}") };
    let shown = error.excerpt.as_ref().map(|excerpt| excerpt.text.as_str()).unwrap_or_default();
    assert!(shown.contains(line), "{line}: {error}");
    assert!(error.to_string().contains(words), "{words}: {error}");
}

#[track_caller]
fn fine(text: &str) {
    let errors: Vec<Diagnostic> =
        told(text).into_iter().filter(|told| told.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// A tag of press-3 out of a source with this table.
fn tag(source: &str, tag: &str) -> String {
    format!("{WALL}[source.{source}\n{MACHINE}[machine.press-3.tag.oil]\nsource = \"a\"\n{tag}\n")
}

/// A list out of a source with this table.
fn list(source: &str, list: &str) -> String {
    format!("{WALL}[source.{source}\n[list.orders]\nsource = \"a\"\nkey = [\"of\"]\n{list}\n")
}

const MODBUS: &str = "modbus.a]\nurl = \"tcp://10.0.0.5\"";
const FILES: &str = "files.a]\nfolder = \"/srv/erp\"";
const BAD_DATE: &str =
    "field.of = { from = \"OF\" }\nfield.due = { from = \"Fin\", type = \"time\", format = \"jj/mm\" }";

#[test]
fn modbus_knows_its_devices_before_it_runs() {
    refused(
        &tag(MODBUS, "device = \"eastron-sdm60\"\npoint = \"power-total\""),
        "device = ",
        "did you mean `eastron-sdm630`?",
    );
    let text = tag(MODBUS, "device = \"eastron-sdm630\"\npoint = \"power-totl\"");
    refused(&text, "point = ", "did you mean `power-total`?");
    // Not sixty points: the nearest.
    assert!(told(&text)[0].message.matches('`').count() < 20, "{}", told(&text)[0]);
    refused(&tag(MODBUS, "device = \"sunspec\"\npoint = \"103/WW\""), "point = ", "did you mean `W`?");
}

#[test]
fn device_files_of_ones_own_are_a_part_of_the_configuration() {
    let folder = std::env::temp_dir().join(format!("portevoix-devices-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let device = "maker = 'A'\nmodel = 'B'\ntier = 'documented'\ntable = 'input'\n[point.heat]\nat = 1\nas = 'uint16'\n";
    fs::write(folder.join("oven.toml"), device).unwrap();
    let source = format!("{MODBUS}\ndevices = \"{}\"", folder.display());
    fine(&tag(&source, "device = \"oven\"\npoint = \"heat\""));
    refused(&tag(&source, "device = \"ovn\"\npoint = \"heat\""), "device = ", "did you mean `oven`?");
    refused(&tag(&source, "device = \"oven\"\npoint = \"haet\""), "point = ", "did you mean `heat`?");
    fs::write(folder.join("oven.toml"), "maker = 1").unwrap();
    refused(&tag(&source, "holding = 1"), "devices = ", "oven.toml");
    fs::remove_dir_all(&folder).unwrap();
    // Perhaps it is there on the computer that this is for.
    fine(&tag(&source, "holding = 1"));
}

#[test]
fn files_know_their_fields_before_they_run() {
    let csv = "files = \"*.csv\"\nformat.csv = {}\n";
    refused(&list(FILES, &format!("{csv}{BAD_DATE}")), "format = \"jj/mm\"", "names no day");
    refused(
        &list(FILES, "files = \"*\"\nformat.csv = { header = false }\nfield.of = { from = \"N° OF\" }"),
        "from = \"N° OF\"",
        "the number of a column",
    );
    refused(
        &list(FILES, "files = \"*\"\nformat.fixed = {}\nfield.of = { from = \"OF\" }"),
        "from = \"OF\"",
        "first and last character",
    );
    refused(
        &list(FILES, "files = \"*\"\nformat.fixed = {}\nfield.of = {}"),
        "field.of",
        "missing key `from`",
    );
    refused(
        &list(FILES, "files = \"*\"\nformat.xml = { rows = \"r\" }\nfield.of = { from = \"../../x\" }"),
        "from = \"../../x\"",
        "a path from the row",
    );
    refused(
        &list(FILES, "files = \"*\"\nformat.csv = { encoding = \"cp1252\" }\nfield.of = { from = \"OF\" }"),
        "encoding = \"cp1252\"",
        "did you mean `windows-1252`?",
    );
}

#[test]
fn every_source_of_records_knows_its_formats_before_it_runs() {
    refused(
        &list("http.a]\nurl = \"http://127.0.0.1/\"", &format!("path = \"of\"\n{BAD_DATE}")),
        "format = ",
        "names no day",
    );
    refused(&list("exec.a]\ncommand = [\"/bin/true\"]", BAD_DATE), "format = ", "names no day");
    #[cfg(feature = "sql")]
    refused(
        &list(
            "sql.a]\nurl = \"postgres://127.0.0.1/erp\"\nuser = \"u\"\ntls = \"disable\"",
            &format!("query = \"select 1\"\n{BAD_DATE}"),
        ),
        "format = ",
        "names no day",
    );
}

#[test]
fn http_knows_what_its_tags_need_before_it_runs() {
    let listen = "http.a]\nlisten = { address = \"127.0.0.1:8091\", secret = { env = \"S\" } }";
    refused(&tag(listen, "path = \"oil\"\nvalue = \"/v\""), "path = ", "its source has no `url`");
    let url = "http.a]\nurl = \"http://127.0.0.1/\"";
    refused(&tag(url, "hook = \"/oil\"\nvalue = \"/v\""), "hook = ", "its source has no `listen`");
    refused(
        &list(url, "hook = \"/of\"\nfield.of = { from = \"of\" }"),
        "hook = ",
        "its source has no `listen`",
    );
    refused(
        &tag(
            "http.a]\nurl = \"http://127.0.0.1/\"\nheaders = { X-Plant = \"a\\nb\" }",
            "path = \"x\"\nvalue = \"/v\"",
        ),
        "headers = ",
        "no header has",
    );
}

#[test]
fn mqtt_and_opcua_know_what_does_not_go_together_before_they_run() {
    refused(
        &tag(
            "mqtt.a]\nurl = \"mqtt://127.0.0.1\"\nshare = \"gates\"",
            "metric = \"Oil\"\ngroup = \"g\"\nedge = \"e\"",
        ),
        "metric = ",
        "shared subscription",
    );
    refused(
        &tag("mqtt.a]\nurl = \"mqtt://127.0.0.1\"", "metric = \"Oil\"\ngroup = \"g\""),
        "[machine.press-3.tag.oil]",
        "missing key `edge`",
    );
    #[cfg(feature = "opcua")]
    refused(
        &tag("opcua.a]\nurl = \"opc.tcp://127.0.0.1\"", "node = \"nsu=urn:x;{machine}\""),
        "node = ",
        "expected",
    );
}

#[test]
fn networks_know_what_is_wrong_before_they_run() {
    refused(
        "[network.mattermost.a]\nurl = \"https://chat.usine.local\"\nchannel = \"b\"\n",
        "mattermost",
        "token",
    );
    refused(
        "[network.matrix.a]\nurl = \"https://matrix.usine.local\"\nas_token = { env = \"X\" }\nroom = \"atelier\"\n",
        "room = ",
        "expected `#name:server`",
    );
    refused(
        "[network.http.a]\nurl = \"https://chat.usine.local\"\nbody = \"{{ nobody( }}\"\n",
        "body = ",
        "body",
    );
    refused("[network.wall.a]\nlisten = \"0.0.0.0:8080\"\n", "listen = ", "open_to_all");
}

#[test]
fn one_port_has_one_listener() {
    refused(
        "[network.wall.a]\n[network.wall.b]\nlisten = \"127.0.0.1:8080\"\n",
        "listen = ",
        "where `a` listens already",
    );
    refused(
        "[network.wall.a]\n[source.http.b]\nlisten = { address = \"0.0.0.0:8080\", secret = { env = \"S\" } }\n",
        "[network.wall.a]",
        "where `b` listens already",
    );
    fine("[network.wall.a]\n[network.wall.b]\nlisten = \"127.0.0.1:8081\"\n");
}

const CLASS: &str = "[network.wall.local]\n[source.mqtt.a]\nurl = \"mqtt://127.0.0.1\"\n[class.press.tag.oil]\nsource = \"a\"\n";

#[test]
fn a_tag_of_a_class_names_its_machine() {
    let machines = "[machine.p1]\nclass = \"press\"\n[machine.p2]\nclass = \"press\"\n";
    for topic in ["usine/oil", "usine/+/oil"] {
        let text = format!("{CLASS}topic = \"{topic}\"\n{machines}");
        refused(&text, "topic = ", "no `{machine}` in the address of tag `oil`");
    }
    fine(&format!("{CLASS}topic = \"usine/{{machine}}/oil\"\n{machines}"));
    // One machine, or each with its own.
    fine(&format!("{CLASS}topic = \"usine/oil\"\n[machine.p1]\nclass = \"press\"\n"));
    fine(&format!("{CLASS}topic = \"usine/oil\"\n{machines}tag.oil.topic = \"usine/2/oil\"\n"));
}

#[test]
fn a_rule_is_on_a_tag_that_brings_what_it_takes() {
    let mqtt = tag("mqtt.a]\nurl = \"mqtt://127.0.0.1\"", "topic = \"a\"");
    refused(&format!("{mqtt}[machine.press-3.rule.alarms.all]\ntag = \"oil\"\n"), "tag = ", "brings values");
    refused(
        &format!("{mqtt}[machine.press-3.rule.record.late]\nsay = \"late\"\n"),
        "record",
        "[list.<name>.rule.record.<rule>]",
    );
    #[cfg(feature = "opcua")]
    {
        let events = tag("opcua.a]\nurl = \"opc.tcp://127.0.0.1\"", "events = \"i=2253\"");
        for rule in ["limit.hot]\nabove = 1", "stale.mute]\nafter = \"5m\""] {
            let text = format!("{events}[machine.press-3.rule.{rule}\ntag = \"oil\"\n");
            refused(&text, "tag = ", "listens to alarms");
        }
        let silent =
            tag("opcua.a]\nurl = \"opc.tcp://127.0.0.1\"", "events = \"i=2253\"\nstale_after = \"5m\"");
        refused(&silent, "stale_after = ", "listens to alarms");
        fine(&format!("{events}[machine.press-3.rule.alarms.all]\ntag = \"oil\"\n"));
    }
}

#[test]
fn a_condition_can_be_true() {
    let orders = |condition: &str| {
        let fields = "files = \"*\"\nformat.csv = {}\nmachine = \"of\"\nfield.of = { from = \"OF\" }\n\
            field.done = { from = \"Soldé\", type = \"flag\", format = \"Oui/Non\" }\n\
            field.left = { from = \"Reste\", type = \"number\" }\nfield.due = { from = \"Fin\", type = \"time\" }\n";
        list(FILES, &format!("{fields}[list.orders.rule.record.late]\nsay = \"late\"\nwhile = {condition}\n"))
    };
    for (field, is, words) in [
        ("done", "Oui", "expected `true`"),
        ("done", "Non", "expected `false`"),
        ("done", "X", "expected `true` or `false`"),
        ("left", "12,0", "expected `12`"),
        ("left", "beaucoup", "expected one such as `12`"),
        ("due", "2026-11-23", "holds a time"),
        ("of", "", "an empty cell holds nothing"),
        ("doen", "true", "did you mean `done`?"),
    ] {
        refused(&orders(&format!("{{ field = \"{field}\", is = [\"{is}\"] }}")), "while = ", words);
    }
    for (field, is) in [("done", "true"), ("left", "12"), ("left", "-0.5"), ("of", "Bloqué")] {
        fine(&orders(&format!("{{ field = \"{field}\", is = [\"{is}\"] }}")));
    }
    let current = "files = \"*\"\nformat.csv = {}\nmachine = \"of\"\nfield.of = { from = \"OF\", type = \"number\" }\n\
        current = { field = \"of\", is = [\"12,5\"] }";
    refused(&list(FILES, current), "current = ", "expected `12.5`");
}

#[test]
fn a_secret_among_plain_headers_is_told_with_where_it_belongs() {
    for (text, instead) in [
        (
            "[source.http.a]\nurl = \"https://erp.local/\"\nheaders = { Authorization = \"Bearer hunter2\" }\n",
            "auth = { bearer = { file",
        ),
        (
            "[source.http.a]\nurl = \"https://erp.local/\"\nheaders = { X-API-Key = \"hunter2\" }\n",
            "auth = { header = {",
        ),
        (
            "[network.http.a]\nurl = \"https://chat.local/\"\nheaders = { Authorization = \"hunter2\" }\n",
            "secret_headers = {",
        ),
    ] {
        let told: Vec<String> = told(&format!("{WALL}{text}"))
            .iter()
            .map(ToString::to_string)
            .filter(|told| told.contains("headers"))
            .collect();
        assert!(
            told.len() == 1 && told[0].starts_with("warning: ") && told[0].contains(instead),
            "{told:#?}"
        );
        assert!(!told[0].contains("hunter2"), "{}", told[0]);
    }
    let plain = "[source.http.a]\nurl = \"https://erp.local/\"\nheaders = { X-Tenant = \"1\" }\n";
    assert!(!told(&format!("{WALL}{plain}")).iter().any(|told| told.message.contains("secret")));
}
