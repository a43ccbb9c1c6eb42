//! What tags read of an edge node itself, or of one of its devices: its birth certificate, and what its metrics say.

use std::collections::HashMap;

use contract::{Cause, Moment, Notice, Origin, Quality, Sample, TagId, Thing, Trouble, Value};

use super::proto::{Metric, Payload};
use super::{Out, value};

/// An edge node's own metrics, or a device.
#[derive(Debug)]
pub struct Part {
    /// As an integrator knows it: `group/edge`, or `group/edge/device`.
    pub name: Box<str>,
    /// The metrics that tags read, by name.
    wants: Vec<Want>,
    birth: Option<Birth>,
    /// It was born since its node was, and has not died.
    pub is_alive: bool,
    trouble: Option<Cause>,
}

/// A metric, and who reads it.
#[derive(Debug)]
struct Want {
    metric: Box<str>,
    tags: Vec<TagId>,
    /// The last birth certificate did not hold it.
    is_missing: bool,
}

/// What a birth certificate says of the metrics that are wanted.
#[derive(Debug, Default)]
struct Birth {
    /// The datatype of each want that it holds, in their order.
    datatypes: Vec<Option<u32>>,
    /// Every alias, and the want behind it, if any.
    aliases: HashMap<u64, Option<usize>>,
}

/// Why a message makes a new birth certificate necessary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown;

impl Part {
    /// A part of which nothing is read yet.
    pub fn new(name: String) -> Part {
        Part { name: name.into(), wants: Vec::new(), birth: None, is_alive: false, trouble: None }
    }

    /// One more tag.
    pub fn want(&mut self, metric: String, tag: TagId) {
        match self.find(&metric) {
            Ok(at) => self.wants[at].tags.push(tag),
            Err(at) => {
                self.wants.insert(at, Want { metric: metric.into(), tags: vec![tag], is_missing: false })
            }
        }
    }

    fn find(&self, metric: &str) -> Result<usize, usize> {
        self.wants.binary_search_by(|want| (*want.metric).cmp(metric))
    }

    /// The connection is new: what was known may be over. What was in trouble is still so, as far as we know.
    pub fn forget(&mut self, out: &mut Out<'_>) {
        (self.birth, self.is_alive) = (None, false);
        if let Some(cause) = self.trouble.clone() {
            self.say(cause, out);
        }
        for want in self.wants.iter().filter(|want| want.is_missing) {
            out.notices.push(Notice::Trouble(self.missing(want)));
        }
    }

    /// A birth certificate: what it cannot be, or who is alive with which values.
    ///
    /// # Errors
    /// It is refused, and why; what was known stays.
    pub fn born(&mut self, payload: &Payload<'_>, out: &mut Out<'_>) -> Result<(), String> {
        let mut birth = Birth { datatypes: vec![None; self.wants.len()], aliases: HashMap::new() };
        let mut values: Vec<Option<Metric>> = vec![None; self.wants.len()];
        for metric in payload.metrics() {
            let metric = metric?;
            let name = metric.name.as_deref().filter(|name| !name.is_empty());
            let name = name.ok_or("found a metric without a name, expected one in a birth certificate")?;
            let want = self.find(name).ok();
            if let Some(alias) = metric.alias
                && birth.aliases.insert(alias, want).is_some()
            {
                return Err(format!("found alias {alias} twice, expected one for each metric"));
            }
            if let Some(want) = want {
                birth.datatypes[want] = Some(metric.datatype.unwrap_or_default());
                values[want] = Some(metric);
            }
        }
        self.birth = Some(birth);
        self.is_alive = true;
        self.mend(out);
        for (at, metric) in values.iter().enumerate() {
            match metric {
                Some(metric) => self.give(at, metric, payload.head.timestamp, out),
                None => self.lack(at, out),
            }
            self.tell_missing(at, metric.is_none(), out);
        }
        Ok(())
    }

    /// The birth certificate was refused: the names of the old one stay, if there is one. Its aliases may stand for
    /// other metrics by now.
    pub fn keep(&mut self, reason: &str, place: &str, out: &mut Out<'_>) {
        self.is_alive = self.birth.is_some();
        if let Some(birth) = &mut self.birth {
            birth.aliases.clear();
        }
        let found = contract::clean(reason, 200);
        self.tell(Cause::Unreadable { place: place.to_owned(), found }, out);
    }

    /// Values. `is_gapped`: messages were lost, so an alias may by now stand for another metric.
    ///
    /// # Errors
    /// A metric that the birth certificate does not explain.
    pub fn data(&mut self, payload: &Payload<'_>, is_gapped: bool, out: &mut Out<'_>) -> Result<(), Unknown> {
        let mut explained = Ok(());
        for metric in payload.metrics() {
            let Ok(metric) = metric else {
                explained = Err(Unknown);
                continue;
            };
            match self.explain(&metric) {
                Explained::Want(at) if is_gapped && metric.name.is_none() => {
                    let words =
                        "messages were lost, so its alias is not trusted before the next birth certificate";
                    self.spoil(at, words, None, out);
                }
                Explained::Want(at) => self.give(at, &metric, payload.head.timestamp, out),
                Explained::Unwanted => {}
                Explained::Not => explained = Err(Unknown),
            }
        }
        explained
    }

    fn explain(&self, metric: &Metric) -> Explained {
        let Some(birth) = &self.birth else { return Explained::Not };
        // A name says more than an alias; a name nobody wants is nobody's business, born or not.
        match (metric.name.as_deref().filter(|name| !name.is_empty()), metric.alias) {
            (Some(name), _) => match self.find(name) {
                Ok(at) if birth.datatypes[at].is_some() => Explained::Want(at),
                Ok(_) => Explained::Not,
                Err(_) => Explained::Unwanted,
            },
            (None, Some(alias)) => match birth.aliases.get(&alias) {
                Some(Some(at)) => Explained::Want(*at),
                Some(None) => Explained::Unwanted,
                None => Explained::Not,
            },
            (None, None) => Explained::Not,
        }
    }

    fn give(&self, at: usize, metric: &Metric, message: Option<u64>, out: &mut Out<'_>) {
        let known = self.birth.as_ref().and_then(|birth| birth.datatypes[at]);
        let (value, quality) = value::read(metric, known);
        let time = value::time(metric, message);
        // History without a time would pass for now.
        let origin = match (metric.is_historical == Some(true), time) {
            (true, None) => return,
            (true, Some(_)) => Origin::Backfill,
            (false, _) => Origin::Live,
        };
        for tag in &self.wants[at].tags {
            let (value, quality) = (value.clone(), quality.clone());
            out.samples.push(Sample { tag: *tag, value, quality, at: time, origin });
        }
    }

    fn lack(&self, at: usize, out: &mut Out<'_>) {
        let words =
            format!("the birth certificate of {} holds no metric `{}`", self.name, self.wants[at].metric);
        self.spoil(at, &words, None, out);
    }

    fn spoil(&self, at: usize, reason: &str, when: Option<Moment>, out: &mut Out<'_>) {
        for tag in &self.wants[at].tags {
            out.samples.push(Sample {
                tag: *tag,
                value: Value::Flag(false),
                quality: Quality::Bad(reason.into()),
                at: when,
                origin: Origin::Live,
            });
        }
    }

    /// It is not alive any more: every tag of it is bad.
    pub fn stop(&mut self, reason: &str, when: Option<Moment>, out: &mut Out<'_>) {
        self.is_alive = false;
        for at in 0..self.wants.len() {
            self.spoil(at, reason, when, out);
        }
    }

    fn missing(&self, want: &Want) -> Trouble {
        let name = format!("{} {}", self.name, want.metric);
        Trouble { thing: Thing::Address, name, cause: Cause::Missing(want.metric.to_string()) }
    }

    fn tell_missing(&mut self, at: usize, is_missing: bool, out: &mut Out<'_>) {
        let want = &self.wants[at];
        if is_missing && !want.is_missing {
            out.notices.push(Notice::Trouble(self.missing(want)));
        } else if want.is_missing && !is_missing {
            out.notices.push(Notice::Mended(Thing::Address, self.missing(want).name));
        }
        self.wants[at].is_missing = is_missing;
    }

    /// It is in trouble; said once.
    pub fn tell(&mut self, cause: Cause, out: &mut Out<'_>) {
        if self.trouble.as_ref() != Some(&cause) {
            self.say(cause.clone(), out);
            self.trouble = Some(cause);
        }
    }

    /// It is in some trouble that was told.
    pub fn is_in_trouble(&self) -> bool {
        self.trouble.is_some()
    }

    /// It works.
    pub fn mend(&mut self, out: &mut Out<'_>) {
        if self.trouble.take().is_some() {
            out.notices.push(Notice::Mended(Thing::Device, self.name.to_string()));
        }
    }

    fn say(&self, cause: Cause, out: &mut Out<'_>) {
        let name = self.name.to_string();
        out.notices.push(Notice::Trouble(Trouble { thing: Thing::Device, name, cause }));
    }
}

/// What a metric of a message is.
enum Explained {
    /// One that tags read.
    Want(usize),
    /// One that no tag reads.
    Unwanted,
    /// The birth certificate does not say.
    Not,
}
