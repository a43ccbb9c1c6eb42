//! Taste as a test: what every post must be, whatever its template, sample and language. Numbers in the findings
//! are those of the taste reference's linter.

use contract::{LineRole, Mark, Post};

use super::write::FIRST_LINE_CHARS_MAX;

/// All that is not to our taste.
pub fn lint(post: &Post) -> Vec<String> {
    let mut found = Vec::new();
    let first = post.first_line().plain();
    let all: Vec<String> =
        std::iter::once(first.clone()).chain(post.lines.iter().map(|line| line.text.plain())).collect();
    let text = all.join("\n");
    let mut want = |is: bool, rule: &str| {
        if !is {
            found.push(format!("{rule} | {text}"));
        }
    };
    want(first.chars().count() <= FIRST_LINE_CHARS_MAX, "1 first line at most 110 characters");
    want(first.contains(&post.word) && first.contains(&post.author.name), "1 state word and machine");
    want(!post.fact.is_empty(), "1 a fact");
    want(all.len() <= 7 && text.chars().count() <= 600, "2 at most 7 lines and 600 characters");
    want(first.starts_with(post.mark.shape()), "2 one leading shape");
    let shapes: usize = Mark::ALL.iter().map(|mark| text.matches(mark.shape()).count()).sum();
    want(post.mark == Mark::Digest || shapes == 1, "2 exactly one shape");
    want(post.first_line_plain().plain().starts_with(&format!("[{}]", post.word)), "2 a text fallback");
    want(numbers(&text).all(|number| decimals(number) <= 3), "3 at most 3 decimals");
    want(has_no_bare_number(post), "3 the value has its unit");
    // A story asks for nothing.
    let is_story = matches!(post.mark, Mark::Digest | Mark::Late | Mark::Stock);
    if post.ended.is_none() && !is_story {
        let since = ["depuis", "since", "mise de côté", "set aside"];
        let is_over = ["À CONFIRMER", "TO CONFIRM"].contains(&post.word.as_str());
        want(is_over || since.iter().any(|word| first.contains(word)), "4 since when");
        // A row of a business document may ask for nothing, and what is set aside does not ask.
        let is_asking = post.lines.iter().any(|line| line.role == LineRole::ToDo);
        want(
            is_asking
                || post.mark == Mark::Paused
                || post.provenance.subject == "OF"
                || post.provenance.subject == "order",
            "4 what to do",
        );
    }
    want(!text.contains('!'), "6 no exclamation mark");
    want(capitals(&text, post).is_empty(), "6 no capitals but the state word");
    want(!text.contains("@all") && !text.contains("@here"), "6 calls nobody");
    want(!text.split_whitespace().any(is_raw_tag), "7 no raw tag names");
    want(!text.contains("http") && !text.contains("www."), "8 no link that the template did not declare");
    want(is_typeset(&text, &post.language), "9 written as this language writes");
    want(
        !text.contains("minutes") && !text.contains("AM") && !text.contains("PM"),
        "10 short durations, 24 hours",
    );
    want(!text.contains('{') && !text.contains('$') && !text.contains("  "), "a template that was filled");
    found
}

/// The numbers of a text, as written.
pub fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_digit() || matches!(c, ',' | '.' | '\u{202F}')))
        .map(|number| number.trim_matches([',', '.', '\u{202F}']))
        .filter(|number| !number.is_empty())
}

/// The facts of a text whatever its language: its numbers, in order of size.
pub fn facts(post: &Post) -> Vec<String> {
    let lines = post.lines.iter().map(|line| line.text.plain());
    let text: Vec<String> = std::iter::once(post.first_line().plain()).chain(lines).collect();
    let french = post.language == "fr";
    let mut all: Vec<String> = numbers(&text.join("\n"))
        .map(|number| match french {
            true => number.replace('\u{202F}', "").replace(',', "."),
            false => number.replace(',', ""),
        })
        .collect();
    all.sort();
    all
}

fn decimals(number: &str) -> usize {
    number.rsplit_once([',', '.']).map_or(0, |(_, decimals)| decimals.len())
}

fn has_no_bare_number(post: &Post) -> bool {
    let Some(value) = post.provenance.value else { return true };
    // A tag with a unit shows it behind its value.
    let text = post.first_line().plain();
    let whole = format!("{}", value.trunc().abs());
    !text.contains("°C") || text.contains('\u{A0}') || !text.contains(&whole)
}

fn capitals(text: &str, post: &Post) -> Vec<String> {
    let rest = text.replace(&post.word, "").replace(&post.author.name, "");
    rest.split(|c: char| !c.is_alphabetic())
        .filter(|word| word.chars().count() >= 4 && word.chars().all(char::is_uppercase))
        .map(str::to_owned)
        .collect()
}

fn is_raw_tag(word: &str) -> bool {
    word.len() >= 8
        && word.contains('_')
        && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

fn is_typeset(text: &str, language: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let between_digits = |at: usize| {
        at > 0 && chars[at - 1].is_ascii_digit() && chars.get(at + 1).is_some_and(char::is_ascii_digit)
    };
    chars.iter().enumerate().all(|(at, c)| match (language, c) {
        ("fr", '.') => !between_digits(at),
        ("fr", ':') => between_digits(at) || (at > 0 && chars[at - 1] == '\u{A0}'),
        ("fr" | "en", '%') => at > 0 && matches!(chars[at - 1], '\u{A0}' | '\u{202F}'),
        ("en", ':') => at > 0 && chars[at - 1] != ' ' && chars[at - 1] != '\u{A0}',
        ("en", ',') => {
            !between_digits(at)
                || chars.get(at + 1..at + 4).is_some_and(|next| next.iter().all(char::is_ascii_digit))
        }
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use contract::settings::Words;
    use contract::{Author, Cause, EpisodeId, Flaw, Moment, Priority, Thing, Trouble, Value};

    use super::*;
    use crate::episode::{Aside, Cover, Episode, Hand, Mute, Side};
    use crate::post::{
        About, AlarmWords, FieldWords, Figure, Known, LANGUAGES, Language, Outage, RecordWords, Still,
        Subject, TagWords, catch_up, retire, write,
    };

    const BEGUN: i64 = 1_795_957_500_000; // 2026-11-29 13:05 UTC, 14:05 in Paris

    fn words(fr: &str, en: &str) -> Words {
        Words::Each([("fr".to_owned(), fr.to_owned()), ("en".to_owned(), en.to_owned())].into())
    }

    fn author(name: &str) -> Author {
        Author { key: "m".into(), name: name.into(), place: "Vitré/Atelier B/Ligne 2".into() }
    }

    fn subject(about: About, unit: Option<&str>, tag: (&str, &str), machine: &str) -> Subject {
        let tag =
            TagWords { key: "t".into(), name: words(tag.0, tag.1), unit: unit.map(Into::into), decimals: 0 };
        Subject {
            author: author(machine),
            rule: "limit.r".into(),
            tag: Some(tag),
            about,
            priorities: vec![Priority::High, Priority::Urgent],
            action: Words::Nothing,
        }
    }

    fn subjects() -> Vec<Subject> {
        let bearing = ("palier arrière", "rear bearing");
        let limit = |side, limits, usual| About::Limit { side, limits, usual };
        let mut all = vec![
            subject(limit(Side::High, vec![80.0, 95.0], Some([62.0, 75.0])), Some("°C"), bearing, "Presse 3"),
            subject(
                limit(Side::Low, vec![1.5], None),
                Some("bar"),
                ("pression d'air", "air pressure"),
                "Compresseur 2",
            ),
            subject(
                limit(Side::High, vec![1_250.0], None),
                None,
                ("compteur de rebuts", "scrap counter"),
                "Ligne 4",
            ),
            subject(limit(Side::High, vec![99.5], None), Some("%"), ("humidité", "humidity"), "Étuve 1"),
            subject(
                About::Silence { after: Duration::from_secs(30) },
                Some("°C"),
                ("zone 1", "zone 1"),
                "Four 1",
            ),
            subject(
                About::Source { name: "hall-b".into(), kind: "mqtt".into(), machines: 1 },
                None,
                bearing,
                "Usine de Vitré",
            ),
            subject(
                About::Source { name: "hall-b".into(), kind: "files".into(), machines: 12 },
                None,
                bearing,
                "Usine de Vitré",
            ),
            subject(About::Store, None, bearing, "Usine de Vitré"),
        ];
        all.extend(raised());
        all.extend(figures());
        let long = "température du fluide de régulation du moule côté opérateur à la sortie de l'échangeur principal";
        all.push(subject(
            limit(Side::High, vec![80.0], None),
            Some("°C"),
            (long, long),
            "Presse à injecter du hall 12",
        ));
        all[0].action = words(
            "Vérifier le graissage du palier arrière. À 95 °C, la presse s'arrête d'elle-même.",
            "Check the rear bearing grease. At 95 °C the press stops by itself.",
        );
        all
    }

    /// What rules work out of values.
    fn figures() -> Vec<Subject> {
        let oil = ("huile", "oil");
        let minutes = |count: u64| Duration::from_secs(60 * count);
        let names =
            ["window-mean", "window-min", "window-max", "window-quantile", "window-sum", "window-count"];
        let windows = names.into_iter().map(|name| Figure::Window { name, over: minutes(5) });
        let figures = windows.chain([
            Figure::Rate { per: minutes(1) },
            Figure::Rate { per: minutes(5) },
            Figure::Count { over: minutes(10) },
            Figure::Compare,
        ]);
        let mut all = Vec::new();
        for figure in figures {
            for side in [Side::High, Side::Low] {
                let usual = Some([2.0, 5.0]).filter(|_| side == Side::High);
                let about = About::Figure { figure, side, limit: Some(7.5), usual };
                all.push(subject(about, Some("°C"), oil, "Presse 3"));
            }
        }
        let state = |longer| About::State { names: vec![(1.0, words("défaut", "fault"))], longer };
        all.push(subject(state(None), None, ("état", "state"), "Presse 3"));
        all.push(subject(state(Some(minutes(20))), None, ("état", "state"), "Presse 3"));
        all.push(subject(About::Stuck { after: minutes(5) }, Some("°C"), oil, "Presse 3"));
        let say = words("huile chaude pendant la marche", "oil hot while running");
        all.push(subject(About::Claim { say }, Some("°C"), oil, "Presse 3"));
        let say = words("porte ouverte pendant le cycle", "door open during the cycle");
        all.push(Subject { tag: None, ..subject(About::Claim { say }, None, oil, "Presse 3") });
        all
    }

    /// What nobody wrote a limit for, with names of every length.
    fn raised() -> Vec<Subject> {
        let causes = [
            Cause::NoAnswer,
            Cause::SaidGoodbye,
            Cause::Refused("permission denied for table mouvement".into()),
            Cause::Missing("Quantité réalisée".into()),
            Cause::Unreadable { place: "ligne douze".into(), found: "abc".into() },
            Cause::Unreadable { place: String::new(), found: "abc".into() },
            Cause::Unreadable { place: "line 12, Quantité".into(), found: String::new() },
            Cause::Spoilt { place: "line 7".into(), flaw: Flaw::OpenQuote, found: "Bague".into() },
            Cause::Spoilt { place: String::new(), flaw: Flaw::Twice, found: "Qté".into() },
            Cause::Forbidden("a link".into()),
            Cause::Forbidden("a link out of the folder".into()),
            Cause::TooLarge { max: 16_777_216 },
            Cause::Lost,
        ];
        let things = [Thing::Device, Thing::Address, Thing::File, Thing::Query, Thing::Events];
        let names = ["suivi-of.csv".to_owned(), "nom-très-long-".repeat(14)];
        let wire = [
            (Thing::Device, "unit 255"),
            (Thing::Address, "unit 255 holding 65535"),
            (Thing::Address, "unit 255 input 65535"),
            (Thing::Address, "unit 255 coil 65535"),
            (Thing::Address, "unit 255 discrete 65535"),
        ];
        let mut about = Vec::new();
        let named = things.into_iter().flat_map(|thing| names.iter().map(move |name| (thing, name.as_str())));
        for (thing, name) in named.chain(wire) {
            for cause in &causes {
                let trouble = Trouble { thing, name: name.to_owned(), cause: cause.clone() };
                about.push(About::Part { source: "hall-b".into(), trouble: Box::new(trouble) });
            }
        }
        let alarm = |message: &str, is_acknowledged| {
            let (name, message) = ("HighTemp".into(), message.to_owned());
            About::Alarm { alarm: AlarmWords { name, message, severity: 800, is_acknowledged } }
        };
        let field = |name: &str, value| FieldWords { name: Words::All(name.into()), unit: None, value };
        let record = |key: &str| RecordWords {
            list: words("OF", "order"),
            key: key.to_owned(),
            say: words("bloqué", "blocked"),
            fields: vec![
                field("article", Value::Text("Bague".into())),
                FieldWords { unit: Some("kg".into()), ..field("reste", Value::Number(1_240.5)) },
                field("urgent", Value::Flag(true)),
            ],
        };
        about.extend([
            alarm("Huile trop chaude", false),
            alarm("", true),
            alarm(&"Huile trop chaude ".repeat(11), true),
            About::Record { record: Box::new(record("4711")) },
            About::Record { record: Box::new(record(&"lot-".repeat(30))) },
        ]);
        let about = about.into_iter();
        about.map(|about| Subject { tag: None, ..subject(about, None, ("", ""), "Usine de Vitré") }).collect()
    }

    /// Every stage of a life, seen from the same day and from two days later.
    fn lives(subject: &Subject) -> Vec<(Episode, Known, Moment)> {
        let at = |minutes: i64| Moment::from_ms(BEGUN + minutes * 60_000);
        let value = |level: usize, over: f64| match &subject.about {
            About::Limit { side: Side::High, limits, .. } => limits.get(level).map(|limit| limit + over),
            About::Limit { limits, .. } => limits.get(level).map(|limit| limit - over),
            About::Figure { .. } => Some(8.0 + over),
            About::State { .. } => Some(1.0),
            About::Stuck { .. } => Some(84.0),
            About::Claim { .. } => subject.tag.as_ref().map(|_| 84.0),
            _ => None,
        };
        let open = Episode {
            value: value(0, 0.04),
            value_at: at(1),
            worst: value(0, 0.04),
            worst_at: at(1),
            ..Episode::new(EpisodeId("0123456789abcdef".into()), at(0), 1)
        };
        let worse =
            Episode { level: 2, worst: value(0, 17.3), worst_at: at(9), value_at: at(20), ..open.clone() };
        let again = Episode { reopened: 2, since: at(12), is_late: true, ..worse.clone() };
        let ended = Episode { ended: Some(at(36)), value: value(0, -4.6), value_at: at(36), ..again.clone() };
        let order =
            FieldWords { name: Words::Nothing, unit: None, value: contract::Value::Text("4711".into()) };
        let hand = Hand { role: "maintenance".into(), at: at(14) };
        let unstable = Episode { is_unstable: true, flips: 31, ..again.clone() };
        let taken = Episode { acknowledged: Some(hand.clone()), ..worse.clone() };
        let shelf = Aside::Shelved { until: at(50), hand: hand.clone(), reason: "essai de la pompe".into() };
        let shelved = Episode { mute: Some(Mute::Aside(shelf)), ..worse.clone() };
        let out = Aside::OutOfService { hand, reason: "sonde démontée".into() };
        let out = Episode { mute: Some(Mute::Aside(out)), ..worse.clone() };
        let parent = Mute::Covered(Cover::Parent("Ligne 2".into()));
        let covered = Episode { mute: Some(parent), ..worse.clone() };
        let unconfirmed = Episode { is_unconfirmed: true, ..ended.clone() };
        // Only rules of a machine follow another one.
        let first_out = subject.tag.is_some().then(|| (words("huile", "oil"), at(0)));
        let known = Known { latest: Some(812.0), order: vec![order], first_out, course: Vec::new() };
        let mut lives = Vec::new();
        for later in [0, 2 * 24 * 60] {
            lives.push((open.clone(), Known::default(), at(1 + later)));
            lives.push((worse.clone(), known.clone(), at(20 + later)));
            lives.push((again.clone(), known.clone(), at(20 + later)));
            lives.push((ended.clone(), known.clone(), at(36 + later)));
            for life in [&unstable, &taken, &shelved, &out, &covered, &unconfirmed] {
                lives.push((life.clone(), known.clone(), at(36 + later)));
            }
        }
        lives
    }

    fn languages() -> Vec<Language> {
        LANGUAGES.iter().map(|(code, _)| Language::new(code, "Europe/Paris").unwrap()).collect()
    }

    #[test]
    fn every_post_is_to_our_taste_in_every_language() {
        let mut count = 0;
        for subject in subjects() {
            for (episode, known, now) in lives(&subject) {
                let posts: Vec<Post> = languages()
                    .iter()
                    .map(|language| write(&subject, &episode, &known, language, now))
                    .collect();
                let alive = posts.iter().zip(languages()).filter(|(post, _)| post.ended.is_none());
                let retired = alive.map(|(post, language)| retire(post, &language, now));
                for post in posts.iter().cloned().chain(retired) {
                    assert_eq!(lint(&post), Vec::<String>::new());
                    count += 1;
                }
                same_facts(&posts);
            }
        }
        assert!(count >= 160, "{count}");
    }

    #[test]
    fn a_catch_up_is_to_our_taste_in_every_language() {
        let at = |minutes: i64| Moment::from_ms(BEGUN + minutes * 60_000);
        let still =
            Still { mark: Mark::Warning, machine: "Presse 3".into(), what: "palier".into(), begun: at(3) };
        for open in [0, 1, 5, 9] {
            for (ended, back) in [(0, at(5)), (1, at(317)), (35, at(3_000))] {
                let outage = Outage {
                    episode: EpisodeId("catch-up".into()),
                    lost: at(0),
                    back,
                    open: vec![still.clone(); open],
                    ended,
                    last_ended: (ended > 0).then(|| at(300)),
                    lasted: Duration::from_secs(4_320),
                    version: 1,
                };
                let posts: Vec<Post> = languages()
                    .iter()
                    .map(|language| catch_up(&outage, author("Usine de Vitré"), language, at(3_000)))
                    .collect();
                for post in &posts {
                    assert_eq!(lint(post), Vec::<String>::new());
                }
            }
        }
    }

    /// Rule 12: one source of facts for all languages. The day of a month is written otherwise, so it is left out.
    fn same_facts(posts: &[Post]) {
        let days = ["11", "29", "30", "01", "12", "1"];
        let of = |post: &Post| {
            facts(post).into_iter().filter(|fact| !days.contains(&fact.as_str())).collect::<Vec<_>>()
        };
        // The words of an integrator have numbers of their own, the same in each language here.
        assert_eq!(of(&posts[0]), of(&posts[1]), "{posts:#?}");
    }

    #[test]
    fn the_taste_reference_is_reached() {
        let subject = &subjects()[0];
        let fr = &languages()[0];
        let life = &lives(subject)[0];
        let post = write(subject, &life.0, &life.1, fr, life.2);
        let said: Vec<String> = std::iter::once(post.first_line().plain())
            .chain(post.lines.iter().map(|line| line.text.plain()))
            .map(|line| line.replace('\u{A0}', " "))
            .collect();
        assert_eq!(
            said,
            [
                "⚠️ ATTENTION · Presse 3 · palier arrière à 80,04 °C (limite 80,00) depuis 14:05",
                "Habituel : 62 à 75 °C.",
                "À faire : vérifier le graissage du palier arrière. À 95 °C, la presse s'arrête d'elle-même.",
                "Ligne 2, mesure de 14:06.",
            ]
        );
    }

    #[test]
    fn the_linter_finds_what_is_bad_on_purpose() {
        let subject = &subjects()[0];
        let life = &lives(subject)[0];
        let good = write(subject, &life.0, &life.1, &languages()[0], life.2);
        let spoilt = |spoil: fn(&mut Post)| {
            let mut post = good.clone();
            spoil(&mut post);
            lint(&post).len()
        };
        use contract::Text;
        assert_eq!(spoilt(|_| {}), 0);
        assert!(
            spoilt(|post| post.fact = Text::default().ours("84.1999969482 > 80 @all depuis 14:05 !")) >= 3
        );
        assert!(spoilt(|post| post.fact = Text::default().ours("TAG_PRS3_TT_0412 depuis 14:05")) >= 1);
        assert!(spoilt(|post| post.fact = Text::default().ours("x".repeat(120))) >= 1);
        assert!(spoilt(|post| post.lines.clear()) >= 1);
        assert!(spoilt(|post| post.lines[0].text = Text::default().ours("URGENT ⛔ voir http://x")) >= 3);
    }
}
