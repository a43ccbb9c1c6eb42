//! The source: connects, gives what the server says, and says what is not as it should be.
//!
//! Deliberately absent: retry and back-off (the room does that), and any way to write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use contract::{
    Batch, Cause, Notice, Origin, Quality, Sample, Source, SourceError, Thing, Ticket, Trouble, Value,
    async_trait,
};
use opcua::types::{
    DataChangeNotification, DataValue, EventFieldList, EventNotificationList, NotificationMessage,
    StatusChangeNotification, StatusCode,
};

use crate::address::{Item, Wish};
use crate::alarms::{Alarms, Demand};
use crate::chore::Done;
use crate::event;
use crate::link::{Happened, Link, Manner};
use crate::publish::Published;
use crate::session::{Plan, Session};
use crate::settings::TimeFrom;
use crate::subscribe::{CLOCK, NAMESPACES, cause, item};
use crate::value;

/// The most samples in a batch: servers that are told how many to put in a message do not always heed it.
const SAMPLES_MAX: usize = 500;

/// A server, and what we read from it.
pub struct OpcUaSource {
    /// How a session is opened.
    pub plan: Arc<Plan>,
    /// How it is read.
    pub manner: Manner,
    /// Which time counts.
    pub time: TimeFrom,
    /// What is read.
    pub items: Arc<[Item]>,
    /// What has been told to be in trouble.
    pub told: BTreeSet<(Thing, String)>,
    /// What has been heard of alarms.
    pub alarms: Alarms,
    /// What is not handed over yet.
    pub out: Batch,
    /// The connection, if there is one.
    pub link: Option<Link>,
}

#[async_trait]
impl Source for OpcUaSource {
    async fn connect(&mut self) -> Result<(), SourceError> {
        if let Some(link) = self.link.take() {
            link.close().await;
        }
        self.out = Batch::default();
        let session = Session::open(&self.plan).await?;
        let link = Link::make(&self.plan, self.manner, &self.items, session).await?;
        self.alarms.connected();
        self.tell_anew(&link.faults);
        self.link = Some(link);
        Ok(())
    }

    /// Dropped half-way, it leaves everything where it was: messages in the inbox, samples in the batch.
    async fn next(&mut self) -> Result<Batch, SourceError> {
        loop {
            if let Some(batch) = self.hand_over() {
                return Ok(batch);
            }
            let link = self.link.as_mut().ok_or_else(|| SourceError::Lost("not connected".to_owned()))?;
            let happened = link.wait().await;
            if let Err(why) = self.take(happened) {
                self.link = None;
                return Err(SourceError::Lost(format!("{}: {why}", self.plan.at)));
            }
        }
    }

    /// Nothing is kept for us: what was published is acknowledged as it is read.
    async fn settle(&mut self, _: Ticket) -> Result<(), SourceError> {
        Ok(())
    }

    async fn close(&mut self) {
        if let Some(link) = self.link.take() {
            link.close().await;
        }
        self.plan.goodbyes.said().await;
    }
}

impl OpcUaSource {
    fn hand_over(&mut self) -> Option<Batch> {
        let out = &mut self.out;
        if out.samples.len() > SAMPLES_MAX {
            let samples = out.samples.drain(..SAMPLES_MAX).collect();
            return Some(Batch { samples, ..Batch::default() });
        }
        let is_empty = out.samples.is_empty() && out.events.is_empty() && out.notices.is_empty();
        (!is_empty).then(|| std::mem::take(out))
    }

    /// After a connection: what is in trouble now, and what no longer is.
    fn tell_anew(&mut self, faults: &BTreeMap<usize, Cause>) {
        let before = std::mem::take(&mut self.told);
        for (at, cause) in faults {
            self.begin_trouble(*at, cause.clone());
        }
        for (thing, name) in before.difference(&self.told) {
            self.out.notices.push(Notice::Mended(*thing, name.clone()));
        }
    }

    fn begin_trouble(&mut self, at: usize, cause: Cause) {
        let item = &self.items[at];
        let (thing, name) = named(item);
        if let Wish::Value { .. } = item.wish {
            let (Cause::Missing(why) | Cause::Refused(why)) = &cause else { return };
            self.out.samples.push(value::bad_sample(item.tag, why));
        }
        if self.told.insert((thing, name.clone())) {
            self.out.notices.push(Notice::Trouble(Trouble { thing, name, cause }));
        }
    }

    fn end_trouble(&mut self, at: usize) {
        let known = named(&self.items[at]);
        if self.told.remove(&known) {
            self.out.notices.push(Notice::Mended(known.0, known.1));
        }
    }

    fn take(&mut self, happened: Happened) -> Result<(), String> {
        let link = self.link.as_mut().ok_or("not connected")?;
        match happened {
            Happened::Published(Published::Message(subscription, message)) => {
                link.hear(subscription);
                self.message(message)
            }
            Happened::Published(Published::Lost(subscription)) => {
                link.read(subscription);
                link.refresh();
                let words = "the server no longer has messages that did not come; values are read anew";
                self.out.notices.push(Notice::Gap(words.to_owned()));
                Ok(())
            }
            Happened::Published(Published::Ended(status)) => Err(value::name(status)),
            Happened::Done(done) => self.done(done),
            Happened::Late(why) => Err(why),
            Happened::Look => {
                link.look();
                Ok(())
            }
        }
    }

    fn message(&mut self, message: NotificationMessage) -> Result<(), String> {
        for data in message.notification_data.into_iter().flatten() {
            if let Some(changes) = data.inner_as::<DataChangeNotification>() {
                for change in changes.monitored_items.iter().flatten() {
                    self.change(change.client_handle, &change.value)?;
                }
            } else if let Some(list) = data.inner_as::<EventNotificationList>() {
                list.events.iter().flatten().for_each(|event| self.event(event));
            } else if let Some(change) = data.inner_as::<StatusChangeNotification>() {
                return Err(format!("the server ended our subscription: {}", value::name(change.status)));
            }
        }
        Ok(())
    }

    fn change(&mut self, handle: u32, data: &DataValue) -> Result<(), String> {
        let link = self.link.as_mut().ok_or("not connected")?;
        match handle {
            CLOCK => link.tick(),
            NAMESPACES => return same_namespaces(link.namespaces(), data),
            _ => {
                if let Some(at) = item(handle).filter(|at| *at < self.items.len()) {
                    self.value(at, data);
                }
            }
        }
        Ok(())
    }

    fn value(&mut self, at: usize, data: &DataValue) {
        let Wish::Value { deadband, index, .. } = self.items[at].wish else { return };
        let Some(link) = self.link.as_mut() else { return };
        let status = data.status.unwrap_or(StatusCode::Good);
        if value::is_overflown(status) && link.overflown.insert(at) {
            let words =
                format!("{}: the server threw changes away, expected a longer `queue`", self.items[at].place);
            self.out.notices.push(Notice::Gap(words));
        }
        let sample = value::sample(self.items[at].tag, data, index, self.time);
        if let (Some(last), Some(deadband)) = (link.loose.get_mut(&at), deadband)
            && !moved(last, &sample, deadband)
        {
            return;
        }
        let is_gone = matches!(status, StatusCode::BadNodeIdUnknown | StatusCode::BadNodeIdInvalid);
        match (is_gone, link.faults.contains_key(&at)) {
            (true, false) => {
                link.faults.insert(at, cause(status));
                self.begin_trouble(at, cause(status));
            }
            (true, true) => {}
            (false, true) => {
                link.faults.remove(&at);
                self.end_trouble(at);
                self.out.samples.push(sample);
            }
            (false, false) => self.out.samples.push(sample),
        }
    }

    fn event(&mut self, event: &EventFieldList) {
        let Some(at) = item(event.client_handle).filter(|at| *at < self.items.len()) else { return };
        let Some(link) = self.link.as_mut() else { return };
        let fields = event.event_fields.as_deref().unwrap_or_default();
        let heard = event::read(self.items[at].tag, fields, link.namespaces());
        let (news, demand) = self.alarms.hear(self.items[at].tag, heard);
        self.out.events.extend(news);
        match demand {
            Demand::Nothing => {}
            Demand::Refresh => link.refresh(),
            Demand::Whole => self.end_trouble(at),
            Demand::Lost => {
                link.refresh();
                self.begin_trouble(at, Cause::Lost);
            }
        }
    }

    fn done(&mut self, done: Done) -> Result<(), String> {
        let link = self.link.as_mut().ok_or("not connected")?;
        match done {
            Done::Refreshing => {}
            Done::Lost(status) => return Err(value::name(status)),
            Done::Values(values) => values.iter().for_each(|(at, data)| self.value(*at, data)),
            Done::Looked(nodes, watched) => {
                let back = link.looked(nodes, watched);
                back.into_iter().for_each(|at| self.end_trouble(at));
            }
            Done::Conditions(refused, found) => {
                for (tag, alarms) in found {
                    self.conditions(&refused, tag, alarms);
                }
            }
        }
        Ok(())
    }

    /// The server offers no refresh: what was read stands for it.
    fn conditions(&mut self, refused: &str, tag: contract::TagId, alarms: Option<Vec<contract::Alarm>>) {
        let Some(at) = self.items.iter().position(|item| item.tag == tag) else { return };
        match alarms {
            Some(alarms) => {
                self.out.events.extend(self.alarms.read(tag, alarms));
                self.end_trouble(at);
            }
            None => self.out.notices.push(Notice::Gap(format!(
                "{}: the server offers no ConditionRefresh ({refused}), and no condition was found there; alarms \
                 from before are seen when they change",
                self.items[at].place
            ))),
        }
    }
}

fn named(item: &Item) -> (Thing, String) {
    let thing = match item.wish {
        Wish::Value { .. } => Thing::Address,
        Wish::Events { .. } => Thing::Events,
    };
    (thing, item.place.to_string())
}

/// Has it moved by more than the deadband since the last that was given? Anything but a good number has.
fn moved(last: &mut Option<f64>, sample: &Sample, deadband: f64) -> bool {
    let number = match (&sample.value, &sample.quality, sample.origin) {
        (Value::Number(number), Quality::Good, Origin::Live) => Some(*number),
        _ => None,
    };
    let has_moved = match (*last, number) {
        (Some(last), Some(number)) => (number - last).abs() > deadband,
        _ => true,
    };
    if has_moved {
        *last = number;
    }
    has_moved
}

fn same_namespaces(known: &[String], data: &DataValue) -> Result<(), String> {
    let Some(opcua::types::Variant::Array(array)) = &data.value else { return Ok(()) };
    let is_same = array.values.len() == known.len()
        && array.values.iter().zip(known).all(|(found, known)| found.to_string() == *known);
    match is_same {
        true => Ok(()),
        false => Err("the list of its namespaces changed".to_owned()),
    }
}
