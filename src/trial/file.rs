//! Reads files of tests; every mistake with its place.

use std::fs;
use std::path::{Path, PathBuf};

use contract::Moment;
use toml::Spanned;

use super::Spot;
use super::script::{Expect, Given, Script, Test};
use crate::config::{Plan, did_you_mean};
use crate::replay::Names;

/// More readings than a test needs: a tag every second for a month.
const READINGS_MAX: u128 = 3_000_000;

/// A Monday in winter, 8 o'clock: a shift in which nothing is odd.
const BEGINS: &str = "2026-01-12T08:00:00";

/// One test, checked against the configuration.
#[derive(Debug)]
pub struct TestFile {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub spot: Spot,
    pub(super) begins: Moment,
    pub(super) test: Test,
    /// Where each line of the file ends.
    pub(super) lines: Lines,
}

/// What is wrong with a file of tests.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{spot}  {what}")]
pub struct Mistake {
    /// Where.
    pub spot: Spot,
    /// What was found, what was expected.
    pub what: String,
}

/// Tells the line of a byte.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    file: String,
    starts: Vec<usize>,
}

impl Lines {
    fn new(file: &str, text: &str) -> Lines {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        Lines { file: file.to_owned(), starts }
    }

    pub(super) fn spot(&self, at: usize) -> Spot {
        let line = 1 + self.starts.partition_point(|start| *start <= at);
        Spot { file: self.file.clone(), line }
    }
}

/// The tests of a file, or of the `*.toml` files of a folder in the order of their names.
///
/// # Errors
/// All that is wrong.
pub fn read(path: &Path, plan: &Plan) -> Result<Vec<TestFile>, Vec<Mistake>> {
    let whole = |path: &Path, what: String| {
        vec![Mistake { spot: Spot { file: path.display().to_string(), line: 1 }, what }]
    };
    let mut paths: Vec<PathBuf> = if path.is_dir() {
        let entries = fs::read_dir(path).map_err(|error| whole(path, error.to_string()))?;
        entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| is_toml(path))
            .collect()
    } else {
        vec![path.to_owned()]
    };
    paths.sort();
    let names = Names::new(plan);
    let (mut tests, mut wrong) = (Vec::new(), Vec::new());
    for path in paths {
        match fs::read_to_string(&path) {
            Ok(text) => match read_text(&path.display().to_string(), &text, plan, &names) {
                Ok(found) => tests.extend(found),
                Err(found) => wrong.extend(found),
            },
            Err(error) => wrong.extend(whole(&path, error.to_string())),
        }
    }
    if wrong.is_empty() { Ok(tests) } else { Err(wrong) }
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "toml")
}

pub(super) fn read_text(
    file: &str,
    text: &str,
    plan: &Plan,
    names: &Names,
) -> Result<Vec<TestFile>, Vec<Mistake>> {
    let lines = Lines::new(file, text);
    let script: Script = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        vec![Mistake { spot: lines.spot(at), what: error.message().to_owned() }]
    })?;
    let (mut tests, mut wrong) = (Vec::new(), Vec::new());
    for (name, test) in script.test {
        let at = name.span().start;
        let mut tell = |at: usize, what: String| wrong.push(Mistake { spot: lines.spot(at), what });
        let begins = begins(&test, names).map_err(|(span, what)| tell(span.unwrap_or(at), what));
        for given in &test.given {
            if let Err(what) = check_given(given.get_ref(), names) {
                tell(given.span().start, what);
            }
        }
        for expect in &test.expect {
            if let Err(what) = check_expect(expect.get_ref(), plan) {
                tell(expect.span().start, what);
            }
        }
        if test.expect.is_empty() && !test.only {
            tell(at, "nothing is expected, so nothing is tested; write `expect`, or `only = true`".into());
        }
        if let Ok(begins) = begins {
            let spot = lines.spot(at);
            tests.push(TestFile { name: name.into_inner(), spot, begins, test, lines: lines.clone() });
        }
    }
    if wrong.is_empty() { Ok(tests) } else { Err(wrong) }
}

fn begins(test: &Test, names: &Names) -> Result<Moment, (Option<usize>, String)> {
    let span = test.begins.as_ref().map(|text| text.span().start);
    let text = test.begins.as_ref().map_or(BEGINS, |text: &Spanned<String>| text.get_ref());
    names.time(text, None).map_err(|what| (span, format!("begins: {what}")))
}

fn check_given(given: &Given, names: &Names) -> Result<(), String> {
    if let Some(source) = &given.source {
        names.source(source)?;
        let is_link = given.connected.is_some() && given.tag.is_none();
        return if is_link { Ok(()) } else { Err("`source` needs `connected`, and no `tag`".to_owned()) };
    }
    if given.connected.is_some() {
        return Err("`connected` without `source`, expected the name of a source".to_owned());
    }
    names.tag(given.tag.as_deref().ok_or("neither `tag` nor `source`, expected one of them")?)?;
    let is_ramp = given.from.is_some() || given.to.is_some();
    let ways = [given.value.is_some(), given.values.is_some(), is_ramp, given.bad.is_some()];
    if ways.iter().filter(|is| **is).count() != 1 {
        return Err("expected exactly one of `value`, `values`, `from` with `to`, or `bad`".to_owned());
    }
    let is_series = given.every.is_some();
    match (given.from.zip(given.to), given.until, is_series) {
        (None, ..) if is_ramp => Err("a ramp needs both `from` and `to`".to_owned()),
        (Some(_), None, _) | (Some(_), _, false) => Err("a ramp needs `every` and `until`".to_owned()),
        (_, Some(_), false) => Err("`until` without `every`: how often does it speak?".to_owned()),
        (None, None, true) if given.values.is_none() => Err("`every` without `until` or `values`".to_owned()),
        (_, Some(_), true) if given.values.is_some() => {
            Err("`values` end by themselves, expected no `until`".to_owned())
        }
        _ if given.values.is_some() && !is_series => Err("`values` need `every`".to_owned()),
        _ => check_length(given),
    }
}

fn check_length(given: &Given) -> Result<(), String> {
    let Some(every) = given.every else { return Ok(()) };
    if every.0.is_zero() {
        return Err("`every` is 0, expected at least `1ms`".to_owned());
    }
    let Some(until) = given.until else { return Ok(()) };
    if until < given.at {
        return Err("`until` is before `at`".to_owned());
    }
    let count = (until.0 - given.at.0).as_millis() / every.0.as_millis().max(1);
    let what = format!("{count} readings, expected at most {READINGS_MAX}");
    if count > READINGS_MAX { Err(what) } else { Ok(()) }
}

fn check_expect(expect: &Expect, plan: &Plan) -> Result<(), String> {
    if expect.at.is_some() && (expect.from.is_some() || expect.until.is_some()) {
        return Err("`at` with `from` or `until`, expected either".to_owned());
    }
    if expect.within.is_some() && expect.at.is_none() {
        return Err("`within` without `at`".to_owned());
    }
    let machines = || plan.machines.iter().map(|machine| machine.author.key.as_str());
    if let Some(key) = expect.machine.as_deref().filter(|key| *key != crate::turn::SITE)
        && !machines().any(|known| known == key)
    {
        let help = did_you_mean(key, machines()).map(|help| format!("; {help}")).unwrap_or_default();
        return Err(format!("no machine `{key}` is configured{help}"));
    }
    let Some(rule) = expect.rule.as_deref() else { return Ok(()) };
    let of_machine = |key: &str| expect.machine.as_deref().is_none_or(|machine| machine == key);
    let machines = plan.machines.iter().filter(|machine| of_machine(&machine.author.key));
    let rules: Vec<&str> =
        machines.flat_map(|machine| &machine.rules).map(|rule| rule.name.as_str()).collect();
    let is_other =
        plan.lists.iter().any(|list| !list.rules.is_empty()) || expect.machine.as_deref() == Some("_site");
    if rules.contains(&rule) || is_other || !rule.contains('.') && rules.is_empty() {
        return Ok(());
    }
    let help = did_you_mean(rule, rules.iter().copied()).map(|help| format!("; {help}")).unwrap_or_default();
    Err(format!("no rule `{rule}` is configured there{help}"))
}
