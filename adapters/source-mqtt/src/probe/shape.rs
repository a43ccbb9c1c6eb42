//! What a payload looks like. Pure.

use contract::{Value, clean};
use jiff::tz::TimeZone;

use crate::scalar;

/// Places of a JSON payload that are shown.
const PLACES_MAX: usize = 40;
/// Elements of an array that are looked into.
const ELEMENTS_MAX: usize = 4;
/// The largest payload that is looked into, in bytes: a tree of JSON takes many times its text.
const JSON_MAX: usize = 64 * 1024;
/// The longest example, in characters.
const EXAMPLE_MAX: usize = 40;

/// What a payload looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Nothing in it.
    Empty,
    /// One value.
    Plain(Place),
    /// JSON, and its places, as many as are shown.
    Json(Vec<(String, Place)>),
    /// Bytes that are no text.
    Binary(usize),
    /// A payload of Sparkplug B.
    Sparkplug,
    /// Larger than is looked into.
    TooLarge,
}

/// What is at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What it is.
    pub kind: Kind,
    /// An example, cleaned and short.
    pub example: String,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// Text.
    Text,
    /// A time, by its name and its value.
    Time,
}

impl Kind {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Number => "number",
            Kind::Flag => "flag",
            Kind::Text => "text",
            Kind::Time => "time",
        }
    }
}

impl Shape {
    /// It says nothing yet.
    pub fn is_empty(&self) -> bool {
        *self == Shape::Empty
    }
}

/// The shape of a payload.
pub fn of(payload: &[u8]) -> Shape {
    let Ok(text) = std::str::from_utf8(payload) else { return Shape::Binary(payload.len()) };
    let text = text.trim();
    if text.is_empty() {
        return Shape::Empty;
    }
    if text.starts_with(['{', '[']) {
        if text.len() > JSON_MAX {
            return Shape::TooLarge;
        }
        if let Ok(tree) = serde_json::from_str::<serde_json::Value>(text) {
            let mut places = Vec::new();
            walk(&tree, &mut String::new(), "", &mut places);
            return Shape::Json(places);
        }
    }
    let kind = match scalar::plain(text) {
        Ok(Value::Number(_)) => Kind::Number,
        Ok(Value::Flag(_)) => Kind::Flag,
        Ok(Value::Text(_) | Value::Time(_)) | Err(_) => Kind::Text,
    };
    Shape::Plain(Place { kind, example: clean(text, EXAMPLE_MAX) })
}

/// The parser has bounded the depth.
fn walk(tree: &serde_json::Value, pointer: &mut String, key: &str, places: &mut Vec<(String, Place)>) {
    use serde_json::Value as Json;
    if places.len() >= PLACES_MAX {
        return;
    }
    let len = pointer.len();
    match tree {
        Json::Object(members) => {
            for (key, member) in members {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                walk(member, pointer, key, places);
                pointer.truncate(len);
            }
        }
        Json::Array(elements) => {
            for (at, element) in elements.iter().take(ELEMENTS_MAX).enumerate() {
                pointer.push('/');
                pointer.push_str(&at.to_string());
                walk(element, pointer, key, places);
                pointer.truncate(len);
            }
        }
        Json::Null => {}
        Json::Bool(_) => put(Kind::Flag, tree, pointer, places),
        Json::Number(number) => {
            let is_time =
                is_called_time(key) && number.as_f64().is_some_and(|ms| scalar::unix_time(ms).is_ok());
            put(if is_time { Kind::Time } else { Kind::Number }, tree, pointer, places);
        }
        Json::String(text) => put(kind_of(key, text), tree, pointer, places),
    }
}

fn kind_of(key: &str, text: &str) -> Kind {
    if is_called_time(key) && scalar::time(text, &TimeZone::UTC).is_ok() {
        return Kind::Time;
    }
    match scalar::string(text) {
        Ok(Value::Number(_)) => Kind::Number,
        Ok(_) | Err(_) => Kind::Text,
    }
}

fn put(kind: Kind, value: &serde_json::Value, pointer: &str, places: &mut Vec<(String, Place)>) {
    // A pointer to the whole payload is no pointer, and one with control characters cannot be written.
    if pointer.is_empty() || pointer.len() > 200 || pointer.contains(char::is_control) {
        return;
    }
    let example = match value {
        serde_json::Value::String(text) => clean(text, EXAMPLE_MAX),
        other => clean(&other.to_string(), EXAMPLE_MAX),
    };
    places.push((pointer.to_owned(), Place { kind, example }));
}

fn is_called_time(key: &str) -> bool {
    let key = key.to_lowercase();
    key == "ts" || key == "t" || ["time", "date", "stamp", "heure"].iter().any(|word| key.contains(word))
}
