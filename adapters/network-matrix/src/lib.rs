//! Posts of machines on Matrix: with an application service, where each machine is a user of its own, or, as the lesser
//! way, as one ordinary user. Edited in place, answered in threads, recognised when repeated, found again.
//!
//! Deliberately absent: retrying and pace (the `network` room does them), encryption (a room that is encrypted is
//! refused), reading what people answer.

mod api;
mod event;
mod judge;
mod look;
mod matrix;
mod people;
mod room;
mod settings;
mod write;

use contract::{Chart, Fault, Network, NetworkKind, Post, Setup};
use http_client::{Client, check_url};

pub use chart::Picture;
pub use settings::{PaceSettings, Settings};

/// Draws a chart, or says that there is nothing to draw it with.
pub type Draw = fn(&Chart) -> Option<Picture>;

/// The kind `matrix`.
pub struct Matrix;

impl NetworkKind for Matrix {
    const NAME: &'static str = "matrix";
    type Settings = Settings;

    fn build(setup: &Setup<'_>, settings: Settings) -> Result<Box<dyn Network>, Vec<Fault>> {
        build_drawing(setup, settings, draw)
    }

    /// As notices and old clients show it, then, after an empty line, as HTML.
    fn preview(settings: &Settings, post: &Post) -> String {
        let fits = |words: &write::Words| words.body.len() <= event::BODY_BYTES_MAX;
        match write::words(post, &settings.mentions, fits) {
            Ok(words) => {
                [Some(words.body), words.html].into_iter().flatten().collect::<Vec<_>>().join("\n\n")
            }
            Err(reason) => reason,
        }
    }
}

/// A mistake of ours in a drawing leaves the post without its picture.
fn draw(course: &Chart) -> Option<Picture> {
    match chart::png(course, chart::Theme::Light) {
        Ok(picture) => Some(picture),
        Err(error) => {
            tracing::warn!(%error, "a chart cannot be drawn");
            None
        }
    }
}

/// Makes one that shows charts as pictures.
///
/// # Errors
/// As [`NetworkKind::build`].
pub fn build_drawing(
    setup: &Setup<'_>,
    settings: Settings,
    draw: Draw,
) -> Result<Box<dyn Network>, Vec<Fault>> {
    build(setup, settings, draw).map_err(|fault| vec![fault])
}

fn build(setup: &Setup<'_>, settings: Settings, draw: Draw) -> Result<Box<dyn Network>, Fault> {
    let url = settings.url.as_deref().unwrap_or_default();
    let url = check_url(url).map_err(|error| Fault::at("url", error))?;
    let (key, secret, device) = match (&settings.as_token, &settings.token) {
        (Some(secret), _) => ("as_token", secret, Some(settings.device.clone())),
        (None, Some(secret)) => ("token", secret, None),
        (None, None) => return Err(Fault::at("as_token", "expected a token")),
    };
    let token = secret.read().map_err(|error| Fault::at(key, error))?;
    let client = Client::new(&settings.connection, "connection", url.scheme() == "https")?;
    let server = api::Server::new(client, url, (key, &token), device)?;
    Ok(Box::new(matrix::Room::new(server, setup, settings, draw)))
}
