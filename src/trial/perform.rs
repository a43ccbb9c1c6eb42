//! Performs a test: gives the readings at their times, and notes what is told.

use std::time::Duration;

use contract::{Batch, Moment, Origin, Quality, Receipt, Sample, Step, Value};

use super::file::TestFile;
use super::judge::judge;
use super::script::Given;
use super::{Told, Verdict, What};
use crate::config::Plan;
use crate::outbox::{Answer, Job};
use crate::post::LanguageError;
use crate::replay::play::TakenOut;
use crate::replay::{ABLE, House, Names, Stage};
use crate::store::Write;
use crate::turn::Kept;

/// Notes what is told.
struct Notebook {
    begins: Moment,
    told: Vec<Told>,
}

impl House for Notebook {
    fn publish(&mut self, _: usize, job: &Job, now: Moment) -> Answer {
        let what = match (&job.step, job.post.ended) {
            (Step::Open, _) => What::Post,
            (Step::Reply(_), _) => What::Note,
            (Step::Edit(_), Some(_)) => What::Close,
            (Step::Edit(_), None) => What::Edit,
        };
        let post = &job.post;
        let lines =
            std::iter::once(post.first_line().plain()).chain(post.lines.iter().map(|line| line.text.plain()));
        let text = lines.collect::<Vec<_>>().join("\n").replace(['\u{A0}', '\u{202F}'], " ");
        self.told.push(Told {
            after_ms: u64::try_from(now.since(self.begins).as_millis()).unwrap_or(u64::MAX),
            what,
            machine: post.author.key.clone(),
            rule: post.provenance.rule.clone(),
            word: post.word.clone(),
            priority: post.priority.into(),
            text,
        });
        Answer::Published(Ok(match &job.step {
            Step::Edit(receipt) => receipt.clone(),
            Step::Open | Step::Reply(_) => Receipt(self.told.len().to_string()),
        }))
    }

    fn keep(&mut self, _: Write) {}
}

/// What happens in a test.
enum Event {
    Sample(usize, Sample),
    Link(usize, bool),
}

/// Performs a test. The posts are those of the first network, in its language. The plan is as before when it is over;
/// meanwhile, tags that the test does not speak of are not silent, unless it expects a rule that says so.
///
/// # Errors
/// A language or time zone that this build does not know.
pub fn perform(file: &TestFile, plan: &mut Plan) -> Result<Verdict, LanguageError> {
    let names = Names::new(plan);
    let mut events: Vec<(Duration, Event)> = Vec::new();
    file.test.given.iter().for_each(|given| play(given.get_ref(), &names, &mut events));
    let speaking = events.iter().filter_map(|(_, event)| match event {
        Event::Sample(_, sample) => Some(sample.tag),
        Event::Link(..) => None,
    });
    let is_expected = |machine: &str, rule: &str| {
        let mut expected =
            file.test.expect.iter().map(|expect| expect.get_ref()).filter(|expect| !expect.absent);
        expected.any(|expect| {
            let is_there = expect.machine.as_deref().is_none_or(|key| key == machine);
            is_there && expect.rule.as_deref() == Some(rule)
        })
    };
    let silent = TakenOut::silent(plan, &speaking.collect(), &is_expected);
    let verdict = performed(file, plan, events);
    silent.put_back(plan);
    verdict
}

fn performed(
    file: &TestFile,
    plan: &Plan,
    mut events: Vec<(Duration, Event)>,
) -> Result<Verdict, LanguageError> {
    // Keeps the order of the file for what is said at the same time.
    events.sort_by_key(|(at, _)| *at);
    let mut book = Notebook { begins: file.begins, told: Vec::new() };
    let mut stage = Stage::new(plan, &[ABLE], Kept::default(), file.begins)?;
    let ends = ends(file, events.last().map(|(at, _)| *at));
    for (at, event) in events.into_iter().take_while(|(at, _)| *at <= ends) {
        stage.advance(file.begins.plus(at), &mut book);
        match event {
            Event::Sample(source, sample) => {
                stage.take(source, &mut Batch { samples: vec![sample], ..Batch::default() });
            }
            Event::Link(source, is_up) => {
                let now = stage.now();
                stage.middle().source(source, (!is_up).then(|| "lost in the test".to_owned()), now);
            }
        }
        stage.settle(&mut book);
    }
    stage.advance(file.begins.plus(ends), &mut book);
    stage.settle(&mut book);
    let failures = judge(file, &book.told);
    Ok(Verdict { test: file.name.clone(), spot: file.spot.clone(), failures, told: book.told })
}

/// The last time that the test names, and the second after it.
fn ends(file: &TestFile, last: Option<Duration>) -> Duration {
    if let Some(ends) = file.test.ends {
        return ends.0;
    }
    let expected = file.test.expect.iter().flat_map(|expect| {
        let expect = expect.get_ref();
        let at = expect.at.map(|at| at.0 + expect.within.unwrap_or_default().0);
        [at, expect.from.map(|from| from.0), expect.until.map(|until| until.0)]
    });
    expected.chain([last]).flatten().max().unwrap_or_default() + Duration::from_secs(1)
}

fn play(given: &Given, names: &Names, events: &mut Vec<(Duration, Event)>) {
    if let (Some(source), Some(is_up)) = (&given.source, given.connected) {
        // Checked when the file was read.
        events.extend(names.source(source).map(|source| (given.at.0, Event::Link(source, is_up))));
        return;
    }
    let Ok((tag, source)) = names.tag(given.tag.as_deref().unwrap_or_default()) else { return };
    for (at, value) in readings(given) {
        let quality = match (&given.bad, &value) {
            (Some(why), _) => Quality::Bad(why.as_str().into()),
            (None, Some(_)) => Quality::Good,
            (None, None) => Quality::Bad("no value".into()),
        };
        let value = value.unwrap_or(Value::Number(f64::NAN));
        events.push((
            at,
            Event::Sample(source, Sample { tag, value, quality, at: None, origin: Origin::Live }),
        ));
    }
}

/// When, and which value.
fn readings(given: &Given) -> Vec<(Duration, Option<Value>)> {
    let every = given.every.map_or(Duration::MAX, |every| every.0.max(Duration::from_millis(1)));
    if let Some(values) = &given.values {
        let times = (0u32..).map(|at| given.at.0 + every.saturating_mul(at));
        return times.zip(values.iter().map(value)).collect();
    }
    let until = given.until.map_or(given.at.0, |until| until.0);
    let span = (until - given.at.0).as_secs_f64();
    let mut all = Vec::new();
    let mut at = given.at.0;
    while at <= until {
        let part = if span > 0.0 { (at - given.at.0).as_secs_f64() / span } else { 0.0 };
        let ramp = given.from.zip(given.to).map(|(from, to)| Value::Number(from + (to - from) * part));
        all.push((at, ramp.or_else(|| given.value.as_ref().and_then(value))));
        at = at.saturating_add(every);
    }
    all
}

fn value(value: &toml::Value) -> Option<Value> {
    match value {
        toml::Value::Integer(number) => Some(Value::Number(*number as f64)),
        toml::Value::Float(number) => Some(Value::Number(*number)),
        toml::Value::Boolean(flag) => Some(Value::Flag(*flag)),
        toml::Value::String(words) => Some(Value::Text(words.as_str().into())),
        toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => None,
    }
}
