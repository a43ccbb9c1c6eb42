//! The summary of a shift, a day or a week: what the next team must know of a machine.
//!
//! It compares a machine with itself alone, and says how its figures are counted.

use std::time::Duration;

use contract::settings::Words;
use contract::{Author, EpisodeId, Line, LineRole, Mark, Moment, Post, Priority, Provenance, Text, clean};

use super::write::FIRST_LINE_CHARS_MAX;
use super::{Language, Still};
use crate::production::{Figures, Method, MicroStops, Times};

/// Of what is open, the name is cut at so many characters.
const OPEN_CHARS_MAX: usize = 30;

/// More than a reader takes in before the next team is there. What is open is counted then, instead of named.
const CHARS_MAX: usize = 600;

/// Four weeks are said as such.
const MONTH_DAYS: u64 = 27;

/// What is over.
#[derive(Debug, Clone, Copy)]
pub enum Ended<'a> {
    /// A shift.
    Shift {
        /// Its key in the configuration.
        key: &'a str,
        /// What people call it, if it is still configured.
        words: Option<&'a Words>,
    },
    /// A day.
    Day,
    /// A week.
    Week,
}

/// The TRS of the weeks before.
#[derive(Debug, Clone, Copy)]
pub struct Average {
    /// From 0 to 1.
    pub trs: f64,
    /// Over so many days.
    pub days: u64,
}

/// The longest stop: how long, and the key and the words of its cause.
pub type Longest<'a> = (Duration, Option<(&'a str, &'a Words)>);

/// All that is summed up.
#[derive(Debug, Clone)]
pub struct Summary<'a> {
    /// The name of its post.
    pub episode: EpisodeId,
    /// The summary in the configuration: `summary.shifts`.
    pub rule: &'a str,
    /// The machine.
    pub author: &'a Author,
    /// What is over.
    pub ended: Ended<'a>,
    /// When it began.
    pub begun: Moment,
    /// When it ended.
    pub end: Moment,
    /// What it sums up to.
    pub figures: &'a Figures,
    /// How it is counted.
    pub method: Method,
    /// The weeks before.
    pub average: Option<Average>,
    /// The longest stop.
    pub longest: Option<Longest<'a>>,
    /// How many stories were not told, because there was no room for them.
    pub held: u32,
}

/// The post of a summary. `open` are the first points that are open on the machine, how many more there are, and how
/// many are set aside.
pub fn summary(
    summary: &Summary<'_>,
    open: (&[Still], usize, usize),
    language: &Language,
    now: Moment,
) -> Post {
    let page = Page { summary, language, times: summary.figures.times(summary.method) };
    let mut post = Post {
        episode: summary.episode.clone(),
        version: 1,
        author: summary.author.clone(),
        language: language.code().to_owned(),
        priority: Priority::Low,
        mark: Mark::Digest,
        word: language.say("word-summary", &[]),
        fact: Text::default(),
        lines: Vec::new(),
        begun: summary.begun,
        ended: Some(summary.end),
        written: now,
        chart: None,
        provenance: Provenance {
            rule: summary.rule.to_owned(),
            value: page.times.trs(),
            ..Provenance::default()
        },
    };
    let opening = post.first_line().plain().chars().count();
    let fact = page.fact(usize::MAX);
    let over = (opening + fact.chars().count()).saturating_sub(FIRST_LINE_CHARS_MAX);
    post.fact = Text::default().ours(if over == 0 { fact } else { page.fact(over) });
    let (named, more, paused) = open;
    let room = CHARS_MAX.saturating_sub(post.first_line().plain().chars().count());
    for left_out in 0..named.len().max(1) {
        let (named, more) = (&named[..named.len() - left_out], more + left_out);
        post.lines = page.lines((named, more, paused), now);
        let chars = post.lines.iter().map(|line| line.text.plain().chars().count() + 1);
        if chars.sum::<usize>() <= room {
            break;
        }
    }
    post
}

struct Page<'a> {
    summary: &'a Summary<'a>,
    language: &'a Language,
    times: Times,
}

impl Page<'_> {
    /// The first line. The name of a shift is cut by so many characters, if the line is too long.
    fn fact(&self, over: usize) -> String {
        let (language, summary) = (self.language, self.summary);
        let trs =
            self.times.trs().map_or_else(|| language.say("summary-unknown", &[]), |trs| self.percent(trs));
        let day = language.weekday(summary.begun);
        let shift = match summary.ended {
            Ended::Week => {
                return language
                    .say("summary-week", &[("day", &language.date(summary.begun)), ("trs", &trs)]);
            }
            Ended::Day => language.say("summary-whole-day", &[]),
            Ended::Shift { key, words } => match words.and_then(|words| words.in_language(language.code())) {
                Some(words) => words.to_owned(),
                None if key == "day" => language.say("summary-whole-day", &[]),
                None => key.to_owned(),
            },
        };
        let shift = match over {
            usize::MAX => shift,
            over => clean(&shift, shift.chars().count().saturating_sub(over + 1).max(8)),
        };
        language.say("summary-shift", &[("shift", &shift), ("day", &day), ("trs", &trs)])
    }

    fn lines(&self, open: (&[Still], usize, usize), now: Moment) -> Vec<Line> {
        let said = [
            (LineRole::Context, self.parts()),
            (LineRole::Context, self.factors()),
            (LineRole::Context, self.losses()),
            (LineRole::Context, self.stops()),
            (LineRole::ToDo, self.hand_over(open, now)),
            (LineRole::Fine, self.fine(now)),
        ];
        let said = said.into_iter().filter(|(_, words)| !words.is_empty());
        said.map(|(role, words)| Line { role, text: Text::default().ours(words) }).collect()
    }

    fn parts(&self) -> String {
        let (language, parts) = (self.language, self.summary.figures.parts);
        let mut said = Vec::new();
        if let Some(Average { trs, days }) = self.summary.average {
            let trs = self.percent(trs);
            said.push(match usize::try_from(days) {
                Ok(few) if days < MONTH_DAYS => language.count("summary-average-days", few, &[("trs", &trs)]),
                _ => language.say("summary-average", &[("trs", &trs)]),
            });
        }
        let (good, scrap) = (self.count(parts.good()), self.count(parts.scrap));
        said.push(language.say("summary-parts", &[("good", &good), ("scrap", &scrap)]));
        if let Some(trg) = self.times.trg() {
            said.push(language.say("summary-trg", &[("trg", &self.percent(trg))]));
        }
        said.join(" ")
    }

    fn factors(&self) -> String {
        let all = (self.times.availability(), self.times.performance(), self.times.quality());
        let (Some(availability), Some(performance), Some(quality)) = all else { return String::new() };
        let percents = [availability, performance, quality].map(|ratio| self.percent(ratio));
        self.language.say(
            "summary-factors",
            &[("availability", &percents[0]), ("performance", &percents[1]), ("quality", &percents[2])],
        )
    }

    fn losses(&self) -> String {
        if self.times.required.is_zero() {
            return String::new();
        }
        let language = self.language;
        let losses = self.summary.figures.losses(self.summary.method);
        let minutes = |time: Duration| self.minutes(time);
        let facts = [
            ("required", minutes(self.times.required)),
            ("stops", minutes(losses.stops)),
            ("speed", minutes(losses.speed)),
            ("micro", minutes(losses.micro)),
            ("scrap", minutes(losses.scrap)),
        ];
        let facts = facts.each_ref().map(|(name, value)| (*name, value.as_str()));
        let has_micro = !self.summary.method.micro_stop.is_zero();
        language.say(if has_micro { "summary-losses" } else { "summary-losses-whole" }, &facts)
    }

    /// The longest stop, and what is in no percentage.
    fn stops(&self) -> String {
        let (language, figures) = (self.language, self.summary.figures);
        let mut said = Vec::new();
        if let Some((lasted, cause)) = self.summary.longest {
            let words =
                cause.map(|(key, words)| words.in_language(language.code()).unwrap_or(key).to_owned());
            let cause = words.unwrap_or_else(|| language.say("summary-no-cause", &[]));
            let lasted = language.lasted(lasted);
            said.push(language.say("summary-longest", &[("cause", &cause), ("lasted", &lasted)]));
        }
        if self.times.unknown >= Duration::from_secs(60) {
            let unknown = language.lasted(self.times.unknown);
            said.push(language.say("summary-silent", &[("unknown", &unknown)]));
        }
        let aside = figures.outside.plus(figures.unseen);
        if aside.made > 0 {
            said.push(language.say("summary-aside", &[("made", &self.count(aside.made))]));
        }
        if figures.slips > 0 {
            said.push(language.count("summary-slips", usize::try_from(figures.slips).unwrap_or(0), &[]));
        }
        said.join(" ")
    }

    fn hand_over(&self, (open, more, paused): (&[Still], usize, usize), now: Moment) -> String {
        let language = self.language;
        let named = open.iter().map(|still| {
            let (what, since) = (clean(&still.what, OPEN_CHARS_MAX), language.since(still.begun, now));
            language.say("summary-open", &[("what", &what), ("since", &since)])
        });
        let mut points: Vec<String> = named.collect();
        if more > 0 {
            points.push(language.count("catch-up-more", more, &[]));
        }
        if paused > 0 {
            points.push(language.count("summary-paused", paused, &[]));
        }
        match points.is_empty() {
            true => language.say("summary-nothing-open", &[]),
            false => language.say("summary-hand-over", &[("points", &points.join(" · "))]),
        }
    }

    fn fine(&self, now: Moment) -> String {
        let (language, summary) = (self.language, self.summary);
        let micro_stop = language.lasted(summary.method.micro_stop);
        let name = match summary.method {
            Method { micro_stop: Duration::ZERO, .. } => "summary-method",
            Method { micro_stops: MicroStops::Availability, .. } => "summary-method-availability",
            Method { micro_stops: MicroStops::Performance, .. } => "summary-method-performance",
        };
        let mut said = vec![language.say(name, &[("micro", &micro_stop)])];
        if summary.figures.from.since(summary.begun) >= Duration::from_secs(60) {
            said.push(language.say("summary-from", &[("since", &language.since(summary.figures.from, now))]));
        }
        if summary.held > 0 {
            said.push(language.count("summary-held", usize::try_from(summary.held).unwrap_or(0), &[]));
        }
        said.join(" ")
    }

    fn percent(&self, ratio: f64) -> String {
        self.language.quantity(ratio * 100.0, 1, Some("%"))
    }

    fn count(&self, parts: u64) -> String {
        self.language.number(parts as f64, 0)
    }

    /// Minutes, with half a minute where it matters: `52`, `23,5`.
    fn minutes(&self, time: Duration) -> String {
        let tenths = (time.as_secs_f64() / 6.0).round();
        let decimals = u8::from(tenths % 10.0 != 0.0);
        self.language.number(tenths / 10.0, decimals)
    }
}
