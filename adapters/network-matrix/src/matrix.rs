//! One room of one server, as the outbox sees it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use contract::{
    Capabilities, Delivery, DeliveryError, Length, Network, Receipt, Repeat, Setup, Step, async_trait,
};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::api::Server;
use crate::event::{self, BODY_BYTES_MAX};
use crate::judge::{judge, judge_before, read, read_before};
use crate::people::Me;
use crate::settings::Settings;
use crate::write::{Words, words};
use crate::{Draw, Picture};

/// What was refused is not asked for again sooner, however often somebody wants to know.
const REFUSED_FOR: Duration = Duration::from_secs(60);

/// A room.
pub(crate) struct Room {
    pub(crate) server: Server,
    pub(crate) settings: Settings,
    /// The keys of the machines, to see beforehand that they may speak.
    pub(crate) machines: Vec<String>,
    pub(crate) me: OnceCell<Me>,
    known: Mutex<Known>,
    refused: Mutex<Option<(Instant, DeliveryError)>>,
    draw: Draw,
}

/// What was found out and holds until the server says otherwise.
#[derive(Default)]
pub(crate) struct Known {
    /// The id of the room of the configuration.
    pub(crate) room: Option<String>,
    /// Who is in which room, under which name: room, user, name.
    pub(crate) present: BTreeMap<(String, String), String>,
}

/// Where a post is: the outbox keeps it as a text, and a room may be another by the time of an edit.
struct Place<'a> {
    room: &'a str,
    event: &'a str,
}

fn place(receipt: &Receipt) -> Result<Place<'_>, DeliveryError> {
    match receipt.0.split_once(' ') {
        Some((room, event)) => Ok(Place { room, event }),
        None => Err(DeliveryError::Never(format!("`{}` names no event of Matrix", receipt.0))),
    }
}

/// The receipt of an event.
pub(crate) fn receipt(room: &str, event: &str) -> Receipt {
    Receipt(format!("{room} {event}"))
}

impl Room {
    pub(crate) fn new(server: Server, setup: &Setup<'_>, settings: Settings, draw: Draw) -> Room {
        let machines = setup.site.machines.iter().map(|machine| machine.key.clone()).collect();
        let (me, known, refused) = (OnceCell::new(), Mutex::default(), Mutex::new(None));
        Room { server, settings, machines, me, known, refused, draw }
    }

    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The room of a delivery: that of the post that it changes or answers, else that of the configuration.
    async fn room_of(&self, step: &Step) -> Result<String, DeliveryError> {
        match step {
            Step::Open => self.room().await,
            Step::Edit(shown) | Step::Reply(shown) => Ok(place(shown)?.room.to_owned()),
        }
    }

    /// Says it, after all that must be so before.
    async fn say(&self, delivery: &Delivery<'_>) -> Result<Receipt, DeliveryError> {
        let fits = |words: &Words| event::fits(words, delivery);
        let words = words(delivery.post, &self.settings.mentions, fits).map_err(DeliveryError::Never)?;
        let content = match delivery.step {
            Step::Open => event::open(&words, delivery),
            Step::Reply(root) => event::reply(&words, delivery, place(root)?.event),
            Step::Edit(shown) => event::edit(&words, delivery, place(shown)?.event),
        };
        let room = self.room_of(delivery.step).await?;
        self.refuse_encryption(&room).await?;
        let user = self.speaker(&room, &delivery.post.author).await?;
        let sent = self.send(&room, &event::transaction(delivery), &user, &content).await?;
        Ok(match delivery.step {
            Step::Open | Step::Reply(_) => receipt(&room, &sent),
            Step::Edit(shown) => shown.clone(),
        })
    }

    /// Sends one event and gives its id.
    async fn send(
        &self,
        room: &str,
        transaction: &str,
        user: &str,
        content: &Value,
    ) -> Result<String, DeliveryError> {
        #[derive(Deserialize)]
        struct Sent {
            event_id: String,
        }
        let answer = self.server.send(room, transaction, user, content).await?;
        if let Err(error) = judge(&answer) {
            if matches!(error, DeliveryError::LockedOut(_)) {
                // Removed from the room, a room that moved, a device that somebody deleted: found out anew next time.
                *self.known() = Known::default();
            }
            return Err(error);
        }
        read::<Sent>(&answer.body).map(|sent| sent.event_id)
    }

    /// The chart of a post as a picture under it.
    async fn show(
        &self,
        delivery: &Delivery<'_>,
        under: &Receipt,
        drawn: Picture,
        alt: &str,
    ) -> Result<(), DeliveryError> {
        #[derive(Deserialize)]
        struct Uploaded {
            content_uri: String,
        }
        let Place { room, event } = place(under)?;
        let user = self.speaker(room, &delivery.post.author).await?;
        let answer = self.server.upload(event::PICTURE_NAME, drawn.png.clone(), &user).await?;
        judge_before(&answer, "the upload of a picture")?;
        let Uploaded { content_uri } = read_before(&answer.body)?;
        let content = event::picture(&drawn, alt, &content_uri, delivery, event);
        self.send(room, &event::picture_transaction(delivery), &user, &content).await.map(|_| ())
    }

    /// Shows the picture of a new post, if there is one. The words matter more: without it they stand alone.
    async fn illustrate(&self, delivery: &Delivery<'_>, shown: &Receipt, until: tokio::time::Instant) {
        let under = match delivery.step {
            Step::Open => shown,
            Step::Reply(root) => root,
            Step::Edit(_) => return,
        };
        let Some(chart) = delivery.post.chart.as_deref() else { return };
        let Some(drawn) = (self.draw)(chart) else { return };
        match tokio::time::timeout_at(until, self.show(delivery, under, drawn, &chart.alt)).await {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => tracing::warn!(episode = %delivery.post.episode, %reason, "no picture"),
            Err(_) => tracing::warn!(episode = %delivery.post.episode, "no picture in time"),
        }
    }

    /// What was refused a moment ago, still is.
    fn refused_lately(&self) -> Option<DeliveryError> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.as_ref().filter(|(at, _)| at.elapsed() < REFUSED_FOR).map(|(_, error)| error.clone())
    }
}

#[async_trait]
impl Network for Room {
    fn capabilities(&self) -> Capabilities {
        let (lasts, settle) = (self.settings.key_lasts.0, self.settings.settle.0);
        Capabilities {
            repeat: if lasts.is_zero() {
                Repeat::Look { settle }
            } else {
                Repeat::ShortKey { lasts, settle }
            },
            edit: true,
            thread: true,
            mention: true,
            length: Length::Bytes(BODY_BYTES_MAX),
            pace: self.settings.pace(),
        }
    }

    async fn publish(&self, delivery: &Delivery<'_>) -> Result<Receipt, DeliveryError> {
        let until = tokio::time::Instant::now() + self.server.total();
        // The first post makes a user and joins the room too: together they have no more time than one alone.
        let shown = match tokio::time::timeout_at(until, self.say(delivery)).await {
            Ok(said) => said?,
            Err(_) => return Err(DeliveryError::Unanswered { reason: "no answer in time".to_owned() }),
        };
        self.illustrate(delivery, &shown, until).await;
        Ok(shown)
    }

    async fn look(&self, delivery: &Delivery<'_>) -> Result<Option<Receipt>, DeliveryError> {
        let room = self.room_of(delivery.step).await?;
        self.find(&room, delivery).await
    }

    /// Serves nothing: sees whether one could post, so that a mistake is known before the first alarm.
    async fn serve(&self) -> Result<(), DeliveryError> {
        if let Some(error) = self.refused_lately() {
            return Err(error);
        }
        let found = self.ready().await;
        if let Err(error) = &found {
            let now = (Instant::now(), error.clone());
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        }
        found
    }
}
