//! Which tags claim a topic. One hash look-up for each message; patterns are resolved once for each topic.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use contract::{TagAddress, TagId};
use jiff::tz::TimeZone;

use crate::extract::Plan;
use crate::settings::Address;
use crate::topic;

/// Topics that patterns brought in and that are remembered. When there are more, all are forgotten and learned
/// again: a plant has fewer, and a broker cannot fill the memory.
const LEARNED_MAX: usize = 10_000;
/// Unclaimed topics that are told, once each; later ones are passed over in silence.
const UNCLAIMED_MAX: usize = 100;

/// A topic and what to take from it.
#[derive(Debug)]
pub struct Claim {
    /// What to take.
    pub plan: Arc<Plan>,
    /// A live value came on this topic since we run.
    pub is_heard: bool,
}

/// All the topics that some tag claims.
#[derive(Debug)]
pub struct Claims {
    tags: Vec<(TagId, String, Address)>,
    /// Tags whose topic is a pattern.
    patterns: Vec<usize>,
    site: TimeZone,
    /// Those of `exact` first, then those of `learned`.
    claims: Vec<Claim>,
    exact: HashMap<Box<str>, usize>,
    learned: HashMap<Box<str>, usize>,
    /// One plan for each set of patterns, however many topics they bring in.
    plans: HashMap<Vec<usize>, Arc<Plan>>,
    unclaimed: HashSet<Box<str>>,
}

impl Claims {
    /// Sorts the tags by topic.
    ///
    /// # Errors
    /// A machine whose key cannot stand in its topic.
    pub fn new(tags: Vec<TagAddress<Address>>, site: TimeZone) -> Result<Claims, String> {
        let tags = tags
            .into_iter()
            .map(|tag| Ok((tag.id, topic::fill(&tag.address.topic, &tag.machine)?, tag.address)))
            .collect::<Result<Vec<_>, String>>()?;
        let patterns = (0..tags.len()).filter(|&at| topic::is_pattern(&tags[at].1)).collect();
        let mut claims = Claims {
            tags,
            patterns,
            site,
            claims: Vec::new(),
            exact: HashMap::new(),
            learned: HashMap::new(),
            plans: HashMap::new(),
            unclaimed: HashSet::new(),
        };
        claims.sort_exact();
        Ok(claims)
    }

    fn sort_exact(&mut self) {
        let mut topics: HashMap<Box<str>, Vec<usize>> = HashMap::new();
        for (at, (_, filter, _)) in self.tags.iter().enumerate() {
            if !topic::is_pattern(filter) {
                topics.entry(filter.as_str().into()).or_default().push(at);
            }
        }
        for (name, mut tags) in topics {
            tags.extend(self.matching(&name));
            self.exact.insert(name, self.claims.len());
            self.claims.push(Claim { plan: Arc::new(self.plan(&tags)), is_heard: false });
        }
    }

    /// What to subscribe to.
    pub fn filters(&self) -> Vec<String> {
        topic::cover(self.tags.iter().map(|(_, filter, _)| filter.clone()).collect())
    }

    /// What to take from this topic; `None` when no tag claims it.
    pub fn find(&mut self, name: &str) -> Option<&mut Claim> {
        let at = match self.exact.get(name) {
            Some(at) => *at,
            None if self.patterns.is_empty() => return None,
            None => match self.learned.get(name) {
                Some(at) => *at,
                None => self.learn(name)?,
            },
        };
        self.claims.get_mut(at)
    }

    /// True the first time that this unclaimed topic is seen.
    pub fn is_news(&mut self, unclaimed: &str) -> bool {
        self.unclaimed.len() < UNCLAIMED_MAX && self.unclaimed.insert(unclaimed.into())
    }

    fn learn(&mut self, name: &str) -> Option<usize> {
        let tags: Vec<usize> = self.matching(name).collect();
        if tags.is_empty() {
            return None;
        }
        if self.learned.len() >= LEARNED_MAX {
            self.learned.clear();
            self.plans.clear();
            self.claims.truncate(self.exact.len());
        }
        let plan = match self.plans.get(&tags) {
            Some(plan) => Arc::clone(plan),
            None => {
                let plan = Arc::new(self.plan(&tags));
                self.plans.insert(tags, Arc::clone(&plan));
                plan
            }
        };
        self.claims.push(Claim { plan, is_heard: false });
        self.learned.insert(name.into(), self.claims.len() - 1);
        Some(self.claims.len() - 1)
    }

    fn matching(&self, name: &str) -> impl Iterator<Item = usize> {
        self.patterns.iter().copied().filter(move |&at| topic::matches(&self.tags[at].1, name))
    }

    fn plan(&self, tags: &[usize]) -> Plan {
        Plan::new(tags.iter().map(|&at| (self.tags[at].0, &self.tags[at].2)), &self.site)
    }
}

#[cfg(test)]
mod tests {
    use contract::{Origin, Sample};

    use super::*;
    use crate::settings::ValueFrom;

    fn claims(topics: &[&str]) -> Claims {
        let tags = topics.iter().enumerate().map(|(at, topic)| TagAddress {
            id: TagId(at as u32),
            machine: "press-3".to_owned(),
            address: Address { topic: (*topic).to_owned(), value: ValueFrom::Plain, time: None },
        });
        Claims::new(tags.collect(), TimeZone::UTC).expect("good topics")
    }

    fn tags(claims: &mut Claims, topic: &str) -> Vec<u32> {
        let mut samples: Vec<Sample> = Vec::new();
        if let Some(claim) = claims.find(topic) {
            claim.plan.read(b"1", Origin::Live, &mut Vec::new(), &mut samples);
        }
        samples.iter().map(|sample| sample.tag.0).collect()
    }

    #[test]
    fn a_topic_serves_exact_tags_and_patterns() {
        let mut claims = claims(&["a/{machine}/x", "a/+/x", "a/#", "b"]);
        assert_eq!(tags(&mut claims, "a/press-3/x"), [0, 1, 2]);
        assert_eq!(tags(&mut claims, "a/press-4/x"), [1, 2]);
        assert_eq!(tags(&mut claims, "a/press-4/y"), [2]);
        assert_eq!(tags(&mut claims, "b"), [3]);
        assert!(tags(&mut claims, "c").is_empty());
        assert_eq!(claims.filters(), ["a/#", "b"]);
    }

    #[test]
    fn what_a_broker_sends_cannot_fill_the_memory() {
        let mut claims = claims(&["a/#"]);
        for at in 0..2 * LEARNED_MAX {
            assert_eq!(tags(&mut claims, &format!("a/{at}")), [0]);
        }
        assert!(claims.learned.len() <= LEARNED_MAX && claims.plans.len() == 1);
        let told = (0..1000).filter(|at| claims.is_news(&format!("z/{at}"))).count();
        assert_eq!(told, UNCLAIMED_MAX);
        assert!(!claims.is_news("z/1"));
    }
}
