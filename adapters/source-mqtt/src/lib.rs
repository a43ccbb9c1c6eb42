//! Reads machines over MQTT 5 and 3.1.1.
//!
//! A message becomes samples, one for each tag that claims its topic; it is acknowledged when the batch is
//! settled, so what a broker handed over and we had not kept comes again. From the edge inwards: `line` (bytes),
//! `wire` (packets), `link` (one connection), `reader` (packets become samples), `source` (connect, next, settle).
//!
//! Tags with a `metric` are read over Sparkplug B: `sparkplug` is the pure host, `ear` what ties it to a connection.
//!
//! Deliberately absent: any way to write to a machine. Two functions publish, both in `sparkplug::say`, each only in a
//! role that the configuration names: that this host is there, and a request for a birth certificate.

#[cfg(feature = "broker")]
pub mod broker;
mod claims;
mod door;
mod ear;
mod extract;
#[cfg(any(feature = "fuzz", test))]
pub mod fuzz;
mod identity;
mod json;
mod line;
mod link;
pub mod probe;
mod pulse;
mod reader;
mod refusal;
mod scalar;
mod settings;
mod source;
mod sparkplug;
mod tls;
mod topic;
mod wire;

use std::sync::Arc;

use contract::{Fault, NoLists, Reads, Setup, Source, SourceKind, TagAddress, TagId};
use jiff::tz::TimeZone;

pub use settings::{Address, Endpoint, Pointer, Qos, Role, Settings, Sparkplug, ValueFrom, Version};

use crate::claims::Claims;
use crate::ear::Ear;
use crate::identity::Memory;
use crate::reader::Reader;
use crate::refusal::Stage;
use crate::source::{FILTERS_MAX, Subscriber};
use crate::sparkplug::state::Presence;
use crate::sparkplug::{Host, Metric};
use crate::wire::Greeting;

/// Why a host of Sparkplug B takes no part in a shared subscription.
const NO_SHARE: &str =
    "a shared subscription gives a part of the messages, and Sparkplug B counts them; expected none";

/// `[source.mqtt.<name>]`.
pub struct Mqtt;

impl SourceKind for Mqtt {
    const NAME: &'static str = "mqtt";
    type Settings = Settings;
    type Address = Address;
    type List = NoLists;

    fn check_tag(settings: &Settings, machine: &str, address: &Address) -> Vec<Fault> {
        let words = [
            ("topic", &address.topic),
            ("group", &address.group),
            ("edge", &address.edge),
            ("device", &address.device),
            ("metric", &address.metric),
        ];
        let unfit = words.into_iter().filter_map(|(key, word)| {
            let wrong = topic::fill(word.as_ref()?, machine).err()?;
            Some(Fault::at(key, wrong))
        });
        let shared = (address.metric.is_some() && settings.share.is_some())
            .then(|| Fault::at("metric", format!("its source has `share`: {NO_SHARE}")));
        unfit.chain(shared).collect()
    }

    fn build(
        setup: &Setup<'_>,
        settings: Settings,
        reads: Reads<Address, NoLists>,
    ) -> Result<Box<dyn Source>, Vec<Fault>> {
        build(setup, &settings, reads.tags)
            .map(|source| Box::new(source) as Box<dyn Source>)
            .map_err(|fault| vec![fault])
    }
}

fn build(
    setup: &Setup<'_>,
    settings: &Settings,
    tags: Vec<TagAddress<Address>>,
) -> Result<Subscriber, Fault> {
    let at = Endpoint::parse(&settings.url).map_err(|wrong| Fault::at("url", wrong))?;
    let zone = TimeZone::get(&setup.site.timezone).map_err(|error| Fault::at("", error.to_string()))?;
    let metrics = metrics(&tags).map_err(|wrong| Fault::at("", wrong))?;
    let (claims, mut filters) = Claims::new(tags, zone).map_err(|wrong| Fault::at("", wrong))?;
    let ear = ear(settings, metrics, &mut filters)?;
    let tls = if at.tls { Some(tls::connector(settings)?) } else { None };
    let greeting = greeting(setup, settings)?;
    let filters: Arc<[String]> = filters.into_iter().map(|filter| shared(settings, filter)).collect();
    let reader = Reader {
        version: settings.version,
        qos: settings.qos,
        at: at.clone(),
        filters: Arc::clone(&filters),
        filters_max: FILTERS_MAX,
        claims,
        ear,
        refused: Vec::new(),
        refused_before: Vec::new(),
        is_downgrade_told: false,
        slots: Vec::new(),
    };
    Ok(Subscriber {
        memory: Memory::open(setup.state, setup.name, format!("{} {at}", greeting.client_id)),
        at,
        greeting,
        tls,
        qos: settings.qos,
        connect_timeout: settings.connect_timeout.0,
        silence_max: Some(settings.silence_max.0).filter(|max| !max.is_zero()),
        packet_max: settings.packet_max as usize,
        filters,
        reader,
        generation: 0,
        stage: Stage::Reaching,
        link: None,
    })
}

/// The tags of Sparkplug B, with the machine in its place.
fn metrics(tags: &[TagAddress<Address>]) -> Result<Vec<(TagId, Metric)>, String> {
    let mut metrics = Vec::new();
    for TagAddress { id, machine, address } in tags {
        if let (Some(metric), Some(group), Some(edge)) = (&address.metric, &address.group, &address.edge) {
            let fill = |word: &String| topic::fill(word, machine);
            metrics.push((
                *id,
                Metric {
                    group: fill(group)?,
                    edge: fill(edge)?,
                    device: address.device.as_ref().map(fill).transpose()?,
                    metric: fill(metric)?,
                },
            ));
        }
    }
    Ok(metrics)
}

/// Who listens to Sparkplug B: nobody where no tag does and this is no primary host.
fn ear(
    settings: &Settings,
    metrics: Vec<(TagId, Metric)>,
    filters: &mut Vec<String>,
) -> Result<Option<Box<Ear>>, Fault> {
    let Sparkplug { role, host, rebirth_every_min, reorder_timeout } = &settings.sparkplug;
    if metrics.is_empty() && *role != Role::Primary {
        return Ok(None);
    }
    if settings.share.is_some() {
        return Err(Fault::at("share", NO_SHARE));
    }
    let (ears, needed) = Host::new(*role, rebirth_every_min.0, reorder_timeout.0, metrics);
    filters.extend(needed);
    let presence = host.clone().filter(|_| *role == Role::Primary).map(Presence::new);
    filters.extend(presence.iter().map(|presence| sparkplug::topic::state(&presence.host)));
    *filters = topic::cover(std::mem::take(filters));
    Ok(Some(Box::new(Ear::new(ears, presence))))
}

fn shared(settings: &Settings, filter: String) -> String {
    match &settings.share {
        Some(group) => format!("$share/{group}/{filter}"),
        None => filter,
    }
}

fn greeting(setup: &Setup<'_>, settings: &Settings) -> Result<Greeting, Fault> {
    let client_id = match &settings.client_id {
        Some(id) => id.clone(),
        None => identity::client_id(setup.state, setup.name)
            .map_err(|error| Fault::at("client_id", format!("{}: {error}", setup.state.display())))?,
    };
    let password = settings.password.as_ref().map(contract::settings::Secret::read).transpose();
    Ok(Greeting {
        version: settings.version,
        client_id,
        user: settings.user.clone(),
        password: password.map_err(|wrong| Fault::at("password", wrong))?,
        keep_alive: u16::try_from(settings.keep_alive.0.as_secs()).unwrap_or(u16::MAX),
        session_expiry: u32::try_from(settings.session_expiry.0.as_secs()).unwrap_or(u32::MAX),
        will: None,
    })
}
