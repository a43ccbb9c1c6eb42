//! Writes the post of an episode: one line that stands alone, then what is usual, what to do, and the small print.

use contract::chart::Point;
use contract::settings::Words;
use contract::{Line, LineRole, Mark, Moment, Post, Provenance, Text};

use super::{About, FieldWords, Language, Subject};
use super::{course, figure, forecast, raised, standing};
use crate::episode::{Episode, Side};

/// The longest first line, in characters.
pub const FIRST_LINE_CHARS_MAX: usize = 110;

/// What is known besides the episode.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The latest trusted value of the tag.
    pub latest: Option<f64>,
    /// What is being made on the machine: the fields of its current order that are told.
    pub order: Vec<FieldWords>,
    /// What the machine told first, as people call it, and when.
    pub first_out: Option<(Words, Moment)>,
    /// The course of its value; empty where no picture is asked for.
    pub course: Vec<Point>,
}

/// The post of an episode as it should be read now, in one language.
pub fn write(subject: &Subject, episode: &Episode, known: &Known, language: &Language, now: Moment) -> Post {
    let page = Page { subject, episode, known, language, now };
    let mark = standing::mark(subject, episode);
    let mut post = Post {
        episode: episode.id.clone(),
        version: episode.version,
        author: subject.author.clone(),
        language: language.code().to_owned(),
        priority: subject.priority(episode.level),
        mark,
        word: language.say(standing::word(episode).unwrap_or_else(|| page.word(mark)), &[]),
        fact: Text::default(),
        lines: page.lines(),
        begun: episode.since,
        ended: episode.ended.filter(|_| !episode.is_live()),
        written: now,
        chart: course::chart(&page, &known.course),
        provenance: Provenance {
            rule: subject.rule.clone(),
            tag: subject.tag.as_ref().map(|tag| tag.key.clone()),
            value: page.told(),
            subject: page.subject_name(),
        },
    };
    page.fit(&mut post);
    post
}

/// The last post of an episode whose rule is no longer in the configuration.
pub fn retire(post: &Post, language: &Language, now: Moment) -> Post {
    let mut post = post.clone();
    post.version += 1;
    post.mark = Mark::Cleared;
    post.word = language.say("word-retired", &[]);
    // A tick beside a value over its limit would be a lie: the last state is told in the small print.
    let last = language.say("retired-fact", &[("fact", &post.fact.plain())]);
    post.fact = Text::default().ours(language.say("retired", &[("at", &language.at(now, now))]));
    post.lines = vec![Line { role: LineRole::Fine, text: Text::default().ours(last) }];
    (post.ended, post.written) = (Some(now), now);
    post
}

/// All that a post is written from.
pub(super) struct Page<'a> {
    pub subject: &'a Subject,
    pub episode: &'a Episode,
    pub known: &'a Known,
    pub language: &'a Language,
    pub now: Moment,
}

impl Page<'_> {
    /// What it is about, as people call it.
    fn subject_name(&self) -> String {
        match &self.subject.about {
            About::Source { name, .. } => name.clone(),
            About::Limit { .. }
            | About::Figure { .. }
            | About::State { .. }
            | About::Stuck { .. }
            | About::Claim { .. }
            | About::Silence { .. }
            | About::Alarm { .. }
            | About::Store => self.subject.tag_name(self.language.code()).to_owned(),
            // The key of a row and the name of a part are data, and have no place among our words.
            About::Part { source, .. } => source.clone(),
            About::Forecast { forecast } => {
                forecast.list().in_language(self.language.code()).unwrap_or("").to_owned()
            }
            About::Record { record } => {
                record.list.in_language(self.language.code()).unwrap_or("").to_owned()
            }
        }
    }

    fn word(&self, mark: Mark) -> &'static str {
        match (mark, &self.subject.about) {
            (Mark::Cleared, About::Silence { .. } | About::Source { .. } | About::Stuck { .. }) => {
                "word-heard"
            }
            (Mark::Cleared, About::Record { .. }) => "word-record-done",
            (Mark::Cleared, About::Forecast { forecast }) => forecast::word_over(forecast),
            (Mark::Cleared, _) => "word-cleared",
            (Mark::Digest, _) => "word-record",
            (Mark::Late, _) => "word-late",
            (Mark::Stock, _) => "word-stock",
            (Mark::Stopped, _) => "word-critical",
            (Mark::Silent, _) => "word-silent",
            (Mark::Warning, _) => "word-warning",
            (Mark::Paused, _) => "word-paused",
        }
    }

    /// The value that is told.
    fn told(&self) -> Option<f64> {
        match &self.subject.about {
            About::Silence { .. } => self.known.latest,
            About::Limit { .. }
            | About::Figure { .. }
            | About::State { .. }
            | About::Stuck { .. }
            | About::Claim { .. }
            | About::Source { .. }
            | About::Store => self.episode.value,
            About::Part { .. } | About::Alarm { .. } | About::Record { .. } | About::Forecast { .. } => None,
        }
    }

    /// When the step that is told began.
    pub(super) fn stepped(&self) -> Moment {
        if self.episode.level > 1 { self.episode.stepped } else { self.episode.since }
    }

    /// Writes the first line, with the name of the tag cut short if all of it does not fit.
    fn fit(&self, post: &mut Post) {
        if let Some(fact) = raised::fact(self, post) {
            post.fact = fact;
            return;
        }
        let name = self.subject.tag_name(self.language.code());
        post.fact = Text::default().ours(self.fact(name));
        let over = post.first_line().plain().chars().count().saturating_sub(FIRST_LINE_CHARS_MAX);
        if over == 0 {
            return;
        }
        let kept = name.chars().count().saturating_sub(over + 1).max(8);
        let short = contract::clean(name, kept);
        let fact = self.fact(&short);
        let opening = post.first_line().plain().chars().count() - post.fact.plain().chars().count();
        let room = FIRST_LINE_CHARS_MAX.saturating_sub(opening);
        let is_fitting = fact.chars().count() <= room;
        // Only a machine with a name of half a line comes here.
        let fact = if is_fitting { fact } else { contract::clean(&fact, room.saturating_sub(1)) };
        post.fact = Text::default().ours(fact);
    }

    fn fact(&self, tag: &str) -> String {
        if let Some(fact) = figure::fact(self, tag) {
            return fact;
        }
        let (language, episode) = (self.language, self.episode);
        let since = language.since(self.stepped(), self.now);
        let value = self.told().map(|value| self.quantity(value)).unwrap_or_default();
        match (&self.subject.about, episode.ended) {
            (About::Limit { side, .. }, None) => {
                let name = if *side == Side::High { "limit-high" } else { "limit-low" };
                let limit = self.limit_number();
                language.say(name, &[("tag", tag), ("value", &value), ("limit", &limit), ("since", &since)])
            }
            (About::Limit { .. }, Some(ended)) => {
                self.ended_fact("limit-cleared", ("tag", tag), &value, ended)
            }
            (About::Silence { after }, None) => {
                let after = language.lasted(*after);
                language.say("silent", &[("tag", tag), ("since", &since), ("after", &after)])
            }
            (About::Silence { .. }, Some(ended)) => {
                self.ended_fact("silent-cleared", ("tag", tag), &value, ended)
            }
            (About::Source { name, .. }, None) => {
                language.say("source-lost", &[("source", name), ("since", &since)])
            }
            (About::Source { name, .. }, Some(ended)) => {
                self.ended_fact("source-cleared", ("source", name), "", ended)
            }
            (About::Store, None) => {
                language.say("store-damaged", &[("at", &language.at(episode.begun, self.now))])
            }
            (About::Store, Some(ended)) => self.ended_fact("store-cleared", ("source", ""), "", ended),
            // Their words are data: `raised` writes them.
            (About::Part { .. } | About::Alarm { .. } | About::Record { .. } | About::Forecast { .. }, _) => {
                String::new()
            }
            // `figure` has written them.
            (About::Figure { .. } | About::State { .. } | About::Stuck { .. } | About::Claim { .. }, _) => {
                String::new()
            }
        }
    }

    fn ended_fact(&self, name: &str, who: (&'static str, &str), value: &str, ended: Moment) -> String {
        let span = self.language.span(self.episode.since, ended, self.now);
        let lasted = self.language.lasted(ended.since(self.episode.since));
        self.language.say(name, &[who, ("value", value), ("span", &span), ("lasted", &lasted)])
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut line = |role, text: Text| {
            if !text.is_empty() {
                lines.push(Line { role, text });
            }
        };
        for context in raised::context(self) {
            line(LineRole::Context, context);
        }
        line(LineRole::Context, Text::default().ours(self.context()));
        line(LineRole::Context, self.first_out());
        line(LineRole::Context, self.order());
        line(LineRole::Context, standing::context(self));
        if self.episode.is_live() && self.episode.mute.is_none() {
            line(LineRole::ToDo, Text::default().ours(self.action()));
        }
        line(LineRole::Fine, Text::default().ours(self.fine()));
        lines
    }

    fn context(&self) -> String {
        let said = self.circumstances();
        let times = usize::try_from(self.episode.reopened).unwrap_or(0);
        if times == 0 || self.episode.is_unstable {
            return said;
        }
        let since = self.language.since(self.episode.begun, self.now);
        format!("{said} {}", self.language.count("reopened", times + 1, &[("since", &since)]))
            .trim()
            .to_owned()
    }

    fn circumstances(&self) -> String {
        let language = self.language;
        match &self.subject.about {
            About::Limit { side, usual, .. } => self.limit_context(*side, *usual),
            About::Silence { .. } if self.episode.ended.is_some() => String::new(),
            About::Silence { .. } => match self.known.latest {
                Some(value) => language.say("silent-last", &[("value", &self.quantity(value))]),
                None => language.say("silent-unknown", &[]),
            },
            About::Source { .. } if self.episode.ended.is_some() => String::new(),
            About::Source { machines: 0, .. } => language.say("source-lost-lists", &[]),
            About::Source { machines, .. } => language.count("source-lost-machines", *machines, &[]),
            About::Part { .. } | About::Alarm { .. } | About::Record { .. } | About::Forecast { .. } => {
                String::new()
            }
            About::Figure { .. } | About::State { .. } | About::Stuck { .. } | About::Claim { .. } => {
                figure::context(self)
            }
            About::Store if self.episode.ended.is_some() => String::new(),
            About::Store => language.say("store-damaged-context", &[]),
        }
    }

    fn limit_context(&self, side: Side, usual: Option<[f64; 2]>) -> String {
        let (language, episode) = (self.language, self.episode);
        let is_high = side == Side::High;
        let mut said = Vec::new();
        if let Some([from, to]) = usual.filter(|_| episode.ended.is_none()) {
            let least = self.least_decimals();
            let (from, to) = (language.number(from, least), language.quantity(to, least, self.unit()));
            said.push(language.say("usual", &[("from", &from), ("to", &to)]));
        }
        if let Some(worst) = episode.worst.filter(|worst| self.is_past(*worst)) {
            let at = language.at(episode.worst_at, self.now);
            let name = if is_high { "worst-high" } else { "worst-low" };
            said.push(language.say(name, &[("value", &self.quantity(worst)), ("at", &at)]));
        }
        if episode.ended.is_some() {
            let name = if is_high { "limit-was-high" } else { "limit-was-low" };
            let limit = self.subject.limit(1).map(|limit| self.quantity(limit)).unwrap_or_default();
            said.push(language.say(name, &[("limit", &limit)]));
        }
        said.join(" ")
    }

    /// True when the worst value is worth a sentence of its own: it does not read as the one in the first line.
    fn is_past(&self, worst: f64) -> bool {
        let value = self.told().map(|value| self.quantity(value));
        self.episode.ended.is_some() || value != Some(self.quantity(worst))
    }

    /// Where to look for the cause. Once it is over, its span tells enough.
    fn first_out(&self) -> Text {
        let Some((words, at)) = self.known.first_out.as_ref().filter(|_| self.episode.is_live()) else {
            return Text::default();
        };
        let what = words.in_language(self.language.code()).unwrap_or_default();
        let at = self.language.at(*at, self.now);
        Text::default().ours(self.language.say("first-out", &[("what", what), ("at", &at)]))
    }

    /// What is being made on the machine.
    fn order(&self) -> Text {
        order_line(&self.known.order, self.language, self.now)
    }

    fn action(&self) -> String {
        let language = self.language;
        let action = match (&self.subject.about, self.subject.action.in_language(language.code())) {
            (_, Some(action)) => lower_first(action),
            (About::Source { kind, .. }, None) => language.say("source-do", &[("kind", kind)]),
            (About::Store, None) => language.say("store-damaged-do", &[]),
            (About::Part { trouble, .. }, None) => language.say(raised::to_do(trouble.thing), &[]),
            (About::Forecast { forecast }, None) => match forecast::action(self, forecast) {
                Some(action) => action,
                None => return String::new(),
            },
            // A row that asks for nothing is a story, not an alarm.
            (About::Record { .. }, None) => return String::new(),
            (
                About::Limit { .. }
                | About::Figure { .. }
                | About::State { .. }
                | About::Stuck { .. }
                | About::Claim { .. }
                | About::Silence { .. }
                | About::Alarm { .. },
                None,
            ) => {
                return language.say("cause-unknown", &[]);
            }
        };
        language.say("do", &[("action", &action)])
    }

    fn fine(&self) -> String {
        let (language, episode) = (self.language, self.episode);
        let mut said = Vec::new();
        if let About::Alarm { .. } = self.subject.about
            && let Some(place) =
                self.subject.author.place.rsplit('/').next().filter(|place| !place.is_empty())
        {
            said.push(language.say("fine-site", &[("place", place)]));
        }
        if matches!(
            self.subject.about,
            About::Limit { .. } | About::Figure { .. } | About::State { .. } | About::Claim { .. }
        ) {
            let of = language.of(episode.value_at, self.now);
            let place = self.subject.author.place.rsplit('/').next().unwrap_or_default();
            said.push(match place {
                "" => language.say("fine-no-place", &[("of", &of)]),
                place => language.say("fine", &[("place", place), ("of", &of)]),
            });
        }
        said.extend(forecast::fine(self));
        if episode.is_late {
            said.push(language.say("late", &[]));
        }
        said.join(" ")
    }

    pub(super) fn unit(&self) -> Option<&str> {
        self.subject.tag.as_ref().and_then(|tag| tag.unit.as_deref())
    }

    fn least_decimals(&self) -> u8 {
        self.subject.tag.as_ref().map_or(0, |tag| tag.decimals)
    }

    /// As many decimals as the rule states, and up to three more until the value differs from its limit.
    fn decimals(&self) -> u8 {
        let least = self.least_decimals();
        let (Some(value), Some(limit)) = (self.told(), self.subject.limit(self.episode.level)) else {
            return least;
        };
        if self.episode.ended.is_some() || value == limit {
            return least;
        }
        let shown = |value: f64, decimals: u8| format!("{value:.*}", usize::from(decimals));
        (least..=least.max(3))
            .find(|decimals| shown(value, *decimals) != shown(limit, *decimals))
            .unwrap_or(least)
    }

    pub(super) fn number(&self, value: f64) -> String {
        self.language.number(value, self.decimals())
    }

    pub(super) fn quantity(&self, value: f64) -> String {
        self.language.quantity(value, self.decimals(), self.unit())
    }

    fn limit_number(&self) -> String {
        let limit = self.subject.limit(self.episode.level);
        limit.map(|limit| self.number(limit)).unwrap_or_default()
    }
}

/// What is being made on a machine; nothing where that is not known.
pub(super) fn order_line(order: &[FieldWords], language: &Language, now: Moment) -> Text {
    if order.is_empty() {
        return Text::default();
    }
    let values = order.iter().enumerate().fold(Text::default(), |text, (at, field)| {
        let text = if at == 0 { text } else { text.ours(", ") };
        text.append(&raised::value(field, language, now))
    });
    raised::around(language, "order", "order", &values)
}

/// "Vérifier …" stands after a colon: its capital goes, unless the word is an abbreviation or a name in capitals.
fn lower_first(words: &str) -> String {
    let mut chars = words.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => words.to_owned(),
    }
}
