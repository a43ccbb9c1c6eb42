//! Posts of machines on Mattermost: with a bot (edited in place, answered in threads, found again) or, as the lesser
//! way, through an incoming webhook (one post, then silence).
//!
//! Deliberately absent: retrying and pace (the `network` room does them), reading what people answer.

mod api;
mod bot;
mod hook;
mod settings;
mod write;

use contract::{Fault, Network, NetworkKind, Post, Setup, settings::Secret};
use http_client::{Client, check_url};

pub use settings::{Label, PaceSettings, Settings};

/// The kind `mattermost`.
pub struct Mattermost;

impl NetworkKind for Mattermost {
    const NAME: &'static str = "mattermost";
    type Settings = Settings;

    fn build(_setup: &Setup<'_>, settings: Settings) -> Result<Box<dyn Network>, Vec<Fault>> {
        match &settings.webhook {
            Some(webhook) => build_hook(webhook, &settings).map_err(|fault| vec![fault]),
            None => build_bot(&settings).map_err(|fault| vec![fault]),
        }
    }

    fn preview(settings: &Settings, post: &Post) -> String {
        let limits =
            write::Limits { chars_max: settings.chars_max, allow_broadcast: settings.allow_broadcast };
        write::message(post, limits).unwrap_or_else(|reason| reason)
    }
}

fn build_hook(webhook: &Secret, settings: &Settings) -> Result<Box<dyn Network>, Fault> {
    let text = webhook.read().map_err(|error| Fault::at("webhook", error))?;
    let url =
        check_url(text.reveal()).map_err(|error| Fault::at("webhook", format!("in the secret: {error}")))?;
    let client = Client::new(&settings.connection, "connection", url.scheme() == "https")?;
    Ok(Box::new(hook::Hook::new(client, url, settings)))
}

fn build_bot(settings: &Settings) -> Result<Box<dyn Network>, Fault> {
    let url = settings.url.as_deref().unwrap_or_default();
    let url = check_url(url).map_err(|error| Fault::at("url", error))?;
    let token = settings.token.as_ref().ok_or_else(|| Fault::at("token", "expected a token"))?;
    let token = token.read().map_err(|error| Fault::at("token", error))?;
    let client = Client::new(&settings.connection, "connection", url.scheme() == "https")?;
    bot::Bot::new(client, &url, &token, settings).map(|bot| Box::new(bot) as Box<dyn Network>)
}
