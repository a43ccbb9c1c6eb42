//! What an answer of the server means, in one place.

use std::time::Duration;

use contract::{DeliveryError, clean};
use http_client::{Answer, brief};
use serde::Deserialize;

/// A server may ask for a pause, not for a day off.
const AFTER_MAX: Duration = Duration::from_secs(3_600);

/// The body of a refusal: `errcode` and how long to wait (client-server API, *Standard error response*).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refusal {
    errcode: String,
    retry_after_ms: Option<u64>,
}

fn refusal(body: &str) -> Refusal {
    serde_json::from_str(body).unwrap_or_default()
}

/// The server's own word for what is wrong, such as `M_FORBIDDEN`; empty where it has none.
pub(crate) fn errcode(answer: &Answer) -> String {
    refusal(&answer.body).errcode
}

/// What the answer to an event, or to what must be done before one, means.
///
/// Every 5xx is *unanswered*, 503 too: the server recognises a repeat, so that asking again costs nothing, and a proxy
/// that answers for it does not know what became of the request.
///
/// # Errors
/// The next step; nothing for 200 to 299.
pub(crate) fn judge(answer: &Answer) -> Result<(), DeliveryError> {
    let Refusal { errcode, retry_after_ms } = refusal(&answer.body);
    let reason = brief(answer.status, &answer.body);
    match (answer.status, errcode.as_str()) {
        (200..=299, _) => Ok(()),
        (408 | 425 | 429, _) => {
            let asked = retry_after_ms.map(|ms| Duration::from_millis(ms).min(AFTER_MAX));
            Err(DeliveryError::Later { reason, after: answer.after.or(asked) })
        }
        (500..=599, _) => Err(DeliveryError::Unanswered { reason }),
        // No such room, no such user, not a Matrix server, an old address: the next post would fare no better.
        (300..=399 | 401 | 403 | 404 | 405 | 407 | 410, _) | (400, "M_UNKNOWN_DEVICE") => {
            Err(DeliveryError::LockedOut(reason))
        }
        _ => Err(DeliveryError::Never(reason)),
    }
}

/// The same for what is no event: nothing of the post is on its way yet, so without an answer it is *later*, and what
/// is refused for good needs a person. `what` was being done.
///
/// # Errors
/// As [`judge`], never [`DeliveryError::Unanswered`] or [`DeliveryError::Never`].
pub(crate) fn judge_before(answer: &Answer, what: &str) -> Result<(), DeliveryError> {
    judge(answer).map_err(|error| match error {
        DeliveryError::Never(reason) | DeliveryError::LockedOut(reason) => {
            DeliveryError::LockedOut(format!("{what}: {reason}"))
        }
        DeliveryError::Unanswered { reason } => {
            DeliveryError::Later { reason: format!("{what}: {reason}"), after: None }
        }
        DeliveryError::Later { reason, after } => {
            DeliveryError::Later { reason: format!("{what}: {reason}"), after }
        }
    })
}

/// Reads an answer that should be JSON of this shape. A page of a proxy in between is no answer.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(body: &str) -> Result<T, DeliveryError> {
    serde_json::from_str(body).map_err(|error| DeliveryError::Unanswered {
        reason: format!("an answer that is not Matrix's ({error}): {}", clean(body, 100)),
    })
}

/// The same of what is no event.
pub(crate) fn read_before<T: for<'de> Deserialize<'de>>(body: &str) -> Result<T, DeliveryError> {
    read(body).map_err(|error| DeliveryError::Later { reason: error.to_string(), after: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, errcode: &str, want: &str) {
        let body = format!("{{\"errcode\":{errcode:?},\"error\":\"no\"}}");
        let found = match judge(&Answer { status, after: None, body }) {
            Ok(()) => "taken",
            Err(DeliveryError::Later { .. }) => "later",
            Err(DeliveryError::Unanswered { .. }) => "unanswered",
            Err(DeliveryError::Never(_)) => "never",
            Err(DeliveryError::LockedOut(_)) => "locked out",
        };
        assert_eq!(found, want, "{status} {errcode}");
    }

    #[test]
    fn each_answer_is_another_next_step() {
        check(200, "", "taken");
        check(401, "M_UNKNOWN_TOKEN", "locked out");
        check(401, "M_MISSING_TOKEN", "locked out");
        check(401, "M_USER_LOCKED", "locked out");
        check(403, "M_FORBIDDEN", "locked out");
        check(403, "M_USER_DEACTIVATED", "locked out");
        check(403, "M_RESOURCE_LIMIT_EXCEEDED", "locked out");
        check(403, "M_CONSENT_NOT_GIVEN", "locked out");
        check(404, "M_NOT_FOUND", "locked out");
        check(404, "M_UNRECOGNIZED", "locked out");
        check(405, "M_UNRECOGNIZED", "locked out");
        check(400, "M_UNKNOWN_DEVICE", "locked out");
        check(302, "", "locked out");
        check(407, "", "locked out");
        check(429, "M_LIMIT_EXCEEDED", "later");
        check(408, "", "later");
        check(413, "M_TOO_LARGE", "never");
        check(400, "M_BAD_JSON", "never");
        check(400, "M_NOT_JSON", "never");
        check(400, "M_UNKNOWN", "never");
        for status in [500, 502, 503, 504] {
            check(status, "M_UNKNOWN", "unanswered");
        }
    }

    #[test]
    fn waits_as_the_header_asks_or_else_the_body() {
        let after = |header: Option<u64>, body: &str| {
            let answer =
                Answer { status: 429, after: header.map(Duration::from_secs), body: body.to_owned() };
            match judge(&answer) {
                Err(DeliveryError::Later { after, .. }) => after.map(|after| after.as_millis()),
                other => panic!("{other:?}"),
            }
        };
        let body =
            "{\"errcode\":\"M_LIMIT_EXCEEDED\",\"error\":\"Too Many Requests\",\"retry_after_ms\":3632}";
        assert_eq!(after(Some(4), body), Some(4_000));
        assert_eq!(after(None, body), Some(3_632));
        assert_eq!(after(None, "{\"retry_after_ms\":99999999999}"), Some(3_600_000));
        assert_eq!(after(None, "<html>"), None);
    }

    #[test]
    fn before_an_event_nothing_can_be_half_done() {
        let before = |status| {
            judge_before(&Answer { status, after: None, body: String::new() }, "the room")
                .expect_err("an error")
        };
        assert_eq!(before(404), DeliveryError::LockedOut("the room: HTTP 404".to_owned()));
        assert_eq!(before(400), DeliveryError::LockedOut("the room: HTTP 400".to_owned()));
        assert!(matches!(before(502), DeliveryError::Later { .. }));
        assert!(matches!(before(429), DeliveryError::Later { .. }));
    }
}
