//! The JSON Schema of a whole configuration, put together from the structs that read it.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::kinds::{Kinds, RULES};
use super::section::{MachineSection, NetworkCommon, SiteSection};
use crate::production::{self, LateSection, ReachSection, SummarySection};
use crate::reading::{ListSection, StatesSection, TagSection};
use crate::rule;
use crate::shift::{CalendarSection, ShiftSection};

/// What a name may look like.
const NAME: &str = "^[a-z0-9][a-z0-9-]{0,63}$";

/// The JSON Schema (2020-12) of a configuration with every kind that is compiled in.
pub fn schema() -> Value {
    schema_with(Kinds::ALL)
}

/// As [`schema`], with only these kinds.
pub fn schema_with(kinds: Kinds) -> Value {
    let mut generator = SchemaGenerator::default();
    let rooms = json!({
        "site": SiteSection::json_schema(&mut generator),
        "source": sources(kinds, &mut generator),
        "network": networks(kinds, &mut generator),
        "class": named("What many machines have in common, by name.", class(kinds, &mut generator)),
        "machine": named("The machines that speak, by key.", machine(kinds, &mut generator)),
        "list": named("Records of business systems, by name.", list(kinds, &mut generator)),
        "shift": named("The shifts of the week, by name.", ShiftSection::json_schema(&mut generator).to_value()),
        "calendar": CalendarSection::json_schema(&mut generator),
        "summary": named("What is told when a shift, a day or a week is over, by name.",
            SummarySection::json_schema(&mut generator).to_value()),
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "portevoix",
        "description": "The configuration of portevoix.",
        "type": "object",
        "additionalProperties": false,
        "properties": rooms,
        "$defs": generator.take_definitions(true),
    })
}

fn sources(kinds: Kinds, generator: &mut SchemaGenerator) -> Value {
    let tables = kinds.sources.iter().map(|kind| {
        let table = kind.settings_schema(generator).to_value();
        (kind.name().to_owned(), named("Sources of this kind, by name.", table))
    });
    closed("What gives samples, by kind.", tables.collect())
}

fn networks(kinds: Kinds, generator: &mut SchemaGenerator) -> Value {
    let common = properties(&NetworkCommon::json_schema(generator));
    let tables = kinds.networks.iter().map(|kind| {
        let mut table = kind.settings_schema(generator).to_value();
        if let Some(own) = table.get_mut("properties").and_then(Value::as_object_mut) {
            own.extend(common.clone());
        }
        (kind.name().to_owned(), named("Networks of this kind, by name.", table))
    });
    closed("What shows posts, by kind.", tables.collect())
}

fn machine(kinds: Kinds, generator: &mut SchemaGenerator) -> Value {
    let mut table = MachineSection::json_schema(generator).to_value();
    let parts = class(kinds, generator);
    let parts = parts.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(own) = table.get_mut("properties").and_then(Value::as_object_mut) {
        own.extend(parts);
    }
    table
}

/// Nothing is required here: a machine and its class complete each other.
fn class(kinds: Kinds, generator: &mut SchemaGenerator) -> Value {
    let rules = RULES.iter().map(|kind| {
        let mut table = closed_with((kind.schema)(generator).to_value());
        join(&mut table, &rule::Common::json_schema(generator));
        (kind.name.to_owned(), named("Rules of this kind, by name.", table))
    });
    let rules: Map<String, Value> = rules.collect();
    let parts = json!({
        "tag": named("Values, by name.", tag(kinds, generator)),
        "rule": closed("What is judged, by kind.", rules),
        "production": closed_with(production::Section::json_schema(generator).to_value()),
        "states": closed_with(StatesSection::json_schema(generator).to_value()),
    });
    json!({ "type": "object", "additionalProperties": false, "properties": parts })
}

/// The keys of every tag, and those of the address of any kind of source.
fn tag(kinds: Kinds, generator: &mut SchemaGenerator) -> Value {
    let mut table = closed_with(TagSection::json_schema(generator).to_value());
    for kind in kinds.sources {
        join(&mut table, &kind.address_schema(generator));
    }
    table
}

/// The keys of every list, those of any kind of source, and the rules that stand under it.
fn list(kinds: Kinds, generator: &mut SchemaGenerator) -> Value {
    let mut table = ListSection::json_schema(generator).to_value();
    for kind in kinds.sources {
        join(&mut table, &kind.list_schema(generator));
    }
    let record =
        named("Rules of this kind, by name.", rule::record::Section::json_schema(generator).to_value());
    let late = named("Rules of this kind, by name.", LateSection::json_schema(generator).to_value());
    let reach = named("Rules of this kind, by name.", ReachSection::json_schema(generator).to_value());
    let kinds = [("record", record), ("late", late), ("reach", reach)];
    let kinds = kinds.into_iter().map(|(kind, table)| (kind.to_owned(), table)).collect();
    let rules = closed("What is judged, by kind.", kinds);
    if let Some(own) = table.get_mut("properties").and_then(Value::as_object_mut) {
        own.insert("rule".to_owned(), rules);
    }
    table
}

/// Adds the keys of a kind to a table that any kind may fill.
fn join(table: &mut Value, of_kind: &Schema) {
    let Some(own) = table.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (key, shape) in properties(of_kind) {
        match own.get(&key) {
            None => own.insert(key, shape),
            Some(known) if *known == shape => None,
            Some(known) => own.insert(key, json!({ "anyOf": [known, shape] })),
        };
    }
}

fn properties(schema: &Schema) -> Map<String, Value> {
    schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
}

fn closed_with(mut table: Value) -> Value {
    if let Some(table) = table.as_object_mut() {
        table.remove("required");
    }
    table
}

/// Tables by names of the integrator's choice.
fn named(description: &str, table: Value) -> Value {
    json!({
        "description": description,
        "type": "object",
        "propertyNames": { "pattern": NAME },
        "additionalProperties": table,
    })
}

/// Tables by names of ours.
fn closed(description: &str, tables: Map<String, Value>) -> Value {
    json!({
        "description": description,
        "type": "object",
        "additionalProperties": false,
        "properties": tables,
    })
}
