//! The questions that we ask a server, each within its limits. All of them read.

use opcua::client::services::{Browse, BrowseNext, Call, Read, TranslateBrowsePaths};
use opcua::types::{
    AttributeId, BrowseDescription, BrowseDirection, BrowsePath, BrowsePathResult, BrowseResult,
    BrowseResultMaskFlags, CallMethodRequest, DataValue, Error, NodeId, QualifiedName, ReadValueId,
    ReferenceDescription, StatusCode, TimestampsToReturn, Variant,
};

use crate::session::{Header, Line};
use crate::settings::Profile;

/// Server.NamespaceArray.
pub const NAMESPACE_ARRAY: u32 = 2255;
/// Server.ServerStatus.CurrentTime.
pub const CURRENT_TIME: u32 = 2258;
/// MaxNodesPerRead, MaxNodesPerBrowse, MaxNodesPerTranslateBrowsePathsToNodeIds, MaxMonitoredItemsPerCall: four
/// nodes, because some servers take no more than five.
const LIMITS: [u32; 4] = [11705, 11710, 11712, 11714];
/// ConditionType, and its method ConditionRefresh.
const CONDITION_TYPE: u32 = 2782;
const CONDITION_REFRESH: u32 = 3875;
/// The most children of one node that are looked at.
const CHILDREN_MAX: usize = 20_000;
/// How many of them we ask for at a time, unless the server gives fewer.
const CHILDREN_AT_A_TIME: u32 = 1000;

/// How much a server takes in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Nodes in one Read.
    pub read: usize,
    /// Nodes in one Browse.
    pub browse: usize,
    /// Paths in one TranslateBrowsePathsToNodeIds.
    pub translate: usize,
    /// Items in one CreateMonitoredItems.
    pub items: usize,
    /// Items in one subscription.
    pub subscription: usize,
}

impl Limits {
    /// What is asked of a vendor's server before it has said its limits. The numbers are on the safe side; no such
    /// server was measured.
    pub fn of(profile: Profile) -> Limits {
        let all = |most: usize, subscription: usize| Limits {
            read: most,
            browse: most,
            translate: most,
            items: most,
            subscription,
        };
        match profile {
            Profile::Generic | Profile::Kepware => all(500, 10_000),
            Profile::S71200 => all(50, 500),
            Profile::S71500 => all(100, 1_000),
        }
    }

    /// The smaller of what is known and what the server says; 0 means that it says nothing.
    fn told(self, told: [Option<u32>; 4]) -> Limits {
        let least = |known: usize, told: Option<u32>| match told {
            Some(limit) if limit > 0 => known.min(limit as usize),
            Some(_) | None => known,
        };
        Limits {
            read: least(self.read, told[0]),
            browse: least(self.browse, told[1]),
            translate: least(self.translate, told[2]),
            items: least(self.items, told[3]),
            ..self
        }
    }
}

/// The namespaces of the server, by index.
///
/// # Errors
/// No answer, or no list of texts.
pub async fn namespaces(line: &Line) -> Result<Vec<String>, Error> {
    let read = read_some(line, &[NodeId::new(0, NAMESPACE_ARRAY)]).await?;
    let wrong = || Error::new(StatusCode::BadUnexpectedError, "no list of namespaces");
    match read.into_iter().next().and_then(|data| data.value) {
        Some(Variant::Array(array)) => Ok(array.values.iter().map(Variant::to_string).collect()),
        _ => Err(wrong()),
    }
}

/// What the server says of its limits. One that says nothing has those of its profile.
///
/// # Errors
/// No answer at all.
pub async fn limits(line: &Line, profile: Profile) -> Result<Limits, Error> {
    let nodes = LIMITS.map(|node| NodeId::new(0, node));
    let read = match read_some(line, &nodes).await {
        Ok(read) => read,
        Err(error) if error.status() == StatusCode::BadTooManyOperations => Vec::new(),
        Err(error) => return Err(error),
    };
    let number = |at: usize| match read.get(at).and_then(|data| data.value.as_ref()) {
        Some(Variant::UInt32(number)) => Some(*number),
        _ => None,
    };
    Ok(Limits::of(profile).told([number(0), number(1), number(2), number(3)]))
}

/// The values of nodes, in their order.
///
/// # Errors
/// No answer.
pub async fn read(line: &Line, limits: &Limits, nodes: &[NodeId]) -> Result<Vec<DataValue>, Error> {
    let mut all = Vec::with_capacity(nodes.len());
    for some in nodes.chunks(limits.read.max(1)) {
        all.extend(read_some(line, some).await?);
    }
    Ok(all)
}

async fn read_some(line: &Line, nodes: &[NodeId]) -> Result<Vec<DataValue>, Error> {
    let Header { session, timeout, token, handle } = line.header();
    let nodes = nodes.iter().map(|node| value_of(node.clone())).collect();
    let request = Read::new_manual(session, timeout, token, handle)
        .timestamps_to_return(TimestampsToReturn::Both)
        .max_age(0.0)
        .nodes_to_read(nodes);
    Ok(line.ask(request).await?.results.unwrap_or_default())
}

/// The value of a node.
pub fn value_of(node_id: NodeId) -> ReadValueId {
    ReadValueId {
        node_id,
        attribute_id: AttributeId::Value as u32,
        index_range: opcua::types::NumericRange::None,
        data_encoding: QualifiedName::null(),
    }
}

/// What a node refers to, for each of several nodes. A node that cannot be browsed refers to nothing.
///
/// # Errors
/// No answer.
pub async fn browse(
    line: &Line,
    limits: &Limits,
    nodes: &[NodeId],
    reference: u32,
) -> Result<Vec<Vec<ReferenceDescription>>, Error> {
    let mut all = Vec::with_capacity(nodes.len());
    for some in nodes.chunks(limits.browse.max(1)) {
        let Header { session, timeout, token, handle } = line.header();
        let request = Browse::new_manual(session, timeout, token, handle)
            .max_references_per_node(CHILDREN_AT_A_TIME)
            .nodes_to_browse(some.iter().map(|node| forward(node.clone(), reference)).collect());
        let results = line.ask(request).await?.results.unwrap_or_default();
        for result in results {
            all.push(rest(line, result).await?);
        }
    }
    all.resize(nodes.len(), Vec::new());
    Ok(all)
}

fn forward(node_id: NodeId, reference: u32) -> BrowseDescription {
    BrowseDescription {
        node_id,
        browse_direction: BrowseDirection::Forward,
        reference_type_id: NodeId::new(0, reference),
        include_subtypes: true,
        node_class_mask: 0,
        result_mask: BrowseResultMaskFlags::all().bits(),
    }
}

/// All references of a node, asking on as long as the server holds more.
async fn rest(line: &Line, first: BrowseResult) -> Result<Vec<ReferenceDescription>, Error> {
    let mut found = first.references.unwrap_or_default();
    let mut more = first.continuation_point;
    while !more.is_null_or_empty() {
        let is_enough = found.len() >= CHILDREN_MAX;
        let Header { session, timeout, token, handle } = line.header();
        let request = BrowseNext::new_manual(session, timeout, token, handle)
            .release_continuation_points(is_enough)
            .continuation_points(vec![more]);
        let next = line.ask(request).await?.results.unwrap_or_default().into_iter().next();
        let Some(next) = next.filter(|_| !is_enough) else { break };
        found.extend(next.references.unwrap_or_default());
        more = next.continuation_point;
    }
    Ok(found)
}

/// Where paths lead.
///
/// # Errors
/// No answer.
pub async fn translate(
    line: &Line,
    limits: &Limits,
    paths: &[BrowsePath],
) -> Result<Vec<BrowsePathResult>, Error> {
    let mut all = Vec::with_capacity(paths.len());
    for some in paths.chunks(limits.translate.max(1)) {
        let Header { session, timeout, token, handle } = line.header();
        let request =
            TranslateBrowsePaths::new_manual(session, timeout, token, handle).browse_paths(some.to_vec());
        all.extend(line.ask(request).await?.results.unwrap_or_default());
    }
    Ok(all)
}

/// Asks a server to say all its conditions again in a subscription. It changes nothing (OPC 10000-9, 5.5.7), and is
/// the only method that is called anywhere here.
///
/// # Errors
/// The status of the service or of the method.
pub async fn condition_refresh(line: &Line, subscription: u32) -> Result<(), Error> {
    let Header { session, timeout, token, handle } = line.header();
    let refresh = CallMethodRequest {
        object_id: NodeId::new(0, CONDITION_TYPE),
        method_id: NodeId::new(0, CONDITION_REFRESH),
        input_arguments: Some(vec![Variant::UInt32(subscription)]),
    };
    let request = Call::new_manual(session, timeout, token, handle).method(refresh);
    let result = line.ask(request).await?.results.unwrap_or_default().into_iter().next();
    match result.map(|result| result.status_code) {
        Some(status) if !status.is_bad() => Ok(()),
        Some(status) => Err(Error::new(status, "")),
        None => Err(Error::new(StatusCode::BadUnexpectedError, "no result")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_limit_counts() {
        let limits = Limits::of(Profile::Generic).told([Some(5), Some(0), None, Some(3)]);
        assert_eq!((limits.read, limits.browse, limits.translate, limits.items), (5, 500, 500, 3));
        assert_eq!(Limits::of(Profile::S71200).told([Some(1000); 4]).read, 50);
    }
}
