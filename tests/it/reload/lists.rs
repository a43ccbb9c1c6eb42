//! Lists of records and what was raised, under another configuration.

use std::time::Duration;

use contract::{Batch, Event, Moment, Origin, Record, Value};

use crate::board::Plant;

const START: Moment = Moment::from_ms(1_795_957_200_000);

const HEAD: &str = r#"
[site]
name = "Vitré"
language = "fr"
timezone = "Europe/Paris"
[network.wall.local]
[source.files.erp]
folder = "/tmp"
[machine.press-3]
name = "Presse 3"
"#;

const ORDERS: &str = r#"
[list.orders]
source = "erp"
files = "of*.csv"
format = { csv = {} }
key = ["order"]
machine = "press"
name = { fr = "OF", en = "Order" }
[list.orders.field.order]
from = "OF"
[list.orders.field.press]
from = "POSTE"
[list.orders.field.state]
from = "ETAT"
"#;

const BLOCKED: &str = r#"
[list.orders.rule.record.blocked]
while = { field = "state", is = ["B"] }
say.fr = "bloqué"
say.en = "blocked"
"#;

struct Story {
    plant: Plant,
    now: Moment,
}

impl Story {
    fn begin(parts: &[&str]) -> Story {
        Story { plant: Plant::new(&(HEAD.to_owned() + &parts.concat()), START), now: START }
    }

    fn reload(&mut self, parts: &[&str]) {
        self.plant.reload(&(HEAD.to_owned() + &parts.concat()), self.now);
        self.wait(15);
    }

    /// The whole list as the source gives it, with whatever else is asked for: key, machine and state of each row.
    fn rows(&mut self, rows: &[[&str; 3]]) {
        let (list, asked) = (self.plant.plan.lists[0].id, self.plant.plan.lists[0].section.fields());
        let fields = |row: &[&str; 3]| {
            let cell = |name: &str| ["order", "press", "state"].iter().position(|known| *known == name);
            let told = asked.iter().map(|field| cell(&field.name).map_or("x", |at| row[at]));
            told.map(|words| Some(Value::Text(words.into()))).collect()
        };
        let record = |row: &[&str; 3]| {
            let (key, fields, origin) = (row[0].into(), fields(row), Origin::Live);
            Event::Record(Record { list, key, fields, at: None, origin })
        };
        let events = std::iter::once(Event::Begin(list)).chain(rows.iter().map(record));
        let events = events.chain([Event::Whole(list)]).collect();
        self.plant.middle().take(0, Batch { events, ..Batch::default() }, self.now);
        self.wait(15);
    }

    fn wait(&mut self, secs: u64) {
        for _ in 0..secs {
            self.now = self.now.plus(Duration::from_secs(1));
            self.plant.settle(self.now);
        }
    }

    fn wall(&self) -> Vec<String> {
        self.plant.boards[0].shown.values().map(|post| post.first_line().plain()).collect()
    }
}

/// A plant with one order that is blocked, told as news.
fn blocked() -> Story {
    let mut story = Story::begin(&[ORDERS, BLOCKED]);
    story.rows(&[["1", "press-3", "R"]]);
    story.rows(&[["1", "press-3", "B"]]);
    assert_eq!(story.wall().len(), 1, "{:?}", story.wall());
    story
}

#[test]
fn rows_are_known_after_a_reload_and_say_nothing_twice() {
    let mut story = blocked();
    story.reload(&[ORDERS, BLOCKED, "[machine.press-4]\n"]);
    story.rows(&[["1", "press-3", "B"]]);
    assert_eq!(story.wall().len(), 1);
    story.rows(&[["1", "press-3", "R"]]);
    assert!(story.wall()[0].contains("TERMINÉ"), "{:?}", story.wall());
}

#[test]
fn a_row_that_is_gone_after_a_reload_ends() {
    let mut story = blocked();
    story.reload(&[ORDERS, BLOCKED, "[machine.press-4]\n"]);
    story.rows(&[]);
    assert!(story.wall()[0].contains("TERMINÉ"), "{:?}", story.wall());
}

#[test]
fn one_more_field_makes_no_row_news() {
    let mut story = blocked();
    let rows = story.plant.row_count();
    let part = "[list.orders.field.part]\nfrom = \"ART\"\n[list.orders.rule.record.part]\n\
                while = { field = \"part\", is = [\"x\"] }\nsay.fr = \"pièce\"\nsay.en = \"part\"\n";
    story.reload(&[ORDERS, BLOCKED, part]);
    story.rows(&[["1", "press-3", "B"]]);
    assert_eq!((story.wall().len(), story.plant.row_count()), (1, rows), "{:?}", story.wall());
}

#[test]
fn a_removed_rule_of_a_list_closes_its_posts() {
    let mut story = blocked();
    story.reload(&[ORDERS]);
    assert!(story.wall()[0].contains("règle retirée de la configuration"), "{:?}", story.wall());
}

#[test]
fn a_removed_list_is_forgotten_with_its_rows() {
    let mut story = blocked();
    let rows = story.plant.row_count();
    story.reload(&[]);
    assert!(story.wall()[0].contains("règle retirée de la configuration"), "{:?}", story.wall());
    // The row, that the first reading was over, the condition.
    assert_eq!(story.plant.row_count(), rows - 3);
    // It comes back: what is there is hardly news, as at a first reading.
    story.reload(&[ORDERS, BLOCKED]);
    story.rows(&[["1", "press-3", "R"]]);
    story.rows(&[["1", "press-3", "R"], ["2", "press-3", "B"]]);
    assert_eq!(story.wall().len(), 2, "{:?}", story.wall());
}
