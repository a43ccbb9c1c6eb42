//! What an HTTP answer means for a post.

use std::time::Duration;

use contract::{DeliveryError, Moment, clean};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// A server may ask for a pause, not for a day off.
const AFTER_MAX: Duration = Duration::from_secs(3_600);

/// What an HTTP answer means for a post. Shared by every network that speaks HTTP.
///
/// 503 is a proxy without a server behind it, or a server that refuses: not taken. 502 and 504 are a proxy that
/// lost the server in the middle, and 500 a server that lost itself: perhaps taken.
///
/// # Errors
/// The next step; nothing for 200 to 299.
pub fn judge(status: u16, retry_after: Option<Duration>, body: &str) -> Result<(), DeliveryError> {
    let reason = brief(status, body);
    match status {
        200..=299 => Ok(()),
        // A redirect is not followed: the URL in the configuration is out of date.
        300..=399 | 401 | 403 | 407 => Err(DeliveryError::LockedOut(reason)),
        408 | 425 | 429 | 503 | 507 => Err(DeliveryError::Later { reason, after: retry_after }),
        500..=599 => Err(DeliveryError::Unanswered { reason }),
        _ => Err(DeliveryError::Never(reason)),
    }
}

/// The status and the first words of the body, fit for a log.
pub fn brief(status: u16, body: &str) -> String {
    let words = clean(body.trim(), 200);
    if words.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {words}") }
}

/// An error of the client with its causes, without the URL: a webhook's URL is a secret.
pub fn reason_of(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        let words = next.to_string();
        if !reason.contains(&words) {
            reason = format!("{reason}: {words}");
        }
        cause = next.source();
    }
    clean(&reason, 300)
}

/// How long the server asks us to wait: `Retry-After` in seconds or as a date, else `X-Ratelimit-Reset` in seconds,
/// as a Unix time or as an ISO date. At most an hour, whatever it says. A date is measured against the server's own
/// clock where it tells it.
pub fn retry_after(headers: &HeaderMap, now: Moment) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let now = text(DATE.as_str()).and_then(http_date).unwrap_or(now);
    let asked = text(RETRY_AFTER.as_str()).and_then(|value| seconds(value).or_else(|| until(value, now)));
    let reset = || text("x-ratelimit-reset").and_then(|value| reset(value, now));
    asked.or_else(reset).map(|after| after.min(AFTER_MAX))
}

fn seconds(value: &str) -> Option<Duration> {
    let seconds: f64 = value.parse().ok()?;
    if !seconds.is_finite() || seconds < 0.0 { None } else { Some(Duration::from_secs_f64(seconds.min(1e9))) }
}

fn until(value: &str, now: Moment) -> Option<Duration> {
    Some(http_date(value)?.since(now))
}

fn reset(value: &str, now: Moment) -> Option<Duration> {
    /// 2001: less is a number of seconds, more is a moment.
    const UNIX_FROM: f64 = 1e9;
    match value.parse::<f64>() {
        Ok(at) if at >= UNIX_FROM => Some(Moment::from_ms((at * 1e3) as i64).since(now)),
        Ok(_) => seconds(value),
        Err(_) => {
            let at: jiff::Timestamp = value.parse().ok()?;
            Some(Moment::from_ms(at.as_millisecond()).since(now))
        }
    }
}

fn http_date(value: &str) -> Option<Moment> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Moment::from_ms(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &str)], want: Option<u64>) {
        let map =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        // 2015-10-21 07:28:00 UTC.
        let found = retry_after(&map, Moment::from_ms(1_445_412_480_000));
        assert_eq!(found, want.map(Duration::from_secs), "{headers:?}");
    }

    #[test]
    fn waits_as_asked_and_never_more_than_an_hour() {
        check(&[], None);
        check(&[("retry-after", "7")], Some(7));
        check(&[("retry-after", "999999999999999999999")], Some(3_600));
        for absurd in ["-1", "NaN", "inf", "soon"] {
            check(&[("retry-after", absurd)], None);
        }
        check(&[("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT")], Some(30));
        check(&[("retry-after", "Wed, 21 Oct 2015 07:00:00 GMT")], Some(0));
        check(&[("retry-after", "Thu, 31 Dec 9998 23:59:59 GMT")], Some(3_600));
        let late =
            [("retry-after", "Wed, 21 Oct 2015 09:28:30 GMT"), ("date", "Wed, 21 Oct 2015 09:28:00 GMT")];
        check(&late, Some(30));
        check(&[("x-ratelimit-reset", "1")], Some(1));
        check(&[("x-ratelimit-reset", "1445412490")], Some(10));
        check(&[("x-ratelimit-reset", "2015-10-21T07:28:05Z")], Some(5));
        check(&[("retry-after", "2"), ("x-ratelimit-reset", "9")], Some(2));
    }

    #[test]
    fn each_status_is_another_next_step() {
        use DeliveryError::{Later, LockedOut, Never, Unanswered};
        let found = |status| judge(status, None, "").expect_err("an error");
        for status in [301, 302, 401, 403, 407] {
            assert!(matches!(found(status), LockedOut(_)), "{status}");
        }
        for status in [408, 425, 429, 503] {
            assert!(matches!(found(status), Later { .. }), "{status}");
        }
        for status in [500, 502, 504] {
            assert!(matches!(found(status), Unanswered { .. }), "{status}");
        }
        for status in [400, 404, 413, 422] {
            assert!(matches!(found(status), Never(_)), "{status}");
        }
        assert_eq!(judge(201, None, ""), Ok(()));
    }

    #[test]
    fn a_body_cannot_write_in_the_log() {
        assert_eq!(brief(400, "no\r\n2026 ERROR fake\u{1b}[31m"), "HTTP 400: no  2026 ERROR fake[31m");
    }
}
