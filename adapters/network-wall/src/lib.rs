//! The embedded network: a page of the posts of the machines, with their threads, served by portevoix itself.
//!
//! Takes posts into a small SQLite file of its own and shows them on one page, which changes in place while it is
//! looked at. Deliberately absent: no login (so it listens on loopback unless told otherwise), no way to write
//! from the page, nothing from outside (no font, no script, no picture of another host), no sound.

mod card;
mod clock;
mod events;
mod fit;
mod network;
mod page;
mod server;
mod settings;
mod store;
mod words;

use contract::{Fault, Network, NetworkKind, Setup};

pub use settings::Settings;

/// The kind `wall`: `[network.wall.<name>]`.
#[derive(Debug, Clone, Copy)]
pub struct Wall;

impl NetworkKind for Wall {
    const NAME: &'static str = "wall";
    const SHOWS_SITE: bool = true;
    type Settings = Settings;

    fn build(setup: &Setup<'_>, settings: Settings) -> Result<Box<dyn Network>, Vec<Fault>> {
        Ok(Box::new(network::WallNetwork::new(setup, settings)?))
    }
}
