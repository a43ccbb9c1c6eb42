//! An incoming webhook: one post, labelled with the machine's name. No name comes back, so nothing is edited,
//! answered or found again.

use contract::{
    Capabilities, Delivery, DeliveryError, Length, Network, Receipt, Repeat, Step, async_trait, clean,
};
use http_client::{Client, Method, Url};
use serde_json::json;

use crate::api::{is_label_refused, judge_hook, label, props};
use crate::settings::{Label, Settings};
use crate::write::{Limits, message};

pub(crate) struct Hook {
    client: Client,
    url: Url,
    label: Label,
    limits: Limits,
    capabilities: Capabilities,
}

impl Hook {
    pub(crate) fn new(client: Client, url: Url, settings: &Settings) -> Hook {
        let capabilities = Capabilities {
            repeat: Repeat::Nothing,
            edit: false,
            thread: false,
            mention: true,
            length: Length::Chars(settings.chars_max),
            pace: settings.pace.into(),
        };
        let limits = Limits { chars_max: settings.chars_max, allow_broadcast: settings.allow_broadcast };
        Hook { client, url, label: settings.urgent_label, limits, capabilities }
    }
}

#[async_trait]
impl Network for Hook {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn publish(&self, delivery: &Delivery<'_>) -> Result<Receipt, DeliveryError> {
        match delivery.step {
            Step::Open => {}
            Step::Edit(_) | Step::Reply(_) => {
                return Err(DeliveryError::Never("a webhook neither edits nor answers".to_owned()));
            }
        }
        let text = message(delivery.post, self.limits).map_err(DeliveryError::Never)?;
        let mut body = json!({
            "text": text,
            "username": clean(&delivery.post.author.name, 64),
            "props": props(delivery),
        });
        let label = label(self.label, delivery.post.priority);
        if let Some(label) = label {
            body["priority"] = json!({ "priority": label });
        }
        let send = async |body: &serde_json::Value| {
            self.client.send(self.client.request(Method::POST, self.url.clone()).json(body)).await
        };
        let mut answer = send(&body).await?;
        if label.is_some() && is_label_refused(&answer) {
            tracing::warn!(status = answer.status, "the server refuses the label of a post");
            body["priority"] = serde_json::Value::Null;
            answer = send(&body).await?;
        }
        judge_hook(&answer)?;
        Ok(Receipt::nameless())
    }
}
