//! `portevoix preview`: what each rule would post, without a machine and without a network.

use std::time::{Duration, SystemTime};

use clap::Args;
use contract::{Author, EpisodeId, Moment};

use super::{Configured, Failed, Outcome, complain, say};
use crate::config::{Plan, RulePlan, did_you_mean};
use crate::episode::Episode;
use crate::post::{About, Known, Language, Subject, write};
use crate::rule::Section;
use crate::turn::{SITE, example_forecasts, example_milestones, example_records, example_summaries, subject};

/// What the command line says.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    configured: Configured,
    /// Only this machine, by its key
    #[arg(long, value_name = "KEY")]
    machine: Option<String>,
    /// Only rules whose name holds this, such as `oil-hot`
    #[arg(long, value_name = "WORDS")]
    rule: Option<String>,
}

/// Does it.
pub fn run(options: &Options) -> Outcome {
    let plan = options.configured.load()?;
    if let Some(wrong) = options.machine.as_deref().and_then(|key| no_machine(&plan, key)) {
        complain(&wrong);
        return Err(Failed::Configuration);
    }
    let now = Moment::from_system(SystemTime::now());
    let mut shown = 0;
    for (subject, neighbour) in &subjects(&plan, options, now) {
        for network in &plan.networks {
            let language = Language::new(&network.language, &plan.site.timezone)
                .map_err(|error| Failed::Task(error.to_string()))?;
            say(&format!(
                "── {} · {} · {}.{} ──",
                subject.author.key,
                subject.rule,
                network.kind.name(),
                network.name
            ));
            let known = Known {
                latest: usual(subject).or(*neighbour),
                order: Vec::new(),
                first_out: None,
                course: Vec::new(),
            };
            let mut last = String::new();
            for episode in stages(subject, now) {
                let post = write(subject, &episode, &known, &language, now);
                let seen = network.kind.preview(&network.settings, &post);
                // Steps that a reader cannot tell apart are one.
                if seen != last {
                    say(&format!("{seen}\n"));
                }
                (last, shown) = (seen, shown + 1);
            }
        }
    }
    shown += stories(&plan, options, now)?;
    if shown == 0 {
        return Err(Failed::Task("no rule fits; `portevoix check` counts what there is".into()));
    }
    Ok(())
}

/// What is wrong with the key of a machine, if it is none.
fn no_machine(plan: &Plan, key: &str) -> Option<String> {
    let keys = || plan.machines.iter().map(|machine| machine.author.key.as_str());
    if key == SITE || keys().any(|known| known == key) {
        return None;
    }
    let help = did_you_mean(key, keys()).map(|help| format!("; {help}")).unwrap_or_default();
    Some(format!("portevoix: no machine `{key}` is configured{help}"))
}

/// What each summary would tell of a shift, and a round number of each rule that counts for ever; how many posts were
/// shown.
fn stories(plan: &Plan, options: &Options, now: Moment) -> Result<usize, Failed> {
    let mut shown = 0;
    for network in &plan.networks {
        let language = Language::new(&network.language, &plan.site.timezone)
            .map_err(|error| Failed::Task(error.to_string()))?;
        let stories = example_summaries(plan, &language, now);
        for (rule, author, post) in stories.into_iter().chain(example_milestones(plan, &language, now)) {
            let is_wanted = options.machine.as_ref().is_none_or(|key| *key == author.key)
                && options.rule.as_ref().is_none_or(|words| rule.contains(words));
            if is_wanted {
                say(&format!("── {} · {rule} · {}.{} ──", author.key, network.kind.name(), network.name));
                say(&format!("{}\n", network.kind.preview(&network.settings, &post)));
                shown += 1;
            }
        }
    }
    Ok(shown)
}

/// Each subject, and for a silence a value that its tag might have had.
fn subjects(plan: &Plan, options: &Options, now: Moment) -> Vec<(Subject, Option<f64>)> {
    let is_wanted = |author: &Author| options.machine.as_ref().is_none_or(|key| *key == author.key);
    let fits = |rule: &str| options.rule.as_ref().is_none_or(|words| rule.contains(words));
    let machines = plan.machines.iter().filter(|machine| is_wanted(&machine.author));
    machines
        .flat_map(|machine| {
            // What counts for ever has no episodes: its stories are shown with the summaries.
            let lives = |rule: &&RulePlan| match &rule.section {
                Section::Count(section) => section.every.is_none(),
                _ => true,
            };
            let rules = machine.rules.iter().filter(lives).filter(|rule| fits(&rule.name));
            rules.map(|rule| {
                let tag = machine.tags.iter().find(|tag| Some(&tag.id) == rule.tags.first());
                let limits = machine.rules.iter().filter(|other| other.tags.first() == rule.tags.first());
                let neighbour =
                    limits.map(|other| subject(machine, other, tag)).find_map(|other| usual(&other));
                (subject(machine, rule, tag), neighbour.or(Some(20.0)))
            })
        })
        .chain(records(plan, options, now).into_iter().map(|subject| (subject, None)))
        .collect()
}

/// A row of each list that has rules, by the first machine that it can be about.
fn records(plan: &Plan, options: &Options, now: Moment) -> Vec<Subject> {
    let site = Author { key: SITE.into(), name: plan.site.name.clone(), place: String::new() };
    let all = plan.lists.iter().flat_map(|list| {
        let machine = list.section.machine.as_ref().and_then(|_| plan.site.machines.first());
        let author = machine.unwrap_or(&site);
        example_records(list, author).into_iter().chain(example_forecasts(list, author, now))
    });
    all.filter(|subject| {
        options.machine.as_ref().is_none_or(|key| *key == subject.author.key)
            && options.rule.as_ref().is_none_or(|words| subject.rule.contains(words))
    })
    .collect()
}

/// A life in pictures: just opened, each further step of the ladder, over.
fn stages(subject: &Subject, now: Moment) -> Vec<Episode> {
    let ago = |minutes: u64| now.minus(Duration::from_secs(60 * minutes));
    let levels = match &subject.about {
        About::Limit { limits, .. } => u8::try_from(limits.len()).unwrap_or(u8::MAX),
        About::Alarm { .. } => 3,
        About::Silence { .. }
        | About::Figure { .. }
        | About::State { .. }
        | About::Stuck { .. }
        | About::Claim { .. }
        | About::Source { .. }
        | About::Part { .. }
        | About::Record { .. }
        | About::Forecast { .. }
        | About::Store => 1,
    };
    let at_level = |level: u8| Episode {
        value: beyond(subject, level),
        value_at: now,
        worst: beyond(subject, level),
        worst_at: now,
        ..Episode::new(EpisodeId("preview".into()), ago(u64::from(level)), level)
    };
    let mut stages: Vec<Episode> = (1..=levels).map(at_level).collect();
    let over = Episode {
        begun: ago(36),
        since: ago(36),
        stepped: ago(36),
        worst_at: ago(20),
        value: usual(subject),
        ended: Some(now),
        ..at_level(levels)
    };
    stages.push(over);
    // Words of their own for each stage.
    if let About::Forecast { forecast } = &subject.about {
        stages.retain(|stage| stage.ended.is_none() == forecast.is_live());
    }
    stages
}

/// A value a little beyond the limit of a step.
fn beyond(subject: &Subject, level: u8) -> Option<f64> {
    let limit = subject.limit(level)?;
    let step = (limit.abs() * 0.05).max(0.1);
    Some(if is_high(subject) { limit + step } else { limit - step })
}

fn usual(subject: &Subject) -> Option<f64> {
    let limit = subject.limit(1)?;
    let step = (limit.abs() * 0.1).max(0.1);
    Some(if is_high(subject) { limit - step } else { limit + step })
}

fn is_high(subject: &Subject) -> bool {
    matches!(subject.about, About::Limit { side: crate::episode::Side::High, .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_an_episode_lies_within_it() {
        let text = r#"
            [site]
            name = "Usine"
            [network.wall.local]
            [source.exec.plc]
            command = ["cat"]
            [machine.press-3.tag.oil]
            source = "plc"
            called = "oil"
            [machine.press-3.rule.limit.hot]
            tag = "oil"
            above = 75
            ladder = [{ above = 90, priority = 1 }]
        "#;
        let plan = crate::config::read(vec![("plant.toml".into(), text.into())]).unwrap();
        let machine = &plan.machines[0];
        let subject = subject(machine, &machine.rules[0], machine.tags.first());
        for stage in stages(&subject, Moment::from_ms(1_795_474_800_000)) {
            let end = stage.ended.unwrap_or(stage.worst_at);
            assert!(stage.begun <= stage.since && stage.since <= stage.worst_at, "{stage:?}");
            assert!(stage.worst_at <= end, "{stage:?}");
        }
    }
}
