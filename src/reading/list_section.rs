//! The table of a list of records, without what its source owns.

use std::collections::BTreeMap;

use contract::settings::Words;
use contract::{Check, Fault, Field, FieldKind, near};
use schemars::JsonSchema;
use serde::Deserialize;

/// So many fields are shown where one is not known, the nearest first.
const FIELDS_SHOWN: usize = 12;
/// A row takes some hundred bytes, and a gateway has little memory.
const ROWS_MAX: u32 = 20_000;

/// `[list.<name>]`: records of one kind from one source, such as orders. The keys of the source (such as `files`)
/// stand beside these.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSection {
    /// The source that reads it: `erp` of `[source.files.erp]`.
    pub source: String,
    /// What people call one row: `OF`. Without it, the key of the list.
    #[serde(default)]
    pub name: Words,
    /// The fields that together name a row: one row for each of their values.
    pub key: Vec<String>,
    /// The fields of a row, by name.
    pub field: BTreeMap<String, FieldSection>,
    /// The field that names the machine: its key, or one of the names in its `known_as`.
    pub machine: Option<String>,
    /// Which row is the current order of its machine.
    pub current: Option<Match>,
    /// The fields that are told in posts, in this order. Without it, none.
    #[serde(default)]
    pub shown: Vec<String>,
    /// How many rows are kept at most, 1 to 1 000 000. What comes above is left out, and told.
    #[serde(default = "rows_max")]
    pub rows_max: u32,
}

fn rows_max() -> u32 {
    ROWS_MAX
}

/// `[list.<name>.field.<field>]`: one field of a row.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldSection {
    /// How the source names it: the header of a column, its number from 1, a JSON pointer, a path in XML.
    pub from: String,
    /// What it holds: `text`, `number`, `time` or `flag`.
    #[serde(default)]
    pub r#type: FieldKind,
    /// How a time is written where it is not ISO 8601: `%d/%m/%Y`; or a flag: `Oui/Non`.
    pub format: Option<String>,
    /// What people call it. Without it, the key.
    #[serde(default)]
    pub name: Words,
    /// The unit people read.
    pub unit: Option<String>,
}

/// A field that holds one of some values.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// The field.
    pub field: String,
    /// One of these, as written. Numbers as `12`, flags as `true`.
    pub is: Vec<String>,
}

impl Match {
    /// The values that the field never holds; `key` is that of this table.
    pub fn faults(&self, key: &str, field: &FieldSection) -> Vec<Fault> {
        let wrong = |(at, value): (usize, &String)| {
            let message = field.never_is(value)?;
            Some(Fault::at(
                format!("{key}.is.{at}"),
                format!("`{}` is never `{value}`: {message}", self.field),
            ))
        };
        self.is.iter().enumerate().filter_map(wrong).collect()
    }
}

impl FieldSection {
    /// Why no value of this field is written so in a condition, if none is.
    fn never_is(&self, value: &str) -> Option<String> {
        match self.r#type {
            FieldKind::Text if value.is_empty() => {
                Some("an empty cell holds nothing, expected words".to_owned())
            }
            FieldKind::Text => None,
            FieldKind::Time => Some("it holds a time, expected a field of another type".to_owned()),
            FieldKind::Flag if matches!(value, "true" | "false") => None,
            FieldKind::Flag => Some(self.flag_of(value)),
            FieldKind::Number => match value.replace(',', ".").trim().parse::<f64>() {
                Ok(number) if number.to_string() == value => None,
                Ok(number) if number.is_finite() => Some(format!("it holds a number, expected `{number}`")),
                _ => Some("it holds a number, expected one such as `12` or `0.5`".to_owned()),
            },
        }
    }

    /// What stands for a word of a flag.
    fn flag_of(&self, value: &str) -> String {
        let words = self.format.as_deref().and_then(|format| format.split_once('/'));
        let is_word = |word: &str| word.trim().eq_ignore_ascii_case(value.trim());
        match words {
            Some((yes, _)) if is_word(yes) => "it holds a flag, expected `true` for this word".to_owned(),
            Some((_, no)) if is_word(no) => "it holds a flag, expected `false` for this word".to_owned(),
            _ => "it holds a flag, expected `true` or `false`, whatever words the source has for them"
                .to_owned(),
        }
    }
}

impl ListSection {
    /// The keys that are not the source's own.
    pub const KEYS: &[&str] =
        &["source", "name", "key", "field", "machine", "current", "shown", "rows_max", "rule"];

    /// The index of a field, in the order in which records hold them.
    pub fn index(&self, field: &str) -> Option<usize> {
        self.field.keys().position(|known| known == field)
    }

    /// The fields in the order in which records hold them.
    pub fn fields(&self) -> Vec<Field> {
        let field = |(name, field): (&String, &FieldSection)| Field {
            name: name.clone(),
            from: field.from.clone(),
            kind: field.r#type,
            format: field.format.clone(),
        };
        self.field.iter().map(field).collect()
    }

    /// What is wrong with a key that names a field, if there is none of this name.
    pub fn unknown(&self, key: &str, field: &str) -> Option<Fault> {
        // Without any field, that is what is told.
        if self.field.is_empty() || self.field.contains_key(field) {
            return None;
        }
        let expected = near::expected(field, self.field.keys().map(String::as_str), FIELDS_SHOWN);
        Some(Fault::at(key, format!("unknown field `{field}`, {expected}")))
    }
}

impl Check for ListSection {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.key.is_empty() {
            faults.push(Fault::at(
                "key",
                "empty, expected at least one field: what tells one row from another",
            ));
        }
        if self.field.is_empty() {
            faults.push(Fault::at(
                "field",
                "no field, expected at least those of `key`: [list.<name>.field.<field>]",
            ));
        }
        for (at, field) in self.key.iter().enumerate() {
            faults.extend(self.unknown(&format!("key.{at}"), field));
        }
        for (at, field) in self.shown.iter().enumerate() {
            faults.extend(self.unknown(&format!("shown.{at}"), field));
        }
        faults.extend(self.machine.as_ref().and_then(|field| self.unknown("machine", field)));
        if let Some(current) = &self.current {
            faults.extend(self.unknown("current.field", &current.field));
            if let Some(field) = self.field.get(&current.field) {
                faults.extend(current.faults("current", field));
            }
            if self.machine.is_none() {
                let message = "an order of which machine? expected `machine` beside it";
                faults.push(Fault::at("current", message));
            }
        }
        if !(1..=1_000_000).contains(&self.rows_max) {
            faults.push(Fault::at("rows_max", format!("found {}, expected 1 to 1000000", self.rows_max)));
        }
        for (name, field) in &self.field {
            if field.from.trim().is_empty() {
                let message = "empty, expected how the source names this field";
                faults.push(Fault::at(format!("field.{name}.from"), message));
            }
            if field.format.is_some() && !matches!(field.r#type, FieldKind::Time | FieldKind::Flag) {
                let message = "a format is for times and flags, expected `type = \"time\"` or `\"flag\"`";
                faults.push(Fault::at(format!("field.{name}.format"), message));
            }
        }
        faults
    }
}
