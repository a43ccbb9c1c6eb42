//! A row of a business document that is so: an order that is blocked, a delivery that came.

use contract::settings::Words;
use contract::{Check, Fault, Priority, Value};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Level, Verdict};
use crate::reading::list::plain;
use crate::reading::list_section::Match;

/// `[list.<name>.rule.record.<rule>]`: one episode for each row, while it is so.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// So long as a field holds one of these values. Without it, as long as the row is there.
    pub r#while: Option<Match>,
    /// What is so, after the name of the row: `bloqué`.
    pub say: Words,
    /// How soon to act: 1 now, 2 within the hour, 3 know.
    #[serde(default = "Priority::low")]
    pub priority: Priority,
    /// What a person should do, for each language.
    #[serde(default)]
    pub r#do: Words,
}

impl Check for Section {
    fn check(&self) -> Vec<Fault> {
        match &self.r#while {
            Some(Match { is, .. }) if is.is_empty() => {
                vec![Fault::at("while.is", "empty, expected at least one value: no row would ever be so")]
            }
            Some(_) | None => Vec::new(),
        }
    }
}

/// Does a row hold one of the values? `field` is the index of the field that [`Match`] names.
pub fn holds(row: &[Option<Value>], field: usize, is: &[String]) -> bool {
    row.get(field).and_then(Option::as_ref).is_some_and(|value| is.contains(&plain(value)))
}

/// The rule's opinion of a row that is there.
pub fn judge(row: &[Option<Value>], condition: Option<(usize, &[String])>) -> Verdict {
    let is_so = condition.is_none_or(|(field, is)| holds(row, field, is));
    Verdict::Level(Level(u8::from(is_so)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_so_while_its_field_says_it() {
        let is = ["Bloqué".to_owned(), "12".to_owned()];
        let row = |value| [None, Some(value)];
        let level = |verdict| verdict == Verdict::Level(Level(1));
        assert!(level(judge(&row(Value::Text("Bloqué".into())), Some((1, &is)))));
        assert!(level(judge(&row(Value::Number(12.0)), Some((1, &is)))));
        assert!(!level(judge(&row(Value::Text("En cours".into())), Some((1, &is)))));
        assert!(!level(judge(&[None, None], Some((1, &is)))));
        assert!(level(judge(&[None, None], None)));
    }
}
