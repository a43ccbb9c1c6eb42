//! `portevoix probe`: what each of them prints is a plant that `portevoix check` accepts as it stands.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Output;

use peers::modbus::{Fake, Fault, Framing};
use peers::mosquitto::{Mosquitto, Options, Publisher};

use crate::program::{Folder, run, text};

/// Runs a probe while its peer lives on this runtime.
async fn probe(args: &[&str]) -> Output {
    let args: Vec<String> = std::iter::once("probe").chain(args.iter().copied()).map(str::to_owned).collect();
    let probe = move || run(&args.iter().map(String::as_str).collect::<Vec<&str>>());
    tokio::task::spawn_blocking(probe).await.unwrap()
}

/// The probe goes well, and `check` finds nothing to mend in what it printed, which holds all of `holds`.
#[track_caller]
fn accept(name: &str, found: &Output, holds: &[&str]) {
    let (printed, said) = (text(&found.stdout), text(&found.stderr));
    assert!(found.status.success(), "{said}");
    let folder = Folder::new(&format!("probed-{name}"));
    let file = folder.write("plant.toml", &printed);
    let checked = run(&["check", "--config", file.to_str().unwrap()]);
    assert!(checked.status.success(), "{}\n{printed}", text(&checked.stderr));
    assert!(!text(&checked.stderr).contains("warning"), "{}\n{printed}", text(&checked.stderr));
    for words in holds {
        assert!(printed.contains(words), "{words}\n{printed}\n{said}");
    }
}

#[tokio::test]
async fn mqtt_prints_a_plant() {
    let broker = Mosquitto::start(Options::default()).await;
    let mut publisher = Publisher::connect(broker.port()).await.unwrap();
    publisher.publish("usine/b/Presse 3/Température", b"61.5", 1, true).await.unwrap();
    publisher
        .publish("usine/b/press-4/oil", br#"{"value": 1.5, "at": "2026-11-24T08:00:00Z"}"#, 1, true)
        .await
        .unwrap();
    let found = probe(&["mqtt", &format!("mqtt://127.0.0.1:{}", broker.port()), "--for", "1s"]).await;
    accept("mqtt", &found, &["[machine.presse-3.tag.temperature]", "[machine.press-4.tag.oil]"]);
}

#[tokio::test]
async fn modbus_prints_a_plant() {
    let values = |_: u8, _: u8, address: u16| if address == 2 { 498 } else { 7 };
    let device = Fake::with_values(Framing::Tcp, values, |_| Fault::None).await;
    let line = format!("tcp://127.0.0.1:{}", device.port);
    // As people write it, and the step is written as the configuration has numbers.
    let found = probe(&["modbus", &line, "--known", "49,8"]).await;
    accept("modbus-known", &found, &["holding = 2", "scale = 0.1"]);
    assert!(text(&found.stderr).lines().count() <= 14, "{}", text(&found.stderr));
    accept("modbus", &probe(&["modbus", &line, "--table", "input"]).await, &["input = 0"]);
    let cut = run(&["probe", "modbus", &line, "--count", "126"]);
    assert_eq!(cut.status.code(), Some(2));
    assert!(text(&cut.stderr).contains("125"), "{}", text(&cut.stderr));
    let bare = run(&["probe", "modbus", "10.0.0.7:502"]);
    assert!(text(&bare.stderr).contains("tcp://10.0.0.7:502"), "{}", text(&bare.stderr));
}

#[cfg(feature = "opcua")]
#[tokio::test]
async fn opcua_prints_a_plant() {
    let server = peers::opcua::OpcUa::asyncua(&["security=open"]).await;
    let folder = Folder::new("probe-opcua-state");
    let found = probe(&["opcua", &server.url(), "--insecure", "--state", folder.0.to_str().unwrap()]).await;
    accept("opcua", &found, &["[machine.machine.tag.oil]"]);
}

#[test]
fn files_prints_a_plant() {
    let folder = Folder::new("probe-files");
    folder.write("of.csv", "N° OF;Qté;Qté;État\nOF-1;1,5;1;fini\nOF-2;2,5;1;fini\nTOTAL;4;2;\n");
    let found = run(&["probe", "files", folder.0.to_str().unwrap()]);
    accept("files", &found, &["key = [\"n-of\"]", "# A guess: ", "timezone = \"Europe/Paris\""]);
}

/// Answers one request with a page of orders.
fn erp() -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/orders", listener.local_addr().unwrap());
    let serve = move || {
        let (mut line, _) = listener.accept().unwrap();
        let _ = line.read(&mut [0; 4096]).unwrap();
        let page = r#"{"items": [{"état": "open", "number": "OF-1", "qty": 2}, {"état": "open", "number": "OF-2", "qty": 2}],
            "users": [{"id": 1}]}"#;
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:";
        write!(line, "{head} {}\r\n\r\n{page}", page.len()).unwrap();
    };
    (url, std::thread::spawn(serve))
}

#[test]
fn http_prints_a_plant() {
    let (url, served) = erp();
    let folder = Folder::new("probe-token");
    let token = folder.write("token", "secret");
    let found = run(&["probe", "http", &url, "--bearer-file", token.to_str().unwrap()]);
    let holds =
        ["[list.items]", "key = [\"number\"]", "[list.users]", "field.etat", "auth.bearer = { file = "];
    accept("http", &found, &holds);
    served.join().unwrap();
}

#[cfg(feature = "sql")]
#[tokio::test]
async fn sql_prints_a_plant() {
    use peers::sql::{Database, Kind, READER};
    let database = Database::start(Kind::Postgres).await;
    database.run(
        "create table orders (number text, qty int, due timestamptz); grant select on orders to reader; \
                  insert into orders values ('OF-1', 2, now()), ('OF-2', 2, now());",
    );
    let folder = Folder::new("probe-sql");
    let password = folder.write("password", READER.1);
    let url = database.url();
    let login =
        ["sql", &url, "--user", READER.0, "--password-file", password.to_str().unwrap(), "--insecure"];
    let asked = [&login[..], &["--query", "select qty, number, due from orders"]].concat();
    let holds =
        ["key = [\"number\"]", "field.qty = { from = \"qty\", type = \"number\" }", "type = \"time\""];
    accept("sql", &probe(&asked).await, &holds);
    // The tables are shown; nobody wants them as a list.
    let tables = probe(&login).await;
    assert!(tables.status.success() && text(&tables.stderr).contains("orders"), "{}", text(&tables.stderr));
}

#[test]
fn exec_prints_a_plant_and_leaves_nothing_behind() {
    let folder = Folder::new("probe-exec");
    folder.write(
        "say.sh",
        r#"echo '{"tag":"four/Température","value":61}'; pwd >&2; touch "$PORTEVOIX_STATE/cursor""#,
    );
    let here = ["probe", "exec", "--folder", folder.0.to_str().unwrap(), "sh"];
    let found = run(&[&here[..], &["say.sh"]].concat());
    let place = format!("folder = \"{}\"", folder.0.display());
    accept("exec", &found, &["[machine.four.tag.temperature]", "every = \"1m\"", &place]);
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1, "its state is not here");
    folder.write("fail.sh", "echo '{\"tag\":\"four/a\",\"value\":61}'; exit 3");
    let failed = run(&[&here[..], &["fail.sh"]].concat());
    assert_eq!(failed.status.code(), Some(1), "{}", text(&failed.stdout));
    assert!(text(&failed.stderr).contains('3'), "{}", text(&failed.stderr));
}
