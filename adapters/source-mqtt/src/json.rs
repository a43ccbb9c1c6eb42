//! Several places of a JSON payload in one pass, without building the document.
//!
//! The wanted pointers form a tree; the parser walks the payload once, goes down where the tree does, and skips
//! the rest. A number costs no allocation.

use contract::{Moment, Value};
use jiff::tz::TimeZone;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::scalar;
use crate::settings::Pointer;

/// What is wanted of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// A number, a flag or text.
    Value,
    /// A time.
    Time,
}

/// What was found at a place.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// The payload does not have this place.
    Nothing,
    /// A value.
    Value(Value),
    /// A time.
    Time(Moment),
    /// Something else; what, and what was expected.
    Wrong(String),
}

/// The places wanted of one payload.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// Sorted by key.
    children: Vec<(Box<str>, Tree)>,
    /// Where to put what is found here.
    slots: Vec<(usize, Want)>,
}

impl Tree {
    /// Wants one more place; what is found there goes to `slot`.
    pub fn want(&mut self, pointer: &Pointer, want: Want, slot: usize) {
        let mut node = self;
        for step in pointer.steps() {
            let at = match node.children.binary_search_by(|(key, _)| (**key).cmp(step)) {
                Ok(at) => at,
                Err(at) => {
                    node.children.insert(at, (step.as_str().into(), Tree::default()));
                    at
                }
            };
            node = &mut node.children[at].1;
        }
        node.slots.push((slot, want));
    }

    /// Fills `slots` from a payload.
    ///
    /// # Errors
    /// The payload is no JSON, or goes too deep.
    pub fn read(&self, payload: &str, site: &TimeZone, slots: &mut [Found]) -> Result<(), String> {
        let mut json = serde_json::Deserializer::from_str(payload);
        Walk { tree: self, site, slots }
            .deserialize(&mut json)
            .and_then(|()| json.end())
            .map_err(|error| format!("found {}, expected JSON: {error}", scalar::quote(payload)))
    }

    fn child(&self, key: &str) -> Option<&Tree> {
        let at = self.children.binary_search_by(|(known, _)| (**known).cmp(key)).ok()?;
        Some(&self.children[at].1)
    }
}

/// One node of the tree, against one place of the payload.
struct Walk<'a> {
    tree: &'a Tree,
    site: &'a TimeZone,
    slots: &'a mut [Found],
}

enum Scalar<'a> {
    Number(f64),
    Flag(bool),
    Text(&'a str),
    Other(&'static str),
}

impl Walk<'_> {
    fn put(&mut self, scalar: &Scalar<'_>) {
        for (slot, want) in &self.tree.slots {
            let found = match want {
                Want::Value => value(scalar).map(Found::Value),
                Want::Time => time(scalar, self.site).map(Found::Time),
            };
            self.slots[*slot] = found.unwrap_or_else(Found::Wrong);
        }
    }
}

fn value(scalar: &Scalar<'_>) -> Result<Value, String> {
    match scalar {
        Scalar::Number(number) if number.is_finite() => Ok(Value::Number(*number)),
        Scalar::Number(number) => Err(format!("found {number}, expected a finite number")),
        Scalar::Flag(flag) => Ok(Value::Flag(*flag)),
        Scalar::Text(text) => scalar::string(text),
        Scalar::Other(what) => Err(format!("found {what}, expected a number, a flag or text")),
    }
}

fn time(scalar: &Scalar<'_>, site: &TimeZone) -> Result<Moment, String> {
    match scalar {
        Scalar::Number(number) => scalar::unix_time(*number),
        Scalar::Text(text) => scalar::time(text, site),
        Scalar::Flag(flag) => Err(format!("found {flag}, expected a time")),
        Scalar::Other(what) => Err(format!("found {what}, expected a time")),
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(mut self, flag: bool) -> Result<(), E> {
        self.put(&Scalar::Flag(flag));
        Ok(())
    }

    fn visit_i64<E>(mut self, number: i64) -> Result<(), E> {
        self.put(&Scalar::Number(number as f64));
        Ok(())
    }

    fn visit_u64<E>(mut self, number: u64) -> Result<(), E> {
        self.put(&Scalar::Number(number as f64));
        Ok(())
    }

    fn visit_f64<E>(mut self, number: f64) -> Result<(), E> {
        self.put(&Scalar::Number(number));
        Ok(())
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        self.put(&Scalar::Text(text));
        Ok(())
    }

    fn visit_unit<E>(mut self) -> Result<(), E> {
        self.put(&Scalar::Other("null"));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.put(&Scalar::Other("an object"));
        while let Some(child) = map.next_key_seed(Key(self.tree))? {
            match child {
                Some(tree) => map.next_value_seed(Walk { tree, site: self.site, slots: self.slots })?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        self.put(&Scalar::Other("an array"));
        // Only places that are wanted are numbers worth writing; an array nobody looks into is skipped.
        for at in 0.. {
            let child =
                if self.tree.children.is_empty() { None } else { self.tree.child(at.to_string().as_str()) };
            let next = match child {
                Some(tree) => seq.next_element_seed(Walk { tree, site: self.site, slots: self.slots })?,
                None => seq.next_element::<IgnoredAny>()?.map(|_| ()),
            };
            if next.is_none() {
                break;
            }
        }
        Ok(())
    }
}

/// Looks a key up without keeping it.
struct Key<'a>(&'a Tree);

impl<'de, 'a> DeserializeSeed<'de> for Key<'a> {
    type Value = Option<&'a Tree>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Key<'a> {
    type Value = Option<&'a Tree>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.child(key))
    }
}
