//! Programs with a mistake in them: the real wiring, given plans in which more seems to have changed than did. The
//! mistake is never compiled into the program itself: this test binary, started once more, is all the build there is.

use std::path::Path;
use std::process::Command;

use portevoix::app::{self, Asked, Candidate};
use portevoix::config::{self, Plan};
use portevoix::turn::Health;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// What it does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// Builds every source, tag and rule anew.
    Everything,
    /// Takes every rule out and puts another one back.
    Forgetful,
}

const WHICH: &str = "PORTEVOIX_RELOAD_MUTANT";
const CONFIG: &str = "PORTEVOIX_RELOAD_CONFIG";
const STATE: &str = "PORTEVOIX_RELOAD_STATE";

impl Mutant {
    /// Asks this test binary to be the mutant.
    pub fn command(self, config: &Path, state: &Path) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "reload::mutant::life", "--nocapture"]);
        command.env(WHICH, format!("{self:?}")).env(CONFIG, config).env(STATE, state);
        command
    }
}

fn spoil(mut plan: Plan, which: &str, turn: u32) -> Plan {
    let turn = turn.to_le_bytes();
    if which == format!("{:?}", Mutant::Everything) {
        for source in &mut plan.sources {
            source.print = source.print.and(&turn);
        }
        let tags = plan.machines.iter_mut().flat_map(|machine| &mut machine.tags);
        tags.for_each(|tag| tag.print = tag.print.and(&turn));
    } else {
        let rules = plan.machines.iter_mut().flat_map(|machine| &mut machine.rules);
        rules.for_each(|rule| rule.name = format!("{}-{}", rule.name, turn[0] % 2));
    }
    plan
}

/// The life of a mutant, in a process of its own. Where nobody asks for one, there is none.
#[test]
fn life() {
    let Ok(which) = std::env::var(WHICH) else { return };
    let [config, state] = [CONFIG, STATE].map(|name| std::path::PathBuf::from(std::env::var(name).unwrap()));
    let plan = config::load(&config).unwrap();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let mut watch = Unwatched;
    let (to, asked) = mpsc::channel(1);
    let ended = runtime.block_on(async {
        let mut end = signal(SignalKind::terminate()).unwrap();
        let mut again = signal(SignalKind::hangup()).unwrap();
        let run = app::run_and_reload(plan, &state, &mut watch, stop.clone(), asked);
        tokio::pin!(run);
        let mut turn = 0;
        loop {
            tokio::select! {
                ended = &mut run => return ended,
                _ = end.recv() => stop.cancel(),
                _ = again.recv() => {
                    turn += 1;
                    let read = config::load_twice(&config);
                    let asked = read.map_or_else(Asked::Wrong, |(plan, trial)| {
                        let plan = spoil(plan, &which, turn);
                        Asked::New(Box::new(Candidate { plan, trial }))
                    });
                    to.try_send(asked).unwrap();
                }
            }
        }
    });
    ended.unwrap();
}

struct Unwatched;

impl app::Watch for Unwatched {
    fn ready(&mut self) {
        tracing::info!("started");
    }

    fn health(&mut self, _: &dyn Fn() -> Health) {}
}
