//! A question: where, how, and what stands for its places. Pure.

use std::collections::BTreeMap;

use http_client::{Method, Url, check_url};
use serde_json::Value as Json;

use crate::answer;
use crate::settings::Verb;
use crate::template::{fill, fill_json, plain};

/// A question that is asked again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    url: Url,
    method: Verb,
    query: BTreeMap<String, String>,
    body: Option<Json>,
}

/// What stands for the places of a question.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// `{since}`.
    pub since: Option<Json>,
    /// `{offset}`.
    pub offset: u64,
    /// `{page}`.
    pub page: u64,
}

/// What is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// Where.
    pub url: Url,
    /// How.
    pub method: Method,
    /// With what.
    pub body: Option<Json>,
}

/// `path` behind `base`.
pub fn joined(base: &str, path: &str) -> String {
    match path {
        "" => base.to_owned(),
        path => format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/')),
    }
}

impl Ask {
    /// Puts `path` behind `base`.
    ///
    /// # Errors
    /// They make no URL, or the body is no JSON.
    pub fn new(
        base: &str,
        path: &str,
        method: Verb,
        query: &BTreeMap<String, String>,
        body: Option<&str>,
    ) -> Result<Ask, String> {
        let joined = joined(base, path);
        let body = body.map(serde_json::from_str).transpose().map_err(|error| error.to_string())?;
        Ok(Ask { url: check_url(&joined)?, method, query: query.clone(), body })
    }

    /// The same question has the same mark: what is kept for one does not count for another.
    pub fn mark(&self) -> String {
        format!("{:?} {} {:?} {:?}", self.method, self.url, self.query, self.body)
    }

    /// Fills the places.
    pub fn send(&self, places: &Places) -> Sent {
        let value = |name: &str| match name {
            "since" => places.since.as_ref().map(answer::asked),
            "offset" => Some(Json::from(places.offset)),
            "page" => Some(Json::from(places.page)),
            _ => None,
        };
        let mut url = self.url.clone();
        if !self.query.is_empty() {
            let mut pairs = url.query_pairs_mut();
            for (name, text) in &self.query {
                pairs.append_pair(name, &fill(text, &|name| value(name).map(|found| plain(&found))));
            }
        }
        let method = match self.method {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
        };
        Sent { url, method, body: self.body.as_ref().map(|body| fill_json(body, &value)) }
    }
}

/// The next page of `sent`, at a URL that the answer names.
///
/// # Errors
/// It is elsewhere: our secrets go to one server alone.
pub fn follow(sent: &Sent, next: &str) -> Result<Sent, String> {
    let url = sent.url.join(next).map_err(|error| format!("next page `{next}`: {error}"))?;
    if url.origin() != sent.url.origin() {
        return Err(format!("next page on another server: {}", url.origin().ascii_serialization()));
    }
    Ok(Sent { url, ..sent.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn places_are_filled_in_query_and_body() {
        let query = BTreeMap::from([("$filter".to_owned(), "changed ge {since}".to_owned())]);
        let body = r#"{"params": [{"q": "{since}"}, "{offset}", null]}"#;
        let ask =
            Ask::new("https://erp.example/odata", "/Orders?x=1", Verb::Post, &query, Some(body)).unwrap();
        let places = Places { since: Some(json!("2026-11-24T10:00:00+01:00&")), offset: 20, page: 2 };
        let sent = ask.send(&places);
        assert_eq!(
            sent.url.as_str(),
            "https://erp.example/odata/Orders?x=1&%24filter=changed+ge+2026-11-24T10%3A00%3A00%2B01%3A00%26"
        );
        assert_eq!(sent.body, Some(json!({"params": [{"q": "2026-11-24T10:00:00+01:00&"}, 20, null]})));
    }

    #[test]
    fn the_next_page_is_on_the_same_server() {
        let ask =
            Ask::new("https://erp.example/odata/", "Orders", Verb::Get, &BTreeMap::new(), None).unwrap();
        let sent = ask.send(&Places::default());
        let url = |next| follow(&sent, next).map(|sent| sent.url.to_string());
        assert_eq!(
            url("Orders?$skiptoken=5").as_deref(),
            Ok("https://erp.example/odata/Orders?$skiptoken=5")
        );
        assert_eq!(url("https://erp.example:443/x").as_deref(), Ok("https://erp.example/x"));
        for elsewhere in
            ["https://evil.example/", "http://erp.example/", "//evil.example/x", "https://erp.example:8443/"]
        {
            assert!(url(elsewhere).is_err(), "{elsewhere}");
        }
    }
}
