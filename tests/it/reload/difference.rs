//! Each kind of difference, in virtual time.

use std::time::Duration;

use contract::{Batch, Moment, Notice, Origin, Thing, Value};

use crate::board::{Plant, sample};

const START: Moment = Moment::from_ms(1_795_957_200_000);

const HEAD: &str = r#"
[site]
name = "Vitré"
language = "fr"
timezone = "Europe/Paris"
[network.wall.local]
[source.mqtt.b]
url = "mqtt://127.0.0.1:1883"
"#;

const OIL: &str = r#"
[machine.press-3]
name = "Presse 3"
[machine.press-3.tag.oil]
source = "b"
topic = "b/3/oil"
name = "huile"
unit = "°C"
"#;

const HOT: &str = r#"
[machine.press-3.rule.limit.hot]
tag = "oil"
above = 80
clear = 70
on_delay = "30s"
"#;

/// A plant that is told things, second by second.
struct Story {
    plant: Plant,
    now: Moment,
}

impl Story {
    fn begin(parts: &[&str]) -> Story {
        Story { plant: Plant::new(&(HEAD.to_owned() + &parts.concat()), START), now: START }
    }

    fn reload(&mut self, parts: &[&str]) -> [usize; 4] {
        let found = self.plant.reload(&(HEAD.to_owned() + &parts.concat()), self.now);
        self.plant.settle(self.now);
        [found.kept, found.changed, found.new, found.gone]
    }

    fn say(&mut self, tag: &str, value: f64) {
        let sample = sample(self.plant.tag(tag), Value::Number(value), Some(self.now), Origin::Live);
        self.plant.say(sample, self.now);
        self.plant.settle(self.now);
    }

    fn wait(&mut self, secs: u64) {
        for _ in 0..secs {
            self.now = self.now.plus(Duration::from_secs(1));
            self.plant.settle(self.now);
        }
    }

    /// The first lines of all posts, as they are now.
    fn wall(&self) -> Vec<String> {
        let plain = |words: String| words.replace(['\u{A0}', '\u{202F}'], " ");
        self.plant.boards[0].shown.values().map(|post| plain(post.first_line().plain())).collect()
    }

    fn posts(&self) -> usize {
        self.plant.boards[0].log.matches("· posts").count()
    }

    fn log(&self) -> &str {
        &self.plant.boards[0].log
    }
}

#[test]
fn an_unchanged_rule_keeps_its_on_delay() {
    let mut story = Story::begin(&[OIL, HOT]);
    story.say("press-3/oil", 85.0);
    story.wait(20);
    assert_eq!(story.reload(&[OIL, HOT]), [1, 0, 0, 0]);
    story.wait(9);
    assert_eq!(story.posts(), 0);
    story.wait(1);
    assert_eq!(story.posts(), 1, "{}", story.log());
}

#[test]
fn an_unchanged_rule_keeps_its_episode_and_says_nothing_anew() {
    let mut story = Story::begin(&[OIL, HOT]);
    story.say("press-3/oil", 85.0);
    story.wait(30);
    let before = story.log().to_owned();
    story.reload(&[HOT, OIL]);
    story.wait(5);
    assert_eq!(story.log(), before);
    story.say("press-3/oil", 65.0);
    story.wait(60);
    assert_eq!(story.wall().len(), 1);
    assert!(story.wall()[0].contains("RÉTABLI"), "{:?}", story.wall());
}

#[test]
fn a_window_goes_on_with_what_it_holds() {
    let count =
        "[machine.press-3.rule.count.many]\ntag = \"oil\"\nof = \"readings\"\nover = \"1h\"\nabove = 9.5\n";
    let mut story = Story::begin(&[OIL, count]);
    for said in 0..10 {
        assert_eq!(story.posts(), 0);
        story.say("press-3/oil", 60.0);
        story.wait(10);
        let other = format!("{HOT}do.fr = \"Regarder, {said}.\"\ndo.en = \"Look.\"\n");
        assert_eq!(story.reload(&[OIL, count, &other])[0], 1 + usize::from(said > 0));
    }
    assert_eq!(story.posts(), 1, "{}", story.log());
}

#[test]
fn a_changed_rule_keeps_its_episode_and_is_judged_by_its_new_limits_at_once() {
    let mut story = Story::begin(&[OIL, HOT]);
    story.say("press-3/oil", 85.0);
    story.wait(40);
    assert_eq!(story.posts(), 1);
    // Still abnormal: the post is edited and tells the new limit.
    assert_eq!(story.reload(&[OIL, &HOT.replace("above = 80", "above = 82")]), [0, 1, 0, 0]);
    story.wait(61);
    assert!(story.wall()[0].contains("82") && story.posts() == 1, "{}", story.log());
    // Normal by the new limits: it ends without another reading.
    story.reload(&[OIL, &HOT.replace("above = 80", "above = 95").replace("clear = 70", "clear = 90")]);
    story.wait(61);
    assert!(story.wall()[0].contains("RÉTABLI"), "{}", story.log());
    assert_eq!(story.posts(), 1);
}

#[test]
fn a_new_rule_is_judged_from_the_last_good_reading() {
    let mut story = Story::begin(&[OIL]);
    story.say("press-3/oil", 85.0);
    story.wait(60);
    assert_eq!(story.reload(&[OIL, HOT]), [0, 0, 1, 0]);
    story.wait(29);
    assert_eq!(story.posts(), 0);
    story.wait(1);
    assert_eq!(story.posts(), 1);
}

#[test]
fn a_reading_of_long_ago_begins_nothing() {
    let mut story = Story::begin(&[OIL]);
    story.say("press-3/oil", 85.0);
    story.wait(601);
    story.reload(&[OIL, HOT]);
    story.wait(60);
    assert_eq!(story.posts(), 0);
}

#[test]
fn a_removed_rule_closes_its_episode_and_says_why() {
    let mut story = Story::begin(&[OIL, HOT]);
    story.say("press-3/oil", 85.0);
    story.wait(40);
    let rows = story.plant.row_count();
    assert_eq!(story.reload(&[OIL]), [0, 0, 0, 1]);
    story.wait(20);
    assert!(story.wall()[0].contains("règle retirée de la configuration"), "{}", story.log());
    assert_eq!(story.posts(), 1);
    assert_eq!(story.plant.row_count(), rows - 1, "its row is still kept");
}

#[test]
fn a_rule_that_is_put_back_goes_on_in_its_post() {
    let mut story = Story::begin(&[OIL, HOT]);
    story.say("press-3/oil", 85.0);
    story.wait(40);
    for _ in 0..3 {
        story.reload(&[OIL]);
        story.wait(20);
        assert!(story.wall()[0].contains("CLOS"), "{}", story.log());
        story.reload(&[OIL, HOT]);
        story.wait(60);
        assert!(story.wall()[0].contains("ATTENTION"), "{}", story.log());
    }
    assert_eq!(story.posts(), 1, "{}", story.log());
}

#[test]
fn another_tag_makes_it_another_condition() {
    let water = OIL.replace("[machine.press-3]\nname = \"Presse 3\"\n", "").replace("oil", "water");
    let mut story = Story::begin(&[OIL, &water, HOT]);
    story.say("press-3/oil", 85.0);
    story.say("press-3/water", 20.0);
    story.wait(40);
    story.reload(&[OIL, &water, &HOT.replace("\"oil\"", "\"water\"")]);
    story.wait(20);
    assert!(story.wall()[0].contains("CLOS"), "{}", story.log());
}

#[test]
fn a_reading_that_stays_is_understood_when_numbers_move() {
    let other =
        OIL.replace("press-3", "press-1").replace("b/3", "b/1").replace("source = \"b\"", "source = \"c\"");
    let source = "[source.mqtt.c]\nurl = \"mqtt://127.0.0.1:1884\"\n";
    let mut story = Story::begin(&[OIL, HOT]);
    let was = story.plant.tag("press-3/oil");
    // A machine of another source comes before: the numbers of all tags after it move.
    story.reload(&[&other, source, OIL, HOT]);
    assert_eq!(story.plant.tag("press-3/oil"), was, "the source was built anew");
    story.say("press-3/oil", 85.0);
    story.wait(31);
    assert!(story.wall()[0].contains("Presse 3"), "{:?}", story.wall());
    story.reload(&[source, OIL, HOT, &other]);
    story.reload(&[OIL, HOT]);
    story.say("press-3/oil", 60.0);
    story.wait(60);
    assert!(story.wall()[0].contains("RÉTABLI"), "{:?}", story.wall());
}

#[test]
fn a_source_is_told_of_only_if_what_it_reads_changes() {
    let mut story = Story::begin(&[OIL, HOT]);
    let print = |story: &Story| story.plant.plan.print_of_source(0);
    let first = print(&story);
    story.reload(&[OIL, &HOT.replace("80", "81"), "[machine.press-9]\nname = \"Neuve\"\n"]);
    assert_eq!(print(&story), first);
    story.reload(&[&OIL.replace("\"huile\"", "\"huile chaude\""), HOT]);
    assert_eq!(print(&story), first, "how a tag is called is not the source's business");
    story.reload(&[&OIL.replace("b/3/oil", "b/3/huile"), HOT]);
    assert_ne!(print(&story), first);
}

#[test]
fn a_source_that_is_rebuilt_keeps_what_its_rules_know() {
    let mut story = Story::begin(&[OIL, HOT]);
    story.say("press-3/oil", 85.0);
    story.wait(40);
    story.reload(&[OIL, HOT, &OIL.replace("press-3", "press-4").replace("b/3", "b/4")]);
    story.say("press-3/oil", 60.0);
    story.wait(60);
    assert!(story.wall()[0].contains("RÉTABLI") && story.wall().len() == 1, "{}", story.log());
}

#[test]
fn a_silence_is_judged_by_its_new_length() {
    let stale =
        |after: u64| format!("[machine.press-3.rule.stale.oil]\ntag = \"oil\"\nafter = \"{after}s\"\n");
    let mut story = Story::begin(&[OIL, &stale(30)]);
    story.say("press-3/oil", 60.0);
    story.wait(40);
    assert_eq!(story.posts(), 1, "{}", story.log());
    // Still too long.
    story.reload(&[OIL, &stale(35)]);
    story.wait(20);
    assert!(story.wall()[0].contains("MUET"), "{}", story.log());
    // Not long enough any more.
    story.reload(&[OIL, &stale(90)]);
    story.wait(15);
    assert!(!story.wall()[0].contains("MUET"), "{}", story.log());
}

#[test]
fn a_network_that_leaves_and_comes_back_keeps_its_posts() {
    let more = "[network.wall.second]\nlisten = \"127.0.0.1:8081\"\nlanguage = \"en\"\n";
    let mut story = Story::begin(&[more, OIL, HOT]);
    story.say("press-3/oil", 85.0);
    story.wait(40);
    let rows = story.plant.row_count();
    story.reload(&[OIL, HOT]);
    story.wait(30);
    assert_eq!((story.plant.boards.len(), story.plant.row_count()), (1, rows));
    assert_eq!(story.posts(), 1);
    story.reload(&[OIL, HOT, more]);
    story.wait(1);
    story.say("press-3/oil", 60.0);
    story.wait(60);
    // Its post is edited, not told as a new one.
    let second = &story.plant.boards[1].log;
    assert!(second.contains("edits") && !second.contains("posts"), "{second}");
}

#[test]
fn what_a_source_said_of_its_parts_outlives_a_reload() {
    let second = "[source.mqtt.c]\nurl = \"mqtt://127.0.0.1:1884\"\n";
    let mut story = Story::begin(&[OIL, second]);
    let trouble =
        serde_json::from_str(r#"{"thing":"address","name":"b/3/oil","cause":"no_answer"}"#).unwrap();
    let batch = Batch { notices: vec![Notice::Trouble(trouble)], ..Batch::default() };
    story.plant.middle().take(0, batch, story.now);
    story.wait(5);
    assert_eq!(story.posts(), 1, "{}", story.log());
    story.reload(&[OIL, HOT, second]);
    story.wait(30);
    assert_eq!(story.posts(), 1);
    let batch = Batch { notices: vec![Notice::Mended(Thing::Address, "b/3/oil".into())], ..Batch::default() };
    story.plant.middle().take(0, batch, story.now);
    story.wait(30);
    assert_eq!(story.posts(), 1);
    assert!(story.log().contains("edits"), "{}", story.log());
}

#[test]
fn what_was_learnt_a_moment_before_is_kept() {
    let mut story = Story::begin(&[OIL, HOT]);
    let hot = sample(story.plant.tag("press-3/oil"), Value::Number(85.0), Some(story.now), Origin::Live);
    story.plant.say(hot, story.now);
    // Nothing of it was handed to the store yet.
    story.reload(&[OIL, HOT]);
    story.plant.restart(story.now);
    story.wait(31);
    assert_eq!(story.posts(), 1, "{}", story.log());
}

#[test]
fn a_restart_after_reloads_knows_the_same() {
    let mut story = Story::begin(&[OIL, HOT]);
    story.say("press-3/oil", 85.0);
    story.wait(40);
    story.reload(&[OIL, &HOT.replace("80", "81")]);
    story.wait(61);
    let before = story.wall();
    story.plant.restart(story.now);
    story.wait(10);
    assert_eq!(story.wall(), before);
    story.say("press-3/oil", 60.0);
    story.wait(60);
    assert!(story.wall()[0].contains("RÉTABLI") && story.posts() == 1, "{}", story.log());
}

#[test]
fn an_expression_that_means_the_same_keeps_what_it_remembers() {
    let claim = |oil: &str| {
        format!(
            "{oil}[machine.press-3.rule.expression.strain]\nwhen = 'since(oil > 80) >= duration(\"1m\")'\n\
             say = \"huile chaude depuis une minute\"\n"
        )
    };
    let mut story = Story::begin(&[&claim(OIL)]);
    story.say("press-3/oil", 85.0);
    story.wait(40);
    assert_eq!(story.reload(&[&claim(OIL), HOT]), [1, 0, 1, 0]);
    story.wait(19);
    assert_eq!(story.posts(), 0);
    story.wait(1);
    assert_eq!(story.posts(), 1, "{}", story.log());
    // In another unit it means something else.
    let other = claim(&OIL.replace("°C", "°F"));
    assert_eq!(story.reload(&[&other, HOT]), [0, 2, 0, 0]);
}
