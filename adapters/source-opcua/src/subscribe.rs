//! Subscriptions and their items, made anew at each connection from our own list, each item checked.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use contract::Cause;
use opcua::client::services::{CreateMonitoredItems, CreateSubscription};
use opcua::types::{
    AttributeId, DataChangeFilter, DataChangeTrigger, DeadbandType, Error, ExtensionObject,
    MonitoredItemCreateRequest, MonitoringMode, MonitoringParameters, NodeId, StatusCode, TimestampsToReturn,
};

use crate::address::{Item, Wish};
use crate::ask::{self, Limits};
use crate::event;
use crate::session::{Header, Line};
use crate::value;

/// The handle of the server's clock: it ticks, so that a subscription that no longer gives is noticed.
pub const CLOCK: u32 = u32::MAX;
/// The handle of the list of namespaces: when it changes, every index may have moved.
pub const NAMESPACES: u32 = u32::MAX - 1;
/// The most subscriptions that are opened at one server.
const SUBSCRIPTIONS_MAX: usize = 20;
/// The most changes in one message: a batch of a few hundred.
const CHANGES_MAX: u32 = 500;
/// How many times the longest silence a subscription lives without a request (OPC 10000-4, 5.13.2.2 asks for 3).
const LIVES: u32 = 10;

/// One subscription at the server.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// Its number at the server.
    pub id: u32,
    /// The longest that it is silent.
    pub keep_alive: Duration,
    /// Which of our items it holds.
    pub items: Vec<usize>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Watched {
    /// The subscriptions.
    pub subscriptions: Vec<Subscription>,
    /// Items that cannot be had, and why.
    pub faults: Vec<(usize, Cause)>,
    /// Items whose deadband the server does not keep: we do.
    pub loose: BTreeSet<usize>,
}

/// Makes subscriptions.
pub struct Subscriber<'a> {
    /// The line.
    pub line: &'a Line,
    /// What the server takes.
    pub limits: Limits,
    /// How often it tells.
    pub publishing: Duration,
    /// How long it may be silent.
    pub keep_alive: Duration,
    /// All items.
    pub items: &'a [Item],
    /// What came of it so far.
    pub watched: Watched,
}

/// An item on its way.
struct Wanted {
    at: usize,
    node: NodeId,
    is_loose: bool,
}

impl Subscriber<'_> {
    /// Opens the first subscription, with the server's clock and its list of namespaces.
    ///
    /// # Errors
    /// The server opens none.
    pub async fn start(&mut self) -> Result<(), Error> {
        self.open().await?;
        let tick = self.keep_alive.as_secs_f64() * 1e3 / 3.0;
        let own = [(ask::CURRENT_TIME, CLOCK, tick), (ask::NAMESPACE_ARRAY, NAMESPACES, 5_000.0)];
        for (node, handle, sampling) in own {
            let request = request(NodeId::new(0, node), handle, sampling, 1, ExtensionObject::null());
            match self.create(vec![request]).await {
                // A server without them is watched by its silence alone.
                Ok(_) => {}
                Err(error) if is_final(error.status()) => return Err(error),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Asks for items. What is refused becomes a fault of that item alone.
    ///
    /// # Errors
    /// The line is lost.
    pub async fn add(&mut self, nodes: Vec<(usize, NodeId)>) -> Result<(), Error> {
        let mut queue: VecDeque<Wanted> =
            nodes.into_iter().map(|(at, node)| Wanted { at, node, is_loose: false }).collect();
        let mut step = self.limits.items.max(1);
        while !queue.is_empty() {
            let used = self.watched.subscriptions.last().map_or(usize::MAX, |last| last.items.len());
            let room = self.limits.subscription.saturating_sub(used);
            if room == 0 && !self.open_another(&mut queue).await? {
                return Ok(());
            }
            let count = step.min(room.max(1)).min(queue.len());
            let some: Vec<Wanted> = queue.drain(..count).collect();
            let requests = some.iter().map(|wanted| self.request(wanted)).collect();
            match self.create(requests).await {
                Ok(statuses) => self.sort(some, &statuses, &mut queue).await?,
                Err(error) if is_too_many(error.status()) && count > 1 => {
                    step = (count / 2).max(1);
                    some.into_iter().rev().for_each(|wanted| queue.push_front(wanted));
                }
                Err(error) if is_final(error.status()) => return Err(error),
                Err(error) => self.fault(some, error.status()),
            }
        }
        Ok(())
    }

    /// Sorts what came of a request: done, to be asked for otherwise, or refused.
    async fn sort(
        &mut self,
        some: Vec<Wanted>,
        statuses: &[StatusCode],
        queue: &mut VecDeque<Wanted>,
    ) -> Result<(), Error> {
        let mut left_over = Vec::new();
        for (wanted, status) in some.into_iter().zip(statuses) {
            let has_deadband = matches!(self.items[wanted.at].wish, Wish::Value { deadband: Some(_), .. });
            match *status {
                status if !status.is_bad() => {
                    if wanted.is_loose {
                        self.watched.loose.insert(wanted.at);
                    }
                    if let Some(last) = self.watched.subscriptions.last_mut() {
                        last.items.push(wanted.at);
                    }
                }
                status if has_deadband && !wanted.is_loose && is_about_filter(status) => {
                    queue.push_front(Wanted { is_loose: true, ..wanted });
                }
                StatusCode::BadTooManyMonitoredItems => left_over.push(wanted),
                status => self.fault(vec![wanted], status),
            }
        }
        if left_over.is_empty() {
            return Ok(());
        }
        let is_empty = self.watched.subscriptions.last().is_none_or(|last| last.items.is_empty());
        left_over.into_iter().rev().for_each(|wanted| queue.push_front(wanted));
        match is_empty {
            // A fresh subscription that takes nothing: the server is full.
            true => self.fault(queue.drain(..).collect(), StatusCode::BadTooManyMonitoredItems),
            false => {
                self.open_another(queue).await?;
            }
        }
        Ok(())
    }

    /// Opens another subscription; where the server has none left, what waits is refused.
    async fn open_another(&mut self, queue: &mut VecDeque<Wanted>) -> Result<bool, Error> {
        let opened = match self.watched.subscriptions.len() < SUBSCRIPTIONS_MAX {
            true => self.open().await.map_err(|error| error.status()),
            false => Err(StatusCode::BadTooManySubscriptions),
        };
        match opened {
            Ok(()) => Ok(true),
            Err(status) if is_final(status) => Err(Error::new(status, "")),
            Err(_) => {
                self.fault(queue.drain(..).collect(), StatusCode::BadTooManyMonitoredItems);
                Ok(false)
            }
        }
    }

    async fn open(&mut self) -> Result<(), Error> {
        let count = (self.keep_alive.as_secs_f64() / self.publishing.as_secs_f64()).ceil().max(1.0);
        let count = count.min(f64::from(u32::MAX / LIVES)) as u32;
        let Header { session, timeout, token, handle } = self.line.header();
        let request = CreateSubscription::new_manual(session, timeout, token, handle)
            .publishing_interval(self.publishing)
            .max_keep_alive_count(count)
            .max_lifetime_count(count.saturating_mul(LIVES))
            .max_notifications_per_publish(CHANGES_MAX)
            .publishing_enabled(true);
        let made = self.line.ask(request).await?;
        let interval =
            Duration::try_from_secs_f64(made.revised_publishing_interval / 1e3).unwrap_or(self.publishing);
        let keep_alive =
            interval.saturating_mul(made.revised_max_keep_alive_count.max(1)).max(self.keep_alive);
        self.watched.subscriptions.push(Subscription {
            id: made.subscription_id,
            keep_alive,
            items: Vec::new(),
        });
        Ok(())
    }

    async fn create(&self, requests: Vec<MonitoredItemCreateRequest>) -> Result<Vec<StatusCode>, Error> {
        let Header { session, timeout, token, handle } = self.line.header();
        let id = self.watched.subscriptions.last().map_or(0, |last| last.id);
        // The library numbers only items without a handle of ours; there are none.
        let handles = opcua::core::handle::AtomicHandle::new(1);
        let request = CreateMonitoredItems::new_manual(id, &handles, session, timeout, token, handle)
            .timestamps_to_return(TimestampsToReturn::Both)
            .items_to_create(requests);
        let created = self.line.ask(request).await?;
        Ok(created.results.iter().map(|one| one.result.status_code).collect())
    }

    fn request(&self, wanted: &Wanted) -> MonitoredItemCreateRequest {
        let handle = handle(wanted.at);
        match &self.items[wanted.at].wish {
            Wish::Value { deadband, sampling_ms, queue, .. } => {
                let filter = match deadband {
                    Some(deadband) if !wanted.is_loose => deadband_filter(*deadband),
                    Some(_) | None => ExtensionObject::null(),
                };
                request(wanted.node.clone(), handle, *sampling_ms, *queue, filter)
            }
            Wish::Events { queue } => {
                let filter = ExtensionObject::from_message(event::filter());
                let mut request = request(wanted.node.clone(), handle, 0.0, *queue, filter);
                request.item_to_monitor.attribute_id = AttributeId::EventNotifier as u32;
                request
            }
        }
    }

    fn fault(&mut self, some: Vec<Wanted>, status: StatusCode) {
        self.watched.faults.extend(some.into_iter().map(|wanted| (wanted.at, cause(status))));
    }
}

/// The handle of an item; 0 means none.
pub fn handle(at: usize) -> u32 {
    u32::try_from(at + 1).unwrap_or(NAMESPACES - 1)
}

/// The item of a handle.
pub fn item(handle: u32) -> Option<usize> {
    (handle > 0 && handle < NAMESPACES).then(|| handle as usize - 1)
}

/// Why an item cannot be had.
pub fn cause(status: StatusCode) -> Cause {
    match status {
        StatusCode::BadNodeIdUnknown | StatusCode::BadNodeIdInvalid | StatusCode::BadAttributeIdInvalid => {
            Cause::Missing(value::name(status))
        }
        status => Cause::Refused(value::name(status)),
    }
}

fn deadband_filter(deadband: f64) -> ExtensionObject {
    ExtensionObject::from_message(DataChangeFilter {
        trigger: DataChangeTrigger::StatusValue,
        deadband_type: DeadbandType::Absolute as u32,
        deadband_value: deadband,
    })
}

fn request(
    node: NodeId,
    handle: u32,
    sampling_ms: f64,
    queue: u32,
    filter: ExtensionObject,
) -> MonitoredItemCreateRequest {
    MonitoredItemCreateRequest {
        item_to_monitor: ask::value_of(node),
        monitoring_mode: MonitoringMode::Reporting,
        requested_parameters: MonitoringParameters {
            client_handle: handle,
            sampling_interval: sampling_ms,
            filter,
            queue_size: queue,
            discard_oldest: true,
        },
    }
}

fn is_about_filter(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BadFilterNotAllowed
            | StatusCode::BadMonitoredItemFilterUnsupported
            | StatusCode::BadMonitoredItemFilterInvalid
            | StatusCode::BadDeadbandFilterInvalid
    )
}

fn is_too_many(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BadTooManyOperations
            | StatusCode::BadEncodingLimitsExceeded
            | StatusCode::BadRequestTooLarge
            | StatusCode::BadResponseTooLarge
    )
}

/// Is the line or the session gone, so that nothing more can be asked?
pub fn is_final(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BadTimeout
            | StatusCode::BadConnectionClosed
            | StatusCode::BadNotConnected
            | StatusCode::BadCommunicationError
            | StatusCode::BadSecureChannelClosed
            | StatusCode::BadSecureChannelIdInvalid
            | StatusCode::BadSessionClosed
            | StatusCode::BadSessionIdInvalid
            | StatusCode::BadSessionNotActivated
            | StatusCode::BadSubscriptionIdInvalid
            | StatusCode::BadServerHalted
            | StatusCode::BadShutdown
            | StatusCode::BadDecodingError
    )
}
