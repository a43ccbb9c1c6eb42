//! The line format: `line.schema.json`, the samples beside it and the adapter say the same.

use contract::{Batch, Event, Notice, Quality, Source, SourceError, Ticket, async_trait};
use peers::foreign::Folder;
use serde_json::{Value, json};

use crate::bench::{make, read_all};

const GOOD: &str = include_str!("../../samples/good.jsonl");
const BAD: &str = include_str!("../../samples/bad.jsonl");
const SCHEMA: &str = include_str!("../../line.schema.json");

/// The part of JSON Schema that ours uses. An unknown keyword would be a hole, so it is a panic.
fn is_valid(schema: &Value, value: &Value) -> bool {
    schema.as_object().expect("a schema").iter().all(|(keyword, rule)| match keyword.as_str() {
        "$schema" | "$id" | "title" | "description" => true,
        "oneOf" => {
            let choices = rule.as_array().expect("choices");
            choices.iter().filter(|choice| is_valid(choice, value)).count() == 1
        }
        "enum" => rule.as_array().expect("values").contains(value),
        "type" => match rule {
            Value::String(one) => is_type(one, value),
            many => many
                .as_array()
                .expect("types")
                .iter()
                .any(|one| is_type(one.as_str().expect("a type"), value)),
        },
        "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().expect("a number")),
        "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().expect("a number")),
        "required" => {
            let mut keys = rule.as_array().expect("keys").iter();
            keys.all(|key| value.get(key.as_str().expect("a key")).is_some())
        }
        "properties" => {
            let rules = rule.as_object().expect("properties");
            rules.iter().all(|(key, rule)| value.get(key).is_none_or(|value| is_valid(rule, value)))
        }
        "additionalProperties" => others(schema, value).iter().all(|other| match rule {
            Value::Bool(allowed) => *allowed,
            rule => is_valid(rule, other),
        }),
        other => panic!("`{other}` is not known here"),
    })
}

fn others<'v>(schema: &Value, value: &'v Value) -> Vec<&'v Value> {
    let known = |key: &String| schema.get("properties").is_some_and(|known| known.get(key).is_some());
    value.as_object().into_iter().flatten().filter(|(key, _)| !known(key)).map(|(_, value)| value).collect()
}

fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "object" => value.is_object(),
        other => panic!("type `{other}` is not known here"),
    }
}

#[test]
fn the_schema_takes_good_lines_and_no_bad_ones() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("a schema");
    for line in GOOD.lines() {
        assert!(is_valid(&schema, &serde_json::from_str(line).expect("JSON")), "{line}");
    }
    for line in BAD.lines() {
        // The first few are no JSON at all.
        assert!(!serde_json::from_str(line).is_ok_and(|value| is_valid(&schema, &value)), "{line}");
    }
}

#[tokio::test]
async fn every_good_line_is_taken() {
    let folder = Folder::new("exec-good");
    let path = folder.path().join("lines");
    std::fs::write(&path, GOOD).expect("written");
    let mut source = make(folder.path(), json!({"command": ["cat", path]}));
    let (all, _) = read_all(&mut *source).await;
    let complaint = |notice: &&Notice| matches!(notice, Notice::Poison(_) | Notice::Unclaimed(_));
    assert_eq!(all.notices.iter().find(complaint), None);
    assert_eq!((all.samples.len(), all.events.len(), all.notices.len()), (6, 9, 10));
    let bad =
        |quality: &Quality| matches!(quality, Quality::Bad(words) if &**words == "the sensor is broken");
    assert_eq!(all.samples.iter().filter(|sample| bad(&sample.quality)).count(), 1);
    let records: Vec<_> = all.events.iter().filter(|event| matches!(event, Event::Record(_))).collect();
    let Event::Record(first) = records[0] else { panic!("{records:?}") };
    assert_eq!((&*first.key, first.fields[1].clone()), ("OF-1", Some(contract::Value::Number(25.0))));
}

/// What is wrong with how a bad line is taken, if anything is. `around` may put something around the source.
async fn taken_badly(line: &str, around: impl Fn(Box<dyn Source>) -> Box<dyn Source>) -> Result<(), String> {
    let folder = Folder::new("exec-bad");
    // One that takes what comes last after what it does not understand.
    let path = folder.path().join("lines");
    std::fs::write(&path, format!("{line}\n{{\"tag\":\"press-3/oil\",\"value\":1}}\n")).expect("written");
    let mut source = around(make(folder.path(), json!({"command": ["cat", path]})));
    let (all, _) = read_all(&mut *source).await;
    if all.samples.len() != 1 || !all.events.is_empty() {
        return Err(format!("`{line}` and a good line gave {:?} {:?}", all.samples, all.events));
    }
    let told = |notice: &Notice| matches!(notice, Notice::Poison(words) if words.starts_with("line 1: "));
    // A value alone has no tag; a line of another meaning has too many.
    match &all.notices[..] {
        [notice] if told(notice) => Ok(()),
        notices => Err(format!("`{line}` was not told once: {notices:?}")),
    }
}

#[tokio::test]
async fn no_bad_line_is_taken_and_each_is_told() {
    for line in BAD.lines() {
        assert_eq!(taken_badly(line, |source| source).await, Ok(()));
    }
}

/// Which mutant of a source: it says nothing of what it passes over, it takes a line for what it might have meant, or
/// it takes nothing more after one.
#[derive(Clone, Copy)]
enum Mutant {
    Quiet,
    Bending,
    Sulking,
}

struct Spoilt(Box<dyn Source>, Mutant);

#[async_trait]
impl Source for Spoilt {
    async fn connect(&mut self) -> Result<(), SourceError> {
        self.0.connect().await
    }

    async fn next(&mut self) -> Result<Batch, SourceError> {
        let mut batch = self.0.next().await?;
        match (self.1, batch.notices.is_empty()) {
            (_, true) => {}
            (Mutant::Quiet, false) => batch.notices.clear(),
            (Mutant::Bending, false) => batch.samples.extend(batch.samples.first().cloned()),
            (Mutant::Sulking, false) => batch.samples.clear(),
        }
        Ok(batch)
    }

    async fn settle(&mut self, ticket: Ticket) -> Result<(), SourceError> {
        self.0.settle(ticket).await
    }
}

/// The mutants of the test above.
#[tokio::test]
async fn a_bad_line_that_is_taken_badly_is_noticed() {
    let line = BAD.lines().next().expect("a bad line");
    for (mutant, want) in [
        (Mutant::Quiet, "was not told once"),
        (Mutant::Bending, "and a good line gave"),
        (Mutant::Sulking, "and a good line gave"),
    ] {
        let around = |source| Box::new(Spoilt(source, mutant)) as Box<dyn Source>;
        let wrong = taken_badly(line, around).await.expect_err("a mutant went unnoticed");
        assert!(wrong.contains(want), "{wrong}");
    }
}
