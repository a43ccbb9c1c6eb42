//! Asks for what changed, again and again, and gives it on in order.
//!
//! A number that is missing in the server's messages is asked for again (Republish); if the server no longer has
//! it, that is told. A message is acknowledged with the next request.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use opcua::client::services::{Publish, Republish};
use opcua::types::{Error, NotificationMessage, PublishResponse, StatusCode, SubscriptionAcknowledgement};
use tokio::sync::mpsc;

use crate::session::{Aborting, Header, Line};

/// Requests that wait at the server: one to answer at once, one while the first is on its way.
const REQUESTS: usize = 2;
/// Messages between this task and whoever reads. Beyond, we ask for no more, and the server's queues fill.
pub const INBOX_MAX: usize = 8;
/// The most messages that are asked for again. More were lost: values are read anew instead.
const MISSING_MAX: u32 = 50;

/// What comes of asking.
#[derive(Debug)]
pub enum Published {
    /// A message of a subscription; one without content says that nothing changed.
    Message(u32, NotificationMessage),
    /// Messages of a subscription that the server no longer has.
    Lost(u32),
    /// It is over.
    Ended(StatusCode),
}

/// Starts asking. `silence_max` is the longest a request may wait at the server.
pub fn start(line: Line, silence_max: Duration) -> (Aborting<()>, mpsc::Receiver<Published>) {
    let (sender, receiver) = mpsc::channel(INBOX_MAX);
    let asker = Asker { line, silence_max, sender, numbers: BTreeMap::new(), acknowledge: Vec::new() };
    (Aborting(tokio::spawn(asker.run())), receiver)
}

struct Asker {
    line: Line,
    silence_max: Duration,
    sender: mpsc::Sender<Published>,
    /// The number that each subscription gives next.
    numbers: BTreeMap<u32, u32>,
    acknowledge: Vec<SubscriptionAcknowledgement>,
}

type Asked = Aborting<Result<PublishResponse, Error>>;

impl Asker {
    async fn run(mut self) {
        // The server answers in the order in which we asked.
        let mut asked: VecDeque<Asked> = VecDeque::new();
        let mut requests = REQUESTS;
        loop {
            while asked.len() < requests {
                asked.push_back(self.ask());
            }
            let Some(mut first) = asked.pop_front() else { return };
            let answer = (&mut first.0).await;
            let answer = answer.unwrap_or_else(|_| Err(Error::new(StatusCode::BadDecodingError, "")));
            let went_on = match answer {
                Ok(response) => self.take(response).await,
                Err(error) if error.status() == StatusCode::BadTooManyPublishRequests && requests > 1 => {
                    requests -= 1;
                    true
                }
                Err(error) => self.end(error.status()).await,
            };
            if !went_on {
                return;
            }
        }
    }

    fn ask(&mut self) -> Asked {
        let line = self.line.clone();
        let Header { session, token, handle, .. } = line.header();
        let acknowledge = std::mem::take(&mut self.acknowledge);
        let request = Publish::new_manual(session, self.silence_max, token, handle).acks(acknowledge);
        Aborting(tokio::spawn(async move { line.ask(request).await }))
    }

    async fn take(&mut self, response: PublishResponse) -> bool {
        let (id, message) = (response.subscription_id, response.notification_message);
        let number = message.sequence_number;
        let is_content = message.notification_data.as_ref().is_some_and(|data| !data.is_empty());
        for missing in missing(self.numbers.get(&id).copied(), number) {
            let went_on = match missing {
                Missing::One(number) => self.again(id, number).await,
                Missing::TooMany => self.give(Published::Lost(id)).await,
            };
            if !went_on {
                return false;
            }
        }
        if is_content {
            self.acknowledge
                .push(SubscriptionAcknowledgement { subscription_id: id, sequence_number: number });
        }
        // A message without content bears the number of the next one with content.
        self.numbers.insert(id, if is_content { following(number) } else { number });
        self.give(Published::Message(id, message)).await
    }

    async fn again(&mut self, id: u32, number: u32) -> bool {
        let Header { session, timeout, token, handle } = self.line.header();
        let request = Republish::new_manual(id, number, session, timeout, token, handle);
        match self.line.ask(request).await {
            Ok(response) => {
                self.acknowledge
                    .push(SubscriptionAcknowledgement { subscription_id: id, sequence_number: number });
                self.give(Published::Message(id, response.notification_message)).await
            }
            Err(_) => self.give(Published::Lost(id)).await,
        }
    }

    async fn end(&mut self, status: StatusCode) -> bool {
        self.give(Published::Ended(status)).await;
        false
    }

    async fn give(&self, published: Published) -> bool {
        self.sender.send(published).await.is_ok()
    }
}

/// A message that did not come.
#[derive(Debug, PartialEq, Eq)]
enum Missing {
    One(u32),
    TooMany,
}

/// What is missing before a message, given the number that was expected.
fn missing(expected: Option<u32>, found: u32) -> Vec<Missing> {
    let Some(expected) = expected else { return Vec::new() };
    let count = found.wrapping_sub(expected);
    // A number from before is a message that comes twice.
    if count == 0 || count > u32::MAX / 2 {
        return Vec::new();
    }
    if count > MISSING_MAX {
        return vec![Missing::TooMany];
    }
    (0..count)
        .map(|step| expected.wrapping_add(step))
        .filter(|number| *number != 0)
        .map(Missing::One)
        .collect()
}

/// Numbers go on at 1 after the largest (OPC 10000-4, 5.13.1.1).
fn following(number: u32) -> u32 {
    number.checked_add(1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_asked_for_and_nothing_else() {
        let one = |number| Missing::One(number);
        assert_eq!(missing(None, 7), []);
        assert_eq!(missing(Some(7), 7), []);
        assert_eq!(missing(Some(7), 9), [one(7), one(8)]);
        assert_eq!(missing(Some(7), 6), []);
        assert_eq!(missing(Some(7), 100), [Missing::TooMany]);
        assert_eq!(missing(Some(u32::MAX), 2), [one(u32::MAX), one(1)]);
        assert_eq!(following(u32::MAX), 1);
    }
}
