//! Programs with a mistake in them. Each is the real wiring with one adapter in a false coat: the mistake is never
//! compiled into the program itself, and this test binary, started once more, is all the build there is.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use contract::{
    Batch, Brings, Capabilities, Delivery, DeliveryError, DeliveryKey, Fault, Field, Network, Post, Reads,
    Receipt, Repeat, Setup, Source, SourceError, Ticket, async_trait,
};
use portevoix::app;
use portevoix::network::kinds::{self as networks, AnyNetworkKind};
use portevoix::source::kinds::{self as sources, AnySourceKind};
use portevoix::turn::Health;
use schemars::{Schema, SchemaGenerator};

/// What it does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// Acknowledges what it takes in at once, and keeps nothing over a restart.
    Memory,
    /// Acknowledges what it takes in a moment before it is kept.
    Early,
    /// Sends again what has no answer, without looking.
    Blind,
    /// The same, and gives every attempt another key.
    Anew,
}

/// The variable that asks for one.
pub const WHICH: &str = "PORTEVOIX_MUTANT";
const CONFIG: &str = "PORTEVOIX_MUTANT_CONFIG";
const STATE: &str = "PORTEVOIX_MUTANT_STATE";

impl Mutant {
    /// Asks this test binary to be the mutant.
    pub fn arrange<'c>(self, command: &'c mut Command, config: &Path, state: &Path) -> &'c mut Command {
        command.args(["--exact", "kills::mutant::life", "--nocapture"]);
        command.env(WHICH, format!("{self:?}")).env(CONFIG, config).env(STATE, state)
    }
}

/// The life of a mutant, in a process of its own. Where nobody asks for one, there is none.
#[test]
fn life() {
    let Ok(which) = std::env::var(WHICH) else { return };
    let [config, state] = [CONFIG, STATE].map(|name| std::path::PathBuf::from(std::env::var(name).unwrap()));
    let mut plan = portevoix::config::load(&config).unwrap();
    if which == format!("{:?}", Mutant::Memory) {
        let _ = std::fs::remove_dir_all(&state);
    }
    let networks = [Mutant::Blind, Mutant::Anew].into_iter().find(|mutant| which == format!("{mutant:?}"));
    if let Some(mutant) = networks {
        for network in &mut plan.networks {
            network.kind = Box::leak(Box::new(Blind(network.kind, mutant)));
        }
    } else {
        for source in &mut plan.sources {
            source.kind = Box::leak(Box::new(Hasty(source.kind)));
        }
    }
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let mut watch = Unwatched;
    let ended = runtime.block_on(async {
        let mut asked = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
        let run = app::run(plan, &state, &mut watch, stop.clone());
        tokio::pin!(run);
        tokio::select! {
            ended = &mut run => return ended,
            _ = asked.recv() => stop.cancel(),
        }
        run.await
    });
    ended.unwrap();
}

struct Unwatched;

impl app::Watch for Unwatched {
    fn ready(&mut self) {
        tracing::info!("started");
    }

    fn health(&mut self, _: &dyn Fn() -> Health) {}
}

/// A kind of source that acknowledges on receipt.
#[derive(Debug)]
struct Hasty(&'static dyn AnySourceKind);

impl AnySourceKind for Hasty {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn settings(&self, table: sources::Table<'_>) -> Result<(sources::Boxed, Vec<Fault>), toml::de::Error> {
        self.0.settings(table)
    }

    fn address(&self, table: sources::Table<'_>) -> Result<(sources::Boxed, Vec<Fault>), toml::de::Error> {
        self.0.address(table)
    }

    fn list(&self, table: sources::Table<'_>) -> Result<(sources::Boxed, Vec<Fault>), toml::de::Error> {
        self.0.list(table)
    }

    fn settings_schema(&self, generator: &mut SchemaGenerator) -> Schema {
        self.0.settings_schema(generator)
    }

    fn address_schema(&self, generator: &mut SchemaGenerator) -> Schema {
        self.0.address_schema(generator)
    }

    fn list_schema(&self, generator: &mut SchemaGenerator) -> Schema {
        self.0.list_schema(generator)
    }

    fn check_tag(&self, settings: &sources::Boxed, machine: &str, address: &sources::Boxed) -> Vec<Fault> {
        self.0.check_tag(settings, machine, address)
    }

    fn check_list(&self, settings: &sources::Boxed, fields: &[Field], list: &sources::Boxed) -> Vec<Fault> {
        self.0.check_list(settings, fields, list)
    }

    fn brings(&self, address: &sources::Boxed) -> Brings {
        self.0.brings(address)
    }

    fn warn(&self, settings: &sources::Boxed) -> Vec<Fault> {
        self.0.warn(settings)
    }

    fn listens(&self, settings: &sources::Boxed) -> Option<(&'static str, SocketAddr)> {
        self.0.listens(settings)
    }

    fn unread(&self, settings: &sources::Boxed) -> Vec<Fault> {
        self.0.unread(settings)
    }

    fn examine(&self, settings: &sources::Boxed) -> Vec<Fault> {
        self.0.examine(settings)
    }

    fn advise(&self, address: &sources::Boxed) -> Vec<Fault> {
        self.0.advise(address)
    }

    fn build(
        &self,
        setup: &Setup<'_>,
        settings: sources::Boxed,
        reads: Reads<sources::Boxed, sources::Boxed>,
    ) -> Result<Box<dyn Source>, Vec<Fault>> {
        Ok(Box::new(HastySource(self.0.build(setup, settings, reads)?)))
    }
}

struct HastySource(Box<dyn Source>);

#[async_trait]
impl Source for HastySource {
    async fn connect(&mut self) -> Result<(), SourceError> {
        self.0.connect().await
    }

    async fn next(&mut self) -> Result<Batch, SourceError> {
        let mut batch = self.0.next().await?;
        if let Some(ticket) = batch.ticket.take() {
            self.0.settle(ticket).await?;
        }
        Ok(batch)
    }

    async fn settle(&mut self, ticket: Ticket) -> Result<(), SourceError> {
        self.0.settle(ticket).await
    }
}

/// A kind of network that claims to recognise every repeat.
#[derive(Debug)]
struct Blind(&'static dyn AnyNetworkKind, Mutant);

impl AnyNetworkKind for Blind {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn settings(&self, table: networks::Table<'_>) -> Result<(networks::Boxed, Vec<Fault>), toml::de::Error> {
        self.0.settings(table)
    }

    fn settings_schema(&self, generator: &mut SchemaGenerator) -> Schema {
        self.0.settings_schema(generator)
    }

    fn unread(&self, settings: &networks::Boxed) -> Vec<Fault> {
        self.0.unread(settings)
    }

    fn warn(&self, settings: &networks::Boxed) -> Vec<Fault> {
        self.0.warn(settings)
    }

    fn listens(&self, settings: &networks::Boxed) -> Option<(&'static str, SocketAddr)> {
        self.0.listens(settings)
    }

    fn build(&self, setup: &Setup<'_>, settings: networks::Boxed) -> Result<Box<dyn Network>, Vec<Fault>> {
        Ok(Box::new(BlindNetwork(self.0.build(setup, settings)?, self.1)))
    }

    fn examine(&self, settings: &networks::Boxed) -> Vec<Fault> {
        self.0.examine(settings)
    }

    fn preview(&self, settings: &networks::Boxed, post: &Post) -> String {
        self.0.preview(settings, post)
    }
}

struct BlindNetwork(Box<dyn Network>, Mutant);

#[async_trait]
impl Network for BlindNetwork {
    fn capabilities(&self) -> Capabilities {
        Capabilities { repeat: Repeat::Key, ..self.0.capabilities() }
    }

    async fn publish(&self, delivery: &Delivery<'_>) -> Result<Receipt, DeliveryError> {
        if self.1 == Mutant::Blind {
            return self.0.publish(delivery).await;
        }
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let key = DeliveryKey(format!("{}-{}", delivery.key.0, now.as_nanos()));
        self.0.publish(&Delivery { key: &key, ..*delivery }).await
    }
}
