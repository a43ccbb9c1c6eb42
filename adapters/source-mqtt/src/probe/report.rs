//! What was heard, for people.

use std::fmt;

use contract::clean;

use super::shape::{Place, Shape};
use super::{Report, Seen};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages: u64 = self.topics.values().map(|seen| seen.messages).sum::<u64>() + self.beyond;
        let (at, filter, secs) = (&self.at, &self.filter, self.time.as_secs_f64());
        writeln!(
            f,
            "{at}: {messages} messages on {} topics in {secs} s, subscribed to `{filter}`",
            self.topics.len()
        )?;
        if self.beyond > 0 {
            writeln!(f, "{} messages on further topics were not looked at", self.beyond)?;
        }
        if let Some(cut) = &self.cut {
            writeln!(f, "it ended before its time: {cut}")?;
        }
        for (topic, seen) in &self.topics {
            if seen.shape != Shape::Sparkplug {
                self.topic(f, topic, seen)?;
            }
        }
        self.births(f)?;
        match messages {
            // A broker grants what a right forbids and then says nothing.
            0 => writeln!(f, "nothing was said; some brokers grant a subscription that a right forbids"),
            _ => Ok(()),
        }
    }
}

impl Report {
    fn topic(&self, f: &mut fmt::Formatter<'_>, topic: &str, seen: &Seen) -> fmt::Result {
        let Seen { messages, is_retained, shape } = seen;
        let rate = *messages as f64 / self.time.as_secs_f64().max(1.0);
        let retained = if *is_retained { ", retained" } else { "" };
        let head = format!("{}  ({messages} messages, {rate:.1}/s{retained})", clean(topic, 200));
        match shape {
            Shape::Empty => writeln!(f, "{head}  empty"),
            Shape::Plain(Place { kind, example }) => writeln!(f, "{head}  {} {example}", kind.word()),
            Shape::Binary(len) => writeln!(f, "{head}  {len} bytes that are no text"),
            Shape::TooLarge => writeln!(f, "{head}  too large to look into"),
            Shape::Sparkplug => Ok(()),
            Shape::Json(places) => {
                writeln!(f, "{head}  JSON")?;
                places.iter().try_for_each(|(pointer, Place { kind, example })| {
                    writeln!(f, "    {}  {} {example}", clean(pointer, 200), kind.word())
                })
            }
        }
    }

    fn births(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((group, edge, device), metrics) in &self.births.parts {
            let device = device.as_ref().map(|device| format!("/{device}")).unwrap_or_default();
            let name = clean(&format!("{group}/{edge}{device}"), 200);
            let Some(metrics) = metrics else {
                writeln!(f, "Sparkplug {name}  speaks; its birth certificate was not heard")?;
                continue;
            };
            writeln!(f, "Sparkplug {name}  born with {} metrics", metrics.len())?;
            for metric in metrics {
                let unit = metric.unit.as_deref().unwrap_or_default();
                writeln!(f, "    {}  {} {unit}", clean(&metric.name, 200), metric.datatype)?;
            }
        }
        Ok(())
    }
}
