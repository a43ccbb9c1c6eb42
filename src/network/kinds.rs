//! The kinds of networks, in a list a person can read, and the door through which the rest of the program uses
//! a kind without knowing its types.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;

use contract::{Check, Fault, Network, NetworkKind, Post, Setup};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use toml::Spanned;
use toml::de::DeTable;

/// Every kind of network. A new one is one line here.
pub const KINDS: &[&dyn AnyNetworkKind] = &[
    // The embedded page, the default.
    &Of::<network_wall::Wall>::KIND,
    // The chat of many companies; its threads hold the life of an episode.
    &Of::<network_mattermost::Mattermost>::KIND,
    // Where each machine is a user of its own.
    &Of::<network_matrix::Matrix>::KIND,
    // Anything that takes a POST.
    &Of::<network_http::Webhook>::KIND,
];

/// A checked table, in a type that only its kind knows.
pub type Boxed = Box<dyn Any + Send>;

/// A table of the file, each value with its place.
pub type Table<'t> = Spanned<DeTable<'t>>;

/// A kind of network whose types are hidden.
pub trait AnyNetworkKind: Sync {
    /// The word in the configuration.
    fn name(&self) -> &'static str;

    /// Reads `[network.<kind>.<name>]` without the keys that all networks share, and tells what its check finds.
    ///
    /// # Errors
    /// What does not have the shape of the table.
    fn settings(&self, table: Table<'_>) -> Result<(Boxed, Vec<Fault>), toml::de::Error>;

    /// The shape of the table.
    fn settings_schema(&self, generator: &mut SchemaGenerator) -> Schema;

    /// Makes one, out of what [`settings`](Self::settings) gave.
    ///
    /// # Errors
    /// As [`NetworkKind::build`].
    fn build(&self, setup: &Setup<'_>, settings: Boxed) -> Result<Box<dyn Network>, Vec<Fault>>;

    /// What is not safe, as key and words.
    fn examine(&self, settings: &Boxed) -> Vec<Fault>;

    /// Which secrets and files cannot be read here, as key and words.
    fn unread(&self, settings: &Boxed) -> Vec<Fault>;

    /// What is a slip of the pen in the table.
    fn warn(&self, settings: &Boxed) -> Vec<Fault>;

    /// Where it listens.
    fn listens(&self, settings: &Boxed) -> Option<(&'static str, SocketAddr)>;

    /// True if it shows the site and its machines: it is built anew when they change.
    fn shows_site(&self) -> bool {
        false
    }

    /// The post in its markup, as [`NetworkKind::preview`].
    fn preview(&self, settings: &Boxed, post: &Post) -> String;
}

impl fmt::Debug for dyn AnyNetworkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A kind with its types hidden.
pub struct Of<K>(PhantomData<fn() -> K>);

impl<K> Of<K> {
    /// The kind `K`, as a line of a list.
    pub const KIND: Of<K> = Of(PhantomData);
}

impl<K> AnyNetworkKind for Of<K>
where
    K: NetworkKind,
    K::Settings: Send + 'static,
{
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn settings(&self, table: Table<'_>) -> Result<(Boxed, Vec<Fault>), toml::de::Error> {
        let settings = K::Settings::deserialize(toml::de::Deserializer::from(table))?;
        let faults = settings.check();
        Ok((Box::new(settings), faults))
    }

    fn settings_schema(&self, generator: &mut SchemaGenerator) -> Schema {
        K::Settings::json_schema(generator)
    }

    fn build(&self, setup: &Setup<'_>, settings: Boxed) -> Result<Box<dyn Network>, Vec<Fault>> {
        let settings: Box<K::Settings> = settings.downcast().map_err(|_| {
            vec![Fault::at("", format!("this table was read by another kind than `{}`", K::NAME))]
        })?;
        K::build(setup, *settings)
    }

    fn examine(&self, settings: &Boxed) -> Vec<Fault> {
        settings.downcast_ref::<K::Settings>().map(contract::examine).unwrap_or_default()
    }

    fn unread(&self, settings: &Boxed) -> Vec<Fault> {
        settings.downcast_ref::<K::Settings>().map(contract::unread).unwrap_or_default()
    }

    fn warn(&self, settings: &Boxed) -> Vec<Fault> {
        settings.downcast_ref().map(K::Settings::warn).unwrap_or_default()
    }

    fn listens(&self, settings: &Boxed) -> Option<(&'static str, SocketAddr)> {
        settings.downcast_ref().and_then(K::Settings::listens)
    }

    fn shows_site(&self) -> bool {
        K::SHOWS_SITE
    }

    fn preview(&self, settings: &Boxed, post: &Post) -> String {
        settings.downcast_ref().map(|settings| K::preview(settings, post)).unwrap_or_default()
    }
}
