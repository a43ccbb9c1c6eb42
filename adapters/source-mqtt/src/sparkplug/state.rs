//! What a primary host says of itself: `spBv1.0/STATE/<host>`, retained. Pure: time is an argument.
//!
//! Said online after the subscriptions; offline by the Will, which the broker says when the line is gone. We never
//! end a connection with DISCONNECT, so the Will always speaks, and there is no death of our own to answer to.

use std::time::Duration;

use tokio::time::Instant;

/// The shortest time between two answers to a stranger who says that we are offline.
const AGAIN: Duration = Duration::from_secs(1);

/// This host.
#[derive(Debug)]
pub struct Presence {
    /// Our name.
    pub host: String,
    /// The time in the Will and in what we say, in milliseconds since 1970: the same for one connection.
    since: u64,
    /// The latest time of a word that was not ours.
    seen: u64,
    said: Option<Instant>,
}

/// What to do about a word on our own topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Nothing.
    Nothing,
    /// Say again that we are online.
    Again,
    /// A later host, or a clock ahead of ours, says that we are offline: connect anew with a later time (version 4,
    /// issue 547 of the specification).
    Anew,
}

impl Presence {
    /// A host that has said nothing yet.
    pub fn new(host: String) -> Presence {
        Presence { host, since: 0, seen: 0, said: None }
    }

    /// A new connection begins. Its time is later than what was seen on the topic, whatever our clock says.
    pub fn begin(&mut self, now_ms: u64) {
        self.since = now_ms.max(self.seen.saturating_add(1)).max(self.since);
        self.said = None;
    }

    /// The payload of STATE.
    pub fn payload(&self, is_online: bool) -> String {
        format!(r#"{{"online":{is_online},"timestamp":{}}}"#, self.since)
    }

    /// We said that we are online.
    pub fn said(&mut self, now: Instant) {
        self.said = Some(now);
    }

    /// A word on our own topic.
    pub fn hear(&mut self, payload: &[u8], now: Instant) -> Answer {
        let Some((is_online, timestamp)) = read(payload) else { return Answer::Nothing };
        if is_online {
            return Answer::Nothing;
        }
        let timestamp = timestamp.unwrap_or_default();
        if timestamp > self.since {
            self.seen = self.seen.max(timestamp);
            return Answer::Anew;
        }
        match self.said {
            Some(said) if now >= said + AGAIN => Answer::Again,
            // Before we said anything it is what an earlier connection left; right after, one answer is enough.
            Some(_) | None => Answer::Nothing,
        }
    }
}

/// Online or not, and since when. The word of version 2 of the specification is plain text.
fn read(payload: &[u8]) -> Option<(bool, Option<u64>)> {
    match payload {
        b"ONLINE" => return Some((true, None)),
        b"OFFLINE" => return Some((false, None)),
        _ => {}
    }
    let state: serde_json::Value = serde_json::from_slice(payload.get(..1000.min(payload.len()))?).ok()?;
    Some((state.get("online")?.as_bool()?, state.get("timestamp").and_then(serde_json::Value::as_u64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offline(timestamp: u64) -> String {
        format!(r#"{{"online":false,"timestamp":{timestamp}}}"#)
    }

    /// tck-id-host-topic-phid-birth-payload-timestamp, -death-payload-timestamp-connect
    #[test]
    fn the_will_and_the_birth_have_one_time() {
        let mut presence = Presence::new("portevoix".to_owned());
        presence.begin(1_000);
        assert_eq!(presence.payload(false), offline(1_000));
        assert_eq!(presence.payload(true), r#"{"online":true,"timestamp":1000}"#);
    }

    /// tck-id-host-topic-phid-death... of a late Will: said again with the same time.
    #[tokio::test]
    async fn a_late_will_is_answered_with_the_same_time_and_not_in_a_loop() {
        let now = Instant::now();
        let mut presence = Presence::new("portevoix".to_owned());
        presence.begin(2_000);
        assert_eq!(
            presence.hear(offline(1_000).as_bytes(), now),
            Answer::Nothing,
            "retained, before we spoke"
        );
        presence.said(now);
        assert_eq!(presence.hear(offline(1_000).as_bytes(), now + AGAIN), Answer::Again);
        presence.said(now + AGAIN);
        assert_eq!(presence.hear(offline(1_000).as_bytes(), now + AGAIN), Answer::Nothing, "too soon");
        assert_eq!(presence.hear(offline(2_000).as_bytes(), now + 2 * AGAIN), Answer::Again);
        assert_eq!(presence.hear(b"OFFLINE", now + 2 * AGAIN), Answer::Again);
        for other in [&b"{}"[..], b"", b"ONLINE", &presence.payload(true).into_bytes()] {
            assert_eq!(presence.hear(other, now + 2 * AGAIN), Answer::Nothing);
        }
    }

    /// A clock that was ahead left its word on the broker: one new connection, not one after the other.
    #[tokio::test]
    async fn a_later_time_makes_one_new_connection() {
        let now = Instant::now();
        let mut presence = Presence::new("portevoix".to_owned());
        presence.begin(2_000);
        presence.said(now);
        assert_eq!(presence.hear(offline(9_000).as_bytes(), now), Answer::Anew);
        presence.begin(2_500);
        presence.said(now);
        assert_eq!(presence.payload(false), offline(9_001));
        assert_eq!(presence.hear(offline(9_000).as_bytes(), now + AGAIN), Answer::Again);
        assert_eq!(presence.hear(offline(u64::MAX).as_bytes(), now + AGAIN), Answer::Anew);
        presence.begin(3_000);
        presence.said(now);
        assert_eq!(presence.hear(offline(u64::MAX).as_bytes(), now + AGAIN), Answer::Again);
    }
}
