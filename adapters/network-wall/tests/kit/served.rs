//! What is served, without a browser.

use contract::{Mark, NetworkKind, Setup, Step, Text};
use network_wall::{Settings, Wall};

use crate::hall::{Folder, Hall, wall};
use crate::plant::{ago, press_runs_hot, says, site};

#[tokio::test]
async fn the_first_paint_holds_the_posts() {
    let hall = Hall::open().await;
    let receipt = hall.say(Step::Open, &press_runs_hot()).await;
    let answer = says("presse-3", Mark::Warning, "", "Noté.", ago(1), &[]);
    hall.say(Step::Reply(receipt.clone()), &answer).await;

    let page = hall.get("/").await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    for words in [
        "lang=\"fr\"",
        "1 ouvert",
        "palier arrière à 84",
        "<b>À faire</b> : vérifier",
        "26\u{a0}min",
        "Noté.",
    ] {
        assert!(page.contains(words), "{words}\n{page}");
    }
    assert_eq!(page.matches("<article").count(), 1);
    for path in ["/machine/presse-3", &format!("/post/{}", receipt.0)] {
        assert!(hall.get(path).await.contains("palier arrière à 84"), "{path}");
    }
    assert!(hall.get("/machine/four-1").await.contains("encore rien écrit"));
    assert!(hall.get("/machine/nobody").await.starts_with("HTTP/1.1 404"));
    assert!(hall.get("/post/nothing").await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn an_empty_wall_says_what_will_happen() {
    let hall = Hall::open().await;
    let page = hall.get("/").await;
    assert!(
        page.contains("Aucune publication pour l’instant.") && page.contains("Les machines écriront ici.")
    );
}

#[tokio::test]
async fn english_where_the_site_speaks_english() {
    let hall = Hall::of(&contract::Site { language: "en".to_owned(), ..site() }).await;
    let page = hall.get("/").await;
    assert!(page.contains("lang=\"en\"") && page.contains("The machines will write here."));
}

#[tokio::test]
async fn every_answer_forbids_what_is_not_ours() {
    let hall = Hall::open().await;
    for path in ["/", "/api/posts", "/assets/wall.js", "/nowhere"] {
        let answer = hall.get(path).await.to_lowercase();
        assert!(
            answer.contains("content-security-policy: default-src 'none'; script-src 'self'"),
            "{answer}"
        );
        assert!(answer.contains("x-content-type-options: nosniff"), "{path}");
        assert!(answer.contains("referrer-policy: no-referrer"), "{path}");
    }
}

#[tokio::test]
async fn another_host_name_is_refused() {
    let hall = Hall::open().await;
    assert!(hall.ask("/", "localhost").await.starts_with("HTTP/1.1 200"));
    for host in ["evil.example", "evil.example:8080", "127.0.0.1.evil.example"] {
        assert!(hall.ask("/", host).await.starts_with("HTTP/1.1 421"), "{host}");
        assert!(hall.ask("/events", host).await.starts_with("HTTP/1.1 421"), "{host}");
    }
}

#[tokio::test]
async fn older_posts_come_by_pages_each_once() {
    let hall = Hall::open().await;
    for minutes in 0..70 {
        let fact = format!("numéro {minutes}");
        hall.say(Step::Open, &says("presse-3", Mark::Cleared, "RÉTABLI", &fact, ago(minutes), &[])).await;
    }
    let (mut seen, mut path) = (Vec::new(), "/api/posts".to_owned());
    loop {
        let answer = hall.get(&path).await;
        let body: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        for post in body["posts"].as_array().unwrap() {
            seen.push(post["post"]["fact"][0]["ours"].as_str().unwrap().to_owned());
        }
        let Some(before) = body["before"].as_str() else { break };
        path = format!("/api/posts?before={before}&machine=presse-3");
    }
    let want: Vec<String> = (0..70).map(|minutes| format!("numéro {minutes}")).collect();
    assert_eq!(seen, want);
    assert!(hall.get("/").await.contains("Plus anciennes"));
}

#[tokio::test]
async fn a_busy_port_is_said_in_plain_words() {
    let hall = Hall::open().await;
    let folder = Folder::new();
    let second = wall(&site(), &folder.0, hall.port);
    let error = second.serve().await.unwrap_err();
    assert!(matches!(error, contract::DeliveryError::Later { .. }));
    assert_eq!(error.to_string(), format!("port {} of 127.0.0.1 is already in use", hall.port));
}

#[tokio::test]
async fn a_site_that_cannot_be_is_a_fault() {
    let folder = Folder::new();
    let site = contract::Site { timezone: "Vitré".to_owned(), ..site() };
    let setup = Setup { name: "local", site: &site, state: &folder.0 };
    let faults = Wall::build(&setup, Settings::default()).err().unwrap();
    assert!(faults[0].message.contains("unknown time zone `Vitré`"), "{faults:?}");
}

#[tokio::test]
async fn words_of_a_machine_stay_words() {
    let hall = Hall::open().await;
    let mut post = press_runs_hot();
    post.fact = Text::default().ours("lot ").data("<img src=x onerror=alert(1)>").mention("maintenance-B");
    hall.say(Step::Open, &post).await;
    let page = hall.get("/").await;
    assert!(page.contains("<bdi>&lt;img src=x onerror=alert(1)&gt;</bdi>"), "{page}");
    assert!(page.contains("@maintenance-B") && !page.contains("<img"));
}
