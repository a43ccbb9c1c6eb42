//! What the posts of a rule are about: from its plan to the subject of its episodes.

use crate::config::{MachinePlan, RulePlan, TagPlan};
use crate::episode::Side;
use crate::post::{About, AlarmWords, Figure, Subject, TagWords};
use crate::rule::{Section, aggregate, limit, state};

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

/// Which value of a rule is worse.
pub(super) fn side(rule: &RulePlan) -> Side {
    rule.claim.as_ref().map_or_else(|| rule.section.side(), |claim| claim.code.side())
}

/// What the episodes of a rule are about. Only an expression may be about no tag of its machine.
pub fn subject(machine: &MachinePlan, rule: &RulePlan, tag: Option<&TagPlan>) -> Subject {
    let side = side(rule);
    let about = match &rule.section {
        Section::Limit(section) => {
            let steps = section.ladder.iter().filter_map(|step| step.above.or(step.below));
            let limits = section.above.or(section.below).into_iter().chain(steps).collect();
            About::Limit { side, limits, usual: section.usual }
        }
        Section::Stale(section) => About::Silence { after: section.after.0 },
        Section::Rate(section) => {
            let what = Figure::Rate { per: section.per.0 };
            figure(what, section.above, section.below, section.usual)
        }
        Section::Count(section) => {
            let what = Figure::Count { over: section.over.unwrap_or_default().0 };
            figure(what, section.above, section.below, None)
        }
        Section::Window(section) => {
            let what = Figure::Window { name: window_name(section.figure), over: section.over.0 };
            figure(what, section.above, section.below, section.usual)
        }
        Section::Compare(section) => {
            let above = section.above.or(section.tolerance).or(section.times).or(section.sigmas);
            figure(Figure::Compare, above, section.below, None)
        }
        Section::State(section) => state(section),
        Section::Heartbeat(section) => About::Stuck { after: section.every.0 },
        Section::Expression(section) => About::Claim { say: section.say.clone() },
        // Of one that might come, for a preview.
        Section::Alarms(section) => {
            let alarm = AlarmWords {
                name: "HighTemperature".into(),
                message: "Temperature above 90 °C".into(),
                severity: section.urgent_from.min(1_000),
                is_acknowledged: false,
            };
            About::Alarm { alarm }
        }
    };
    let words = |tag: &TagPlan| TagWords {
        key: tag.name.clone(),
        name: tag.section.name.clone(),
        // The figure of an expression has a unit of its own, or none.
        unit: match &rule.claim {
            Some(claim) => claim.code.unit().map(str::to_owned),
            None => tag.section.unit.clone(),
        },
        decimals: tag.section.decimals.unwrap_or_else(|| decimals(rule)),
    };
    Subject {
        author: machine.author.clone(),
        rule: rule.name.clone(),
        tag: tag.map(words),
        about,
        priorities: rule.section.priorities(&rule.common),
        action: rule.common.r#do.clone(),
    }
}

/// As many decimals as the limits of the rule have, three at most. What is worked out has one at least.
fn decimals(rule: &RulePlan) -> u8 {
    let section = &rule.section;
    let worked_out = match section {
        Section::Rate(section) => [section.above, section.below, section.clear],
        Section::Window(section) => [section.above, section.below, section.clear],
        Section::Compare(section) => [section.above.or(section.tolerance), section.below, section.clear],
        Section::Limit(_)
        | Section::Stale(_)
        | Section::Alarms(_)
        | Section::Count(_)
        | Section::State(_)
        | Section::Heartbeat(_)
        | Section::Expression(_) => [None; 3],
    };
    if let Some(claim) = &rule.claim {
        return claim.code.limit().map_or(1, |limit| most_decimals(std::iter::once(limit)));
    }
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
