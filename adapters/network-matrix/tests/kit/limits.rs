//! What the server itself refuses: rates, sizes, numbers; and the corpus over the wire.

use super::*;
use contract::kit::hostile;
use contract::kit::network::filled_with;
use contract::{Line, LineRole, Text};

#[tokio::test]
async fn a_person_who_says_too_much_is_told_to_wait_and_nothing_is_lost() {
    let plant = person().await;
    let mut waits = Vec::new();
    for n in 0..15 {
        match plant.publish(&format!("root-{n}"), &Step::Open, &warning("fr")).await {
            Ok(_) => {}
            Err(DeliveryError::Later { after: Some(after), reason }) => {
                assert!(reason.contains("M_LIMIT_EXCEEDED"), "{reason}");
                waits.push(after);
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    // Ten at once, of which the join is one, then one every 5 s: the real server's usual rates.
    assert!((3..=6).contains(&waits.len()), "{waits:?}");
    assert!(waits.iter().all(|wait| (1..=6).contains(&wait.as_secs())), "{waits:?}");
    assert_eq!(plant.shown().await.len(), 15 - waits.len());
    // The pace that the outbox keeps is slower than what the server bears.
    let pace = plant.network.capabilities().pace;
    assert!(pace.burst < 10 && pace.refill >= Duration::from_secs(5), "{pace:?}");
}

#[tokio::test]
async fn a_service_that_is_not_held_back_says_all_at_once() {
    let plant = service().await;
    for n in 0..40 {
        plant.publish(&format!("root-{n}"), &Step::Open, &warning("fr")).await.unwrap();
    }
    assert_eq!(plant.shown().await.len(), 40);
}

/// As many lines of these words as make a post that is cut.
fn long(words: &str) -> Post {
    let line = Line { role: LineRole::Context, text: Text::default().ours(words.repeat(14)) };
    Post { lines: vec![line; 1_000], ..warning("fr") }
}

#[tokio::test]
async fn the_longest_post_can_still_be_edited() {
    let plant = service().await;
    // Plain ones, and those whose every sign is longer as HTML.
    for words in ["mesure ", "'\"<&>'\" ", "é漢 "] {
        let root = plant.publish(words, &Step::Open, &long(words)).await.unwrap();
        let closed = Post { version: 2, ..long(words) };
        plant.publish(words, &Step::Edit(root.clone()), &closed).await.unwrap();
        let shown = plant.event(&root).await;
        assert!(shown["content"]["body"].as_str().unwrap().ends_with("\n…"));
        assert!(shown["unsigned"]["m.relations"]["m.replace"].is_object());
        let edit = &shown["unsigned"]["m.relations"]["m.replace"]["content"];
        let bytes = edit.to_string().len();
        assert!(edit["m.new_content"]["formatted_body"].is_string(), "in plain form: {words}");
        eprintln!("{words}: {bytes} bytes");
        assert!((20_000..=61_440).contains(&bytes), "{words}: {bytes} bytes");
    }
    // What the server makes of them stays under its limit of 65,536 bytes.
    let (whole, added) = plant.server.largest_event();
    eprintln!("the largest event has {whole} bytes, {added} of the server's");
    assert!(whole > 60_000 && whole < 64_000 && added < 2_048, "{whole} bytes, {added} of the server's");
}

#[tokio::test]
async fn a_first_line_that_is_too_long_is_never_shown() {
    let plant = service().await;
    let endless = Post { fact: Text::default().ours("mesure ".repeat(5_000)), ..warning("fr") };
    let found = plant.publish("root", &Step::Open, &endless).await;
    assert!(matches!(&found, Err(DeliveryError::Never(why)) if why.contains("first line")), "{found:?}");
    assert_eq!(plant.shown().await, []);
}

#[tokio::test]
async fn the_server_takes_no_number_with_a_point_and_no_event_over_64_kib() {
    let plant = service().await;
    let path = |n: u32| format!("v3/rooms/{}/send/m.room.message/{n}", plant.room);
    let number = json!({ "msgtype": "m.text", "body": "x", "com.portevoix": { "value": 78.2 } });
    let (status, answer) = plant.reader.call(Method::PUT, &path(1), number).await;
    assert_eq!((status, &answer["errcode"]), (400, &json!("M_BAD_JSON")), "{answer}");
    let (status, answer) = plant
        .reader
        .call(Method::PUT, &path(2), json!({ "msgtype": "m.text", "body": "a".repeat(66_000) }))
        .await;
    assert_eq!((status, &answer["errcode"]), (413, &json!("M_TOO_LARGE")), "{answer}");
}

/// The machine's name is hostile too, now and then: it becomes the name of a user, which takes a while.
#[tokio::test]
async fn the_corpus_goes_over_the_wire_and_stays_words() {
    let plant = service().await;
    let mut taken = 0;
    for (n, (name, words)) in hostile::strings().into_iter().enumerate() {
        let hostile = filled_with(&words);
        let named = if n % 8 == 0 { hostile.author.clone() } else { author("press-3", "Presse 3") };
        match plant.publish(name, &Step::Open, &Post { author: named, ..hostile }).await {
            Ok(_) => taken += 1,
            Err(DeliveryError::Never(_)) => {}
            Err(other) => panic!("{name}: {other:?}"),
        }
    }
    let messages = plant.messages().await;
    assert_eq!(messages.len(), taken);
    assert!(taken >= hostile::FILES.len(), "{taken} of {}", hostile::strings().len());
    for event in &messages {
        let content = &event["content"];
        assert_eq!(eye::content(content), Found::default(), "{}", content["body"]);
        assert!(content["formatted_body"].is_string(), "in plain form: {}", content["body"]);
        assert!(content["com.portevoix"].to_string().len() < 3_000);
    }
}
