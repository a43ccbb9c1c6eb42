//! What is asked of a server while messages flow: a refresh of conditions, values read anew, a second look for
//! nodes that were missing. Each runs in a task of its own, so that `next` can be dropped at any moment.

use std::sync::Arc;
use std::time::Duration;

use contract::{Alarm, TagId};
use opcua::types::{DataValue, Error, NodeId, StatusCode};

use crate::address::{Item, Wish};
use crate::ask::{self, Limits};
use crate::conditions;
use crate::resolve;
use crate::session::Line;
use crate::subscribe::{Subscriber, Subscription, Watched, is_final};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chore {
    /// Have all conditions of a subscription said again.
    Refresh(u32),
    /// Read the values of these items.
    Read(Vec<usize>),
    /// Look again for these items.
    Look(Vec<usize>),
}

/// What came of it.
#[derive(Debug)]
pub enum Done {
    /// The server will say all its conditions in the subscription.
    Refreshing,
    /// The server offers no refresh, for this reason; the conditions of each listener that were found by reading.
    Conditions(String, Vec<(TagId, Option<Vec<Alarm>>)>),
    /// Values of items.
    Values(Vec<(usize, DataValue)>),
    /// Where items are now, and what came of asking for them again.
    Looked(Vec<(usize, NodeId)>, Watched),
    /// The line is lost.
    Lost(StatusCode),
}

/// What a chore needs to know.
#[derive(Clone)]
pub struct Desk {
    /// The line.
    pub line: Line,
    /// What the server takes.
    pub limits: Limits,
    /// Its namespaces.
    pub namespaces: Arc<[String]>,
    /// All items.
    pub items: Arc<[Item]>,
    /// Where each is, if it is anywhere.
    pub nodes: Vec<Option<NodeId>>,
    /// How often the server tells.
    pub publishing: Duration,
    /// How long it may be silent.
    pub keep_alive: Duration,
    /// The subscription that takes more items.
    pub last: Option<Subscription>,
}

impl Desk {
    /// Does it.
    pub async fn run(self, chore: Chore) -> Done {
        let done = match chore {
            Chore::Refresh(subscription) => self.refresh(subscription).await,
            Chore::Read(items) => self.read(items).await,
            Chore::Look(items) => self.look(items).await,
        };
        done.unwrap_or_else(|error| Done::Lost(error.status()))
    }

    async fn refresh(&self, subscription: u32) -> Result<Done, Error> {
        let refused = match ask::condition_refresh(&self.line, subscription).await {
            // One that is on its way already will do.
            Ok(()) => return Ok(Done::Refreshing),
            Err(error) if error.status() == StatusCode::BadRefreshInProgress => return Ok(Done::Refreshing),
            Err(error) if is_final(error.status()) => return Err(error),
            Err(error) => crate::value::name(error.status()),
        };
        let mut all = Vec::new();
        for (item, node) in self.items.iter().zip(self.nodes.iter()) {
            let (Wish::Events { .. }, Some(node)) = (&item.wish, node) else { continue };
            let read = conditions::read(&self.line, &self.limits, &self.namespaces, item.tag, node.clone());
            match read.await {
                Ok(alarms) => all.push((item.tag, alarms)),
                Err(error) if is_final(error.status()) => return Err(error),
                Err(_) => all.push((item.tag, None)),
            }
        }
        Ok(Done::Conditions(refused, all))
    }

    async fn read(&self, items: Vec<usize>) -> Result<Done, Error> {
        let known = |at: usize| Some((at, self.nodes.get(at)?.clone()?));
        let (places, nodes): (Vec<usize>, Vec<NodeId>) = items.into_iter().filter_map(known).unzip();
        let values = ask::read(&self.line, &self.limits, &nodes).await?;
        Ok(Done::Values(places.into_iter().zip(values).collect()))
    }

    async fn look(&self, items: Vec<usize>) -> Result<Done, Error> {
        let wanted: Vec<&Item> = items.iter().filter_map(|at| self.items.get(*at)).collect();
        let found = resolve::all(&self.line, &self.limits, &self.namespaces, &wanted).await?;
        let watched = Watched { subscriptions: self.last.iter().cloned().collect(), ..Watched::default() };
        let mut subscriber = Subscriber { watched, ..self.subscriber() };
        let nodes: Vec<(usize, NodeId)> =
            items.into_iter().zip(found).filter_map(|(at, node)| Some((at, node.ok()?))).collect();
        subscriber.add(nodes.clone()).await?;
        Ok(Done::Looked(nodes, subscriber.watched))
    }

    /// Makes subscriptions at this server.
    pub fn subscriber(&self) -> Subscriber<'_> {
        Subscriber {
            line: &self.line,
            limits: self.limits,
            publishing: self.publishing,
            keep_alive: self.keep_alive,
            items: &self.items,
            watched: Watched::default(),
        }
    }
}
