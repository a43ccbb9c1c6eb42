//! What might be told one day, for a preview: a shift of a machine, an order that will be late, a stock that runs out.

use std::time::Duration;

use contract::{Author, Moment, Post, Priority};

use super::about::subject;
use super::lists::example_key;
use crate::config::{ListPlan, Plan};
use crate::episode::Episode;
use crate::post::{
    About, Average, Ended, Forecast, Language, Lasts, LateWords, Milestone, ReachWords, Stands, Subject,
    Summary, milestone, summary,
};
use crate::production::{self, Cause, Count, Figures, Ledger, Span, State};
use crate::rule::{Section, count};
use crate::shift::Calendar;

/// The shift of the preview has so many minutes.
const MINUTES: u64 = 480;

/// A shift of a machine as each summary would tell it: the name of the summary, the machine, the post.
pub fn example_summaries<'a>(
    plan: &'a Plan,
    language: &Language,
    now: Moment,
) -> Vec<(String, &'a Author, Post)> {
    let mut told = Vec::new();
    for plan_of in &plan.summaries {
        for machine in plan_of.machines.iter().filter_map(|at| plan.machines.get(*at)) {
            let Some(production) = &machine.production else { continue };
            let rule = format!("summary.{}", plan_of.name);
            let shift = plan.hours.shift.iter().next();
            let ended = match plan_of.section.end_of {
                Span::Shift => Ended::Shift {
                    key: shift.map_or("day", |(key, _)| key),
                    words: shift.map(|(_, shift)| &shift.name),
                },
                Span::Day => Ended::Day,
                Span::Week => Ended::Week,
            };
            let post = shift_of(&production.section, &machine.author, &rule, ended, language, now);
            told.push((rule, &machine.author, post));
        }
    }
    told
}

/// A round number of each rule that counts for ever: the rule, the machine, the post.
pub fn example_milestones<'a>(
    plan: &'a Plan,
    language: &Language,
    now: Moment,
) -> Vec<(String, &'a Author, Post)> {
    let mut told = Vec::new();
    for machine in &plan.machines {
        for rule in &machine.rules {
            let Section::Count(count::Section { every: Some(every), .. }) = &rule.section else { continue };
            let tag = machine.tags.iter().find(|tag| Some(&tag.id) == rule.tags.first());
            let subject = &subject(machine, rule, tag);
            let episode = Episode::name(&machine.author.key, &rule.name, now);
            let reached = Milestone { episode, subject, reached: 12.0 * every, at: now, order: &[] };
            told.push((rule.name.clone(), &machine.author, milestone(&reached, language, now)));
        }
    }
    told
}

fn shift_of(
    section: &production::Section,
    author: &Author,
    rule: &str,
    ended: Ended<'_>,
    language: &Language,
    now: Moment,
) -> Post {
    let begun = now.minus(Duration::from_secs(60 * MINUTES));
    let figures = play(section, begun);
    let method = section.method();
    let longest = figures.stops.longest(method.micro_stop).first().copied();
    let whole = Summary {
        episode: Episode::name(&author.key, rule, begun),
        rule,
        author,
        ended,
        begun,
        end: now,
        figures: &figures,
        method,
        average: Some(Average { trs: 0.741, days: 28 }),
        longest: longest.map(|stop| (stop.time(), stop.cause.and_then(|cause| section.cause(cause)))),
        held: 0,
    };
    summary(&whole, (&[], 0, 0), language, now)
}

/// Runs at nine tenths of the ideal rate, with one stop of half an hour.
fn play(section: &production::Section, begun: Moment) -> Figures {
    let calendar = Calendar::new(&crate::shift::Hours::default(), None, jiff::tz::TimeZone::UTC);
    let mut ledger = Ledger::new(section, begun);
    let per_minute = ledger.ideal_per_hour() * 0.9 / 60.0;
    let mut made = 0.0;
    for minute in 0..=MINUTES {
        let at = begun.plus(Duration::from_secs(60 * minute));
        let is_standing = (200..230).contains(&minute);
        let cause = section.cause(Cause(0)).map(|_| Cause(0));
        ledger.state(at, if is_standing { State::Stopped(cause) } else { State::Running }, &calendar);
        made += if is_standing || minute == 0 { 0.0 } else { per_minute };
        ledger.count(at, Count::Parts, Some(f64::floor(made)), &calendar);
        if section.scrap.is_some() {
            ledger.count(at, Count::Scrap, Some(f64::floor(made * 0.02)), &calendar);
        }
    }
    ledger.cut(begun.plus(Duration::from_secs(60 * MINUTES)), &calendar)
}

/// A row under each rule of a list that foresees something: while it is feared, and when it is over.
pub fn example_forecasts(plan: &ListPlan, author: &Author, now: Moment) -> Vec<Subject> {
    let late = plan.late.iter().flat_map(|rule| {
        let of =
            |stands| (format!("late.{}", rule.name), late(plan, stands, rule.section.pick_up.is_some(), now));
        let told = [of(Stands::Late), of(Stands::InTime)];
        told.map(|(name, words)| {
            (name, Forecast::Late(words), rule.section.priority, rule.section.r#do.clone())
        })
    });
    let reach = plan.reach.iter().flat_map(|rule| {
        let unit = plan.section.field.get(&rule.section.level).and_then(|field| field.unit.clone());
        let of = |lasts| (format!("reach.{}", rule.name), reach(plan, lasts, unit.clone(), now));
        let told = [of(Lasts::Short), of(Lasts::Enough)];
        told.map(|(name, words)| {
            (name, Forecast::Reach(words), rule.section.priority, rule.section.r#do.clone())
        })
    });
    let subject = |(name, forecast, priority, action): (String, Forecast, Priority, _)| Subject {
        author: author.clone(),
        rule: format!("{name}.{}", plan.name),
        tag: None,
        about: About::Forecast { forecast: Box::new(forecast) },
        priorities: vec![priority],
        action,
    };
    late.chain(reach).map(subject).collect()
}

fn late(plan: &ListPlan, stands: Stands, is_fetched: bool, now: Moment) -> LateWords {
    let hours = |count: u64| now.plus(Duration::from_secs(3_600 * count));
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let late = if stands == Stands::Late { minutes(55) } else { Duration::ZERO };
    LateWords {
        list: plan.row_name(),
        key: example_key(),
        stands,
        due: hours(3),
        ends: hours(3).plus(late),
        late,
        done: 3_260,
        quantity: 8_000,
        stops: Some((minutes(29), now.minus(minutes(40)))),
        by_speed: minutes(26),
        rate: 1_320.0,
        ideal: 1_500.0,
        pick_up: is_fetched.then(|| hours(5)),
        read: Some(now),
    }
}

fn reach(plan: &ListPlan, lasts: Lasts, unit: Option<String>, now: Moment) -> ReachWords {
    let hours = |count: u64| now.plus(Duration::from_secs(3_600 * count));
    ReachWords {
        list: plan.row_name(),
        key: example_key(),
        lasts,
        ends: hours(4),
        level: if lasts == Lasts::Short { 1_240.0 } else { 5_000.0 },
        unit,
        per_hour: 310.0,
        at: now,
        delivery: Some(hours(20)),
    }
}
