//! Listens to a broker for a while and tells what is said there: topics, what their payloads look like, births of
//! Sparkplug B; and suggests a configuration. Publishes nothing; keeps no session.
//!
//! Memory is bounded: so many topics, of each a short example; so many births, of each so many metrics. What is beyond
//! is counted.

mod births;
mod report;
mod shape;
mod suggest;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use contract::SourceError;
use contract::settings::Secret;
use serde_json::json;
use tokio::time::{Instant, timeout, timeout_at};

use self::births::Births;
use self::shape::Shape;
use crate::line::{Frame, Line};
use crate::refusal::{self, Stage};
use crate::settings::{Endpoint, Qos, Settings, Version};
use crate::sparkplug;
use crate::wire::{self, Greeting, Packet, Publish};
use crate::{door, tls};

/// Topics that are kept; a plant of fifty machines has fewer.
const TOPICS_MAX: usize = 2_000;
/// The largest packet that is looked into, in bytes.
const PACKET_MAX: usize = 1 << 20;
/// The longest that a probe listens.
const TIME_MAX: Duration = Duration::from_secs(3600);

/// Where to listen, and for how long.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name of the source in the suggested configuration.
    pub name: String,
    /// As `url` of the source.
    pub url: String,
    /// As `version` of the source.
    pub version: Version,
    /// As `user` of the source.
    pub user: Option<String>,
    /// As `password` of the source.
    pub password: Option<Secret>,
    /// As `ca` of the source.
    pub ca: Option<PathBuf>,
    /// What to subscribe to; `#` is everything.
    pub filter: String,
    /// How long to listen; at most an hour.
    pub time: Duration,
}

/// What was heard.
#[derive(Debug)]
pub struct Report {
    /// The broker.
    at: String,
    filter: String,
    time: Duration,
    topics: BTreeMap<String, Seen>,
    births: Births,
    /// Messages on topics beyond the bound.
    beyond: u64,
    /// Why it ended before its time, if it did.
    cut: Option<String>,
    /// A configuration for what was heard: a source, and machines with tags. The program accepts it beside a site and
    /// a network.
    pub configuration: String,
}

/// What was heard on one topic.
#[derive(Debug)]
struct Seen {
    messages: u64,
    is_retained: bool,
    shape: Shape,
}

/// Listens.
///
/// # Errors
/// The options do not fit together, or the broker cannot be reached or does not let us in; as a source says it.
pub async fn probe(options: &Options) -> Result<Report, SourceError> {
    let settings = settings(options)?;
    let at = Endpoint::parse(&settings.url).map_err(SourceError::Refused)?;
    let mut stage = Stage::Reaching;
    let opened = timeout(settings.connect_timeout.0, open(options, &settings, &at, &mut stage)).await;
    let mut line = match opened {
        Ok(line) => line?,
        Err(_) => return Err(refusal::late(stage, &at, settings.connect_timeout.0.as_secs_f64())),
    };
    let mut report = Report {
        at: at.to_string(),
        filter: options.filter.clone(),
        time: options.time.min(TIME_MAX),
        topics: BTreeMap::new(),
        births: Births::default(),
        beyond: 0,
        cut: None,
        configuration: String::new(),
    };
    let until = Instant::now() + report.time;
    match timeout_at(until, listen(options.version, &at, &mut line, &mut report)).await {
        // The time is over.
        Err(_) => {}
        Ok(Err(error @ SourceError::Lost(_))) if !report.topics.is_empty() => {
            report.cut = Some(error.to_string())
        }
        Ok(Err(error)) => return Err(error),
        Ok(Ok(())) => {}
    }
    report.configuration = suggest::configuration(options, &report);
    Ok(report)
}

/// The table of a source with these options, so that they are checked as it is.
fn settings(options: &Options) -> Result<Settings, SourceError> {
    use contract::Check;
    crate::topic::check(&options.filter).map_err(SourceError::Refused)?;
    let mut table = json!({"url": options.url, "user": options.user, "session_expiry": "0s"});
    if let Some(ca) = &options.ca {
        table["ca"] = json!(ca);
    }
    let mut settings: Settings =
        serde_json::from_value(table).map_err(|error| SourceError::Refused(error.to_string()))?;
    (settings.version, settings.password) = (options.version, options.password.clone());
    match settings.check().first() {
        Some(fault) => Err(SourceError::Refused(format!("{}: {}", fault.key, fault.message))),
        None => Ok(settings),
    }
}

async fn open(
    options: &Options,
    settings: &Settings,
    at: &Endpoint,
    stage: &mut Stage,
) -> Result<Line, SourceError> {
    let fault = |fault: contract::Fault| SourceError::Refused(format!("{}: {}", fault.key, fault.message));
    let tls = if at.tls { Some(tls::connector(settings).map_err(fault)?) } else { None };
    let password = settings.password.as_ref().map(Secret::read).transpose();
    let greeting = Greeting {
        version: settings.version,
        client_id: format!("portevoix-probe-{}", std::process::id()),
        user: settings.user.clone(),
        password: password.map_err(SourceError::Refused)?,
        // Longer than we listen, so that nothing need be asked.
        keep_alive: (options.time.min(TIME_MAX).as_secs() as u16).saturating_mul(2).saturating_add(60),
        session_expiry: 0,
        will: None,
    };
    let mut line = Line::new(door::reach(at, tls.as_ref(), stage).await?, PACKET_MAX);
    *stage = Stage::Greeting;
    let wrong = |error| refusal::malformed(Stage::Greeting, at, &error);
    wire::greet(&greeting, &mut line.output).map_err(wrong)?;
    let welcome = door::welcome(settings.version, at, &mut line).await?;
    if welcome.code != 0 {
        return Err(refusal::unwelcome(settings.version, at, &welcome));
    }
    *stage = Stage::Subscribing;
    let filters = std::slice::from_ref(&options.filter);
    wire::subscribe(settings.version, 1, filters, Qos::Zero, &mut line.output).map_err(wrong)?;
    Ok(line)
}

/// Reads until the line ends.
async fn listen(
    version: Version,
    at: &Endpoint,
    line: &mut Line,
    report: &mut Report,
) -> Result<(), SourceError> {
    let wrong = |error| refusal::malformed(Stage::Reading, at, &error);
    loop {
        while let Some(frame) = line.frame().map_err(wrong)? {
            match frame {
                Frame::Oversize { topic, .. } => report.hear(&topic, false, || Shape::TooLarge),
                Frame::Whole { len, body } => {
                    match wire::read(version, line.bytes(len), body).map_err(wrong)? {
                        Packet::Publish(message) => report.take(&message),
                        Packet::Subscribed(_, codes) => {
                            if let Some(code) = codes.iter().find(|code| **code >= 0x80) {
                                return Err(refusal::ungranted(at, &report.filter, *code));
                            }
                        }
                        Packet::Goodbye(code, reason) => return Err(refusal::goodbye(at, code, &reason)),
                        _ => {}
                    }
                    line.consume(len);
                }
            }
        }
        line.pump().await.map_err(|error| refusal::broken(Stage::Reading, at, &error))?;
    }
}

impl Report {
    fn take(&mut self, message: &Publish<'_>) {
        let Ok(topic) = std::str::from_utf8(message.topic) else {
            self.beyond += 1;
            return;
        };
        if let Some(parsed @ sparkplug::topic::Topic::Edge { .. }) = sparkplug::topic::parse(topic) {
            self.births.take(&parsed, message.payload);
            return self.hear(topic, message.is_retained, || Shape::Sparkplug);
        }
        self.hear(topic, message.is_retained, || shape::of(message.payload));
    }

    /// Counts a message. The first one of a topic shows its shape, until one that says more comes.
    fn hear(&mut self, topic: &str, is_retained: bool, shape: impl FnOnce() -> Shape) {
        if let Some(seen) = self.topics.get_mut(topic) {
            seen.messages += 1;
            if seen.shape.is_empty() {
                seen.shape = shape();
            }
        } else if self.topics.len() < TOPICS_MAX {
            self.topics.insert(topic.to_owned(), Seen { messages: 1, is_retained, shape: shape() });
        } else {
            self.beyond += 1;
        }
    }
}
