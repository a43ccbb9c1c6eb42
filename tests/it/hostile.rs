//! The hostile corpus through a real broker into the real program: nothing that a machine says becomes more than
//! words, and nothing of it stops the stream. (Each field of each network alone: the kits of the adapters.)

use std::time::Duration;

use contract::kit::hostile;
use contract::kit::network::Found;
use peers::mattermost::Mattermost;
use peers::mosquitto::{Mosquitto, Options, Publisher};
use peers::sink::Sink;

use crate::eye;
use crate::program::{Folder, PATIENCE, Service, free_port, run, text, wall};

const TOPIC: &str = "usine/b/press-3/huile";

fn plant(broker: u16, page: u16, chat: &str, hook: &str) -> String {
    format!(
        r#"
[site]
name = "Usine <b>@all</b> [x](http://evil)"
language = "fr"

[source.mqtt.hall-b]
url = "mqtt://127.0.0.1:{broker}"

[network.wall.local]
listen = "127.0.0.1:{page}"

[network.mattermost.usine]
{chat}
[network.http.hook]
url = {hook:?}
body = '{{"text": {{{{ text | tojson }}}}}}'

[machine.press-3]
name = "Presse <!channel> # 3"
place = "Vitré/`Atelier` @here"

[machine.press-3.tag.oil]
source = "hall-b"
topic = "usine/b/+/huile"
value = "/v"
name = "huile ~town-square"
unit = "°C"

[machine.press-3.tag.words]
source = "hall-b"
topic = "usine/b/press-3/raw"
value = "raw"

[machine.press-3.rule.limit.oil-hot]
tag = "oil"
above = 75
clear = 70

[machine.press-3.rule.limit.words-hot]
tag = "words"
above = 75
"#
    )
}

/// What of a machine may stand in a topic.
fn as_level(words: &str) -> String {
    words.chars().filter(|c| !matches!(c, '+' | '#' | '/' | '\0') && !c.is_control()).take(60).collect()
}

async fn say_everything(machine: &mut Publisher) {
    for (_, words) in hostile::strings() {
        let bytes = &words.as_bytes()[..words.len().min(200_000)];
        machine.publish(TOPIC, bytes, 1, false).await.unwrap();
        machine.publish("usine/b/press-3/raw", bytes, 1, false).await.unwrap();
        let json = serde_json::json!({ "v": words.chars().take(50_000).collect::<String>() }).to_string();
        machine.publish(TOPIC, json.as_bytes(), 1, false).await.unwrap();
        let topic = format!("usine/b/{}x/huile", as_level(&words));
        machine.publish(&topic, b"{\"v\": \"@all http://evil\"}", 1, false).await.unwrap();
    }
    machine.publish(TOPIC, b"{\"v\": \"\xff\xfe\"}", 1, false).await.unwrap();
}

#[tokio::test]
async fn nothing_that_a_machine_says_becomes_more_than_words() {
    let folder = Folder::new("hostile");
    let broker = Mosquitto::start(Options { inflight: 1_000, ..Options::default() }).await;
    let (chat, hook, page) = (Mattermost::start(), Sink::start(), free_port());
    let config = plant(broker.port(), page, &chat.settings(&folder.0), &hook.url());
    let (file, state) = (folder.write("plant.toml", &config), folder.0.join("state"));
    let mut service = Service::start(&file, &state);
    wall(page, |shown| shown.contains("posts")).await;
    let mut machine = Publisher::connect(broker.port()).await.unwrap();
    say_everything(&mut machine).await;
    machine.publish(TOPIC, b"{\"v\": 85}", 1, false).await.unwrap();
    say_everything(&mut machine).await;
    let shown = wall(page, |shown| shown.contains("ATTENTION")).await;
    machine.publish(TOPIC, b"{\"v\": 60}", 1, false).await.unwrap();
    wall(page, |shown| shown.contains("RÉTABLI")).await;
    hook.wait_for(2, PATIENCE).await;
    assert!(
        !shown.contains("evil") || shown.matches("evil").count() == shown.matches("[x](http://evil)").count()
    );

    let started = std::time::Instant::now();
    while !chat.roots().iter().any(|post| post.message.contains("RÉTABLI")) {
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut seen = 0;
    for message in chat.posts().into_iter().map(|post| post.message) {
        assert_eq!(eye::markdown(&message), Found::default(), "{message}");
        seen += 1;
    }
    for received in hook.received() {
        let message = received.json()["text"].as_str().unwrap().to_owned();
        assert_eq!(eye::markdown(&message), Found::default(), "{message}");
        seen += 1;
    }
    assert!(seen >= 3);

    let said = told_by_doctor(&file, &state);
    assert!(said.contains("tag press-3/oil:") && said.contains("tag press-3/words:"), "{said}");
    assert_eq!(service.stop(), Some(0));
    let log = std::fs::read_to_string(state.with_extension("log")).unwrap();
    for words in [said, log] {
        let controls: Vec<char> = words.chars().filter(|c| c.is_control() && *c != '\n').collect();
        assert!(controls.is_empty(), "{controls:?} in {words}");
        assert!(!words.contains('\u{202E}') && !words.contains('\u{200B}'), "{words}");
    }
}

/// Asks until the service has written its status.
fn told_by_doctor(file: &std::path::Path, state: &std::path::Path) -> String {
    let started = std::time::Instant::now();
    loop {
        let output = run(&["doctor", "--config", file.to_str().unwrap(), "--state", state.to_str().unwrap()]);
        let said = text(&output.stdout);
        if said.contains("press-3/words") || started.elapsed() > PATIENCE {
            return said;
        }
        std::thread::park_timeout(Duration::from_millis(200));
    }
}
