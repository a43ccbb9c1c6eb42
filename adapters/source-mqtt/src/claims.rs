//! Which tags claim a topic. One hash look-up for each message; patterns are resolved once for each topic.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use contract::{TagAddress, TagId};
use jiff::tz::TimeZone;

use crate::extract::{Plan, Take};
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
    /// The tags.
    pub ids: Box<[TagId]>,
    /// What to take, in their order.
    pub plan: Arc<Plan>,
    /// A live value came on this topic since we run.
    pub is_heard: bool,
}

/// A tag whose topic is a pattern.
#[derive(Debug)]
struct Pattern {
    filter: String,
    id: TagId,
    take: Take,
}

/// All the topics that some tag claims.
#[derive(Debug)]
pub struct Claims {
    patterns: Vec<Pattern>,
    site: TimeZone,
    /// Those of `exact` first, then those of `learned`.
    claims: Vec<Claim>,
    exact: HashMap<Box<str>, usize>,
    learned: HashMap<Box<str>, usize>,
    /// One plan for all topics that are read alike.
    plans: HashMap<Vec<Take>, Arc<Plan>>,
    unclaimed: HashSet<Box<str>>,
}

impl Claims {
    /// Sorts the tags by topic; gives what to subscribe to, too.
    ///
    /// # Errors
    /// A machine whose key cannot stand in its topic.
    pub fn new(tags: Vec<TagAddress<Address>>, site: TimeZone) -> Result<(Claims, Vec<String>), String> {
        let mut claims = Claims {
            patterns: Vec::new(),
            site,
            claims: Vec::new(),
            exact: HashMap::new(),
            learned: HashMap::new(),
            plans: HashMap::new(),
            unclaimed: HashSet::new(),
        };
        let mut exact = Vec::new();
        let mut filters = Vec::with_capacity(tags.len());
        for TagAddress { id, machine, address } in tags {
            let Some(topic) = &address.topic else { continue };
            let filter = topic::fill(topic, &machine)?;
            let take = (address.value, address.time);
            filters.push(filter.clone());
            match topic::is_pattern(&filter) {
                true => claims.patterns.push(Pattern { filter, id, take }),
                false => exact.push((filter, id, take)),
            }
        }
        claims.claim_exact(exact);
        Ok((claims, topic::cover(filters)))
    }

    fn claim_exact(&mut self, mut tags: Vec<(String, TagId, Take)>) {
        tags.sort_by(|(left, ..), (right, ..)| left.cmp(right));
        for same in tags.chunk_by(|(left, ..), (right, ..)| left == right) {
            let Some((name, ..)) = same.first() else { continue };
            let own = same.iter().map(|(_, id, take)| (*id, take.clone()));
            let at = self.claim(own.chain(self.matching(name)).unzip());
            self.exact.insert(name.as_str().into(), at);
        }
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

    /// The tags that a filter is for.
    pub fn under(&self, filter: &str) -> Vec<TagId> {
        let exact = self.exact.iter().filter(|(name, _)| topic::matches(filter, name));
        let exact =
            exact.filter_map(|(_, at)| self.claims.get(*at)).flat_map(|claim| claim.ids.iter().copied());
        let patterns = self.patterns.iter().filter(|pattern| topic::matches(filter, &pattern.filter));
        let mut tags: Vec<TagId> = exact.chain(patterns.map(|pattern| pattern.id)).collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// True the first time that this unclaimed topic is seen.
    pub fn is_news(&mut self, unclaimed: &str) -> bool {
        self.unclaimed.len() < UNCLAIMED_MAX && self.unclaimed.insert(unclaimed.into())
    }

    fn learn(&mut self, name: &str) -> Option<usize> {
        let (ids, takes): (Vec<TagId>, Vec<Take>) = self.matching(name).unzip();
        if ids.is_empty() {
            return None;
        }
        if self.learned.len() >= LEARNED_MAX {
            self.learned.clear();
            self.plans.clear();
            self.claims.truncate(self.exact.len());
        }
        let at = self.claim((ids, takes));
        self.learned.insert(name.into(), at);
        Some(at)
    }

    fn claim(&mut self, (ids, takes): (Vec<TagId>, Vec<Take>)) -> usize {
        let plan = match self.plans.get(&takes) {
            Some(plan) => Arc::clone(plan),
            None => {
                let plan = Arc::new(Plan::new(&takes, &self.site));
                self.plans.insert(takes, Arc::clone(&plan));
                plan
            }
        };
        self.claims.push(Claim { ids: ids.into(), plan, is_heard: false });
        self.claims.len() - 1
    }

    fn matching(&self, name: &str) -> impl Iterator<Item = (TagId, Take)> {
        let matching = self.patterns.iter().filter(move |pattern| topic::matches(&pattern.filter, name));
        matching.map(|pattern| (pattern.id, pattern.take.clone()))
    }
}

#[cfg(test)]
mod tests {
    use contract::{Origin, Sample};

    use super::*;

    fn claims(topics: &[&str]) -> (Claims, Vec<String>) {
        let tags = topics.iter().enumerate().map(|(at, topic)| TagAddress {
            id: TagId(at as u32),
            machine: "press-3".to_owned(),
            address: Address { topic: Some((*topic).to_owned()), ..Address::default() },
        });
        Claims::new(tags.collect(), TimeZone::UTC).expect("good topics")
    }

    fn tags(claims: &mut Claims, topic: &str) -> Vec<u32> {
        let mut samples: Vec<Sample> = Vec::new();
        if let Some(claim) = claims.find(topic) {
            claim.plan.read(&claim.ids, b"1", Origin::Live, &mut Vec::new(), &mut samples);
        }
        samples.iter().map(|sample| sample.tag.0).collect()
    }

    #[test]
    fn a_topic_serves_exact_tags_and_patterns() {
        let (mut claims, filters) = claims(&["a/{machine}/x", "a/+/x", "a/#", "b"]);
        assert_eq!(tags(&mut claims, "a/press-3/x"), [0, 1, 2]);
        assert_eq!(tags(&mut claims, "a/press-4/x"), [1, 2]);
        assert_eq!(tags(&mut claims, "a/press-4/y"), [2]);
        assert_eq!(tags(&mut claims, "b"), [3]);
        assert!(tags(&mut claims, "c").is_empty());
        assert_eq!(filters, ["a/#", "b"]);
    }

    #[test]
    fn what_a_broker_sends_cannot_fill_the_memory() {
        let (mut claims, _) = claims(&["a/#"]);
        for at in 0..2 * LEARNED_MAX {
            assert_eq!(tags(&mut claims, &format!("a/{at}")), [0]);
        }
        assert!(claims.learned.len() <= LEARNED_MAX && claims.plans.len() == 1);
        let told = (0..1000).filter(|at| claims.is_news(&format!("z/{at}"))).count();
        assert_eq!(told, UNCLAIMED_MAX);
        assert!(!claims.is_news("z/1"));
    }
}
