//! What `preview` and `doctor` show to somebody who sets a plant up.

use std::time::{Duration, Instant};

use crate::program::{Folder, PATIENCE, Service, free_port, run, text, wall};

const ALARMS: &str = r#"
[site]
name = "Usine de Vitré"
language = "fr"
timezone = "Europe/Paris"

[network.wall.local]

[source.exec.plc]
command = ["cat"]

[machine.press-3.tag.alarms]
source = "plc"
called = "alarms"

[machine.press-3.rule.alarms.plc]
tag = "alarms"
"#;

#[test]
fn preview_shows_no_post_twice_in_a_row() {
    let folder = Folder::new("preview-alarms");
    let file = folder.write("plant.toml", ALARMS);
    let shown = text(&run(&["preview", "--config", file.to_str().unwrap()]).stdout);
    // The moments of steps differ by minutes; a reader takes the same words for the same post.
    let posts: Vec<&str> = shown.split("\n\n").filter(|post| !post.trim().is_empty()).collect();
    assert!(posts.len() >= 2, "{shown}");
    assert!(posts.windows(2).all(|two| two[0] != two[1]), "{shown}");
}

const EXPORTS: &str = r#"
[site]
name = "Usine de Vitré"
language = "fr"
timezone = "Europe/Paris"

[network.wall.local]
listen = "127.0.0.1:PORT"

[source.files.erp]
folder = "FOLDER"
every = "100ms"
still = "200ms"

[machine.press-3]

[list.orders]
source = "erp"
files = "of*.csv"
format.csv = {}
key = ["number"]
field.number = { from = "N° OF" }
field.state = { from = "État" }
"#;

#[tokio::test]
async fn doctor_shows_what_is_open_when_nothing_runs() {
    let folder = Folder::new("doctor-open");
    let drop = folder.0.join("exports");
    std::fs::create_dir_all(&drop).unwrap();
    let page = free_port();
    let plant = EXPORTS.replace("FOLDER", drop.to_str().unwrap()).replace("PORT", &page.to_string());
    let (file, state) = (folder.write("plant.toml", &plant), folder.0.join("state"));
    let service = Service::start(&file, &state);
    wall(page, |shown| shown.contains("posts")).await;
    std::fs::write(drop.join("of-1.csv"), "N° OF;\u{c9}tat;\u{c9}tat\nOF-1;a;b\n").unwrap();
    let shown = wall(page, |shown| shown.contains("of-1.csv")).await;
    // In the words of the readers.
    assert!(shown.contains("illisible") && shown.contains("deux colonnes"), "{shown}");
    std::mem::drop(service);
    let args = ["doctor", "--config", file.to_str().unwrap(), "--state", state.to_str().unwrap()];
    let started = Instant::now();
    loop {
        let said = text(&run(&args).stdout);
        if said.contains("not running") && said.contains("mind   part erp: fichier of-1.csv") {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{said}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
