//! Where one may post, and how a person learns that one may not.

use super::*;

/// What a person reads.
fn refusal<T: std::fmt::Debug>(found: Result<T, DeliveryError>) -> String {
    match found {
        Err(DeliveryError::LockedOut(reason)) => reason,
        other => panic!("expected a refusal, found {other:?}"),
    }
}

async fn serve(toml: &str) -> Result<(), DeliveryError> {
    build(toml).serve().await
}

/// A room of this reader's, in a plant that has another.
async fn room(plant: &Plant, more: Value) -> String {
    plant.reader.make_room(more).await
}

#[tokio::test]
async fn an_encrypted_room_is_refused_whenever_it_became_so() {
    let plant = service().await;
    let root = plant.open().await.unwrap();
    let secret = json!({ "algorithm": "m.megolm.v1.aes-sha2" });
    plant.reader.set(&plant.room, "m.room.encryption", secret).await;
    for step in [Step::Open, Step::Reply(root.clone()), Step::Edit(root)] {
        let reason = refusal(plant.publish("late", &step, &warning("fr")).await);
        assert!(reason.contains("is encrypted"), "{reason}");
    }
    assert!(refusal(plant.network.serve().await).contains("is encrypted"));
    assert_eq!(plant.messages().await.len(), 1);
}

#[tokio::test]
async fn a_private_room_needs_one_invitation_for_the_service() {
    let plant = service().await;
    let private = room(&plant, json!({ "preset": "private_chat" })).await;
    let network = build(&service_toml(&plant.server.url(), &private, ""));
    let post = warning("fr");
    let open = async || network.publish(&delivery(&key("root"), &Step::Open, &post)).await;
    let reason = refusal(open().await);
    assert!(reason.contains("expected an invitation of @portevoix:portevoix.test"), "{reason}");
    plant.reader.invite(&private, peers::synapse::SERVICE).await;
    open().await.unwrap();
    let shown = plant.reader.events(&private, "m.room.message").await;
    assert_eq!((shown.len(), &shown[0]["sender"]), (1, &json!(PRESS)));
}

/// There, one need not be in the room to be told its state.
#[tokio::test]
async fn a_room_that_all_may_read_is_joined_before_one_speaks() {
    for plant in [service().await, person().await] {
        let all = json!({ "history_visibility": "world_readable" });
        plant.reader.set(&plant.room, "m.room.history_visibility", all).await;
        plant.open().await.unwrap();
        assert_eq!(plant.shown().await.len(), 1);
    }
}

#[tokio::test]
async fn the_room_is_found_by_its_alias_and_again_when_it_moved() {
    let plant = service().await;
    let alias = format!("atelier-{}", std::process::id());
    let first = room(&plant, json!({ "preset": "public_chat", "room_alias_name": alias })).await;
    let network = build(&service_toml(&plant.server.url(), &format!("#{alias}:portevoix.test"), ""));
    let post = warning("fr");
    let open = async |part: &str| network.publish(&delivery(&key(part), &Step::Open, &post)).await;
    let root = open("one").await.unwrap();
    assert!(root.0.starts_with(&first));

    let second = room(&plant, json!({ "preset": "public_chat" })).await;
    let path = format!("v3/directory/room/%23{alias}:portevoix.test");
    plant.reader.done(Method::DELETE, &path, json!({})).await;
    plant.reader.done(Method::PUT, &path, json!({ "room_id": second })).await;
    assert!(open("two").await.unwrap().0.starts_with(&first), "while it works, nothing is asked again");
    // As an upgrade of a room does with the old one.
    let mute = json!({ "events_default": 50, "users": {} });
    plant.reader.set(&first, "m.room.power_levels", mute).await;
    refusal(open("three").await);
    assert!(open("three").await.unwrap().0.starts_with(&second));
    // What is there is edited where it is.
    let edited = network
        .publish(&delivery(&key("one"), &Step::Edit(root), &Post { version: 2, ..post.clone() }))
        .await;
    assert!(refusal(edited).contains("permission"));
}

#[tokio::test]
async fn a_room_that_is_not_there_is_for_a_person() {
    let plant = service().await;
    for wrong in ["#nowhere:portevoix.test", "!nowhere:portevoix.test"] {
        let reason = refusal(serve(&service_toml(&plant.server.url(), wrong, "")).await);
        assert!(reason.contains("nowhere"), "{reason}");
    }
}

#[tokio::test]
async fn all_is_well_where_one_could_post() {
    let (service, person) = (service().await, person().await);
    assert_eq!(service.network.serve().await, Ok(()));
    assert_eq!(person.network.serve().await, Ok(()));
    assert_eq!(
        (service.messages().await.len(), person.messages().await.len()),
        (0, 0),
        "and nothing is posted"
    );
}

#[tokio::test]
async fn rights_that_are_missing_are_told_before_the_first_alarm() {
    let plant = service().await;
    let mute = json!({ "events": { "m.room.message": 30 }, "users": {} });
    plant.reader.set(&plant.room, "m.room.power_levels", mute).await;
    let reason = refusal(plant.network.serve().await);
    assert!(reason.contains("has the right 0, expected 30"), "{reason}");
    assert!(refusal(plant.open().await).contains("M_FORBIDDEN"));
    // The machine is missing too, once the service has the right.
    let users = json!({ (peers::synapse::SERVICE): 50 });
    let half = json!({ "events": { "m.room.message": 30 }, "users": users });
    plant.reader.set(&plant.room, "m.room.power_levels", half).await;
    let reason = refusal(serve(&service_toml(&plant.server.url(), &plant.room, "")).await);
    assert!(reason.starts_with(PRESS), "{reason}");
}

#[tokio::test]
async fn who_made_a_room_of_version_12_may_speak_though_no_list_names_them() {
    let plant = person().await;
    let person = plant.person.as_ref().unwrap();
    let levels = json!({ "events_default": 50, "users": {} });
    let made = json!({ "room_version": "12", "power_level_content_override": levels });
    let room = person.make_room(made).await;
    assert_eq!(serve(&person_toml(&plant.server.url(), &person.token, &room)).await, Ok(()));
}

#[tokio::test]
async fn a_token_of_another_kind_is_refused_with_the_right_name() {
    let plant = person().await;
    let person = plant.person.as_ref().unwrap();
    let swapped =
        person_toml(&plant.server.url(), &person.token, &plant.room).replace("token =", "as_token =");
    assert!(refusal(serve(&swapped).await).contains("name it `token`"));
    let swapped = service_toml(&plant.server.url(), &plant.room, "").replace("as_token =", "token =");
    assert!(refusal(serve(&swapped).await).contains("belongs to no device"));
    let wrong = person_toml(&plant.server.url(), "not-a-token", &plant.room);
    assert!(refusal(serve(&wrong).await).contains("M_UNKNOWN_TOKEN"));
}

#[tokio::test]
async fn names_outside_the_registration_are_for_a_person() {
    let plant = service().await;
    let network = build(&service_toml(&plant.server.url(), &plant.room, "user_prefix = \"marc\""));
    let found = network.publish(&delivery(&key("root"), &Step::Open, &warning("fr"))).await;
    let reason = refusal(found);
    assert!(reason.contains("@marcpress-3:portevoix.test cannot be registered"), "{reason}");
}

#[tokio::test]
async fn what_is_no_matrix_server_is_for_a_person() {
    let sink = peers::sink::Sink::start();
    let found = serve(&service_toml(&sink.url(), "!room:portevoix.test", "")).await;
    assert!(!matches!(found, Ok(()) | Err(DeliveryError::Unanswered { .. })), "{found:?}");
}

#[tokio::test]
async fn a_service_that_is_held_to_the_rates_of_people_is_told_to_wait() {
    let server = Synapse::start(Options { is_rate_limited: true, ..Options::default() });
    let plant = service_at(Held::Own(server), "").await;
    let mut found = Vec::new();
    for n in 0..15 {
        found.push(plant.publish(&format!("root-{n}"), &Step::Open, &warning("fr")).await);
    }
    let later = found.iter().filter(|one| matches!(one, Err(DeliveryError::Later { after: Some(_), .. })));
    assert!((4..=7).contains(&later.count()), "{found:?}");
}
