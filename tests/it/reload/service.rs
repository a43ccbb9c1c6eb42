//! The real program, as whoever keeps it sees a reload: its log, `doctor`, its page.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use peers::mosquitto::{Mosquitto, Options, Publisher};

use crate::program::{Folder, PATIENCE, Service, free_port, plant, run, text, wall};

/// A service with a folder of its own, and the broker it listens to.
struct Scene {
    folder: Folder,
    broker: Mosquitto,
    page: u16,
    service: Option<Service>,
}

impl Scene {
    async fn start(name: &str, more: &[&str]) -> Scene {
        Scene::start_from(name, more, |toml| toml).await
    }

    async fn start_from(name: &str, more: &[&str], change: impl Fn(String) -> String) -> Scene {
        let folder = Folder::new(name);
        let broker = Mosquitto::start(Options::default()).await;
        let mut scene = Scene { folder, broker, page: free_port(), service: None };
        std::fs::create_dir(scene.config()).unwrap();
        let toml = change(plant(scene.broker.port(), scene.page));
        scene.write(&toml);
        scene.service = Some(Service::start_with(&scene.config(), &scene.state(), more));
        wall(scene.page, |shown| shown.contains("[")).await;
        // A line is up once something came over it.
        scene.say(60.0).await;
        scene.logs("connected source=hall-b", 1).await;
        scene
    }

    fn config(&self) -> PathBuf {
        self.folder.0.join("config")
    }

    fn state(&self) -> PathBuf {
        self.folder.0.join("state")
    }

    fn toml(&self) -> String {
        plant(self.broker.port(), self.page)
    }

    fn write(&self, toml: &str) {
        std::fs::write(self.config().join("plant.toml"), toml).unwrap();
    }

    /// The files hold this, and the service is told.
    fn reload(&self, toml: &str) {
        self.write(toml);
        self.service.as_ref().unwrap().hang_up();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.state().with_extension("log")).unwrap()
    }

    /// Waits until the log holds these words so often.
    async fn logs(&self, words: &str, times: usize) {
        let began = Instant::now();
        while self.log().matches(words).count() < times {
            assert!(began.elapsed() < PATIENCE, "not in time: {words}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn say(&self, value: f64) {
        let mut publisher = Publisher::connect(self.broker.port()).await.unwrap();
        let payload = format!("{{\"temperature\":{value}}}");
        publisher.publish("usine/b/press-3/huile", payload.as_bytes(), 1, true).await.unwrap();
    }

    /// What `doctor` says once it says this, or no more.
    async fn doctor(&self, words: &str, is_said: bool) {
        let (config, state) = (self.config(), self.state());
        let args = ["doctor", "--config", config.to_str().unwrap(), "--state", state.to_str().unwrap()];
        let began = Instant::now();
        loop {
            let said = text(&run(&args).stdout);
            if said.contains(words) == is_said {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{said}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// What the documents tell people to do.
#[test]
fn the_unit_and_the_help_know_of_it() {
    let unit = include_str!("../../../deploy/systemd/portevoix.service");
    assert!(unit.lines().any(|line| line.starts_with("ExecReload=") && line.contains("kill -HUP $MAINPID")));
    let help = text(&run(&["run", "--help"]).stdout);
    assert!(help.contains("--watch") && help.contains("systemctl reload portevoix"), "{help}");
}

#[tokio::test]
async fn a_wrong_file_is_refused_with_its_place_and_the_old_one_goes_on() {
    let scene = Scene::start("reload-wrong", &[]).await;
    scene.reload(&scene.toml().replace("above = 75", "abvoe = 75"));
    scene.logs("configuration refused as a whole", 1).await;
    let log = scene.log();
    assert!(log.contains("plant.toml:26:1") && log.contains("unknown key `abvoe`"), "{log}");
    scene.doctor("WRONG  configuration at work: the newest is refused, the one before goes on: ", true).await;
    // The old one goes on.
    scene.say(80.0).await;
    wall(scene.page, |shown| shown.contains("ATTENTION")).await;
    scene.reload(&scene.toml());
    scene.logs("configuration reloaded", 1).await;
    scene.doctor("configuration at work", false).await;
    assert!(!scene.log().contains("leaves"), "{}", scene.log());
}

#[tokio::test]
async fn what_cannot_be_built_refuses_all_of_it() {
    let scene = Scene::start("reload-unbuilt", &[]).await;
    let password = "[source.mqtt.new]\nurl = \"mqtt://127.0.0.1:1\"\nuser = \"u\"\npassword = { file = \"/nowhere/secret\" }\n";
    scene.reload(&(password.to_owned() + &scene.toml().replace("above = 75", "above = 85")));
    scene.logs("configuration refused as a whole", 1).await;
    let log = scene.log();
    assert!(log.contains("plant.toml:1  password: ") && log.contains("/nowhere/secret"), "{log}");
    scene.say(80.0).await;
    wall(scene.page, |shown| shown.contains("limite 75")).await;
    assert!(!scene.state().join("trial").exists());
}

#[tokio::test]
async fn a_watched_folder_is_read_when_it_has_changed() {
    let scene = Scene::start("reload-watch", &["--watch"]).await;
    scene.write(&scene.toml().replace("above = 75", "above = 90"));
    scene.logs("configuration reloaded", 1).await;
    assert!(scene.log().contains("rules_changed=1"), "{}", scene.log());
}

#[tokio::test]
async fn a_page_moves_and_takes_its_posts_along() {
    let scene = Scene::start("reload-page", &[]).await;
    scene.say(80.0).await;
    wall(scene.page, |shown| shown.contains("ATTENTION")).await;
    let other = free_port();
    scene.reload(&scene.toml().replace(&scene.page.to_string(), &other.to_string()));
    wall(other, |shown| shown.contains("ATTENTION")).await;
    assert!(std::net::TcpStream::connect(("127.0.0.1", scene.page)).is_err(), "the old port is still open");
    // One more machine: the page that shows it takes the place of the one before, on the same port.
    let more = "[machine.oven]\nname = \"Four neuf\"\n";
    let toml = scene.toml().replace(&scene.page.to_string(), &other.to_string()) + more;
    scene.reload(&toml);
    scene.logs("networks_built=1", 2).await;
    scene.say(60.0).await;
    let shown = wall(other, |shown| shown.contains("RÉTABLI")).await;
    assert_eq!(shown.matches("\"mark\":\"cleared\"").count(), 1, "{shown}");
    assert!(!scene.log().contains("leaves") && !scene.log().contains("cannot serve"), "{}", scene.log());
}

#[tokio::test]
async fn a_secret_that_changed_builds_its_source_anew() {
    let secret = std::env::temp_dir().join(format!("portevoix-reload-secret-{}", std::process::id()));
    std::fs::write(&secret, "one").unwrap();
    let with = |toml: String| {
        let password = format!("user = \"u\"\npassword = {{ file = \"{}\" }}\n\n[network", secret.display());
        toml.replacen("[network", &password, 1)
    };
    let scene = Scene::start_from("reload-secret", &[], with).await;
    scene.reload(&with(scene.toml()));
    scene.logs("sources_built=0", 1).await;
    std::fs::write(&secret, "two").unwrap();
    scene.reload(&with(scene.toml()));
    scene.logs("sources_built=1", 1).await;
    assert!(scene.log().contains("leaves source=hall-b"), "{}", scene.log());
    scene.say(80.0).await;
    wall(scene.page, |shown| shown.contains("ATTENTION")).await;
    std::fs::remove_file(secret).unwrap();
}

#[tokio::test]
async fn a_source_that_is_removed_says_goodbye() {
    let more = |broker: u16| format!("[source.mqtt.more]\nurl = \"mqtt://127.0.0.1:{broker}\"\n");
    let scene = Scene::start("reload-removed", &[]).await;
    scene.reload(&(scene.toml() + &more(scene.broker.port())));
    scene.logs("sources_built=1", 1).await;
    scene.reload(&scene.toml());
    scene.logs("leaves source=more", 1).await;
    scene.logs("configuration reloaded", 2).await;
    assert!(!scene.log().contains("leaves source=hall-b"), "{}", scene.log());
}
