//! Texts with places in braces, and JSON with such texts. Pure. What is filled in is never read again, so a value
//! with braces in it stays a value.

use serde_json::Value;

/// The names in braces, in order.
pub fn names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once('{') {
        let Some((name, after)) = behind.split_once('}') else { break };
        names.push(name);
        rest = after;
    }
    names
}

/// Puts values in the place of names. A name without a value stays as it is.
pub fn fill(text: &str, value: &impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        filled.push_str(before);
        match behind.split_once('}').and_then(|(name, after)| Some((value(name)?, after))) {
            Some((value, after)) => {
                filled.push_str(&value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = behind;
            }
        }
    }
    filled + rest
}

/// The same in every text of a JSON document. A text that is one name alone becomes the value itself, with its type.
pub fn fill_json(json: &Value, value: &impl Fn(&str) -> Option<Value>) -> Value {
    match json {
        Value::String(text) => {
            let alone = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).and_then(value);
            alone.unwrap_or_else(|| Value::String(fill(text, &|name| value(name).map(|found| plain(&found)))))
        }
        Value::Array(items) => items.iter().map(|item| fill_json(item, value)).collect(),
        Value::Object(items) => {
            items.iter().map(|(key, item)| (key.clone(), fill_json(item, value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => json.clone(),
    }
}

/// A value as it stands in a text.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_filled_and_values_are_not_read_again() {
        let value = |name: &str| match name {
            "user" => Some("{password}".to_owned()),
            "n" => Some("7".to_owned()),
            _ => None,
        };
        assert_eq!(fill("a {user} {n} {other} {", &value), "a {password} 7 {other} {");
        assert_eq!(names("{a}:{/b/0} {"), ["a", "/b/0"]);
    }

    #[test]
    fn json_keeps_the_type_of_a_value() {
        let value = |name: &str| (name == "offset").then(|| json!(20));
        let filled = fill_json(&json!({"p": ["{offset}", "x{offset}", null, "{x}"]}), &value);
        assert_eq!(filled, json!({"p": [20, "x20", null, "{x}"]}));
    }
}
