//! One language: its sentences (Fluent), its numbers (ICU4X), and the time of the site.

use contract::{Moment, Text};
use fixed_decimal::Decimal;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use icu_decimal::DecimalFormatter;
use icu_decimal::options::DecimalFormatterOptions;
use icu_locale_core::Locale;
use jiff::ZonedDateTime;
use jiff::tz::TimeZone;

/// Between a number and its unit, so that no line breaks there.
const NO_BREAK: char = '\u{A0}';

/// From here on a number is written with a power of ten.
const SCIENTIFIC_FROM: f64 = 1e12;

/// The languages that are complete, each with its sentences.
pub const LANGUAGES: &[(&str, &str)] = &[
    ("fr", include_str!("../../config/words/fr/posts.ftl")),
    ("en", include_str!("../../config/words/en/posts.ftl")),
];

/// A language at work.
pub struct Language {
    code: &'static str,
    bundle: FluentBundle<FluentResource>,
    numbers: DecimalFormatter,
    zone: TimeZone,
}

/// What cannot be made of a language or a time zone.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LanguageError(String);

impl Language {
    /// The language of this code, at the time of this IANA zone.
    ///
    /// # Errors
    /// The language or the zone is not known, or its sentences do not read.
    pub fn new(code: &str, timezone: &str) -> Result<Language, LanguageError> {
        let wrong = |what: &dyn std::fmt::Display| LanguageError(format!("language {code}: {what}"));
        let (code, sentences) = LANGUAGES
            .iter()
            .find(|(known, _)| *known == code)
            .ok_or_else(|| wrong(&"not known, expected fr or en"))?;
        let resource = FluentResource::try_new((*sentences).to_owned())
            .map_err(|(_, errors)| wrong(&format!("{errors:?}")))?;
        let id = code.parse().map_err(|error| wrong(&error))?;
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        bundle.set_use_isolating(false);
        bundle.add_resource(resource).map_err(|errors| wrong(&format!("{errors:?}")))?;
        let locale: Locale = code.parse().map_err(|error| wrong(&error))?;
        let numbers = DecimalFormatter::try_new(locale.into(), DecimalFormatterOptions::default())
            .map_err(|error| wrong(&error))?;
        let zone = TimeZone::get(timezone)
            .map_err(|error| LanguageError(format!("time zone {timezone}: {error}")))?;
        Ok(Language { code, bundle, numbers, zone })
    }

    /// Its two-letter code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence of this name. A name that is missing shows as itself: a test makes sure that none is.
    pub fn say(&self, name: &str, facts: &[(&'static str, &str)]) -> String {
        let mut args = FluentArgs::new();
        for (key, value) in facts {
            args.set(*key, *value);
        }
        self.format(name, &args)
    }

    /// The sentence of this name as a text in which `data`, the words of machines and of business systems, stay
    /// apart from ours.
    pub fn text(&self, name: &str, facts: &[(&'static str, &str)], data: &[(&'static str, &str)]) -> Text {
        // A private character stands for each word of a machine: no sentence of ours holds one, and `clean` leaves
        // none in a word of theirs.
        let marks: Vec<String> = (0..data.len()).map(|at| char_for(at).to_string()).collect();
        let marked = data.iter().zip(&marks).map(|((key, _), mark)| (*key, mark.as_str()));
        let all: Vec<(&'static str, &str)> = facts.iter().copied().chain(marked).collect();
        let said = self.say(name, &all);
        let mut text = Text::default();
        let mut rest = said.as_str();
        while let Some(at) = rest.find(|c| marks.iter().any(|mark| mark.starts_with(c))) {
            let (ours, from) = rest.split_at(at);
            let mark = from.chars().next().unwrap_or_default();
            let word = data.iter().zip(&marks).find(|(_, known)| known.starts_with(mark));
            text = text.ours(ours).data(word.map_or("", |((_, word), _)| word));
            rest = &from[mark.len_utf8()..];
        }
        text.ours(rest)
    }

    /// A sentence that depends on a count, `$count` or `$times`.
    pub fn count(&self, name: &str, count: usize, facts: &[(&'static str, &str)]) -> String {
        let mut args = FluentArgs::new();
        for (key, value) in facts {
            args.set(*key, *value);
        }
        // Fluent chooses the plural by the number; large counts never reach it with separators, and need none.
        args.set("count", count as f64);
        args.set("times", count as f64);
        self.format(name, &args)
    }

    fn format(&self, name: &str, args: &FluentArgs<'_>) -> String {
        let Some(pattern) = self.bundle.get_message(name).and_then(|message| message.value()) else {
            return name.to_owned();
        };
        let mut errors = Vec::new();
        let said = self.bundle.format_pattern(pattern, Some(args), &mut errors);
        self.typeset(&said)
    }

    /// French puts a space before a colon and keeps it with its word.
    fn typeset(&self, said: &str) -> String {
        match self.code {
            "fr" => said.replace(" :", "\u{A0}:").replace(" ?", "\u{A0}?").replace(" %", "\u{A0}%"),
            _ => said.to_owned(),
        }
    }

    /// A number with so many decimals, as this language writes it: `1 240,5`.
    pub fn number(&self, value: f64, decimals: u8) -> String {
        if value.is_finite() && value.abs() >= SCIENTIFIC_FROM {
            return self.scientific(value);
        }
        let plain = format!("{value:.*}", usize::from(decimals));
        // "-0" is a rounding, not a value.
        let plain = if plain.trim_matches(['-', '0', '.']).is_empty() {
            plain.trim_start_matches('-').to_owned()
        } else {
            plain
        };
        match plain.parse::<Decimal>() {
            // A minus as long as a plus; a hyphen is lost beside a digit.
            Ok(number) => self.numbers.format(&number).to_string().replace('-', "\u{2212}"),
            Err(_) => plain,
        }
    }

    /// `1,5 × 10^300`: nobody reads three hundred digits, and most of them would be invented.
    fn scientific(&self, value: f64) -> String {
        let plain = format!("{value:.1e}");
        let (digits, power) = plain.split_once('e').unwrap_or((&plain, "0"));
        let digits: f64 = digits.parse().unwrap_or(value);
        format!("{}\u{A0}×\u{A0}10^{power}", self.number(digits, 1))
    }

    /// A number with its unit.
    pub fn quantity(&self, value: f64, decimals: u8, unit: Option<&str>) -> String {
        let number = self.number(value, decimals);
        match unit {
            Some(unit) => format!("{number}{NO_BREAK}{unit}"),
            None => number,
        }
    }

    /// `45 s`, `12 min`, `1 h 05`, `2 j 4 h`.
    pub fn lasted(&self, lasted: std::time::Duration) -> String {
        let secs = lasted.as_secs();
        let (minutes, hours, days) = (secs / 60, secs / 3_600, secs / 86_400);
        let said = if secs < 60 {
            self.say("lasted-seconds", &[("seconds", &secs.to_string())])
        } else if minutes < 60 {
            self.say("lasted-minutes", &[("minutes", &minutes.to_string())])
        } else if hours < 24 {
            let rest = format!("{:02}", minutes % 60);
            self.say("lasted-hours", &[("hours", &hours.to_string()), ("minutes", &rest)])
        } else {
            let rest = (hours % 24).to_string();
            self.say("lasted-days", &[("days", &days.to_string()), ("hours", &rest)])
        };
        said.replace(' ', "\u{A0}")
    }

    /// `since 14:05`, or with the day if it is not the day of `now`.
    pub fn since(&self, moment: Moment, now: Moment) -> String {
        self.moment("since", moment, now)
    }

    /// `at 14:05`, or with the day if it is not the day of `now`.
    pub fn at(&self, moment: Moment, now: Moment) -> String {
        self.moment("at", moment, now)
    }

    /// `until 14:40`, or with the day if it is not the day of `now`.
    pub fn until(&self, moment: Moment, now: Moment) -> String {
        self.moment("until", moment, now)
    }

    /// `of 14:05` as in "the reading of 14:05", or with the day if it is not the day of `now`.
    pub fn of(&self, moment: Moment, now: Moment) -> String {
        self.moment("of", moment, now)
    }

    /// `from 14:05 to 14:41`, or with both days unless both are the day of `now`.
    pub fn span(&self, from: Moment, to: Moment, now: Moment) -> String {
        let clocks = [("from", self.clock(from)), ("to", self.clock(to))];
        if clocks[0].1 == clocks[1].1 && self.is_same_day(from, to) {
            return self.at(from, now);
        }
        if self.is_same_day(from, now) && self.is_same_day(to, now) {
            return self.say("span-today", &[("from", &clocks[0].1), ("to", &clocks[1].1)]);
        }
        let (from_day, to_day) = (self.day(from), self.day(to));
        if self.is_same_day(from, to) {
            return self.say("span-day", &[("from", &clocks[0].1), ("to", &clocks[1].1), ("day", &from_day)]);
        }
        self.say(
            "span-days",
            &[("from", &clocks[0].1), ("to", &clocks[1].1), ("from-day", &from_day), ("to-day", &to_day)],
        )
    }

    /// A value that is a point in time: `24/11` for a day, `14:05` today, `24/11 14:05` else.
    pub fn point(&self, moment: Moment, now: Moment) -> String {
        let is_day = self.zoned(moment).time() == jiff::civil::Time::midnight();
        match (is_day, self.is_same_day(moment, now)) {
            (true, _) => self.day(moment),
            (false, true) => self.clock(moment),
            (false, false) => format!("{} {}", self.day(moment), self.clock(moment)),
        }
    }

    /// `lundi 23/11`
    pub fn weekday(&self, moment: Moment) -> String {
        let number = self.zoned(moment).weekday().to_monday_one_offset();
        format!("{} {}", self.say(&format!("weekday-{number}"), &[]), self.day(moment))
    }

    /// `23/11`
    pub fn date(&self, moment: Moment) -> String {
        self.day(moment)
    }

    fn moment(&self, kind: &str, moment: Moment, now: Moment) -> String {
        let clock = self.clock(moment);
        if self.is_same_day(moment, now) {
            return self.say(&format!("{kind}-today"), &[("clock", &clock)]);
        }
        self.say(&format!("{kind}-day"), &[("clock", &clock), ("day", &self.day(moment))])
    }

    /// `14:05`
    pub fn clock_of(&self, moment: Moment) -> String {
        self.clock(moment)
    }

    /// The times between two moments that are whole steps of so many minutes from the midnight before the first.
    pub fn round_times(&self, from: Moment, to: Moment, minutes: i64) -> Vec<Moment> {
        let midnight = self.zoned(from).start_of_day();
        let step = minutes.max(1) * 60_000;
        let first = midnight.map_or(from.as_ms(), |midnight| midnight.timestamp().as_millisecond());
        let skipped = (from.as_ms() - first).max(0) / step;
        let times = (skipped..).map(|at| Moment::from_ms(first.saturating_add(at.saturating_mul(step))));
        times.skip_while(|at| *at < from).take_while(|at| *at <= to).take(12).collect()
    }

    fn clock(&self, moment: Moment) -> String {
        self.zoned(moment).strftime("%H:%M").to_string()
    }

    fn day(&self, moment: Moment) -> String {
        let shape = self.say("day", &[]);
        self.zoned(moment).strftime(&shape).to_string()
    }

    fn is_same_day(&self, one: Moment, other: Moment) -> bool {
        self.zoned(one).date() == self.zoned(other).date()
    }

    fn zoned(&self, moment: Moment) -> ZonedDateTime {
        // Beyond the year 9999 there is no post to write.
        jiff::Timestamp::from_millisecond(moment.as_ms())
            .unwrap_or_default()
            .to_zoned_datetime(self.zone.clone())
    }
}

/// A character of the private use area.
fn char_for(at: usize) -> char {
    u32::try_from(at).ok().and_then(|at| char::from_u32(0xE000 + at)).unwrap_or('\u{F8FF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn moment(text: &str) -> Moment {
        Moment::from_ms(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn numbers_are_written_as_people_write_them() {
        let (fr, en) = (Language::new("fr", "UTC").unwrap(), Language::new("en", "UTC").unwrap());
        assert_eq!(fr.quantity(84.25, 1, Some("°C")), "84,2\u{A0}°C");
        assert_eq!(fr.number(1_240.0, 0), "1\u{202F}240");
        assert_eq!(en.quantity(1_240.5, 1, Some("kg")), "1,240.5\u{A0}kg");
        assert_eq!(fr.number(-0.04, 1), "0,0");
        assert_eq!(fr.number(f64::NAN, 1), "NaN");
        assert_eq!(fr.quantity(-1.5e300, 0, Some("kN")), "−1,5\u{A0}×\u{A0}10^300\u{A0}kN");
        assert_eq!(fr.number(f64::INFINITY, 0), "inf");
    }

    #[test]
    fn durations_and_moments_are_short() {
        let fr = Language::new("fr", "Europe/Paris").unwrap();
        let lasted = |secs| fr.lasted(Duration::from_secs(secs)).replace('\u{A0}', " ");
        assert_eq!(
            [lasted(45), lasted(740), lasted(3_900), lasted(187_200)],
            ["45 s", "12 min", "1 h 05", "2 j 4 h"]
        );
        let (from, to) = (moment("2026-11-23T13:05:00Z"), moment("2026-11-23T13:41:00Z"));
        assert_eq!(fr.since(from, to), "depuis 14:05");
        assert_eq!(fr.span(from, to, to), "de 14:05 à 14:41");
        let tomorrow = moment("2026-11-24T06:00:00Z");
        assert_eq!(fr.since(from, tomorrow), "depuis le 23/11 à 14:05");
        assert_eq!(fr.span(from, to, tomorrow), "le 23/11 de 14:05 à 14:41");
        // The night when clocks go back: the same hour twice, told by the site's clock.
        let en = Language::new("en", "Europe/Paris").unwrap();
        assert_eq!(
            en.since(moment("2026-10-25T01:30:00Z"), moment("2026-10-26T01:00:00Z")),
            "since 25 Oct at 02:30"
        );
    }

    #[test]
    fn words_of_others_stay_apart_from_ours() {
        let fr = Language::new("fr", "UTC").unwrap();
        let data = [("place", "@all\u{E001}"), ("detail", "**gras**")];
        let text = fr.text("part-found-at", &[], &data);
        assert_eq!(text.plain(), "Trouvé (@all)\u{A0}: « **gras** ».");
        let spans = text.spans().iter().filter(|span| matches!(span, contract::Span::Data(_)));
        assert_eq!(spans.count(), 2);
    }

    #[test]
    fn every_language_has_every_sentence_with_the_same_facts() {
        use std::collections::{BTreeMap, BTreeSet};
        let shape = |text: &str| -> BTreeMap<String, BTreeSet<String>> {
            let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            let mut name = String::new();
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with(' ')) {
                    name = key.to_owned();
                    all.entry(name.clone()).or_default();
                }
                for fact in line.split("{ $").skip(1) {
                    let fact: String =
                        fact.chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect();
                    all.entry(name.clone()).or_default().insert(fact);
                }
            }
            all
        };
        let first = shape(LANGUAGES[0].1);
        assert!(first.len() > 40);
        for (code, text) in LANGUAGES {
            assert_eq!(shape(text), first, "{code}");
        }
    }
}
