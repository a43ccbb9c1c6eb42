//! What a configuration asks for, once all of it was checked.

use std::any::Any;
use std::path::PathBuf;

use contract::{Author, ListId, Site, TagId};

use super::diagnostic::{Diagnostic, Place};
use super::print::{Outside, Print};
use crate::network::kinds::AnyNetworkKind;
use crate::production::{self, LateSection, ReachSection, SummarySection};
use crate::reading::{ListSection, StatesSection, TagSection};
use crate::rule;
use crate::shift::Hours;
use crate::source::kinds::AnySourceKind;

/// A whole configuration. Holds no secret: those are read when an adapter is built.
#[derive(Debug)]
pub struct Plan {
    /// The site and its machines, as adapters know it.
    pub site: Site,
    /// What only the program itself needs to know of the site.
    pub settings: Settings,
    /// In the order of the configuration.
    pub sources: Vec<SourcePlan>,
    /// In the order of the configuration; at least one.
    pub networks: Vec<NetworkPlan>,
    /// In the order of the configuration, as in `site.machines`.
    pub machines: Vec<MachinePlan>,
    /// In the order of the configuration.
    pub lists: Vec<ListPlan>,
    /// The shifts and the calendar of the site.
    pub hours: Hours,
    /// In the order of the configuration.
    pub summaries: Vec<SummaryPlan>,
    /// What is allowed and seldom meant.
    pub warnings: Vec<Diagnostic>,
}

/// What only the program itself needs to know of the site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// How many stories a machine may begin in a day.
    pub stories_per_day: u32,
    /// The folder for what must outlive a restart, if the file names one.
    pub state: Option<PathBuf>,
}

/// `[source.<kind>.<name>]`
#[derive(Debug)]
pub struct SourcePlan {
    /// The name in the configuration.
    pub name: String,
    /// Its kind, which alone knows the type behind `settings`.
    pub kind: &'static dyn AnySourceKind,
    /// Its table, checked. Given to [`AnySourceKind::build`].
    pub settings: Box<dyn Any + Send>,
    /// Of its table.
    pub print: Print,
    /// What its table names outside of the configuration.
    pub outside: Vec<Outside>,
    /// Where its table begins.
    pub place: Place,
}

/// `[network.<kind>.<name>]`
#[derive(Debug)]
pub struct NetworkPlan {
    /// The name in the configuration.
    pub name: String,
    /// Its kind, which alone knows the type behind `settings`.
    pub kind: &'static dyn AnyNetworkKind,
    /// Its table, checked. Given to [`AnyNetworkKind::build`].
    pub settings: Box<dyn Any + Send>,
    /// What its posts are written in: its own `language`, or that of the site.
    pub language: String,
    /// Of its table.
    pub print: Print,
    /// What its table names outside of the configuration.
    pub outside: Vec<Outside>,
    /// Where its table begins.
    pub place: Place,
}

/// `[machine.<key>]`, with what its class gives it.
#[derive(Debug)]
pub struct MachinePlan {
    /// Key, name and place.
    pub author: Author,
    /// What business systems call it.
    pub known_as: Vec<String>,
    /// The machine that it hangs on, an index of [`Plan::machines`]: while that one is down, this one is not told.
    pub parent: Option<usize>,
    /// What it is doing, if one of its tags tells.
    pub states: Option<StatesPlan>,
    /// By name.
    pub tags: Vec<TagPlan>,
    /// By kind and name; those that `stale_after` makes come last.
    pub rules: Vec<RulePlan>,
    /// Its production figures, if they are asked for.
    pub production: Option<ProductionPlan>,
}

/// `[….states]`
#[derive(Debug)]
pub struct StatesPlan {
    /// The tag that tells them.
    pub tag: TagId,
    /// Its table, checked.
    pub section: StatesSection,
}

/// `[….production]`
#[derive(Debug)]
pub struct ProductionPlan {
    /// Its table, checked.
    pub section: production::Section,
    /// The tag of the state.
    pub state: TagId,
    /// The tag that counts the good parts, or all.
    pub parts: TagId,
    /// The tag that counts the scrap.
    pub scrap: Option<TagId>,
}

/// `[summary.<name>]`
#[derive(Debug)]
pub struct SummaryPlan {
    /// Its name in the configuration.
    pub name: String,
    /// Its table, checked.
    pub section: SummarySection,
    /// The machines it tells: indices of [`Plan::machines`], each with production figures.
    pub machines: Vec<usize>,
}

/// One value of a machine.
#[derive(Debug)]
pub struct TagPlan {
    /// Consecutive over all machines, from 0.
    pub id: TagId,
    /// The name in the configuration.
    pub name: String,
    /// Its table, without the address.
    pub section: TagSection,
    /// Which source reads it: an index of [`Plan::sources`].
    pub source: usize,
    /// Where on the wire, in the type of the source's kind.
    pub address: Box<dyn Any + Send>,
    /// Of its address.
    pub wire: Print,
    /// Of its address and all that says how a sample is read.
    pub print: Print,
}

/// `[list.<name>]`
#[derive(Debug)]
pub struct ListPlan {
    /// Consecutive, from 0.
    pub id: ListId,
    /// The name in the configuration.
    pub name: String,
    /// Its table, without what its source owns.
    pub section: ListSection,
    /// Which source reads it: an index of [`Plan::sources`].
    pub source: usize,
    /// Where and how to read, in the type of the source's kind.
    pub address: Box<dyn Any + Send>,
    /// By name.
    pub rules: Vec<RecordRulePlan>,
    /// By name.
    pub late: Vec<LateRulePlan>,
    /// By name.
    pub reach: Vec<ReachRulePlan>,
    /// Of its table, without its rules.
    pub print: Print,
    /// Where its table begins.
    pub place: Place,
}

/// `[list.<name>.rule.record.<rule>]`
#[derive(Debug)]
pub struct RecordRulePlan {
    /// Its name in the configuration.
    pub name: String,
    /// Its table, checked.
    pub section: rule::record::Section,
}

/// `[list.<name>.rule.late.<rule>]`
#[derive(Debug)]
pub struct LateRulePlan {
    /// Its name in the configuration.
    pub name: String,
    /// Its table, checked.
    pub section: LateSection,
}

/// `[list.<name>.rule.reach.<rule>]`
#[derive(Debug)]
pub struct ReachRulePlan {
    /// Its name in the configuration.
    pub name: String,
    /// Its table, checked.
    pub section: ReachSection,
}

/// A compiled expression.
#[derive(Debug)]
pub struct ClaimPlan {
    /// What is judged.
    pub code: rule::expression::Expression,
    /// For each of its slots, what fills it.
    pub feeds: Vec<Feed>,
}

/// What fills a slot of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feed {
    /// The readings of a tag.
    Tag(TagId),
    /// The state of a machine, an index of [`Plan::machines`].
    State(usize),
    /// A field of the current order of a machine, by its name in the list.
    Order(usize, String),
}

/// One rule of a machine.
#[derive(Debug)]
pub struct RulePlan {
    /// Kind and name: `limit.oil-hot`.
    pub name: String,
    /// The tags it judges, the one that its posts tell first; of the same machine.
    pub tags: Vec<TagId>,
    /// The keys that every rule may have.
    pub common: rule::Common,
    /// Its own keys, checked.
    pub section: rule::Section,
    /// Of an expression, what is judged.
    pub claim: Option<ClaimPlan>,
    /// Of its table, without what only says how it is told.
    pub print: Print,
    /// Where it is written: in the machine's own table if it has one, else in its class.
    pub place: Place,
    /// The class that writes it too, or alone.
    pub class: Option<String>,
    /// The keys that the machine lays over those of its class.
    pub own: Vec<String>,
}
