//! What stands around the program: a broker, machines that speak at a steady rate, a network, and files that change.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use contract::Moment;
use peers::looked::Looked;
use peers::mosquitto::{Mosquitto, Options, Publisher};
use serde_json::Value;

use super::mutant::Mutant;

/// Machines whose readings are counted.
pub const MACHINES: usize = 5;
/// Readings a second, of all machines together.
pub const RATE: u64 = 1_000;
/// After so many reloads the other source changes.
pub const SOURCE_EVERY: usize = 10;
/// The words of one machine are followed by those of the next; then the next beat is waited for.
const BEAT: Duration = Duration::from_millis(5);

/// A post of the network.
pub struct Told {
    pub episode: String,
    pub rule: String,
    pub is_open: bool,
}

/// A running plant. Dropped to stop it.
pub struct Plant {
    pub folder: PathBuf,
    broker: Mosquitto,
    hook: Looked,
    /// How often each machine speaks.
    each: u64,
}

impl Plant {
    pub fn start(each: u64) -> Plant {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("portevoix-reload-{}-{count}", std::process::id()));
        std::fs::create_dir_all(folder.join("config")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let options = Options { inflight: 1_000, ..Options::default() };
        let broker = runtime.block_on(Mosquitto::start(options));
        let plant = Plant { folder, broker, hook: Looked::start(), each };
        std::fs::write(plant.folder.join("config/site.toml"), plant.site()).unwrap();
        plant.write(0);
        plant
    }

    /// What does not change.
    fn site(&self) -> String {
        let (port, url, each) = (self.broker.port(), self.hook.url(), self.each);
        let body = "'{\"text\": {{ text | tojson }}, \"key\": {{ key | tojson }}, \"rule\": {{ provenance.rule | tojson }}, \
                    \"episode\": {{ episode | tojson }}, \"mark\": {{ mark | tojson }}}'";
        let mut toml = format!(
            r#"
[site]
name = "Vitré"
language = "fr"
[source.mqtt.b]
url = "mqtt://127.0.0.1:{port}"
client_id = "reload"
[source.mqtt.c]
url = "mqtt://127.0.0.1:{port}"
client_id = "other"
[network.http.hook]
url = "{url}/posts"
body = {body}
receipt = "/id"
settle = "2s"
pace = {{ burst = 20, refill = "10ms" }}
edit = {{ url = "{url}/posts/{{{{ receipt }}}}", method = "PUT" }}
look = {{ url = "{url}/posts", items = "/posts", receipt = "/id" }}
[class.press.tag.parts]
source = "b"
topic = "b/{{machine}}/parts"
value = "/v"
time = "/ts"
[class.press.rule.count.all]
tag = "parts"
of = "readings"
over = "1h"
above = {all}.5
priority = 1
do = "Rien."
[class.press.rule.count.more]
tag = "parts"
of = "readings"
over = "1h"
above = {each}.5
priority = 1
do = "Rien."
[machine.oven]
name = "Four"
[machine.oven.tag.oil]
source = "b"
topic = "b/oven/oil"
value = "/v"
time = "/ts"
[machine.oven.tag.steam]
source = "c"
topic = "b/oven/steam"
value = "/v"
time = "/ts"
[machine.oven.tag.water]
source = "b"
topic = "b/oven/water"
value = "/v"
time = "/ts"
"#,
            all = each - 1
        );
        for machine in 0..MACHINES {
            toml += &format!("[machine.m-{machine}]\nclass = \"press\"\nname = \"Presse {machine}\"\n");
        }
        toml
    }

    /// The rules of this turn; true if the files are broken.
    pub fn write(&self, turn: usize) -> bool {
        let rule = |name: &str, tag: &str, above: usize| {
            format!(
                "[machine.oven.rule.limit.{name}]\ntag = \"{tag}\"\nabove = {above}\npriority = 1\ndo = \"Rien.\"\n"
            )
        };
        let mut toml = rule("hot", "oil", 80) + &rule("swing", "oil", 70 + turn % 2);
        if turn % 5 != 2 {
            toml += &rule("gone", "water", 60);
        }
        // One more rule with each turn, and none again after ten.
        for more in 0..turn % 10 {
            toml += &rule(&format!("more-{more}"), "oil", 200 + more);
        }
        // A tag that comes and goes: its source alone is built anew.
        if turn / SOURCE_EVERY % 2 == 1 {
            toml += "[machine.oven.tag.air]\nsource = \"c\"\ntopic = \"b/oven/air\"\nvalue = \"/v\"\n";
        }
        let is_broken = turn % 5 == 4;
        let broken = self.folder.join("config/broken.toml");
        if is_broken {
            std::fs::write(&broken, "[machine.oven.rule.limit.broken]\ntag = \"oli\"\nabove = 1\n").unwrap();
        } else {
            let _ = std::fs::remove_file(&broken);
        }
        std::fs::write(self.folder.join("config/rules.toml"), toml).unwrap();
        is_broken
    }

    /// The machines begin to speak.
    pub fn speak(&self) -> Speech {
        let (said, may_end) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (port, each) = (self.broker.port(), self.each);
        let shared = (said.clone(), may_end.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(speak(port, each, &shared.0, &shared.1));
        });
        Speech { said, may_end, thread }
    }

    /// The first posts of all threads.
    pub fn posts(&self) -> Vec<Told> {
        let text = |body: &Value, key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let told = |body: &Value| Told {
            episode: text(body, "episode"),
            rule: text(body, "rule"),
            is_open: text(body, "mark") != "cleared",
        };
        self.hook.posts().iter().filter(|post| post.under.is_none()).map(|post| told(&post.body)).collect()
    }

    /// True when nothing is left to tell.
    pub fn is_all_told(&self) -> bool {
        let posts = self.posts();
        let open = |rule: &str| posts.iter().filter(|post| post.rule == rule && post.is_open).count();
        open("count.all") == MACHINES && open("limit.gone") == 1
    }
}

impl Drop for Plant {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The machines while they speak.
pub struct Speech {
    said: Arc<AtomicU64>,
    may_end: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Speech {
    /// How many readings were taken by the broker.
    pub fn said(&self) -> u64 {
        self.said.load(Ordering::Relaxed)
    }

    /// Says what is left.
    pub fn finish(self) {
        self.may_end.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

/// Each machine its number of readings; the last one not before it may, so that reloads are never without any before
/// it.
async fn speak(port: u16, each: u64, said: &AtomicU64, may_end: &AtomicBool) {
    let mut publisher = Publisher::connect(port).await.unwrap();
    say(&mut publisher, "oven/water", 65).await;
    let mut beat = tokio::time::interval(BEAT);
    for turn in 0..each {
        beat.tick().await;
        while turn + 1 == each && !may_end.load(Ordering::Relaxed) {
            beat.tick().await;
        }
        if turn % 20 == 0 {
            say(&mut publisher, "oven/oil", 85 + turn % 3).await;
            say(&mut publisher, "oven/steam", 120).await;
        }
        for machine in 0..MACHINES {
            say(&mut publisher, &format!("m-{machine}/parts"), turn + 1).await;
            said.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn say(publisher: &mut Publisher, topic: &str, value: u64) {
    let at = Moment::from_system(std::time::SystemTime::now());
    let payload = format!("{{\"v\":{value},\"ts\":{}}}", at.as_ms());
    publisher.publish(&format!("b/{topic}"), payload.as_bytes(), 1, false).await.unwrap();
}

/// The program at work.
pub struct Service {
    child: Child,
    heard: Receiver<String>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Service {
    /// Starts it, and waits until the broker has its session.
    pub fn start(plant: &Plant, mutant: Option<Mutant>) -> Service {
        let (config, state) = (plant.folder.join("config"), plant.folder.join("state"));
        let mut command = match mutant {
            Some(mutant) => mutant.command(&config, &state),
            None => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_portevoix"));
                command.arg("run").arg("--config").arg(config).arg("--state").arg(state);
                command
            }
        };
        let mut child = command
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tell, heard) = mpsc::channel();
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = log.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().push(line.clone());
                let _ = tell.send(line);
            }
        });
        let service = Service { child, heard, log };
        assert!(service.hears("connected source=b", Duration::from_secs(30)), "{}", service.log().join("\n"));
        service
    }

    /// Asks it to read its files anew, and waits until it says these words.
    pub fn reload(&self, words: &str, at_most: Duration) -> bool {
        while self.heard.try_recv().is_ok() {}
        Command::new("kill").arg("-HUP").arg(self.child.id().to_string()).status().unwrap();
        self.hears(words, at_most)
    }

    fn hears(&self, words: &str, at_most: Duration) -> bool {
        let until = Instant::now() + at_most;
        let left = || until.saturating_duration_since(Instant::now());
        std::iter::from_fn(|| self.heard.recv_timeout(left()).ok()).any(|line| line.contains(words))
    }

    /// Waits until something is so, and not longer than this: nobody tells.
    pub fn wait(&self, at_most: Duration, mut is_so: impl FnMut() -> bool) {
        let began = Instant::now();
        while !is_so() && began.elapsed() < at_most {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Asks it to end, and gives all that it said.
    pub fn stop(mut self) -> Vec<String> {
        Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        self.child.wait().unwrap();
        self.log()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
