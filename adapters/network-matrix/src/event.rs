//! The events that go over the wire, and the names of their transactions.

use contract::{Delivery, Priority, Step, clean};
use http_client::markup::plain;
use serde_json::{Value, json};

use crate::Picture;
use crate::write::Words;

/// Under which key of a content our own fields lie.
pub(crate) const OURS: &str = "com.portevoix";
/// The largest event that a server takes, with all that it adds itself (client-server API, *Size limits*).
const EVENT_BYTES_MAX: usize = 65_536;
/// Room for what the server adds: names, hashes, signatures, the events before it. Synapse 1.163 adds 590 bytes; it
/// grows with the branches of a room, of which an event names twenty at most, and with the length of names.
const ENVELOPE_BYTES: usize = 4_096;
/// The longest message, in bytes of its plain words. As HTML it is there once more, and longer.
pub(crate) const BODY_BYTES_MAX: usize = 24_000;

/// True when this event and any later edit of it are small enough.
pub(crate) fn fits(words: &Words, delivery: &Delivery<'_>) -> bool {
    // An edit is the longest form: it holds the first line and the hidden fields once more.
    let longest = edit(words, delivery, &"$".repeat(255));
    words.body.len() <= BODY_BYTES_MAX && longest.to_string().len() + ENVELOPE_BYTES <= EVENT_BYTES_MAX
}

/// A new post.
pub(crate) fn open(words: &Words, delivery: &Delivery<'_>) -> Value {
    let mut content = message(words, delivery);
    content[OURS] = hidden(delivery);
    content
}

/// What replaces this event, in place. The words before `m.new_content` are for clients that cannot; they call nobody:
/// who is called was called when it was opened.
pub(crate) fn edit(words: &Words, delivery: &Delivery<'_>, event: &str) -> Value {
    let mut content = json!({
        "msgtype": kind(delivery),
        "body": format!("* {}", words.body.lines().next().unwrap_or_default()),
        "m.mentions": {},
        "m.new_content": open(words, delivery),
        "m.relates_to": { "rel_type": "m.replace", "event_id": event },
    });
    content[OURS] = hidden(delivery);
    content
}

/// An answer in the thread of this event.
pub(crate) fn reply(words: &Words, delivery: &Delivery<'_>, root: &str) -> Value {
    let mut content = open(words, delivery);
    content["m.relates_to"] = thread(root);
    content
}

/// A picture in the thread of this event. Its words are what the picture says, for whoever does not see it.
pub(crate) fn picture(picture: &Picture, alt: &str, uri: &str, delivery: &Delivery<'_>, root: &str) -> Value {
    let mut content = json!({
        "msgtype": "m.image",
        "body": plain(&clean(alt, 1_000)),
        "filename": PICTURE_NAME,
        "url": uri,
        "info": {
            "mimetype": "image/png",
            "size": picture.png.len(),
            "w": picture.width,
            "h": picture.height,
        },
        "m.mentions": {},
        "m.relates_to": thread(root),
    });
    content[OURS] = json!({ "picture_of": delivery.key.0, "episode": delivery.post.episode.0 });
    content
}

/// What a picture is called where it is saved.
pub(crate) const PICTURE_NAME: &str = "portevoix.png";

/// Clients without threads show it as an answer to the root.
fn thread(root: &str) -> Value {
    json!({
        "rel_type": "m.thread",
        "event_id": root,
        "is_falling_back": true,
        "m.in_reply_to": { "event_id": root },
    })
}

/// `m.mentions` is always there: without it, servers search the words for names.
fn message(words: &Words, delivery: &Delivery<'_>) -> Value {
    let mentions = if words.users.is_empty() { json!({}) } else { json!({ "user_ids": words.users }) };
    let mut content = json!({ "msgtype": kind(delivery), "body": words.body, "m.mentions": mentions });
    if let Some(html) = &words.html {
        content["format"] = json!("org.matrix.custom.html");
        content["formatted_body"] = json!(html);
    }
    content
}

/// A notice disturbs nobody: push rules leave it out.
fn kind(delivery: &Delivery<'_>) -> &'static str {
    match delivery.post.priority {
        Priority::Low => "m.notice",
        Priority::Urgent | Priority::High => "m.text",
    }
}

/// The hidden fields, for machines and to find a post again. The value is a text: a room takes no number with a point
/// (room version 6 and later, *canonical JSON*).
fn hidden(delivery: &Delivery<'_>) -> Value {
    let post = delivery.post;
    json!({
        "key": delivery.key.0,
        "episode": clean(&post.episode.0, 200),
        "version": post.version,
        "machine": clean(&post.author.key, 64),
        "place": clean(&post.author.place, 200),
        "mark": post.mark.name(),
        "priority": u8::from(post.priority),
        "rule": clean(&post.provenance.rule, 200),
        "tag": post.provenance.tag.as_deref().map(|tag| clean(tag, 200)),
        "value": post.provenance.value.map(|value| value.to_string()),
    })
}

/// The name of the transaction: the same delivery, the same name. It holds the machine, because Synapse takes two users
/// of one application service for one; and the version of an edit, which would else be taken for the first.
pub(crate) fn transaction(delivery: &Delivery<'_>) -> String {
    let (machine, key) = (&delivery.post.author.key, &delivery.key.0);
    match delivery.step {
        Step::Open | Step::Reply(_) => format!("pv-{machine}-{key}"),
        Step::Edit(_) => format!("pv-{machine}-{key}-v{}", delivery.post.version),
    }
}

/// The same for the picture under it.
pub(crate) fn picture_transaction(delivery: &Delivery<'_>) -> String {
    format!("{}-picture", transaction(delivery))
}
