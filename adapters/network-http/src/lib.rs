//! Posts of machines to any webhook: the request is written by templates of the configuration.
//!
//! The templates are compiled when the configuration is checked, and tried there on words with quotes and line ends.
//! Words are values: they are never read as a template again.
//!
//! Deliberately absent: retrying and pace (the `network` room does them), reading what people answer.

mod settings;
mod template;
mod webhook;
mod write;

use contract::{Fault, Network, NetworkKind, Post, Setup};

pub use settings::{Look, Markup, PaceSettings, Request, Settings, Verb};

/// The kind `http`.
pub struct Webhook;

impl NetworkKind for Webhook {
    const NAME: &'static str = "http";
    type Settings = Settings;

    fn build(_setup: &Setup<'_>, settings: Settings) -> Result<Box<dyn Network>, Vec<Fault>> {
        webhook::Hook::new(&settings).map(|hook| Box::new(hook) as Box<dyn Network>)
    }

    fn preview(settings: &Settings, post: &Post) -> String {
        let style = write::Style::new(settings).unwrap_or(write::Style::usual());
        write::message(post, &style).map_or_else(|reason| reason, |message| message.text)
    }
}
