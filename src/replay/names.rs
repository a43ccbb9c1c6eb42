//! The tags, lists and sources of a plan by the names that files use.

use std::collections::HashMap;

use contract::{FieldKind, ListId, Moment, TagId};
use jiff::tz::TimeZone;
use rows::{Decimal, Repeated, Style};

use super::line::Stamp;
use crate::config::{Plan, did_you_mean};

/// What files may name.
#[derive(Debug)]
pub struct Names {
    tags: HashMap<String, (TagId, usize)>,
    lists: Vec<ListNames>,
    sources: Vec<String>,
    style: Style,
}

/// A list, as far as its rows in files need it.
#[derive(Debug)]
pub struct ListNames {
    /// Its number.
    pub id: ListId,
    /// Its name.
    pub name: String,
    /// Which source reads it.
    pub source: usize,
    /// What each field of its rows is.
    pub fields: Vec<FieldKind>,
    /// Which of them make the key.
    pub key: Vec<usize>,
}

impl Names {
    /// Those of a plan.
    pub fn new(plan: &Plan) -> Names {
        let tags = plan.machines.iter().flat_map(|machine| {
            let named = |tag: &str| format!("{}/{tag}", machine.author.key);
            machine.tags.iter().map(move |tag| (named(&tag.name), (tag.id, tag.source)))
        });
        let lists = plan.lists.iter().map(|list| ListNames {
            id: list.id,
            name: list.name.clone(),
            source: list.source,
            fields: list.section.field.values().map(|field| field.r#type).collect(),
            key: list.section.key.iter().filter_map(|field| list.section.index(field)).collect(),
        });
        let zone = TimeZone::get(&plan.site.timezone).unwrap_or(TimeZone::UTC);
        // Of an hour that exists twice the first is taken, unless time would go back.
        let style = Style { repeated: Repeated::First, ..Style::new(Decimal::Point, zone) };
        Names {
            tags: tags.collect(),
            lists: lists.collect(),
            sources: plan.sources.iter().map(|source| source.name.clone()).collect(),
            style,
        }
    }

    /// A tag by `machine/tag`, and which source reads it.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn tag(&self, name: &str) -> Result<(TagId, usize), String> {
        let known = self.tags.get(name).copied();
        known.ok_or_else(|| unknown("tag", name, self.tags.keys().map(String::as_str)))
    }

    /// How many tags there are.
    pub fn tag_count(&self) -> usize {
        self.tags.len()
    }

    /// A list.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn list(&self, name: &str) -> Result<&ListNames, String> {
        let found = self.lists.iter().find(|list| list.name == name);
        found.ok_or_else(|| unknown("list", name, self.lists.iter().map(|list| list.name.as_str())))
    }

    /// A source.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn source(&self, name: &str) -> Result<usize, String> {
        let found = self.sources.iter().position(|source| source == name);
        found.ok_or_else(|| unknown("source", name, self.sources.iter().map(String::as_str)))
    }

    /// When a stamp was.
    ///
    /// # Errors
    /// What was found, what was expected.
    pub fn moment(&self, stamp: &Stamp) -> Result<Moment, String> {
        match stamp {
            Stamp::Number(number) => rows::unix(*number).map_err(|wrong| tell(&wrong)),
            Stamp::Text(text) => self.time(text, None),
        }
    }

    /// When a text says; not before `last` if it can be read so. A number is of Unix time.
    ///
    /// # Errors
    /// What was found, what was expected.
    pub fn time(&self, text: &str, last: Option<Moment>) -> Result<Moment, String> {
        let text = text.trim();
        let is_unix = matches!(text.split('.').next().map_or(0, str::len), 10 | 13 | 16);
        if is_unix && let Ok(number) = text.parse::<f64>() {
            return rows::unix(number).map_err(|wrong| tell(&wrong));
        }
        // Fractions after a comma are ISO 8601 too.
        let plain = text.replacen(',', ".", 1);
        let read = |style: &Style| match rows::read_time(&plain, None, style) {
            Ok(Some(at)) => Ok(at),
            Ok(None) => Err(format!("found `{plain}`, expected a time")),
            Err(wrong) => Err(tell(&wrong)),
        };
        let first = read(&self.style)?;
        if last.is_none_or(|last| last <= first) {
            return Ok(first);
        }
        let second = read(&Style { repeated: Repeated::Second, ..self.style.clone() })?;
        Ok(if last.is_some_and(|last| last <= second) { second } else { first })
    }
}

fn tell(wrong: &rows::Wrong) -> String {
    format!("found `{}`, expected {}", wrong.found, wrong.expected)
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let name = contract::clean(name, 80);
    // Of several that are as near, always the same.
    let mut known: Vec<&str> = known.collect();
    known.sort_unstable();
    let help = did_you_mean(&name, known).map(|help| format!("; {help}")).unwrap_or_default();
    format!("no {what} `{name}` is configured{help}")
}
