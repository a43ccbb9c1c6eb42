//! Makes the adapters of a plan, and tells which of them are made already.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use contract::{
    Batch, Fault, ListAddress, Network, Reads, Setup, Source, SourceError, TagAddress, Ticket, async_trait,
};

use crate::config::{Outside, Place, Plan, Print};

/// Of a file that a table names, so much is compared: more is no certificate and no description of a device.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What is wrong, and where the table is that is to blame.
pub(super) type Faults = Vec<(Place, Fault)>;

/// For each source and each network of a plan, what it is built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamps {
    pub sources: Vec<Print>,
    pub networks: Vec<Print>,
}

impl Stamps {
    pub fn of(plan: &Plan) -> Stamps {
        let source =
            |(at, of): (usize, &crate::config::SourcePlan)| sealed(plan.print_of_source(at), &of.outside);
        let network =
            |(at, of): (usize, &crate::config::NetworkPlan)| sealed(plan.print_of_network(at), &of.outside);
        Stamps {
            sources: plan.sources.iter().enumerate().map(source).collect(),
            networks: plan.networks.iter().enumerate().map(network).collect(),
        }
    }
}

/// Together with the secrets and files as they are now. Only a hash of them is kept.
fn sealed(print: Print, outside: &[Outside]) -> Print {
    outside.iter().fold(print, |print, thing| match thing {
        Outside::Secret(secret) => match secret.read() {
            Ok(secret) => print.and(b"secret").and(secret.reveal().as_bytes()),
            Err(_) => print.and(b"no secret"),
        },
        Outside::File(path) => match bytes_of(path) {
            Some(bytes) => print.and(b"file").and(&bytes),
            None => print.and(b"no file"),
        },
    })
}

fn bytes_of(path: &Path) -> Option<Vec<u8>> {
    // Asked first: opening a pipe would wait for whoever writes into it.
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The sources that are wanted, in their places. All that is wrong is told at once.
pub(super) fn sources(
    plan: &mut Plan,
    state: &Path,
    is_wanted: impl Fn(usize) -> bool,
) -> Vec<Option<Result<Box<dyn Source>, Faults>>> {
    let reads = reads(plan);
    let site = &plan.site;
    let build = |((at, source), reads): ((usize, &mut crate::config::SourcePlan), Reads<_, _>)| {
        if !is_wanted(at) {
            return None;
        }
        let setup = Setup { name: &source.name, site, state };
        let settings = std::mem::replace(&mut source.settings, Box::new(()));
        let place = |fault| (source.place.clone(), fault);
        let built = source.kind.build(&setup, settings, reads);
        Some(built.map_err(|found| found.into_iter().map(place).collect()))
    };
    plan.sources.iter_mut().enumerate().zip(reads).map(build).collect()
}

/// For each source, the tags and lists that it reads.
fn reads(plan: &mut Plan) -> Vec<Reads<crate::source::kinds::Boxed, crate::source::kinds::Boxed>> {
    let mut reads: Vec<Reads<_, _>> =
        plan.sources.iter().map(|_| Reads { tags: Vec::new(), lists: Vec::new() }).collect();
    for machine in &mut plan.machines {
        for tag in &mut machine.tags {
            let address = std::mem::replace(&mut tag.address, Box::new(()));
            let machine = machine.author.key.clone();
            reads[tag.source].tags.push(TagAddress { id: tag.id, machine, address });
        }
    }
    for list in &mut plan.lists {
        let address = std::mem::replace(&mut list.address, Box::new(()));
        let key = list.section.key.iter().filter_map(|field| list.section.index(field)).collect();
        let fields = list.section.fields();
        let name = list.name.clone();
        reads[list.source].lists.push(ListAddress { id: list.id, name, fields, key, address });
    }
    reads
}

/// The networks that are wanted, in their places.
pub(super) fn networks(
    plan: &mut Plan,
    state: &Path,
    is_wanted: impl Fn(usize) -> bool,
) -> Vec<Option<Result<Arc<dyn Network>, Faults>>> {
    let site = &plan.site;
    let build = |(at, network): (usize, &mut crate::config::NetworkPlan)| {
        if !is_wanted(at) {
            return None;
        }
        let setup = Setup { name: &network.name, site, state };
        let settings = std::mem::replace(&mut network.settings, Box::new(()));
        let place = |fault| (network.place.clone(), fault);
        let built = network.kind.build(&setup, settings);
        Some(built.map(Arc::from).map_err(|found| found.into_iter().map(place).collect()))
    };
    plan.networks.iter_mut().enumerate().map(build).collect()
}

/// All that could be made, or everything that is wrong.
pub(super) fn all_or_faults<T>(built: Vec<Option<Result<T, Faults>>>, faults: &mut Faults) -> Vec<Option<T>> {
    let one = |built: Option<Result<T, Faults>>| {
        built.and_then(|built| built.map_err(|found| faults.extend(found)).ok())
    };
    built.into_iter().map(one).collect()
}

/// A source that could be made a moment ago and cannot any more: told like any other that is to be mended.
pub(super) struct Refused(pub String);

#[async_trait]
impl Source for Refused {
    async fn connect(&mut self) -> Result<(), SourceError> {
        Err(SourceError::Refused(self.0.clone()))
    }

    async fn next(&mut self) -> Result<Batch, SourceError> {
        Err(SourceError::Refused(self.0.clone()))
    }

    async fn settle(&mut self, _: Ticket) -> Result<(), SourceError> {
        Ok(())
    }
}
