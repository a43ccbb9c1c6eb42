//! Where the configured nodes are at this server, now.

use std::collections::{BTreeSet, HashMap};

use contract::Cause;
use opcua::types::{Error, NodeId, ReferenceDescription};

use crate::address::{Item, Place};
use crate::ask::{self, Limits};
use crate::path::{BrowsePath, Step};
use crate::session::Line;

/// HierarchicalReferences.
const HIERARCHICAL: u32 = 33;

/// The node of each item, or why there is none.
///
/// # Errors
/// The server gave no answer.
pub async fn all(
    line: &Line,
    limits: &Limits,
    namespaces: &[String],
    items: &[&Item],
) -> Result<Vec<Result<NodeId, Cause>>, Error> {
    let mut walks: Vec<Walk<'_>> = items.iter().map(|item| Walk::start(&item.place, namespaces)).collect();
    let mut children: HashMap<NodeId, Vec<ReferenceDescription>> = HashMap::new();
    loop {
        let waiting: BTreeSet<String> = walks
            .iter()
            .filter_map(Walk::waits_at)
            .filter(|id| !children.contains_key(id))
            .map(key)
            .collect();
        let mut nodes: Vec<NodeId> = walks.iter().filter_map(Walk::waits_at).cloned().collect();
        nodes.sort_by_key(key);
        nodes.dedup();
        nodes.retain(|id| waiting.contains(&key(id)));
        if nodes.is_empty() && walks.iter().all(|walk| walk.waits_at().is_none()) {
            break;
        }
        for (node, found) in nodes.iter().zip(ask::browse(line, limits, &nodes, HIERARCHICAL).await?) {
            children.insert(node.clone(), found);
        }
        for walk in &mut walks {
            walk.step(&children);
        }
    }
    Ok(walks.into_iter().map(Walk::end).collect())
}

fn key(id: &NodeId) -> String {
    id.to_string()
}

/// The way down to one node.
struct Walk<'a> {
    path: Option<&'a BrowsePath>,
    done: usize,
    at: Result<NodeId, Cause>,
}

impl<'a> Walk<'a> {
    fn start(place: &'a Place, namespaces: &[String]) -> Walk<'a> {
        match place {
            Place::Node(node) => {
                Walk { path: None, done: 0, at: node.resolve(namespaces).map_err(Cause::Missing) }
            }
            Place::Path(path) => Walk { path: Some(path), done: 0, at: Ok(NodeId::root_folder_id()) },
        }
    }

    /// The node whose children must be known before it goes on.
    fn waits_at(&self) -> Option<&NodeId> {
        let is_on_the_way = self.path.is_some_and(|path| self.done < path.steps().len());
        self.at.as_ref().ok().filter(|_| is_on_the_way)
    }

    fn step(&mut self, children: &HashMap<NodeId, Vec<ReferenceDescription>>) {
        let (Some(at), Some(path)) = (self.waits_at(), self.path) else { return };
        let Some(found) = children.get(at) else { return };
        let wanted = &path.steps()[self.done];
        self.at = child(path, wanted, found);
        self.done += 1;
    }

    fn end(self) -> Result<NodeId, Cause> {
        self.at
    }
}

fn child(path: &BrowsePath, step: &Step, children: &[ReferenceDescription]) -> Result<NodeId, Cause> {
    let fits = |one: &&ReferenceDescription| {
        one.browse_name.name.as_ref() == step.name
            && step.namespace.is_none_or(|index| one.browse_name.namespace_index == index)
            && one.node_id.server_index == 0
    };
    let mut fitting: Vec<&NodeId> = children.iter().filter(fits).map(|one| &one.node_id.node_id).collect();
    // One node may be referred to twice.
    fitting.dedup();
    match fitting.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(Cause::Missing(format!("{path}: nothing is named `{}` there", step.name))),
        several => Err(Cause::Missing(format!(
            "{path}: {} are named `{}` there, expected its namespace before it, as in `2:{}`",
            several.len(),
            step.name,
            step.name
        ))),
    }
}

#[cfg(test)]
mod tests {
    use opcua::types::{ExpandedNodeId, QualifiedName};

    use super::*;

    fn reference(namespace: u16, name: &str, id: u32) -> ReferenceDescription {
        ReferenceDescription {
            browse_name: QualifiedName::new(namespace, name),
            node_id: ExpandedNodeId::from(NodeId::new(namespace, id)),
            ..Default::default()
        }
    }

    #[test]
    fn a_step_must_lead_to_one_child() {
        let children = [
            reference(1, "Oil", 1),
            reference(2, "Oil", 2),
            reference(2, "Oil", 2),
            reference(2, "Speed", 3),
        ];
        let go = |text: &str| {
            let path = BrowsePath::parse(text).unwrap();
            child(&path, &path.steps()[0], &children)
        };
        assert_eq!(go("/Speed"), Ok(NodeId::new(2, 3_u32)));
        assert_eq!(go("/2:Oil"), Ok(NodeId::new(2, 2_u32)));
        assert!(matches!(go("/Oil"), Err(Cause::Missing(words)) if words.contains("2:Oil")));
        assert!(matches!(go("/Water"), Err(Cause::Missing(_))));
    }
}
