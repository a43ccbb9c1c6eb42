//! From a checked plan and what was kept to the plant at work.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::time::Duration;

use contract::settings::Words;
use contract::{Author, Capabilities, Moment, Priority};

use jiff::tz::TimeZone;

use super::about::{side, subject};
use super::claims::Claims;
use super::learnt::Learnt;
use super::lists::ListState;
use super::raised::{Listening, Raised};
use super::slot::Slot;
use super::standing::Hiding;
use super::works::Works;
use super::{Middle, Remark, SITE, SourceState};
use crate::config::{MachinePlan, Plan, RulePlan};
use crate::episode::flood::Watch;
use crate::episode::{Condition, Delays, Policy, Side};
use crate::outbox::Outbox;
use crate::post::{About, Language, LanguageError, Subject, retire};
use crate::reading::Tag;
use crate::rule::course::Course;
use crate::rule::{Judge, Section, expression};
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
    /// Rows of [`Table::Production`].
    pub production: Vec<(String, String)>,
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
        middle.resume(plan, kept, now);
        Ok(middle)
    }

    /// The plant of a plan, of which nothing is known yet.
    pub(super) fn blank(plan: &Plan, can: &[Capabilities], now: Moment) -> Result<Middle, LanguageError> {
        let codes: BTreeSet<&str> = plan.networks.iter().map(|network| network.language.as_str()).collect();
        let languages: Vec<Language> =
            codes.iter().map(|code| Language::new(code, &plan.site.timezone)).collect::<Result<_, _>>()?;
        let language_of = |code: &str| languages.iter().position(|known| known.code() == code).unwrap_or(0);
        let zone = TimeZone::get(&plan.site.timezone).unwrap_or(TimeZone::UTC);
        // As many as there are, and that of the store, so that a large plant never lies in memory twice while they are made.
        let rules = plan.machines.iter().map(|machine| machine.rules.len()).sum::<usize>();
        let slots = rules + plan.sources.len() + 1;
        let mut middle = Middle {
            works: Works::new(plan, &zone, now),
            zone,
            site: Author { key: SITE.into(), name: plan.site.name.clone(), place: String::new() },
            tags: Vec::new(),
            names: Vec::new(),
            prints: Vec::new(),
            watchers: Vec::new(),
            sources: Vec::new(),
            slots: Vec::with_capacity(slots),
            machines: plan.machines.iter().map(|machine| machine.author.clone()).collect(),
            known_as: known_as(plan),
            lists: plan.lists.iter().map(ListState::new).collect(),
            lists_changed: false,
            current: BTreeMap::new(),
            listening: Vec::new(),
            raised: Raised::default(),
            floods: Watch::default(),
            standings: Vec::new(),
            claims: Claims::default(),
            learnt: Learnt::default(),
            state_of: Vec::new(),
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
        middle.add_standings(plan);
        middle.add_site(plan);
        Ok(middle)
    }

    fn add_machines(&mut self, plan: &Plan, now: Moment) {
        // An expression may watch the tags of any machine.
        for machine in &plan.machines {
            for tag in &machine.tags {
                self.tags.push(Tag::new(&tag.section));
                self.names.push((machine.author.key.clone(), tag.name.clone()));
                self.prints.push(tag.print);
                self.watchers.push(Vec::new());
            }
        }
        for (number, machine) in plan.machines.iter().enumerate() {
            for rule in &machine.rules {
                self.add_rule((number, machine), rule, now);
            }
        }
    }

    fn add_rule(&mut self, (number, machine): (usize, &MachinePlan), rule: &RulePlan, now: Moment) {
        let tag = machine.tags.iter().find(|tag| Some(&tag.id) == rule.tags.first());
        if let (Section::Alarms(section), Some(tag)) = (&rule.section, tag) {
            self.listening.push(Listening {
                machine: number,
                rule: rule.name.clone(),
                section: section.clone(),
                action: rule.common.r#do.clone(),
                tag: tag.id.0 as usize,
                refresh: None,
            });
            return;
        }
        let condition = Condition::new(&machine.author.key, &rule.name, policy(rule));
        let judge = match &rule.claim {
            Some(claim) => Some(Judge::Expression(Box::new(expression::Rule::new(claim.code.clone(), now)))),
            None => rule.section.judge(&self.zone, now),
        };
        let mut slot = Slot::new(condition, judge, subject(machine, rule, tag));
        slot.print = rule.print;
        slot.course = rule.common.chart.map(|length| Course::new(length.0));
        (slot.tag, slot.source) = (tag.map(|tag| tag.id.0 as usize), tag.map(|tag| tag.source));
        slot.hiding = Hiding {
            machine: Some(number),
            quiet_in: rule.common.quiet_in.clone(),
            only_in: rule.common.only_in.clone(),
            hides_children: rule.common.hides_children,
        };
        match &rule.claim {
            Some(claim) => self.add_claim(claim),
            None => {
                for (which, tag) in rule.tags.iter().enumerate() {
                    self.watchers[tag.0 as usize].push((self.slots.len(), which));
                }
            }
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

    fn resume(&mut self, plan: &Plan, mut kept: Kept, now: Moment) {
        self.resume_learnt(&mut kept.production);
        let gone = self.works.resume(plan, kept.production);
        self.forget_production(gone);
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
        self.cover_all(now);
        self.fill_claims(now);
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

/// How the condition of a rule lives.
fn policy(rule: &RulePlan) -> Policy {
    let common = &rule.common;
    let delays = Delays { on: common.on_delay.0, off: common.off_delay.0 };
    Policy {
        in_a_row: common.in_a_row,
        is_latched: common.latched,
        realarm: common.realarm.map(|wait| wait.0),
        ..Policy::new(delays, side(rule))
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
