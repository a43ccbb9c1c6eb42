//! What makes an adapter known: its name in the configuration, the shape of its table, and how one is made.
//! The rooms `source` and `network` list the kinds; nothing registers itself.

use std::net::SocketAddr;
use std::path::Path;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::settings::Secret;
use crate::{Field, Network, Post, Reads, Site, Source};

/// Something wrong in a table that is well formed: a value that cannot be, two that exclude each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The key inside the table, with dots between: `password.file`. Empty for the table itself.
    pub key: String,
    /// What was found, what is expected.
    pub message: String,
}

impl Fault {
    /// A fault of one key.
    pub fn at(key: impl Into<String>, message: impl Into<String>) -> Fault {
        Fault { key: key.into(), message: message.into() }
    }
}

/// Checks that go beyond the shape. They touch no network, no device and no secret, and no file but those that are a
/// part of the configuration, such as device files of Modbus.
pub trait Check {
    /// All that is wrong, in the order of the table.
    fn check(&self) -> Vec<Fault> {
        Vec::new()
    }

    /// What is allowed and not safe. Of a source or network, for `portevoix doctor`: a password in the clear, a page
    /// open to all. Of the address of a tag, for `portevoix check`: a name that may mean something else one day.
    fn advise(&self) -> Vec<Fault> {
        Vec::new()
    }

    /// What is allowed and is a slip of the pen, for `portevoix check`: a secret among plain values.
    fn warn(&self) -> Vec<Fault> {
        Vec::new()
    }

    /// Where it listens, with the key that says so: two cannot listen at one port.
    fn listens(&self) -> Option<(&'static str, SocketAddr)> {
        None
    }

    /// The files, besides secrets, without which none can be made, with their keys: certificates, device files.
    fn files(&self) -> Vec<(&'static str, &Path)> {
        Vec::new()
    }

    /// The secrets that will be read, with their keys, so that `portevoix doctor` can try them.
    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        Vec::new()
    }
}

/// What `portevoix doctor` has to say of a table: what is not safe, and secrets that others can read.
pub fn examine(settings: &impl Check) -> Vec<Fault> {
    let exposed = settings.secrets().into_iter().filter_map(|(key, secret)| {
        secret.read().ok()?;
        Some(Fault::at(key, secret.exposed()?))
    });
    exposed.chain(settings.advise()).collect()
}

/// The secrets and files that cannot be read on this computer: here, `portevoix run` would not start.
pub fn unread(settings: &impl Check) -> Vec<Fault> {
    let secret = |(key, secret): (&'static str, &Secret)| Some(Fault::at(key, secret.read().err()?));
    let file = |(key, path): (&'static str, &Path)| {
        let error = std::fs::metadata(path).err()?;
        Some(Fault::at(key, format!("{}: {error}", path.display())))
    };
    let secrets = settings.secrets().into_iter().filter_map(secret);
    secrets.chain(settings.files().into_iter().filter_map(file)).collect()
}

/// What an adapter is given besides its own table.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    /// The name in the configuration: `hall-b` of `[source.mqtt.hall-b]`.
    pub name: &'a str,
    /// The site and its machines.
    pub site: &'a Site,
    /// The folder for what must outlive a restart. Exists, and only portevoix reads it.
    pub state: &'a Path,
}

/// A kind of source: `[source.<NAME>.<name>]`, and the address that a tag of it holds.
pub trait SourceKind {
    /// The word in the configuration.
    const NAME: &'static str;
    /// The table of the source.
    type Settings: DeserializeOwned + JsonSchema + Check;
    /// The keys beside `source` in the table of a tag; [`NoTags`] where it gives records alone.
    type Address: DeserializeOwned + JsonSchema + Check;
    /// The keys beside `source` in the table of a list; [`NoLists`] where it gives no records.
    type List: DeserializeOwned + JsonSchema + Check;

    /// What is wrong with an address that is well formed by itself: beside the table of its source, or for this
    /// machine. The keys are those of the tag. Whatever [`build`](Self::build) refuses because of the configuration
    /// alone is told here, so that `portevoix check` shows its place.
    fn check_tag(settings: &Self::Settings, machine: &str, address: &Self::Address) -> Vec<Fault> {
        let _ = (settings, machine, address);
        Vec::new()
    }

    /// The same of a list with these fields. A key may be one of a field: `field.due.from`.
    fn check_list(settings: &Self::Settings, fields: &[Field], list: &Self::List) -> Vec<Fault> {
        let _ = (settings, fields, list);
        Vec::new()
    }

    /// What an address brings. Most sources know values alone.
    fn brings(address: &Self::Address) -> Brings {
        let _ = address;
        Brings::Values
    }

    /// Makes one. Reads secrets and certificates; connects to nothing.
    ///
    /// # Errors
    /// What cannot be read or does not fit together, with its key in the table of the source.
    fn build(
        setup: &Setup<'_>,
        settings: Self::Settings,
        reads: Reads<Self::Address, Self::List>,
    ) -> Result<Box<dyn Source>, Vec<Fault>>;
}

/// What a tag hears, as far as its address tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brings {
    /// Values, to be judged here.
    Values,
    /// Alarms, judged elsewhere.
    Alarms,
    /// One or the other: only what comes shows it.
    Either,
}

/// The address of a source that has no tags. None can be made; whoever writes one is told.
#[derive(Debug, Clone, JsonSchema)]
pub enum NoTags {}

/// The list of a source that has no records. None can be made; whoever writes one is told.
#[derive(Debug, Clone, JsonSchema)]
pub enum NoLists {}

impl<'de> serde::Deserialize<'de> for NoTags {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<NoTags, D::Error> {
        Err(serde::de::Error::custom("this kind of source gives lists of records and no tags"))
    }
}

impl<'de> serde::Deserialize<'de> for NoLists {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<NoLists, D::Error> {
        Err(serde::de::Error::custom("this kind of source gives tags and no lists of records"))
    }
}

impl Check for NoTags {}
impl Check for NoLists {}

/// A kind of network: `[network.<NAME>.<name>]`.
pub trait NetworkKind {
    /// The word in the configuration.
    const NAME: &'static str;
    /// True if it shows the site and its machines, as a page does: then it is built anew when they change.
    const SHOWS_SITE: bool = false;
    /// The table of the network.
    type Settings: DeserializeOwned + JsonSchema + Check;

    /// Makes one. Reads secrets and opens its own store, if it has one; connects to nothing.
    ///
    /// # Errors
    /// What cannot be read or does not fit together, with its key in the table of the network.
    fn build(setup: &Setup<'_>, settings: Self::Settings) -> Result<Box<dyn Network>, Vec<Fault>>;

    /// The post in the markup of this network, as `portevoix preview` shows it. Pure: no secret, no network.
    fn preview(settings: &Self::Settings, post: &Post) -> String {
        let _ = settings;
        let lines = post.lines.iter().map(|line| line.text.plain());
        std::iter::once(post.first_line().plain()).chain(lines).collect::<Vec<_>>().join("\n")
    }
}
