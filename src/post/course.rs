//! The course of a value as a reader sees it: scales of round numbers, the words of the language, one sentence for whoever
//! does not see the picture.

use contract::Moment;
use contract::chart::{Band, Chart, Mark, Point, Tick};

use super::write::Page;
use super::{About, Language, figure};

/// Fewer values make no picture.
const POINTS_MIN: usize = 8;

/// The scale of values has about so many steps.
const STEPS: f64 = 3.0;

/// The scale of times, in minutes: the first of which at most three fit.
const TIME_STEPS: [i64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 10_080];

/// The chart of an episode; `None` where too little is known to be worth a picture.
pub fn chart(page: &Page<'_>, points: &[Point]) -> Option<Box<Chart>> {
    let known: Vec<f64> = points.iter().filter_map(|point| point.value).collect();
    if known.len() < POINTS_MIN {
        return None;
    }
    let (language, episode) = (page.language, page.episode);
    let (what, unit) = title(page);
    let usual = match &page.subject.about {
        About::Limit { usual, .. } | About::Figure { usual, .. } => *usual,
        _ => None,
    };
    let limit = page
        .subject
        .limit(episode.level)
        .map(|value| Tick { value, words: language.say("chart-limit", &[("limit", &page.number(value))]) });
    let shown =
        known.iter().copied().chain(usual.into_iter().flatten()).chain(limit.iter().map(|tick| tick.value));
    let values = values(shown, language);
    Some(Box::new(Chart {
        alt: upper_first(&alt(page, &what, points)?),
        title: if unit.is_empty() { what } else { format!("{what}, {unit}") },
        points: points.to_vec(),
        usual: usual.map(|[from, to]| Band { from, to, words: language.say("chart-usual", &[]) }),
        limit,
        begun: Mark { at: episode.since, words: language.since(episode.since, page.now) },
        values,
        times: times(points.first()?.at, points.last()?.at, language),
    }))
}

fn title(page: &Page<'_>) -> (String, String) {
    let tag = page.subject.tag_name(page.language.code());
    let unit = page.unit().unwrap_or_default();
    match &page.subject.about {
        About::Figure { figure, .. } => (figure::said(page, *figure, tag), figure::unit_of(page, *figure)),
        _ => (tag.to_owned(), unit.to_owned()),
    }
}

fn upper_first(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// What the shape says: how it was until the episode began, and how it is now.
fn alt(page: &Page<'_>, what: &str, points: &[Point]) -> Option<String> {
    let (language, since) = (page.language, page.episode.since);
    let last = points.iter().rev().find_map(|point| point.value)?;
    let before = points.iter().filter(|point| point.at < since).filter_map(|point| point.value);
    let (low, high) = before
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let (value, begun) = (page.quantity(last), language.clock_of(since));
    if low > high {
        return Some(language.say("chart-alt-new", &[("what", what), ("value", &value), ("begun", &begun)]));
    }
    let (low, high) = (page.number(low), page.quantity(high));
    let facts = [("what", what), ("low", &low), ("high", &high), ("begun", &begun), ("value", &value)];
    Some(language.say("chart-alt", &facts))
}

/// Round numbers around all that is shown: steps of 1, 2 or 5.
fn values(shown: impl Iterator<Item = f64>, language: &Language) -> Vec<Tick> {
    let (low, high) = shown
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let width = (high - low).max(high.abs().max(low.abs()) * 1e-6).max(1e-9);
    let size = 10_f64.powf((width / STEPS).log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * size).find(|step| width / step <= STEPS + 1.0);
    let step = step.unwrap_or(width);
    // A step of 0.5 has one decimal, one of 20 has none.
    let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as u8;
    let (first, last) = ((low / step).floor(), (high / step).ceil());
    let count = (last - first).clamp(1.0, 8.0) as usize;
    (0..=count)
        .map(|at| (first + at as f64) * step)
        .map(|value| Tick { value, words: language.number(value, decimals) })
        .collect()
}

fn times(from: Moment, to: Moment, language: &Language) -> Vec<Mark> {
    let minutes = i64::try_from(to.since(from).as_secs() / 60).unwrap_or(i64::MAX);
    let step = TIME_STEPS.into_iter().find(|step| minutes / step <= 3).unwrap_or(minutes / 3 + 1);
    let is_long = step >= 1_440;
    language
        .round_times(from, to, step)
        .into_iter()
        .map(|at| Mark { at, words: if is_long { language.date(at) } else { language.clock_of(at) } })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn french() -> Language {
        Language::new("fr", "Europe/Paris").unwrap()
    }

    fn words(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.words.as_str()).collect()
    }

    #[test]
    fn the_scale_of_values_is_of_round_numbers_around_all() {
        let scale = |low: f64, high: f64| {
            let ticks = values([low, high].into_iter(), &french());
            assert!(ticks.first().unwrap().value <= low && ticks.last().unwrap().value >= high, "{ticks:?}");
            words(&ticks).join(" ")
        };
        assert_eq!(scale(64.0, 86.0), "60 70 80 90");
        assert_eq!(scale(0.02, 0.31), "0,0 0,1 0,2 0,3 0,4");
        assert_eq!(scale(-3.0, 4.0), "\u{2212}4 \u{2212}2 0 2 4");
        assert_eq!(
            scale(980.0, 4_200.0),
            "0 1\u{202F}000 2\u{202F}000 3\u{202F}000 4\u{202F}000 5\u{202F}000"
        );
        // One value alone has a scale as well.
        assert!(values([84.0].into_iter(), &french()).len() >= 2);
    }

    #[test]
    fn the_scale_of_times_is_of_round_hours_of_the_site() {
        let at = |text: &str| Moment::from_ms(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        let told = |from: &str, to: &str| {
            times(at(from), at(to), &french())
                .into_iter()
                .map(|mark| mark.words)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(told("2026-11-24T10:54:00Z", "2026-11-24T12:54:00Z"), "12:00 13:00");
        assert_eq!(told("2026-11-24T10:50:00Z", "2026-11-24T11:00:00Z"), "11:50 11:55 12:00");
        assert_eq!(told("2026-11-18T11:00:00Z", "2026-11-24T11:00:00Z"), "20/11 22/11 24/11");
    }
}
