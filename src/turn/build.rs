//! From a checked plan and what was kept to the plant at work.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::time::Duration;

use contract::settings::{Wait, Words};
use contract::{Author, Capabilities, Moment, Priority};

use jiff::tz::TimeZone;

use super::lists::ListState;
use super::raised::{Listening, Raised};
use super::slot::Slot;
use super::{Middle, Remark, SITE, SourceState};
use crate::config::{MachinePlan, Plan, RulePlan, TagPlan};
use crate::episode::flood::Watch;
use crate::episode::{Condition, Delays, Policy, Side};
use crate::outbox::Outbox;
use crate::post::{About, AlarmWords, Figure, Language, LanguageError, Subject, TagWords, retire};
use crate::reading::Tag;
use crate::rule::{Section, aggregate, alarms, limit, state};
use crate::store::{Table, Write};

/// A source may be out of reach for so long before it is told: brokers restart.
const SOURCE_LOST_AFTER: Duration = Duration::from_secs(60);

/// What was kept.
#[derive(Debug, Default)]
pub struct Kept {
    /// Rows of [`Table::Condition`].
    pub conditions: Vec<(String, String)>,
    /// Rows of [`Table::Thread`].
    pub threads: Vec<(String, String)>,
    /// Rows of [`Table::Raised`].
    pub raised: Vec<(String, String)>,
    /// Rows of [`Table::Record`].
    pub records: Vec<(String, String)>,
    /// True when the store was damaged and is empty for that reason.
    pub is_damaged: bool,
}

impl Middle {
    /// The plant of a plan; `can` holds the capabilities of each network, in the order of the plan.
    ///
    /// # Errors
    /// A language or time zone that this build does not know.
    pub fn new(plan: &Plan, can: &[Capabilities], kept: Kept, now: Moment) -> Result<Middle, LanguageError> {
        let mut middle = Middle::blank(plan, can, now)?;
        middle.resume(kept, now);
        Ok(middle)
    }

    /// The plant of a plan, of which nothing is known yet.
    pub(super) fn blank(plan: &Plan, can: &[Capabilities], now: Moment) -> Result<Middle, LanguageError> {
        let codes: BTreeSet<&str> = plan.networks.iter().map(|network| network.language.as_str()).collect();
        let languages: Vec<Language> =
            codes.iter().map(|code| Language::new(code, &plan.site.timezone)).collect::<Result<_, _>>()?;
        let language_of = |code: &str| languages.iter().position(|known| known.code() == code).unwrap_or(0);
        let mut middle = Middle {
            zone: TimeZone::get(&plan.site.timezone).unwrap_or(TimeZone::UTC),
            site: Author { key: SITE.into(), name: plan.site.name.clone(), place: String::new() },
            tags: Vec::new(),
            names: Vec::new(),
            prints: Vec::new(),
            watchers: Vec::new(),
            sources: Vec::new(),
            slots: Vec::new(),
            machines: plan.machines.iter().map(|machine| machine.author.clone()).collect(),
            known_as: known_as(plan),
            lists: plan.lists.iter().map(ListState::new).collect(),
            lists_changed: false,
            current: BTreeMap::new(),
            listening: Vec::new(),
            raised: Raised::default(),
            floods: Watch::default(),
            timers: BinaryHeap::new(),
            changed: Vec::new(),
            journal: Vec::new(),
            unusable: Vec::new(),
            remarks: Vec::new(),
            language_of: plan.networks.iter().map(|network| language_of(&network.language)).collect(),
            languages,
            outbox: Outbox::new(outbox_names(plan, can), now),
            is_urgent: false,
            swept: now,
        };
        middle.add_machines(plan, now);
        middle.add_site(plan);
        Ok(middle)
    }

    fn add_machines(&mut self, plan: &Plan, now: Moment) {
        for (number, machine) in plan.machines.iter().enumerate() {
            for tag in &machine.tags {
                self.tags.push(Tag::new(&tag.section));
                self.names.push((machine.author.key.clone(), tag.name.clone()));
                self.prints.push(tag.print);
                self.watchers.push(Vec::new());
            }
            for rule in &machine.rules {
                if let Some(tag) = machine.tags.iter().find(|tag| Some(&tag.id) == rule.tags.first()) {
                    self.add_rule((number, machine), rule, tag, now);
                }
            }
        }
    }

    fn add_rule(
        &mut self,
        (number, machine): (usize, &MachinePlan),
        rule: &RulePlan,
        tag: &TagPlan,
        now: Moment,
    ) {
        let (delays, side) = match &rule.section {
            Section::Limit(section) => {
                let side = if section.above.is_some() { Side::High } else { Side::Low };
                (Delays { on: section.on_delay.0, off: section.off_delay.0 }, side)
            }
            Section::Stale(_) | Section::Heartbeat(_) => (Delays::default(), Side::High),
            Section::Rate(section) => figured(section.on_delay, section.off_delay, section.below),
            Section::Count(section) => figured(section.on_delay, section.off_delay, section.below),
            Section::Window(section) => figured(section.on_delay, section.off_delay, section.below),
            Section::Compare(section) => figured(section.on_delay, section.off_delay, section.below),
            Section::State(section) => figured(section.on_delay, section.off_delay, None),
            Section::Alarms(section) => {
                self.listening.push(Listening {
                    machine: number,
                    rule: rule.name.clone(),
                    section: section.clone(),
                    tag: tag.id.0 as usize,
                    refresh: None,
                });
                return;
            }
        };
        let condition = Condition::new(&machine.author.key, &rule.name, Policy::new(delays, side));
        let mut slot = Slot::new(condition, rule.section.judge(&self.zone, now), subject(machine, rule, tag));
        let at = tag.id.0 as usize;
        (slot.tag, slot.source, slot.print) = (Some(at), Some(tag.source), rule.print);
        for (which, tag) in rule.tags.iter().enumerate() {
            self.watchers[tag.0 as usize].push((self.slots.len(), which));
        }
        self.slots.push(slot);
    }

    /// What the site itself tells: its sources, and the memory of portevoix.
    fn add_site(&mut self, plan: &Plan) {
        for (at, source) in plan.sources.iter().enumerate() {
            let machines =
                plan.machines.iter().filter(|machine| machine.tags.iter().any(|tag| tag.source == at));
            let about = About::Source {
                name: source.name.clone(),
                kind: source.kind.name().to_owned(),
                machines: machines.count(),
            };
            let delays = Delays { on: SOURCE_LOST_AFTER, off: Duration::ZERO };
            let slot = self.site_slot(&format!("source.{}", source.name), about, delays);
            self.sources.push(SourceState {
                name: source.name.clone(),
                slot: self.slots.len(),
                is_up: false,
                lost: None,
                batches: 0,
                notices: Vec::new(),
                numbers: None,
            });
            self.slots.push(slot);
        }
        let slot = self.site_slot("store", About::Store, Delays::default());
        self.slots.push(slot);
    }

    fn site_slot(&self, rule: &str, about: About, delays: Delays) -> Slot {
        let subject = Subject {
            author: self.site.clone(),
            rule: rule.to_owned(),
            tag: None,
            about,
            priorities: vec![Priority::High],
            action: Words::Nothing,
        };
        Slot::new(Condition::new(SITE, rule, Policy::new(delays, Side::High)), None, subject)
    }

    fn resume(&mut self, kept: Kept, now: Moment) {
        for key in self.outbox.resume(kept.threads, now) {
            let words =
                "cannot be read any more and is forgotten: what it was to tell may be missing or told again";
            self.remarks.push(Remark { subject: format!("outbox row {key}"), words: words.into() });
            self.unusable.push(Write::Delete { table: Table::Thread, key });
        }
        // The last that a plan makes; what is raised comes after it.
        let store = self.slots.len() - 1;
        self.resume_lists(kept.records);
        self.resume_raised(kept.raised);
        let mut by_key: std::collections::BTreeMap<String, String> = kept.conditions.into_iter().collect();
        if let Some(body) = by_key.remove(&Middle::flood_key())
            && !self.resume_flood(&body)
        {
            self.unusable.push(Write::Delete { table: Table::Condition, key: Middle::flood_key() });
        }
        for slot in self.slots.iter_mut().filter(|slot| slot.raiser.is_none()) {
            if let Some(body) = by_key.remove(&slot.condition.key())
                && slot.resume(&body).is_err()
            {
                self.unusable.push(Write::Delete { table: Table::Condition, key: slot.condition.key() });
            }
        }
        let gone = by_key.into_keys().map(|key| Write::Delete { table: Table::Condition, key });
        self.unusable.extend(gone);
        self.retire_orphans(now);
        for source in 0..self.sources.len() {
            self.source(source, Some("not connected yet".into()), now);
        }
        self.know(store, kept.is_damaged, now);
        for at in 0..self.slots.len() {
            self.schedule(at, now);
        }
    }

    /// Ends the posts of episodes whose rule is gone: nothing stays open for ever.
    pub(super) fn retire_orphans(&mut self, now: Moment) {
        let alive: BTreeSet<_> = self
            .slots
            .iter()
            .filter_map(|slot| slot.condition.told())
            .map(|episode| episode.id.clone())
            .chain(self.floods.digest().cloned())
            .collect();
        for (lane, language) in self.outbox.lanes_mut().iter_mut().zip(&self.language_of) {
            let orphans: Vec<_> = lane
                .open_posts()
                .filter(|post| !alive.contains(&post.episode) && post.provenance.rule != "outage")
                .map(|post| retire(post, &self.languages[*language], now))
                .collect();
            for post in orphans {
                lane.want(post, false, now);
                self.is_urgent = true;
            }
        }
    }
}

/// The networks of a plan, as the outbox knows them.
pub(super) fn outbox_names(plan: &Plan, can: &[Capabilities]) -> Vec<(String, Capabilities)> {
    plan.networks.iter().zip(can).map(|(network, can)| (network.name.clone(), *can)).collect()
}

fn figured(on: Wait, off: Wait, below: Option<f64>) -> (Delays, Side) {
    let side = if below.is_some() { Side::Low } else { Side::High };
    (Delays { on: on.0, off: off.0 }, side)
}

/// What the episodes of a rule are about that works a figure out.
fn figure(figure: Figure, above: Option<f64>, below: Option<f64>, usual: Option<[f64; 2]>) -> About {
    let side = if below.is_some() { Side::Low } else { Side::High };
    About::Figure { figure, side, limit: above.or(below), usual }
}

/// What a rule on states is about: a value that is stuck, or a state.
fn state(section: &state::Section) -> About {
    if let Some(after) = section.stuck_after {
        return About::Stuck { after: after.0 };
    }
    let names =
        section.names.iter().filter_map(|(number, words)| Some((number.parse().ok()?, words.clone())));
    About::State { names: names.collect(), longer: section.longer.map(|longer| longer.0) }
}

fn window_name(figure: aggregate::Figure) -> &'static str {
    match figure {
        aggregate::Figure::Mean => "window-mean",
        aggregate::Figure::Min => "window-min",
        aggregate::Figure::Max => "window-max",
        aggregate::Figure::Quantile => "window-quantile",
        aggregate::Figure::Sum => "window-sum",
        aggregate::Figure::Count => "window-count",
    }
}

/// The machine of each key, and of each name that a business system has for it.
fn known_as(plan: &Plan) -> HashMap<String, usize> {
    let of = plan.machines.iter().enumerate().flat_map(|(at, machine)| {
        let names = machine.known_as.iter().chain([&machine.author.key]);
        names.map(move |name| (name.trim().to_owned(), at))
    });
    of.collect()
}

/// What the episodes of a rule are about.
pub fn subject(machine: &MachinePlan, rule: &RulePlan, tag: &TagPlan) -> Subject {
    let (about, priorities, action) = match &rule.section {
        Section::Limit(section) => {
            let side = if section.above.is_some() { Side::High } else { Side::Low };
            let steps = section.ladder.iter();
            let limits = section.above.or(section.below).into_iter();
            let limits = limits.chain(steps.clone().filter_map(|step| step.above.or(step.below))).collect();
            let priorities =
                std::iter::once(section.priority).chain(steps.map(|step| step.priority)).collect();
            (About::Limit { side, limits, usual: section.usual }, priorities, section.r#do.clone())
        }
        Section::Stale(section) => {
            (About::Silence { after: section.after.0 }, vec![section.priority], section.r#do.clone())
        }
        Section::Rate(section) => {
            let what = Figure::Rate { per: section.per.0 };
            let about = figure(what, section.above, section.below, section.usual);
            (about, vec![section.priority], section.r#do.clone())
        }
        Section::Count(section) => {
            let what = Figure::Count { over: section.over.unwrap_or_default().0 };
            let about = figure(what, section.above, section.below, None);
            (about, vec![section.priority], section.r#do.clone())
        }
        Section::Window(section) => {
            let what = Figure::Window { name: window_name(section.figure), over: section.over.0 };
            let about = figure(what, section.above, section.below, section.usual);
            (about, vec![section.priority], section.r#do.clone())
        }
        Section::Compare(section) => {
            let above = section.above.or(section.tolerance).or(section.times).or(section.sigmas);
            (
                figure(Figure::Compare, above, section.below, None),
                vec![section.priority],
                section.r#do.clone(),
            )
        }
        Section::State(section) => (state(section), vec![section.priority], section.r#do.clone()),
        Section::Heartbeat(section) => {
            (About::Stuck { after: section.every.0 }, vec![section.priority], section.r#do.clone())
        }
        // Of one that might come, for a preview.
        Section::Alarms(section) => {
            let alarm = AlarmWords {
                name: "HighTemperature".into(),
                message: "Temperature above 90 °C".into(),
                severity: section.urgent_from.min(1_000),
                is_acknowledged: false,
            };
            (About::Alarm { alarm }, alarms::PRIORITIES.to_vec(), section.r#do.clone())
        }
    };
    let decimals = tag.section.decimals.unwrap_or_else(|| decimals(&rule.section));
    let words = TagWords {
        key: tag.name.clone(),
        name: tag.section.name.clone(),
        unit: tag.section.unit.clone(),
        decimals,
    };
    Subject {
        author: machine.author.clone(),
        rule: rule.name.clone(),
        tag: Some(words),
        about,
        priorities,
        action,
    }
}

/// As many decimals as the limits of the rule have, three at most. What is worked out has one at least.
fn decimals(section: &Section) -> u8 {
    let worked_out = match section {
        Section::Rate(section) => [section.above, section.below, section.clear],
        Section::Window(section) => [section.above, section.below, section.clear],
        Section::Compare(section) => [section.above.or(section.tolerance), section.below, section.clear],
        Section::Limit(_)
        | Section::Stale(_)
        | Section::Alarms(_)
        | Section::Count(_)
        | Section::State(_)
        | Section::Heartbeat(_) => [None; 3],
    };
    if worked_out.iter().any(Option::is_some) {
        return most_decimals(worked_out.into_iter().flatten()).max(1);
    }
    let Section::Limit(limit::Section { above, below, clear, ladder, usual, .. }) = section else { return 0 };
    let steps = ladder.iter().flat_map(|step| [step.above, step.below, step.clear]);
    let usual = usual.iter().flatten().copied().map(Some);
    most_decimals([*above, *below, *clear].into_iter().chain(steps).chain(usual).flatten())
}

fn most_decimals(numbers: impl Iterator<Item = f64>) -> u8 {
    numbers
        .map(|number| number.to_string().rsplit_once('.').map_or(0, |(_, decimals)| decimals.len()))
        .map(|count| u8::try_from(count.min(3)).unwrap_or(3))
        .max()
        .unwrap_or(0)
}
