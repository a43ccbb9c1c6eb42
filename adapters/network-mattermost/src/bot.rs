//! A bot account: posts, edits in place, answers in threads, and finds again what it posted.

use contract::{
    Capabilities, Delivery, DeliveryError, Fault, Length, Network, Receipt, Repeat, Step, async_trait,
    settings::SecretText,
};
use http_client::{Answer, Client, Method, RequestBuilder, Url};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde_json::json;
use tokio::sync::OnceCell;

use crate::api::{CLOCKS_DISAGREE, CreatePost, Named, Page, PatchPost};
use crate::api::{is_label_refused, judge_create, judge_edit, label, props, read};
use crate::settings::{Label, Settings};
use crate::write::{Limits, message};

/// Posts of a page when looking. With the longest messages a page stays under [`PAGE_BYTES_MAX`].
const PER_PAGE: usize = 60;
const PAGE_BYTES_MAX: usize = 4 << 20;
/// 30,000 posts since the episode began: whoever looks further back has another trouble.
const PAGES_MAX: usize = 500;

pub(crate) struct Bot {
    client: Client,
    api: Url,
    bearer: HeaderValue,
    place: Place,
    channel_id: OnceCell<String>,
    label: Label,
    limits: Limits,
    capabilities: Capabilities,
}

/// How the configuration names the channel.
struct Place {
    team: Option<String>,
    channel: String,
}

impl Bot {
    pub(crate) fn new(
        client: Client,
        url: &Url,
        token: &SecretText,
        settings: &Settings,
    ) -> Result<Bot, Fault> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))
            .map_err(|_| Fault::at("token", "the secret holds signs that no token has"))?;
        bearer.set_sensitive(true);
        let place =
            Place { team: settings.team.clone(), channel: settings.channel.clone().unwrap_or_default() };
        Ok(Bot {
            client,
            api: below(url, &["api", "v4"]),
            bearer,
            place,
            channel_id: OnceCell::new_with(settings.channel_id.clone()),
            label: settings.urgent_label,
            limits: Limits { chars_max: settings.chars_max, allow_broadcast: settings.allow_broadcast },
            capabilities: capabilities(settings),
        })
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.client.request(method, below(&self.api, path)).header(AUTHORIZATION, self.bearer.clone())
    }

    /// Asks for one thing by its name and gives its id.
    async fn ask<T: for<'de> serde::Deserialize<'de>>(
        &self,
        path: &[&str],
        what: &str,
    ) -> Result<T, DeliveryError> {
        let answer = self.client.ask(self.request(Method::GET, path), PAGE_BYTES_MAX).await?;
        read_asked(&answer, what)
    }

    /// The id of the channel, asked for once.
    async fn channel_id(&self) -> Result<&str, DeliveryError> {
        let found = self.channel_id.get_or_try_init(async || {
            let (team, channel) = (self.team().await?, &self.place.channel);
            let path = ["teams", "name", &team, "channels", "name", channel];
            let found: Named = self.ask(&path, &format!("channel `{channel}` of team `{team}`")).await?;
            Ok(found.id)
        });
        found.await.map(String::as_str)
    }

    /// The team of the configuration, or the only one that the bot is in.
    async fn team(&self) -> Result<String, DeliveryError> {
        #[derive(serde::Deserialize)]
        struct Team {
            name: String,
        }
        if let Some(team) = &self.place.team {
            return Ok(team.clone());
        }
        let mut teams: Vec<Team> = self.ask(&["users", "me", "teams"], "the teams of the bot").await?;
        match (teams.pop(), teams.len()) {
            (Some(only), 0) => Ok(only.name),
            (found, more) => Err(DeliveryError::LockedOut(format!(
                "the bot is in {} teams, expected one; else name the `team`",
                more + usize::from(found.is_some())
            ))),
        }
    }

    async fn create(
        &self,
        delivery: &Delivery<'_>,
        root: Option<&Receipt>,
    ) -> Result<Receipt, DeliveryError> {
        let message = message(delivery.post, self.limits).map_err(DeliveryError::Never)?;
        let label = label(self.label, delivery.post.priority).filter(|_| root.is_none());
        let mut create = CreatePost {
            channel_id: self.channel_id().await?,
            message: &message,
            root_id: root.map(|root| root.0.as_str()),
            pending_post_id: &delivery.key.0,
            props: props(delivery),
            metadata: label.map(|label| json!({ "priority": { "priority": label } })),
        };
        let mut answer = self.client.send(self.request(Method::POST, &["posts"]).json(&create)).await?;
        if create.metadata.is_some() && is_label_refused(&answer) {
            // The words matter more than their label.
            tracing::warn!(status = answer.status, "the server refuses the label of a post");
            create.metadata = None;
            answer = self.client.send(self.request(Method::POST, &["posts"]).json(&create)).await?;
        }
        judge_create(&answer)?;
        read::<Named>(&answer.body).map(|post| Receipt(post.id))
    }

    async fn edit(&self, delivery: &Delivery<'_>, shown: &Receipt) -> Result<Receipt, DeliveryError> {
        let message = message(delivery.post, self.limits).map_err(DeliveryError::Never)?;
        let patch = PatchPost { message: &message, props: props(delivery) };
        let request = self.request(Method::PUT, &["posts", &shown.0, "patch"]).json(&patch);
        judge_edit(&self.client.send(request).await?)?;
        Ok(shown.clone())
    }

    /// The page of the channel before this post, or the newest one.
    async fn page(&self, before: Option<&str>) -> Result<Page, DeliveryError> {
        let mut url = below(&self.api, &["channels", self.channel_id().await?, "posts"]);
        url.query_pairs_mut().append_pair("per_page", &PER_PAGE.to_string());
        if let Some(before) = before {
            url.query_pairs_mut().append_pair("before", before);
        }
        let request = self.client.request(Method::GET, url).header(AUTHORIZATION, self.bearer.clone());
        let answer = self.client.ask(request, PAGE_BYTES_MAX).await?;
        read_asked(&answer, "the posts of the channel")
    }
}

#[async_trait]
impl Network for Bot {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn publish(&self, delivery: &Delivery<'_>) -> Result<Receipt, DeliveryError> {
        let work = async {
            match delivery.step {
                Step::Open => self.create(delivery, None).await,
                Step::Reply(root) => self.create(delivery, Some(root)).await,
                Step::Edit(shown) => self.edit(delivery, shown).await,
            }
        };
        // The first post asks for the channel too: together they have no more time than one alone.
        match tokio::time::timeout(self.client.total(), work).await {
            Ok(found) => found,
            Err(_) => Err(DeliveryError::Unanswered { reason: "no answer in time".to_owned() }),
        }
    }

    /// Goes back through the channel, newest first, to the time when the episode began. Not by `since`, which the
    /// server does not keep in order past a thousand posts, and not by page number, which shifts under the reader.
    async fn look(&self, delivery: &Delivery<'_>) -> Result<Option<Receipt>, DeliveryError> {
        let oldest = delivery.post.begun.min(delivery.post.written).minus(CLOCKS_DISAGREE).as_ms();
        let mut before: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let page = self.page(before.as_deref()).await?;
            if let Some((id, _)) = page.posts.iter().find(|(_, post)| post.has_key(&delivery.key.0)) {
                return Ok(Some(Receipt(id.clone())));
            }
            let Some(last) = page.order.last().cloned() else { return Ok(None) };
            if page.posts.get(&last).is_some_and(|post| post.create_at < oldest) {
                return Ok(None);
            }
            before = Some(last);
        }
        let reason =
            format!("not found in the last {} posts, and the episode is older", PAGES_MAX * PER_PAGE);
        Err(DeliveryError::Later { reason, after: None })
    }
}

fn capabilities(settings: &Settings) -> Capabilities {
    let settle = settings.settle.0;
    let lasts = settings.key_lasts.0;
    Capabilities {
        repeat: if lasts.is_zero() { Repeat::Look { settle } } else { Repeat::ShortKey { lasts, settle } },
        edit: true,
        thread: true,
        mention: true,
        length: Length::Chars(settings.chars_max),
        pace: settings.pace.into(),
    }
}

/// What was asked for and is not there is a mistake of the configuration: a person must look.
fn read_asked<T: for<'de> serde::Deserialize<'de>>(answer: &Answer, what: &str) -> Result<T, DeliveryError> {
    http_client::judge(answer.status, answer.after, &answer.body).map_err(|error| match error {
        DeliveryError::Never(reason) => DeliveryError::LockedOut(format!("{what}: {reason}")),
        DeliveryError::LockedOut(reason) => DeliveryError::LockedOut(format!("{what}: {reason}")),
        DeliveryError::Unanswered { reason } => DeliveryError::Later { reason, after: None },
        later @ DeliveryError::Later { .. } => later,
    })?;
    read(&answer.body)
        .map_err(|error| DeliveryError::Later { reason: format!("{what}: {error}"), after: None })
}

/// The URL with these segments after its path; each one is escaped.
fn below(url: &Url, path: &[&str]) -> Url {
    let mut url = url.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}
