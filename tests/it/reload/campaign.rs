//! 200 reloads of the real program at 1,000 readings/s, between a real broker and a network: rules are added, changed,
//! removed and put back, the source is built anew, files are broken. No reading is lost or counted twice, no post is repeated, what is open stays
//! open. A program that builds everything anew at each reload shows that the test would tell.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::time::{Duration, Instant};

use super::mutant::Mutant;
use super::plant::{MACHINES, Plant, RATE, SOURCE_EVERY, Service};

/// How long an answer to a reload may take on a busy computer.
const ANSWER_MAX: Duration = Duration::from_secs(20);
/// Reloads follow each other after so long.
const BETWEEN: Duration = Duration::from_millis(100);
/// And all is told so long after the last word.
const TOLD_MAX: Duration = Duration::from_secs(30);
/// A mutant is not waited for: what it lost does not come.
const MUTANT_TOLD_MAX: Duration = Duration::from_secs(8);

/// What a campaign found.
#[derive(Debug, Default)]
struct Found {
    reloaded: usize,
    refused: usize,
    /// Readings a second while the reloads went on.
    rate: f64,
    /// Machines whose readings were not all counted.
    lost: usize,
    /// Machines of which more was counted than was said.
    counted_twice: usize,
    /// Posts of an episode that had one already.
    repeated: usize,
    /// Episodes, by rule, and how many of them are open.
    episodes: BTreeMap<String, (usize, usize)>,
    /// How often the source of the counted readings was connected, and the other one.
    connections: [usize; 2],
    slowest: Duration,
    complaints: Vec<String>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Found { reloaded, refused, rate, lost, counted_twice, repeated, connections, slowest, .. } = self;
        write!(
            f,
            "reloaded {reloaded}, refused {refused}, {rate:.0} readings/s, machines with lost readings {lost}, with \
             readings counted twice {counted_twice}, posts repeated {repeated}, connections {connections:?}, slowest \
             {} ms, episodes {:?}",
            slowest.as_millis(),
            self.episodes
        )
    }
}

fn campaign(reloads: usize, mutant: Option<Mutant>) -> Found {
    let began = Instant::now();
    let each = reloads as u64 * (BETWEEN.as_millis() as u64 + 10) * RATE / 1_000 / MACHINES as u64;
    let plant = Plant::start(each);
    let service = Service::start(&plant, mutant);
    let speech = plant.speak();
    let mut found = Found::default();
    let first = Instant::now();
    for turn in 0..reloads {
        let is_broken = plant.write(turn);
        let asked = Instant::now();
        let said = service
            .reload(if is_broken { "refused as a whole" } else { "configuration reloaded" }, ANSWER_MAX);
        assert!(said, "no answer to reload {turn}\n{}", service.log().join("\n"));
        found.slowest = found.slowest.max(asked.elapsed());
        if is_broken {
            found.refused += 1
        } else {
            found.reloaded += 1
        }
        std::thread::sleep(BETWEEN.saturating_sub(asked.elapsed()));
    }
    found.rate = speech.said() as f64 / first.elapsed().as_secs_f64();
    speech.finish();
    let most = if mutant.is_some() { MUTANT_TOLD_MAX } else { TOLD_MAX };
    service.wait(most, || plant.is_all_told());
    look(&plant, &mut found);
    let log = service.stop();
    let connected =
        |name| log.iter().filter(|line| line.contains(&format!("connected source={name}"))).count();
    found.connections = ["b", "c"].map(connected);
    // What is broken on purpose is an error with its place.
    let is_ours = |line: &&String| !line.contains("broken.toml");
    let bad = |line: &&String| line.contains("ERROR") || line.contains("panicked");
    found.complaints = log.iter().filter(bad).filter(is_ours).cloned().collect();
    let who = mutant.map_or("portevoix".to_owned(), |mutant| format!("mutant {mutant:?}"));
    // Past the harness, which hides what a passing test prints.
    let _ = writeln!(std::io::stdout(), "reloads {who} | {found}, {} s", began.elapsed().as_secs());
    found
}

fn look(plant: &Plant, found: &mut Found) {
    let posts = plant.posts();
    let mut seen = std::collections::BTreeSet::new();
    for post in &posts {
        found.repeated += usize::from(!seen.insert(post.episode.clone()));
        let (all, open) = found.episodes.entry(post.rule.clone()).or_default();
        *all += 1;
        *open += usize::from(post.is_open);
    }
    let told = |rule: &str| posts.iter().filter(|post| post.rule == rule && post.is_open).count();
    found.lost = MACHINES - told("count.all").min(MACHINES);
    found.counted_twice = told("count.more");
}

#[test]
fn two_hundred_reloads_lose_nothing_and_repeat_nothing() {
    let found = campaign(200, None);
    assert_eq!((found.reloaded, found.refused), (160, 40), "{found}");
    assert_eq!((found.lost, found.counted_twice, found.repeated), (0, 0, 0), "{found}");
    // Open all the time, changed while open, taken out and put back: one post each, and open.
    for rule in ["limit.hot", "limit.swing", "limit.gone"] {
        assert_eq!(found.episodes.get(rule), Some(&(1, 1)), "{rule}: {found}");
    }
    // Once at the start, and the other once more for each change of what it reads.
    assert_eq!(found.connections[0], 1, "a source was touched: {found}");
    let changes = 2..=200 / SOURCE_EVERY;
    assert!(changes.contains(&found.connections[1]), "a source was not built anew: {found}");
    assert!(found.rate > RATE as f64 / 2.0, "{found}");
    assert!(found.complaints.is_empty(), "{}", found.complaints.join("\n"));
}

#[test]
fn a_program_that_builds_everything_anew_is_seen() {
    let found = campaign(20, Some(Mutant::Everything));
    assert!(found.lost > 0, "the test does not see lost readings: {found}");
    assert!(found.connections[0] > 10, "the test does not see that the source was touched: {found}");
}

#[test]
fn a_program_that_forgets_what_is_open_is_seen() {
    let found = campaign(20, Some(Mutant::Forgetful));
    let kept = ["limit.hot", "limit.swing"].iter().all(|rule| found.episodes.get(*rule) == Some(&(1, 1)));
    assert!(!kept, "the test does not see that episodes were forgotten: {found}");
}
