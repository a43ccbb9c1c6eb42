//! The production figures of a machine, read from its own table laid over that of its class.

use contract::Brings;

use super::leaf::{self, Leaf};
use super::machine::{Around, Layers, id_of};
use super::plan::{ProductionPlan, TagPlan};
use super::problem::Span;
use super::reader::Reader;
use super::tree::Table;
use crate::production::Section;

/// The keys that name a tag.
const TAGS: [&str; 4] = ["state", "good", "total", "scrap"];

impl Reader<'_> {
    pub(super) fn production(&mut self, around: &Around<'_>, tags: &[TagPlan]) -> Option<ProductionPlan> {
        let class = around.class.and_then(|class| class.production);
        let layer = Layers::of_one("production", class, around.own.production)?;
        let (table, header) = (layer.joined(|_| true), layer.header());
        let leaf = Leaf {
            table: table.clone(),
            header: header.clone(),
            shape: &self.shapes.production,
            more: &[],
            hint: None,
            overlay: layer.overlay(self.files, around),
        };
        let section = leaf::read(leaf, leaf::whole::<Section>, &mut self.problems);
        for value in TAGS.iter().filter_map(|key| table.get(*key)) {
            self.check_tag(value, around);
        }
        let section = section?;
        self.check_bring_values(&table, around, tags);
        self.check_causes(&table, &header, &section, around);
        Some(ProductionPlan {
            state: id_of(tags, &section.state)?,
            parts: id_of(tags, section.good.as_deref().or(section.total.as_deref())?)?,
            scrap: section.scrap.as_deref().and_then(|name| id_of(tags, name)),
            section,
        })
    }

    /// Alarms count nothing.
    fn check_bring_values(&mut self, table: &Table<'_>, around: &Around<'_>, tags: &[TagPlan]) {
        for value in TAGS.iter().filter_map(|key| table.get(*key)) {
            let tag = value.get_ref().as_str().and_then(|name| tags.iter().find(|tag| tag.name == name));
            if let Some(tag) = tag
                && self.brings(tag, around) == Brings::Alarms
            {
                let message =
                    format!("tag `{}` listens to alarms, expected one that brings values", tag.name);
                self.problems.error(value.span(), message);
            }
        }
    }

    fn check_causes(&mut self, table: &Table<'_>, header: &Span, section: &Section, around: &Around<'_>) {
        let causes = table.get("cause").and_then(|value| value.get_ref().as_table());
        for (name, cause) in &section.cause {
            let found = causes.and_then(|causes| causes.get_key_value(name.as_str()));
            let Some((key, Some(own))) = found.map(|(key, value)| (key, value.get_ref().as_table())) else {
                continue;
            };
            let span = if key.span().is_empty() { header.clone() } else { key.span() };
            self.check_words(own, &span, "name", &cause.name, around.needed);
        }
    }
}
