//! Reads one table into its typed struct, and tells every mistake in it: after each one the faulty value is
//! taken out and the rest is read again.

use contract::{Check, Fault};
use schemars::Schema;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeValue};

use super::problem::{Problems, Span};
use super::tree::{Key, Table, Value};
use super::wording;

/// More mistakes in one table than anybody mends at a time.
const MISTAKES_MAX: usize = 64;

/// What the schema says of a table.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    /// Each key with its description.
    pub keys: Vec<(String, String)>,
    /// The keys that must be there.
    pub required: Vec<String>,
    /// Arrays of a fixed length. TOML's reader takes longer ones in silence.
    items_max: Vec<(String, usize)>,
}

/// A table and what is said when something is missing in it.
pub(super) struct Leaf<'a> {
    pub table: Table<'a>,
    /// The name in the header.
    pub header: Span,
    pub shape: &'a Shape,
    /// Keys that may stand beside, read by somebody else.
    pub more: &'a [&'a str],
    /// Said when a key is missing.
    pub hint: Option<String>,
    /// The keys that a machine lays over its class, and what is said of a fault in one of the others.
    pub overlay: Option<(Vec<String>, String)>,
}

impl Shape {
    pub fn of(schema: &Schema) -> Shape {
        let words = |value: Option<&serde_json::Value>| -> Vec<String> {
            let list = value.and_then(|list| list.as_array()).into_iter().flatten();
            list.filter_map(|word| word.as_str().map(str::to_owned)).collect()
        };
        let properties = schema.get("properties").and_then(|all| all.as_object()).into_iter().flatten();
        let mut shape = Shape { required: words(schema.get("required")), ..Shape::default() };
        for (key, property) in properties {
            let description = property.get("description").and_then(|text| text.as_str()).unwrap_or_default();
            shape.keys.push((key.clone(), description.replace('\n', " ")));
            let most = property.get("maxItems").and_then(serde_json::Value::as_u64);
            shape.items_max.extend(most.and_then(|most| Some((key.clone(), usize::try_from(most).ok()?))));
        }
        shape
    }

    fn describe(&self, key: &str) -> Option<String> {
        let (_, description) = self.keys.iter().find(|(name, _)| name == key)?;
        let sentence = description.split_once(". ").map_or(description.as_str(), |(first, _)| first);
        (!sentence.is_empty()).then(|| format!("`{key}`: {}", sentence.trim_end_matches('.')))
    }
}

/// The struct of a table and what its check finds.
pub(super) fn whole<T: DeserializeOwned + Check>(
    table: Spanned<Table<'_>>,
) -> Result<(T, Vec<Fault>), toml::de::Error> {
    let value = T::deserialize(toml::de::Deserializer::from(table))?;
    let faults = value.check();
    Ok((value, faults))
}

/// Reads a table; `None` when something in it is wrong, all of which was told.
pub(super) fn read<T>(
    leaf: Leaf<'_>,
    read: impl Fn(Spanned<Table<'_>>) -> Result<(T, Vec<Fault>), toml::de::Error>,
    problems: &mut Problems,
) -> Option<T> {
    let Leaf { mut table, header, shape, more, hint, overlay } = leaf;
    let mut is_sound = tell_missing(&table, &header, shape, hint.as_deref(), problems);
    is_sound &= take_long_arrays(&mut table, shape, problems);
    let mut taken = take_dates(&mut table, problems);
    is_sound &= taken.is_empty();
    for _ in 0..MISTAKES_MAX {
        match read(Spanned::new(header.clone(), table.clone())) {
            Ok((value, found)) => {
                let faults = Faults { table: &table, header: &header, taken: &taken, overlay };
                is_sound &= faults.tell(found, is_sound, problems);
                return is_sound.then_some(value);
            }
            Err(error) => {
                let Some(name) = take_faulty(&mut table, &error, &taken, more, problems) else {
                    tell_rest(&error, is_sound, &header, more, problems);
                    return None;
                };
                taken.push(name);
                is_sound = false;
            }
        }
    }
    None
}

fn tell_missing(
    table: &Table<'_>,
    header: &Span,
    shape: &Shape,
    hint: Option<&str>,
    problems: &mut Problems,
) -> bool {
    let missing = shape.required.iter().filter(|key| !table.contains_key(key.as_str()));
    let known: Vec<&str> = shape.keys.iter().map(|(key, _)| key.as_str()).collect();
    let unknown = table.keys().map(|key| key.get_ref().as_ref()).filter(|key| !known.contains(key));
    // `topik` will be told: that `topic` is missing follows from it.
    let meant: Vec<&str> = unknown.filter_map(|key| wording::nearest(key, known.iter().copied())).collect();
    let mut is_sound = true;
    for key in missing {
        is_sound = false;
        if meant.contains(&key.as_str()) {
            continue;
        }
        let help = hint.map(str::to_owned).or_else(|| shape.describe(key));
        problems.error(header.clone(), wording::missing_key(key)).help(help);
    }
    is_sound
}

fn take_long_arrays(table: &mut Table<'_>, shape: &Shape, problems: &mut Problems) -> bool {
    let mut is_sound = true;
    for (key, most) in &shape.items_max {
        let Some(value) = table.get(key.as_str()) else { continue };
        let length = value.get_ref().as_array().map_or(0, |array| array.len());
        if length > *most {
            problems.error(value.span(), wording::values(length, *most));
            table.remove(key.as_str());
            is_sound = false;
        }
    }
    is_sound
}

/// No key takes a date. The reader would show one as a table with a key of its own.
fn take_dates(table: &mut Table<'_>, problems: &mut Problems) -> Vec<Taken> {
    let mut spans = Vec::new();
    for (_, value) in table.iter() {
        note_dates(value, &mut spans);
    }
    let mut taken = Vec::new();
    for span in spans {
        let Some((top, name, value)) = take(table, &span) else { continue };
        let date = value.get_ref().as_datetime().map(ToString::to_string).unwrap_or_default();
        let message = format!("date `{date}`, expected no date here");
        problems.error(span, message).help(format!("write it in quotes: \"{date}\""));
        taken.push(Taken { top, name });
    }
    taken
}

fn note_dates(value: &Value<'_>, spans: &mut Vec<Span>) {
    match value.get_ref() {
        DeValue::Datetime(_) => spans.push(value.span()),
        DeValue::Array(array) => array.iter().for_each(|item| note_dates(item, spans)),
        DeValue::Table(table) => table.values().for_each(|item| note_dates(item, spans)),
        _ => {}
    }
}

/// What was taken out: the key in this table, and the key of the value itself, which may lie deeper.
struct Taken {
    top: String,
    name: String,
}

/// Tells the mistake and takes the value out. A key that is missing because it was taken out is not told. `None`
/// when the mistake is not in one of the values.
fn take_faulty(
    table: &mut Table<'_>,
    error: &toml::de::Error,
    taken: &[Taken],
    more: &[&str],
    problems: &mut Problems,
) -> Option<Taken> {
    let span = error.span()?;
    let (top, name, _) = take(table, &span)?;
    let message = error.message();
    let is_missing = message.starts_with("missing field ");
    if !(is_missing && wording::quoted(message).iter().any(|key| taken.iter().any(|one| one.name == *key))) {
        let (message, help) = wording::shape(message, more);
        problems.error(span, message).help(help);
    }
    Some(Taken { top, name })
}

/// Tells a mistake of the table as a whole. What is missing was told before, or was taken out.
fn tell_rest(error: &toml::de::Error, is_sound: bool, header: &Span, more: &[&str], problems: &mut Problems) {
    if is_sound || !error.message().starts_with("missing field ") {
        let (message, help) = wording::shape(error.message(), more);
        problems.error(header.clone(), message).help(help);
    }
}

/// Takes out the key or value of exactly this span: the key in this table, its own key, and the value.
fn take<'t>(table: &mut Table<'t>, span: &Span) -> Option<(String, String, Value<'t>)> {
    let is_it = |key: &Key<'_>, value: &Value<'_>| key.span() == *span || value.span() == *span;
    let found = table.iter().find(|(key, value)| is_it(key, value)).map(|(key, _)| key.get_ref().to_string());
    if let Some(key) = found {
        return table.remove(key.as_str()).map(|value| (key.clone(), key, value));
    }
    table.iter_mut().find_map(|(key, value)| {
        let (name, value) = take_inside(value.get_mut(), span)?;
        Some((key.get_ref().to_string(), name, value))
    })
}

fn take_inside<'t>(value: &mut DeValue<'t>, span: &Span) -> Option<(String, Value<'t>)> {
    let array = match value {
        DeValue::Table(table) => return take(table, span).map(|(_, name, value)| (name, value)),
        DeValue::Array(array) => array,
        _ => return None,
    };
    let Some(at) = array.iter().position(|item| item.span() == *span) else {
        return array.iter_mut().find_map(|item| take_inside(item.get_mut(), span));
    };
    let mut items: Vec<Value<'_>> = std::mem::replace(array, DeArray::new()).into_iter().collect();
    let taken = items.remove(at);
    *array = items.into_iter().collect();
    Some((String::new(), taken))
}

/// Where the faults of a check are placed.
struct Faults<'a> {
    table: &'a Table<'a>,
    header: &'a Span,
    taken: &'a [Taken],
    overlay: Option<(Vec<String>, String)>,
}

impl Faults<'_> {
    /// True when there is none. When something was taken out, a fault of the whole table or of the value around
    /// it may only follow from that, and is not told.
    fn tell(&self, faults: Vec<Fault>, is_sound: bool, problems: &mut Problems) -> bool {
        let is_faultless = faults.is_empty();
        for Fault { key, message } in faults {
            let top = key.split('.').next().unwrap_or_default();
            let place = walk(self.table, &key);
            if !is_sound && (place.is_none() || self.taken.iter().any(|taken| taken.top == top)) {
                continue;
            }
            let overlay = self.overlay.as_ref().filter(|(own, _)| !own.iter().any(|key| key == top));
            let help = overlay.map(|(_, help)| help.clone());
            problems.error(place.unwrap_or(self.header.clone()), message).help(help);
        }
        is_faultless
    }
}

/// The place of a dotted key: of the value, or of the key where the value is a table with a header of its own.
pub(super) fn walk(table: &Table<'_>, dotted: &str) -> Option<Span> {
    let mut steps = dotted.split('.').filter(|step| !step.is_empty());
    let (key, value) = table.get_key_value(steps.next()?)?;
    let mut span = spot(key, value);
    let mut value = value.get_ref();
    for step in steps {
        let Some(next) = step_into(value, step) else { break };
        span = next.0;
        value = next.1;
    }
    Some(span)
}

/// The value where it stands behind its key; else the key, in a header of its own or with dots.
fn spot(key: &Key<'_>, value: &Value<'_>) -> Span {
    if value.span().start > key.span().start { value.span() } else { key.span() }
}

fn step_into<'t>(value: &'t DeValue<'t>, step: &str) -> Option<(Span, &'t DeValue<'t>)> {
    match value {
        DeValue::Table(table) => {
            let (key, value) = table.get_key_value(step)?;
            Some((spot(key, value), value.get_ref()))
        }
        DeValue::Array(array) => {
            let item = array.get(step.parse::<usize>().ok()?)?;
            Some((item.span(), item.get_ref()))
        }
        _ => None,
    }
}
