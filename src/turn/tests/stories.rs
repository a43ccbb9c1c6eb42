//! Summaries and forecasts are to our taste, in every language, with the same facts.

use std::time::Duration;

use contract::settings::Words;
use contract::{Author, EpisodeId, Mark, Moment, Post, Priority};
use jiff::tz::TimeZone;

use crate::episode::Episode;
use crate::post::lint::{facts, lint};
use crate::post::*;
use crate::production::{Count, Figures, Ledger, Method, MicroStops, Section, State};
use crate::shift::{Calendar, Hours};

const BEGUN: i64 = 1_795_406_400_000; // 2026-11-23 04:00 UTC, 05:00 in Paris, a Monday

fn at(minutes: i64) -> Moment {
    Moment::from_ms(BEGUN + minutes * 60_000)
}

fn words(fr: &str, en: &str) -> Words {
    Words::Each([("fr".to_owned(), fr.to_owned()), ("en".to_owned(), en.to_owned())].into())
}

fn author() -> Author {
    Author { key: "line-4".into(), name: "Ligne 4".into(), place: "Vitré/Atelier B".into() }
}

fn languages() -> Vec<Language> {
    LANGUAGES.iter().map(|(code, _)| Language::new(code, "Europe/Paris").unwrap()).collect()
}

/// Shifts of eight hours with all that can happen in them: nothing, everything, nothing that is known.
fn shifts(method: Method) -> Vec<(Figures, Method)> {
    let text = format!(
        "state = 's'\ngood = 'g'\nscrap = 'r'\nideal_per_hour = 120\nmicro_stop = '{}s'\n",
        method.micro_stop.as_secs()
    );
    let section: Section = toml::from_str(&text).unwrap();
    let calendar = Calendar::new(&Hours::default(), None, TimeZone::UTC);
    let mut idle = Ledger::new(&section, at(0));
    let mut busy = Ledger::new(&section, at(5));
    let play = |ledger: &mut Ledger, minute: i64, state: State, good: f64, scrap: f64| {
        ledger.state(at(minute), state, &calendar);
        ledger.count(at(minute), Count::Parts, Some(good), &calendar);
        ledger.count(at(minute), Count::Scrap, Some(scrap), &calendar);
    };
    play(&mut busy, 5, State::Running, 1_000.0, 10.0);
    play(&mut busy, 100, State::Stopped(None), 1_180.0, 14.0);
    play(&mut busy, 131, State::Running, 1_180.0, 14.0);
    play(&mut busy, 140, State::Stopped(None), 1_197.0, 14.0);
    play(&mut busy, 142, State::Unknown, 1_197.0, 14.0);
    play(&mut busy, 160, State::Running, 1_210.0, 14.0);
    play(&mut busy, 480, State::Running, 900.0, 20.0);
    let figures = [idle.cut(at(480), &calendar), busy.cut(at(480), &calendar)];
    figures.map(|figures| (figures, method)).into()
}

#[test]
fn every_summary_is_to_our_taste_in_every_language() {
    let (author, long) = (author(), "équipe de nuit du groupe B, atelier des presses à injecter du hall 12");
    let names = [words("équipe du matin", "morning shift"), words(long, long)];
    let (cause, micro) = (words("changement de bobine", "reel change"), Duration::from_secs(180));
    let methods = [
        Method::default(),
        Method { micro_stop: micro, micro_stops: MicroStops::Availability },
        Method { micro_stop: micro, micro_stops: MicroStops::Performance },
    ];
    let still = |what: &str, minutes| Still {
        mark: Mark::Warning,
        machine: "Ligne 4".into(),
        what: what.into(),
        begun: at(minutes),
    };
    let open = [still("palier arrière", 470), still(&"nom très long ".repeat(9), -900), still("air", 400)];
    let ended = [
        Ended::Shift { key: "matin", words: Some(&names[0]) },
        Ended::Shift { key: "nuit", words: Some(&names[1]) },
        Ended::Shift { key: "day", words: None },
        Ended::Day,
        Ended::Week,
    ];
    let (mut count, mut alike) = (0, 0);
    for (figures, method) in methods.into_iter().flat_map(shifts) {
        for (number, ended) in ended.into_iter().enumerate() {
            let stop = (Duration::from_secs(1_860), (number > 1).then_some(("bobine", &cause)));
            let whole = Summary {
                episode: EpisodeId("s".into()),
                rule: "summary.shifts",
                author: &author,
                ended,
                begun: at(0),
                end: at(480),
                figures: &figures,
                method,
                average: (number > 0).then(|| Average { trs: 0.741, days: [1, 9, 28, 28][number - 1] }),
                longest: (number != 1).then_some(stop),
                held: u32::try_from(number / 2).unwrap(),
            };
            let open = (&open[..number.min(3)], number / 3, number / 2);
            let posts: Vec<Post> =
                languages().iter().map(|language| summary(&whole, open, language, at(485))).collect();
            for post in &posts {
                assert_eq!(lint(post), Vec::<String>::new());
                assert!(post.ended.is_some(), "a summary is over when it is told");
                count += 1;
            }
            // Where all that can be told is, one language may name an open point that another counts.
            let points = |post: &Post| {
                post.lines
                    .iter()
                    .flat_map(|line| line.text.plain().chars().collect::<Vec<_>>())
                    .filter(|c| *c == '·')
                    .count()
            };
            if points(&posts[0]) == points(&posts[1]) {
                same_facts(&posts);
                alike += 1;
            }
        }
    }
    assert_eq!(count, 60);
    assert!(alike >= 26, "{alike}");
}

/// One life of a forecast: as it begins, and as it ends.
fn check(forecast: Forecast, later: i64) {
    let is_live = matches!(
        &forecast,
        Forecast::Late(LateWords { stands: Stands::Late, .. })
            | Forecast::Reach(ReachWords { lasts: Lasts::Short, .. })
    );
    let subject = Subject {
        author: author(),
        rule: "late.orders.late".into(),
        tag: None,
        about: About::Forecast { forecast: Box::new(forecast) },
        priorities: vec![Priority::High],
        action: Words::Nothing,
    };
    let open = Episode::new(EpisodeId("f".into()), at(0), 1);
    let episode = if is_live { open } else { Episode { ended: Some(at(90)), ..open } };
    let posts: Vec<Post> = languages()
        .iter()
        .map(|language| write(&subject, &episode, &Known::default(), language, at(100 + later)))
        .collect();
    for post in &posts {
        assert_eq!(lint(post), Vec::<String>::new());
        assert!(post.lines.iter().all(|line| !line.text.plain().contains('@')), "a story calls nobody");
    }
    same_facts(&posts);
}

/// The day of a month is written otherwise in each language, so it is left out.
fn same_facts(posts: &[Post]) {
    let of = |post: &Post| {
        let days = ["11", "22", "23", "24", "25"];
        facts(post).into_iter().filter(|fact| !days.contains(&fact.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(of(&posts[0]), of(&posts[1]), "{posts:#?}");
}

#[test]
fn every_forecast_is_to_our_taste_in_every_language() {
    for later in [0, 24 * 60] {
        for stands in [Stands::Late, Stands::InTime, Stands::Done, Stands::Left] {
            for (number, key) in ["10482".to_owned(), "lot-".repeat(40)].into_iter().enumerate() {
                let is_first = number == 0;
                check(
                    Forecast::Late(LateWords {
                        list: words("OF", "order"),
                        key,
                        stands,
                        due: at(if is_first { 500 } else { 19 * 60 }),
                        ends: at(555),
                        late: Duration::from_secs(55 * 60),
                        done: 3_260,
                        quantity: 8_000,
                        stops: is_first.then(|| (Duration::from_secs(29 * 60), at(300))),
                        by_speed: Duration::from_secs(if is_first { 26 * 60 } else { 0 }),
                        rate: if is_first { 1_320.0 } else { 11.52 },
                        ideal: if is_first { 1_500.0 } else { 12.0 },
                        pick_up: Some(at(if is_first { 598 } else { 540 })),
                        read: Some(at(90)),
                    }),
                    later,
                );
            }
        }
        for lasts in [Lasts::Short, Lasts::Enough, Lasts::Gone] {
            for (level, unit) in [(1_240.0, Some("kg")), (2.25, None)] {
                check(
                    Forecast::Reach(ReachWords {
                        list: words("granulé", "pellet"),
                        key: "PP-20".into(),
                        lasts,
                        ends: at(340),
                        level,
                        unit: unit.map(str::to_owned),
                        per_hour: 310.0,
                        at: at(98),
                        delivery: unit.map(|_| at(26 * 60)),
                    }),
                    later,
                );
            }
        }
    }
}

/// What `portevoix preview` shows is as good as what is told.
#[test]
fn every_example_is_to_our_taste() {
    let text = r#"
        [site]
        name = "Usine"
        [source.exec.plc]
        command = ["cat"]
        [network.wall.local]
        [machine.line-4]
        name = "Ligne 4"
        [machine.line-4.tag.state]
        source = "plc"
        called = "state"
        [machine.line-4.production]
        state = "state"
        good = "state"
        ideal_cycle = "30s"
        cause.jam = { is = [3] }
        [shift.morning]
        from = "05:00"
        to = "13:00"
        days = ["mon"]
        [summary.shifts]
        [summary.weeks]
        end_of = "week"
        [list.orders]
        source = "plc"
        called = "orders"
        key = ["number"]
        machine = "number"
        current = { field = "number", is = ["1"] }
        [list.orders.field]
        number = { from = "number" }
        left = { from = "left", type = "number", unit = "kg" }
        due = { from = "due", type = "time" }
        [list.orders.rule.late.late]
        quantity = "left"
        due = "due"
        pick_up = "due"
        [list.orders.rule.reach.short]
        level = "left"
        under = "8h"
    "#;
    let plan = crate::config::read(vec![("plant.toml".into(), text.into())]).unwrap();
    for language in languages() {
        let told = super::example_summaries(&plan, &language, at(480));
        assert_eq!(told.len(), 2);
        for (_, _, post) in told {
            assert_eq!(lint(&post), Vec::<String>::new());
            assert!(post.fact.plain().contains('%'), "a figure: {}", post.fact.plain());
        }
    }
    let feared = super::example_forecasts(&plan.lists[0], &author(), at(480));
    assert_eq!(feared.len(), 4);
    for subject in feared {
        let About::Forecast { forecast } = subject.about else { panic!("a forecast") };
        check(*forecast, 480);
    }
}
