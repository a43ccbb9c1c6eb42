//! What stands around the program: a broker, a publisher whose words are counted, and networks that lose answers.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use contract::Moment;
use peers::mosquitto::{Mosquitto, Options, Publisher};
use portevoix::episode::Episode;
use portevoix::store::{Sqlite, Store, Table};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::around::Around;
use super::dice::Dice;
use super::life::{Life, START_MAX};
use super::oracle::{Held, Said, Seen, Tally, judge};

const PLANT: &str = r#"
[class.press.tag.oil]
source = "b"
topic  = "b/{machine}/oil"
value  = "/v"
time   = "/ts"
name   = "huile"
unit   = "°C"

[class.press.rule.limit.hot]
tag   = "oil"
above = 80
priority = 1
clear = 70
"#;

/// A running plant. Dropped to stop it.
pub struct Plant {
    /// Holds `config` and `state`.
    pub folder: PathBuf,
    runtime: Runtime,
    broker: Mosquitto,
    pub around: Box<dyn Around>,
    machines: usize,
}

impl Plant {
    pub fn start(around: Box<dyn Around>, machines: usize) -> Plant {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("portevoix-kills-{}-{count}", std::process::id()));
        std::fs::create_dir_all(folder.join("config")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let broker = runtime.block_on(Mosquitto::start(Options::default()));
        let plant = Plant { folder, runtime, broker, around, machines };
        std::fs::write(plant.folder.join("config/plant.toml"), plant.configuration()).unwrap();
        plant
    }

    fn configuration(&self) -> String {
        let mut toml = String::from("[site]\nname = \"Vitré\"\nlanguage = \"fr\"\n");
        writeln!(
            toml,
            "[source.mqtt.b]\nurl = \"mqtt://127.0.0.1:{}\"\nclient_id = \"kills\"",
            self.broker.port()
        )
        .unwrap();
        toml.push_str(&self.around.configuration(&self.folder));
        toml.push_str(PLANT);
        for machine in 0..self.machines {
            writeln!(toml, "[machine.m-{machine}]\nclass = \"press\"\nname = \"Presse {machine}\"").unwrap();
        }
        toml
    }

    /// The program is to find a name for its session itself.
    pub fn name_no_session(&self) {
        let toml = self.configuration().replace("client_id = \"kills\"\n", "");
        std::fs::write(self.folder.join("config/plant.toml"), toml).unwrap();
    }

    /// Nothing is kept any more.
    pub fn forget(&self) {
        std::fs::remove_dir_all(self.folder.join("state")).unwrap();
    }

    /// Somebody begins to speak for all machines. The last is always well.
    pub fn speak(&self, dice: &mut Dice) -> Speaker {
        let shared = Arc::new(Shared::default());
        let (port, machines) = (self.broker.port(), self.machines - 1);
        let (words, dice) = (shared.clone(), Dice::new(dice.draw()));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(speak(port, machines, &words, dice));
        });
        Speaker { shared, thread }
    }

    /// The last machine says that all is well until somebody listens: what the source connects to is known then.
    pub fn until_heard(&self, life: Life) -> Life {
        let (port, machine) = (self.broker.port(), self.machines - 1);
        let mut publisher = self.runtime.block_on(Publisher::connect(port)).unwrap();
        let is_heard = life.wait(START_MAX, || {
            self.runtime.block_on(say(&mut publisher, machine, 60));
            life.hears("connected", Duration::from_millis(5))
        });
        assert!(is_heard, "nobody listens");
        life
    }

    /// The last machine, which was always well, is abnormal.
    pub fn say_once(&self) -> Said {
        let (port, machine) = (self.broker.port(), self.machines - 1);
        self.runtime.block_on(async {
            let mut publisher = Publisher::connect(port).await.unwrap();
            begin(&mut publisher, machine).await
        })
    }

    /// How many episodes the slower network does not show yet.
    pub fn unseen(&self, speaker: &Speaker) -> usize {
        speaker.shared.said.lock().unwrap().len().saturating_sub(self.around.shown())
    }

    /// True when nothing is left to tell.
    pub fn shows(&self, said: &[Said]) -> bool {
        let store = self.folder.join("state/portevoix.sqlite");
        let told = |(name, seen): (&'static str, Vec<Seen>)| judge(said, &seen, &held(&store, name));
        self.around.seen().into_iter().map(told).all(|tally| tally.lost + tally.queued == 0)
    }

    pub fn has_seen(&self, said: &Said) -> bool {
        self.around.seen().values().all(|seen| seen.iter().any(|post| post.episode == said.episode.0))
    }

    /// What became of what was said, once nothing is on its way to a network any more.
    pub fn judge(&self, said: &[Said]) -> BTreeMap<&'static str, Tally> {
        self.around.settle();
        let store = self.folder.join("state/portevoix.sqlite");
        let judge_one =
            |(name, seen): (&'static str, Vec<Seen>)| (name, judge(said, &seen, &held(&store, name)));
        self.around.seen().into_iter().map(judge_one).collect()
    }
}

impl Drop for Plant {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What the store holds for this network.
fn held(store: &Path, network: &str) -> Held {
    let mut held = Held::default();
    let Ok(store) = Sqlite::read_only(store) else { return held };
    for (key, body) in store.rows(Table::Thread).unwrap() {
        let Some(episode) = key.strip_prefix(network).and_then(|key| key.strip_prefix('/')) else { continue };
        let thread: Value = serde_json::from_str(&body).unwrap();
        let version = |at: &str| thread.pointer(at).and_then(Value::as_u64);
        if let Some(digest) = thread.pointer("/root/folded").and_then(Value::as_str) {
            held.folded.insert(episode.to_owned(), digest.to_owned());
        } else if thread["root"] == "waiting" || version("/shown/version") < version("/wanted/version") {
            held.waiting.insert(episode.to_owned());
        }
    }
    held
}

/// Who speaks for the machines.
pub struct Speaker {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    said: Mutex<Vec<Said>>,
    allowed: AtomicUsize,
    /// How often somebody spoke.
    words: AtomicUsize,
    is_over: AtomicBool,
}

impl Speaker {
    /// So many more episodes may begin.
    pub fn allow(&self, more: usize) {
        let said = self.shared.said.lock().unwrap().len();
        self.shared.allowed.store(said + more, Ordering::Relaxed);
    }

    /// Waits until somebody speaks, and not longer than this.
    pub fn wait_for_a_word(&self, at_most: Duration) {
        let (began, before) = (Instant::now(), self.shared.words.load(Ordering::Relaxed));
        while self.shared.words.load(Ordering::Relaxed) == before && began.elapsed() < at_most {
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Ends the episodes that are to end, and nothing more. All that the broker took.
    pub fn finish(self) -> Vec<Said> {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        self.shared.said.lock().unwrap().clone()
    }
}

/// What a machine is still to say.
struct Next {
    due: Instant,
    machine: usize,
    is_well: bool,
    /// It will not stay so.
    comes_back: bool,
}

impl Next {
    /// The end, of three machines of four. One of these comes back.
    fn end(machine: usize, dice: &mut Dice) -> Option<Next> {
        let (ms, comes_back) = match dice.between(0..4) {
            0 => return None,
            1 => (dice.between(0..100), false),
            2 => (dice.between(100..3_000), false),
            _ => (dice.between(0..500), true),
        };
        Some(Next { due: Instant::now() + Duration::from_millis(ms), machine, is_well: true, comes_back })
    }

    async fn say(self, publisher: &mut Publisher, said: &Mutex<Vec<Said>>, dice: &mut Dice) -> Option<Next> {
        say(publisher, self.machine, if self.is_well { 65 } else { 85 }).await;
        let said = &mut said.lock().unwrap()[self.machine];
        (said.is_ended, said.is_back) = (self.is_well, !self.is_well);
        let due = Instant::now() + Duration::from_millis(dice.between(0..100));
        self.comes_back.then_some(Next { due, is_well: false, comes_back: false, ..self })
    }
}

/// One machine after the other is abnormal, until the end of the campaign.
async fn speak(port: u16, machines: usize, shared: &Shared, mut dice: Dice) {
    let mut publisher = Publisher::connect(port).await.unwrap();
    let mut waiting: Vec<Next> = Vec::new();
    loop {
        let is_over = shared.is_over.load(Ordering::Relaxed);
        let machine = shared.said.lock().unwrap().len();
        if let Some(at) = waiting.iter().position(|next| is_over || next.due <= Instant::now()) {
            let next = waiting.swap_remove(at).say(&mut publisher, &shared.said, &mut dice).await;
            waiting.extend(next);
        } else if is_over {
            return;
        } else if machine < machines.min(shared.allowed.load(Ordering::Relaxed)) {
            let said = begin(&mut publisher, machine).await;
            shared.said.lock().unwrap().push(said);
            waiting.extend(Next::end(machine, &mut dice));
        } else {
            // A plant is never silent: a source that says nothing is not known to be there.
            say(&mut publisher, machines, 60).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        }
        shared.words.fetch_add(1, Ordering::Relaxed);
        // Machines do not speak in chorus.
        tokio::time::sleep(Duration::from_millis(dice.between(1..40))).await;
    }
}

/// The machine is abnormal from now on.
async fn begin(publisher: &mut Publisher, machine: usize) -> Said {
    let at = say(publisher, machine, 85).await;
    let episode = Episode::name(&format!("m-{machine}"), "limit.hot", at);
    Said { machine, episode, is_ended: false, is_back: false }
}

/// The broker has taken this value, with the time of the measure.
async fn say(publisher: &mut Publisher, machine: usize, value: u32) -> Moment {
    let at = Moment::from_system(std::time::SystemTime::now());
    let payload = format!("{{\"v\":{value},\"ts\":{}}}", at.as_ms());
    publisher.publish(&format!("b/m-{machine}/oil"), payload.as_bytes(), 1, false).await.unwrap();
    at
}
