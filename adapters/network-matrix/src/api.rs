//! The server, and as whom it is spoken to.

use contract::{DeliveryError, Fault, settings::SecretText};
use http_client::{Answer, Client, Method, RequestBuilder, Url};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde_json::Value;

/// With the longest events a page of [`PER_PAGE`](crate::look::PER_PAGE) stays under this.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// A server.
pub(crate) struct Server {
    client: Client,
    base: Url,
    bearer: HeaderValue,
    /// The device of an application service's users. None for an ordinary user, whose token says it.
    device: Option<String>,
}

impl Server {
    pub(crate) fn new(
        client: Client,
        base: Url,
        (key, token): (&str, &SecretText),
        device: Option<String>,
    ) -> Result<Server, Fault> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))
            .map_err(|_| Fault::at(key, "the secret holds signs that no token has"))?;
        bearer.set_sensitive(true);
        Ok(Server { client, base, bearer, device })
    }

    /// The longest wait for an answer.
    pub(crate) fn total(&self) -> std::time::Duration {
        self.client.total()
    }

    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url).header(AUTHORIZATION, self.bearer.clone())
    }

    /// The URL of a thing, each segment escaped, as this user.
    fn url(&self, path: &[&str], user: Option<&str>) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("_matrix").extend(path);
        }
        if let (Some(user), Some(_)) = (user, &self.device) {
            url.query_pairs_mut().append_pair("user_id", user);
        }
        url
    }

    /// The same with the device, where there must be one.
    fn device_url(&self, path: &[&str], user: &str) -> Url {
        let mut url = self.url(path, Some(user));
        if let Some(device) = &self.device {
            url.query_pairs_mut().append_pair("device_id", device);
        }
        url
    }

    /// Who the token belongs to, or whether this user with our device exists.
    pub(crate) async fn whoami(&self, user: Option<&str>) -> Result<Answer, DeliveryError> {
        let path = ["client", "v3", "account", "whoami"];
        let url = user.map_or_else(|| self.url(&path, None), |user| self.device_url(&path, user));
        self.client.ask(self.request(Method::GET, url), ANSWER_BYTES_MAX).await
    }

    /// Reads.
    pub(crate) async fn get(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        user: &str,
    ) -> Result<Answer, DeliveryError> {
        let mut url = self.url(&[&["client", "v3"], path].concat(), Some(user));
        for (key, value) in query {
            url.query_pairs_mut().append_pair(key, value);
        }
        self.client.ask(self.request(Method::GET, url), ANSWER_BYTES_MAX).await
    }

    /// Does what may be done twice and is no event.
    pub(crate) async fn set(
        &self,
        method: Method,
        path: &[&str],
        user: Option<&str>,
        body: &Value,
    ) -> Result<Answer, DeliveryError> {
        let url = self.url(&[&["client", "v3"], path].concat(), user);
        self.client.ask(self.request(method, url).json(body), ANSWER_BYTES_MAX).await
    }

    /// Sends a message.
    pub(crate) async fn send(
        &self,
        room: &str,
        transaction: &str,
        user: &str,
        content: &Value,
    ) -> Result<Answer, DeliveryError> {
        let path = ["client", "v3", "rooms", room, "send", "m.room.message", transaction];
        let url = self.device_url(&path, user);
        self.client.send(self.request(Method::PUT, url).json(content)).await
    }

    /// Hands a picture over.
    pub(crate) async fn upload(&self, name: &str, png: Vec<u8>, user: &str) -> Result<Answer, DeliveryError> {
        let mut url = self.url(&["media", "v3", "upload"], Some(user));
        url.query_pairs_mut().append_pair("filename", name);
        let request = self.request(Method::POST, url).header(CONTENT_TYPE, "image/png").body(png);
        self.client.ask(request, ANSWER_BYTES_MAX).await
    }

    /// The device that our users have, of an application service.
    pub(crate) fn device(&self) -> Option<&str> {
        self.device.as_deref()
    }
}
