//! What an answer, a refusal or a silence means for the unit, for the tags and for what is asked next.

use std::collections::VecDeque;
use std::time::Duration;

use contract::{Cause, SourceError, Thing};
use tokio::time::Instant;

use super::{Job, Poller, Unit};
use crate::pdu::{Answer, Exception};
use crate::plan;
use crate::unit::Failure;
use crate::wire::Failed;

/// How often a question is asked in one poll while a device says that it is busy.
const TRIES_MAX: u8 = 4;

impl Poller {
    pub(super) async fn work(&mut self, job: Job, jobs: &mut VecDeque<Job>) -> Result<(), SourceError> {
        let asked = Instant::now();
        match self.wire.ask(&job.group.request, self.pace.timeout).await {
            Ok(Answer::Data(data)) => {
                self.answered(job.unit, asked);
                let unit = &mut self.units[job.unit];
                for place in &job.group.fields {
                    if unit.refusals.answered(*place) {
                        self.harvest.mended(Thing::Address, place_name(unit, *place));
                    }
                }
                self.harvest.good(&job.group, &unit.fields, &self.tags, &data, &self.counters);
            }
            Ok(Answer::Exception(exception)) if exception.passes() => self.busy(job, exception, jobs),
            Ok(Answer::Exception(exception)) => {
                self.answered(job.unit, asked);
                self.refused(job, exception, jobs);
            }
            Err(Failed::Line(error)) => {
                self.bad(&job, &error.to_string());
                return Err(error);
            }
            Err(failed) => {
                self.failed(job.unit, asked, &failed);
                self.bad(&job, &words(&failed, self.pace.timeout));
            }
        }
        Ok(())
    }

    /// The device, or its gateway, says "not now".
    pub(super) fn busy(&mut self, job: Job, exception: Exception, jobs: &mut VecDeque<Job>) {
        // A gateway that says that a unit is silent has waited for it already.
        let tries_max = if exception.is_silence() { 2 } else { TRIES_MAX };
        if job.tries + 1 < tries_max {
            jobs.push_back(Job { tries: job.tries + 1, ..job });
            return;
        }
        self.bad(&job, &exception.to_string());
        let cause = match exception.is_silence() {
            true => Cause::NoAnswer,
            false => Cause::Refused(exception.to_string()),
        };
        self.silent(job.unit, cause);
    }

    /// The device will not. A group is asked for piece by piece from now on, so that one bad address spoils only itself.
    pub(super) fn refused(&mut self, job: Job, exception: Exception, jobs: &mut VecDeque<Job>) {
        let unit = &mut self.units[job.unit];
        if job.group.fields.len() > 1 {
            let pieces = plan::split(unit.number, &job.group, &unit.fields);
            unit.groups.retain(|group| *group != job.group);
            unit.groups.extend(pieces.iter().cloned());
            for group in pieces.into_iter().rev() {
                jobs.push_front(Job { unit: job.unit, group, tries: 0 });
            }
            return;
        }
        for place in &job.group.fields {
            if unit.refusals.refused(*place) {
                let cause = Cause::Refused(exception.to_string());
                self.harvest.trouble(Thing::Address, place_name(unit, *place), cause);
            }
        }
        self.bad(&job, &exception.to_string());
    }

    pub(super) fn answered(&mut self, index: usize, asked: Instant) {
        let took = asked.elapsed();
        self.slowest = self.slowest.max(took);
        if self.units[index].breaker.answered(took) {
            self.harvest.mended(Thing::Device, self.units[index].name());
        }
    }

    pub(super) fn failed(&mut self, index: usize, asked: Instant, failed: &Failed) {
        if self.wire.must_wait_for_late_answers() {
            self.units[index].breaker.quarantine(asked + self.pace.late_max);
        }
        let cause = match failed {
            Failed::Garbled(words) => {
                Cause::Unreadable { place: self.units[index].name(), found: words.clone() }
            }
            Failed::Silent | Failed::Line(_) => Cause::NoAnswer,
        };
        self.silent(index, cause);
    }

    pub(super) fn silent(&mut self, index: usize, cause: Cause) {
        #[cfg(test)]
        if self.wire.is_careless {
            return;
        }
        let unit = &mut self.units[index];
        if unit.breaker.silent(Instant::now(), self.pace.patience) == Failure::Told {
            self.harvest.trouble(Thing::Device, unit.name(), cause);
        }
    }

    pub(super) fn bad(&mut self, job: &Job, words: &str) {
        self.harvest.bad(&job.group, &self.units[job.unit].fields, &self.tags, words);
    }

    pub(super) fn bad_unit(&mut self, index: usize, words: &str) {
        let unit = &self.units[index];
        let known = unit.fields.iter().map(|field| field.tag);
        let sought = unit.wanted.iter().map(|(tag, _)| *tag).filter(|_| !unit.is_discovered);
        for tag in known.chain(sought) {
            self.harvest.bad_tag(self.tags[tag], words);
        }
    }
}

pub(super) fn words(failed: &Failed, wait: Duration) -> String {
    match failed {
        Failed::Silent => format!("no answer within {} ms", wait.as_millis()),
        Failed::Garbled(words) => words.clone(),
        Failed::Line(error) => error.to_string(),
    }
}

fn place_name(unit: &Unit, place: usize) -> String {
    let field = &unit.fields[place];
    format!("{} {} {}", unit.name(), field.table.word(), field.start)
}
