//! Production figures through kills: what a source gives again is not counted again, and nothing is lost.

use std::time::Duration;

use contract::{Batch, Event, Moment, Notice, Origin, Record, Sample, Value};

use crate::board::{Plant, sample};

const LINE: &str = r#"
[site]
name = "Usine"
language = "fr"
timezone = "Europe/Paris"
stories_per_day = 1
[source.exec.plc]
command = ["/bin/true"]
[network.wall.local]
[machine.line-4]
name = "Ligne 4"
[machine.line-4.tag.state]
source = "plc"
called = "state"
[machine.line-4.tag.good]
source = "plc"
called = "good"
[machine.line-4.production]
state = "state"
good = "good"
ideal_per_hour = 3600
[shift.matin]
from = "05:00"
to = "06:00"
days = ["mon..fri"]
[summary.equipes]
"#;

/// 2026-11-23 05:00 in Paris.
const BEGUN: Moment = Moment::from_ms(1_795_406_400_000);

/// How the kills go.
#[derive(Clone, Copy, PartialEq)]
enum Kills {
    Never,
    /// Every minute. The batch before was kept and not settled, so it comes a second time.
    GivenAgain,
    /// As above, and the store forgets the production: the mutant.
    Forgotten,
}

/// A part every two seconds, in batches of ten seconds. Without times of its own, a batch that is given again looks as
/// if it happened now.
fn batch(plant: &Plant, second: u64, is_timed: bool) -> Vec<Sample> {
    let from = second - second.min(10);
    let values = (from / 2..=second / 2).map(|part| (part * 2, 1_000.0 + part as f64));
    let good = values.map(|(when, value)| {
        let at = is_timed.then(|| BEGUN.plus(Duration::from_secs(when)));
        sample(plant.tag("line-4/good"), Value::Number(value), at, Origin::Live)
    });
    let at = is_timed.then(|| BEGUN.plus(Duration::from_secs(from)));
    let state = sample(plant.tag("line-4/state"), Value::Number(1.0), at, Origin::Live);
    std::iter::once(state).chain(good).collect()
}

/// The summary of the shift, as people read it.
fn told(kills: Kills, is_timed: bool) -> String {
    let mut plant = Plant::new(LINE, BEGUN);
    for second in (0..=3_610).step_by(10) {
        let now = BEGUN.plus(Duration::from_secs(second));
        plant.settle(now);
        let samples = batch(&plant, second, is_timed);
        plant.middle.take(0, Batch { samples, ..Batch::default() }, now);
        if second % 60 == 0 && second > 0 && second < 3_600 && kills != Kills::Never {
            plant.keep_rest(now);
            if kills == Kills::Forgotten {
                plant.forget(portevoix::store::Table::Production);
            }
            plant.restart(now);
            let samples = batch(&plant, second, is_timed);
            plant.middle.take(0, Batch { samples, ..Batch::default() }, now);
        }
        plant.settle(now);
    }
    plant.boards[0].log.clone()
}

#[test]
fn what_is_given_again_after_a_kill_is_not_counted_again() {
    for is_timed in [true, false] {
        let calm = told(Kills::Never, is_timed);
        assert!(calm.contains("Bonnes : 1 800. Rebuts : 0."), "{calm}");
        let killed = told(Kills::GivenAgain, is_timed);
        // Between the last that is kept and the kill nothing is lost here: it is kept at the kill.
        assert_eq!(killed.matches("BILAN").count(), 1, "{killed}");
        let made = |log: &str| -> u64 {
            let number = |after: &str| {
                let digits = log.split(after).nth(1).unwrap_or("0").chars();
                let digits: String =
                    digits.take_while(|c| !matches!(c, '.' | '\n')).filter(char::is_ascii_digit).collect();
                digits.parse::<u64>().unwrap()
            };
            number("Bonnes : ") + number("Pièces hors calcul : ")
        };
        assert_eq!(made(&killed), 1_800, "{killed}");
        let forgotten = told(Kills::Forgotten, is_timed);
        assert_ne!(made(&forgotten), 1_800, "a store that forgets must be seen: {forgotten}");
    }
}

/// Stocks of a site that all run out.
const STOCK: &str = r#"
[list.stock]
source = "plc"
called = "stock"
key = ["article"]
[list.stock.field]
article = { from = "article" }
left = { from = "left", type = "number", unit = "kg" }
[list.stock.rule.reach.short]
level = "left"
under = "30d"
over = "1h"
"#;

#[test]
fn a_speaker_tells_as_many_stories_a_day_as_it_may() {
    let mut plant = Plant::new(&format!("{LINE}{STOCK}"), BEGUN);
    let list = plant.plan.lists[0].id;
    for minute in 0..30 {
        let now = BEGUN.plus(Duration::from_secs(60 * minute));
        for article in ["a", "b"] {
            let left = Value::Number(200.0 - minute as f64);
            let fields = [Some(Value::Text(article.into())), Some(left)].into();
            let record = Record { list, key: article.into(), fields, at: None, origin: Origin::Live };
            plant.middle.take(0, Batch { events: vec![Event::Record(record)], ..Batch::default() }, now);
        }
        plant.settle(now);
    }
    assert_eq!(plant.boards[0].log.matches("posts #").count(), 1, "{}", plant.boards[0].log);
    // The next day has room again, and what is short is still short.
    let next = BEGUN.plus(Duration::from_secs(86_400));
    plant.settle(next);
    assert_eq!(plant.boards[0].log.matches("posts #").count(), 2, "{}", plant.boards[0].log);
}

/// A day and a week of one machine: the names of the posts, in order.
#[test]
fn a_day_and_a_week_are_told_when_their_last_shift_is_over() {
    let more = "[shift.soir]\nfrom = '13:00'\nto = '14:00'\ndays = ['mon..tue']\n\
                [summary.jours]\nend_of = 'day'\n[summary.semaines]\nend_of = 'week'\n";
    let mut plant = Plant::new(&format!("{LINE}{more}"), BEGUN);
    let (state, good) = (plant.tag("line-4/state"), plant.tag("line-4/good"));
    for minute in 0..8 * 24 * 60 {
        let now = BEGUN.plus(Duration::from_secs(60 * minute));
        if minute % 30 == 0 {
            plant.say(sample(state, Value::Number(1.0), None, Origin::Live), now);
            plant.say(sample(good, Value::Number(minute as f64), None, Origin::Live), now);
        }
        plant.settle(now);
    }
    let log = &plant.boards[0].log;
    let told: Vec<&str> = log.lines().filter(|line| line.contains("BILAN")).collect();
    let count = |words: &str| told.iter().filter(|line| line.contains(words)).count();
    // Monday and Tuesday with two shifts each, then one a day; the week-end has none; then Monday anew.
    assert_eq!(
        (count(" matin,"), count(" soir,"), count("journée,"), count("semaine du 23/11")),
        (6, 3, 6, 1)
    );
    let first_day = log.split("journée, lundi 23/11").nth(1).unwrap();
    assert!(first_day.contains("Perdu sur 120 min requises"), "{first_day}");
    let week = log.split("semaine du 23/11").nth(1).unwrap();
    assert!(week.contains("Perdu sur 420 min requises"), "{week}");
    assert!(week.contains("Moyenne 5 jours"), "{week}");
}

/// Orders of a machine that makes a part a second.
const ORDERS: &str = r#"
[list.orders]
source = "plc"
called = "orders"
name = "OF"
key = ["number"]
machine = "machine"
current = { field = "state", is = ["running"] }
[list.orders.field]
done = { from = "done", type = "number" }
due = { from = "due", type = "time" }
machine = { from = "machine" }
number = { from = "number" }
quantity = { from = "quantity", type = "number" }
state = { from = "state" }
[list.orders.rule.late.late]
quantity = "quantity"
due = "due"
"#;

/// Plays an order that runs already when the list is first read, for a quarter of an hour: a part in two seconds.
fn order_that_runs_already(rule: &str) -> String {
    let mut plant = Plant::new(&format!("{LINE}{ORDERS}{rule}"), BEGUN);
    let list = plant.plan.lists[0].id;
    for second in (0..=900).step_by(10) {
        let now = BEGUN.plus(Duration::from_secs(second));
        let samples = batch(&plant, second, false);
        let texts = |words: &str| Some(Value::Text(words.into()));
        let due = Some(Value::Time(BEGUN.plus(Duration::from_secs(1_200))));
        let fields = [
            Some(Value::Number(100.0)),
            due,
            texts("line-4"),
            texts("7"),
            Some(Value::Number(4_000.0)),
            texts("running"),
        ];
        let record = Record { list, key: "7".into(), fields: fields.into(), at: None, origin: Origin::Live };
        plant.middle.take(0, Batch { samples, events: vec![Event::Record(record)], ..Batch::default() }, now);
        plant.settle(now);
    }
    plant.boards[0].log.clone()
}

#[test]
fn of_an_order_that_nobody_saw_begin_only_the_business_system_knows_what_is_done() {
    assert_eq!(order_that_runs_already(""), "");
    let told = order_that_runs_already("done = \"done\"\n");
    assert!(told.contains("RETARD · Ligne 4 · OF 7"), "{told}");
    // A hundred that were told, and a part in two seconds since.
    assert!(told.contains("Fait : 25") || told.contains("Fait : 26"), "{told}");
}

/// A machine that says nothing is not one that stands: its time is told, and is in no percentage.
#[test]
fn a_machine_that_falls_silent_is_told_and_counted_nowhere() {
    let mut plant =
        Plant::new(&LINE.replace("ideal_per_hour", "silent_after = \"5m\"\nideal_per_hour"), BEGUN);
    for second in (0..=3_700).step_by(10) {
        let now = BEGUN.plus(Duration::from_secs(second));
        if second <= 1_500 {
            let samples = batch(&plant, second, true);
            plant.middle.take(0, Batch { samples, ..Batch::default() }, now);
        }
        plant.settle(now);
    }
    let told = &plant.boards[0].log;
    // 25 minutes, and five until its silence is one.
    assert!(told.contains("Perdu sur 30 min requises : arrêts 0"), "{told}");
    assert!(told.contains("Machine muette 30 min, hors calcul."), "{told}");
}

/// A machine that says its state once and counts on, while its source is lost for so long in the middle of the hour.
fn lost_for(seconds: u64, notices: Vec<Notice>) -> String {
    let mut plant = Plant::new(LINE, BEGUN);
    let (state, good) = (plant.tag("line-4/state"), plant.tag("line-4/good"));
    plant.say(sample(state, Value::Number(1.0), None, Origin::Live), BEGUN);
    for second in (0..=3_610).step_by(10) {
        let now = BEGUN.plus(Duration::from_secs(second));
        if second == 1_800 {
            plant.middle.source(0, Some("connection refused".into()), now);
        }
        if second == 1_800 + seconds {
            plant.middle.source(0, None, now);
            plant.middle.take(0, Batch { notices: notices.clone(), ..Batch::default() }, now);
        }
        if !(1_800..1_800 + seconds).contains(&second) {
            plant.say(sample(good, Value::Number(second as f64), None, Origin::Live), now);
        }
        plant.settle(now);
    }
    plant.boards[0].log.clone()
}

#[test]
fn a_blink_of_a_source_does_not_hide_the_rest_of_the_shift() {
    // Half a minute is less than a reader is told of.
    let blink = lost_for(30, Vec::new());
    assert!(blink.contains("Perdu sur 59,5 min requises") && !blink.contains("muette"), "{blink}");
    for told in [lost_for(90, Vec::new()), lost_for(30, vec![Notice::Gap("session forgotten".into())])] {
        assert!(told.contains("Perdu sur 30 min requises"), "{told}");
        assert!(told.contains("Machine muette 30 min"), "{told}");
    }
}

#[test]
fn the_figures_of_a_machine_stand_over_those_of_its_class() {
    let text = "[site]\nname = 'Usine'\n[source.exec.plc]\ncommand = ['cat']\n[network.wall.local]\n\
                [class.line.tag.state]\nsource = 'plc'\ncalled = '{machine}/state'\n\
                [class.line.tag.good]\nsource = 'plc'\ncalled = '{machine}/good'\n\
                [class.line.production]\nstate = 'state'\ngood = 'good'\nideal_per_hour = 100\nmicro_stop = '3m'\n\
                [machine.a]\nclass = 'line'\n[machine.b]\nclass = 'line'\nproduction.ideal_per_hour = 50\n";
    let plan = portevoix::config::read(vec![("plant.toml".into(), text.into())]).unwrap();
    let figures = |at: usize| {
        let section = &plan.machines[at].production.as_ref().unwrap().section;
        (section.ideal_per_hour, section.micro_stop.0.as_secs())
    };
    assert_eq!((figures(0), figures(1)), ((Some(100.0), 180), (Some(50.0), 180)));
}

/// What the READMEs show is read as it stands, and is what people read.
#[test]
fn the_readmes_show_what_is_so() {
    for (file, heading, shown) in [
        ("README.md", "## What a machine makes", "SUMMARY"),
        ("README.fr.md", "## Ce que fait une machine", "BILAN"),
    ] {
        let text = std::fs::read_to_string(file).unwrap();
        let part = text.split(heading).nth(1).unwrap_or_else(|| panic!("{file} has no {heading}"));
        let toml = part.split("```toml").nth(1).unwrap().split("```").next().unwrap();
        let tags: String = ["state", "good", "scrap"]
            .map(|tag| format!("[class.press.tag.{tag}]\nsource = 'plc'\ncalled = '{{machine}}/{tag}'\n"))
            .concat();
        let base = "[site]\nname = 'Usine'\n[source.exec.plc]\ncommand = ['cat']\n[network.wall.local]\n\
                    [machine.line-4]\nclass = 'press'\n";
        let plan =
            portevoix::config::read(vec![("plant.toml".into(), format!("{base}{tags}{toml}"))]).unwrap();
        assert_eq!((plan.warnings.len(), plan.summaries.len(), plan.hours.shift.len()), (0, 1, 1), "{file}");
        let wall = std::fs::read_to_string("tests/plants/shift-is-summed-up/wall.md").unwrap();
        let post = part.split("```text").nth(1).unwrap().split("```").next().unwrap();
        assert!(post.contains(shown));
        for line in post.trim().lines() {
            // The machine has another name in English, and the story an average that the page leaves out.
            let line = line.replace("Line 4", "Ligne 4");
            assert!(wall.contains(&line), "{file} shows what no machine said: {line}");
        }
    }
}
