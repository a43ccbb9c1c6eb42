//! The real program, as a person starts it: its words, its exit codes, and the road from a value to the wall.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use peers::mosquitto::{Mosquitto, Options, Publisher};
use serde_json::Value;

pub const PATIENCE: Duration = Duration::from_secs(30);

/// A folder of its own for each test, gone afterwards.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("portevoix-it-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portevoix"));
    command.args(args).env_remove("RUST_LOG").env("LC_ALL", "C.UTF-8");
    command
}

pub fn run(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The service at work; killed when the test ends.
pub struct Service(Child);

impl Service {
    pub fn start(config: &Path, state: &Path) -> Service {
        Service::start_with(config, state, &[])
    }

    pub fn start_with(config: &Path, state: &Path, more: &[&str]) -> Service {
        let args = ["run", "--config", config.to_str().unwrap(), "--state", state.to_str().unwrap()];
        let log = std::fs::File::create(state.with_extension("log")).unwrap();
        Service(command(&args).args(more).stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    /// Asks it to read its configuration anew.
    pub fn hang_up(&self) {
        Command::new("kill").args(["-HUP", &self.0.id().to_string()]).status().unwrap();
    }

    /// Asks it to stop and gives its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let pid = self.0.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn get(port: u16, path: &str) -> Option<String> {
    let mut line = TcpStream::connect(("127.0.0.1", port)).ok()?;
    line.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(line, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    line.read_to_string(&mut answer).ok()?;
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

/// Waits until the wall shows what is asked for.
pub async fn wall(port: u16, is_there: impl Fn(&str) -> bool) -> String {
    let started = Instant::now();
    loop {
        let shown = get(port, "/api/posts").unwrap_or_default();
        if is_there(&shown) {
            return shown;
        }
        assert!(started.elapsed() < PATIENCE, "not in time; the wall shows: {shown}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub fn plant(broker: u16, page: u16) -> String {
    format!(
        r#"
[site]
name = "Usine de Vitré"
language = "fr"
timezone = "Europe/Paris"

[source.mqtt.hall-b]
url = "mqtt://127.0.0.1:{broker}"

[network.wall.local]
listen = "127.0.0.1:{page}"

[machine.press-3]
name = "Presse 3"
place = "Vitré/Atelier B"

[machine.press-3.tag.oil]
source = "hall-b"
topic = "usine/b/press-3/huile"
value = "/temperature"
name = "huile"
unit = "°C"

[machine.press-3.rule.limit.oil-hot]
tag = "oil"
above = 75
clear = 70
priority = 2
do.fr = "Vérifier l'échangeur."
"#
    )
}

#[test]
fn help_is_for_a_newcomer() {
    let help = run(&["--help"]);
    let said = text(&help.stdout);
    assert!(help.status.success());
    for word in ["portevoix demo", "demo", "run", "check", "preview", "explain", "schema", "doctor"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let wrong = run(&["dmeo"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("demo"), "{}", text(&wrong.stderr));
}

/// A configuration may be checked on another computer than the one that it is for; here, it does not run.
#[test]
fn a_secret_that_is_not_here_is_a_warning_for_check_and_wrong_for_doctor() {
    let folder = Folder::new("secret");
    let url = "url = \"mqtt://127.0.0.1:1883\"";
    let secret = format!("{url}\nuser = \"u\"\npassword = {{ file = \"/nowhere/secret\" }}");
    let file = folder.write("plant.toml", &plant(1883, 8080).replace(url, &secret));
    let file = file.to_str().unwrap();
    let checked = run(&["check", "--config", file]);
    let said = text(&checked.stderr);
    assert_eq!(checked.status.code(), Some(0), "{said}");
    assert!(said.contains("warning: ") && said.contains("source.mqtt.hall-b.password"), "{said}");
    let state = folder.0.join("state");
    let examined = run(&["doctor", "--config", file, "--state", state.to_str().unwrap()]);
    let said = text(&examined.stdout);
    assert_eq!(examined.status.code(), Some(1), "{said}");
    assert!(said.contains("WRONG  source.mqtt.hall-b password: secret file /nowhere/secret"), "{said}");
}

#[test]
fn a_wrong_configuration_is_2_and_is_told_with_its_place() {
    let folder = Folder::new("wrong");
    let file = folder.write("plant.toml", &plant(1883, 8080).replace("above = 75", "abvoe = 75"));
    let file = file.to_str().unwrap();
    for command in [["check", "--config", file], ["run", "--config", file], ["preview", "--config", file]] {
        let output = run(&command);
        assert_eq!(output.status.code(), Some(2), "{command:?}");
        let said = text(&output.stderr);
        assert!(said.contains("plant.toml:26:1  machine.press-3.rule.limit.oil-hot.abvoe"), "{said}");
        assert!(said.contains("did you mean `above`"), "{said}");
    }
    let json = run(&["check", "--json", "--config", file]);
    let found: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((json.status.code(), found[0]["line"].as_u64()), (Some(2), Some(26)));
}

#[test]
fn preview_and_check_need_no_device() {
    let folder = Folder::new("preview");
    let file = folder.write("plant.toml", &plant(1, 2));
    let file = file.to_str().unwrap();
    let checked = run(&["check", "--config", file]);
    assert_eq!(text(&checked.stdout), "fine: 1 source, 1 machine, 1 tag, 1 rule, 1 network\n");
    let preview = text(&run(&["preview", "--config", file]).stdout);
    assert!(preview.contains("⚠️ ATTENTION · Presse 3 · huile à 79\u{A0}°C (limite 75) depuis"), "{preview}");
    assert!(preview.contains("✅ RÉTABLI · Presse 3"), "{preview}");
    let none = run(&["preview", "--config", file, "--machine", "nobody"]);
    assert_eq!(none.status.code(), Some(2));
    let near = text(&run(&["preview", "--config", file, "--machine", "pres-3"]).stderr);
    assert!(near.contains("no machine `pres-3`") && near.contains("did you mean `press-3`?"), "{near}");
}

#[test]
fn the_schema_is_json() {
    let schema: Value = serde_json::from_slice(&run(&["schema"]).stdout).unwrap();
    assert!(schema["properties"]["machine"].is_object());
}

#[tokio::test]
async fn a_value_becomes_one_living_post_and_survives_a_restart() {
    let folder = Folder::new("road");
    let broker = Mosquitto::start(Options::default()).await;
    let page = free_port();
    let file = folder.write("plant.toml", &plant(broker.port(), page));
    let state = folder.0.join("state");
    let mut service = Service::start(&file, &state);
    wall(page, |shown| shown.contains("posts")).await;
    let mut machine = Publisher::connect(broker.port()).await.unwrap();
    let topic = "usine/b/press-3/huile";
    // A message that is not even JSON, among good ones, is counted and stops nothing.
    machine.publish(topic, b"{broken", 1, false).await.unwrap();
    machine.publish(topic, br#"{"temperature": 82.4}"#, 1, false).await.unwrap();
    let shown = wall(page, |shown| shown.contains("ATTENTION")).await;
    assert!(shown.contains("82"), "{shown}");
    assert_eq!(service.stop(), Some(0));

    let mut service = Service::start(&file, &state);
    // Said while nobody listened: the broker keeps it for our session.
    machine.publish(topic, br#"{"temperature": 61.0}"#, 1, false).await.unwrap();
    let shown = wall(page, |shown| shown.contains("RÉTABLI")).await;
    assert!(!shown.contains("ATTENTION"), "changed in place: {shown}");
    let posts: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(posts["posts"].as_array().unwrap().len(), 1, "{shown}");

    let state_arg = state.to_str().unwrap();
    let explain = ["explain", "--config", file.to_str().unwrap(), "--state", state_arg];
    let explained = text(&run(&explain).stdout);
    for word in [
        "opened: press-3 limit.oil-hot, step 1, value 82.4",
        "cleared",
        "network local: taken, part root",
        "rule limit.oil-hot of press-3, of the machine, at ",
        "above      75 °C",
        "on_delay   0s",
    ] {
        assert!(explained.contains(word), "{word}: {explained}");
    }
    let second = run(&["run", "--config", file.to_str().unwrap(), "--state", state_arg]);
    assert_eq!(second.status.code(), Some(1));
    assert!(
        text(&second.stderr).contains("another portevoix is already running"),
        "{}",
        text(&second.stderr)
    );
    assert_eq!(service.stop(), Some(0));
}

#[tokio::test]
async fn doctor_tells_of_bad_values_and_a_lost_broker() {
    let folder = Folder::new("doctor");
    let mut broker = Mosquitto::start(Options::default()).await;
    let page = free_port();
    let file = folder.write("plant.toml", &plant(broker.port(), page));
    let state = folder.0.join("state");
    let service = Service::start(&file, &state);
    wall(page, |shown| shown.contains("posts")).await;
    let args = ["doctor", "--config", file.to_str().unwrap(), "--state", state.to_str().unwrap()];
    let told = |word: &'static str| {
        let started = Instant::now();
        move || loop {
            let output = run(&args);
            let said = text(&output.stdout);
            if said.contains(word) {
                return (said, output.status.code());
            }
            assert!(started.elapsed() < PATIENCE, "{word} is not in: {said}");
            std::thread::park_timeout(Duration::from_millis(200));
        }
    };
    let mut machine = Publisher::connect(broker.port()).await.unwrap();
    machine.publish("usine/b/press-3/huile", b"{\"temperature\": \"n/a\"}", 1, false).await.unwrap();
    let (said, code) = told("tag press-3/oil: 1 of 1 values bad")();
    assert!(said.contains("n/a") && code == Some(1), "{said}");
    broker.kill();
    let (said, _) = told("source hall-b: not connected")();
    assert!(said.contains("fine   clock"), "{said}");
    drop(service);
    told("service: not running")();
}

#[tokio::test]
async fn a_damaged_store_is_set_aside_and_told() {
    let folder = Folder::new("damaged");
    let broker = Mosquitto::start(Options::default()).await;
    let page = free_port();
    let file = folder.write("plant.toml", &plant(broker.port(), page));
    let state = folder.0.join("state");
    std::fs::create_dir_all(&state).unwrap();
    std::fs::write(state.join("portevoix.sqlite"), vec![0x5a; 40_000]).unwrap();
    let mut service = Service::start(&file, &state);
    let shown = wall(page, |shown| shown.contains("mise de côté")).await;
    assert!(shown.contains("illisible"), "{shown}");
    let aside = std::fs::read_dir(&state).unwrap().filter_map(Result::ok);
    let aside = aside.filter(|entry| entry.file_name().to_string_lossy().contains("damaged")).count();
    assert_eq!(aside, 1);
    assert_eq!(service.stop(), Some(0));
}

#[tokio::test]
async fn the_demo_speaks_within_fifteen_seconds_in_the_language_of_the_environment() {
    for (locale, word, sentence) in
        [("fr_FR.UTF-8", "ATTENTION", "À regarder"), ("en_GB.UTF-8", "WARNING", "Look at")]
    {
        let page = free_port();
        let started = Instant::now();
        let demo = command(&["demo", "--port", &page.to_string()])
            .env("LC_ALL", locale)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut demo = Service(demo);
        wall(page, |shown| shown.contains(word)).await;
        assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
        assert_eq!(demo.stop(), Some(0));
        let mut said = String::new();
        demo.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(said.contains(sentence) && said.contains(&format!("http://127.0.0.1:{page}")), "{said}");
    }
}

#[tokio::test]
async fn systemd_is_told_when_it_is_ready_alive_and_leaving() {
    let folder = Folder::new("notify");
    let broker = Mosquitto::start(Options::default()).await;
    let file = folder.write("plant.toml", &plant(broker.port(), free_port()));
    let socket = folder.0.join("notify");
    let heard = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
    heard.set_read_timeout(Some(PATIENCE)).unwrap();
    let state = folder.0.join("state");
    let args = ["run", "--config", file.to_str().unwrap(), "--state", state.to_str().unwrap()];
    let mut command = command(&args);
    command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "3000000").stderr(Stdio::null());
    let mut service = Service(command.spawn().unwrap());
    let next = || {
        let mut told = [0u8; 256];
        let length = heard.recv(&mut told).unwrap();
        text(&told[..length])
    };
    assert!(next().contains("READY=1"));
    for _ in 0..3 {
        assert!(next().contains("WATCHDOG=1"));
    }
    assert_eq!(service.stop(), Some(0));
    assert!(std::iter::repeat_with(next).take(10).any(|told| told.contains("STOPPING=1")));
}
