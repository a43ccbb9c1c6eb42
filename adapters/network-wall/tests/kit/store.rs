//! What the wall keeps.

use contract::{DeliveryKey, Mark, Step};

use crate::hall::{Folder, Hall, publish, wall};
use crate::plant::{ago, ended, later, press_runs_hot, says, site};

fn posts(page: &str) -> usize {
    page.matches("<article").count()
}

#[tokio::test]
async fn a_repeat_is_one_post_and_the_same_receipt() {
    let hall = Hall::open().await;
    let (key, post) = (DeliveryKey("a".repeat(32)), press_runs_hot());
    let first = hall.deliver(&key, Step::Open, &post).await;
    assert_eq!(hall.deliver(&key, Step::Open, &post).await, first);
    let answer = (DeliveryKey("b".repeat(32)), says("presse-3", Mark::Warning, "", "Noté.", ago(1), &[]));
    let reply = hall.deliver(&answer.0, Step::Reply(first.clone()), &answer.1).await;
    assert_eq!(hall.deliver(&answer.0, Step::Reply(first), &answer.1).await, reply);
    let page = hall.get("/").await;
    assert_eq!((posts(&page), page.matches("Noté.").count()), (1, 1));
}

#[tokio::test]
async fn only_newer_words_replace() {
    let hall = Hall::open().await;
    let post = press_runs_hot();
    let receipt = hall.say(Step::Open, &post).await;
    let newer = later(&post, Mark::Warning, "ATTENTION", "palier à 86 °C", ago(2));
    let newest = later(&newer, Mark::Warning, "ATTENTION", "palier à 88 °C", ago(1));
    assert_eq!(hall.say(Step::Edit(receipt.clone()), &newest).await, receipt);
    assert_eq!(hall.say(Step::Edit(receipt.clone()), &newer).await, receipt);
    let page = hall.get("/").await;
    assert!(page.contains("palier à 88 °C") && !page.contains("palier à 86 °C"));
    // An opening that was answered late, repeated after the edit, does not bring the old words back.
    let opened = DeliveryKey(receipt.0.clone());
    hall.deliver(&opened, Step::Open, &post).await;
    assert!(hall.get("/").await.contains("palier à 88 °C"));
}

#[tokio::test]
async fn a_restart_keeps_posts() {
    let (folder, post, key) = (Folder::new(), press_runs_hot(), DeliveryKey("a".repeat(32)));
    let receipt = publish(&*wall(&site(), &folder.0, 1), &key, Step::Open, &post).await;
    let mut hall = Hall::open().await;
    hall.stop().await;
    hall.network = std::sync::Arc::from(wall(&site(), &folder.0, hall.port));
    hall.start().await;
    assert_eq!(hall.deliver(&key, Step::Open, &post).await, receipt);
    assert_eq!(posts(&hall.get("/").await), 1);
}

#[tokio::test]
async fn a_damaged_store_is_set_aside_and_a_closing_is_still_shown() {
    let folder = Folder::new();
    std::fs::write(folder.0.join("wall-local.sqlite"), "not a database, but a note of a person".repeat(200))
        .unwrap();
    let network = wall(&site(), &folder.0, 1);
    let names: Vec<String> = std::fs::read_dir(&folder.0)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.iter().any(|name| name.starts_with("wall-local.sqlite.damaged-")), "{names:?}");
    // Its opening is gone with the old file.
    let (key, lost) = (DeliveryKey("b".repeat(32)), contract::Receipt("a".repeat(32)));
    let closing = later(&press_runs_hot(), Mark::Cleared, "RÉTABLI", "palier à 74 °C", ago(0));
    assert_eq!(publish(&*network, &key, Step::Edit(lost.clone()), &closing).await, lost);
}

#[tokio::test]
async fn what_ended_long_ago_is_forgotten_and_what_is_open_stays() {
    let (folder, site) = (Folder::new(), site());
    let settings = network_wall::Settings {
        keep: contract::settings::Wait(std::time::Duration::from_millis(1)),
        listen: ([127, 0, 0, 1], peers::browser::free_port()).into(),
        ..Default::default()
    };
    let setup = contract::Setup { name: "local", site: &site, state: &folder.0 };
    let network = <network_wall::Wall as contract::NetworkKind>::build(&setup, settings).unwrap();
    let open = press_runs_hot();
    let closed = ended(later(&open, Mark::Cleared, "RÉTABLI", "palier à 74 °C", ago(1)), ago(1));
    publish(&*network, &DeliveryKey("a".repeat(32)), Step::Open, &open).await;
    for number in 0..254 {
        publish(&*network, &DeliveryKey(format!("b{number}")), Step::Open, &closed).await;
    }
    // The 256th delivery prunes; the wait is over for all but perhaps the last few.
    let last = std::time::Instant::now();
    while last.elapsed() < std::time::Duration::from_millis(5) {
        tokio::task::yield_now().await;
    }
    publish(&*network, &DeliveryKey("c".repeat(32)), Step::Open, &open).await;

    let mut hall = Hall::open().await;
    hall.stop().await;
    drop(network);
    hall.network = std::sync::Arc::from(wall(&site, &folder.0, hall.port));
    hall.start().await;
    let page = hall.get("/").await;
    assert_eq!(posts(&page), 2, "{page}");
    assert!(page.contains("2 ouverts") && !page.contains("palier à 74 °C"));
}
