//! Another configuration while the program runs, in two steps. First it is tried on: what cannot be built refuses it as
//! a whole, and the old one goes on. Then the sources that change or go give no more, and what they gave is kept and
//! settled while everything else runs on; once they are gone, the middle and the desks are those of the new plan.

use std::sync::Arc;
use std::time::{Duration, Instant};

use contract::Network;
use tracing::{error, info, warn};

use super::build::{self, Faults, Refused, Stamps};
use super::desk::{NetworkDesk, SourceDesk};
use super::{App, AppError, show_faults};
use crate::config::{Diagnostic, Plan};
use crate::post::Language;
use crate::turn::Stays;

/// So long a source may take to settle what it gave and to say goodbye; then its task is ended, and what it gave comes
/// again.
const LEAVE_MAX: Duration = Duration::from_secs(10);
/// So much of what is wrong is shown at a glance; the log holds all.
const SHOWN_CHARS_MAX: usize = 400;

/// What was read when somebody asked for it.
#[derive(Debug)]
pub enum Asked {
    /// Another configuration.
    New(Box<Candidate>),
    /// One with mistakes in it.
    Wrong(Vec<Diagnostic>),
}

/// One configuration, twice: an adapter is made of its table but once.
#[derive(Debug)]
pub struct Candidate {
    /// To be lived by.
    pub plan: Plan,
    /// To be tried on.
    pub trial: Plan,
}

/// A plan that could be built, and waits for the sources that leave.
pub(super) struct Pending {
    plan: Plan,
    stamps: Stamps,
    stays: Vec<bool>,
    /// Those that are new or changed, in their places.
    networks: Vec<Option<Arc<dyn Network>>>,
    since: Instant,
}

impl App {
    /// Somebody asks for another configuration.
    pub(super) fn asked(&mut self, asked: Asked) {
        self.watchdog.reloading();
        let candidate = match asked {
            Asked::New(candidate) => *candidate,
            Asked::Wrong(found) => return self.refuse_wrong(&found),
        };
        match self.try_on(candidate) {
            Ok(pending) => {
                let leaves = |desk: &&SourceDesk| !pending.keeps(&desk.name);
                self.sources.iter().filter(leaves).for_each(|desk| desk.leave.cancel());
                self.pending = Some(pending);
            }
            Err(faults) => {
                for line in show_faults(&faults).lines() {
                    error!("{line}");
                }
                self.refuse(&show_faults(&faults));
            }
        }
    }

    fn refuse_wrong(&mut self, found: &[Diagnostic]) {
        for diagnostic in found {
            error!(place = %diagnostic.place, path = %diagnostic.path, "{}", diagnostic.message);
        }
        let first = found.iter().find(|found| found.severity == crate::config::Severity::Error);
        let words = first.map_or(String::new(), |first| format!("{}  {}", first.place, first.message));
        self.refuse(&words);
    }

    fn refuse(&mut self, words: &str) {
        warn!("configuration refused as a whole, the one before goes on");
        self.refused = Some(contract::clean(words, SHOWN_CHARS_MAX));
        self.watchdog.ready(self.refused.as_deref());
    }

    /// Builds all that changed, beside what runs. The trial of a source has a folder of its own for what it keeps: that
    /// of the source which runs is still being written.
    fn try_on(&self, candidate: Candidate) -> Result<Pending, Faults> {
        let Candidate { mut plan, mut trial } = candidate;
        let stamps = Stamps::of(&plan);
        let is_same_source = |at: usize| {
            let name = &plan.sources[at].name;
            self.sources.iter().any(|desk| desk.name == *name && desk.stamp == stamps.sources[at])
        };
        let stays: Vec<bool> = (0..plan.sources.len()).map(is_same_source).collect();
        let is_same_network = |at: usize| {
            let name = &plan.networks[at].name;
            self.networks.iter().any(|desk| desk.name == *name && desk.stamp == stamps.networks[at])
        };
        let same_networks: Vec<bool> = (0..plan.networks.len()).map(is_same_network).collect();

        let mut faults = language_faults(&plan);
        let folder = self.state.join("trial");
        if let Err(error) = super::make_private(&folder) {
            warn!(%error, folder = %folder.display(), "cannot make the folder of a trial");
        }
        let sources = build::sources(&mut trial, &folder, |at| !stays[at]);
        drop(build::all_or_faults(sources, &mut faults));
        // Nobody needs what a trial has left, and the next one writes over it.
        let _ = std::fs::remove_dir_all(&folder);
        let networks = build::networks(&mut plan, &self.state, |at| !same_networks[at]);
        let networks = build::all_or_faults(networks, &mut faults);
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Pending { plan, stamps, stays, networks, since: Instant::now() })
    }

    /// Sees the sources off that leave; the new plan takes over once they are gone and no step is on its way.
    pub(super) fn go_on_reloading(&mut self) -> Result<(), AppError> {
        let Some(pending) = &self.pending else { return Ok(()) };
        let is_late = pending.since.elapsed() > LEAVE_MAX;
        let waiting = self.waiting.iter().chain(self.flying.iter().flat_map(|flying| &flying.tickets));
        let owed: Vec<usize> = waiting.map(|(source, _)| *source).collect();
        let mut are_gone = true;
        for desk in self.sources.iter_mut().filter(|desk| desk.is_leaving()) {
            if desk.has_left && !owed.contains(&desk.number) {
                // All that it gave is settled: now it says goodbye.
                desk.settle = None;
            }
            if is_late && !desk.gone.is_cancelled() {
                warn!(source = %desk.name, "does not leave, and is ended");
                desk.task.abort();
            }
            are_gone &= is_late || desk.gone.is_cancelled();
        }
        if !are_gone || self.flying.is_some() {
            return Ok(());
        }
        match self.pending.take() {
            Some(pending) => self.take_over(pending),
            None => Ok(()),
        }
    }

    /// Straight: the middle, then the sources, then the networks.
    fn take_over(&mut self, pending: Pending) -> Result<(), AppError> {
        let Pending { mut plan, stamps, stays, networks, since } = pending;
        let network = |name: &str| self.networks.iter().find(|desk| desk.name == name);
        let can = plan.networks.iter().zip(&networks).map(|(plan, built)| {
            let known = || network(&plan.name).map(|desk| desk.network.capabilities());
            built.as_ref().map(|network| network.capabilities()).or_else(known)
        });
        let can: Vec<_> = can.flatten().collect();
        let same_networks: Vec<bool> = networks.iter().map(Option::is_none).collect();
        let are = Stays { sources: &stays, networks: &same_networks };
        let rules = self.middle.reload(&plan, &can, &are, self.clock.now())?;

        self.seat_sources(&mut plan, &stamps, &stays);
        self.seat_networks(&plan, &stamps, networks);
        for warning in &plan.warnings {
            warn!(place = %warning.place, path = %warning.path, "{}", warning.message);
        }
        if self.settings.state != plan.settings.state {
            warn!("another state folder is used after the next start");
        }
        let built = |stays: &[bool]| stays.iter().filter(|stays| !**stays).count();
        info!(
            rules_kept = rules.kept,
            rules_changed = rules.changed,
            rules_new = rules.new,
            rules_gone = rules.gone,
            sources_built = built(&stays),
            networks_built = built(&same_networks),
            after_ms = since.elapsed().as_millis() as u64,
            "configuration reloaded"
        );
        self.refused = None;
        self.watchdog.ready(None);
        Ok(())
    }

    fn seat_sources(&mut self, plan: &mut Plan, stamps: &Stamps, stays: &[bool]) {
        let built = build::sources(plan, &self.state, |at| !stays[at]);
        let mut old = std::mem::take(&mut self.sources);
        for (at, built) in built.into_iter().enumerate() {
            let name = &plan.sources[at].name;
            let source = match built {
                None => {
                    let seat = old.iter().position(|desk| desk.name == *name);
                    self.sources.extend(seat.map(|seat| old.swap_remove(seat)));
                    continue;
                }
                Some(Ok(source)) => source,
                Some(Err(faults)) => Box::new(Refused(show_faults(&faults))),
            };
            let seat = (self.next_number(), name.as_str(), stamps.sources[at]);
            let desk = SourceDesk::open(seat, source, &self.out, &mut self.readers, &self.stop);
            self.sources.push(desk);
        }
    }

    fn seat_networks(&mut self, plan: &Plan, stamps: &Stamps, built: Vec<Option<Arc<dyn Network>>>) {
        let mut old = std::mem::take(&mut self.networks);
        for (at, built) in built.into_iter().enumerate() {
            let name = &plan.networks[at].name;
            let seat = old.iter().position(|desk| desk.name == *name);
            let before = seat.map(|seat| old.swap_remove(seat));
            let Some(network) = built else {
                self.networks.extend(before);
                continue;
            };
            let number = before.as_ref().map_or_else(|| self.next_number(), |desk| desk.number);
            let seat = (number, name.as_str(), stamps.networks[at]);
            self.networks.push(NetworkDesk::open(seat, network, &mut self.tasks, before));
        }
        old.into_iter().for_each(|desk| drop(desk.close()));
    }
}

impl Pending {
    fn keeps(&self, source: &str) -> bool {
        let at = self.plan.sources.iter().position(|plan| plan.name == source);
        at.is_some_and(|at| self.stays[at])
    }
}

/// A language or time zone that this build does not know, before anything is touched.
fn language_faults(plan: &Plan) -> Faults {
    let fault = |network: &crate::config::NetworkPlan| {
        let wrong = Language::new(&network.language, &plan.site.timezone).err()?;
        Some((network.place.clone(), contract::Fault::at("language", wrong.to_string())))
    };
    plan.networks.iter().filter_map(fault).collect()
}
