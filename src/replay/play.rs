//! Plays rows through the middle, on the time at which they arrived.

use std::collections::HashSet;

use contract::{Batch, Moment, TagId};

use super::files::{Row, Said};
use super::stage::{ABLE, House, Stage};
use crate::config::{Plan, RulePlan};
use crate::post::LanguageError;
use crate::rule::Section;
use crate::turn::Kept;

/// What was played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Played {
    /// How many readings.
    pub readings: u64,
    /// From when …
    pub from: Moment,
    /// … until when.
    pub to: Moment,
}

/// Plays rows that are in the order of time; `None` where there are none. The posts are those of the first network.
///
/// # Errors
/// A language or time zone that this build does not know.
pub fn play(
    plan: &Plan,
    next: &mut dyn FnMut() -> Option<Row>,
    house: &mut dyn House,
) -> Result<Option<Played>, LanguageError> {
    let Some(first) = next() else { return Ok(None) };
    let mut stage = Stage::new(plan, &[ABLE], Kept::default(), first.now)?;
    let mut played = Played { readings: 0, from: first.now, to: first.now };
    let mut pending = Some(first);
    // What arrives at the same moment is one batch, as long as samples alone do.
    let mut batch = Batch::default();
    while let Some(row) = pending.take() {
        stage.advance(row.now, house);
        let (now, source) = (row.now, row.source);
        match row.said {
            Said::Sample(sample) => {
                batch.samples.push(sample);
                pending = next();
                while let Some(Row { said: Said::Sample(_), .. }) =
                    pending.as_ref().filter(|row| row.now == now)
                    && let Some(Row { said: Said::Sample(sample), .. }) = pending.take()
                {
                    batch.samples.push(sample);
                    pending = next();
                }
                played.readings += batch.samples.len() as u64;
                stage.take(source, &mut batch);
            }
            Said::Batch(said) => {
                let mut said = *said;
                stage.take(source, &mut said);
                pending = next();
            }
            Said::Link(is_up) => {
                let lost = (!is_up).then(|| "lost in the recording".to_owned());
                stage.middle().source(source, lost, now);
                pending = next();
            }
        }
        stage.settle(house);
        played.to = now;
    }
    Ok(Some(played))
}

/// Rules that were taken out of a plan, and where they stood.
pub struct TakenOut(Vec<(usize, usize, RulePlan)>);

impl TakenOut {
    /// Takes out the rules that judge the silence of tags which never speak: a recording does not hold them. Those that
    /// are `wanted` stay.
    pub fn silent(
        plan: &mut Plan,
        speaking: &HashSet<TagId>,
        wanted: &dyn Fn(&str, &str) -> bool,
    ) -> TakenOut {
        let mut taken = Vec::new();
        for (number, machine) in plan.machines.iter_mut().enumerate() {
            // From the last on, so that the places of those before it stay as they are.
            for at in (0..machine.rules.len()).rev() {
                let rule = &machine.rules[at];
                let is_mute =
                    is_of_silence(&rule.section) && !rule.tags.iter().any(|tag| speaking.contains(tag));
                if is_mute && !wanted(&machine.author.key, &rule.name) {
                    taken.push((number, at, machine.rules.remove(at)));
                }
            }
        }
        TakenOut(taken)
    }

    /// How many rules there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Puts them back where they stood.
    pub fn put_back(self, plan: &mut Plan) {
        for (number, at, rule) in self.0.into_iter().rev() {
            if let Some(machine) = plan.machines.get_mut(number) {
                machine.rules.insert(at, rule);
            }
        }
    }
}

/// The tags whose silence is judged.
pub fn watched(plan: &Plan) -> HashSet<TagId> {
    let rules = plan.machines.iter().flat_map(|machine| &machine.rules);
    rules.filter(|rule| is_of_silence(&rule.section)).flat_map(|rule| rule.tags.iter().copied()).collect()
}

fn is_of_silence(section: &Section) -> bool {
    matches!(section, Section::Stale(_) | Section::Heartbeat(_))
}

/// The values of a recording are in the units of the tags already, as a historian exports them.
pub fn in_units(plan: &mut Plan) {
    for tag in plan.machines.iter_mut().flat_map(|machine| &mut machine.tags) {
        (tag.section.scale, tag.section.offset) = (None, None);
    }
}
