//! Finding a post again: our key lies hidden in its event.

use contract::{Delivery, DeliveryError, Receipt};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::event::OURS;
use crate::judge::{judge_before, read_before};
use crate::matrix::{Room, receipt};

/// Events of a page. The longest are 64 KiB, and each may bring its last edit along.
pub(crate) const PER_PAGE: usize = 50;
/// 25,000 posts of one machine since its episode began: whoever looks further back has another trouble.
const PAGES_MAX: usize = 500;
/// How far clocks may disagree, in milliseconds.
const CLOCKS_DISAGREE_MS: i64 = 600_000;

/// A page of `GET /rooms/{room}/messages`, newest first.
#[derive(Debug, Deserialize)]
struct Page {
    chunk: Vec<Event>,
    /// Where the next one begins; none at the beginning of the room.
    end: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Event {
    event_id: String,
    sender: String,
    #[serde(default)]
    origin_server_ts: i64,
    #[serde(default)]
    content: Value,
}

impl Event {
    /// True of the event itself, not of an edit of it, which holds a key too.
    fn is(&self, key: &str, sender: &str) -> bool {
        let is_edit = self.content["m.relates_to"]["rel_type"] == "m.replace";
        !is_edit && self.sender == sender && self.content[OURS]["key"] == key
    }
}

impl Room {
    /// Goes back through what this author's user said in the room, newest first, to the time when the episode began.
    pub(crate) async fn find(
        &self,
        room: &str,
        delivery: &Delivery<'_>,
    ) -> Result<Option<Receipt>, DeliveryError> {
        let sender = self.user_of(self.me().await?, &delivery.post.author.key);
        let oldest = delivery.post.begun.min(delivery.post.written).as_ms() - CLOCKS_DISAGREE_MS;
        let filter = json!({ "types": ["m.room.message"], "senders": [sender] }).to_string();
        let limit = PER_PAGE.to_string();
        let mut from: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let mut query = vec![("dir", "b"), ("limit", limit.as_str()), ("filter", filter.as_str())];
            query.extend(from.as_deref().map(|from| ("from", from)));
            let answer = self.read_room(room, &["messages"], &query).await?;
            judge_before(&answer, "the messages of the room")?;
            let page: Page = read_before(&answer.body)?;
            if let Some(found) = page.chunk.iter().find(|event| event.is(&delivery.key.0, &sender)) {
                return Ok(Some(receipt(room, &found.event_id)));
            }
            let is_old = page.chunk.last().is_some_and(|event| event.origin_server_ts < oldest);
            match page.end {
                Some(end) if !is_old && from.as_ref() != Some(&end) => from = Some(end),
                Some(_) | None => return Ok(None),
            }
        }
        let reason =
            format!("not found in the last {} posts, and the episode is older", PAGES_MAX * PER_PAGE);
        Err(DeliveryError::Later { reason, after: None })
    }
}
