//! The network: fills a template, sends it, reads the name that comes back.

use contract::settings::SecretText;
use contract::{
    Capabilities, Delivery, DeliveryError, Fault, Length, Network, Receipt, Repeat, Step, async_trait,
};
use http_client::{Answer, Client, Method, Url, brief, check_url, judge};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::settings::{Settings, Verb};
use crate::template::Templates;

/// A list of posts may be long.
const LOOK_BYTES_MAX: usize = 4 << 20;

pub(crate) struct Hook {
    client: Client,
    url: Url,
    method: Method,
    edit_method: Method,
    reply_method: Method,
    headers: HeaderMap,
    key_header: Option<HeaderName>,
    receipt: Option<String>,
    look: Option<Place>,
    templates: Templates,
    capabilities: Capabilities,
}

/// Where a post stands in what is read back.
struct Place {
    items: String,
    receipt: String,
}

impl Hook {
    pub(crate) fn new(settings: &Settings) -> Result<Hook, Vec<Fault>> {
        let templates = Templates::new(settings)?;
        let url = read_url(settings).map_err(|fault| vec![fault])?;
        let others =
            [settings.edit.as_ref(), settings.reply.as_ref()].into_iter().flatten().map(|other| &other.url);
        let mut others = others.chain(settings.look.as_ref().map(|look| &look.url));
        let needs_tls = url.scheme() == "https" || others.any(|url| !url.starts_with("http:"));
        let client =
            Client::new(&settings.connection, "connection", needs_tls).map_err(|fault| vec![fault])?;
        let method_of = |request: &Option<crate::settings::Request>| {
            Method::from(request.as_ref().map_or(Verb::default(), |request| request.method))
        };
        Ok(Hook {
            client,
            url,
            method: settings.method.into(),
            edit_method: method_of(&settings.edit),
            reply_method: method_of(&settings.reply),
            headers: read_headers(settings).map_err(|fault| vec![fault])?,
            key_header: settings.key_header.as_deref().and_then(|name| name.parse().ok()),
            receipt: settings.receipt.clone(),
            look: settings
                .look
                .as_ref()
                .map(|look| Place { items: look.items.clone(), receipt: look.receipt.clone() }),
            templates,
            capabilities: capabilities(settings),
        })
    }

    async fn send(
        &self,
        delivery: &Delivery<'_>,
        template: &str,
        method: &Method,
        url: Url,
    ) -> Result<Answer, DeliveryError> {
        let body = self.templates.body(template, delivery).map_err(DeliveryError::Never)?;
        let mut request = self.client.request(method.clone(), url).headers(self.headers.clone()).body(body);
        if let Some(name) = &self.key_header {
            request = request.header(name, key_of(delivery));
        }
        self.client.send(request).await
    }

    async fn open(&self, delivery: &Delivery<'_>) -> Result<Receipt, DeliveryError> {
        let answer = self.send(delivery, "body", &self.method, self.url.clone()).await?;
        // No such webhook (any more): the next post would fare no better.
        if matches!(answer.status, 404 | 405 | 410) {
            return Err(DeliveryError::LockedOut(brief(answer.status, &answer.body)));
        }
        judge(answer.status, answer.after, &answer.body)?;
        Ok(self.receipt(&answer))
    }

    fn receipt(&self, answer: &Answer) -> Receipt {
        let Some(pointer) = &self.receipt else { return Receipt::nameless() };
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        name_at(&body, pointer).unwrap_or_else(|| {
            // It was taken, so it is not sent again; it cannot be edited.
            tracing::warn!(pointer, answer = brief(answer.status, &answer.body), "no name in the answer");
            Receipt::nameless()
        })
    }
}

#[async_trait]
impl Network for Hook {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn publish(&self, delivery: &Delivery<'_>) -> Result<Receipt, DeliveryError> {
        let (kind, method, is_able) = match delivery.step {
            Step::Open => return self.open(delivery).await,
            Step::Edit(_) => ("edit", &self.edit_method, self.capabilities.edit),
            Step::Reply(_) => ("reply", &self.reply_method, self.capabilities.thread),
        };
        if !is_able {
            return Err(DeliveryError::Never(format!("the table has no `{kind}`")));
        }
        let url = self.templates.url(&format!("{kind}.url"), delivery).map_err(DeliveryError::Never)?;
        let answer = self.send(delivery, &format!("{kind}.body"), method, url).await?;
        judge(answer.status, answer.after, &answer.body)?;
        match delivery.step {
            Step::Edit(shown) => Ok(shown.clone()),
            Step::Open | Step::Reply(_) => Ok(self.receipt(&answer)),
        }
    }

    async fn look(&self, delivery: &Delivery<'_>) -> Result<Option<Receipt>, DeliveryError> {
        let Some(place) = &self.look else { return Ok(None) };
        let url = self.templates.url("look.url", delivery).map_err(DeliveryError::Never)?;
        let request = self.client.request(Method::GET, url).headers(self.headers.clone());
        let answer = self.client.ask(request, LOOK_BYTES_MAX).await?;
        judge(answer.status, answer.after, &answer.body).map_err(|error| match error {
            DeliveryError::Never(reason) => DeliveryError::LockedOut(reason),
            DeliveryError::Unanswered { reason } => DeliveryError::Later { reason, after: None },
            other => other,
        })?;
        find(&answer.body, place, &delivery.key.0)
    }
}

/// The name of the element that holds our key.
fn find(body: &str, place: &Place, key: &str) -> Result<Option<Receipt>, DeliveryError> {
    let unlike = |reason: String| DeliveryError::Later { reason, after: None };
    let body: Value =
        serde_json::from_str(body).map_err(|error| unlike(format!("an answer that is not JSON: {error}")))?;
    let items = body.pointer(&place.items).and_then(Value::as_array);
    let items = items.ok_or_else(|| unlike(format!("no list at `{}` in the answer", place.items)))?;
    let Some(ours) = items.iter().find(|item| holds(item, key)) else { return Ok(None) };
    Ok(Some(name_at(ours, &place.receipt).unwrap_or_else(Receipt::nameless)))
}

/// True when the key stands somewhere in this value.
fn holds(value: &Value, key: &str) -> bool {
    match value {
        Value::String(words) => words.contains(key),
        Value::Array(items) => items.iter().any(|item| holds(item, key)),
        Value::Object(fields) => fields.values().any(|field| holds(field, key)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn name_at(body: &Value, pointer: &str) -> Option<Receipt> {
    match body.pointer(pointer)? {
        Value::String(name) if !name.is_empty() && name.len() <= 512 => Some(Receipt(name.clone())),
        Value::Number(number) => Some(Receipt(number.to_string())),
        _ => None,
    }
}

/// An edit is no repeat of the post, and the second edit none of the first.
fn key_of(delivery: &Delivery<'_>) -> String {
    match delivery.step {
        Step::Open | Step::Reply(_) => delivery.key.0.clone(),
        Step::Edit(_) => format!("{}-{}", delivery.key.0, delivery.post.version),
    }
}

fn capabilities(settings: &Settings) -> Capabilities {
    let settle = settings.settle.0;
    Capabilities {
        repeat: match (&settings.key_header, &settings.look) {
            (Some(_), _) => Repeat::Key,
            (None, Some(_)) => Repeat::Look { settle },
            (None, None) => Repeat::Nothing,
        },
        edit: settings.edit.is_some(),
        thread: settings.reply.is_some(),
        mention: settings.mention.is_some(),
        length: Length::Chars(settings.chars_max),
        pace: settings.pace.into(),
    }
}

fn read_url(settings: &Settings) -> Result<Url, Fault> {
    match (&settings.url, &settings.url_secret) {
        (_, Some(secret)) => {
            let text = secret.read().map_err(|error| Fault::at("url_secret", error))?;
            check_url(text.reveal())
                .map_err(|error| Fault::at("url_secret", format!("in the secret: {error}")))
        }
        (url, None) => check_url(url.as_deref().unwrap_or_default()).map_err(|error| Fault::at("url", error)),
    }
}

fn read_headers(settings: &Settings) -> Result<HeaderMap, Fault> {
    let mut headers = HeaderMap::new();
    let mut add = |key: String, name: &str, value: &SecretText| {
        let unfit = || Fault::at(key.clone(), "is no header of HTTP");
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?;
        let mut value = HeaderValue::from_str(value.reveal()).map_err(|_| unfit())?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    };
    add("content_type".to_owned(), CONTENT_TYPE.as_str(), &SecretText::new(settings.content_type.as_str()))?;
    for (name, value) in &settings.headers {
        add(format!("headers.{name}"), name, &SecretText::new(value.as_str()))?;
    }
    for (name, secret) in &settings.secret_headers {
        let key = format!("secret_headers.{name}");
        let value = secret.read().map_err(|error| Fault::at(key.clone(), error))?;
        add(key, name, &value)?;
    }
    Ok(headers)
}
