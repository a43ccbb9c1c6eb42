//! The life of an episode as it is read back from the room: opened, edited, answered, illustrated, closed.

use super::*;
use contract::chart::{Chart, Mark as TimeMark, Point, Tick};
use contract::kit::network::posts;
use contract::{Mark, Moment, Priority, Text};
use network_matrix::Picture;
use ruma::events::room::message::{MessageType, OriginalSyncRoomMessageEvent, Relation};

/// An event as an independent reader of the specification understands it.
fn understood(event: &Value) -> OriginalSyncRoomMessageEvent {
    serde_json::from_value(event.clone()).unwrap_or_else(|error| panic!("{error}: {event}"))
}

#[tokio::test]
async fn the_whole_post_as_a_reader_sees_it() {
    let plant = service().await;
    plant.open().await.unwrap();
    plant.publish("stop", &Step::Open, &posts("fr")[1]).await.unwrap();
    let messages = plant.messages().await;
    let content = &messages[0]["content"];
    assert_eq!(
        content["body"],
        "⚠️ ATTENTION · Presse 3 · huile à 78,2 °C, limite 75 °C\n\
         D'habitude 61 à 66 °C.\n\
         À faire : vérifier l'échangeur.\n\
         Vitré/Atelier B/Ligne 2 · 14:32"
    );
    assert_eq!(
        content["formatted_body"],
        "<strong>⚠️ ATTENTION · Presse 3 · huile à 78,2 °C, limite 75 °C</strong><br>\
         D&#39;habitude 61 à 66 °C.<br>\
         À faire : vérifier l&#39;échangeur.<br>\
         Vitré/Atelier B/Ligne 2 · 14:32"
    );
    assert_eq!((&content["msgtype"], &content["m.mentions"]), (&json!("m.text"), &json!({})));
    let hidden = &content["com.portevoix"];
    assert_eq!((&hidden["key"], &hidden["value"]), (&json!(key("root").0), &json!("78.2")));
    assert_eq!((&hidden["rule"], &hidden["machine"]), (&json!("limit.oil-hot"), &json!("press-3")));
    assert_eq!(messages[0]["sender"], PRESS);
    plant.until_member(PRESS, "displayname", "Presse 3").await;
    let called = understood(&messages[1]).content.mentions.unwrap();
    assert_eq!(called.user_ids.iter().map(|user| user.as_str()).collect::<Vec<_>>(), [MARC]);
    assert!(!called.room);
}

#[tokio::test]
async fn an_episode_is_opened_edited_answered_and_closed_in_place() {
    let plant = service().await;
    let root = plant.open().await.unwrap();
    let hotter = Post { fact: Text::default().ours("huile à 81,5 °C"), version: 2, ..warning("fr") };
    plant.publish("edit-2", &Step::Edit(root.clone()), &hotter).await.unwrap();
    let note = Post { fact: Text::default().ours("prise en charge"), lines: Vec::new(), ..warning("fr") };
    plant.publish("note-1", &Step::Reply(root.clone()), &note).await.unwrap();
    let closed = Post { version: 3, ..posts("fr")[3].clone() };
    plant.publish("edit-3", &Step::Edit(root.clone()), &closed).await.unwrap();

    let shown = plant.shown().await;
    assert_eq!(shown.len(), 2, "{shown:#?}");
    assert!(shown[0].text.contains("RÉTABLI") && !shown[0].text.contains("81,5"), "{}", shown[0].text);
    assert_eq!(shown[1].under.as_deref(), Some(root.0.as_str()));
    // The server itself takes the edit for one, and the answer for a part of a thread.
    let gathered = &plant.event(&root).await["unsigned"]["m.relations"];
    assert!(gathered["m.replace"].to_string().contains("RÉTABLI"), "{gathered}");
    assert_eq!(gathered["m.thread"]["count"], 1);

    let messages = plant.messages().await;
    let relations: Vec<_> = messages.iter().map(|event| understood(event).content.relates_to).collect();
    assert!(relations[0].is_none());
    match (&relations[1], &relations[2]) {
        (Some(Relation::Replacement(edit)), Some(Relation::Thread(thread))) => {
            assert_eq!(edit.event_id.as_str(), messages[0]["event_id"]);
            assert!(edit.new_content.msgtype.body().contains("81,5"));
            assert_eq!(thread.event_id.as_str(), messages[0]["event_id"]);
            assert_eq!(thread.in_reply_to.as_ref().unwrap().event_id, thread.event_id);
            assert!(thread.is_falling_back);
        }
        other => panic!("{other:?}"),
    }
    // For clients that cannot edit: one line, which calls nobody.
    let fallback = &messages[1]["content"];
    assert_eq!(fallback["body"], "* ⚠️ ATTENTION · Presse 3 · huile à 81,5 °C");
    assert_eq!(fallback["m.mentions"], json!({}));
}

#[tokio::test]
async fn an_edit_calls_nobody_a_second_time() {
    let plant = service().await;
    let stop = posts("fr")[1].clone();
    let root = plant.publish("stop", &Step::Open, &stop).await.unwrap();
    plant.publish("stop", &Step::Edit(root), &Post { version: 2, ..stop }).await.unwrap();
    let edit = understood(&plant.messages().await[1]).content;
    assert_eq!(edit.mentions.unwrap().user_ids.len(), 0);
    let Some(Relation::Replacement(edit)) = edit.relates_to else { panic!("no edit") };
    assert_eq!(edit.new_content.mentions.unwrap().user_ids.len(), 1);
}

#[tokio::test]
async fn what_is_only_to_be_known_is_a_notice() {
    let plant = service().await;
    for (part, priority) in [("a", Priority::Low), ("b", Priority::High), ("c", Priority::Urgent)] {
        plant.publish(part, &Step::Open, &Post { priority, ..warning("fr") }).await.unwrap();
    }
    let kinds: Vec<Value> =
        plant.messages().await.iter().map(|event| event["content"]["msgtype"].clone()).collect();
    assert_eq!(kinds, ["m.notice", "m.text", "m.text"]);
    assert!(matches!(understood(&plant.messages().await[0]).content.msgtype, MessageType::Notice(_)));
}

#[tokio::test]
async fn the_site_speaks_as_the_service_and_each_machine_as_itself() {
    let plant = service().await;
    let digest = Post { author: author("_site", "Usine de Vitré"), mark: Mark::Digest, ..warning("fr") };
    let oven = Post { author: author("oven-1", "Four 1"), ..warning("fr") };
    for (part, post) in [("digest", &digest), ("oven", &oven), ("root", &warning("fr"))] {
        plant.publish(part, &Step::Open, post).await.unwrap();
    }
    let senders: Vec<Value> = plant.messages().await.iter().map(|event| event["sender"].clone()).collect();
    assert_eq!(senders, [peers::synapse::SERVICE, "@pv_oven-1:portevoix.test", PRESS]);
    plant.until_member(peers::synapse::SERVICE, "displayname", "Usine de Vitré").await;
}

#[tokio::test]
async fn a_machine_that_is_renamed_bears_its_new_name() {
    let plant = service_at(Held::own(), "avatars = { press-3 = \"mxc://portevoix.test/one\" }").await;
    plant.open().await.unwrap();
    plant.until_member(PRESS, "displayname", "Presse 3").await;
    plant.until_member(PRESS, "avatar_url", "mxc://portevoix.test/one").await;
    let renamed = Post { author: author("press-3", "Presse 3 bis"), ..warning("fr") };
    plant.publish("later", &Step::Open, &renamed).await.unwrap();
    plant.until_member(PRESS, "displayname", "Presse 3 bis").await;
    // After a restart of ours with another picture, too.
    let network = build(&service_toml(
        &plant.server.url(),
        &plant.room,
        "avatars = { \"*\" = \"mxc://portevoix.test/two\" }",
    ));
    network.publish(&delivery(&key("third"), &Step::Open, &renamed)).await.unwrap();
    plant.until_member(PRESS, "avatar_url", "mxc://portevoix.test/two").await;
}

#[tokio::test]
async fn an_ordinary_user_says_the_name_of_the_machine_in_the_first_line() {
    let plant = person().await;
    plant.open().await.unwrap();
    let messages = plant.messages().await;
    assert_eq!(messages[0]["sender"], plant.person.as_ref().unwrap().user);
    assert!(messages[0]["content"]["body"].as_str().unwrap().starts_with("⚠️ ATTENTION · Presse 3 · "));
}

/// A whole PNG of one colour: written by hand, its data only stored.
fn png(width: u32, height: u32) -> Vec<u8> {
    let row: Vec<u8> = std::iter::once(0).chain([30, 90, 160].repeat(width as usize)).collect();
    let data = row.repeat(height as usize);
    let mut packed = vec![0x78, 0x01];
    let pieces: Vec<&[u8]> = data.chunks(65_535).collect();
    for (at, piece) in pieces.iter().enumerate() {
        packed.push(u8::from(at + 1 == pieces.len()));
        let length = u16::try_from(piece.len()).unwrap();
        packed.extend(length.to_le_bytes());
        packed.extend((!length).to_le_bytes());
        packed.extend(*piece);
    }
    let (a, b) = data.iter().fold((1u32, 0u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    packed.extend((b << 16 | a).to_be_bytes());

    let mut head = Vec::new();
    head.extend(width.to_be_bytes());
    head.extend(height.to_be_bytes());
    head.extend([8, 2, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, content) in [(b"IHDR", head.as_slice()), (b"IDAT", packed.as_slice()), (b"IEND", &[])] {
        let part = [name.as_slice(), content].concat();
        file.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        file.extend(&part);
        file.extend(crc(&part).to_be_bytes());
    }
    file
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

fn drawn(chart: &Chart) -> Option<Picture> {
    assert_eq!(chart.title, "huile, °C");
    Some(Picture { png: png(320, 180), width: 320, height: 180 })
}

fn with_chart() -> Post {
    let at = Moment::from_ms(1_773_757_920_000);
    let chart = Chart {
        alt: "De 66 à 78 °C en 20 min, voir https://evil.example @room".to_owned(),
        title: "huile, °C".to_owned(),
        points: vec![Point { at, value: Some(78.2) }],
        usual: None,
        limit: None,
        begun: TimeMark { at, words: "depuis 14:32".to_owned() },
        values: vec![
            Tick { value: 60.0, words: "60".to_owned() },
            Tick { value: 80.0, words: "80".to_owned() },
        ],
        times: Vec::new(),
    };
    Post { chart: Some(Box::new(chart)), ..warning("fr") }
}

#[tokio::test]
async fn a_chart_is_a_picture_in_the_thread_and_is_shown_once() {
    let plant = service().await;
    let network = build_with(&service_toml(&plant.front.url(), &plant.room, ""), drawn);
    let (key, post) = (key("root"), with_chart());
    let root = network.publish(&delivery(&key, &Step::Open, &post)).await.unwrap();
    assert_eq!(network.publish(&delivery(&key, &Step::Open, &post)).await.unwrap(), root);
    let messages = plant.messages().await;
    assert_eq!(messages.len(), 2, "{messages:#?}");
    let event = understood(&messages[1]);
    let Some(Relation::Thread(thread)) = &event.content.relates_to else { panic!("{event:?}") };
    assert_eq!(thread.event_id.as_str(), messages[0]["event_id"]);
    let MessageType::Image(image) = &event.content.msgtype else { panic!("{event:?}") };
    let info = image.info.as_ref().unwrap();
    let size = |number: Option<ruma::UInt>| u64::from(number.unwrap());
    assert_eq!((size(info.width), size(info.height)), (320, 180));
    assert_eq!((size(info.size), info.mimetype.as_deref()), (png(320, 180).len() as u64, Some("image/png")));
    assert!(image.body.starts_with("De 66 à 78 °C en 20 min"));
    assert_eq!(eye::content(&messages[1]["content"]), Found::default(), "{}", image.body);
    // The bytes come back as they went, and the server can make a small one of them.
    let path = messages[1]["content"]["url"].as_str().unwrap().trim_start_matches("mxc://");
    let back = plant.reader.bytes(&format!("v1/media/download/{path}")).await;
    assert_eq!(back, png(320, 180));
    let small = plant.reader.bytes(&format!("v1/media/thumbnail/{path}?width=32&height=32")).await;
    assert!(small.starts_with(b"\x89PNG"), "{small:?}");
    // A look for the post finds the post and not its picture.
    assert_eq!(network.look(&delivery(&key, &Step::Open, &post)).await, Ok(Some(root)));
}

#[tokio::test]
async fn a_post_without_its_picture_stands_alone() {
    let plant = service().await;
    let network = build_with(&service_toml(&plant.front.url(), &plant.room, ""), drawn);
    plant.front.faults().next(Fault::Nothing);
    plant.front.faults().next(Fault::Refuse(413));
    let key = key("root");
    network.publish(&delivery(&key, &Step::Open, &with_chart())).await.unwrap();
    assert_eq!(plant.messages().await.len(), 1);
}

#[tokio::test]
async fn a_post_that_a_person_removed_stays_removed() {
    let plant = service().await;
    let root = plant.open().await.unwrap();
    let event = root.0.split_once(' ').unwrap().1;
    let path = format!("v3/rooms/{}/redact/{event}/gone", plant.room);
    plant.reader.done(Method::PUT, &path, json!({})).await;
    let again = Post { version: 2, ..warning("fr") };
    plant.publish("edit-2", &Step::Edit(root.clone()), &again).await.unwrap();
    let shown = plant.event(&root).await;
    assert_eq!(shown["content"], json!({}), "{shown}");
    assert_eq!(shown["unsigned"]["m.relations"], Value::Null, "{shown}");
}
