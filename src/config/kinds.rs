//! The kinds that a configuration may name, with the shape of their tables.

use std::any::Any;

use contract::Fault;
use schemars::{JsonSchema, SchemaGenerator};
use toml::Spanned;

use super::leaf::{self, Shape};
use super::section::{MachineSection, NetworkCommon, SiteSection};
use super::tree::Table;
use crate::network::kinds::AnyNetworkKind;
use crate::production::{self, LateSection, ReachSection, SummarySection};
use crate::reading::{ListSection, StatesSection, TagSection};
use crate::rule;
use crate::shift::{CalendarSection, ShiftSection};
use crate::source::kinds::AnySourceKind;

/// What a configuration may name.
#[derive(Debug, Clone, Copy)]
pub struct Kinds {
    /// The kinds of sources.
    pub sources: &'static [&'static dyn AnySourceKind],
    /// The kinds of networks.
    pub networks: &'static [&'static dyn AnyNetworkKind],
}

impl Kinds {
    /// Every kind that is compiled in.
    pub const ALL: Kinds =
        Kinds { sources: crate::source::kinds::KINDS, networks: crate::network::kinds::KINDS };
}

/// A table that its kind read, in a type that only the kind knows.
pub(super) type Boxed = Box<dyn Any + Send>;

/// The table of a rule and what its check finds.
type ReadRule = Result<(rule::Section, Vec<Fault>), toml::de::Error>;

/// A kind of rule.
pub(super) struct RuleKind {
    pub name: &'static str,
    pub read: fn(Spanned<Table<'_>>) -> ReadRule,
    pub schema: fn(&mut SchemaGenerator) -> schemars::Schema,
}

/// Every kind of rule. A test holds it against [`rule::kinds::NAMES`].
pub(super) const RULES: &[RuleKind] = &[
    RuleKind {
        name: "limit",
        read: |table| leaf::whole(table).map(|(section, faults)| (rule::Section::Limit(section), faults)),
        schema: rule::limit::Section::json_schema,
    },
    RuleKind {
        name: "stale",
        read: |table| leaf::whole(table).map(|(section, faults)| (rule::Section::Stale(section), faults)),
        schema: rule::stale::Section::json_schema,
    },
    RuleKind {
        name: "alarms",
        read: |table| leaf::whole(table).map(|(section, faults)| (rule::Section::Alarms(section), faults)),
        schema: rule::alarms::Section::json_schema,
    },
    RuleKind {
        name: "rate",
        read: |table| leaf::whole(table).map(|(section, faults)| (rule::Section::Rate(section), faults)),
        schema: rule::rate::Section::json_schema,
    },
    RuleKind {
        name: "count",
        read: |table| leaf::whole(table).map(|(section, faults)| (rule::Section::Count(section), faults)),
        schema: rule::count::Section::json_schema,
    },
    RuleKind {
        name: "window",
        read: |table| leaf::whole(table).map(|(section, faults)| (rule::Section::Window(section), faults)),
        schema: rule::window::Section::json_schema,
    },
    RuleKind {
        name: "compare",
        read: |table| leaf::whole(table).map(|(section, faults)| (rule::Section::Compare(section), faults)),
        schema: rule::compare::Section::json_schema,
    },
    RuleKind {
        name: "state",
        read: |table| leaf::whole(table).map(|(section, faults)| (rule::Section::State(section), faults)),
        schema: rule::state::Section::json_schema,
    },
    RuleKind {
        name: "heartbeat",
        read: |table| leaf::whole(table).map(|(section, faults)| (rule::Section::Heartbeat(section), faults)),
        schema: rule::heartbeat::Section::json_schema,
    },
    RuleKind {
        name: "expression",
        read: |table| {
            leaf::whole(table).map(|(section, faults)| (rule::Section::Expression(section), faults))
        },
        schema: rule::expression::Section::json_schema,
    },
];

/// The shape of every table, made once.
pub(super) struct Shapes {
    pub site: Shape,
    pub machine: Shape,
    pub network: Shape,
    pub tag: Shape,
    pub list: Shape,
    pub record: Shape,
    /// The keys that every rule may have.
    pub common: Shape,
    pub late: Shape,
    pub reach: Shape,
    pub shift: Shape,
    pub calendar: Shape,
    pub production: Shape,
    pub states: Shape,
    pub summary: Shape,
    /// As [`Kinds::sources`].
    pub sources: Vec<Shape>,
    /// As [`Kinds::sources`].
    pub addresses: Vec<Shape>,
    /// As [`Kinds::sources`].
    pub lists: Vec<Shape>,
    /// As [`Kinds::networks`].
    pub networks: Vec<Shape>,
    /// As [`RULES`].
    pub rules: Vec<Shape>,
}

impl Shapes {
    pub fn of(kinds: &Kinds) -> Shapes {
        let mut generator = SchemaGenerator::default();
        let generator = &mut generator;
        Shapes {
            site: Shape::of(&SiteSection::json_schema(generator)),
            machine: Shape::of(&MachineSection::json_schema(generator)),
            network: Shape::of(&NetworkCommon::json_schema(generator)),
            tag: Shape::of(&TagSection::json_schema(generator)),
            list: Shape::of(&ListSection::json_schema(generator)),
            record: Shape::of(&rule::record::Section::json_schema(generator)),
            common: Shape::of(&rule::Common::json_schema(generator)),
            late: Shape::of(&LateSection::json_schema(generator)),
            reach: Shape::of(&ReachSection::json_schema(generator)),
            shift: Shape::of(&ShiftSection::json_schema(generator)),
            calendar: Shape::of(&CalendarSection::json_schema(generator)),
            states: Shape::of(&StatesSection::json_schema(generator)),
            production: Shape::of(&production::Section::json_schema(generator)),
            summary: Shape::of(&SummarySection::json_schema(generator)),
            sources: kinds.sources.iter().map(|kind| Shape::of(&kind.settings_schema(generator))).collect(),
            addresses: kinds.sources.iter().map(|kind| Shape::of(&kind.address_schema(generator))).collect(),
            lists: kinds.sources.iter().map(|kind| Shape::of(&kind.list_schema(generator))).collect(),
            networks: kinds.networks.iter().map(|kind| Shape::of(&kind.settings_schema(generator))).collect(),
            rules: RULES.iter().map(|kind| Shape::of(&(kind.schema)(generator))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_rule_is_listed() {
        let names: Vec<&str> = RULES.iter().map(|kind| kind.name).collect();
        assert_eq!(names, rule::kinds::NAMES);
    }
}
