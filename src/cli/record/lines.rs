//! What a source said, as lines of a recording.

use contract::{Alarm, Batch, Event, ListId, Moment, Notice, Origin, Quality, Record, Sample, TagId};

use crate::config::Plan;
use crate::replay::Line;
use crate::replay::line::{AlarmLine, RecordLine, json};
use crate::source::supervise::Heard;

/// Knows the names of all that can be said.
pub struct Scribe {
    tags: Vec<String>,
    lists: Vec<String>,
    sources: Vec<String>,
    /// Which sources read a list: of those it is kept when they have said all.
    has_list: Vec<bool>,
}

impl Scribe {
    /// Of a plan.
    pub fn new(plan: &Plan) -> Scribe {
        let tags = plan.machines.iter().flat_map(|machine| {
            machine.tags.iter().map(|tag| format!("{}/{}", machine.author.key, tag.name))
        });
        let has_list = |source| plan.lists.iter().any(|list| list.source == source);
        Scribe {
            tags: tags.collect(),
            lists: plan.lists.iter().map(|list| list.name.clone()).collect(),
            sources: plan.sources.iter().map(|source| source.name.clone()).collect(),
            has_list: (0..plan.sources.len()).map(has_list).collect(),
        }
    }

    /// The lines of what was heard of a source at this moment.
    pub fn lines(&self, source: usize, heard: Heard, now: Moment) -> Vec<Line> {
        let named = || Line { now: now.into(), source: self.sources.get(source).cloned(), ..Line::default() };
        let batch = match heard {
            Heard::Up => return vec![Line { connected: Some(true), ..named() }],
            Heard::Down(_) => return vec![Line { connected: Some(false), ..named() }],
            Heard::Batch(batch) => batch,
            // Nobody asks a source to leave while it is recorded.
            Heard::Left => return Vec::new(),
        };
        let Batch { samples, events, ticket, notices } = batch;
        let mut lines: Vec<Line> = notices.into_iter().filter_map(|notice| said(notice, named())).collect();
        lines.extend(samples.into_iter().map(|sample| self.sample(sample, now)));
        lines.extend(events.into_iter().map(|event| self.event(event, now)));
        let has_list = self.has_list.get(source).copied().unwrap_or_default();
        lines.extend((ticket.is_some() && has_list).then(|| Line { said_all: true, ..named() }));
        lines
    }

    fn tag(&self, tag: TagId) -> Option<String> {
        self.tags.get(tag.0 as usize).cloned()
    }

    fn list(&self, list: ListId) -> String {
        self.lists.get(list.0 as usize).cloned().unwrap_or_default()
    }

    fn sample(&self, sample: Sample, now: Moment) -> Line {
        let Sample { tag, value, quality, at, origin } = sample;
        let (quality, bad) = match quality {
            Quality::Good => (None, None),
            Quality::Uncertain => (Some("uncertain".to_owned()), None),
            Quality::Bad(why) => (None, Some(why.to_string())),
        };
        let line = Line {
            now: now.into(),
            at: at.map(Into::into),
            tag: self.tag(tag),
            quality,
            bad,
            ..Line::default()
        };
        of(origin, Line { value: Some(json(&value)), ..line })
    }

    fn event(&self, event: Event, now: Moment) -> Line {
        let line = Line { now: now.into(), ..Line::default() };
        match event {
            Event::Record(record) => self.record(record, line),
            Event::Gone(list, key) => Line { gone: Some((self.list(list), key.to_string())), ..line },
            Event::There(list, key) => Line { there: Some((self.list(list), key.to_string())), ..line },
            Event::Begin(list) => Line { begin: Some(self.list(list)), ..line },
            Event::Whole(list) => Line { ended: Some(self.list(list)), ..line },
            Event::Partly(list) => Line { partly: Some(self.list(list)), ..line },
            Event::Alarm(alarm) => self.alarm(alarm, line),
            Event::Refreshing(tag) => Line { refreshing: self.tag(tag), ..line },
            Event::Refreshed(tag) => Line { refreshed: self.tag(tag), ..line },
        }
    }

    fn record(&self, record: Record, line: Line) -> Line {
        let Record { list, key, fields, at, origin } = record;
        let cell = |cell: &Option<_>| cell.as_ref().map_or(serde_json::Value::Null, json);
        let fields = fields.iter().map(cell).collect();
        let record = RecordLine { list: self.list(list), fields, key: Some(key.to_string()) };
        of(origin, Line { at: at.map(Into::into), record: Some(record), ..line })
    }

    fn alarm(&self, alarm: Alarm, line: Line) -> Line {
        let Alarm { tag, key, name, message, severity, is_active, is_acknowledged, at, origin } = alarm;
        let alarm = AlarmLine {
            tag: self.tag(tag),
            key: key.to_string(),
            name: Some(name.to_string()),
            message: message.to_string(),
            severity,
            active: is_active,
            acknowledged: is_acknowledged,
        };
        of(origin, Line { at: at.map(Into::into), alarm: Some(alarm), ..line })
    }
}

fn of(origin: Origin, line: Line) -> Line {
    match origin {
        Origin::Live => line,
        Origin::Retained => Line { retained: true, ..line },
        Origin::Backfill => Line { backfill: true, ..line },
    }
}

/// What is told in posts; the rest is for the log of whoever runs a service.
fn said(notice: Notice, line: Line) -> Option<Line> {
    match notice {
        Notice::Trouble(trouble) => Some(Line { trouble: Some(trouble), ..line }),
        Notice::Mended(thing, name) => Some(Line { mended: Some((thing, name)), ..line }),
        Notice::Poison(_) | Notice::Gap(_) | Notice::Unclaimed(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::Names;
    use contract::{Cause, Thing, Ticket, Trouble, Value};

    const PLANT: &str = r#"
        [site]
        name = "Usine"
        [network.wall.local]
        [source.exec.plc]
        command = ["cat"]
        [source.exec.erp]
        command = ["cat"]
        [list.orders]
        source = "erp"
        key = ["number"]
        field.number = { from = "number" }
        field.quantity = { from = "quantity", type = "number" }
        field.due = { from = "due", type = "time" }
        [machine.press-3.tag.oil]
        source = "plc"
        called = "oil"
        [machine.press-3.tag.alarms]
        source = "plc"
        called = "alarms"
    "#;

    /// All that a source can say, written and read again, is what it said.
    #[test]
    fn a_recording_holds_all_that_matters() {
        let plan = crate::config::read(vec![("plant.toml".into(), PLANT.into())]).unwrap();
        let (scribe, names) = (Scribe::new(&plan), Names::new(&plan));
        let oil = names.tag("press-3/oil").unwrap().0;
        let now = Moment::from_ms(1_795_500_000_123);
        let at = Some(Moment::from_ms(1_795_499_999_001));
        let sample = |value, quality, at, origin| Sample { tag: oil, value, quality, at, origin };
        let list = ListId(0);
        let alarm = |is_acknowledged, at| Alarm {
            tag: names.tag("press-3/alarms").unwrap().0,
            key: "door".into(),
            name: "Door".into(),
            message: "open".into(),
            severity: 700,
            is_active: true,
            is_acknowledged,
            at,
            origin: Origin::Retained,
        };
        // In the order of their names, as every source gives them.
        let fields = |number| vec![Some(Value::Time(now)), Some(Value::Text("OF 7".into())), number];
        let row = |number| Record {
            list,
            key: "OF 7".into(),
            fields: fields(number).into(),
            at: None,
            origin: Origin::Backfill,
        };
        let batch = Batch {
            samples: vec![
                sample(Value::Number(0.1 + 0.2), Quality::Good, at, Origin::Live),
                sample(Value::Flag(true), Quality::Uncertain, None, Origin::Retained),
                sample(Value::Text("é".into()), Quality::Bad("broken".into()), None, Origin::Backfill),
            ],
            events: vec![
                Event::Begin(list),
                Event::Record(row(Some(Value::Number(3.5)))),
                Event::Record(row(None)),
                Event::There(list, "OF 8".into()),
                Event::Whole(list),
                Event::Partly(list),
                Event::Gone(list, "OF 7".into()),
                Event::Refreshing(alarm(None, None).tag),
                Event::Alarm(alarm(None, at)),
                Event::Alarm(alarm(Some(true), None)),
                Event::Refreshed(alarm(None, None).tag),
            ],
            ticket: Some(Ticket(0)),
            notices: vec![
                Notice::Trouble(Trouble {
                    thing: Thing::Device,
                    name: "unit 3".into(),
                    cause: Cause::NoAnswer,
                }),
                Notice::Mended(Thing::Device, "unit 3".into()),
            ],
        };
        let mut again = Batch::default();
        for line in scribe.lines(1, Heard::Batch(batch.clone()), now) {
            let text = serde_json::to_string(&line).unwrap();
            let line: Line = serde_json::from_str(&text).unwrap();
            assert_eq!(names.moment(&line.now), Ok(now), "{text}");
            let (_, part) = line.batch(&names).unwrap();
            again.samples.extend(part.samples);
            again.events.extend(part.events);
            again.notices.extend(part.notices);
            again.ticket = again.ticket.or(part.ticket);
        }
        assert_eq!(again, batch);
    }
}
