//! What a repeat becomes: over a restart of the server, after it forgot, between two machines; and what the server does
//! where one of the precautions is missing.

use super::*;
use peers::faults::Mixture;

/// The server takes the post, the answer is lost, the server dies and comes back, the post is sent again.
async fn restart_in_the_middle(plant: Plant) {
    plant.front.faults().next(Fault::TakeThenCut);
    let lost = plant.open().await;
    assert!(matches!(lost, Err(DeliveryError::Unanswered { .. })), "{lost:?}");
    plant.server.kill();
    let dead = plant.open().await;
    assert!(matches!(dead, Err(DeliveryError::Later { .. })), "{dead:?}");
    plant.server.come_back();
    let again = plant.open().await.unwrap();
    let shown = plant.shown().await;
    assert_eq!(shown.len(), 1, "{shown:#?}");
    assert_eq!(shown[0].receipt, again.0);
}

#[tokio::test]
async fn a_restart_of_the_server_in_the_middle_of_a_post_makes_no_double() {
    restart_in_the_middle(service_at(Held::own(), "").await).await;
}

#[tokio::test]
async fn nor_does_it_for_an_ordinary_user() {
    restart_in_the_middle(person_at(Held::own()).await).await;
}

#[tokio::test]
async fn a_server_that_has_devices_made_by_themselves_recognises_a_repeat_too() {
    let server = Synapse::start(Options { makes_devices: true, ..Options::default() });
    restart_in_the_middle(service_at(Held::Own(server), "").await).await;
}

/// Says something by hand, as a network without a precaution would. The id of the event.
async fn say(service: &Person, room: &str, transaction: &str, query: &str) -> String {
    let path = format!("v3/rooms/{room}/send/m.room.message/{transaction}?{query}");
    let body = json!({ "msgtype": "m.text", "body": query });
    service.done(Method::PUT, &path, body).await["event_id"].as_str().unwrap().to_owned()
}

/// Two machines that are in the room, with their devices: they have posted.
async fn two_machines(plant: &Plant) {
    plant.open().await.unwrap();
    let oven = Post { author: author("oven-1", "Four 1"), ..warning("fr") };
    plant.publish("oven", &Step::Open, &oven).await.unwrap();
}

#[tokio::test]
async fn without_a_device_a_restart_of_the_server_doubles() {
    let plant = service_at(Held::own(), "").await;
    plant.open().await.unwrap();
    let service = plant.server.service();
    let (bare, with_device) = (format!("user_id={PRESS}"), format!("user_id={PRESS}&device_id=PORTEVOIX"));
    let before =
        (say(&service, &plant.room, "a", &bare).await, say(&service, &plant.room, "b", &with_device).await);
    assert_eq!(say(&service, &plant.room, "a", &bare).await, before.0, "known as long as the server runs");
    plant.server.come_back();
    assert_ne!(
        say(&service, &plant.room, "a", &bare).await,
        before.0,
        "the server keeps it: no device is needed"
    );
    assert_eq!(say(&service, &plant.room, "b", &with_device).await, before.1);
}

#[tokio::test]
async fn the_server_takes_two_machines_with_one_transaction_for_one() {
    let plant = service().await;
    two_machines(&plant).await;
    let service = plant.server.service();
    let press = say(&service, &plant.room, "same", &format!("user_id={PRESS}&device_id=PORTEVOIX")).await;
    let oven =
        say(&service, &plant.room, "same", "user_id=@pv_oven-1:portevoix.test&device_id=PORTEVOIX").await;
    assert_eq!(press, oven, "the server tells them apart: the machine is not needed in the transaction");
    assert_eq!(plant.messages().await.len(), 3, "and the oven's words are nowhere");
}

#[tokio::test]
async fn two_machines_with_one_key_both_post() {
    let plant = service().await;
    let oven = Post { author: author("oven-1", "Four 1"), ..warning("fr") };
    let first = plant.open().await.unwrap();
    let second = plant.publish("root", &Step::Open, &oven).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(plant.shown().await.len(), 2);
}

#[tokio::test]
async fn every_edit_is_an_edit_of_its_own() {
    let plant = service().await;
    let root = plant.open().await.unwrap();
    // The kit gives all of them the key of the root: only the version tells them apart.
    for version in 2..6 {
        let post = Post {
            fact: contract::Text::default().ours(format!("huile à {version}0 °C")),
            version,
            ..warning("fr")
        };
        plant.publish("root", &Step::Edit(root.clone()), &post).await.unwrap();
    }
    assert!(plant.shown().await[0].text.contains("huile à 50 °C"));
    assert_eq!(plant.messages().await.len(), 5);
}

#[tokio::test]
async fn a_key_that_the_server_forgot_makes_a_double_and_a_look_finds_the_first() {
    let plant = service_at(Held::own(), "").await;
    let first = plant.open().await.unwrap();
    let note = plant.publish("note-1", &Step::Reply(first.clone()), &warning("fr")).await.unwrap();
    plant.server.kill();
    plant.server.forget_transactions();
    plant.server.come_back();
    assert_eq!(plant.look("root", &Step::Open).await, Ok(Some(first.clone())));
    assert_eq!(plant.look("note-1", &Step::Reply(first.clone())).await, Ok(Some(note)));
    assert_eq!(plant.look("another", &Step::Open).await, Ok(None));
    assert_ne!(plant.open().await.unwrap(), first, "the server never forgets: no look is needed");
    assert_eq!(plant.shown().await.len(), 3);
}

#[tokio::test]
async fn a_look_goes_back_through_pages_and_is_not_fooled() {
    let plant = service().await;
    let root = plant.open().await.unwrap();
    // An edit holds the key of what it edits, here.
    plant.publish("root", &Step::Edit(root.clone()), &Post { version: 2, ..warning("fr") }).await.unwrap();
    let service = plant.server.service();
    for n in 0..120 {
        say(&service, &plant.room, &format!("n{n}"), &format!("user_id={PRESS}&device_id=PORTEVOIX&n={n}"))
            .await;
    }
    // Somebody repeats what lies hidden in it.
    let copied = json!({ "msgtype": "m.text", "body": "x", "com.portevoix": { "key": key("root").0 } });
    let path = format!("v3/rooms/{}/send/m.room.message/copy", plant.room);
    plant.reader.done(Method::PUT, &path, copied).await;
    assert_eq!(plant.look("root", &Step::Open).await, Ok(Some(root)));
    assert_eq!(plant.look("another", &Step::Open).await, Ok(None));
}

#[tokio::test]
async fn what_a_look_cannot_see_now_it_asks_again_later() {
    let plant = service().await;
    let network = build(&service_toml(&plant.server.url(), &plant.room, ""));
    assert_eq!(network.look(&delivery(&key("root"), &Step::Open, &warning("fr"))).await, Ok(None));
    plant.front.go_down();
    let found = plant.look("root", &Step::Open).await;
    assert!(matches!(found, Err(DeliveryError::Later { .. })), "{found:?}");
}

#[tokio::test]
async fn a_server_that_does_not_say_how_long_it_remembers_is_looked_at() {
    let plant = service_at(Held::Shared(Synapse::shared()), "key_lasts = \"0s\"\nsettle = \"1s\"").await;
    let settle = Duration::from_secs(1);
    assert_eq!(plant.network.capabilities().repeat, contract::Repeat::Look { settle });
    let lasts = Duration::from_secs(12 * 3_600);
    let usual = contract::Repeat::ShortKey { lasts, settle: Duration::from_secs(35) };
    assert_eq!(service().await.network.capabilities().repeat, usual);
}

#[tokio::test]
async fn fifty_posts_through_a_bad_line_are_each_seen_once() {
    let plant = service().await;
    let ills = [Fault::TakeThenCut, Fault::Cut, Fault::Refuse(503), Fault::TakeThenStatus(502)];
    plant.front.faults().mix(Mixture { seed: 7, shares: ills.map(|fault| (0.1, fault)).to_vec() });
    let mut tries = 0;
    for n in 0..50 {
        let part = format!("root-{n}");
        for attempt in 0.. {
            assert!(attempt < 50, "{part} never goes through");
            tries += 1;
            match plant.publish(&part, &Step::Open, &warning("fr")).await {
                Ok(_) => break,
                Err(DeliveryError::Later { .. } | DeliveryError::Unanswered { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    let shown = plant.shown().await;
    assert_eq!(shown.len(), 50);
    assert!(tries > 60, "the seed must lose some answers: {tries} tries");
}
