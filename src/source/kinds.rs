//! The kinds of sources, in a list a person can read, and the door through which the rest of the program uses
//! a kind without knowing its types.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;

use contract::{Brings, Check, Fault, Field, ListAddress, Reads, Setup, Source, SourceKind, TagAddress};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::DeTable;

/// Every kind of source. A new one is one line here.
pub const KINDS: &[&dyn AnySourceKind] = &[
    // MQTT 5 and 3.1.1.
    &Of::<source_mqtt::Mqtt>::KIND,
    // Modbus TCP, RTU and RTU over TCP.
    &Of::<source_modbus::Modbus>::KIND,
    // OPC UA: values, alarms and conditions.
    #[cfg(feature = "opcua")]
    &Of::<source_opcua::OpcUa>::KIND,
    // Exports in a folder, or in one of an SFTP server.
    &Of::<source_files::Files>::KIND,
    // REST and OData, polled; webhooks.
    &Of::<source_http::Kind>::KIND,
    // PostgreSQL, MariaDB and MySQL.
    #[cfg(feature = "sql")]
    &Of::<source_sql::Kind>::KIND,
    // Any program that prints JSON lines.
    &Of::<source_exec::Kind>::KIND,
];

/// A checked table, in a type that only its kind knows.
pub type Boxed = Box<dyn Any + Send>;

/// A table of the file, each value with its place.
pub type Table<'t> = Spanned<DeTable<'t>>;

/// A kind of source whose types are hidden.
pub trait AnySourceKind: Sync {
    /// The word in the configuration.
    fn name(&self) -> &'static str;

    /// Reads `[source.<kind>.<name>]`, and tells what its check finds.
    ///
    /// # Errors
    /// What does not have the shape of the table.
    fn settings(&self, table: Table<'_>) -> Result<(Boxed, Vec<Fault>), toml::de::Error>;

    /// Reads the keys beside `source` in the table of a tag, and tells what their check finds.
    ///
    /// # Errors
    /// What does not have the shape of the address.
    fn address(&self, table: Table<'_>) -> Result<(Boxed, Vec<Fault>), toml::de::Error>;

    /// Reads the keys beside `source` in the table of a list, and tells what their check finds.
    ///
    /// # Errors
    /// What does not have the shape of the list.
    fn list(&self, table: Table<'_>) -> Result<(Boxed, Vec<Fault>), toml::de::Error>;

    /// What is wrong with an address beside the table of its source, or for this machine.
    fn check_tag(&self, settings: &Boxed, machine: &str, address: &Boxed) -> Vec<Fault>;

    /// What is wrong with a list of these fields, beside the table of its source.
    fn check_list(&self, settings: &Boxed, fields: &[Field], list: &Boxed) -> Vec<Fault>;

    /// What an address brings.
    fn brings(&self, address: &Boxed) -> Brings;

    /// What is a slip of the pen in the table of the source.
    fn warn(&self, settings: &Boxed) -> Vec<Fault>;

    /// Where it listens.
    fn listens(&self, settings: &Boxed) -> Option<(&'static str, SocketAddr)>;

    /// Which secrets and files cannot be read here, as key and words.
    fn unread(&self, settings: &Boxed) -> Vec<Fault>;

    /// The shape of the table of the source.
    fn settings_schema(&self, generator: &mut SchemaGenerator) -> Schema;

    /// The shape of the address.
    fn address_schema(&self, generator: &mut SchemaGenerator) -> Schema;

    /// The shape of its part of a list.
    fn list_schema(&self, generator: &mut SchemaGenerator) -> Schema;

    /// What is not safe, as key and words.
    fn examine(&self, settings: &Boxed) -> Vec<Fault>;

    /// What works in an address today and may not one day, for `portevoix check`.
    fn advise(&self, address: &Boxed) -> Vec<Fault>;

    /// Makes one, out of what [`settings`](Self::settings), [`address`](Self::address) and [`list`](Self::list) gave.
    ///
    /// # Errors
    /// As [`SourceKind::build`].
    fn build(
        &self,
        setup: &Setup<'_>,
        settings: Boxed,
        reads: Reads<Boxed, Boxed>,
    ) -> Result<Box<dyn Source>, Vec<Fault>>;
}

impl fmt::Debug for dyn AnySourceKind {
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

impl<K> AnySourceKind for Of<K>
where
    K: SourceKind,
    K::Settings: Send + 'static,
    K::Address: Send + 'static,
    K::List: Send + 'static,
{
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn settings(&self, table: Table<'_>) -> Result<(Boxed, Vec<Fault>), toml::de::Error> {
        read::<K::Settings>(table)
    }

    fn address(&self, table: Table<'_>) -> Result<(Boxed, Vec<Fault>), toml::de::Error> {
        read::<K::Address>(table)
    }

    fn list(&self, table: Table<'_>) -> Result<(Boxed, Vec<Fault>), toml::de::Error> {
        read::<K::List>(table)
    }

    fn check_tag(&self, settings: &Boxed, machine: &str, address: &Boxed) -> Vec<Fault> {
        let both = settings.downcast_ref().zip(address.downcast_ref());
        both.map(|(settings, address)| K::check_tag(settings, machine, address)).unwrap_or_default()
    }

    fn check_list(&self, settings: &Boxed, fields: &[Field], list: &Boxed) -> Vec<Fault> {
        let both = settings.downcast_ref().zip(list.downcast_ref());
        both.map(|(settings, list)| K::check_list(settings, fields, list)).unwrap_or_default()
    }

    fn brings(&self, address: &Boxed) -> Brings {
        address.downcast_ref().map_or(Brings::Either, K::brings)
    }

    fn warn(&self, settings: &Boxed) -> Vec<Fault> {
        settings.downcast_ref().map(K::Settings::warn).unwrap_or_default()
    }

    fn listens(&self, settings: &Boxed) -> Option<(&'static str, SocketAddr)> {
        settings.downcast_ref().and_then(K::Settings::listens)
    }

    fn unread(&self, settings: &Boxed) -> Vec<Fault> {
        settings.downcast_ref::<K::Settings>().map(contract::unread).unwrap_or_default()
    }

    fn settings_schema(&self, generator: &mut SchemaGenerator) -> Schema {
        K::Settings::json_schema(generator)
    }

    fn address_schema(&self, generator: &mut SchemaGenerator) -> Schema {
        K::Address::json_schema(generator)
    }

    fn list_schema(&self, generator: &mut SchemaGenerator) -> Schema {
        K::List::json_schema(generator)
    }

    fn examine(&self, settings: &Boxed) -> Vec<Fault> {
        settings.downcast_ref::<K::Settings>().map(contract::examine).unwrap_or_default()
    }

    fn advise(&self, address: &Boxed) -> Vec<Fault> {
        address.downcast_ref::<K::Address>().map(Check::advise).unwrap_or_default()
    }

    fn build(
        &self,
        setup: &Setup<'_>,
        settings: Boxed,
        reads: Reads<Boxed, Boxed>,
    ) -> Result<Box<dyn Source>, Vec<Fault>> {
        let tag = |TagAddress { id, machine, address }| {
            Ok(TagAddress { id, machine, address: unbox::<K, _>(address)? })
        };
        let list = |ListAddress { id, name, fields, key, address }| {
            Ok(ListAddress { id, name, fields, key, address: unbox::<K, _>(address)? })
        };
        let reads = Reads {
            tags: reads.tags.into_iter().map(tag).collect::<Result<_, Vec<Fault>>>()?,
            lists: reads.lists.into_iter().map(list).collect::<Result<_, Vec<Fault>>>()?,
        };
        K::build(setup, unbox::<K, _>(settings)?, reads)
    }
}

fn read<T: DeserializeOwned + Check + Send + 'static>(
    table: Table<'_>,
) -> Result<(Boxed, Vec<Fault>), toml::de::Error> {
    let value = T::deserialize(toml::de::Deserializer::from(table))?;
    let faults = value.check();
    Ok((Box::new(value), faults))
}

fn unbox<K: SourceKind, T: 'static>(boxed: Boxed) -> Result<T, Vec<Fault>> {
    boxed
        .downcast()
        .map(|value| *value)
        .map_err(|_| vec![Fault::at("", format!("this table was read by another kind than `{}`", K::NAME))])
}
