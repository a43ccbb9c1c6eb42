//! What goes over the wire, and what the server's own error words mean.

use std::time::Duration;

use contract::{Delivery, DeliveryError, Priority, clean};
use http_client::{Answer, brief, judge};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::settings::Label;

/// `POST /api/v4/posts`.
#[derive(Debug, Serialize)]
pub(crate) struct CreatePost<'a> {
    pub(crate) channel_id: &'a str,
    pub(crate) message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) root_id: Option<&'a str>,
    /// Any string serves: the server only compares it.
    pub(crate) pending_post_id: &'a str,
    pub(crate) props: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metadata: Option<Value>,
}

/// `PUT /api/v4/posts/{id}/patch`. `props` is replaced whole, so all of it is sent.
#[derive(Debug, Serialize)]
pub(crate) struct PatchPost<'a> {
    pub(crate) message: &'a str,
    pub(crate) props: Value,
}

/// A channel, a team, a post: all that is read of them is their name on the server.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) id: String,
}

/// A page of `GET /api/v4/channels/{id}/posts`, newest first.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) order: Vec<String>,
    pub(crate) posts: std::collections::HashMap<String, PagePost>,
}

/// A post of a page: only what is looked for is kept.
#[derive(Debug, Deserialize)]
pub(crate) struct PagePost {
    #[serde(default)]
    pub(crate) create_at: i64,
    #[serde(default)]
    props: PageProps,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PageProps {
    portevoix: Option<PageKey>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PageKey {
    key: String,
}

impl PagePost {
    pub(crate) fn has_key(&self, key: &str) -> bool {
        self.props.portevoix.as_ref().is_some_and(|found| found.key == key)
    }
}

/// The hidden fields, for machines and for [`PagePost::has_key`].
pub(crate) fn props(delivery: &Delivery<'_>) -> Value {
    let post = delivery.post;
    json!({ "portevoix": {
        "key": delivery.key.0,
        "episode": post.episode.0,
        "version": post.version,
        "machine": clean(&post.author.key, 64),
        "place": clean(&post.author.place, 200),
        "mark": post.mark.name(),
        "priority": u8::from(post.priority),
        "rule": clean(&post.provenance.rule, 200),
        "tag": post.provenance.tag.as_deref().map(|tag| clean(tag, 200)),
        "value": post.provenance.value,
    }})
}

/// The label of a root post, if it wants one.
pub(crate) fn label(label: Label, priority: Priority) -> Option<&'static str> {
    match priority {
        Priority::Urgent => label.name(),
        Priority::High | Priority::Low => None,
    }
}

/// The server's own word for what is wrong: `api.post.create_post.root_id.app_error`.
pub(crate) fn error_id(body: &str) -> String {
    #[derive(Deserialize)]
    struct Body {
        id: String,
    }
    serde_json::from_str::<Body>(body).map(|body| body.id).unwrap_or_default()
}

/// What the answer to a create means.
pub(crate) fn judge_create(answer: &Answer) -> Result<(), DeliveryError> {
    let id = error_id(&answer.body);
    let reason = || brief(answer.status, &answer.body);
    match (answer.status, id.as_str()) {
        // An earlier request with this key is still under way: it may yet be taken, so this is no plain *later*.
        (500, "api.post.deduplicate_create_post.pending") => {
            Err(DeliveryError::Unanswered { reason: reason() })
        }
        // No such channel, an archived one, no such server: the next post would fare no better.
        (404 | 405 | 410, _) | (400, "api.post.create_post.can_not_post_to_deleted.error") => {
            Err(DeliveryError::LockedOut(reason()))
        }
        _ => judge(answer.status, answer.after, &answer.body),
    }
}

/// What the answer to an edit means. A post that a person deleted stays deleted: *never*.
pub(crate) fn judge_edit(answer: &Answer) -> Result<(), DeliveryError> {
    match answer.status {
        404 => Err(DeliveryError::Never(format!("the post is gone ({})", brief(404, &answer.body)))),
        _ => judge(answer.status, answer.after, &answer.body),
    }
}

/// What the answer of an incoming webhook means.
pub(crate) fn judge_hook(answer: &Answer) -> Result<(), DeliveryError> {
    let id = error_id(&answer.body);
    let is_ours = id.contains(".text") || id.contains(".parse") || id.contains(".attachment");
    match answer.status {
        404 | 405 | 410 => Err(DeliveryError::LockedOut(brief(answer.status, &answer.body))),
        // Disabled, deleted, its channel archived, its user gone.
        400 if id.starts_with("web.incoming_webhook.") && !is_ours => {
            Err(DeliveryError::LockedOut(brief(answer.status, &answer.body)))
        }
        _ => judge(answer.status, answer.after, &answer.body),
    }
}

/// True when the server refused the label and not the post.
pub(crate) fn is_label_refused(answer: &Answer) -> bool {
    matches!(answer.status, 400 | 403 | 501) && error_id(&answer.body).contains("priority")
}

/// Reads an answer that should be JSON of this shape. A page of a proxy in between is no answer.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(body: &str) -> Result<T, DeliveryError> {
    serde_json::from_str(body).map_err(|error| DeliveryError::Unanswered {
        reason: format!("an answer that is not Mattermost's ({error}): {}", clean(body, 100)),
    })
}

/// How long after the post was asked for its place in the channel may lie, with clocks that disagree.
pub(crate) const CLOCKS_DISAGREE: Duration = Duration::from_secs(600);
