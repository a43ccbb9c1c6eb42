//! What an alarm server says of its conditions, read from the fields that we asked for.

use contract::{Alarm, Moment, Origin, TagId};
use opcua::types::{
    AttributeId, ContentFilter, EventFilter, Identifier, NodeId, NumericRange, QualifiedName,
    SimpleAttributeOperand, Variant,
};

use crate::node;
use crate::value;

/// BaseEventType.
const BASE: u32 = 2041;
/// ConditionType.
const CONDITION: u32 = 2782;
/// AcknowledgeableConditionType.
const ACKNOWLEDGEABLE: u32 = 2881;
/// AlarmConditionType.
const ALARM: u32 = 2915;
/// RefreshStartEventType.
const REFRESH_START: u32 = 2787;
/// RefreshEndEventType.
const REFRESH_END: u32 = 2788;
/// RefreshRequiredEventType.
const REFRESH_REQUIRED: u32 = 2789;
/// EventQueueOverflowEventType.
const OVERFLOW: u32 = 3035;
/// The longest name and message that are kept, in characters.
const WORDS_MAX: usize = 500;
/// The longest key, in bytes: a longer one is no identifier of a real server.
const KEY_MAX: usize = 4096;

/// The fields, in the order in which they are asked for and come. A path is written with `/`; an empty one is the
/// id of the condition itself.
pub const FIELDS: [(u32, &str); 14] = [
    (BASE, "EventType"),
    (BASE, "SourceNode"),
    (BASE, "SourceName"),
    (BASE, "Time"),
    (BASE, "Message"),
    (BASE, "Severity"),
    (CONDITION, ""),
    (CONDITION, "ConditionName"),
    (CONDITION, "BranchId"),
    (CONDITION, "Retain"),
    (CONDITION, "EnabledState/Id"),
    (ACKNOWLEDGEABLE, "AckedState/Id"),
    (ALARM, "ActiveState/Id"),
    (ALARM, "ActiveState/TransitionTime"),
];

/// What we ask for. Nothing is filtered at the server: many cannot, and simple events are few.
pub fn filter() -> EventFilter {
    let clause = |(type_id, path): &(u32, &str)| SimpleAttributeOperand {
        type_definition_id: NodeId::new(0, *type_id),
        browse_path: (!path.is_empty())
            .then(|| path.split('/').map(|step| QualifiedName::new(0, step)).collect()),
        attribute_id: if path.is_empty() { AttributeId::NodeId as u32 } else { AttributeId::Value as u32 },
        index_range: NumericRange::None,
    };
    EventFilter {
        select_clauses: Some(FIELDS.iter().map(clause).collect()),
        where_clause: ContentFilter { elements: None },
    }
}

/// What one event says.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// All conditions follow that are not at rest.
    Start,
    /// They have come.
    End,
    /// The server asks us to ask for them again.
    Required,
    /// Events were lost, because the server's queue was full.
    Overflow,
    /// One condition.
    Alarm(Alarm),
    /// An event that has no life: nothing to keep.
    Passing,
}

/// Reads the fields of one event. Total: a field that is missing or of another type is not there.
pub fn read(tag: TagId, fields: &[Variant], namespaces: &[String]) -> Heard {
    let field = |at: usize| fields.get(at).unwrap_or(&Variant::Empty);
    match number(field(0)) {
        Some(REFRESH_START) => return Heard::Start,
        Some(REFRESH_END) => return Heard::End,
        Some(REFRESH_REQUIRED) => return Heard::Required,
        Some(OVERFLOW) => return Heard::Overflow,
        Some(_) | None => {}
    }
    let name = text(field(7)).filter(|name| !name.is_empty());
    let Some(key) = key(field(6), field(1), name, field(8), namespaces) else { return Heard::Passing };
    let retain = flag(field(9));
    let is_enabled = flag(field(10)).unwrap_or(true);
    // A branch is a former state that waits for a person: its active state is of then, not of now.
    let is_branch = node_id(field(8)).is_some();
    // A condition that is no alarm has no active state: it is so as long as it is worth being shown.
    let is_so = flag(field(12)).or(retain).unwrap_or(true);
    let is_active = is_so && is_enabled && !is_branch;
    let time = |at: usize| match field(at) {
        Variant::DateTime(time) => value::time_of(time),
        _ => None,
    };
    let began: Option<Moment> = time(13).filter(|_| is_active).or_else(|| time(3));
    let name = name.or_else(|| text(field(2))).unwrap_or_default();
    Heard::Alarm(Alarm {
        tag,
        key,
        name: contract::clean(name, WORDS_MAX).into(),
        message: contract::clean(text(field(4)).unwrap_or_default(), WORDS_MAX).into(),
        severity: severity(field(5)),
        is_active,
        is_acknowledged: flag(field(11)),
        at: began,
        origin: Origin::Live,
    })
}

/// The same for all the life of a condition, and after a restart: its id and its branch. Servers that give no id
/// are known by the source and the name of the condition.
fn key(
    condition: &Variant,
    source: &Variant,
    name: Option<&str>,
    branch: &Variant,
    namespaces: &[String],
) -> Option<Box<str>> {
    let id = match (node_id(condition), name) {
        (Some(id), _) => node::stable(id, namespaces),
        (None, Some(name)) => {
            let source = node_id(source).map(|id| node::stable(id, namespaces)).unwrap_or_default();
            format!("{source}/{name}")
        }
        (None, None) => return None,
    };
    let key = match node_id(branch) {
        Some(branch) => format!("{id} branch {}", node::stable(branch, namespaces)),
        None => id,
    };
    (key.len() <= KEY_MAX).then(|| key.into())
}

fn node_id(value: &Variant) -> Option<&NodeId> {
    match value {
        Variant::NodeId(id) if !id.is_null() => Some(id),
        _ => None,
    }
}

fn number(value: &Variant) -> Option<u32> {
    match node_id(value)? {
        NodeId { namespace: 0, identifier: Identifier::Numeric(number) } => Some(*number),
        _ => None,
    }
}

fn flag(value: &Variant) -> Option<bool> {
    match value {
        Variant::Boolean(flag) => Some(*flag),
        _ => None,
    }
}

fn text(value: &Variant) -> Option<&str> {
    match value {
        Variant::String(text) => Some(text.as_ref()),
        Variant::LocalizedText(words) => Some(words.text.as_ref()),
        _ => None,
    }
}

/// 1 to 1000, whatever integer the server chose.
fn severity(value: &Variant) -> u16 {
    let number = match value {
        Variant::UInt16(number) => i64::from(*number),
        Variant::Byte(number) => i64::from(*number),
        Variant::Int16(number) => i64::from(*number),
        Variant::UInt32(number) => i64::from(*number),
        Variant::Int32(number) => i64::from(*number),
        Variant::Int64(number) => *number,
        _ => 1,
    };
    number.clamp(1, 1000) as u16
}

#[cfg(test)]
mod tests {
    use opcua::types::{DateTime, LocalizedText};

    use super::*;

    fn id(namespace: u16, text: &str) -> Variant {
        Variant::NodeId(Box::new(NodeId::new(namespace, text)))
    }

    fn kind(number: u32) -> Variant {
        Variant::NodeId(Box::new(NodeId::new(0, number)))
    }

    fn fields() -> Vec<Variant> {
        vec![
            kind(9482),
            id(2, "Tank"),
            Variant::from("Tank 12"),
            Variant::DateTime(Box::new(DateTime::ymd(2026, 1, 2))),
            Variant::LocalizedText(Box::new(LocalizedText::new("fr", "Niveau haut"))),
            Variant::UInt16(700),
            id(2, "Tank.Level.Alarm"),
            Variant::from("Niveau"),
            Variant::NodeId(Box::new(NodeId::null())),
            Variant::Boolean(true),
            Variant::Boolean(true),
            Variant::Boolean(false),
            Variant::Boolean(true),
            Variant::DateTime(Box::new(DateTime::ymd(2026, 1, 1))),
        ]
    }

    fn alarm(fields: &[Variant], namespaces: &[&str]) -> Alarm {
        let namespaces: Vec<String> = namespaces.iter().map(|&uri| uri.to_owned()).collect();
        match read(TagId(1), fields, &namespaces) {
            Heard::Alarm(alarm) => alarm,
            other => panic!("expected an alarm: {other:?}"),
        }
    }

    const NAMESPACES: [&str; 3] = ["http://opcfoundation.org/UA/", "urn:server", "urn:tank"];

    #[test]
    fn a_condition_keeps_its_key_when_namespaces_move() {
        let here = alarm(&fields(), &NAMESPACES);
        assert_eq!(&*here.key, "nsu=urn:tank;s=Tank.Level.Alarm");
        assert_eq!((&*here.name, &*here.message, here.severity), ("Niveau", "Niveau haut", 700));
        assert_eq!((here.is_active, here.is_acknowledged), (true, Some(false)));
        // When it became active, not when something last happened to it.
        assert_eq!(here.at, Some(Moment::from_ms(1_767_225_600_000)));
        let mut moved = fields();
        moved[6] = id(1, "Tank.Level.Alarm");
        assert_eq!(alarm(&moved, &["", "urn:tank", "urn:server"]).key, here.key);
    }

    /// Node-opcua makes a branch of an alarm that is over and was not acknowledged, with the active state it had.
    #[test]
    fn a_branch_has_a_key_of_its_own_and_is_never_so_now() {
        let mut branch = fields();
        branch[8] = Variant::NodeId(Box::new(NodeId::new(0, 17_u32)));
        let former = alarm(&branch, &NAMESPACES);
        assert_eq!(&*former.key, "nsu=urn:tank;s=Tank.Level.Alarm branch i=17");
        assert_eq!((former.is_active, former.is_acknowledged), (false, Some(false)));
    }

    #[test]
    fn a_disabled_condition_is_at_rest_and_one_without_states_goes_by_retain() {
        let mut disabled = fields();
        disabled[10] = Variant::Boolean(false);
        assert!(!alarm(&disabled, &NAMESPACES).is_active);
        let mut plain = fields();
        plain[11] = Variant::Empty;
        plain[12] = Variant::Empty;
        assert!(alarm(&plain, &NAMESPACES).is_active);
        assert_eq!(alarm(&plain, &NAMESPACES).is_acknowledged, None);
        plain[9] = Variant::Boolean(false);
        assert!(!alarm(&plain, &NAMESPACES).is_active);
    }

    #[test]
    fn without_an_id_the_source_and_the_name_make_the_key() {
        let mut plain = fields();
        plain[6] = Variant::Empty;
        assert_eq!(&*alarm(&plain, &NAMESPACES).key, "nsu=urn:tank;s=Tank/Niveau");
        plain[7] = Variant::Empty;
        assert_eq!(read(TagId(1), &plain, &[]), Heard::Passing);
        assert_eq!(read(TagId(1), &[], &[]), Heard::Passing);
    }

    #[test]
    fn marks_of_a_refresh_are_told_apart() {
        let heard = |number| read(TagId(1), &[kind(number)], &[]);
        assert_eq!(
            [2787, 2788, 2789, 3035].map(heard),
            [Heard::Start, Heard::End, Heard::Required, Heard::Overflow]
        );
    }

    #[test]
    fn a_severity_out_of_range_is_brought_in() {
        for (found, read) in [(Variant::UInt16(0), 1), (Variant::Int32(-4), 1), (Variant::UInt32(5000), 1000)]
        {
            assert_eq!(severity(&found), read);
        }
    }
}
