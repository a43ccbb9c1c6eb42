//! Reads machines over OPC UA: values, alarms and conditions.
//!
//! From the edge inwards: `session` (a secured line, opened anew each time), `ask` (questions within the server's
//! limits), `resolve` (where nodes are now), `subscribe` (subscriptions, each item checked), `publish` (what changed,
//! in order), `link` (one connection and its watchdogs), `value` and `event` (what was said), `source` (connect,
//! next). `trust` keeps certificates; `probe` looks at a server that nobody has configured yet.
//!
//! Deliberately absent: Write, and every Call but that of ConditionRefresh. Nothing here can write to a machine.

mod address;
mod alarms;
mod ask;
mod bounded;
mod chore;
mod conditions;
mod der;
mod endpoint;
mod event;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod goodbyes;
mod link;
mod node;
mod own;
mod path;
pub mod probe;
mod publish;
mod refusal;
mod resolve;
mod session;
mod settings;
mod source;
mod subscribe;
pub mod trust;
mod url;
mod value;

use std::path::Path;
use std::sync::Arc;

use contract::{Batch, Brings, Fault, NoLists, Reads, Setup, Source, SourceKind, TagAddress};
use opcua::client::IdentityToken;
use opcua::crypto::{CertificateStore, X509};

pub use address::Address;
pub use settings::{Policy, Profile, Security, Settings, TimeFrom};

use crate::address::Item;
use crate::alarms::Alarms;
use crate::goodbyes::Goodbyes;
use crate::link::Manner;
use crate::session::Plan;
use crate::source::OpcUaSource;
use crate::url::Url;

/// `[source.opcua.<name>]`.
pub struct OpcUa;

impl SourceKind for OpcUa {
    const NAME: &'static str = "opcua";
    type Settings = Settings;
    type Address = Address;
    type List = NoLists;

    fn check_tag(_settings: &Settings, machine: &str, address: &Address) -> Vec<Fault> {
        address.place_fault(machine).into_iter().collect()
    }

    fn brings(address: &Address) -> Brings {
        if address.events.is_some() { Brings::Alarms } else { Brings::Values }
    }

    fn build(
        setup: &Setup<'_>,
        settings: Settings,
        reads: Reads<Address, NoLists>,
    ) -> Result<Box<dyn Source>, Vec<Fault>> {
        build(setup, &settings, &reads.tags)
            .map(|source| Box::new(source) as Box<dyn Source>)
            .map_err(|fault| vec![fault])
    }
}

fn build(setup: &Setup<'_>, settings: &Settings, tags: &[TagAddress<Address>]) -> Result<OpcUaSource, Fault> {
    let items: Result<Vec<Item>, String> = tags.iter().map(Item::of).collect();
    let items = items.map_err(|wrong| Fault::at("", wrong))?;
    Ok(OpcUaSource {
        plan: Arc::new(plan(setup.name, setup.state, settings)?),
        manner: Manner {
            profile: settings.profile,
            publishing: settings.publishing.0,
            keep_alive: settings.keep_alive.0,
        },
        time: settings.time,
        items: items.into(),
        told: Default::default(),
        alarms: Alarms::default(),
        out: Batch::default(),
        link: None,
    })
}

fn plan(name: &str, state: &Path, settings: &Settings) -> Result<Plan, Fault> {
    let at = Url::parse(&settings.url).map_err(|wrong| Fault::at("url", wrong))?;
    let (identity, who) = identity(settings)?;
    Ok(Plan {
        name: name.to_owned(),
        at,
        security: settings.security,
        policy: settings.policy,
        identity,
        who,
        application_uri: settings.application_uri.clone().unwrap_or_else(|| own::uri(name)),
        check_host: settings.check_host,
        folder: trust::folder(state, name),
        session_timeout: settings.session_timeout.0,
        key_lifetime: settings.key_lifetime.0,
        request_timeout: settings.request_timeout.0,
        connect_timeout: settings.connect_timeout.0,
        goodbyes: Goodbyes::default(),
    })
}

/// Who we are, for the server and for a person.
fn identity(settings: &Settings) -> Result<(IdentityToken, String), Fault> {
    if let Some(user) = &settings.user {
        let password =
            settings.password.as_ref().ok_or_else(|| Fault::at("user", "expected `password` beside it"))?;
        let password = password.read().map_err(|wrong| Fault::at("password", wrong))?;
        return Ok((IdentityToken::new_user_name(user, password.reveal()), format!("user `{user}`")));
    }
    let (Some(certificate), Some(key)) = (&settings.user_certificate, &settings.user_key) else {
        return Ok((IdentityToken::Anonymous, "nobody in particular".to_owned()));
    };
    let read = read_certificate(certificate).map_err(|wrong| Fault::at("user_certificate", wrong))?;
    let key = CertificateStore::read_pkey(key).map_err(|_| {
        Fault::at("user_key", format!("{}: no PEM file with an RSA key that can be read", key.display()))
    })?;
    let who = format!("user certificate {}", certificate.display());
    Ok((IdentityToken::new_x509(read, key), who))
}

fn read_certificate(path: &Path) -> Result<X509, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    X509::from_der(&bytes)
        .or_else(|_| X509::from_pem(&bytes))
        .map_err(|_| format!("{}: neither a DER nor a PEM certificate", path.display()))
}
