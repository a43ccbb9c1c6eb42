//! Where a server offers no ConditionRefresh: its conditions are looked for below the node, and their states read.

use opcua::types::{BrowsePath, Error, NodeId, QualifiedName, RelativePath, RelativePathElement, Variant};

use contract::{Alarm, TagId};

use crate::ask::{self, Limits};
use crate::event::{self, FIELDS, Heard};
use crate::session::Line;

/// HasEventSource, with HasNotifier among its kinds.
const HAS_EVENT_SOURCE: u32 = 36;
/// HasCondition.
const HAS_CONDITION: u32 = 9006;
/// HierarchicalReferences.
const HIERARCHICAL: u32 = 33;
/// The most sources of events and the most conditions that are looked at.
const SOURCES_MAX: usize = 1000;
const CONDITIONS_MAX: usize = 2000;

/// The conditions below a node that are not at rest; `None` if none was found there at all, at rest or not.
///
/// # Errors
/// No answer.
pub async fn read(
    line: &Line,
    limits: &Limits,
    namespaces: &[String],
    tag: TagId,
    notifier: NodeId,
) -> Result<Option<Vec<Alarm>>, Error> {
    let sources = sources(line, limits, notifier).await?;
    let mut conditions: Vec<NodeId> = Vec::new();
    for found in ask::browse(line, limits, &sources, HAS_CONDITION).await? {
        for reference in found {
            let id = reference.node_id.node_id;
            // A type may be referred to instead of a condition: it has no state and is left out below.
            if !conditions.contains(&id) && conditions.len() < CONDITIONS_MAX {
                conditions.push(id);
            }
        }
    }
    let states = states(line, limits, &conditions).await?;
    let heard = conditions.iter().zip(states).filter_map(|(condition, mut fields)| {
        // Without an active state it is no alarm that can be read.
        let is_alarm = fields
            .iter()
            .zip(FIELDS)
            .any(|(field, (_, path))| path == "ActiveState/Id" && !matches!(field, Variant::Empty));
        fields[ID] = Variant::NodeId(Box::new(condition.clone()));
        match event::read(tag, &fields, namespaces) {
            Heard::Alarm(alarm) if is_alarm => Some(alarm),
            _ => None,
        }
    });
    let alarms: Vec<Alarm> = heard.collect();
    let is_none = alarms.is_empty();
    let is_at_rest = |alarm: &Alarm| !alarm.is_active && alarm.is_acknowledged != Some(false);
    Ok((!is_none).then(|| alarms.into_iter().filter(|alarm| !is_at_rest(alarm)).collect()))
}

/// Where the id of the condition stands among the fields.
const ID: usize = 6;

/// The node and all that raises events below it.
async fn sources(line: &Line, limits: &Limits, notifier: NodeId) -> Result<Vec<NodeId>, Error> {
    let mut all = vec![notifier];
    let mut from = 0;
    while from < all.len() && all.len() < SOURCES_MAX {
        let some = all[from..].to_vec();
        from = all.len();
        for found in ask::browse(line, limits, &some, HAS_EVENT_SOURCE).await? {
            for reference in found {
                let id = reference.node_id.node_id;
                if !all.contains(&id) && all.len() < SOURCES_MAX {
                    all.push(id);
                }
            }
        }
    }
    Ok(all)
}

/// The fields of each condition, as an event of it would bear them; what a condition does not have is empty.
async fn states(line: &Line, limits: &Limits, conditions: &[NodeId]) -> Result<Vec<Vec<Variant>>, Error> {
    let paths: Vec<BrowsePath> = conditions
        .iter()
        .flat_map(|condition| FIELDS.iter().map(|(_, path)| below(condition, path)))
        .collect();
    let found = ask::translate(line, limits, &paths).await?;
    let target = |at: usize| {
        let result = found.get(at)?;
        let first = result.targets.as_ref()?.first()?;
        Some(first.target_id.node_id.clone()).filter(|_| !result.status_code.is_bad())
    };
    let mut asked = Vec::new();
    let mut places = Vec::new();
    for at in 0..paths.len() {
        if let Some(node) = target(at) {
            asked.push(node);
            places.push(at);
        }
    }
    let mut values = vec![Variant::Empty; paths.len()];
    for (at, data) in places.into_iter().zip(ask::read(line, limits, &asked).await?) {
        values[at] =
            data.value.filter(|_| !data.status.is_some_and(|status| status.is_bad())).unwrap_or_default();
    }
    Ok(values.chunks(FIELDS.len()).map(<[Variant]>::to_vec).collect())
}

fn below(condition: &NodeId, path: &str) -> BrowsePath {
    let element = |step: &str| RelativePathElement {
        reference_type_id: NodeId::new(0, HIERARCHICAL),
        is_inverse: false,
        include_subtypes: true,
        target_name: QualifiedName::new(0, step),
    };
    // The id of the condition has no path: what is asked for there is not used.
    let path = if path.is_empty() { "EventId" } else { path };
    BrowsePath {
        starting_node: condition.clone(),
        relative_path: RelativePath { elements: Some(path.split('/').map(element).collect()) },
    }
}
