//! From a payload to samples. Pure: a payload that says nothing usable gives a bad sample, never an error.

use contract::{Moment, Origin, Quality, Sample, TagId, Value};
use jiff::tz::TimeZone;

use crate::json::{Found, Tree, Want};
use crate::scalar;
use crate::settings::{Pointer, ValueFrom};

/// What to take from a payload, for some tags in their order. One plan serves all topics that are read alike.
#[derive(Debug)]
pub struct Plan {
    tags: Vec<TagPlan>,
    /// The places in a JSON payload, read once for all tags.
    tree: Option<Tree>,
    /// What each slot of the tree is for, to name it in a reason.
    places: Vec<(Pointer, Want)>,
    site: TimeZone,
}

#[derive(Debug)]
struct TagPlan {
    from: From,
    time: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
enum From {
    Plain,
    Raw,
    Slot(usize),
}

/// What one tag takes: the value, and the time if it wants one.
pub type Take = (ValueFrom, Option<Pointer>);

/// Room for what is found, kept from message to message.
pub type Slots = Vec<Found>;

impl Plan {
    /// The plan for tags that take this.
    pub fn new(takes: &[Take], site: &TimeZone) -> Plan {
        let mut plan = Plan { tags: Vec::new(), tree: None, places: Vec::new(), site: site.clone() };
        for (value, time) in takes {
            let from = match value {
                ValueFrom::Plain => From::Plain,
                ValueFrom::Raw => From::Raw,
                ValueFrom::Pointer(pointer) => From::Slot(plan.slot(pointer, Want::Value)),
            };
            let time = time.as_ref().map(|pointer| plan.slot(pointer, Want::Time));
            plan.tags.push(TagPlan { from, time });
        }
        plan
    }

    fn slot(&mut self, pointer: &Pointer, want: Want) -> usize {
        let known = self.places.iter().position(|(place, wanted)| place == pointer && *wanted == want);
        known.unwrap_or_else(|| {
            let slot = self.places.len();
            self.places.push((pointer.clone(), want));
            self.tree.get_or_insert_default().want(pointer, want, slot);
            slot
        })
    }

    /// Adds what a payload says of each of these tags.
    pub fn read(
        &self,
        ids: &[TagId],
        payload: &[u8],
        origin: Origin,
        slots: &mut Slots,
        samples: &mut Vec<Sample>,
    ) {
        let text = read_text(payload);
        let document = text.as_ref().map_err(Clone::clone).and_then(|text| self.parse(text, slots));
        for (tag, id) in self.tags.iter().zip(ids) {
            let said = match (&text, &document) {
                (Err(reason), _) => Err(reason.clone()),
                (Ok(_), Err(reason)) if tag.needs_json() => Err(reason.clone()),
                (Ok(text), _) => self.say(tag, text, slots),
            };
            let (value, quality, at) = match said {
                Ok((value, at)) => (value, Quality::Good, at),
                Err(reason) => (Value::Flag(false), Quality::Bad(reason.into()), None),
            };
            samples.push(Sample { tag: *id, value, quality, at, origin });
        }
    }

    fn parse(&self, text: &str, slots: &mut Slots) -> Result<(), String> {
        let Some(tree) = &self.tree else { return Ok(()) };
        slots.clear();
        slots.resize(self.places.len(), Found::Nothing);
        tree.read(text, &self.site, slots)
    }

    fn say(&self, tag: &TagPlan, text: &str, slots: &Slots) -> Result<(Value, Option<Moment>), String> {
        let value = match tag.from {
            From::Plain => scalar::plain(text)?,
            From::Raw => scalar::raw(text)?,
            From::Slot(slot) => match &slots[slot] {
                Found::Value(value) => value.clone(),
                other => return Err(self.lack(slot, other)),
            },
        };
        let at = match tag.time.map(|slot| (slot, &slots[slot])) {
            None => None,
            Some((_, Found::Time(at))) => Some(*at),
            Some((slot, other)) => return Err(self.lack(slot, other)),
        };
        Ok((value, at))
    }

    fn lack(&self, slot: usize, found: &Found) -> String {
        let (place, want) = &self.places[slot];
        let want = match want {
            Want::Value => "value",
            Want::Time => "time",
        };
        match found {
            Found::Wrong(reason) => format!("{want} {place}: {reason}"),
            Found::Nothing | Found::Value(_) | Found::Time(_) => {
                format!("{want} {place}: found nothing there, expected a {want}")
            }
        }
    }
}

impl TagPlan {
    fn needs_json(&self) -> bool {
        self.time.is_some() || matches!(self.from, From::Slot(_))
    }
}

fn read_text(payload: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(payload).map_err(|error| {
        let at = error.valid_up_to();
        let byte = payload.get(at).copied().unwrap_or_default();
        format!("found byte 0x{byte:02X} at {at}, expected UTF-8 text")
    })?;
    match text.trim_start().is_empty() {
        true => Err("found an empty payload, expected a value".to_owned()),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take((value, time): &(&str, &str)) -> Take {
        let value = match *value {
            "" => ValueFrom::Plain,
            "raw" => ValueFrom::Raw,
            pointer => ValueFrom::Pointer(Pointer::parse(pointer).expect("a pointer")),
        };
        (value, Pointer::parse(time).ok())
    }

    fn read(tags: &[(&str, &str)], payload: &[u8]) -> Vec<Sample> {
        let takes: Vec<Take> = tags.iter().map(take).collect();
        let ids: Vec<TagId> = (0..tags.len() as u32).map(TagId).collect();
        let mut samples = Vec::new();
        let plan = Plan::new(&takes, &TimeZone::UTC);
        plan.read(&ids, payload, Origin::Live, &mut Slots::new(), &mut samples);
        samples
    }

    #[track_caller]
    fn check(tags: &[(&str, &str)], payload: impl AsRef<[u8]>, want: &[&str]) {
        let shown: Vec<String> = read(tags, payload.as_ref())
            .iter()
            .map(|sample| match (&sample.quality, &sample.value, sample.at) {
                (Quality::Bad(reason), _, _) => format!("bad: {reason}"),
                (_, Value::Number(number), None) => format!("{number}"),
                (_, Value::Number(number), Some(at)) => format!("{number} at {}", at.as_ms()),
                (_, Value::Flag(flag), _) => format!("{flag}"),
                (_, Value::Text(text), _) => format!("text {text}"),
                (_, Value::Time(time), _) => format!("time {}", time.as_ms()),
            })
            .collect();
        assert_eq!(shown, want);
    }

    #[test]
    fn one_payload_serves_all_its_tags() {
        let payload = r#"{"oil":{"t":84.2,"p":"3,1"},"run":true,"skip":[{"t":1}],"lot":"00123","v":[7,8],"ts":1772366400}"#;
        check(
            &[("/oil/t", "/ts"), ("/oil/p", ""), ("/run", ""), ("/lot", ""), ("/v/1", ""), ("/oil/t", "")],
            payload,
            &["84.2 at 1772366400000", "3.1", "true", "text 00123", "8", "84.2"],
        );
    }

    #[test]
    fn what_is_not_there_is_bad_and_spoils_one_tag() {
        check(
            &[("/a", ""), ("/b", ""), ("/c", ""), ("/d", ""), ("/a", "/t"), ("/a/x", ""), ("/c/k", "")],
            r#"{"a":1,"c":{"k":2},"d":null}"#,
            &[
                "1",
                "bad: value /b: found nothing there, expected a value",
                "bad: value /c: found an object, expected a number, a flag or text",
                "bad: value /d: found null, expected a number, a flag or text",
                "bad: time /t: found nothing there, expected a time",
                "bad: value /a/x: found nothing there, expected a value",
                "2",
            ],
        );
    }

    #[test]
    fn hostile_payloads_are_bad_samples() {
        check(&[("/a", "")], "", &["bad: found an empty payload, expected a value"]);
        check(&[("", "")], b"8\xff4", &["bad: found byte 0xFF at 1, expected UTF-8 text"]);
        check(
            &[("/a", ""), ("raw", "")],
            "{\"a\":1",
            &[
                "bad: found `{\"a\":1`, expected JSON: EOF while parsing an object at line 1 column 6",
                "text {\"a\":1",
            ],
        );
        check(
            &[("/a", "")],
            r#"{"a":1e999}"#,
            &["bad: found `{\"a\":1e999}`, expected JSON: number out of range at line 1 column 10"],
        );
        check(
            &[("/a", "")],
            r#"{"a":"NaN"}"#,
            &["bad: value /a: found the text `NaN`, expected a finite number"],
        );
    }

    #[test]
    fn depth_neither_overflows_nor_errs() {
        let deep = "[".repeat(200_000);
        let samples = read(&[("/0/0", "")], deep.as_bytes());
        assert!(matches!(&samples[0].quality, Quality::Bad(reason) if reason.len() < 200), "{samples:?}");
    }

    #[test]
    fn a_key_with_signs_is_found_by_its_escaped_pointer() {
        check(&[("/a~1b/~0", "")], r#"{"a/b":{"~":5}}"#, &["5"]);
    }
}
