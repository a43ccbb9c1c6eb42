//! `portevoix doctor`: what an integrator checks first when something seems wrong.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use contract::{Fault, Mark, Moment, Post};
use serde::{Deserialize, Serialize};

use super::status::Status;
use super::{Configured, Failed, Outcome, count, folders, say};
use crate::config::{self, Plan};
use crate::store::{Sqlite, Store, Table};
use crate::turn::SITE;

/// No gateway was built before this: 2026-01-01. An earlier clock was never set.
const EARLIEST: Duration = Duration::from_secs(1_767_225_600);

/// An alarm that is open for longer than a day helps nobody: ISA-18.2 counts it as stale.
const STALE_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// What the command line says.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    configured: Configured,
    /// The state folder of the service [default: as for `run`]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// One JSON document instead of words
    #[arg(long)]
    json: bool,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    how: How,
    what: String,
    words: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum How {
    Fine,
    Mind,
    Wrong,
}

/// Does it.
pub fn run(options: &Options) -> Outcome {
    let mut found = vec![clock()];
    let plan = match config::load(&options.configured.path()) {
        Ok(plan) => {
            let how = if plan.warnings.is_empty() { How::Fine } else { How::Mind };
            let words = match plan.warnings.len() {
                0 => "nothing to mend".to_owned(),
                warnings => format!("{}; `portevoix check` shows them", count(warnings, "warning")),
            };
            found.push(finding(how, "configuration", words));
            Some(plan)
        }
        Err(wrong) => {
            let words = format!("{}; `portevoix check` shows them", count(wrong.len(), "mistake"));
            found.push(finding(How::Wrong, "configuration", words));
            None
        }
    };
    let configured = plan.as_ref().and_then(|plan| plan.settings.state.as_ref());
    let state = folders::state(options.state.as_ref(), configured);
    found.push(folder(&state));
    found.extend(plan.iter().flat_map(adapters));
    let service = service(&state);
    let is_running = service.iter().any(|finding| finding.how == How::Fine);
    found.extend(service);
    found.extend(told(&state, is_running));
    show(&found, options.json)
}

fn finding(how: How, what: impl Into<String>, words: impl Into<String>) -> Finding {
    Finding { how, what: what.into(), words: words.into() }
}

fn show(found: &[Finding], is_json: bool) -> Outcome {
    if is_json {
        say(&serde_json::to_string_pretty(found).map_err(|error| Failed::Task(error.to_string()))?);
    } else {
        for Finding { how, what, words } in found {
            let mark = match how {
                How::Fine => "fine ",
                How::Mind => "mind ",
                How::Wrong => "WRONG",
            };
            say(&format!("{mark}  {what}: {words}"));
        }
    }
    let is_wrong = found.iter().any(|finding| finding.how == How::Wrong);
    if is_wrong { Err(Failed::Task(String::new())) } else { Ok(()) }
}

fn clock() -> Finding {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let at = jiff::Timestamp::from_second(i64::try_from(now.as_secs()).unwrap_or(0)).unwrap_or_default();
    match now >= EARLIEST {
        true => finding(How::Fine, "clock", format!("{at}")),
        false => finding(How::Wrong, "clock", format!("{at}: never set; posts would bear wrong times")),
    }
}

/// The state folder: there, ours alone, and with room for a mebibyte.
fn folder(state: &Path) -> Finding {
    let what = format!("state folder {}", state.display());
    if !state.is_dir() {
        return finding(How::Mind, what, "not there yet; `portevoix run` makes it");
    }
    let trial = state.join(".doctor");
    let written = std::fs::write(&trial, vec![0u8; 1 << 20]).and_then(|()| std::fs::remove_file(&trial));
    match written {
        Ok(()) => finding(How::Fine, what, "can be written"),
        Err(error) => finding(How::Wrong, what, format!("cannot be written: {error}")),
    }
}

fn adapters(plan: &Plan) -> Vec<Finding> {
    let sources = plan.sources.iter().flat_map(|source| {
        let (kind, settings) = (source.kind, &source.settings);
        let what = format!("source.{}.{}", kind.name(), source.name);
        adapter(&what, kind.unread(settings), kind.examine(settings))
    });
    let networks = plan.networks.iter().flat_map(|network| {
        let (kind, settings) = (network.kind, &network.settings);
        let what = format!("network.{}.{}", kind.name(), network.name);
        adapter(&what, kind.unread(settings), kind.examine(settings))
    });
    sources.chain(networks).collect()
}

/// Without what cannot be read, `portevoix run` does not start; the rest is worth a thought.
fn adapter(what: &str, unread: Vec<Fault>, risky: Vec<Fault>) -> Vec<Finding> {
    if unread.is_empty() && risky.is_empty() {
        return vec![finding(How::Fine, what, "settings and secrets can be used")];
    }
    let told = |how| move |fault: Fault| finding(how, format!("{what} {}", fault.key), fault.message);
    unread.into_iter().map(told(How::Wrong)).chain(risky.into_iter().map(told(How::Mind))).collect()
}

/// What the running service wrote about itself.
fn service(state: &Path) -> Vec<Finding> {
    let status = Status::read(&folders::runtime(state)).filter(|status| is_alive(status.pid));
    let Some(status) = status else {
        return vec![finding(
            How::Mind,
            "service",
            "not running, so sources and networks were not looked at",
        )];
    };
    let health = status.health;
    let words = format!("running, version {}, {} open", status.version, count(health.open, "episode"));
    let mut found = vec![finding(How::Fine, "service", words)];
    if let Some(why) = health.refused {
        let words = format!("the newest is refused, the one before goes on: {why}");
        found.push(finding(How::Wrong, "configuration at work", words));
    }
    for source in health.sources {
        let (how, words) = match source.lost {
            None => (How::Fine, "connected".to_owned()),
            Some(reason) => (How::Wrong, format!("not connected: {reason}")),
        };
        let what = format!("source {}", source.source);
        found.push(finding(how, what.clone(), format!("{words}; {} batches", source.batches)));
        found.extend(source.notices.into_iter().map(|notice| finding(How::Mind, what.clone(), notice)));
    }
    for tag in health.bad_tags {
        let how = if tag.is_bad { How::Wrong } else { How::Mind };
        let words =
            format!("{} of {} values bad, {} too old; last: {}", tag.bad, tag.taken, tag.old, tag.why);
        found.push(finding(how, format!("tag {}/{}", tag.machine, tag.tag), words));
    }
    for network in health.networks {
        let how = match (&network.last_error, network.refused) {
            (Some(_), _) => How::Wrong,
            (None, 0) => How::Fine,
            (None, _) => How::Mind,
        };
        let error = network.last_error.map(|error| format!("; {error}")).unwrap_or_default();
        let words = format!(
            "{} taken, {} waiting, {} refused{error}",
            network.taken, network.waiting, network.refused
        );
        found.push(finding(how, format!("network {}", network.network), words));
    }
    found
}

/// What the service last said and is not over: of itself, in the words that people read (sources that are lost, parts
/// that do not work, files that were put aside), and alarms that nobody ended for a day. A running service tells its
/// sources itself.
fn told(state: &Path, is_running: bool) -> Vec<Finding> {
    let path = state.join("portevoix.sqlite");
    if !path.exists() {
        return Vec::new();
    }
    let rows = Sqlite::read_only(&path)
        .map_err(|error| error.to_string())
        .and_then(|store| store.rows(Table::Thread).map_err(|error| error.to_string()));
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) => return vec![finding(How::Mind, "memory", format!("cannot be read: {error}"))],
    };
    let posts = rows.iter().filter_map(|(_, body)| Some(serde_json::from_str::<Kept>(body).ok()?.wanted));
    // The same is told on each network.
    let mut seen = BTreeSet::new();
    let open: Vec<Post> =
        posts.filter(|post| post.ended.is_none() && seen.insert(post.episode.clone())).collect();
    let is_trouble = |post: &&Post| {
        let is_source = post.provenance.rule.starts_with("source.");
        post.author.key == SITE && !(is_running && is_source) && !post.provenance.rule.starts_with("record.")
    };
    let troubles = open.iter().filter(is_trouble).map(trouble);
    troubles.chain(stale(&open, Moment::from_system(SystemTime::now()))).collect()
}

/// Alarms that have been open for so long that nobody looks at them any more (ISA-18.2 calls them stale).
fn stale(open: &[Post], now: Moment) -> Vec<Finding> {
    let is_alarm = |post: &&Post| match post.mark {
        Mark::Stopped | Mark::Warning | Mark::Silent => post.author.key != SITE,
        // A story, or set aside by somebody who knows.
        Mark::Cleared | Mark::Digest | Mark::Paused | Mark::Late | Mark::Stock => false,
    };
    let is_old = |post: &&Post| now.since(post.begun) > STALE_AFTER;
    let told = |post: &Post| {
        let days = now.since(post.begun).as_secs() / 86_400;
        let words = format!(
            "open for {}: {}; mend it, change its rule, or take it out of service",
            count(usize::try_from(days).unwrap_or(usize::MAX), "day"),
            post.fact.plain()
        );
        finding(How::Mind, format!("stale {} {}", post.author.key, post.provenance.rule), words)
    };
    open.iter().filter(is_alarm).filter(is_old).map(told).collect()
}

fn trouble(post: &Post) -> Finding {
    let detail = post.lines.first().map(|line| format!("; {}", line.text.plain())).unwrap_or_default();
    let what = post.provenance.rule.split(['.', ' ']).take(2).collect::<Vec<_>>().join(" ");
    finding(How::Mind, what, format!("{}{detail}", post.fact.plain()))
}

/// Of what is kept of a thread, what concerns us.
#[derive(Deserialize)]
struct Kept {
    wanted: Post,
}

fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(machine: &str, mark: Mark, begun: i64) -> Post {
        let author = contract::Author { key: machine.into(), name: machine.into(), place: String::new() };
        Post {
            episode: contract::EpisodeId(format!("{machine}{begun}")),
            version: 1,
            author,
            language: "en".into(),
            priority: contract::Priority::Low,
            mark,
            word: String::new(),
            fact: contract::Text::default().ours("oil at 84 °C"),
            lines: Vec::new(),
            begun: Moment::from_ms(begun),
            ended: None,
            written: Moment::from_ms(begun),
            chart: None,
            provenance: contract::Provenance { rule: "limit.hot".into(), ..Default::default() },
        }
    }

    #[test]
    fn what_nobody_ended_for_a_day_is_worth_a_thought() {
        let now = Moment::from_ms(10 * 86_400_000);
        let day = 86_400_000;
        let open = [
            post("press-1", Mark::Warning, 7 * day),
            post("press-2", Mark::Warning, 10 * day - 3_600_000),
            post("press-3", Mark::Paused, day),
            post("press-4", Mark::Stock, day),
            post(SITE, Mark::Silent, day),
        ];
        let found = stale(&open, now);
        let words: Vec<String> =
            found.iter().map(|found| format!("{}: {}", found.what, found.words)).collect();
        let expected = "stale press-1 limit.hot: open for 3 days: oil at 84 °C; mend it, change its rule, or take it \
                        out of service";
        assert_eq!(words, [expected]);
    }
}
